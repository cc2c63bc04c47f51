"""Shape and dtype of every op's results, from the shapes and dtypes of its operands.

One module per kind of op; `base` says how a rule is written. A module is registered by
its name in `_MODULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from syft_web.ops.infer import (
    captured,
    conv,
    create,
    decompose,
    elementwise,
    index,
    later,
    layouts,
    linalg,
    manipulate,
    network,
    networks,
    reduce,
    shape,
    special,
)
from syft_web.ops.infer.base import RowRule, ShapeRule
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec, Unknown

__all__ = ["ShapeRule", "result_specs", "rule_for"]

_MODULES: tuple[ModuleType, ...] = (
    elementwise,
    reduce,
    shape,
    index,
    linalg,
    conv,
    network,
    create,
    decompose,
    special,
    manipulate,
    later,
    captured,
    layouts,
    networks,
)
"""Each has an attribute ``rules``, a `ShapeRules`."""


def _build() -> dict[str, ShapeRule | RowRule]:
    found: dict[str, ShapeRule | RowRule] = {}
    for module in _MODULES:
        for name, rule in module.rules.rules.items():
            found.setdefault(name, rule)  # a test holds that there are no two
    return found


_RULES = _build()
_FOUND: dict[Row, ShapeRule | RowRule | None] = {}


def _declared(row: Row) -> ShapeRule | RowRule | None:
    if row in _FOUND:
        return _FOUND[row]
    tfjs = row.names[0].startswith("tf.")
    rule = _RULES.get(str(row)) or _RULES.get(f"tf.{row.name}" if tfjs else row.name)
    _FOUND[row] = rule
    return rule


def rule_for(row: Row) -> ShapeRule | None:
    """The shape rule of a row: it takes the row's values positionally. None: there is none."""
    rule = _declared(row)
    if isinstance(rule, RowRule):
        whole: Callable[[Row, Sequence[Any]], Any] = rule.apply
        return lambda *values: whole(row, values)
    return rule


def result_specs(row: Row, values: Sequence[Any]) -> tuple[Spec | Unknown, ...]:
    """What a call of this row gives.

    Args:
        row: The row.
        values: One per parameter, as bound, with a `Spec` or `UNKNOWN` in place of each
            `Operand` (also inside lists). Where the parameter is a Python number and its
            value is known, the number itself.

    Returns:
        One per result; a single `UNKNOWN` when not even their number is known.

    Raises:
        ValueError: The operands do not fit; says why.
    """
    rule = _declared(row)
    nothing = (UNKNOWN,) * (row.n_outputs or 1)
    if rule is None or any(map(_holds_unknown, values)):
        return nothing
    tolerant = isinstance(rule, RowRule) and rule.numbers
    if not tolerant and any(
        _holds_spec(value)
        for param, value in zip(row.params, values, strict=True)
        if not param.type.startswith(("Tensor", "Value", "any"))
    ):
        return nothing
    call = partial(rule.apply, row, values) if isinstance(rule, RowRule) else partial(rule, *values)
    try:
        result = call()
    except (ArithmeticError, IndexError) as error:
        raise ValueError(str(error)) from error
    except (AttributeError, KeyError, RuntimeError, TypeError):
        return nothing  # arguments of kinds the rule does not expect: the row itself will tell
    if isinstance(result, Spec | Unknown):
        return (result,)
    return tuple(result)


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_unknown, value))
    return isinstance(value, Unknown)


def _holds_spec(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_holds_spec, value))
    return isinstance(value, Spec)
