"""Server optimizers against the formulas of Reddi et al. 2021, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syft_web.errors import AggregationError
from syft_web.grid.aggregation import ServerOptimizer, new_parameters, optimized
from syft_web.grid.aggregation.fedadam import FedAdam
from syft_web.grid.aggregation.fedavgm import FedAvgM
from syft_web.grid.aggregation.fedyogi import FedYogi
from tests.grid.talk import small_diff


def walk(
    optimizer: ServerOptimizer, parameters: list[np.ndarray], averages: list[list[np.ndarray]]
) -> list[np.ndarray]:
    memory: list[np.ndarray] = []
    for average in averages:
        step, memory = optimized(optimizer, parameters, average, memory)
        parameters = new_parameters(parameters, step)
    return parameters


def by_definition(
    optimizer: ServerOptimizer, x: np.ndarray, averages: list[np.ndarray]
) -> np.ndarray:
    """One parameter, as the paper has it; its Delta is minus our average."""
    m = np.zeros(x.shape)
    if isinstance(optimizer, FedAvgM):
        for average in averages:
            m = optimizer.momentum * m - average
            x = x + optimizer.lr * m
        return x
    assert isinstance(optimizer, FedAdam)
    v = np.full(x.shape, optimizer.tau**2)
    for average in averages:
        delta = -average
        m = optimizer.beta1 * m + (1 - optimizer.beta1) * delta
        if isinstance(optimizer, FedYogi):
            v = v - (1 - optimizer.beta2) * delta**2 * np.sign(v - delta**2)
        else:
            v = optimizer.beta2 * v + (1 - optimizer.beta2) * delta**2
        x = x + optimizer.lr * m / (np.sqrt(v) + optimizer.tau)
    return x


BETAS = st.floats(0, 0.999)
RATES = st.floats(1e-4, 1)
OPTIMIZERS = st.one_of(
    st.builds(FedAvgM, lr=RATES, momentum=BETAS),
    st.builds(FedAdam, lr=RATES, beta1=BETAS, beta2=BETAS, tau=st.floats(1e-4, 0.1)),
    st.builds(FedYogi, lr=RATES, beta1=BETAS, beta2=BETAS, tau=st.floats(1e-4, 0.1)),
)


@given(
    optimizer=OPTIMIZERS,
    dtype=st.sampled_from([np.float32, np.float64]),
    shape=st.sampled_from([(), (0,), (5,), (2, 3)]),
    steps=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_steps(
    optimizer: ServerOptimizer, dtype: type, shape: tuple[int, ...], steps: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    x: np.ndarray = random.normal(size=shape).astype(dtype)
    averages: list[np.ndarray] = [random.normal(size=shape).astype(dtype) for _ in range(steps)]
    (ours,) = walk(optimizer, [x], [[average] for average in averages])
    assert ours.dtype == dtype
    expected = by_definition(
        optimizer, x.astype(np.float64), [a.astype(np.float64) for a in averages]
    )
    tolerance = 1e-3 if dtype is np.float32 else 1e-9
    np.testing.assert_allclose(ours, expected, rtol=tolerance, atol=tolerance)


def test_momentum_of_nothing_is_plain_averaging_bit_for_bit() -> None:
    parameters = small_diff(0)
    averages = [small_diff(i) for i in range(1, 4)]
    plain = parameters
    for average in averages:
        plain = new_parameters(plain, average)
    ours = walk(FedAvgM(lr=1.0, momentum=0.0), parameters, averages)
    assert [t.tobytes() for t in ours] == [t.tobytes() for t in plain]


@pytest.mark.parametrize("optimizer", [FedAvgM(), FedAdam(), FedYogi()])
def test_memory(optimizer: ServerOptimizer) -> None:
    old: list[np.ndarray] = [
        np.ones(3, np.float16),
        np.array([10], np.int64),
        np.ones((2, 2), np.float32),
    ]
    average: list[np.ndarray] = [
        np.ones(3, np.float32),
        np.array([2.0]),
        np.ones((2, 2), np.float32),
    ]
    step, memory = optimized(optimizer, old, average, [])
    assert [str(t.dtype) for t in memory] == ["float32"] * (2 * optimizer.slots)
    assert new_parameters(old, step)[1].tolist() == [8]  # counters have no momentum
    before = [t.copy() for t in memory]
    for tensor in memory:
        tensor.flags.writeable = False
    optimized(optimizer, old, average, memory)
    assert all(np.array_equal(a, b) for a, b in zip(before, memory, strict=True))


@pytest.mark.parametrize("optimizer", [FedAdam(), FedYogi()])
def test_a_memory_that_would_be_infinite_is_refused(optimizer: ServerOptimizer) -> None:
    with pytest.raises(AggregationError, match="memory of parameter 0 would not be finite"):
        optimized(optimizer, [np.ones(2, np.float32)], [np.full(2, 1e30, np.float32)], [])


def test_an_average_of_another_shape_is_refused() -> None:
    with pytest.raises(AggregationError, match="gave shape"):
        optimized(FedAdam(), [np.ones(2, np.float32)], [np.ones(3, np.float32)], [])
