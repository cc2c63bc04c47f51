"""Every row of the op table, called as plans call it: through a Plan, on several layouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from syft_web.ops import table
from syft_web.ops.row import BindError, Operand
from syft_web.plan import Action, Placeholder, Plan, Ref, Role
from tests.unit.ops.examples import (
    batches,
    elementwise,
    later,
    losses,
    matrices,
    network,
    recorded,
    reducing,
    sets,
    shaping,
    special,
    tensorflow,
    vision,
)
from tests.unit.ops.examples.base import Array, Example

EXAMPLES = [
    *elementwise.EXAMPLES,
    *reducing.EXAMPLES,
    *shaping.EXAMPLES,
    *network.EXAMPLES,
    *vision.EXAMPLES,
    *losses.EXAMPLES,
    *matrices.EXAMPLES,
    *special.EXAMPLES,
    *sets.EXAMPLES,
    *later.EXAMPLES,
    *tensorflow.EXAMPLES,
    *batches.EXAMPLES,
    *recorded.EXAMPLES,
]


def plan_of(ex: Example, outputs: int) -> tuple[Plan, list[Array]]:
    """A plan of this one action; arrays become inputs."""
    arrays: list[Array] = []

    def arg(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return Ref(f"in{len(arrays) - 1}")
        if isinstance(value, list):
            return [arg(v) for v in value]
        return value

    args = [arg(a) for a in ex.args]
    kwargs = {key: arg(a) for key, a in ex.kwargs.items()}
    method = ex.command.startswith(".")
    target = args.pop(0) if method else None
    outs = [f"out{k}" for k in range(outputs)]
    returned = list(outs)
    if ex.mutated is not None:
        assert isinstance(target if method else args[0], Ref)
        returned.append("in0")
    ids = [f"in{k}" for k in range(len(arrays))]
    action = Action(ex.command.removeprefix("."), target, tuple(args), kwargs, tuple(outs))
    role = Role(
        actions=(action,),
        placeholders=tuple(Placeholder(id) for id in ids),
        input_ids=tuple(ids),
        output_ids=tuple(returned),
    )
    framework = "tfjs" if ex.tfjs else "torch"
    return Plan.from_role(role, name=ex.command, framework=framework), arrays


def strided(a: Array) -> Array:
    """The same values in memory with gaps and reversed order of dimensions."""
    wide = np.zeros((*a.shape[::-1], 2), a.dtype)
    view = wide[..., 0].T
    view[...] = a
    return view


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": np.array,
    "strided": strided,
    "fortran": np.asfortranarray,
}


@pytest.mark.parametrize("ex", EXAMPLES, ids=[f"{k}-{e.label}" for k, e in enumerate(EXAMPLES)])
def test_example(ex: Example) -> None:
    outputs = len(ex.want) if isinstance(ex.want, list) else ex.results
    plan, arrays = plan_of(ex, outputs)
    for layout, change in LAYOUTS.items():
        given = [change(a).reshape(a.shape) for a in arrays]
        before = [a.copy() for a in given]
        results = plan.execute(*given)
        for a, kept in zip(given, before, strict=True):
            np.testing.assert_array_equal(a, kept, "an argument was changed")
        for result in results:
            assert type(result) is np.ndarray
            assert result.flags.writeable
            assert not any(np.shares_memory(result, a) for a in given)
        if ex.mutated is not None:
            compare(results.pop(), ex.mutated, ex, layout)
        if callable(ex.want):
            ex.want(results)
            continue
        wanted = ex.want if isinstance(ex.want, list) else [ex.want]
        assert len(results) == len(wanted)
        for got, want in zip(results, wanted, strict=True):
            compare(got, want, ex, layout)


def compare(got: Array, want: Array, ex: Example, layout: str) -> None:
    assert got.dtype == want.dtype, f"{layout}: dtype {got.dtype}, expected {want.dtype}"
    assert got.shape == want.shape, f"{layout}: shape {got.shape}, expected {want.shape}"
    np.testing.assert_allclose(got, want, ex.rtol, ex.atol, err_msg=layout)


def test_every_row_has_an_example() -> None:
    used = set()
    for ex in EXAMPLES:
        method = ex.command.startswith(".")
        op = table.lookup(
            ex.command.removeprefix("."), method=method, framework="tfjs" if ex.tfjs else "torch"
        )
        assert op is not None, ex.command
        args = [operands(a) for a in ex.args]
        kwargs = {key: operands(a) for key, a in ex.kwargs.items()}
        try:
            used.add(id(op.bind(args, kwargs).row))
        except BindError:
            used.add(id(op.bind([*args, *kwargs.values()], {}).row))
    rows = [row for module in table._MODULES for row in module.row.rows]
    missing = [f"{row} {row.names}" for row in rows if id(row) not in used]
    assert not missing


def operands(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return Operand(0)
    return [operands(v) for v in value] if isinstance(value, list) else value
