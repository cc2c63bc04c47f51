"""Whether a reported diff fits the model, before it counts."""

from __future__ import annotations

import math

import numpy as np

from syft_web.errors import ModelError, SyftError
from syft_web.grid import texts
from syft_web.grid.aggregation.reports import Tensors
from syft_web.grid.records import Signature
from syft_web.plan import State

__all__ = ["check_diff", "signature_of"]

_SPARE_BYTES = 16 * 1024
"""For the names, tags and descriptions of a State, and of each tensor in it."""


def signature_of(tensors: Tensors) -> Signature:
    """The dtype and shape of each tensor."""
    return tuple((str(t.dtype), tuple(int(d) for d in t.shape)) for t in tensors)


def check_diff(data: bytes, signature: Signature) -> list[np.ndarray]:
    """The tensors of a reported diff, if it fits the model.

    Args:
        data: Bytes of a State, original minus trained parameters.
        signature: Of the model.

    Returns:
        One array per parameter; read-only views of ``data`` where possible.

    Raises:
        ModelError: It is no State, has another number of tensors, another shape or
            dtype, values that are not finite, or far too many bytes. The text begins with
            ``Invalid diff``.
    """
    most = _most_bytes(signature)
    if len(data) > most:
        # Not read at all: reading many small things takes long.
        raise ModelError(
            f"{texts.INVALID_DIFF}: it has {len(data)} bytes, for this model at most {most} "
            "make sense"
        )
    try:
        tensors = State.loads(data).tensors
    except SyftError as error:
        raise ModelError(f"{texts.INVALID_DIFF}: it is not a readable State: {error}") from error
    if len(tensors) != len(signature):
        raise ModelError(
            f"{texts.INVALID_DIFF}: it has {len(tensors)} tensors, the model has {len(signature)}"
        )
    for index, (tensor, (dtype, shape)) in enumerate(zip(tensors, signature, strict=True)):
        if tensor.shape != shape:
            raise ModelError(
                f"{texts.INVALID_DIFF}: tensor {index} has shape {list(tensor.shape)}, "
                f"the model's has {list(shape)}"
            )
        if str(tensor.dtype) != dtype:
            raise ModelError(
                f"{texts.INVALID_DIFF}: tensor {index} is {tensor.dtype}, the model's is {dtype}"
            )
        if not np.isfinite(tensor).all():
            raise ModelError(
                f"{texts.INVALID_DIFF}: tensor {index} has values that are not finite; "
                "training has diverged, try a smaller learning rate"
            )
    return tensors


def _most_bytes(signature: Signature) -> int:
    # A number takes at most 10 bytes (varints).
    return _SPARE_BYTES + sum(_SPARE_BYTES + 10 * math.prod(shape) for _, shape in signature)
