"""Every kernel against numpy, run inside Pyodide by test_kernels_node.py and in a browser.

Arrays lie in the middle of larger buffers full of a pattern (guard bands), at odd offsets. After
each call the bands must be as they were, those of the results included: while a check runs,
`numpy.empty` and `numpy.zeros` of the kernels' modules give guarded arrays as well.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.kernels import chain, elementwise, images, limits, matrix, rows

__all__ = ["CHECKS", "run"]

BAND = 64
"""Elements before and after each array."""

MODULES = (chain, elementwise, images, matrix, rows)

Array = Any


class Guards:
    """Hands out arrays with guard bands and knows whether the bands are still as they were."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self._kept: list[tuple[Array, Array, Array]] = []

    def __getattr__(self, name: str) -> Any:
        """What the kernels want of numpy beside new arrays."""
        return getattr(np, name)

    def empty(self, shape: Any, dtype: Any = np.float32) -> Array:
        """An array full of the pattern, in a guarded buffer, not at a multiple of 16 bytes."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        size, dtype = math.prod(shape), np.dtype(dtype)
        bytes_ = np.empty((size + 2 * BAND + 1) * dtype.itemsize, np.uint8)
        bytes_[:] = np.arange(bytes_.size, dtype=np.uint32) * 37 + 11
        whole = bytes_.view(dtype)
        begin = BAND + 1
        inner = whole[begin : begin + size]
        ours = np.zeros(whole.size, bool)
        ours[begin : begin + size] = True
        self._kept.append((whole, ours, bytes_.copy()))
        return inner.reshape(shape)

    def zeros(self, shape: Any, dtype: Any = np.float32) -> Array:
        found = self.empty(shape, dtype)
        found[...] = 0
        return found

    def filled(self, values: Array, *, layout: str = "C", written: bool = False) -> Array:
        """Values in a guarded buffer.

        Args:
            values: Copied.
            layout: ``"C"``, ``"T"`` (columns first), ``"gaps"`` (every third element),
                ``"back"`` (negative strides) or ``"same"`` (stride 0 along the first dimension,
                if all of its entries are equal).
            written: Whether the kernel may write to it.
        """
        shape = values.shape
        if layout == "T":
            x = self.empty(shape[::-1], values.dtype).T
        elif layout == "gaps" and values.ndim:
            x = self.empty((*shape[:-1], shape[-1] * 3), values.dtype)[..., ::3]
        elif layout == "back":
            x = self.empty(shape, values.dtype)[(slice(None, None, -1),) * values.ndim]
        elif layout == "same" and values.ndim and shape[0]:
            x = self.empty(shape[1:], values.dtype)
            x[...] = values[0]
            self._seal(written)
            return np.broadcast_to(x, shape)
        else:
            x = self.empty(shape, values.dtype)
        x[...] = values
        self._seal(written, x)
        return x

    def _seal(self, written: bool, x: Array | None = None) -> None:
        """Remember the buffer as it is now; of what may be written only what lies around."""
        whole, ours, _ = self._kept[-1]
        if written and x is not None:
            base = whole.__array_interface__["data"][0]
            offset = (x.__array_interface__["data"][0] - base) // whole.itemsize
            steps = [stride // whole.itemsize for stride in x.strides]
            ours[:] = False
            places = np.array(offset)
            for size, step in zip(x.shape, steps, strict=True):
                places = places[..., None] + np.arange(size) * step
            ours[places.reshape(-1)] = True
        elif not written:
            ours[:] = False
        self._kept[-1] = (whole, ours, whole.view(np.uint8).copy())

    def random(self, *shape: int, **options: Any) -> Array:
        """Normal float32 numbers in a guarded buffer."""
        return self.filled(self.rng.standard_normal(shape, np.float32), **options)

    def check(self) -> None:
        """Raise where a byte changed that is no element of an array to be written."""
        for whole, ours, before in self._kept:
            now = whole.view(np.uint8).reshape(whole.size, -1)
            was = before.reshape(whole.size, -1)
            changed = (now != was).any(1) & ~ours
            assert not changed.any(), f"written outside of the array, at {np.flatnonzero(changed)}"
        self._kept.clear()


@contextlib.contextmanager
def _guarded(guards: Guards) -> Iterator[None]:
    """Let the kernels' modules take new arrays from the guards, and use kernels at any size."""
    saved: list[tuple[Any, str, Any]] = []
    for module, name in itertools.product(MODULES, ("np", *limits.__all__)):
        if hasattr(module, name):
            saved.append((module, name, getattr(module, name)))
    try:
        for module, name, value in saved:
            least: Any = dict.fromkeys(value, 0) if isinstance(value, dict) else 1
            setattr(module, name, guards if name == "np" else least)
        yield
    finally:
        for module, name, value in saved:
            setattr(module, name, value)


