"""Shape rules given whatever an attacker may write: they end soon, and fail in words."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from syft_web.ops import infer, table
from syft_web.ops.infer.scratch import scratch_of
from syft_web.ops.infer.work import work_of
from syft_web.ops.row import Row
from syft_web.ops.spec import Spec

SHAPES = [
    (), (1,), (3,), (0,), (2, 3), (4, 4), (2, 3, 4), (1, 3, 8, 8), (10**9,), (10**5, 10**5),
    (0, 10**7), (2, 1, 10**6, 1),
]  # fmt: skip
INTS = [0, 1, 2, -1, 3, 5, -2, 7, 10**9, 10**12, -(10**12), 2**63, 10**30]
FLOATS = [0.5, 1.0, -1.0, 1e300, float("nan"), float("inf")]
TEXTS = ["mean", "none", "same", "valid", "reflect", "constant", "ij,jk->ik", "i->", "f" * 1000]


def spec(rng: random.Random) -> Spec:
    return Spec(rng.choice(SHAPES), np.dtype(rng.choice(["f4", "f8", "i8", "?", "u1"])))


def value(kind: str, rng: random.Random) -> Any:
    kind = kind.rstrip("?")
    if kind.endswith("[]"):
        return [value(kind[:-2], rng) for _ in range(rng.choice([0, 1, 2, 3, 4]))]
    choices: dict[str, list[Any]] = {
        "Tensor": [spec(rng)],
        "Value": [spec(rng), *INTS, *FLOATS, True],
        "Scalar": [*INTS, *FLOATS, True, Spec((), np.dtype("f4"))],
        "int": INTS,
        "float": FLOATS,
        "bool": [True, False],
        "true": [True],
        "str": TEXTS,
        "dtype": ["float32", "torch.int64", "zzz", "bool"],
        "any": [spec(rng), 1, [1, 2], None, "x", [[1, 2], [3, 4]], 2.0, 10**12, [10**9] * 3],
    }
    return rng.choice(choices[kind])


def values_of(row: Row, rng: random.Random) -> list[Any]:
    found: list[Any] = []
    for param in row.params:
        if param.optional and rng.random() < 0.3:
            found.append(None)
        elif not param.required and rng.random() < 0.5:
            found.append(param.default)
        else:
            found.append(value(param.type, rng))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_any_values(seed: int) -> None:
    rng = random.Random(seed)
    problems: list[str] = []
    for row in (row for module in table._MODULES for row in module.row.rows):
        for _ in range(5):
            values = values_of(row, rng)
            try:
                specs = infer.result_specs(row, values)
            except ValueError as error:
                problems.append(str(error))
                continue
            work_of(row, values, specs)
            scratch_of(row, values, specs)
    assert max(map(len, problems)) < 20_000
