"""Transforms: callables that turn one array of a batch into another.

They see the whole batch, first axis samples, so one call does the work of a
loop. Any function ``(N, ...) array -> (N, ...) array`` can stand in for one::

    ArrayDataset(images, labels, transform=(Scale(1 / 255), OneHot(10)))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from syft_web.errors import DataError

__all__ = ["Compose", "Normalize", "OneHot", "Scale", "Transform"]

Transform = Callable[[np.ndarray], np.ndarray]
"""``(N, ...)`` array of a batch to ``(N, ...)`` array."""


class Compose:
    """Apply several transforms, first to last.

    Args:
        transforms: Callables from array to array.
    """

    def __init__(self, *transforms: Transform) -> None:
        self.transforms = transforms

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Apply all, first to last."""
        for transform in self.transforms:
            batch = transform(batch)
        return batch

    def __repr__(self) -> str:
        return f"Compose({', '.join(map(repr, self.transforms))})"


@dataclass(frozen=True)
class Scale:
    """Multiply, and change to a floating type.

    Attributes:
        factor: What to multiply with, e.g. ``1 / 255`` for pixels in 0..1.
        dtype: Type of the result.
        divide: Divide by ``factor`` instead. ``Scale(255, divide=True)`` rounds as
            ``pixels / 255`` does, to the last bit; ``Scale(1 / 255)`` does not.
    """

    factor: float
    dtype: str = "float32"
    divide: bool = False

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """``(N, ...)`` of any number type to ``(N, ...)`` of ``dtype``."""
        dtype = np.dtype(self.dtype)
        factor = dtype.type(self.factor)
        values = batch.astype(dtype)
        if self.divide:
            values /= factor
        else:
            values *= factor
        return values


class Normalize:
    """``(x - mean) / std``, per channel when several are given.

    Args:
        mean: One value for all, or one per channel. Channels are axis 1, the
            first after the samples.
        std: As ``mean``; none may be zero.

    Raises:
        DataError: ``mean`` and ``std`` differ in length, ``std`` has a zero, or (at
            the call) the batch has another number of channels.
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean = np.atleast_1d(np.asarray(mean, np.float32))
        self.std = np.atleast_1d(np.asarray(std, np.float32))
        if self.mean.ndim != 1 or self.mean.shape != self.std.shape:
            raise DataError(
                f"Normalize: mean has shape {self.mean.shape}, std {self.std.shape}; "
                "give one number each, or one per channel."
            )
        if not np.all(self.std):
            raise DataError("Normalize: a standard deviation is zero.")

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """``(N, ...)`` or ``(N, C, ...)`` to the same shape, float32 (float64 stays)."""
        channels = len(self.mean)
        if channels == 1:
            mean, std = self.mean[0], self.std[0]
        elif batch.ndim > 1 and batch.shape[1] == channels:
            per_channel = (channels,) + (1,) * (batch.ndim - 2)
            mean, std = self.mean.reshape(per_channel), self.std.reshape(per_channel)
        else:
            raise DataError(
                f"Normalize: {channels} channels given, but the batch has shape {batch.shape}; "
                "axis 1 must hold the channels."
            )
        values = batch.astype(np.result_type(batch.dtype, np.float16, np.float32))
        values -= mean
        values /= std
        return values

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean.tolist()}, std={self.std.tolist()})"


@dataclass(frozen=True)
class OneHot:
    """Class numbers ``(N,)`` or ``(N, 1)`` to rows ``(N, depth)`` with a single one.

    Attributes:
        depth: Number of classes.
        dtype: Type of the result.
    """

    depth: int
    dtype: str = "float32"

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """``(N,)`` or ``(N, 1)`` integers to ``(N, depth)``."""
        labels = batch[:, 0] if batch.ndim == 2 and batch.shape[1] == 1 else batch
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
            raise DataError(
                f"OneHot: expected integers of shape (N,) or (N, 1), "
                f"got {batch.dtype} of shape {batch.shape}."
            )
        if labels.size and (labels.min() < 0 or labels.max() >= self.depth):
            raise DataError(
                f"OneHot: labels from {labels.min()} to {labels.max()}; "
                f"depth {self.depth} has room for 0 to {self.depth - 1}."
            )
        rows = np.zeros((len(labels), self.depth), self.dtype)
        rows[np.arange(len(labels)), labels] = 1
        return rows
