"""Small random programs of views, in-place and other operations, against torch's eager run.

What is written through a view must be seen by everything that shares its memory, and by
nothing else; the caller's arrays are never changed. Every value of a program is an output,
the mutated ones as they are at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from syft_web.plan import Action, Placeholder, Plan, Ref, Role  # noqa: E402

Array = np.ndarray
ALL_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@dataclass
class Recorder:
    """Runs each operation in torch as it is added, and records it as an action."""

    values: dict[str, Any] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    def add_input(self, array: Array) -> None:
        """One more argument of the plan."""
        name = f"in{len(self.inputs)}"
        self.inputs.append(name)
        self.arrays.append(array)
        self.values[name] = torch.from_numpy(array.copy())

    def apply(self, command: str, *args: Any, outputs: int = 1) -> bool:
        """Run and record a command, if torch computes it.

        Args:
            command: A method, or ``torch.`` and a function.
            args: Names of values (as `Ref`s) and constants; the target of a method first.
            outputs: How many results are kept.
        """
        given = [self._value(a) for a in args]
        if command.endswith("_") and (_overlaps(given[0]) or _shifted(*given)):
            return False  # torch forbids most of these, and what the others do is chance
        try:
            if command.startswith("torch."):
                found = getattr(torch, command[6:])(*given)
            else:
                found = getattr(given[0], command)(*given[1:])
        except (RuntimeError, IndexError, TypeError, ValueError):
            return False
        results = [found] if isinstance(found, torch.Tensor) else list(found or ())[:outputs]
        names = [f"v{len(self.actions)}_{k}" for k in range(len(results))]
        method = not command.startswith("torch.")
        target, rest = (args[0], args[1:]) if method else (None, args)
        self.actions.append(Action(command, target, tuple(rest), {}, tuple(names)))
        for name, result in zip(names, results, strict=True):
            # An in-place command gives its target: one tensor with two names.
            self.values[name] = result if command.endswith("_") else result.detach()
        return True

    def _value(self, arg: Any) -> Any:
        if isinstance(arg, Ref):
            return self.values[str(arg.id)]
        return [self._value(a) for a in arg] if isinstance(arg, list) else arg

    def check(self) -> None:
        """Run the plan, and compare every value with torch's."""
        names = list(self.values)
        role = Role(
            actions=tuple(self.actions),
            placeholders=tuple(Placeholder(n) for n in names),
            input_ids=tuple(self.inputs),
            output_ids=tuple(names),
        )
        plan = Plan.from_role(role, name="program")
        kept = [a.copy() for a in self.arrays]
        for _ in range(2):  # a program keeps nothing between runs
            results = plan.execute(*self.arrays)
            for name, got in zip(names, results, strict=True):
                want = self.values[name].numpy()
                where = f"{name}\n{plan.listing()}"
                assert got.dtype == want.dtype, where
                assert got.shape == want.shape, where
                np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5, err_msg=where)
            for array, before in zip(self.arrays, kept, strict=True):
                np.testing.assert_array_equal(array, before, "an argument was changed")
        for k, got in enumerate(results):
            assert not any(np.shares_memory(got, a) for a in self.arrays)
            assert not any(np.shares_memory(got, other) for other in results[:k])


def _overlaps(x: Any) -> bool:
    """Whether several elements lie on the same memory."""
    return any(step == 0 and n > 1 for n, step in zip(x.shape, x.stride(), strict=True))


def _shifted(target: Any, *others: Any) -> bool:
    """Whether an operand lies in the target's memory, but not element upon element."""
    place = (target.data_ptr(), target.shape, target.stride())
    return any(
        isinstance(x, torch.Tensor)
        and np.shares_memory(x.numpy(), target.numpy())
        and (x.data_ptr(), x.shape, x.stride()) != place
        for x in others
    )


def _ref(draw: Any, recorder: Recorder) -> Ref:
    names = list(recorder.values)
    # Rather the younger values: long chains of views find more.
    return Ref(names[-1 - min(draw(st.integers(0, 8)), len(names) - 1)])


