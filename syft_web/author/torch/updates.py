"""The formulas of torch's optimizers, one parameter at a time, as pure functions.

Each is written anew from its documented formula. State is handed in as a dict of tensors
and replaced in it; parameters and gradients are never changed in place.

The bias corrections of Adam, ``1 - beta ** step``, are computed as
``-expm1(step * log(beta))``: in float32 the direct form would lose most digits in the
first steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["KINDS", "Formula", "Number", "State", "Update", "shared_values"]

Number = Any
"""A Python number, or a tensor without dimensions."""

State = dict[str, Tensor]
Update = Callable[[Tensor, Tensor, State, Mapping[str, Number], Mapping[str, Number]], Tensor]
"""(parameter, gradient, its state, settings of its group, `shared_values`) -> new parameter."""


def shared_values(
    settings: Mapping[str, Number], step: Tensor | None, update: Update
) -> dict[str, Number]:
    """What all parameters of a group have in common in one step (`step` counts from 1)."""
    if step is None:
        return {}
    if update in (_adam, _adamax):
        beta1, beta2 = settings["betas"]
        return {
            "rate": settings["lr"] / _correction(beta1, step),
            "correction2": _correction(beta2, step),
            "shrink": 1 - settings["lr"] * settings["weight_decay"],
        }
    if update is _adagrad:
        decay = settings["lr_decay"]
        return {"step": step, "lr": settings["lr"] / (1 + (step - 1) * decay)}
    return {"step": step}


def _correction(beta: float, step: Tensor) -> Number:
    """``1 - beta ** step`` with all digits of float32."""
    return -torch.expm1(step * math.log(beta)) if beta > 0 else 1.0


def _decayed(param: Tensor, grad: Tensor, settings: Mapping[str, Number]) -> Tensor:
    """The gradient with L2 weight decay."""
    decay = settings["weight_decay"]
    return grad if _is_zero(decay) else grad + param * decay


def _is_zero(value: Number) -> bool:
    return not isinstance(value, Tensor) and value == 0


def _sgd(
    param: Tensor,
    grad: Tensor,
    state: State,
    settings: Mapping[str, Number],
    shared: Mapping[str, Number],
) -> Tensor:
    grad = _decayed(param, grad, settings)
    momentum = settings["momentum"]
    if "momentum_buffer" in state:
        added = grad
        if not _is_zero(settings["dampening"]):
            # torch does not dampen the gradient of the first step.
            later = grad * (1 - settings["dampening"])
            added = torch.where(shared["step"] > 1, later, grad)
        state["momentum_buffer"] = moved = state["momentum_buffer"] * momentum + added
        grad = grad + moved * momentum if settings["nesterov"] else moved
    updated: Tensor = param - grad * settings["lr"]
    return updated


def _adam(
    param: Tensor,
    grad: Tensor,
    state: State,
    settings: Mapping[str, Number],
    shared: Mapping[str, Number],
) -> Tensor:
    beta1, beta2 = settings["betas"]
    if settings["decoupled"]:
        if not _is_zero(settings["weight_decay"]):
            param = param * shared["shrink"]
    else:
        grad = _decayed(param, grad, settings)
    state["exp_avg"] = mean = state["exp_avg"] * beta1 + grad * (1 - beta1)
    state["exp_avg_sq"] = square = state["exp_avg_sq"] * beta2 + grad * grad * (1 - beta2)
    if settings["amsgrad"]:
        square = torch.maximum(state["max_exp_avg_sq"], square)
        state["max_exp_avg_sq"] = square
    root = torch.sqrt(square / shared["correction2"]) + settings["eps"]
    updated: Tensor = param - mean * shared["rate"] / root
    return updated


def _adamax(
    param: Tensor,
    grad: Tensor,
    state: State,
    settings: Mapping[str, Number],
    shared: Mapping[str, Number],
) -> Tensor:
    beta1, beta2 = settings["betas"]
    grad = _decayed(param, grad, settings)
    state["exp_avg"] = mean = state["exp_avg"] * beta1 + grad * (1 - beta1)
    largest = torch.maximum(state["exp_inf"] * beta2, torch.abs(grad) + settings["eps"])
    state["exp_inf"] = largest
    updated: Tensor = param - mean * shared["rate"] / largest
    return updated


def _rmsprop(
    param: Tensor,
    grad: Tensor,
    state: State,
    settings: Mapping[str, Number],
    shared: Mapping[str, Number],
) -> Tensor:
    alpha = settings["alpha"]
    grad = _decayed(param, grad, settings)
    state["square_avg"] = square = state["square_avg"] * alpha + grad * grad * (1 - alpha)
    if settings["centered"]:
        state["grad_avg"] = mean = state["grad_avg"] * alpha + grad * (1 - alpha)
        square = square - mean * mean
    direction = grad / (torch.sqrt(square) + settings["eps"])
    if "momentum_buffer" in state:
        direction = state["momentum_buffer"] * settings["momentum"] + direction
        state["momentum_buffer"] = direction
    updated: Tensor = param - direction * settings["lr"]
    return updated


def _adagrad(
    param: Tensor,
    grad: Tensor,
    state: State,
    settings: Mapping[str, Number],
    shared: Mapping[str, Number],
) -> Tensor:
    grad = _decayed(param, grad, settings)
    state["sum"] = total = state["sum"] + grad * grad
    updated: Tensor = param - grad / (torch.sqrt(total) + settings["eps"]) * shared.get(
        "lr", settings["lr"]
    )
    return updated


def _adadelta(
    param: Tensor,
    grad: Tensor,
    state: State,
    settings: Mapping[str, Number],
    shared: Mapping[str, Number],
) -> Tensor:
    rho, eps = settings["rho"], settings["eps"]
    grad = _decayed(param, grad, settings)
    state["square_avg"] = square = state["square_avg"] * rho + grad * grad * (1 - rho)
    delta = torch.sqrt(state["acc_delta"] + eps) / torch.sqrt(square + eps) * grad
    state["acc_delta"] = state["acc_delta"] * rho + delta * delta * (1 - rho)
    updated: Tensor = param - delta * settings["lr"]
    return updated


Parts = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Formula:
    """One kind of optimizer.

    Attributes:
        parts: A group's settings -> name and start value of each state tensor of a parameter.
        counts: A group's settings -> whether it needs the number of the step.
        update: The formula.
    """

    parts: Callable[[Mapping[str, Any]], Parts]
    counts: Callable[[Mapping[str, Any]], bool]
    update: Update


def _present(group: Mapping[str, Any], name: str) -> bool:
    """Whether a setting has an effect: it is not 0, or an input that may not be."""
    return bool(group[name]) or name in group["inputs"]


def _sgd_parts(group: Mapping[str, Any]) -> Parts:
    return [("momentum_buffer", 0.0)] if _present(group, "momentum") else []


def _adam_parts(group: Mapping[str, Any]) -> Parts:
    parts = [("exp_avg", 0.0), ("exp_avg_sq", 0.0)]
    return [*parts, ("max_exp_avg_sq", 0.0)] if group["amsgrad"] else parts


def _rmsprop_parts(group: Mapping[str, Any]) -> Parts:
    parts = [("square_avg", 0.0)]
    parts += [("momentum_buffer", 0.0)] if _present(group, "momentum") else []
    return [*parts, ("grad_avg", 0.0)] if group["centered"] else parts


def _adagrad_parts(group: Mapping[str, Any]) -> Parts:
    return [("sum", float(group.get("initial_accumulator_value", 0)))]


def _always(_: Mapping[str, Any]) -> bool:
    return True


def _never(_: Mapping[str, Any]) -> bool:
    return False


KINDS: dict[type, Formula] = {
    torch.optim.SGD: Formula(
        _sgd_parts,
        lambda group: _present(group, "momentum") and _present(group, "dampening"),
        _sgd,
    ),
    torch.optim.Adam: Formula(_adam_parts, _always, _adam),
    torch.optim.AdamW: Formula(_adam_parts, _always, _adam),
    torch.optim.Adamax: Formula(lambda _: [("exp_avg", 0.0), ("exp_inf", 0.0)], _always, _adamax),
    torch.optim.RMSprop: Formula(_rmsprop_parts, _never, _rmsprop),
    torch.optim.Adagrad: Formula(
        _adagrad_parts, lambda group: _present(group, "lr_decay"), _adagrad
    ),
    torch.optim.Adadelta: Formula(
        lambda _: [("square_avg", 0.0), ("acc_delta", 0.0)], _never, _adadelta
    ),
}
"""The optimizers that can be captured."""
