"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from syft_web.kernels.limits import ACCUMULATE_BLOCK, MATMUL_WORK
from syft_web.kernels.load import Kernel, address, current

__all__ = ["matmul"]

Array = NDArray[Any]

_FLOAT32 = np.dtype(np.float32)


def matmul(
    a: Array,
    b: Array,
    *,
    bias: Array | None = None,
    relu: bool = False,
    alpha: float = 1.0,
    out: Array | None = None,
    accumulate: bool = False,
) -> Array:
    """``alpha * a @ b + bias``, and what is often done next, without arrays in between.

    Args:
        a: ``(..., M, K)``, any strides; a vector ``(K,)`` counts as one row.
        b: ``(..., K, N)``, any strides; a vector ``(K,)`` counts as one column.
        bias: ``(N,)``, of the dtype of the product; needs a matrix `b`.
        relu: Whether negative numbers of the result become zero (nan stays nan).
        alpha: Factor of the product.
        out: Where the result goes: of its shape, any strides, sharing no memory with
            `a` and `b`. A new array when None.
        accumulate: Whether the result is added to what is in `out`.

    Returns:
        `out`, or the new array.

    Raises:
        ValueError: The shapes do not fit.
    """
    kernels = current()
    if kernels is not None and a.dtype == b.dtype == _FLOAT32:
        work = a.size * b.shape[-1] if b.ndim > 1 else a.size
        if work >= MATMUL_WORK and (bias is None or bias.dtype == _FLOAT32):
            gemm = kernels["gemm"]
            if a.ndim == b.ndim == 2 and out is None:
                result = _two_matrices(gemm, a, b, bias, relu, alpha)
            else:
                result = _by_kernel(gemm, a, b, bias, relu, alpha, out, accumulate)
            if result is not None:
                return result
    return _by_numpy(a, b, bias, relu, alpha, out, accumulate)


def _two_matrices(
    gemm: Kernel, a: Array, b: Array, bias: Array | None, relu: bool, alpha: float
) -> Array | None:
    """`_by_kernel` for what is most common, with as few steps of Python as can be."""
    rows, depth = a.shape
    columns = b.shape[1]
    a_row, a_column = a.strides
    b_row, b_column = b.strides
    if (a_row | a_column | b_row | b_column) & 3 or b.shape[0] != depth or not depth:
        return None
    at = 0
    if bias is not None:
        if bias.shape != (columns,):
            return None
        bias = np.ascontiguousarray(bias)
        at = address(bias)
    result = np.empty((rows, columns), _FLOAT32)
    gemm(
        *(rows, columns, depth, address(a), a_row >> 2, a_column >> 2),
        *(address(b), b_row >> 2, b_column >> 2, address(result), columns, 1),
        *(alpha, 0, at, 0, 1, relu, 1, 1, 0, 0, 0, 0, 0, 0),
    )
    return result


def _by_kernel(
    gemm: Kernel,
    a: Array,
    b: Array,
    bias: Array | None,
    relu: bool,
    alpha: float,
    out: Array | None,
    accumulate: bool,
) -> Array | None:
    """The product by the kernel; None where numpy has to do it, or to refuse it."""
    if a.ndim < 2 or b.ndim < 2:
        if out is not None or bias is not None or not a.ndim or not b.ndim:
            return None
        return _with_vector(gemm, a, b, relu, alpha)
    rows, depth = a.shape[-2:]
    columns = b.shape[-1]
    if b.shape[-2] != depth or not depth or (bias is not None and bias.shape != (columns,)):
        return None
    if a.ndim > 2 and b.ndim == 2 and out is None:
        flat = _by_kernel(gemm, a.reshape(-1, depth), b, bias, relu, alpha, None, False)
        return None if flat is None else flat.reshape(*a.shape[:-1], columns)
    batch: tuple[int, ...] = ()
    if a.ndim > 2 or b.ndim > 2:
        try:
            batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            return None
    result = np.empty((*batch, rows, columns), _FLOAT32) if out is None else out
    if out is not None and not _takes(out, (*batch, rows, columns), a, b):
        return None
    done = _run(gemm, a, b, result, batch, bias, (relu, alpha, accumulate))
    return result if done else None


