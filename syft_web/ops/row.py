"""One row of the op table: names, signature, numpy rule; and how arguments bind to it.

A signature is written as torch writes its own::

    sum(Tensor self, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor

Types are ``Tensor`` (an array), ``Value`` (an array or a Python number), ``Scalar``,
``int``, ``float``, ``bool``, ``str``, ``dtype``, ``int[]``, ``Tensor[]``, ``any``, and ``true``
for a flag whose being set chooses the row. A ``?`` also allows None (``Tensor?[]``: among the
list's items), ``int[1]`` also takes a bare int, and ``...`` before a name (``int[] ...size``)
lets the list be written as several positional arguments.
Several rows may share a name; the first that fits the arguments is taken.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

__all__ = ["BindError", "Operand", "Param", "Row", "RowCollector", "parse_signature"]

_Rule = TypeVar("_Rule", bound=Callable[..., Any])
_REQUIRED = object()
# Other words for the same parameter: numpy's, which torch takes too, and torch's in a tfjs role.
_ALIASES = {
    "axis": ("dim",),
    "dim": ("axis",),
    "input": ("self",),
    "keepdim": ("keepDims",),
    "keepdims": ("keepdim",),
    "x": ("self",),
}
_PREFIXES = {"F.": "torch.nn.functional.", "A.": "torch.ops.aten."}
_CONVERSIONS = {"int": "int", "float": "float", "bool": "bool", "Scalar": "number"}


class BindError(Exception):
    """Arguments do not fit a signature; the text says why."""


@dataclass(frozen=True, slots=True)
class Operand:
    """Stands for a value that is known only when the plan runs.

    Attributes:
        register: Where the program will find it.
        convert: ``""`` for the array itself; ``"int"``, ``"float"``, ``"bool"`` or ``"number"``
            when the rule wants a Python number and the 0-d array must be unpacked.
    """

    register: int
    convert: str = ""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a signature."""

    name: str
    type: str
    optional: bool = False
    default: Any = _REQUIRED
    keyword_only: bool = False
    variadic: bool = False
    scalar_ok: bool = False

    @property
    def required(self) -> bool:
        """Whether the caller must give it."""
        return self.default is _REQUIRED

    def __str__(self) -> str:
        text = f"{'...' if self.variadic else ''}{self.name}"
        return text if self.required else f"{text}={self.default!r}"


def parse_signature(text: str) -> tuple[str, tuple[Param, ...], int | None]:
    """Read ``name(type name=default, ...) -> Tensor``.

    Returns:
        Name, parameters, and the number of outputs (None when it depends on the arguments).
    """
    head, _, result = text.partition(" -> ")
    name, _, inside = head.strip().removesuffix(")").partition("(")
    params: list[Param] = []
    keyword_only = False
    for part in filter(None, map(str.strip, inside.split(", "))):
        if part == "*":
            keyword_only = True
            continue
        params.append(_parse_param(part, keyword_only))
    result = result.strip()
    outputs = None if result == "Tensor[]" else 1 + result.count(",")
    return name, tuple(params), outputs


def _parse_param(part: str, keyword_only: bool) -> Param:
    type_text, _, rest = part.partition(" ")
    name, has_default, default = rest.partition("=")
    optional = type_text.endswith("?")
    type_text = type_text.removesuffix("?")
    scalar_ok = "[1]" in type_text
    return Param(
        name=name.removeprefix("..."),
        type=type_text.replace("[1]", "[]"),
        optional=optional,
        default=ast.literal_eval(default.replace(";", ",")) if has_default else _REQUIRED,
        keyword_only=keyword_only,
        variadic=name.startswith("..."),
        scalar_ok=scalar_ok,
    )


