"""A model's tensors, and its training step and its inference as plain functions of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from syft_web.author.torch.export import dtype_name, to_numpy
from syft_web.author.torch.faults import user_line
from syft_web.author.torch.metrics import Metrics, named_metrics, single
from syft_web.author.torch.optimizers import OptimizerStep
from syft_web.author.torch.replacements import in_other_words
from syft_web.errors import CaptureError
from syft_web.plan.signature import Slot

__all__ = ["Inference", "ModelTensors", "TrainingStep"]


class ModelTensors:
    """Parameters and buffers of a module by name.

    Args:
        model: The module.
        hosted_buffers: Whether buffers belong to the hosted model. Only those that are in
            the module's ``state_dict`` ever do; others are constants or the worker's own.

    Attributes:
        params: Parameters in torch's order, tied ones once.
        buffers: Buffers in torch's order.
        hosted: Names of the tensors of the hosted model, in its order.

    Raises:
        CaptureError: The module cannot be captured, whatever it does.
    """

    def __init__(self, model: nn.Module, *, hosted_buffers: bool) -> None:
        try:
            _check_module(model)
        except CaptureError as error:
            where = user_line()
            raise CaptureError(
                f"{error}\n  at {where}" if where else str(error), where=where
            ) from None
        self.model = model
        self.params = {name: p.detach() for name, p in model.named_parameters()}
        self.trainable = {name for name, p in model.named_parameters() if p.requires_grad}
        self.names = {id(p): name for name, p in model.named_parameters(remove_duplicate=False)}
        # A tied parameter has several names; the first is the one that it goes by.
        self.names.update({id(p): name for name, p in model.named_parameters()})
        self.hooks = _gradient_hooks(model)
        self.buffers = {name: b.detach() for name, b in model.named_buffers()}
        lasting = set(model.state_dict(keep_vars=True))
        hosted = [name for name in self.buffers if hosted_buffers and name in lasting]
        self.hosted = {name: i for i, name in enumerate([*self.params, *hosted])}

    def slots(self) -> list[Slot]:
        """What each parameter and each buffer is, parameters first."""
        slots: list[Slot] = []
        for kind, tensors in (("model_param", self.params), ("buffer", self.buffers)):
            for index, (name, tensor) in enumerate(tensors.items()):
                place = self.hosted.get(name)
                start = to_numpy(tensor) if place is None else None
                slots.append(_slot(kind, name, index, tensor, model_index=place, initial=start))
        return slots

    def all(self) -> list[Tensor]:
        """Every parameter and every buffer."""
        return [*self.params.values(), *self.buffers.values()]

    def call(
        self,
        function: Callable[[nn.Module], Any],
        params: Mapping[str, Tensor],
        buffers: dict[str, Tensor],
    ) -> Any:
        """What a function of the module gives with other parameters and buffers in it.

        Not `torch.func.functional_call`: where one submodule has two names, that leaves the
        other tensors in the user's module.

        Args:
            function: Also its backward pass has to be in here: a checkpointed part of the
                module is computed once more while that runs.
            params: By name; all of them.
            buffers: By name; the module may change them in place, or put others in their place,
                which are found here afterwards.
        """
        given = {id(t): params[n] for n, t in self.model.named_parameters()}
        places: list[tuple[dict[str, Any], str, Tensor]] = []
        lists: list[tuple[nn.Module, list[Any], list[Any]]] = []
        named: dict[int, str] = {id(t): name for name, t in self.model.named_buffers()}
        given.update({key: buffers[name] for key, name in named.items()})
        for module in self.model.modules():
            tensors: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
            for held in tensors:
                places += [(held, key, t) for key, t in held.items() if t is not None]
            if isinstance(module, nn.RNNBase):  # keeps its parameters a second time
                lists.append((module, module._flat_weights, module._flat_weight_refs))
        try:
            for held, key, own in places:
                held[key] = given[id(own)]
            return function(self.model)
        finally:
            for held, key, own in places:
                if id(own) in named and isinstance(held.get(key), Tensor):
                    buffers[named[id(own)]] = held[key]
                held[key] = own
            for rnn, weights, references in lists:
                rnn.__dict__.update(_flat_weights=weights, _flat_weight_refs=references)


class TrainingStep:
    """One training step: a function of tensors that says what each of them is.

    Args:
        model: The module.
        loss: Its loss.
        optimizer: Its optimizer.
        inputs: The module's example arguments.
        targets: Further example arguments of the loss.
        metrics: As in `training_plan`.
        hyperparameters: As in `training_plan`.
        hosted_buffers: As in `ModelTensors`.
        batch_size: Whether the batch size is an argument too.

    Attributes:
        inputs: What each argument is.
        outputs: What each result is; there once the function has been called.
        examples: An example of each argument.
        training: The mode in which the module is to be captured.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[..., Any],
        optimizer: torch.optim.Optimizer,
        inputs: Sequence[Tensor],
        targets: Sequence[Tensor],
        *,
        metrics: Metrics,
        hyperparameters: Sequence[str],
        hosted_buffers: bool,
        batch_size: bool = False,
    ) -> None:
        self.training = True
        self.model = model
        self.tensors = ModelTensors(model, hosted_buffers=hosted_buffers)
        self.loss = in_other_words(loss)
        self.by_default = metrics is None
        self.metrics = named_metrics(metrics, loss, targets)
        self.optimizer = OptimizerStep(optimizer, self.tensors.names, hyperparameters)
        self.trained = [n for n in self.optimizer.trained if n in self.tensors.trainable]
        if not self.trained:
            raise CaptureError(
                "The optimizer has no parameter that requires a gradient; nothing would be trained."
            )
        hyper = [torch.tensor(self.optimizer.default(name)) for name in hyperparameters]
        self.state = self.optimizer.state(self.trained)
        state = [
            torch.empty((), dtype=torch.float32) if not s.like else self.tensors.params[s.like]
            for s in self.state
        ]
        # Not used by torch; for those who cannot ask a tensor for its size.
        rows = [torch.tensor(float(len(inputs[0])))] if batch_size else []
        self.counts = (len(inputs), len(targets), len(rows), len(hyper))
        self.examples = [
            *inputs, *targets, *rows, *hyper, *self.tensors.params.values(),
            *self.tensors.buffers.values(), *state,
        ]  # fmt: skip
        self.inputs = [
            *(_slot("data", "", i, x) for i, x in enumerate(inputs)),
            *(_slot("target", "", i, y) for i, y in enumerate(targets)),
            *(_slot("batch_size", "", i, n) for i, n in enumerate(rows)),
            *(_slot("client_config", n, i, h) for i, (n, h) in enumerate(zip(
                hyperparameters, hyper, strict=True))),
            *self.tensors.slots(),
            *(_slot("optimizer_state", s.name, i, t, fill=s.fill) for i, (s, t) in enumerate(zip(
                self.state, state, strict=True))),
        ]  # fmt: skip
        self.outputs: list[Slot] = []

    def __call__(self, *tensors: Tensor) -> list[Tensor]:
        """Do the step; every argument and result is a tensor."""
        inputs, targets, hyper, params, buffers, state = self._sorted(tensors)
        leaves = {name: params[name].detach().requires_grad_() for name in self.trained}
        for name, hook in self.tensors.hooks:
            if name in leaves:
                leaves[name].register_hook(hook)
        # Cloned, for the module may change them in place.
        changed = {name: buffer.clone() for name, buffer in buffers.items()}

        def differentiate(module: nn.Module) -> tuple[Any, Tensor, Sequence[Tensor | None]]:
            with torch.enable_grad():
                output = module(*inputs)
                loss = single(self.loss(output, *targets), "The loss")
            _check_loss(loss)
            found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
            return output, loss, found

        output, loss, found = self.tensors.call(differentiate, {**params, **leaves}, changed)
        grads = {n: g for n, g in zip(leaves, found, strict=True) if g is not None}
        with torch.no_grad():
            metrics = self._measured(output, targets)
            new_params, new_state = self.optimizer(params, grads, state, hyper)
        self._describe(loss, metrics, new_params, new_state)
        kept = [new_params[n] for n in params if n in new_params]
        moved = [new_state[s.name] for s in self.state if s.name in new_state]
        buffered = [buffer.detach() for buffer in changed.values()]
        return [loss.detach(), *metrics.values(), *kept, *buffered, *moved]

    def _measured(self, output: Any, targets: Sequence[Tensor]) -> dict[str, Tensor]:
        """Every metric; one that nobody asked for only where it has a meaning."""
        found: dict[str, Tensor] = {}
        for name, metric in self.metrics.items():
            try:
                found[name] = single(metric(output, *targets), f"The metric {name!r}")
            except CaptureError:
                if not self.by_default:
                    raise
        return found

    def _sorted(self, tensors: Sequence[Tensor]) -> tuple[Any, ...]:
        """Arguments by what they are."""
        left = iter(tensors)
        inputs, targets, _, hyper = ([next(left) for _ in range(count)] for count in self.counts)
        params = {name: next(left) for name in self.tensors.params}
        buffers = {name: next(left) for name in self.tensors.buffers}
        state = {s.name: next(left) for s in self.state}
        return (
            inputs,
            targets,
            dict(zip(self.optimizer.inputs, hyper, strict=True)),
            params,
            buffers,
            state,
        )

    def _describe(
        self, loss: Tensor, metrics: Mapping[str, Tensor], params: Mapping[str, Tensor],
        state: Mapping[str, Tensor],
    ) -> None:  # fmt: skip
        changed = set(params)
        moved = set(state)
        self.outputs = [
            _slot("loss", "loss", 0, loss),
            *(_slot("metric", n, i, m) for i, (n, m) in enumerate(metrics.items())),
            *(s for s in self.inputs if s.kind == "model_param" and s.name in changed),
            *(s for s in self.inputs if s.kind == "buffer"),
            *(s for s in self.inputs if s.kind == "optimizer_state" and s.name in moved),
        ]


