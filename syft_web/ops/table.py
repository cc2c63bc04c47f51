"""The op table: every command a plan may use, and what it means in numpy.

The rows live in the modules named in `_MODULES`, by kind. Nothing else is executed:
a command that is in no row is refused when the plan is loaded. Commands are looked
up in a dictionary, never by attribute.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from syft_web.ops import (
    adaptive,
    aten,
    attention,
    backward,
    batch_norms,
    batch_stats,
    convert,
    convolutions,
    create,
    ctc,
    decompose,
    elementwise,
    embedding,
    factors,
    fft,
    grid,
    image,
    index,
    later,
    later_shapes,
    linalg,
    loss,
    losses,
    manipulate,
    margins,
    nn,
    noise,
    norm,
    norms,
    padding,
    pool,
    recurrent,
    reduce,
    resize,
    sampling,
    scans,
    sequence,
    sets,
    shape,
    shuffle,
    solve,
    special,
    strided,
    tfjs,
    unary,
    unpool,
)
from syft_web.ops.exclusions import EXCLUSIONS
from syft_web.ops.inplace import in_place_rule, is_in_place
from syft_web.ops.row import BindError, Row

__all__ = [
    "Bound",
    "Op",
    "all_names",
    "all_ops",
    "all_rows",
    "lookup",
    "nearest",
    "reason_excluded",
]

_MODULES: tuple[ModuleType, ...] = (
    elementwise,
    unary,
    convert,
    reduce,
    shape,
    index,
    linalg,
    nn,
    norm,
    convolutions,
    pool,
    adaptive,
    image,
    recurrent,
    loss,
    create,
    decompose,
    solve,
    special,
    fft,
    sets,
    manipulate,
    sampling,
    later,
    later_shapes,
    aten,
    backward,
    batch_norms,
    embedding,
    losses,
    norms,
    strided,
    padding,
    resize,
    grid,
    scans,
    unpool,
    margins,
    noise,
    batch_stats,
    ctc,
    sequence,
    attention,
    shuffle,
    factors,
    tfjs,
)

_ATEN = "torch.ops.aten."
_IGNORED = {
    "device", "generator", "implicit", "layout", "memory_format", "non_blocking", "pin_memory",
    "sparse_grad",
}  # fmt: skip
"""Keywords of aten commands that mean nothing to numpy arrays."""


@dataclass(frozen=True, slots=True)
class Bound:
    """An op with its arguments sorted out.

    Attributes:
        row: The row whose signature fitted.
        rule: What to call with `values`, positionally.
        values: One per parameter: constants, `Operand`s, lists of both.
        in_place: The first value is written to (or rebound) and is the result.
    """

    row: Row
    rule: Callable[..., Any]
    values: list[Any]
    in_place: bool


@dataclass(frozen=True, slots=True)
class Op:
    """All rows that share a name.

    Attributes:
        name: The name as looked up: ``torch.add``, ``.add_``, ``tf.add``.
        rows: Tried in order.
        in_place: Whether it writes to its first argument.
    """

    name: str
    rows: tuple[Row, ...]
    in_place: bool = False

    @property
    def n_outputs(self) -> int | None:
        """Results of the first row; None when it depends on the arguments."""
        return self.rows[0].n_outputs

    @property
    def signatures(self) -> tuple[str, ...]:
        """Every signature as text."""
        return tuple(str(row) for row in self.rows)

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Bound:
        """Find the row that fits and sort the arguments into its order.

        Args:
            args: Positional arguments (the target of a method first): constants,
                `Operand`s, lists of both.
            kwargs: Keyword arguments.

        Raises:
            BindError: No row fits; says what each wanted.
        """
        if self.name.startswith(_ATEN):
            kwargs = {key: value for key, value in kwargs.items() if key not in _IGNORED}
        reasons: list[str] = []
        for loose in (False, True):
            reasons.clear()
            for row in self.rows:
                try:
                    values = row.bind(args, kwargs, loose=loose)
                except BindError as error:
                    reasons.append(f"{row}: {error}")
                    continue
                in_place = self.in_place or _asks_in_place(row, values)
                rule = in_place_rule(row) if in_place else row.rule
                return Bound(row, rule, values, in_place)
        raise BindError("; ".join(reasons))


def _asks_in_place(row: Row, values: list[Any]) -> bool:
    """Whether ``inplace=True`` was given; the rule itself then no longer sees it."""
    for i, param in enumerate(row.params):
        if param.name == "inplace" and values[i] is True:
            values[i] = False
            return True
    return False


def _build() -> dict[str, Op]:
    rows: dict[str, list[Row]] = {}
    for module in _MODULES:
        for row in module.row.rows:
            for name in row.names:
                rows.setdefault(name, []).append(row)
    for name, meaning in aten.ALIASES.items():
        rows.setdefault(name, []).extend(rows[meaning])
    for name, meaning in later.ALIASES.items():
        rows.setdefault(name, rows[meaning])
    for name, meaning in later.MORE.items():
        rows[name] = [*rows[name], *rows[meaning]]
    return {name: Op(name, tuple(found), is_in_place(name)) for name, found in rows.items()}


_TABLE: dict[str, Op] = _build()


def _key(command: str, method: bool, framework: str) -> str:
    if framework == "tfjs":
        return "tf." + command.rpartition(".")[2]
    if method:
        return "." + command
    if command.startswith("torch.functional."):
        return "torch." + command.removeprefix("torch.functional.")
    return command


def lookup(command: str, *, method: bool, framework: str = "torch") -> Op | None:
    """Find a command's op.

    Args:
        command: As written in the plan: ``"matmul"``, ``"torch.argmax"``, ``"tf.matMul"``.
        method: Whether it is called on a target (``x.matmul(y)``).
        framework: ``"tfjs"`` looks only at the last dotted part, among tfjs's names, as
            syft.js does (protocol.md section 2.6).

    Returns:
        The op, or None when there is none.
    """
    key = _key(command, method, framework)
    if not method and key.startswith("."):  # that is how methods are kept, not how they are called
        return None
    # The torch role has no tf names: there they would mean something else.
    return _TABLE.get(key) if key.startswith("tf.") == (framework == "tfjs") else None


def all_names() -> list[str]:
    """Every name in the table, sorted. Methods begin with a dot."""
    return sorted(_TABLE)


def all_ops() -> list[Op]:
    """Every op of the table, by name."""
    return [_TABLE[name] for name in all_names()]


def all_rows() -> list[tuple[ModuleType, Row]]:
    """Every row with the module it is in, in the order they are tried."""
    return [(module, row) for module in _MODULES for row in module.row.rows]


def reason_excluded(command: str, *, framework: str = "torch") -> str | None:
    """Why a known command is deliberately not supported; None when there is no such decision.

    Args:
        command: As written in the plan.
        framework: As in `lookup`.
    """
    keys = [_key(command, method, framework) for method in (True, False)]
    return next((EXCLUSIONS[key] for key in keys if key in EXCLUSIONS), None)


def _last(name: str) -> str:
    """The part that says what is done: ``matmul``, or ``add.Tensor`` of an aten name."""
    return name.removeprefix(_ATEN) if name.startswith(_ATEN) else name.rpartition(".")[2]


def nearest(command: str, *, framework: str = "torch", limit: int = 3) -> list[str]:
    """Known names that look most like `command`, best first, as a plan would write them."""
    last = _last(command)[:80]
    wanted = "tf." if framework == "tfjs" else ""
    by_last: dict[str, str] = {}
    for name in _TABLE:
        if name.startswith("tf.") == bool(wanted):
            by_last.setdefault(_last(name), name.removeprefix("."))
    close = difflib.get_close_matches(last, by_last, n=limit, cutoff=0.5)
    return [by_last[name] for name in close]
