"""Special functions, Fourier transforms and random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syft_web.ops.dtypes import DEFAULT_FLOAT, INT32, INT64, as_dtype, float_type
from syft_web.ops.fft import frame_count, frame_steps, irfft_sizes
from syft_web.ops.infer.base import Inferred, ShapeRules
from syft_web.ops.infer.common import Shape, broadcast, need
from syft_web.ops.infer.reduce import named
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec

__all__ = ["rules"]

rules = ShapeRules()


@rules("polygamma(self, n)")
@rules("digamma erfinv angle mvlgamma")
def _float_unary(self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, float_type(self.dtype))


@rules("polygamma(n, self)")
def _polygamma(n: int, self: Spec) -> Spec:
    return Spec(self.shape, float_type(self.dtype))


@rules("fake_quantize_per_tensor_affine imag")
def _same(self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, self.dtype)


@rules("fake_quantize_per_channel_affine")
def _per_channel(self: Spec, scale: Spec, zero: Spec, axis: int, *_: int) -> Spec:
    size = self.shape[normal_axis(axis, self.ndim)] if self.ndim else 1
    need(
        scale.shape == (size,) and zero.shape == (size,),
        f"{size} scales and zero points are needed, got shapes {scale.shape} and {zero.shape}",
    )
    return Spec(self.shape, self.dtype)


# -- Fourier transforms ------------------------------------------------------------------------


def _pairs(self: Spec, signal_ndim: int) -> None:
    _signal(self, signal_ndim, 1)
    need(self.shape[-1] == 2, f"a last dimension of size 2 is needed, got shape {self.shape}")


def _signal(self: Spec, signal_ndim: int, more: int = 0) -> None:
    need(1 <= signal_ndim <= 3, f"1, 2 or 3 dimensions can be transformed, not {signal_ndim}")
    need(
        self.dtype.kind == "f" and self.ndim >= signal_ndim + more,
        f"floats in at least {signal_ndim + more} dimensions are needed, got {self}",
    )


@rules("fft ifft")
def _fft(self: Spec, signal_ndim: int, normalized: bool) -> Spec:
    _pairs(self, signal_ndim)
    return Spec(self.shape, self.dtype)


@rules("rfft")
def _rfft(self: Spec, signal_ndim: int, normalized: bool, onesided: bool) -> Spec:
    _signal(self, signal_ndim)
    last = self.shape[-1] // 2 + 1 if onesided else self.shape[-1]
    return Spec((*self.shape[:-1], last, 2), self.dtype)


@rules("irfft")
def _irfft(
    self: Spec,
    signal_ndim: int,
    normalized: bool,
    onesided: bool,
    signal_sizes: Sequence[int] | None,
) -> Spec:
    _pairs(self, signal_ndim)
    sizes = irfft_sizes(self.shape, signal_ndim, onesided, signal_sizes)
    return Spec((*self.shape[: -signal_ndim - 1], *sizes), self.dtype)


@rules("stft")
def _stft(
    self: Spec,
    n_fft: int,
    hop_length: int | None,
    win_length: int | None,
    window: Spec | None,
    center: bool,
    pad_mode: str,
    normalized: bool,
    onesided: bool,
) -> Spec:
    _signal(self, 1)
    hop, width = frame_steps(n_fft, hop_length, win_length)
    need(
        window is None or window.shape == (width,),
        f"a window of {width} elements is needed, got {window}",
    )
    frames = frame_count(self.shape, n_fft // 2 if center else 0, n_fft, hop, width)
    return Spec((*self.shape[:-1], n_fft // 2 + 1 if onesided else n_fft, frames, 2), self.dtype)


@rules.by_row("hann_window blackman_window bartlett_window hamming_window kaiser_window")
def _window(row: Row, values: Sequence[Any]) -> Inferred:
    need(values[0] >= 0, f"a window cannot have {values[0]} elements")
    return Spec((values[0],), _dtype(row, values, Spec((), DEFAULT_FLOAT)))


def _dtype(row: Row, values: Sequence[Any], default: Spec) -> Any:
    wanted = named(row, values, "dtype")
    return default.dtype if wanted is None else as_dtype(wanted)


# -- random numbers: no probe, which would draw from the plan's generator ----------------------


@rules.by_row(
    "cauchy_ exponential_ geometric_ log_normal_ random_ bernoulli_ poisson", numbers=True
)
def _drawn(row: Row, values: Sequence[Any]) -> Inferred:
    return Spec(values[0].shape, values[0].dtype)


@rules.by_row("randint_like", numbers=True)
def _randint_like(row: Row, values: Sequence[Any]) -> Inferred:
    return Spec(values[0].shape, _dtype(row, values, values[0]))


@rules.by_row("normal", numbers=True)
def _normal(row: Row, values: Sequence[Any]) -> Inferred:
    arrays = [v for p, v in zip(row.params, values, strict=True) if p.type == "Tensor"]
    if not arrays:
        size: Shape = tuple(named(row, values, "size"))
        return Spec(size, _dtype(row, values, Spec((), DEFAULT_FLOAT)))
    return Spec(broadcast(*(a.shape for a in arrays)), arrays[0].dtype)


def _multinomial_shape(self: Spec, count: int) -> Shape:
    need(self.ndim in (1, 2), f"1 or 2 dimensions are needed, got shape {self.shape}")
    need(count >= 1, f"at least one draw is needed, not {count}")
    return (*self.shape[:-1], count)


@rules("multinomial")
def _multinomial(self: Spec, num_samples: int, replacement: bool) -> Spec:
    return Spec(_multinomial_shape(self, num_samples), INT64)


@rules("tf.multinomial")
def _tf_multinomial(logits: Spec, count: int, *_: Any) -> Spec:
    return Spec(_multinomial_shape(logits, count), INT32)
