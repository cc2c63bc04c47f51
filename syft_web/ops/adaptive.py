"""Pooling into a given number of parts: adaptive, fractional; and the reverse, unpooling.

Part ``i`` of ``out`` along a dimension of ``n`` goes from ``floor(i n / out)`` to
``ceil((i + 1) n / out)``, so neighbouring parts may share an element.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from syft_web.ops.dtypes import INT64, Array
from syft_web.ops.pool import Windows, average, maximum_with_indices, scatter_planes
from syft_web.ops.row import RowCollector

__all__ = ["adaptive_average", "row"]

row = RowCollector()


def _sizes(shape: tuple[int, ...], output_size: Sequence[int | None], dims: int) -> tuple[int, ...]:
    """How many parts per dimension; None keeps a dimension as it is."""
    if not dims < len(shape) < dims + 3:
        raise ValueError(f"pooling over {dims} dimensions needs a batch, got shape {shape}")
    given = list(output_size) * dims if len(output_size) == 1 else list(output_size)
    if len(given) != dims:
        raise ValueError(f"output_size must hold one number, or {dims}, not {list(output_size)}")
    return tuple(n if o is None else o for o, n in zip(given, shape[-dims:], strict=True))


def _parts(size: int, out: int) -> list[slice]:
    return [slice(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def _even(x: Array, out: tuple[int, ...]) -> Windows | None:
    """Plain windows that do the same, where every dimension divides evenly."""
    dims = len(out)
    size = x.shape[-dims:]
    if any(o < 1 or n % o for n, o in zip(size, out, strict=True)) or 0 in size:
        return None
    kernel = [n // o for n, o in zip(size, out, strict=True)]
    return Windows.of(x.shape, dims, kernel, kernel, [0], [1], False)


def adaptive_average(dims: int) -> Callable[..., Any]:
    """The rule that averages over the last `dims` dimensions, in as many parts as asked for."""

    def rule(self: Array, output_size: Sequence[int | None]) -> Array:
        out = _sizes(self.shape, output_size, dims)
        even = _even(self, out)
        if even is not None:
            return average(self, even, True, None)
        result = self
        for axis, wanted in zip(range(-dims, 0), out, strict=True):
            moved = np.moveaxis(result, axis, 0)
            means = np.empty((wanted, *moved.shape[1:]), self.dtype)
            for i, part in enumerate(_parts(moved.shape[0], wanted)):
                np.mean(moved[part], axis=0, out=means[i])
            result = np.moveaxis(means, 0, axis)
        return np.ascontiguousarray(result)

    return rule


def _average_backward(dims: int) -> Callable[..., Any]:
    def rule(grad_output: Array, self: Array) -> Array:
        result = grad_output
        for axis in range(-dims, 0):
            moved = np.moveaxis(result, axis, 0)
            spread = np.zeros((self.shape[axis], *moved.shape[1:]), grad_output.dtype)
            for i, part in enumerate(_parts(self.shape[axis], moved.shape[0])):
                spread[part] += moved[i] / moved.dtype.type(part.stop - part.start)
            result = np.moveaxis(spread, 0, axis)
        return result

    return rule


def _maximum(dims: int) -> Callable[..., Any]:
    def rule(self: Array, output_size: Sequence[int | None], *_rest: Any) -> tuple[Array, Array]:
        out = _sizes(self.shape, output_size, dims)
        even = _even(self, out)
        if even is not None:
            return maximum_with_indices(self, even)
        lead, size = self.shape[:-dims], self.shape[-dims:]
        values = np.empty((*lead, *out), self.dtype)
        indices = np.empty((*lead, *out), INT64)
        plane = np.arange(math.prod(size), dtype=INT64).reshape(size)
        parts = [_parts(n, o) for n, o in zip(size, out, strict=True)]
        for cell in product(*map(range, out)):
            cut: Any = (..., *(parts[k][i] for k, i in enumerate(cell)))
            place: Any = (..., *cell)
            region = self[cut].reshape(*lead, -1)
            best = np.argmax(region, axis=-1)
            values[place] = np.take_along_axis(region, best[..., None], -1)[..., 0]
            indices[place] = plane[cut].reshape(-1)[best]
        return values, indices

    return rule


def _first(rule: Callable[..., tuple[Array, Array]]) -> Callable[..., Array]:
    def values_only(*args: Any) -> Array:
        return rule(*args)[0]

    return values_only


def _scatter_backward(dims: int) -> Callable[..., Any]:
    def rule(grad_output: Array, self: Array, *rest: Any) -> Array:
        return scatter_planes(grad_output, rest[-1], self.shape, dims, add=True)

    return rule


def _declare_adaptive() -> None:
    for dims in (1, 2, 3):
        name = f"adaptive_avg_pool{dims}d"
        inner = f" A._{name}.default" if dims > 1 else ""
        # A None in the list keeps that dimension.
        row(
            f"{name}(Tensor self, int?[1] output_size)",
            f"F.{name} torch.{name} A.{name}.default{inner}",
        )(adaptive_average(dims))
        if dims > 1:
            row(
                f"_{name}_backward(Tensor grad_output, Tensor self)",
                f"A._{name}_backward.default",
            )(_average_backward(dims))
        name = f"adaptive_max_pool{dims}d"
        both = _maximum(dims)
        row(
            f"{name}(Tensor self, int?[1] output_size, true return_indices) -> Tensor, Tensor",
            f"F.{name}",
        )(both)
        row(f"{name}(Tensor self, int?[1] output_size, bool return_indices=False)", f"F.{name}")(
            _first(both)
        )
        row(
            f"{name}_with_indices(Tensor self, int?[1] output_size, bool return_indices=False) "
            "-> Tensor, Tensor",
            f"F.{name}_with_indices torch.{name} A.{name}.default",
        )(both)
        if dims > 1:
            row(
                f"{name}_backward(Tensor grad_output, Tensor self, Tensor indices)",
                f"A.{name}_backward.default",
            )(_scatter_backward(dims))


_declare_adaptive()
