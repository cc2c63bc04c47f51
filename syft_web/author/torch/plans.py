"""The functions of this package that users call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from syft_web.author.torch.capture import Capture
from syft_web.author.torch.cleanup import clean_up
from syft_web.author.torch.commands import operation_name
from syft_web.author.torch.compat import DECOMPOSITIONS, check_compat, tfjs_role
from syft_web.author.torch.decompositions import fallbacks
from syft_web.author.torch.export import reject_own_tensors, to_numpy, to_role, unsupported
from syft_web.author.torch.faults import WatchedSizes, check_batch_size
from syft_web.author.torch.metrics import Metrics
from syft_web.author.torch.optimizers import OptimizerStep
from syft_web.author.torch.parts import Inference, ModelTensors, TrainingStep
from syft_web.errors import CaptureError, UnsupportedOpError
from syft_web.plan.plan import Plan, State
from syft_web.plan.state import StateEntry
from syft_web.plan.values import Placeholder

__all__ = ["inference_plan", "model_state", "training_plan"]

Buffers = Literal["model", "worker"]
Compat = Literal["syft.js"] | None
Tensors = Tensor | Sequence[Tensor]


def training_plan(
    model: nn.Module,
    loss: Callable[..., Any],
    optimizer: torch.optim.Optimizer,
    example_inputs: Tensors,
    example_targets: Tensors,
    *,
    metrics: Metrics = None,
    hyperparameters: Sequence[str] = ("lr",),
    buffers: Buffers = "model",
    dynamic_batch: bool = True,
    compat: Compat = None,
    name: str = "training_plan",
    description: str = "",
) -> Plan:
    """One training step of a torch module as a Plan.

    The plan's inputs are, in order: data, targets, hyperparameters, parameters, buffers,
    optimizer state. Its outputs: loss, metrics, and what changed of the last three. What
    each is, its placeholder's tags say (`syft_web.plan.signature`).

    Args:
        model: Any module whose ways do not depend on the values of tensors. If it is in
            evaluation mode, it is captured in training mode. It is not changed.
        loss: A loss module, or a function of (output, *targets) that gives one number.
        optimizer: An instance of ``torch.optim`` over the model's parameters. Only its
            settings are read; its state starts anew with every cycle.
        example_inputs: One tensor or several, the arguments of the model. Shapes and dtypes
            count, values do not. The first dimension is the batch.
        example_targets: One tensor or several: class numbers, one-hot rows, numbers, ...
        metrics: ``"accuracy"``, functions of (output, *targets), or a mapping of names to
            functions. By default the accuracy, where the targets are classes.
        hyperparameters: Those that are inputs, fed from the client config by these names;
            all others are constants of the plan. Where parameter groups differ in one, the
            input is that of the first group, and the others keep their ratio.
        buffers: Whether buffers that change (running statistics) belong to the ``"model"``,
            so that they are reported and averaged as parameters are, or to the ``"worker"``.
        dynamic_batch: Whether the plan is to run at any batch size.
        compat: ``"syft.js"`` adds a second role that the original syft.js executes, and the
            batch size as an input behind the targets. For dense models trained by SGD without
            momentum on one-hot or soft labels, or on numbers.
        name: Name of the plan.
        description: Free text.

    Raises:
        CaptureError: Something cannot be captured; names the line and a way out.
    """
    step = TrainingStep(
        model, loss, optimizer, _listed(example_inputs), _listed(example_targets),
        metrics=metrics, hosted_buffers=buffers == "model",
        batch_size=compat is not None,
        hyperparameters=(
            (hyperparameters,) if isinstance(hyperparameters, str) else hyperparameters
        ),
    )  # fmt: skip
    return _plan(step, dynamic_batch, compat, name, description)


def inference_plan(
    model: nn.Module,
    example_inputs: Tensors,
    *,
    buffers: Buffers = "model",
    dynamic_batch: bool = True,
    compat: Compat = None,
    name: str = "inference_plan",
    description: str = "",
) -> Plan:
    """What a torch module answers as a Plan.

    Its inputs are the module's arguments and the tensors of `model_state`, its outputs are
    the module's (nested ones flattened, dicts by sorted key).

    Args:
        model: The module; captured in evaluation mode, and not changed.
        example_inputs: As in `training_plan`.
        buffers: As in `training_plan`, and as given there. With ``"worker"`` their present
            values become constants of the plan.
        dynamic_batch: Whether the plan is to run at any batch size.
        compat: As in `training_plan`.
        name: Name of the plan.
        description: Free text.

    Raises:
        CaptureError: Something cannot be captured; names the line and a way out.
    """
    step = Inference(model, _listed(example_inputs), hosted_buffers=buffers == "model")
    return _plan(step, dynamic_batch, compat, name, description)


def model_state(
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    buffers: Buffers = "model",
) -> State:
    """The tensors that are hosted as the model: parameters, then lasting buffers.

    Args:
        model: The module.
        optimizer: Not needed: its state belongs to the workers, starts anew with every
            cycle, and is never hosted. If given, it is checked that it fits the model.
        buffers: As in `training_plan`, and as given there.

    Raises:
        CaptureError: A dtype that a plan cannot hold, or an optimizer of another model.
    """
    tensors = ModelTensors(model, hosted_buffers=buffers == "model")
    if optimizer is not None:
        OptimizerStep(optimizer, tensors.names, ())
    placeholders: list[Placeholder] = []
    entries: list[StateEntry] = []
    for name, i in tensors.hosted.items():
        param = name in tensors.params
        array = to_numpy(tensors.params[name] if param else tensors.buffers[name])
        tags = (f"#name:{name}", f"#state-{i}")
        placeholders.append(Placeholder(i, tags, "", array.shape or None))
        entries.append(
            StateEntry(
                array,
                id=i,
                is_param=param,
                requires_grad=name in tensors.trainable,
                param_id=i,
            )
        )
    return State(tuple(placeholders), tuple(entries))


def _plan(
    step: TrainingStep | Inference, dynamic: bool, compat: Compat, name: str, description: str
) -> Plan:
    """Capture a step and write it down, in one role or two."""
    _check_compat_name(compat)
    if compat:
        check_compat(step.inputs)
    batch = _batch_positions(step) if dynamic else []
    graph, sizes = _captured(step, batch, DECOMPOSITIONS if compat else {})
    check_batch_size(sizes)
    reject_own_tensors(graph, step.tensors.all())
    inputs = [
        replace(slot, shape=(None, *(slot.shape or ())[1:])) if i in batch else slot
        for i, slot in enumerate(step.inputs)
    ]
    shapes = [tuple(x.shape) for x in step.examples]
    role = to_role(graph, inputs, step.outputs, shapes)
    more = {"tfjs": tfjs_role(graph, inputs, step.outputs, shapes)} if compat else {}
    plan = Plan.from_role(role, name=name, description=description, extra_roles=more)
    for framework in more:
        replace(plan, framework=framework).validate()
    return plan


def _check_compat_name(compat: Compat) -> None:
    if compat not in (None, "syft.js"):
        raise CaptureError(f"compat is 'syft.js' or nothing, not {compat!r}.")


def _captured(
    step: TrainingStep | Inference, batch: Collection[int], wanted: Mapping[Any, Any]
) -> tuple[GraphModule, WatchedSizes]:
    """The graph of a step, shortened, of operations that the op table has.

    Args:
        step: What to capture.
        batch: Positions of the arguments whose first dimension is the batch.
        wanted: Operations that are to be recorded in other words in any case.
    """
    # Torch takes a size of 1 for a constant.
    examples = [
        torch.cat([x, x]) if i in batch and x.shape[0] == 1 else x
        for i, x in enumerate(step.examples)
    ]
    capture = Capture(step, examples, batch)
    with (
        _mode(step.model, step.training),
        torch.random.fork_rng(devices=[]),
        torch.inference_mode(False),
    ):
        graph, sizes = capture.graph(wanted)
        missing = unsupported(clean_up(graph))
        if missing:
            graph, sizes = capture.graph({**fallbacks(missing), **wanted})
            missing = unsupported(clean_up(graph))
            if missing:
                raise _unsupported(missing, capture)
    return graph, sizes


def _batch_positions(step: TrainingStep | Inference) -> list[int]:
    """The data and targets whose first dimension is the batch: that of the first."""
    first = step.examples[0]
    if not first.dim() or not first.shape[0]:
        raise CaptureError(
            "The first example input must have at least one dimension, the batch, and one row; "
            f"its shape is {tuple(first.shape)}. Or capture with dynamic_batch=False."
        )
    return [
        i
        for i, (slot, x) in enumerate(zip(step.inputs, step.examples, strict=True))
        if slot.kind in ("data", "target") and x.dim() and x.shape[0] == first.shape[0]
    ]


@contextlib.contextmanager
def _mode(model: nn.Module, training: bool) -> Iterator[None]:
    """The module in training or evaluation mode, and afterwards each part as it was.

    A module that is in training mode already is left alone: parts of it may be in evaluation
    mode on purpose (frozen statistics).
    """
    before = [(module, module.training) for module in model.modules()]
    try:
        if model.training != training or not training:
            model.train(training)
        yield
    finally:
        for module, mode in before:
            module.training = mode


def _unsupported(missing: Mapping[Any, int], capture: Capture) -> UnsupportedOpError:
    lines = capture.lines_of(set(missing))
    names = sorted(operation_name(operation) for operation in missing)
    places = sorted(set(lines.values()))
    return UnsupportedOpError(
        f"The op table lacks {', '.join(names)}, and torch cannot express "
        f"{'it' if len(names) == 1 else 'them'} by others. Write that part with other operations."
        + "".join(f"\n  at {line}" for line in places[:5]),
        operations=names,
        where=places[0] if places else "",
    )


def _listed(tensors: Tensors) -> list[Tensor]:
    found = [tensors] if isinstance(tensors, Tensor | np.ndarray) else list(tensors)
    found = [torch.from_numpy(t.copy()) if isinstance(t, np.ndarray) else t for t in found]
    if not found or not all(isinstance(t, Tensor) for t in found):
        raise CaptureError("Examples must be a tensor, or a list or tuple of tensors.")
    return [t.detach() for t in found]
