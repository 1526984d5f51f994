"""A program as two files for ncnn: ``.param`` lists the layers, ``.bin`` has their weights.

The formats: ncnn's docs/developer-guide/param-and-model-file-structure.md and operators.md. Maps are ``(channels,
height, width)``, vectors have one dimension; a blob has one reader, so that a Split stands before several.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mbcost.exporters.evaluation import LRN_ALPHA, LRN_BETA
from mbcost.exporters.program import Node, Program

_MAGIC: Final = 7767517
#: Marks before weights: 32-bit and 16-bit floats.
_FP32: Final = 0
_FP16: Final = 0x01306B47
#: ``activation_type`` of products
_CLAMPS: Final = {"none": "", "relu": " 9=1", "relu6": " 9=3 -23310=2,0.0,6.0"}
_BINARY: Final = {"add": 0, "subtract": 1, "multiply": 2, "divide": 3, "maximum": 4, "minimum": 5}
#: Axis of the program, which has the batch, to ncnn's.
_AXES: Final = {1: 1, 2: 2, 3: 0}
#: ``order_type`` of Permute: which axis of the input each of width, height and channels is
_ORDERS: Final = ("whc", "hwc", "wch", "cwh", "hcw", "chw")


def write_ncnn(program: Program, precision: str) -> tuple[bytes, bytes]:
    """The contents of ``.param`` and ``.bin``.

    Parameters
    ----------
    program
        The network, of operators that are in :data:`EMITTERS`.
    precision
        ``fp32`` or ``fp16``, in which the weights of products are stored.
    """
    writer = _Writer(program, half=precision == "fp16")
    for node in program.nodes:
        EMITTERS[node.op](writer, node)
    return writer.finish()


class _Writer:
    """Layers and weights of two files that grow."""

    def __init__(self, program: Program, *, half: bool) -> None:
        self.program = program
        self.half = half
        self.weights = bytearray()
        self._lines: list[str] = []
        self._blobs = 0
        #: Blobs of a tensor that are still to be read, and how often each tensor is read.
        self._free: dict[int, list[str]] = {}
        self._reads = {tensor: len(nodes) for tensor, nodes in program.readers().items()}
        for tensor in program.outputs:
            self._reads[tensor] = self._reads.get(tensor, 0) + 1
        _, height, width, channels = program.shape(program.input)
        self.layer("Input", "input", [], ["input"], f"0={width} 1={height} 2={channels}")
        self._spread(program.input, "input")

    def finish(self) -> tuple[bytes, bytes]:
        """The two files; outputs are named ``output0``, ``output1``, ..."""
        for i, tensor in enumerate(self.program.outputs):
            self.layer("Noop", f"output{i}", [self.read(tensor)], [f"output{i}"], "")
        head = f"{_MAGIC}\n{len(self._lines)} {self._blobs}\n"
        return (head + "\n".join(self._lines) + "\n").encode(), bytes(self.weights)

    def layer(self, kind: str, name: str, inputs: Sequence[str], outputs: Sequence[str], settings: str) -> None:
        """A new line."""
        self._blobs += len(outputs)
        parts = [f"{kind:<24}", f"{name:<24}", str(len(inputs)), str(len(outputs)), *inputs, *outputs]
        self._lines.append(" ".join([*parts, settings]).rstrip())

    def read(self, tensor: int) -> str:
        """A blob of a tensor, which nobody else reads."""
        return self._free[tensor].pop()

    def emit(self, kind: str, node: Node, settings: str = "", inputs: Sequence[str] | None = None) -> None:
        """The layer that ends a primitive operator."""
        given = [self.read(node.inputs[0])] if inputs is None else inputs
        self.layer(kind, node.name, given, [node.name], settings)
        self._spread(node.output, node.name)

    def between(self, kind: str, name: str, inputs: Sequence[str], settings: str) -> str:
        """A layer within a primitive operator; its blob."""
        self.layer(kind, name, inputs, [name], settings)
        return name

    def marked(self, data: NDArray[np.float32]) -> None:
        """Weights with a mark of their type before them, filled up to four bytes."""
        self.weights += struct.pack("<I", _FP16 if self.half else _FP32)
        self.plain(data.astype(np.float16) if self.half else data)

    def plain(self, data: NDArray[Any]) -> None:
        """Weights without one."""
        content = np.ascontiguousarray(data).tobytes()
        self.weights += content + bytes(-len(content) % 4)

    def _spread(self, tensor: int, blob: str) -> None:
        count = self._reads.get(tensor, 0)
        copies = [blob] if count <= 1 else [f"{blob}:{i}" for i in range(count)]
        if count > 1:
            self.layer("Split", f"{blob}:split", [blob], copies, "")
        self._free[tensor] = copies[::-1]


Emitter: TypeAlias = Callable[[_Writer, Node], None]


def _window(node: Node, kernel: Sequence[int], dilation: Sequence[int] = (1, 1)) -> str:
    (top, bottom, left, right), stride = node.settings["pads"], node.settings["stride"]
    return (
        f"1={kernel[1]} 11={kernel[0]} 2={dilation[1]} 12={dilation[0]} 3={stride[1]} 13={stride[0]} "
        f"4={left} 14={top} 15={right} 16={bottom}"
    )


def _conv(writer: _Writer, node: Node) -> None:
    program, weights = writer.program, writer.program.data(node.inputs[1])
    if node.op == "conv":
        arranged, groups = weights.transpose(0, 3, 1, 2), node.settings["groups"]
    else:
        arranged, groups = weights.transpose(3, 0, 1, 2), program.shape(node.inputs[0])[3]
    settings = f"0={arranged.shape[0]} {_window(node, arranged.shape[2:], node.settings['dilation'])}"
    settings += f" 5={len(node.inputs) - 2} 6={arranged.size}"
    writer.marked(arranged)
    _bias(writer, node)
    kind = "Convolution" if groups == 1 else "ConvolutionDepthWise"
    writer.emit(kind, node, settings + (f" 7={groups}" if groups > 1 else "") + _CLAMPS[node.clamp])


def _transposed(writer: _Writer, node: Node) -> None:
    """Weights are ``(out, in, height, width)``, though the layer is the gradient of a convolution."""
    arranged = writer.program.data(node.inputs[1]).transpose(0, 3, 1, 2)
    (top, bottom, left, right), stride = node.settings["crops"], node.settings["stride"]
    settings = (
        f"0={arranged.shape[0]} 1={arranged.shape[3]} 11={arranged.shape[2]} 3={stride[1]} 13={stride[0]} "
        f"4={left} 14={top} 15={right} 16={bottom} 5={len(node.inputs) - 2} 6={arranged.size}"
    )
    writer.marked(arranged)
    _bias(writer, node)
    writer.emit("Deconvolution", node, settings + _CLAMPS[node.clamp])


def _dense(writer: _Writer, node: Node) -> None:
    weights = writer.program.data(node.inputs[1])
    writer.marked(weights)
    _bias(writer, node)
    settings = f"0={weights.shape[0]} 1={len(node.inputs) - 2} 2={weights.size}"
    writer.emit("InnerProduct", node, settings + _CLAMPS[node.clamp])


def _bias(writer: _Writer, node: Node) -> None:
    for tensor in node.inputs[2:]:
        writer.plain(writer.program.data(tensor))


def _pool(kind: int) -> Emitter:
    """With `pad_mode` 1, in which windows do not reach beyond the padding."""

    def emit(writer: _Writer, node: Node) -> None:
        (top, bottom, left, right), stride = node.settings["pads"], node.settings["stride"]
        kernel, counts = node.settings["kernel"], int(node.settings.get("counts_padding", False))
        settings = (
            f"0={kind} 1={kernel[1]} 11={kernel[0]} 2={stride[1]} 12={stride[0]} "
            f"3={left} 13={top} 14={right} 15={bottom} 5=1 6={counts}"
        )
        writer.emit("Pooling", node, settings)

    return emit


def _global_pool(kind: int) -> Emitter:
    """A pooling of the whole map leaves a vector: made a map again."""

    def emit(writer: _Writer, node: Node) -> None:
        vector = writer.between("Pooling", f"{node.name}:vector", [writer.read(node.inputs[0])], f"0={kind} 4=1")
        channels = writer.program.shape(node.output)[3]
        writer.emit("Reshape", node, f"0=1 1=1 2={channels}", [vector])

    return emit


def _plain(kind: str, settings: str = "") -> Emitter:
    return lambda writer, node: writer.emit(kind, node, settings)


def _leaky_relu(writer: _Writer, node: Node) -> None:
    writer.emit("ReLU", node, f"0={node.settings['slope']!r}")


def _prelu(writer: _Writer, node: Node) -> None:
    slopes = writer.program.data(node.inputs[1])
    writer.plain(slopes)
    writer.emit("PReLU", node, f"0={slopes.size}")


def _arithmetic(writer: _Writer, node: Node) -> None:
    """With constants as a layer of their own, but for the scale and shift a channel that ncnn has a layer for."""
    inputs = [_operand(writer, node, tensor) for tensor in node.inputs]
    if node.clamp == "none":
        writer.emit("BinaryOp", node, f"0={_BINARY[node.op]}", inputs)
        return
    raw = writer.between("BinaryOp", f"{node.name}:raw", inputs, f"0={_BINARY[node.op]}")
    clamp, settings = ("ReLU", "") if node.clamp == "relu" else ("Clip", "0=0.0 1=6.0")
    writer.emit(clamp, node, settings, [raw])


def _operand(writer: _Writer, node: Node, tensor: int) -> str:
    found = writer.program.tensors[tensor]
    if found.data is None:
        return writer.read(tensor)
    data = found.data
    if data.ndim == 4:
        data = data[0].transpose(2, 0, 1)
    elif data.size > 1 and len(writer.program.shape(node.output)) == 4:
        data = data.reshape(-1, 1, 1)
    elif data.ndim == 2:
        data = data[0]
    dims = {1: "0={0}", 3: "0={2} 1={1} 2={0}"}[data.ndim].format(*data.shape)
    writer.plain(data)
    return writer.between("MemoryData", found.name, [], dims)


def _softmax(writer: _Writer, node: Node) -> None:
    writer.emit("Softmax", node, "0=0 1=1")


def _l2_norm(writer: _Writer, node: Node) -> None:
    """Across the channels, each pixel alone; its scale is 1."""
    writer.plain(np.ones(1, np.float32))
    writer.emit("Normalize", node, "0=0 1=1 2=1e-12 3=1 4=1 9=0")


def _concat(writer: _Writer, node: Node) -> None:
    axis = 0 if len(writer.program.shape(node.output)) == 2 else _AXES[node.settings["axis"]]
    writer.emit("Concat", node, f"0={axis}", [writer.read(tensor) for tensor in node.inputs])


def _slice(writer: _Writer, node: Node) -> None:
    start, size, axis = node.settings["start"], node.settings["size"], _AXES[node.settings["axis"]]
    writer.emit("Crop", node, f"-23309=1,{start} -23310=1,{start + size} -23311=1,{axis}")


def _pad(writer: _Writer, node: Node) -> None:
    (top, bottom, left, right), (before, after) = node.settings["pads"], node.settings["channels"]
    writer.emit("Padding", node, f"0={top} 1={bottom} 2={left} 3={right} 4=0 5=0.0 7={before} 8={after}")


def _resize(writer: _Writer, node: Node) -> None:
    height, width = node.settings["size"]
    kind = 2 if node.settings["method"] == "bilinear" else 1
    writer.emit("Interp", node, f"0={kind} 3={height} 4={width}")


def _reduce(writer: _Writer, node: Node) -> None:
    axes = sorted(_AXES[axis] for axis in node.settings["axes"])
    writer.emit("Reduction", node, f"0=4 1=0 -23303={len(axes)},{','.join(map(str, axes))} 4=1 5=1")


def _reshape(writer: _Writer, node: Node) -> None:
    """Elements keep the order of the program (channels last), so a map of several pixels is turned first."""
    old, new, name = writer.program.shape(node.inputs[0]), node.settings["target"], writer.read(node.inputs[0])
    if len(old) == 4 and old[1:3] != (1, 1):
        name = writer.between("Permute", f"{node.name}:last", [name], "0=3")
    if len(new) == 2:
        writer.emit("Reshape", node, f"0={new[1]}", [name])
    elif new[1:3] == (1, 1):
        writer.emit("Reshape", node, f"0=1 1=1 2={new[3]}", [name])
    else:
        turned = writer.between("Reshape", f"{node.name}:reshaped", [name], f"0={new[3]} 1={new[2]} 2={new[1]}")
        writer.emit("Permute", node, "0=4", [turned])


def _channel_mean(writer: _Writer, node: Node) -> None:
    writer.emit("Reduction", node, "0=3 1=0 -23303=1,0 4=1 5=1")


def _local_response_norm(writer: _Writer, node: Node) -> None:
    writer.emit("LRN", node, f"0=0 1={node.settings['size']} 2={LRN_ALPHA!r} 3={LRN_BETA!r} 4=1.0")


def _matmul(writer: _Writer, node: Node) -> None:
    """Rows are the width and columns the channels, so that both are moved to the end, and the product back."""
    turned = [
        writer.between("Permute", f"{node.name}:{side}", [writer.read(x)], "0=3")
        for x, side in zip(node.inputs, ("left", "right"), strict=True)
    ]
    product = writer.between("MatMul", f"{node.name}:product", turned, f"0={int(node.settings['transpose_b'])}")
    writer.emit("Permute", node, "0=4", [product])


def _transpose(writer: _Writer, node: Node) -> None:
    order, letters = node.settings["order"], {1: "h", 2: "w", 3: "c"}
    writer.emit("Permute", node, f"0={_ORDERS.index(letters[order[2]] + letters[order[1]] + letters[order[3]])}")


def _shuffle(writer: _Writer, node: Node) -> None:
    writer.emit("ShuffleChannel", node, f"0={node.settings['groups']}")


def _depth_to_space(writer: _Writer, node: Node) -> None:
    writer.emit("PixelShuffle", node, f"0={node.settings['block']} 1=1")


def _space_to_depth(writer: _Writer, node: Node) -> None:
    writer.emit("Reorg", node, f"0={node.settings['block']} 1=1")


#: primitive operator -> what writes it
EMITTERS: Final[dict[str, Emitter]] = {
    "conv": _conv,
    "depthwise": _conv,
    "transposed_conv": _transposed,
    "dense": _dense,
    "max_pool": _pool(0),
    "avg_pool": _pool(1),
    "global_avg_pool": _global_pool(1),
    "global_max_pool": _global_pool(0),
    "reduce_max": _reduce,
    "relu": _plain("ReLU"),
    "relu6": _plain("Clip", "0=0.0 1=6.0"),
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "elu": _plain("ELU", "0=1.0"),
    "sigmoid": _plain("Sigmoid"),
    "hard_sigmoid": _plain("HardSigmoid", f"0={1 / 6!r} 1=0.5"),
    "swish": _plain("Swish"),
    "hard_swish": _plain("HardSwish", f"0={1 / 6!r} 1=0.5"),
    "tanh": _plain("TanH"),
    "gelu": _plain("GELU"),
    "mish": _plain("Mish"),
    "softplus": _plain("Softplus"),
    "rsqrt": _plain("UnaryOp", "0=6"),
    "channel_mean": _channel_mean,
    "lrn": _local_response_norm,
    "matmul": _matmul,
    "transpose": _transpose,
    "softmax": _softmax,
    "l2_norm": _l2_norm,
    **dict.fromkeys(_BINARY, _arithmetic),
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "resize": _resize,
    "channel_shuffle": _shuffle,
    "space_to_depth": _space_to_depth,
    "depth_to_space": _depth_to_space,
    "reshape": _reshape,
}
