"""Plans made to hang the page, to fill its memory, or to call what they should not.

Each is refused with a typed error, soon, and without using much memory.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import syft_web
from syft_web.errors import (
    PlanError,
    PlanInvalidError,
    PlanLimitError,
    UnknownCommandError,
)
from syft_web.plan import Action, Plan, Role
from syft_web.plan.limits import Limits
from syft_web.wire import syft_proto as pb
from tests.unit.plan.builders import act, f, plan, role
from tests.unit.plan.refusal import made, refused

# -- structure ---------------------------------------------------------------------------------


def test_references_to_itself_and_in_circles() -> None:
    error = refused(lambda: made(act("y", "add", "$y", on="$y")), PlanInvalidError)
    assert "undefined placeholder" in str(error)
    loop = (act("a", "add", "$b", on="$x"), act("b", "add", "$a", on="$x"))
    error = refused(lambda: made(*loop, outputs="b"), PlanInvalidError)
    assert "action 0" in str(error)


def test_duplicate_ids() -> None:
    refused(lambda: Plan.from_role(role("x x", [], "x"), name="twice"), PlanInvalidError)
    refused(lambda: made(act("y y", "max", 0, on="$x")), PlanInvalidError)
    refused(lambda: made(state={"x": f(1.0)}, outputs="x"), PlanInvalidError)


def test_all_problems_are_counted_and_some_are_listed() -> None:
    actions = [act("y", f"no_such_op_{i}", on="$x") for i in range(3_000)]
    error = refused(lambda: made(*actions), UnknownCommandError)
    assert isinstance(error, PlanInvalidError)
    assert "3000 problems" in str(error)
    assert len(error.problems) < 200
    assert "action 0 ('no_such_op_0')" in error.problems[0]


def test_the_nearest_name_is_given() -> None:
    error = refused(lambda: made(act("y", "torch.matmull", "$x", "$x")), UnknownCommandError)
    assert "torch.matmul" in str(error)


@pytest.mark.parametrize(
    "command",
    [
        "__class__", "__class__.__init__", "__dict__", "__init__", "__reduce__", "__subclasses__",
        "__getattribute__", "__globals__", "torch.load", "torch.save", "torch.__dict__",
        "torch.hub.load", "torch.os.system", "numpy.f2py", "np.load", "os.system", "eval", "exec",
        "builtins.eval", "__import__", "torch.nn.functional.__loader__", "torch.ops.aten.__class__",
        "torch.ops.load_library", "dump", "tofile", "data.tobytes", "ctypes", "rule", "row",
        ".add", "add.__call__", "torch.add.__wrapped__", "torch..add", "torch.", ".", "", " add",
        "add\x00", "ADD", "torch.add\n", "apply_", "map_", "register_hook", "backward", "__del__",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", [True, False])
def test_names_that_mean_something_to_python_mean_nothing(command: str, method: bool) -> None:
    action = act("y", command, on="$x") if method else act("y", command, "$x")
    error = refused(lambda: made(action), UnknownCommandError)
    assert isinstance(error, UnknownCommandError)
    assert (error.index, error.command) == (0, command)


def test_no_command_is_resolved_by_attribute() -> None:
    """A command is a key of a table; nothing looks up an attribute by a name from a plan."""
    root = Path(syft_web.__file__).parent
    found = []
    for room in ("ops", "plan"):
        for file in sorted((root / room).rglob("*.py")):
            for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
                if re.search(r"\b(getattr|setattr|eval|exec|__import__|import_module)\(", line):
                    found.append((f"{room}/{file.name}", number, line.strip()))
    allowed = {"return all(_same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))"}
    dynamic = [item for item in found if item[2] not in allowed]
    literal = re.compile(r"getattr\([\w.]+, \"\w+\"")  # a fixed name
    assert not [item for item in dynamic if not literal.search(item[2])]


# -- sizes that stand in the plan --------------------------------------------------------------

HUGE = 10**6


@pytest.mark.parametrize(
    "actions",
    [
        [act("y", "torch.zeros", [HUGE, HUGE])],
        [act("y", "torch.ones", HUGE, HUGE)],
        [act("y", "torch.full", [HUGE, HUGE], 1.0)],
        [act("y", "torch.empty", [0, HUGE, HUGE])],
        [act("y", "torch.rand", [HUGE, HUGE])],
        [act("y", "torch.randint", 5, [HUGE, HUGE])],
        [act("y", "torch.randperm", 10**12)],
        [act("y", "torch.arange", 10**12)],
        [act("y", "torch.arange", 0.0, 1.0, 1e-12)],
        [act("y", "torch.linspace", 0.0, 1.0, 10**12)],
        [act("y", "torch.eye", HUGE)],
        [act("y", "torch.eye", 1, 10**12)],
        [act("a", "torch.ones", [1]), act("y", "expand", [HUGE, HUGE], on="$a")],
        [act("a", "torch.ones", [10]), act("y", "repeat", [10**11], on="$a")],
        [act("a", "torch.ones", [10]), act("y", "torch.tile", "$a", [10**11])],
        [act("a", "torch.ones", [10]), act("y", "repeat_interleave", 10**11, on="$a")],
        [act("a", "torch.ones", [10]), act("y", "torch.nn.functional.pad", "$a", [0, 10**12])],
        [
            act("a", "torch.arange", 3),
            act("y", "torch.nn.functional.one_hot", "$a", num_classes=10**12),
        ],
        [act("a", "torch.ones", [10]), act("y", "torch.diag_embed", "$a", 10**7)],
        [act("a", "torch.ones", [10]), act("y", "torch.diag", "$a", 10**7)],
        [act("a", "torch.ones", [30_000]), act("y", "torch.outer", "$a", "$a")],
        [
            act("a", "torch.ones", [10**5, 1]),
            act("b", "t", on="$a"),
            act("y", "matmul", "$b", on="$a"),
        ],
        [act("a", "torch.ones", [2_000]), act("y", "torch.meshgrid", "$a", "$a", "$a")],
        [
            act("a", "torch.ones", [20_000, 50]),
            act("y", "torch.cdist", "$a", "$a"),
        ],
        [
            act("a", "torch.ones", [1, 1, 8, 8]),
            act("y", "torch.nn.functional.interpolate", "$a", size=[HUGE, HUGE]),
        ],
        [
            act("a", "torch.ones", [1, 1, 8, 8]),
            act("w", "torch.ones", [1, 1, 3, 3]),
            act("y", "torch.conv2d", "$a", "$w", None, [10**8], [10**8]),
        ],
        [
            act("a", "torch.ones", [1, 1, 8, 8]),
            act("w", "torch.ones", [1, 1, 3, 3]),
            act("y", "torch.conv_transpose2d", "$a", "$w", None, [10**7]),
        ],
        [
            act("a", "torch.ones", [0, 1, 1]),
            act("y", "torch.adaptive_avg_pool1d", "$a", [10**10]),
        ],
        [
            act("a", "torch.ones", [1, 1, 8, 8]),
            act("y", "torch.nn.functional.local_response_norm", "$a", 10**11),
        ],
        [
            act("a", "torch.ones", [100]),
            act("y", "torch.einsum", "a,b,c,d,e,f,g,h->", *["$a"] * 8),
        ],
        [
            act("a", "torch.ones", [100]),
            act("y", "torch.einsum", "a,b,c,d,e,f,g,h->abcdefgh", *["$a"] * 8),
        ],
        [act("a", "torch.ones", [9_000, 9_000]), act("y", "torch.svd", "$a")],
        [act("a", "torch.ones", [10]), act("y", "torch.histc", "$a", 10**12)],
        [act("a", "torch.ones", [0, 10**7]), act("y", "unbind", 1, on="$a")],
        [act("a", "torch.ones", [0, 10**7]), act("y", "split", 1, 1, on="$a")],
        [act("a", "torch.ones", [0, 10**7]), act("y", "chunk", 10**7, 1, on="$a")],
    ],
    ids=lambda actions: actions[-1].command,
)
def test_huge_constants_are_refused_at_load(actions: list[Action]) -> None:
    made_role = Role(actions=tuple(actions), output_ids=("y",))
    refused(lambda: Plan.from_role(made_role, name="huge"), PlanLimitError)


@pytest.mark.parametrize("command", ["torch.cat", "torch.stack", "torch.outer"])
def test_growth_by_doubling(command: str) -> None:
    steps: list[Action] = [act("y", "torch.ones", [10])]
    for _ in range(60):
        if command == "torch.outer":
            steps += [act("y", "torch.outer", "$y", "$y"), act("y", "flatten", on="$y")]
        else:
            steps.append(act("y", command, ["$y", "$y"]))
    error = refused(lambda: made(*steps, inputs=""), PlanLimitError)
    assert isinstance(error, PlanLimitError)
    assert len(error.problems) == 1  # what follows from it is not told again


def test_growth_from_an_argument_is_refused_before_it_runs() -> None:
    steps = [act("y", "torch.cat", ["$x", "$x"])]
    steps += [act("y", "torch.cat", ["$y", "$y"])] * 60
    p = made(*steps)  # may be right for an empty argument
    assert p.execute(np.zeros(0, np.float32))[0].shape == (0,)
    error = refused(lambda: p.execute(f(1.0, 2.0)), PlanLimitError)
    assert "action 27" in str(error)


def test_many_values_held_at_once() -> None:
    steps = [act(f"v{i}", "torch.ones", [10_000_000]) for i in range(60)]
    sums = [act("y", "add", f"$v{i}", on="$v0") for i in range(60)]
    error = refused(lambda: made(*steps, *sums, inputs=""), PlanLimitError)
    assert "GiB are held here" in str(error)
    freed = [act("y", "torch.ones", [10_000_000])] * 100
    made(*freed, inputs="")  # only the last is held


def test_work_is_bounded() -> None:
    steps = [act("y", "torch.ones", [2_000, 2_000])]
    steps += [act("y", "matmul", "$y", on="$y")] * 1_000
    error = refused(lambda: made(*steps, inputs=""), PlanLimitError)
    assert "operations" in str(error)
    made(*steps[:100], inputs="")


@pytest.mark.parametrize(
    "action",
    [
        act("y", "torch.zeros", [-5]),
        act("y", "torch.zeros", [float("nan")]),
        act("y", "torch.zeros", ["3"]),
        act("y", "torch.arange", float("nan")),
        act("y", "torch.arange", float("inf")),
        act("y", "torch.arange", 0, 5, 0),
        act("y", "repeat", [-1], on="$x"),
        act("y", "view", [-2], on="$x"),
        act("y", "expand", [-7, 3], on="$x"),
        act("y", "torch.einsum", "ij,jk->", "$x"),
        act("y", "torch.einsum", "", "$x"),
        act("y", "torch.einsum", "i->zz", "$x"),
        act("y", "torch.einsum", "i" * 100_000, "$x"),
        act("y", "split", 0, on="$x"),
        act("y", "split", -1, on="$x"),
        act("y", "chunk", 0, on="$x"),
        act("y", "torch.linspace", 0, 1, -1),
        act("y", "torch.eye", -3),
        act("y", "unfold", 0, 10**9, 1, on="$x"),
        act("y", "permute", [0] * 1_000, on="$x"),
        act("y", "view", [1] * 1_000, on="$x"),
        act("y", "to", "torch.complex64", on="$x"),
        act("y", "to", "O", on="$x"),
        act("y", "topk", 10**12, on="$x"),
    ],
    ids=lambda action: action.command,
)
def test_impossible_sizes(action: Action) -> None:
    """Refused at load or, at the latest, before the plan runs."""
    refused(lambda: made(action).execute(f(1, 2, 3)), PlanError)


# -- sizes that only the data say --------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "number"),
    [
        ([act("y", "torch.zeros", "$x")], 10**12),
        ([act("y", "torch.nn.functional.one_hot", "$x")], 10**12),
        ([act("y", "torch.ones", [3]), act("y", "repeat", "$x", on="$y")], 10**12),
        ([act("y", "torch.ones", [1]), act("y", "expand", "$x", "$x", on="$y")], 10**7),
        ([act("y", "torch.arange", "$x")], 10**12),
        ([act("y", "torch.linspace", 0, 1, "$x")], 10**12),
        ([act("y", "torch.eye", "$x")], 10**7),
        ([act("y", "torch.ones", [1]), act("y", "repeat_interleave", "$x", on="$y")], 10**12),
        (
            [
                act("c", "reshape", [1], on="$x"),
                act("y", "torch.ones", [1]),
                act("y", "repeat_interleave", "$c", on="$y"),
            ],
            10**12,
        ),
        ([act("c", "reshape", [1], on="$x"), act("y", "torch.bincount", "$c")], 10**12),
        (
            [act("y", "torch.ones", [1]), act("y", "torch.nn.functional.pad", "$y", ["$x", 0])],
            10**12,
        ),
        (
            [act("y", "torch.zeros", "$x"), *[act("y", "torch.cat", ["$y", "$y"])] * 60],
            10,
        ),
    ],
    ids=lambda value: value[-1].command if isinstance(value, list) else str(value),
)
def test_a_value_as_a_size(actions: list[Action], number: int) -> None:
    p = Plan.loads(made(*actions).dumps(), limits=Limits(max_bytes=1 << 24))
    p.execute(np.asarray(0 if len(actions) > 10 else 2))  # a small one is well
    refused(lambda: p.execute(np.asarray(number)), PlanLimitError)


def test_limits_are_the_callers() -> None:
    data = made(act("y", "add", 1, on="$x")).dumps()
    small = Plan.loads(data, limits=Limits(max_bytes=100))
    assert small.execute(f(1.0))[0] == 2
    refused(lambda: small.execute(np.zeros(1000, np.float32)), PlanLimitError)
    assert Plan.loads(data).execute(np.zeros(1000, np.float32))[0].size == 1000
    large = Role(actions=(act("y", "torch.zeros", [1 << 29]),), output_ids=("y",))
    refused(lambda: Plan.from_role(large, name="large"), PlanLimitError)


# -- state -------------------------------------------------------------------------------------


def state_plan(tensor: pb.TorchTensor) -> bytes:
    state = pb.State(
        placeholders=[pb.Placeholder(id=pb.Id(id_int=1))],
        tensors=[pb.StateTensor(torch_tensor=tensor)],
    )
    return pb.encode(pb.Plan(role=pb.Role(state=state, output_placeholder_ids=[pb.Id(id_int=1)])))


@pytest.mark.parametrize("dims", [[3], [10**6, 10**6], [-1, 2], [2**31 - 1] * 8, [0, 5]])
def test_a_state_whose_shape_is_not_that_of_its_data(dims: list[int]) -> None:
    tensor = pb.TorchTensor(
        id=pb.Id(id_int=2),
        contents_data=pb.TensorData(
            shape=pb.Size(dims=np.array(dims, np.int32)),
            dtype="float32",
            contents_float32=f(1, 2),
        ),
    )
    refused(lambda: Plan.loads(state_plan(tensor)))


def test_a_plan_that_is_only_recorded_with_other_shapes_is_read() -> None:
    """Recorded shapes are a hint: `Plan.verify` reports them, `Plan.loads` does not refuse."""
    p = plan("x w", [act("y", "matmul", "$w", on="$x")], "y", shapes={"x": (4, 3), "w": (5, 2)})
    loaded = Plan.loads(p.dumps())
    assert not loaded.verify().ok
    assert loaded.execute(np.ones((4, 5)), np.ones((5, 2)))[0].shape == (4, 2)
