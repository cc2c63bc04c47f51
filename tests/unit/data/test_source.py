"""syft_web.data.source: whatever the trainer is given, read the same way."""

import numpy as np
import pytest

from syft_web.data import DataLoader
from syft_web.data.source import open_source
from syft_web.errors import DataError

X, Y = np.arange(10), np.arange(10) * 10


def test_arrays_are_cut_in_order_and_the_rest_is_left_out():
    source = open_source(X, Y, 4)
    batches = [(x.tolist(), y.tolist()) for x, y in source.batches(0, 0)]
    assert batches == [([0, 1, 2, 3], [0, 10, 20, 30]), ([4, 5, 6, 7], [40, 50, 60, 70])]
    assert [x.tolist() for x, _ in source.batches(3, 1)] == [[4, 5, 6, 7]]
    assert (source.batch_size, source.seed) == (4, None)


def test_array_without_target():
    assert [target for _, target in open_source(X, None, 5).batches(0, 0)] == [None, None]


def test_loader_has_its_own_batch_size_and_seed():
    source = open_source(DataLoader(X, batch_size=3, seed=7), None, 64)
    assert (source.batch_size, source.seed) == (3, 7)
    assert open_source(DataLoader(X, shuffle=False), None, 64).seed is None


def test_a_stored_seed_replaces_the_loaders():
    loader = DataLoader(X, batch_size=3, seed=7)
    other = DataLoader(X, batch_size=3, seed=1)
    ours = [b[0].tolist() for b, _ in open_source(other, None, None, seed=7).batches(2, 1)]
    assert ours == [b[0].tolist() for b in loader.batches(2, 1)]


def test_a_list_of_batches_is_read_again_every_epoch():
    batches = [{"x": X}, {"x": Y}]
    source = open_source(batches, None, None)
    assert [b for b, _ in source.batches(0, 0)] == [b for b, _ in source.batches(1, 0)] == batches
    assert [b for b, _ in source.batches(1, 1)] == batches[1:]
    assert source.batch_size is None


@pytest.mark.parametrize(
    ("data", "target", "size", "words"),
    [
        (X, Y, None, "batch size is needed"),
        (X, Y[:5], 2, r"10 samples, target has shape \(5,\)"),
        (np.array(1.0), None, 2, "scalar"),
        (DataLoader(X), Y, 2, "target goes with an array"),
        (iter([X]), None, 2, "once per epoch"),
        ((x for x in [X]), None, 2, "generator"),
        (3, None, 2, "int"),
    ],
)
def test_what_makes_no_sense(data, target, size, words):
    with pytest.raises(DataError, match=words):
        open_source(data, target, size)
