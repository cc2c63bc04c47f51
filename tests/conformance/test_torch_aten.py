"""Every aten row against torch's own operator, over shapes, layouts and edge cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from syft_web.ops import aten, table
from tests.conformance.aten_cases.every import CASES
from tests.conformance.aten_cases.support import ATEN, Case, mapped, ours, strided

torch = pytest.importorskip("torch")


def operator(command: str) -> Any:
    """What torch calls by this name."""
    found: Any = torch
    for part in command.removeprefix("torch.").split("."):
        found = getattr(found, part)
    return found


def tensor(array: np.ndarray) -> Any:
    return torch.from_numpy(np.array(array, order="C"))


def theirs(c: Case) -> list[Any]:
    kwargs = dict(c.kwargs)
    if isinstance(kwargs.get("dtype"), str):
        kwargs["dtype"] = getattr(torch, kwargs["dtype"])
    args = [
        getattr(torch, a[6:])
        if isinstance(a, str) and a.startswith("torch.")
        else mapped(a, tensor)
        for a in c.args
    ]
    found = operator(c.command)(*args, **{k: mapped(v, tensor) for k, v in kwargs.items()})
    return list(found) if isinstance(found, tuple | list) else [found]


def as_array(value: Any) -> np.ndarray:
    return value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


@pytest.mark.parametrize("c", CASES, ids=[f"{k}-{c}" for k, c in enumerate(CASES)])
def test_as_torch_does(c: Case) -> None:
    with torch.no_grad():
        wanted = theirs(c)
    assert wanted
    for layout, change in (("contiguous", np.array), ("strided", strided)):
        found = ours(c, change)
        assert len(found) == len(wanted)
        for place, (got, want) in enumerate(zip(found, wanted, strict=True)):
            if c.only and place not in c.only:
                continue
            if got is None:
                # torch computes some gradients although the mask leaves them out.
                masks = [a for a in c.args if isinstance(a, list) and False in a]
                assert want is None or masks, f"result {place} is missing"
                continue
            where = f"{layout}, result {place}"
            assert type(got) is np.ndarray, where
            expected = as_array(want)
            assert got.shape == expected.shape, where
            if isinstance(want, torch.Tensor):  # else a Python number: always 64 bits wide
                assert got.dtype == expected.dtype, where
            if not c.shape_only:
                tol = c.tol * 1e-3 if got.dtype == np.float64 else c.tol
                np.testing.assert_allclose(got, expected, tol, tol, err_msg=where)


IGNORED = {"device", "generator", "layout", "memory_format", "non_blocking", "pin_memory"}
# The names of `later` are compared in test_torch_later.
NAMES = sorted(
    n.removeprefix(ATEN)
    for n in {*aten.ALIASES, *(n for _, row in table.all_rows() for n in row.names)}
    if n.startswith(ATEN)
)


def example_of(type_: str) -> Any:
    """A value of a schema's type, as a plan would write it."""
    plain = type_.removeprefix("Optional[").removesuffix("]")
    if type_.startswith("Optional["):
        return example_of(plain)
    if type_.startswith("List["):
        return [example_of(type_.removeprefix("List[").removesuffix("]"))]
    values: dict[str, Any] = {
        "Tensor": np.zeros(2, np.float32),
        "number": 1.0, "int": 1, "SymInt": 1, "float": 0.5, "bool": True, "str": "none",
    }  # fmt: skip
    return values[type_]


def named(bound: table.Bound) -> dict[str, Any]:
    return {p.name: v for p, v in zip(bound.row.params, bound.values, strict=True)}


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_can_be_given(name: str) -> None:
    """By position and by keyword, as torch's own schema names them."""
    op = table.lookup(ATEN + name, method=False)
    assert op is not None
    schema = operator(ATEN + name)._schema
    args, kwargs = [], {}
    for argument in schema.arguments:
        if argument.name in IGNORED:
            if argument.kwarg_only:
                kwargs[argument.name] = "anything"
                continue
            value = None if argument.name == "generator" else False
            args.append(value)
            continue
        value = "float32" if argument.name.endswith("dtype") else example_of(str(argument.type))
        if argument.kwarg_only:
            kwargs[argument.name] = value
        else:
            args.append(value)
    positional = [a.name for a in schema.arguments if not a.kwarg_only]
    by_place = op.bind(args, kwargs)
    by_name = op.bind([], {**dict(zip(positional, args, strict=True)), **kwargs})
    if by_place.row is by_name.row:
        np.testing.assert_equal(by_place.values, by_name.values)
    else:  # another row of the same command, with its parameters in another order
        np.testing.assert_equal(named(by_place), named(by_name))
    least = [a.name for a in schema.arguments if not a.has_default_value()]
    op.bind([], {k: v for k, v in {**dict(zip(positional, args, strict=True)), **kwargs}.items()
                 if k in least})  # fmt: skip
    returns = len(schema.returns)
    if by_place.row.n_outputs is not None:
        assert by_place.row.n_outputs == returns
    else:
        assert str(schema.returns[0].type).startswith("List")


def test_every_aten_name_has_a_case() -> None:
    used = {c.name for c in CASES}
    assert sorted(set(NAMES) - used) == []
