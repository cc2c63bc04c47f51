"""Fourier transforms as torch 1.4 had them, and the windows that go with them.

Complex numbers are pairs: a last dimension of size 2 holds the real and the imaginary part.
numpy transforms in float64; the result is rounded to the array's dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from syft_web.ops.dtypes import DEFAULT_FLOAT, Array, DType, as_dtype
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_OPTIONS = "dtype? dtype=None, str? device=None, bool requires_grad=False"


def _from_pairs(name: str, self: Array, dims: int) -> Array:
    """Complex numbers of an array whose last dimension holds pairs."""
    _floats(name, self, dims + 1)
    if self.shape[-1] != 2:
        raise ValueError(
            f"{name} needs a last dimension of size 2 (real and imaginary parts), "
            f"got shape {self.shape}"
        )
    wide = self.astype(np.float64)
    return np.asarray(wide[..., 0] + 1j * wide[..., 1])


def _to_pairs(value: Array, dtype: DType) -> Array:
    return np.stack([value.real, value.imag], -1).astype(dtype)


def _floats(name: str, self: Array, ndim: int) -> None:
    if self.dtype.kind != "f":
        raise TypeError(f"{name} needs floats, not {self.dtype}")
    if self.ndim < ndim:
        raise ValueError(f"{name} needs at least {ndim} dimensions here, got shape {self.shape}")


def _last(name: str, signal_ndim: int) -> tuple[int, ...]:
    """The dimensions to transform, counted from the end."""
    if not 1 <= signal_ndim <= 3:
        raise ValueError(f"{name} transforms 1, 2 or 3 dimensions, not {signal_ndim}")
    return tuple(range(-signal_ndim, 0))


@row("fft(Tensor self, int signal_ndim, bool normalized=False)", "torch.fft .fft")
def fft(self: Array, signal_ndim: int, normalized: bool = False) -> Array:
    """Complex to complex, over the last `signal_ndim` dimensions before the pairs."""
    axes = _last("fft", signal_ndim)
    value = _from_pairs("fft", self, signal_ndim)
    return _to_pairs(np.fft.fftn(value, axes=axes, norm=_norm(normalized)), self.dtype)


@row("ifft(Tensor self, int signal_ndim, bool normalized=False)", "torch.ifft .ifft")
def ifft(self: Array, signal_ndim: int, normalized: bool = False) -> Array:
    """The inverse of `fft`."""
    axes = _last("ifft", signal_ndim)
    value = _from_pairs("ifft", self, signal_ndim)
    return _to_pairs(np.fft.ifftn(value, axes=axes, norm=_norm(normalized)), self.dtype)


def _norm(normalized: bool) -> Any:
    return "ortho" if normalized else "backward"


@row(
    "rfft(Tensor self, int signal_ndim, bool normalized=False, bool onesided=True)",
    "torch.rfft .rfft",
)
def rfft(self: Array, signal_ndim: int, normalized: bool = False, onesided: bool = True) -> Array:
    """Real to complex; `onesided` leaves out the half that mirrors the other."""
    axes = _last("rfft", signal_ndim)
    _floats("rfft", self, signal_ndim)
    function = np.fft.rfftn if onesided else np.fft.fftn
    value = function(self.astype(np.float64), axes=axes, norm=_norm(normalized))
    return _to_pairs(value, self.dtype)


@row(
    "irfft(Tensor self, int signal_ndim, bool normalized=False, bool onesided=True, "
    "int[]? signal_sizes=None)",
    "torch.irfft .irfft",
)
def irfft(
    self: Array,
    signal_ndim: int,
    normalized: bool = False,
    onesided: bool = True,
    signal_sizes: Sequence[int] | None = None,
) -> Array:
    """Complex to real; `signal_sizes` tells odd sizes from even ones."""
    axes = _last("irfft", signal_ndim)
    value = _from_pairs("irfft", self, signal_ndim)
    sizes = irfft_sizes(self.shape, signal_ndim, onesided, signal_sizes)
    if onesided:
        done = np.fft.irfftn(value, sizes, axes, _norm(normalized))
    else:
        done = np.fft.ifftn(value, sizes, axes, _norm(normalized)).real
    return np.asarray(done, self.dtype)


def irfft_sizes(
    shape: Sequence[int], signal_ndim: int, onesided: bool, given: Sequence[int] | None
) -> tuple[int, ...]:
    """Sizes of the real signal that `irfft` gives."""
    if given:
        if len(given) != signal_ndim:
            raise ValueError(f"signal_sizes needs {signal_ndim} numbers, got {len(given)}")
        return tuple(given)
    sizes = list(shape[-signal_ndim - 1 : -1])
    if onesided:
        sizes[-1] = 2 * (sizes[-1] - 1)
    return tuple(sizes)


@row(
    "stft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, "
    "Tensor? window=None, bool center=True, str pad_mode='reflect', bool normalized=False, "
    "bool onesided=True)",
    "torch.stft .stft",
)
def stft(
    self: Array,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Array | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool = True,
) -> Array:
    """Fourier transforms of windows that slide over a signal.

    Args:
        self: Signals, (length) or (batch, length).
        n_fft: Size of each transform.
        hop_length: Distance between windows, by default a quarter of `n_fft`.
        win_length: Size of the window, by default `n_fft`; zeros are put around a shorter one.
        window: Factors, (win_length); ones by default.
        center: Put each window's middle at its place, with padding at the ends.
        pad_mode: ``"reflect"``, ``"constant"`` or ``"replicate"``.
        normalized: Divide by the square root of `n_fft`.
        onesided: Leave out the half that mirrors the other.

    Returns:
        (batch, frequencies, frames, 2), without batch when there was none.
    """
    _floats("stft", self, 1)
    hop, width = frame_steps(n_fft, hop_length, win_length)
    if window is not None and window.shape != (width,):
        raise ValueError(f"stft needs a window of {width} elements, got shape {window.shape}")
    half = n_fft // 2 if center else 0
    frame_count(self.shape, half, n_fft, hop, width)
    signal = np.atleast_2d(self).astype(np.float64)
    if center:
        signal = _padded(signal, half, pad_mode)
    factors = np.zeros(n_fft)
    start = (n_fft - width) // 2
    factors[start : start + width] = 1 if window is None else window
    frames = sliding_window_view(signal, n_fft, -1)[:, ::hop] * factors
    value = (np.fft.rfft if onesided else np.fft.fft)(frames, norm=_norm(normalized))
    done = _to_pairs(value.swapaxes(1, 2), self.dtype)
    return done if self.ndim == 2 else done[0]


def frame_steps(n_fft: int, hop_length: int | None, win_length: int | None) -> tuple[int, int]:
    """Distance between windows and their size, with `stft`'s defaults."""
    hop = n_fft // 4 if hop_length is None else hop_length
    return hop, n_fft if win_length is None else win_length


