"""The commands that need no running grid; ``grid`` itself is run in tests/grid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from syft_web import cli
from syft_web.plan import State
from tests.paths import DATA, ROOT


def test_inspect_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(DATA / "tr_mlp.pb")]) == 0
    out = capsys.readouterr().out
    assert "matmul" in out
    assert cli.main(["inspect", str(DATA / "tr_mlp.pb"), "--framework", "tfjs"]) == 0
    assert "tf.matMul" in capsys.readouterr().out


def test_inspect_a_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.pb"
    path.write_bytes(State.of([np.ones((3, 2), np.float32), np.array(7)]).dumps())
    assert cli.main(["inspect", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "State of 2 tensors, 7 elements",
        "  0: float32[3, 2]",
        "  1: int64[]",
    ]


@pytest.mark.parametrize("content", [b"junk", b"\xff" * 20, b""])
def test_inspect_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "file.pb"
    path.write_bytes(content)
    assert cli.main(["inspect", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("syft-web: ")


def test_inspect_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(tmp_path / "missing.pb")]) == 1
    assert "missing.pb" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [[], ["nothing"], ["grid", "--port", "x"], ["grid", "--max-message", "-1"], ["inspect"]],
)
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    """In a process of its own, because a grid sets up signals and the log."""
    command = ["grid", "--port", "0", "--database", f"sqlite:///{tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-m", "syft_web.cli", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "could not be opened" in done.stderr


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys; from syft_web import cli\n"
        "try: cli.main(['grid', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'starlette', 'uvicorn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--database" in done.stdout
