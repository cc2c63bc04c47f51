"""How shape rules are written and found.

A shape rule takes what the row's numpy rule takes, positionally, with a `Spec` where that
has an array, and gives the `Spec` of the result (a list of them when there are several).
It raises ValueError, in the words a person needs, when the operands do not fit. It
returns `UNKNOWN` when the result depends on the data. It is called only when everything
it is given is known.

Four ways to declare one, as decorators on a `ShapeRules` object, with the names of rows:

* ``rules("names")``: the function gives whole specs.
* ``rules.shapes("names")``: it gives shapes only; the dtypes are learned by a probe, that is
  by calling the numpy rule once on arrays of one element (`probe`).
* ``rules.by_row("names")``: it takes the row and the list of values.
* ``rules.views("names")`` (no function): the numpy rule itself is run on an array that
  has the shape but no memory. Only for rules that never copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from syft_web.ops.bounds import TooLargeError
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec, Unknown, spec_of

__all__ = [
    "Inferred",
    "RowRule",
    "ShapeRule",
    "ShapeRules",
    "probe",
    "stand_in",
    "typed",
    "viewed",
]

Inferred = Spec | Unknown | Sequence[Spec | Unknown]
ShapeRule = Callable[..., Any]
Shape = tuple[int, ...]
_Rule = TypeVar("_Rule", bound=ShapeRule)

_PROBED: dict[Any, tuple[np.dtype[Any], ...] | None] = {}
_ARRAY_TYPES = ("Tensor", "Value", "any")
_ADDRESSABLE = np.iinfo(np.intp).max
_MOST_PROBED_SIZE = 1000
_MOST_PROBED = 20_000  # entries; a plan has few different ones


@dataclass(frozen=True, slots=True)
class RowRule:
    """A shape rule that wants to see the row.

    Attributes:
        apply: Takes the row and its values.
        numbers: It can do with a `Spec` where the numpy rule wants a Python number, that is
            with the number's dtype alone.
    """

    apply: Callable[[Row, Sequence[Any]], Inferred]
    numbers: bool = False


class ShapeRules:
    """The shape rules of one module; see the module's docstring.

    Names are names of signatures (`Row.name`), separated by spaces; rows that share a name
    share the rule. Those of the tfjs role begin with ``tf.``. A row that differs from its
    namesakes is meant by its whole signature text, as ``str(row)`` gives it.
    """

    def __init__(self) -> None:
        self.rules: dict[str, ShapeRule | RowRule] = {}

    def __call__(self, names: str) -> Callable[[_Rule], _Rule]:
        """Declare a rule that takes the values and gives specs."""

        def declare(rule: _Rule) -> _Rule:
            self.add(names, rule)
            return rule

        return declare

    def shapes(
        self, names: str, *, numbers: bool = False, **probed_with: Any
    ) -> Callable[[_Rule], _Rule]:
        """Declare a rule that takes the values and gives a shape, or a list of shapes.

        Args:
            names: See the class.
            numbers: As in `RowRule`.
            probed_with: Values of parameters that fit arrays of one element.
        """

        def declare(rule: _Rule) -> _Rule:
            def apply(row: Row, values: Sequence[Any]) -> Inferred:
                return typed(row, values, rule(*values), **probed_with)

            self.add(names, RowRule(apply, numbers))
            return rule

        return declare

    def by_row(self, names: str, *, numbers: bool = False) -> Callable[[_Rule], _Rule]:
        """Declare a rule that takes the row and its values."""

        def declare(rule: _Rule) -> _Rule:
            self.add(names, RowRule(rule, numbers))
            return rule

        return declare

    def views(self, names: str) -> None:
        """Declare rows whose numpy rule only makes views."""
        self.add(names, RowRule(viewed))

    def add(self, names: str, rule: ShapeRule | RowRule) -> None:
        """Declare a rule for these names."""
        for name in names.split() if "(" not in names else [names]:
            if name in self.rules:
                raise ValueError(f"a second shape rule for {name}")
            self.rules[name] = rule


def stand_in(spec: Spec) -> np.ndarray:
    """An array of this shape and dtype that has no memory of its own but one element.

    Raises:
        TooLargeError: No array on this platform can have so many bytes.
    """
    if math.prod(max(n, 1) for n in spec.shape) * spec.dtype.itemsize > _ADDRESSABLE:
        raise TooLargeError(f"{spec} has more bytes than can be addressed")
    return np.broadcast_to(np.zeros((), spec.dtype), spec.shape)


def _arrays(value: Any, make: Callable[[Spec], Any]) -> Any:
    if isinstance(value, Spec):
        return make(value)
    if isinstance(value, list | tuple):
        return [_arrays(v, make) for v in value]
    return value


def viewed(row: Row, values: Sequence[Any]) -> Inferred:
    """What the row's rule makes of arrays without memory; only for rules that make views."""
    result = row.rule(*_arrays(list(values), stand_in))
    if isinstance(result, np.ndarray):
        return spec_of(result)
    return [spec_of(part) for part in result]


