"""Convolutions and pooling, over one to three spatial dimensions.

Layout as in torch: input ``(N, C, *S)`` or ``(C, *S)``, weight ``(O, C / groups, *K)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import INT64, Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["convolve", "pair", "row", "windows_2d"]

row = RowCollector()

Ints = Sequence[int]


def _per_dim(value: Ints, dims: int) -> tuple[int, ...]:
    if len(value) == 1:
        return tuple(value) * dims
    if len(value) != dims:
        raise ValueError(f"{list(value)} must hold one number, or one per spatial dimension")
    return tuple(value)


def _padded(x: Array, before: Ints, after: Ints, fill: Any) -> Array:
    if not any(before) and not any(after):
        return x
    lead = [(0, 0)] * (x.ndim - len(before))
    return np.pad(x, lead + list(zip(before, after, strict=True)), constant_values=fill)


def _windows(x: Array, kernel: Ints, stride: Ints, dilation: Ints) -> Array:
    """All windows as a view: ``(N, C, *out, *kernel)``."""
    dims = len(kernel)
    size = x.shape[-dims:]
    out = tuple(
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    )
    if min(out) < 1:
        raise ValueError(f"the kernel {list(kernel)} is larger than the input {size}")
    steps = x.strides[-dims:]
    strides = (
        *x.strides[:-dims],
        *(s * st for s, st in zip(steps, stride, strict=True)),
        *(s * d for s, d in zip(steps, dilation, strict=True)),
    )
    shape = (*x.shape[:-dims], *out, *kernel)
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


def pair(value: Ints) -> tuple[int, int]:
    """One number, or one each for height and width, as two."""
    height, width = _per_dim(value, 2)
    return height, width


def windows_2d(x: Array, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Array:
    """All windows of a zero-padded image, a view ``(N, C, rows, columns, *kernel)``."""
    pad = pair(padding)
    return _windows(_padded(x, pad, pad, 0), pair(kernel), pair(stride), pair(dilation))


def _same_padding(kernel: Ints, dilation: Ints) -> tuple[list[int], list[int]]:
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    before = [t // 2 for t in total]
    return before, [t - b for t, b in zip(total, before, strict=True)]


def convolve(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints | str,
    dilation: Ints,
    groups: int,
) -> Array:
    """Cross-correlation, as every framework's convolution, by one matrix product per group.

    Args:
        x: ``(N, C, *S)``.
        weight: ``(O, C / groups, *K)``.
        bias: ``(O,)`` or None.
        stride: One number, or one per spatial dimension; likewise the following.
        padding: Zeros on both sides, or ``"same"`` / ``"valid"``.
        dilation: Distance between kernel elements.
        groups: Number of independent blocks of channels.

    Returns:
        ``(N, O, *out)``.
    """
    dims = weight.ndim - 2
    kernel = weight.shape[2:]
    if x.ndim == dims + 1:
        return array(convolve(x[None], weight, bias, stride, padding, dilation, groups)[0])
    if x.ndim != dims + 2 or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise ValueError(f"input {x.shape} and weight {weight.shape} do not fit (groups {groups})")
    stride, dilation = _per_dim(stride, dims), _per_dim(dilation, dims)
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"padding must be numbers, 'same' or 'valid', not {padding!r}")
        zero = [0] * dims
        before, after = _same_padding(kernel, dilation) if padding == "same" else (zero, zero)
    else:
        before = after = list(_per_dim(padding, dims))
    windows = _windows(_padded(x, before, after, 0), kernel, stride, dilation)
    # (N, *out, C, *K): each row of the matrix is one window.
    order = (0, *range(2, 2 + dims), 1, *range(2 + dims, 2 + 2 * dims))
    rows = windows.transpose(order)
    batch_out = rows.shape[: 1 + dims]
    blocks = []
    per_group, outs = weight.shape[1], weight.shape[0] // groups
    for g in range(groups):
        part = rows[(slice(None),) * (1 + dims) + (slice(g * per_group, (g + 1) * per_group),)]
        matrix = part.reshape(math.prod(batch_out), per_group * math.prod(kernel))
        blocks.append(matrix @ weight[g * outs : (g + 1) * outs].reshape(outs, -1).T)
    flat = blocks[0] if groups == 1 else np.concatenate(blocks, axis=1)
    if bias is not None:
        flat = flat + bias
    return np.moveaxis(flat.reshape(*batch_out, weight.shape[0]), -1, 1)


def _convolve_transposed(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
) -> Array:
    """The gradient of `convolve` with respect to its input; weight is ``(C, O / groups, *K)``."""
    dims = weight.ndim - 2
    if x.ndim == dims + 1:
        rest = (stride, padding, output_padding, groups, dilation)
        return array(_convolve_transposed(x[None], weight, bias, *rest)[0])
    if x.ndim != dims + 2 or x.shape[1] != weight.shape[0] or x.shape[1] % groups:
        raise ValueError(f"input {x.shape} and weight {weight.shape} do not fit (groups {groups})")
    step, pad = _per_dim(stride, dims), _per_dim(padding, dims)
    extra, spread = _per_dim(output_padding, dims), _per_dim(dilation, dims)
    kernel = weight.shape[2:]
    grown = tuple((n - 1) * s + 1 for n, s in zip(x.shape[2:], step, strict=True))
    holes = np.zeros((*x.shape[:2], *grown), x.dtype)
    holes[(slice(None), slice(None), *(slice(None, None, s) for s in step))] = x
    before = [d * (k - 1) - p for k, d, p in zip(kernel, spread, pad, strict=True)]
    after = [b + e for b, e in zip(before, extra, strict=True)]
    holes = _padded(holes, [max(b, 0) for b in before], [max(a, 0) for a in after], 0)
    cut = tuple(
        slice(max(-b, 0), n - max(-a, 0))
        for b, a, n in zip(before, after, holes.shape[2:], strict=True)
    )
    ins, outs = weight.shape[0] // groups, weight.shape[1]
    flipped = np.flip(weight, tuple(range(2, 2 + dims)))
    turned = flipped.reshape(groups, ins, outs, *kernel).swapaxes(1, 2)
    turned = turned.reshape(groups * outs, ins, *kernel)
    zero = [0] * dims
    return convolve(
        holes[(slice(None), slice(None), *cut)], turned, bias, [1], zero, spread, groups
    )


def _declare_convolutions() -> None:
    for dims in (1, 2, 3):

        def rule(
            self: Array,
            weight: Array,
            bias: Array | None,
            stride: Ints,
            padding: Ints | str,
            dilation: Ints,
            groups: int,
        ) -> Array:
            return convolve(self, weight, bias, stride, padding, dilation, groups)

        head = f"conv{dims}d(Tensor self, Tensor weight, Tensor? bias=None, int[1] stride=[1], "
        tail = ", int[1] dilation=[1], int groups=1)"
        names = f"F.conv{dims}d torch.conv{dims}d"
        row(f"{head}int[1] padding=[0]{tail}", names)(rule)
        row(f"{head}str padding='valid'{tail}", names)(rule)
        row(
            f"conv_transpose{dims}d(Tensor self, Tensor weight, Tensor? bias=None, "
            "int[1] stride=[1], int[1] padding=[0], int[1] output_padding=[0], int groups=1, "
            "int[1] dilation=[1])",
            f"F.conv_transpose{dims}d torch.conv_transpose{dims}d",
        )(_convolve_transposed)


_declare_convolutions()


def _pool_windows(
    x: Array,
    dims: int,
    kernel: Ints,
    stride: Ints | None,
    padding: Ints,
    ceil_mode: bool,
    dilation: Ints,
    fill: Any,
) -> Array:
    """Windows of a padded input, ``(..., *out, *kernel)``, by torch's rule for ceil_mode."""
    kernel = _per_dim(kernel, dims)
    step = _per_dim(stride, dims) if stride else kernel
    pad, spread = _per_dim(padding, dims), _per_dim(dilation, dims)
    after = []
    for n, k, s, p, d in zip(x.shape[-dims:], kernel, step, pad, spread, strict=True):
        if p > k // 2:
            raise ValueError(f"pad {p} should be at most half of the kernel size {k}")
        reach = d * (k - 1) + 1
        more = -(n + 2 * p - reach) % s if ceil_mode else 0
        # A last window must begin inside the input or its left padding.
        if more and (n + 2 * p - reach + more) // s * s >= n + p:
            more = 0
        after.append(p + more)
    return _windows(_padded(x, pad, after, fill), kernel, step, spread)


