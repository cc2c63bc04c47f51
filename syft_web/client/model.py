"""The parameters of a model, and the difference that training made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from syft_web.errors import ModelError
from syft_web.plan.state import State

__all__ = ["Model"]


class Model:
    """A model as the grid knows it: an ordered list of tensors.

    Args:
        params: The parameters, in the order of the model's State.
        state: The State they came from, when they came from one; its layout (ids, parameter or
            plain tensor) is kept by `dumps`.
    """

    def __init__(self, params: Iterable[np.ndarray], state: State | None = None) -> None:
        self.params: list[np.ndarray] = [np.asarray(param) for param in params]
        self._state = state

    @classmethod
    def loads(cls, data: bytes | bytearray | memoryview) -> Model:
        """Read a serialized State (protobuf).

        Raises:
            DecodeError: The bytes are no State.
            ModelError: The State holds no tensor.
        """
        state = State.loads(data)
        if not state.tensors:
            raise ModelError("The model holds no parameters: its State is empty.")
        return cls(state.tensors, state)

    def dumps(self) -> bytes:
        """The parameters as a serialized State (protobuf)."""
        if self._state is not None:
            return self._state.with_tensors(self.params).dumps()
        return State.of(self.params).dumps()

    def create_serialized_diff(self, params: Sequence[np.ndarray]) -> bytes:
        """What to report after training: original minus trained, as a serialized State.

        Args:
            params: The trained parameters: as many as the model has, of the same shapes.

        Raises:
            ModelError: They do not fit the model, or hold values that are not finite.
        """
        return State.of(self.diff(params)).dumps()

    def create_serialized_diff_from_model(self, model: Model) -> bytes:
        """The same for a trained `Model`."""
        return self.create_serialized_diff(model.params)

    def diff(self, params: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Original minus trained, tensor by tensor, in the model's own dtypes.

        Raises:
            ModelError: As for `create_serialized_diff`.
        """
        if len(params) != len(self.params):
            raise ModelError(
                f"The model has {len(self.params)} parameters, the trained list {len(params)}. "
                "Give every parameter, in the model's order."
            )
        return [
            _difference(index, original, np.asarray(trained))
            for index, (original, trained) in enumerate(zip(self.params, params, strict=True))
        ]

    def __repr__(self) -> str:
        shapes = ", ".join(f"{param.dtype}{list(param.shape)}" for param in self.params)
        return f"Model({shapes})"


def _difference(index: int, original: np.ndarray, trained: np.ndarray) -> np.ndarray:
    if trained.shape != original.shape:
        raise ModelError(
            f"Trained parameter {index} has shape {list(trained.shape)}, the model's has "
            f"{list(original.shape)}."
        )
    if trained.dtype.kind not in "fiub":
        raise ModelError(f"Trained parameter {index} has dtype {trained.dtype}, not a number.")
    difference = np.subtract(original, trained, dtype=_arithmetic(original.dtype))
    if not np.isfinite(difference).all():
        raise ModelError(
            f"Trained parameter {index} holds values that are not finite (NaN or infinity). "
            "Training diverged: a smaller learning rate may help."
        )
    result: np.ndarray = difference.astype(original.dtype, copy=False)
    return result


def _arithmetic(dtype: np.dtype) -> np.dtype:
    """The dtype to subtract in: bool has no difference of its own."""
    return np.dtype(np.int8) if dtype.kind == "b" else dtype