def _run(
    gemm: Kernel,
    a: Array,
    b: Array,
    c: Array,
    batch: tuple[int, ...],
    bias: Array | None,
    options: tuple[bool, float, bool],
) -> bool:
    """Call the kernel; False when strides cannot be told in elements."""
    sizes = (*a.shape[-2:], b.shape[-1])
    if batch:
        a, b, c = (_with_two_batches(x, batch) for x in (a, b, c))
    steps = tuple(s >> 2 for x in (a, b, c) for s in x.strides)
    if any(s & 3 for x in (a, b, c) for s in x.strides):  # a field of records
        return False
    bias = None if bias is None else np.ascontiguousarray(bias)
    relu, alpha, accumulate = options
    tail = (alpha, accumulate, 0 if bias is None else address(bias), 0, 1, relu)
    rows, depth, columns = sizes
    a_at, b_at, c_at = address(a), address(b), address(c)
    if not batch:
        place = (a_at, *steps[:2], b_at, *steps[2:4], c_at, *steps[4:])
        gemm(rows, columns, depth, *place, *tail, 1, 1, 0, 0, 0, 0, 0, 0)
        return True
    place = (a_at, *steps[2:4], b_at, *steps[6:8], c_at, *steps[10:])
    between = (*steps[:2], *steps[4:6], *steps[8:10])
    gemm(rows, columns, depth, *place, *tail, *c.shape[:2], *between)
    return True


def _takes(out: Array, shape: tuple[int, ...], a: Array, b: Array) -> bool:
    """Whether the kernel can write the product there, while it reads the operands."""
    return (
        out.shape == shape
        and out.ndim <= 4
        and out.dtype == _FLOAT32
        and not np.may_share_memory(out, a)
        and not np.may_share_memory(out, b)
    )


def _with_two_batches(x: Array, batch: tuple[int, ...]) -> Array:
    """``(batches, batches, rows, columns)``: a view where the strides allow it."""
    x = np.broadcast_to(x, (*batch, *x.shape[-2:]))
    if len(batch) == 1:
        return x[None]
    return x if len(batch) == 2 else x.reshape(-1, *x.shape[-3:])


def _with_vector(gemm: Kernel, a: Array, b: Array, relu: bool, alpha: float) -> Array | None:
    """Vectors as matrices of one row or one column, which the result then lacks."""
    left = a[None] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    found = _by_kernel(gemm, left, right, None, relu, alpha, None, False)
    if found is None:
        return None
    found = found[..., 0, :] if a.ndim == 1 else found
    return np.asarray(found[..., 0] if b.ndim == 1 else found)


def _by_numpy(
    a: Array,
    b: Array,
    bias: Array | None,
    relu: bool,
    alpha: float,
    out: Array | None,
    accumulate: bool,
) -> Array:
    apart = out is not None and not any(np.may_share_memory(out, x) for x in (a, b))
    if accumulate and out is not None and apart and a.ndim == b.ndim == 2:
        return _added_by_numpy(a, b, bias, relu, alpha, out)
    product = np.asarray(np.matmul(a, b))
    if alpha != 1:
        product *= product.dtype.type(alpha)
    if accumulate and out is not None:
        product += out
    if bias is not None:
        product += bias
    if relu:
        np.maximum(product, product.dtype.type(0), out=product)
    if out is None:
        return product
    out[...] = product
    return out


def _added_by_numpy(
    a: Array, b: Array, bias: Array | None, relu: bool, alpha: float, out: Array
) -> Array:
    """Add block after block of rows, so that the whole product never exists."""
    rows = max(1, ACCUMULATE_BLOCK // max(1, b.shape[1]))
    for i in range(0, a.shape[0], rows):
        part = np.matmul(a[i : i + rows], b)
        if alpha != 1:
            part *= part.dtype.type(alpha)
        target = out[i : i + rows]
        target += part
        if bias is not None:
            target += bias
        if relu:
            np.maximum(target, target.dtype.type(0), out=target)
        del part  # before the next one is made
    return out