def _lowest(x: Array) -> Any:
    return -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min


def _max_pool(dims: int) -> Callable[..., Any]:
    def rule(
        self: Array,
        kernel_size: Ints,
        stride: Ints | None,
        padding: Ints,
        dilation: Ints,
        ceil_mode: bool,
        *_rest: Any,
    ) -> Array:
        windows = _pool_windows(
            self, dims, kernel_size, stride, padding, ceil_mode, dilation, _lowest(self)
        )
        return array(windows.max(axis=tuple(range(-dims, 0))))

    return rule


def _max_pool_indices(dims: int) -> Callable[..., Any]:
    def rule(
        self: Array,
        kernel_size: Ints,
        stride: Ints | None,
        padding: Ints,
        dilation: Ints,
        ceil_mode: bool,
        *_rest: Any,
    ) -> tuple[Array, Array]:
        """Values, and where each stands in the flattened plane of the input."""
        given = (dims, kernel_size, stride, padding, ceil_mode, dilation)
        windows = _pool_windows(self, *given, _lowest(self))
        plane = np.arange(math.prod(self.shape[-dims:])).reshape(self.shape[-dims:])
        places = _pool_windows(plane, *given, -1)
        flat = windows.reshape(*windows.shape[:-dims], -1)
        best = np.argmax(flat, axis=-1)[..., None]
        where = np.broadcast_to(places.reshape(*places.shape[:-dims], -1), flat.shape)
        return (
            np.take_along_axis(flat, best, -1)[..., 0],
            np.take_along_axis(where, best, -1)[..., 0].astype(INT64),
        )

    return rule


