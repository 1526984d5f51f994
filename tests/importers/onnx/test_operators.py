"""What becomes of each operator: its layers with their shapes, and MACs and parameters by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.onnx import read_onnx
from tests.importers.onnx.models import Dims, Net


class Case(NamedTuple):
    """A graph on an input ``x`` of 14 x 14 x 8, and the layers that it is: (operator, output shape)."""

    name: str
    build: Callable[[Net], str]
    layers: list[tuple[str, tuple[int, int, int]]]
    macs: int = 0
    params: int = 0
    dims: Dims = (1, 8, 14, 14)
    opset: int = 17


MAP = (14, 14, 8)


def conv(*dims: int, bias: bool = False, **attributes: object) -> Callable[[Net], str]:
    return lambda net: net.node("Conv", "x", net.weight(dims), *([net.weight(dims[:1])] if bias else []), **attributes)


def unary(op_type: str, domain: str = "", **attributes: object) -> Callable[[Net], str]:
    return lambda net: net.node(op_type, "x", domain=domain, **attributes)


CONVOLUTIONS = [
    Case("plain", conv(16, 8, 3, 3), [("conv2d", (12, 12, 16))], 12 * 12 * 16 * 8 * 9, 16 * 8 * 9),
    Case("bias", conv(16, 8, 1, 1, bias=True), [("conv2d", (14, 14, 16))], 196 * 128, 128 + 16),
    Case(
        "stride, dilation, unequal pads: top 0, left 1, bottom 2, right 3",
        conv(4, 8, 3, 3, strides=[2, 1], dilations=[1, 2], pads=[0, 1, 2, 3]),
        [("conv2d", (7, 14, 4))],  # (14 + 2 - 3) // 2 + 1, 14 + 4 - 5 + 1
        7 * 14 * 4 * 8 * 9,
        288,
    ),
    Case("same", conv(4, 8, 3, 3, auto_pad="SAME_UPPER", strides=[2, 2]), [("conv2d", (7, 7, 4))], 49 * 288, 288),
    Case("grouped", conv(16, 4, 3, 3, group=2), [("conv2d", (12, 12, 16))], 144 * 16 * 4 * 9, 576),
    Case(
        "depthwise with a multiplier of 2",
        conv(16, 1, 3, 3, group=8),
        [("depthwise_conv2d", (12, 12, 16))],
        144 * 16 * 9,
        144,
    ),
    Case("1-D", conv(16, 8, 3, pads=[1, 1]), [("conv2d", (1, 50, 16))], 50 * 16 * 8 * 3, 384, (1, 8, 50)),
    Case("1-D depthwise", conv(8, 1, 5, group=8), [("depthwise_conv2d", (1, 46, 8))], 46 * 8 * 5, 40, (1, 8, 50)),
    Case(
        "transposed: PyTorch's doubling",
        lambda net: net.node(
            "ConvTranspose", "x", net.weight((8, 6, 3, 3)), strides=[2, 2], pads=[1] * 4, output_padding=[1, 1]
        ),
        [("transposed_conv2d", (28, 28, 6))],
        196 * 8 * 6 * 9,
        432,
    ),
    Case(
        "transposed to a size",
        lambda net: net.node(
            "ConvTranspose", "x", net.weight((8, 3, 4, 4)), strides=[2, 2], output_shape=[27, 28], group=2
        ),
        [("transposed_conv2d", (27, 28, 6))],
        196 * 8 * 3 * 16,
        384,
    ),
    Case(
        "transposed, 1-D, same",
        lambda net: net.node("ConvTranspose", "x", net.weight((8, 6, 4)), strides=[2], auto_pad="SAME_UPPER"),
        [("transposed_conv2d", (1, 100, 6))],
        50 * 8 * 6 * 4,
        192,
        (1, 8, 50),
    ),
    Case(
        "zeros before it are its padding",
        lambda net: net.node(
            "Conv",
            net.node("Pad", "x", net.numbers([0, 0, 0, 0, 0, 0, 1, 1])),
            net.weight((4, 8, 3, 3)),
            strides=[2, 2],
        ),
        [("conv2d", (7, 7, 4))],
        49 * 288,
        288,
    ),
    Case(
        "reflected pixels before it are copied",
        lambda net: net.node(
            "Conv",
            net.node("Pad", "x", net.numbers([0, 0, 1, 1, 0, 0, 1, 1]), mode="reflect"),
            net.weight((4, 8, 3, 3)),
        ),
        [("pad", (16, 16, 8)), ("conv2d", (14, 14, 4))],
        196 * 288,
        288,
    ),
    Case(
        "batch norm taken apart, as of a frozen one",
        lambda net: net.node(
            "Add",
            net.node("Mul", conv(4, 8, 1, 1)(net), net.weight((1, 4, 1, 1))),
            net.weight((1, 4, 1, 1)),
        ),
        [("conv2d", (14, 14, 4)), ("batch_norm", (14, 14, 4))],
        196 * 32,
        32 + 2 * 4,
    ),
    Case(
        "a bias of its own node",
        lambda net: net.node("Add", conv(4, 8, 1, 1)(net), net.weight((4, 1, 1))),
        [("conv2d", (14, 14, 4))],
        196 * 32,
        32 + 4,
    ),
]

VOLUME = (1, 3, 8, 16, 16)
VOLUMES = [
    Case(
        "convolution",
        conv(4, 3, 3, 3, 3, bias=True, strides=[1, 2, 2], pads=[1, 1, 1, 1, 1, 1]),
        [("conv3d", (8 * 8, 8, 4))],  # depth 8 + 2 - 2, height and width (16 + 2 - 3) // 2 + 1
        8 * 8 * 8 * 4 * 3 * 27,
        4 * 3 * 27 + 4,
        VOLUME,
    ),
    Case(
        "convolution, same",
        conv(4, 3, 3, 3, 3, auto_pad="SAME_LOWER", strides=[2, 2, 2]),
        [("conv3d", (4 * 8, 8, 4))],
        4 * 8 * 8 * 4 * 81,
        324,
        VOLUME,
    ),
    Case("max", unary("MaxPool", kernel_shape=[2] * 3, strides=[2] * 3), [("max_pool3d", (4 * 8, 8, 3))], dims=VOLUME),
    Case(
        "mean, then over everything",
        lambda net: net.node("GlobalAveragePool", unary("AveragePool", kernel_shape=[3] * 3)(net)),
        [("avg_pool3d", (6 * 14, 14, 3)), ("global_avg_pool", (1, 1, 3))],
        dims=VOLUME,
    ),
]

MATRICES = [
    Case(
        "Gemm",
        lambda net: net.node("Gemm", "x", net.weight((5, 8)), net.weight((5,)), transB=1),
        [("dense", (1, 1, 5))],
        40,
        45,
        (1, 8),
    ),
    Case(
        "MatMul with a weight and a bias, over a sequence",
        lambda net: net.node("Add", net.node("MatMul", "x", net.weight((8, 5))), net.weight((5,))),
        [("dense", (1, 10, 5))],
        10 * 40,
        45,
        (1, 10, 8),
    ),
    Case(
        "MatMul with a transposed weight",
        lambda net: net.node("MatMul", "x", net.node("Transpose", net.weight((5, 8)), perm=[1, 0])),
        [("dense", (1, 10, 5))],
        400,
        40,
        (1, 10, 8),
    ),
    Case(
        "MatMul over the channels of a map in NHWC",
        lambda net: net.node("MatMul", net.node("Transpose", "x", perm=[0, 2, 3, 1]), net.weight((8, 5))),
        [("dense", (14, 14, 5))],
        196 * 40,
        40,
    ),
    Case(
        "MatMul of a weight and a sequence",
        lambda net: net.node("MatMul", net.weight((5, 10)), "x"),
        [("transpose", (1, 8, 10)), ("dense", (1, 8, 5))],
        8 * 10 * 5,
        50,
        (1, 10, 8),
    ),
    Case(
        "classifier of a flattened map, its shape computed from the input's",
        lambda net: net.node(
            "Gemm",
            net.node(
                "Reshape",
                "x",
                net.node(
                    "Concat",
                    net.node(
                        "Unsqueeze",
                        net.node("Gather", net.node("Shape", "x"), net.numbers(0), axis=0),
                        net.numbers([0]),
                    ),
                    net.numbers([-1]),
                    axis=0,
                ),
            ),
            net.weight((1568, 3)),
        ),
        [("flatten", (1, 1, 1568)), ("dense", (1, 1, 3))],
        1568 * 3,
        1568 * 3,
    ),
]


def attention(net: Net) -> str:
    """2 heads of 4 channels over 10 places: queries and keys are the input itself."""
    heads = net.node("Transpose", net.node("Reshape", "x", net.numbers([0, 10, 2, 4])), perm=[0, 2, 1, 3])
    turned = net.node("Transpose", heads, perm=[0, 1, 3, 2])
    return net.node("MatMul", net.node("Softmax", net.node("MatMul", heads, turned)), heads)


MATRICES.append(
    Case(
        "attention",
        attention,
        [
            ("transpose", (2, 10, 4)),
            ("transpose", (2, 4, 10)),
            ("matmul", (2, 10, 10)),
            ("softmax", (2, 10, 10)),
            ("transpose", (2, 10, 4)),
            ("matmul", (2, 10, 4)),
        ],
        2 * (2 * 10 * 10 * 4),
        0,
        (1, 10, 8),
    )
)

POOLS = [
    Case("max", unary("MaxPool", kernel_shape=[3, 3], strides=[2, 2]), [("max_pool2d", (6, 6, 8))]),
    Case("ceil", unary("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1), [("max_pool2d", (7, 7, 8))]),
    Case("mean", unary("AveragePool", kernel_shape=[2, 2], pads=[1, 1, 1, 1]), [("avg_pool2d", (15, 15, 8))]),
    Case("1-D", unary("MaxPool", kernel_shape=[2], strides=[2]), [("max_pool2d", (1, 25, 8))], 0, 0, (1, 8, 50)),
    Case("global", unary("GlobalAveragePool"), [("global_avg_pool", (1, 1, 8))]),
    Case("global max", unary("GlobalMaxPool"), [("global_max_pool", (1, 1, 8))]),
    Case("mean over pixels", unary("ReduceMean", axes=[2, 3], keepdims=0), [("global_avg_pool", (1, 1, 8))]),
    Case(
        "mean over pixels, opset 18",
        lambda net: net.node("ReduceMean", "x", net.numbers([-1, -2])),
        [("global_avg_pool", (1, 1, 8))],
        opset=18,
    ),
    Case("sum over channels", unary("ReduceMax", axes=[1]), [("reduce", (14, 14, 1))]),
    Case("arg max", unary("ArgMax", axis=1, keepdims=0), [("reduce", (14, 14, 1))]),
    Case("of everything", unary("ReduceMax"), [("reduce", (1, 1, 1))]),
]

FUNCTIONS = {
    "Relu": "relu", "Elu": "elu", "LeakyRelu": "leaky_relu", "Sigmoid": "sigmoid", "HardSigmoid": "hard_sigmoid",
    "HardSwish": "hard_swish", "Tanh": "tanh", "Softmax": "softmax", "LogSoftmax": "log_softmax",
    "Softplus": "softplus", "Exp": "elementwise", "Mish": "mish",
}  # fmt: skip


def scalar(net: Net, value: float) -> str:
    return net.numbers(value, np.float32)


def clip(net: Net, x: str, least: float, most: float) -> str:
    return net.node("Clip", x, scalar(net, least), scalar(net, most))


def hard_swish(net: Net) -> str:
    gate = clip(net, net.node("Add", "x", scalar(net, 3)), 0, 6)
    return net.node("Div", net.node("Mul", "x", gate), scalar(net, 6))


def hard_sigmoid(net: Net) -> str:
    return net.node("Div", clip(net, net.node("Add", "x", scalar(net, 3)), 0, 6), scalar(net, 6))


def swish(net: Net) -> str:
    return net.node("Mul", net.node("Sigmoid", "x"), "x")


def mish(net: Net) -> str:
    return net.node("Mul", "x", net.node("Tanh", net.node("Softplus", "x")))


def gelu(net: Net) -> str:
    inner = net.node("Erf", net.node("Div", "x", scalar(net, 2**0.5)))
    return net.node("Mul", net.node("Mul", "x", net.node("Add", inner, scalar(net, 1))), scalar(net, 0.5))


def gelu_tanh(net: Net) -> str:
    cube = net.node("Mul", net.node("Pow", "x", scalar(net, 3)), scalar(net, 0.044715))
    inner = net.node("Tanh", net.node("Mul", net.node("Add", "x", cube), scalar(net, 0.797885)))
    return net.node("Mul", net.node("Mul", "x", scalar(net, 0.5)), net.node("Add", inner, scalar(net, 1)))


def layer_norm(net: Net) -> str:
    centred = net.node("Sub", "x", net.node("ReduceMean", "x", axes=[-1]))
    variance = net.node("ReduceMean", net.node("Pow", centred, scalar(net, 2)), axes=[-1])
    normal = net.node("Div", centred, net.node("Sqrt", net.node("Add", variance, scalar(net, 1e-5))))
    return net.node("Add", net.node("Mul", normal, net.weight((8,))), net.weight((8,)))


def group_norm(net: Net) -> str:
    parts = net.node("Reshape", "x", net.numbers([0, 4, -1]))
    normal = net.node("InstanceNormalization", parts, net.weight((4,)), net.weight((4,)))
    whole = net.node("Reshape", normal, net.numbers([1, 8, 14, 14]))
    return net.node("Add", net.node("Mul", whole, net.weight((8, 1, 1))), net.weight((8, 1, 1)))


ELEMENTWISE = [
    *(Case(name, unary(name), [(operator, MAP)], opset=18) for name, operator in FUNCTIONS.items()),
    Case("Gelu", unary("Gelu"), [("gelu", MAP)], opset=20),
    Case("Gelu of ONNX Runtime", unary("Gelu", "com.microsoft"), [("gelu", MAP)]),
    Case("Clip to 6", lambda net: clip(net, "x", 0, 6), [("relu6", MAP)]),
    Case("Clip to 6, opset 10", unary("Clip", min=0.0, max=6.0), [("relu6", MAP)], opset=10),
    Case("Clip from 0", lambda net: net.node("Clip", "x", scalar(net, 0)), [("relu", MAP)]),
    Case("Clip to 1", lambda net: clip(net, "x", -1, 1), [("elementwise", MAP)]),
    Case("PRelu", lambda net: net.node("PRelu", "x", net.weight((8, 1, 1))), [("prelu", MAP)], 0, 8),
    Case("one slope", lambda net: net.node("PRelu", "x", net.weight((1,))), [("scale", MAP)], 0, 1),
    Case("hard swish taken apart", hard_swish, [("hard_swish", MAP)]),
    Case("x * hard sigmoid", lambda net: net.node("Mul", "x", net.node("HardSigmoid", "x")), [("hard_swish", MAP)]),
    Case("hard sigmoid taken apart", hard_sigmoid, [("hard_sigmoid", MAP)]),
    Case("swish taken apart", swish, [("swish", MAP)]),
    Case("mish taken apart", mish, [("mish", MAP)]),
    Case("gelu taken apart", gelu, [("gelu", MAP)]),
    Case("gelu by tanh taken apart", gelu_tanh, [("gelu", MAP)]),
    Case("layer norm taken apart", layer_norm, [("layer_norm", (1, 10, 8))], 0, 16, (1, 10, 8)),
    Case("group norm taken apart", group_norm, [("group_norm", MAP)], 0, 16),
    Case(
        "a pattern that somebody reads inside of is none",
        lambda net: net.node("Add", *(lambda gate: (net.node("Mul", "x", gate), gate))(net.node("Sigmoid", "x"))),
        [("sigmoid", MAP), ("multiply", MAP), ("add", MAP)],
    ),
    Case("one number", lambda net: net.node("Mul", "x", scalar(net, 2)), [("scale", MAP)]),
    Case("a vector", lambda net: net.node("Sub", "x", net.weight((8, 1, 1))), [("shift", MAP)], 0, 8),
    Case("quotient of a constant", lambda net: net.node("Div", scalar(net, 1), "x"), [("elementwise", MAP)]),
    Case("power", lambda net: net.node("Pow", "x", scalar(net, 2)), [("elementwise", MAP)]),
    Case("Max with 0", lambda net: net.node("Max", "x", scalar(net, 0)), [("relu", MAP)]),
    *(
        Case(name, lambda net, name=name: net.node(name, net.node("Relu", "x"), "x"), [("relu", MAP), (operator, MAP)])
        for name, operator in {
            "Add": "add",
            "Sub": "subtract",
            "Mul": "multiply",
            "Div": "divide",
            "Max": "maximum",
            "Min": "minimum",
            "Sum": "add",
        }.items()
    ),
    Case(
        "mean of two",
        lambda net: net.node("Mean", net.node("Relu", "x"), "x"),
        [("relu", MAP), ("add", MAP), ("scale", MAP)],
    ),
    Case(
        "gate of squeeze and excite",
        lambda net: net.node("Mul", "x", net.node("GlobalAveragePool", "x")),
        [("global_avg_pool", (1, 1, 8)), ("multiply", MAP)],
    ),
    Case(
        "where",
        lambda net: net.node("Where", net.numbers([True], bool), "x", scalar(net, 0)),
        [("elementwise", MAP)],
    ),
    *(
        Case(name, lambda net, name=name: net.node("Relu", net.node(name, "x")), [("relu", MAP)])
        for name in ("Identity", "Dropout")
    ),
    Case("Cast", lambda net: net.node("Relu", net.node("Cast", "x", to=10)), [("relu", MAP)]),
]


def normalised(op_type: str, *, weights: int = 2, channels: int = 8, **attributes: object) -> Callable[[Net], str]:
    return lambda net: net.node(op_type, "x", *(net.weight((channels,)) for _ in range(weights)), **attributes)


NORMALISATIONS = [
    Case("batch", normalised("BatchNormalization", weights=4), [("batch_norm", MAP)], 0, 16),
    Case("instance", normalised("InstanceNormalization"), [("instance_norm", MAP)], 0, 16),
    Case("group", normalised("GroupNormalization", num_groups=4), [("group_norm", MAP)], 0, 16, opset=21),
    Case("layer", normalised("LayerNormalization"), [("layer_norm", (1, 10, 8))], 0, 16, (1, 10, 8)),
    Case(
        "layer, scale only",
        normalised("LayerNormalization", weights=1),
        [("layer_norm", (1, 10, 8)), ("scale", (1, 10, 8))],
        0,
        8,
        (1, 10, 8),
    ),
    Case(
        "layer over the whole map",
        normalised("LayerNormalization", channels=8 * 14 * 14, axis=1),
        [("flatten", (1, 1, 1568)), ("layer_norm", (1, 1, 1568)), ("reshape", MAP)],
        0,
        2 * 1568,
    ),
    Case("local response", unary("LRN", size=5), [("lrn", MAP)]),
]

SHAPES = [
    Case(
        "channel shuffle: reshape, transpose, reshape",
        lambda net: net.node(
            "Reshape",
            net.node("Transpose", net.node("Reshape", "x", net.numbers([1, 2, 4, 14, 14])), perm=[0, 2, 1, 3, 4]),
            net.numbers([1, -1, 14, 14]),
        ),
        [("channel_shuffle", MAP)],
    ),
    Case("layout", unary("Transpose", perm=[0, 2, 3, 1]), []),
    Case(
        "rows and columns change places",
        lambda net: net.node("Relu", net.node("Transpose", "x", perm=[0, 1, 3, 2])),
        [("relu", (14, 10, 8))],
        dims=(1, 8, 14, 10),
    ),
    Case(
        "pixel shuffle taken apart",
        lambda net: net.node(
            "Reshape",
            net.node("Transpose", net.node("Reshape", "x", net.numbers([1, 2, 2, 2, 14, 14])), perm=[0, 1, 4, 2, 5, 3]),
            net.numbers([1, 2, 28, 28]),
        ),
        [("transpose", (28, 28, 2))],
    ),
    Case("depth to space", unary("DepthToSpace", blocksize=2), [("depth_to_space", (28, 28, 2))]),
    Case("space to depth", unary("SpaceToDepth", blocksize=2), [("space_to_depth", (7, 7, 32))]),
    Case(
        "concat",
        lambda net: net.node("Concat", "x", net.node("Relu", "x"), axis=1),
        [("relu", MAP), ("concat", (14, 14, 16))],
    ),
    Case(
        "concat of rows",
        lambda net: net.node("Concat", "x", net.node("Relu", "x"), axis=-2),
        [("relu", MAP), ("concat", (28, 14, 8))],
    ),
    Case(
        "boxes of two heads",
        lambda net: net.node(
            "Concat",
            *(
                net.node(
                    "Reshape",
                    net.node("Transpose", net.node(op, "x"), perm=[0, 2, 3, 1]),
                    net.numbers([1, -1, 4]),
                )
                for op in ("Relu", "GlobalAveragePool")
            ),
            axis=1,
        ),
        [
            ("relu", MAP),
            ("reshape", (1, 392, 4)),  # 14 * 14 * 8 / 4
            ("global_avg_pool", (1, 1, 8)),
            ("reshape", (1, 2, 4)),
            ("concat", (1, 394, 4)),
        ],
    ),
    Case(
        "a class token before a sequence",
        lambda net: net.node("Concat", net.weight((1, 1, 8)), "x", axis=1),
        [("constant", (1, 1, 8)), ("concat", (1, 11, 8))],
        0,
        8,
        (1, 10, 8),
    ),
    Case(
        "halves",
        lambda net: net.node("Concat", *_halves(net), axis=1),
        [("split", (14, 14, 4)), ("split", (14, 14, 4)), ("concat", MAP)],
    ),
    Case(
        "unequal parts, one of which is read",
        lambda net: net.node("Split", "x", net.numbers([3, 5]), axis=1, outputs=2),
        [("split", (14, 14, 3))],
    ),
    Case("attribute split, opset 9", unary("Split", axis=1, split=[8]), [("split", MAP)], opset=9),
    Case(
        "channels 2 to 5",
        lambda net: net.node("Slice", "x", net.numbers([2]), net.numbers([5]), net.numbers([1])),
        [("split", (14, 14, 3))],
    ),
    Case("opset 9", unary("Slice", starts=[4], ends=[99], axes=[1]), [("split", (14, 14, 4))], opset=9),
    Case(
        "every second pixel",
        lambda net: net.node(
            "Slice", "x", net.numbers([0, 0]), net.numbers([99, 99]), net.numbers([2, 3]), net.numbers([2, 2])
        ),
        [("crop", (7, 7, 8))],
    ),
    Case("all", unary("Slice", starts=[0], ends=[99], axes=[1]), [], opset=9),
    Case("gather", lambda net: net.node("Gather", "x", net.numbers([0, 2, 4]), axis=1), [("crop", (14, 14, 3))]),
    Case(
        "squeeze and back",
        lambda net: net.node(
            "Relu",
            net.node(
                "Unsqueeze",
                net.node("Squeeze", net.node("GlobalMaxPool", "x"), net.numbers([2, 3])),
                net.numbers([2, 3]),
            ),
        ),
        [("global_max_pool", (1, 1, 8)), ("relu", (1, 1, 8))],
    ),
    Case(
        "expand",
        lambda net: net.node("Expand", net.node("GlobalMaxPool", "x"), net.numbers([1, 8, 5, 4])),
        [("global_max_pool", (1, 1, 8)), ("tile", (5, 4, 8))],
    ),
    Case("tile", lambda net: net.node("Tile", "x", net.numbers([1, 1, 2, 3])), [("tile", (28, 42, 8))]),
    Case("pad", lambda net: net.node("Pad", "x", net.numbers([0, 0, 1, 2, 0, 0, 3, 4])), [("pad", (18, 20, 8))]),
    Case("pad, opset 10", unary("Pad", pads=[0, 0, 1, 2, 0, 0, 3, 4]), [("pad", (18, 20, 8))], opset=10),
    Case(
        "resize by 2",
        lambda net: net.node("Resize", "x", "", net.numbers([1, 1, 2, 2], np.float32), mode="linear"),
        [("resize", (28, 28, 8))],
    ),
    Case(
        "resize by less than 1",
        lambda net: net.node("Resize", "x", "", net.numbers([1, 1, 0.5, 0.6], np.float32)),
        [("resize", (7, 8, 8))],  # floor(14 * 0.6)
    ),
    Case(
        "resize to the size of another map",
        lambda net: net.node(
            "Resize",
            net.node("GlobalMaxPool", "x"),
            "",
            "",
            net.node(
                "Concat",
                net.numbers([1, 8]),
                net.node("Slice", net.node("Shape", "x"), net.numbers([2]), net.numbers([4])),
                axis=0,
            ),
        ),
        [("global_max_pool", (1, 1, 8)), ("resize", MAP)],
    ),
    Case(
        "Upsample",
        lambda net: net.node("Upsample", "x", net.numbers([1, 1, 2, 3], np.float32)),
        [("resize", (28, 42, 8))],
        opset=9,
    ),
    Case(
        "flatten",
        lambda net: net.node("Relu", net.node("Flatten", "x")),
        [("flatten", (1, 1, 1568)), ("relu", (1, 1, 1568))],
    ),
]


def _halves(net: Net) -> tuple[str, str]:
    first = net.node("Split", "x", axis=1, outputs=2)
    return first, f"{first}_1"


def q_conv(net: Net) -> str:
    scale, zero = scalar(net, 0.1), net.numbers(0, np.int8)
    weight = net.weight((4, 8, 3, 3))
    return net.node("QLinearConv", "x", scale, zero, weight, scale, zero, scale, zero, net.weight((4,)))


def dynamic(net: Net) -> str:
    """ConvInteger as ONNX Runtime's dynamic quantisation writes it, with its scales and its bias."""
    net.node("DynamicQuantizeLinear", "x", outputs=3)
    name = net.nodes[-1].output[0]
    product = net.node("Cast", net.node("ConvInteger", name, net.weight((4, 8, 3, 3)), f"{name}_2"), to=1)
    scaled = net.node("Mul", product, net.node("Mul", f"{name}_1", scalar(net, 0.1)))
    return net.node("Add", scaled, net.weight((1, 4, 1, 1)))