def _close(got: Array, wanted: Array, *, scale: Any = 1.0, ulps: float = 8) -> None:
    """Equal to float32 rounding of numbers as large as `scale` beside the wanted ones."""
    assert got is not None, "the kernel did not apply"
    assert got.shape == wanted.shape, f"shape {got.shape} instead of {wanted.shape}"
    assert got.dtype == np.float32
    wanted = np.asarray(wanted, np.float64)
    finite = np.isfinite(wanted)
    assert np.array_equal(np.isnan(got), np.isnan(wanted)), "nan elsewhere"
    with np.errstate(over="ignore"):
        odd = ~finite & ~np.isnan(wanted)
        assert np.array_equal(got[odd], wanted[odd].astype(np.float32))
    error = np.abs(got[finite].astype(np.float64) - wanted[finite])
    size = np.abs(wanted[finite]) + np.broadcast_to(scale, wanted.shape)[finite]
    share = error / (ulps * 2.0**-24 * size + 1e-44)
    worst = int(share.argmax()) if share.size else -1
    assert share.max(initial=0) <= 1, (
        f"{got[finite][worst]!r} instead of {wanted[finite][worst]!r}, "
        f"{share[worst]:.3g} times the bound"
    )


# -- products of matrices ----------------------------------------------------------------

LAYOUTS = ("C", "T", "gaps", "back", "same")
SIZES = (1, 2, 5, 6, 7, 8, 9, 13, 31)


def _product_case(g: Guards, m: int, k: int, n: int, left: str, right: str, number: int) -> None:
    a, b = g.random(m, k, layout=left), g.random(k, n, layout=right)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    size = np.abs(a).astype(np.float64) @ np.abs(b) + 3
    bias = g.random(n, layout="gaps") if number & 1 else None
    relu, alpha = bool(number & 2), 0.5 if number & 4 else 1.0
    out = None
    accumulate = bool(number & 16)
    before = 0.0
    if number & 8 or accumulate:
        values = g.rng.standard_normal((m, n), np.float32)
        before = values.astype(np.float64) if accumulate else 0.0
        out = g.filled(values, layout=("C", "T", "gaps", "back")[number % 4], written=True)
    got = kernels.matmul(a, b, bias=bias, relu=relu, alpha=alpha, out=out, accumulate=accumulate)
    wanted = alpha * exact + before + (0 if bias is None else bias.astype(np.float64))
    wanted = np.maximum(wanted, 0) if relu else wanted
    assert out is None or got is out
    _close(got, wanted, scale=size, ulps=4 + k**0.5)
    g.check()


