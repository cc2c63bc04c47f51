"""Decompositions, special functions, sets and layouts against torch itself, as plans call them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from syft_web.ops import table

torch = pytest.importorskip("torch")

Array = np.ndarray
RNG = np.random.default_rng(5)


def run(command: str, *args: Any, **kwargs: Any) -> Any:
    """Call a row as a plan would."""
    op = table.lookup(command.removeprefix("."), method=command.startswith("."))
    assert op is not None, command
    bound = op.bind(list(args), kwargs)
    with np.errstate(all="ignore"):
        return bound.rule(*bound.values)


def same(got: Any, want: Any, rtol: float = 2e-6, atol: float = 1e-7) -> None:
    """Equal shapes, dtypes and, to rounding, values; of lists, each."""
    if isinstance(want, list | tuple):
        for g, w in zip(got, want, strict=True):
            same(g, w, rtol, atol)
        return
    wanted = want.numpy() if isinstance(want, torch.Tensor) else np.asarray(want)
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol, atol)


def t(value: Any) -> Any:
    """The argument as torch wants it."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    return [t(v) for v in value] if isinstance(value, list) else value


def check(name: str, *args: Any, rtol: float = 2e-6, atol: float = 1e-7, **kwargs: Any) -> None:
    """The same call of ``torch.name`` gives the same."""
    want = getattr(torch, name)(*map(t, args), **{k: t(v) for k, v in kwargs.items()})
    same(run(f"torch.{name}", *args, **kwargs), want, rtol, atol)


def f32(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def well(*lead: int, n: int = 4) -> Array:
    """Matrices that are far from singular."""
    return (f32(*lead, n, n) + 4 * np.eye(n)).astype(np.float32)


def positive(*lead: int, n: int = 4) -> Array:
    a = f32(*lead, n, n)
    return (a @ a.swapaxes(-1, -2) + n * np.eye(n)).astype(np.float32)


FLOATS = [np.float32, np.float64]


# -- special functions -------------------------------------------------------------------------

POINTS = np.array(
    [-100.3, -7.5, -2.0, -1.0, -0.5, -1e-3, -0.0, 0.0, 1e-6, 0.1, 0.5, 1, 1.4616321, 2, 3.7, 9.99,
     10, 55.5, 1e4, 1e30, np.inf, np.nan],
)  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
def test_digamma(dtype: type) -> None:
    rtol = 2e-6 if dtype is np.float32 else 1e-12
    check("digamma", POINTS.astype(dtype), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 11])
def test_polygamma(dtype: type, n: int) -> None:
    x = POINTS[(POINTS > 0) & np.isfinite(POINTS) & (POINTS < 1e6) & (POINTS > 1e-3)].astype(dtype)
    # torch's own trigamma is good to nine digits only.
    rtol = 4e-6 if dtype is np.float32 else 1e-9
    want = torch.polygamma(n, torch.from_numpy(x.astype(np.float64))).numpy().astype(dtype)
    same(run("torch.polygamma", n, x), want, rtol, 1e-14 if dtype is np.float64 else 1e-6)
    same(run(".polygamma", x, n), run("torch.polygamma", n, x))


def test_trigamma_at_one() -> None:
    np.testing.assert_allclose(
        run("torch.polygamma", 1, np.array([0.5, 1, 2])),
        [math.pi**2 / 2, math.pi**2 / 6, math.pi**2 / 6 - 1],
        rtol=1e-15,
    )


def test_polygamma_left_of_zero() -> None:
    x = np.array([-0.3, -1.25, -7.6, -33.5])
    for n in (1, 2, 3):
        want = torch.polygamma(n, torch.from_numpy(x))
        same(run("torch.polygamma", n, x), want, 1e-10, 1e-10)
    # Far to the left it must not take a step per unit.
    assert np.isfinite(run("torch.polygamma", 1, np.array([-1e9 + 0.5]))).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_erfinv(dtype: type) -> None:
    x = np.concatenate(
        [np.linspace(-1, 1, 401), [0.999999, -0.99999994, 1e-8, 2, -3, np.nan, 1 - 2**-24, -0.0]]
    ).astype(dtype)
    check("erfinv", x, rtol=1e-6 if dtype is np.float32 else 1e-13)


