"""How much a call costs in floating-point operations.

Estimates, from shapes alone. They serve to refuse a plan that would run for hours, and to
show where the time of a plan goes; they are right to a small factor. A step of a loop in
Python counts as `LOOP` operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from syft_web.ops.infer.common import specs_in
from syft_web.ops.infer.conv import per_dim
from syft_web.ops.infer.reduce import named
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec, Unknown

__all__ = ["LOOP", "extent", "work_of"]

Results = Sequence[Spec | Unknown]

LOOP = 100_000
"""Operations that take about as long as one step of a loop in Python (some microseconds)."""

_Work = Callable[[Row, list[Spec], int, Sequence[Any]], int]


def extent(spec: Spec) -> int:
    """Elements, with empty dimensions counted as one.

    A dimension of size 0 hides how large the others are; loops over those still cost.
    """
    return math.prod(max(n, 1) for n in spec.shape)


def work_of(row: Row, values: Sequence[Any], results: Results) -> int:
    """Floating-point operations of one call, about.

    Args:
        row: The row.
        values: One per parameter, with a `Spec` in place of each array.
        results: The specs of the results.

    Returns:
        0 when the results are not known, and for views, which only make a new header.
    """
    known = [r for r in results if isinstance(r, Spec)]
    if not known or row.view:
        return 0
    arrays = specs_in(values)
    out = sum(map(extent, known))
    special = _WORK.get(row.name)
    if special is not None:
        try:
            return special(row, arrays, out, values)
        except (IndexError, KeyError, TypeError, ValueError):
            pass  # a row of that name with other parameters
    return max(out, sum(map(extent, arrays)))


# -- products ----------------------------------------------------------------------------------


def _product(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    """Two operations per element of the result and of the dimension summed over."""
    return 2 * out * (arrays[-2].shape[-1] if arrays[-2].ndim else 1)


def _linear(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    return 2 * out * arrays[1].shape[-1]


def _bilinear(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    return 3 * out * math.prod(arrays[2].shape[1:])


def _blended(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    summed = arrays[1].shape[-1] if row.name != "addr" else 1
    batch = arrays[1].shape[0] if row.name == "addbmm" else 1
    return 2 * out * batch * summed


def _chain(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    rows = arrays[0].shape[0]
    return sum(2 * rows * math.prod(a.shape) for a in arrays[1:])


def _einsum(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    sizes: dict[Any, int] = {}
    terms = values[0].replace(" ", "").replace("...", ".").partition("->")[0].split(",")
    for term, array in zip(terms, arrays, strict=True):
        before, dots, after = term.partition(".")
        middle = array.ndim - len(before) - len(after)
        letters = [*before, *(range(-middle, 0) if dots else ()), *after]
        for letter, size in zip(letters, array.shape, strict=True):
            sizes[letter] = max(sizes.get(letter, 1), size)
    return math.prod(sizes.values()) * len(arrays)


def _tensordot(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    a, b = arrays
    return 2 * math.isqrt(extent(a) * extent(b) * out)


def _kernel(weight: Spec) -> int:
    """Elements of the weights that go into one element of a convolution's result."""
    return math.prod(weight.shape[1:])


