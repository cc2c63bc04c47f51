"""Commands that draw random numbers: dtype and shape as torch's, and the same distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from syft_web.ops import chance, table  # noqa: E402
from tests.conformance.torch_sweep import Case, call, counterpart, from_torch, to_torch  # noqa: E402

N = 4000
ZEROS = np.zeros(N, np.float32)
HALF = np.full(N, 0.5, np.float32)
RAMP = np.linspace(0.0, 6.0, N).astype(np.float32)
LOGITS = np.tile(np.array([[0.0, 1.0, 2.0]], np.float32), (N, 1))
IMAGE = np.ones((40, 50, 3, 2), np.float32)

DRAWN: dict[str, list[Case]] = {
    "torch.rand": [call(N), call([N], dtype="torch.float64")],
    "torch.randn": [call(N), call([50, 80])],
    "torch.rand_like": [call(ZEROS), call(ZEROS.astype(np.float64))],
    "torch.randn_like": [call(ZEROS)],
    "torch.randint": [call(7, [N]), call(-3, 4, [N]), call(5, [N], dtype="torch.float32")],
    "torch.randint_like": [call(ZEROS, 9), call(ZEROS, -2, 5)],
    "torch.randperm": [call(N)],
    "torch.bernoulli": [call(HALF), call(RAMP / 6)],
    ".bernoulli": [call(ZEROS, 0.3)],
    ".bernoulli_": [call(HALF.copy(), 0.3), call(HALF.copy())],
    ".normal_": [call(ZEROS), call(ZEROS, 2.0, 3.0)],
    ".uniform_": [call(ZEROS), call(ZEROS, -1.0, 3.0)],
    ".exponential_": [call(ZEROS), call(ZEROS, 2.0)],
    ".geometric_": [call(ZEROS, 0.3)],
    ".log_normal_": [call(ZEROS), call(ZEROS, 0.5, 0.5)],
    ".cauchy_": [call(ZEROS), call(ZEROS, 1.0, 2.0)],
    ".random_": [call(ZEROS, 10), call(ZEROS, 5, 9), call(ZEROS.astype(np.int64), 10)],
    "torch.normal": [call(ZEROS, HALF), call(RAMP, 2.0), call(1.0, 2.0, [N])],
    "torch.poisson": [call(RAMP)],
    "torch.multinomial": [call(np.array([1, 2, 3, 0], np.float32), N, True)],
    "torch.nn.functional.dropout": [call(RAMP, 0.3), call(RAMP, 0.7, True)],
    "torch.dropout": [call(RAMP, 0.3, True)],
    "torch.nn.functional.dropout2d": [call(IMAGE, 0.3)],
    "torch.nn.functional.alpha_dropout": [call(RAMP, 0.3, True)],
    "torch.nn.functional.rrelu": [call(RAMP - 3, 0.1, 0.5, True)],
    "torch.nn.functional.gumbel_softmax": [call(LOGITS), call(LOGITS, 0.5, True)],
}


def ours(name: str, case: Case) -> np.ndarray:
    op = table.lookup(name.removeprefix("."), method=name.startswith("."))
    assert op is not None
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in case.args]
    bound = op.bind(args, case.kwargs)
    with np.errstate(all="ignore"):
        found: Any = bound.rule(*bound.values)
    assert type(found) is np.ndarray
    return found


def theirs(name: str, case: Case) -> np.ndarray:
    function = counterpart(name)
    assert function is not None
    kwargs = {k: to_torch(v) for k, v in case.kwargs.items()}
    return from_torch(function(*map(to_torch, case.args), **kwargs))[0]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """The largest distance of the two empirical distribution functions (Kolmogorov, Smirnov)."""
    x, y = (np.sort(v.ravel().astype(np.float64)) for v in (a, b))
    places = np.unique(np.concatenate([x, y]))
    shares = [np.searchsorted(v, places, side="right") / v.size for v in (x, y)]
    return float(np.max(np.abs(shares[0] - shares[1])))


@pytest.mark.parametrize("name", DRAWN)
def test_distribution(name: str) -> None:
    chance.reseed(11)
    torch.manual_seed(12)
    for case in DRAWN[name]:
        got, want = ours(name, case), theirs(name, case)
        assert (got.dtype, got.shape) == (want.dtype, want.shape), case
        # Equal distributions of so many numbers are this far apart once in a million times.
        independent = 2000 if "dropout2d" in name else N
        assert distance(got, want) < 2.7 * np.sqrt(2 / independent), case


def test_a_permutation_holds_each_number_once() -> None:
    assert sorted(ours("torch.randperm", call(50)).tolist()) == list(range(50))


def test_drawing_without_putting_back() -> None:
    weights = np.array([[1, 1, 0, 1], [0, 5, 5, 0]], np.float32)
    for _ in range(20):
        got = ours("torch.multinomial", call(weights, 2))
        assert got.shape == (2, 2)
        assert got.dtype == np.int64
        assert not set(got[0]) & {2}
        assert set(got[1]) == {1, 2}


@pytest.mark.parametrize("name", ["torch.nn.functional.dropout", "torch.nn.functional.dropout2d"])
def test_what_is_kept_is_scaled(name: str) -> None:
    got = ours(name, call(IMAGE, 0.25))
    assert set(np.unique(got).tolist()) == {0.0, float(np.float32(1 / 0.75))}
    planes = got.reshape(40, 50, -1)
    if name.endswith("2d"):
        assert np.all(planes == planes[..., :1])  # whole channels


def test_a_seed_repeats() -> None:
    for command in ("torch.rand", "torch.randn"):
        ours("torch.manual_seed", call(5))
        first = ours(command, call(9))
        ours("torch.manual_seed", call(5))
        np.testing.assert_array_equal(ours(command, call(9)), first)