def test_erfinv_undoes_erf() -> None:
    x = np.linspace(-5, 5, 301)
    np.testing.assert_allclose(run("torch.erfinv", run("torch.erf", x)), x, rtol=2e-4)
    inner = np.linspace(-2, 2, 301)
    np.testing.assert_allclose(run("torch.erfinv", run("torch.erf", inner)), inner, rtol=1e-12)


@pytest.mark.parametrize("p", [1, 2, 5])
def test_mvlgamma(p: int) -> None:
    check("mvlgamma", (np.abs(f32(3, 4)) + (p - 1) / 2 + 0.1).astype(np.float32), p, rtol=4e-6)


def test_angle() -> None:
    check("angle", np.array([-2, -0.0, 0, 3, np.nan, -np.inf], np.float32))
    check("angle", np.array([-2, 0, 3]))


def test_fake_quantization() -> None:
    x = 3 * f32(4, 5)
    check("fake_quantize_per_tensor_affine", x, 0.1, 3, 0, 255)
    check("fake_quantize_per_tensor_affine", x, 0.05, -4, -128, 127)
    scale = np.array([0.1, 0.2, 0.05, 1], np.float32)
    zero = np.array([0, 3, -2, 1], np.int32)
    check("fake_quantize_per_channel_affine", x, scale, zero, 0, -128, 127)


# -- matrices ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_of_square_matrices(lead: tuple[int, ...]) -> None:
    a = well(*lead)
    for name in ("inverse", "det", "slogdet", "logdet", "pinverse"):
        check(name, a, rtol=1e-4, atol=1e-5)
    check("logdet", -well(n=3))
    b = positive(*lead)
    for upper in (False, True):
        check("cholesky", b, upper=upper, rtol=1e-5, atol=1e-6)
        factor = run("torch.cholesky", b, upper)
        right = f32(*lead, 4, 2)
        check("cholesky_solve", right, factor, upper=upper, rtol=1e-4, atol=1e-5)
        check("cholesky_inverse", factor, upper=upper, rtol=1e-4, atol=1e-5)


def test_cholesky_reads_one_triangle() -> None:
    a = positive()
    spoiled = np.tril(a) + np.triu(np.full_like(a, 7), 1)
    check("cholesky", spoiled, rtol=1e-5, atol=1e-6)
    check("cholesky", spoiled.T.copy(), upper=True, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3), (0, 3), (3, 1)])
def test_factors_multiply_back(shape: tuple[int, ...]) -> None:
    a = f32(*shape)
    for some in (True, False):
        q, r = run("torch.qr", a, some)
        same(
            [abs(q), abs(r)],
            [x.abs() for x in torch.linalg.qr(t(a), "reduced" if some else "complete")],
            1e-4,
            1e-5,
        )
        np.testing.assert_allclose(q @ r, a, atol=1e-5)
        u, s, v = run("torch.svd", a, some)
        want = torch.svd(t(a), some)
        assert [x.shape for x in (u, s, v)] == [tuple(x.shape) for x in want]
        same(s, want[1], 1e-4, 1e-5)
        k = s.shape[-1]
        np.testing.assert_allclose(
            (u[..., :k] * s[..., None, :]) @ v[..., :k].swapaxes(-1, -2), a, atol=1e-5
        )
    got = run(".svd", a, compute_uv=False)
    same(got, torch.svd(t(a), compute_uv=False), 1e-4, 1e-5)


def test_symeig() -> None:
    a = f32(2, 4, 4)
    for upper in (True, False):
        values, vectors = run("torch.symeig", a, True, upper)
        same(values, torch.linalg.eigvalsh(t(a), "U" if upper else "L"), 1e-4, 1e-5)
        half = np.triu(a) if upper else np.tril(a)
        whole = half + half.swapaxes(-1, -2) - half * np.eye(4, dtype=np.float32)
        np.testing.assert_allclose(whole @ vectors, vectors * values[:, None], atol=1e-4)
    assert run(".symeig", a)[1].shape == (0,)


