"""Walks through a jaxpr and writes the commands that do the same.

Calls are inlined, loops of known length unrolled, and whatever depends on constants alone is
computed here, by jax itself. The rules for the rest are in `rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.extend import core

from syft_web.author.jax import dtypes
from syft_web.author.jax.faults import line_of, unsupported_form
from syft_web.author.jax.rules import ELEMENTWISE, MOVING, RULES
from syft_web.author.jax.rules.random import own_random
from syft_web.author.jax.values import Opaque, Shape, Value, broadcast, is_static, known, same
from syft_web.author.jax.writer import Writer
from syft_web.errors import DataDependentError, UnsupportedOpError
from syft_web.plan.plan import Arg, Ref

__all__ = ["Held", "Translator"]

Held = Value | Opaque

_LARGEST = 1 << 22
"""Elements of a constant that is computed while capturing."""

_LONGEST = 2000
"""Steps of a loop that is unrolled."""

_SOURCES = ("iota", "broadcast_in_dim", "dim_as_value")
"""Primitives whose own rule is better than their elements."""


class Translator:
    """Writes a jaxpr with a writer.

    Attributes:
        writer: What to write with.
        missing: Primitives that no rule knows -> the user's line.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.missing: dict[str, str] = {}

    def finish(self) -> None:
        """Refuse a jaxpr that had unknown primitives.

        Raises:
            UnsupportedOpError: It had.
        """
        if not self.missing:
            return
        places = sorted({line for line in self.missing.values() if line})
        raise UnsupportedOpError(
            f"No command does what jax's {', '.join(sorted(self.missing))} "
            f"{'does' if len(self.missing) == 1 else 'do'}. Write that part with other functions "
            "of jax.numpy." + "".join(f"\n  at {line}" for line in places[:5]),
            operations=sorted(self.missing),
            where=places[0] if places else "",
        )

    def run(self, jaxpr: Any, consts: Sequence[Held], args: Sequence[Held]) -> list[Held]:
        """Write all equations of a jaxpr.

        Args:
            jaxpr: An open one.
            consts: Values of its constvars.
            args: Values of its arguments.

        Returns:
            One value per result.
        """
        held: dict[Any, Held] = {}

        def read(atom: Any) -> Held:
            if isinstance(atom, core.Literal):
                aval: Any = atom.aval
                value = np.asarray(atom.val, dtypes.of(aval.dtype))
                return known(value, tuple(aval.shape))
            return held[atom]

        held.update(zip(jaxpr.constvars, consts, strict=True))
        held.update(zip(jaxpr.invars, args, strict=True))
        for equation in _alive(jaxpr):
            results = self.equation(equation, [read(atom) for atom in equation.invars])
            held.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def call(self, closed: Any, args: Sequence[Held]) -> list[Held]:
        """Write a jaxpr that a primitive holds, open or closed."""
        if not hasattr(closed, "jaxpr"):
            return self.run(closed, [], args)
        return self.run(closed.jaxpr, [constant(c) for c in closed.consts], args)

    def equation(self, equation: Any, args: list[Held]) -> Sequence[Held]:
        """Write one equation."""
        name = equation.primitive.name
        if (drawn := own_random(self, equation, args)) is not None:
            return drawn
        if (inner := _called(equation)) is not None:
            return self.call(inner, args)
        if name in _CONTROL:
            return _CONTROL[name](self, equation, args)
        if any(isinstance(arg, Opaque) for arg in args):
            return self._opaque(equation)
        values = [arg for arg in args if isinstance(arg, Value)]
        folded = self._folded(equation, values)
        if folded is not None:
            return folded
        allowed = dtypes.moved if name in MOVING else dtypes.plain
        if name not in RULES or any(allowed(v.aval.dtype) is None for v in equation.outvars):
            self.missing.setdefault(name, line_of(equation))
            return [self._nothing(v.aval) for v in equation.outvars]
        return RULES[name](self, equation, values)

    # What rules write with

    def emit(self, command: str, *args: Any, **kwargs: Any) -> Ref:
        """As `Writer.emit`."""
        return self.writer.emit(command, *args, **kwargs)

    def held(self, value: Value) -> Ref:
        """What is held of a value, not yet repeated to its shape."""
        if value.ref is not None:
            return value.ref
        if value.known is None:
            raise AssertionError("a value is a tensor or a constant")
        return self.writer.constant(value.known)

    def ref(self, value: Value) -> Ref:
        """All elements of a value."""
        ref = self.held(value)
        return ref if value.whole else self.writer.expand(ref, value.held, value.shape)

    def operand(self, value: Value) -> Arg:
        """A number where it is one that a plan holds exactly, else as `held`."""
        number = value.number
        if number is None or value.dtype == np.bool_:
            return self.held(value)
        if isinstance(number, float) and float(np.float32(number)) != number and number == number:
            return self.held(value)
        return number

    def result(self, equation: Any, ref: Ref, held: Shape | None = None) -> list[Held]:
        """The one result of an equation, from what the plan has of it."""
        aval = equation.outvars[0].aval
        shape = tuple(aval.shape)
        return [Value(shape, dtypes.of(aval.dtype), shape if held is None else held, ref)]

    def _folded(self, equation: Any, args: Sequence[Value]) -> list[Held] | None:
        """The results, where they depend on constants alone; else None."""
        name = equation.primitive.name
        if name in _SOURCES or any(arg.known is None for arg in args):
            return None
        shapes = [tuple(v.aval.shape) for v in equation.outvars]
        arrays: list[Any] = [arg.known for arg in args]
        if name in ELEMENTWISE:
            together = broadcast(*(arg.held for arg in args))
            arrays = [np.broadcast_to(array, together) for array in arrays]
        else:
            every = [*shapes, *(arg.shape for arg in args)]
            if not all(is_static(n) for shape in every for n in shape):
                return None
            if any(int(np.prod(shape, dtype=np.int64)) > _LARGEST for shape in every):
                return None
            arrays = [
                a if not isinstance(a, np.ndarray) else np.broadcast_to(a, arg.shape)
                for a, arg in zip(arrays, args, strict=True)
            ]
        found = _computed(equation, arrays)
        if name in ELEMENTWISE:
            return [constant(array, shape) for array, shape in zip(found, shapes, strict=True)]
        return [constant(array) for array in found]

    def _opaque(self, equation: Any) -> list[Held]:
        """What is computed from keys alone is a key; anything else cannot be done."""
        keys = all(dtypes.is_random(v.aval.dtype) for v in equation.outvars)
        if keys and equation.primitive.name != "random_bits":
            return [Opaque(tuple(v.aval.shape)) for v in equation.outvars]
        raise unsupported_form(
            equation,
            "a plan draws its random numbers itself, as jax.random.uniform, normal, bernoulli and "
            "what is made of them give; the bits of a key cannot be had. Draw with one of these.",
        )

    def _nothing(self, aval: Any) -> Held:
        shape = tuple(aval.shape)
        if dtypes.plain(aval.dtype) is None:
            return Opaque(shape)
        return Value(shape, dtypes.of(aval.dtype), shape, Ref(0))


