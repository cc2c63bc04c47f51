"""Decompositions, special functions, sets, transforms and draws: laws they keep, and refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from syft_web.ops import table
from syft_web.ops.bounds import TooLargeError
from syft_web.ops.row import BindError

Array = np.ndarray
UNIT = st.floats(-1, 1, width=32)


def run(command: str, *args: Any, **kwargs: Any) -> Any:
    """Call a row as a plan would."""
    op = table.lookup(command.removeprefix("."), method=command.startswith("."))
    assert op is not None, command
    bound = op.bind(list(args), kwargs)
    with np.errstate(all="ignore"):
        return bound.rule(*bound.values)


def matrices(rows: int, columns: int) -> st.SearchStrategy[Array]:
    return hnp.arrays(np.float64, (rows, columns), elements=UNIT)


SIDES = st.integers(1, 5)


@given(st.data(), SIDES, SIDES)
@settings(max_examples=60, deadline=None)
def test_factors_multiply_back(data: Any, rows: int, columns: int) -> None:
    a = data.draw(matrices(rows, columns))
    q, r = run("torch.qr", a)
    np.testing.assert_allclose(q @ r, a, atol=1e-12)
    np.testing.assert_allclose(q.T @ q, np.eye(min(rows, columns)), atol=1e-12)
    assert np.all(np.tril(r, -1) == 0)
    packed, factors = run("torch.geqrf", a)
    whole = run("torch.ormqr", packed, factors, np.eye(rows))
    np.testing.assert_allclose(whole @ np.triu(packed), a, atol=1e-12)
    u, s, v = run("torch.svd", a)
    np.testing.assert_allclose(u * s @ v.T, a, atol=1e-12)
    factors, pivots, _ = run("torch.lu", a, get_infos=True)
    p, lower, upper = run("torch.lu_unpack", factors, pivots)
    np.testing.assert_allclose(p @ lower @ upper, a, atol=1e-12)


@given(st.data(), SIDES)
@settings(max_examples=40, deadline=None)
def test_every_solver_solves(data: Any, side: int) -> None:
    a = data.draw(matrices(side, side)) + (side + 1) * np.eye(side)
    b = data.draw(matrices(side, 2))
    x = np.linalg.solve(a, b)
    np.testing.assert_allclose(run("torch.solve", b, a)[0], x, atol=1e-10)
    np.testing.assert_allclose(run("torch.lu_solve", b, *run("torch.lu", a)), x, atol=1e-10)
    np.testing.assert_allclose(run("torch.lstsq", b, a)[0], x, atol=1e-10)
    np.testing.assert_allclose(run("torch.inverse", a) @ b, x, atol=1e-10)
    symmetric = a @ a.T
    factor = run("torch.cholesky", symmetric)
    np.testing.assert_allclose(symmetric @ run("torch.cholesky_solve", b, factor), b, atol=1e-9)
    np.testing.assert_allclose(
        symmetric @ run("torch.cholesky_inverse", factor), np.eye(side), atol=1e-9
    )


@given(hnp.arrays(np.float64, 8, elements=st.floats(-50, 50).filter(lambda x: abs(x) > 1e-2)))
@settings(max_examples=60, deadline=None)
def test_gamma_functions_step_by_one(x: Array) -> None:
    x = np.where(np.abs(x - np.round(x)) < 1e-2, x + 0.25, x)  # not next to a pole
    step = run("torch.digamma", x + 1) - run("torch.digamma", x)
    np.testing.assert_allclose(step, 1 / x, rtol=1e-9, atol=1e-9)
    for n in (1, 2, 4):
        step = run("torch.polygamma", n, x + 1) - run("torch.polygamma", n, x)
        want = (-1) ** n * math.factorial(n) / x ** (n + 1)
        size = np.abs(run("torch.polygamma", n, x))
        assert np.all(np.abs(step - want) <= 1e-9 * (size + np.abs(want) + 1))


def test_digamma_at_poles() -> None:
    x = np.array([0.0, -0.0, -1, -7])
    np.testing.assert_array_equal(run("torch.digamma", x), [-np.inf, np.inf, np.nan, np.nan])


@given(hnp.arrays(np.float64, 8, elements=st.floats(-1, 1)))
@settings(max_examples=60, deadline=None)
def test_erfinv_inverts(y: Array) -> None:
    x = run("torch.erfinv", y)
    np.testing.assert_allclose(run("torch.erf", x), y, rtol=1e-14, atol=1e-16)


@given(hnp.arrays(np.int64, hnp.array_shapes(max_dims=2, max_side=6), elements=st.integers(0, 3)))
@settings(max_examples=60, deadline=None)
def test_unique_gives_back_what_was_there(x: Array) -> None:
    values, inverse, counts = run("torch.unique", x, True, True, True)
    np.testing.assert_array_equal(values[inverse], x)
    assert counts.sum() == x.size
    values, inverse, counts = run("torch.unique_consecutive", x, True, True)
    np.testing.assert_array_equal(values[inverse], x)
    np.testing.assert_array_equal(np.repeat(values, counts), x.reshape(-1))
    for dim in range(x.ndim):
        values, inverse, counts = run("torch.unique_consecutive", x, True, True, dim)
        np.testing.assert_array_equal(np.take(values, inverse, dim), x)
        values, inverse, counts = run("torch.unique_dim", x, dim)
        np.testing.assert_array_equal(np.take(values, inverse, dim), x)


@given(hnp.arrays(np.int64, (3, 7), elements=st.integers(0, 4)))
@settings(max_examples=60, deadline=None)
def test_mode_is_the_most_frequent(x: Array) -> None:
    values, places = run("torch.mode", x, 1)
    for line, value, place in zip(x, values, places, strict=True):
        counts = np.bincount(line, minlength=5)
        assert value == np.argmax(counts)
        assert place == np.flatnonzero(line == value)[-1]


@given(st.data(), st.integers(1, 3), st.booleans())
@settings(max_examples=40, deadline=None)
def test_transforms_undo_each_other(data: Any, n: int, normalized: bool) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=n, max_dims=4, min_side=1, max_side=5))
    x = data.draw(hnp.arrays(np.float64, shape, elements=UNIT))
    there = run("torch.rfft", x, n, normalized)
    back = run("torch.irfft", there, n, normalized, True, list(shape[-n:]))
    np.testing.assert_allclose(back, x, atol=1e-12)
    pairs = np.stack([x, -x], -1)
    back = run("torch.ifft", run("torch.fft", pairs, n, normalized), n, normalized)
    np.testing.assert_allclose(back, pairs, atol=1e-12)


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
    st.lists(st.integers(0, 4), min_size=1, max_size=3),
    st.integers(-1, 5),
)
@settings(max_examples=100, deadline=None)
def test_as_strided_stays_inside(size: list[int], stride: list[int], offset: int) -> None:
    x = np.arange(12.0)
    try:
        got = run("torch.as_strided", x, size, stride, offset)
    except ValueError:
        return
    assert got.shape == tuple(size)
    for index in np.ndindex(*size):
        assert got[index] == offset + sum(i * s for i, s in zip(index, stride, strict=True))


def test_a_view_is_written_through() -> None:
    x = np.zeros((2, 3), np.float32)
    run(".as_strided", x, [2], [3])[...] = 1
    np.testing.assert_array_equal(x, [[1, 0, 0], [1, 0, 0]])


def test_multinomial_follows_the_weights() -> None:
    weights = np.array([1, 0, 2, 5], np.float64)
    drawn = run("torch.multinomial", weights, 8000, True)
    found = np.bincount(drawn, minlength=4) / 8000
    np.testing.assert_allclose(found, weights / 8, atol=0.03)
    first = [run("torch.multinomial", weights, 2)[0] for _ in range(2000)]
    np.testing.assert_allclose(np.bincount(first, minlength=4) / 2000, weights / 8, atol=0.06)


def test_seeded_draws_repeat() -> None:
    x = np.zeros(5, np.float32)
    for command, args in ((".exponential_", ()), (".cauchy_", ()), (".random_", (9,))):
        run("torch.manual_seed", 3)
        first = run(command, x.copy(), *args).copy()
        run("torch.manual_seed", 3)
        np.testing.assert_array_equal(run(command, x.copy(), *args), first)


INTS = np.arange(4).reshape(2, 2)
FLOATS = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("command", "args", "error"),
    [
        ("torch.qr", (INTS,), TypeError),
        ("torch.inverse", (FLOATS,), ValueError),
        ("torch.inverse", (np.zeros((2, 2)),), np.linalg.LinAlgError),
        ("torch.svd", (FLOATS[0],), ValueError),
        ("torch.eig", (np.zeros((1, 2, 2)),), ValueError),
        ("torch.cholesky", (-np.eye(2),), np.linalg.LinAlgError),
        ("torch.norm", (FLOATS, "max"), ValueError),
        ("torch.nuclear_norm", (np.zeros((2, 2, 2)),), ValueError),
        ("torch.orgqr", (FLOATS, FLOATS), ValueError),
        ("torch.ormqr", (FLOATS, FLOATS[0, :2], FLOATS.T), ValueError),
        ("torch.lstsq", (FLOATS, FLOATS.T), ValueError),
        ("torch.lu_unpack", (FLOATS, np.array([9, 1], np.int32)), ValueError),
        ("torch.polygamma", (-1, FLOATS), ValueError),
        ("torch.polygamma", (101, FLOATS), ValueError),
        ("torch.mvlgamma", (FLOATS, 0), ValueError),
        ("torch.mvlgamma", (FLOATS, 2), ValueError),
        ("torch.fake_quantize_per_tensor_affine", (FLOATS, 1.0, 0, 5, 4), ValueError),
        ("torch.fake_quantize_per_tensor_affine", (INTS, 1.0, 0, 0, 4), TypeError),
        ("torch.fft", (FLOATS, 1), ValueError),
        ("torch.fft", (FLOATS[:, :2], 2), ValueError),
        ("torch.rfft", (FLOATS, 4), ValueError),
        ("torch.rfft", (INTS, 1), TypeError),
        ("torch.irfft", (FLOATS[:, :2], 1, False, True, [1, 2]), ValueError),
        ("torch.stft", (FLOATS, 9), ValueError),
        ("torch.stft", (FLOATS[None], 2), ValueError),
        ("torch.hann_window", (-1,), ValueError),
        (".cauchy_", (FLOATS, 0.0, 0.0), ValueError),
        (".exponential_", (INTS,), TypeError),
        (".geometric_", (FLOATS, 1.0), ValueError),
        (".random_", (FLOATS, 3, 3), ValueError),
        ("torch.normal", (FLOATS, -1.0), ValueError),
        ("torch.poisson", (-FLOATS,), ValueError),
        ("torch.multinomial", (FLOATS * 0, 1), ValueError),
        ("torch.multinomial", (FLOATS, 3), ValueError),
        ("torch.multinomial", (-FLOATS, 1), ValueError),
        ("torch.mode", (np.zeros((2, 0)),), ValueError),
        ("torch.cartesian_prod", (FLOATS,), ValueError),
        ("torch.combinations", (FLOATS,), ValueError),
        (".resize_", (FLOATS, -1), ValueError),
        (".resize", (FLOATS, 4), ValueError),
        (".put_", (FLOATS, np.array([6]), np.array([1.0])), IndexError),
        (".put_", (FLOATS, np.array([0.0]), np.array([1.0])), IndexError),
        (".put_", (FLOATS, np.array([0]), np.array([1])), ValueError),
        (".sum_to_size", (FLOATS, 2), ValueError),
        ("torch.renorm", (FLOATS[0], 2, 0, 1.0), ValueError),
        ("torch.range", (1, 5, -1), ValueError),
        ("torch.range", (1, 5, 0), ValueError),
        ("torch.empty_strided", ([1], [1, 2]), ValueError),
        (".__float__", (FLOATS,), ValueError),
    ],
)  # fmt: skip
def test_refusals(command: str, args: tuple[Any, ...], error: type[Exception]) -> None:
    given = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
    with pytest.raises(error) as caught:
        run(command, *given)
    assert not isinstance(caught.value, BindError)
    assert str(caught.value)


def test_far_left_of_zero_takes_no_time() -> None:
    # Step by step this would take minutes.
    assert np.isfinite(run("torch.polygamma", 1, np.array([-1e12 + 0.5]))).all()
    assert np.isfinite(run("torch.digamma", np.array([-1e12 + 0.5]))).all()


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("torch.diagflat", (np.zeros(100_000),)),
        ("torch.kron", (np.zeros(100_000), np.zeros(100_000))),
        ("torch.pdist", (np.zeros((100_000, 2)),)),
        ("torch.combinations", (np.zeros(1000), 5)),
        ("torch.combinations", (np.zeros(2), 10**6, True)),
        ("torch.cartesian_prod", ([np.zeros(3000)] * 3,)),
        ("torch.block_diag", ([np.zeros((100_000, 1)), np.zeros((1, 100_000))],)),
        ("torch.vander", (np.zeros(100_000),)),
        ("torch.tensor_split", (np.zeros(3), 10**9)),
    ],
)
def test_huge_results_are_refused_before_they_are_made(command: str, args: Any) -> None:
    with pytest.raises(TooLargeError):
        run(command, *args)


def test_as_many_differences_as_one_likes() -> None:
    assert run("torch.diff", np.zeros(3), 10**12).shape == (0,)
