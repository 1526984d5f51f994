"""The network so far: values of the file's tensors, and the layers that make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from mbcost.errors import fail
from mbcost.graph.expansion import MAX_ELEMENTS, MAX_LAYERS
from mbcost.importers.imported import INPUT, ImportedLayer
from mbcost.importers.tflite.flatbuffer import DamagedError
from mbcost.importers.tflite.model import Model, Node
from mbcost.importers.tflite.schema import ACTIVATIONS
from mbcost.numeric import Dim
from mbcost.operators import (
    Constant,
    Elementwise,
    Explicit,
    Flatten,
    Operator,
    Relu,
    Relu6,
    Reshape,
    Tanh,
    TensorShape,
)
from mbcost.operators.base import Axis

#: Fused activation -> operator. A clamp is a clamp, whatever its bounds: RELU_N1_TO_1 costs what ReLU6 does.
_FUSED: dict[str, Operator] = {
    "RELU": Relu(),
    "RELU_N1_TO_1": Relu6(),
    "RELU6": Relu6(),
    "TANH": Tanh(),
    "SIGN_BIT": Elementwise(),
}

_AXES: tuple[Axis, ...] = ("height", "width", "channels")


class UnsupportedError(Exception):
    """The file does something that mbcost has no model for; the message says what, without a place."""


class Value(NamedTuple):
    """What flows: the layer or input that it comes from, and its shape for one image."""

    name: str
    shape: TensorShape


def plain(shape: TensorShape) -> tuple[Dim, Dim, Dim]:
    """A shape as an operator's field, which is a tuple and no more."""
    return shape.height, shape.width, shape.channels


