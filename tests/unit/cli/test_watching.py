"""``syft-web models``, ``cycle show`` and ``checkpoint get``, against a running grid."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from syft_web import cli
from syft_web.cli.checkpoint import write_whole
from syft_web.errors import HostError
from syft_web.grid import Server
from syft_web.grid.watch import Watching
from syft_web.plan import State
from tests.grid.talk import SHAPES, Talk, host_data, retrieve, small_diff
from web.serve import SiteServer

TOKEN = "an admin token of this test"


@pytest.fixture
def trained(grid: Server) -> Server:
    """A grid with a model that has had one cycle of two."""
    with Talk(grid) as talk:
        talk.call("host-training", host_data(max_diffs=1, num_cycles=2))
        diff = base64.b64encode(State.of(small_diff(0)).dumps()).decode()
        talk.call("report", {**talk.join(), "diff": diff, "metrics": {"loss": 0.25}})
        assert grid.settle()
        talk.join()
    return grid


def test_models(trained: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "--url", trained.ws_url]) == 0
    head, row = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head == ["NAME", "VERSION", "STATE", "CYCLES", "REPORTS", "WORKERS", "CHECKPOINT"]
    assert row == ["m", "1.0.0", "training", "1", "of", "2", "0", "of", "1", "2", "2"]
    assert cli.main(["models", "--url", trained.url, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["models"][0]["charts"] == {"loss": [[2, 0.25]]}


def test_no_models(grid: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "--url", grid.url]) == 0
    assert capsys.readouterr().out.startswith("No model is hosted")


def test_cycle_show(trained: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cycle", "show", "m", "--url", trained.url]) == 0
    out = capsys.readouterr().out
    assert out.startswith("m 1.0.0: training\n1 of 2 cycles done")
    assert "  max_diffs: 1\n" in out
    assert "2           1                   loss=0.25\n" in out
    command = ["cycle", "show", "m", "--url", trained.url, "--limit", "1", "--json"]
    assert cli.main([*command, "--version", "1.0.0"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [cycle["number"] for cycle in answer["cycle_list"]] == [2]
    assert cli.main([*command, "--version", "2"]) == 1
    assert "No model of this name and version" in capsys.readouterr().err


def test_names_do_not_steer_the_terminal(grid: Server, capsys: pytest.CaptureFixture[str]) -> None:
    with Talk(grid) as talk:
        talk.call("host-training", host_data("\x1b[2Jm\n"))
    for command in (["models"], ["cycle", "show", "\x1b[2Jm\n"]):
        assert cli.main([*command, "--url", grid.url]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "\\x1b[2Jm\\n" in out


def test_a_grid_that_wants_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SYFT_WEB_ADMIN_TOKEN", raising=False)
    file = tmp_path / "token"
    file.write_text(TOKEN.replace(" ", "-"))
    shut = Watching(dashboard=False)
    with Server(admin_token=file.read_text(), watching=shut) as grid:
        with Talk(grid) as talk:
            data = {**host_data(), "admin_token": file.read_text()}
            assert talk.call("host-training", data) == {"status": "success"}
        for command in (["models"], ["cycle", "show", "m"]):
            assert cli.main([*command, "--url", grid.url]) == 1
            assert "needs its admin token" in capsys.readouterr().err
            assert cli.main([*command, "--url", grid.url, "--token-file", str(file)]) == 0
            assert "1.0.0" in capsys.readouterr().out


def test_checkpoint_get(
    trained: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model.pb"
    command = ["checkpoint", "get", "m", "--url", trained.url, "-o", str(file)]
    assert cli.main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["bytes"], answer["elements"]) == (file.stat().st_size, 9)
    assert file.read_bytes() == retrieve(trained.url).content
    assert cli.main(command) == 1
    assert "--force" in capsys.readouterr().err
    assert cli.main([*command, "--force", "--checkpoint", "1", "--version", "1.0.0"]) == 0
    first, _ = State.loads(file.read_bytes()).tensors
    np.testing.assert_array_equal(first, np.ones(SHAPES[0], np.float32))
    assert cli.main([*command, "--force", "--checkpoint", "9"]) == 1
    assert not list(tmp_path.glob(".*"))


def test_a_file_is_written_whole_or_not(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_whole(file, b"first")
    with pytest.raises(HostError, match="there already"):
        write_whole(file, b"second")
    write_whole(file, b"second", replace=True)
    assert file.read_bytes() == b"second"
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        write_whole(folder, b"third", replace=True)
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "file", b"fourth")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_where_there_is_no_grid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SiteServer(tmp_path) as site:
        assert cli.main(["models", "--url", site.url]) == 1
    assert "no grid of this package" in capsys.readouterr().err
    assert cli.main(["models", "--url", "http://127.0.0.1:1"]) == 1
    assert "No connection" in capsys.readouterr().err