def _view(draw: Any, recorder: Recorder) -> None:
    x = _ref(draw, recorder)
    ndim = recorder.values[str(x.id)].ndim
    size = recorder.values[str(x.id)].numel()
    dim = st.integers(-max(ndim, 1), max(ndim, 1) - 1)
    kind = draw(st.sampled_from(_VIEWS))
    if kind in ("t", "detach", "contiguous", "squeeze", "flatten", "float", "clone"):
        recorder.apply(kind, x)
    elif kind in ("unsqueeze", "unbind", "flip", "squeeze", "__getitem__"):
        recorder.apply(kind, x, draw(dim), outputs=2)
    elif kind == "transpose":
        recorder.apply(kind, x, draw(dim), draw(dim))
    elif kind == "permute":
        recorder.apply(kind, x, draw(st.permutations(range(ndim))))
    elif kind in ("select", "split", "chunk"):
        pair = (draw(dim), draw(st.integers(0, 2)))
        recorder.apply(kind, x, *(pair if kind == "select" else (pair[1] + 1, pair[0])), outputs=2)
    elif kind == "narrow":
        recorder.apply(kind, x, draw(dim), draw(st.integers(0, 2)), draw(st.integers(0, 3)))
    elif kind == "diagonal":
        recorder.apply(kind, x, draw(st.integers(-1, 1)))
    elif kind == "expand":
        recorder.apply(kind, x, [2, *(-1,) * ndim])
    else:
        recorder.apply(kind, x, draw(st.sampled_from([[-1], [size], [1, -1], [2, -1], [-1, 3]])))


_VIEWS = [
    "t",
    "detach",
    "contiguous",
    "squeeze",
    "flatten",
    "float",
    "clone",
    "unsqueeze",
    "unbind",
    "flip",
    "transpose",
    "permute",
    "select",
    "split",
    "chunk",
    "narrow",
    "diagonal",
    "expand",
    "view",
    "reshape",
    "__getitem__",
]


def _in_place(draw: Any, recorder: Recorder) -> None:
    x = _ref(draw, recorder)
    other: Any = draw(st.one_of(st.just(None), st.sampled_from([2, 0.5, -1])))
    if other is None:
        other = _ref(draw, recorder)
    kind = draw(st.sampled_from(_IN_PLACE))
    if kind in ("zero_", "neg_", "relu_", "abs_", "t_"):
        recorder.apply(kind, x)
    elif kind in ("unsqueeze_", "fill_"):
        recorder.apply(kind, x, draw(st.integers(0, 1)))
    elif kind == "__setitem__":
        recorder.apply(kind, x, draw(st.integers(-2, 1)), other)
    elif kind == "copy_" and not isinstance(other, Ref):
        recorder.apply("fill_", x, other)
    elif kind in ("clamp_", "masked_fill_"):
        recorder.apply("clamp_", x, -1, 1)
    else:
        recorder.apply(kind, x, other)


_IN_PLACE = [
    "add_",
    "sub_",
    "mul_",
    "__iadd__",
    "__isub__",
    "__imul__",
    "copy_",
    "fill_",
    "zero_",
    "neg_",
    "relu_",
    "abs_",
    "t_",
    "unsqueeze_",
    "__setitem__",
    "clamp_",
]


def _plain(draw: Any, recorder: Recorder) -> None:
    x, y = _ref(draw, recorder), _ref(draw, recorder)
    kind = draw(st.sampled_from(_PLAIN))
    if kind in ("neg", "relu", "abs", "torch.tanh", "sum", "sigmoid", "exp"):
        recorder.apply("torch.clamp" if kind == "exp" else kind, x, *((-1, 1) * (kind == "exp")))
    elif kind in ("torch.cat", "torch.stack"):
        recorder.apply(kind, [x, y])
    elif kind == "torch.where":
        recorder.apply("gt", x, 0)
        mask = Ref(f"v{len(recorder.actions) - 1}_0")
        if str(mask.id) in recorder.values:
            recorder.apply(kind, mask, x, y)
    else:
        recorder.apply(kind, x, y)


_PLAIN = [
    "add",
    "sub",
    "mul",
    "matmul",
    "maximum",
    "torch.add",
    "__mul__",
    "__rsub__",
    "neg",
    "relu",
    "abs",
    "torch.tanh",
    "sum",
    "sigmoid",
    "exp",
    "torch.cat",
    "torch.stack",
    "torch.where",
    "eq",
]

_SHAPES = st.sampled_from([(2, 3), (3, 2), (3,), (2, 2), (2, 1, 3), (1,), (), (3, 3), (0, 2)])


