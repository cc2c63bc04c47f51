"""Estimates of operations and of temporary memory."""

from __future__ import annotations

from typing import Any

import pytest

from syft_web.ops import infer
from syft_web.ops.infer.scratch import scratch_of
from syft_web.ops.infer.work import extent, work_of
from tests.unit.ops.infer.test_rules import row_of, spec


def work(command: str, *args: Any, **kwargs: Any) -> int:
    row, values = row_of(command, *args, **kwargs)
    return work_of(row, values, infer.result_specs(row, values))


def scratch(command: str, *args: Any, **kwargs: Any) -> int:
    row, values = row_of(command, *args, **kwargs)
    return scratch_of(row, values, infer.result_specs(row, values))


@pytest.mark.parametrize(
    ("command", "args", "wanted"),
    [
        ("torch.matmul", (spec(64, 784), spec(784, 392)), 2 * 64 * 784 * 392),
        ("torch.matmul", (spec(5, 64, 7), spec(7, 3)), 2 * 5 * 64 * 7 * 3),
        ("torch.mm", (spec(2, 3), spec(3, 4)), 48),
        ("torch.mv", (spec(2, 3), spec(3)), 12),
        ("torch.dot", (spec(9), spec(9)), 18),
        ("torch.addmm", (spec(4), spec(2, 3), spec(3, 4)), 48),
        ("torch.nn.functional.linear", (spec(64, 784), spec(10, 784)), 2 * 64 * 784 * 10),
        ("torch.einsum", ("ij,jk->ik", [spec(2, 3), spec(3, 4)]), 48),
        ("torch.conv2d", (spec(1, 3, 8, 8), spec(4, 3, 3, 3)), 2 * 27 * 4 * 36),
        ("torch.add", (spec(3, 1), spec(4)), 12),
        ("torch.sum", (spec(100, 10),), 1000),
        ("torch.inverse", (spec(10, 10),), 2000),
        (".t", (spec(100, 10),), 0),
    ],
)
def test_work(command: str, args: tuple[Any, ...], wanted: int) -> None:
    assert work(command, *args) == wanted


def test_loops_in_python_count() -> None:
    few = work("torch.max_pool2d", spec(1, 1, 100, 100), [2])
    many = work("torch.max_pool2d", spec(1, 1, 100, 100), [50])
    assert many > 100 * few


def test_empty_dimensions_hide_nothing() -> None:
    assert extent(spec(0, 10**6)) == 10**6


def test_scratch() -> None:
    image, weight = spec(1, 1, 8, 8), spec(1, 1, 3, 3)
    small = scratch("torch.conv2d", image, weight)
    assert small < 10_000
    assert scratch("torch.conv2d", image, weight, None, [10**5], [10**5]) > 10**10
    assert scratch("torch.cdist", spec(10, 4), spec(20, 4)) == 2 * 10 * 20 * 4 * 4
    assert scratch("torch.add", spec(10), spec(10)) == 0
    # The batch goes through in slices.
    alone = scratch("torch.conv2d", spec(1, 64, 56, 56), spec(64, 64, 3, 3))
    assert scratch("torch.conv2d", spec(64, 64, 56, 56), spec(64, 64, 3, 3)) == alone