def _avg_pool(dims: int) -> Callable[..., Any]:
    def rule(
        self: Array,
        kernel_size: Ints,
        stride: Ints | None,
        padding: Ints,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None = None,
    ) -> Array:
        given = (dims, kernel_size, stride)
        total = _pool_windows(self, *given, padding, ceil_mode, [1], 0)
        over = tuple(range(-dims, 0))
        summed = total.sum(axis=over, dtype=self.dtype)
        if divisor_override is not None:
            return array(summed / self.dtype.type(divisor_override))
        # Count what each window covers: the input, and the explicit padding if it counts.
        ones = np.ones(self.shape[-dims:], self.dtype)
        pad = _per_dim(padding, dims)
        if count_include_pad:
            ones = np.pad(ones, [(p, p) for p in pad], constant_values=1)
            counted = _pool_windows_of_padded(ones, dims, kernel_size, stride, total.shape)
        else:
            counted = _pool_windows(ones, *given, padding, ceil_mode, [1], 0)
        return array(summed / counted.sum(axis=over))

    return rule


def _pool_windows_of_padded(
    ones: Array, dims: int, kernel: Ints, stride: Ints | None, shape: tuple[int, ...]
) -> Array:
    """Windows over an already padded plane, grown so that as many fit as in `shape`."""
    kernel = _per_dim(kernel, dims)
    step = _per_dim(stride, dims) if stride else kernel
    out = shape[-2 * dims : -dims]
    after = [
        max((o - 1) * s + k - n, 0)
        for o, s, k, n in zip(out, step, kernel, ones.shape, strict=True)
    ]
    grown = _padded(ones, [0] * dims, after, 0)
    windows = _windows(grown, kernel, step, [1] * dims)
    return windows[tuple(slice(o) for o in out)]


def _adaptive(dims: int, reduce: Callable[..., Any]) -> Callable[..., Any]:
    def rule(self: Array, output_size: Ints) -> Array:
        """Average or maximum over nearly equal parts, one spatial dimension after the other."""
        result = self
        for axis, wanted in zip(range(-dims, 0), _per_dim(output_size, dims), strict=True):
            size = result.shape[axis]
            parts = [
                reduce(
                    np.take(result, range(i * size // wanted, -(-(i + 1) * size // wanted)), axis),
                    axis=axis,
                )
                for i in range(wanted)
            ]
            result = np.stack(parts, axis)
        return array(result)

    return rule


def _declare_pools() -> None:
    for dims in (1, 2, 3):
        args = (
            "Tensor self, int[1] kernel_size, int[1]? stride=None, int[1] padding=[0], "
            "int[1] dilation=[1], bool ceil_mode=False, bool return_indices=False"
        )
        asked = args.replace("bool return_indices=False", "true return_indices")
        name = f"max_pool{dims}d"
        row(f"{name}({asked}) -> Tensor, Tensor", f"F.{name}")(_max_pool_indices(dims))
        row(f"{name}({args})", f"F.{name} torch.{name}")(_max_pool(dims))
        row(
            f"{name}_with_indices({args}) -> Tensor, Tensor",
            f"F.{name}_with_indices torch.{name}_with_indices",
        )(_max_pool_indices(dims))
        name = f"avg_pool{dims}d"
        row(
            f"{name}(Tensor self, int[1] kernel_size, int[1]? stride=None, int[1] padding=[0], "
            "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None)",
            f"F.{name} torch.{name} torch._C._nn.{name}",
        )(_avg_pool(dims))
        row(
            f"adaptive_avg_pool{dims}d(Tensor self, int[1] output_size)",
            f"F.adaptive_avg_pool{dims}d torch.adaptive_avg_pool{dims}d",
        )(_adaptive(dims, np.mean))
        row(
            f"adaptive_max_pool{dims}d(Tensor self, int[1] output_size)",
            f"F.adaptive_max_pool{dims}d",
        )(_adaptive(dims, np.max))


_declare_pools()