@given(data=st.data())
@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=ALL_CHECKS,
    derandomize=True,
    report_multiple_bugs=False,
    phases=[Phase.generate],
)
def test_random_program(data: Any) -> None:
    recorder = Recorder()
    for k in range(data.draw(st.integers(1, 3))):
        shape = data.draw(_SHAPES)
        dtype = data.draw(st.sampled_from([np.float32, np.float32, np.float64, np.int64]))
        numbers = np.random.default_rng(k).integers(-3, 4, shape)
        recorder.add_input(np.asarray(numbers, dtype))
    step = st.sampled_from([_view, _view, _in_place, _in_place, _plain])
    for _ in range(data.draw(st.integers(1, 12))):
        data.draw(step)(data.draw, recorder)
    recorder.check()


def _program(*inputs: Array) -> Recorder:
    recorder = Recorder()
    for array in inputs:
        recorder.add_input(array)
    return recorder


def _ramp(*shape: int) -> Array:
    return np.arange(float(np.prod(shape)), dtype=np.float32).reshape(shape) - 2


IN0, IN1 = Ref("in0"), Ref("in1")


def test_a_write_reaches_all_views_made_before_and_after() -> None:
    program = _program(_ramp(2, 3))
    assert program.apply("t", IN0)
    assert program.apply("select", IN0, 0, 1)
    assert program.apply("mul_", Ref("v1_0"), 10)
    assert program.apply("view", IN0, [6])
    assert program.apply("add_", Ref("v3_0"), Ref("v3_0"))
    assert program.apply("clone", IN0)
    assert program.apply("zero_", Ref("v0_0"))
    program.check()


def test_a_value_read_before_a_write_stays_what_it_was() -> None:
    program = _program(_ramp(2, 3), _ramp(2, 3) * 2)
    assert program.apply("add", IN0, IN1)
    assert program.apply("add_", IN0, IN1)
    assert program.apply("add", IN0, IN1)  # the same words, another result
    assert program.apply("matmul", Ref("v0_0"), _transposed(program, IN1))
    program.check()


def _transposed(program: Recorder, ref: Ref) -> Ref:
    assert program.apply("t", ref)
    return Ref(f"v{len(program.actions) - 1}_0")


def test_parts_of_a_split_are_views() -> None:
    program = _program(_ramp(4, 2))
    assert program.apply("split", IN0, 2, outputs=2)
    assert program.apply("relu_", Ref("v0_0"))
    assert program.apply("copy_", Ref("v0_1"), Ref("v0_0"))
    assert program.apply("chunk", IN0, 2, 1, outputs=2)
    assert program.apply("neg_", Ref("v3_1"))
    program.check()


def test_a_write_through_a_view_of_a_result() -> None:
    weights = _ramp(3, 2, 2)
    for command, args in (
        ("torch.matmul", (IN0, IN0)),
        ("torch.conv1d", (IN1, Ref("in2"))),
        ("torch.stack", ([IN0, IN0], 1)),
        ("torch.cumsum", (IN0, 0)),
        ("torch.softmax", (IN0, 0)),
        ("torch.index_select", (IN0, 1, Ref("in3"))),
        ("torch.flip", (IN0, [0])),
        ("torch.einsum", ("ij,jk->ki", IN0, IN0)),
    ):
        program = _program(_ramp(3, 3), _ramp(2, 2, 5), weights, np.array([2, 0]))
        assert program.apply(command, *args), command
        assert program.apply("view", Ref("v0_0"), [-1]), command
        assert program.apply("add_", Ref("v1_0"), 1)
        assert program.apply("mul", Ref("v0_0"), 2)
        program.check()


def test_targets_that_change_their_shape() -> None:
    program = _program(_ramp(2, 3))
    assert program.apply("view", IN0, [3, 2])
    assert program.apply("t_", IN0)
    assert program.apply("add_", IN0, 1)
    assert program.apply("unsqueeze_", Ref("v0_0"), 0)
    assert program.apply("mul_", Ref("v0_0"), 2)
    assert program.apply("sum", IN0, 0)
    program.check()


@pytest.mark.parametrize("other", [np.float64, np.int64, np.bool_])
def test_in_place_keeps_the_dtype_of_the_target(other: type) -> None:
    program = _program(_ramp(2, 3), np.ones((3,), other))
    assert program.apply("add_", IN0, IN1)
    assert program.apply("mul_", IN0, IN1)
    assert program.apply("copy_", IN0, IN1)
    program.check()
