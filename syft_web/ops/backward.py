"""Gradients of functions that work element by element or along one dimension.

Each takes the gradient with respect to the function's result and gives the one with
respect to its argument, as torch's own ``*_backward`` operators do.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.ops import chance
from syft_web.ops.dtypes import BOOL, Array, Scalar
from syft_web.ops.elementwise import array
from syft_web.ops.nn import log_softmax, sigmoid, softmax, softplus
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import RowCollector
from syft_web.ops.unary import erf

__all__ = ["row"]

row = RowCollector()


def _kept(grad: Array, where: Array) -> Array:
    """The gradient where the condition holds, else 0."""
    return np.asarray(np.where(where, grad, grad.dtype.type(0)))


# -- softmax -----------------------------------------------------------------------


@row(
    "_softmax(Tensor self, int dim, bool half_to_float=False)",
    "A._softmax.default",
    kernel="softmax",
)
def softmax_(self: Array, dim: int, half_to_float: bool) -> Array:
    return softmax(self, dim)


@row(
    "_log_softmax(Tensor self, int dim, bool half_to_float=False)",
    "A._log_softmax.default",
    kernel="softmax",
)
def log_softmax_(self: Array, dim: int, half_to_float: bool) -> Array:
    return log_softmax(self, dim)


@row("_safe_softmax(Tensor self, int dim, dtype? dtype=None)", "A._safe_softmax.default")
def safe_softmax(self: Array, dim: int, dtype: Any = None) -> Array:
    """`softmax`, but 0 where everything along the dimension is ``-inf``."""
    axis = normal_axis(dim, self.ndim)
    with np.errstate(invalid="ignore"):
        result = softmax(self, dim, dtype)
    if self.size and self.ndim:
        empty = np.all(self == -np.inf, axis=axis, keepdims=True)
        if empty.any():
            result = np.where(empty, result.dtype.type(0), result)
    return result


@row(
    "_softmax_backward_data(Tensor grad_output, Tensor output, int dim, dtype? input_dtype=None)",
    "A._softmax_backward_data.default",
    kernel="softmax_backward",
)
def softmax_backward(grad_output: Array, output: Array, dim: int, input_dtype: Any) -> Array:
    axis = normal_axis(dim, output.ndim)
    found = kernels.softmax_backward(grad_output, output, axis)
    if found is not None:
        return found
    weighted = grad_output * output
    total = np.sum(weighted, axis=axis if output.ndim else None, keepdims=True)
    weighted -= output * total
    return array(weighted)


@row(
    "_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim, "
    "dtype? input_dtype=None)",
    "A._log_softmax_backward_data.default",
    kernel="softmax_backward",
)
def log_softmax_backward(grad_output: Array, output: Array, dim: int, input_dtype: Any) -> Array:
    axis = normal_axis(dim, output.ndim)
    found = kernels.log_softmax_backward(grad_output, output, axis)
    if found is not None:
        return found
    total = np.sum(grad_output, axis=axis if output.ndim else None, keepdims=True)
    return array(grad_output - np.exp(output) * total)


# -- dropout -----------------------------------------------------------------------


@row(
    "native_dropout(Tensor input, float p, bool? train) -> Tensor, Tensor",
    "torch.native_dropout A.native_dropout.default",
)
def native_dropout(input: Array, p: float, train: bool | None) -> tuple[Array, Array]:
    """What is kept, scaled up, and the mask of it; `train` None means True."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if train is False:
        return input.copy(), np.ones(input.shape, BOOL)
    mask = chance.generator().random(input.shape, np.float32) >= p
    scale = input.dtype.type(0 if p == 1 else 1 / (1 - p))
    return array(input * mask * scale), array(mask)


@row(
    "native_dropout_backward(Tensor grad_output, Tensor mask, float scale)",
    "A.native_dropout_backward.default",
)
def native_dropout_backward(grad_output: Array, mask: Array, scale: float) -> Array:
    return array(grad_output * mask * grad_output.dtype.type(scale))


# -- functions whose gradient is written with their result -----------------------------


@row(
    "sigmoid_backward(Tensor grad_output, Tensor output)",
    "A.sigmoid_backward.default",
)
def sigmoid_backward(grad_output: Array, output: Array) -> Array:
    return array(grad_output * (1 - output) * output)


@row("tanh_backward(Tensor grad_output, Tensor output)", "A.tanh_backward.default")
def tanh_backward(grad_output: Array, output: Array) -> Array:
    return array(grad_output * (1 - output * output))


