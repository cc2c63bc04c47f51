"""aten operations as commands of a plan.

Where a public torch function takes the same arguments in the same order, the plan uses its
name (``torch.mm``), as the plans of 2020 did; else the full name
``torch.ops.aten.<operation>.<overload>``. Which of the candidates is taken is decided by the
op table: the first that it has, and whose signature fits the arguments.

What a plan has no place for is left out (devices, layouts, memory formats); dtypes become
their names.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from syft_web.ops.row import BindError, Operand
from syft_web.ops.table import lookup
from syft_web.plan.values import Arg, Ref

__all__ = ["Call", "candidates", "choose", "may_have", "operation_name"]


@dataclass(frozen=True, slots=True)
class Call:
    """One way to write an operation.

    Attributes:
        command: As in `syft_web.plan.values.Action`.
        args: Positional arguments, the target of a method first.
        kwargs: Keyword arguments.
        method: Whether the first argument is the target.
    """

    command: str
    args: tuple[Arg, ...] = ()
    kwargs: Mapping[str, Arg] = field(default_factory=dict)
    method: bool = False

    def fits(self) -> bool:
        """Whether the op table has it and its signature takes these arguments."""
        op = lookup(self.command, method=self.method)
        if op is None:
            return False
        try:
            op.bind(
                [_operand(a) for a in self.args], {k: _operand(v) for k, v in self.kwargs.items()}
            )
        except BindError:
            return False
        return True


def choose(target: Any, args: Sequence[Arg], kwargs: Mapping[str, Arg]) -> Call | None:
    """The first way to write an operation that can be executed; None if there is none.

    Args:
        target: The operation, an overload of ``torch.ops`` or a function of `operator`.
        args: Its positional arguments as a plan holds them.
        kwargs: Its keyword arguments.
    """
    return next((call for call in candidates(target, args, kwargs) if call.fits()), None)


def candidates(target: Any, args: Sequence[Arg], kwargs: Mapping[str, Arg]) -> Iterator[Call]:
    """All ways to write an operation, best first."""
    if target in _PYTHON:
        yield Call(_PYTHON[target], tuple(args))
        return
    name = operation_name(target)
    base = name.split(".")[1] if name.startswith("aten.") else ""
    args, kwargs = _plain_arguments(target, args, kwargs)
    if name.endswith(".int") and base in _INTEGERS:
        yield Call(f"torch.ops.{name}", args, kwargs)
    if name in _OWN:
        yield from _OWN[name](args, kwargs)
    if name in _CLASSICAL_OVERLOADS:
        yield Call(_CLASSICAL_OVERLOADS[name], args, kwargs)
    elif base in _CLASSICAL:
        yield Call(f"torch.{base}", args, kwargs)
    elif base in _FUNCTIONAL:
        yield Call(f"torch.nn.functional.{base}", args, kwargs)
    yield Call(f"torch.ops.{name}", args, kwargs)


def may_have(operation: Any) -> bool:
    """Whether the op table has one of the commands for an operation, whatever its arguments."""
    name = str(operation)
    if not name.startswith("aten."):
        return False
    base = name.split(".")[1]
    known = name in _OWN or name in _CLASSICAL_OVERLOADS
    if known or base in _CLASSICAL or base in _FUNCTIONAL:
        return True
    return lookup(f"torch.ops.{name}", method=False) is not None


def operation_name(target: Any) -> str:
    """``aten.add.Tensor``, or the name of a Python function."""
    return str(target) if hasattr(target, "_schema") else getattr(target, "__name__", str(target))


def _operand(value: Arg) -> Any:
    if isinstance(value, Ref):
        return Operand(0)
    return [_operand(v) for v in value] if isinstance(value, list) else value


_LEFT_OUT = {"device", "layout", "memory_format", "pin_memory", "non_blocking", "generator"}


def _plain_arguments(
    target: Any, args: Sequence[Arg], kwargs: Mapping[str, Arg]
) -> tuple[tuple[Arg, ...], Mapping[str, Arg]]:
    """Without what has no place in a plan, and without trailing Nones that are defaults."""
    schema = getattr(target, "_schema", None)
    kept: dict[str, Arg] = {k: v for k, v in kwargs.items() if k not in _LEFT_OUT and v is not None}
    positional = list(args)
    if schema is None:
        return tuple(positional), kept
    parameters = [a for a in schema.arguments if not a.kwarg_only]
    while positional and positional[-1] is None:
        parameter = parameters[len(positional) - 1]
        if not parameter.has_default_value() or parameter.default_value is not None:
            break
        positional.pop()
    return tuple(positional), kept


_PYTHON: dict[Any, str] = {
    operator.add: "torch.add",
    operator.sub: "torch.sub",
    operator.mul: "torch.mul",
    operator.truediv: "torch.true_divide",
    operator.floordiv: "torch.floor_divide",
    operator.mod: "torch.remainder",
    operator.pow: "torch.pow",
    operator.neg: "torch.neg",
    operator.eq: "torch.eq",
    operator.ne: "torch.ne",
    operator.lt: "torch.lt",
    operator.le: "torch.le",
    operator.gt: "torch.gt",
    operator.ge: "torch.ge",
    torch.sym_max: "torch.maximum",
    torch.sym_min: "torch.minimum",
}
"""Arithmetic on sizes, where it is not of integers alone."""

_INTEGERS = {"add", "sub", "mul", "neg", "floordiv", "remainder"}
"""Arithmetic of integers, which the classical functions do not take without a tensor."""

_CLASSICAL = {
    "abs", "acos", "acosh", "add", "addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addr",
    "all", "amax", "amin", "any", "argmax", "argmin", "asin", "asinh", "atan", "atan2", "atanh",
    "baddbmm", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "bmm", "cat", "ceil",
    "clamp", "clamp_max", "clamp_min", "clone", "cos", "cosh", "cumprod", "cumsum",
    "diag_embed", "diagonal", "dot", "embedding", "eq", "erf", "erfc", "exp", "exp2", "expm1",
    "flip", "floor", "floor_divide", "fmod", "frac", "full", "full_like", "gather", "ge", "gt",
    "index_add", "index_copy", "index_fill", "index_put", "index_select", "isfinite", "isinf",
    "isnan", "le", "lerp", "lgamma", "log", "log10", "log1p", "log2", "logical_and",
    "logical_not", "logical_or", "logical_xor", "logsumexp", "lt", "masked_fill",
    "masked_scatter", "masked_select", "maximum", "mean", "minimum", "mm", "mul", "mv",
    "narrow", "native_dropout", "native_layer_norm", "ne", "neg", "nonzero", "ones",
    "ones_like", "permute", "positive", "prod", "rand", "rand_like", "randn", "randn_like",
    "reciprocal", "relu", "remainder", "repeat_interleave", "roll", "round", "rsqrt", "rsub",
    "scatter", "scatter_add", "select", "sigmoid", "sign", "sin", "sinh", "softmax", "sort",
    "split", "split_with_sizes", "sqrt", "square", "stack", "sub", "t", "take", "tan", "tanh",
    "topk", "transpose", "tril", "triu", "trunc", "unbind", "unsqueeze", "where", "zeros",
    "zeros_like",
}  # fmt: skip
"""Their overloads take their arguments in the order of ``torch.<name>``."""

_FUNCTIONAL = {
    "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish",
    "silu", "softplus", "softshrink",
}  # fmt: skip
"""Their overloads take their arguments in the order of ``torch.nn.functional.<name>``."""

_CLASSICAL_OVERLOADS: dict[str, str] = {
    "aten.convolution.default": "torch.convolution",
    "aten.div.Scalar": "torch.div",
    "aten.div.Tensor": "torch.div",
    "aten.div.Tensor_mode": "torch.div",
    "aten.div.Scalar_mode": "torch.div",
    "aten.max.default": "torch.max",
    "aten.max.dim": "torch.max",
    "aten.max.other": "torch.max",
    "aten.min.default": "torch.min",
    "aten.min.dim": "torch.min",
    "aten.min.other": "torch.min",
    "aten.median.default": "torch.median",
    "aten.median.dim": "torch.median",
    "aten.norm.ScalarOpt_dim": "torch.norm",
    "aten.norm.Scalar": "torch.norm",
    "aten.pow.Scalar": "torch.pow",
    "aten.pow.Tensor_Scalar": "torch.pow",
    "aten.pow.Tensor_Tensor": "torch.pow",
    "aten.squeeze.default": "torch.squeeze",
    "aten.squeeze.dim": "torch.squeeze",
    "aten.sum.default": "torch.sum",
    "aten.sum.dim_IntList": "torch.sum",
    "aten.view.default": "torch.reshape",
    "aten._unsafe_view.default": "torch.reshape",
    "aten.reshape.default": "torch.reshape",
}

_Own = Callable[[tuple[Arg, ...], Mapping[str, Arg]], Iterator[Call]]


def _softmax(command: str) -> _Own:
    """``(self, dim, half_to_float)``; the last is never set on a processor."""

    def write(args: tuple[Arg, ...], _: Mapping[str, Arg]) -> Iterator[Call]:
        if args[2] is False:
            yield Call(command, args[:2])

    return write


def _cast(args: tuple[Arg, ...], kwargs: Mapping[str, Arg]) -> Iterator[Call]:
    """A method named after the dtype, as in 2020."""
    dtype = str(kwargs.get("dtype", ""))
    if dtype in _CASTS:
        yield Call(_CASTS[dtype], args, method=True)
    elif not dtype:
        yield Call("torch.clone", args)


_CASTS = {
    "float32": "float",
    "float64": "double",
    "int64": "long",
    "int32": "int",
    "bool": "bool",
    "uint8": "byte",
    "int8": "char",
    "int16": "short",
    "float16": "half",
}


def _method(name: str) -> _Own:
    def write(args: tuple[Arg, ...], _: Mapping[str, Arg]) -> Iterator[Call]:
        yield Call(name, args, method=True)

    return write


def _var(command: str) -> _Own:
    """``correction`` 0 and 1 are the ``unbiased`` of the classical function."""

    def write(args: tuple[Arg, ...], kwargs: Mapping[str, Arg]) -> Iterator[Call]:
        correction = kwargs.get("correction", 1)
        dim = args[1] if len(args) > 1 else None
        if correction in (0, 1):
            unbiased, keepdim = correction == 1, bool(kwargs.get("keepdim", False))
            if dim is None:
                yield Call(command, (args[0],), {"unbiased": unbiased})
            else:
                yield Call(command, (args[0], dim, unbiased, keepdim))

    return write


def _new(command: str) -> _Own:
    """``new_zeros`` and its like: the dtype is that of the first argument, or given."""

    def write(args: tuple[Arg, ...], kwargs: Mapping[str, Arg]) -> Iterator[Call]:
        yield Call(command, args, kwargs, method=True)

    return write


def _fill(args: tuple[Arg, ...], _: Mapping[str, Arg]) -> Iterator[Call]:
    yield Call("torch.full_like", args)


def _sized(command: str) -> _Own:
    """``empty``: what it holds does not matter, so zeros do as well."""

    def write(args: tuple[Arg, ...], kwargs: Mapping[str, Arg]) -> Iterator[Call]:
        yield Call(command, args, kwargs)

    return write


def _arange(args: tuple[Arg, ...], kwargs: Mapping[str, Arg]) -> Iterator[Call]:
    yield Call("torch.arange", args, kwargs)


def _pool(command: str) -> _Own:
    """An empty stride is that of the kernel, for which the classical function takes None."""

    def write(args: tuple[Arg, ...], _: Mapping[str, Arg]) -> Iterator[Call]:
        yield Call(command, tuple(None if i == 2 and a == [] else a for i, a in enumerate(args)))

    return write


def _elu(args: tuple[Arg, ...], _: Mapping[str, Arg]) -> Iterator[Call]:
    """Scales (selu, celu) are no parameters of the classical function."""
    if len(args) <= 2:
        yield Call("torch.nn.functional.elu", args)


def _norm(args: tuple[Arg, ...], kwargs: Mapping[str, Arg]) -> Iterator[Call]:
    """``(self, ord, dim, keepdim)``; all of them have to be there."""
    defaults: tuple[Arg, ...] = (2, None, False)
    self, order, dim, keepdim = (*args, *defaults[len(args) - 1 :])
    if not kwargs and not isinstance(order, Ref):
        yield Call("torch.norm", (self, order, dim, keepdim))


def _mse_loss(args: tuple[Arg, ...], _: Mapping[str, Arg]) -> Iterator[Call]:
    """The reduction is a number there, a text here; the mean is what both do unasked."""
    if len(args) == 2 or args[2] == 1:
        yield Call("torch.nn.functional.mse_loss", args[:2])


def _safe_softmax(args: tuple[Arg, ...], _: Mapping[str, Arg]) -> Iterator[Call]:
    """Gives 0 where the classical function gives NaN: a row of -inf, all of it masked."""
    yield Call("torch.ops.aten._safe_softmax.default", args)
    yield Call("torch.softmax", args)


_OWN: dict[str, _Own] = {
    "aten._safe_softmax.default": _safe_softmax,
    "aten.elu.default": _elu,
    "aten.mse_loss.default": _mse_loss,
    "aten.linalg_vector_norm.default": _norm,
    "aten.avg_pool2d.default": _pool("torch.nn.functional.avg_pool2d"),
    "aten.avg_pool3d.default": _pool("torch.nn.functional.avg_pool3d"),
    "aten.max_pool2d_with_indices.default": _pool("torch.nn.functional.max_pool2d_with_indices"),
    "aten.max_pool3d_with_indices.default": _pool("torch.nn.functional.max_pool3d_with_indices"),
    "aten._softmax.default": _softmax("torch.softmax"),
    "aten._log_softmax.default": _softmax("torch.log_softmax"),
    "aten._to_copy.default": _cast,
    "aten.expand.default": _method("expand"),
    "aten.repeat.default": _method("repeat"),
    "aten.unfold.default": _method("unfold"),
    "aten.sym_size.int": _method("size"),
    "aten.sym_numel.default": _method("numel"),
    "aten.var.correction": _var("torch.var"),
    "aten.std.correction": _var("torch.std"),
    "aten.var_mean.correction": _var("torch.var_mean"),
    "aten.std_mean.correction": _var("torch.std_mean"),
    "aten.new_zeros.default": _new("new_zeros"),
    "aten.new_ones.default": _new("new_ones"),
    "aten.new_full.default": _new("new_full"),
    "aten.new_empty.default": _new("new_zeros"),
    "aten.fill.Scalar": _fill,
    "aten.empty.memory_format": _sized("torch.zeros"),
    "aten.empty_like.default": _sized("torch.zeros_like"),
    "aten.arange.default": _arange,
    "aten.arange.start": _arange,
    "aten.arange.start_step": _arange,
    "aten.scalar_tensor.default": _sized("torch.tensor"),
}
"""Operations whose arguments have to be changed."""
