"""The kernels' functions where numpy does everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web import kernels
from syft_web.kernels import matrix

SIZES = st.integers(0, 9)


def _normal(seed: int, *shape: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@given(SIZES, SIZES, SIZES, st.booleans(), st.booleans(), st.sampled_from([1.0, -0.5]))
def test_product_is_numpys(
    m: int, k: int, n: int, relu: bool, with_bias: bool, alpha: float
) -> None:
    a, b = _normal(1, m, k), _normal(2, k, n)
    bias = _normal(3, n) if with_bias else None
    wanted = np.float32(alpha) * (a @ b) + (0 if bias is None else bias)
    wanted = np.maximum(wanted, 0) if relu else wanted
    found = kernels.matmul(a, b, bias=bias, relu=relu, alpha=alpha)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize(
    ("left", "right"),
    [((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)), ((5, 1, 2, 3), (6, 3, 4))],
)
def test_shapes_and_dtypes_of_numpy(
    left: tuple[int, ...], right: tuple[int, ...], dtype: type
) -> None:
    a, b = (_normal(1, *left) * 9).astype(dtype), (_normal(2, *right) * 9).astype(dtype)
    found = kernels.matmul(a, b)
    assert isinstance(found, np.ndarray)
    assert found.dtype == dtype
    assert np.array_equal(found, np.matmul(a, b))


def test_result_is_written_and_added() -> None:
    a, b = _normal(1, 7, 5), _normal(2, 5, 6)
    out = np.ones((6, 7), np.float32).T
    assert kernels.matmul(a, b, out=out) is out
    np.testing.assert_allclose(out, a @ b, rtol=1e-5, atol=1e-6)
    kernels.matmul(a, b, out=out, accumulate=True, alpha=2.0)
    np.testing.assert_allclose(out, 3 * (a @ b), rtol=1e-5, atol=1e-5)


def test_adding_makes_no_whole_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "ACCUMULATE_BLOCK", 12)
    made = []

    def watched(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        found = np.asarray(a @ b)
        made.append(found.size)
        return found

    monkeypatch.setattr(np, "matmul", watched)
    a, b, out = _normal(1, 11, 3), _normal(2, 3, 5), np.zeros((11, 5), np.float32)
    kernels.matmul(a, b, out=out, accumulate=True, bias=np.ones(5, np.float32), relu=True)
    np.testing.assert_allclose(out, np.maximum(a @ b + 1, 0), rtol=1e-5, atol=1e-6)
    assert max(made) <= 12


def test_output_that_is_an_operand() -> None:
    a = _normal(1, 6, 6)
    wanted = a + a.T @ a
    kernels.matmul(a.T, a, out=a, accumulate=True)
    np.testing.assert_allclose(a, wanted, rtol=1e-5, atol=1e-5)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="mismatch"):
        kernels.matmul(_normal(1, 2, 3), _normal(2, 4, 5))


def test_functions_that_need_kernels_say_that_they_do_not_apply() -> None:
    x = _normal(1, 4, 5)
    assert kernels.exp(x) is None
    assert kernels.softmax(x) is None
    assert kernels.softmax_backward(x, x) is None
    assert kernels.sum_axis(x, 0) is None
    assert kernels.layer_norm(x, 1, None, None, 1e-5) is None
    assert kernels.relu_backward(x, x) is None
    image, weight = _normal(1, 1, 1, 5, 5), _normal(2, 1, 1, 3, 3)
    assert kernels.conv2d(image, weight, None, (1, 1), (0, 0), (1, 1), 1) is None
    assert kernels.max_pool(image, (2, 2), (2, 2), (0, 0), (1, 1), (2, 2)) is None
