"""Pooling with windows, over one to three spatial dimensions, of ``(N, C, *S)`` or ``(C, *S)``.

The windows are never copied: one pass over the input per element of the kernel, each a
strided slice. Indices are torch's: int64, into the flattened plane of the input.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.ops.conv import Ints, add_windows, padded, per_dim
from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = [
    "Windows",
    "average",
    "average_backward",
    "maximum_with_indices",
    "row",
    "scatter_planes",
]

row = RowCollector()


@dataclass(frozen=True)
class Windows:
    """Where the windows of a pooling stand, one entry per spatial dimension.

    Attributes:
        size: Of the input.
        kernel: Of a window.
        stride: From one window to the next.
        padding: How far the first window begins before the input.
        dilation: Distance between the elements of a window.
        out: How many windows there are.
    """

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    out: tuple[int, ...]

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        dims: int,
        kernel: Ints,
        stride: Ints | None,
        padding: Ints,
        dilation: Ints,
        ceil_mode: bool,
    ) -> Windows:
        """Count the windows by torch's rules.

        Raises:
            ValueError: The padding is more than half of the kernel, or no window fits.
        """
        if not dims < len(shape) < dims + 3:
            raise ValueError(f"pooling over {dims} dimensions needs a batch, got shape {shape}")
        kernel, pad = per_dim(kernel, dims), per_dim(padding, dims)
        step = per_dim(stride, dims) if stride else kernel
        spread = per_dim(dilation, dims)
        out = []
        for n, k, s, p, d in zip(shape[-dims:], kernel, step, pad, spread, strict=True):
            if p > k // 2:
                raise ValueError(f"pad {p} should be at most half of the kernel size {k}")
            room = n + 2 * p - d * (k - 1) - 1
            count = (room + (s - 1 if ceil_mode else 0)) // s + 1
            # A last window must begin inside the input or its left padding.
            if ceil_mode and (count - 1) * s >= n + p:
                count -= 1
            out.append(count)
        if min(out) < 1:
            raise ValueError(f"the kernel {list(kernel)} is larger than the input {shape[-dims:]}")
        return cls(shape[-dims:], kernel, step, pad, spread, tuple(out))

    @property
    def steps(self) -> tuple[tuple[int, ...], ...]:
        """What the kernels want to know, in their order."""
        return self.kernel, self.stride, self.padding, self.dilation, self.out

    @property
    def overlap(self) -> bool:
        """Whether an element may be in several windows."""
        reach = (d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return any(r > s for r, s in zip(reach, self.stride, strict=True))

    def pieces(self, x: Array, fill: Any) -> Iterator[Array]:
        """For each element of the kernel, that element of every window: ``(..., *out)``."""
        after = [
            max((o - 1) * s + d * (k - 1) + 1 - n - p, 0)
            for o, s, d, k, n, p in zip(
                self.out,
                self.stride,
                self.dilation,
                self.kernel,
                self.size,
                self.padding,
                strict=True,
            )
        ]
        grown = padded(x, self.padding, after, fill)
        whole: tuple[Any, ...] = (...,)
        for place in product(*map(range, self.kernel)):
            cut = tuple(
                slice(t * d, t * d + s * (o - 1) + 1, s)
                for t, d, s, o in zip(place, self.dilation, self.stride, self.out, strict=True)
            )
            yield grown[whole + cut]

    def begins(self) -> list[Array]:
        """Where each window begins, per dimension; negative in the padding."""
        return [
            np.arange(o, dtype=np.int64) * s - p
            for o, s, p in zip(self.out, self.stride, self.padding, strict=True)
        ]

    def outer(self, per_dimension: list[Array], ufunc: np.ufunc) -> Array:
        """Combine one vector per dimension into an array of the shape of `out`."""
        result = per_dimension[0]
        for vector in per_dimension[1:]:
            result = ufunc.outer(result, vector)
        return result


def _lowest(dtype: np.dtype[Any]) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def maximum_with_indices(x: Array, windows: Windows) -> tuple[Array, Array]:
    """The largest element of each window, and where it stands in the flattened plane."""
    found = kernels.max_pool(x, *windows.steps)
    if found is not None and found[1] is not None:
        return found[0], found[1]
    lowest = _lowest(x.dtype)
    if x.dtype.kind == "f" and x.size and np.isnan(np.max(x)):
        return _maximum_of_nans(x, windows)
    values = _largest(x, windows)
    # The first element of the kernel that is the largest: count those before it.
    found_yet = np.zeros(values.shape, np.bool_)
    tap = np.zeros(values.shape, np.uint8 if math.prod(windows.kernel) < 256 else np.int32)
    for piece in windows.pieces(x, lowest):
        found_yet |= piece == values
        tap += ~found_yet
    # Where all is as low as the padding, torch means the first element that is none.
    return values, _flat(windows, np.maximum(tap, _first_taps(windows).astype(tap.dtype)))


def _largest(x: Array, windows: Windows) -> Array:
    """The largest element of each window; nan if there is one."""
    pieces = windows.pieces(x, _lowest(x.dtype))
    best = next(pieces).copy()
    for piece in pieces:
        np.maximum(best, piece, out=best)
    return best


def _maximum_of_nans(x: Array, windows: Windows) -> tuple[Array, Array]:
    """As torch finds it: every nan is the largest so far."""
    lead = x.shape[: -len(windows.out)]
    values = np.full((*lead, *windows.out), -np.inf, x.dtype)
    tap = np.empty(values.shape, np.int32)
    tap[...] = _first_taps(windows)
    for number, piece in enumerate(windows.pieces(x, -np.inf)):
        better = (piece > values) | np.isnan(piece)
        np.copyto(values, piece, where=better)
        np.copyto(tap, number, where=better)
    return values, _flat(windows, tap)


def _first_taps(windows: Windows) -> Array:
    steps = np.cumprod([1, *windows.kernel[:0:-1]])[::-1]
    firsts = [
        np.maximum(-(begin // d), 0) * step
        for begin, d, step in zip(windows.begins(), windows.dilation, steps, strict=True)
    ]
    return windows.outer(firsts, np.add)


def _flat(windows: Windows, tap: Array) -> Array:
    """The flat index of a kernel element of each window."""
    pitches = np.cumprod([1, *windows.size[:0:-1]], dtype=np.int64)[::-1]
    base = windows.outer(
        [b * pitch for b, pitch in zip(windows.begins(), pitches, strict=True)], np.add
    )
    offsets = windows.outer(
        [
            np.arange(k, dtype=np.int64) * d * pitch
            for k, d, pitch in zip(windows.kernel, windows.dilation, pitches, strict=True)
        ],
        np.add,
    ).reshape(-1)
    found = np.take(offsets, tap)
    found += base
    return found


def scatter_planes(
    values: Array, indices: Array, like_shape: tuple[int, ...], dims: int, *, add: bool
) -> Array:
    """Put values at their flat indices into zero planes.

    Args:
        values: ``(..., *out)``.
        indices: Of the same shape, into a flattened plane.
        like_shape: Shape of the result, ``(..., *S)``.
        dims: Number of spatial dimensions.
        add: Several values may go to one place, and are added up.
    """
    plane = math.prod(like_shape[-dims:])
    lead = math.prod(like_shape[:-dims])
    out = np.zeros(lead * plane, values.dtype)
    if out.size and values.size:
        flat = indices.reshape(lead, -1)
        if flat.min() < 0 or flat.max() >= plane:
            raise IndexError(f"an index is outside of a plane of {plane} elements")
        places = (flat + np.arange(lead, dtype=np.int64)[:, None] * plane).reshape(-1)
        if add:
            np.add.at(out, places, values.reshape(-1))
        else:
            out[places] = values.reshape(-1)
    return out.reshape(like_shape)


def _divisors(windows: Windows, count_include_pad: bool, dtype: np.dtype[Any]) -> Array:
    """How many elements each window covers: of the input, and of the padding if that counts."""
    counts = []
    for begin, k, n, p in zip(
        windows.begins(), windows.kernel, windows.size, windows.padding, strict=True
    ):
        if count_include_pad:
            counts.append(np.minimum(begin + k, n + p) - begin)
        else:
            counts.append(np.minimum(begin + k, n) - np.maximum(begin, 0))
    return windows.outer(counts, np.multiply).astype(dtype)


def _divide(x: Array, windows: Windows, count_include_pad: bool, override: int | None) -> Array:
    if override == 0:
        raise ValueError("divisor must be not zero")
    divisor = (
        x.dtype.type(override)
        if override is not None
        else _divisors(windows, count_include_pad, x.dtype)
    )
    return array(x / divisor) if x.dtype.kind == "f" else array(x // divisor)


def average(x: Array, windows: Windows, count_include_pad: bool, override: int | None) -> Array:
    """The mean of each window.

    Args:
        x: ``(..., *S)``.
        windows: Where they stand.
        count_include_pad: Whether zeros of the padding count.
        override: Divide by this number instead.
    """
    given = (windows.kernel, windows.stride, windows.padding)
    found = kernels.avg_pool(x, *given, windows.out, count_include_pad, override)
    if found is not None:
        return found
    pieces = windows.pieces(x, 0)
    total = next(pieces).copy()
    for piece in pieces:
        total += piece
    return _divide(total, windows, count_include_pad, override)


def average_backward(
    grad: Array, windows: Windows, count_include_pad: bool, override: int | None
) -> Array:
    """The gradient of `average` with respect to its input."""
    dims = len(windows.out)
    given = (windows.size, windows.kernel, windows.stride, windows.padding)
    found = kernels.avg_pool_backward(grad, *given, count_include_pad, override)
    if found is not None:
        return found
    share = _divide(grad, windows, count_include_pad, override)
    flat = share.reshape(-1, 1, *(1,) * dims, *windows.out)
    spread = np.broadcast_to(flat, (flat.shape[0], 1, *windows.kernel, *windows.out))
    added = add_windows(spread, windows.size, windows.stride, windows.padding, windows.dilation)
    return added.reshape(*grad.shape[:-dims], *windows.size)


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
        windows = Windows.of(self.shape, dims, kernel_size, stride, padding, dilation, ceil_mode)
        found = kernels.max_pool(self, *windows.steps, indices=False)
        if found is not None:
            return found[0]
        return _largest(self, windows)

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
        windows = Windows.of(self.shape, dims, kernel_size, stride, padding, dilation, ceil_mode)
        return maximum_with_indices(self, windows)

    return rule


def _max_pool_backward(dims: int) -> Callable[..., Any]:
    def rule(
        grad_output: Array,
        self: Array,
        kernel_size: Ints,
        stride: Ints | None,
        padding: Ints,
        dilation: Ints,
        ceil_mode: bool,
        indices: Array,
    ) -> Array:
        found = kernels.max_pool_backward(grad_output, indices, self.shape, dims)
        if found is not None:
            return found
        windows = Windows.of(self.shape, dims, kernel_size, stride, padding, dilation, ceil_mode)
        return scatter_planes(grad_output, indices, self.shape, dims, add=windows.overlap)

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
        windows = Windows.of(self.shape, dims, kernel_size, stride, padding, [1], ceil_mode)
        return average(self, windows, count_include_pad, divisor_override)

    return rule


def _avg_pool_backward(dims: int) -> Callable[..., Any]:
    def rule(
        grad_output: Array,
        self: Array,
        kernel_size: Ints,
        stride: Ints | None,
        padding: Ints,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: int | None,
    ) -> Array:
        windows = Windows.of(self.shape, dims, kernel_size, stride, padding, [1], ceil_mode)
        return average_backward(grad_output, windows, count_include_pad, divisor_override)

    return rule


_WINDOW = "int[1] kernel_size, int[1]? stride=None, int[1] padding=[0], "


def _declare_pools() -> None:
    for dims in (1, 2, 3):
        args = f"Tensor self, {_WINDOW}int[1] dilation=[1], bool ceil_mode=False"
        name = f"max_pool{dims}d"
        kernel = "max_pool" if dims < 3 else None
        pair = f"{name}({args}, true return_indices) -> Tensor, Tensor"
        row(pair, f"F.{name}", kernel=kernel)(_max_pool_indices(dims))
        row(
            f"{name}({args}, bool return_indices=False)",
            f"F.{name} torch.{name} A.{name}.default",
            kernel=kernel,
        )(_max_pool(dims))
        row(
            f"{name}_with_indices({args}, bool return_indices=False) -> Tensor, Tensor",
            f"F.{name}_with_indices torch.{name}_with_indices A.{name}_with_indices.default",
            kernel=kernel,
        )(_max_pool_indices(dims))
        row(
            f"avg_pool{dims}d(Tensor self, {_WINDOW}bool ceil_mode=False, "
            "bool count_include_pad=True, int? divisor_override=None)",
            f"F.avg_pool{dims}d torch.avg_pool{dims}d torch._C._nn.avg_pool{dims}d "
            f"A.avg_pool{dims}d.default",
            kernel="avg_pool" if dims < 3 else None,
        )(_avg_pool(dims))
        if dims == 1:
            continue
        given = "Tensor grad_output, Tensor self, int[1] kernel_size, int[1] stride, "
        row(
            f"{name}_with_indices_backward({given}int[1] padding, int[1] dilation, "
            "bool ceil_mode, Tensor indices)",
            f"A.{name}_with_indices_backward.default",
            kernel="max_pool_backward",
        )(_max_pool_backward(dims))
        row(
            f"avg_pool{dims}d_backward({given}int[1] padding, bool ceil_mode, "
            "bool count_include_pad, int? divisor_override)",
            f"A.avg_pool{dims}d_backward.default",
            kernel="avg_pool_backward" if dims < 3 else None,
        )(_avg_pool_backward(dims))


_declare_pools()
