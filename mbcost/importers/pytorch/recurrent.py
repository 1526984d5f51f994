"""LSTM, GRU and plain recurrent layers: the products of all steps as two fully connected layers a direction.

A step multiplies its input and the state of the step before it by a matrix a gate: MACs a step = gates * hidden *
(input + hidden), plus hidden * projection of an LSTM with one (equations of ``torch.nn.LSTM``, ``GRU`` and ``RNN``, of
four gates, three and one; Hochreiter and Schmidhuber 1997; Cho et al. 2014, arXiv:1406.1078). The steps wait for each
other, which the layers here do not show: their latency is that of steps side by side, a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from mbcost.importers.pytorch.layout import channels_last
from mbcost.importers.pytorch.movement import joined
from mbcost.importers.pytorch.state import Fixed, ImportState, Tensor, UnsupportedError, Value, extents
from mbcost.importers.pytorch.trace import RECURRENT, references
from mbcost.operators import Dense, Opaque


def recurrent(state: ImportState) -> tuple[Tensor, ...]:
    """lstm, gru, rnn_tanh and rnn_relu, of several layers and both directions."""
    call, x = state.call, state.tensor("input") if "input" in state.call.args else None
    if x is None:
        raise UnsupportedError("a recurrent layer over packed sequences")
    hx = call["hx"]
    first = [state.known(ref) for ref in (hx if isinstance(hx, tuple) else (hx,))]
    weights = [state.known(ref) for ref in call["params"]]
    if not all(isinstance(weight, Fixed) for weight in weights):
        raise UnsupportedError("its weights are computed from the input")
    directions = 2 if call["bidirectional"] else 1
    each = len(weights) // (call["num_layers"] * directions)
    state.by_traffic[f"gates and states of {call.op}, whose steps are priced as if none waited for another"] += 1
    for _ in range(call["num_layers"]):
        outputs = []
        for _ in range(directions):
            mine, weights = weights[:each], weights[each:]
            outputs.append(_direction(state, x, [item for item in mine if isinstance(item, Fixed)], first))
        sizes = (*x.sizes[:-1], sum(item.sizes[-1] for item in outputs))
        x = outputs[0] if len(outputs) == 1 else joined(state, outputs, len(sizes) - 1, sizes)
    return (x, *(_last_state(state, x, number) for number in range(1, len(call.outputs))))


def cell(state: ImportState) -> Tensor | tuple[Tensor, Tensor]:
    """lstm_cell, gru_cell, rnn_tanh_cell and rnn_relu_cell: one step."""
    call, hx = state.call, state.call["hx"]
    before = [state.activation(state.known(ref)) for ref in (hx if isinstance(hx, tuple) else (hx,))]
    inner, outer = state.fixed("w_ih"), state.fixed("w_hh")
    assert inner is not None
    assert outer is not None
    products = _dense(state, state.tensor("input"), inner, state.fixed("b_ih"))
    recurred = _dense(state, before[0], outer, state.fixed("b_hh"))
    state.by_traffic[f"gates of {call.op}"] += 1
    result = _opaque(state, [products, recurred, *before[1:]], outer.sizes[1])
    return (result, result) if len(call.outputs) == 2 else result


def _direction(state: ImportState, x: Tensor, weights: Sequence[Fixed], first: Sequence[Value]) -> Tensor:
    """One layer in one direction; `first` are the states that it begins with."""
    biased, gates = bool(state.call["has_biases"]), RECURRENT[state.call.op]
    inner, outer, *rest = weights
    biases: list[Fixed | None] = list(rest[:2]) if biased else [None, None]
    projection = rest[2 if biased else 0 :]
    hidden = inner.sizes[0] // gates
    products = _dense(state, x, inner, biases[0])
    begun = [state.activation(item) for item in first if isinstance(item, Tensor)]
    states = _opaque(state, [products, *begun], outer.sizes[1])
    recurred = _dense(state, states, outer, biases[1], sequential=True)
    result = _opaque(state, [recurred, products], hidden)
    return _dense(state, result, projection[0], None) if projection else result


def _dense(state: ImportState, x: Tensor, weight: Fixed, bias: Fixed | None, *, sequential: bool = False) -> Tensor:
    sizes = (*x.sizes[:-1], weight.sizes[0])
    x = state.arranged(x, channels_last(x.sizes))
    operator = Dense(weight.sizes[0], bias is not None, sequential)
    return state.emit(operator, [x], sizes, channels_last(sizes), weights=[weight, bias], aside=True)


def _opaque(state: ImportState, inputs: Sequence[Tensor], width: int) -> Tensor:
    sizes = (*inputs[0].sizes[:-1], width)
    layout = channels_last(sizes)
    return state.emit(Opaque(extents(layout.shape(sizes)), known=True), inputs, sizes, layout, aside=True)


def _last_state(state: ImportState, x: Tensor, number: int) -> Tensor:
    """The state after the last step, as a layer only if somebody reads it."""
    ref, sizes = state.call.outputs[number], state.result_sizes(number)
    layout = channels_last(sizes)
    read = ref in state.trace.outputs or any(ref in references(call.args) for call in state.trace.calls)
    if not read or not prod(sizes):
        return Tensor(x.source, sizes, layout)
    return state.emit(Opaque(extents(layout.shape(sizes)), known=True), [x], sizes, layout, aside=True)
