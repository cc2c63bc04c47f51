"""The functions of this package that users call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import jax
import numpy as np

from syft_web.author.jax import dtypes
from syft_web.author.jax.capture import capture
from syft_web.author.jax.metrics import Metrics
from syft_web.author.jax.optimizers import as_optimizer
from syft_web.author.jax.parts import Inference, ModelArrays, Step, TrainingStep
from syft_web.author.jax.translate import Held, Translator, constant
from syft_web.author.jax.values import Opaque, Value
from syft_web.author.jax.writer import Writer
from syft_web.errors import CaptureError
from syft_web.plan.plan import Plan, Ref, Role, State
from syft_web.plan.signature import Slot
from syft_web.plan.state import StateEntry
from syft_web.plan.values import Placeholder

__all__ = ["inference_plan", "model_state", "training_plan"]

Buffers = Literal["model", "worker"]


def training_plan(
    apply: Callable[..., Any],
    params: Any,
    loss: Callable[..., Any],
    optimizer: Any,
    example_inputs: Any,
    example_targets: Any,
    *,
    state: Any = None,
    random: bool = False,
    metrics: Metrics = None,
    hyperparameters: Mapping[str, float] | None = None,
    buffers: Buffers = "model",
    dynamic_batch: bool = True,
    name: str = "training_plan",
    description: str = "",
) -> Plan:
    """One training step of a function of parameters as a Plan.

    The plan's inputs are, in order: data, targets, hyperparameters, parameters, state,
    optimizer state. Its outputs: loss, metrics, and what changed of the last three. What
    each is, its placeholder's tags say (`syft_web.plan.signature`).

    Args:
        apply: ``(params, *inputs) -> output``; with `state`,
            ``(params, state, *inputs) -> (output, new state)``.
        params: What is trained: float arrays in nested dicts, lists, tuples, or any tree.
        loss: A function of (output, *targets) that gives one number.
        optimizer: `sgd` or `adam` of this package, a gradient transformation of optax, or a
            function that makes one. Its state starts anew with every cycle.
        example_inputs: One array or several. Shapes and dtypes count, values do not. The
            first dimension is the batch.
        example_targets: One array or several: class numbers, one-hot rows, numbers, ...
        state: What else changes in a step, e.g. running statistics: any tree of arrays.
        random: Whether `apply` takes a random key as keyword ``rng``. The worker draws its
            own random numbers instead.
        metrics: ``"accuracy"``, functions of (output, *targets), or a mapping of names to
            functions. By default the accuracy, where the targets are integers.
        hyperparameters: Arguments of an optimizer's function that are inputs of the plan,
            fed from the client config by these names, and their present values.
        buffers: Whether the state belongs to the ``"model"``, so that it is reported and
            averaged as parameters are, or to the ``"worker"``.
        dynamic_batch: Whether the plan is to run at any batch size.
        name: Name of the plan.
        description: Free text.

    Raises:
        CaptureError: Something cannot be captured; names the line and a way out.
    """
    inputs, targets = _listed(example_inputs), _listed(example_targets)
    model = ModelArrays(params, state, hosted_buffers=buffers == "model")
    step = TrainingStep(
        apply, model, loss, as_optimizer(optimizer, hyperparameters), inputs, targets,
        metrics=metrics, random=random,
    )  # fmt: skip
    return _plan(step, dynamic_batch, name, description)


def inference_plan(
    apply: Callable[..., Any],
    params: Any,
    example_inputs: Any,
    *,
    state: Any = None,
    buffers: Buffers = "model",
    dynamic_batch: bool = True,
    name: str = "inference_plan",
    description: str = "",
) -> Plan:
    """What a function of parameters answers as a Plan.

    Its inputs are the function's and the arrays of `model_state`, its outputs are the
    function's (nested ones flattened in jax's order).

    Args:
        apply: As in `training_plan`; a new state that it returns is left out.
        params: As in `training_plan`.
        example_inputs: As in `training_plan`.
        state: As in `training_plan`.
        buffers: As in `training_plan`, and as given there. With ``"worker"`` the present
            values of the state become constants of the plan.
        dynamic_batch: Whether the plan is to run at any batch size.
        name: Name of the plan.
        description: Free text.

    Raises:
        CaptureError: Something cannot be captured; names the line and a way out.
    """
    model = ModelArrays(params, state, hosted_buffers=buffers == "model")
    step = Inference(apply, model, _listed(example_inputs))
    return _plan(step, dynamic_batch, name, description)


def model_state(params: Any, state: Any = None, *, buffers: Buffers = "model") -> State:
    """The tensors that are hosted as the model: parameters, then the state.

    Args:
        params: As in `training_plan`.
        state: As in `training_plan`.
        buffers: As in `training_plan`, and as given there.

    Raises:
        CaptureError: A dtype that a plan cannot hold.
    """
    model = ModelArrays(params, state, hosted_buffers=buffers == "model")
    placeholders: list[Placeholder] = []
    entries: list[StateEntry] = []
    for i, (name, array, is_param) in enumerate(model.tensors()):
        tags = (f"#name:{name}", f"#state-{i}")
        placeholders.append(Placeholder(i, tags, "", array.shape or None))
        entries.append(
            StateEntry(array, id=i, is_param=is_param, requires_grad=is_param, param_id=i)
        )
    return State(tuple(placeholders), tuple(entries))


def _plan(step: Step, dynamic: bool, name: str, description: str) -> Plan:
    batch = _batch_positions(step) if dynamic else []
    closed = capture(step, step.examples, batch)
    own = {id(a) for a in (*step.model.params.arrays, *step.model.buffers.arrays)}
    if any(id(c) in own for c in closed.consts):
        raise CaptureError(
            "The function reaches one of its own parameters in another way than as its argument, "
            "so that its present value would stay in the plan for ever. Use the argument."
        )
    inputs = [
        replace(slot, shape=(None, *(slot.shape or ())[1:])) if slot and i in batch else slot
        for i, slot in enumerate(step.inputs)
    ]
    role = _role(closed, inputs, step.outputs)
    plan = Plan.from_role(role, name=name, description=description)
    plan.validate()
    return plan


def _role(closed: Any, inputs: Sequence[Slot | None], outputs: Sequence[Slot | None]) -> Role:
    """Write a jaxpr as a role."""
    writer = Writer()
    translator = Translator(writer)
    unchanged = _unchanged(closed.jaxpr, inputs, outputs)
    args: list[Held] = []
    for slot, variable in zip(inputs, closed.jaxpr.invars, strict=True):
        args.append(_argument(writer, slot, variable.aval, unchanged))
    consts = [constant(c) for c in closed.consts]
    results = translator.run(closed.jaxpr, consts, args)
    translator.finish()
    named: list[tuple[Slot, Ref]] = []
    for slot, result in zip(outputs, results, strict=True):
        if slot is None or (slot.kind == "buffer" and slot.index in unchanged):
            continue
        if isinstance(result, Opaque):
            raise CaptureError(f"The output {slot.name!r} is a random key, which no plan returns.")
        named.append((slot, translator.ref(result)))
    for slot in inputs:
        if slot is not None and slot.initial is not None and slot.index not in unchanged:
            writer.initial(slot)
    return writer.role(named)


def _argument(writer: Writer, slot: Slot | None, aval: Any, unchanged: set[int]) -> Held:
    shape = tuple(aval.shape)
    if slot is None:
        return Opaque(shape)
    if slot.initial is not None and slot.index in unchanged:
        return constant(slot.initial)
    ref = writer.input(slot)
    if slot.dtype != str(aval.dtype):  # jax has 32 bits where numpy has 64
        ref = writer.emit(dtypes.method(aval.dtype), ref)
    return Value(shape, dtypes.of(aval.dtype), shape, ref)


def _unchanged(
    jaxpr: Any, inputs: Sequence[Slot | None], outputs: Sequence[Slot | None]
) -> set[int]:
    """Indices of the buffers that the step hands through, or does not return."""
    before = {
        s.index: v for s, v in zip(inputs, jaxpr.invars, strict=True) if s and s.kind == "buffer"
    }
    after = {
        s.index: v for s, v in zip(outputs, jaxpr.outvars, strict=True) if s and s.kind == "buffer"
    }
    return {i for i, v in before.items() if i not in after or after[i] is v}


def _batch_positions(step: Step) -> list[int]:
    """The data and targets whose first dimension is the batch: that of the first."""
    first = step.examples[0]
    if not first.shape or not first.shape[0]:
        raise CaptureError(
            "The first example input must have at least one dimension, the batch, and one row; "
            f"its shape is {tuple(first.shape)}. Or capture with dynamic_batch=False."
        )
    return [
        i
        for i, (slot, x) in enumerate(zip(step.inputs, step.examples, strict=True))
        if slot and slot.kind in ("data", "target") and x.shape and x.shape[0] == first.shape[0]
    ]


def _listed(arrays: Any) -> list[Any]:
    found = list(arrays) if isinstance(arrays, list | tuple) else [arrays]
    plain = [a if isinstance(a, jax.Array) else np.asarray(a) for a in found]
    if not plain or any(dtypes.plain(a.dtype) is None for a in plain):
        raise CaptureError("Examples must be an array of numbers, or a list or tuple of them.")
    return plain
