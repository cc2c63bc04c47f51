"""syft_web.author.tracing: what Python does to placeholders, as a Plan."""

import numpy as np
import pytest

from syft_web.author.tracing import plan as plan_of
from syft_web.author.tracing import torch, trace
from syft_web.errors import TracingError
from syft_web.plan.plan import Plan, State
from syft_web.plan.signature import Signature, Slot

A = np.arange(6, dtype=np.float32).reshape(2, 3) + 1
B = np.array([[3, 1, 2], [1, 5, 4]], np.float32)
W = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


def commands(plan):
    return [action.command for action in plan.role.actions]


def check(function, *args, expected):
    """Trace, and compare the plan with the expectation; before and after a round trip."""
    plan = trace(function, *args)
    for each in (plan, Plan.loads(plan.dumps()), Plan.loads(plan.dumps("msgpack"))):
        results = each.execute(*args)
        assert len(results) == len(expected)
        for result, wanted in zip(results, expected, strict=True):
            np.testing.assert_allclose(result, wanted, rtol=1e-6)
            assert result.shape == np.shape(wanted)
    return plan


def test_operators_are_recorded_under_pysyfts_names():
    def function(a, b):
        c = (a + b) * 2 - 1 / a
        return c @ b.T, a > b, -(a**2)

    plan = check(function, A, B, expected=[((A + B) * 2 - 1 / A) @ B.T, A > B, -(A**2)])
    assert commands(plan) == [
        "__add__",
        "__mul__",
        "__rtruediv__",
        "__sub__",
        "t",
        "__matmul__",
        "__gt__",
        "__pow__",
        "__neg__",
    ]


def test_numbers_on_the_left():
    check(
        lambda a: (2 + a, 2 - a, 2 * a, 2 / a, 2**a, abs(-a)),
        A,
        expected=[2 + A, 2 - A, 2 * A, 2 / A, 2**A, A],
    )


def test_arrays_on_the_left_become_constants():
    plan = check(
        lambda a: (B * a, B @ a.t(), B - a, B / a, B > a, B == a),  # noqa: SIM300  # meant
        A,
        expected=[B * A, B @ A.T, B - A, B / A, B > A, B == A],
    )
    assert isinstance(plan.role.actions[0].args[0], np.ndarray)


def test_comparisons_without_a_dunder_command():
    plan = check(lambda a, b: (a == b, a != b), A, B, expected=[A == B, A != B])
    assert commands(plan) == ["eq", "ne"]


def test_methods_and_functions_of_the_op_table():
    def function(a, w):
        h = torch.nn.functional.relu(a.matmul(w))
        values, places = h.max(dim=1)
        return h.sum(dim=[0], keepdim=True), torch.argmax(h, dim=1), values, places

    h = np.maximum(A @ W, 0)
    plan = check(
        function, A, W, expected=[h.sum(0, keepdims=True), h.argmax(1), h.max(1), h.argmax(1)]
    )
    assert commands(plan)[:2] == ["matmul", "torch.nn.functional.relu"]


def test_tensors_made_inside():
    check(
        lambda a: (a + torch.ones(3), torch.zeros(2, 3) + a, a * torch.tensor([1.0, 2.0, 3.0])),
        A,
        expected=[A + 1, A, A * [1, 2, 3]],
    )


def test_select_by_one_integer():
    check(lambda a: (a[1], a[-1]), A, expected=[A[1], A[-1]])


def test_slices_and_other_indices():
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    places = np.array([2, 0])
    indices = (
        np.s_[1:],
        np.s_[:, 1:3],
        np.s_[..., -1],
        np.s_[:, None],
        np.s_[0, ..., ::2],
        np.s_[:, -2:, 1:-1],
        np.s_[..., None],
        np.s_[1, 2, 3],
    )
    check(
        lambda a, p: [*(a[index] for index in indices), a[:, p], a[..., p]],
        cube,
        places,
        expected=[*(cube[index] for index in indices), cube[:, places], cube[..., places]],
    )


@pytest.mark.parametrize("index", [np.s_[..., ...], True, 1.5, "x", np.s_[::-1]])
def test_indices_that_cannot_be_recorded(index):
    with pytest.raises(TracingError, match=r"test_tracing\.py, line"):
        trace(lambda a: a[index], A)


def test_the_decorator_makes_a_plan():
    @plan_of(A, W, description="a layer")
    def layer(x, w):
        return (x @ w).relu()

    assert isinstance(layer, Plan)
    assert (layer.name, layer.role.description or layer.description) == ("layer", "a layer")
    np.testing.assert_allclose(layer.execute(A, W)[0], np.maximum(A @ W, 0), rtol=1e-6)


