"""Steps of gradient descent whose gradient is a product."""

from __future__ import annotations

import numpy as np
import pytest

from syft_web import kernels
from syft_web.ops import fused
from syft_web.plan.passes.functional import functional
from syft_web.plan.passes.fuse import accumulate, fuse_products
from syft_web.plan.passes.update import descend
from tests.unit.plan.builders import act, plan
from tests.unit.plan.passes.test_fuse import close
from tests.unit.plan.real_plans import Case, mnist_example, same_bits

RNG = np.random.default_rng(0)
W = RNG.standard_normal((4, 3)).astype(np.float32)
A = RNG.standard_normal((4, 5)).astype(np.float32)
B = RNG.standard_normal((5, 3)).astype(np.float32)
PRODUCT = act("g", "matmul", "$b", on="$a")


def left(actions: list, outputs: str = "n", rate: np.ndarray | None = None) -> list[str]:
    """Rows that remain; the results must be the same to rounding."""
    args = [W, A, B, np.asarray(0.1, np.float32) if rate is None else rate]
    case = Case(plan("w a b r", actions, outputs), args)
    graph = case.after(functional, fuse_products, accumulate, descend)
    before = [a.copy() for a in args]
    assert close(case.run(graph), case.run(case.graph))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(args, before, strict=True))
    return [call.row.name for call in graph.calls]


@pytest.mark.parametrize(
    "scaled",
    [act("s", "mul", "$g", on="$r"), act("s", "mul", "$r", on="$g"), act("s", "mul", 0.1, on="$g")],
)
def test_a_step(scaled: object) -> None:
    step = [PRODUCT, scaled, act("n", "sub", "$s", on="$w")]
    assert left(step) == ["gemm_step"]


def test_a_rate_of_one_element() -> None:
    step = [PRODUCT, act("s", "mul", "$g", on="$r"), act("n", "sub", "$s", on="$w")]
    assert left(step, rate=np.ones(1, np.float32)) == ["gemm_step"]
    assert left(step, rate=np.ones((1, 1), np.float32)) == ["gemm_step"]
    assert "gemm_step" not in left(step, rate=np.ones(3, np.float32))
    assert "gemm_step" not in left(step, rate=np.asarray(2))


def test_a_sum_of_products_is_rounded_as_recorded() -> None:
    step = [
        PRODUCT,
        act("h", "matmul", "$b", on="$a"),
        act("k", "add_", "$h", on="$g"),
        act("s", "mul", "$k", on="$r"),
        act("n", "sub", "$s", on="$w"),
    ]
    assert left(step) == ["matmul", "gemm_add", "mul", "sub"]


def test_what_is_wanted_itself_is_made() -> None:
    step = [PRODUCT, act("s", "mul", "$g", on="$r"), act("n", "sub", "$s", on="$w")]
    assert "gemm_step" not in left(step, "n g")
    assert "gemm_step" not in left(step, "n s")


def test_other_orders_and_factors_stay() -> None:
    turned = [PRODUCT, act("s", "mul", "$g", on="$r"), act("n", "sub", "$w", on="$s")]
    assert "gemm_step" not in left(turned)
    twice = [PRODUCT, act("s", "mul", "$g", on="$r"), act("n", "sub", "$s", on="$w", alpha=2)]
    assert "gemm_step" not in left(twice)


def test_weights_that_are_made_later_or_changed_stay() -> None:
    later = [PRODUCT, act("v", "exp", on="$w"), act("s", "mul", "$g", on="$r"),
             act("n", "sub", "$s", on="$v")]  # fmt: skip
    assert "gemm_step" not in left(later)
    changed = [act("v", "view", -1, on="$w"), PRODUCT, act("v", "mul_", 2, on="$v"),
               act("s", "mul", "$g", on="$r"), act("n", "sub", "$s", on="$w")]  # fmt: skip
    assert "gemm_step" not in left(changed, "n v")


@pytest.mark.parametrize("active", ["numpy", "simd128"])
def test_the_rule_with_and_without_kernels(active: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "active", lambda: active)
    got = fused.gemm_step(W, np.asarray(0.5, np.float32), A.T.copy(), B, turn_a=True)
    np.testing.assert_allclose(got, W - 0.5 * (A @ B), rtol=1e-5, atol=1e-6)


def test_real_steps() -> None:
    case = mnist_example()
    before = case.after(functional, fuse_products)
    after = case.after(functional, fuse_products, descend)
    assert (len(before.calls), len(after.calls)) == (42, 38)
    assert sum(call.row.name == "gemm_step" for call in after.calls) == 2
    assert same_bits(case.run(after), case.run(before))  # numpy makes the same three steps
    assert case.peak(after) < case.peak(before) - 1_100_000