def test_eig() -> None:
    a = np.array([[0, -2, 0], [3, 0, 0], [0, 1, 2]], np.float32)
    values, vectors = run("torch.eig", a, eigenvectors=True)
    want = torch.linalg.eigvals(t(a)).numpy()
    found = values[:, 0] + 1j * values[:, 1]
    np.testing.assert_allclose(sorted(found, key=str), sorted(want, key=str), atol=1e-5)
    k = next(i for i in range(3) if found[i].imag > 0)
    vector = vectors[:, k] + 1j * vectors[:, k + 1]
    np.testing.assert_allclose(a @ vector, found[k] * vector, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 3, 4)])
def test_householder(shape: tuple[int, ...]) -> None:
    a = f32(*shape)
    check("geqrf", a, rtol=1e-4, atol=1e-5)
    if a.ndim != 2:
        return
    packed, factors = run("torch.geqrf", a)
    if shape[0] >= shape[1]:
        check("orgqr", packed, factors, rtol=1e-4, atol=1e-5)
    for left in (True, False):
        for transpose in (True, False):
            c = f32(shape[0], 2) if left else f32(2, shape[0])
            check("ormqr", packed, factors, c, left, transpose, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6)])
def test_lstsq(shape: tuple[int, int]) -> None:
    a, b = f32(*shape), f32(shape[0], 2)
    x, _ = run("torch.lstsq", b, a)
    assert x.shape == (max(shape), 2)
    want = torch.linalg.lstsq(t(a), t(b)).solution
    same(x[: shape[1]], want, 1e-3, 1e-4)
    if shape[0] > shape[1]:
        left = np.sum((b - a @ x[: shape[1]]) ** 2, 0)
        np.testing.assert_allclose(np.sum(x[shape[1] :] ** 2, 0), left, rtol=1e-4)


@pytest.mark.parametrize("shape", [(4, 4), (2, 4, 4), (5, 3), (2, 3, 5)])
def test_lu(shape: tuple[int, ...]) -> None:
    a = f32(*shape)
    check("lu", a, rtol=1e-4, atol=1e-5)
    check("lu", a, get_infos=True, rtol=1e-4, atol=1e-5)
    factors, pivots = run(".lu", a)
    p, lower, upper = run("torch.lu_unpack", factors, pivots)
    same([p, lower, upper], torch.lu_unpack(t(factors), t(pivots)))
    np.testing.assert_allclose(p @ lower @ upper, a, atol=1e-5)
    assert run("torch.lu_unpack", factors, pivots, unpack_pivots=False)[0].shape == (0,)
    if shape[-1] == shape[-2]:
        b = f32(*shape[:-1], 3)
        check("lu_solve", b, factors, pivots, rtol=1e-3, atol=1e-4)
    factors, pivots = run("torch.lu", well(), pivot=False)
    assert list(pivots) == [1, 2, 3, 4]


def test_singular_lu() -> None:
    a = np.zeros((2, 2), np.float32)
    with pytest.raises(np.linalg.LinAlgError):
        run("torch.lu", a)
    assert run("torch.lu", a, get_infos=True)[2] == 1


def test_solve() -> None:
    a, b = well(2, 1), f32(3, 4, 2)
    x, factors = run("torch.solve", b, a)
    same(x, torch.linalg.solve(t(a), t(b)), 1e-4, 1e-5)
    assert factors.shape == (2, 3, 4, 4)
    same(factors[0, 0], torch.linalg.lu_factor(t(a[0, 0]))[0], 1e-4, 1e-5)


@pytest.mark.parametrize("flags", [(u, tr, one) for u in (0, 1) for tr in (0, 1) for one in (0, 1)])
def test_triangular_solve(flags: tuple[int, int, int]) -> None:
    a, b = well(2), f32(2, 4, 3)
    check("triangular_solve", b, a, *map(bool, flags), rtol=1e-4, atol=1e-5)


def test_matrix_rank() -> None:
    a = f32(5, 2) @ f32(2, 4)
    same(run("torch.matrix_rank", a), torch.linalg.matrix_rank(t(a)))
    s = a.T @ a
    same(run("torch.matrix_rank", s, True), torch.linalg.matrix_rank(t(s), hermitian=True))
    assert run("torch.matrix_rank", np.diag([1, 0.1, 0.01]), 0.05) == 2
    assert run("torch.matrix_rank", np.zeros((3, 3))) == 0


