"""The commands that convolve, and the gradient of a convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from syft_web.ops.conv import (
    Ints,
    convolve,
    convolve_backward_input,
    convolve_backward_weight,
    convolve_transposed,
    padded,
    per_dim,
)
from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["convolution", "row"]

row = RowCollector()


def convolution(
    self: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    transposed: bool,
    output_padding: Ints,
    groups: int,
    *_rest: object,
) -> Array:
    """Every kind of convolution; a missing batch dimension is added and taken away."""
    if self.ndim == weight.ndim - 1:
        options = (stride, padding, dilation, transposed, output_padding, groups)
        return array(convolution(self[None], weight, bias, *options)[0])
    if transposed:
        return convolve_transposed(
            self, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return convolve(self, weight, bias, stride, padding, dilation, groups)


def _convolve_named(
    self: Array,
    weight: Array,
    bias: Array | None,
    stride: Ints,
    padding: str,
    dilation: Ints,
    groups: int,
) -> Array:
    """Padding ``"valid"`` is none; ``"same"`` keeps the sizes, the odd zero at the end."""
    dims = weight.ndim - 2
    if padding not in ("same", "valid"):
        raise ValueError(f"padding must be numbers, 'same' or 'valid', not {padding!r}")
    both = [0] * dims
    if padding == "same":
        spread = per_dim(dilation, dims)
        total = [d * (k - 1) for k, d in zip(weight.shape[2:], spread, strict=True)]
        both = [t // 2 for t in total]
        self = padded(self, [0] * dims, [t % 2 for t in total], 0)
    return convolution(self, weight, bias, stride, both, dilation, False, [0], groups)


def _declare_convolutions() -> None:
    for dims in (1, 2, 3):

        def plain(
            self: Array,
            weight: Array,
            bias: Array | None,
            stride: Ints,
            padding: Ints,
            dilation: Ints,
            groups: int,
        ) -> Array:
            return convolution(self, weight, bias, stride, padding, dilation, False, [0], groups)

        def turned(
            self: Array,
            weight: Array,
            bias: Array | None,
            stride: Ints,
            padding: Ints,
            output_padding: Ints,
            groups: int,
            dilation: Ints,
        ) -> Array:
            options = (stride, padding, dilation, True, output_padding, groups)
            return convolution(self, weight, bias, *options)

        head = f"conv{dims}d(Tensor self, Tensor weight, Tensor? bias=None, int[1] stride=[1], "
        tail = ", int[1] dilation=[1], int groups=1)"
        names = f"F.conv{dims}d torch.conv{dims}d"
        kernel = "convolve" if dims < 3 else None
        row(f"{head}int[1] padding=[0]{tail}", names, kernel=kernel)(plain)
        row(f"{head}str padding='valid'{tail}", names, kernel=kernel)(_convolve_named)
        row(
            f"conv_transpose{dims}d(Tensor self, Tensor weight, Tensor? bias=None, "
            "int[1] stride=[1], int[1] padding=[0], int[1] output_padding=[0], int groups=1, "
            "int[1] dilation=[1])",
            f"F.conv_transpose{dims}d torch.conv_transpose{dims}d",
            kernel="convolve_backward_input" if dims < 3 else None,
        )(turned)


_declare_convolutions()
row(
    "convolution(Tensor self, Tensor weight, Tensor? bias, int[1] stride, int[1] padding, "
    "int[1] dilation, bool transposed, int[1] output_padding, int groups)",
    "torch.convolution A.convolution.default",
    kernel="convolve",
)(convolution)
row(
    "_convolution(Tensor self, Tensor weight, Tensor? bias, int[1] stride, int[1] padding, "
    "int[1] dilation, bool transposed, int[1] output_padding, int groups, bool benchmark, "
    "bool deterministic, bool cudnn_enabled, bool allow_tf32=False)",
    "torch._convolution A._convolution.default A._convolution.deprecated",
)(convolution)


@row("conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad=0)", "F.conv_tbc torch.conv_tbc")
def conv_tbc(self: Array, weight: Array, bias: Array, pad: int = 0) -> Array:
    """One-dimensional convolution of ``(time, batch, channels)``; weight ``(K, C, O)``."""
    turned = convolve(self.transpose(1, 2, 0), weight.transpose(2, 1, 0), bias, [1], [pad], [1], 1)
    return np.ascontiguousarray(turned.transpose(2, 0, 1))


@row(
    "convolution_backward(Tensor grad_output, Tensor self, Tensor weight, int[]? bias_sizes, "
    "int[1] stride, int[1] padding, int[1] dilation, bool transposed, int[1] output_padding, "
    "int groups, bool[] output_mask) -> Tensor, Tensor, Tensor",
    "A.convolution_backward.default",
    kernel="convolve_backward_weight",
)
def convolution_backward(
    grad_output: Array,
    self: Array,
    weight: Array,
    bias_sizes: Ints | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    transposed: bool,
    output_padding: Ints,
    groups: int,
    output_mask: Sequence[bool],
) -> tuple[Array | None, Array | None, Array | None]:
    """Gradients with respect to input, weight and bias; None where the mask is False."""
    wants_input, wants_weight, wants_bias = output_mask
    if self.ndim == weight.ndim - 1:
        options = (bias_sizes, stride, padding, dilation, transposed, output_padding, groups)
        first, *rest = convolution_backward(
            grad_output[None], self[None], weight, *options, output_mask
        )
        return None if first is None else first[0], rest[0], rest[1]
    for_input = for_weight = for_bias = None
    shared = (stride, padding, dilation, groups)
    if transposed:
        if wants_input:
            for_input = convolve(grad_output, weight, None, *shared)
        if wants_weight:
            for_weight = convolve_backward_weight(self, grad_output, weight.shape[2:], *shared)
    else:
        if wants_input:
            for_input = convolve_backward_input(grad_output, weight, self.shape[2:], *shared)
        if wants_weight:
            for_weight = convolve_backward_weight(grad_output, self, weight.shape[2:], *shared)
    if wants_bias:
        over = (0, *range(2, grad_output.ndim))
        for_bias = np.asarray(np.sum(grad_output, axis=over, dtype=grad_output.dtype))
    return for_input, for_weight, for_bias