def _convolution(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    turned = "transpose" in row.name or bool(named(row, values, "transposed", default=False))
    if turned:
        return 2 * _kernel(arrays[1]) * extent(arrays[0]) + LOOP * math.prod(arrays[1].shape[2:])
    return 2 * _kernel(arrays[1]) * out


def _convolution_backward(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    grad, x, weight = arrays[:3]
    turned = bool(named(row, values, "transposed", default=False))
    loops = math.prod(weight.shape[2:])
    return 4 * _kernel(weight) * extent(x if turned else grad) + LOOP * loops


def _recurrent(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    rows = arrays[0].shape[0] if arrays[0].ndim > 1 else 1
    weights = [named(row, values, name) for name in ("w_ih", "w_hh")]
    return sum(2 * rows * extent(w) for w in weights) + 20 * out


# -- the rest ----------------------------------------------------------------------------------


def _pooling(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    dims = int(next(c for c in row.name if c.isdigit()))
    kernel = math.prod(per_dim(named(row, values, "kernel_size"), dims))
    return (out + LOOP) * kernel


def _cubic(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    """Decompositions: a multiple of the cube of a matrix's longer side."""
    first = arrays[0]
    side = max(first.shape[-2:], default=1)
    return math.prod(first.shape[:-2]) * side**3 * (20 if row.name in _ITERATIVE else 2)


def _power(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    return _cubic(row, arrays, out, values) * max(abs(int(values[1])).bit_length(), 1)


def _sorting(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    size = extent(arrays[0])
    return size * max(size.bit_length(), 1)


def _transform(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    size = max(out, extent(arrays[0]))
    return 5 * size * max(size.bit_length(), 1)


def _distances(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    return 3 * out * arrays[0].shape[-1]


def _neighbours(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    return (out + LOOP) * max(int(values[1]), 1)


def _adaptive(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    dims = int(next(c for c in row.name if c.isdigit()))
    size = arrays[0].shape[-dims:]
    cells = per_dim([-1 if v is None else v for v in values[1]], dims)
    wanted = math.prod(n if c == -1 else c for c, n in zip(cells, size, strict=True))
    return extent(arrays[0]) + out + LOOP * wanted


def _folding(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    kernel = math.prod(per_dim(named(row, values, "kernel_size"), 2))
    return extent(arrays[0]) + out + LOOP * kernel


def _network(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    """Every step multiplies its rows with all the weights."""
    x, weights = arrays[0], named(row, values, "params")
    steps = x.shape[0] if x.ndim == 2 else math.prod(x.shape[:2])
    layers = max(len(weights) // 2, 1)
    return 2 * max(steps, 1) * sum(map(extent, weights)) + LOOP * max(x.shape[:2]) * layers


def _attention(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    query, key = arrays[:2]
    return 4 * extent(query) * max(key.shape[-2], 1)


def _multi_head(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    query, key = arrays[:2]
    width = query.shape[-1]
    return 8 * (extent(query) + extent(key)) * width + 4 * extent(query) * max(key.shape[0], 1)


def _few_passes(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    return 5 * max(out, extent(arrays[0]))


def _each(names: str, work: _Work) -> dict[str, _Work]:
    return dict.fromkeys(names.split(), work)


_ITERATIVE = ("svd", "pinverse", "symeig", "eig", "matrix_rank", "nuclear_norm", "lstsq")
_WORK: dict[str, _Work] = {
    "_cdist_forward": _distances,
    **_each("matmul mm bmm mv dot vdot inner rmatmul matMul", _product),
    **_each("addmm addmv addr baddbmm addbmm", _blended),
    **_each(
        "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution "
        "_convolution",
        _convolution,
    ),
    **_each("lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell", _recurrent),
    **_each(
        "max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices "
        "max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d",
        _pooling,
    ),
    **_each(
        "inverse det slogdet logdet cholesky cholesky_inverse cholesky_solve solve qr geqrf orgqr "
        "ormqr lu lu_solve lu_unpack triangular_solve",
        _cubic,
    ),
    **dict.fromkeys(_ITERATIVE, _cubic),
    **_each("sort argsort topk kthvalue median unique", _sorting),
    **_each("fft ifft rfft irfft stft istft", _transform),
    **_each(
        "batch_norm instance_norm layer_norm group_norm softmax log_softmax cross_entropy",
        _few_passes,
    ),
    **_each(
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d "
        "adaptive_max_pool2d adaptive_max_pool3d adaptive_max_pool1d_with_indices "
        "adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices",
        _adaptive,
    ),
    **_each("lstm gru rnn_tanh rnn_relu", _network),
    "bilinear": _bilinear,
    "cdist": _distances,
    "chain_matmul": _chain,
    "convolution_backward": _convolution_backward,
    "einsum": _einsum,
    "fold": _folding,
    "linear": _linear,
    "local_response_norm": _neighbours,
    "matrix_power": _power,
    "multi_head_attention_forward": _multi_head,
    "scaled_dot_product_attention": _attention,
    "tensordot": _tensordot,
}
