"""A model's arrays, and its training step and its inference as plain functions of arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from syft_web.author.jax import dtypes
from syft_web.author.jax.metrics import Metrics, named_metrics, single
from syft_web.author.jax.optimizers import Optimizer
from syft_web.errors import CaptureError
from syft_web.plan.signature import Slot

__all__ = ["Inference", "Leaves", "ModelArrays", "Step", "TrainingStep"]

Apply = Callable[..., Any]


class Leaves:
    """Arrays of a tree by name.

    Args:
        tree: Arrays in nested dicts, lists, tuples or other trees of jax.
        what: What they are, for messages.

    Attributes:
        names: One per array, in jax's order: ``"dense.kernel"``.
        arrays: The arrays.

    Raises:
        CaptureError: A leaf that is no array, or of a dtype that a plan cannot hold.
    """

    def __init__(self, tree: Any, what: str) -> None:
        found, self._structure = jax.tree_util.tree_flatten_with_path(tree)
        self.names: list[str] = []
        self.arrays: list[Any] = []
        for path, leaf in found:
            name = _name(path) or what
            if not hasattr(leaf, "dtype") or not hasattr(leaf, "shape"):
                if not isinstance(leaf, bool | int | float):
                    raise CaptureError(f"{what} {name!r} is a {type(leaf).__name__}, no array.")
                leaf = jax.numpy.asarray(leaf)
            self.names.append(name)
            self.arrays.append(leaf)

    def tree(self, arrays: Sequence[Any]) -> Any:
        """The same tree of other arrays."""
        return jax.tree_util.tree_unflatten(self._structure, list(arrays))

    def fits(self, tree: Any) -> bool:
        """Whether another tree has the same structure."""
        structure: Any = jax.tree_util.tree_structure(tree)
        return bool(structure == self._structure)


class ModelArrays:
    """Parameters and state of a model.

    Args:
        params: What is trained.
        state: What else changes, e.g. running statistics; None where nothing does.
        hosted_buffers: Whether the state belongs to the hosted model. Random keys never do,
            for the worker draws its own random numbers.

    Attributes:
        params: The parameters.
        buffers: The state.
        hosted: Names of the arrays of the hosted model, in its order.

    Raises:
        CaptureError: A parameter that cannot be trained.
    """

    def __init__(self, params: Any, state: Any, *, hosted_buffers: bool) -> None:
        self.params = Leaves(params, "parameter")
        self.stateful = state is not None
        self.buffers = Leaves({} if state is None else state, "state")
        for name, array in zip(self.params.names, self.params.arrays, strict=True):
            if not jax.numpy.issubdtype(array.dtype, jax.numpy.floating):
                raise CaptureError(
                    f"Parameter {name!r} is of {array.dtype}, for which there are no gradients. "
                    "Give it as part of the state, or leave it out."
                )
        _check_dtypes(self.params)
        _check_dtypes(self.buffers)
        kept = [n for n, a in zip(self.buffers.names, self.buffers.arrays, strict=True)
                if hosted_buffers and not dtypes.is_random(a.dtype)]  # fmt: skip
        names = [*self.params.names, *(f"state.{n}" if n in self.params.names else n for n in kept)]
        self.hosted = {name: i for i, name in enumerate(names)}
        self._kept = dict(zip(kept, range(len(self.params.names), len(names)), strict=True))

    def slots(self) -> list[Slot | None]:
        """What each array is, parameters first; None for a random key."""
        slots: list[Slot | None] = [
            _slot("model_param", name, i, array, model_index=i)
            for i, (name, array) in enumerate(
                zip(self.params.names, self.params.arrays, strict=True)
            )
        ]
        index = 0
        for name, array in zip(self.buffers.names, self.buffers.arrays, strict=True):
            if dtypes.is_random(array.dtype):
                slots.append(None)
                continue
            place = self._kept.get(name)
            start = None if place is not None else np.asarray(array)
            slots.append(_slot("buffer", name, index, array, model_index=place, initial=start))
            index += 1
        return slots

    def tensors(self) -> list[tuple[str, np.ndarray, bool]]:
        """The hosted model: name, values and whether it is a parameter, of each array."""
        found = [
            (name, np.array(array), True)
            for name, array in zip(self.params.names, self.params.arrays, strict=True)
        ]
        held = dict(zip(self.buffers.names, self.buffers.arrays, strict=True))
        return found + [(name, np.array(held[name]), False) for name in self._kept]


class Step(ABC):
    """A function of arrays that says what each of them is.

    Attributes:
        inputs: What each argument is; None for a random key, which is no input of the plan.
        outputs: What each result is; there once the function has been called. None for a key.
        examples: An example of each argument.
        model: The model's arrays.
    """

    inputs: list[Slot | None]
    outputs: list[Slot | None]
    examples: list[Any]
    model: ModelArrays

    @abstractmethod
    def __call__(self, *arrays: Any) -> list[Any]:
        """Do the step."""


class TrainingStep(Step):
    """One training step; arguments as in `training_plan`."""

    def __init__(
        self,
        apply: Apply,
        model: ModelArrays,
        loss: Callable[..., Any],
        optimizer: Optimizer,
        inputs: Sequence[Any],
        targets: Sequence[Any],
        *,
        metrics: Metrics,
        random: bool,
    ) -> None:
        self.apply, self.model, self.loss, self.optimizer = apply, model, loss, optimizer
        self.metrics = named_metrics(metrics, targets)
        self.hyper = {k: np.asarray(v, np.float32) for k, v in optimizer.hyperparameters.items()}
        self.moving = Leaves(_initial_state(optimizer, model), "optimizer state")
        _check_dtypes(self.moving)
        self.random = random
        groups = [inputs, targets, [*self.hyper.values()], model.params.arrays,
                  model.buffers.arrays, self.moving.arrays, _keys(random)]  # fmt: skip
        self.counts = [len(group) for group in groups]
        self.examples = [array for group in groups for array in group]
        self.inputs = [
            *(_slot("data", "", i, x) for i, x in enumerate(inputs)),
            *(_slot("target", "", i, y) for i, y in enumerate(targets)),
            *(_slot("client_config", k, i, v) for i, (k, v) in enumerate(self.hyper.items())),
            *model.slots(),
            *_state_slots(self.moving),
            *([None] if random else []),
        ]
        self.outputs = []

    def __call__(self, *arrays: Any) -> list[Any]:
        """Do the step; every argument and result is an array."""
        inputs, targets, hyper, params, buffers, moving, keys = _parted(arrays, self.counts)
        tree, state = self.model.params.tree(params), self.model.buffers.tree(buffers)

        def differentiated(tree: Any) -> tuple[Any, tuple[Any, Any]]:
            output, changed = _applied(self.apply, self.model, tree, state, inputs, keys)
            return single(self.loss(output, *targets), "The loss"), (output, changed)

        (loss, (output, changed)), grads = jax.value_and_grad(differentiated, has_aux=True)(tree)
        metrics = {
            name: single(metric(output, *targets), f"The metric {name!r}")
            for name, metric in self.metrics.items()
        }
        rule = self.optimizer.make(**dict(zip(self.hyper, hyper, strict=True)))
        updates, moved = rule.update(grads, self.moving.tree(moving), tree)
        if not self.moving.fits(moved):
            raise CaptureError("The optimizer's state has another structure after a step.")
        new = jax.tree.map(lambda p, u: (p + u).astype(p.dtype), tree, updates)
        results = [loss, *metrics.values()]
        said = [("loss", "loss"), *(("metric", name) for name in metrics)]
        own: list[Slot | None] = [
            _slot(kind, name, max(i - 1, 0), value)
            for i, ((kind, name), value) in enumerate(zip(said, results, strict=True))
        ]
        kept = self.inputs[sum(self.counts[:3]) : sum(self.counts[:6])]
        self.outputs = [*own, *kept]
        return [*results, *jax.tree.leaves(new), *jax.tree.leaves(changed), *jax.tree.leaves(moved)]


class Inference(Step):
    """What a model answers; arguments as in `inference_plan`."""

    def __init__(self, apply: Apply, model: ModelArrays, inputs: Sequence[Any]) -> None:
        self.apply, self.model = apply, model
        groups = [inputs, model.params.arrays, model.buffers.arrays]
        self.counts = [len(group) for group in groups]
        self.examples = [array for group in groups for array in group]
        self.inputs = [*(_slot("data", "", i, x) for i, x in enumerate(inputs)), *model.slots()]
        self.outputs = []

    def __call__(self, *arrays: Any) -> list[Any]:
        """Ask the model; every argument and result is an array."""
        inputs, params, buffers = _parted(arrays, self.counts)
        tree, state = self.model.params.tree(params), self.model.buffers.tree(buffers)
        answer, _ = _applied(self.apply, self.model, tree, state, inputs, ())
        named = Leaves(answer, "output")
        self.outputs = [
            _slot("value", name, i, array)
            for i, (name, array) in enumerate(zip(named.names, named.arrays, strict=True))
        ]
        return named.arrays


def _applied(
    apply: Apply, model: ModelArrays, tree: Any, state: Any, inputs: Any, keys: Sequence[Any]
) -> tuple[Any, Any]:
    """(output, new state)."""
    rest = {"rng": keys[0]} if keys else {}
    if not model.stateful:
        return apply(tree, *inputs, **rest), {}
    answer = apply(tree, state, *inputs, **rest)
    if not isinstance(answer, tuple) or len(answer) != 2 or not model.buffers.fits(answer[1]):
        raise CaptureError(
            "A model with state is a function of (params, state, *inputs) that returns (output, "
            "new state), the state in the structure that it came in."
        )
    output, changed = answer
    same = jax.tree.map(lambda a, b: jax.numpy.asarray(a, b.dtype), changed, state)
    return output, same


def _keys(random: bool) -> list[Any]:
    return [jax.random.key(0)] if random else []


def _initial_state(optimizer: Optimizer, model: ModelArrays) -> Any:
    try:
        rule = optimizer.make(**optimizer.hyperparameters)
        return rule.init(model.params.tree(model.params.arrays))
    except (AttributeError, TypeError) as error:
        raise CaptureError(
            f"The optimizer could not be made with {dict(optimizer.hyperparameters)}: {error}. "
            "Say its arguments that are to be inputs of the plan as hyperparameters={name: value}."
        ) from error


def _state_slots(state: Leaves) -> Iterator[Slot]:
    for i, (name, array) in enumerate(zip(state.names, state.arrays, strict=True)):
        values = np.unique(np.asarray(array))
        if values.size > 1:
            raise CaptureError(
                f"The optimizer's state {name!r} does not begin with one number for all elements, "
                "which is all that a plan can say of it. Use another optimizer."
            )
        fill = float(values[0]) if values.size else 0.0
        yield _slot("optimizer_state", name, i, array, fill=fill)


def _parted(arrays: Sequence[Any], counts: Sequence[int]) -> list[list[Any]]:
    left = iter(arrays)
    return [[next(left) for _ in range(count)] for count in counts]


def _name(path: Sequence[Any]) -> str:
    parts = []
    for entry in path:
        for attribute in ("key", "name", "idx"):
            if hasattr(entry, attribute):
                parts.append(str(getattr(entry, attribute)))
                break
        else:
            parts.append(str(entry).strip(".[]'\""))
    return ".".join(parts)


def _check_dtypes(leaves: Leaves) -> None:
    for array in leaves.arrays:
        if not dtypes.is_random(array.dtype):
            dtypes.of(array.dtype)


def _slot(kind: str, name: str, index: int, array: Any, **rest: Any) -> Slot:
    shape = tuple(n if isinstance(n, int) else None for n in array.shape)
    return Slot(kind, name, index, shape=shape, dtype=str(array.dtype), **rest)
