"""A program as a TFLite file: float32, float16 weights, or all of it int8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mbcost.exporters.evaluation import LRN_ALPHA, LRN_BETA
from mbcost.exporters.flatbuffer import Builder, Record
from mbcost.exporters.program import NO_PADS, Node, Pads, Program, Shape
from mbcost.exporters.quantization import (
    SIX,
    UNIT,
    Quantization,
    bias_scales,
    quantized_bias,
    quantized_weights,
    weight_scales,
)
from mbcost.importers.tflite.schema import (
    ACTIVATIONS,
    BUILTIN_OPERATORS,
    IDENTIFIER,
    OPTIONS,
    PADDINGS,
    SCHEMA,
    TENSOR_TYPES,
)

_TYPES: Final = {name: number for number, (name, _) in enumerate(TENSOR_TYPES)}
_TYPE_OF: Final = {
    np.dtype(np.float32): "FLOAT32",
    np.dtype(np.float16): "FLOAT16",
    np.dtype(np.int8): "INT8",
    np.dtype(np.int32): "INT32",
}
_CLAMPS: Final = {"none": "NONE", "relu": "RELU", "relu6": "RELU6"}
#: Operator codes up to here fit into the field of older files, which others have as a mark (schema.fbs).
_PLACEHOLDER: Final = BUILTIN_OPERATORS.index("PLACEHOLDER_FOR_GREATER_OP_CODES")
#: Union ``BuiltinOptions``: table -> number
OPTION_NUMBERS: Final = {
    "Conv2DOptions": 1,
    "DepthwiseConv2DOptions": 2,
    "Pool2DOptions": 5,
    "FullyConnectedOptions": 8,
    "SoftmaxOptions": 9,
    "ConcatenationOptions": 10,
    "AddOptions": 11,
    "L2NormOptions": 12,
    "LocalResponseNormalizationOptions": 13,
    "ResizeBilinearOptions": 15,
    "ReshapeOptions": 17,
    "SpaceToDepthOptions": 19,
    "MulOptions": 21,
    "ReducerOptions": 27,
    "SubOptions": 28,
    "DivOptions": 29,
    "TransposeConvOptions": 49,
    "ResizeNearestNeighborOptions": 74,
    "LeakyReluOptions": 75,
    "DepthToSpaceOptions": 94,
    "BatchMatMulOptions": 101,
    "GeluOptions": 116,
}
#: Versions of operators that int8 needs (tensorflow/lite/tools/versioning/op_version.cc).
_INT8_VERSIONS: Final = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "TRANSPOSE_CONV": 3, "SOFTMAX": 2}


def write_tflite(program: Program, precision: str, scales: dict[int, Quantization] | None) -> bytes:
    """The file.

    Parameters
    ----------
    program
        The network, of operators that are in :data:`EMITTERS`.
    precision
        ``fp32``, ``fp16`` (weights and biases, from which the file makes float32 as it is loaded) or ``int8``.
    scales
        Quantization of each activation, for ``int8``.
    """
    writer = _Writer(program, precision, scales)
    for node in program.nodes:
        EMITTERS[node.op](writer, node)
    return writer.finish()


class _Writer:
    """Tensors, buffers and operators of a file that grows."""

    def __init__(self, program: Program, precision: str, scales: dict[int, Quantization] | None) -> None:
        self.program = program
        self.scales = scales
        self.half = precision == "fp16"
        self.clamped: dict[int, Node] = {node.output: node for node in program.nodes}
        self._tensors: list[Record] = []
        self._buffers: list[Record] = [Record("Buffer", {})]
        self._codes: dict[str, int] = {}
        self._operators: list[Record] = []
        self._numbers: dict[int, int] = {}
        self._numbers[program.input] = self.activation(program.input)

    def finish(self) -> bytes:
        """The file."""
        version = "int8" if self.scales is not None else "float"
        codes = [
            Record(
                "OperatorCode",
                {
                    "deprecated_builtin_code": min(BUILTIN_OPERATORS.index(name), _PLACEHOLDER),
                    "version": _INT8_VERSIONS.get(name, 1) if version == "int8" else 1,
                    "builtin_code": BUILTIN_OPERATORS.index(name),
                },
            )
            for name in self._codes
        ]
        graph = Record(
            "SubGraph",
            {
                "tensors": self._tensors,
                "inputs": [self._numbers[self.program.input]],
                "outputs": [self._numbers[tensor] for tensor in self.program.outputs],
                "operators": self._operators,
                "name": "main",
            },
        )
        model = Record(
            "Model",
            {
                "version": 3,
                "operator_codes": codes,
                "subgraphs": [graph],
                "description": self.program.name,
                "buffers": self._buffers,
            },
        )
        return Builder(SCHEMA).finish(model, IDENTIFIER)

    def __getitem__(self, tensor: int) -> int:
        """Number in the file of a tensor of the program."""
        if tensor not in self._numbers:
            data = self.program.tensors[tensor].data
            self._numbers[tensor] = self.activation(tensor) if data is None else self.constant(tensor)
        return self._numbers[tensor]

    def scale(self, tensor: int) -> Quantization | None:
        return None if self.scales is None else self.scales[tensor]

    def activation(self, tensor: int) -> int:
        found = self.program.tensors[tensor]
        return self.between(found.name, found.shape, self.scale(tensor))

    def between(self, name: str, shape: Shape, scale: Quantization | None) -> int:
        """A new activation."""
        fields: dict[str, Any] = {"shape": shape, "type": _TYPES["INT8" if scale else "FLOAT32"], "name": name}
        if scale is not None:
            fields["quantization"] = _quantization([scale.scale], [scale.zero_point])
        return self._add(fields)

    def stored(self, name: str, data: NDArray[Any], scales: Sequence[float] = (), axis: int = 0) -> int:
        """A new constant of any type, with its scales if it is quantized."""
        fields: dict[str, Any] = {"shape": data.shape, "type": _TYPES[_TYPE_OF[data.dtype]], "name": name}
        fields["buffer"] = len(self._buffers)
        self._buffers.append(Record("Buffer", {"data": data}))
        if len(scales):
            fields["quantization"] = _quantization(scales, [0] * len(scales), axis)
        return self._add(fields)

    def constant(self, tensor: int) -> int:
        """A constant of the program that is no weight of a product."""
        found, data = self.program.tensors[tensor], self.program.data(tensor)
        if self.scales is None:
            return self.half_constant(found.name, data)
        scales = weight_scales(data, None)
        return self.stored(found.name, quantized_weights(data, scales, None), [float(scales[0])])

    def number(self, name: str, value: float) -> int:
        """A constant of one element."""
        data = np.full((1,), value, np.float32)
        if self.scales is None:
            return self.stored(name, data)
        return self.stored(name, np.full((1,), 127, np.int8), [value / 127])

    def half_constant(self, name: str, data: NDArray[np.float32]) -> int:
        if not self.half:
            return self.stored(name, data)
        whole = self.between(name, data.shape, None)
        self.call("DEQUANTIZE", [self.stored(f"{name}:fp16", data.astype(np.float16))], [whole])
        return whole

    def integers(self, name: str, values: Any) -> int:
        return self.stored(name, np.asarray(values, np.int32))

    def call(self, name: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any) -> None:
        """A new operator."""
        fields: dict[str, Any] = {
            "opcode_index": self._codes.setdefault(name, len(self._codes)),
            "inputs": list(inputs),
            "outputs": list(outputs),
        }
        kind = OPTIONS.get(name)
        if kind in OPTION_NUMBERS:
            fields["builtin_options_type"] = OPTION_NUMBERS[kind]
            fields["builtin_options"] = Record(kind, options)
        self._operators.append(Record("Operator", fields))

    def product(self, node: Node, axis: int, name: str, x: int, **options: Any) -> None:
        """A product with weights and a bias, its clamp fused."""
        self.call(name, [x, *self.weights(node, axis)], [self[node.output]], **options, **_fused(node))

    def weights(self, node: Node, axis: int) -> list[int]:
        """Weights whose outputs are along `axis`, and the bias: of zeros if there is none, for kernels want one."""
        name, weights = f"{node.name}:weights", self.program.data(node.inputs[1])
        zeros = np.zeros(weights.shape[axis], np.float32)
        bias_name, bias = f"{node.name}:bias", self.program.data(node.inputs[2]) if len(node.inputs) > 2 else zeros
        if self.scales is None:
            return [self.half_constant(name, weights), self.half_constant(bias_name, bias)]
        scales = weight_scales(weights, axis)
        sums = bias_scales(self.scales[node.inputs[0]], scales)
        return [
            self.stored(name, quantized_weights(weights, scales, axis), scales.tolist(), axis),
            self.stored(bias_name, quantized_bias(bias, sums), sums.tolist()),
        ]

    def padding(self, node: Node, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> int | None:
        """The schema's padding that adds what a window needs, or None if there is none."""
        x, y = self.program.shape(node.inputs[0]), self.program.shape(node.output)
        pads: Pads = node.settings["pads"]
        if pads == NO_PADS:
            return PADDINGS.index("valid")
        same: list[int] = []
        for axis in (0, 1):
            if y[1 + axis] != -(-x[1 + axis] // stride[axis]):
                return None
            reach = dilation[axis] * (kernel[axis] - 1) + 1
            total = max((y[1 + axis] - 1) * stride[axis] + reach - x[1 + axis], 0)
            same += [total // 2, total - total // 2]
        return PADDINGS.index("same") if tuple(same) == pads else None

    def padded(self, tensor: int, name: str, pads: Pads, channels: tuple[int, int] = (0, 0)) -> int:
        """A map with zeros around it."""
        margins = self.integers(f"{name}:margins", [(0, 0), pads[:2], pads[2:], channels])
        around = self.between(f"{name}:padded", _grown(self.program.shape(tensor), pads, channels), self.scale(tensor))
        self.call("PAD", [self[tensor], margins], [around])
        return around

    def padded_below(self, tensor: int, name: str, pads: Pads) -> int:
        """A map with the smallest number around it, for a maximum; zeros where nothing is below them."""
        if self.is_positive(tensor):
            return self.padded(tensor, name, pads)
        margins = self.integers(f"{name}:margins", [(0, 0), pads[:2], pads[2:], (0, 0)])
        scale = self.scale(tensor)
        if scale is None:
            least = self.stored(f"{name}:least", np.full((1,), np.finfo(np.float32).min, np.float32))
        else:
            fields = {"shape": (1,), "type": _TYPES["INT8"], "name": f"{name}:least", "buffer": len(self._buffers)}
            self._buffers.append(Record("Buffer", {"data": np.full((1,), -128, np.int8)}))
            least = self._add({**fields, "quantization": _quantization([scale.scale], [scale.zero_point])})
        around = self.between(f"{name}:padded", _grown(self.program.shape(tensor), pads, (0, 0)), scale)
        self.call("PADV2", [self[tensor], margins, least], [around])
        return around

    def is_positive(self, tensor: int) -> bool:
        """Whether no element can be below 0."""
        node = self.clamped.get(tensor)
        if node is None:
            return False
        if node.clamp != "none" or node.op in ("relu", "relu6", "sigmoid", "softmax"):
            return True
        return node.op in _KEEPS_SIGN and all(self.is_positive(x) for x in node.inputs)

    def _add(self, fields: dict[str, Any]) -> int:
        self._tensors.append(Record("Tensor", {"buffer": 0, **fields}))
        return len(self._tensors) - 1


Emitter: TypeAlias = Callable[[_Writer, Node], None]

_KEEPS_SIGN: Final = ("max_pool", "concat", "slice", "channel_shuffle")
#: Operators without an int8 kernel in TensorFlow Lite.
FLOAT_ONLY: Final = ("divide", "lrn")


def _quantization(scales: Sequence[float], zero_points: Sequence[int], axis: int = 0) -> Record:
    return Record("QuantizationParameters", {"scale": scales, "zero_point": zero_points, "quantized_dimension": axis})


def _grown(x: Shape, pads: Pads, channels: tuple[int, int]) -> Shape:
    return (1, x[1] + pads[0] + pads[1], x[2] + pads[2] + pads[3], x[3] + sum(channels))


def _fused(node: Node) -> dict[str, int]:
    return {"fused_activation_function": ACTIVATIONS.index(_CLAMPS[node.clamp])}


def _window(writer: _Writer, node: Node, kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, dict[str, int]]:
    """The input of a window, padded if need be, and the options."""
    stride = node.settings["stride"]
    how, x = writer.padding(node, kernel, stride, dilation), node.inputs[0]
    if how is None:
        below = node.op == "max_pool"
        padded = writer.padded_below if below else writer.padded
        number, how = padded(x, node.name, node.settings["pads"]), PADDINGS.index("valid")
    else:
        number = writer[x]
    return number, {"padding": how, "stride_h": stride[0], "stride_w": stride[1]}


def _conv(writer: _Writer, node: Node) -> None:
    dilation, kernel = node.settings["dilation"], writer.program.shape(node.inputs[1])[1:3]
    x, options = _window(writer, node, kernel, dilation)
    name, axis = ("CONV_2D", 0) if node.op == "conv" else ("DEPTHWISE_CONV_2D", 3)
    options |= {"dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1]}
    if node.op == "depthwise":
        out, channels = writer.program.shape(node.output)[3], writer.program.shape(node.inputs[0])[3]
        options["depth_multiplier"] = out // channels
    writer.product(node, axis, name, x, **options)


def _transposed(writer: _Writer, node: Node) -> None:
    """With VALID padding, and what is too much cut off, unless it is what SAME leaves out."""
    x, y = writer.program.shape(node.inputs[0]), writer.program.shape(node.output)
    stride, crops = node.settings["stride"], node.settings["crops"]
    full = (1, y[1] + crops[0] + crops[1], y[2] + crops[2] + crops[3], y[3])
    halves = all(crops[2 * i] == (crops[2 * i] + crops[2 * i + 1]) // 2 for i in (0, 1))
    same = halves and y[1:3] == (x[1] * stride[0], x[2] * stride[1])
    whole = same or full == y
    out = writer[node.output] if whole else writer.between(f"{node.name}:whole", full, writer.scale(node.output))
    options = {"padding": PADDINGS.index("same" if same else "valid"), "stride_h": stride[0], "stride_w": stride[1]}
    shape = writer.integers(f"{node.name}:shape", y if whole else full)
    weights, *bias = writer.weights(node, 0)
    writer.call("TRANSPOSE_CONV", [shape, weights, writer[node.inputs[0]], *bias], [out], **options, **_fused(node))
    if not whole:
        begin = writer.integers(f"{node.name}:begin", (0, crops[0], crops[2], 0))
        writer.call("SLICE", [out, begin, writer.integers(f"{node.name}:size", y)], [writer[node.output]])


def _dense(writer: _Writer, node: Node) -> None:
    writer.product(node, 0, "FULLY_CONNECTED", writer[node.inputs[0]])


def _pool(name: str) -> Emitter:
    def emit(writer: _Writer, node: Node) -> None:
        kernel = node.settings["kernel"]
        if node.settings.get("counts_padding"):
            number = writer.padded(node.inputs[0], node.name, node.settings["pads"])
            stride = node.settings["stride"]
            options = {"padding": PADDINGS.index("valid"), "stride_h": stride[0], "stride_w": stride[1]}
        else:
            number, options = _window(writer, node, kernel, (1, 1))
        options |= {"filter_height": kernel[0], "filter_width": kernel[1]}
        writer.call(name, [number], [writer[node.output]], **options)

    return emit


def _reduction(name: str) -> Emitter:
    def emit(writer: _Writer, node: Node) -> None:
        axes = writer.integers(f"{node.name}:axes", node.settings.get("axes", (1, 2)))
        writer.call(name, [writer[node.inputs[0]], axes], [writer[node.output]], keep_dims=True)

    return emit


def _plain(name: str, **options: Any) -> Emitter:
    """An operator with the inputs of the node."""

    def emit(writer: _Writer, node: Node) -> None:
        writer.call(name, [writer[x] for x in node.inputs], [writer[node.output]], **options)

    return emit


def _arithmetic(name: str) -> Emitter:
    def emit(writer: _Writer, node: Node) -> None:
        writer.call(name, [writer[x] for x in node.inputs], [writer[node.output]], **_fused(node))

    return emit


def _leaky_relu(writer: _Writer, node: Node) -> None:
    writer.call("LEAKY_RELU", [writer[node.inputs[0]]], [writer[node.output]], alpha=node.settings["slope"])


def _swish(writer: _Writer, node: Node) -> None:
    x, shape = node.inputs[0], writer.program.shape(node.output)
    gate = writer.between(f"{node.name}:gate", shape, None if writer.scales is None else UNIT)
    writer.call("LOGISTIC", [writer[x]], [gate])
    writer.call("MUL", [writer[x], gate], [writer[node.output]], **_fused(node))


def _hard_sigmoid(writer: _Writer, node: Node) -> None:
    """As Keras has it: ADD 3, RELU6, MUL 1/6."""
    shape = writer.program.shape(node.output)
    clipped = writer.between(f"{node.name}:clipped", shape, None if writer.scales is None else SIX)
    three, sixth = writer.number(f"{node.name}:three", 3.0), writer.number(f"{node.name}:sixth", 1 / 6)
    fused = {"fused_activation_function": ACTIVATIONS.index("RELU6")}
    writer.call("ADD", [writer[node.inputs[0]], three], [clipped], **fused)
    writer.call("MUL", [clipped, sixth], [writer[node.output]], **_fused(node))


def _concat(writer: _Writer, node: Node) -> None:
    inputs = [writer[x] for x in node.inputs]
    writer.call("CONCATENATION", inputs, [writer[node.output]], axis=node.settings["axis"])


def _slice(writer: _Writer, node: Node) -> None:
    shape = writer.program.shape(node.output)
    begin = [node.settings["start"] if axis == node.settings["axis"] else 0 for axis in range(len(shape))]
    constants = [writer.integers(f"{node.name}:begin", begin), writer.integers(f"{node.name}:size", shape)]
    writer.call("SLICE", [writer[node.inputs[0]], *constants], [writer[node.output]])


def _pad(writer: _Writer, node: Node) -> None:
    top, bottom, left, right = node.settings["pads"]
    margins = [(0, 0), (top, bottom), (left, right), node.settings["channels"]]
    numbers = writer.integers(f"{node.name}:margins", margins)
    writer.call("PAD", [writer[node.inputs[0]], numbers], [writer[node.output]])


def _resize(writer: _Writer, node: Node) -> None:
    """Bilinear with the centres of pixels in place, nearest with the pixel below."""
    size = writer.integers(f"{node.name}:size", node.settings["size"])
    bilinear = node.settings["method"] == "bilinear"
    name = "RESIZE_BILINEAR" if bilinear else "RESIZE_NEAREST_NEIGHBOR"
    writer.call(name, [writer[node.inputs[0]], size], [writer[node.output]], half_pixel_centers=bilinear)


def _reshape(writer: _Writer, node: Node) -> None:
    shape = node.settings["target"]
    number = writer.integers(f"{node.name}:shape", shape)
    writer.call("RESHAPE", [writer[node.inputs[0]], number], [writer[node.output]], new_shape=shape)


def _shuffle(writer: _Writer, node: Node) -> None:
    shape, scale, groups = writer.program.shape(node.output), writer.scale(node.output), node.settings["groups"]
    apart = (*shape[:3], groups, shape[3] // groups)
    swapped = (*shape[:3], shape[3] // groups, groups)
    grouped = writer.between(f"{node.name}:grouped", apart, scale)
    moved = writer.between(f"{node.name}:moved", swapped, scale)
    writer.call(
        "RESHAPE", [writer[node.inputs[0]], writer.integers(f"{node.name}:apart", apart)], [grouped], new_shape=apart
    )
    writer.call("TRANSPOSE", [grouped, writer.integers(f"{node.name}:order", (0, 1, 2, 4, 3))], [moved])
    again = writer.integers(f"{node.name}:shape", shape)
    writer.call("RESHAPE", [moved, again], [writer[node.output]], new_shape=shape)


def _channel_mean(writer: _Writer, node: Node) -> None:
    axes = writer.integers(f"{node.name}:axes", [len(writer.program.shape(node.output)) - 1])
    writer.call("MEAN", [writer[node.inputs[0]], axes], [writer[node.output]], keep_dims=True)


def _local_response_norm(writer: _Writer, node: Node) -> None:
    """TensorFlow's alpha is that of the sum of squares, not of their mean."""
    size = node.settings["size"]
    options = {"radius": size // 2, "bias": 1.0, "alpha": LRN_ALPHA / size, "beta": LRN_BETA}
    writer.call("LOCAL_RESPONSE_NORMALIZATION", [writer[node.inputs[0]]], [writer[node.output]], **options)


def _matmul(writer: _Writer, node: Node) -> None:
    inputs = [writer[x] for x in node.inputs]
    writer.call("BATCH_MATMUL", inputs, [writer[node.output]], adj_y=node.settings["transpose_b"])


def _transpose(writer: _Writer, node: Node) -> None:
    order = writer.integers(f"{node.name}:order", node.settings["order"])
    writer.call("TRANSPOSE", [writer[node.inputs[0]], order], [writer[node.output]])


def _block(name: str) -> Emitter:
    def emit(writer: _Writer, node: Node) -> None:
        writer.call(name, [writer[node.inputs[0]]], [writer[node.output]], block_size=node.settings["block"])

    return emit


#: primitive operator -> what writes it
EMITTERS: Final[dict[str, Emitter]] = {
    "conv": _conv,
    "depthwise": _conv,
    "transposed_conv": _transposed,
    "dense": _dense,
    "max_pool": _pool("MAX_POOL_2D"),
    "avg_pool": _pool("AVERAGE_POOL_2D"),
    "global_avg_pool": _reduction("MEAN"),
    "global_max_pool": _reduction("REDUCE_MAX"),
    "reduce_max": _reduction("REDUCE_MAX"),
    "relu": _plain("RELU"),
    "relu6": _plain("RELU6"),
    "leaky_relu": _leaky_relu,
    "prelu": _plain("PRELU"),
    "elu": _plain("ELU"),
    "sigmoid": _plain("LOGISTIC"),
    "hard_sigmoid": _hard_sigmoid,
    "swish": _swish,
    "hard_swish": _plain("HARD_SWISH"),
    "tanh": _plain("TANH"),
    "gelu": _plain("GELU", approximate=False),
    "softmax": _plain("SOFTMAX", beta=1.0),
    "log_softmax": _plain("LOG_SOFTMAX"),
    "l2_norm": _plain("L2_NORMALIZATION"),
    "rsqrt": _plain("RSQRT"),
    "channel_mean": _channel_mean,
    "lrn": _local_response_norm,
    "matmul": _matmul,
    "transpose": _transpose,
    "add": _arithmetic("ADD"),
    "subtract": _arithmetic("SUB"),
    "multiply": _arithmetic("MUL"),
    "divide": _arithmetic("DIV"),
    "maximum": _plain("MAXIMUM"),
    "minimum": _plain("MINIMUM"),
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "resize": _resize,
    "channel_shuffle": _shuffle,
    "space_to_depth": _block("SPACE_TO_DEPTH"),
    "depth_to_space": _block("DEPTH_TO_SPACE"),
    "reshape": _reshape,
}