def test_slots_say_what_inputs_and_outputs_are():
    weight = Slot("model_param", "w", shape=(3, 4), dtype="float32", model_index=0)
    data = Slot("data", "x", shape=(None, 3), dtype="float32")

    @plan_of(data, Slot("batch_size"), weight, outputs=[Slot("loss"), weight, weight_twin()])
    def step(x, n, w):
        return (x @ w).sum() / n, w - x.t() @ (x @ w), w

    for each in (step, Plan.loads(step.dumps()), Plan.loads(step.dumps("msgpack"))):
        signature = Signature.of(each)
        assert signature is not None
        assert [slot.kind for slot in signature.inputs] == ["data", "batch_size", "model_param"]
        assert [slot.kind for slot in signature.outputs] == ["loss", "model_param", "metric"]
        assert signature.inputs[0].shape == (None, 3)
        np.testing.assert_array_equal(each.execute(A, 2, W)[2], W)


def weight_twin():
    return Slot("metric", "before")


def test_one_slot_for_each_output():
    with pytest.raises(TracingError, match="returns 2 tensors, and 1 outputs"):
        trace(lambda a: (a, a + 1), Slot("data", shape=(None,)), outputs=[Slot("loss")])


def test_an_editor_can_offer_the_names():
    assert {"relu", "matmul", "nn"} <= set(dir(torch))
    assert "cross_entropy" in dir(torch.nn.functional)
    names = []
    trace(lambda a: names.extend(dir(a)) or a + 1, A)
    assert {"relu", "matmul", "shape", "T"} <= set(names)


def test_in_place_operations_change_what_views_see_but_not_the_arguments():
    def function(a, b):
        view = a.t()
        a += b
        a.mul_(2)
        return view

    before = A.copy()
    plan = check(function, A, B, expected=[((A + B) * 2).T])
    np.testing.assert_array_equal(A, before)
    add = plan.role.actions[1]
    assert (add.command, add.return_ids) == ("__iadd__", (add.target.id,))


def test_nested_arguments_and_results():
    def function(batch, params):
        x, y = batch
        return {"b": x + y, "a": [params["w"] * 2, params["b"]]}

    args = ((A, B), {"w": A, "b": B})
    plan = check(function, *args, expected=[A * 2, B, A + B])
    assert len(plan.inputs) == 4
    assert [p.tags for p in plan.inputs][2] == ("#input-2", "#output-1")


def test_a_plan_runs_at_another_batch_size():
    plan = trace(lambda x, w: (x @ w).relu().sum(dim=0), A, W)
    x = np.ones((7, 3), np.float32)
    np.testing.assert_allclose(plan.execute(x, W)[0], np.maximum(x @ W, 0).sum(0), rtol=1e-6)


def test_numbers_as_arguments():
    plan = trace(lambda a, n, r: (a / n * r, n + 1), A, 2, 0.5)
    scaled, more = plan.execute(A, 4, 2.0)
    np.testing.assert_array_equal(scaled, A / 2)
    assert scaled.dtype == np.float32
    assert (more, more.dtype, more.shape) == (5, np.int64, ())


def test_state_travels_with_the_plan():
    plan = trace(lambda a, *, state: a @ state[0] + state[1], A, state=[W, np.float32(1) + W[0]])
    assert plan.include_state
    again = Plan.loads(plan.dumps())
    np.testing.assert_allclose(again.execute(A)[0], A @ W + 1 + W[0], rtol=1e-6)
    state = State.of([W])
    plan = trace(lambda a, *, state: a @ state[0], A, state=state)
    np.testing.assert_allclose(plan.execute(A)[0], A @ W, rtol=1e-6)


def test_results_may_be_arguments_and_may_repeat():
    def function(a, b):
        c = a + b
        return a, c, c, [b]

    plan = check(function, A, B, expected=[A, A + B, A + B, B])
    results = plan.execute(A, B)
    assert not any(np.shares_memory(result, A) for result in results)
    assert not np.shares_memory(results[1], results[2])


def test_what_nothing_depends_on_is_left_out():
    plan = trace(lambda a, b: (a + b, (a * b).exp())[0], A, B)
    assert commands(plan) == ["__add__"]
    assert {p.id for p in plan.role.placeholders} == {1, 2, 3}