def typed(
    row: Row, values: Sequence[Any], shape: Shape | list[Shape] | Unknown, **probed_with: Any
) -> Inferred:
    """Specs of these shapes, with the dtypes that a probe of the row gives."""
    if isinstance(shape, Unknown):
        return shape
    shapes = shape if isinstance(shape, list) else [shape]
    dtypes = probe(row, values, **probed_with)
    if dtypes is None:
        return [UNKNOWN] * len(shapes)
    return [Spec(s, dtypes[min(i, len(dtypes) - 1)]) for i, s in enumerate(shapes)]


def probe(row: Row, values: Sequence[Any], **instead: Any) -> tuple[np.dtype[Any], ...] | None:
    """The dtypes of a row's results, learned by calling its rule on arrays of one element.

    Args:
        row: The row.
        values: One per parameter; a `Spec` stands for an array, or for a number where the
            parameter is one.
        instead: Other values for some parameters.

    Returns:
        One dtype per result, or None when the rule does not take arrays of one element.

    Raises:
        ValueError: The rule refuses these dtypes.
    """
    given = [_small(instead.get(p.name, v)) for p, v in zip(row.params, values, strict=True)]
    key = (row.signature, row.names, tuple(map(_key, given)))
    if key in _PROBED:
        return _PROBED[key]
    if len(_PROBED) > _MOST_PROBED:
        _PROBED.clear()
    for element in (1, 0):  # where one is no index, zero is; where zero cannot divide, one can
        found = _probed(row, given, element)
        if found is not None:
            break
    _PROBED[key] = found
    return found


def _probed(row: Row, given: Sequence[Any], element: int) -> tuple[np.dtype[Any], ...] | None:
    def array(spec: Spec) -> np.ndarray:
        return np.full((1,) * spec.ndim, element, spec.dtype)

    arguments = [
        _arrays(v, array if p.type.startswith(_ARRAY_TYPES) else _number)
        for p, v in zip(row.params, given, strict=True)
    ]
    try:
        with np.errstate(all="ignore"):
            result = row.rule(*arguments)
        return tuple(np.asarray(r).dtype for r in _results(result))
    except TypeError as error:
        raise ValueError(str(error)) from error
    except (ValueError, LookupError, ArithmeticError, MemoryError, np.linalg.LinAlgError):
        return None


def _small(value: Any) -> Any:
    """Sizes that stand in a plan must not make a probe large; dtypes do not depend on them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= _MOST_PROBED_SIZE else 1
    if isinstance(value, list | tuple):
        sizes = [abs(v) or 1 for v in value if isinstance(v, int)]
        if math.prod(sizes) > _MOST_PROBED_SIZE:
            return [1 if isinstance(v, int) and not isinstance(v, bool) else v for v in value]
        return [_small(v) for v in value]
    return value


def _results(result: Any) -> Iterable[Any]:
    return result if isinstance(result, list | tuple) else (result,)


def _key(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.dtype, value.ndim
    if isinstance(value, list | tuple):
        return tuple(map(_key, value))
    return type(value), value if value == value else "nan"


def _number(spec: Spec) -> bool | int | float:
    return {"b": True, "f": 1.0}.get(spec.dtype.kind, 1)