def check_products(g: Guards) -> None:
    for number, (m, k, n) in enumerate(itertools.product(SIZES, SIZES, SIZES)):
        left, right = LAYOUTS[number % 5], LAYOUTS[number // 5 % 5]
        _product_case(g, m, k, n, left, right, number)


def check_large_products(g: Guards) -> None:
    """Sizes around the blocks of the packed panels."""
    shapes = [(97, 401, 257), (6, 801, 8), (193, 3, 513), (1, 1000, 300), (300, 1000, 1)]
    for number, (shape, left, right) in enumerate(itertools.product(shapes, LAYOUTS, LAYOUTS)):
        _product_case(g, *shape, left, right, number * 5)


def check_batches(g: Guards) -> None:
    shapes = [((3,), (3,)), ((2, 3), (2, 3)), ((2, 1), (3,)), ((), (4,)), ((2, 1, 3), (2, 1, 1))]
    for (left, right), layout in itertools.product(shapes, ("C", "T", "gaps", "back")):
        a, b = g.random(*left, 5, 7, layout=layout), g.random(*right, 7, 9, layout=layout)
        wanted = np.matmul(a.astype(np.float64), b.astype(np.float64))
        _close(kernels.matmul(a, b, bias=g.random(9)) * 0 + kernels.matmul(a, b), wanted, scale=30)
        out = g.filled(np.zeros(wanted.shape, np.float32), written=True)
        _close(kernels.matmul(a, b, out=out, accumulate=True), wanted, scale=30)
        g.check()
    vector, matrix_ = g.random(7), g.random(7, 9)
    _close(kernels.matmul(vector, matrix_), vector.astype(float) @ matrix_, scale=30)
    _close(kernels.matmul(matrix_.T, vector), matrix_.T.astype(float) @ vector, scale=30)
    _close(kernels.matmul(vector, vector), np.asarray(vector.astype(float) @ vector), scale=30)
    g.check()


def check_odd_products(g: Guards) -> None:
    """Zero sizes, nan and inf, and what numpy has to refuse."""
    for m, k, n in ((0, 3, 4), (3, 0, 4), (3, 4, 0)):
        got = kernels.matmul(g.random(m, k), g.random(k, n), bias=g.filled(np.ones(n, np.float32)))
        assert got.shape == (m, n)
        assert np.array_equal(got, np.ones((m, n)))
    values = np.ones((9, 10), np.float32)
    values[2, 3], values[5, 1] = np.nan, np.inf
    b = np.ones((10, 17), np.float32)
    b[1, 4] = 0
    with np.errstate(invalid="ignore"):
        wanted = values.astype(float) @ b
        _close(kernels.matmul(g.filled(values), g.filled(b)), wanted)
        _close(kernels.matmul(g.filled(values), g.filled(b), relu=True), np.maximum(wanted, 0))
    for a, b in ((np.ones((3, 4)), np.ones((5, 6))), (np.ones((2, 3, 4)), np.ones((3, 4, 5)))):
        with contextlib.suppress(ValueError):
            kernels.matmul(a.astype(np.float32), b.astype(np.float32))
            raise AssertionError("shapes that do not fit were taken")
    a = g.random(12, 12, written=True)
    wanted = a.astype(float) @ a.astype(float) + a
    kernels.matmul(a, a, out=a, accumulate=True)
    _close(a, wanted, scale=40)
    g.check()


# -- convolution and pooling -------------------------------------------------------------


def _patches(x: Array, kernel: Array, stride: Array, padding: Array, dilation: Array) -> Array:
    """(N, C, *kernel, *out), in float64."""
    dims = len(kernel)
    x = np.pad(x.astype(np.float64), [(0, 0)] * 2 + [(p, p) for p in padding])
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(2, 2 + dims)))
    steps = tuple(slice(None, None, s) for s in stride)
    taps = tuple(slice(None, None, d) for d in dilation)
    windows = windows[(slice(None), slice(None), *steps, *taps)]
    return windows.transpose(0, 1, *range(2 + dims, 2 + 2 * dims), *range(2, 2 + dims))


