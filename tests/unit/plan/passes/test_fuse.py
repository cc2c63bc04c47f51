"""Matrix products that take what comes after them into themselves."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web.plan.passes.functional import functional
from syft_web.plan.passes.fuse import accumulate, fuse_products
from syft_web.plan.passes.noops import noops
from tests.unit.plan.builders import act, plan
from tests.unit.plan.real_plans import Case, mnist_example, recorded, syft_js

RNG = np.random.default_rng(0)
A = RNG.standard_normal((4, 5)).astype(np.float32)
B = RNG.standard_normal((5, 3)).astype(np.float32)
V = RNG.standard_normal(3).astype(np.float32)
F = "torch.nn.functional"


def close(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    """Equal to float32 rounding."""
    return all(
        x.shape == y.shape and x.dtype == y.dtype and np.allclose(x, y, rtol=1e-5, atol=1e-6)
        for x, y in zip(a, b, strict=True)
    )


def left(actions: list, outputs: str, *args: np.ndarray, passes: tuple = (fuse_products,)) -> list:
    """Rows and commands that remain; the results must be the same to rounding."""
    inputs = " ".join("abcdefg"[: len(args)])
    case = Case(plan(inputs, actions, outputs), list(args))
    graph = case.after(*passes)
    assert close(case.run(graph), case.run(case.graph))
    return [(call.row.name, call.command) for call in graph.calls]


def test_bias_and_relu() -> None:
    product = act("p", "matmul", "$b", on="$a")
    for add in (act("q", "add", "$c", on="$p"), act("q", "add", "$p", on="$c")):
        actions = [product, add, act("r", "relu", on="$q")]
        assert left(actions, "r", A, B, V) == [("gemm", "matmul + add + relu")]
        assert left(actions[:2], "q", A, B, V[None]) == [("gemm", "matmul + add")]
    assert left([product, act("r", "relu", on="$p")], "r", A, B) == [("gemm", "matmul + relu")]


@pytest.mark.parametrize(
    "action",
    [act("p", "torch.addmm", "$c", "$a", "$b"), act("p", f"{F}.linear", "$a", "$d", "$c")],
)
def test_products_with_a_bias_of_their_own(action: object) -> None:
    relu = act("r", "relu", on="$p")
    assert left([action, relu], "r", A, B, V, B.T.copy()) == [
        ("gemm", f"{action.command} + relu")  # type: ignore[attr-defined]
    ]


def test_a_turned_product_is_made_the_other_way_round() -> None:
    actions = [
        act("p", "matmul", "$b", on="$a"),
        act("t", "t", on="$p"),
        act("y", "add", "$c", on="$t"),
    ]
    assert left(actions, "y", A, B, np.ones((3, 4), np.float32))[0] == ("gemm", "matmul + t")
    # A product reads a turned view as well as anything.
    actions[2] = act("y", "matmul", "$a", on="$t")
    assert [name for name, _ in left(actions, "y", A, B)] == ["matmul", "t", "matmul"]


@pytest.mark.parametrize(
    ("follower", "outputs", "bias"),
    [
        (act("q", "add", "$c", on="$p"), "q p", V),  # read by somebody else
        (act("q", "add", "$c", on="$p"), "q", V.astype(np.float64)),
        (act("q", "add", "$c", on="$p"), "q", np.ones((4, 3), np.float32)),
        (act("q", "add", "$c", on="$p"), "q", np.ones((4, 1), np.float32)),
        (act("q", "add", "$c", on="$p", alpha=2), "q", V),
        (act("q", "sub", "$c", on="$p"), "q", V),
        (act("q", "add", "$p", on="$p"), "q", V),
    ],
)
def test_what_is_something_else_stays(follower: object, outputs: str, bias: np.ndarray) -> None:
    actions = [act("p", "matmul", "$b", on="$a"), follower]
    assert left(actions, outputs, A, B, bias)[0][0] == "matmul"


def test_ints_stay() -> None:
    ints = np.arange(4).reshape(2, 2)
    actions = [act("p", "matmul", "$b", on="$a"), act("r", "relu", on="$p")]
    assert left(actions, "r", ints, ints)[0] == ("matmul", "matmul")


def test_a_bias_that_is_made_later() -> None:
    actions = [
        act("p", "matmul", "$b", on="$a"),
        act("w", "exp", on="$c"),
        act("q", "add", "$w", on="$p"),
    ]
    assert [name for name, _ in left(actions, "q", A, B, V)] == ["exp", "gemm"]


def test_operands_that_change_in_between_stay() -> None:
    actions = [
        act("x", "mul", 2, on="$a"),
        act("v", "t", on="$x"),
        act("p", "matmul", "$b", on="$x"),
        act("x", "add_", 1, on="$x"),
        act("q", "add", "$c", on="$p"),
    ]
    names = [name for name, _ in left(actions, "q v", A, B, V)]
    assert names == ["mul", "t", "matmul", "add", "add"]


GRADIENTS = [
    act("g", "matmul", "$b", on="$a"),
    act("h", "matmul", "$d", on="$c"),
    act("s", "add_", "$h", on="$g"),
]


def test_a_product_is_added_into_a_sum() -> None:
    passes = (functional, fuse_products, accumulate)
    args = (A, B, 2 * A, 3 * B)
    assert left(GRADIENTS, "s", *args, passes=passes) == [
        ("matmul", "matmul"),
        ("gemm_add", "matmul + add_"),
    ]
    kept = left(GRADIENTS, "s h", *args, passes=passes)  # the product itself is wanted
    assert [name for name, _ in kept] == ["matmul", "matmul", "add"]


def test_a_sum_that_is_read_later_is_not_written_to() -> None:
    actions = [*GRADIENTS[:2], act("s", "add", "$h", on="$g"), act("z", "exp", on="$g")]
    passes = (functional, fuse_products, accumulate)
    names = [name for name, _ in left(actions, "s z", A, B, A, B, passes=passes)]
    assert names == ["matmul", "matmul", "add", "exp"]


def test_inputs_are_never_added_into() -> None:
    actions = [GRADIENTS[1], act("s", "add", "$h", on="$a")]
    passes = (fuse_products, accumulate)
    names = [name for name, _ in left(actions, "s", A @ B, A, A, B, passes=passes)]
    assert names == ["matmul", "add"]


@pytest.mark.parametrize("framework", ["torch", "tfjs"])
def test_the_step_of_syft_js(framework: str) -> None:
    case = syft_js(framework)
    before = case.after(functional, fuse_products, noops)
    after = case.after(functional, fuse_products, noops, accumulate)
    assert [len(g.calls) for g in (case.graph, before, after)] == [95, 77, 75]
    assert case.peak(before) - case.peak(after) > 1_200_000  # one product of 392 x 784 less
    assert close(case.run(after), case.run(case.graph))


def test_the_example_and_a_recorded_step() -> None:
    for case, wanted in ((mnist_example(), (44, 42)), (recorded("tr_mlp"), (95, 89))):
        after = case.after(functional, fuse_products)
        assert (len(case.graph.calls), len(after.calls)) == wanted
        assert close(case.run(after), case.run(case.graph))
