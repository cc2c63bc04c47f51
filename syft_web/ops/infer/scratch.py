"""Memory that a call needs beside its operands and results.

Said only for the rows where that can be much more than both: a padding or a number of
neighbours can ask for any amount of it. Estimates, from shapes alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from syft_web.ops.infer.common import specs_in
from syft_web.ops.infer.conv import per_dim
from syft_web.ops.infer.reduce import named
from syft_web.ops.infer.work import extent
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec, Unknown

__all__ = ["scratch_of"]

_Scratch = Callable[[Row, list[Spec], int, Sequence[Any]], int]


def scratch_of(row: Row, values: Sequence[Any], results: Sequence[Spec | Unknown]) -> int:
    """Bytes that a call may need beside its operands and results; 0 where that is little.

    Args:
        row: The row.
        values: One per parameter, with a `Spec` in place of each array.
        results: The specs of the results.
    """
    special = _SCRATCH.get(row.name)
    if special is None:
        return 0
    known = [r for r in results if isinstance(r, Spec)]
    if not known:
        return 0
    try:
        return special(row, specs_in(values), sum(map(extent, known)), values)
    except (IndexError, KeyError, TypeError, ValueError):
        return 0  # a row of that name with other parameters


def _grown(x: Spec, lead: int, sizes: Sequence[int]) -> int:
    return lead * math.prod(max(n, 1) for n in sizes) * x.dtype.itemsize


def _lead(x: Spec, dims: int) -> int:
    return math.prod(max(n, 1) for n in x.shape[: x.ndim - dims])


def _convolution(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    """The columns and the padded copy of one sample: the batch goes through in slices."""
    x, weight = arrays[:2]
    dims = weight.ndim - 2
    channels = x.shape[-dims - 1]
    size, kernel = x.shape[-dims:], weight.shape[2:]
    padding = named(row, values, "padding")
    pads = per_dim([0] if isinstance(padding, str) else padding, dims)
    steps = per_dim(named(row, values, "stride"), dims)
    spread = per_dim(named(row, values, "dilation"), dims)
    if "transpose" in row.name or bool(named(row, values, "transposed", default=False)):
        grown = [
            (n - 1) * s + d * (k - 1) + 1
            for n, s, d, k in zip(size, steps, spread, kernel, strict=True)
        ]
        columns = math.prod(weight.shape[1:]) * math.prod(size)
        return _grown(x, weight.shape[1], grown) + columns * x.dtype.itemsize
    grown = [n + 2 * p for n, p in zip(size, pads, strict=True)]
    batch = x.shape[0] if x.ndim == dims + 2 else 1
    places = out // max(batch, 1) // max(weight.shape[0], 1)
    columns = places * channels * math.prod(kernel)
    return _grown(x, max(channels, 1), grown) + columns * x.dtype.itemsize


def _pooling(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    dims = int(next(c for c in row.name if c.isdigit()))
    x = arrays[0]
    kernel = per_dim(named(row, values, "kernel_size"), dims)
    pads = per_dim(named(row, values, "padding", default=[0]), dims)
    steps = per_dim(named(row, values, "stride") or kernel, dims)
    grown = [n + 2 * p + s for n, p, s in zip(x.shape[-dims:], pads, steps, strict=True)]
    return _grown(x, _lead(x, dims), grown)


def _columns(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    """``unfold`` and ``fold`` with their padded images."""
    x, pads = arrays[0], per_dim(named(row, values, "padding"), 2)
    size = named(row, values, "output_size")
    lead = max(x.shape[0], 1) * max(x.shape[1], 1)
    here = x.shape[-2:] if size is None else per_dim(size, 2)
    return _grown(x, lead, [n + 2 * p for n, p in zip(here, pads, strict=True)])


def _distances(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    return 2 * out * arrays[0].shape[-1] * arrays[0].dtype.itemsize


def _pair_distances(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    return 2 * math.comb(arrays[0].shape[0], 2) * arrays[0].shape[1] * arrays[0].dtype.itemsize


def _neighbours(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    x = arrays[0]
    shape = (x.shape[0], x.shape[1] + max(int(values[1]), 0), *x.shape[2:])
    return math.prod(shape) * x.dtype.itemsize


def _attention(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    """The scores, twice."""
    query, key = arrays[:2]
    return 2 * extent(query) // max(query.shape[-1], 1) * key.shape[-2] * query.dtype.itemsize


def _multi_head(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    query, key = arrays[:2]
    rows = extent(query) // max(query.shape[-1], 1)
    heads = named(row, values, "num_heads")
    return int(2 * rows * heads * key.shape[0] * query.dtype.itemsize)


def _label_pairs(row: Row, arrays: list[Spec], out: int, values: Sequence[Any]) -> int:
    """Each label against each class."""
    x = arrays[0] if "backward" not in row.name else arrays[1]
    return 3 * extent(x) * max(x.shape[-1:], default=1) * x.dtype.itemsize


def _each(names: str, scratch: _Scratch) -> dict[str, _Scratch]:
    return dict.fromkeys(names.split(), scratch)


_SCRATCH: dict[str, _Scratch] = {
    **_each(
        "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution "
        "_convolution",
        _convolution,
    ),
    **_each(
        "max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices "
        "max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d lp_pool1d lp_pool2d lp_pool3d",
        _pooling,
    ),
    **_each("cdist _cdist_forward", _distances),
    **_each("unfold fold", _columns),
    **_each(
        "multilabel_margin_loss multilabel_margin_loss_forward multilabel_margin_loss_backward",
        _label_pairs,
    ),
    "_pdist_forward": _pair_distances,
    "local_response_norm": _neighbours,
    "multi_head_attention_forward": _multi_head,
    "scaled_dot_product_attention": _attention,
}
