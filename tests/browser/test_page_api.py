"""The shim for web developers, `syft-web.js`, used from a page without the demo."""

from __future__ import annotations

import pytest

from tests.browser.page_hosting import host_mnist

# A cycle as syft.js's README would have it; gives what happened.
CYCLE = """async ([base, url]) => {
  const { Syft, PlanInputSpec, PlanOutputSpec, Tensor, data } = await import(base + "/syft-web.js");
  const said = [];
  const syft = new Syft({ url, verbose: false });
  const job = syft.newJob({ modelName: "mnist", modelVersion: "1.0" });
  const rows = 64;
  const dataset = new data.ArrayDataset([
    { data: new Uint8Array(rows * 784).fill(128), shape: [rows, 784], divide: 255 },
    { data: new Uint8Array(rows).map((_, i) => i % 10), oneHot: 10 },
  ]);
  const params = [0, 1, 2, 3];
  const inputs = [
    new PlanInputSpec(PlanInputSpec.TYPE_DATA, "X", 0),
    new PlanInputSpec(PlanInputSpec.TYPE_DATA, "y", 1),
    new PlanInputSpec(PlanInputSpec.TYPE_BATCH_SIZE),
    new PlanInputSpec(PlanInputSpec.TYPE_CLIENT_CONFIG_PARAM, "lr"),
    ...params.map((i) => new PlanInputSpec(PlanInputSpec.TYPE_MODEL_PARAM, null, i)),
  ];
  const outputs = [
    new PlanOutputSpec(PlanOutputSpec.TYPE_LOSS),
    new PlanOutputSpec(PlanOutputSpec.TYPE_METRIC, "accuracy"),
    ...params.map((i) => new PlanOutputSpec(PlanOutputSpec.TYPE_MODEL_PARAM, null, i)),
  ];
  await new Promise((resolve, reject) => {
    job.on("error", reject);
    job.on("rejected", () => reject(new Error("rejected")));
    job.on("accepted", async function ({ model, clientConfig }) {
      said.push(this === job && this.model === model && clientConfig.max_updates);
      said.push(model.params.map((param) => param.shape.join("x")).join(" "));
      const trainer = this.train("training_plan", {
        inputs,
        outputs,
        data: dataset,
        batchSize: 16,
        events: { start: () => said.push("start"), batchEnd: ({ batch }) => said.push(batch) },
      });
      trainer.on("error", reject);
      trainer.on("end", async () => {
        said.push("end");
        const byModel = await model.createSerializedDiffFromModel(trainer.currentModel);
        const byParams = await model.createSerializedDiff(trainer.currentModel.params);
        said.push(byModel instanceof ArrayBuffer && byModel.byteLength > 311650 * 4);
        said.push(byModel.byteLength === byParams.byteLength);

        const x = await Tensor.from(syft.runtime, new Float32Array(784), [1, 784]);
        const y = await Tensor.from(syft.runtime, new Float32Array(10).fill(0.1), [1, 10]);
        const plan = job.plans["training_plan"];
        const result = await plan.execute(job.worker, x, y, 1, 0.1, ...model.params);
        said.push(result.length, (await result[0].data())[0]);
        [x, y, ...result].forEach((tensor) => tensor.dispose());

        await job.report(byModel);
        said.push("reported");
        await syft.close();
        resolve();
      });
    });
    job.start();
  });
  return said;
}"""


async def test_a_cycle_in_the_words_of_syft_js(page, site_url, grid):
    await host_mnist(grid.ws_url, updates=3)
    await page.goto(f"{site_url}/")
    said = await page.evaluate(CYCLE, [site_url, grid.ws_url])
    loss = said.pop(-2)
    assert loss == pytest.approx(2.3, abs=0.3)
    assert said == [
        3,
        "392x784 392 10x392 10",
        "start",
        0,
        1,
        2,
        "end",
        True,
        True,
        6,
        "reported",
    ]


async def test_starting_tells_real_bytes_and_data_are_moved(page, site_url):
    await page.goto(f"{site_url}/")
    boots, left, python = await page.evaluate(
        """async (base) => {
          const { Runtime, ArrayDataset } = await import(base + "/syft-web.js");
          const runtime = new Runtime();
          const boots = [];
          runtime.on("boot", ({ stage, received, total }) => boots.push([stage, received, total]));
          const images = new Uint8Array(20 * 784);
          const dataset = new ArrayDataset([{ data: images, shape: [20, 784] }], { runtime });
          await dataset.ready;
          const { python } = await runtime.ready;
          runtime.terminate();
          return [boots, images.byteLength, python];
        }""",
        site_url,
    )
    assert list(dict.fromkeys(stage for stage, _, _ in boots)) == ["runtime", "import", "ready"]
    received = [count for _, count, _ in boots]
    assert received == sorted(received)
    assert len(set(received)) > 5
    # The core and NumPy, as they lie on the disk.
    assert boots[-1][1] == boots[-1][2] > 16_000_000
    assert left == 0
    assert python.startswith("3.12")


async def test_failures_have_a_code_and_a_place(page, site_url, grid):
    await page.goto(f"{site_url}/")
    failures = await page.evaluate(
        """async ([base, url]) => {
          const { Syft, Tensor, SyftError, sharedRuntime } = await import(base + "/syft-web.js");
          const tell = (e) => [e instanceof SyftError, e.code, e.where];
          const failures = [];
          const bad = new Syft({ url: "no address" }).newJob({ modelName: "m" });
          bad.on("error", (error) => failures.push(tell(error)));
          failures.push((await bad.request()).status);
          const job = new Syft({ url }).newJob({ modelName: "nobody's", modelVersion: "1" });
          failures.push(tell((await job.request()).error));
          await job.report(new ArrayBuffer(8)).catch((error) => failures.push(tell(error)));
          await sharedRuntime().call("dance").catch((error) => failures.push(tell(error)));
          const short = Tensor.from(sharedRuntime(), new Float32Array(3), [2, 2]);
          await short.catch((error) => failures.push(tell(error)));
          return failures;
        }""",
        [site_url, grid.ws_url],
    )
    assert failures == [
        [True, "grid.address", "open"],
        "error",
        [True, "grid.refused", "request / authenticate"],
        [True, "cycle.state", "report"],
        [True, "bridge", "dance"],
        [True, "data", "tensor"],
    ]
