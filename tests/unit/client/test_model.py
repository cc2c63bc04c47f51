from __future__ import annotations

import numpy as np
import pytest

from syft_web.client.model import Model
from syft_web.errors import DecodeError, ModelError
from syft_web.plan.state import State


def model() -> Model:
    return Model([np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(2, np.float32)])


def test_diff_is_original_minus_trained():
    trained = [param - 0.5 for param in model().params]
    diff = State.loads(model().create_serialized_diff(trained)).tensors
    assert [tensor.dtype for tensor in diff] == [np.float32, np.float32]
    for tensor in diff:
        np.testing.assert_array_equal(tensor, np.full(tensor.shape, 0.5, np.float32))


def test_diff_is_computed_in_single_precision():
    original = Model([np.float32([1e8, 1])])
    trained = [np.float32([1e8 + 8, 1 + 1e-7])]
    (diff,) = State.loads(original.create_serialized_diff(trained)).tensors
    np.testing.assert_array_equal(diff, original.params[0] - trained[0])


def test_diff_from_a_model():
    trained = Model([param * 2 for param in model().params])
    assert model().create_serialized_diff_from_model(trained) == model().create_serialized_diff(
        trained.params
    )


def test_diff_keeps_the_model_s_dtype():
    trained = [param.astype(np.float64) + 1 for param in model().params]
    assert {tensor.dtype for tensor in model().diff(trained)} == {np.dtype(np.float32)}


def test_diff_of_integers_and_flags():
    (diff,) = Model([np.int64([5, 2**60])]).diff([np.int64([3, 2**60 - 1])])
    np.testing.assert_array_equal(diff, [2, 1])
    assert diff.dtype == np.int64
    (diff,) = Model([np.array([True, False])]).diff([np.array([True, True])])
    assert diff.dtype == np.bool_


def test_scalars_and_empty_tensors():
    (scalar, empty) = Model([np.float32(3), np.zeros((0, 2), np.float32)]).diff(
        [np.float32(1), np.zeros((0, 2), np.float32)]
    )
    assert scalar.shape == ()
    assert float(scalar) == 2
    assert empty.shape == (0, 2)


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        ([], "2 parameters, the trained list 0"),
        ([np.ones((2, 3)), np.ones(3)], r"parameter 1 has shape \[3\], the model's has \[2\]"),
        ([np.ones((3, 2)), np.ones(2)], "parameter 0"),
        ([np.full((2, 3), np.nan), np.ones(2)], "parameter 0.*not finite"),
        ([np.ones((2, 3)), np.array([1, np.inf])], "parameter 1.*not finite"),
        ([np.ones((2, 3)), np.array(["a", "b"])], "dtype"),
        ([np.ones((2, 3)), np.array([1j, 2])], "dtype"),
    ],
)
def test_parameters_that_do_not_fit(trained, words):
    with pytest.raises(ModelError, match=words):
        model().create_serialized_diff(trained)


def test_round_trip_keeps_parameters_what_they_are():
    state = State.of([np.ones((2, 2), np.float32)], requires_grad=True)
    loaded = Model.loads(state.dumps())
    np.testing.assert_array_equal(loaded.params[0], state.tensors[0])
    assert State.loads(loaded.dumps()).entries[0].is_param
    loaded.params[0] = np.zeros((2, 2), np.float32)
    again = State.loads(loaded.dumps())
    assert again.entries[0].is_param
    np.testing.assert_array_equal(again.tensors[0], 0)


def test_what_is_no_model():
    with pytest.raises(ModelError, match="no parameters"):
        Model.loads(b"")
    with pytest.raises(DecodeError):
        Model.loads(b"AAAAA")


def test_repr_shows_shapes_not_values():
    assert repr(model()) == "Model(float32[2, 3], float32[2])"
