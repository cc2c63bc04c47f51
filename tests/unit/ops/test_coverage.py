"""What the table covers: every command that could be recorded, and the page that lists it."""

from __future__ import annotations

from pathlib import Path

import pytest

from syft_web import cli
from syft_web.errors import UnknownCommandError
from syft_web.ops import coverage, table
from syft_web.ops.exclusions import EXCLUSIONS, GROUPS
from syft_web.plan import Action, Placeholder, Plan, Ref, Role
from tests.paths import ROOT

PAGE = ROOT / "web/docs/ops.md"
RECORDABLE = (Path(__file__).parent / "recordable_commands.txt").read_text("utf-8").split()
"""Every command of protocol.md sections 4.8 and 4.9: what torch 1.4 under PySyft 0.2.9, and
the translation to TensorFlow.js, could write into a plan. Methods begin with a dot."""


def framework_of(command: str) -> str:
    return "torch" if command.startswith((".", "torch.")) else "tfjs"


def is_row(command: str) -> bool:
    name, method = command.removeprefix("."), command.startswith(".")
    return table.lookup(name, method=method, framework=framework_of(command)) is not None


def test_the_list_is_whole() -> None:
    assert len(RECORDABLE) == len(set(RECORDABLE))
    assert sum(c.startswith(".") for c in RECORDABLE) == 54 + 103 + 250 + 7 + 2
    assert sum(c.startswith("torch.nn.functional.") for c in RECORDABLE) == 115
    assert sum(framework_of(c) == "tfjs" for c in RECORDABLE) == 85


def test_every_recordable_command_is_a_row_or_left_out_for_a_reason() -> None:
    undecided = [
        command
        for command in RECORDABLE
        if not is_row(command)
        and not table.reason_excluded(command.removeprefix("."), framework=framework_of(command))
    ]
    assert not undecided


def test_nothing_is_both() -> None:
    assert not [command for command in EXCLUSIONS if is_row(command)]
    assert len(EXCLUSIONS) == sum(len(commands) for commands in GROUPS.values())


@pytest.mark.parametrize("command", sorted(EXCLUSIONS))
def test_a_plan_with_a_command_that_is_left_out_is_told_why(command: str) -> None:
    target = Ref("x") if command.startswith(".") else None
    action = Action(command.removeprefix("."), target, (Ref("x"),), {}, ("y",))
    role = Role(
        actions=(action,),
        placeholders=(Placeholder("x"), Placeholder("y")),
        input_ids=("x",),
        output_ids=("y",),
    )
    framework = "tfjs" if command.startswith("tf.") else "torch"
    with pytest.raises(UnknownCommandError) as caught:
        Plan.from_role(role, name="plan", framework=framework)
    assert EXCLUSIONS[command] in str(caught.value)


def test_a_method_is_not_left_out_because_of_a_function() -> None:
    assert table.reason_excluded("torch.fft") is None
    assert table.reason_excluded("tf.spectral.fft", framework="tfjs") is not None
    assert table.reason_excluded("sparse_coo_tensor") is None
    assert table.reason_excluded("no_such_command") is None


def test_the_page_says_what_the_table_says() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == coverage.report("markdown"), (
        "the op table has changed; write the page anew with "
        "`syft-web ops --format markdown > web/docs/ops.md`"
    )


def test_every_name_is_on_the_page() -> None:
    text = coverage.report("text").split()
    assert set(table.all_names()) <= set(text)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("torch.add", "torch"), ("torch.add_", "in-place"), (".add", "method"), (".add_", "in-place"),
     (".__iadd__", "in-place"), (".__invert__", "method"), ("tf.add", "tfjs"),
     ("torch.nn.functional.relu", "functional"), ("torch.ops.aten.relu_.default", "aten")],
)  # fmt: skip
def test_kinds_of_names(name: str, kind: str) -> None:
    assert coverage.kind_of(name) == kind


def test_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ops"]) == 0
    whole = capsys.readouterr().out
    assert whole == coverage.report()
    assert "add(self, other, *, alpha=1)" in whole
    assert "torch.sparse_coo_tensor" in whole
    assert cli.main(["ops", "--missing", "--format", "markdown"]) == 0
    missing = capsys.readouterr().out
    assert "torch.sparse_coo_tensor" in missing
    assert "add(self, other, *, alpha=1)" not in missing
    with pytest.raises(SystemExit):
        cli.main(["ops", "--format", "xml"])
    capsys.readouterr()


def test_no_such_format() -> None:
    with pytest.raises(ValueError, match="'xml'"):
        coverage.report("xml")