def test_an_averaging_plan_of_the_tutorial():
    """(average * number + item) / (number + 1), iteratively, is the mean."""

    def averaging(average, item, number):
        return [(a * number + i) / (number + 1) for a, i in zip(average, item, strict=True)]

    one = np.ones((2, 2), np.float32)
    plan = trace(averaging, [one, one], [one, one], np.array([1]))
    diffs = [[one * n, one * -n] for n in (1, 5.5, 7, 55)]
    average = diffs[0]
    for number, diff in enumerate(diffs[1:], 1):
        average = plan.execute(average, diff, np.array([number]))
    np.testing.assert_array_equal(average[0], np.full((2, 2), 17.125))
    np.testing.assert_array_equal(average[1], np.full((2, 2), -17.125))


def test_name_and_description():
    def step(a):
        return a * 2

    assert trace(step, A).name == "step"
    plan = Plan.loads(trace(step, A, name="other", description="doubles").dumps())
    assert (plan.name, plan.description) == ("other", "doubles")
    assert trace(step, A).role.inputs[0].expected_shape == (2, 3)


def test_shapes_are_known_values_are_not():
    def function(a):
        assert (a.shape, a.dtype, a.ndim) == ((2, 3), np.float32, 2)
        assert repr(a) == "Traced(float32[2, 3])"
        return a * a.shape[0]

    check(function, A, expected=[A * 2])


def branch(a):
    return a if a.sum() > 0 else -a


def wrong_shape(a):
    b = a.t()
    return b @ b


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (branch, r"decision.*test_tracing.py, line \d+"),
        (wrong_shape, r"__matmul__\(float32\[3, 2\], float32\[3, 2\]\).*test_tracing.py, line \d+"),
        (lambda a: float(a), r"float\(\)"),
        (lambda a: list(a), "Iteration"),
        (lambda a: len(a), r"len\(\)"),
        (lambda a: range(a), "index or a size"),
        (lambda a: 1 in a, "`in`"),
        (lambda a: np.exp(a), "np.exp would need"),
        (lambda a: np.add.reduce(a), "np.add would need"),
        (lambda a: np.add(a, A), "np.add would need"),
        (lambda a: np.asarray(a), "NumPy function"),
        (lambda a: a.__setitem__(0, 1), "torch.where"),
        (lambda a: a.sum(dimension=1), "sum: .*dimension"),
        (lambda a: a + object(), "object cannot stand in a plan"),
        (lambda a: 3.0, "returned float"),
        (lambda a: (), "returns no tensor"),
        (lambda a: trace(lambda b: a + b, A), "another recording"),
    ],
)
def test_what_cannot_be_recorded(function, words):
    with pytest.raises((TracingError, TypeError), match=words):
        trace(function, A)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda a: a.rellu(), "tensor method 'rellu' is not in the op table; nearest: .*relu"),
        (lambda a: torch.nn.functional.rellu(a), r"torch.nn.functional.rellu .*relu"),
    ],
)
def test_unknown_names_are_attribute_errors_with_what_is_near(function, words):
    with pytest.raises(AttributeError, match=words):
        trace(function, A)


def test_functions_work_only_while_recording():
    with pytest.raises(TracingError, match="only inside a function"):
        torch.zeros(3)


def test_example_that_is_no_tensor():
    with pytest.raises(TracingError, match="holds str"):
        trace(lambda a: a, "text")


def test_after_a_mistake_the_next_recording_starts_clean():
    with pytest.raises(TracingError):
        trace(branch, A)
    check(lambda a: a + torch.ones(3), A, expected=[A + 1])


def test_torchs_own_derivatives_by_name():
    """`torch.ops.aten` as in torch: the overload ``default`` need not be said."""
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)

    def function(x):
        pooled, where = torch.nn.functional.max_pool2d_with_indices(x, 2)
        given = ([2, 2], [2, 2], [0, 0], [1, 1], False)
        return torch.ops.aten.max_pool2d_with_indices_backward(pooled, x, *given, where)

    plan = trace(function, x)
    assert commands(plan)[-1] == "torch.ops.aten.max_pool2d_with_indices_backward.default"
    expected = np.zeros((4, 4), np.float32)
    expected[1::2, 1::2] = [[5, 7], [13, 15]]
    np.testing.assert_array_equal(plan.execute(x)[0][0, 0], expected)
    with pytest.raises(AttributeError, match=r"torch\.ops\.aten\.tea"):
        trace(lambda x: torch.ops.aten.tea(x), x)
