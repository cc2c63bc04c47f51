"""Calls of the rows that convolve, pool and resize."""
# ruff: noqa: E501  # a row of the table, a line here

from __future__ import annotations

from tests.conformance.torch_cases.operands import F64, real, whole
from tests.conformance.torch_sweep import Case, Tolerance, call

_SPACE = {1: (7,), 2: (6, 5), 3: (4, 5, 3)}


def _image(dims: int, channels: int = 4, batch: int = 2, **kw: object) -> object:
    return real(batch, channels, *_SPACE[dims], **kw)  # type: ignore[arg-type]


def _convolutions(dims: int) -> list[Case]:
    x, kernel = _image(dims), (3, 2, 2)[:dims]
    w, bias = real(6, 4, *kernel), real(6)
    return [
        call(x, w), call(x, w, bias), call(x, w, None, 2), call(x, w, bias, [2] * dims, 1), call(x, w, bias, 1, [1] * dims, 2), call(x, w, stride=2, padding=1, dilation=1),
        call(x, real(6, 2, *kernel), bias, groups=2), call(x, real(4, 1, *kernel), None, 1, 1, 1, 4), call(x, real(8, 1, *kernel), padding=1, groups=4), call(x[0], w, bias), call(x[:0], w), call(x, w, padding="same"), call(x, w, padding="valid"), call(x, w, bias, 1, "same", 2), call(x, w, stride=2, padding="same"),
        call(x, w, padding="other"), call(x, real(6, 3, *kernel)), call(x, w, real(5)), call(x, real(6, 4, *(9,) * dims)), call(x, w, groups=3), call(x, w, stride=0), call(x, w, padding=-1), call(x, w, stride=[1] * (dims + 1)), call(x, real(6, 4, *(1,) * dims)), call(real(2, 4, *_SPACE[dims], dtype=F64), real(6, 4, *kernel, dtype=F64)), call(real(4), w),
    ]  # fmt: skip


def _transposed(dims: int) -> list[Case]:
    x, kernel = _image(dims), (3, 2, 2)[:dims]
    w, bias = real(4, 3, *kernel), real(3)
    return [
        call(x, w), call(x, w, bias), call(x, w, None, 2), call(x, w, bias, 2, 1), call(x, w, bias, 2, 1, 1), call(x, w, bias, [2] * dims, [0] * dims, [1] * dims), call(x, w, None, 1, 0, 0, 1, 2), call(x, w, stride=3, dilation=2, padding=1, output_padding=1), call(x, real(4, 3, *kernel), None, 2, 0, 0, 2), call(x, real(4, 1, *kernel), groups=4), call(x[0], w, bias),
        call(x, real(3, 3, *kernel)), call(x, w, real(5)), call(x, w, output_padding=1), call(x, w, None, 2, 0, 2), call(x, w, groups=3), call(x, w, None, 1, 1), call(x[:0], w),
    ]  # fmt: skip


def _pools(dims: int) -> list[Case]:
    x = _image(dims)
    return [
        *(call(x, *rest) for rest in ((2,), ([2] * dims,), (3, 1), (3, 2, 1), (2, [2] * dims, 0), (2, None), (3, 2, 0), (1,), (9,), (0,), (2, 0), (2, 2, 2), (2, 2, -1))),
        *(call(x, k, s, p, ceil_mode=c) for k in (2, 3) for s in (1, 2, 3) for p in (0, 1) for c in (True, False)),
        call(x[0], 2), call(x, kernel_size=2, stride=1), call(x[:0], 2), call(real(2, 4, *_SPACE[dims], dtype=F64), 2), call(real(3), 2), call(x * float("nan"), 2),
    ]  # fmt: skip


def _max_pools(dims: int) -> list[Case]:
    x = _image(dims)
    return [
        *_pools(dims),
        call(whole(2, 4, *_SPACE[dims]), 2),
        *(call(x, 2, s, p, d, c) for s in (1, 2) for p in (0, 1) for d in (1, 2) for c in (True, False)),
        *(call(x, k, s, p, return_indices=True) for k in (2, 3) for s in (1, 2) for p in (0, 1)),
        call(x, 2, None, 0, 1, False, True), call(x[0], 2, return_indices=True), call(x, 2, dilation=9),
    ]  # fmt: skip


def _avg_pools(dims: int) -> list[Case]:
    x = _image(dims)
    more = [
        call(x, 2, 2, 0, False, True, 3),
        call(x, 2, divisor_override=3),
        call(x, 2, divisor_override=0),
    ]
    return [
        *_pools(dims),
        *(call(x, 3, s, p, c, n) for s in (1, 2, 3) for p in (0, 1) for c in (True, False) for n in (True, False)),
        *(more if dims > 1 else ()),
    ]  # fmt: skip


