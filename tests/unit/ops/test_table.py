"""Looking commands up, and binding arguments to signatures."""

from __future__ import annotations

import re

import numpy as np
import pytest

from syft_web.ops import table
from syft_web.ops.inplace import is_in_place, write_into
from syft_web.ops.row import BindError, Operand, parse_signature

X = Operand(0)
Y = Operand(1)


def op(command: str, method: bool = True, framework: str = "torch") -> table.Op:
    found = table.lookup(command, method=method, framework=framework)
    assert found is not None
    return found


def test_names_of_one_row() -> None:
    for name in ("add", "__add__", "__radd__"):
        assert op(name).rows[0] is op("torch.add", False).rows[0]
    assert op("split").rows == op("torch.functional.split", False).rows[:1] + op("split").rows[1:]
    assert table.lookup("torch.add", method=True) is None
    assert table.lookup("matmul", method=False) is None


@pytest.mark.parametrize("command", ["tf.matMul", "matMul", "tf.linalg.matMul"])
def test_tfjs_reads_the_last_part(command: str) -> None:
    assert op(command, False, "tfjs") is op("tf.matMul", False, "tfjs")


@pytest.mark.parametrize(
    "command",
    ["__class__", "__init__", "__getattr__", "torch.load", "torch.os.system", "", ".", "torch.",
     "eval", "to.__globals__", "x" * 10_000],
)  # fmt: skip
def test_nothing_is_found_by_attribute(command: str) -> None:
    assert table.lookup(command, method=True) is None
    assert table.lookup(command, method=False) is None
    assert isinstance(table.nearest(command), list)


def test_nearest_names() -> None:
    assert table.nearest("matmull")[0] == "torch.matmul"
    assert "torch.nn.functional.relu" in table.nearest("torch.nn.functional.rely", limit=9) or (
        "torch.relu" in table.nearest("torch.nn.functional.rely")
    )
    assert all(n.startswith("tf.") for n in table.nearest("tf.matmul", framework="tfjs"))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("add_", True), ("torch.relu_", True), ("__iadd__", True), ("__setitem__", True),
     ("add", False), ("__add__", False), ("__invert__", False), ("__init__", False),
     ("__iter__", False), ("__index__", False), ("t_", True)],
)  # fmt: skip
def test_in_place_names(name: str, wanted: bool) -> None:
    assert is_in_place(name) is wanted


def test_every_in_place_name_in_the_table_is_marked() -> None:
    for name in table.all_names():
        last = name.rpartition(".")[2]
        found = op(name.removeprefix("."), name.startswith("."),
                   "tfjs" if name.startswith("tf.") else "torch")  # fmt: skip
        assert found.in_place == (last.endswith("_") and not last.startswith("__")) or (
            re.fullmatch(r"__i\w+__|__setitem__", last)
        )


def test_positional_and_keyword_arguments_are_one() -> None:
    by_name = op("sum").bind([X], {"keepdim": True, "dim": 1})
    by_place = op("sum").bind([X, 1, True], {})
    assert by_name.values == by_place.values == [X, [1], True, None]


def test_torch_takes_numpys_words() -> None:
    values = op("sum").bind([], {"input": X, "axis": 0, "keepdims": True}).values
    assert values == [X, [0], True, None]


def test_the_row_is_chosen_by_the_kinds_of_arguments() -> None:
    assert op("max").bind([X], {}).row.n_outputs == 1
    assert op("max").bind([X, 1], {}).row.n_outputs == 2
    assert op("max").bind([X, Y], {}).row.name == "maximum"
    assert op("var").bind([X, 1], {}).values[1] == [1]
    assert op("var").bind([X, False], {}).values[1] is False


def test_lists_may_be_written_out() -> None:
    for args in ([2, -1], [[2, -1]]):
        assert op("view").bind([X, *args], {}).values == [X, [2, -1]]
    assert op("torch.cat", False).bind([[X, Y]], {"dim": 1}).values == [[X, Y], 1]


def test_a_tensor_may_stand_for_a_number() -> None:
    values = op("view").bind([X, Y, -1], {}).values
    assert values == [X, [Operand(1, "int"), -1]]
    assert op("clamp").bind([X, 0, Y], {}).values == [X, 0, Y]


@pytest.mark.parametrize(
    ("command", "args", "kwargs", "reason"),
    [
        ("sum", [X], {"dims": 1}, "has no parameter 'dims'"),
        ("sum", [X, 1], {"dim": 1}, "argument 'dim' is given twice"),
        ("sum", [X, "a"], {}, "argument 'dim[0]' must be an int, got the str 'a'"),
        ("matmul", [X], {}, "argument 'other' is missing"),
        ("matmul", [X, 2.0], {}, "argument 'other' must be a tensor, got the float 2.0"),
        ("matmul", [X, None], {}, "argument 'other' may not be None"),
        ("t", [X, 1, 2], {}, "takes at most 1 positional arguments, 3 were given"),
        ("reshape", [X], {"shape": 2.5}, "must be an int"),
        ("cat", [1.5], {}, "argument 'tensors' must be a list, got the float 1.5"),
    ],
)
def test_arguments_that_do_not_fit(command: str, args: list, kwargs: dict, reason: str) -> None:
    found = table.lookup(command, method=True) or op(f"torch.{command}", False)
    with pytest.raises(BindError, match=re.escape(reason)):
        found.bind(args, kwargs)


def test_signatures_are_read() -> None:
    name, params, outputs = parse_signature(
        "f(Tensor self, int[1]? dim=None, *, int[] k=[0;1]) -> Tensor, Tensor"
    )
    assert name == "f"
    assert [p.name for p in params] == ["self", "dim", "k"]
    assert params[1].optional
    assert params[1].scalar_ok
    assert params[2].keyword_only
    assert params[2].default == [0, 1]
    assert outputs == 2
    assert parse_signature("g() -> Tensor[]")[2] is None
    assert str(op("sum").rows[0]) == "sum(self, dim=None, keepdim=False, *, dtype=None)"


def test_every_signature_can_be_read() -> None:
    for module in table._MODULES:
        for row in module.row.rows:
            assert row.names
            names = [p.name for p in row.params]
            assert len(set(names)) == len(names)
            assert set(row.writes) <= set(names)


def test_inplace_keyword() -> None:
    bound = op("torch.nn.functional.relu", False).bind([X], {"inplace": True})
    assert bound.in_place
    assert not op("torch.nn.functional.relu", False).bind([X], {}).in_place


def test_write_into_keeps_shape_and_category() -> None:
    target = np.zeros((2, 2), np.int64)
    assert write_into(target, np.array([True, False])) is target
    assert target.tolist() == [[1, 0], [1, 0]]
    with pytest.raises(ValueError, match="cannot be stored in place"):
        write_into(target, np.ones((2, 2), np.float32))
    with pytest.raises(ValueError, match="does not fit in place"):
        write_into(target, np.ones((3, 2, 2), np.int64))
    with pytest.raises(ValueError, match=r"broadcast|fit"):
        write_into(target, np.ones(3, np.int64))
