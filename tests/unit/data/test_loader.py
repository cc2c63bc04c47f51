"""syft_web.data.loader."""

import json

import numpy as np
import pytest

from syft_web.data import ArrayDataset, DataLoader, Dataset
from syft_web.errors import DataError

NUMBERS = np.arange(10)


def numbers(batches):
    return [batch[0].tolist() for batch in batches]


def test_in_order():
    loader = DataLoader(NUMBERS, batch_size=4, shuffle=False)
    assert len(loader) == 3
    assert numbers(loader) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_drop_last():
    loader = DataLoader(NUMBERS, batch_size=4, shuffle=False, drop_last=True)
    assert numbers(loader) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_every_iteration_is_a_new_epoch_with_its_own_order():
    loader = DataLoader(NUMBERS, batch_size=10, seed=3)
    first, second = numbers(loader), numbers(loader)
    assert sorted(first[0]) == sorted(second[0]) == list(range(10))
    assert first != second
    assert loader.epoch == 2
    assert numbers(loader.batches(0)) == first


def test_two_iterations_at_once_do_not_disturb_each_other():
    loader = DataLoader(NUMBERS, batch_size=2, shuffle=False)
    assert [(a[0][0], b[0][0]) for a, b in zip(loader, loader, strict=True)] == [
        (n, n) for n in range(0, 10, 2)
    ]


def test_goes_on_in_the_middle_with_the_same_samples():
    loader = DataLoader(NUMBERS, batch_size=3, seed=8)
    whole = numbers(loader.batches(5))
    assert numbers(loader.batches(5, start=2)) == whole[2:]
    assert numbers(loader.batches(5, start=4)) == []
    assert numbers(DataLoader(NUMBERS, batch_size=3, seed=9).batches(5, seed=8)) == whole


def test_a_seed_is_drawn_and_can_be_stored():
    seeds = {DataLoader(NUMBERS).seed for _ in range(20)}
    assert len(seeds) > 15
    assert all(json.loads(json.dumps(seed)) == seed < 2**32 for seed in seeds)


def test_samples_before_the_position_are_not_read():
    read = []

    class Watched(Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            read.append(index)
            return np.float32(index)

    list(DataLoader(Watched(), batch_size=2, shuffle=False).batches(0, start=2))
    assert read == [4, 5]


def test_any_sequence_of_samples():
    loader = DataLoader([{"x": 1}, {"x": 2}, {"x": 3}], batch_size=2, shuffle=False)
    assert [batch["x"].tolist() for batch in loader] == [[1, 2], [3]]


def test_empty():
    assert list(DataLoader(np.zeros((0, 4)))) == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DataLoader(iter([1, 2])), "no length"),
        (lambda: DataLoader(NUMBERS, seed=-1), "seed"),
        (lambda: DataLoader(NUMBERS, batch_size=0), "batch size"),
    ],
)
def test_mistakes(make, words):
    with pytest.raises(DataError, match=words):
        make()


def test_a_batch_is_made_whole_and_not_sample_by_sample():
    shapes = []
    dataset = ArrayDataset(
        np.zeros((100, 784), np.uint8), transform=lambda x: shapes.append(x.shape)
    )
    list(DataLoader(dataset, batch_size=64))
    assert shapes == [(64, 784), (36, 784)]