def q_add(net: Net) -> str:
    s, z = scalar(net, 0.1), net.numbers(0, np.int8)
    return net.node("QLinearAdd", "x", s, z, net.node("Relu", "x"), s, z, s, z, domain="com.microsoft")


QUANTISED = [
    Case("QLinearConv", q_conv, [("conv2d", (12, 12, 4))], 144 * 4 * 72, 288 + 4),
    Case("ConvInteger", dynamic, [("conv2d", (12, 12, 4))], 144 * 4 * 72, 288 + 4),
    Case("QLinearAdd", q_add, [("relu", MAP), ("add", MAP)]),
    Case(
        "FusedConv",
        lambda net: net.node("FusedConv", "x", net.weight((4, 8, 1, 1)), domain="com.microsoft", activation="Relu"),
        [("conv2d", (14, 14, 4)), ("relu", (14, 14, 4))],
        196 * 32,
        32,
    ),
]

CASES = [*CONVOLUTIONS, *VOLUMES, *MATRICES, *POOLS, *ELEMENTWISE, *NORMALISATIONS, *SHAPES, *QUANTISED]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_layers_macs_and_params(tmp_path: Path, case: Case) -> None:
    net = Net(case.opset)
    output = case.build(net)
    if not case.layers:  # nothing is left of it: see what reads it
        output = net.node("Relu", output)
    path = net.save(tmp_path, output, case.dims)
    graph = build_graph(read_onnx(path))
    assert [(layer.op, tuple(layer.output_shape)) for layer in graph.layers] == (case.layers or [("relu", MAP)])
    assert count_macs(graph) == case.macs
    assert count_params(graph) == case.params
