"""A second role of a captured plan, for the original syft.js.

syft.js runs ``tf.*`` commands with arguments by position, and knows no shapes: where torch
asks a tensor for its size, the plan must be told the size of the batch. So a plan that is
captured for it has the batch size as an input, and its graph is rewritten before it is
translated by `syft_web.author.tfjs`. Dense models with one-hot or soft labels, or with
numbers to be met, come through; convolutions, embeddings and integer labels do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import SymInt, Tensor
from torch.fx import GraphModule, Node

from syft_web.author.tfjs import to_tfjs
from syft_web.author.torch.cleanup import drop_unread
from syft_web.author.torch.export import to_role
from syft_web.errors import CaptureError, TracingError
from syft_web.plan.plan import Role
from syft_web.plan.signature import Slot

__all__ = ["DECOMPOSITIONS", "check_compat", "tfjs_role"]

_ATEN = torch.ops.aten
_FILLED = {_ATEN.ones_like.default: 1.0, _ATEN.zeros_like.default: 0.0}
_ELEMENTWISE = {
    _ATEN.add.Tensor,
    _ATEN.div.Tensor,
    _ATEN.mul.Tensor,
    _ATEN.sub.Tensor,
    _ATEN.sigmoid_backward.default,
    _ATEN.tanh_backward.default,
    _ATEN.threshold_backward.default,
    _ATEN.leaky_relu_backward.default,
}
"""Operations of tensors that are spread to a common shape by themselves."""
_SPREADING = {_ATEN.neg.default, _ATEN.div.Scalar, _ATEN.mul.Scalar}


def _mse_loss_backward(grad: Tensor, self: Tensor, target: Tensor, reduction: int) -> Tensor:
    """With the number of elements in the open, where it can be replaced."""
    scaled = (self - target) * 2 * grad
    return scaled / self.numel() if reduction == 1 else scaled


DECOMPOSITIONS = {_ATEN.mse_loss_backward.default: _mse_loss_backward}
"""What is recorded in other words when a role for syft.js is wanted."""


def check_compat(inputs: Sequence[Slot]) -> None:
    """Refuse what syft.js has no means for, whatever the module does.

    Raises:
        CaptureError: The plan has inputs that it cannot feed.
    """
    kinds = [slot.kind for slot in inputs]
    if "optimizer_state" in kinds:
        raise CaptureError(
            "syft.js keeps no optimizer state between steps. Use SGD without momentum, or leave "
            "compat out."
        )
    if "buffer" in kinds or any(slot.dtype != "float32" for slot in inputs):
        raise CaptureError(
            "compat='syft.js' is for models of float32 parameters without buffers, float32 inputs "
            "and float32 targets. Give one-hot labels instead of class numbers, or leave it out."
        )


def tfjs_role(
    graph: GraphModule,
    inputs: Sequence[Slot],
    outputs: Sequence[Slot],
    examples: Sequence[tuple[int, ...]],
) -> Role:
    """The role for syft.js; the graph is changed.

    Args:
        graph: As for `to_role`; one input is the batch size.
        inputs: As for `to_role`.
        outputs: As for `to_role`.
        examples: As for `to_role`.

    Raises:
        CaptureError: An operation has no counterpart in TensorFlow.js.
    """
    places = [node for node in graph.graph.nodes if node.op == "placeholder"]
    for place, slot in zip(places, inputs, strict=True):
        if slot.kind == "batch_size":
            for node in list(graph.graph.nodes):
                _size_from_input(graph, node, place)
    for node in list(graph.graph.nodes):
        _filled_as_constant(graph, node)
    for node in reversed(list(graph.graph.nodes)):
        _without_expand(node)
    drop_unread(graph)
    role = to_role(graph, inputs, outputs, examples, describe=True)
    try:
        return to_tfjs(role)
    except TracingError as error:
        raise CaptureError(
            f"The plan cannot be translated for syft.js: {error} Integer labels, convolutions and "
            "embeddings never can be; leave compat out for those."
        ) from error


def _size_from_input(graph: GraphModule, node: Node, batch: Node) -> None:
    """Sizes that depend on the batch become arithmetic on the input."""
    value = node.meta.get("val")
    if not isinstance(value, SymInt):
        return
    expression = value.node.expr
    symbols = expression.free_symbols
    if len(symbols) != 1:
        return
    factor = expression / next(iter(symbols))
    if not factor.is_Integer:
        return
    size = batch
    if factor != 1:
        with graph.graph.inserting_after(node):
            size = graph.graph.call_function(_ATEN.mul.Tensor, (batch, int(factor)))
        size.meta["val"] = batch.meta["val"]
    node.replace_all_uses_with(size)


def _filled_as_constant(graph: GraphModule, node: Node) -> None:
    """Ones and zeros without dimensions."""
    value = node.meta.get("val")
    if node.target not in _FILLED or not isinstance(value, Tensor) or value.dim():
        return
    name = f"_filled_{node.name}"
    graph.register_buffer(name, torch.full((), _FILLED[node.target], dtype=value.dtype))
    with graph.graph.inserting_after(node):
        constant = graph.graph.get_attr(name)
    constant.meta["val"] = value
    node.replace_all_uses_with(constant)


def _without_expand(node: Any) -> None:
    """A tensor need not be spread for an operation that spreads it by itself."""
    if node.target is _ATEN.expand.default and all(_spreads(user, node) for user in node.users):
        node.replace_all_uses_with(node.args[0])


def _spreads(user: Node, node: Node) -> bool:
    if user.target in _SPREADING:
        return all(_spreads(other, user) for other in user.users)
    if user.target not in _ELEMENTWISE:
        return False
    others = [arg for arg in user.args if isinstance(arg, Node) and arg is not node]
    wanted = _shape(user)
    return any(_shape(other) == wanted and not _spread(other) for other in others)


def _spread(node: Any) -> bool:
    """Whether a tensor has its shape only by being spread."""
    if node.target in _SPREADING:
        return _spread(node.args[0])
    return bool(node.target is _ATEN.expand.default)


def _shape(node: Node) -> str:
    return str(tuple(node.meta["val"].shape))
