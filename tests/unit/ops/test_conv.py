"""The three functions that convolve: adjoint to each other, in slices, within their memory."""

from __future__ import annotations

import tracemalloc
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syft_web import kernels
from syft_web.ops import conv


@st.composite
def geometries(draw: Any) -> dict[str, Any]:
    """Shapes and options of a convolution that fits."""
    dims = draw(st.integers(1, 3))

    def each(low: int, high: int) -> list[int]:
        return [draw(st.integers(low, high)) for _ in range(dims)]

    groups = draw(st.integers(1, 3))
    kernel, stride, padding, dilation = each(1, 3), each(1, 3), each(0, 2), each(1, 2)
    least = [
        max(d * (k - 1) + 1 - 2 * p, 1) for k, d, p in zip(kernel, dilation, padding, strict=True)
    ]
    size = [n + draw(st.integers(0, 3)) for n in least]
    return {
        "x": (draw(st.integers(1, 3)), groups * draw(st.integers(1, 2)), *size),
        "outs": groups * draw(st.integers(1, 2)),
        "kernel": kernel,
        "options": (stride, padding, dilation, groups),
    }


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape)


def by_hand(x: np.ndarray, w: np.ndarray, options: Any) -> np.ndarray:
    """The definition, one element after the other."""
    stride, padding, dilation, groups = options
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    reach = [d * (k - 1) + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]
    out = [(n - r) // s + 1 for n, r, s in zip(padded.shape[2:], reach, stride, strict=True)]
    result = np.zeros((x.shape[0], w.shape[0], *out))
    per_group, outs = w.shape[1], w.shape[0] // groups
    for o, *place in product(range(w.shape[0]), *map(range, out)):
        first = o // outs * per_group
        cut = tuple(
            slice(i * s, i * s + r, d)
            for i, s, r, d in zip(place, stride, reach, dilation, strict=True)
        )
        window = padded[(slice(None), slice(first, first + per_group), *cut)]
        result[(slice(None), o, *place)] = (window * w[o]).sum(tuple(range(1, window.ndim)))
    return result


@settings(max_examples=60, deadline=None)
@given(geometries())
def test_the_definition_and_its_adjoints(shape: dict[str, Any]) -> None:
    options = shape["options"]
    x, groups = numbers(*shape["x"]), options[3]
    w = numbers(shape["outs"], x.shape[1] // groups, *shape["kernel"])
    y = conv.convolve(x, w, None, *options)
    np.testing.assert_allclose(y, by_hand(x, w, options), atol=1e-10)
    g = np.cos(np.arange(y.size)).reshape(y.shape)
    wanted = (g * y).sum()
    for_x = conv.convolve_backward_input(g, w, x.shape[2:], *options)
    for_w = conv.convolve_backward_weight(g, x, shape["kernel"], *options)
    assert for_x.shape == x.shape
    assert for_w.shape == w.shape
    np.testing.assert_allclose((for_x * x).sum(), wanted, atol=1e-9)
    np.testing.assert_allclose((for_w * w).sum(), wanted, atol=1e-9)


def test_slices_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w, g = numbers(7, 2, 6, 5), numbers(3, 2, 3, 2), numbers(7, 3, 6, 4)
    options = ([1, 1], [1, 0], [1, 1], 1)

    def all_three() -> list[np.ndarray]:
        return [
            conv.convolve(x, w, None, *options),
            conv.convolve_backward_input(g, w, (6, 5), *options),
            conv.convolve_backward_weight(g, x, (3, 2), *options),
        ]

    whole = all_three()
    monkeypatch.setattr(conv, "_COLUMN_BYTES", 1)
    for a, b in zip(whole, all_three(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_columns_stay_small() -> None:
    """A batch whose columns would take 39 MB needs little beside its results."""
    kernels.use("numpy")
    x, w = np.ones((64, 6, 28, 28), np.float32), np.ones((16, 6, 5, 5), np.float32)
    g = np.ones((64, 16, 28, 28), np.float32)
    options = ([1, 1], [2, 2], [1, 1], 1)
    for run, size in (
        (lambda: conv.convolve(x, w, None, *options), g.nbytes),
        (lambda: conv.convolve_backward_input(g, w, (28, 28), *options), x.nbytes),
        (lambda: conv.convolve_backward_weight(g, x, (5, 5), *options), w.nbytes),
    ):
        tracemalloc.start()
        run()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < size + 2.5e6
    kernels.use("auto")


def test_what_does_not_fit_is_refused() -> None:
    one = [1, 1]
    with pytest.raises(ValueError, match="do not fit"):
        conv.convolve(numbers(1, 3, 4, 4), numbers(2, 2, 2, 2), None, one, [0], one, 1)
    with pytest.raises(ValueError, match="larger than the input"):
        conv.convolve(numbers(1, 2, 2, 2), numbers(2, 2, 3, 3), None, one, [0], one, 1)
    with pytest.raises(ValueError, match="one per spatial dimension"):
        conv.convolve(numbers(1, 2, 4, 4), numbers(2, 2, 2, 2), None, [1, 1, 1], [0], one, 1)
    with pytest.raises(ValueError, match="spatial sizes"):
        conv.convolve_transposed(
            numbers(1, 2, 1, 1), numbers(2, 2, 1, 1), None, one, [1], [0], 1, one
        )
