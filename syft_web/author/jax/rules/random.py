"""Random numbers: the worker's own instead of those of a key that travels with the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syft_web.author.jax import dtypes
from syft_web.author.jax.values import Opaque, Value, broadcast
from syft_web.plan.plan import Arg

if TYPE_CHECKING:
    from syft_web.author.jax.translate import Translator

__all__ = ["own_random"]


def own_random(t: Translator, equation: Any, args: list[Any]) -> list[Any] | None:
    """What to write for uniform numbers drawn with a key that is an input; None for all else.

    All real distributions of ``jax.random`` are made of these, dropout too.
    """
    if equation.params.get("name") != "_uniform" or not isinstance(args[0], Opaque):
        return None
    aval = equation.outvars[0].aval
    low, high = args[1], args[2]
    if (
        dtypes.plain(aval.dtype) is None
        or not isinstance(low, Value)
        or not isinstance(high, Value)
    ):
        return None
    shape = tuple(aval.shape)
    sizes: list[Arg] = [t.writer.size(n) for n in shape]
    drawn = t.emit("torch.rand", sizes, dtype=str(aval.dtype))
    if low.number == 0 and high.number == 1:
        return t.result(equation, drawn)
    width = t.emit("torch.sub", t.held(high), t.operand(low))
    drawn = t.emit("torch.add", t.emit("torch.mul", drawn, width), t.operand(low))
    return t.result(equation, drawn, broadcast(shape, low.held, high.held))
