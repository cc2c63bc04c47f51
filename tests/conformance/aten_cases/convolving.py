"""Cases of convolutions and pooling, and their gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.conformance.aten_cases.support import Case, case, pos, r

CASES: list[Case] = []


def _conv(
    x: tuple[int, ...],
    w: tuple[int, ...],
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int = 1,
    transposed: bool = False,
    extra: list[int] | None = None,
    bias: bool = True,
    tol: float = 2e-5,
) -> None:
    """Forward, and backward with every mask."""
    dims = len(w) - 2
    outs = w[1] * groups if transposed else w[0]
    extra = extra or [0] * dims
    size = []
    for n, k, s, p, d, e in zip(x[-dims:], w[2:], stride, padding, dilation, extra, strict=True):
        if transposed:
            size.append((n - 1) * s - 2 * p + d * (k - 1) + 1 + e)
        else:
            size.append((n + 2 * p - d * (k - 1) - 1) // s + 1)
    options: list[Any] = [stride, padding, dilation, transposed, extra, groups]
    CASES.append(
        case("convolution.default", r(*x), r(*w, at=2.1), r(outs) if bias else None, *options,
             tol=tol)
    )  # fmt: skip
    grad = r(x[0], outs, *size, at=1.9)
    for mask in ([True, True, bias], [False, True, False], [True, False, True]):
        CASES.append(
            case("convolution_backward.default", grad, r(*x), r(*w, at=2.1),
                 [outs] if mask[2] else None, *options, mask, tol=tol)
        )  # fmt: skip


_conv((2, 3, 7), (4, 3, 3), [1], [0], [1])
_conv((2, 4, 9), (6, 2, 2), [3], [2], [2], groups=2, bias=False)
_conv((2, 3, 6, 5), (4, 3, 3, 3), [1, 1], [1, 1], [1, 1])
_conv((1, 3, 6, 5), (4, 3, 1, 1), [1, 1], [0, 0], [1, 1])
_conv((2, 3, 7, 8), (4, 3, 3, 2), [2, 3], [1, 0], [2, 1], bias=False)
_conv((2, 4, 6, 6), (4, 1, 3, 3), [1, 1], [1, 1], [1, 1], groups=4)
_conv((2, 6, 6, 5), (9, 2, 2, 3), [2, 1], [0, 1], [1, 1], groups=3)
_conv((0, 3, 6, 5), (4, 3, 3, 3), [1, 1], [1, 1], [1, 1])
_conv((2, 2, 4, 5, 4), (3, 2, 2, 3, 2), [1, 2, 1], [1, 1, 0], [1, 1, 2])
_conv((2, 3, 5), (3, 4, 3), [2], [1], [1], transposed=True, extra=[1])
_conv((2, 3, 4, 5), (3, 2, 3, 2), [2, 1], [1, 0], [1, 2], transposed=True, extra=[1, 0])
_conv((2, 4, 4, 3), (4, 3, 3, 3), [2, 2], [0, 2], [1, 1], groups=2, transposed=True)
_conv((1, 2, 3, 2, 3), (2, 2, 2, 2, 2), [1, 2, 1], [0, 0, 1], [1, 1, 1], transposed=True)
# Large enough that the batch goes through in several slices.
_conv((5, 8, 30, 31), (6, 8, 5, 5), [1, 1], [2, 2], [1, 1], tol=5e-4)
CASES += [
    case("_convolution.default", r(2, 3, 5), r(4, 3, 2), None, [1], [0], [1], False, [0], 1,
         False, False, False, False),
    case("_convolution.deprecated", r(2, 3, 5), r(4, 3, 2), None, [1], [0], [1], False, [0], 1,
         False, False, False),
    case("conv1d.default", r(2, 3, 5), r(4, 3, 2), r(4)),
    case("conv1d.padding", r(2, 3, 5), r(4, 3, 2), None, [1], "same"),
    case("conv2d.default", r(2, 3, 5, 5), r(4, 3, 2, 2), r(4), [2, 1]),
    case("conv2d.padding", r(2, 3, 5, 5), r(4, 3, 2, 3), None, [1, 1], "same"),
    case("conv3d.default", r(2, 3, 4, 4, 4), r(4, 3, 2, 2, 2), r(4), tol=1e-5),
    case("conv3d.padding", r(2, 3, 4, 4, 4), r(4, 3, 2, 2, 2), None, [1, 1, 1], "valid", tol=1e-5),
    case("conv_transpose1d.default", r(2, 3, 5), r(3, 4, 2), r(4)),
    case("conv_transpose2d.input", r(2, 3, 4, 4), r(3, 4, 2, 2), r(4), [2, 2]),
    case("conv_transpose3d.input", r(1, 2, 3, 3, 3), r(2, 2, 2, 2, 2), r(2)),
    case("conv_tbc.default", r(5, 2, 3), r(2, 3, 4), r(4), 1),
]  # fmt: skip

# -- pooling ---------------------------------------------------------------------------------

_TIES = np.repeat(np.round(r(2, 3, 4, 4)), 2, -1)
_NANS = r(1, 2, 6, 7)
_NANS[0, 0, 2:4, 3] = np.nan
_NANS[0, 1, 0:3, 0:3] = -np.inf

_MAX_2D: list[tuple[Any, ...]] = [
    (r(2, 3, 6, 8), [2, 2], [2, 2], [0, 0], [1, 1], False),
    (r(2, 3, 7, 8), [3, 2], [2, 1], [1, 1], [1, 1], False),
    (r(2, 3, 7, 8), [3, 3], [2, 2], [1, 1], [2, 1], True),
    (r(3, 7, 5), [2, 2], [3, 3], [0, 0], [1, 1], True),
    (r(1, 1, 5, 5), [2], [], [1], [1], True),
    (r(0, 2, 4, 4), [2, 2], [2, 2], [0, 0], [1, 1], False),
    (_TIES, [3, 3], [1, 1], [1, 1], [1, 1], False),
    (_NANS, [3, 3], [2, 2], [1, 1], [1, 1], False),
    (r(2, 3, 6, 8, dtype=np.float64), [3, 3], [1, 2], [1, 1], [1, 1], False),
]
for _given in _MAX_2D:
    CASES.append(case("max_pool2d.default", *_given))
    CASES.append(case("max_pool2d_with_indices.default", *_given))
CASES += [
    case("max_pool1d.default", r(2, 3, 7), [3], [2], [1]),
    case("max_pool1d_with_indices.default", r(2, 3, 7), [3], [2], [1], [1], True),
    case("max_pool3d.default", r(2, 2, 4, 5, 6), [2, 2, 3], [2, 1, 2], [1, 0, 1]),
    case("max_pool3d_with_indices.default", r(2, 2, 4, 5, 6), [2, 2, 3], [2, 1, 2], [1, 0, 1],
         [1, 2, 1], True),
    case("max_pool3d_with_indices.default", r(2, 4, 5, 6), [2]),
    case("avg_pool1d.default", r(2, 3, 7), [3], [2], [1], True, False),
    case("avg_pool3d.default", r(2, 2, 4, 5, 6), [2, 3, 2], [1, 2, 2], [1, 1, 0], True, False),
    case("avg_pool3d.default", r(2, 4, 5, 6), [2], [], [1], False, True, 3),
]  # fmt: skip
for _given in [
    (r(2, 3, 6, 8), [2, 2], [2, 2], [0, 0], False, True, None),
    (r(2, 3, 7, 8), [3, 2], [2, 1], [1, 1], False, True, None),
    (r(2, 3, 7, 8), [3, 2], [2, 3], [1, 1], True, False, None),
    (r(3, 7, 8), [3, 3], [2, 2], [1, 0], True, True, None),
    (r(1, 2, 5, 5), [2, 3], [1, 1], [1, 1], False, False, 5),
    (r(0, 2, 4, 4), [2, 2], [2, 2], [0, 0], False, True, None),
]:
    CASES.append(case("avg_pool2d.default", *_given))
    _x, _k, _s, _p, _ceil = _given[:5]
    _out = []
    for _n, _kk, _ss, _pp in zip(_x.shape[-2:], _k, _s, _p, strict=True):
        _o = (_n + 2 * _pp - _kk + (_ss - 1 if _ceil else 0)) // _ss + 1
        _out.append(_o - (1 if _ceil and (_o - 1) * _ss >= _n + _pp else 0))
    CASES.append(case("avg_pool2d_backward.default", r(*_x.shape[:-2], *_out, at=3), *_given))
CASES.append(
    case("avg_pool3d_backward.default", r(2, 2, 4, 3, 4, at=3), r(2, 2, 4, 5, 6), [3, 3, 3],
         [1, 2, 2], [1, 1, 1], True, False, None)
)  # fmt: skip


def _max_backward(dims: int, x: np.ndarray, kernel: int, stride: int) -> None:
    """Indices of plain windows, made by argmax."""
    from numpy.lib.stride_tricks import sliding_window_view

    axes = tuple(range(x.ndim - dims, x.ndim))
    view = sliding_window_view(x, (kernel,) * dims, axis=axes)
    view = view[(..., *(slice(None, None, stride),) * dims, *(slice(None),) * dims)]
    flat = view.reshape(*view.shape[:-dims], -1)
    plane = np.arange(math.prod(x.shape[-dims:])).reshape(x.shape[-dims:])
    places = sliding_window_view(plane, (kernel,) * dims)[(slice(None, None, stride),) * dims]
    places = np.broadcast_to(places.reshape(*places.shape[:dims], -1), flat.shape)
    best = flat.argmax(-1)[..., None]
    indices = np.take_along_axis(places, best, -1)[..., 0].astype(np.int64)
    grad = r(*indices.shape, at=1.3)
    k, s = [kernel] * dims, [stride] * dims
    name = f"max_pool{dims}d_with_indices_backward.default"
    CASES.append(case(name, grad, x, k, s, [0] * dims, [1] * dims, False, indices))
    CASES.append(case(f"adaptive_max_pool{dims}d_backward.default", grad, x, indices))
    if dims == 2:
        CASES.append(case("max_unpool2d.default", grad if stride >= kernel else grad * 0 + 2,
                          indices, list(x.shape[-2:])))  # fmt: skip
    else:
        CASES.append(case("max_unpool3d.default", grad * 0 + 2, indices, list(x.shape[-3:]), s,
                          [0, 0, 0]))  # fmt: skip


_max_backward(2, r(2, 3, 6, 8), 2, 2)
_max_backward(2, r(2, 3, 7, 8), 3, 2)
_max_backward(2, r(3, 7, 8), 3, 1)
_max_backward(3, r(2, 2, 4, 4, 6), 2, 2)
_max_backward(3, r(2, 2, 4, 5, 6), 3, 1)

for _shape, _sizes in (
    ((2, 3, 7), [[1], [3], [7], [9]]),
    ((2, 3, 6, 7), [[1, 1], [3, 7], [4, 3], [8, 5]]),
    ((3, 6, 7), [[2, 2]]),
    ((2, 2, 4, 5, 6), [[1, 1, 1], [2, 5, 3], [3, 2, 4]]),
):
    _dims = len(_sizes[0])
    for _size in _sizes:
        CASES.append(case(f"adaptive_avg_pool{_dims}d.default", r(*_shape), _size))
        CASES.append(case(f"adaptive_max_pool{_dims}d.default", r(*_shape), _size))
        if _dims > 1:
            _x = r(*_shape)
            CASES += [
                case(f"_adaptive_avg_pool{_dims}d.default", _x, _size),
                case(f"_adaptive_avg_pool{_dims}d_backward.default",
                     r(*_shape[:-_dims], *_size, at=2), _x),
            ]  # fmt: skip

for _shape, _kernel, _size in (
    ((2, 3, 7, 8), [2, 3], [3, 4]),
    ((3, 7, 8), [2, 2], [1, 7]),
):
    _lead = _shape[0] if len(_shape) == 4 else 1
    CASES.append(case("fractional_max_pool2d.default", r(*_shape), _kernel, _size,
                      pos(_lead, 3, 2)))  # fmt: skip
CASES += [
    case("fractional_max_pool3d.default", r(2, 2, 4, 5, 6), [2, 2, 2], [2, 3, 4], pos(2, 2, 3)),
    case("fractional_max_pool2d_backward.default", r(2, 3, 2, 2), r(2, 3, 4, 4), [2, 2], [2, 2],
         np.tile(np.array([[0, 3], [9, 15]]), (2, 3, 1, 1))),
    case("fractional_max_pool3d_backward.default", r(1, 1, 1, 2, 2), r(1, 1, 2, 4, 4), [2, 2, 2],
         [1, 2, 2], np.array([[0, 3], [9, 31]]).reshape(1, 1, 1, 2, 2)),
]  # fmt: skip

# -- the functional names ------------------------------------------------------------------------

_IDX = np.array([[[[0, 3], [9, 15]]]]).repeat(2, 0)
CASES += [
    case("T.conv_tbc", r(5, 2, 3), r(2, 3, 4), r(4), 1),
    case("F.adaptive_max_pool1d", r(2, 3, 7), 3),
    case("F.adaptive_max_pool2d", r(2, 3, 6, 7), [3, None]),
    case("F.adaptive_max_pool2d", r(2, 3, 6, 7), 3, True),
    case("F.adaptive_max_pool3d", r(2, 4, 5, 6), [2, 2, 3]),
    case("F.adaptive_max_pool1d", r(2, 3, 7), 3, True),
    case("F.adaptive_max_pool3d", r(2, 4, 5, 6), [2, 2, 3], True),
    case("F.adaptive_max_pool2d_with_indices", r(2, 3, 6, 7), [4, 2]),
    case("F.max_unpool1d", r(2, 3, 2), np.array([[0, 3]] * 3 * 2).reshape(2, 3, 2), 2),
    case("F.max_unpool2d", r(2, 1, 2, 2), _IDX, 2, 2),
    case("F.max_unpool2d", r(2, 1, 2, 2), _IDX, 2, output_size=[5, 5]),
    case("F.max_unpool3d", r(1, 1, 1, 2, 2), np.array([0, 3, 9, 31]).reshape(1, 1, 1, 2, 2), 2),
    case("F.lp_pool1d", pos(2, 3, 7), 2.0, 3, 2),
    case("F.lp_pool2d", r(2, 3, 6, 7), 2.0, [2, 3], ceil_mode=True),
    case("F.lp_pool3d", pos(2, 3, 4, 4, 4), 3.0, 2),
    case("F.fractional_max_pool2d", r(2, 3, 7, 8), 2, [3, 4], _random_samples=pos(2, 3, 2)),
    case("F.fractional_max_pool2d", r(2, 3, 7, 8), 2, output_ratio=[0.5, 0.5],
         return_indices=True, _random_samples=pos(2, 3, 2)),
    case("F.fractional_max_pool2d_with_indices", r(2, 3, 7, 8), 2, 3, shape_only=True),
    case("F.fractional_max_pool3d", r(2, 5, 6, 7), 2, [2, 3, 3], _random_samples=pos(1, 2, 3)),
    case("F.fractional_max_pool3d", r(2, 5, 6, 7), 2, [2, 3, 3], return_indices=True,
         _random_samples=pos(1, 2, 3)),
    case("F.fractional_max_pool3d_with_indices", r(2, 5, 6, 7), 2, [2, 3, 3], shape_only=True),
]  # fmt: skip