def constant(array: Any, shape: Shape | None = None) -> Value:
    """A constant of a jaxpr, which may be a random key."""
    if dtypes.is_key(array.dtype):
        return Value(tuple(array.shape), np.dtype(object), tuple(array.shape), known=array)
    return known(np.asarray(array), shape)


def _computed(equation: Any, arrays: Sequence[Any]) -> list[Any]:
    given = [jax.numpy.asarray(a) if isinstance(a, np.ndarray) else a for a in arrays]
    with jax.ensure_compile_time_eval():
        found = equation.primitive.bind(*given, **equation.params)
    return list(found) if equation.primitive.multiple_results else [found]


def _alive(jaxpr: Any) -> list[Any]:
    """The equations that a result depends on, in order."""
    needed = {atom for atom in jaxpr.outvars if not isinstance(atom, core.Literal)}
    kept = []
    for equation in reversed(jaxpr.eqns):
        if needed.intersection(equation.outvars):
            needed.update(a for a in equation.invars if not isinstance(a, core.Literal))
            kept.append(equation)
    return kept[::-1]


_CALLS = {
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call",
    "custom_vjp_call_jaxpr", "remat", "remat2", "checkpoint", "custom_lin", "xla_call",
}  # fmt: skip


def _called(equation: Any) -> Any:
    """The jaxpr that an equation calls; None where it calls none."""
    if equation.primitive.name not in _CALLS:
        return None
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        if key in equation.params:
            return equation.params[key]
    return None


