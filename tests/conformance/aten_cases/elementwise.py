"""Cases of operators that work element by element, and their gradients."""

from __future__ import annotations

import numpy as np

from tests.conformance.aten_cases.support import Case, case, ints, pos, r

X, Y = r(3, 5), r(3, 5, at=2.3)
G = r(3, 5, at=0.7)
K = ints(3, 5) - 2
EDGES = np.array([-np.inf, -30, -3, -1, -0.5, -0.0, 0, 0.5, 1, 3, 30, np.inf, np.nan], np.float32)
EDGE_GRAD = r(13, at=0.3)
EMPTY = np.zeros((0, 4), np.float32)
SCALAR = np.array(0.7, np.float32)
WIDE = r(2, 3, 4, dtype=np.float64)

_ONE = [
    "abs",
    "neg",
    "sign",
    "ceil",
    "floor",
    "trunc",
    "round",
    "frac",
    "square",
    "isnan",
    "isinf",
    "exp",
    "exp2",
    "expm1",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "sigmoid",
    "tanh",
    "sin",
    "cos",
    "tan",
    "atan",
    "sinh",
    "cosh",
    "asinh",
    "erf",
    "erfc",
    "relu",
    "relu6",
    "selu",
    "silu",
    "mish",
    "hardsigmoid",
    "hardswish",
    "log",
    "log2",
    "log10",
    "log1p",
]
ONE: list[Case] = []
for _name in _ONE:
    _ok = _name not in ("sqrt", "rsqrt", "log", "log2", "log10", "log1p")
    ONE += [case(f"{_name}.default", x) for x in ((X if _ok else pos(3, 5)), EMPTY, SCALAR)]
    ONE.append(case(f"{_name}.default", (WIDE if _ok else np.abs(WIDE) + 0.1)))
    if _name not in ("sin", "cos", "tan", "round", "frac", "hardswish", "mish"):
        ONE.append(case(f"{_name}.default", EDGES))
ONE += [case(f"{n}.default", r(3, 4, scale=0.9)) for n in ("asin", "acos", "atanh")]
ONE += [
    case("acosh.default", pos(3, 4) + 1, tol=1e-5),
    case("lgamma.default", pos(3, 4) * 5, tol=1e-5),
    case("logical_not.default", K),
    case("sgn.default", X),
    case("sinc.default", X),
    case("digamma.default", pos(3, 4) * 5, tol=1e-5),
    case("erfinv.default", r(3, 4, scale=0.9), tol=1e-5),
    case("logit.default", pos(3, 4)),
    case("logit.default", pos(3, 4), 0.3),
    case("nan_to_num.default", EDGES),
    case("signbit.default", EDGES),
    case("i0.default", X, tol=1e-5),
    case("special_i0.default", X, tol=1e-5),
    case("bitwise_not.default", K),
]

TWO: list[Case] = []
for _name in ("add", "sub", "mul", "div", "remainder", "fmod", "eq", "ne", "lt", "le", "gt", "ge"):
    TWO += [
        case(f"{_name}.Tensor", X, Y),
        case(f"{_name}.Tensor", X, np.array(2.5, np.float64)),
        case(f"{_name}.Tensor", K, r(5)),
        case(f"{_name}.Tensor", r(3, 1), r(1, 4)),
        case(f"{_name}.Tensor", EMPTY, r(4)),
        case(f"{_name}.Scalar", X, 2),
        case(f"{_name}.Scalar", K, 3),
        case(f"{_name}.Scalar", K, 2.5),
    ]
TWO += [
    case("add.Tensor", X, Y, alpha=3),
    case("sub.Tensor", X, Y, alpha=0.5),
    case("rsub.Scalar", X, 1),
    case("rsub.Tensor", X, Y, alpha=2),
    case("div.Tensor_mode", K, ints(3, 5) + 1, rounding_mode="floor"),
    case("div.Tensor_mode", X, Y, rounding_mode="trunc"),
    case("div.Scalar_mode", K, 2, rounding_mode="trunc"),
    case("floor_divide.default", K, ints(3, 5) + 1),
    case("floor_divide.Scalar", X, 2),
    case("pow.Tensor_Scalar", X, 2),
    case("pow.Tensor_Scalar", X, 3),
    case("pow.Tensor_Scalar", pos(3, 4), 1.7),
    case("pow.Scalar", 0.999, np.array(5.0, np.float32)),
    case("pow.Scalar", 0.9, np.array(3, np.int64)),
    case("pow.Tensor_Tensor", pos(3, 4), r(3, 4)),
    case("atan2.default", X, Y),
    case("maximum.default", X, Y),
    case("minimum.default", K, X),
    case("clamp.default", X, -0.5, 0.5),
    case("clip.default", X, -0.5, None),
    case("clamp.default", EDGES, -1, None),
    case("clamp.Tensor", X, r(5, at=0.2) - 1, r(5, at=0.2) + 1),
    case("clamp_min.default", X, 0.1),
    case("clamp_min.Tensor", X, Y),
    case("clamp_max.default", X, 0.1),
    case("clamp_max.Tensor", X, Y),
    case("logical_and.default", K, K.T.copy().reshape(3, 5)),
    case("logical_or.default", X, K),
    case("logical_xor.default", X, K),
    case("bitwise_and.Tensor", K, ints(3, 5, at=5)),
    case("bitwise_and.Tensor", K > 0, X > 0),
    case("bitwise_and.Scalar", K, 3),
    case("bitwise_or.Tensor", K, ints(3, 5, at=5)),
    case("bitwise_or.Scalar", K, 3),
    case("bitwise_xor.Tensor", K, ints(3, 5, at=5)),
    case("bitwise_xor.Scalar", K, 3),
    case("lerp.Scalar", X, Y, 0.3),
    case("lerp.Tensor", X, Y, pos(3, 5)),
    case("addcmul.default", X, Y, G, value=0.5),
    case("addcdiv.default", X, Y, pos(3, 5), value=-0.1),
    case("where.self", X > 0, X, Y),
    case("where.self", X > 0, np.array(1.0, np.float32), Y),
    case("where.ScalarOther", X > 0, X, 0),
    case("where.ScalarSelf", X > 0, 0.0, Y),
    case("where.Scalar", X > 0, 1.0, 0.0),
    case("heaviside.default", X, Y),
    case("isclose.default", X, X + 1e-7),
    case("hypot.default", X, Y),
    case("logaddexp.default", X * 30, Y),
    case("logaddexp2.default", X, Y),
    case("xlogy.Tensor", np.maximum(X, 0), pos(3, 5)),
    case("copysign.Tensor", X, Y),
]

