"""The dtype of every result, for all pairs of dtypes and kinds of operands, against torch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from syft_web.ops import dtypes  # noqa: E402
from tests.conformance.torch_cases.operands import EVERY_DTYPE  # noqa: E402
from tests.conformance.torch_sweep import Case, Tolerance, call, sweep  # noqa: E402

Array = np.ndarray
NUMBERS = (2, 3.0, True)


def _operand(dtype: np.dtype, ndim: int) -> Array:
    return np.asarray([1, 0, 1] if ndim else 1, dtype)


def _pairs() -> list[Case]:
    """Arrays with dimensions, without, and Python numbers, of every two dtypes."""
    arrays = [(d, n) for d in EVERY_DTYPE for n in (0, 1)]
    cases = [call(_operand(*a), _operand(*b)) for a, b in itertools.product(arrays, arrays)]
    return cases + [call(_operand(*a), n) for a in arrays for n in NUMBERS]


PAIRS = _pairs()
_COMMANDS = """
torch.add torch.sub torch.mul torch.div torch.true_divide torch.floor_divide torch.remainder
torch.fmod torch.pow torch.eq torch.ne torch.lt torch.le torch.gt torch.ge torch.maximum
torch.minimum torch.atan2 torch.bitwise_and torch.bitwise_or torch.bitwise_xor
torch.logical_and torch.logical_or torch.logical_xor torch.rsub
.__radd__ .__rsub__ .__rmul__ .__rtruediv__ .__rpow__ .__rfloordiv__ .__rmod__
.__lshift__ .__rshift__ .__and__ .__or__ .__xor__ .clamp_min .clamp_max
.add_ .sub_ .mul_ .div_ .pow_ .floor_divide_ .remainder_ .eq_ .lt_ .__iadd__ .__imul__ .copy_
.fill_ .masked_fill_ .clamp_min_
"""
_SINGLE = """
torch.neg torch.abs torch.sign torch.exp torch.sqrt torch.sigmoid torch.floor torch.round
torch.square torch.reciprocal torch.isnan torch.logical_not torch.bitwise_not torch.sum torch.prod
torch.mean torch.std torch.max torch.argmax torch.all torch.any torch.cumsum torch.norm
torch.sort torch.unique torch.relu torch.nn.functional.relu torch.nn.functional.gelu torch.sinh
torch.zeros_like torch.ones_like torch.nonzero torch.trace torch.median torch.logsumexp
"""
NEAR = Tolerance(8, 1.0)


def _check(name: str, cases: list[Case]) -> None:
    counts = sweep(name, cases, lambda case, row: NEAR)
    assert counts.compared + counts.refused, name
    shown = "\n".join(counts.problems[:20])
    assert not counts.problems, f"{len(counts.problems)} of {len(cases)} differ:\n{shown}"


@pytest.mark.parametrize("name", _COMMANDS.split())
def test_two_operands(name: str) -> None:
    cases = PAIRS
    if name == ".masked_fill_":
        mask = np.array([True, False, True])
        cases = [call(c.args[0], mask, c.args[1]) for c in PAIRS if c.args[0].ndim]
    # Where torch 1.x cut the quotient of ints, the torch of today and this engine do not.
    _check(name, [c for c in cases if not _beside(name, c)])


def test_quotients_of_ints_are_those_of_todays_torch() -> None:
    """The declared differences from torch 1.4, on the values where they show."""
    x, y = np.array([7, -7, 5]), np.array([2, 2, -2])
    cases = [call(x, y), call(x, 2), call(x.astype(np.int32), y.astype(np.uint8))]
    for name in ("torch.div", ".__truediv__", ".__rtruediv__", "torch.floor_divide"):
        _check(name, cases)
    tiny = np.full((1, 3), 1e-5, np.float32)
    _check("torch.cosine_similarity", [call(tiny, tiny)])
    ends = np.array([1e8, -3.0], np.float32)
    _check("torch.lerp", [call(ends, ends[::-1].copy(), 1.0)])


def _beside(name: str, case: Case) -> bool:
    """Divisions by zero among ints, and floats that are no numbers: refused or chance in torch."""
    zero = any(isinstance(a, np.ndarray) and 0 in a for a in case.args)
    return zero and any(w in name for w in ("floor", "remainder", "mod", "pow"))


@pytest.mark.parametrize("name", _SINGLE.split())
def test_one_operand(name: str) -> None:
    arrays = [_operand(d, 1) for d in EVERY_DTYPE]
    if name == "torch.trace":
        arrays = [a.reshape(1, 3) for a in arrays]
    dim = (0,) if name.rpartition(".")[2] in ("cumsum", "logsumexp") else ()
    _check(name, [call(a, *dim) for a in arrays])


_THREE = list(itertools.product([(d, n) for d in EVERY_DTYPE for n in (0, 1)], repeat=2))


def test_where() -> None:
    mask = np.array([True, False, True])
    cases = [call(mask, _operand(*a), _operand(*b)) for a, b in _THREE]
    cases += [call(mask, n, _operand(*a)) for a, _ in _THREE[::18] for n in NUMBERS]
    cases += [call(mask, _operand(d, 1), n) for d in EVERY_DTYPE for n in NUMBERS]
    cases += [call(mask, a, b) for a, b in itertools.product(NUMBERS, repeat=2)]
    _check("torch.where", cases)


@pytest.mark.parametrize("name", ["torch.cat", "torch.stack"])
def test_joining(name: str) -> None:
    pairs = itertools.product(EVERY_DTYPE, repeat=2)
    _check(name, [call([_operand(a, 1), _operand(b, 1)]) for a, b in pairs])


@pytest.mark.parametrize("name", ["torch.addcmul", "torch.add", "torch.lerp"])
def test_three_operands(name: str) -> None:
    if name == "torch.add":
        cases = [call(*c.args, alpha=n) for c in PAIRS for n in (2, 0.5)]
    elif name == "torch.lerp":
        cases = [
            call(_operand(a, 1), _operand(b, 1), n)
            for a, b in itertools.product(EVERY_DTYPE, repeat=2)
            for n in (0.25, _operand(a, 0))
        ]
    else:
        cases = [
            call(_operand(a, 1), _operand(b, n), _operand(b, 1))
            for a, b in itertools.product(EVERY_DTYPE, repeat=2)
            for n in (0, 1)
        ]
    _check(name, cases)


@pytest.mark.parametrize("dtype", EVERY_DTYPE, ids=str)
def test_conversions(dtype: np.dtype) -> None:
    numbers = np.array([0, 1, 2, 100, -3] if dtype.kind in "if" else [0, 1, 1, 0], dtype)
    names = [f"torch.{d.name}" for d in EVERY_DTYPE]
    words = ["bool", "byte", "char", "short", "int", "long", "half", "float", "double"]
    _check(".to", [call(numbers, name) for name in names])
    for word in words:
        _check(f".{word}", [call(numbers)])


@pytest.mark.parametrize(("a", "b"), list(itertools.product(EVERY_DTYPE, repeat=2)), ids=str)
def test_the_functions_behind(a: np.dtype, b: np.dtype) -> None:
    def of(dtype: np.dtype) -> Any:
        return getattr(torch, dtype.name)

    assert of(dtypes.promote_types(a, b)) == torch.promote_types(of(a), of(b))
    for m, n in itertools.product((0, 1), repeat=2):
        x, y = _operand(a, m), _operand(b, n)
        want = torch.result_type(torch.from_numpy(x), torch.from_numpy(y))
        assert of(dtypes.result_type(x, y)) == want
        assert of(dtypes.common_type(x, y)) == want
    for number in NUMBERS:
        for n in (0, 1):
            x = _operand(a, n)
            want = torch.result_type(torch.from_numpy(x), number)
            assert of(dtypes.result_type(x, number)) == want
