"""Connectionist temporal classification: the loss of a sequence whose alignment is unknown.

All ways to spread the labels over the time steps count, with blanks between them. `alpha`
holds, in logarithms, the probability of all beginnings that end in a place at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.losses import reduction_name
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

Lengths = Array | Sequence[int]


def _with_blanks(labels: Array, blank: int) -> Array:
    """A blank before, between and after the labels."""
    extended = np.full(2 * labels.size + 1, blank, np.intp)
    extended[1::2] = labels
    return extended


def _alphas(logs: Array, extended: Array, blank: int) -> Array:
    """``(T, 2 S + 1)``, for log-probabilities ``(T, C)``."""
    picked = logs[:, extended]
    alpha = np.full(picked.shape, -np.inf, logs.dtype)
    alpha[0, :2] = picked[0, :2]
    # A label may follow another one without a blank if it is a different one.
    skips = np.zeros(extended.size, np.bool_)
    skips[2:] = (extended[2:] != blank) & (extended[2:] != extended[:-2])
    for t in range(1, len(logs)):
        before = alpha[t - 1]
        total = before.copy()
        total[1:] = np.logaddexp(total[1:], before[:-1])
        total[2:] = np.where(skips[2:], np.logaddexp(total[2:], before[:-2]), total[2:])
        alpha[t] = total + picked[t]
    return alpha


def _per_sample(
    log_probs: Array, targets: Array, input_lengths: Lengths, target_lengths: Lengths
) -> list[tuple[int, Array]]:
    """For each sample the number of time steps and the labels.

    Raises:
        ValueError: The lengths do not fit.
    """
    steps = [int(n) for n in input_lengths]
    counts = [int(n) for n in target_lengths]
    batch = log_probs.shape[1]
    if len(steps) != batch or len(counts) != batch:
        raise ValueError(f"ctc_loss wants {batch} input lengths and target lengths")
    if steps and not 0 <= min(steps) <= max(steps) <= log_probs.shape[0]:
        raise ValueError(f"an input length is not within 0..{log_probs.shape[0]}")
    labels = targets.reshape(-1).astype(np.intp)
    if targets.ndim == 2:
        starts = [n * targets.shape[1] for n in range(batch)]
        if counts and max(counts) > targets.shape[1]:
            raise ValueError(f"a target length is larger than {targets.shape[1]}")
    else:
        starts = [sum(counts[:n]) for n in range(batch)]
        if sum(counts) > labels.size:
            raise ValueError(f"the target lengths need {sum(counts)} labels, not {labels.size}")
    found = [labels[s : s + c] for s, c in zip(starts, counts, strict=True)]
    if any(f.size and not 0 <= f.min() <= f.max() < log_probs.shape[2] for f in found):
        raise IndexError(f"a target is out of bounds for {log_probs.shape[2]} classes")
    return list(zip(steps, found, strict=True))


def _end(alpha: Array, labels: Array) -> Any:
    """The negative log-likelihood from the last row of alphas."""
    last = alpha[-1, 2 * labels.size]
    return -(np.logaddexp(last, alpha[-1, 2 * labels.size - 1]) if labels.size else last)


def ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    zero_infinity: bool = False,
) -> tuple[Array, Array]:
    """The loss of each sample and its alphas.

    Args:
        log_probs: ``(T, N, C)``.
        targets: ``(N, S)``, or all labels one sample after the other.
        input_lengths: Time steps of each sample.
        target_lengths: Labels of each sample.
        blank: The class that means no label.
        zero_infinity: Means something only to the gradient.

    Returns:
        ``(N,)`` and ``(N, T, 2 S + 1)``.
    """
    samples = _per_sample(log_probs, targets, input_lengths, target_lengths)
    longest = max((labels.size for _, labels in samples), default=0)
    losses = np.zeros(len(samples), log_probs.dtype)
    alphas = np.full((len(samples), len(log_probs), 2 * longest + 1), -np.inf, log_probs.dtype)
    for n, (steps, labels) in enumerate(samples):
        if steps == 0:
            losses[n] = np.inf if labels.size else 0
            continue
        alpha = _alphas(log_probs[:steps, n], _with_blanks(labels, blank), blank)
        alphas[n, :steps, : alpha.shape[1]] = alpha
        losses[n] = _end(alpha, labels)
    return losses, alphas


def ctc_loss_backward(
    grad: Array,
    log_probs: Array,
    targets: Array,
    input_lengths: Lengths,
    target_lengths: Lengths,
    neg_log_likelihood: Array,
    log_alpha: Array,
    blank: int,
    zero_infinity: bool = False,
) -> Array:
    """The gradient of the log-probabilities, ``(T, N, C)``."""
    samples = _per_sample(log_probs, targets, input_lengths, target_lengths)
    out = np.zeros_like(log_probs)
    for n, (steps, labels) in enumerate(samples):
        loss = neg_log_likelihood[n]
        if steps == 0 or (zero_infinity and (np.isinf(loss) or loss == 0)):
            continue
        logs, extended = log_probs[:steps, n], _with_blanks(labels, blank)
        beta = _alphas(logs[::-1], extended[::-1], blank)[::-1, ::-1]
        both = log_alpha[n, :steps, : extended.size] + beta
        summed = np.full(logs.shape, -np.inf, logs.dtype)
        for place, label in enumerate(extended):
            summed[:, label] = np.logaddexp(summed[:, label], both[:, place])
        with np.errstate(invalid="ignore"):
            out[:steps, n] = (np.exp(logs) - np.exp(summed + loss - logs)) * grad[n]
    return out


def _reduced(losses: Array, target_lengths: Lengths, reduction: str) -> Array:
    if reduction == "none":
        return losses
    if reduction == "sum":
        return array(losses.sum())
    if reduction != "mean":
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum', not {reduction!r}")
    counts = np.maximum(np.asarray(target_lengths), 1).astype(losses.dtype)
    return array((losses / counts).mean())


def _whole(
    log_probs: Array,
    targets: Array,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int,
    reduction: int | str,
    zero_infinity: bool,
) -> Array:
    name = reduction if isinstance(reduction, str) else reduction_name(reduction)
    lengths = np.reshape(input_lengths, -1), np.reshape(target_lengths, -1)
    alone = log_probs.ndim == 2
    if alone:  # one sample without a batch dimension
        log_probs, targets = log_probs[:, None], targets.reshape(1, -1)
    losses = ctc_loss(log_probs, targets, *lengths, blank)[0]
    if zero_infinity:  # where no alignment is possible
        losses = array(np.where(np.isinf(losses), log_probs.dtype.type(0), losses))
    return _reduced(array(losses[0]) if alone and name == "none" else losses, lengths[1], name)


def _declare_ctc() -> None:
    head = "Tensor log_probs, Tensor targets, {0} input_lengths, {0} target_lengths"
    for kind, overload, whole in (("int[]", "default", "IntList"), ("Tensor", "Tensor", "Tensor")):
        args = head.format(kind)
        row(
            f"_ctc_loss({args}, int blank=0, bool zero_infinity=False) -> Tensor, Tensor",
            f"torch._ctc_loss A._ctc_loss.{overload}",
        )(ctc_loss)
        row(
            f"_ctc_loss_backward(Tensor grad, {args}, Tensor neg_log_likelihood, "
            "Tensor log_alpha, int blank, bool zero_infinity=False)",
            f"A._ctc_loss_backward.{overload}",
        )(ctc_loss_backward)
        row(
            f"ctc_loss({args}, int blank=0, int reduction=1, bool zero_infinity=False)",
            f"torch.ctc_loss A.ctc_loss.{whole}",
        )(_whole)
        row(
            f"ctc_loss({args}, int blank=0, str reduction='mean', bool zero_infinity=False)",
            "F.ctc_loss",
        )(_whole)


_declare_ctc()
