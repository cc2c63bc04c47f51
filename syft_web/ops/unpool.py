"""The reverse of max pooling, pooling with random windows, and power-average pooling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web.ops import chance
from syft_web.ops.conv import Ints, per_dim
from syft_web.ops.dtypes import INT64, Array
from syft_web.ops.elementwise import array
from syft_web.ops.pool import Windows, average, scatter_planes
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()


# -- unpooling -------------------------------------------------------------------------------


def max_unpool(self: Array, indices: Array, size: Ints) -> Array:
    """Zeros with the values at their flat indices of each plane ``(..., *size)``."""
    if self.shape != indices.shape:
        raise ValueError(f"indices {indices.shape} must have the shape of the input {self.shape}")
    dims = len(size)
    return scatter_planes(self, indices, (*self.shape[:-dims], *size), dims, add=False)


row("max_unpool2d_flat(Tensor self, Tensor indices, int[] output_size)", "A.max_unpool2d.default")(
    max_unpool
)


@row(
    "max_unpool3d_flat(Tensor self, Tensor indices, int[] output_size, int[] stride, "
    "int[] padding)",
    "A.max_unpool3d.default",
)
def max_unpool3d(self: Array, indices: Array, output_size: Ints, *_rest: Any) -> Array:
    return max_unpool(self, indices, output_size)


def _declare_unpools() -> None:
    for dims in (1, 2, 3):

        def rule(
            self: Array,
            indices: Array,
            kernel_size: Ints,
            stride: Ints | None,
            padding: Ints,
            output_size: Ints | None,
            _dims: int = dims,
        ) -> Array:
            kernel, pad = per_dim(kernel_size, _dims), per_dim(padding, _dims)
            step = per_dim(stride, _dims) if stride else kernel
            if output_size is None:
                size = [
                    (n - 1) * s + k - 2 * p
                    for n, s, k, p in zip(self.shape[-_dims:], step, kernel, pad, strict=True)
                ]
            else:
                size = list(output_size)[-_dims:]
            return max_unpool(self, indices, size)

        row(
            f"max_unpool{dims}d(Tensor self, Tensor indices, int[1] kernel_size, "
            "int[1]? stride=None, int[1] padding=[0], int[]? output_size=None)",
            f"F.max_unpool{dims}d",
        )(rule)


_declare_unpools()


# -- fractional pooling ----------------------------------------------------------------------


def _starts(samples: Array, size: int, out: int, kernel: int) -> Array:
    """Where the windows begin along one dimension, for every plane: ``(planes, out)``."""
    if size < kernel or out < 1 or out + kernel - 1 > size:
        raise ValueError(f"{out} windows of {kernel} do not fit into a size of {size}")
    starts = np.full((samples.size, out), size - kernel, INT64)
    if out > 1:
        alpha = samples.dtype.type((size - kernel) / (out - 1))
        shifted = (np.arange(out - 1, dtype=samples.dtype) + samples[:, None]) * alpha
        starts[:, :-1] = shifted.astype(INT64) - (samples * alpha).astype(INT64)[:, None]
    return starts


def fractional_max_pool(x: Array, kernel: Ints, out: Ints, samples: Array) -> tuple[Array, Array]:
    """The maximum of windows that begin at irregular distances; values and flat indices.

    Args:
        x: ``(N, C, *S)`` or ``(C, *S)``.
        kernel: Sizes of a window.
        out: How many windows.
        samples: ``(N, C, dims)`` numbers in [0, 1) that say how the distances vary.
    """
    dims = len(out)
    size, lead = x.shape[-dims:], x.shape[:-dims]
    planes = math.prod(lead)
    numbers = samples.reshape(planes, dims)
    # In two dimensions torch takes the first number for the width.
    order = range(dims) if dims == 3 else range(dims - 1, -1, -1)
    flat: Array = np.zeros((planes, *(1,) * (2 * dims)), INT64)
    for k, which in enumerate(order):
        starts = _starts(numbers[:, which], size[k], out[k], kernel[k])
        at = starts[:, :, None] + np.arange(kernel[k])
        shape = [planes, *(1,) * (2 * dims)]
        shape[1 + k], shape[1 + dims + k] = out[k], kernel[k]
        flat = flat * size[k] + at.reshape(shape)
    places = flat.reshape(planes, math.prod(out), math.prod(kernel))
    values = np.take_along_axis(x.reshape(planes, 1, -1), places, 2)
    best = np.argmax(values, axis=2)[..., None]
    shape_out = (*lead, *out)
    return (
        np.take_along_axis(values, best, 2).reshape(shape_out),
        np.take_along_axis(places, best, 2).reshape(shape_out),
    )


def _declare_fractional() -> None:
    for dims in (2, 3):

        def given(
            self: Array,
            kernel_size: Ints,
            output_size: Ints,
            random_samples: Array,
            _dims: int = dims,
        ) -> tuple[Array, Array]:
            kernel, out = per_dim(kernel_size, _dims), per_dim(output_size, _dims)
            return fractional_max_pool(self, kernel, out, random_samples)

        def named(
            self: Array,
            kernel_size: Ints,
            output_size: Ints | None,
            output_ratio: Sequence[float] | None,
            return_indices: bool,
            samples: Array | None,
            _dims: int = dims,
        ) -> tuple[Array, Array]:
            kernel = per_dim(kernel_size, _dims)
            if output_size is not None:
                out = per_dim(output_size, _dims)
            elif output_ratio is not None:
                ratios = list(output_ratio) * (_dims if len(output_ratio) == 1 else 1)
                out = tuple(int(n * q) for n, q in zip(self.shape[-_dims:], ratios, strict=True))
            else:
                raise ValueError("fractional_max_pool needs output_size or output_ratio")
            if samples is None:
                planes = self.shape[:-_dims] if self.ndim == _dims + 2 else (1, self.shape[0])
                samples = chance.generator().random((*planes, _dims)).astype(self.dtype)
            return fractional_max_pool(self, kernel, out, samples)

        def backward(
            grad_output: Array,
            self: Array,
            kernel_size: Ints,
            output_size: Ints,
            indices: Array,
            _dims: int = dims,
        ) -> Array:
            return scatter_planes(grad_output, indices, self.shape, _dims, add=True)

        name = f"fractional_max_pool{dims}d"
        row(
            f"{name}_sampled(Tensor self, int[1] kernel_size, int[1] output_size, "
            "Tensor random_samples) -> Tensor, Tensor",
            f"torch._C._nn.{name} A.{name}.default",
        )(given)
        args = (
            "Tensor self, int[1] kernel_size, int[1]? output_size=None, "
            "float[1]? output_ratio=None, {}, Tensor? _random_samples=None"
        )
        row(
            f"{name}({args.format('true return_indices')}) -> Tensor, Tensor",
            f"F.{name}",
        )(named)
        row(f"{name}({args.format('bool return_indices=False')})", f"F.{name}")(_first(named))
        row(
            f"{name}_with_indices({args.format('bool return_indices=False')}) -> Tensor, Tensor",
            f"F.{name}_with_indices",
        )(named)
        row(
            f"{name}_backward(Tensor grad_output, Tensor self, int[1] kernel_size, "
            "int[1] output_size, Tensor indices)",
            f"A.{name}_backward.default",
        )(backward)


def _first(rule: Callable[..., tuple[Array, Array]]) -> Callable[..., Array]:
    def values_only(*args: Any) -> Array:
        return rule(*args)[0]

    return values_only


_declare_fractional()


# -- power average ---------------------------------------------------------------------------


def _declare_power_averages() -> None:
    for dims in (1, 2, 3):

        def rule(
            self: Array,
            norm_type: float,
            kernel_size: Ints,
            stride: Ints | None,
            ceil_mode: bool,
            _dims: int = dims,
        ) -> Array:
            """``(sum of x ** p over a window) ** (1 / p)``."""
            kind = self.dtype.type
            windows = Windows.of(self.shape, _dims, kernel_size, stride, [0], [1], ceil_mode)
            mean = average(array(self ** kind(norm_type)), windows, True, None)
            total = mean * kind(math.prod(windows.kernel))
            return array(total ** kind(1 / norm_type))

        row(
            f"lp_pool{dims}d(Tensor self, float norm_type, int[1] kernel_size, "
            "int[1]? stride=None, bool ceil_mode=False)",
            f"F.lp_pool{dims}d",
        )(rule)


_declare_power_averages()
