"""Networks of the shipped tables as TensorFlow Lite files, with batch norm folded and ReLU fused as converters do.

The decisions are those of TensorFlow's converter: a batch norm becomes the bias of the convolution before it, an
activation is fused where ``ActivationFunctionType`` has it, a split or a shuffle becomes what the schema has for it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from mbcost.graph import Layer, LayerGraph
from mbcost.operators.window import Explicit
from tests.importers.tflite.build import Model

FUSED = {"relu": "RELU", "relu6": "RELU6"}
HardSwishForm = Literal["builtin", "decomposed"]


class Writer:
    """Walks over a graph once."""

    model_type: ClassVar[type[Model]] = Model

    def __init__(
        self, graph: LayerGraph, *, dtype: str, hard_swish: HardSwishForm, filled: bool, pad_first: bool
    ) -> None:
        self.graph = graph
        self.model = self.model_type(dtype, filled=filled)
        self.hard_swish_form = hard_swish
        self.pad_first = pad_first
        self.tensors: dict[int, int] = {-1: self.model.input(1, *graph.input_shape)}
        self.splits: dict[int, list[int]] = {}

    def write(self) -> bytes:
        for layer in self.graph.layers:
            if layer.position not in self.tensors:
                getattr(self, layer.op)(layer)
        return self.model.finish(*(self.tensors[position] for position in self.graph.outputs))

    def follower(self, layer: Layer, *ops: str) -> Layer | None:
        """The layer that alone reads this one, if it is one of these."""
        readers = [reader for reader in self.graph.layers if layer.position in reader.inputs]
        return readers[0] if len(readers) == 1 and readers[0].op in ops else None

    def absorb(self, layer: Layer) -> tuple[str, list[int]]:
        """The activation that is fused into a layer, and the positions that its tensor stands for."""
        positions = [layer.position]
        norm = self.follower(layer, "batch_norm")
        if norm is not None:
            layer = norm
            positions.append(layer.position)
        activation = self.follower(layer, *FUSED)
        if activation is None:
            return "NONE", positions
        return FUSED[activation.op], [*positions, activation.position]

    def put(self, positions: list[int], tensor: int) -> None:
        self.tensors.update(dict.fromkeys(positions, tensor))

    def source(self, layer: Layer, place: int = 0) -> int:
        return self.tensors[layer.inputs[place]]

    def padded(self, layer: Layer, x: int, operator: Any) -> tuple[int, str]:
        """The input and the padding's name; explicit padding becomes an operator before it."""
        around = operator.padding
        if around == "same" and self.pad_first and max(operator.stride) > 1:
            around = same_zeros(self.model.shape(x)[1:3], operator.kernel, operator.stride)
        if not isinstance(around, Explicit):
            return x, around.upper()
        return self.model.pad(x, 0, 0, around.top, around.bottom, around.left, around.right, 0, 0), "VALID"

    # -- one method an operator ---------------------------------------------------------------------------------------

    def conv2d(self, layer: Layer) -> None:
        operator: Any = layer.operator
        activation, positions = self.absorb(layer)
        x, padding = self.padded(layer, self.source(layer), operator)
        assert operator.kernel[0] == operator.kernel[1]
        bias = operator.bias or len(positions) > 1
        self.put(
            positions,
            self.model.conv(
                x, operator.out, operator.kernel[0], operator.stride[0], activation, padding, bias, operator.groups
            ),
        )

    def depthwise_conv2d(self, layer: Layer) -> None:
        operator: Any = layer.operator
        activation, positions = self.absorb(layer)
        x, padding = self.padded(layer, self.source(layer), operator)
        self.put(positions, self.model.depthwise(x, operator.kernel[0], operator.stride[0], activation, padding))

    def dense(self, layer: Layer) -> None:
        operator: Any = layer.operator
        x = self.source(layer)
        if len(self.model.shape(x)) == 4:
            x = self.model.reshape(x, 1, layer.input_shapes[0].channels)
        self.put([layer.position], self.model.dense(x, operator.out))

    def global_avg_pool(self, layer: Layer) -> None:
        self.put([layer.position], self.model.mean(self.source(layer), 1, 2, keep=True))

    def max_pool2d(self, layer: Layer) -> None:
        self.pool("MAX_POOL_2D", layer)

    def avg_pool2d(self, layer: Layer) -> None:
        self.pool("AVERAGE_POOL_2D", layer)

    def pool(self, name: str, layer: Layer) -> None:
        operator: Any = layer.operator
        x, size, stride = self.source(layer), layer.input_shapes[0].height, operator.stride[0]
        padding = "SAME" if layer.output_shape.height == -(-size // stride) else "VALID"
        if self.pad_first:
            x, padding = self.padded(layer, x, operator)
        self.put([layer.position], self.model.pool(name, x, operator.kernel[0], stride, padding))

    def relu(self, layer: Layer) -> None:
        self.put([layer.position], self.model.op("RELU", [self.source(layer)], (1, *layer.output_shape)))

    def batch_norm(self, layer: Layer) -> None:
        channels = layer.output_shape.channels
        x = self.model.binary("MUL", self.source(layer), self.model.weights(channels))
        activation, positions = self.absorb(layer)
        self.put(positions, self.model.binary("ADD", x, self.model.weights(channels), activation))

    def split(self, layer: Layer) -> None:
        operator: Any = layer.operator
        source = layer.inputs[0]
        if source not in self.splits:
            inputs = [self.model.constant(3), self.tensors[source]]
            shapes = [(1, *layer.output_shape)] * operator.parts
            self.splits[source] = self.model.op("SPLIT", inputs, *shapes, kind="SplitOptions", NumSplits=operator.parts)
        self.put([layer.position], self.splits[source][operator.part])

    def concat(self, layer: Layer) -> None:
        inputs = [self.source(layer, place) for place in range(len(layer.inputs))]
        shape = (1, *layer.output_shape)
        y = self.model.op("CONCATENATION", inputs, shape, kind="ConcatenationOptions", Axis=3)
        self.put([layer.position], y)

    def channel_shuffle(self, layer: Layer) -> None:
        operator: Any = layer.operator
        height, width, channels = layer.output_shape
        x = self.model.reshape(self.source(layer), 1, height, width, operator.groups, channels // operator.groups)
        y = self.model.transpose(x, 0, 1, 2, 4, 3)
        self.put([layer.position], self.model.reshape(y, 1, height, width, channels))

    def flatten(self, layer: Layer) -> None:
        self.put([layer.position], self.model.reshape(self.source(layer), 1, layer.output_shape.channels))

    def add(self, layer: Layer) -> None:
        self.combine("ADD", layer)

    def multiply(self, layer: Layer) -> None:
        self.combine("MUL", layer)

    def combine(self, name: str, layer: Layer) -> None:
        activation, positions = self.absorb(layer)
        self.put(positions, self.model.binary(name, self.source(layer, 0), self.source(layer, 1), activation))

    def softmax(self, layer: Layer) -> None:
        x = self.source(layer)
        self.put([layer.position], self.model.op("SOFTMAX", [x], self.model.shape(x)))

    def hard_sigmoid(self, layer: Layer) -> None:
        self.put([layer.position], self.model.hard_sigmoid(self.source(layer)))

    def hard_swish(self, layer: Layer) -> None:
        x = self.source(layer)
        if self.hard_swish_form == "builtin":
            y = self.model.op("HARD_SWISH", [x], self.model.shape(x))
        else:
            y = self.model.binary("MUL", x, self.model.hard_sigmoid(x))
        self.put([layer.position], y)


def same_zeros(sizes: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...]) -> Explicit:
    """The zeros of SAME, which has the odd one after."""
    ends: list[int] = []
    for size, window, step in zip(sizes, kernel, stride, strict=True):
        total = max((-(-size // step) - 1) * step + window - size, 0)
        ends += [total // 2, total - total // 2]
    return Explicit(*ends)


def as_tflite(
    graph: LayerGraph,
    *,
    dtype: str = "FLOAT32",
    hard_swish: HardSwishForm = "builtin",
    filled: bool = False,
    pad_first: bool = False,
) -> bytes:
    """The bytes of a TensorFlow Lite file of a network.

    `pad_first`: zeros are padded before a convolution or pooling of stride 2, which is VALID, as Keras's networks do.
    """
    return Writer(graph, dtype=dtype, hard_swish=hard_swish, filled=filled, pad_first=pad_first).write()
