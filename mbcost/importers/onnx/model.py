"""The parts of an ONNX file that a cost model needs: nodes, shapes and tensors without their numbers.

Field numbers: onnx/onnx.proto of https://github.com/onnx/onnx.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mbcost.importers.onnx.tensors import MAX_RANK, ModelError, TensorData, read_tensor
from mbcost.importers.onnx.wire import Range, read_fields

MAX_NODES: Final = 100_000

#: An attribute's value; None for a subgraph and for what no operator here has.
Attribute: TypeAlias = int | float | str | TensorData | list[int] | list[float] | None


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the graph; a missing optional input has the name ``""``. A subgraph attribute is None."""

    op_type: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    @property
    def title(self) -> str:
        """How errors call it."""
        return f"{self.op_type} `{self.name}`"


@dataclass(frozen=True, slots=True)
class ValueInfo:
    """A declared value: its dims are ints, names of dynamic dimensions, or None; None altogether if it is no tensor."""

    name: str
    dims: tuple[int | str | None, ...] | None


@dataclass(slots=True)
class OnnxModel:
    """What a file says. Its graph may come in several parts, which protobuf merges."""

    graph: list[Range] = field(default_factory=list)
    name: str = ""
    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    functions: set[tuple[str, str]] = field(default_factory=set)
    nodes: list[Node] = field(default_factory=list)
    initializers: dict[str, TensorData] = field(default_factory=dict)
    inputs: list[ValueInfo] = field(default_factory=list)
    outputs: list[ValueInfo] = field(default_factory=list)
    value_infos: dict[str, ValueInfo] = field(default_factory=dict)


def read_header(file: Range) -> OnnxModel:
    """The model without its graph, which is found but not read.

    Raises
    ------
    WireError
        If the bytes are no message.
    """
    model = OnnxModel()
    for item in read_fields(file):
        if item.number == 2:
            model.producer = item.text()
        elif item.number == 7:
            model.graph.append(item.message())
        elif item.number == 8:
            domain, version = _opset(item.message())
            model.opsets[domain] = version
        elif item.number == 25:
            model.functions.add(_function_name(item.message()))
    return model


def read_graph(model: OnnxModel) -> None:
    """Fill in nodes, initializers, inputs and outputs.

    Raises
    ------
    WireError, ModelError
        If the graph is damaged.
    """
    for item in itertools.chain.from_iterable(map(read_fields, model.graph)):
        if item.number == 1:
            model.nodes.append(_node(item.message(), len(model.nodes)))
            if len(model.nodes) > MAX_NODES:
                raise ModelError(f"more than {MAX_NODES} nodes")
        elif item.number == 2:
            model.name = item.text()
        elif item.number == 5:
            tensor = read_tensor(item.message())
            model.initializers[tensor.name] = tensor
        elif item.number == 15:
            tensor = _sparse(item.message())
            model.initializers[tensor.name] = tensor
        elif item.number in (11, 12):
            (model.inputs if item.number == 11 else model.outputs).append(_value_info(item.message()))
        elif item.number == 13:
            info = _value_info(item.message())
            model.value_infos[info.name] = info


def _opset(message: Range) -> tuple[str, int]:
    domain, version = "", 0
    for item in read_fields(message):
        if item.number == 1:
            domain = item.text()
        elif item.number == 2:
            version = item.signed()
    return standard_domain(domain), version


def standard_domain(domain: str) -> str:
    """``ai.onnx`` is another name of the standard domain ``""``."""
    return "" if domain == "ai.onnx" else domain


def _function_name(message: Range) -> tuple[str, str]:
    """Domain and name of a function that the model defines."""
    texts = {item.number: item.text() for item in read_fields(message) if item.number in (1, 10)}
    return standard_domain(texts.get(10, "")), texts.get(1, "")


def _node(message: Range, position: int) -> Node:
    texts = {3: "", 4: "", 7: ""}
    inputs, outputs = [], []
    attributes: dict[str, Attribute] = {}
    for item in read_fields(message):
        if item.number == 1:
            inputs.append(item.text())
        elif item.number == 2:
            outputs.append(item.text())
        elif item.number in texts:
            texts[item.number] = item.text()
        elif item.number == 5:
            key, value = _attribute(item.message())
            attributes[key] = value
    name = texts[3] or next(filter(None, outputs), f"node {position}")
    return Node(texts[4], standard_domain(texts[7]), name, tuple(inputs), tuple(outputs), attributes)


def _attribute(message: Range) -> tuple[str, Attribute]:
    name = ""
    value: Attribute = None
    ints: list[int] = []
    floats: list[float] = []
    kind = 0
    for item in read_fields(message):
        if item.number == 1:
            name = item.text()
        elif item.number == 2:
            value = item.float32()
        elif item.number == 3:
            value = item.signed()
        elif item.number == 4:
            value = item.text()
        elif item.number == 5:
            value = read_tensor(item.message())
        elif item.number == 7:
            floats += item.float32_items()
        elif item.number == 8:
            ints += item.signed_items()
        elif item.number == 20:
            kind = item.signed()
    return name, floats if floats or kind == 6 else ints if ints or kind == 7 else value


def _sparse(message: Range) -> TensorData:
    """A sparse tensor as a dense one without numbers: nothing here skips zeros."""
    name, dims = "", []
    for item in read_fields(message):
        if item.number == 1:
            name = read_tensor(item.message()).name
        elif item.number == 3:
            dims += item.signed_items()
    return TensorData(name, tuple(dims), 0)


def _value_info(message: Range) -> ValueInfo:
    name, dims = "", None
    for item in read_fields(message):
        if item.number == 1:
            name = item.text()
        elif item.number == 2:
            for kind in read_fields(item.message()):
                dims = _shape(kind.message()) if kind.number == 1 else dims
    return ValueInfo(name, dims)


def _shape(tensor_type: Range) -> tuple[int | str | None, ...] | None:
    """The dims of a tensor type; None if it declares no rank."""
    for item in read_fields(tensor_type):
        if item.number == 2:
            dims = tuple(_dimension(dim.message()) for dim in read_fields(item.message()) if dim.number == 1)
            if len(dims) > MAX_RANK:
                raise ModelError(f"a value has {len(dims)} dimensions")
            return dims
    return None


def _dimension(message: Range) -> int | str | None:
    for item in read_fields(message):
        if item.number == 1:
            return item.signed()
        if item.number == 2:
            return item.text()
    return None