# -- functions that are cut at a threshold ---------------------------------------------


@row(
    "threshold_backward(Tensor grad_output, Tensor self, Scalar threshold)",
    "A.threshold_backward.default",
    kernel="relu_backward",
)
def threshold_backward(grad_output: Array, self: Array, threshold: Scalar) -> Array:
    if grad_output.dtype.kind != "f":
        return _kept(grad_output, ~(self <= threshold))
    found = kernels.relu_backward(grad_output, self) if threshold == 0 else None
    if found is not None:
        return found
    # A product with a mask is faster than a choice; nan and inf must not leak into the zeros.
    if (
        threshold == 0
        and grad_output.size
        and np.isfinite(np.min(grad_output))
        and np.isfinite(np.max(grad_output))
    ):
        return array(grad_output * ~(self <= 0))
    return _kept(grad_output, ~(self <= threshold))


@row(
    "leaky_relu_backward(Tensor grad_output, Tensor self, Scalar negative_slope, "
    "bool self_is_result)",
    "A.leaky_relu_backward.default",
)
def leaky_relu_backward(
    grad_output: Array, self: Array, negative_slope: Scalar, self_is_result: bool
) -> Array:
    slope = grad_output.dtype.type(negative_slope)
    return array(np.where(self > 0, grad_output, grad_output * slope))


@row(
    "rrelu_with_noise_backward(Tensor grad_output, Tensor self, Tensor noise, Scalar lower, "
    "Scalar upper, bool training, bool self_is_result)",
    "A.rrelu_with_noise_backward.default",
)
def rrelu_backward(
    grad_output: Array,
    self: Array,
    noise: Array,
    lower: Scalar,
    upper: Scalar,
    training: bool,
    self_is_result: bool,
) -> Array:
    if training and upper - lower > 1e-6:
        return array(grad_output * noise)
    return leaky_relu_backward(grad_output, self, (lower + upper) / 2, self_is_result)


@row(
    "hardtanh_backward(Tensor grad_output, Tensor self, Scalar min_val, Scalar max_val)",
    "A.hardtanh_backward.default",
)
def hardtanh_backward(grad_output: Array, self: Array, min_val: Scalar, max_val: Scalar) -> Array:
    return _kept(grad_output, ~((self <= min_val) | (self >= max_val)))


@row("hardsigmoid_backward(Tensor grad_output, Tensor self)", "A.hardsigmoid_backward.default")
def hardsigmoid_backward(grad_output: Array, self: Array) -> Array:
    return _kept(grad_output / grad_output.dtype.type(6), (self > -3) & (self < 3))


@row("hardswish_backward(Tensor grad_output, Tensor self)", "A.hardswish_backward.default")
def hardswish_backward(grad_output: Array, self: Array) -> Array:
    kind = self.dtype.type
    middle = grad_output * (self / kind(3) + kind(0.5))
    return array(np.where(self > -3, np.where(self < 3, middle, grad_output), kind(0)))


@row(
    "softshrink_backward(Tensor grad_output, Tensor self, Scalar lambd)",
    "A.softshrink_backward.default",
)
@row(
    "hardshrink_backward(Tensor grad_out, Tensor self, Scalar lambd)",
    "A.hardshrink_backward.default",
)
def shrink_backward(grad_output: Array, self: Array, lambd: Scalar) -> Array:
    return _kept(grad_output, ~((self >= -lambd) & (self <= lambd)))


# -- smooth functions ------------------------------------------------------------------


@row(
    "gelu_backward(Tensor grad_output, Tensor self, *, str approximate='none')",
    "A.gelu_backward.default",
)
def gelu_backward(grad_output: Array, self: Array, approximate: str = "none") -> Array:
    kind = self.dtype.type
    if approximate == "tanh":
        beta, kappa = kind(math.sqrt(2 / math.pi)), kind(0.044715)
        bent = np.tanh(beta * (self + kappa * self * self * self))
        inner = (1 - bent * bent) * beta * (1 + 3 * kappa * self * self)
        return array(grad_output * kind(0.5) * (1 + bent + self * inner))
    below = kind(0.5) * (1 + erf(array(self * kind(math.sqrt(0.5)))))
    density = np.exp(self * self * kind(-0.5)) * kind(1 / math.sqrt(2 * math.pi))
    return array(grad_output * (below + self * density))


