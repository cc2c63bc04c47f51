"""What the README shows, works: commands, programs, links, error codes."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syft_web import cli, data, errors
from syft_web.grid import Server
from tests.browser.page_hosting import host_mnist
from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def _commands(program: str) -> list[list[str]]:
    """Every use of a program, in blocks and in the text, as its arguments."""
    found = re.findall(rf"(?:^|`){re.escape(program)} ([^`\n]*)", README, flags=re.MULTILINE)
    return [shlex.split(line) for line in found]


def _python(word: str) -> dict[str, Any]:
    """Run the one Python block that contains a word; gives what it defined."""
    (block,) = [block for block in _blocks("python") if word in block]
    names: dict[str, Any] = {}
    exec(compile(block, f"README ({word})", "exec"), names)
    return names


def test_build_commands_exist() -> None:
    shown = subprocess.run(
        ["bash", "build.sh", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    known = set(re.findall(r"^  (\w+) ", shown, flags=re.MULTILINE))
    used = _commands("./build.sh")
    assert {command[0] for command in used} <= known
    assert known >= {"demo", "test", "wheel", "site", "bench", "clean", "help"}


@pytest.mark.parametrize(
    ("program", "module"),
    [
        ("./build.sh demo", "web.demo"),
        ("syft-web grid", "syft_web.cli"),
        ("syft-web backup", "syft_web.cli"),
        ("syft-web restore", "syft_web.cli"),
    ],
)
def test_options_exist(program: str, module: str) -> None:
    command = program.split()[1:] if module == "syft_web.cli" else []
    shown = subprocess.run(
        [sys.executable, "-m", module, *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    options = [word for line in _commands(program) for word in line if word.startswith("--")]
    assert options
    assert [option for option in options if option not in shown] == []


@pytest.mark.parametrize("block", _blocks("python"))
def test_python_is_python(block: str) -> None:
    compile(block, "README", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def test_worker(grid: Server) -> None:
    """The program takes part in a cycle of a real grid."""
    await host_mnist(grid.ws_url, updates=5)
    take_part = _python("take_part")["take_part"]
    random = np.random.default_rng(0)
    images = random.random((640, 784), dtype=np.float32)
    labels = np.eye(10, dtype=np.float32)[random.integers(0, 10, 640)]
    assert await take_part(grid.ws_url, images, labels) == "reported"


async def test_program_that_goes_on(grid: Server, tmp_path: Path) -> None:
    """It takes part in both cycles there are, and then hears that there are no more."""
    await host_mnist(grid.ws_url, updates=2, cycles=2)
    go_on = _python("go_on")["go_on"]
    images, labels = np.zeros((128, 784), np.float32), np.eye(10, dtype=np.float32)[[1] * 128]
    loader = data.DataLoader(data.ArrayDataset(images, labels), batch_size=64)
    said = [await go_on(grid.ws_url, tmp_path / "kept", loader) for _ in range(3)]
    assert said == ["reported", "reported", "finished"]


def test_model_in_pytorch(grid: Server, tmp_path: Path) -> None:
    """The bundle is made, saved, looked at, and hosted with the command that the README shows."""
    pytest.importorskip("torch")
    bundle = _python("torch.optim.Adam")["digits"]()
    file = tmp_path / "digits.syft"
    bundle.save(file)
    inspect, *_ = [line for line in _commands("syft-web inspect") if line == ["digits.syft"]]
    assert cli.main(["inspect", str(tmp_path / inspect[0])]) == 0
    (host,) = _commands("syft-web host")
    assert host == ["digits.syft", "--url", "ws://127.0.0.1:5000"]
    assert cli.main(["host", str(file), "--url", grid.ws_url]) == 0


async def test_commands_that_watch(
    grid: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await host_mnist(grid.ws_url, updates=5)
    monkeypatch.chdir(tmp_path)
    shown = [
        [program, *words]
        for program in ("models", "cycle", "checkpoint")
        for words in _commands(f"syft-web {program}")
    ]
    assert len(shown) == 3
    for words in shown:
        here = [grid.url if word == "http://127.0.0.1:5000" else word for word in words]
        assert await asyncio.to_thread(cli.main, here) == 0, words
    assert (tmp_path / "mnist.pb").exists()


def test_settings_in_a_file(tmp_path: Path) -> None:
    """A grid reads the file that is shown; only the database is one that cannot be opened."""
    (block,) = _blocks("toml")
    file = tmp_path / "grid.toml"
    file.write_text(block)
    assert ["--config", "grid.toml"] in _commands("syft-web grid")
    done = subprocess.run(
        [sys.executable, "-m", "syft_web.cli", "grid", "--config", "grid.toml", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SYFT_WEB_GRID_DATABASE": "sqlite:///."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "could not be opened" in done.stderr


def test_examples_are_all_there() -> None:
    """`tests/unit/examples` runs each of them."""
    shown = {command[0] for command in _commands("python -m") if "examples." in command[0]}
    scripts = {path.stem for path in (ROOT / "examples").glob("*.py") if _is_script(path)}
    assert shown == {f"examples.{name}" for name in scripts}


def _is_script(path: Path) -> bool:
    return 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")


def test_script_of_a_page(tmp_path: Path) -> None:
    """The module script is JavaScript, and what it imports is there."""
    (page,) = _blocks("html")
    script = page.split('<script type="module">')[1].split("</script>")[0]
    imported = re.search(r'import \{ (.*?) \} from "\./(.*?)"', script)
    assert imported
    exported = (ROOT / "web" / imported[2]).read_text(encoding="utf-8")
    for name in imported[1].split(", "):
        assert re.search(rf"^export [^;]*\b{name}\b", exported, re.MULTILINE), name
    node = shutil.which("node")
    assert node, "Node.js is needed"
    file = tmp_path / "script.mjs"
    file.write_text(script)
    subprocess.run([node, "--check", str(file)], check=True)


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    local = [target for target in targets if "://" not in target]
    assert local
    assert [target for target in local if not (ROOT / target).exists()] == []


def test_folders_exist() -> None:
    section = README.split("## Where things are")[1]
    folders = re.findall(r"^\| `(.*?)`", section, flags=re.MULTILINE)
    assert folders
    assert [folder for folder in folders if not (ROOT / folder).exists()] == []


def test_error_codes_exist() -> None:
    section = README.split("## When something fails")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    shown = {code for row in rows for code in re.findall(r"`(.*?)`", row.split("|")[1])}
    known = {getattr(errors, name).code for name in errors.__all__}
    assert len(shown) > 5
    assert shown <= known
