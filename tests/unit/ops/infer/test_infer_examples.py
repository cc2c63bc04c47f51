"""The shape rules against what the numpy rules really give, over every example of every op."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from syft_web.ops import infer, table
from syft_web.ops.row import BindError, Operand, Row
from syft_web.ops.spec import UNKNOWN, Spec, Unknown, spec_of
from tests.unit.ops.examples.base import Array, Example
from tests.unit.ops.test_examples import EXAMPLES

# Rows whose results have sizes that only the data decides. A rule says UNKNOWN for them,
# always or (second set) for some arguments.
BY_DATA = {
    "masked_select": "as many elements as the mask has True",
    "nonzero": "as many rows as there are elements that are not zero",
    "unique": "as many elements as there are different ones",
    "unique_dim": "as `unique`",
    "argwhere": "as `nonzero`",
    "unique_consecutive": "as `unique`",
    "bincount": "up to the largest number",
    "where(condition)": "as `nonzero`",
}
SOMETIMES = {
    "repeat_interleave": "the counts are the values of a tensor",
    "one_hot": "up to the largest class number",
    "getitem": "a mask chooses",
    "index": "a mask chooses",
    "_ctc_loss": "the lengths are the values of a tensor",
}


def bound(ex: Example) -> tuple[table.Bound, list[Array]]:
    """The row an example uses, its values with operands, and the arrays behind those."""
    arrays: list[Array] = []

    def arg(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return Operand(len(arrays) - 1)
        return [arg(v) for v in value] if isinstance(value, list) else value

    args = [arg(a) for a in ex.args]
    kwargs = {key: arg(a) for key, a in ex.kwargs.items()}
    op = table.lookup(
        ex.command.removeprefix("."),
        method=ex.command.startswith("."),
        framework="tfjs" if ex.tfjs else "torch",
    )
    assert op is not None
    try:
        return op.bind(args, kwargs), arrays
    except BindError:
        return op.bind([*args, *kwargs.values()], {}), arrays


def filled(value: Any, arrays: list[Array], make: Any) -> Any:
    """Operands replaced: by `make` of the array, or by the number they stand for."""
    if isinstance(value, Operand):
        array = arrays[value.register]
        return array.item() if value.convert else make(array)
    return [filled(v, arrays, make) for v in value] if isinstance(value, list) else value


def keyed(row: Row) -> str:
    return "where(condition)" if str(row) == "where(condition)" else row.name


@pytest.mark.parametrize("ex", EXAMPLES, ids=[f"{k}-{e.label}" for k, e in enumerate(EXAMPLES)])
def test_inferred_equals_actual(ex: Example) -> None:
    found, arrays = bound(ex)
    specs = infer.result_specs(found.row, [filled(v, arrays, spec_of) for v in found.values])
    with np.errstate(all="ignore"):
        result = found.row.rule(*[filled(v, arrays, np.array) for v in found.values])
    actual = list(result) if isinstance(result, list | tuple) else [result]
    if any(isinstance(s, Unknown) for s in specs):
        assert keyed(found.row) in BY_DATA or keyed(found.row) in SOMETIMES, found.row
        return
    assert [(s.shape, s.dtype) for s in specs] == [(a.shape, a.dtype) for a in actual]  # type: ignore[union-attr]
    for spec, array in zip(specs, actual, strict=True):
        if isinstance(spec, Spec) and spec.value is not None:
            np.testing.assert_equal(spec.value, array.item())


def test_every_row_has_a_rule() -> None:
    rows = [row for module in table._MODULES for row in module.row.rows]
    missing = sorted({str(row) for row in rows if infer.rule_for(row) is None})
    assert not missing


def test_every_rule_has_a_row() -> None:
    rows = [row for module in table._MODULES for row in module.row.rows]
    known = {str(row) for row in rows} | {row.name for row in rows}
    known |= {f"tf.{row.name}" for row in rows if row.names[0].startswith("tf.")}
    assert not set(infer._RULES) - known


def test_unknown_operands_give_unknown_results() -> None:
    rows = [row for module in table._MODULES for row in module.row.rows]
    for row in rows:
        if not row.params:
            continue
        values: list[Any] = [UNKNOWN] * len(row.params)
        assert set(infer.result_specs(row, values)) == {UNKNOWN}
