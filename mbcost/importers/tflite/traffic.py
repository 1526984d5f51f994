"""Operators that choose or place elements, and have no arithmetic that is counted: charged by what they move."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mbcost.importers.tflite.model import Node
from mbcost.importers.tflite.network import Network, Value, plain
from mbcost.operators import Crop, Opaque, TensorShape

#: Operators whose output has the size that the file says.
OPERATORS: Final = (
    "SELECT",
    "SELECT_V2",
    "GATHER_ND",
    "TOPK_V2",
    "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5",
    "ONE_HOT",
    "SCATTER_ND",
    "WHERE",
    "UNIQUE",
    "DYNAMIC_UPDATE_SLICE",
    "MATRIX_DIAG",
    "MATRIX_SET_DIAG",
    "SEGMENT_SUM",
    "EMBEDDING_LOOKUP",
)


def charged(net: Network, node: Node) -> list[Value]:
    """The first output is charged with all that is read, the others with that one."""
    net.notes[f"{node.name} is charged by its traffic alone"] = None
    given = [tensor for tensor in node.inputs if tensor >= 0 and not _is_setting(net, tensor)]
    return outputs_of(net, node, tuple(net.value(tensor) for tensor in given or node.inputs[:1]))


def _is_setting(net: Network, tensor: int) -> bool:
    """Whether an operand is a number that says how, or whole numbers: nothing that takes time to read."""
    head = net.model.tensors[tensor]
    return net.is_constant(tensor) and (head.elements == 1 or "INT" in head.type or head.type == "BOOL")


def outputs_of(net: Network, node: Node, inputs: tuple[Value, ...]) -> list[Value]:
    """A layer for every output."""
    values: list[Value] = []
    for tensor in node.outputs:
        shape = net.closed_shape(tensor)
        values.append(net.layer(node, Opaque(plain(shape), known=True), *(values[:1] or inputs)))
    return values


def read_variable(net: Network, node: Node) -> Value:
    """READ_VARIABLE: a state that an earlier inference left is an input, copied."""
    tensor = node.outputs[0]
    state = net.add_input(tensor)
    net.notes["the network keeps a state between inferences, which is read and written as a copy"] = None
    return net.layer(node, Opaque(plain(state.shape), known=True), state)


def assign_variable(net: Network, node: Node) -> list[Value]:
    """ASSIGN_VARIABLE: inputs are the variable and what is copied to it."""
    tensor = net.operand(node, 1)
    state = net.value(tensor)
    net.layer(replace(node, outputs=(tensor,)), Opaque(plain(state.shape), known=True), state)
    return []


def gather(net: Network, node: Node) -> Value:
    """GATHER: inputs are a tensor and the numbers of its rows; of a constant table only those rows are read."""
    table, indices = net.operand(node, 0), net.operand(node, 1)
    shape = net.file_shape(node.outputs[0])
    if net.is_constant(indices):
        x = net.value(table)
        if all(new <= old for new, old in zip(shape, x.shape, strict=True)):
            return net.layer(node, Crop(plain(shape)), x)
        return _moved(net, node, shape, x)
    chosen = net.value(indices)
    if not net.is_constant(table):
        return _moved(net, node, shape, net.value(table), chosen)
    rows = net.value(table, beside=chosen)
    if shape.elements > rows.shape.elements:
        return _moved(net, node, shape, rows, chosen)
    flat = net.view(node, rows, TensorShape(1, 1, rows.shape.elements))
    part = net.layer(node, Crop((1, 1, shape.elements)), flat)
    return net.view(node, part, shape)


def _moved(net: Network, node: Node, shape: TensorShape, *inputs: Value) -> Value:
    net.notes[f"{node.name} is charged by its traffic alone"] = None
    return net.layer(node, Opaque(plain(shape), known=True), *inputs)


def detections(net: Network, node: Node) -> list[Value]:
    """TFLite_Detection_PostProcess: boxes, classes, scores and their number, of encoded boxes, scores and anchors.

    The anchors are a constant that was not trained.
    """
    net.notes[f"{node.name} is charged by its traffic alone"] = None
    inputs = tuple(net.value(tensor, trained=place < 2) for place, tensor in enumerate(node.inputs) if tensor >= 0)
    return outputs_of(net, node, inputs)
