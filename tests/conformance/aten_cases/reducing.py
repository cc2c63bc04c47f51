"""Cases of reductions, products of matrices, orders and running sums."""

from __future__ import annotations

import numpy as np

from tests.conformance.aten_cases.support import Case, case, ints, pos, r

X, C = r(3, 5), r(2, 3, 4)
K = ints(3, 4) - 2
NONE = np.zeros((0, 4), np.float32)
ZERO = np.array(1.5, np.float32)
NANS = np.array([[1, np.nan, 2], [np.nan, 0, np.nan]], np.float32)

CASES: list[Case] = [
    case("sum.default", C),
    case("sum.default", K > 0),
    case("sum.default", NONE),
    case("sum.dim_IntList", C, [0, 2]),
    case("sum.dim_IntList", C, [-1], True),
    case("sum.dim_IntList", C, None, True),
    case("sum.dim_IntList", C, []),
    case("sum.dim_IntList", NONE, [0]),
    case("sum.dim_IntList", K, [1], dtype="float32"),
    case("sum.dim_IntList", ZERO, [0]),
    case("mean.default", C),
    case("mean.default", NONE),
    case("mean.dim", C, [1, 2], True),
    case("mean.dim", C, None),
    case("mean.dim", K, [0], dtype="float32"),
    case("nansum.default", NANS, [1]),
    case("prod.default", X),
    case("prod.default", K),
    case("prod.dim_int", C, 1),
    case("prod.dim_int", C, -1, True),
    case("any.default", K),
    case("any.dim", K > 1, 1),
    case("any.dims", K > 1, [0, 1], True),
    case("any.dims", K > 1, None),
    case("all.default", K),
    case("all.dim", K > -2, 0, True),
    case("all.dims", K > -2, [1]),
    case("amax.default", C, [0, -1]),
    case("amax.default", C),
    case("amax.default", C, [1], True),
    case("amin.default", C, [0, -1], True),
    case("amin.default", K),
    case("argmax.default", C),
    case("argmax.default", C, 1),
    case("argmax.default", C, -1, True),
    case("argmin.default", C, 0),
    case("argmin.default", K),
    case("max.default", C),
    case("max.dim", C, 1),
    case("max.dim", C, -1, True),
    case("max.other", X, r(3, 5, at=2)),
    case("min.default", K),
    case("min.dim", C, 1),
    case("min.dim", ZERO, 0),
    case("min.other", X, r(3, 5, at=2)),
    case("median.default", X),
    case("median.dim", X, 1),
    case("kthvalue.default", X, 2),
    case("value_selecting_reduction_backward.default", r(2, 4), 1, ints(2, 4, below=3),
         [2, 3, 4], False),
    case("value_selecting_reduction_backward.default", r(2, 1, 4), 1, ints(2, 1, 4, below=3),
         [2, 3, 4], True),
    case("norm.Scalar", X),
    case("norm.Scalar", X, 3),
    case("norm.ScalarOpt_dim", X, None, [1]),
    case("norm.ScalarOpt_dim", X, 1, [0], True),
    case("linalg_vector_norm.default", X),
    case("linalg_vector_norm.default", X, 3, [1]),
    case("linalg_vector_norm.default", X, float("inf"), [0], True),
    case("linalg_vector_norm.default", X, 2, None, True),
    case("linalg_vector_norm.default", X, 0, [1], dtype="float64"),
    case("logsumexp.default", C, [1]),
    case("logsumexp.default", C, [0, 2], True),
    case("cumsum.default", C, 1),
    case("cumsum.default", K, 0),
    case("cumsum.default", K, 0, dtype="float64"),
    case("cumprod.default", C, -1),
    case("logcumsumexp.default", C, 1),
    case("logcumsumexp.default", X * 50, 1),
    case("cumprod_backward.default", C, r(2, 3, 4, at=2), 1, np.cumprod(r(2, 3, 4, at=2), 1)),
    case("cummax.default", C, 1),
    case("cummin.default", C, 2),
]  # fmt: skip
for _name in ("var", "std"):
    CASES += [
        case(f"{_name}.default", X),
        case(f"{_name}.default", X, False),
        case(f"{_name}.dim", C, [0, 2]),
        case(f"{_name}.dim", C, [1], False, True),
        case(f"{_name}.correction", X),
        case(f"{_name}.correction", C, [1], correction=0),
        case(f"{_name}.correction", C, [0, 1], correction=2, keepdim=True),
        case(f"{_name}_mean.default", X),
        case(f"{_name}_mean.dim", C, [1], True, True),
        case(f"{_name}_mean.correction", C, [1], correction=1, keepdim=True),
        case(f"{_name}_mean.correction", C, None, correction=0),
    ]