_PADDING = {"reflect": "reflect", "constant": "constant", "replicate": "edge", "circular": "wrap"}


def _padded(signal: Array, half: int, mode: str) -> Array:
    if mode not in _PADDING:
        raise ValueError(f"pad_mode must be one of {', '.join(_PADDING)}, not {mode!r}")
    if mode == "reflect" and half >= signal.shape[-1]:
        raise ValueError(f"stft cannot reflect {half} elements of a signal of {signal.shape[-1]}")
    widths = ((0, 0), (half, half))
    return np.pad(signal, widths, mode=_PADDING[mode])  # type: ignore[call-overload, no-any-return]  # a checked name


def frame_count(shape: Sequence[int], half: int, n_fft: int, hop: int, width: int) -> int:
    """How many windows fit into a signal that `half` elements are added to at either end.

    Raises:
        ValueError: The sizes do not go together.
    """
    if len(shape) > 2:
        raise ValueError(f"stft needs 1 or 2 dimensions, got shape {tuple(shape)}")
    length = shape[-1] + 2 * half
    if not 0 < n_fft <= length or hop < 1 or not 0 < width <= n_fft:
        raise ValueError(
            f"stft cannot lay windows of {width} in transforms of {n_fft}, every {hop}, "
            f"over a signal of {length}"
        )
    return 1 + (length - n_fft) // hop


def _cosines(*factors: float) -> Callable[[Array], Array]:
    """A sum of cosines over one turn, with alternating signs."""

    def window(turn: Array) -> Array:
        parts = [(-1) ** k * a * np.cos(k * turn) for k, a in enumerate(factors)]
        return np.asarray(sum(parts))

    return window


def _triangle(turn: Array) -> Array:
    return np.asarray(1 - np.abs(turn / math.pi - 1))


def _window(length: int, periodic: bool, shape: Callable[[Array], Array], dtype: Any) -> Array:
    wanted = DEFAULT_FLOAT if dtype is None else as_dtype(dtype)
    if wanted.kind != "f":
        raise TypeError(f"a window is of floats, not {wanted}")
    if length < 0:
        raise ValueError(f"a window cannot have {length} elements")
    if length == 1:
        return np.ones(1, wanted)
    # A periodic window leaves out the last point, which repeats the first.
    turn = 2 * math.pi * np.arange(length) / max(length - (not periodic), 1)
    return shape(turn).astype(wanted)


def _declare_windows() -> None:
    table: dict[str, Callable[[Array], Array]] = {
        "hann": _cosines(0.5, 0.5),
        "blackman": _cosines(0.42, 0.5, 0.08),
        "bartlett": _triangle,
    }
    for name, shape in table.items():

        def rule(
            length: int, periodic: bool, dtype: Any, *_rest: Any, _shape: Any = shape
        ) -> Array:
            return _window(length, periodic, _shape, dtype)

        row(
            f"{name}_window(int window_length, bool periodic=True, *, {_OPTIONS})",
            f"torch.{name}_window",
        )(rule)


_declare_windows()


@row(
    f"kaiser_window(int window_length, bool periodic=True, float beta=12.0, *, {_OPTIONS})",
    "torch.kaiser_window",
)
def kaiser_window(
    length: int, periodic: bool, beta: float = 12.0, dtype: Any = None, *_rest: Any
) -> Array:
    def shape(turn: Array) -> Array:
        across = turn / math.pi - 1
        return np.asarray(np.i0(beta * np.sqrt(1 - across * across)) / np.i0(beta))

    return _window(length, periodic, shape, dtype)


@row(
    "hamming_window(int window_length, bool periodic=True, float alpha=0.54, float beta=0.46, "
    f"*, {_OPTIONS})",
    "torch.hamming_window",
)
def hamming_window(
    length: int, periodic: bool, alpha: float, beta: float, dtype: Any = None, *_rest: Any
) -> Array:
    return _window(length, periodic, _cosines(alpha, beta), dtype)
