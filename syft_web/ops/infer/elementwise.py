"""Ops that work element by element: the result has the shape all operands broadcast to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.infer.base import Inferred, ShapeRules, typed
from syft_web.ops.infer.common import broadcast, specs_in
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec

__all__ = ["broadcasting", "rules"]

rules = ShapeRules()

_ARITHMETIC = """
add sub rsub mul div rtruediv floor_divide rfloordiv remainder rmod fmod pow rpow atan2 maximum
minimum eq ne lt le gt ge bitwise_and logical_and bitwise_or logical_or bitwise_xor logical_xor
logical_not bitwise_not lshift rshift clamp clamp_min clamp_max lerp addcmul addcdiv where
isclose heaviside
"""
_UNARY = """
acos asin atan acosh asinh atanh cos cosh sin sinh tan tanh exp exp2 expm1 log log10 log1p log2
sqrt rsqrt reciprocal sigmoid erf erfc lgamma deg2rad rad2deg abs neg positive sign ceil floor
trunc frac square isnan isinf isfinite round
"""
_ACTIVATIONS = """
relu relu6 selu logsigmoid softsign tanhshrink silu hardsigmoid hardswish mish gelu leaky_relu
elu celu hardtanh softplus threshold hardshrink softshrink
"""
_TFJS = """
tf.add tf.sub tf.mul tf.pow tf.maximum tf.minimum tf.mod tf.equal tf.notEqual tf.greater
tf.greaterEqual tf.less tf.lessEqual tf.div tf.floorDiv tf.acos tf.asin tf.atan tf.ceil tf.cos
tf.cosh tf.elu tf.erf tf.exp tf.expm1 tf.floor tf.log tf.log1p tf.logSigmoid tf.reciprocal
tf.round tf.rsqrt tf.sigmoid tf.sin tf.sinh tf.softplus tf.sqrt tf.tan tf.tanh tf.abs tf.neg
tf.sign tf.square tf.relu tf.isNaN tf.isInf tf.isFinite tf.logicalNot tf.real tf.clone tf.selu
tf.prelu tf.where
"""


@rules.by_row(_ARITHMETIC + _UNARY + _ACTIVATIONS + _TFJS, numbers=True)
def broadcasting(row: Row, values: Sequence[Any]) -> Inferred:
    """Broadcast all arrays; where they are numbers that are known, calculate."""
    arrays = [
        v
        for p, v in zip(row.params, values, strict=True)
        if isinstance(v, Spec) and p.type in ("Tensor", "Value")
    ]
    shape = broadcast(*(a.shape for a in arrays))
    if not shape and all(s.value is not None for s in specs_in(values)):
        return _calculated(row, values)
    return typed(row, values, shape)


def _calculated(row: Row, values: Sequence[Any]) -> Inferred:
    """Sizes are numbers that plans calculate with: the rule gives the result itself."""
    numbers = [np.asarray(v.value, v.dtype) if isinstance(v, Spec) else v for v in values]
    with np.errstate(all="ignore"):
        result = np.asarray(row.rule(*numbers))
    return Spec((), result.dtype, result.item())