@dataclass(slots=True)
class Network:
    """Layers and values while the operators of a file are converted, in the order they run.

    Attributes
    ----------
    batch
        Images at once that the file was made for: the first dimension of a map, 1 for inputs of lower rank.
    padding
        Zeros around a tensor's value that the windows which read it will take in.
    computed_once
        Tensors that depend on constants alone.
    done
        Numbers of the operators that a pattern has taken in.
    weights_read
        Tensors of weights that have a layer.
    notes
        What a reader of the result has to know, each once.
    operators
        What the layers are, by name.
    """

    model: Model
    batch: int
    values: dict[int, Value] = field(default_factory=dict)
    layers: list[ImportedLayer] = field(default_factory=list)
    extra_inputs: dict[str, TensorShape] = field(default_factory=dict)
    padding: dict[int, Explicit] = field(default_factory=dict)
    computed_once: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    weights_read: set[int] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    operators: dict[str, Operator] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=lambda: {INPUT: 1})

    # -- tensors of the file ------------------------------------------------------------------------------------------

    def shape_of(self, dims: Sequence[int]) -> TensorShape:
        """Height, width and channels of a tensor of any rank: the batch is dropped, further dimensions are rows."""
        if any(dim < 1 for dim in dims):
            raise DamagedError(f"a tensor has the shape {list(dims)}")
        rest = dims[1:] if self.has_batch(dims) else dims
        filled = (1, 1, *rest) if len(rest) > 1 else (1, 1, 1, *rest)
        return TensorShape(prod(filled[:-2]), filled[-2], filled[-1])

    def has_batch(self, dims: Sequence[int]) -> bool:
        """Whether the first dimension of a tensor is the batch."""
        return bool(dims) and dims[0] == self.batch

    def dims(self, tensor: int) -> tuple[int, ...]:
        """A tensor's shape as the file has it."""
        return self.model.tensors[tensor].shape

    def file_shape(self, tensor: int) -> TensorShape:
        """Height, width and channels that the file says a tensor has."""
        return self.shape_of(self.dims(tensor))

    def closed_shape(self, tensor: int) -> TensorShape:
        """The shape of an output that may depend on the data: what the file leaves open counts as one element."""
        return self.shape_of([max(dim, 1) for dim in self.dims(tensor)])

    def axis(self, dims: Sequence[int], number: int) -> Axis:
        """Which of height, width and channels a dimension of a tensor is.

        A batch of one is a row like any other: joining along it gives rows.

        Raises
        ------
        UnsupportedError
            If it is none of them by itself.
        """
        number = self.position(dims, number)
        first = 1 if self.has_batch(dims) else 0
        place = number - len(dims) + 3
        if number == 0 and first and self.batch == 1:
            return _AXES[max(place, 0)]
        if number < first or (place < 1 and number > first):
            raise UnsupportedError(f"works along dimension {number} of {list(dims)}")
        return _AXES[max(place, 0)]

    def position(self, dims: Sequence[int], number: int) -> int:
        """A dimension's number, counted from the front."""
        if not -len(dims) <= number < len(dims):
            raise DamagedError(f"there is no dimension {number} in {list(dims)}")
        return number % len(dims)

    # -- operands -----------------------------------------------------------------------------------------------------

    def operand(self, node: Node, place: int) -> int:
        """The tensor at a place among an operator's inputs."""
        if not self.has_operand(node, place):
            raise DamagedError(f"input {place} is missing")
        return node.inputs[place]

    def has_operand(self, node: Node, place: int) -> bool:
        """Whether an optional input is there."""
        return place < len(node.inputs) and node.inputs[place] >= 0

    def has_constant(self, node: Node, place: int) -> bool:
        """Whether an optional input is there, and known before the network runs."""
        return self.has_operand(node, place) and self.is_constant(node.inputs[place])

    def is_constant(self, tensor: int) -> bool:
        """Whether a tensor is known before the network runs."""
        if tensor in self.values:
            return False
        return tensor in self.computed_once or self.model.tensors[tensor].data[1] > 0

    def integers(self, node: Node, place: int) -> tuple[int, ...]:
        """The constant whole numbers at a place among an operator's inputs.

        Raises
        ------
        UnsupportedError
            If they are computed while the network runs.
        """
        numbers = self.model.integers(self.operand(node, place))
        if numbers is None:
            raise UnsupportedError(f"computes its input {place}, which decides on shapes, while the network runs")
        return numbers

    def integer(self, node: Node, place: int) -> int:
        """The constant whole number at a place among an operator's inputs."""
        numbers = self.integers(node, place)
        if len(numbers) != 1:
            raise DamagedError(f"its input {place} holds {len(numbers)} numbers instead of one")
        return numbers[0]

    def weights(self, node: Node, place: int, rank: int) -> tuple[int, ...]:
        """The shape of an operator's weights."""
        dims = self.dims(self.operand(node, place))
        if len(dims) != rank or 0 in dims:
            raise DamagedError(f"its weights have the shape {list(dims)}, not {rank} dimensions of 1 or more")
        return dims

    def input(self, node: Node, place: int = 0) -> Value:
        """The value at a place among an operator's inputs."""
        return self.value(self.operand(node, place))

    def joined(self, node: Node, place: int) -> Value:
        """An operand of a join: a constant of zeros pads maps, and is no parameter."""
        tensor = self.operand(node, place)
        zeros = len(self.dims(tensor)) == 4 and self.model.is_zero(tensor)
        return self.value(tensor, trained=not zeros)

    def value(self, tensor: int, *, trained: bool = True, beside: Value | None = None) -> Value:
        """The value of a tensor; a constant that is read like an activation is a layer of its own.

        Parameters
        ----------
        trained
            Whether the elements of a constant are parameters.
        beside
            Where a constant's layer stands; the network's input if nothing is said.
        """
        if tensor not in self.values:
            name = self.model.tensors[tensor].name
            if not self.is_constant(tensor):
                raise DamagedError(f"the tensor {tensor} (`{name}`) is read before anything computes it")
            shape = self.file_shape(tensor)
            count = shape.elements if trained and tensor not in self.computed_once else 0
            source = INPUT if beside is None else beside.name
            self.values[tensor] = self._append(
                ImportedLayer(self.unique(name), Constant(plain(shape), count), (source,)), shape
            )
        return self.values[tensor]

    def add_input(self, tensor: int) -> Value:
        """A tensor as an input of the network beside the image."""
        value = Value(self.unique(self.model.tensors[tensor].name), self.file_shape(tensor))
        self.extra_inputs[value.name] = value.shape
        return value

    # -- layers -------------------------------------------------------------------------------------------------------

    def layer(self, node: Node, operator: Operator, *inputs: Value, weights: int | None = None) -> Value:
        """Append a layer, named after the operator's first output.

        `weights` is the tensor of its weights: they belong to the first layer that reads them, and to its input
        channels.

        Raises
        ------
        OperatorError
            If the operator cannot take these inputs.
        """
        shape = operator.output_shape(tuple(value.shape for value in inputs))
        # converters join the names of all operators that went into one: the first one says most
        label = self.model.tensors[node.outputs[0]].name.split(";")[0] or node.name.lower()
        name = self.unique(label if label not in self._counts else f"{label}/{operator.op}")
        sources, owner = tuple(value.name for value in inputs), weights not in self.weights_read
        channels = None if weights is None else inputs[0].shape.channels
        if weights is not None:
            self.weights_read.add(weights)
        return self._append(ImportedLayer(name, operator, sources, channels, owner), shape)

    def _append(self, layer: ImportedLayer, shape: TensorShape) -> Value:
        if len(self.layers) >= MAX_LAYERS:
            fail("MB208", f"{self.model.path} has more than {MAX_LAYERS} layers")
        if shape.elements > MAX_ELEMENTS:
            fail("MB208", f"`{layer.name}` of {self.model.path} would have {shape} elements")
        self.layers.append(layer)
        self.operators[layer.name] = layer.operator
        return Value(layer.name, shape)

    def view(self, node: Node, value: Value, shape: TensorShape, *, free: Axis | None = None) -> Value:
        """The same elements under another shape; a layer only if the shape differs.

        `free` names the dimension that follows from the others, at any resolution.
        """
        if shape == value.shape:
            return value
        if shape == (1, 1, value.shape.elements):
            return self.layer(node, Flatten(), value)
        dims = shape if free is None else shape._replace(**{free: -1})
        return self.layer(node, Reshape(plain(dims)), value)

    def activated(self, node: Node, value: Value) -> Value:
        """A value after the operator's fused activation, which is a layer of its own here."""
        number = node.activation
        if not number:
            return value
        if not 0 < number < len(ACTIVATIONS):
            raise DamagedError(f"its fused activation {number} does not exist")
        return self.layer(node, _FUSED[ACTIVATIONS[number]], value)

    def unique(self, name: str) -> str:
        """A name that no layer or input has yet."""
        count = self._counts.get(name, 0)
        while True:
            count += 1
            unique = name if count == 1 else f"{name}_{count}"
            if unique == name or unique not in self._counts:
                self._counts[name] = count
                self._counts.setdefault(unique, 1)
                return unique

    def bind(self, node: Node, *values: Value) -> None:
        """Make values an operator's outputs.

        Raises
        ------
        DamagedError
            If the file says that they have other shapes.
        """
        if len(values) != len(node.outputs):
            raise DamagedError(f"it has {len(node.outputs)} outputs instead of {len(values)}")
        for tensor, value in zip(node.outputs, values, strict=True):
            if tensor in self.values:
                raise DamagedError(f"the tensor {tensor} is computed twice")
            wanted = self.closed_shape(tensor)
            if wanted != value.shape:
                raise DamagedError(f"the file says its output is {wanted}, its inputs give {value.shape}")
            self.values[tensor] = value

    # -- neighbours, for patterns -------------------------------------------------------------------------------------

    def next(self, node: Node, *names: str) -> Node | None:
        """The operator that alone reads an operator's only output, if it is one of those named."""
        tensor = node.outputs[0]
        readers = self.model.readers.get(tensor, [])
        if len(node.outputs) > 1 or len(readers) != 1 or tensor in self.model.outputs:
            return None
        reader = readers[0]
        return reader if reader.name in names and not reader.custom and reader.index > node.index else None