def _adaptive(dims: int) -> list[Case]:
    x = _image(dims)
    sizes = [*((n,) for n in (1, 2, 3, 7, 9)), ([2, 3, 1][:dims],), ([1] * dims,)]
    return [
        *(call(x, *size) for size in sizes),
        *(call(x[0], *size) for size in sizes),
        call(x, 0),
        call(x, -1),
        call(x, [2] * (dims + 1)),
        call(x, output_size=2),
        call(real(3), 1),
        call(x, 2, return_indices=True),
        call(x, 3, True),
    ]


IMAGE = real(2, 4, 6, 5)
CASES: dict[str, list[Case]] = {}
for _dims in (1, 2, 3):
    CASES[f"conv{_dims}d"] = _convolutions(_dims)
    CASES[f"conv_transpose{_dims}d"] = _transposed(_dims)
    CASES[f"max_pool{_dims}d"] = CASES[f"max_pool{_dims}d_with_indices"] = _max_pools(_dims)
    CASES[f"avg_pool{_dims}d"] = _avg_pools(_dims)
    CASES[f"adaptive_max_pool{_dims}d_with_indices"] = _adaptive(_dims)
    CASES[f"adaptive_avg_pool{_dims}d"] = CASES[f"adaptive_max_pool{_dims}d"] = _adaptive(_dims)
CASES |= {
    "pixel_shuffle": [*(call(x, r) for x in (IMAGE, real(4, 2, 3), real(1, 8, 2, 2), real(2, 3, 8, 1, 2), whole(1, 4, 2, 2)) for r in (1, 2, 3, 0)), call(real(2, 3), 1), call(IMAGE, upscale_factor=2)],
    "unfold": [*(call(x, k) for x in (IMAGE, IMAGE[0]) for k in (2, [3, 2], 1, 9)), call(IMAGE, 2, 2), call(IMAGE, 2, 1, 1), call(IMAGE, 2, 1, 0, 2), call(IMAGE, [2, 3], [1, 2], [0, 1], [2, 1]), call(IMAGE, kernel_size=2, stride=2), call(real(3), 2), call(IMAGE[:0], 2)],
    "fold": [call(real(2, 16, 20), [6, 5], 2), call(real(2, 8, 20), [6, 5], 2), call(real(2, 6, 6), [6, 5], [2, 3], 1, 0, 2), call(real(2, 16, 42), [6, 5], 2, 1, 1), call(real(2, 16, 12), [6, 5], 2, 2), call(real(16, 20), [6, 5], 2), call(real(2, 16, 19), [6, 5], 2), call(real(2, 7, 20), [6, 5], 2), call(real(2, 16, 16), output_size=5, kernel_size=2)],
    "interpolate": [
        *(call(x, size=s) for x, s in ((IMAGE, [4, 9]), (IMAGE, 7), (IMAGE, [6, 5]), (IMAGE, [1, 1]), (real(2, 3, 7), [4]), (real(2, 3, 7), 15), (real(1, 2, 3, 4, 2), [5, 2, 3]), (IMAGE, [0, 1]), (IMAGE, [1, 2, 3]))),
        *(call(x, scale_factor=s) for x in (IMAGE,) for s in (2, 0.5, 1.7, [2.0, 1.5], 0.3, 3.0)), call(IMAGE, [3, 3], None, "nearest"), call(IMAGE), call(IMAGE, [3, 3], 2.0), call(IMAGE, [3, 3], mode="other"), call(IMAGE, [3, 3], mode="linear"), call(IMAGE, [3, 3], align_corners=True),
        *(call(x, size=s, mode=m, align_corners=a) for x, s, m in ((IMAGE, [4, 9], "bilinear"), (IMAGE, [12, 10], "bilinear"), (IMAGE, [1, 1], "bilinear"), (real(2, 3, 7), [4], "linear"), (real(2, 3, 7), [20], "linear"), (real(1, 2, 3, 4, 2), [5, 2, 3], "trilinear")) for a in (True, False, None)),
        *(call(IMAGE, scale_factor=s, mode="bilinear", align_corners=a) for s in (2, 0.5, 1.7, [2.0, 1.5]) for a in (True, False)), call(whole(1, 1, 3, 3), 6), call(real(1, 1, 3, 3, dtype=F64), 6, mode="bilinear"), call(real(3, 3), 6),
        *(call(IMAGE, size=s, mode="bicubic", align_corners=a) for s in ([4, 9], 12, [1, 1]) for a in (True, False, None)), *(call(IMAGE, scale_factor=s, mode="bicubic") for s in (2, 0.5, 1.7)),
        *(call(IMAGE, size=s, mode=m) for s in ([4, 9], [3, 3], 1, 12) for m in ("area", "nearest-exact")), call(real(2, 3, 7), [4], mode="area"), call(IMAGE, scale_factor=2, mode="area"), call(IMAGE, 3, mode="area", align_corners=True),
    ],
}  # fmt: skip
TOLERANCES: dict[str, Tolerance] = {
    **{name: Tolerance(32, None) for name in CASES if name.startswith("conv")},
    **{name: Tolerance(8, None) for name in CASES if "avg" in name},
    "fold": Tolerance(8, None),
    "interpolate": Tolerance(16, None),
}
