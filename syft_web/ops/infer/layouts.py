"""Slices, indices, padding, resizing and sampling as captured training steps write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import DEFAULT_FLOAT, FLOAT64, INT32, INT64, as_dtype
from syft_web.ops.infer.base import Inferred, ShapeRules
from syft_web.ops.infer.captured import masked
from syft_web.ops.infer.common import Shape, broadcast, fits, need, reduced_shape
from syft_web.ops.reduce import normal_axis
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec, Unknown

__all__ = ["rules"]

rules = ShapeRules()

Ints = Sequence[int]


# -- sizes and numbers -----------------------------------------------------------------------


@rules("sym_size")
def _sym_size(self: Spec, dim: int) -> Spec:
    return Spec((), INT64, self.shape[normal_axis(dim, self.ndim)])


@rules("sym_numel")
def _sym_numel(self: Spec) -> Spec:
    return Spec((), INT64, self.size)


def _known(value: Any) -> Any:
    return value.value if isinstance(value, Spec) else value


def _int_rules() -> None:
    table: dict[str, Callable[[int, int], int]] = {
        "add_int": lambda a, b: a + b,
        "sub_int": lambda a, b: a - b,
        "mul_int": lambda a, b: a * b,
        "floordiv_int": lambda a, b: a // b,
        "remainder_int": lambda a, b: a % b,
    }
    for name, function in table.items():

        def rule(a: Any, b: Any, _f: Callable[[int, int], int] = function) -> Spec:
            x, y = _known(a), _known(b)
            if x is None or y is None:
                return Spec((), INT64)
            value = _f(int(x), int(y))
            return Spec((), INT64, value if -(2**63) <= value < 2**63 else None)

        rules(name)(rule)


_int_rules()


@rules("neg_int")
def _neg(a: Any) -> Spec:
    value = _known(a)
    return Spec((), INT64, None if value is None else -int(value))


@rules("truediv_int")
def _truediv(a: Any, b: Any) -> Spec:
    return Spec((), FLOAT64)


@rules("_local_scalar_dense")
def _local_scalar(self: Spec) -> Spec:
    need(self.size == 1, f"only a tensor with one element has an item, not shape {self.shape}")
    return Spec((), self.dtype, self.value)


# -- filling and casting ---------------------------------------------------------------------


@rules("_to_copy")
def _to_copy(self: Spec, dtype: Any) -> Spec:
    return Spec(self.shape, self.dtype if dtype is None else as_dtype(dtype))


@rules("copy")
def _copy(self: Spec, src: Spec, non_blocking: bool) -> Spec:
    need(fits(src.shape, self.shape), f"{src.shape} does not broadcast to {self.shape}")
    return Spec(self.shape, self.dtype)


@rules("fill_new")
def _fill(self: Spec, value: Any) -> Spec:
    need(not isinstance(value, Spec) or value.ndim == 0, "fill takes a number")
    return Spec(self.shape, self.dtype)


@rules("scalar_tensor")
def _scalar_tensor(s: Any, dtype: Any) -> Spec:
    shape = s.shape if isinstance(s, Spec) else ()
    return Spec(shape, DEFAULT_FLOAT if dtype is None else as_dtype(dtype))


@rules("empty_sized empty_permuted")
def _empty(size: Ints, *rest: Any) -> Spec:
    need(all(n >= 0 for n in size), f"sizes must not be negative: {list(size)}")
    return Spec(tuple(size), DEFAULT_FLOAT if rest[-1] is None else as_dtype(rest[-1]))


@rules("new_empty_strided")
def _new_empty(self: Spec, size: Ints, stride: Ints, dtype: Any) -> Spec:
    return _empty(size, self.dtype if dtype is None else dtype)


# -- statistics and order ----------------------------------------------------------------------


@rules.by_row("var_correction std_correction var_mean_correction std_mean_correction")
def _corrected(row: Row, values: Sequence[Any]) -> Inferred:
    self, dim, _, keepdim = values
    need(self.dtype.kind == "f", f"{row.name} needs floats, not {self.dtype}")
    found = Spec(reduced_shape(self.shape, dim, keepdim), self.dtype)
    return [found] * 2 if row.n_outputs == 2 else found


@rules("linalg_vector_norm")
def _vector_norm(self: Spec, ord: Any, dim: Any, keepdim: bool, dtype: Any) -> Spec:
    kind = self.dtype if dtype is None else as_dtype(dtype)
    need(kind.kind == "f", f"a norm needs floats, not {kind}")
    return Spec(reduced_shape(self.shape, dim, keepdim), kind)


@rules("sort_stable")
def _sort(self: Spec, stable: Any, dim: int, descending: bool) -> list[Spec]:
    normal_axis(dim, self.ndim)
    return [Spec(self.shape, self.dtype), Spec(self.shape, INT64)]


@rules("argsort_stable")
def _argsort(self: Spec, stable: Any, dim: int, descending: bool) -> Spec:
    return _sort(self, stable, dim, descending)[1]


@rules("scatter_with")
def _scatter_with(self: Spec, dim: int, index: Spec, *_: Any) -> Spec:
    normal_axis(dim, self.ndim)
    need(
        max(index.ndim, 1) == max(self.ndim, 1),
        f"index of shape {index.shape} must have as many dims as {self.shape}",
    )
    return Spec(self.shape, self.dtype)


# -- slices --------------------------------------------------------------------------------------


rules.views("slice")


def _sized(grad: Spec, sizes: Ints, *_: Any) -> Spec:
    need(all(n >= 0 for n in sizes), f"sizes must not be negative: {list(sizes)}")
    return Spec(tuple(sizes), grad.dtype)


rules(
    "slice_backward select_backward diagonal_backward unfold_backward trace_backward "
    "index_select_backward"
)(_sized)


@rules("value_selecting_reduction_backward")
def _selecting(grad: Spec, dim: int, indices: Spec, sizes: Ints, keepdim: bool) -> Spec:
    return _sized(grad, sizes)


@rules("slice_scatter select_scatter diagonal_scatter as_strided_scatter")
def _scatter(self: Spec, *_: Any) -> Spec:
    return Spec(self.shape, self.dtype)


@rules("unfold_copy")
def _unfold(self: Spec, dimension: int, size: int, step: int) -> Spec:
    axis = normal_axis(dimension, self.ndim)
    length = self.shape[axis] if self.ndim else 1
    need(0 <= size <= length and step > 0, f"windows of {size} do not fit into {length}")
    count = (length - size) // step + 1
    return Spec((*self.shape[:axis], count, *self.shape[axis + 1 :], size), self.dtype)


@rules("index")
def _index(self: Spec, indices: Sequence[Spec | None]) -> Spec | Unknown:
    if any(i is not None and i.dtype in (np.bool_, np.uint8) for i in indices):
        return UNKNOWN
    need(len(indices) <= self.ndim, f"too many indices for shape {self.shape}: {len(indices)}")
    at = [k for k, index in enumerate(indices) if index is not None]
    picked = broadcast(*(i.shape for i in indices if i is not None))
    kept = [n for k, n in enumerate(self.shape) if k not in at]
    together = at == list(range(at[0], at[0] + len(at))) if at else True
    before = at[0] if at and together else 0
    return Spec((*kept[:before], *picked, *kept[before:]), self.dtype)


@rules("index_put_new")
def _index_put(self: Spec, indices: Sequence[Spec | None], values: Spec, accumulate: bool) -> Spec:
    need(len(indices) <= self.ndim, f"too many indices for shape {self.shape}: {len(indices)}")
    return Spec(self.shape, self.dtype)


# -- padding ---------------------------------------------------------------------------------------


@rules.by_row(
    "constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d "
    "replication_pad2d replication_pad3d"
)
def _pad(row: Row, values: Sequence[Any]) -> Spec:
    self, widths = values[:2]
    need(
        len(widths) % 2 == 0 and len(widths) <= 2 * self.ndim,
        f"pad {list(widths)} must hold two numbers per dimension, of {self.ndim} at most",
    )
    shape = list(self.shape)
    for k in range(len(widths) // 2):
        before, after = widths[2 * k : 2 * k + 2]
        size = shape[-1 - k]
        if row.name != "constant_pad_nd":
            most = size - 1 if row.name.startswith("reflection") else max(before, after)
            need(
                size > 0 and 0 <= min(before, after) <= max(before, after) <= most,
                f"padding {list(widths)} does not fit the shape {self.shape}",
            )
        # Negative widths cut away, at most everything.
        kept = max(min(size + min(after, 0), size) - max(-before, 0), 0)
        shape[-1 - k] = kept + max(before, 0) + max(after, 0)
    return Spec(tuple(shape), self.dtype)


@rules(
    "reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward "
    "replication_pad1d_backward replication_pad2d_backward replication_pad3d_backward"
)
def _pad_backward(grad: Spec, self: Spec, padding: Ints) -> Spec:
    return Spec(self.shape, self.dtype)


# -- resizing --------------------------------------------------------------------------------------


def _resize_rules() -> None:
    names = [f"{p}{d}d" for p in ("upsample_nearest", "_upsample_nearest_exact") for d in (1, 2, 3)]
    names += ["upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"]
    names.append("upsample_bicubic2d")
    rules(" ".join(names))(_resize)
    rules(" ".join(f"{n}_backward" for n in names))(_resize_backward)
    rules.by_row(" ".join(f"{n}_vec" for n in names))(_resize_vec)


def _resize(self: Spec, output_size: Ints, *_: Any) -> Spec:
    need(
        self.ndim == len(output_size) + 2 and all(n > 0 for n in output_size),
        f"the new sizes {list(output_size)} do not fit the shape {self.shape}",
    )
    return Spec((*self.shape[:2], *output_size), self.dtype)


def _resize_backward(grad: Spec, output_size: Ints, input_size: Ints, *_: Any) -> Spec:
    need(
        grad.shape == (*input_size[:2], *output_size),
        f"the gradient {grad.shape} does not fit the sizes {list(output_size)}",
    )
    return Spec(tuple(input_size), grad.dtype)


def _resize_vec(row: Row, values: Sequence[Any]) -> Spec:
    input, size, factors = values[0], values[1], values[-1]
    if size is None:
        need(
            factors is not None and len(factors) == input.ndim - 2,
            "resizing needs the new sizes, or one factor per dimension",
        )
        size = [int(n * f) for n, f in zip(input.shape[2:], factors, strict=True)]
    return _resize(input, size)


_resize_rules()


# -- sampling --------------------------------------------------------------------------------------


@rules("grid_sampler grid_sample")
def _grid(input: Spec, grid: Spec, *_: Any) -> Spec:
    dims = input.ndim - 2
    need(
        dims in (2, 3)
        and grid.ndim == input.ndim
        and grid.shape[-1] == dims
        and grid.shape[0] == input.shape[0],
        f"the grid {grid.shape} does not fit the input {input.shape}",
    )
    return Spec((*input.shape[:2], *grid.shape[1:-1]), input.dtype)


@rules("grid_sampler_backward")
def _grid_backward(grad: Spec, input: Spec, grid: Spec, *rest: Any) -> list[Spec | Unknown]:
    _grid(input, grid)
    return masked([input, grid], [rest[-1][0], True])


@rules("affine_grid")
def _affine(theta: Spec, size: Ints, align_corners: Any) -> Spec:
    dims = len(size) - 2
    need(
        dims in (2, 3) and theta.shape == (size[0], dims, dims + 1),
        f"theta {theta.shape} does not fit the size {list(size)}",
    )
    return Spec((size[0], *size[2:], dims), theta.dtype)


@rules("affine_grid_generator_backward")
def _affine_backward(grad: Spec, size: Ints, align_corners: bool) -> Spec:
    dims = len(size) - 2
    return Spec((size[0], dims, dims + 1), grad.dtype)


# -- distances -------------------------------------------------------------------------------------


@rules("_cdist_forward")
def _cdist(x1: Spec, x2: Spec, *_: Any) -> Spec:
    need(
        x1.ndim >= 2 and x2.ndim >= 2 and x1.shape[-1] == x2.shape[-1],
        f"the rows of {x1.shape} and {x2.shape} are not equally long",
    )
    batch: Shape = broadcast(x1.shape[:-2], x2.shape[:-2])
    return Spec((*batch, x1.shape[-2], x2.shape[-2]), x1.dtype)


@rules("_cdist_backward _pdist_backward")
def _distance_backward(grad: Spec, x: Spec, *_: Any) -> Spec:
    return Spec(x.shape, x.dtype)


@rules("_pdist_forward")
def _pdist(self: Spec, p: float) -> Spec:
    need(self.ndim == 2, f"pdist needs a matrix, got shape {self.shape}")
    rows = self.shape[0]
    return Spec((rows * (rows - 1) // 2,), self.dtype)


# -- products and factors ----------------------------------------------------------------------


@rules("_trilinear")
def _trilinear(i1: Spec, i2: Spec, i3: Spec, *rest: Any) -> Spec:
    ndim = i1.ndim + len(rest[0])
    grown = []
    for operand, missing in zip((i1, i2, i3), rest[:3], strict=True):
        sizes = iter(operand.shape)
        need(operand.ndim + len(missing) == ndim, "the operands have different dimensions")
        grown.append(tuple(1 if d in missing else next(sizes) for d in range(ndim)))
    shape = broadcast(*grown)
    return Spec(tuple(n for d, n in enumerate(shape) if d not in rest[3]), i1.dtype)


@rules("linalg_inv_ex linalg_cholesky_ex")
def _with_info(self: Spec, *_: Any) -> list[Spec]:
    need(
        self.ndim >= 2 and self.shape[-1] == self.shape[-2],
        f"a square matrix is needed, got shape {self.shape}",
    )
    return [Spec(self.shape, self.dtype), Spec(self.shape[:-2], INT32)]


@rules("vdot")
def _vdot(self: Spec, other: Spec) -> Spec:
    need(
        self.ndim == other.ndim == 1 and self.shape == other.shape,
        f"vectors of equal size are needed, got shapes {self.shape} and {other.shape}",
    )
    return Spec((), np.result_type(self.dtype, other.dtype))


@rules("linalg_matrix_exp")
def _matrix_exp(self: Spec) -> Spec:
    return _with_info(self)[0]


@rules("linalg_qr")
def _qr(self: Spec, mode: str) -> list[Spec]:
    need(self.ndim >= 2, f"qr needs a matrix, got shape {self.shape}")
    *batch, rows, columns = self.shape
    inner = min(rows, columns) if mode == "reduced" else rows
    return [Spec((*batch, rows, inner), self.dtype), Spec((*batch, inner, columns), self.dtype)]


@rules("linalg_solve_triangular")
def _solve_triangular(self: Spec, other: Spec, *_: Any) -> Spec:
    need(
        self.ndim >= 2 and other.ndim >= 2,
        f"matrices are needed, got shapes {self.shape} and {other.shape}",
    )
    batch = broadcast(self.shape[:-2], other.shape[:-2])
    return Spec((*batch, *other.shape[-2:]), other.dtype)
