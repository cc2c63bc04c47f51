"""Whole recurrent networks: torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu.

Layers, both directions and packed sequences. Weights come per layer and direction as
w_ih, w_hh and, if there are biases, b_ih, b_hh; gates are stacked as in `recurrent`.
A packed sequence is ``(data, batch_sizes)``: at each time step only the first samples,
those that are long enough, have data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from syft_web.ops.dtypes import Array
from syft_web.ops.elementwise import array
from syft_web.ops.linalg import linear
from syft_web.ops.nn import dropout, sigmoid
from syft_web.ops.row import RowCollector

__all__ = ["row"]

row = RowCollector()

State = list[Array]
"""The hidden state, and the cell state of an LSTM; each ``(N, H)``."""


def _lstm_step(gates: Array, more: Array, state: State) -> State:
    enter, forget, new, leave = np.split(gates + more, 4, axis=1)
    cell = sigmoid(forget) * state[1] + sigmoid(enter) * np.tanh(new)
    return [array(sigmoid(leave) * np.tanh(cell)), array(cell)]


def _gru_step(gates: Array, more: Array, state: State) -> State:
    reset_x, update_x, new_x = np.split(gates, 3, axis=1)
    reset_h, update_h, new_h = np.split(more, 3, axis=1)
    new = np.tanh(new_x + sigmoid(reset_x + reset_h) * new_h)
    return [array(new + sigmoid(update_x + update_h) * (state[0] - new))]


def _tanh_step(gates: Array, more: Array, state: State) -> State:
    return [array(np.tanh(gates + more))]


def _relu_step(gates: Array, more: Array, state: State) -> State:
    return [array(np.maximum(gates + more, 0))]


_STEPS: dict[str, Callable[[Array, Array, State], State]] = {
    "lstm": _lstm_step,
    "gru": _gru_step,
    "rnn_tanh": _tanh_step,
    "rnn_relu": _relu_step,
}


@dataclass(frozen=True)
class _Cell:
    """The weights of one layer in one direction."""

    w_ih: Array
    w_hh: Array
    b_ih: Array | None
    b_hh: Array | None
    projection: Array | None


def _cells(params: Sequence[Array], count: int, has_biases: bool, name: str) -> list[_Cell]:
    plain = 4 if has_biases else 2
    each = plain + 1 if name == "lstm" and len(params) == count * (plain + 1) else plain
    if len(params) != count * each:
        raise ValueError(f"{name} wants {count * plain} weights, got {len(params)}")
    cells = []
    for start in range(0, len(params), each):
        own = list(params[start : start + each])
        b_ih, b_hh = own[2:4] if has_biases else (None, None)
        projection = own[-1] if each > plain else None
        cells.append(_Cell(own[0], own[1], b_ih, b_hh, projection))
    return cells


def _run(
    data: Array, sizes: Sequence[int], cell: _Cell, state: State, name: str, reverse: bool
) -> tuple[Array, State]:
    """One layer in one direction over ``(sum of sizes, features)``."""
    step = _STEPS[name]
    gates = linear(data, cell.w_ih, cell.b_ih)
    ends = np.cumsum(sizes)
    state = [s.copy() for s in state]
    out = np.empty((len(data), state[0].shape[1]), gates.dtype)
    order = range(len(sizes))
    for t in reversed(order) if reverse else order:
        size, end = sizes[t], int(ends[t])
        now = [s[:size] for s in state]
        new = step(gates[end - size : end], linear(now[0], cell.w_hh, cell.b_hh), now)
        if cell.projection is not None:
            new[0] = linear(new[0], cell.projection, None)
        for kept, part in zip(state, new, strict=True):
            kept[:size] = part
        out[end - size : end] = new[0]
    return out, state


def _network(
    name: str,
    data: Array,
    sizes: Sequence[int],
    hx: Sequence[Array],
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    chance: float,
    train: bool,
    bidirectional: bool,
) -> tuple[Array, ...]:
    """All layers; results of the last one, and the final states of all."""
    wanted = 2 if name == "lstm" else 1
    if len(hx) != wanted:
        raise ValueError(f"{name} wants {wanted} states, got {len(hx)}")
    directions = 2 if bidirectional else 1
    cells = _cells(params, num_layers * directions, has_biases, name)
    finals: list[State] = []
    current = data
    for layer in range(num_layers):
        outs = []
        for way in range(directions):
            k = layer * directions + way
            out, final = _run(current, sizes, cells[k], [h[k] for h in hx], name, way == 1)
            outs.append(out)
            finals.append(final)
        current = outs[0] if directions == 1 else np.concatenate(outs, axis=1)
        if layer + 1 < num_layers:
            current = dropout(current, chance, train)
    return current, *(np.stack([f[i] for f in finals]) for i in range(wanted))


def _declare(name: str) -> None:
    state = "Tensor[] hx" if name == "lstm" else "Tensor hx"
    three = "-> Tensor, Tensor, Tensor" if name == "lstm" else "-> Tensor, Tensor"
    options = "bool has_biases, int num_layers, float dropout, bool train, bool bidirectional"

    def listed(hx: Any) -> list[Array]:
        return list(hx) if name == "lstm" else [hx]

    def whole(input: Array, hx: Any, params: Sequence[Array], *rest: Any) -> tuple[Array, ...]:
        *settings, batch_first = rest
        states = listed(hx)
        alone = input.ndim == 2
        if alone:
            input, states = input[:, None], [h[:, None] for h in states]
        elif batch_first:
            input = input.swapaxes(0, 1)
        steps, batch = input.shape[:2]
        flat = input.reshape(steps * batch, input.shape[2])
        out, *finals = _network(name, flat, [batch] * steps, states, params, *settings)
        out = out.reshape(steps, batch, out.shape[1])
        if alone:
            return out[:, 0], *(f[:, 0] for f in finals)
        return out.swapaxes(0, 1) if batch_first else out, *finals

    def packed(
        data: Array, batch_sizes: Array, hx: Any, params: Sequence[Array], *settings: Any
    ) -> tuple[Array, ...]:
        sizes = [int(n) for n in batch_sizes]
        if sum(sizes) != len(data) or sizes != sorted(sizes, reverse=True):
            raise ValueError("batch_sizes must not grow, and add up to the length of the data")
        return _network(name, data, sizes, listed(hx), params, *settings)

    row(
        f"{name}(Tensor input, {state}, Tensor[] params, {options}, bool batch_first) {three}",
        f"torch.{name} A.{name}.input",
    )(whole)
    row(
        f"{name}(Tensor data, Tensor batch_sizes, {state}, Tensor[] params, {options}) {three}",
        f"torch.{name} A.{name}.data",
    )(packed)


for _name in _STEPS:
    _declare(_name)
