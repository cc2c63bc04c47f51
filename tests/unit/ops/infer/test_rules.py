"""Shape rules over any shapes: broadcasting, reductions, products, and numbers that are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from syft_web.ops import infer, table
from syft_web.ops.infer.common import broadcast, fits
from syft_web.ops.row import Row
from syft_web.ops.spec import UNKNOWN, Spec, spec_of

DTYPES = st.sampled_from([np.dtype(d) for d in ("f4", "f8", "f2", "i8", "i4", "u1", "?")])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def row_of(command: str, *args: Any, **kwargs: Any) -> tuple[Row, list[Any]]:
    """The row a call binds to, and its values; specs stand for arrays."""
    method = command.startswith(".")
    op = table.lookup(command.removeprefix("."), method=method)
    assert op is not None
    specs: dict[int, Spec] = {}

    def arg(value: Any) -> Any:
        if isinstance(value, Spec):
            stand_in = np.zeros((1,) * value.ndim, value.dtype)
            specs[id(stand_in)] = value
            keep.append(stand_in)
            return stand_in
        return [arg(v) for v in value] if isinstance(value, list) else value

    def back(value: Any) -> Any:
        if isinstance(value, list):
            return [back(v) for v in value]
        return specs.get(id(value), value)

    keep: list[Any] = []
    bound = op.bind([arg(a) for a in args], {k: arg(v) for k, v in kwargs.items()})
    return bound.row, [back(v) for v in bound.values]


def inferred(command: str, *args: Any, **kwargs: Any) -> Any:
    found = infer.result_specs(*row_of(command, *args, **kwargs))
    return found[0] if len(found) == 1 else list(found)


def spec(*shape: int, dtype: str = "f4", value: Any = None) -> Spec:
    return Spec(shape, np.dtype(dtype), value)


@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=4))
def test_broadcast_is_numpys(shapes: Any) -> None:
    assert broadcast(*shapes.input_shapes) == shapes.result_shape
    assert all(fits(s, shapes.result_shape) for s in shapes.input_shapes)


@given(SHAPES, SHAPES)
def test_shapes_that_do_not_broadcast_are_refused(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        wanted = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(ValueError, match="could not be broadcast together with shapes"):
            broadcast(a, b)
    else:
        assert broadcast(a, b) == wanted
        assert fits(a, b) is (wanted == b)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), DTYPES, DTYPES)
def test_elementwise(shapes: Any, first: np.dtype, second: np.dtype) -> None:
    a, b = (np.ones(s, d) for s, d in zip(shapes.input_shapes, (first, second), strict=True))
    for command in ("torch.add", "torch.eq", "torch.mul", "torch.where"):
        args = (a > 0, a, b) if command == "torch.where" else (a, b)
        row, values = row_of(command, *map(spec_of, args))
        (found,) = infer.result_specs(row, values)
        real = row.rule(*[args[0], *args[1:], *values[len(args) :]])
        assert (found.shape, found.dtype) == (real.shape, real.dtype)


@given(SHAPES, DTYPES, st.data())
def test_reductions(shape: tuple[int, ...], dtype: np.dtype, data: st.DataObject) -> None:
    array = np.ones(shape, dtype)
    dims = data.draw(
        st.none() | st.lists(st.integers(-5, 5), max_size=3, unique=True), label="dims"
    )
    keepdim = data.draw(st.booleans())
    for command in ("torch.sum", "torch.mean", "torch.amax", "torch.all", "torch.logsumexp"):
        if command == "torch.logsumexp" and dims is None:
            continue
        row, values = row_of(command, spec_of(array), dims, keepdim)
        try:
            with np.errstate(all="ignore"):
                real = row.rule(array, *values[1:])
        except (ValueError, IndexError, TypeError):
            with pytest.raises(ValueError, match=r"."):
                infer.result_specs(row, values)
        else:
            (found,) = infer.result_specs(row, values)
            assert (found.shape, found.dtype) == (real.shape, real.dtype)


@given(SHAPES, SHAPES)
def test_matmul(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    try:
        wanted = np.matmul(np.ones(a), np.ones(b)).shape
    except ValueError:
        with pytest.raises(ValueError, match=r"fit|1D|broadcast"):
            inferred("torch.matmul", spec(*a), spec(*b))
    else:
        assert inferred("torch.matmul", spec(*a), spec(*b)).shape == wanted


@given(SHAPES, st.data())
def test_view_and_permute(shape: tuple[int, ...], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    found = inferred(".permute", spec(*shape), list(order))
    assert found.shape == tuple(shape[i] for i in order)
    assert inferred(".reshape", found, [math.prod(shape)]).shape == (math.prod(shape),)
    with pytest.raises(ValueError, match="invalid for input of size"):
        inferred(".reshape", found, [math.prod(shape) + 1])


def test_views_take_no_memory() -> None:
    huge = spec(1 << 20, 1 << 20)
    assert inferred(".t", huge) == huge
    assert inferred(".reshape", huge, [-1]).shape == (1 << 40,)
    assert inferred(".view", huge, [1 << 10, -1]).shape == (1 << 10, 1 << 30)


def test_sizes_are_numbers_that_are_known() -> None:
    x = spec(64, 784)
    rows = inferred(".size", x, 0)
    assert rows == Spec((), np.dtype("i8"), 64)
    assert inferred(".numel", x).value == 64 * 784
    assert inferred(".dim", x).value == 2
    assert inferred("torch.mul", rows, 3).value == 192
    assert inferred("torch.add", rows, rows).value == 128
    assert inferred("torch.sub", rows, 4, alpha=2).value == 56
    assert inferred("torch.floor_divide", rows, 10).value == 6
    assert inferred("torch.true_divide", rows, 3).value == pytest.approx(64 / 3)
    assert inferred(".float", rows) == Spec((), np.dtype("f4"), 64.0)
    assert inferred("torch.tensor", 5).value == 5
    assert inferred("torch.tensor", [5]).value is None
    assert inferred("torch.add", rows, x).value is None
    with pytest.raises(ValueError, match="zero"):
        inferred("torch.floor_divide", rows, 0)


def test_a_number_whose_value_is_not_known() -> None:
    row, values = row_of("torch.add", spec(3), spec(), alpha=2)
    values[2] = spec()  # alpha comes from a tensor
    assert infer.result_specs(row, values) == (spec(3),)
    row, values = row_of("torch.zeros", [2, 3])
    values[0] = [2, spec(dtype="i8")]  # so does a size
    assert infer.result_specs(row, values) == (UNKNOWN,)


@pytest.mark.parametrize(
    ("command", "args", "words"),
    [
        ("torch.matmul", (spec(2, 3), spec(4, 5)), "3 is not 4"),
        ("torch.cat", ([spec(2, 3), spec(2, 4)], 0), "all sizes but that of dimension 0"),
        ("torch.stack", ([spec(2), spec(3)],), "stack needs equal shapes"),
        ("torch.conv2d", (spec(1, 3, 8, 8), spec(4, 2, 3, 3)), "do not fit"),
        ("torch.max_pool2d", (spec(1, 1, 2, 2), [5]), "larger than the input"),
        ("torch.mean", (spec(2, dtype="i8"),), "floats"),
        ("torch.nn.functional.nll_loss", (spec(4, 3), spec(5, dtype="i8")), "does not fit"),
        (".view", (spec(6), [4]), "invalid for input of size 6"),
        (".expand", (spec(3), [2]), "expand|broadcast|remapped"),
        ("torch.zeros", ([-1],), "negative"),
        ("torch.gather", (spec(3, 3), 0, spec(3, dtype="i8")), "as many dims"),
        ("torch.topk", (spec(3), 4), "out of range"),
        ("torch.einsum", ("ij,jk->ik", [spec(2, 3), spec(4, 5)]), "'j' is 3"),
        ("torch.inverse", (spec(2, 3),), "square"),
    ],
)
def test_misfits_are_said_in_words(command: str, args: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        inferred(command, *args)
