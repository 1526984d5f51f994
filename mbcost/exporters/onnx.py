"""A program as an ONNX file: float32, float16, or int8 as QuantizeLinear and DequantizeLinear around every operator.

Maps are ``(1, channels, height, width)`` there. Elements of a map that becomes a vector keep the order of the program
(channels last): the weights of a dense layer are put in order when the file is written, and a Transpose does it
elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mbcost._version import __version__
from mbcost.exporters import protobuf
from mbcost.exporters.evaluation import LRN_ALPHA, LRN_BETA
from mbcost.exporters.program import Node, Program, Shape
from mbcost.exporters.quantization import (
    UNIT,
    Quantization,
    bias_scales,
    quantized_bias,
    quantized_weights,
    weight_scales,
)

#: Version of the format (onnx.proto, IR_VERSION) and of the operators; the first that has Gelu.
_IR_VERSION: Final = 9
_OPSET: Final = 20
#: ``TensorProto.DataType``
_TYPES: Final = {
    np.dtype(np.float32): 1,
    np.dtype(np.uint8): 2,
    np.dtype(np.int8): 3,
    np.dtype(np.int32): 6,
    np.dtype(np.int64): 7,
    np.dtype(np.float16): 10,
}
#: ``AttributeProto.AttributeType``
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7
_FIRST: Final = (0, 3, 1, 2)
_LAST: Final = (0, 2, 3, 1)
#: From the int8 of a quantization to the uint8 that x64 computes fastest with.
_UNSIGNED: Final = 128


def write_onnx(program: Program, precision: str, scales: dict[int, Quantization] | None) -> bytes:
    """The file.

    Parameters
    ----------
    program
        The network, of operators that are in :data:`EMITTERS`.
    precision
        ``fp32``, ``fp16`` (all of it, input and outputs too) or ``int8`` (input and outputs are float32).
    scales
        Quantization of each activation, for ``int8``.
    """
    writer = _Writer(program, precision, scales)
    for node in program.nodes:
        EMITTERS[node.op](writer, node)
    return writer.finish()


class _Writer:
    """Nodes and initializers of a file that grows.

    Attributes
    ----------
    scaled
        Result of a batch norm's product -> the product, until its sum comes.
    rotated
        Vectors whose elements lie as those of a map ``(channels, height, width)`` -> that map's shape in the program.
    """

    def __init__(self, program: Program, precision: str, scales: dict[int, Quantization] | None) -> None:
        self.program = program
        self.scales = scales
        self.real = np.dtype(np.float16 if precision == "fp16" else np.float32)
        self.readers = program.readers()
        self.scaled: dict[int, Node] = {}
        self.rotated: dict[int, Shape] = {}
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._stored: set[str] = set()
        self._names: dict[int, str] = {}
        if scales is not None:
            self._names[program.input] = self.rounded(self.name(program.input), scales[program.input])

    def finish(self) -> bytes:
        """The file."""
        program = self.program
        outputs = [(self.read(tensor), self.file_shape(tensor)) for tensor in program.outputs]
        graph = [
            *(protobuf.block(1, node) for node in self._nodes),
            protobuf.text(2, program.name),
            *(protobuf.block(5, constant) for constant in self._constants),
            protobuf.block(11, self._value(self.name(program.input), self.file_shape(program.input))),
            *(protobuf.block(12, self._value(name, shape)) for name, shape in outputs),
        ]
        return b"".join(
            (
                protobuf.whole(1, _IR_VERSION),
                protobuf.text(2, "mbcost"),
                protobuf.text(3, __version__),
                protobuf.block(7, b"".join(graph)),
                protobuf.block(8, protobuf.text(1, "") + protobuf.whole(2, _OPSET)),
            )
        )

    def name(self, tensor: int) -> str:
        """The name of an activation as its operator writes it."""
        return self.program.tensors[tensor].name

    def read(self, tensor: int) -> str:
        """The name of a tensor as others read it: rounded to int8, where the file is quantized."""
        return self._names.get(tensor, self.name(tensor))

    def operand(self, tensor: int, *, is_map: bool) -> str:
        """The name of an operand: a constant beside a map has its channels in their place."""
        found = self.program.tensors[tensor]
        if found.data is None:
            return self.read(tensor)
        data = found.data
        if data.ndim == 4:
            data = data.transpose(_FIRST)
        elif is_map and data.size > 1:
            data = data.reshape(-1, 1, 1)
        return self.constant(found.name, data)

    def file_shape(self, tensor: int) -> Shape:
        shape = self.program.shape(tensor)
        return tuple(shape[axis] for axis in _FIRST) if len(shape) == 4 else shape

    def call(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """A new node; its output."""
        fields = [protobuf.text(1, name) for name in inputs]
        fields += [protobuf.text(2, output), protobuf.text(3, output), protobuf.text(4, kind)]
        fields += [protobuf.block(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(b"".join(fields))
        return output

    def emit(self, kind: str, node: Node, inputs: Sequence[str], **attributes: Any) -> None:
        """The node that makes the output of a primitive operator, clamped and rounded."""
        name = node.name
        raw = name if node.clamp == "none" else f"{name}:raw"
        self.call(kind, inputs, raw, **attributes)
        if node.clamp == "relu":
            self.call("Relu", [raw], name)
        elif node.clamp == "relu6":
            self.call("Clip", [raw, *self.limits()], name)
        if self.scales is not None:
            self._names[node.output] = self.rounded(name, self.scales[node.output])

    def limits(self) -> list[str]:
        """Constants 0 and 6."""
        return [self.number("zero", 0.0), self.number("six", 6.0)]

    def number(self, name: str, value: float) -> str:
        return self.stored(f":{name}", np.asarray(value, self.real))

    def stored(self, name: str, data: NDArray[Any]) -> str:
        """A new initializer; its name."""
        if name not in self._stored:
            self._stored.add(name)
            dims = protobuf.packed(1, data.shape) if data.ndim else b""
            content = dims + protobuf.whole(2, _TYPES[data.dtype]) + protobuf.text(8, name)
            self._constants.append(content + protobuf.block(9, np.ascontiguousarray(data).tobytes()))
        return name

    def integers(self, name: str, values: Any) -> str:
        return self.stored(name, np.asarray(values, np.int64))

    def constant(self, name: str, data: NDArray[Any], axis: int | None = None) -> str:
        """Weights as they are read: as int8 with a scale for each index of an axis, if the file is quantized."""
        if self.scales is None:
            return self.stored(name, data.astype(self.real))
        scales = weight_scales(data, axis)
        return self.unpacked(
            name, quantized_weights(data, scales, axis), scales if axis is not None else scales[0], axis
        )

    def unpacked(self, name: str, data: NDArray[Any], scales: Any, axis: int | None) -> str:
        """Integers made real again by DequantizeLinear."""
        step = np.asarray(scales, np.float32)
        parts = [self.stored(f"{name}:integers", data), self.stored(f"{name}:scale", step)]
        parts.append(self.stored(f"{name}:zero", np.zeros(step.shape, data.dtype)))
        return self.call("DequantizeLinear", parts, name, **({} if axis is None else {"axis": axis}))

    def rounded(self, name: str, scale: Quantization) -> str:
        """An activation rounded to uint8 and back."""
        step = self.stored(f"{name}:scale", np.asarray(scale.scale, np.float32))
        zero = self.stored(f"{name}:zero", np.asarray(scale.zero_point + _UNSIGNED, np.uint8))
        packed = self.call("QuantizeLinear", [name, step, zero], f"{name}:quantized")
        return self.call("DequantizeLinear", [packed, step, zero], f"{name}:rounded")

    def weights(self, node: Node, arranged: NDArray[Any], axis: int = 0) -> list[str]:
        """Weights in the format's order, outputs along `axis`, and the bias if there is one."""
        names = [self.program.tensors[tensor].name for tensor in node.inputs[1:]]
        result = [self.constant(names[0], arranged, axis)]
        for tensor, name in zip(node.inputs[2:], names[1:], strict=True):
            bias = self.program.data(tensor)
            if self.scales is None:
                result.append(self.constant(name, bias))
                continue
            sums = bias_scales(self.scales[node.inputs[0]], weight_scales(arranged, axis))
            result.append(self.unpacked(name, quantized_bias(bias, sums), sums, 0))
        return result

    def _value(self, name: str, shape: Shape) -> bytes:
        dims = b"".join(protobuf.block(1, protobuf.whole(1, dim)) for dim in shape)
        kind = protobuf.whole(1, _TYPES[self.real]) + protobuf.block(2, dims)
        return protobuf.text(1, name) + protobuf.block(2, protobuf.block(1, kind))


