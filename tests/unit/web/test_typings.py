"""What TypeScript is told of ``syft-web.js``: right code passes, wrong code does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from web import typings

RIGHT = """
import Syft, { type Job, PlanTrainerCheckpoint, Tensor, data, tensor } from "./syft-web.js";

const syft = new Syft({ url: "ws://127.0.0.1:5000", verbose: true });
const job: Job = syft.newJob({ modelName: "mnist" });
class Rows extends data.Dataset {
  get length() { return 4; }
  getItem(index: number) { return [new Float32Array(8), index]; }
}
job.on("accepted", async () => {
  const loader = new data.DataLoader({ dataset: new Rows(), batchSize: 2 });
  const trainer = job.train("training_plan", { data: loader, events: { end: () => undefined } });
  const checkpoint: PlanTrainerCheckpoint = await trainer.stop();
  const made: Tensor[] = await job.plans.training_plan.execute(syft, tensor([[1, 2]]), 3);
  const diff: ArrayBuffer = await job.model!.createSerializedDiff(made);
  await job.report(diff, { numSamples: 2, metrics: { loss: 0.5 } });
  console.log(await checkpoint.toJSON(), made[0].shape.length, await made[0].array());
});
"""
WRONG = """import { Syft, tensor } from "./syft-web.js";
import { Sift } from "./syft-web.js";
tensor("three");
new Syft({ address: "ws://127.0.0.1:5000" });
console.log(Sift);
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the declarations, as the site has them."""
    folder = tmp_path_factory.mktemp("library")
    for path, text in typings.declarations().items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(text)
    return folder


def _compile(library: Path, code: str) -> None:
    (library / "page.ts").write_text(code)
    typings.compile_with(
        *("--noEmit", "--strict", "--target", "ES2022", "--module", "ES2022"),
        *("--moduleResolution", "bundler", "--lib", "ES2022,DOM"),
        str(library / "page.ts"),
    )


def test_every_module_is_declared_with_its_words(library: Path) -> None:
    entry = (library / "syft-web.d.ts").read_text()
    assert "export default Syft" in entry
    made = {path.relative_to(library).as_posix() for path in library.rglob("*.d.ts")}
    wanted = {
        path.relative_to(typings.WEB).with_suffix(".d.ts").as_posix() for path in typings.sources()
    }
    assert made == wanted
    assert "frees" in (library / "syft-web" / "tensor.d.ts").read_text().lower()


def test_right_code_passes(library: Path) -> None:
    _compile(library, RIGHT)


def test_wrong_code_does_not(library: Path) -> None:
    with pytest.raises(typings.TypingsError) as caught:
        _compile(library, WRONG)
    for line in ("page.ts(2,", "page.ts(3,", "page.ts(4,"):
        assert line in str(caught.value)


def test_the_fingerprint_follows_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    before = typings.fingerprint()
    assert typings.fingerprint() == before
    monkeypatch.setattr(typings, "sources", lambda: [typings.WEB / "syft-web.js"])
    assert typings.fingerprint() != before
