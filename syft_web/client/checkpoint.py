"""Where a training stands, to go on later: PlanTrainerCheckpoint.

The JSON is that of syft.js (protocol.md section 2.4), plus ``seed`` when the data are
shuffled, so that the order of the samples goes on too, ``stateBase64`` when the plan keeps
tensors between steps (an optimizer's momentum), ``noiseSeed`` for the random numbers of the plan
(dropout), and ``epochSums`` for the means of an epoch that was stopped in its middle.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from syft_web.client.model import Model
from syft_web.errors import SyftError, TrainingError
from syft_web.plan.state import State

__all__ = ["PlanTrainerCheckpoint", "check_count"]


@dataclass(frozen=True)
class PlanTrainerCheckpoint:
    """Everything of a `PlanTrainer`'s progress that is not given to it anyway.

    Plan, specs, data and the original model are not stored: give the same ones to
    the trainer that resumes.

    Attributes:
        epochs: Epochs in all.
        batch_size: Samples in a batch; None when the data did not tell.
        epoch: Epoch to go on with, from 0.
        batch: First batch in it that has not been trained on.
        current_model: The model as it stands.
        steps_per_epoch: Limit of batches in an epoch, None without limit.
        client_config: Hyperparameters of the cycle.
        seed: Seed of the shuffle, None when the data were not shuffled.
        state: Tensors that the worker keeps between steps, in order.
        noise_seed: What the plan's random numbers depend on, together with epoch and batch.
        epoch_sums: What the batches of the present epoch gave so far, for its means.

    Raises:
        TrainingError: A number is out of range.
    """

    epochs: int
    batch_size: int | None
    epoch: int
    batch: int
    current_model: Model
    steps_per_epoch: int | None = None
    client_config: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    state: tuple[np.ndarray, ...] = ()
    noise_seed: int | None = None
    epoch_sums: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        check_count("checkpoint: epochs", self.epochs, least=1)
        check_count("checkpoint: epoch", self.epoch, least=0)
        check_count("checkpoint: batch", self.batch, least=0)
        for key in ("batch_size", "steps_per_epoch"):
            if getattr(self, key) is not None:
                check_count(f"checkpoint: {key}", getattr(self, key), least=1)
        for key in ("seed", "noise_seed"):
            if getattr(self, key) is not None:
                check_count(f"checkpoint: {key}", getattr(self, key), least=0)

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``json.dumps``: syft.js's keys, and our own where they are needed."""
        obj = self.position()
        obj["currentModelBase64"] = _base64(self.current_model.dumps())
        if self.state:
            obj["stateBase64"] = _base64(State.of(self.state).dumps())
        return obj

    def position(self) -> dict[str, Any]:
        """The same without the tensors."""
        obj: dict[str, Any] = {
            "epochs": self.epochs,
            "stepsPerEpoch": self.steps_per_epoch,
            "batchSize": self.batch_size,
            "clientConfig": dict(self.client_config),
            "epoch": self.epoch,
            "batch": self.batch,
        }
        own = {"seed": self.seed, "noiseSeed": self.noise_seed, "epochSums": self.epoch_sums}
        return obj | {key: value for key, value in own.items() if value is not None}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> Self:
        """Read what `to_json`, or syft.js, wrote.

        Raises:
            TrainingError: A key is missing or has the wrong kind of value.
        """
        if not isinstance(obj, Mapping):
            raise TrainingError(f"checkpoint: expected an object, got {type(obj).__name__}.")
        missing = {"epochs", "epoch", "batch", "currentModelBase64"} - obj.keys()
        if missing:
            raise TrainingError(f"checkpoint: missing {', '.join(sorted(missing))}.")
        config, sums = obj.get("clientConfig") or {}, obj.get("epochSums")
        for key, value in (("clientConfig", config), ("epochSums", sums)):
            if value is not None and not isinstance(value, Mapping):
                raise TrainingError(
                    f"checkpoint: {key} must be an object, got {type(value).__name__}."
                )
        return cls(
            epochs=obj["epochs"],
            batch_size=obj.get("batchSize"),
            epoch=obj["epoch"],
            batch=obj["batch"],
            current_model=Model(*_tensors(obj, "currentModelBase64")),
            steps_per_epoch=obj.get("stepsPerEpoch"),
            client_config=dict(config),
            seed=obj.get("seed"),
            state=tuple(_tensors(obj, "stateBase64")[0]) if "stateBase64" in obj else (),
            noise_seed=obj.get("noiseSeed"),
            epoch_sums=sums,
        )

    def require_fit(
        self, model: Model, batch_size: int | None, state: Sequence[np.ndarray] = ()
    ) -> None:
        """Check that training of ``model`` can go on from here.

        Args:
            model: The model that training began with.
            batch_size: Samples in a batch of the data, None when any size will do.
            state: First values of the tensors that the plan keeps between steps.

        Raises:
            TrainingError: It has other parameters or kept tensors, or batches of another size.
        """
        if _kinds(state) != _kinds(self.state):
            raise TrainingError(
                "the checkpoint does not hold the tensors that this plan keeps between steps "
                "(number, shapes or dtypes differ); is it of another plan?"
            )
        if _kinds(model.params) != _kinds(self.current_model.params):
            raise TrainingError(
                "the checkpoint's model does not have this model's parameters (number, shapes "
                "or dtypes differ); is it of another job?"
            )
        if batch_size is not None and self.batch_size not in (None, batch_size):
            raise TrainingError(
                f"the checkpoint counts batches of {self.batch_size}, the data come in batches "
                f"of {batch_size}; make the DataLoader with batch_size={self.batch_size}."
            )


def check_count(what: str, value: Any, *, least: int) -> int:
    """``value``, if it is an integer of at least ``least``.

    Raises:
        TrainingError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise TrainingError(f"{what} must be an integer of at least {least}, got {value!r}.")
    return value


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _kinds(tensors: Sequence[np.ndarray]) -> list[tuple[tuple[int, ...], np.dtype]]:
    return [(tensor.shape, tensor.dtype) for tensor in tensors]


def _tensors(obj: Mapping[str, Any], key: str) -> tuple[list[np.ndarray], State]:
    try:
        state = State.loads(base64.b64decode(obj[key], validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise TrainingError(f"checkpoint: {key} is not base64: {error}.") from error
    except SyftError as error:
        raise TrainingError(f"checkpoint: the tensors of {key} cannot be read: {error}") from error
    if not state.tensors:
        raise TrainingError(f"checkpoint: {key} cannot be read: it holds no tensors.")
    return state.tensors, state