CASES += [
    case("mm.default", X, r(5, 2)),
    case("mm.default", NONE, r(4, 2)),
    case("mm.default", r(3, 0), r(0, 2)),
    case("bmm.default", C, r(2, 4, 5)),
    case("mv.default", X, r(5)),
    case("dot.default", r(5), r(5, at=2)),
    case("outer.default", r(5), r(3)),
    case("matmul.default", C, r(4, 2)),
    case("addmm.default", r(2), X, r(5, 2)),
    case("addmm.default", r(3, 2), X, r(5, 2), beta=0.5, alpha=2),
    case("addmv.default", r(3), X, r(5), beta=2, alpha=0.5),
    case("addbmm.default", r(3, 5), C, r(2, 4, 5)),
    case("baddbmm.default", r(2, 3, 5), C, r(2, 4, 5), beta=0, alpha=0.5),
    case("addr.default", r(3, 5), r(3), r(5)),
    case("linear.default", C, r(6, 4), r(6)),
    case("cdist.default", r(3, 4), r(5, 4)),
    case("cdist.default", r(2, 3, 4), r(2, 5, 4), 1.0),
    case("pdist.default", r(4, 3)),
    case("sort.default", X),
    case("sort.default", X, 0, True),
    case("sort.stable", K, stable=True, dim=1),
    case("sort.stable", K, stable=True, dim=0, descending=True),
    case("argsort.default", X, 0),
    case("argsort.stable", K, stable=True, dim=-1, descending=True),
    case("topk.default", X, 3),
    case("topk.default", X, 2, 0, False),
    case("nonzero.default", K),
    case("bincount.default", ints(7)),
    case("renorm.default", X, 2, 0, 1.0),
    case("trace_backward.default", ZERO, [3, 4]),
]  # fmt: skip
for _p in (0.0, 1.0, 1.5, 2.0, 3.0, float("inf")):
    _a, _b = r(3, 4), r(5, 4, at=2)
    CASES += [
        case("_cdist_forward.default", _a, _b, _p, None),
        case("_pdist_forward.default", r(4, 3), _p),
    ]
    _away = np.abs(_a[:, None] - _b[None])
    _d = {
        0.0: (_away != 0).sum(-1), float("inf"): _away.max(-1)
    }.get(_p, (_away ** (_p or 1)).sum(-1) ** (1 / (_p or 1))).astype(np.float32)  # fmt: skip
    CASES.append(case("_cdist_backward.default", r(3, 5), _a, _b, _p, _d, tol=2e-5))
    _x = r(4, 3)
    _away = np.abs(_x[:, None] - _x[None])[np.triu_indices(4, 1)]
    _d = {
        0.0: (_away != 0).sum(-1), float("inf"): _away.max(-1)
    }.get(_p, (_away ** (_p or 1)).sum(-1) ** (1 / (_p or 1))).astype(np.float32)  # fmt: skip
    CASES.append(case("_pdist_backward.default", r(6), _x, _p, _d, tol=2e-5))
CASES += [
    case("scatter.src", r(4, 5), 0, ints(2, 5, below=4), r(3, 5)),
    case("scatter.value", r(4, 5), 1, ints(4, 2), 7.0),
    case("scatter.reduce", pos(4, 5), 1, ints(4, 2), r(4, 2), reduce="add"),
    case("scatter.reduce", pos(4, 5), 0, ints(3, 5, below=4), r(3, 5), reduce="multiply"),
    case("scatter.value_reduce", pos(4, 5), 1, ints(4, 2), 2.0, reduce="multiply"),
    case("scatter_add.default", r(4, 5), 0, ints(6, 5, below=4), r(6, 5)),
    case("gather.default", r(4, 5), 1, ints(4, 3)),
    case("gather.default", r(4, 5), 0, ints(2, 3, below=4), sparse_grad=False),
    case("take.default", r(4, 5), ints(2, 3, below=9)),
]
for _how in ("sum", "prod", "mean", "amax", "amin"):
    CASES += [
        case("scatter_reduce.two", r(4, 5), 0, ints(6, 5, below=4), r(6, 5), _how),
        case("scatter_reduce.two", r(4, 5), 0, ints(2, 5, below=4), r(2, 5), _how,
             include_self=False),
        case("scatter_reduce.two", ints(4, 5), 1, ints(4, 6), ints(4, 6, at=3), _how),
    ]  # fmt: skip

SQUARE = r(2, 3, 3) @ r(2, 3, 3).swapaxes(1, 2) + 2 * np.eye(3, dtype=np.float32)
CASES += [
    case("trace.default", X),
    case("vdot.default", r(5), r(5, at=2)),
    case("_trilinear.default", r(4, 2), r(3, 2, 5), r(4, 5), [1, 3], [0], [1, 2], [2, 3]),
    case("_trilinear.default", r(4, 3), r(4, 5), r(4, 2), [2, 3], [1, 3], [1, 2], [0], 1),
    case("linalg_inv_ex.default", SQUARE, tol=1e-5),
    case("linalg_cholesky_ex.default", SQUARE),
    case("linalg_cholesky_ex.default", SQUARE, upper=True),
    case("linalg_qr.default", pos(2, 4, 3)),
    case("linalg_qr.default", pos(4, 3), "complete"),
    case("linalg_solve_triangular.default", SQUARE, r(2, 3, 4), upper=True),
    case("linalg_solve_triangular.default", SQUARE, r(2, 4, 3), upper=False, left=False,
         unitriangular=True, tol=2e-5),
    case("linalg_matrix_exp.default", r(2, 3, 3), tol=1e-5),
    case("linalg_matrix_exp.default", r(3, 3, dtype=np.float64, scale=5), tol=1e-4),
]  # fmt: skip