class Inference:
    """What a module answers: a function of tensors that says what each of them is.

    Args:
        model: The module.
        inputs: Its example arguments.
        hosted_buffers: As in `ModelTensors`.

    Attributes: as those of `TrainingStep`.
    """

    def __init__(self, model: nn.Module, inputs: Sequence[Tensor], *, hosted_buffers: bool) -> None:
        self.training = False
        self.model = model
        self.tensors = ModelTensors(model, hosted_buffers=hosted_buffers)
        self.count = len(inputs)
        self.examples = [
            *inputs, *self.tensors.params.values(), *self.tensors.buffers.values()
        ]  # fmt: skip
        self.inputs = [
            *(_slot("data", "", i, x) for i, x in enumerate(inputs)),
            *self.tensors.slots(),
        ]
        self.outputs: list[Slot] = []

    def __call__(self, *tensors: Tensor) -> list[Tensor]:
        """Ask the module; every argument and result is a tensor."""
        left = iter(tensors)
        inputs = [next(left) for _ in range(self.count)]
        params = {name: next(left) for name in self.tensors.params}
        buffers = {name: next(left).clone() for name in self.tensors.buffers}
        with torch.no_grad():
            answer = self.tensors.call(lambda module: module(*inputs), params, buffers)
        named = dict(_leaves(answer, ""))
        self.outputs = [_slot("value", n, i, t) for i, (n, t) in enumerate(named.items())]
        return list(named.values())


