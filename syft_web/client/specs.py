"""What a plan's inputs and outputs mean to the trainer.

A Plan is a function of unnamed tensors. A list of `PlanInputSpec`, one for each
input, says where each comes from; a list of `PlanOutputSpec`, one for each
output, says what each is. Names and texts are those of syft.js
(protocol.md section 2.4)::

    inputs = [
        PlanInputSpec(PlanInputSpec.TYPE_DATA, index=0),
        PlanInputSpec(PlanInputSpec.TYPE_DATA, index=1),
        PlanInputSpec(PlanInputSpec.TYPE_BATCH_SIZE),
        PlanInputSpec(PlanInputSpec.TYPE_CLIENT_CONFIG_PARAM, name="lr"),
        PlanInputSpec(PlanInputSpec.TYPE_MODEL_PARAM, index=0),
    ]
    outputs = [
        PlanOutputSpec(PlanOutputSpec.TYPE_LOSS),
        PlanOutputSpec(PlanOutputSpec.TYPE_METRIC, name="accuracy"),
        PlanOutputSpec(PlanOutputSpec.TYPE_MODEL_PARAM, index=0),
    ]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from syft_web.errors import TrainingError
from syft_web.plan.plan import Plan

__all__ = [
    "PlanInputSpec",
    "PlanOutputSpec",
    "StepResult",
    "check_specs",
    "read_outputs",
    "resolve_inputs",
]


@dataclass(frozen=True)
class PlanInputSpec:
    """Where one input of a plan comes from.

    Attributes:
        type: One of the ``TYPE_`` texts.
        name: Key within the source, e.g. ``"lr"`` in the client config.
        index: Position within the source, e.g. 0 for the first array of a batch.
        value: The value itself, for ``TYPE_VALUE``; the first value, for ``TYPE_STATE``: a
            tensor that the worker keeps from step to step and never reports, such as an
            optimizer's momentum (not in syft.js).

    Of ``index``, ``name`` and nothing, the first that is given picks: an element, an
    entry, or the whole source.

    Raises:
        TrainingError: The type is unknown, or lacks what it needs.
    """

    TYPE_DATA: ClassVar[str] = "data"
    TYPE_TARGET: ClassVar[str] = "target"
    TYPE_BATCH_SIZE: ClassVar[str] = "batchSize"
    TYPE_CLIENT_CONFIG_PARAM: ClassVar[str] = "clientConfigParam"
    TYPE_VALUE: ClassVar[str] = "value"
    TYPE_MODEL_PARAM: ClassVar[str] = "modelParam"
    TYPE_STATE: ClassVar[str] = "state"
    TYPES: ClassVar[tuple[str, ...]] = (
        TYPE_DATA,
        TYPE_TARGET,
        TYPE_BATCH_SIZE,
        TYPE_CLIENT_CONFIG_PARAM,
        TYPE_VALUE,
        TYPE_MODEL_PARAM,
        TYPE_STATE,
    )

    type: str
    name: str | None = None
    index: int | None = None
    value: Any = None

    def __post_init__(self) -> None:
        _check_common("PlanInputSpec", self.type, self.TYPES, self.name, self.index)
        if self.type == self.TYPE_VALUE and self.value is None:
            raise TrainingError("PlanInputSpec of type 'value' needs a value.")
        if self.type == self.TYPE_MODEL_PARAM and self.index is None:
            raise TrainingError("PlanInputSpec of type 'modelParam' needs an index.")
        if self.type == self.TYPE_STATE and (self.index is None or self.value is None):
            raise TrainingError("PlanInputSpec of type 'state' needs an index and a first value.")
        if self.type == self.TYPE_CLIENT_CONFIG_PARAM and self.name is None:
            raise TrainingError("PlanInputSpec of type 'clientConfigParam' needs a name.")

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> Self:
        """Make one from ``{"type", "name", "index", "value"}``, as a page sends it."""
        return cls(**_fields("PlanInputSpec", obj, ("type", "name", "index", "value")))


@dataclass(frozen=True)
class PlanOutputSpec:
    """What one output of a plan is.

    Attributes:
        type: One of the ``TYPE_`` texts.
        name: Of a metric.
        index: Of a model parameter, or of a tensor of the worker's own (``TYPE_STATE``).

    Raises:
        TrainingError: The type is unknown, or lacks what it needs.
    """

    TYPE_LOSS: ClassVar[str] = "loss"
    TYPE_METRIC: ClassVar[str] = "metric"
    TYPE_MODEL_PARAM: ClassVar[str] = "modelParam"
    TYPE_STATE: ClassVar[str] = "state"
    TYPES: ClassVar[tuple[str, ...]] = (TYPE_LOSS, TYPE_METRIC, TYPE_MODEL_PARAM, TYPE_STATE)

    type: str
    name: str | None = None
    index: int | None = None

    def __post_init__(self) -> None:
        _check_common("PlanOutputSpec", self.type, self.TYPES, self.name, self.index)
        if self.type == self.TYPE_METRIC and self.name is None and self.index is None:
            raise TrainingError("PlanOutputSpec of type 'metric' needs a name.")
        if self.type in (self.TYPE_MODEL_PARAM, self.TYPE_STATE) and self.index is None:
            raise TrainingError(f"PlanOutputSpec of type {self.type!r} needs an index.")

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> Self:
        """Make one from ``{"type", "name", "index"}``, as a page sends it."""
        return cls(**_fields("PlanOutputSpec", obj, ("type", "name", "index")))


@dataclass
class StepResult:
    """The outputs of one step, sorted by what they are.

    Attributes:
        params: New model parameters by index; those absent did not change.
        loss: The loss, None when the plan gives none.
        metrics: Each metric by name (by its index as text when it has no name).
        state: New tensors of the worker's own by index.
    """

    params: dict[int, np.ndarray] = field(default_factory=dict)
    loss: np.ndarray | None = None
    metrics: dict[str, np.ndarray] = field(default_factory=dict)
    state: dict[int, np.ndarray] = field(default_factory=dict)


def check_specs(
    plan: Plan,
    params: int,
    inputs: Sequence[PlanInputSpec],
    outputs: Sequence[PlanOutputSpec],
    *,
    client_config: Mapping[str, Any],
    has_target: bool,
) -> None:
    """Find before training what would go wrong at its first step.

    Args:
        plan: The plan that the specs are for.
        params: Number of the model's parameters.
        inputs: What each input of the plan is.
        outputs: What each output of the plan is.
        client_config: Hyperparameters of the cycle.
        has_target: Whether there are targets apart from the data.

    Raises:
        TrainingError: Not one spec for each input and output, or one that means
            something that is not there.
    """
    for kind, given, wanted in (
        ("input", len(inputs), len(plan.inputs)),
        ("output", len(outputs), len(plan.outputs)),
    ):
        if given != wanted:
            raise TrainingError(
                f"plan {plan.name!r} has {wanted} {kind}s, but {given} {kind} specs were given; "
                "give one for each, in order."
            )
    both: list[PlanInputSpec | PlanOutputSpec] = [*inputs, *outputs]
    for spec in both:
        if spec.type == PlanInputSpec.TYPE_MODEL_PARAM and (spec.index or 0) >= params:
            raise TrainingError(
                f"a spec means model parameter {spec.index}, but the model has {params} "
                "parameters, counted from 0."
            )
    if len({(spec.type, spec.index, spec.name) for spec in outputs}) < len(outputs):
        raise TrainingError("two output specs are the same; each output needs its own.")
    _check_state(inputs, outputs)
    types = {spec.type for spec in inputs}
    if PlanInputSpec.TYPE_TARGET in types and not has_target:
        raise TrainingError(
            "an input spec is of type 'target', but no target was given; with a DataLoader, "
            "use type 'data' with an index."
        )
    for name in (s.name for s in inputs if s.type == PlanInputSpec.TYPE_CLIENT_CONFIG_PARAM):
        if name not in client_config:
            known = ", ".join(map(repr, client_config)) or "nothing"
            raise TrainingError(
                f"an input spec means {name!r} of the client config, which has {known}; host "
                "the model with it, or use type 'value'."
            )


def _check_state(inputs: Sequence[PlanInputSpec], outputs: Sequence[PlanOutputSpec]) -> None:
    indices = sorted(s.index or 0 for s in inputs if s.type == PlanInputSpec.TYPE_STATE)
    if indices != list(range(len(indices))):
        raise TrainingError("input specs of type 'state' must have the indices 0, 1, 2, ...")
    for spec in outputs:
        if spec.type == PlanOutputSpec.TYPE_STATE and spec.index not in indices:
            raise TrainingError(
                f"an output spec means state {spec.index}, which no input spec has; give it a "
                "first value with an input spec of type 'state'."
            )


def resolve_inputs(specs: Sequence[PlanInputSpec], sources: Mapping[str, Any]) -> list[Any]:
    """Collect a plan's arguments.

    Args:
        specs: One for each input.
        sources: By type: the data batch, target batch, batch size, client config, model
            parameters and the worker's own state.

    Raises:
        TrainingError: A source has no such element; the message names the input.
    """
    return [_resolve(position, spec, sources) for position, spec in enumerate(specs)]


def read_outputs(specs: Sequence[PlanOutputSpec], outputs: Sequence[np.ndarray]) -> StepResult:
    """Sort a plan's outputs by what the specs say they are."""
    result = StepResult()
    for spec, value in zip(specs, outputs, strict=True):
        if spec.index is not None and spec.type == PlanOutputSpec.TYPE_MODEL_PARAM:
            result.params[spec.index] = value
        elif spec.index is not None and spec.type == PlanOutputSpec.TYPE_STATE:
            result.state[spec.index] = value
        elif spec.type == PlanOutputSpec.TYPE_LOSS:
            result.loss = value
        else:
            result.metrics[spec.name if spec.name is not None else str(spec.index)] = value
    return result


