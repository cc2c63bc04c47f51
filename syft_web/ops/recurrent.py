"""One step of the recurrent cells: torch.lstm_cell and its like.

Gates are stacked in the weights' first dimension in torch's order: input, forget, cell,
output for LSTM; reset, update, new for GRU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.linalg import linear
from syft_web.ops.nn import sigmoid
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

_WEIGHTS = "Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None"


@row(f"lstm_cell(Tensor self, Tensor[] hx, {_WEIGHTS}) -> Tensor, Tensor", "torch.lstm_cell")
def lstm_cell(
    self: Array,
    hx: Sequence[Array],
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None,
    b_hh: Array | None,
) -> tuple[Array, Array]:
    if len(hx) != 2:
        raise ValueError(f"lstm_cell wants the hidden and the cell state, got {len(hx)} tensors")
    hidden, cell = hx
    gates = linear(self, w_ih, b_ih) + linear(hidden, w_hh, b_hh)
    enter, forget, new, leave = np.split(gates, 4, axis=1)
    kept = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(new)
    return array(sigmoid(leave) * np.tanh(kept)), array(kept)


@row(f"gru_cell(Tensor self, Tensor hx, {_WEIGHTS})", "torch.gru_cell")
def gru_cell(
    self: Array, hx: Array, w_ih: Array, w_hh: Array, b_ih: Array | None, b_hh: Array | None
) -> Array:
    reset_x, update_x, new_x = np.split(linear(self, w_ih, b_ih), 3, axis=1)
    reset_h, update_h, new_h = np.split(linear(hx, w_hh, b_hh), 3, axis=1)
    new = np.tanh(new_x + sigmoid(reset_x + reset_h) * new_h)
    return array(new + sigmoid(update_x + update_h) * (hx - new))


def _declare_simple_cells() -> None:
    table: dict[str, Callable[[Array], Any]] = {
        "rnn_tanh_cell": np.tanh,
        "rnn_relu_cell": lambda x: np.maximum(x, 0),
    }
    for name, function in table.items():

        def rule(
            self: Array,
            hx: Array,
            w_ih: Array,
            w_hh: Array,
            b_ih: Array | None,
            b_hh: Array | None,
            _f: Callable[[Array], Any] = function,
        ) -> Array:
            return array(_f(array(linear(self, w_ih, b_ih) + linear(hx, w_hh, b_hh))))

        row(f"{name}(Tensor self, Tensor hx, {_WEIGHTS})", f"torch.{name}")(rule)


_declare_simple_cells()