ACTIVATIONS: list[Case] = [
    case("gelu.default", EDGES),
    case("gelu.default", X, approximate="tanh"),
    case("gelu.default", WIDE),
    case("leaky_relu.default", EDGES, 0.1),
    case("elu.default", X),
    case("elu.default", X, 0.7),
    case("elu.default", X, 1.3, 1.5, 0.8),
    case("celu.default", X, 0.7),
    case("hardtanh.default", EDGES, -0.7, 0.9),
    case("softplus.default", EDGES, 2, 5),
    case("threshold.default", X, 0.1, -3),
    case("hardshrink.default", EDGES, 0.6),
    case("softshrink.default", X, 0.6),
    case("glu.default", r(3, 6), 1),
    case("glu.default", r(4, 3), 0),
    case("prelu.default", r(2, 3, 4), pos(3)),
    case("prelu.default", X, pos(1)),
    case("_prelu_kernel.default", X, pos(1, 5)),
    case("log_sigmoid_forward.default", r(3, 5)),
    case("rrelu_with_noise_functional.default", X, np.zeros_like(X), 0.1, 0.3, False),
]

BACKWARD: list[Case] = []
_WIDE_GRAD = r(2, 3, 4, at=3.0, dtype=np.float64)
for _x, _g in (
    (X, G),
    (EMPTY, EMPTY),
    (SCALAR, SCALAR),
    (WIDE, _WIDE_GRAD),
    (EDGES, EDGE_GRAD),
):
    _finite = _x is not EDGES
    BACKWARD += [
        case("threshold_backward.default", _g, _x, 0),
        case("threshold_backward.default", _g, _x, 0.4),
        case("leaky_relu_backward.default", _g, _x, 0.1, False),
        case("hardtanh_backward.default", _g, _x, -1.0, 1.0),
        case("hardshrink_backward.default", _g, _x, 0.5),
        case("softshrink_backward.default", _g, _x, 0.5),
        case("softplus_backward.default", _g, _x, 1.5, 4),
        case("rrelu_with_noise_backward.default", _g, _x, np.abs(_x), 0.1, 0.3, True, False),
        case("rrelu_with_noise_backward.default", _g, _x, np.abs(_x), 0.1, 0.3, False, False),
        case("elu_backward.default", _g, 1.0, 1.0, 1.0, False, _x),
        case("elu_backward.default", _g, 0.7, 1.5, 0.8, False, _x),
    ]
    if _finite:
        BACKWARD += [
            case("sigmoid_backward.default", _g, _x),
            case("tanh_backward.default", _g, _x),
            case("gelu_backward.default", _g, _x),
            case("gelu_backward.default", _g, _x, approximate="tanh"),
            case("silu_backward.default", _g, _x),
            case("mish_backward.default", _g, _x),
            case("hardswish_backward.default", _g, _x * 2),
            case("hardsigmoid_backward.default", _g, _x * 2, tol=1e-4),
            case("elu_backward.default", _g, 0.7, 1.5, 0.8, True, np.maximum(_x, -1)),
            case("_prelu_kernel_backward.default", _g, _x, np.array(0.25, _x.dtype)),
            case("native_dropout_backward.default", _g, _x > 0, 1.25),
        ]
BACKWARD += [
    case("log_sigmoid_backward.default", G, X, np.exp(-np.abs(X))),
    case("logit_backward.default", G, pos(3, 5), 0.2),
    case("logit_backward.default", G, pos(3, 5)),
    case("glu_backward.default", r(3, 3), r(3, 6), 1),
    case("glu_backward.default", r(2, 3), r(4, 3), -2),
]

CASES = [*ONE, *TWO, *ACTIVATIONS, *BACKWARD]
