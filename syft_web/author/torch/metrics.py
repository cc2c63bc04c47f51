"""Loss and metrics given by the user, as functions of (output, targets)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from syft_web.author.metrics import Metric, Metrics, by_name
from syft_web.errors import CaptureError

__all__ = ["Metric", "Metrics", "named_metrics", "single"]


def named_metrics(
    metrics: Metrics, loss: Callable[..., Any], targets: Sequence[Tensor]
) -> dict[str, Metric]:
    """Each metric by name.

    Args:
        metrics: ``"accuracy"``, functions of (output, target) under their own names, or a
            mapping of names to functions. None is the accuracy where there are classes.
        loss: The loss, which tells what the outputs are.
        targets: The example targets.

    Raises:
        CaptureError: An unknown name, or two metrics of the same name.
    """
    return by_name(metrics, _accuracy_of(loss), classes=_has_classes(loss, targets))


def single(value: Any, what: str) -> Tensor:
    """The value, if it is a tensor with one element; without dimensions.

    Raises:
        CaptureError: It is something else.
    """
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise CaptureError(f"{what} must be one number, a tensor without dimensions; got {shape}.")
    return value.reshape(())


def _has_classes(loss: Callable[..., Any], targets: Sequence[Tensor]) -> bool:
    if len(targets) != 1:
        return False
    if getattr(loss, "__name__", type(loss).__name__) in _CLASSIFYING:
        return True
    home = getattr(loss, "__module__", None) or ""
    if home.startswith(("torch.nn.", "torch._C.")) or isinstance(loss, nn.modules.loss._Loss):
        return False  # torch's own, for numbers
    target = targets[0]
    rows = target.dim() == 2 and target.shape[1] > 1  # perhaps one-hot
    return rows or not target.dtype.is_floating_point


_CLASSIFYING = {
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "NLLLoss2d",
    "cross_entropy",
    "multi_margin_loss",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
}


def _accuracy_of(loss: Callable[..., Any]) -> Metric:
    """The share of right answers, for outputs as this loss takes them."""
    name = getattr(loss, "__name__", type(loss).__name__)
    threshold = 0.5 if name in ("BCELoss", "binary_cross_entropy") else 0.0

    def accuracy(output: Tensor, target: Tensor) -> Tensor:
        if not isinstance(output, Tensor):
            raise CaptureError(
                "'accuracy' needs a model with one output tensor; give a function of output and "
                "target instead, or metrics=()."
            )
        classes = _class_dim(output, target)
        if classes is not None:
            answer = output.argmax(dim=classes)
            wanted = target.argmax(dim=classes) if target.dim() == output.dim() else target
        else:
            answer, wanted = output > threshold, target > 0.5
        return (answer == wanted).float().mean()

    return accuracy


def _class_dim(output: Tensor, target: Tensor) -> int | None:
    """Along which dimension the classes lie; None for yes-or-no answers."""
    if output.dim() == target.dim():
        wide = output.dim() > 1 and output.shape[1] > 1
        if wide and target.dtype.is_floating_point and output.shape[1:] == target.shape[1:]:
            return 1
        if not wide or output.dim() == 1:
            return None
    elif output.dim() == target.dim() + 1:
        if output.dim() == 2 or tuple(output.shape[2:]) == tuple(target.shape[1:]):
            return 1
        if tuple(output.shape[1:-1]) == tuple(target.shape[1:]):
            return output.dim() - 1
    raise CaptureError(
        f"'accuracy' has no meaning for outputs of shape {_sizes(output)} and targets of shape "
        f"{_sizes(target)}. Give a function of output and target instead, or metrics=()."
    )


def _sizes(tensor: Tensor) -> str:
    return f"(batch, {', '.join(map(str, tensor.shape[1:]))})" if tensor.dim() > 1 else "(batch,)"
