"""Changes of dtype, copies, and questions about an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import FLOAT64, INT64, Array, DType, Value, as_dtype, memory_order, recast
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["DEVICES", "clone", "dtype_among", "row"]

row = RowCollector()

DEVICES = ("cpu", "cuda")


def dtype_among(words: Sequence[str | bool]) -> DType | None:
    """The dtype that the last text among arguments names; None when it names a device."""
    name = [word for word in words if isinstance(word, str)][-1]
    return None if name.partition(":")[0] in DEVICES else as_dtype(name)


@row("to_copy(Tensor self, dtype dtype, bool non_blocking=False, true copy)", ".to")
@row("to_copy(Tensor self, str device, dtype dtype, bool non_blocking=False, true copy)", ".to")
def to_copy(self: Array, *rest: str | bool) -> Array:
    made = to(self, *rest)
    return clone(made) if made is self else made


_HOW = "bool non_blocking=False, bool copy=False"


@row(f"to(Tensor self, dtype dtype, {_HOW})", ".to .type", view=True)
@row(f"to(Tensor self, str device, dtype dtype, {_HOW})", ".to", view=True)
def to(self: Array, *rest: str | bool) -> Array:
    """Another dtype; a device is passed over."""
    wanted = dtype_among(rest)
    return self if wanted is None else recast(self, wanted)


@row("type_as(Tensor self, Tensor other)", ".type_as .to", view=True)
def type_as(self: Array, other: Array) -> Array:
    return recast(self, other.dtype)


def _declare_casts() -> None:
    for name in ("bool", "byte", "char", "short", "int", "long", "half", "float", "double"):
        dtype = as_dtype(name)

        def rule(self: Array, _dtype: DType = dtype) -> Array:
            return recast(self, _dtype)

        row(f"{name}(Tensor self)", f".{name} torch.Tensor.{name}", view=True)(rule)


_declare_casts()


@row("clone(Tensor self)", "torch.clone .clone .copy")
def clone(self: Array) -> Array:
    """A copy with memory of its own, in the same order."""
    return self.copy(memory_order(self))


@row("item(Tensor self)", ".item", view=True)
def item(self: Array) -> Array:
    if self.size != 1:
        raise ValueError(f"only a tensor with one element has an item, not shape {self.shape}")
    return self.reshape(())


@row(
    "alias(Tensor self)",
    ".detach torch.detach .detach_ torch.detach_ .data .cpu .numpy .tolist .__array__ "
    ".requires_grad_ .retain_grad .real torch.real .dequantize torch.dequantize .to_dense "
    ".resolve_conj torch.conj .conj",
    view=True,
    rebinds=True,
)
def alias(self: Array) -> Array:
    return self


@row("cuda(Tensor self, any device=None, bool non_blocking=False)", ".cuda", view=True)
@row("share_memory_(Tensor self)", ".share_memory_ .pin_memory", view=True, rebinds=True)
@row(
    "rename(Tensor self, str?[] ...names=[])",
    ".rename .rename_ .refine_names",
    view=True,
    rebinds=True,
)
def stays(self: Array, *_rest: Any) -> Array:
    """Where an array lives and what its dimensions are called has no effect here."""
    return self


@row("requires_grad_(Tensor self, bool requires_grad)", ".requires_grad_", view=True, rebinds=True)
def requires_grad(self: Array, requires_grad: bool) -> Array:
    return self


@row("deepcopy(Tensor self, any memo=None)", ".__deepcopy__")
def deepcopy(self: Array, memo: Any = None) -> Array:
    return clone(self)


def _declare_numbers() -> None:
    """Python's conversions: what would be a number there stays an array without dimensions."""
    for kind, dtype in (("float", FLOAT64), ("int", INT64)):

        def rule(self: Array, _dtype: DType = dtype) -> Array:
            return item(self).astype(_dtype)

        names = ".__float__" if kind == "float" else ".__int__ .__long__ .__index__"
        row(f"python_{kind}(Tensor self)", names)(rule)


_declare_numbers()


@row("contains(Tensor self, Value element)", ".__contains__")
def contains(self: Array, element: Value) -> Array:
    return np.asarray(bool(np.any(self == element)))


@row("element_size(Tensor self)", ".element_size")
def element_size(self: Array) -> Array:
    return np.asarray(self.itemsize, INT64)


@row("equal(Tensor self, Tensor other)", "torch.equal .equal")
def equal(self: Array, other: Array) -> Array:
    return np.asarray(self.shape == other.shape and bool(np.all(self == other)))


@row(
    "isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)",
    "torch.isclose .isclose",
)
def isclose(self: Array, other: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    return _close(self, other, rtol, atol, equal_nan)


def _close(self: Array, other: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    if self.dtype != other.dtype:
        raise TypeError(f"closeness needs one dtype, got {self.dtype} and {other.dtype}")
    if rtol < 0 or atol < 0:
        raise ValueError(f"rtol and atol must not be negative, got {rtol} and {atol}")
    return array(np.isclose(self, other, rtol, atol, equal_nan))


@row(
    "allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)",
    "torch.allclose .allclose",
)
def allclose(self: Array, other: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    return np.asarray(bool(np.all(_close(self, other, rtol, atol, equal_nan))))


@row("dim(Tensor self)", ".dim .ndimension")
def dim(self: Array) -> Array:
    return np.asarray(self.ndim, INT64)


@row("numel(Tensor self)", "torch.numel .numel .nelement")
def numel(self: Array) -> Array:
    return np.asarray(self.size, INT64)


@row("size(Tensor self, int dim)", ".size")
def size(self: Array, dim: int) -> Array:
    return np.asarray(self.shape[dim], INT64)


@row("size(Tensor self)", ".size")
def sizes(self: Array) -> Array:
    return np.asarray(self.shape, INT64)


@row("contiguous(Tensor self)", ".contiguous", view=True)
def contiguous(self: Array) -> Array:
    return self if self.flags.c_contiguous else self.copy()