def _scan(t: Translator, equation: Any, args: Sequence[Held]) -> list[Held]:
    params = equation.params
    consts, carried = params["num_consts"], params["num_carry"]
    length = params["length"]
    if not is_static(length) or length > _LONGEST:
        raise unsupported_form(
            equation,
            f"a loop of {length} steps cannot be written out; a plan has no loops, each step is "
            f"written out, and there may be {_LONGEST}.",
        )
    fixed, carry = list(args[:consts]), list(args[consts : consts + carried])
    series = args[consts + carried :]
    rows: list[list[Held]] = []
    order = range(length - 1, -1, -1) if params["reverse"] else range(length)
    for i in order:
        results = t.call(params["jaxpr"], [*fixed, *carry, *(_at(t, x, i) for x in series)])
        carry = results[:carried]
        rows.append(results[carried:])
    if params["reverse"]:
        rows.reverse()
    stacked: list[Held] = []
    for j, out in enumerate(equation.outvars[carried:]):
        stacked.append(_stacked(t, [row[j] for row in rows], out.aval))
    return [*carry, *stacked]


def _at(t: Translator, series: Held, i: int) -> Held:
    """One step's part of what a loop runs along."""
    if isinstance(series, Opaque):
        return Opaque(series.shape[1:])
    shape = series.shape[1:]
    if series.known is not None:
        if len(series.held) < len(series.shape) or series.held[0] == 1 != series.shape[0]:
            held = series.held[1:] if len(series.held) == len(series.shape) else series.held
            return Value(shape, series.dtype, held, known=series.known.reshape(held))
        return constant(series.known[i], shape if is_static(series.shape[0]) else None)
    return Value(shape, series.dtype, shape, t.emit("torch.select", t.ref(series), 0, i))


def _stacked(t: Translator, parts: Sequence[Held], aval: Any) -> Held:
    shape = tuple(aval.shape)
    if any(isinstance(part, Opaque) for part in parts):
        return Opaque(shape)
    values = [part for part in parts if isinstance(part, Value)]
    if not values:
        return known(np.zeros(shape, dtypes.of(aval.dtype)))
    if all(v.known is not None and v.whole for v in values):
        return known(np.stack([np.asarray(v.known) for v in values]))
    ref = t.emit("torch.stack", [t.ref(v) for v in values], 0)
    return Value(shape, dtypes.of(aval.dtype), shape, ref)


def _while(t: Translator, equation: Any, args: Sequence[Held]) -> list[Held]:
    params = equation.params
    asked, done = params["cond_nconsts"], params["body_nconsts"]
    condition, body = list(args[:asked]), list(args[asked : asked + done])
    carry = list(args[asked + done :])
    for _ in range(_LONGEST):
        answer = t.call(params["cond_jaxpr"], [*condition, *carry])[0]
        number = answer.number if isinstance(answer, Value) else None
        if number is None:
            break
        if not number:
            return carry
        carry = t.call(params["body_jaxpr"], [*body, *carry])
    where = line_of(equation)
    raise DataDependentError(
        f"A while loop ends when the data says so, or after more than {_LONGEST} steps; a plan "
        "is the same for all data. Use a loop of a fixed number of steps (jax.lax.scan) and "
        "jnp.where." + (f"\n  at {where}" if where else ""),
        where=where,
    )


def _cond(t: Translator, equation: Any, args: Sequence[Held]) -> list[Held]:
    """Known: the branch. Else all branches, of which one is chosen element by element."""
    index, operands = args[0], list(args[1:])
    branches = equation.params["branches"]
    if not isinstance(index, Value):
        return t._opaque(equation)
    if index.number is not None:
        chosen = min(max(int(index.number), 0), len(branches) - 1)
        return t.call(branches[chosen], operands)
    results = t.call(branches[-1], operands)
    for i in range(len(branches) - 2, -1, -1):
        other = t.call(branches[i], operands)
        here = t.emit("torch.le", t.held(index), i)
        results = [_either(t, here, a, b) for a, b in zip(other, results, strict=True)]
    return results


def _either(t: Translator, condition: Ref, a: Held, b: Held) -> Held:
    if isinstance(a, Opaque) or isinstance(b, Opaque):
        return a
    if a.ref is not None and a.ref == b.ref and same(a.held, b.held):
        return a
    ref = t.emit("torch.where", condition, t.ref(a), t.ref(b))
    return Value(a.shape, a.dtype, a.shape, ref)


_CONTROL = {"scan": _scan, "while": _while, "cond": _cond}