def test_norms() -> None:
    a = f32(3, 4)
    check("nuclear_norm", a, rtol=1e-5)
    check("nuclear_norm", f32(2, 3, 4), [0, 2], True, rtol=1e-5)
    check("norm", a, "nuc", rtol=1e-5)
    check("norm", a, "fro", rtol=1e-5)
    check("norm", f32(2, 3, 4), "nuc", [-1, 0], rtol=1e-5)
    check("frobenius_norm", f32(2, 3, 4), [0, 2], rtol=1e-5)
    for dim in (-1, 0, 1, 2):
        check("norm_except_dim", f32(2, 3, 4), 2, dim, rtol=1e-5)


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.0, math.inf])
def test_distances(p: float) -> None:
    x, y = f32(5, 3), f32(4, 3)
    check("pdist", x, p, rtol=1e-5)
    check("cdist", x, y, p, rtol=1e-5, atol=1e-6)
    check("dist", x, f32(5, 3), p, rtol=1e-5)


# -- sets, layouts -----------------------------------------------------------------------------


def flags(*names: str) -> list[dict[str, bool]]:
    return [{n: bool(k & 1 << i) for i, n in enumerate(names)} for k in range(1 << len(names))]


@pytest.mark.parametrize("asked", flags("return_inverse", "return_counts"))
@pytest.mark.parametrize("name", ["unique", "unique_consecutive"])
def test_unique(name: str, asked: dict[str, bool]) -> None:
    x = RNG.integers(0, 3, (4, 5))
    check(name, x, **asked)
    check(name, x.astype(np.float32), **asked)
    check(name, np.zeros((0,), np.float32), **asked)
    y = x[[0, 0, 1, 3, 3, 1]]
    for dim in (0, 1, -1):
        check(name, y, dim=dim, **asked)


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_mode(dim: int, keepdim: bool) -> None:
    x = RNG.integers(0, 4, (6, 7))
    values, where = run("torch.mode", x, dim, keepdim)
    want = torch.mode(t(x), dim, keepdim)
    same(values, want[0])
    same(where, want[1])
    same(run(".mode", x.astype(np.float32))[0], torch.mode(t(x.astype(np.float32)))[0])


def test_products_of_sets() -> None:
    check("cartesian_prod", np.arange(3), np.arange(2) + 5, np.array([7]))
    check("cartesian_prod", np.arange(3))
    for r in (1, 2, 3, 6):
        for again in (False, True):
            check("combinations", f32(4), r, again)
    check("combinations", np.zeros(0, np.float32))


def test_as_strided() -> None:
    x = f32(3, 4)
    check("as_strided", x, [2, 2], [1, 4])
    check("as_strided", x, [2, 3, 2], [1, 2, 0], 3)
    assert np.shares_memory(run(".as_strided", x, [2], [4]), x)
    for size, stride, offset in (
        ([13], [1], 0),
        ([2], [-1], 3),
        ([2, 2], [8, 4], 0),
        ([1], [1], 12),
    ):
        with pytest.raises(ValueError, match="stride"):
            run("torch.as_strided", x, size, stride, offset)


def test_resize() -> None:
    for size in ([2, 2], [6], [4, 3]):
        x = f32(3, 4)
        same(run(".resize_", x, size), t(x).resize_(size))
    assert run(".resize_", f32(2), 5).shape == (5,)
    assert run(".resize_as_", f32(3, 4), f32(2, 2)).shape == (2, 2)


def test_put() -> None:
    for accumulate in (False, True):
        x, index, source = f32(3, 4), np.array([[0, -1], [5, 5]]), np.ones((2, 2), np.float32)
        want = t(x).put_(t(index), t(source), accumulate)
        same(run(".put_", x, index, source, accumulate), want)
        same(x, want)


def test_sum_to_size() -> None:
    x = f32(2, 3, 4)
    for size in ([3, 4], [1, 4], [2, 1, 4], [1, 1, 1], [], [2, 3, 4]):
        same(run(".sum_to_size", x, size), t(x).sum_to_size(size), 1e-5)


def test_renorm() -> None:
    x = f32(3, 4, 2)
    for p in (1, 2, 3.5):
        for dim in (0, 1, -1):
            check("renorm", x, p, dim, 1.5, rtol=1e-5)
    table_, index = 3 * f32(5, 3), np.array([0, 3, 3])
    want = torch.embedding_renorm_(t(table_), t(index), 1.0, 2.0)
    same(run("torch.embedding_renorm_", table_, index, 1.0, 2.0), want, 1e-5)


