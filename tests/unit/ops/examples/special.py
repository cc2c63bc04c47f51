"""Examples for the rows of `special`, `fft` and `sampling`."""

from __future__ import annotations

import math

import numpy as np

from tests.unit.ops.examples.base import Array, Example, d, example, f, i

EULER = 0.5772156649015329
ONES = np.ones((40, 50), np.float32)
WAVE = f(1, 0, -1, 0)


def drawn(mean: float, spread: float, shape: tuple[int, ...] = (40, 50), dtype: type = np.float32):
    """Checks of random arrays: shape, dtype, and the mean within five of its own deviations."""

    def check(results: list[Array]) -> None:
        for got in results:
            assert got.shape == shape
            assert got.dtype == dtype
            away = abs(float(np.mean(got, dtype=np.float64)) - mean)
            assert away <= 5 * spread / math.sqrt(max(got.size, 1))

    return check


def middling(results: list[Array]) -> None:
    """Cauchy's distribution has no mean, but a median."""
    (got,) = results
    assert got.shape == ONES.shape
    assert abs(np.median(got) - 3) < 0.5


def chosen(allowed: list[int], shape: tuple[int, ...], dtype: type = np.int64):
    def check(results: list[Array]) -> None:
        (got,) = results
        assert got.shape == shape
        assert got.dtype == dtype
        assert set(got.reshape(-1).tolist()) <= set(allowed)

    return check


def every_place_once(results: list[Array]) -> None:
    (got,) = results
    assert sorted(got[0]) == [0, 2]
    assert sorted(got[1]) == [0, 1]


def half(name: str, mean: float, *args: float, spread: float = 1.0) -> Example:
    """An in-place draw into ones; the target holds what the result does."""
    return example(f".{name}", ONES, *args, want=drawn(mean, spread))


EXAMPLES: list[Example] = [
    example("torch.digamma", f(1, 2), want=f(-EULER, 1 - EULER)),
    example(".digamma", i(1, 0), want=f(-EULER, -np.inf)),
    example(".digamma_", f(1.0), want=f(-EULER), mutated=f(-EULER)),
    example("torch.polygamma", 1, d(1, -0.5), want=d(math.pi**2 / 6, math.pi**2 / 2 + 4)),
    example(".polygamma", f(1.0), 2, want=f(-2.4041138)),
    example("torch.mvlgamma", f(2.0), 2, want=f(math.log(math.pi / 2))),
    example("torch.erfinv", f(0, 0.5, -1, 2), want=f(0, 0.47693628, -np.inf, np.nan)),
    example("torch.angle", f(-2, 3), want=f(math.pi, 0)),
    example("torch.imag", f(-2, 3), want=f(0, 0)),
    example(
        "torch.fake_quantize_per_tensor_affine",
        f(-1, 0.24, 0.26, 9),
        0.5,
        1,
        0,
        3,
        want=f(-0.5, 0, 0.5, 1),
    ),
    example(
        "torch.fake_quantize_per_channel_affine",
        f([[0.3, 0.8], [0.3, 0.8]]),
        f(0.5, 1),
        i(0, 0),
        0,
        0,
        1,
        want=f([[0.5, 0.5], [0, 1]]),
    ),
    example("torch.fft", f([[1, 0], [0, 0], [-1, 0], [0, 0]]), 1, want=f([[0, 0], [2, 0]] * 2)),
    example(".ifft", f([[0, 0], [2, 0]] * 2), 1, want=f([[1, 0], [0, 0], [-1, 0], [0, 0]])),
    example("torch.rfft", WAVE, 1, want=f([[0, 0], [2, 0], [0, 0]])),
    example(".rfft", WAVE, 1, True, False, want=f([[0, 0], [1, 0]] * 2)),
    example("torch.irfft", f([[0, 0], [2, 0], [0, 0]]), 1, want=WAVE),
    example(".irfft", f([[3, 0], [0, 0]]), 1, onesided=True, signal_sizes=[3], want=f(1, 1, 1)),
    example("torch.stft", WAVE, 4, 4, center=False, want=f([[[0, 0]], [[2, 0]], [[0, 0]]])),
    example(
        ".stft", WAVE, 2, 1, window=f(1, 0), want=f([[[0, 0], [1, 0], [0, 0], [-1, 0], [0, 0]]] * 2)
    ),
    example("torch.hann_window", 4, want=f(0, 0.5, 1, 0.5)),
    example("torch.hann_window", 3, periodic=False, dtype="float64", want=d(0, 1, 0)),
    example("torch.hamming_window", 2, want=f(0.08, 1)),
    example("torch.blackman_window", 2, want=f(0, 1)),
    example("torch.bartlett_window", 4, want=f(0, 0.5, 1, 0.5)),
    example(".cauchy_", ONES, 3.0, want=middling),
    half("exponential_", 0.5, 2.0),
    half("geometric_", 4.0, 0.25, spread=4.0),
    half("log_normal_", math.exp(0.125), 0.0, 0.5),
    half("random_", 2**23, spread=2**23),
    half("random_", 4.5, 10, spread=3.0),
    half("random_", 7.5, 5, 11, spread=2.0),
    half("bernoulli_", 0.5),
    example(".bernoulli_", ONES, np.full(50, 0.1, np.float32), want=drawn(0.1, 0.3)),
    example("torch.normal", 3 * ONES, 2 * ONES, want=drawn(3, 2)),
    example("torch.normal", 3 * ONES, 2.0, want=drawn(3, 2)),
    example("torch.normal", 3.0, 2 * ONES, want=drawn(3, 2)),
    example("torch.normal", 3.0, 2.0, [40, 50], want=drawn(3, 2)),
    example("torch.poisson", 4 * ONES, want=drawn(4, 2)),
    example("torch.randint_like", ONES, 10, want=drawn(4.5, 3)),
    example("torch.randint_like", ONES, 5, 11, dtype="int64", want=drawn(7.5, 2, dtype=np.int64)),
    example("torch.multinomial", f(1, 0, 3), 5, True, want=chosen([0, 2], (5,))),
    example(".multinomial", f([[1, 0, 3], [2, 1, 0]]), 2, want=every_place_once),
    example("tf.multinomial", f([[0, -np.inf]]), 3, want=chosen([0], (1, 3), np.int32)),
]