def _gradient_hooks(model: nn.Module) -> list[tuple[str, Callable[[Tensor], Tensor | None]]]:
    """What ``parameter.register_hook`` was given, with the parameter's name, in order."""
    found = []
    for name, param in model.named_parameters():
        if getattr(param, "_post_accumulate_grad_hooks", None):
            raise CaptureError(
                f"The parameter {name!r} has a hook that runs after its gradient is there "
                "(register_post_accumulate_grad_hook), which a plan cannot hold. Use register_hook."
            )
        found += [(name, hook) for hook in (getattr(param, "_backward_hooks", None) or {}).values()]
    return found


def _check_loss(loss: Tensor) -> None:
    if not loss.requires_grad:
        raise CaptureError(
            "The loss does not depend on any parameter of the optimizer, so there is nothing "
            "to train. Is something detached, or inside torch.no_grad()?"
        )


def _leaves(value: Any, name: str) -> list[tuple[str, Tensor]]:
    """Every tensor of nested lists, tuples and dicts, with a name."""
    if isinstance(value, Tensor):
        return [(name or "output", value)]
    if isinstance(value, Mapping):
        items = [(str(key), value[key]) for key in sorted(value)]
    elif isinstance(value, tuple | list):
        items = [(str(i), item) for i, item in enumerate(value)]
    elif value is None:
        return []
    else:
        raise CaptureError(
            f"The module returns a {type(value).__name__}; return tensors, or lists, tuples and "
            "dicts of them."
        )
    return [leaf for key, item in items for leaf in _leaves(item, f"{name}.{key}" if name else key)]


def _slot(kind: str, name: str, index: int, tensor: Tensor, **rest: Any) -> Slot:
    shape = tuple(n if isinstance(n, int) and type(n) is int else None for n in tensor.shape)
    return Slot(kind, name, index, shape=shape, dtype=dtype_name(tensor.dtype), **rest)


def _check_module(model: nn.Module) -> None:
    if not isinstance(model, nn.Module):
        raise CaptureError(f"The model must be a torch.nn.Module, got {type(model).__name__}.")
    for name, module in model.named_modules():
        where = f"The module {name!r}" if name else "The model"
        if hasattr(module, "_orig_mod"):
            raise CaptureError(
                f"{where} was made by torch.compile, which hides what it does. Give the module "
                "that it was made of: its attribute _orig_mod."
            )
        if getattr(module, "_compiled_call_impl", None) is not None:
            raise CaptureError(
                f"{where} was compiled in place by its method compile(), which hides what it does. "
                "Capture it before, or a copy.deepcopy of it that was made before."
            )
        if any(map(is_lazy, module.parameters(recurse=False))):
            raise CaptureError(
                f"{where} ({type(module).__name__}) has parameters that have no shape yet. Call "
                "the model once with example inputs, and make the optimizer after that."
            )
        if isinstance(module, torch.jit.ScriptModule):
            raise CaptureError(
                f"{where} is a TorchScript module, which hides what it does. Give the Python "
                "module that it was made of."
            )
        cumulative = getattr(module, "momentum", 0.1) is None
        if cumulative and getattr(module, "track_running_stats", False):
            raise CaptureError(
                f"{where} ({type(module).__name__}) has momentum=None: a mean over all batches so "
                "far, which a plan cannot keep. Give it a momentum, e.g. 0.1."
            )
        if getattr(module, "sparse", False) is True and isinstance(
            module, nn.Embedding | nn.EmbeddingBag
        ):
            raise CaptureError(f"{where} has sparse=True; a plan has no sparse gradients.")
