"""``syft-web host`` and ``inspect`` with a bundle, against a running grid."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from syft_web import cli
from syft_web.author import Bundle, retrieve_model
from syft_web.author.tracing import trace
from syft_web.plan.plan import State

W = np.arange(6, dtype=np.float32).reshape(2, 3)
PLAN = trace(lambda x, w: x @ w, np.ones((4, 2), np.float32), W, name="apply")
RULES = {"cycle_length": 60, "max_diffs": 1, "num_cycles": 1}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "small.syft"
    Bundle("small", "1.0", State.of([W]), {"apply": PLAN}, {"lr": 0.1}, RULES).save(path)
    return str(path)


def test_host_a_bundle(grid, file, capsys):
    assert cli.main(["host", file, "--url", grid.ws_url]) == 0
    assert capsys.readouterr().out == f"small 1.0 is hosted on {grid.ws_url}\n"
    assert cli.main(["host", file, "--url", grid.ws_url, "--version", "2.0"]) == 0
    for version in ("1.0", "2.0"):
        model = asyncio.run(retrieve_model(grid.url, "small", version, 1))
        np.testing.assert_array_equal(model.tensors[0], W)


def test_a_version_that_is_there_already(grid, file, capsys):
    assert cli.main(["host", file, "--url", grid.ws_url]) == 0
    assert cli.main(["host", file, "--url", grid.ws_url]) == 1
    assert "already exists" in capsys.readouterr().err


def test_inspect_a_bundle(file, capsys):
    assert cli.main(["inspect", file]) == 0
    out = capsys.readouterr().out
    assert out.startswith("small 1.0\n")
    assert "float32[2, 3]" in out


def test_what_cannot_be_hosted(tmp_path, capsys):
    (tmp_path / "junk").write_bytes(b"syftweb")
    assert cli.main(["host", str(tmp_path / "junk"), "--url", "ws://localhost:1"]) == 1
    assert cli.main(["host", str(tmp_path / "none"), "--url", "ws://localhost:1"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("syft-web: ")
    assert "none" in second