Emitter: TypeAlias = Callable[[_Writer, Node], None]


def _attribute(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        content = protobuf.text(4, value) + protobuf.whole(20, _STRING)
    elif isinstance(value, float):
        content = protobuf.real(2, value) + protobuf.whole(20, _FLOAT)
    elif isinstance(value, int):
        content = protobuf.whole(3, value) + protobuf.whole(20, _INT)
    else:
        content = b"".join(protobuf.whole(8, item) for item in value) + protobuf.whole(20, _INTS)
    return protobuf.text(1, name) + content


def _window(node: Node) -> dict[str, Any]:
    top, bottom, left, right = node.settings["pads"]
    return {"strides": node.settings["stride"], "pads": (top, left, bottom, right)}


def _conv(writer: _Writer, node: Node) -> None:
    weights = writer.program.data(node.inputs[1])
    if node.op == "conv":
        arranged, groups = weights.transpose(_FIRST), node.settings["groups"]
    else:
        arranged, groups = weights.transpose(3, 0, 1, 2), writer.program.shape(node.inputs[0])[3]
    constants = writer.weights(node, arranged)
    options = {**_window(node), "dilations": node.settings["dilation"], "group": groups}
    writer.emit("Conv", node, [writer.read(node.inputs[0]), *constants], kernel_shape=arranged.shape[2:], **options)


def _transposed(writer: _Writer, node: Node) -> None:
    arranged = writer.program.data(node.inputs[1]).transpose(3, 0, 1, 2)
    top, bottom, left, right = node.settings["crops"]
    constants = writer.weights(node, arranged, axis=1)
    options = {"strides": node.settings["stride"], "pads": (top, left, bottom, right)}
    inputs = [writer.read(node.inputs[0]), *constants]
    writer.emit("ConvTranspose", node, inputs, kernel_shape=arranged.shape[2:], **options)


def _dense(writer: _Writer, node: Node) -> None:
    weights = writer.program.data(node.inputs[1])
    origin = writer.rotated.get(node.inputs[0])
    if origin is not None:
        weights = weights.reshape(-1, *origin[1:]).transpose(_FIRST).reshape(weights.shape)
    constants = writer.weights(node, weights)
    writer.emit("Gemm", node, [writer.read(node.inputs[0]), *constants], transB=1)


def _pool(kind: str) -> Emitter:
    def emit(writer: _Writer, node: Node) -> None:
        options = _window(node)
        if node.settings.get("counts_padding"):
            options["count_include_pad"] = 1
        writer.emit(kind, node, [writer.read(node.inputs[0])], kernel_shape=node.settings["kernel"], **options)

    return emit


def _plain(kind: str, **attributes: Any) -> Emitter:
    """A node with the inputs of the primitive operator."""

    def emit(writer: _Writer, node: Node) -> None:
        writer.emit(kind, node, [writer.read(tensor) for tensor in node.inputs], **attributes)

    return emit


def _arithmetic(kind: str) -> Emitter:
    """Constants a channel stand before height and width only where there are such."""

    def emit(writer: _Writer, node: Node) -> None:
        if node.settings.get("norm") and writer.scales is None:
            _batch_norm(writer, node)
            return
        is_map = len(writer.program.shape(node.output)) == 4
        writer.emit(kind, node, [writer.operand(tensor, is_map=is_map) for tensor in node.inputs])

    return emit


def _batch_norm(writer: _Writer, node: Node) -> None:
    """Of a batch norm's product and sum, the two in one; apart where the file is int8, which has no such kernel."""
    if node.op == "multiply":
        writer.scaled[node.output] = node
        return
    product = writer.scaled[node.inputs[0]]
    constants = {"scale": writer.program.data(product.inputs[1]), "shift": writer.program.data(node.inputs[1])}
    count = constants["shift"].size
    constants |= {"mean": np.zeros(count, np.float32), "variance": np.ones(count, np.float32)}
    names = [writer.constant(f"{node.name}:{key}", data) for key, data in constants.items()]
    writer.emit("BatchNormalization", node, [writer.read(product.inputs[0]), *names], epsilon=0.0)


def _along_channels(kind: str, **attributes: Any) -> Emitter:
    return _plain(kind, axis=1, **attributes)


def _leaky_relu(writer: _Writer, node: Node) -> None:
    writer.emit("LeakyRelu", node, [writer.read(node.inputs[0])], alpha=float(node.settings["slope"]))


def _relu6(writer: _Writer, node: Node) -> None:
    writer.emit("Clip", node, [writer.read(node.inputs[0]), *writer.limits()])


def _swish(writer: _Writer, node: Node) -> None:
    x = writer.read(node.inputs[0])
    gate = writer.call("Sigmoid", [x], f"{node.name}:gate")
    writer.emit("Mul", node, [x, gate if writer.scales is None else writer.rounded(gate, UNIT)])


def _concat(writer: _Writer, node: Node) -> None:
    writer.emit("Concat", node, [writer.read(tensor) for tensor in node.inputs], axis=_axis(writer, node))


def _axis(writer: _Writer, node: Node) -> int:
    """The file's number of an axis of the program."""
    axis: int = node.settings["axis"]
    return _FIRST.index(axis) if len(writer.program.shape(node.output)) == 4 else axis


def _slice(writer: _Writer, node: Node) -> None:
    start, size, name = node.settings["start"], node.settings["size"], node.name
    ends = [("starts", start), ("ends", start + size), ("axes", _axis(writer, node))]
    constants = [writer.integers(f"{name}:{key}", [value]) for key, value in ends]
    writer.emit("Slice", node, [writer.read(node.inputs[0]), *constants])


def _pad(writer: _Writer, node: Node) -> None:
    (top, bottom, left, right), (before, after) = node.settings["pads"], node.settings["channels"]
    margins = writer.integers(f"{node.name}:margins", (0, before, top, left, 0, after, bottom, right))
    writer.emit("Pad", node, [writer.read(node.inputs[0]), margins])


def _resize(writer: _Writer, node: Node) -> None:
    """As in TFLite: bilinear with the centres of pixels in place, nearest with the pixel below."""
    sizes = writer.integers(f"{node.name}:sizes", writer.file_shape(node.output))
    how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    if node.settings["method"] == "nearest":
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    writer.emit("Resize", node, [writer.read(node.inputs[0]), "", "", sizes], **how)


def _reduce(writer: _Writer, node: Node) -> None:
    axes = writer.integers(f"{node.name}:axes", sorted(_FIRST.index(axis) for axis in node.settings["axes"]))
    writer.emit("ReduceMax", node, [writer.read(node.inputs[0]), axes], keepdims=1)


def _reshape(writer: _Writer, node: Node) -> None:
    """With a Transpose before and after it, unless there is one pixel or dense layers alone read it."""
    x, y = node.inputs[0], node.output
    old, new, name = writer.program.shape(x), writer.program.shape(y), writer.read(x)
    turned = len(old) == 4 and old[1:3] != (1, 1)
    if turned and len(new) == 2 and y not in writer.program.outputs and _are_dense(writer, y):
        writer.rotated[y] = old
        turned = False
    if turned:
        name = writer.call("Transpose", [name], f"{node.name}:last", perm=_LAST)
    if len(new) == 4 and new[1:3] != (1, 1):
        inner = writer.call("Reshape", [name, writer.integers(f"{node.name}:shape", new)], f"{node.name}:reshaped")
        writer.emit("Transpose", node, [inner], perm=_FIRST)
    else:
        shape = writer.integers(f"{node.name}:shape", writer.file_shape(y))
        writer.emit("Reshape", node, [name, shape])


def _are_dense(writer: _Writer, tensor: int) -> bool:
    return all(reader.op == "dense" for reader in writer.readers.get(tensor, []))


def _shuffle(writer: _Writer, node: Node) -> None:
    shape, groups, name = writer.file_shape(node.output), node.settings["groups"], node.name
    apart = writer.integers(f"{name}:apart", (1, groups, shape[1] // groups, *shape[2:]))
    grouped = writer.call("Reshape", [writer.read(node.inputs[0]), apart], f"{name}:grouped")
    moved = writer.call("Transpose", [grouped], f"{name}:moved", perm=(0, 2, 1, 3, 4))
    writer.emit("Reshape", node, [moved, writer.integers(f"{name}:shape", shape)])


def _channel_mean(writer: _Writer, node: Node) -> None:
    axes = writer.integers(f"{node.name}:axes", [1])
    writer.emit("ReduceMean", node, [writer.read(node.inputs[0]), axes], keepdims=1)


def _rsqrt(writer: _Writer, node: Node) -> None:
    root = writer.call("Sqrt", [writer.read(node.inputs[0])], f"{node.name}:root")
    writer.emit("Reciprocal", node, [root])


def _local_response_norm(writer: _Writer, node: Node) -> None:
    options = {"size": node.settings["size"], "alpha": LRN_ALPHA, "beta": LRN_BETA, "bias": 1.0}
    writer.emit("LRN", node, [writer.read(node.inputs[0])], **options)


def _matmul(writer: _Writer, node: Node) -> None:
    """Rows are the width and columns the channels, so that both are moved to the end, and the product back."""
    orders = (_LAST, (0, 2, 1, 3) if node.settings["transpose_b"] else _LAST)
    turned = [
        writer.call("Transpose", [writer.read(x)], f"{node.name}:{side}", perm=order)
        for x, side, order in zip(node.inputs, ("left", "right"), orders, strict=True)
    ]
    product = writer.call("MatMul", turned, f"{node.name}:product")
    writer.emit("Transpose", node, [product], perm=_FIRST)


def _transpose(writer: _Writer, node: Node) -> None:
    order = tuple(_FIRST.index(node.settings["order"][axis]) for axis in _FIRST)
    writer.emit("Transpose", node, [writer.read(node.inputs[0])], perm=order)


def _block(kind: str, **attributes: Any) -> Emitter:
    def emit(writer: _Writer, node: Node) -> None:
        writer.emit(kind, node, [writer.read(node.inputs[0])], blocksize=node.settings["block"], **attributes)

    return emit


#: primitive operator -> what writes it
EMITTERS: Final[dict[str, Emitter]] = {
    "conv": _conv,
    "depthwise": _conv,
    "transposed_conv": _transposed,
    "dense": _dense,
    "max_pool": _pool("MaxPool"),
    "avg_pool": _pool("AveragePool"),
    "global_avg_pool": _plain("GlobalAveragePool"),
    "global_max_pool": _plain("GlobalMaxPool"),
    "reduce_max": _reduce,
    "relu": _plain("Relu"),
    "relu6": _relu6,
    "leaky_relu": _leaky_relu,
    "prelu": _arithmetic("PRelu"),
    "elu": _plain("Elu"),
    "sigmoid": _plain("Sigmoid"),
    "hard_sigmoid": _plain("HardSigmoid", alpha=1 / 6, beta=0.5),
    "swish": _swish,
    "hard_swish": _plain("HardSwish"),
    "tanh": _plain("Tanh"),
    "gelu": _plain("Gelu"),
    "softmax": _along_channels("Softmax"),
    "log_softmax": _along_channels("LogSoftmax"),
    "l2_norm": _along_channels("LpNormalization", p=2),
    "mish": _plain("Mish"),
    "softplus": _plain("Softplus"),
    "rsqrt": _rsqrt,
    "channel_mean": _channel_mean,
    "lrn": _local_response_norm,
    "matmul": _matmul,
    "transpose": _transpose,
    "add": _arithmetic("Add"),
    "subtract": _arithmetic("Sub"),
    "multiply": _arithmetic("Mul"),
    "divide": _arithmetic("Div"),
    "maximum": _arithmetic("Max"),
    "minimum": _arithmetic("Min"),
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "resize": _resize,
    "channel_shuffle": _shuffle,
    "space_to_depth": _block("SpaceToDepth"),
    "depth_to_space": _block("DepthToSpace", mode="DCR"),
    "reshape": _reshape,
}
