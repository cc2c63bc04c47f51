"""What a `PlanTrainer` is told, checked and filled up; and reading its batches."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from syft_web.client.checkpoint import check_count
from syft_web.client.derived import derive_specs
from syft_web.client.specs import PlanInputSpec, PlanOutputSpec
from syft_web.client.training_events import Number
from syft_web.data.dataset import Batch, samples_in
from syft_web.data.source import BatchSource
from syft_web.errors import DataError, SyftError, TrainingError
from syft_web.plan.plan import Plan

__all__ = ["Sleep", "count_of", "plain", "read_batches", "size_of", "specs_of"]


class Sleep(Protocol):
    """``asyncio.sleep`` or a host's own."""

    def __call__(self, seconds: float, /) -> Awaitable[None]:
        """Give way to others for that long."""


def count_of(name: str, given: int | None, config: Mapping[str, Any], key: str) -> int | None:
    """A number as given, or else as the client config has it.

    Raises:
        TrainingError: It is no integer of at least 1.
    """
    value, what = (given, name) if given is not None else (config.get(key), f"client_config {key}")
    return None if value is None else check_count(what, value, least=1)


def specs_of(
    plan: Plan,
    inputs: Sequence[PlanInputSpec] | None,
    outputs: Sequence[PlanOutputSpec] | None,
    *,
    has_target: bool,
) -> tuple[tuple[PlanInputSpec, ...], tuple[PlanOutputSpec, ...]]:
    """The specs as given, or else as the plan itself says.

    Raises:
        TrainingError: Only one of both is given, or the plan does not say.
    """
    if inputs is None and outputs is None:
        return derive_specs(plan, has_target=has_target)
    if inputs is None or outputs is None:
        raise TrainingError("give both inputs and outputs, or neither.")
    return tuple(inputs), tuple(outputs)


def size_of(batch: Batch) -> int | None:
    """Samples in the batch, None when its structure does not tell."""
    try:
        return samples_in(batch)
    except DataError:
        return None


def plain(value: np.ndarray) -> Number:
    """A tensor as a number if it has one element, else as nested lists."""
    number: Number = value.item() if value.size == 1 else value.tolist()
    return number


def read_batches(
    source: BatchSource, epoch: int, start: int, limit: int | None
) -> Iterator[tuple[Batch, Batch | None]]:
    """Pairs of data and target of an epoch, from batch ``start`` up to ``limit``.

    Raises:
        TrainingError: The data could not be read.
    """
    batch = start
    try:
        batches = source.batches(epoch, start)
        while limit is None or batch < limit:
            pair = next(batches, None)
            if pair is None:
                return
            yield pair
            batch += 1
    except SyftError:
        raise
    except Exception as error:
        raise TrainingError(
            f"epoch {epoch}, batch {batch}: the data could not be read: "
            f"{type(error).__name__}: {error}"
        ) from error
