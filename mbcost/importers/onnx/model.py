"""The parts of an ONNX file that a cost model needs: nodes, shapes and tensors without their numbers.

Field numbers: onnx/onnx.proto of https://github.com/onnx/onnx.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mbcost.importers.onnx.tensors import MAX_RANK, ModelError, TensorData, read_tensor
from mbcost.importers.onnx.wire import Range, read_fields

MAX_NODES: Final = 100_000
#: Characters of the list of a node's modules that are read: some ten times those of a deep network.
_LONGEST_SCOPES: Final = 4096
#: Numbers of the longest attribute that is read: a list of them is a shape, a window, an order.
MAX_NUMBERS: Final = 65_536


@dataclass(frozen=True, slots=True)
class Reference:
    """An attribute of a node in a function: the value of the function's own attribute of this name."""

    name: str


#: An attribute's value; a :class:`Range` is a subgraph that is not read yet; None for what no operator here has.
Attribute: TypeAlias = int | float | str | TensorData | Range | Reference | list[int] | list[float] | None


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the graph; a missing optional input has the name ``""``.

    `opset` is the version of its operator set; 0 if the file does not say. `module` is the path of the module that it
    comes from, such as ``features.0``, where the exporter says so.
    """

    op_type: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    opset: int = 0
    module: str = ""

    @property
    def title(self) -> str:
        """How errors call it."""
        return f"{self.op_type} `{self.name}`"

    @property
    def label(self) -> str:
        """The name of its layer: behind its module's path where that is known."""
        return f"{self.module}.{self.name.removeprefix('node_')}" if self.module else self.name


@dataclass(frozen=True, slots=True)
class ValueInfo:
    """A declared value: its dims are ints, names of dynamic dimensions, or None; None altogether if it is no tensor."""

    name: str
    dims: tuple[int | str | None, ...] | None


@dataclass(slots=True)
class Graph:
    """Nodes, tensors and declared values of a graph or of a branch."""

    name: str = ""
    nodes: list[Node] = field(default_factory=list)
    initializers: dict[str, TensorData] = field(default_factory=dict)
    inputs: list[ValueInfo] = field(default_factory=list)
    outputs: list[ValueInfo] = field(default_factory=list)
    value_infos: dict[str, ValueInfo] = field(default_factory=dict)


@dataclass(slots=True)
class Function:
    """A function that a model defines: nodes between the names of its inputs and outputs.

    Attributes
    ----------
    defaults
        Values of its attributes where a call gives none.
    opsets
        Versions of the operator sets of its nodes.
    """

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    defaults: dict[str, Attribute] = field(default_factory=dict)
    opsets: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class OnnxModel(Graph):
    """What a file says. Its graph may come in several parts, which protobuf merges."""

    graph: list[Range] = field(default_factory=list)
    producer: str = ""
    opsets: dict[str, int] = field(default_factory=dict)
    functions: dict[tuple[str, str], Function] = field(default_factory=dict)


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
            name, function = _function(item.message())
            model.functions[name] = function
    return model


def read_graph(model: OnnxModel) -> None:
    """Fill in nodes, initializers, inputs and outputs.

    Raises
    ------
    WireError, ModelError
        If the graph is damaged.
    """
    _fill(model, model.graph, model.opsets)


def read_branch(message: Range, opsets: Mapping[str, int]) -> Graph:
    """The graph of an attribute.

    Raises
    ------
    WireError, ModelError
        If it is damaged.
    """
    graph = Graph()
    _fill(graph, [message], opsets)
    return graph


def _fill(model: Graph, parts: Iterable[Range], opsets: Mapping[str, int]) -> None:
    for item in itertools.chain.from_iterable(map(read_fields, parts)):
        if item.number == 1:
            model.nodes.append(_node(item.message(), len(model.nodes), opsets))
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


def _function(message: Range) -> tuple[tuple[str, str], Function]:
    """A function that the model defines, by its domain and name."""
    function, texts, nodes = Function(), {1: "", 10: ""}, []
    for item in read_fields(message):
        if item.number in texts:
            texts[item.number] = item.text()
        elif item.number == 4:
            function.inputs.append(item.text())
        elif item.number == 5:
            function.outputs.append(item.text())
        elif item.number == 7:
            nodes.append(item.message())
        elif item.number == 9:
            domain, version = _opset(item.message())
            function.opsets[domain] = version
        elif item.number == 11:
            key, value = _attribute(item.message())
            function.defaults[key] = value
    function.nodes += [_node(part, number, function.opsets) for number, part in enumerate(nodes)]
    return (standard_domain(texts[10]), texts[1]), function


def _node(message: Range, position: int, opsets: Mapping[str, int]) -> Node:
    texts = {3: "", 4: "", 7: ""}
    inputs, outputs = [], []
    attributes: dict[str, Attribute] = {}
    module = ""
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
        elif item.number == 9:
            module = _module(item.message()) or module
    name = texts[3] or next(filter(None, outputs), f"node {position}")
    domain = standard_domain(texts[7])
    return Node(texts[4], domain, name, tuple(inputs), tuple(outputs), attributes, opsets.get(domain, 0), module)


def _module(message: Range) -> str:
    """The path of a node's module that PyTorch's exporter writes into its metadata; empty for other metadata.

    The value is a list of the scopes from the outermost one, as Python writes it, the last of which is the node itself
    (torch/onnx/_internal/exporter/_core.py).
    """
    texts = {1: "", 2: ""}
    for item in read_fields(message):
        if item.number in texts:
            texts[item.number] = item.text()
    if texts[1] != "pkg.torch.onnx.name_scopes":
        return ""
    scopes = re.findall(r"'([\w.]*)'", texts[2][:_LONGEST_SCOPES])
    return scopes[-2] if len(scopes) > 1 else ""


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
        elif item.number == 6:
            value = item.message()
        elif item.number in (7, 8):
            _check_length(name, item.value, len(ints) + len(floats))
            if item.number == 7:
                floats += item.float32_items()
            else:
                ints += item.signed_items()
        elif item.number == 20:
            kind = item.signed()
        elif item.number == 21:
            value = Reference(item.text())
    if isinstance(value, Reference):
        return name, value
    return name, floats if floats or kind == 6 else ints if ints or kind == 7 else value


def _check_length(name: str, value: int | bytes | Range, so_far: int) -> None:
    """Raise before a list is read that is longer than any operator's: the shortest number takes a byte."""
    size = value.size if isinstance(value, Range) else 1
    if so_far >= MAX_NUMBERS or size > 10 * MAX_NUMBERS:
        raise ModelError(f"attribute `{name}` is a list of more than {MAX_NUMBERS} numbers")


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