def test_small_ones() -> None:
    check("diagflat", f32(2, 2), -1)
    check("diagflat", np.array(3.0), 2)
    check("tril_indices", 3, 5, -1)
    check("triu_indices", 4, 2, 1)
    check("range", 1, 4)
    check("range", 1.0, 4.0, 0.7)
    check("range", 5, 1, -2)
    check("logspace", -2, 3, 7, rtol=1e-5)
    check("logspace", 0, 5, 6, 2.0, rtol=1e-5)
    check("trapz", f32(3, 4))
    check("trapz", f32(3, 4), dx=0.5, dim=0)
    check("trapz", f32(3, 4), np.array([0, 1, 3, 7], np.float32))
    check("trapz", f32(3, 4), f32(3, 4), dim=0)
    check("trapz", np.arange(6).reshape(2, 3))
    check("trapz", f32(4), np.arange(4))


# -- Fourier transforms ---------------------------------------------------------------------------


def pairs(value: Any) -> Array:
    return torch.view_as_real(value).numpy()


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_fft(n: int, normalized: bool) -> None:
    norm, dims = "ortho" if normalized else "backward", list(range(-n, 0))
    x = f32(2, 3, 4, 5, 2)
    value = torch.view_as_complex(t(x))
    for name in ("fft", "ifft"):
        want = getattr(torch.fft, f"{name}n")(value, dim=dims, norm=norm)
        same(run(f"torch.{name}", x, n, normalized), pairs(want), 1e-5, 1e-5)
    real = f32(2, 3, 4, 5)
    want = torch.fft.rfftn(t(real), dim=dims, norm=norm)
    same(run(".rfft", real, n, normalized), pairs(want), 1e-5, 1e-5)
    whole = torch.fft.fftn(t(real), dim=dims, norm=norm)
    same(run("torch.rfft", real, n, normalized, False), pairs(whole), 1e-5, 1e-5)
    sizes = list(real.shape[-n:])
    back = run("torch.irfft", pairs(want), n, normalized, True, sizes)
    same(back, real, 1e-4, 1e-5)
    same(run("torch.irfft", pairs(whole), n, normalized, False), real, 1e-4, 1e-5)
    even = torch.fft.irfftn(want, dim=dims, norm=norm)
    same(run("torch.irfft", pairs(want), n, normalized), even, 1e-4, 1e-5)


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("onesided", [False, True])
def test_stft(center: bool, onesided: bool) -> None:
    for signal, window, n_fft, hop, width, mode in (
        (f32(40), None, 8, None, None, "reflect"),
        (f32(3, 41), np.hanning(7).astype(np.float32), 9, 3, 7, "constant"),
        (f32(2, 30), np.ones(6, np.float32), 6, 5, 6, "replicate"),
    ):
        for normalized in (False, True):
            args = (n_fft, hop, width)
            want = torch.stft(
                t(signal), *args, t(window) if window is not None else None, center, mode,
                normalized, onesided, return_complex=True,
            )  # fmt: skip
            got = run("torch.stft", signal, *args, window, center, mode, normalized, onesided)
            same(got, pairs(want), 1e-4, 1e-5)


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman", "bartlett"])
@pytest.mark.parametrize("periodic", [False, True])
def test_windows(name: str, periodic: bool) -> None:
    for length in (0, 1, 2, 7, 8):
        check(f"{name}_window", length, periodic, atol=1e-6)


# -- corners of dtypes -----------------------------------------------------------------------------


def test_reflected_division() -> None:
    for self in (np.array([2, 3]), f32(3), f32(3).astype(np.float64), np.array([True, False])):
        for other in (np.array(1.5), np.array(2), f32(1), 3, 2.5):
            same(run(".__rtruediv__", self, other), t(self).__rtruediv__(t(other)), 1e-7)


def test_powers_of_bools() -> None:
    ones = np.array([True, False])
    same(run(".__pow__", ones, 2), t(ones) ** 2)
    same(run("torch.square", ones), torch.square(t(ones)))
