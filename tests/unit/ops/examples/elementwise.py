"""Examples for the rows of `elementwise`, `unary` and `convert`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.unit.ops.examples.base import Example, b, d, example, f, i, ramp

A = f([[1.0, -2.0, 3.0], [-4.0, 5.0, 0.5]])
ROW = f(10.0, 20.0, 30.0)
X = ramp(2, 3)
U8 = np.uint8

EXAMPLES: list[Example] = [
    example("torch.add", A, ROW, want=f([[11, 18, 33], [6, 25, 30.5]])),
    example(".add", f(1, 2), f(10, 20), alpha=3, want=f(31, 62)),
    example(".__add__", i(1, 2), 1.5, want=f(2.5, 3.5)),
    example(".__radd__", f(), 1, want=f()),
    example(".add_", f(1, 2), f(10, 20), alpha=2, want=f(21, 42), mutated=f(21, 42)),
    example(".__iadd__", f([[1, 2], [3, 4]]), f(1, 1), want=f([[2, 3], [4, 5]])),
    example(".add_", i(1, 2), b(True, False), want=i(2, 2), mutated=i(2, 2)),
    example(".sub", f(3.0), 1, alpha=2, want=f(1.0)),
    example(".sub_", f(3, 4), f(1), want=f(2, 3), mutated=f(2, 3)),
    example(".__rsub__", f(1, 2), 1, want=f(0, -1)),
    example("torch.rsub", i(1, 2), 10, alpha=2, want=i(8, 6)),
    example("torch.mul", b(True, False), f(2, 3), want=f(2, 0)),
    example(".mul_", f(2, 3), 2, want=f(4, 6), mutated=f(4, 6)),
    example(".div", i(7, -7), 2, want=f(3.5, -3.5)),
    example(".div", i(7, -7), 2, rounding_mode="floor", want=i(3, -4)),
    example(".div", i(7, -7), 2, rounding_mode="trunc", want=i(3, -3)),
    example(".div", f(7, -7), 2, rounding_mode="trunc", want=f(3, -3)),
    example(".__truediv__", f(1, 0), 0, want=f(np.inf, np.nan)),
    example(".__itruediv__", f(4, 6), f(2), want=f(2, 3), mutated=f(2, 3)),
    example(".__rtruediv__", f(2, 4), 1, want=f(0.5, 0.25)),
    example(".__floordiv__", f(7, -7), 2, want=f(3, -4)),
    example("torch.floor_divide", i(7, -7), i(2), want=i(3, -4)),
    example(".__rfloordiv__", i(2, 4), 9, want=i(4, 2)),
    example("torch.remainder", f(-3, 3), 2, want=f(1, 1)),
    example(".__mod__", i(-3, 3), 2, want=i(1, 1)),
    example(".__rmod__", i(2, 4), 5, want=i(1, 1)),
    example("torch.fmod", f(-3, 3), 2, want=f(-1, 1)),
    example("torch.pow", f(2, 3), 2, want=f(4, 9)),
    example(".__pow__", f(4, 9), 0.5, want=f(2, 3)),
    example(".__pow__", f(2, 4), -1, want=f(0.5, 0.25)),
    example(".__pow__", f(2, 4), -2, want=f(0.25, 0.0625)),
    example(".__pow__", f(4, 16), -0.5, want=f(0.5, 0.25)),
    example(".__pow__", f(2, 4), 3, want=f(8, 64)),
    example(".__pow__", f(2, 4), 1, want=f(2, 4)),
    example(".__pow__", f(2, 4), 1.5, want=f(2**1.5, 8)),
    example(".pow", i(2, 3), i(3, 2), want=i(8, 9)),
    example(".pow", b(True, False, False), b(True, True, False), want=b(True, False, True)),
    example(".add", b(True, False), True, alpha=2, want=b(True, True)),
    example(".square", b(True, False), want=i(1, 0)),
    example(".pow", i(2, 0, 1, -1, -1), i(-1, -1, -3, -3, -2), want=i(0, 0, 1, -1, 1)),
    example("torch.pow", i(2, 3), i(-1, 2), want=i(0, 9)),
    example("torch.pow", 2, f(1, 3), want=f(2, 8)),
    example(".__rpow__", f(1, 3), 2, want=f(2, 8)),
    example(".pow_", f(2, 3), 2, want=f(4, 9), mutated=f(4, 9)),
    example("torch.atan2", f(1, -1), f(1, 1), want=f(math.pi / 4, -math.pi / 4)),
    example("torch.maximum", f(1, np.nan), f(2, 0), want=f(2, np.nan)),
    example("torch.min", f([[1], [5]]), f(2, 4), want=f([[1, 1], [2, 4]])),
    example(".eq", f(1, 2), 1, want=b(True, False)),
    example(".ne", i(1, 2), f(1, 2.5), want=b(False, True)),
    example(".__lt__", f(1, 2), f(2), want=b(True, False)),
    example(".le", f(), f(), want=b()),
    example(".__gt__", b(True, False), 0, want=b(True, False)),
    example("torch.ge", f(1, 2), 1.5, want=b(False, True)),
    example(".gt_", f(1, 3), 2, want=f(0, 1), mutated=f(0, 1)),
    example(".__and__", b(True, True), b(True, False), want=b(True, False)),
    example(".__or__", i(5, 2), 1, want=i(5, 3)),
    example(".__xor__", i(5, 2), i(1, 2), want=i(4, 0)),
    example("torch.logical_and", f(0, 2), f(1, 1), want=b(False, True)),
    example(".logical_or", f(0, 2), f(0, 0), want=b(False, True)),
    example("torch.logical_xor", i(0, 2), i(1, 1), want=b(True, False)),
    example("torch.logical_not", f(0, 2), want=b(True, False)),
    example(".__invert__", b(True, False), want=b(False, True)),
    example("torch.bitwise_not", i(0, 1), want=i(-1, -2)),
    example(".__lshift__", i(1, 2), 2, want=i(4, 8)),
    example(".__lshift__", f(1, 2), 2, want=f(4, 8)),
    example(".__rshift__", i(9, 2), 1, want=i(4, 1)),
    example("torch.clamp", A, 0, 3, want=f([[1, 0, 3], [0, 3, 0.5]])),
    example(".clamp", A, max=1, want=f([[1, -2, 1], [-4, 1, 0.5]])),
    example(".clamp_", f(1, 9), min=2.5, want=f(2.5, 9), mutated=f(2.5, 9)),
    example(".clamp_min", f(1, 9), 4, want=f(4, 9)),
    example(".clamp_max", f(1, 9), 4, want=f(1, 4)),
    example("torch.lerp", f(0, 10), f(10, 20), 0.25, want=f(2.5, 12.5)),
    example("torch.addcmul", f(1, 1), f(2, 3), f(4, 5), value=0.5, want=f(5, 8.5)),
    example("torch.addcmul", f(1, 1), 0.5, f(2, 3), f(4, 5), want=f(5, 8.5)),
    example(".addcdiv", f(1, 1), f(2, 3), f(4, 6), value=2, want=f(2, 2)),
    example(".addcdiv", f(1, 1), 2, f(2, 3), f(4, 6), want=f(2, 2)),
    example("torch.where", b(True, False), f(1, 2), 0, want=f(1, 0)),
    example(".where", f(1, 2), b(True, False), f(8, 9), want=f(1, 9)),
    example(".round", f(0.5, 1.5, -2.5), want=f(0, 2, -2)),
    example("torch.round", f(1.26, 1.24), decimals=1, want=f(1.3, 1.2)),
    # convert
    example(".to", i(1, 2), "torch.float64", want=d(1, 2)),
    example(".type", i(1, 2), "torch.FloatTensor", want=f(1, 2)),
    example(".to", i(1, 2), "cpu", want=i(1, 2)),
    example(".to", i(1, 2), "cpu", "float32", want=f(1, 2)),
    example(".type_as", i(1, 2), f(0), want=f(1, 2)),
    example(".bool", f(0, 2), want=b(False, True)),
    example(".byte", f(1, 2), want=np.array([1, 2], U8)),
    example(".char", f(1, -2), want=np.array([1, -2], np.int8)),
    example(".short", f(1, -2), want=np.array([1, -2], np.int16)),
    example(".int", f(1.9, -1.9), want=np.array([1, -1], np.int32)),
    example(".long", f(1.9, -1.9), want=i(1, -1)),
    example(".half", f(1, 2), want=np.array([1, 2], np.float16)),
    example(".float", b(True, False), want=f(1, 0)),
    example(".double", f(1, 2), want=d(1, 2)),
    example(".clone", f(1, 2), want=f(1, 2)),
    example(".copy", f(1, 2), want=f(1, 2)),
    example(".item", f([[3]]), want=f(3.0)),
    example(".detach", f(1, 2), want=f(1, 2)),
    example(".requires_grad_", f(1, 2), True, want=f(1, 2)),
    example(".contiguous", A.T, want=A.T),
    example("torch.equal", f(1, 2), f(1, 2), want=b(True)),
    example("torch.isclose", f(1, 2), f(1, 2.1), want=b(True, False)),
    example(".allclose", f(1, 2), f(1, 2.1), want=b(False)),
    example(".dim", A, want=i(2)),
    example(".numel", A, want=i(6)),
    example(".size", A, 1, want=i(3)),
    example(".size", A, want=i(2, 3)),
]

_UNARY: dict[str, Callable[[float], float]] = {
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "asinh": math.asinh,
    "atanh": math.atanh,
    "cos": math.cos,
    "cosh": math.cosh,
    "sin": math.sin,
    "sinh": math.sinh,
    "tan": math.tan,
    "tanh": math.tanh,
    "exp": math.exp,
    "exp2": lambda x: 2**x,
    "expm1": math.expm1,
    "erf": math.erf,
    "erfc": math.erfc,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "deg2rad": math.radians,
    "rad2deg": math.degrees,
    "abs": abs,
    "neg": lambda x: -x,
    "positive": lambda x: x,
    "conj": lambda x: x,
    "sign": lambda x: (x > 0) - (x < 0),
    "ceil": math.ceil,
    "floor": math.floor,
    "trunc": math.trunc,
    "frac": lambda x: x - math.trunc(x),
    "square": lambda x: x * x,
}
_POSITIVE: dict[str, Callable[[float], float]] = {
    "acosh": math.acosh,
    "log": math.log,
    "log10": math.log10,
    "log1p": math.log1p,
    "log2": math.log2,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "lgamma": math.lgamma,
}


def _unary() -> list[Example]:
    made: list[Example] = []
    for table, values in (
        (_UNARY, [-0.9, -0.4, 0.0, 0.3, 0.75]),
        (_POSITIVE, [1.0, 1.5, 3.25, 40]),
    ):
        x = np.array(values, np.float32)
        for name, function in table.items():
            want = np.array([function(float(v)) for v in x], np.float32)
            for command in (f"torch.{name}", f".{name}"):
                made.append(example(command, x, want=want, rtol=1e-5))
            if name not in ("positive", "conj"):
                made.append(example(f".{name}_", x, want=want, mutated=want, rtol=1e-5))
    return made


EXAMPLES += _unary()
EXAMPLES += [
    example("torch.isnan", f(1, np.nan, np.inf), want=b(False, True, False)),
    example("torch.isinf", f(1, np.nan, np.inf), want=b(False, False, True)),
    example("torch.isfinite", f(1, np.nan, np.inf), want=b(True, False, False)),
    example(".abs", i(-3, 3), want=i(3, 3)),
    example(".exp", i(0, 1), want=f(1, math.e)),
    example(".sqrt", b(True, False), want=f(1, 0)),
    example(".floor", i(3, -3), want=i(3, -3)),
    example(".sign", b(True, False), want=b(True, False)),
    example(".sign", f(np.nan, -2, 0), want=f(0, -1, 0)),
    example(".lgamma", f(-1, np.inf, np.nan), want=f(np.inf, np.inf, np.nan)),
    example(".neg", np.zeros((0, 3), np.float32), want=np.zeros((0, 3), np.float32)),
]
