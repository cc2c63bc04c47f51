"""From the reports of a cycle to new parameters (protocol.md section 3.8).

An `Aggregator` takes one diff after the other, in order of assignment, and gives their
average; `new_parameters` subtracts it from the model. A diff is original minus trained,
so subtracting moves the model towards what was learned.

The arithmetic is PyGrid's: sums from left to right in the model's own dtype, one
division at the end. Results equal its checkpoints bit for bit.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from syft_web.errors import (
    AggregationError,
    DecodeError,
    HostingError,
    ModelError,
    PlanError,
    SyftError,
)
from syft_web.grid import texts
from syft_web.grid.records import Signature
from syft_web.plan import Plan, State

__all__ = [
    "Aggregator",
    "FederatedAverage",
    "IterativePlan",
    "ListPlan",
    "check_diff",
    "load_averaging_plan",
    "make_aggregator",
    "new_parameters",
    "required_diffs",
    "signature_of",
    "state_bytes",
]

Tensors = Sequence[np.ndarray]


class Aggregator(Protocol):
    """A way to average diffs."""

    def add(self, diff: Tensors) -> None:
        """Take the next diff, in order of assignment."""

    def result(self) -> list[np.ndarray]:
        """The averaged diff, one array per parameter.

        Raises:
            AggregationError: No diff was given, or the averaging plan failed.
        """


class FederatedAverage:
    """The mean of all diffs, unweighted. Holds one model in memory however many diffs come."""

    def __init__(self) -> None:
        self._sums: list[np.ndarray] = []
        self._count = 0

    def add(self, diff: Tensors) -> None:
        """Add a diff to the running sums."""
        if not self._count:
            self._sums = [np.array(d, dtype=_sum_dtype(d.dtype)) for d in diff]
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                for total, tensor in zip(self._sums, diff, strict=True):
                    total += tensor
        self._count += 1

    def result(self) -> list[np.ndarray]:
        """The sums divided by the number of diffs."""
        if not self._count:
            raise AggregationError("There are no reports to average.")
        return [total / total.dtype.type(self._count) for total in self._sums]


class IterativePlan:
    """An averaging plan of ``(average so far, next diff, how many so far)``.

    The first diff is the first average; the plan is called for each further one with
    the count as an int64 array of shape (1,).
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._average: list[np.ndarray] = []
        self._count = 0

    def add(self, diff: Tensors) -> None:
        """Fold a diff into the average."""
        if not self._count:
            self._average = [np.array(d) for d in diff]
        else:
            count = np.array([self._count], np.int64)
            self._average = _run(self._plan, self._average, list(diff), count)
        self._count += 1

    def result(self) -> list[np.ndarray]:
        """The average after the last diff."""
        if not self._count:
            raise AggregationError("There are no reports to average.")
        return self._average


