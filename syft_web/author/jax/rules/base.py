"""How rules are written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from syft_web.author.jax.values import Shape, Value, is_static
from syft_web.plan.plan import Ref

if TYPE_CHECKING:
    from syft_web.author.jax.translate import Translator

__all__ = ["Rule", "Rules", "permuted", "reshaped"]

Rule = Callable[["Translator", Any, list[Value]], Sequence[Any]]
"""(what writes, the equation, its arguments) -> one value per result."""


class Rules(dict[str, Rule]):
    """Rules by the names of jax's primitives."""

    def __call__(self, *names: str) -> Callable[[Rule], Rule]:
        """A decorator: this is the rule of these primitives."""

        def add(rule: Rule) -> Rule:
            self.update(dict.fromkeys(names, rule))
            return rule

        return add


def permuted(t: Translator, ref: Ref, order: Sequence[int]) -> Ref:
    """A tensor with its dimensions in another order; itself where that is no change."""
    order = [int(i) for i in order]
    if order == list(range(len(order))):
        return ref
    if order == [1, 0]:
        return t.emit("torch.t", ref)
    return t.emit("torch.permute", ref, order)


def reshaped(t: Translator, ref: Ref, before: Shape, after: Shape) -> Ref:
    """A tensor in another shape; itself where that is no change."""
    if len(before) == len(after) and all(
        is_static(a) == is_static(b) and a == b for a, b in zip(before, after, strict=True)
    ):
        return ref
    return t.emit("torch.reshape", ref, t.writer.sizes(after))