@dataclass(frozen=True)
class Row:
    """One signature with its rule.

    Attributes:
        signature: As written, see the module's docstring.
        names: Where it is found: ``torch.f``, ``torch.nn.functional.f``, ``.method``, ``tf.f``.
        rule: Takes every parameter positionally, in the order of the signature.
        view: The result may share memory with an argument (as in torch).
        rebinds: The rule serves as it is for the in-place twin: it changes what the
            target's name means (``t_``), or writes by itself (``copy_``).
        ufunc: The numpy ufunc that is the whole rule when both dtypes are equal.
        writes: Parameters whose arrays the rule changes beside its result (running statistics).
        kernel: Name of the compiled kernel that the rule uses where it is loaded and pays.
    """

    signature: str
    names: tuple[str, ...]
    rule: Callable[..., Any]
    view: bool = False
    rebinds: bool = False
    ufunc: np.ufunc | None = None
    writes: tuple[str, ...] = ()
    kernel: str | None = None

    @cached_property
    def _parsed(self) -> tuple[str, tuple[Param, ...], int | None]:
        return parse_signature(self.signature)

    @property
    def name(self) -> str:
        """The name in the signature."""
        return self._parsed[0]

    @property
    def params(self) -> tuple[Param, ...]:
        """The parameters in order."""
        return self._parsed[1]

    @property
    def n_outputs(self) -> int | None:
        """Number of results, None when it depends on the arguments."""
        return self._parsed[2]

    def __str__(self) -> str:
        parts: list[str] = []
        for param in self.params:
            if param.keyword_only and "*" not in parts:
                parts.append("*")
            parts.append(str(param))
        return f"{self.name}({', '.join(parts)})"

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, loose: bool) -> list[Any]:
        """Sort the arguments into the order of the parameters and check their types.

        Args:
            args: Positional arguments: constants, `Operand`s, lists of both.
            kwargs: Keyword arguments.
            loose: Also let an `Operand` stand where a Python number is wanted, and 0 or 1
                where a bool is.

        Returns:
            One value per parameter, defaults filled in.

        Raises:
            BindError: Wrong number, unknown keyword or wrong type.
        """
        given = self._place(args, kwargs)
        values: list[Any] = []
        for param in self.params:
            if param.name in given:
                values.append(_checked(given[param.name], param, loose))
            elif param.required:
                raise BindError(f"argument {param.name!r} is missing")
            else:
                values.append(param.default)
        return values

    def _place(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        positional = [p for p in self.params if not p.keyword_only]
        given: dict[str, Any] = {}
        for i, param in enumerate(positional):
            if i >= len(args):
                break
            if param.variadic and not isinstance(args[i], list):
                given[param.name] = list(args[i:])
                break
            given[param.name] = args[i]
        else:
            if len(args) > len(positional):
                raise BindError(
                    f"takes at most {len(positional)} positional arguments, {len(args)} were given"
                )
        names = {p.name for p in self.params}
        for key, value in kwargs.items():
            name = key
            if key not in names:
                name = next((n for n in _ALIASES.get(key, ()) if n in names), "")
            if not name:
                raise BindError(f"has no parameter {_brief(key)}")
            if name in given:
                raise BindError(f"argument {name!r} is given twice")
            given[name] = value
        return given


def _checked(value: Any, param: Param, loose: bool) -> Any:
    if value is None:
        if param.optional or param.default is None or param.type == "any":
            return None
        raise BindError(f"argument {param.name!r} may not be None")
    kind = param.type
    if kind.endswith("[]"):
        return _checked_list(value, param, kind[:-2], loose)
    return _checked_one(value, param.name, kind, loose)


def _checked_list(value: Any, param: Param, kind: str, loose: bool) -> list[Any]:
    if not isinstance(value, list):
        if not (param.scalar_ok or param.variadic):
            raise BindError(f"argument {param.name!r} must be a list, got {_kind_of(value)}")
        value = [value]
    return [_checked_one(v, f"{param.name}[{i}]", kind, loose) for i, v in enumerate(value)]


def _checked_one(value: Any, name: str, kind: str, loose: bool) -> Any:
    if kind.endswith("?"):
        if value is None:
            return None
        kind = kind[:-1]
    if kind == "any":
        return value
    if isinstance(value, Operand):
        if kind in ("Tensor", "Value"):
            return value
        if loose and kind in _CONVERSIONS:
            return Operand(value.register, _CONVERSIONS[kind])
    elif isinstance(value, np.ndarray):
        if kind in ("Tensor", "Value"):
            return value
        if loose and kind in _CONVERSIONS and value.size == 1:
            return _checked_one(value.item(), name, kind, loose=False)
    elif _fits(value, kind) or (loose and kind == "bool" and value in (0, 1)):
        return _BUILDERS[kind](value) if kind in _BUILDERS else value
    raise BindError(f"argument {name!r} must be {_WANTED.get(kind, kind)}, got {_kind_of(value)}")


_BUILDERS: dict[str, Callable[[Any], Any]] = {"float": float, "bool": bool}
_WANTED = {
    "Tensor": "a tensor",
    "Value": "a tensor or a number",
    "Scalar": "a number",
    "int": "an int",
    "float": "a number",
    "bool": "a bool",
    "str": "a text",
    "true": "True",
    "dtype": "the name of a dtype",
}


def _fits(value: Any, kind: str) -> bool:
    if kind in ("Scalar", "Value"):
        return isinstance(value, bool | int | float)
    if kind == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "true":
        return value is True
    return isinstance(value, str) and kind in ("str", "dtype")


def _kind_of(value: Any) -> str:
    if isinstance(value, Operand | np.ndarray):
        return "a tensor"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, float) and not math.isfinite(value):
        return f"the float {value}"
    return "None" if value is None else f"the {type(value).__name__} {_brief(value)}"


def _brief(value: Any) -> str:
    """A constant of a plan, short whatever it is."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"of {value.bit_length()} bits"
    text = repr(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 80 else text[:77] + "..."


class RowCollector:
    """Collects the rows of one module; call it as a decorator, or with a rule."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def __call__(
        self,
        signature: str,
        names: str,
        *,
        view: bool = False,
        rebinds: bool = False,
        ufunc: np.ufunc | None = None,
        writes: tuple[str, ...] = (),
        kernel: str | None = None,
    ) -> Callable[[_Rule], _Rule]:
        """Declare a row for the decorated rule.

        Args:
            signature: See the module's docstring; the result defaults to one tensor.
            names: Separated by spaces; ``F.f`` is short for ``torch.nn.functional.f``, and
                ``A.f`` for ``torch.ops.aten.f``.
            view: As in `Row`.
            rebinds: As in `Row`.
            ufunc: As in `Row`.
            writes: As in `Row`.
            kernel: As in `Row`.
        """
        full = tuple(_PREFIXES.get(n[:2], n[:2]) + n[2:] for n in names.split())

        def declare(rule: _Rule) -> _Rule:
            self.rows.append(Row(signature, full, rule, view, rebinds, ufunc, writes, kernel))
            return rule

        return declare
