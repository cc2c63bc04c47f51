"""More translations for TensorFlow.js: what the training steps captured from torch consist of.

Torch has one operation for the backward pass of each function. TensorFlow.js has none of
them in reach of a plan, so each is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from syft_web.plan.plan import Arg, Id, Ref

__all__ = ["RULES", "Rule", "Translator", "UntranslatableError"]


class UntranslatableError(Exception):
    """Why an action has no counterpart."""


class Translator(Protocol):
    """What a rule works with."""

    def emit(self, command: str, args: Sequence[Arg], result: Id | None = None) -> Ref:
        """Append ``tf.<command>(*args)``."""

    def rank(self, value: Arg) -> int:
        """Number of dimensions of a tensor."""


Rule = Callable[[Any, dict[str, Any], Id], Any]
"""(translator, arguments by name, id of the result)."""

_MEAN, _SUM = 1, 2


def _addmm(to: Translator, v: dict[str, Any], result: Id) -> None:
    if v["beta"] != 1 or v["alpha"] != 1:
        raise UntranslatableError("TensorFlow.js has no factors for it")
    to.emit("add", [to.emit("matMul", [v["mat1"], v["mat2"]]), v["self"]], result)


def _log_softmax_backward(to: Translator, v: dict[str, Any], result: Id) -> None:
    grad, output = v["grad_output"], v["output"]
    total = to.emit("sum", [grad, v["dim"], True])
    to.emit("sub", [grad, to.emit("mul", [to.emit("exp", [output]), total])], result)


def _softmax_backward(to: Translator, v: dict[str, Any], result: Id) -> None:
    grad, output = v["grad_output"], v["output"]
    total = to.emit("sum", [to.emit("mul", [grad, output]), v["dim"], True])
    to.emit("mul", [output, to.emit("sub", [grad, total])], result)


def _above(to: Translator, value: Arg, limit: Arg) -> Ref:
    """1 where the value is above the limit, else 0."""
    return to.emit("cast", [to.emit("greater", [value, limit]), "float32"])


def _threshold_backward(to: Translator, v: dict[str, Any], result: Id) -> None:
    to.emit("mul", [v["grad_output"], _above(to, v["self"], v["threshold"])], result)


def _leaky_relu_backward(to: Translator, v: dict[str, Any], result: Id) -> None:
    above = _above(to, v["self"], 0)
    slope = v["negative_slope"]
    factor = to.emit("add", [to.emit("mul", [above, 1 - slope]), slope])
    to.emit("mul", [v["grad_output"], factor], result)


def _sigmoid_backward(to: Translator, v: dict[str, Any], result: Id) -> None:
    output = v["output"]
    slope = to.emit("mul", [output, to.emit("sub", [1, output])])
    to.emit("mul", [v["grad_output"], slope], result)


def _tanh_backward(to: Translator, v: dict[str, Any], result: Id) -> None:
    slope = to.emit("sub", [1, to.emit("square", [v["output"]])])
    to.emit("mul", [v["grad_output"], slope], result)


def _mse_loss(to: Translator, v: dict[str, Any], result: Id) -> None:
    reduction = {None: _MEAN, "mean": _MEAN, "sum": _SUM}.get(v["reduction"], v["reduction"])
    if reduction not in (_MEAN, _SUM):
        raise UntranslatableError("only its mean and its sum can be had")
    squares = to.emit("square", [to.emit("sub", [v["self"], v["target"]])])
    to.emit("mean" if reduction == _MEAN else "sum", [squares], result)


def _clamp(to: Translator, v: dict[str, Any], result: Id) -> None:
    low, high = v["min"], v["max"]
    if low is not None:
        raised = to.emit("maximum", [v["self"], low], result if high is None else None)
        if high is not None:
            to.emit("minimum", [raised, high], result)
    else:
        to.emit("minimum", [v["self"], high], result)


def _squeeze(to: Translator, v: dict[str, Any], result: Id) -> None:
    dims = v.get("dim")
    dims = [dims] if isinstance(dims, int) else dims
    to.emit("squeeze", [v["self"]] if dims is None else [v["self"], dims], result)


def _select(to: Translator, v: dict[str, Any], result: Id) -> None:
    dim, index = v["dim"], v["index"]
    if index < 0 or dim < 0:
        raise UntranslatableError("a position that counts from the end")
    to.emit("gather", [v["self"], index, dim], result)


def _select_backward(to: Translator, v: dict[str, Any], result: Id) -> None:
    sizes, dim, index = v["input_sizes"], v["dim"], v["index"]
    dim %= len(sizes)
    length = sizes[dim]
    if not isinstance(length, int) or index < 0:
        raise UntranslatableError("the size of that dimension is not known")
    around: list[Arg] = [
        [index, length - 1 - index] if i == dim else [0, 0] for i in range(len(sizes))
    ]
    to.emit("pad", [to.emit("expandDims", [v["grad_output"], dim]), around], result)


def _leaky_relu(to: Translator, v: dict[str, Any], result: Id) -> None:
    slope = v["negative_slope"]
    if not 0 <= slope <= 1:
        raise UntranslatableError("a slope that is not between 0 and 1")
    to.emit("maximum", [v["self"], to.emit("mul", [v["self"], slope])], result)


def _filled_like(number: float | None) -> Rule:
    """All elements the same number, or `fill_value`."""

    def rule(to: Translator, v: dict[str, Any], result: Id) -> None:
        if v["dtype"] is not None:
            raise UntranslatableError("another dtype than that of its argument")
        filled = v["fill_value"] if number is None else number
        to.emit("add", [to.emit("mul", [v["self"], 0]), filled], result)

    return rule


def _same(command: str, *parameters: str) -> Rule:
    return lambda to, v, result: to.emit(command, [v[name] for name in parameters], result)


RULES: dict[str, Rule] = {
    "_log_softmax_backward_data": _log_softmax_backward,
    "_softmax_backward_data": _softmax_backward,
    "addmm": _addmm,
    "clamp": _clamp,
    "clamp_max": _same("minimum", "self", "max"),
    "clamp_min": _same("maximum", "self", "min"),
    "full_like": _filled_like(None),
    "leaky_relu": _leaky_relu,
    "leaky_relu_backward": _leaky_relu_backward,
    "mse_loss": _mse_loss,
    "ones_like": _filled_like(1),
    "select": _select,
    "select_backward": _select_backward,
    "sigmoid_backward": _sigmoid_backward,
    "squeeze": _squeeze,
    "tanh_backward": _tanh_backward,
    "threshold_backward": _threshold_backward,
    "zeros_like": _filled_like(0),
}
"""By the name of the op table's row."""
