"""Examples for the rows of `reduce`."""

from __future__ import annotations

import math

import numpy as np

from tests.unit.ops.examples.base import Example, b, d, example, f, i

M = f([[1, 5, 2], [7, 3, 6]])
EMPTY = np.zeros((0, 3), np.float32)

EXAMPLES: list[Example] = [
    example("torch.sum", M, want=f(24.0)),
    example(".sum", M, 0, want=f(8, 8, 8)),
    example(".sum", M, -1, True, want=f([[8], [16]])),
    example(".sum", M, dim=[0, 1], want=f(24.0)),
    example(".sum", M, dim=[1], keepdim=True, want=f([[8], [16]])),
    example(".sum", M, axis=1, keepdims=True, want=f([[8], [16]])),
    example(".sum", b(True, True, False), want=i(2)),
    example(".sum", np.array([200, 100], np.uint8), want=i(300)),
    example(".sum", M, dtype="float64", want=d(24.0)),
    example(".sum", f(3.0), 0, want=f(3.0)),
    example(".sum", EMPTY, want=f(0.0)),
    example(".sum", EMPTY, 0, want=f(0, 0, 0)),
    example("torch.mean", M, want=f(4.0)),
    example(".mean", M, 1, want=f(8 / 3, 16 / 3)),
    example(".mean", EMPTY, want=f(np.nan)),
    example("torch.nansum", f(1, np.nan, 2), want=f(3.0)),
    example("torch.prod", i(2, 3), want=i(6)),
    example(".prod", M, 1, want=f(10, 126)),
    example(".prod", b(True, True), want=i(1)),
    example(".all", b([[True, False], [True, True]]), 1, want=b(False, True)),
    example("torch.any", f(0, 2), want=b(True)),
    example("torch.max", M, want=f(7.0)),
    example(".min", M, want=f(1.0)),
    example(".max", M, 1, want=[f(5, 7), i(1, 0)]),
    example(".min", M, dim=0, keepdim=True, want=[f([[1, 3, 2]]), i([[0, 1, 0]])]),
    example("torch.max", f(3.0), 0, want=[f(3.0), i(0)]),
    example(".argmax", M, want=i(3)),
    example("torch.argmax", M, dim=-1, want=i(1, 0)),
    example("torch.argmax", f([[2, 2]]), dim=1, keepdim=True, want=i([[0]])),
    example(".argmin", M, 0, want=i(0, 1, 0)),
    example(".argmin", f(4.0), want=i(0)),
    example("torch.amax", M, 1, want=f(5, 7)),
    example(".amin", M, [0, 1], want=f(1.0)),
    example("torch.var", M, want=f(28 / 5)),
    example(".var", M, 1, False, want=f(26 / 9, 26 / 9)),
    example(".var", M, 1, want=f(13 / 3, 13 / 3)),
    example(".std", M, want=f(math.sqrt(28 / 5))),
    example(".std", M, False, want=f(math.sqrt(28 / 6))),
    example("torch.std", M, dim=1, keepdim=True, want=f([[(13 / 3) ** 0.5]] * 2)),
    example("torch.std", f(1.0), want=f(np.nan)),
    example("torch.var_mean", M, 1, want=[f(13 / 3, 13 / 3), f(8 / 3, 16 / 3)]),
    example("torch.std_mean", M, 1, want=[f([(13 / 3) ** 0.5] * 2), f(8 / 3, 16 / 3)]),
    example("torch.logsumexp", f([[0, 0], [1000, 1000]]), 1, want=f([math.log(2), 1000.6931])),
    example(".logsumexp", f(-np.inf, -np.inf), 0, want=f(-np.inf)),
    example(".logsumexp", np.zeros((0, 2), np.float32), 0, want=f(-np.inf, -np.inf)),
    example("torch.norm", f(3, 4), want=f(5.0)),
    example(".norm", f([[3, 4], [0, 1]]), 1, 1, want=f(7, 1)),
    example(".norm", f([[3, 4], [0, 1]]), dim=1, keepdim=True, want=f([[5], [1]])),
    example(".norm", f(3, -4), p=math.inf, want=f(4.0)),
    example(".norm", f(3, -4), p=-math.inf, want=f(3.0)),
    example(".norm", f(0, -4), p=0, want=f(1.0)),
    example(".norm", f(1, 2), p=3, want=f(9 ** (1 / 3))),
    example(".norm", f(3, 4), "fro", want=f(5.0)),
    example(".dist", f(1, 2), f(4, 6), want=f(5.0)),
    example("torch.cumsum", M, 1, want=f([[1, 6, 8], [7, 10, 16]])),
    example(".cumsum", b(True, True), 0, want=i(1, 2)),
    example(".cumsum", f(2.0), 0, want=f(2.0)),
    example(".cumprod", M, 0, want=f([[1, 5, 2], [7, 15, 12]])),
    example("torch.median", f(4, 1, 3, 2), want=f(2.0)),
    example(".median", M, 1, want=[f(2, 6), i(2, 2)]),
    example(".median", f(1, np.nan, 3), want=f(np.nan)),
    example(".median", np.zeros(0, np.float32), want=f(np.nan)),
    example(".median", f([[1, np.nan, 3], [3, 1, 2]]), 1, want=[f(np.nan, 2), i(1, 2)]),
    example(".kthvalue", M, 1, dim=1, want=[f(1, 3), i(0, 1)]),
]
