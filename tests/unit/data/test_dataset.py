"""syft_web.data.dataset."""

import numpy as np
import pytest

from syft_web.data import ArrayDataset, Dataset
from syft_web.data.dataset import collate, samples_in
from syft_web.data.transform import OneHot, Scale
from syft_web.errors import DataError

IMAGES = np.arange(40, dtype=np.uint8).reshape(10, 4)
LABELS = np.arange(10) % 3


def test_take_and_item_agree_and_are_transformed():
    dataset = ArrayDataset(IMAGES, LABELS, transform=(Scale(2.0), OneHot(3)))
    assert len(dataset) == 10
    images, labels = dataset.take(np.array([3, 1]))
    np.testing.assert_array_equal(images, IMAGES[[3, 1]] * np.float32(2))
    np.testing.assert_array_equal(labels, np.eye(3, dtype=np.float32)[[0, 1]])
    for one, other in zip(dataset[3], (images[0], labels[0]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_negative_index_and_end_of_iteration():
    dataset = ArrayDataset(IMAGES)
    np.testing.assert_array_equal(dataset[-1][0], IMAGES[9])
    assert len(list(dataset)) == 10
    with pytest.raises(IndexError):
        dataset[10]


def test_one_transform_for_one_array():
    (batch,) = ArrayDataset(IMAGES, transform=Scale(1.0)).take(np.array([0]))
    assert batch.dtype == np.float32


def test_shards_cover_everything_once_without_copying():
    dataset = ArrayDataset(IMAGES, LABELS, transform=(Scale(1.0), None))
    shards = [dataset.shard(i, 3) for i in range(3)]
    assert [len(shard) for shard in shards] == [3, 3, 4]
    np.testing.assert_array_equal(np.concatenate([s.arrays[0] for s in shards]), IMAGES)
    assert all(np.shares_memory(shard.arrays[0], IMAGES) for shard in shards)
    assert shards[1][0][0].dtype == np.float32


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (ArrayDataset, "at least one array"),
        (lambda: ArrayDataset(IMAGES, LABELS[:9]), r"\[10, 9\]"),
        (lambda: ArrayDataset(np.float32(3)), "scalar"),
        (lambda: ArrayDataset(IMAGES, LABELS, transform=Scale(1.0)), "1 transforms for 2"),
        (lambda: ArrayDataset(IMAGES).shard(3, 3), "no part 3 of 3"),
    ],
)
def test_mistakes(make, words):
    with pytest.raises(DataError, match=words):
        make()


class Squares(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return {"x": np.full(2, index), "y": index**2}


def test_a_dataset_of_ones_own_is_collated():
    batch = Squares().take(np.array([4, 2]))
    np.testing.assert_array_equal(batch["x"], [[4, 4], [2, 2]])
    np.testing.assert_array_equal(batch["y"], [16, 4])


def test_dataset_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Dataset()


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([{"a": 1}, {"b": 1}], "different keys"),
        ([[1, 2], [1]], "different lengths"),
        ([np.zeros(2), np.zeros(3)], "do not stack"),
        (["text"], "holds str"),
        ([None], "holds NoneType"),
    ],
)
def test_collate_refuses(samples, words):
    with pytest.raises(DataError, match=words):
        collate(samples)


@pytest.mark.parametrize(
    "batch", [np.zeros((3, 2)), [np.zeros(3)], {"a": (np.zeros((3, 1)), np.zeros(7))}]
)
def test_samples_in(batch):
    assert samples_in(batch) == 3


@pytest.mark.parametrize("batch", [[], np.float32(1), "text", {}])
def test_samples_in_nothing(batch):
    with pytest.raises(DataError, match="batch"):
        samples_in(batch)