class ListPlan:
    """An averaging plan of one argument: the list of all diffs, each a list of arrays."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._diffs: list[list[np.ndarray]] = []

    def add(self, diff: Tensors) -> None:
        """Keep a diff for the one call at the end."""
        self._diffs.append(list(diff))

    def result(self) -> list[np.ndarray]:
        """What the plan makes of all diffs."""
        if not self._diffs:
            raise AggregationError("There are no reports to average.")
        return _run(self._plan, self._diffs)


def load_averaging_plan(data: bytes) -> Plan:
    """The averaging plan in ``data``, checked by our own executor.

    Raises:
        HostingError: It is no plan, or one that cannot be run here.
    """
    try:
        return Plan.loads(data)
    except (DecodeError, PlanError) as error:
        raise HostingError(f"{texts.PLAN_INVALID}: averaging plan: {error}") from error


def required_diffs(plan: Plan, *, iterative: bool, parameters: int) -> int | None:
    """How many diffs an averaging plan is built for, None for any number.

    Args:
        plan: The averaging plan.
        iterative: Its calling convention, ``server_config.iterative_plan``.
        parameters: Number of tensors of the model.

    Raises:
        HostingError: Its inputs or outputs do not fit the model in that convention.
    """
    inputs, outputs = len(plan.inputs), len(plan.outputs)
    if outputs != parameters:
        raise HostingError(
            f"{texts.PLAN_INVALID}: averaging plan: it has {outputs} outputs, the model has "
            f"{parameters} parameters; return one average per parameter"
        )
    if iterative:
        if inputs != 2 * parameters + 1:
            raise HostingError(
                f"{texts.PLAN_INVALID}: averaging plan: it has {inputs} inputs; an iterative one "
                f"needs {2 * parameters + 1} (average and diff, {parameters} each, and the count)"
            )
        return None
    if not inputs or inputs % parameters:
        raise HostingError(
            f"{texts.PLAN_INVALID}: averaging plan: it has {inputs} inputs, no multiple of the "
            f"model's {parameters} parameters; take the list of all diffs, "
            "or set server_config.iterative_plan"
        )
    return inputs // parameters


def make_aggregator(averaging_plan: bytes, *, iterative: bool) -> Aggregator:
    """The way a process averages: its plan, or the mean when the bytes are empty."""
    if not averaging_plan:
        return FederatedAverage()
    plan = load_averaging_plan(averaging_plan)
    return IterativePlan(plan) if iterative else ListPlan(plan)


def new_parameters(parameters: Tensors, average: Tensors) -> list[np.ndarray]:
    """Parameters minus averaged diff, in the parameters' shapes and dtypes.

    Raises:
        AggregationError: The average has other shapes, or the result is not finite.
    """
    if len(average) != len(parameters):
        raise AggregationError(
            f"The averaging plan gave {len(average)} tensors for {len(parameters)} parameters."
        )
    updated: list[np.ndarray] = []
    for index, (old, step) in enumerate(zip(parameters, average, strict=True)):
        if step.shape != old.shape:
            raise AggregationError(
                f"The averaging plan gave shape {step.shape} for parameter {index} "
                f"of shape {old.shape}."
            )
        new = _minus(old, step)
        if new is None:
            raise AggregationError(
                f"Parameter {index} would no longer be a finite {old.dtype}: the reports are "
                "too large to be averaged."
            )
        updated.append(new)
    return updated


def signature_of(tensors: Tensors) -> Signature:
    """The dtype and shape of each tensor."""
    return tuple((str(t.dtype), tuple(int(d) for d in t.shape)) for t in tensors)


def check_diff(data: bytes, signature: Signature) -> list[np.ndarray]:
    """The tensors of a reported diff, if it fits the model.

    Args:
        data: Bytes of a State, original minus trained parameters.
        signature: Of the model.

    Returns:
        One array per parameter; read-only views of ``data`` where possible.

    Raises:
        ModelError: It is no State, has another number of tensors, another shape or
            dtype, or values that are not finite. The text begins with ``Invalid diff``.
    """
    try:
        tensors = State.loads(data).tensors
    except SyftError as error:
        raise ModelError(f"{texts.INVALID_DIFF}: it is not a readable State: {error}") from error
    if len(tensors) != len(signature):
        raise ModelError(
            f"{texts.INVALID_DIFF}: it has {len(tensors)} tensors, the model has {len(signature)}"
        )
    for index, (tensor, (dtype, shape)) in enumerate(zip(tensors, signature, strict=True)):
        if tensor.shape != shape:
            raise ModelError(
                f"{texts.INVALID_DIFF}: tensor {index} has shape {list(tensor.shape)}, "
                f"the model's has {list(shape)}"
            )
        if str(tensor.dtype) != dtype:
            raise ModelError(
                f"{texts.INVALID_DIFF}: tensor {index} is {tensor.dtype}, the model's is {dtype}"
            )
        if not np.isfinite(tensor).all():
            raise ModelError(
                f"{texts.INVALID_DIFF}: tensor {index} has values that are not finite; "
                "training has diverged, try a smaller learning rate"
            )
    return tensors


def state_bytes(tensors: Tensors) -> bytes:
    """A checkpoint as PyGrid writes it: fresh ids, no tags, shapes told, plain tensors."""
    state = State.of(tensors)
    return replace(
        state,
        placeholders=tuple(replace(p, id=_fresh_id(), tags=()) for p in state.placeholders),
        entries=tuple(replace(e, id=_fresh_id()) for e in state.entries),
    ).dumps()


def _run(plan: Plan, *arguments: object) -> list[np.ndarray]:
    try:
        return plan.execute(*arguments)
    except PlanError as error:
        raise AggregationError(f"The averaging plan failed: {error}") from error


def _sum_dtype(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    # Short floats would lose most of a long sum, and integers are divided in the end.
    if dtype.kind != "f":
        return np.dtype(np.float64)
    return np.dtype(np.float32) if dtype.itemsize < 4 else dtype


def _minus(old: np.ndarray, step: np.ndarray) -> np.ndarray | None:
    """``old - step`` in the dtype of ``old``, None where that cannot hold it."""
    if old.dtype.kind in "iu":
        return _whole_minus(old, step)
    with np.errstate(over="ignore", invalid="ignore"):
        new = (old - step).astype(old.dtype, copy=False)
    return new if np.isfinite(new).all() else None


def _whole_minus(old: np.ndarray, step: np.ndarray) -> np.ndarray | None:
    # Counters stay whole numbers. They are subtracted as such: a float64 would round large ones.
    step = np.rint(step)
    if not (np.abs(step) < 2.0 ** min(8 * old.dtype.itemsize, 63)).all():
        return None
    with np.errstate(over="ignore"):
        new = old - step.astype(np.int64).astype(old.dtype)
    # A result that has wrapped around lies on the other side of where it came from.
    return new if (np.sign(step) == (old > new) * 1.0 - (old < new)).all() else None


def _fresh_id() -> int:
    return secrets.randbelow(10**11)
