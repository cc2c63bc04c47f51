"""Options from the command line, the environment and a file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from syft_web import cli
from syft_web.cli import grid
from syft_web.cli.settings import SettingsParser


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(grid.PREFIX)]:
        monkeypatch.delenv(name)


def parse(*words: str) -> argparse.Namespace:
    """What ``syft-web grid`` would run with."""
    parser = argparse.ArgumentParser(prog="syft-web")
    grid.add_command(parser.add_subparsers(parser_class=SettingsParser))
    return parser.parse_args(["grid", *words])


def test_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "grid.toml"
    file.write_text('port = 1\nhost = "file"\ndatabase = "file"\nmax_message = 0.5\n')
    monkeypatch.setenv("SYFT_WEB_GRID_PORT", "2")
    monkeypatch.setenv("SYFT_WEB_GRID_HOST", "environment")
    options = parse("--config", str(file), "--port", "3")
    assert (options.port, options.host, options.database) == (3, "environment", "file")
    assert options.max_message == 512 * 1024
    assert options.log_format == "text"
    assert not hasattr(options, "memory")


def test_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "grid.toml"
    file.write_text(
        'dashboard = false\nverbose = true\nworkers = 2\nlog-format = "json"\n'
        'admin-token-file = "token"\nidle-seconds = 1.5\n'
    )
    monkeypatch.setenv("SYFT_WEB_GRID_CONFIG", str(file))
    options = parse()
    assert options.dashboard is False
    assert options.verbose is True
    assert options.workers == 2
    assert options.log_format == "json"
    assert options.admin_token_file == Path("token")
    assert options.idle_seconds == 1.5
    monkeypatch.setenv("SYFT_WEB_GRID_DASHBOARD", "on")
    assert parse().dashboard is True
    assert parse("--no-dashboard").dashboard is False


def test_every_problem_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "grid.toml"
    file.write_text(
        'port = "x"\nhots = "a"\nmax-message = -1\nverbose = 3\nlog-format = "xml"\n[memory]\n'
    )
    monkeypatch.setenv("SYFT_WEB_GRID_WORKERS", "many")
    monkeypatch.setenv("SYFT_WEB_GRID_DATABSE", "x")
    monkeypatch.setenv("SYFT_WEB_GRID_SERVICE_HOST", "10.0.0.1")
    with pytest.raises(SystemExit) as caught:
        parse("--config", str(file))
    assert caught.value.code == 2
    head, *problems = capsys.readouterr().err.splitlines()
    assert head.endswith("these settings are not valid:")
    assert [problem.replace(str(file), "FILE").strip() for problem in problems] == [
        "FILE: port: 'x' is no whole number",
        "FILE: hots: there is no such setting; do you mean host?",
        "FILE: max-message: '-1' is no number above 0",
        "FILE: verbose: must be true or false",
        "FILE: log-format: 'xml' is none of text, json",
        "FILE: memory: must be a text or a number",
        "SYFT_WEB_GRID_DATABSE: there is no such setting; do you mean database?",
        "SYFT_WEB_GRID_WORKERS: 'many' is no number of 1 to 256",
    ]


@pytest.mark.parametrize(
    ("content", "problem"), [(b"port", "is no TOML"), (b"\xff", "is no TOML"), (None, "be read")]
)
def test_a_file_that_is_none(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    problem: str,
) -> None:
    file = tmp_path / "grid.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SystemExit):
        cli.main(["grid", "--config", str(file)])
    assert problem in capsys.readouterr().err


def test_the_help_does_not_tell_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYFT_WEB_GRID_DATABASE", "postgresql://grid:password@host/grid")
    with pytest.raises(SystemExit):
        parse("--help")
    assert "password" not in capsys.readouterr().out


def test_other_commands_read_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYFT_WEB_GRID_PORT", "x")
    assert cli.main(["ops", "--missing"]) == 0
