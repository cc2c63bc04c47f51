"""Names of PyTorch's own operators: looking them up, keywords without a meaning, None results."""

from __future__ import annotations

import math

import numpy as np
import pytest

from syft_web.ops import aten, table
from syft_web.ops.row import BindError, Operand
from syft_web.ops.unary import erf
from syft_web.plan import Action, Placeholder, Plan, Ref, Role

X = Operand(0)


def op(name: str) -> table.Op:
    found = table.lookup(f"torch.ops.aten.{name}", method=False)
    assert found is not None, name
    return found


def test_an_alias_has_the_row_of_the_classical_command() -> None:
    for name, meaning in aten.ALIASES.items():
        method = meaning.startswith(".")
        classical = table.lookup(meaning.removeprefix("."), method=method)
        found = table.lookup(name, method=False)
        assert classical is not None
        assert found is not None
        assert classical.rows[0] in found.rows


def test_the_whole_name_counts() -> None:
    for name in ("torch.ops.aten.add", "torch.ops.aten.add.Nothing", "aten.add.Tensor",
                 "torch.ops.prims.add.default"):  # fmt: skip
        assert table.lookup(name, method=False) is None
    assert table.lookup("torch.ops.aten.add.Tensor", method=True) is None


def test_nearest_names_show_the_overload() -> None:
    near = table.nearest("torch.ops.aten.threshold_backwards.default")
    assert near[0] == "torch.ops.aten.threshold_backward.default"


@pytest.mark.parametrize("key", ["device", "layout", "pin_memory", "memory_format", "non_blocking"])
def test_keywords_about_memory_are_ignored(key: str) -> None:
    bound = op("_to_copy.default").bind([X], {"dtype": "float32", key: "whatever"})
    assert bound.values == [X, "float32"]
    with pytest.raises(BindError, match="no parameter 'colour'"):
        op("_to_copy.default").bind([X], {"colour": "blue"})


def test_lists_may_hold_none() -> None:
    assert op("index.Tensor").bind([X, [None, X]], {}).values == [X, [None, X]]
    assert op("adaptive_avg_pool2d.default").bind([X, [None, 3]], {}).values == [X, [None, 3]]
    with pytest.raises(BindError, match=r"indices\[0\].* must be a tensor"):
        op("index.Tensor").bind([X, [1.5]], {})


def test_sizes_known_only_at_run_time() -> None:
    """What a plan for any batch size does with a size: multiply it and reshape by it."""
    aten_ = "torch.ops.aten."
    actions = (
        Action(f"{aten_}sym_size.int", None, (Ref("x"), 0), {}, ("n",)),
        Action(f"{aten_}mul.int", None, (Ref("n"), 6), {}, ("m",)),
        Action(f"{aten_}view.default", None, (Ref("x"), [Ref("m")]), {}, ("flat",)),
        Action(f"{aten_}slice_backward.default", None,
               (Ref("flat"), [Ref("m"), ], 0, 0, Ref("m"), 1), {}, ("out",)),
    )  # fmt: skip
    role = Role(
        actions=actions,
        placeholders=(Placeholder("x"),),
        input_ids=("x",),
        output_ids=("out",),
    )
    plan = Plan.from_role(role, name="sizes")
    for batch in (1, 4):
        x = np.arange(batch * 6, dtype=np.float32).reshape(batch, 2, 3)
        (out,) = plan.execute(x)
        np.testing.assert_array_equal(out, x.reshape(-1))


def test_results_that_a_mask_leaves_out() -> None:
    """The gradient of the first layer's input is asked of nobody."""
    x, w = np.ones((2, 1, 4, 4), np.float32), np.ones((3, 1, 2, 2), np.float32)
    g = np.ones((2, 3, 3, 3), np.float32)
    options = ([3], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [False, True, True])
    action = Action(
        "torch.ops.aten.convolution_backward.default",
        None,
        (Ref("g"), Ref("x"), Ref("w"), *options),
        {},
        ("gx", "gw", "gb"),
    )
    ids = ("g", "x", "w")
    role = Role(
        actions=(action,),
        placeholders=tuple(Placeholder(id) for id in ids),
        input_ids=ids,
        output_ids=("gw", "gb"),
    )
    for_weight, for_bias = Plan.from_role(role, name="masked").execute(g, x, w)
    np.testing.assert_array_equal(for_weight, np.full(w.shape, 18))
    np.testing.assert_array_equal(for_bias, [18, 18, 18])
    bound = op("convolution_backward.default").bind([g, x, w, *options], {})
    assert bound.rule(*bound.values)[0] is None


def test_native_batch_norm_writes_its_statistics_and_the_functional_one_does_not() -> None:
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    for name, changes in (("native_batch_norm.default", True),
                          ("_native_batch_norm_legit_functional.default", False)):  # fmt: skip
        mean, variance = np.zeros(3, np.float32), np.ones(3, np.float32)
        bound = op(name).bind([x, None, None, mean, variance, True, 0.1, 1e-5], {})
        results = bound.rule(*bound.values)
        assert np.any(mean) == changes
        if not changes:
            np.testing.assert_allclose(results[3], 0.1 * x.mean(0), rtol=1e-6)
        assert bool(bound.row.writes) == changes


def test_erf() -> None:
    x = np.concatenate([np.linspace(-6, 6, 4001), np.logspace(-30, 0, 100)])
    wanted = np.array([math.erf(v) for v in x.astype(np.float32).tolist()])
    np.testing.assert_allclose(erf(x.astype(np.float32)), wanted, 2e-7)
    np.testing.assert_array_equal(erf(x), [math.erf(v) for v in x])
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(erf(special), [0, -0.0, 1, -1, np.nan])
    assert np.signbit(erf(special)[1])
    for shape in ((), (0,), (2, 0, 3)):
        assert erf(np.zeros(shape, np.float32)).shape == shape