CONVOLUTIONS: list[tuple[Any, ...]] = [
    # batch, groups, channels, outs (of a group), size, kernel, stride, padding, dilation
    (2, 1, 1, 6, (12, 12), (5, 5), (1, 1), (0, 0), (1, 1)),
    (3, 1, 6, 16, (9, 8), (5, 3), (1, 1), (2, 1), (1, 1)),
    (2, 2, 3, 4, (7, 9), (3, 3), (2, 3), (1, 2), (1, 1)),
    (1, 4, 1, 1, (8, 8), (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 3, 1, 1, (9, 23), (3, 5), (2, 2), (1, 2), (1, 1)),
    (2, 3, 1, 1, (7, 30), (2, 3), (1, 3), (0, 4), (2, 2)),
    (3, 5, 1, 1, (19,), (4,), (1,), (2,), (1,)),
    (2, 1, 1, 1, (6, 7), (3, 3), (1, 1), (0, 0), (1, 1)),
    (2, 1, 3, 5, (11, 13), (3, 2), (2, 1), (3, 2), (2, 3)),
    (5, 1, 7, 9, (4, 4), (4, 4), (1, 1), (0, 0), (1, 1)),
    (2, 3, 5, 2, (6, 5), (1, 1), (1, 1), (0, 0), (1, 1)),
    (2, 1, 5, 7, (6, 5), (1, 1), (2, 2), (0, 0), (1, 1)),
    (1, 1, 2, 3, (1, 1), (3, 3), (1, 1), (1, 1), (1, 1)),
    (3, 2, 2, 3, (17,), (4,), (2,), (3,), (2,)),
    (1, 1, 50, 101, (20, 21), (3, 3), (1, 1), (1, 1), (1, 1)),
    (2, 1, 3, 2, (5, 40), (1, 7), (1, 5), (0, 6), (1, 2)),
]


def check_convolutions(g: Guards) -> None:
    for batch, groups, channels, outs, size, kernel, *steps in CONVOLUTIONS:
        for layout in ("C", "T"):
            _convolution_case(g, batch, groups, channels, outs, size, kernel, steps, layout)


def _convolution_case(
    g: Guards,
    batch: int,
    groups: int,
    channels: int,
    outs: int,
    size: Any,
    kernel: Any,
    steps: Any,
    layout: str,
) -> None:
    x = g.random(batch, groups * channels, *size, layout=layout)
    weight = g.random(groups * outs, channels, *kernel, layout=layout)
    bias = g.random(groups * outs)
    patches = _patches(x, kernel, *steps)
    out = patches.shape[2 + len(kernel) :]
    flat = patches.reshape(batch, groups, -1, math.prod(out))
    factors = weight.astype(np.float64).reshape(groups, outs, -1)
    wanted = np.einsum("gok,ngkl->ngol", factors, flat).reshape(batch, -1, *out)
    scale = 4 * flat.shape[2] ** 0.5
    got = kernels.conv2d(x, weight, None, *steps, groups)
    _close(got, wanted, scale=scale)
    moved = wanted + bias.astype(np.float64).reshape(-1, *(1,) * len(kernel))
    _close(kernels.conv2d(x, weight, bias, *steps, groups), moved, scale=scale)
    g.check()

    grad = g.random(*wanted.shape, layout=layout)
    steep = grad.astype(np.float64).reshape(batch, groups, outs, -1)
    wanted = np.einsum("ngol,ngkl->gok", steep, flat).reshape(weight.shape)
    got = kernels.conv2d_backward_weight(grad, x, kernel, *steps, groups)
    _close(got, wanted, scale=4 * (steep.shape[-1] * batch) ** 0.5)

    columns = np.einsum("gok,ngol->ngkl", factors, steep)
    columns = columns.reshape(batch, groups * channels, *kernel, *out)
    wanted = _added(columns, size, *steps)
    got = kernels.conv2d_backward_input(grad, weight, size, *steps, groups)
    _close(got, wanted, scale=4 * (outs * math.prod(kernel)) ** 0.5)
    g.check()


def _added(columns: Array, size: Any, stride: Any, padding: Any, dilation: Any) -> Array:
    dims = len(size)
    kernel, out = columns.shape[2 : 2 + dims], columns.shape[2 + dims :]
    room = [n + 2 * p for n, p in zip(size, padding, strict=True)]
    total = np.zeros((*columns.shape[:2], *room))
    for place in itertools.product(*map(range, kernel)):
        cut = tuple(
            slice(k * d, k * d + s * (o - 1) + 1, s)
            for k, d, s, o in zip(place, dilation, stride, out, strict=True)
        )
        total[(slice(None), slice(None), *cut)] += columns[(slice(None), slice(None), *place)]
    inner = tuple(slice(p, p + n) for p, n in zip(padding, size, strict=True))
    return total[(slice(None), slice(None), *inner)]


POOLS: list[tuple[Any, ...]] = [
    # size, kernel, stride, padding, dilation
    ((8, 8), (2, 2), (2, 2), (0, 0), (1, 1)),
    ((7, 9), (3, 2), (2, 1), (1, 1), (1, 1)),
    ((9, 9), (3, 3), (1, 2), (1, 0), (2, 3)),
    ((11,), (3,), (2,), (1,), (1,)),
    ((5, 5), (5, 5), (5, 5), (0, 0), (1, 1)),
]


def check_max_pooling(g: Guards) -> None:
    for (size, kernel, stride, padding, dilation), odd in itertools.product(POOLS, (False, True)):
        values = np.round(g.rng.standard_normal((2, 3, *size), np.float32) * 2)
        if odd:
            values.reshape(-1)[[3, 4, 17]] = np.nan, np.inf, -np.inf
        x = g.filled(values, layout="gaps")
        dims = len(size)
        padded = np.pad(
            values.astype(np.float64),
            [(0, 0)] * 2 + [(p, p) for p in padding],
            constant_values=-np.inf,
        )
        windows = _patches(padded, kernel, stride, (0,) * dims, dilation)
        out = windows.shape[2 + dims :]
        got, where = kernels.max_pool(x, kernel, stride, padding, dilation, out)
        alone, none = kernels.max_pool(x, kernel, stride, padding, dilation, out, indices=False)
        wanted = windows.max(axis=tuple(range(2, 2 + dims)))
        _close(got, wanted)
        _close(alone, wanted)
        assert none is None
        assert where.dtype == np.int64
        flat = values.reshape(2, 3, -1)
        there = np.take_along_axis(flat, where.reshape(2, 3, -1), -1).reshape(got.shape)
        assert np.array_equal(there, got, equal_nan=True)
        grad = g.random(*got.shape, layout="T")
        summed = np.zeros((6, math.prod(size)))
        spots = where.reshape(6, -1)
        for plane in range(6):
            np.add.at(summed[plane], spots[plane], grad.reshape(6, -1)[plane].astype(float))
        kept = g.filled(where)
        _close(
            kernels.max_pool_backward(grad, kept, x.shape, dims), summed.reshape(x.shape), scale=4
        )
        g.check()
    for bad in (-1, 64, 1 << 33):
        wrong = g.filled(np.full((1, 1, 2, 2), bad, np.int64))
        assert kernels.max_pool_backward(g.random(1, 1, 2, 2), wrong, (1, 1, 8, 8), 2) is None
        g.check()


def check_average_pooling(g: Guards) -> None:
    for (size, kernel, stride, padding, _), count, divisor in itertools.product(
        POOLS, (False, True), (None, 5)
    ):
        dims, ones = len(size), (1,) * len(size)
        x = g.random(2, 3, *size)
        over = tuple(range(2, 2 + dims))
        total = _patches(x, kernel, stride, padding, ones).sum(axis=over)
        covered = np.pad(
            np.ones((1, 1, *size)),
            [(0, 0)] * 2 + [(p, p) for p in padding],
            constant_values=float(count),
        )
        share = _patches(covered, kernel, stride, (0,) * dims, ones).sum(axis=over)
        share = np.full_like(share, divisor) if divisor else share
        out = total.shape[2:]
        got = kernels.avg_pool(x, kernel, stride, padding, out, count, divisor)
        _close(got, total / share)
        grad = g.random(*total.shape)
        spread = (grad / share).reshape(2, 3, *ones, *out)
        spread = np.broadcast_to(spread, (2, 3, *kernel, *out))
        got = kernels.avg_pool_backward(grad, size, kernel, stride, padding, count, divisor)
        _close(got, _added(spread, size, stride, padding, ones), scale=4)
        g.check()


# -- functions of one element --------------------------------------------------------------


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[float])(x)


