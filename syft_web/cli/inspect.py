"""``syft-web inspect``: what is in a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from syft_web.errors import PlanError

__all__ = ["add_command"]


def add_command(commands: Any) -> None:
    """Declare the command and its options."""
    inspect = commands.add_parser(
        "inspect",
        help="show what is in a plan, model or bundle file",
        description="Prints the listing of a Plan and what the engine makes of it (steps, memory, "
        "work), the shapes of a State, or what a bundle would host.",
    )
    inspect.add_argument("file", type=Path, help="bytes of a Plan, State or bundle")
    inspect.add_argument(
        "--framework", metavar="NAME", help="role of the plan to show: torch, tfjs, ..."
    )
    inspect.add_argument(
        "--batch", type=int, metavar="N", help="rows of the batch, if not those of the recording"
    )
    inspect.add_argument(
        "--time", action="store_true", help="run it with random arguments and measure each step"
    )
    inspect.set_defaults(run=_inspect)


def _inspect(options: argparse.Namespace) -> int:
    data = options.file.read_bytes()
    kind = _kind(data)
    if kind == "bundle":
        _show_bundle(data)
    elif kind == "state":
        _show_state(data)
    else:
        _show_plan(data, options)
    return 0


def _kind(data: bytes) -> str:
    """``"bundle"``, ``"state"`` or ``"plan"``; a plan also when it is nothing that is known."""
    from syft_web.author.bundle import KIND
    from syft_web.wire import bundle as container
    from syft_web.wire import syft_proto as pb

    if data.startswith(container.MAGIC):
        return "bundle" if container.kind_of(data) == KIND else "plan"
    looks_like = [kind for kind in ("State", "Plan") if pb.generation(data, kind) == "G4"]
    return "state" if looks_like == ["State"] else "plan"


def _show_bundle(data: bytes) -> None:
    from syft_web.author import Bundle

    print(Bundle.loads(data).describe(), end="")


def _show_state(data: bytes) -> None:
    from syft_web.plan import State

    tensors = State.loads(data).tensors
    print(f"State of {len(tensors)} tensors, {sum(t.size for t in tensors)} elements")
    for index, tensor in enumerate(tensors):
        print(f"  {index}: {tensor.dtype}{list(tensor.shape)}")


def _show_plan(data: bytes, options: argparse.Namespace) -> None:
    from syft_web.plan import Plan

    plan = Plan.loads(data, options.framework)
    print(plan.listing())
    try:
        print(plan.explain(batch=options.batch, time=options.time), end="")
    except PlanError as error:
        print(f"With the shapes of the recording it does not run: {error}")
