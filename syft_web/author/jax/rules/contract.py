"""Products of matrices, and convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from syft_web.author.jax import dtypes
from syft_web.author.jax.faults import unsupported_form
from syft_web.author.jax.rules.base import Rules, permuted, reshaped
from syft_web.author.jax.rules.shapes import pad_edges, spread
from syft_web.author.jax.values import Shape, Value, count
from syft_web.plan.plan import Ref

if TYPE_CHECKING:
    from syft_web.author.jax.translate import Translator

__all__ = ["RULES"]

RULES = Rules()


@RULES("dot_general")
def _dot_general(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    """Both sides as matrices, or as stacks of matrices where there are batch dimensions."""
    (left_sum, right_sum), (left_batch, right_batch) = equation.params["dimension_numbers"]
    a, b = args
    left, left_free = _as_matrix(t, a, left_batch, left_sum, last=True)
    right, right_free = _as_matrix(t, b, right_batch, right_sum, last=False)
    batch = [a.shape[d] for d in left_batch]
    command = "torch.matmul" if batch else "torch.mm"
    product = t.emit(command, left, right)
    out = (*batch, *left_free, *right_free)
    before = (*([count(batch)] if batch else []), count(left_free), count(right_free))
    product = reshaped(t, product, before, out)
    dtype = equation.outvars[0].aval.dtype
    if dtypes.of(dtype) != a.dtype:
        product = t.emit(dtypes.method(dtype), product)
    return t.result(equation, product)


def _as_matrix(
    t: Translator, x: Value, batch: Sequence[int], summed: Sequence[int], *, last: bool
) -> tuple[Ref, Shape]:
    """(batch, free, summed) where the summed come last, else (batch, summed, free)."""
    free = [d for d in range(len(x.shape)) if d not in batch and d not in summed]
    order = [*batch, *free, *summed] if last else [*batch, *summed, *free]
    ref = permuted(t, t.ref(x), order)
    sizes = [count([x.shape[d] for d in dims]) for dims in (free, summed)]
    matrix = tuple(sizes if last else sizes[::-1])
    if batch:
        matrix = (count([x.shape[d] for d in batch]), *matrix)
    ref = reshaped(t, ref, tuple(x.shape[d] for d in order), matrix)
    return ref, tuple(x.shape[d] for d in free)


@RULES("conv_general_dilated")
def _convolution(t: Translator, equation: Any, args: list[Value]) -> Sequence[Any]:
    """As torch's convolution, which has the channels first.

    Gradients are convolutions too in jax: with gaps between the elements of the input, with a
    kernel as large as the output, with negative padding, in groups of the batch.
    """
    p, (x, w) = equation.params, args
    numbers = p["dimension_numbers"]
    spatial = len(numbers.lhs_spec) - 2
    if not 1 <= spatial <= 3:
        raise unsupported_form(equation, "there are convolutions in 1, 2 or 3 dimensions.")
    shape = [x.shape[d] for d in numbers.lhs_spec]
    data = permuted(t, t.ref(x), numbers.lhs_spec)
    kernel = permuted(t, t.ref(w), numbers.rhs_spec)
    for i, step in enumerate(p["lhs_dilation"]):
        data = spread(t, data, shape, i + 2, int(step) - 1, 0)
    groups = int(p["feature_group_count"])
    if (parts := int(p["batch_group_count"])) > 1:
        data, groups = _batch_as_channels(t, data, shape, parts), parts
    padding = [(int(low), int(high)) for low, high in p["padding"]]
    if any(low != high or low < 0 for low, high in padding):
        data = pad_edges(t, data, [(0, 0), (0, 0), *padding], 0)
        padding = [(0, 0)] * spatial
    out = t.emit(
        "torch.convolution",
        data,
        kernel,
        None,
        [int(s) for s in p["window_strides"]],
        [low for low, _ in padding],
        [int(d) for d in p["rhs_dilation"]],
        False,
        [0] * spatial,
        groups,
    )
    back = sorted(range(spatial + 2), key=lambda i: numbers.out_spec[i])
    return t.result(equation, permuted(t, out, back))


def _batch_as_channels(t: Translator, data: Ref, shape: list[Any], parts: int) -> Ref:
    """Groups of the batch become groups of channels: (g n, c, ...) -> (n, g c, ...)."""
    rows, channels, *rest = shape
    data = reshaped(t, data, tuple(shape), (parts, rows // parts, channels, *rest))
    data = t.emit("torch.permute", data, [1, 0, *range(2, len(shape) + 1)])
    shape[:2] = rows // parts, parts * channels
    return t.emit("torch.reshape", data, t.writer.sizes(tuple(shape)))
