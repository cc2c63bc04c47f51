"""What PyTorch has gained since 1.4, against torch itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from syft_web.ops import infer, later, table
from syft_web.ops.spec import Spec, spec_of

torch = pytest.importorskip("torch")

Array = np.ndarray
RNG = np.random.default_rng(8)


def f32(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*shape: int) -> Array:
    return RNG.integers(-5, 6, shape)


def converted(value: Any, one: Any) -> Any:
    if isinstance(value, list):
        return [converted(v, one) for v in value]
    return one(value) if isinstance(value, np.ndarray) else value


def check(name: str, *args: Any, rtol: float = 2e-6, atol: float = 1e-6, **kwargs: Any) -> None:
    """The same call of ``torch.name`` gives the same, and its shapes are known before."""
    op = table.lookup(f"torch.{name}", method=False)
    assert op is not None, name
    bound = op.bind(list(args), kwargs)
    with np.errstate(all="ignore"):
        got = bound.rule(*converted(bound.values, np.array))
    want = getattr(torch, name)(
        *converted(list(args), torch.from_numpy),
        **{k: converted(v, torch.from_numpy) for k, v in kwargs.items()},
    )
    specs = infer.result_specs(bound.row, converted(bound.values, spec_of))
    results = got if isinstance(got, list | tuple) else [got]
    wanted = want if isinstance(want, list | tuple) else [want]
    assert len(results) == len(wanted)
    for g, w, spec in zip(results, wanted, specs, strict=True):
        expected = w.numpy()
        assert (g.dtype, g.shape) == (expected.dtype, expected.shape), name
        np.testing.assert_allclose(g, expected, rtol, atol)
        if isinstance(spec, Spec):
            assert (spec.dtype, spec.shape) == (g.dtype, g.shape), name


PAIRS = [
    (f32(3, 4), f32(3, 4)),
    (f32(3, 1), f32(4)),
    (ints(3), f32(3)),
    (ints(3), ints(3)),
    (f32(3).astype(np.float64), f32(3)),
    (np.array([0, 1, -1, np.inf, -np.inf, np.nan], np.float32),) * 2,
    (f32(0, 2), f32(2)),
]


@pytest.mark.parametrize(
    "name",
    ["copysign", "hypot", "logaddexp", "logaddexp2", "xlogy", "fmax", "fmin", "float_power",
     "nextafter", "ldexp"],
)  # fmt: skip
def test_pairs(name: str) -> None:
    for a, b in PAIRS:
        try:
            getattr(torch, name)(torch.from_numpy(a), torch.from_numpy(b))
        except (RuntimeError, NotImplementedError):
            continue
        check(name, a, b)


@pytest.mark.parametrize("name", ["gcd", "lcm"])
def test_whole_numbers(name: str) -> None:
    check(name, ints(5), ints(5))
    check(name, ints(5).astype(np.int32), ints(2, 1))


def test_shifts() -> None:
    for name in ("bitwise_left_shift", "bitwise_right_shift"):
        check(name, ints(5), np.abs(ints(5)))
        check(name, ints(5).astype(np.int32), 2)
    op = table.lookup("bitwise_left_shift", method=True)
    assert op is not None
    with pytest.raises(TypeError, match="ints"):
        op.rows[0].rule(f32(2), 1)


ODD = np.array([0, -0.0, 1, -1, 0.25, np.inf, -np.inf, np.nan], np.float32)


@pytest.mark.parametrize(
    "name", ["isneginf", "isposinf", "isreal", "signbit", "sinc", "logit", "nan_to_num"]
)
def test_of_one(name: str) -> None:
    check(name, ODD)
    check(name, ints(4))
    check(name, f32(2, 0))


def test_of_one_with_options() -> None:
    check("i0", 3 * f32(4))
    check("i0", f32(2, 3).astype(np.float64), rtol=1e-14)
    check("logit", ODD, eps=0.1)
    check("nan_to_num", ODD, nan=1.0, posinf=2.0, neginf=-3.0)
    for periodic in (True, False):
        for length in (0, 1, 2, 7):
            check("kaiser_window", length, periodic, 5.0)


@pytest.mark.parametrize("name", ["hstack", "vstack", "dstack", "column_stack", "row_stack"])
def test_stacks(name: str) -> None:
    check(name, [f32(3), f32(3)])
    check(name, [f32(2, 3), f32(2, 3)])
    check(name, [f32(2, 3, 4), f32(2, 3, 4)])
    check(name, [np.array(1.0), np.array(2.0)])
    check(name, [ints(3), f32(3)])


def test_splits() -> None:
    x = f32(4, 6, 2)
    for sections in (1, 3, 4, [2], [1, 3], [3, 1], [-2, 9]):
        for dim in (0, 1, -1):
            check("tensor_split", x, sections, dim)
    for name in ("hsplit", "vsplit", "dsplit"):
        check(name, x, 2)
        check(name, x, [1, 3])
    check("hsplit", f32(4), 2)


def test_layouts() -> None:
    x = f32(3, 4)
    for name in ("atleast_1d", "atleast_2d", "atleast_3d"):
        for shape in ((), (3,), (2, 3), (1, 2, 3, 4)):
            check(name, f32(*shape) if shape else np.array(2.0))
    for name in ("adjoint", "ravel", "fliplr", "flipud", "msort", "argwhere"):
        check(name, x)
    check("block_diag", x, f32(2), np.array(3.0, np.float32), f32(2, 2))
    for a, b in ((f32(2, 3), f32(3, 2)), (f32(3), f32(2, 2)), (ints(2), f32(2))):
        check("kron", a, b)


def test_along_dimensions() -> None:
    x = f32(3, 5)
    check("diff", x)
    check("diff", x, 2, 0)
    check("diff", x, 9, 1)
    check("diff", x, prepend=f32(3, 1), append=f32(3, 2))
    check("diff", ints(4))
    check("count_nonzero", ints(3, 4))
    check("count_nonzero", ints(3, 4), [0, 1])
    check("count_nonzero", ints(3, 4), 0)
    check("aminmax", x)
    check("aminmax", x, dim=1, keepdim=True)
    holes = np.where(x > 0.5, np.nan, x).astype(np.float32)
    check("nanmean", holes)
    check("nanmean", holes, [0], True)
    for how in ("linear", "lower", "higher", "midpoint", "nearest"):
        check("quantile", x, 0.3, interpolation=how)
        check("quantile", x, np.array([0, 0.25, 1], np.float32), 1, True, interpolation=how)
        check("nanquantile", holes, np.array([0.5], np.float32), 0, interpolation=how)
    check("take_along_dim", x, np.array([[0, 4], [1, 1], [2, 3]]), 1)
    check("take_along_dim", x, np.array([[2]]), 0)
    check("take_along_dim", x, np.array([[9, 0]]))
    check("cov", x, atol=1e-5)
    check("cov", x[0], correction=0, atol=1e-5)
    check("corrcoef", x, atol=1e-5)
    check("vander", f32(3))
    check("vander", f32(3), 4, True)


OPERATORS = sorted(name for name in later.ALIASES if name.startswith("torch.ops.aten."))
IGNORED = {"device", "generator", "layout", "memory_format", "non_blocking", "pin_memory"}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_take_what_torch_gives_them(name: str) -> None:
    packet, overload = name.removeprefix("torch.ops.aten.").split(".")
    schema = getattr(getattr(torch.ops.aten, packet), overload)._schema
    arguments = [a for a in schema.arguments if a.name not in IGNORED]
    op = table.lookup(name, method=False)
    assert op is not None
    fitting = [row for row in op.rows if _takes(row, arguments)]
    assert fitting, op.signatures
    assert any(row.n_outputs in (None, len(schema.returns)) for row in fitting)


def _takes(row: Any, arguments: list[Any]) -> bool:
    """By position and by keyword; what is last and has a default may be unknown."""
    params = [p for p in row.params if p.name not in IGNORED]
    needed = [a for a in arguments if not a.has_default_value()]
    places = [p for p in params if not p.keyword_only]
    positional = [a for a in arguments if not a.kwarg_only][: len(places)]
    return len(needed) <= len(params) and all(
        a.name == p.name or {a.name, p.name} <= {"input", "self", "a", "tensors"}
        for a, p in zip(positional, places, strict=False)
    )


def test_places() -> None:
    edges = np.sort(f32(6))
    for right in (False, True):
        for narrow in (False, True):
            check("bucketize", f32(2, 3), edges, right=right, out_int32=narrow)
            check("searchsorted", edges, f32(4), right=right, out_int32=narrow)
            check("searchsorted", np.sort(f32(2, 5)), f32(2, 3), right=right, out_int32=narrow)
    check("isin", ints(3, 4), np.array([1, 2, -3]))
    check("isin", ints(3, 4), 2, invert=True)
    for accumulate in (False, True):
        check("put", f32(3, 4), np.array([0, -1, 5]), f32(3), accumulate)