@row("silu_backward(Tensor grad_output, Tensor self)", "A.silu_backward.default")
def silu_backward(grad_output: Array, self: Array) -> Array:
    gate = sigmoid(self)
    return array(grad_output * gate * (1 + self * (1 - gate)))


@row("mish_backward(Tensor grad_output, Tensor self)", "A.mish_backward.default")
def mish_backward(grad_output: Array, self: Array) -> Array:
    bent = np.tanh(softplus(self))
    return array(grad_output * (bent + self * sigmoid(self) * (1 - bent * bent)))


@row(
    "elu_scaled(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1)",
    "A.elu.default",
)
def elu(self: Array, alpha: Scalar, scale: Scalar, input_scale: Scalar) -> Array:
    """Negative elements bend towards ``-alpha * scale``."""
    kind = self.dtype.type
    low = kind(alpha * scale) * np.expm1(np.minimum(self, 0) * kind(input_scale))
    return array(np.where(self > 0, self * kind(scale), low))


@row(
    "elu_backward(Tensor grad_output, Scalar alpha, Scalar scale, Scalar input_scale, "
    "bool is_result, Tensor self_or_result)",
    "A.elu_backward.default",
)
def elu_backward(
    grad_output: Array,
    alpha: Scalar,
    scale: Scalar,
    input_scale: Scalar,
    is_result: bool,
    self_or_result: Array,
) -> Array:
    kind, x = grad_output.dtype.type, self_or_result
    factor = kind(alpha * scale)
    if is_result:
        low = kind(input_scale) * (x + factor)
    else:
        low = kind(input_scale) * factor * np.exp(np.minimum(x, 0) * kind(input_scale))
    return array(grad_output * np.where(x <= 0, low, kind(scale)))


@row(
    "softplus_backward(Tensor grad_output, Tensor self, Scalar beta, Scalar threshold)",
    "A.softplus_backward.default",
)
def softplus_backward(grad_output: Array, self: Array, beta: Scalar, threshold: Scalar) -> Array:
    scaled = self * self.dtype.type(beta)
    return array(np.where(scaled > threshold, grad_output, grad_output * sigmoid(scaled)))


@row(
    "log_sigmoid_forward(Tensor self) -> Tensor, Tensor",
    "A.log_sigmoid_forward.default",
)
def log_sigmoid_forward(self: Array) -> tuple[Array, Array]:
    """The logarithm of the sigmoid, and ``exp(-|x|)`` for its gradient."""
    return array(-softplus(-self)), array(np.exp(-np.abs(self)))


@row(
    "log_sigmoid_backward(Tensor grad_output, Tensor self, Tensor buffer)",
    "A.log_sigmoid_backward.default",
)
def log_sigmoid_backward(grad_output: Array, self: Array, buffer: Array) -> Array:
    return array(grad_output * sigmoid(-self))


@row("logit_backward(Tensor grad_output, Tensor self, float? eps=None)", "A.logit_backward.default")
def logit_backward(grad_output: Array, self: Array, eps: float | None = None) -> Array:
    kind = self.dtype.type
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = grad_output / (self * (1 - self))
    if eps is None:
        outside = (self < 0) | (self > 1)
        return array(np.where(outside, kind(np.nan), slope))
    return _kept(slope, (self >= eps) & (self <= 1 - eps))


@row("glu_backward(Tensor grad_output, Tensor self, int dim)", "A.glu_backward.default")
def glu_backward(grad_output: Array, self: Array, dim: int) -> Array:
    axis = normal_axis(dim, self.ndim)
    a, b = np.split(self, 2, axis)
    gate = sigmoid(b)
    for_a = grad_output * gate
    return np.concatenate([for_a, for_a * (1 - gate) * a], axis)


@row("_prelu_kernel(Tensor self, Tensor weight)", "A._prelu_kernel.default")
def prelu_kernel(self: Array, weight: Array) -> Array:
    """`weight` is already shaped to broadcast."""
    return array(np.where(self > 0, self, weight * self))


@row(
    "_prelu_kernel_backward(Tensor grad_output, Tensor self, Tensor weight) -> Tensor, Tensor",
    "A._prelu_kernel_backward.default",
)
def prelu_backward(grad_output: Array, self: Array, weight: Array) -> tuple[Array, Array]:
    """Gradients of input and slope, both of the input's shape."""
    for_self = np.where(self > 0, grad_output, weight * grad_output)
    return array(for_self), _kept(array(self * grad_output), ~(self > 0))
