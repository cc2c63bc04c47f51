"""Chains of element-by-element operations, without kernels; with them: kernel_checks.py."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.kernels import Chain
from syft_web.kernels.chain import OPERATIONS
from syft_web.kernels.limits import CHAIN_BLOCK

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


MOMENTUM = Chain(
    # parameter, gradient, velocity; new velocity, new parameter; decay, factor, rate; one between
    3, 2, (), 3, 1,
    (
        ("mul", 8, (0, 5)), ("add", 8, (1, 8)), ("mul", 3, (2, 6)), ("add", 3, (3, 8)),
        ("mul", 8, (3, 7)), ("sub", 4, (0, 8)),
    ),
    (-1, -1),
)  # fmt: skip


def momentum(w: np.ndarray, g: np.ndarray, v: np.ndarray, *numbers: np.ndarray) -> list:
    decay, factor, rate = numbers
    v = v * factor + (g + w * decay)
    return [v, w - v * rate]


@pytest.mark.parametrize("size", [1, 5, CHAIN_BLOCK - 1, CHAIN_BLOCK, 2 * CHAIN_BLOCK + 3])
@pytest.mark.parametrize("takes", [(-1, -1), (2, 1), (-1, 1)])
def test_momentum(size: int, takes: tuple[int, int]) -> None:
    arrays = [normal(size, 2) for _ in range(3)]
    numbers = [np.array(x, np.float32) for x in (0.01, [0.9], 0.1)]
    wanted = momentum(*arrays, *numbers)
    chain = Chain(3, 2, (), 3, 1, MOMENTUM.code, takes)
    before = [x.copy() for x in arrays]
    got = chain(*arrays, *numbers)
    for ours, theirs, take in zip(got, wanted, takes, strict=True):
        assert ours.tobytes() == theirs.tobytes()
        assert take < 0 or ours is arrays[take]
    untouched = {0, 1, 2} - set(takes)
    assert all(np.array_equal(arrays[i], before[i]) for i in untouched)


def test_what_is_not_in_order_is_not_taken_over() -> None:
    arrays = [normal(3, 200).T, normal(200, 6)[:, ::2], normal(200, 3)]
    numbers = [np.array(x, np.float32) for x in (0.01, 0.9, 0.1)]
    wanted = momentum(*arrays, *numbers)
    got = Chain(3, 2, (), 3, 1, MOMENTUM.code, (2, 1))(*arrays, *numbers)
    assert [x.tobytes() for x in got] == [np.ascontiguousarray(x).tobytes() for x in wanted]
    assert got[0] is arrays[2]
    assert got[1] is not arrays[1]


def test_each_operation() -> None:
    x, y = normal(40), normal(40)
    x[:3] = np.nan, np.inf, -0.0
    with np.errstate(all="ignore"):
        root = np.sqrt(x)
    wanted = {
        "add": x + y, "sub": x - y, "mul": x * y, "div": x / y, "neg": -x, "sqrt": root,
        "abs": abs(x), "exp": np.exp(x), "tanh": np.tanh(x), "sigmoid": 1 / (1 + np.exp(-x)),
        "relu": np.maximum(x, np.float32(0)), "threshold_backward": np.where(y <= 0, 0, x),
    }  # fmt: skip
    assert wanted.keys() == OPERATIONS.keys()
    for name, result in wanted.items():
        operands = (
            (0,) if name in ("neg", "sqrt", "abs", "exp", "tanh", "sigmoid", "relu") else (0, 1)
        )
        chain = Chain(2, 1, (), 0, 0, ((name, 2, operands),), (-1,))
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(chain(x, y), result, err_msg=name)
