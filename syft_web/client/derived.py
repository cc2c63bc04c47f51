"""Specs for a plan that says itself what its inputs and outputs are.

A plan made by `syft_web.author` carries a `Signature`; with it nobody needs to write
specs by hand, as syft.js wants them.
"""

from __future__ import annotations

from syft_web.client.specs import PlanInputSpec, PlanOutputSpec
from syft_web.errors import TrainingError
from syft_web.plan.plan import Plan
from syft_web.plan.signature import STATEFUL_KINDS, Signature, Slot

__all__ = ["derive_specs"]


def derive_specs(
    plan: Plan, *, has_target: bool
) -> tuple[tuple[PlanInputSpec, ...], tuple[PlanOutputSpec, ...]]:
    """The specs that a plan's signature implies.

    Args:
        plan: A training plan.
        has_target: Whether targets are given apart from the data; otherwise each batch holds
            the data first and the targets after them.

    Raises:
        TrainingError: The plan has no signature, or gives a result that training has no use for.
        PlanInvalidError: Its signature contradicts itself.
    """
    signature = Signature.of(plan)
    if signature is None:
        raise TrainingError(
            f"plan {plan.name!r} does not say what its inputs and outputs are; give inputs and "
            "outputs, one spec for each, in order."
        )
    own = [slot for slot in signature.inputs if _is_own(slot)]
    places = {(slot.kind, slot.index): i for i, slot in enumerate(own)}
    inputs = tuple(_input(slot, signature, places, has_target) for slot in signature.inputs)
    model = {(s.kind, s.index): s.model_index for s in signature.inputs}
    outputs = tuple(_output(slot, places, model, plan.name) for slot in signature.outputs)
    return inputs, outputs


def _is_own(slot: Slot) -> bool:
    """Whether it belongs to the worker: kept between steps, never reported."""
    return slot.kind in STATEFUL_KINDS and slot.model_index is None


def _input(
    slot: Slot, signature: Signature, places: dict[tuple[str, int], int], has_target: bool
) -> PlanInputSpec:
    name = slot.name or None
    if slot.kind in ("data", "target"):
        count = len(signature.positions(slot.kind))
        if has_target:  # One array is the batch itself, not the first of several.
            return PlanInputSpec(slot.kind, index=None if count == 1 else slot.index)
        before = len(signature.positions("data")) if slot.kind == "target" else 0
        return PlanInputSpec(PlanInputSpec.TYPE_DATA, name, before + slot.index)
    if slot.kind == "batch_size":
        return PlanInputSpec(PlanInputSpec.TYPE_BATCH_SIZE)
    if slot.kind == "client_config":
        return PlanInputSpec(PlanInputSpec.TYPE_CLIENT_CONFIG_PARAM, name)
    if slot.model_index is not None:
        return PlanInputSpec(PlanInputSpec.TYPE_MODEL_PARAM, name, slot.model_index)
    place = places[slot.kind, slot.index]
    return PlanInputSpec(PlanInputSpec.TYPE_STATE, name, place, slot.start())


def _output(
    slot: Slot,
    places: dict[tuple[str, int], int],
    model: dict[tuple[str, int], int | None],
    plan: str,
) -> PlanOutputSpec:
    key, name = (slot.kind, slot.index), slot.name or None
    if slot.kind == "loss":
        return PlanOutputSpec(PlanOutputSpec.TYPE_LOSS)
    if slot.kind == "metric":
        return PlanOutputSpec(PlanOutputSpec.TYPE_METRIC, name, slot.index)
    if key in places:
        return PlanOutputSpec(PlanOutputSpec.TYPE_STATE, name, places[key])
    if model.get(key) is not None:
        return PlanOutputSpec(PlanOutputSpec.TYPE_MODEL_PARAM, name, model[key])
    raise TrainingError(
        f"plan {plan!r} gives a {slot.kind} ({slot.name!r}), which training has no use for. Is it "
        "a plan for inference? Run that with plan.execute."
    )
