"""Make a captured graph shorter without changing what it computes."""

from __future__ import annotations

from typing import Any

import torch
from torch import SymInt
from torch.fx import GraphModule, Node

__all__ = ["clean_up", "drop_unread", "known_size"]

_ATEN = torch.ops.aten
_COPIES = {
    _ATEN.alias.default,
    _ATEN.clone.default,
    _ATEN.detach.default,
    _ATEN.lift_fresh.default,
    _ATEN.lift_fresh_copy.default,
}
_VIEWS = {
    _ATEN.view.default,
    _ATEN._unsafe_view.default,
    _ATEN.reshape.default,
    _ATEN._reshape_copy.default,
}
_SAME_SHAPE = {
    *_VIEWS,
    _ATEN.expand.default,
    _ATEN.slice.Tensor,
    _ATEN.slice_backward.default,
}
"""What leaves its argument as it is, if the shape is the same afterwards."""


def clean_up(graph: GraphModule) -> GraphModule:
    """Shorten a functional graph, in place.

    Copies go (nothing is changed in place, so nobody sees the difference), views of views
    become one, two transpositions cancel, the one unknown size of a view becomes -1,
    equal size queries are shared, and what nobody reads is dropped.
    """
    nodes = graph.graph
    for simplify in (_without_copies, _without_idle_views, _merged_views, _merged_transposes):
        for node in list(nodes.nodes):
            if node.op == "call_function":
                simplify(node)
    _shared_sizes(graph)
    for node in list(nodes.nodes):
        if node.op == "call_function":
            _unknown_size(node)
    drop_unread(graph)
    nodes.lint()
    graph.recompile()
    return graph


def known_size(size: Any) -> bool:
    """Whether a size is a plain number, not one that is known only when the plan runs."""
    return isinstance(size, int) and not isinstance(size, SymInt)


def _replace(node: Node, other: Any) -> None:
    node.replace_all_uses_with(other)


def _without_copies(node: Any) -> None:
    if node.target in _COPIES:
        _replace(node, node.args[0])
    elif node.target is _ATEN._to_copy.default:
        source = node.args[0]
        if _dtype(source) is not None and _dtype(source) == _dtype(node):
            _replace(node, source)


def _without_idle_views(node: Any) -> None:
    if node.target in _SAME_SHAPE:
        before, after = _shape(node.args[0]), _shape(node)
        if before is not None and before == after:
            _replace(node, node.args[0])


def _merged_views(node: Any) -> None:
    if node.target in _VIEWS:
        source = node.args[0]
        while isinstance(source, Node) and source.target in _VIEWS:
            source = source.args[0]
        node.update_arg(0, source)


def _merged_transposes(node: Any) -> None:
    source = node.args[0] if node.args else None
    if not isinstance(source, Node) or source.target is not node.target:
        return
    if node.target is _ATEN.t.default or (
        node.target is _ATEN.transpose.int and _dims(node) == _dims(source)
    ):
        _replace(node, source.args[0])


def _dims(node: Any) -> set[int]:
    rank = len(node.meta["val"].shape)
    return {int(dim) % rank for dim in node.args[1:3]}


def _shared_sizes(graph: GraphModule) -> None:
    first: dict[tuple[Any, ...], Node] = {}
    for node in list(graph.graph.nodes):
        if node.target in (_ATEN.sym_size.int, _ATEN.sym_numel.default):
            value = node.meta.get("val")
            key = (str(value.node.expr),) if isinstance(value, SymInt) else (node.target, node.args)
            known = first.setdefault(key, node)
            if known is not node:
                _replace(node, known)


def _unknown_size(node: Any) -> None:
    """One size of a view that is not a plain number can be left to the reader."""
    if node.target in _VIEWS:
        sizes = list(node.args[1])
        open_ = [i for i, size in enumerate(sizes) if not known_size(size)]
        if len(open_) == 1 and -1 not in sizes and 0 not in sizes:
            sizes[open_[0]] = -1
            node.update_arg(1, sizes)
    elif node.target is _ATEN.expand.default:
        before, sizes = _shape(node.args[0]), list(node.args[1])
        if before is None:
            return
        offset = len(sizes) - len(before)
        wanted = _shape(node) or ()
        for i, size in enumerate(sizes):
            if not known_size(size) and i >= offset and before[i - offset] == wanted[i]:
                sizes[i] = -1
        node.update_arg(1, sizes)


def drop_unread(graph: GraphModule) -> None:
    """Drop operations and constants that nobody reads, in place.

    After the second pass no operation has an effect besides its result.
    """
    for node in reversed(list(graph.graph.nodes)):
        if node.op in ("call_function", "get_attr") and not node.users:
            graph.graph.erase_node(node)


def _shape(node: Any) -> tuple[Any, ...] | None:
    """The shape, sizes that are not known written as the expression that they are."""
    value = node.meta.get("val") if isinstance(node, Node) else None
    if not isinstance(value, torch.Tensor):
        return None
    return tuple(str(n.node.expr) if isinstance(n, SymInt) else n for n in value.shape)


def _dtype(node: Any) -> torch.dtype | None:
    value = node.meta.get("val") if isinstance(node, Node) else None
    return value.dtype if isinstance(value, torch.Tensor) else None