REFERENCES: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "erf": _erf,
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x / 2 * (1 + _erf(x / math.sqrt(2))),
}


def check_functions(g: Guards) -> None:
    far = np.concatenate([np.linspace(-110, 95, 4001), np.linspace(-6, 6, 5000)])
    near = np.concatenate([10.0 ** np.arange(-45, 3), -(10.0 ** np.arange(-45, 3)), [0.0, -0.0]])
    odd = np.array([np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 88.72, 88.73, -87.4, -103.9])
    values = np.concatenate([far, near, odd]).astype(np.float32)
    for name, reference in REFERENCES.items():
        function = getattr(kernels, name)
        with np.errstate(all="ignore"):
            wanted = reference(values.astype(np.float64)).astype(np.float32).astype(np.float64)
            if name == "gelu":  # torch's: -inf * 0 is nan
                wanted[values == -np.inf] = np.nan
        got = function(g.filled(values))
        # 1 + erf cancels; where exp(-x) overflows, the sigmoid is 0 and no subnormal number.
        sizes = {"gelu": np.abs(np.nan_to_num(values, posinf=0, neginf=0)), "sigmoid": 2e-32}
        _close(got, wanted, scale=sizes.get(name, 0.0), ulps=4)
        g.check()
        for size in (1, 2, 3, 4, 5, 7, 8):
            part = g.random(size, 3, layout=("C", "T", "gaps")[size % 3])
            _close(function(part), reference(part.astype(np.float64)), scale=1.0, ulps=4)
            place = g.random(size, written=True)
            wanted = reference(place.astype(np.float64))
            assert function(place, out=place) is place
            _close(place, wanted, scale=1.0, ulps=4)
            g.check()


