"""LSTM, GRU and RNN: products of matrices at every step, and functions of every element between them.

With n directions, sequences of t steps, b of them at once, i inputs and h states, an LSTM has n * t * b * 4h * (i + h)
MACs, a GRU 3 in place of 4, an RNN 1 (onnx.ai/onnx/operators: the equations of LSTM, GRU and RNN).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from mbcost.importers.onnx.call import Call
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor
from mbcost.operators import Add, Concat, Crop, Dense, Sigmoid, Tanh

_NOTE = "Recurrent layers: MACs of all steps; the steps run one after another, so that their time is at least this."


def recurrent(gates: int) -> Callable[[Call], tuple[Tensor, ...]]:
    """A converter of an operator (x, w, r, bias, lengths, state, cell, peepholes) with so many gates."""

    def convert(call: Call) -> tuple[Tensor, ...]:
        x, weight, again = call.tensor(), call.weight(1), call.weight(2)
        if len(x.dims) != 3 or len(weight.dims) != 3 or len(again.dims) != 3:
            raise ModelError(f"its input is {list(x.dims)}, its weights are {list(weight.dims)}, {list(again.dims)}")
        directions, rows, inputs = weight.dims
        hidden = again.dims[2]
        if rows != gates * hidden or again.dims[:2] != (directions, rows) or inputs != x.dims[2] or directions > 2:
            raise ModelError(f"its weights {list(weight.dims)} and {list(again.dims)} do not fit {list(x.dims)}")
        batch_first = bool(call.integer("layout", 0))
        x = call.build.lettered(x, "HWC")
        states = tuple(value for value in (call.value(5), call.value(6)) if isinstance(value, Tensor))
        made = [
            _direction(call, x, _own(weight, number), _own(again, number), gates, states)
            for number in range(directions)
        ]
        joined = made[0]
        if directions > 1:
            dims = (*joined.dims[:2], directions * hidden)
            joined = call.build.tensor(Concat("channels"), tuple(made), dims, "HWC")
        return _outputs(call, joined, directions, hidden, batch_first=batch_first)

    return convert


_LSTM: Final = recurrent(4)


def quantized(call: Call) -> tuple[Tensor, ...]:
    """DynamicQuantizeLSTM of ONNX Runtime: an LSTM whose weights are stored as int8, transposed."""
    weights = [call.weight(1), call.weight(2)]
    if any(len(weight.dims) != 3 for weight in weights):
        raise ModelError(f"its weights are {list(weights[0].dims)} and {list(weights[1].dims)}")
    turned = [replace(weight, dims=(weight.dims[0], weight.dims[2], weight.dims[1]), values=None) for weight in weights]
    return _LSTM(replace(call, inputs=[call.value(0), *turned, *(call.value(place) for place in range(3, 8))]))


def _own(weight: Constant, direction: int) -> Constant:
    """The part of a weight that is a direction's own, under a name of its own."""
    return replace(weight, name=f"{weight.name}[{direction}]") if weight.name else weight


def _direction(
    call: Call, x: Tensor, weight: Constant, again: Constant, gates: int, states: tuple[Tensor, ...]
) -> Tensor:
    """All steps of one direction: what enters times its weights, the state times its own, and what becomes of both."""
    build, (_, rows, inputs), hidden = call.build, weight.dims, again.dims[2]
    bias = isinstance(call.value(3), Constant)
    wide, narrow = (*x.dims[:2], rows), (*x.dims[:2], hidden)
    entering = build.tensor(Dense(rows, bias), (x,), wide, "HWC", in_channels=inputs, weight=weight)
    shape = Tensor("", narrow, "HWC").shape
    state = entering if gates == 1 else build.tensor(Crop(shape), (entering,), narrow, "HWC")
    for start in states:
        # the state before the first step, of which there is one for each direction
        state = build.traffic(f"{call.node.op_type}'s first state", (state, start), narrow, "HWC")
    kept = build.tensor(Dense(rows, bias, sequential=True), (state,), wide, "HWC", in_channels=hidden, weight=again)
    both = build.tensor(Add(), (entering, kept), wide, "HWC")
    build.notes[_NOTE] = None
    if gates == 1:
        return build.same(Tanh(), both)
    opened = build.same(Sigmoid(), both)
    return build.same(Tanh(), build.tensor(Crop(shape), (opened,), narrow, "HWC"))


def _outputs(call: Call, joined: Tensor, directions: int, hidden: int, *, batch_first: bool) -> tuple[Tensor, ...]:
    """Y with every step, then the states after the last one."""
    first, second = joined.dims[:2]
    steps, batch = (second, first) if batch_first else (first, second)
    split = call.build.view(joined, (first, second, directions, hidden), "HWCC")
    every = split if batch_first else call.build.transposed(split, [0, 2, 1, 3])
    if not any(call.node.outputs[1:]):
        return (every,)
    dims = (batch, directions, hidden) if batch_first else (directions, batch, hidden)
    size = directions * hidden
    if batch_first:
        last = call.build.tensor(Crop((batch, 1, size)), (joined,), (batch, 1, size), "HWC")
    else:
        last = call.build.tensor(Crop((1, batch, size)), (joined,), (1, batch, size), "HWC")
    if steps == 1:
        last = joined
    ended = call.build.view(last, dims, "WCC" if batch_first else "CWC")
    return every, ended, ended
