"""One step of torch's optimizers as a pure function, so that it can be recorded.

`OptimizerStep` reads the hyperparameters and the parameter groups of an ordinary
``torch.optim`` instance; the formulas are in `updates`. The optimizer's state comes in and
goes out as tensors. Where torch counts steps for each parameter, one counter is shared here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from syft_web.author.torch.updates import KINDS, shared_values
from syft_web.errors import CaptureError

__all__ = ["OptimizerStep", "StateTensor", "supported"]


@dataclass(frozen=True, slots=True)
class StateTensor:
    """One tensor of an optimizer's state.

    Attributes:
        name: ``"step"``, or the parameter's name and what it is: ``"0.weight.exp_avg"``.
        like: The parameter whose shape and dtype it has; empty for ``"step"``.
        fill: Every element before the first step.
    """

    name: str
    like: str
    fill: float = 0.0


class OptimizerStep:
    """What one optimizer does in one step.

    Args:
        optimizer: A ``torch.optim`` instance over parameters of the model. Only its
            settings are read; state that it has already is not.
        names: Each parameter of the model by its identity (``id``).
        inputs: Names of hyperparameters that are not constants but inputs. Where groups
            differ in one, the input is that of the first group, and the others keep
            their ratio to it.

    Raises:
        CaptureError: The optimizer is of another kind, has parameters that are not of the
            model, or lacks one of `inputs`.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, names: Mapping[int, str], inputs: Sequence[str]
    ) -> None:
        kind = type(optimizer)
        if kind not in KINDS:
            raise CaptureError(
                f"The optimizer {kind.__name__} has no counterpart in a plan; there are "
                f"{', '.join(supported())}. Use one of these."
            )
        self.inputs = tuple(inputs)
        self._formula = KINDS[kind]
        self.groups: list[dict[str, Any]] = []
        self.members: list[list[str]] = []
        for group in optimizer.param_groups:
            settings = {k: _plain(v) for k, v in group.items() if k != "params"}
            settings["decoupled"] = kind is torch.optim.AdamW or settings.get(
                "decoupled_weight_decay", False
            )
            settings["inputs"] = self.inputs
            if settings.get("differentiable"):
                raise CaptureError(
                    "An optimizer with differentiable=True cannot be captured; leave that out."
                )
            self.groups.append(settings)
            self.members.append([_name_of(p, names) for p in group["params"]])
        self.ratios = {name: self._ratios(name) for name in self.inputs}

    def default(self, name: str) -> float:
        """The present value of a hyperparameter that is an input."""
        return float(self.groups[0][name])

    def _ratios(self, name: str) -> list[float]:
        values = [group.get(name) for group in self.groups]
        if any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
            numbers = sorted(
                k for k, v in self.groups[0].items() if isinstance(v, float | int) and v is not True
            )
            raise CaptureError(
                f"The optimizer has no number {name!r} that could be an input of the plan; it has "
                f"{', '.join(k for k in numbers if not isinstance(self.groups[0][k], bool))}."
            )
        first: float = values[0]  # type: ignore[assignment]
        if all(v == first for v in values):
            return [1.0] * len(values)
        if not first:
            raise CaptureError(
                f"The parameter groups differ in {name!r} and the first group's is 0, so it cannot "
                f"stand for all. Put another group first, or leave {name!r} out of hyperparameters."
            )
        return [v / first for v in values]  # type: ignore[operator]

    @property
    def trained(self) -> list[str]:
        """Names of all parameters that the optimizer has, group by group."""
        return [name for members in self.members for name in members]

    def state(self, updated: Iterable[str]) -> list[StateTensor]:
        """The state for these parameters, the shared counter first."""
        wanted = set(updated)
        found: list[StateTensor] = []
        if any(self._formula.counts(group) for group in self.groups):
            found.append(StateTensor("step", ""))
        for group, members in zip(self.groups, self.members, strict=True):
            for name in members:
                if name in wanted:
                    found += [
                        StateTensor(f"{name}.{part}", name, fill)
                        for part, fill in self._formula.parts(group)
                    ]
        return found

    def __call__(
        self,
        params: Mapping[str, Tensor],
        grads: Mapping[str, Tensor],
        state: Mapping[str, Tensor],
        hyper: Mapping[str, Tensor],
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """One step.

        Args:
            params: Parameters by name.
            grads: Gradients by name, of those parameters that are to change.
            state: State tensors by name.
            hyper: The hyperparameters that are inputs.

        Returns:
            New parameters and new state, those that changed.
        """
        new_params: dict[str, Tensor] = {}
        new_state: dict[str, Tensor] = {}
        if "step" in state:
            new_state["step"] = state["step"] + 1
        for number, (group, members) in enumerate(zip(self.groups, self.members, strict=True)):
            settings = dict(group)
            for name in self.inputs:
                ratio = self.ratios[name][number]
                settings[name] = hyper[name] if ratio == 1 else hyper[name] * ratio
            shared = shared_values(settings, new_state.get("step"), self._formula.update)
            for name in members:
                if name not in grads:
                    continue
                grad = -grads[name] if settings.get("maximize") else grads[name]
                own = {part: state[f"{name}.{part}"] for part, _ in self._formula.parts(group)}
                new_params[name] = self._formula.update(params[name], grad, own, settings, shared)
                new_state.update({f"{name}.{part}": value for part, value in own.items()})
        return new_params, new_state


def supported() -> list[str]:
    """Names of the optimizers that can be captured."""
    return sorted(kind.__name__ for kind in KINDS)


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.item()
    return tuple(map(_plain, value)) if isinstance(value, tuple | list) else value


def _name_of(param: Tensor, names: Mapping[int, str]) -> str:
    if id(param) not in names:
        raise CaptureError(
            f"The optimizer has a parameter of shape {tuple(param.shape)} that is not of the "
            "model. Make it with model.parameters(), after the model has its final parameters."
        )
    return names[id(param)]