def check_relu_backward(g: Guards) -> None:
    values = np.array([1, -1, 0, -0.0, np.nan, np.inf, -np.inf, 1e-45, -1e-45], np.float32)
    for size in (1, 3, 4, 5, 9, 16, 1001):
        x, grad = g.filled(np.resize(values, size)), g.random(size)
        got = kernels.relu_backward(grad, x)
        assert np.array_equal(got, np.where(x <= 0, np.float32(0), grad))
        g.check()


# -- rows --------------------------------------------------------------------------------


def _softmax(x: Array) -> tuple[Array, Array]:
    x = x.astype(np.float64)
    away = x - x.max(-1, keepdims=True)
    total = np.exp(away).sum(-1, keepdims=True)
    return np.exp(away) / total, away - np.log(total)


def check_softmax(g: Guards) -> None:
    for number, columns in enumerate((1, 2, 3, 4, 5, 10, 63, 1000)):
        layout = ("C", "T", "gaps", "back")[number % 4]
        x = g.filled(g.rng.standard_normal((3, 2, columns), np.float32) * 20, layout=layout)
        plain, logarithm = _softmax(x)
        _close(kernels.softmax(x, -1), plain, scale=1e-6, ulps=64)
        _close(kernels.log_softmax(x, 2), logarithm, scale=20)
        assert kernels.softmax(x, 0) is None
        grad = g.random(*x.shape)
        y, z = g.filled(plain.astype(np.float32)), g.filled(logarithm.astype(np.float32))
        steep = grad.astype(np.float64)
        wanted = plain * (steep - (steep * plain).sum(-1, keepdims=True))
        _close(kernels.softmax_backward(grad, y), wanted, scale=4)
        wanted = steep - plain * steep.sum(-1, keepdims=True)
        _close(kernels.log_softmax_backward(grad, z), wanted, scale=4 * columns**0.5, ulps=32)
        targets = g.filled(g.rng.integers(0, columns, 6))
        hot = np.eye(columns)[targets]
        flat = g.filled(logarithm.reshape(6, -1).astype(np.float32))
        wanted = (plain.reshape(6, -1) - hot) / 6
        _close(kernels.cross_entropy_backward(flat, targets, 1 / 6), wanted, scale=1, ulps=32)
        for wrong in (-1, columns):
            bad = g.filled(np.full(6, wrong, np.int64))
            assert kernels.cross_entropy_backward(flat, bad, 1.0) is None
        g.check()
    odd = np.array([[1, np.nan, 2], [np.inf, 1, 2], [-np.inf, 1, 2], [-np.inf] * 3], np.float32)
    with np.errstate(invalid="ignore"):
        plain, logarithm = _softmax(odd)
        _close(kernels.softmax(g.filled(odd)), plain)
        _close(kernels.log_softmax(g.filled(odd)), logarithm)
    g.check()


def check_layer_norm(g: Guards) -> None:
    for number, tail in enumerate(((1,), (3,), (2, 4), (7,), (128,), (1001,))):
        dims, layout = len(tail), ("C", "T", "gaps")[number % 3]
        x = g.filled(g.rng.standard_normal((3, 2, *tail), np.float32) * 3 + 5, layout=layout)
        weight, bias = (g.random(*tail), g.random(*tail)) if number % 2 else (None, None)
        over = tuple(range(2, 2 + dims))
        exact = x.astype(np.float64)
        mean = exact.mean(over, keepdims=True)
        scale = 1 / np.sqrt(exact.var(over, keepdims=True) + 1e-5)
        normal = (exact - mean) * scale
        factor = 1.0 if weight is None else weight.astype(np.float64)
        wanted = normal * factor + (0 if bias is None else bias.astype(np.float64))
        got, got_mean, got_scale = kernels.layer_norm(x, dims, weight, bias, 1e-5)
        rough = float(scale.max() * 8)  # what the rounding of the mean does to a narrow row
        _close(got, wanted, scale=5 + rough)
        _close(got_mean, mean, scale=8)
        _close(got_scale, scale, scale=float(scale.max()), ulps=64)
        grad = g.random(*x.shape, layout=layout)
        steep = grad.astype(np.float64) * factor
        count = tuple(over)
        inner = steep - steep.mean(count, keepdims=True)
        inner -= normal * (steep * normal).mean(count, keepdims=True)
        m, s = g.filled(mean.astype(np.float32)), g.filled(scale.astype(np.float32))
        found = kernels.layer_norm_backward(grad, x, dims, m, s, weight, (True, True, True))
        _close(found[0], scale * inner, scale=float(scale.max()) * 20, ulps=16)
        _close(found[1], (grad * normal).sum((0, 1)), scale=20, ulps=32)
        _close(found[2], grad.astype(np.float64).sum((0, 1)), scale=20)
        alone = kernels.layer_norm_backward(grad, x, dims, m, s, weight, (False, False, True))
        assert alone[:2] == (None, None)
        g.check()


