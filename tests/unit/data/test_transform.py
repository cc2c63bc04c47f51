"""syft_web.data.transform."""

import numpy as np
import pytest

from syft_web.data.transform import Compose, Normalize, OneHot, Scale
from syft_web.errors import DataError

PIXELS = np.arange(256, dtype=np.uint8).reshape(2, 128)


def test_scale_by_division_is_division_to_the_last_bit():
    expected = PIXELS.astype(np.float32) / np.float32(255)
    scaled = Scale(255, divide=True)(PIXELS)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, expected)


def test_scale_multiplies():
    np.testing.assert_array_equal(
        Scale(0.5, "float64")(PIXELS), PIXELS.astype(np.float64) * 0.5, strict=True
    )


def test_the_batch_is_not_changed():
    batch = np.ones((2, 3), np.float32)
    Scale(2.0)(batch)
    Normalize(1.0, 2.0)(batch)
    np.testing.assert_array_equal(batch, np.ones((2, 3), np.float32))


def test_normalize_one_channel_for_all():
    normalized = Normalize(0.1307, 0.3081)(np.full((2, 1, 3), 0.5, np.float32))
    np.testing.assert_allclose(normalized, (0.5 - 0.1307) / 0.3081, rtol=1e-6)
    assert normalized.dtype == np.float32


def test_normalize_each_channel():
    batch = np.ones((5, 3, 2, 2), np.float32)
    normalized = Normalize([0, 1, 2], [1, 2, 4])(batch)
    np.testing.assert_allclose(normalized[0, :, 0, 0], [1, 0, -0.25])


@pytest.mark.parametrize("shape", [(5, 2, 2, 2), (5,), (5, 4)])
def test_normalize_other_number_of_channels(shape):
    with pytest.raises(DataError, match="3 channels"):
        Normalize([0, 1, 2], [1, 1, 1])(np.ones(shape, np.float32))


@pytest.mark.parametrize(("mean", "std"), [([1, 2], [1]), (0, 0), ([0, 0], [1, 0])])
def test_normalize_makes_no_sense(mean, std):
    with pytest.raises(DataError, match="Normalize"):
        Normalize(mean, std)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_one_hot(shape):
    hot = OneHot(4)(np.array([0, 3, 1], np.uint8).reshape(shape))
    np.testing.assert_array_equal(hot, np.eye(4, dtype=np.float32)[[0, 3, 1]], strict=True)


def test_one_hot_of_nothing():
    assert OneHot(4)(np.zeros(0, np.int64)).shape == (0, 4)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([0, 4]), "0 to 4"),
        (np.array([-1, 0]), "-1 to 0"),
        (np.array([0.0, 1.0]), "float64"),
        (np.zeros((2, 2), int), r"\(2, 2\)"),
    ],
)
def test_one_hot_refuses(labels, words):
    with pytest.raises(DataError, match=words):
        OneHot(4)(labels)


def test_compose_applies_first_to_last():
    composed = Compose(Scale(2.0), lambda batch: batch + 1)
    np.testing.assert_array_equal(composed(np.ones(2)), [3, 3])
