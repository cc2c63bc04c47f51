"""Whether a reported diff fits the model, before it counts."""

from __future__ import annotations

import numpy as np

from syft_web.errors import ModelError, SyftError
from syft_web.grid import texts
from syft_web.grid.aggregation.reports import Tensors
from syft_web.grid.records import Signature
from syft_web.plan import State

__all__ = ["check_diff", "signature_of"]


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
            dtype, or values that are not finite. The text begins with ``Invalid diff``.
    """
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
