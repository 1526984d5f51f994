"""The main subgraph of a TensorFlow Lite file: tensors, operators in the order they run, small constants."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mbcost.errors import did_you_mean, fail
from mbcost.graph.expansion import MAX_LAYERS
from mbcost.importers.tflite.flatbuffer import DamagedError, Flatbuffer, Table, Tables
from mbcost.importers.tflite.schema import BUILTIN_OPERATORS, OPTIONS, TENSOR_TYPES

MAX_RANK: Final = 8
#: Elements of the largest constant that is ever looked at: the sizes of a split, a shape, a padding.
MAX_CONSTANT: Final = 1024
#: Bytes of the largest constant that is looked at for being all zeros.
MAX_ZEROS: Final = 2**22
#: A buffer's `offset` that means bytes outside of the FlatBuffer; 0 and 1 mean none.
_FIRST_OFFSET: Final = 2

#: Operators that run other subgraphs.
_CALLING: Final = frozenset({"IF", "WHILE", "CALL"})

_WHOLE: Final = frozenset({"INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64"})


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's head.

    Attributes
    ----------
    shape, signature
        As the file has them; the signature, where there is one, has -1 for a dimension that is open.
    type
        Name of its ``TensorType``.
    data
        Position and length of its bytes in the file; (0, 0) for what is computed.
    """

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    type: str
    data: tuple[int, int]
    quantization: Table | None

    @property
    def elements(self) -> int:
        product = 1
        for dim in self.shape:
            product *= dim
        return product


@dataclass(frozen=True, slots=True)
class Node:
    """An operator of the file: number, name and tensors. `inputs` holds -1 for one that is left out.

    `settings` is where a custom operator's options lie: position and length [bytes].
    """

    index: int
    name: str
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None
    settings: tuple[int, int] = (0, 0)

    def option(self, name: str, default: int = 0) -> int:
        """A number among its options."""
        return default if self.options is None else self.options.number(name)

    @property
    def activation(self) -> int:
        """Its fused activation function."""
        name = "fused_activation_function"
        return self.options.number(name) if self.options is not None and self.options.has(name) else 0


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Operators between inputs and outputs, with tensors of their own."""

    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """The main subgraph.

    Attributes
    ----------
    inputs, outputs
        Its tensors at either end, each once, in the order of the file.
    signatures
        Names of the functions that the file offers; the first subgraph is that of one of them.
    subgraphs
        All that the file has, the main one first, which control flow may call.
    readers
        For every tensor the operators that read it, once for each time.
    """

    path: str
    buffer: Flatbuffer
    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: Mapping[int, None]
    signatures: tuple[str, ...] = ()
    subgraphs: tuple[Subgraph, ...] = ()
    readers: dict[int, list[Node]] = field(default_factory=dict)

    def label(self, node: Node) -> str:
        """An operator as messages name it."""
        return f"operator {node.index} ({node.name}) of {self.path}"

    def integers(self, tensor: int) -> tuple[int, ...] | None:
        """The numbers of a small constant of whole numbers; None if it is no such thing."""
        head = self.tensors[tensor] if tensor >= 0 else None
        if head is None or head.type not in _WHOLE or not head.data[1]:
            return None
        return tuple(int(number) for number in self._numbers(head))

    def is_zero(self, tensor: int) -> bool:
        """Whether a constant is stored as zeros, all of its elements; one that is too large to look at is not."""
        head = self.tensors[tensor] if tensor >= 0 else None
        code = dict(TENSOR_TYPES)[head.type] if head is not None else ""
        if head is None or not code:
            return False
        start, size = head.data
        if not 0 < size == head.elements * struct.calcsize(f"<{code}") <= MAX_ZEROS:
            return False
        return not any(self.buffer.data[start : start + size])

    def number(self, tensor: int) -> float | None:
        """The real number that a constant of one element stands for; None if it is no such thing."""
        head = self.tensors[tensor] if tensor >= 0 else None
        if head is None or not head.data[1] or head.elements != 1:
            return None
        return self.number_of(head)

    def number_of(self, head: Tensor) -> float:
        """The real number that a constant of one element stands for."""
        value = float(self._numbers(head)[0])
        if head.quantization is None:
            return value
        scale, zero = head.quantization.numbers("scale"), head.quantization.numbers("zero_point")
        return (value - (zero[0] if zero else 0)) * scale[0] if scale else value

    def _numbers(self, head: Tensor) -> tuple[float, ...]:
        code = dict(TENSOR_TYPES)[head.type]
        start, size = head.data
        width = struct.calcsize(f"<{code}") if code else 0
        if not width or size != head.elements * width or head.elements > MAX_CONSTANT:
            raise DamagedError(f"the constant `{head.name}` of {head.type} {list(head.shape)} has {size} bytes")
        return self.buffer.numbers(code, start, head.elements)


def read_model(buffer: Flatbuffer, path: str) -> Model:
    """The main subgraph of a file.

    Raises
    ------
    DamagedError
        If the bytes contradict the schema or each other.
    InputError
        MB208 for more operators than a network may have.
    """
    root = buffer.root("Model")
    codes = [_operator_name(code) for code in root.tables("operator_codes")]
    tables = root.tables("subgraphs")
    graph = _subgraph(tables[0], codes, root.tables("buffers"), path)
    others: tuple[Subgraph, ...] = ()
    if any(node.name in _CALLING for node in graph.nodes):
        others = tuple(_subgraph(table, codes, root.tables("buffers"), path) for table in list(tables)[1:])
    ends = tuple(dict.fromkeys(graph.inputs)), dict.fromkeys(graph.outputs)
    model = Model(path, buffer, graph.tensors, graph.nodes, *ends, _signatures(root), (graph, *others))
    return with_readers(model)


def with_readers(model: Model) -> Model:
    """The model with the operators that read each tensor."""
    readers: dict[int, list[Node]] = {}
    for node in model.nodes:
        for tensor in node.inputs:
            readers.setdefault(tensor, []).append(node)
    return replace(model, readers=readers)


def _subgraph(graph: Table, codes: list[tuple[str, bool]], buffers: Tables, path: str) -> Subgraph:
    operators = graph.tables("operators")
    if len(operators) > MAX_LAYERS:
        fail("MB208", f"{path} has {len(operators)} operators, more than {MAX_LAYERS}")
    tensors = tuple(_tensor(table, buffers) for table in graph.tables("tensors"))
    nodes = tuple(_node(i, table, codes, len(tensors)) for i, table in enumerate(operators))
    inputs, outputs = graph.numbers("inputs"), graph.numbers("outputs")
    _check_tensors((*inputs, *outputs), len(tensors), least=0)
    return Subgraph(tensors, nodes, inputs, outputs)


def ended(model: Model, until: str) -> Model:
    """The model up to a tensor: the operators that it needs, the inputs that they read.

    Raises
    ------
    InputError
        MB010 with the nearest names if no operator makes such a tensor.
    """
    made = {model.tensors[tensor].name: tensor for node in model.nodes for tensor in node.outputs}
    if until not in made:
        last = [model.tensors[tensor].name for node in model.nodes[-8:] for tensor in node.outputs]
        hint = did_you_mean(until, list(made)) or f"its last tensors are {', '.join(last)}"
        fail("MB010", f"{model.path} has no tensor `{until[:100]}` at which the network could end", hint=hint)
    wanted, kept = {made[until]}, []
    for node in reversed(model.nodes):
        if wanted.intersection(node.outputs):
            wanted.update(node.inputs)
            kept.append(node)
    nodes = tuple(reversed(kept))
    inputs = tuple(tensor for tensor in model.inputs if tensor in wanted) or model.inputs
    return with_readers(replace(model, nodes=nodes, inputs=inputs, outputs={made[until]: None}))


def _signatures(root: Table) -> tuple[str, ...]:
    """Names of the file's functions: that of the first subgraph first."""
    found = [(table.number("subgraph_index"), table.text("signature_key")) for table in root.tables("signature_defs")]
    return tuple(name for _, name in sorted(found, key=lambda item: item[0] != 0))


