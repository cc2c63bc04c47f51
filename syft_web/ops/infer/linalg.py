"""Matrix products and other linear algebra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.infer.base import Inferred, ShapeRules, typed
from syft_web.ops.infer.common import Shape, broadcast, need
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec

__all__ = ["matmul_shape", "rules"]

rules = ShapeRules()


def matmul_shape(a: Shape, b: Shape) -> Shape:
    """The shape of a product of arrays of these shapes.

    Raises:
        ValueError: They do not fit.
    """
    need(bool(a) and bool(b), "both arguments to matmul need to be at least 1D")
    rows = a if len(a) > 1 else (1, *a)
    columns = b if len(b) > 1 else (*b, 1)
    need(
        rows[-1] == columns[-2],
        f"a matrix product of shapes {a} and {b} does not fit: {rows[-1]} is not {columns[-2]}",
    )
    batch = broadcast(rows[:-2], columns[:-2])
    return (*batch, *(rows[-2:-1] if len(a) > 1 else ()), *(columns[-1:] if len(b) > 1 else ()))


def _of_rank(name: str, *wanted: tuple[Spec, int]) -> None:
    for operand, ndim in wanted:
        need(
            operand.ndim == ndim,
            f"{name} needs an operand of {ndim} dimensions, got {operand.shape}",
        )


@rules.shapes("matmul")
def _matmul(self: Spec, other: Spec) -> Shape:
    return matmul_shape(self.shape, other.shape)


@rules.shapes("rmatmul")
def _rmatmul(self: Spec, other: Spec) -> Shape:
    return matmul_shape(other.shape, self.shape)


def _mm_shape(a: Spec, b: Spec) -> Shape:
    _of_rank("mm", (a, 2), (b, 2))
    return matmul_shape(a.shape, b.shape)


def _mv_shape(a: Spec, b: Spec) -> Shape:
    _of_rank("mv", (a, 2), (b, 1))
    return matmul_shape(a.shape, b.shape)


def _bmm_shape(a: Spec, b: Spec) -> Shape:
    _of_rank("bmm", (a, 3), (b, 3))
    need(a.shape[0] == b.shape[0], f"bmm needs equal batch sizes, got {a.shape} and {b.shape}")
    return matmul_shape(a.shape, b.shape)


def _outer_shape(a: Spec, b: Spec) -> Shape:
    _of_rank("outer", (a, 1), (b, 1))
    return (*a.shape, *b.shape)


rules.shapes("mm")(_mm_shape)
rules.shapes("mv")(_mv_shape)
rules.shapes("bmm")(_bmm_shape)
rules.shapes("outer")(_outer_shape)


@rules.shapes("inner")
def _inner(self: Spec, other: Spec) -> Shape:
    if not self.ndim or not other.ndim:
        return broadcast(self.shape, other.shape)
    need(self.shape[-1] == other.shape[-1], f"inner of {self.shape} and {other.shape} differs")
    return self.shape[:-1] + other.shape[:-1]


@rules.shapes("dot")
def _dot(self: Spec, tensor: Spec) -> Shape:
    return matmul_shape(self.shape, tensor.shape)


def _addbmm_shape(a: Spec, b: Spec) -> Shape:
    return _bmm_shape(a, b)[1:]


_BLENDED = {
    "addmm": _mm_shape,
    "addmv": _mv_shape,
    "addr": _outer_shape,
    "baddbmm": _bmm_shape,
    "addbmm": _addbmm_shape,
}


@rules.by_row("addmm addmv addr baddbmm addbmm", numbers=True)
def _blended(row: Row, values: Sequence[Any]) -> Inferred:
    arrays = [v for p, v in zip(row.params, values, strict=True) if p.type == "Tensor"]
    self, a, b = arrays
    return typed(row, values, broadcast(self.shape, _BLENDED[row.name](a, b)))


@rules.shapes("linear")
def _linear(self: Spec, weight: Spec, bias: Spec | None = None) -> Shape:
    shape = matmul_shape(self.shape, weight.shape[::-1])
    return shape if bias is None else broadcast(shape, bias.shape)


@rules.shapes("bilinear")
def _bilinear(input1: Spec, input2: Spec, weight: Spec, bias: Spec | None = None) -> Shape:
    need(weight.ndim == 3, f"the weight of bilinear needs 3 dimensions, got {weight.shape}")
    out, left, right = weight.shape
    need(
        input1.shape[-1:] == (left,) and input2.shape[-1:] == (right,),
        f"inputs {input1.shape}, {input2.shape} and weight {weight.shape} do not fit",
    )
    return (*broadcast(input1.shape[:-1], input2.shape[:-1]), out)


@rules.shapes("chain_matmul")
def _chain(matrices: Sequence[Spec]) -> Shape:
    need(bool(matrices), "at least one matrix is needed")
    shape = matrices[0].shape
    for matrix in matrices[1:]:
        shape = matmul_shape(shape, matrix.shape)
    return shape


# -- einsum ------------------------------------------------------------------------------------

_ELLIPSIS = "."


@rules.shapes("einsum")
def _einsum(equation: str, operands: Sequence[Spec]) -> Shape:
    """Sizes by letter; an ellipsis stands for dimensions that are broadcast."""
    left, arrow, right = equation.replace(" ", "").replace("...", _ELLIPSIS).partition("->")
    terms = left.split(",")
    need(
        len(terms) == len(operands),
        f"the equation names {len(terms)} operands, {len(operands)} were given",
    )
    sizes: dict[str, int] = {}
    rest: Shape = ()
    for term, operand in zip(terms, operands, strict=True):
        more = operand.ndim - len(term.replace(_ELLIPSIS, ""))
        need(
            more == 0 or (more > 0 and _ELLIPSIS in term),
            f"the subscripts {term[:40]!r} do not fit an operand of shape {operand.shape}",
        )
        before, _, after = term.partition(_ELLIPSIS)
        letters = zip(before, operand.shape, strict=False)
        ends = zip(after, operand.shape[operand.ndim - len(after) :], strict=True)
        for letter, size in (*letters, *ends):
            known = sizes.setdefault(letter, size)
            need(
                size in (known, 1) or known == 1,
                f"the subscript {letter!r} is {known} in one operand and {size} in another",
            )
            sizes[letter] = max(known, size) if 1 in (known, size) else size
        if _ELLIPSIS in term:
            rest = broadcast(rest, operand.shape[len(before) : operand.ndim - len(after)])
    if not arrow:
        once = sorted(c for c in sizes if left.count(c) == 1)
        right = (_ELLIPSIS if _ELLIPSIS in left else "") + "".join(once)
    shape: list[int] = []
    for letter in right:
        if letter == _ELLIPSIS:
            shape += rest
        else:
            need(letter in sizes, f"the output subscript {letter!r} is in no operand")
            shape.append(sizes[letter])
    return tuple(shape)


@rules.by_row("tensordot")
def _tensordot(row: Row, values: Sequence[Any]) -> Inferred:
    a, b, dims = values
    if isinstance(dims, int):
        need(0 <= dims <= min(a.ndim, b.ndim), f"tensordot cannot sum over {dims} dimensions")
        over_a, over_b = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        over_a, over_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    ours = [normal_axis(d, a.ndim) for d in over_a]
    theirs = [normal_axis(d, b.ndim) for d in over_b]
    need(
        [a.shape[i] for i in ours] == [b.shape[i] for i in theirs],
        f"tensordot of {a.shape} and {b.shape} does not fit over {dims}",
    )
    kept = [n for i, n in enumerate(a.shape) if i not in ours]
    return typed(row, values, (*kept, *(n for i, n in enumerate(b.shape) if i not in theirs)))


# -- of one matrix, or stacks of them ----------------------------------------------------------


def _square(self: Spec) -> None:
    need(
        self.ndim >= 2 and self.shape[-1] == self.shape[-2],
        f"a square matrix is needed, got shape {self.shape}",
    )


@rules.shapes("inverse cholesky matrix_power")
def _of_square(self: Spec, *_: Any) -> Shape:
    _square(self)
    return self.shape


@rules.shapes("det logdet")
def _determinant(self: Spec) -> Shape:
    _square(self)
    return self.shape[:-2]


@rules.shapes("pinverse")
def _pinverse(self: Spec, *_: Any) -> Shape:
    need(self.ndim >= 2, f"a matrix is needed, got shape {self.shape}")
    return (*self.shape[:-2], self.shape[-1], self.shape[-2])


@rules.shapes("trace")
def _trace(self: Spec) -> Shape:
    need(self.ndim == 2, f"trace needs an operand of 2 dimensions, got {self.shape}")
    return ()


@rules.shapes("solve")
def _solve(a: Spec, b: Spec, *_: Any) -> Shape:
    _square(a)
    return _solved_shape(a, b)


def _solved_shape(a: Spec, b: Spec) -> Shape:
    size = a.shape[-1]
    if b.ndim == 1:
        need(b.shape[0] == size, f"a system of {a.shape} has no right side of shape {b.shape}")
        return (*a.shape[:-2], size)
    need(b.shape[-2] == size, f"a system of {a.shape} has no right side of shape {b.shape}")
    return (*broadcast(a.shape[:-2], b.shape[:-2]), *b.shape[-2:])


# -- distances and vectors ---------------------------------------------------------------------


@rules.by_row("cross")
def _cross(row: Row, values: Sequence[Any]) -> Inferred:
    self, other, dim = values
    shape = broadcast(self.shape, other.shape)
    if dim is None:
        need(3 in shape, f"cross needs a dimension of size 3, got {shape}")
    else:
        need(shape[normal_axis(dim, len(shape))] == 3, f"dimension {dim} of {shape} must be 3")
    return Spec(shape, np.result_type(self.dtype, other.dtype))


@rules.shapes("cdist")
def _cdist(x1: Spec, x2: Spec, *_: Any) -> Shape:
    need(
        x1.ndim >= 2 and x2.ndim >= 2 and x1.shape[-1] == x2.shape[-1],
        f"cdist needs rows of equal length, got {x1.shape} and {x2.shape}",
    )
    return (*broadcast(x1.shape[:-2], x2.shape[:-2]), x1.shape[-2], x2.shape[-2])


# -- tfjs --------------------------------------------------------------------------------------


@rules.shapes("tf.matMul")
def _tfjs_matmul(a: Spec, b: Spec, turn_a: bool = False, turn_b: bool = False) -> Shape:
    need(
        a.ndim >= 2 and b.ndim >= 2,
        f"matMul needs at least 2 dimensions, got shapes {a.shape}, {b.shape}",
    )
    left = (*a.shape[:-2], a.shape[-1], a.shape[-2]) if turn_a else a.shape
    right = (*b.shape[:-2], b.shape[-1], b.shape[-2]) if turn_b else b.shape
    return matmul_shape(left, right)


@rules.shapes("tf.dot")
def _tfjs_dot(t1: Spec, t2: Spec) -> Shape:
    if t1.ndim == 0 or t2.ndim == 0:
        return t1.shape + t2.shape
    inner = t2.shape[-2] if t2.ndim > 1 else t2.shape[-1]
    need(t1.shape[-1] == inner, f"a dot product of {t1.shape} and {t2.shape} does not fit")
    return (*t1.shape[:-1], *t2.shape[:-2], *(t2.shape[-1:] if t2.ndim > 1 else ()))
