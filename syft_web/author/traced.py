"""The placeholder that stands for a tensor while a function is being recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np

from syft_web.errors import TracingError
from syft_web.ops.table import all_names, lookup, nearest
from syft_web.plan.plan import Id

__all__ = ["Recorder", "Traced", "unknown", "where"]


class Recorder(Protocol):
    """What writes the operations down."""

    def call(
        self, command: str, target: Traced | None, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """Record one operation; gives its result, or a tuple of several."""


class Traced:
    """A tensor of a function that is being recorded.

    Has torch's operators and, by name, every method of the op table. Of its
    value only `shape`, `dtype` and `ndim` can be known.
    """

    __slots__ = ("_id", "_recorder", "_value")
    __hash__ = object.__hash__

    def __init__(self, recorder: Recorder, id: Id, value: np.ndarray) -> None:
        self._recorder = recorder
        self._id = id
        self._value = value

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape at the examples; used in the function, it becomes a constant of the plan."""
        return self._value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type."""
        return self._value.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self._value.ndim

    @property
    def T(self) -> Traced:  # noqa: N802  # torch's name
        """Transpose of a matrix."""
        result: Traced = self._record("t")
        return result

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__") or lookup(name, method=True) is None:
            raise AttributeError(unknown(f"tensor method {name!r}", name))
        return lambda *args, **kwargs: self._record(name, *args, **kwargs)

    def __dir__(self) -> list[str]:
        """Also every method of the op table, so that an editor or a notebook can offer them."""
        return sorted({*object.__dir__(self), *(n[1:] for n in all_names() if n[0] == ".")})

    if TYPE_CHECKING:  # installed below, from _OPERATORS

        def __add__(self, other: Any) -> Traced: ...
        def __radd__(self, other: Any) -> Traced: ...
        def __sub__(self, other: Any) -> Traced: ...
        def __rsub__(self, other: Any) -> Traced: ...
        def __mul__(self, other: Any) -> Traced: ...
        def __rmul__(self, other: Any) -> Traced: ...
        def __truediv__(self, other: Any) -> Traced: ...
        def __rtruediv__(self, other: Any) -> Traced: ...
        def __floordiv__(self, other: Any) -> Traced: ...
        def __mod__(self, other: Any) -> Traced: ...
        def __pow__(self, other: Any) -> Traced: ...
        def __rpow__(self, other: Any) -> Traced: ...
        def __matmul__(self, other: Any) -> Traced: ...
        def __gt__(self, other: Any) -> Traced: ...
        def __ge__(self, other: Any) -> Traced: ...
        def __lt__(self, other: Any) -> Traced: ...
        def __le__(self, other: Any) -> Traced: ...
        def __and__(self, other: Any) -> Traced: ...
        def __or__(self, other: Any) -> Traced: ...
        def __xor__(self, other: Any) -> Traced: ...
        def __neg__(self) -> Traced: ...
        def __abs__(self) -> Traced: ...
        def __invert__(self) -> Traced: ...

    def _record(self, command: str, *args: Any, **kwargs: Any) -> Any:
        return self._recorder.call(command, self, args, kwargs)

    def __repr__(self) -> str:
        return f"Traced({self.dtype}{list(self.shape)})"

    def _refuse(self, what: str) -> NoReturn:
        raise TracingError(
            f"{what} would need the values of a tensor, which are unknown while a plan is "
            f"recorded{where()}. Work with the whole tensor (torch.where, sums, masks)."
        )

    def __bool__(self) -> bool:
        self._refuse("A decision (if, while, and, or, not)")

    def __int__(self) -> int:
        self._refuse("int()")

    def __index__(self) -> int:
        self._refuse("Use as an index or a size")

    def __float__(self) -> float:
        self._refuse("float()")

    def __iter__(self) -> Any:
        self._refuse("Iteration")

    def __len__(self) -> int:
        self._refuse("len()")

    def __contains__(self, item: object) -> bool:
        self._refuse("`in`")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Traced:
        """``array * traced`` becomes the reflected operator; no other NumPy function works."""
        reflected = _REFLECTED.get(ufunc.__name__)
        if method != "__call__" or reflected is None or inputs[1] is not self or kwargs:
            self._refuse(f"np.{ufunc.__name__}")
        result: Traced = getattr(self, reflected)(inputs[0])
        return result

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        self._refuse("A NumPy function")

    def __getitem__(self, index: Any) -> Traced:
        """``x[i]``, ``x[a:b:c]``, ``x[..., None]``, ``x[:, places]``: one action for each part.

        Integers, slices, None, an ellipsis, and one-dimensional tensors of integers.
        """
        result, dim = self, 0
        for part in self._index_parts(index):
            result, dim = result._taken(part, dim)
        return result

    def _index_parts(self, index: Any) -> list[Any]:
        """The parts of an index, with whole slices in place of an ellipsis."""
        parts = list(index) if isinstance(index, tuple) else [index]
        places = [i for i, part in enumerate(parts) if part is Ellipsis]
        if len(places) > 1:
            raise TracingError(f"An index has one ellipsis at most{where()}.")
        if places:
            missing = self.ndim - sum(part is not None for part in parts) + 1
            parts[places[0] : places[0] + 1] = [slice(None)] * missing
        return parts

    def _taken(self, part: Any, dim: int) -> tuple[Traced, int]:
        """One part of an index applied to a dimension; and the dimension for the next part."""
        if part is None:
            return self._record("unsqueeze", dim), dim + 1
        if isinstance(part, int | np.integer) and not isinstance(part, bool):
            return self._record("select", dim, int(part)), dim
        if isinstance(part, slice):
            if part == slice(None):
                return self, dim + 1
            bounds = (part.start, part.stop, 1 if part.step is None else part.step)
            args = (self, dim, *bounds)
            return self._recorder.call("torch.ops.aten.slice.Tensor", None, args, {}), dim + 1
        if isinstance(part, Traced) and part.ndim == 1 and part.dtype.kind == "i":
            return self._record("index_select", dim, part), dim + 1
        raise TracingError(
            f"x[{part!r}] cannot be recorded{where()}; use integers, slices, None, ... or a "
            "one-dimensional tensor of integers, or torch.where and masked_fill for masks."
        )

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TracingError(f"x[...] = y cannot be recorded{where()}; use torch.where or copy_.")


# Operators: Python's name and the command it is recorded as. `==` and `!=` have no
# dunder command in PySyft (protocol.md section 4.8), the others do.
_OPERATORS = {
    "__eq__": "eq",
    "__ne__": "ne",
    "__invert__": "bitwise_not",
    "__abs__": "abs",
    "__neg__": "__neg__",
    **{
        f"__{prefix}{stem}__": f"__{prefix}{stem}__"
        for stem in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
        for prefix in ("", "r", "i")
    },
    **{f"__{stem}__": f"__{stem}__" for stem in ("gt", "ge", "lt", "le", "and", "or", "xor")},
}


# NumPy's functions behind `array + traced` and the like, and what stands for them.
_REFLECTED = {
    "add": "__radd__",
    "subtract": "__rsub__",
    "multiply": "__rmul__",
    "divide": "__rtruediv__",
    "floor_divide": "__rfloordiv__",
    "power": "__rpow__",
    "matmul": "__rmatmul__",
    "greater": "__lt__",
    "greater_equal": "__le__",
    "less": "__gt__",
    "less_equal": "__ge__",
    "equal": "__eq__",
    "not_equal": "__ne__",
}


def _install_operators() -> None:
    def operator(command: str) -> Callable[..., Any]:
        def method(self: Traced, *args: Any) -> Any:
            return self._record(command, *args)

        return method

    for python_name, command in _OPERATORS.items():
        if lookup(command, method=True) is not None:
            setattr(Traced, python_name, operator(command))


_install_operators()


def unknown(what: str, command: str) -> str:
    """That something is not in the op table, with what is most like it."""
    close = nearest(command)
    return f"{what} is not in the op table" + (f"; nearest: {', '.join(close)}" if close else "")


def where() -> str:
    """The line of the recorded function that is at work, for an error message."""
    here = Path(__file__).parent
    frame = sys._getframe(1)
    while frame.f_back is not None and Path(frame.f_code.co_filename).parent == here:
        frame = frame.f_back
    return f" ({Path(frame.f_code.co_filename).name}, line {frame.f_lineno})"
