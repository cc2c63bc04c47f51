"""syft_web.data.sampler: orders are permutations, reproducible, different every epoch."""

import numpy as np
import pytest

from syft_web.data import BatchSampler, RandomSampler, SequentialSampler
from syft_web.errors import DataError


def test_sequential():
    np.testing.assert_array_equal(SequentialSampler(4).order(7), np.arange(4))


@pytest.mark.parametrize("length", [0, 1, 2, 1000])
def test_random_order_is_a_permutation(length):
    order = RandomSampler(length, seed=5).order(0)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(length))


def test_order_depends_on_seed_and_epoch_alone():
    first = RandomSampler(500, 1)
    np.testing.assert_array_equal(first.order(3), RandomSampler(500, 1).order(3))
    assert not np.array_equal(first.order(3), first.order(4))
    assert not np.array_equal(first.order(3), RandomSampler(500, 2).order(3))


def test_this_very_order_is_kept_for_stored_checkpoints():
    np.testing.assert_array_equal(RandomSampler(8, 2024).order(1), [1, 0, 6, 3, 7, 5, 4, 2])


def test_order_is_even():
    """Every sample comes first about equally often."""
    firsts = np.bincount([RandomSampler(4, seed).order(0)[0] for seed in range(4000)])
    assert firsts.min() > 900


@pytest.mark.parametrize(
    ("length", "drop_last", "sizes"),
    [(10, False, [4, 4, 2]), (10, True, [4, 4]), (8, False, [4, 4]), (3, True, []), (0, False, [])],
)
def test_batches(length, drop_last, sizes):
    batches = BatchSampler(SequentialSampler(length), 4, drop_last)
    assert [len(batch) for batch in batches.batches(0)] == sizes
    assert len(batches) == len(sizes)


def test_batches_from_a_position():
    batches = BatchSampler(RandomSampler(10, 1), 4)
    whole = list(batches.batches(2))
    for start in range(4):
        rest = list(batches.batches(2, start))
        assert len(rest) == 3 - start
        for one, other in zip(rest, whole[start:], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "64"])
def test_bad_batch_size(size):
    with pytest.raises(DataError, match="batch size"):
        BatchSampler(SequentialSampler(4), size)