def check_sums(g: Guards) -> None:
    shapes = ((1, 1), (3, 5), (5, 3), (17, 16), (64, 393), (700, 33), (33, 700))
    for shape, layout, axis in itertools.product(shapes, ("C", "T", "back", "same"), (0, 1, -1)):
        x = g.random(*shape, layout=layout)
        got = kernels.sum_axis(x, axis)
        if got is None:  # what runs backwards, or nowhere, is numpy's
            assert layout in ("back", "same"), layout
        else:
            _close(got, x.astype(np.float64).sum(axis), scale=8 * x.shape[axis] ** 0.5, ulps=16)
            kept = kernels.sum_axis(x, axis, keepdims=True)
            assert kept.shape == x.sum(axis, keepdims=True).shape
        g.check()


# -- chains ------------------------------------------------------------------------------


EXACT = ("add", "sub", "mul", "div", "neg", "sqrt", "abs", "threshold_backward")
SMOOTH = ("add", "sub", "tanh", "sigmoid", "relu", "neg")


def _random_chain(rng: np.random.Generator, names: tuple[str, ...]) -> kernels.Chain:
    """Three arrays, two results, two numbers, three places in between."""
    code: list[tuple[str, int, tuple[int, ...]]] = []
    there = [0, 1, 2, 5, 6]
    for out in (7, 8, 9, 7, 8, 3, 9, 4):
        name = names[rng.integers(len(names))]
        count = 2 if name in ("add", "sub", "mul", "div", "threshold_backward") else 1
        code.append((name, out, tuple(int(n) for n in rng.choice(there, count))))
        there = sorted({*there, out})
    # The last to read the third array is before the second result, which may take its place.
    read = [2 in operands for _, _, operands in code]
    takes = (-1, -1) if any(read[-1:]) else (-1, 2)
    return kernels.Chain(3, 2, (-0.75,), 1, 3, tuple(code), takes)


def check_chains(g: Guards) -> None:
    for size, layout, kinds in itertools.product(
        (1, 3, 4, 5, 100, 255, 256, 257, 1003), ("C", "T", "gaps", "same"), (EXACT, SMOOTH)
    ):
        made = _random_chain(g.rng, kinds)
        values = [g.rng.standard_normal((size, 2), np.float32) for _ in range(3)]
        if layout == "same":
            values[1][:] = values[1][0]
        numbers = [g.random(*[1] * (size % 2))]
        places = [
            g.filled(x, layout=layout if i == 1 else "C", written=i == made.takes[1])
            for i, x in enumerate(values)
        ]
        wanted = dataclasses.replace(made, takes=(-1, -1))._in_numpy(values, numbers)
        got = made(*places, *numbers)
        for ours, theirs in zip(got, wanted, strict=True):
            if kinds is EXACT:
                assert np.array_equal(ours, theirs, equal_nan=True)
            else:
                _close(ours, theirs, scale=1, ulps=64)
        g.check()


CHECKS: dict[str, Callable[[Guards], None]] = {
    name.removeprefix("check_"): function
    for name, function in dict(globals()).items()
    if name.startswith("check_")
}


def run(name: str, build: str) -> None:
    """Run one check.

    Args:
        name: A key of `CHECKS`.
        build: Of the kernels: ``"relaxed_simd"`` or ``"simd128"``, or ``"numpy"`` for those
            that work without.

    Raises:
        AssertionError: A kernel gave something else than numpy, or wrote elsewhere.
        HostError: This runtime cannot use the build.
    """
    before = kernels.active()
    kernels.use(build)
    guards = Guards()
    try:
        with _guarded(guards):
            CHECKS[name](guards)
    finally:
        kernels.use(before)
