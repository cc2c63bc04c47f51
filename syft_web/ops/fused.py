"""Rules that no plan names: what the compiler makes of several actions, or of one done better.

`syft_web.plan.passes` puts them in place of recorded actions. Each gives what the actions
gave; where the last bits may differ, its docstring says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from syft_web import kernels
from syft_web.kernels import Chain, chain
from syft_web.kernels.limits import CHAIN_SIZE
from syft_web.ops.dtypes import Array, Value
from syft_web.ops.row import Row

__all__ = [
    "CHAINED",
    "CHAIN_PLACES",
    "CHAIN_SIZE",
    "ELEMENTWISE",
    "GEMM",
    "GEMM_ADD",
    "GEMM_STEP",
    "Chain",
    "Elementwise",
    "gemm",
    "gemm_add",
    "gemm_step",
]


def gemm(
    a: Array,
    b: Array,
    bias: Array | None = None,
    turn_a: bool = False,
    turn_b: bool = False,
    relu: bool = False,
) -> Array:
    """``relu(a @ b + bias)`` of matrices in one dtype.

    Args:
        a: (M, K), or (K, M) when it is turned.
        b: (K, N), or (N, K) when it is turned.
        bias: (N,) or (1, N).
        turn_a: Take the transpose of `a`.
        turn_b: Take the transpose of `b`.
        relu: Replace negative results by 0.

    Returns:
        (M, N), memory of its own. ``(a @ b).t()`` computed as ``b.t() @ a.t()`` may differ by
        rounding.
    """
    flat = None if bias is None else bias.reshape(-1)
    return kernels.matmul(a.T if turn_a else a, b.T if turn_b else b, bias=flat, relu=relu)


def gemm_add(total: Array, a: Array, b: Array, turn_a: bool = False, turn_b: bool = False) -> Array:
    """``total += a @ b``, written into `total`, which is returned.

    The product is made and added block by block, so there is never a whole temporary. It may
    differ by rounding from a product made first and added then.
    """
    left, right = a.T if turn_a else a, b.T if turn_b else b
    return kernels.matmul(left, right, out=total, accumulate=True)


def gemm_step(
    target: Array, rate: Value, a: Array, b: Array, turn_a: bool = False, turn_b: bool = False
) -> Array:
    """``target - rate * (a @ b)`` as a new array, without the product in between.

    Args:
        target: (M, N), not changed.
        rate: A number, or an array of one element.
        a: As in `gemm`.
        b: As in `gemm`.
        turn_a: As in `gemm`.
        turn_b: As in `gemm`.

    Returns:
        (M, N); may differ by rounding from the three actions.
    """
    left, right = a.T if turn_a else a, b.T if turn_b else b
    if kernels.active() == "numpy":
        # It has no product that adds to something: the product's array becomes the result.
        result = kernels.matmul(left, right)
        np.multiply(result, rate, result)
        return np.subtract(target, result, result)
    factor = rate.item() if isinstance(rate, np.ndarray) else float(target.dtype.type(rate))
    return kernels.matmul(left, right, alpha=-factor, out=target.copy(), accumulate=True)


GEMM = Row(
    "gemm(Tensor a, Tensor b, Tensor? bias=None, bool turn_a=False, bool turn_b=False, "
    "bool relu=False)",
    (),
    gemm,
    kernel="gemm",
)
GEMM_ADD = Row(
    "gemm_add(Tensor total, Tensor a, Tensor b, bool turn_a=False, bool turn_b=False)",
    (),
    gemm_add,
    kernel="gemm",
)


GEMM_STEP = Row(
    "gemm_step(Tensor target, Value rate, Tensor a, Tensor b, bool turn_a=False, "
    "bool turn_b=False)",
    (),
    gemm_step,
)


CHAIN_PLACES = chain.ARRAYS, chain.OWN
"""How many arrays, results included, and how many other values a `Chain` has place for."""

CHAINED = frozenset(chain.OPERATIONS)
"""Names of the operations of a `Chain`."""


@dataclass(frozen=True, slots=True)
class Elementwise:
    """A row of floats done element by element, with operands and result in one dtype.

    Attributes:
        function: Called as ``function(*operands)``, or ``function(*operands, out)`` where `out`
            may be one of the operands. The result is `out` or a new array, never an operand else.
        operands: How many values of the row are operands; the others must have their defaults.
        swapped: The second operand comes first.
        casts: It takes ``dtype`` and ``casting``, so operands may be of other dtypes.
    """

    function: Callable[..., Any]
    operands: int = 2
    swapped: bool = False
    casts: bool = False


def _maximum(a: Value, b: Value, out: Array | None = None, **more: Any) -> Array:
    """Numpy takes the output of this one by keyword only."""
    return np.maximum(a, b, out=out, **more)


def _minimum(a: Value, b: Value, out: Array | None = None, **more: Any) -> Array:
    """As `_maximum`."""
    return np.minimum(a, b, out=out, **more)


def _relu(x: Array, out: Array | None = None) -> Array:
    found = kernels.relu(x, out)
    return _maximum(x, x.dtype.type(0), out) if found is None else found


def _mapped(
    kernel: Callable[..., Array | None], function: Callable[..., Any]
) -> Callable[..., Array]:
    """The kernel where it applies, else the function."""

    def apply(x: Array, out: Array | None = None) -> Array:
        found = kernel(x, out)
        return function(x, out) if found is None else found

    return apply


def _sigmoid(x: Array, out: Array | None) -> Array:
    result: Array = np.negative(x, out)
    np.exp(result, result)
    np.add(1, result, result)
    np.reciprocal(result, result)
    return result


def _threshold_backward(grad: Array, x: Array, limit: Any, out: Array | None = None) -> Array:
    """`grad` where x is not up to the limit (so also where it is nan), else 0."""
    found = kernels.relu_backward(grad, x) if limit == 0 else None
    if found is not None:
        return found
    low = x <= limit  # before x is written over, if it is the output
    result = grad.copy() if out is None else out
    if result is not grad:
        np.copyto(result, grad)
    np.copyto(result, grad.dtype.type(0), where=low)
    return result


def _unary(function: Callable[..., Any]) -> Elementwise:
    return Elementwise(function, operands=1)


ELEMENTWISE: dict[str, Elementwise] = {
    "add": Elementwise(np.add, casts=True),
    "sub": Elementwise(np.subtract, casts=True),
    "rsub": Elementwise(np.subtract, swapped=True, casts=True),
    "mul": Elementwise(np.multiply, casts=True),
    "div": Elementwise(np.true_divide, casts=True),
    "rtruediv": Elementwise(np.true_divide, swapped=True, casts=True),
    "maximum": Elementwise(_maximum, casts=True),
    "minimum": Elementwise(_minimum, casts=True),
    "threshold_backward": Elementwise(_threshold_backward, operands=3),
    "relu": _unary(_relu),
    "exp": _unary(_mapped(kernels.exp, np.exp)),
    "tanh": _unary(_mapped(kernels.tanh, np.tanh)),
    "sigmoid": _unary(_mapped(kernels.sigmoid, _sigmoid)),
    "log": _unary(np.log),
    "neg": _unary(np.negative),
    "abs": _unary(np.absolute),
    "sqrt": _unary(np.sqrt),
    "square": _unary(np.square),
    "reciprocal": _unary(np.reciprocal),
    "log1p": _unary(np.log1p),
    "expm1": _unary(np.expm1),
    "sin": _unary(np.sin),
    "cos": _unary(np.cos),
}
"""By the name of the row, in every framework."""
