"""Activations and other functions of torch.nn.functional that keep the shape.

``inplace=True`` is settled when arguments are bound (`syft_web.ops.table`): the rule's
result is then written into its first argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.ops import chance, unary
from syft_web.ops.dtypes import Array, Scalar, Value, as_dtype, cast, float_type, recast
from syft_web.ops.elementwise import array
from syft_web.ops.reduce import norm_dims, normal_axis
from syft_web.ops.row import RowCollector
from syft_web.ops.unary import erf, float_unary

__all__ = ["log_softmax", "relu", "row", "sigmoid", "softmax", "softplus"]

row = RowCollector()


@row(
    "relu(Tensor self, bool inplace=False)",
    "torch.relu F.relu .relu torch.relu_ F.relu_ .relu_",
    kernel="map_relu",
)
def relu(self: Array, inplace: bool = False) -> Array:
    """``max(x, 0)``; nan stays nan."""
    found = kernels.relu(self)
    return array(np.maximum(self, self.dtype.type(0))) if found is None else found


def _prepared(self: Array, dim: int, dtype: Any) -> tuple[Array, int]:
    wanted = float_type(self.dtype) if dtype is None else as_dtype(dtype)
    return recast(self, wanted), normal_axis(dim, self.ndim)


def _default_dim(ndim: int) -> int:
    """What torch takes when no dim is given: 0 for 0, 1 and 3 dimensions, else 1."""
    return 0 if ndim in (0, 1, 3) else 1


_SOFTMAX_SIGNATURES = (
    ("{0}(Tensor self, int dim, dtype? dtype=None)", "torch.{0} .{0}"),
    ("{0}(Tensor self, int? dim=None, int _stacklevel=3, dtype? dtype=None)", "F.{0}"),
)


def softmax(self: Array, dim: int | None = None, *rest: Any) -> Array:
    """``exp(x) / sum(exp(x))`` along `dim`, with the maximum taken off first."""
    dim = _default_dim(self.ndim) if dim is None else dim
    x, axis = _prepared(self, dim, rest[-1] if rest else None)
    if x.size == 0 or x.ndim == 0:
        return np.ones_like(x)
    found = kernels.softmax(x, axis)
    if found is not None:
        return found
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return array(powers / np.sum(powers, axis=axis, keepdims=True))


def log_softmax(self: Array, dim: int | None = None, *rest: Any) -> Array:
    """The logarithm of `softmax`, computed without leaving the range of the dtype."""
    dim = _default_dim(self.ndim) if dim is None else dim
    x, axis = _prepared(self, dim, rest[-1] if rest else None)
    if x.size == 0 or x.ndim == 0:
        return np.zeros_like(x)
    found = kernels.log_softmax(x, axis)
    if found is not None:
        return found
    away = x - np.max(x, axis=axis, keepdims=True)
    return array(away - np.log(np.sum(np.exp(away), axis=axis, keepdims=True)))


def softmin(self: Array, dim: int | None = None, *rest: Any) -> Array:
    """`softmax` of the negatives."""
    return softmax(array(np.negative(self)), dim, *rest)


for _signature, _names in _SOFTMAX_SIGNATURES:
    for _name, _rule in (("softmax", softmax), ("log_softmax", log_softmax)):
        row(_signature.format(_name), _names.format(_name), kernel="softmax")(_rule)
row(_SOFTMAX_SIGNATURES[1][0].format("softmin"), "F.softmin", kernel="softmax")(softmin)


def _where(condition: Any, a: Any, b: Any, like: Array) -> Array:
    return np.asarray(np.where(condition, a, b), like.dtype)


def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    return array(unary.sigmoid(x))


def softplus(x: Array) -> Array:
    """``log(1 + exp(x))`` without overflow."""
    return array(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def _activations() -> dict[str, Callable[[Array], Any]]:
    scale, alpha = 1.0507009873554805, 1.6732632423543772

    def typed(x: Array, number: float) -> Any:
        return x.dtype.type(number)

    return {
        "selu": lambda x: (
            typed(x, scale) * _where(x > 0, x, typed(x, alpha) * np.expm1(np.minimum(x, 0)), x)
        ),
        "logsigmoid": lambda x: -softplus(-x),
        "softsign": lambda x: x / (1 + np.abs(x)),
        "tanhshrink": lambda x: x - np.tanh(x),
        "silu": lambda x: x * sigmoid(x),
        "hardsigmoid": lambda x: np.clip(x / typed(x, 6) + typed(x, 0.5), 0, 1),
        "hardswish": lambda x: x * np.clip(x / typed(x, 6) + typed(x, 0.5), 0, 1),
        "mish": lambda x: x * np.tanh(softplus(x)),
    }


def _declare_activations() -> None:
    for name, function in _activations().items():

        def rule(
            self: Array, inplace: bool = False, _f: Callable[[Array], Any] = function
        ) -> Array:
            return array(float_unary(_f, self).astype(float_type(self.dtype), copy=False))

        row(
            f"{name}(Tensor self, bool inplace=False)",
            f"F.{name} torch.{name} torch.{name}_ F.{name}_",
        )(rule)


_declare_activations()


@row(
    "gelu(Tensor self, *, str approximate='none')",
    "F.gelu torch._C._nn.gelu",
    kernel="map_gelu",
)
def gelu(self: Array, approximate: str = "none") -> Array:
    kind = self.dtype.type
    if approximate not in ("none", "tanh"):
        raise ValueError(f"approximate must be 'none' or 'tanh', not {approximate!r}")
    if approximate == "tanh":
        inner = kind(math.sqrt(2 / math.pi)) * (self + kind(0.044715) * self * self * self)
        return array(kind(0.5) * self * (1 + np.tanh(inner)))
    found = kernels.gelu(self)
    if found is not None:
        return found
    return array(kind(0.5) * self * (1 + erf(array(self * kind(math.sqrt(0.5))))))


@row(
    "leaky_relu(Tensor self, Scalar negative_slope=0.01, bool inplace=False)",
    "F.leaky_relu F.leaky_relu_ torch._C._nn.leaky_relu",
)
def leaky_relu(self: Array, negative_slope: Scalar = 0.01, inplace: bool = False) -> Array:
    return _where(self > 0, self, self * self.dtype.type(negative_slope), self)


@row("elu(Tensor self, Scalar alpha=1.0, bool inplace=False)", "F.elu F.elu_ torch._C._nn.elu")
def elu(self: Array, alpha: Scalar = 1.0, inplace: bool = False) -> Array:
    low = self.dtype.type(alpha) * np.expm1(np.minimum(self, 0))
    return _where(self > 0, self, low, self)


@row(
    "celu(Tensor self, Scalar alpha=1.0, bool inplace=False)",
    "F.celu F.celu_ torch.celu torch.celu_",
)
def celu(self: Array, alpha: Scalar = 1.0, inplace: bool = False) -> Array:
    factor = self.dtype.type(alpha)
    return _where(self > 0, self, factor * np.expm1(np.minimum(self, 0) / factor), self)


@row(
    "hardtanh(Tensor self, Scalar min_val=-1.0, Scalar max_val=1.0, bool inplace=False)",
    "F.hardtanh F.hardtanh_",
)
def hardtanh(
    self: Array, min_val: Scalar = -1.0, max_val: Scalar = 1.0, inplace: bool = False
) -> Array:
    if min_val > max_val:
        raise ValueError(f"min_val {min_val} is greater than max_val {max_val}")
    low, high = (cast(v, self.dtype) for v in (min_val, max_val))
    return array(np.minimum(np.maximum(self, low), high))


@row("relu6(Tensor self, bool inplace=False)", "F.relu6 torch.relu6 torch.relu6_ F.relu6_")
def relu6(self: Array, inplace: bool = False) -> Array:
    """``x`` cut to between 0 and 6; ints stay ints."""
    return hardtanh(self, 0, 6)


@row(
    "softplus(Tensor self, Scalar beta=1, Scalar threshold=20)", "F.softplus torch._C._nn.softplus"
)
def softplus_scaled(self: Array, beta: Scalar = 1, threshold: Scalar = 20) -> Array:
    scaled = self * self.dtype.type(beta)
    return _where(scaled > threshold, self, softplus(scaled) / self.dtype.type(beta), self)


@row(
    "threshold(Tensor self, Scalar threshold, Scalar value, bool inplace=False)",
    "F.threshold F.threshold_ torch.threshold torch.threshold_",
)
def threshold(self: Array, threshold: Scalar, value: Scalar, inplace: bool = False) -> Array:
    return _where(self <= threshold, cast(value, self.dtype), self, self)


@row("hardshrink(Tensor self, Scalar lambd=0.5)", "F.hardshrink torch.hardshrink .hardshrink")
def hardshrink(self: Array, lambd: Scalar = 0.5) -> Array:
    return _where(np.abs(self) <= lambd, self.dtype.type(0), self, self)


@row("softshrink(Tensor self, Scalar lambd=0.5)", "F.softshrink")
def softshrink(self: Array, lambd: Scalar = 0.5) -> Array:
    if lambd < 0:
        raise ValueError(f"lambd must not be negative, got {lambd}")
    return array(np.sign(self) * np.maximum(np.abs(self) - self.dtype.type(lambd), 0))


@row("prelu(Tensor self, Tensor weight)", "F.prelu torch.prelu .prelu")
def prelu(self: Array, weight: Array) -> Array:
    if weight.dtype != self.dtype:
        raise TypeError(f"prelu needs one dtype, got {self.dtype} and {weight.dtype}")
    channels = self.shape[1] if self.ndim > 1 else 1
    if weight.size not in (1, channels):
        raise ValueError(f"prelu needs 1 or {channels} slopes, not {weight.size}")
    if weight.size > 1 and self.ndim > 1:  # one slope per channel, dimension 1
        weight = weight.reshape(-1, *(1,) * (self.ndim - 2))
    return _where(
        self > 0, self, self * weight.reshape(weight.shape if weight.size > 1 else ()), self
    )


@row("glu(Tensor self, int dim=-1)", "F.glu torch._C._nn.glu")
def glu(self: Array, dim: int = -1) -> Array:
    axis = normal_axis(dim, self.ndim)
    if self.shape[axis] % 2:
        raise ValueError(f"glu halves dimension {dim}, whose size {self.shape[axis]} is odd")
    a, b = np.split(self, 2, axis)
    return array(a * sigmoid(b))


@row("normalize(Tensor self, float p=2.0, int[1] dim=[1], float eps=1e-12)", "F.normalize")
def normalize(self: Array, p: float, dim: Sequence[int], eps: float) -> Array:
    """Divide by the p-norm along dimensions."""
    return array(self / np.maximum(norm_dims(self, p, dim, True), self.dtype.type(eps)))


def _dropout(self: Array, p: float, training: bool, shape: tuple[int, ...]) -> Array:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return self
    kept = chance.generator().random(shape) >= p
    factor = self.dtype.type(0 if p == 1 else 1 / (1 - p))
    return array(self * kept.astype(self.dtype) * factor)


@row(
    "dropout(Tensor self, float p=0.5, bool training=True, bool inplace=False)",
    "F.dropout",
    view=True,
)
@row("dropout(Tensor self, float p, bool train)", "torch.dropout torch.dropout_", view=True)
def dropout(self: Array, p: float = 0.5, training: bool = True, inplace: bool = False) -> Array:
    return _dropout(self, p, training, self.shape)


@row(
    "dropout2d(Tensor self, float p=0.5, bool training=True, bool inplace=False)",
    "F.dropout2d F.dropout3d F.feature_dropout",
    view=True,
)
def dropout_channels(
    self: Array, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Array:
    return _dropout(self, p, training, self.shape[:2] + (1,) * (self.ndim - 2))


@row("pad(Tensor self, int[] pad, str mode='constant', Value? value=0)", "F.pad torch._C._nn.pad")
def pad(self: Array, pad: list[int], mode: str = "constant", value: Value | None = 0) -> Array:
    """Pad the last dimensions; `pad` lists (before, after) from the last dimension backwards.

    Negative widths cut away.
    """
    if len(pad) % 2 or len(pad) > 2 * self.ndim:
        raise ValueError(f"pad {pad} must hold two numbers per dimension, of {self.ndim} at most")
    widths = [(0, 0)] * self.ndim
    for i in range(len(pad) // 2):
        widths[-1 - i] = (pad[2 * i], pad[2 * i + 1])
    if any(n + min(a, 0) + min(b, 0) < 0 for (a, b), n in zip(widths, self.shape, strict=True)):
        raise ValueError(f"pad {pad} cuts away more than there is of {self.shape}")
    if not pad:
        return self.copy()
    cut = tuple(
        slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, self.shape, strict=True)
    )
    grow = [(max(a, 0), max(b, 0)) for a, b in widths]
    if mode == "constant":
        fill = self.dtype.type(0 if value is None else value)
        return np.pad(self[cut], grow, constant_values=fill)
    modes = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode not in modes:
        raise ValueError(f"pad mode {mode!r} is not one of constant, {', '.join(modes)}")
    if not self.ndim - 2 <= len(pad) // 2 <= self.ndim - 1:
        raise ValueError(f"pad {pad} must name all but one or two dimensions of {self.shape}")
    most = [n - 1 if mode == "reflect" else n for n in self.shape]
    if mode != "replicate" and any(max(g) > n for g, n in zip(grow, most, strict=True)):
        raise ValueError(f"pad {pad} is larger than the shape {self.shape} allows")
    return np.asarray(np.pad(self[cut], grow, mode=modes[mode]))  # type: ignore[call-overload]  # a text


@row("heaviside(Tensor self, Tensor values)", "torch.heaviside .heaviside")
def heaviside(self: Array, values: Array) -> Array:
    if self.dtype != values.dtype:
        raise TypeError(f"heaviside needs one dtype, got {self.dtype} and {values.dtype}")
    return np.asarray(np.where(self == 0, values, self > 0), self.dtype)
