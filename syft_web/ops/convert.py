"""Changes of dtype, copies, and questions about an array."""

from __future__ import annotations

import numpy as np

from syft_web.ops.dtypes import INT64, Array, DType, as_dtype
from syft_web.ops.elementwise import array
from syft_web.ops.row import RowCollector

__all__ = ["clone", "row"]

row = RowCollector()

_DEVICES = ("cpu", "cuda")


@row("to(Tensor self, dtype dtype)", ".to .type", view=True)
@row("to(Tensor self, str device, dtype dtype)", ".to", view=True)
def to(self: Array, *rest: str) -> Array:
    if len(rest) == 1 and rest[0].partition(":")[0] in _DEVICES:
        return self
    return self.astype(as_dtype(rest[-1]), copy=False)


@row("type_as(Tensor self, Tensor other)", ".type_as .to", view=True)
def type_as(self: Array, other: Array) -> Array:
    return self.astype(other.dtype, copy=False)


def _declare_casts() -> None:
    for name in ("bool", "byte", "char", "short", "int", "long", "half", "float", "double"):
        dtype = as_dtype(name)

        def rule(self: Array, _dtype: DType = dtype) -> Array:
            return self.astype(_dtype, copy=False)

        row(f"{name}(Tensor self)", f".{name} torch.Tensor.{name}", view=True)(rule)


_declare_casts()


@row("clone(Tensor self)", "torch.clone .clone .copy")
def clone(self: Array) -> Array:
    """A copy with memory of its own."""
    return self.copy()


@row("item(Tensor self)", ".item", view=True)
def item(self: Array) -> Array:
    if self.size != 1:
        raise ValueError(f"only a tensor with one element has an item, not shape {self.shape}")
    return self.reshape(())


@row(
    "alias(Tensor self)",
    ".detach torch.detach .detach_ torch.detach_ .data .cpu "
    ".requires_grad_ .retain_grad .real torch.real .dequantize .to_dense .resolve_conj",
    view=True,
    rebinds=True,
)
def alias(self: Array) -> Array:
    return self


@row("requires_grad_(Tensor self, bool requires_grad)", ".requires_grad_", view=True, rebinds=True)
def requires_grad(self: Array, requires_grad: bool) -> Array:
    return self


@row("equal(Tensor self, Tensor other)", "torch.equal .equal")
def equal(self: Array, other: Array) -> Array:
    return np.asarray(self.shape == other.shape and bool(np.all(self == other)))


@row(
    "isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)",
    "torch.isclose .isclose",
)
def isclose(self: Array, other: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    return array(np.isclose(self, other, rtol, atol, equal_nan))


@row(
    "allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)",
    "torch.allclose .allclose",
)
def allclose(self: Array, other: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    return np.asarray(bool(np.allclose(self, other, rtol, atol, equal_nan)))


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