def _operator_name(code: Table) -> tuple[str, bool]:
    """Name of an operator, and whether it is a custom one.

    Codes up to 126 are in the first field for old readers, the others in the second (GetBuiltinCode of
    tensorflow/lite/schema/schema_utils.cc).
    """
    number = max(code.number("deprecated_builtin_code"), code.number("builtin_code"))
    if not 0 <= number < len(BUILTIN_OPERATORS):
        return f"builtin {number}", False
    name = BUILTIN_OPERATORS[number]
    return (code.text("custom_code") or name, True) if name == "CUSTOM" else (name, False)


def _tensor(table: Table, buffers: Tables) -> Tensor:
    shape, kind, name = table.numbers("shape"), table.number("type"), table.text("name")
    if len(shape) > MAX_RANK:
        raise DamagedError(f"the tensor `{name}` has {len(shape)} dimensions")
    if any(dim < 0 for dim in shape):
        raise DamagedError(f"the tensor `{name}` has the shape {list(shape)}")
    if not 0 <= kind < len(TENSOR_TYPES):
        raise DamagedError(f"the tensor `{name}` has the type {kind}, which does not exist")
    number = table.number("buffer")
    data = _data(buffers[number]) if number else (0, 0)
    signature, quantization = table.numbers("shape_signature"), table.table("quantization")
    return Tensor(name, shape, signature, TENSOR_TYPES[kind][0], data, quantization)


def _data(table: Table) -> tuple[int, int]:
    """Where a buffer's bytes lie: in the FlatBuffer, or behind it in files of more than 2 GB."""
    offset, size = table.number("offset"), table.number("size")
    if offset < _FIRST_OFFSET:
        return table.bytes_at("data")
    table.buffer.check(offset, size)
    return offset, size


#: Operators that act on variables alone.
_WITHOUT_OUTPUT: Final = frozenset({"CALL_ONCE", "ASSIGN_VARIABLE"})


def _node(index: int, table: Table, codes: list[tuple[str, bool]], tensors: int) -> Node:
    code = table.number("opcode_index")
    if code >= len(codes):
        raise DamagedError(f"operator {index} has the code {code}, but there are {len(codes)}")
    name, custom = codes[code]
    inputs, outputs = table.numbers("inputs"), table.numbers("outputs")
    _check_tensors(inputs, tensors, least=-1)
    _check_tensors(outputs, tensors, least=0)
    if not outputs and name not in _WITHOUT_OUTPUT:
        raise DamagedError(f"operator {index} ({name}) has no output")
    if custom:
        return Node(index, name, custom, inputs, outputs, None, table.bytes_at("custom_options"))
    kind = OPTIONS.get(name)
    return Node(index, name, custom, inputs, outputs, table.table("builtin_options", kind) if kind else None)


def _check_tensors(numbers: tuple[int, ...], tensors: int, *, least: int) -> None:
    for number in numbers:
        if not least <= number < tensors:
            raise DamagedError(f"there is no tensor {number} among {tensors}")