def _resolve(position: int, spec: PlanInputSpec, sources: Mapping[str, Any]) -> Any:
    if spec.type == PlanInputSpec.TYPE_VALUE:
        return spec.value
    source = sources.get(spec.type)
    where = f"plan input {position} ({spec.type})"
    if source is None:
        raise TrainingError(f"{where}: there is no {spec.type}; check data and target.")
    key: int | str | None = spec.name if spec.index is None else spec.index
    if key is None:
        return source
    try:
        return source[key]
    except (LookupError, TypeError) as error:
        raise TrainingError(f"{where}: nothing under {key!r} in {_outline(source)}.") from error


def _outline(source: Any) -> str:
    """What a source looks like, without its contents."""
    if isinstance(source, Mapping):
        return f"a dict with the keys {', '.join(map(repr, source)) or '(none)'}"
    if isinstance(source, np.ndarray):
        return f"an array of shape {source.shape}"
    if isinstance(source, Sequence):
        return f"a {type(source).__name__} of {len(source)}"
    return f"a {type(source).__name__}"


def _check_common(
    kind: str, type_: str, types: Sequence[str], name: str | None, index: int | None
) -> None:
    if type_ not in types:
        raise TrainingError(f"{kind}: no type {type_!r}; the types are {', '.join(types)}.")
    if name is not None and not isinstance(name, str):
        raise TrainingError(f"{kind} of type {type_!r}: name must be a text, got {name!r}.")
    if index is not None and (isinstance(index, bool) or not isinstance(index, int) or index < 0):
        raise TrainingError(f"{kind} of type {type_!r}: index must be 0 or more, got {index!r}.")


def _fields(kind: str, obj: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    if not isinstance(obj, Mapping) or "type" not in obj:
        raise TrainingError(f"{kind}: expected an object with a type, got {type(obj).__name__}.")
    return {name: obj[name] for name in names if name in obj}
