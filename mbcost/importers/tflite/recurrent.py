"""LSTM: products of matrices at every step, and functions of every element between them."""

from __future__ import annotations

from mbcost.importers.tflite.flatbuffer import DamagedError
from mbcost.importers.tflite.model import Node
from mbcost.importers.tflite.network import Network, Value, plain
from mbcost.operators import Add, Crop, Dense, Sigmoid, Tanh

_GATES = 4


def lstm(net: Network, node: Node) -> Value:
    """UNIDIRECTIONAL_SEQUENCE_LSTM.

    Inputs (tensorflow/lite/kernels/unidirectional_sequence_lstm.cc): 0 the sequence, 1 to 4 weights a gate for what
    enters, 5 to 8 for the state, 12 to 15 biases, 16 and 17 a projection and its bias. Without the first gate's weights
    it is one minus the second. MACs = steps * gates * cells * (inputs + outputs), and cells * outputs a step for a
    projection.
    """
    cells, inputs = net.weights(node, 2, rank=2)
    rows, outputs = net.weights(node, 6, rank=2)
    gates = _GATES if net.has_operand(node, 1) else _GATES - 1
    x = net.input(node)
    if rows != cells or x.shape.channels != inputs:
        raise DamagedError(f"its weights are {cells}x{inputs} and {rows}x{outputs}, its input is {x.shape}")
    net.notes["LSTM: MACs of all steps; the steps run one after another, so that their time is at least this"] = None
    bias = net.has_operand(node, 13)
    entering = net.layer(node, Dense(gates * cells, bias), x, weights=node.inputs[2])
    narrow = x.shape._replace(channels=outputs)
    state = net.layer(node, Crop(plain(narrow)), entering)
    kept = net.layer(node, Dense(gates * cells, bias=False, sequential=True), state, weights=node.inputs[6])
    opened = net.layer(node, Sigmoid(), net.layer(node, Add(), entering, kept))
    made = net.layer(node, Tanh(), net.layer(node, Crop(plain(x.shape._replace(channels=cells))), opened))
    if net.has_operand(node, 16):
        made = net.layer(node, Dense(outputs, net.has_operand(node, 17)), made, weights=node.inputs[16])
    return made
