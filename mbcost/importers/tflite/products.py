"""Convolutions, fully connected layers and matrix products."""

from __future__ import annotations

import struct
from typing import Final

from mbcost.importers.tflite.flatbuffer import DamagedError
from mbcost.importers.tflite.model import Node
from mbcost.importers.tflite.network import Network, Value
from mbcost.importers.tflite.schema import PADDINGS
from mbcost.operators import (
    Add,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Explicit,
    Matmul,
    Operator,
    TensorShape,
    Transpose,
    TransposedConv2d,
)
from mbcost.operators.volume import Conv3d
from mbcost.operators.window import Padding, Pair

_SETTINGS: Final = struct.Struct("<3i")


def convolution(net: Network, node: Node) -> Value:
    """CONV_2D (grouped if the weights are narrower than the input) and DEPTHWISE_CONV_2D."""
    dilation = (node.option("dilation_h_factor", 1), node.option("dilation_w_factor", 1))
    folded = net.padding.get(net.operand(node, 0))
    return convolve(net, node, net.input(node), folded or padding(node), dilation)


def convolve(net: Network, node: Node, x: Value, around: Padding, dilation: Pair) -> Value:
    """A convolution's layer, with padding and dilation as they are after patterns."""
    first, height, width, last = net.weights(node, 1, rank=4)
    channels = x.shape.channels
    bias = net.has_constant(node, 2)
    operator: Operator
    if node.name == "DEPTHWISE_CONV_2D":
        if first != 1 or last % channels:
            raise DamagedError(f"its depthwise weights {first}x{height}x{width}x{last} do not fit the input {x.shape}")
        operator = DepthwiseConv2d((height, width), stride(node), dilation, last // channels, around, bias)
    else:
        if channels % last:
            raise DamagedError(f"its weights read {last} channels, the input {x.shape} is no multiple of that")
        operator = Conv2d(first, (height, width), stride(node), dilation, channels // last, around, bias)
    return plus_computed(net, node, net.layer(node, operator, x, weights=node.inputs[1]), 2)


def plus_computed(net: Network, node: Node, product: Value, place: int) -> Value:
    """A product plus its bias, where the network computes that."""
    if not net.has_operand(node, place) or net.has_constant(node, place):
        return product
    return net.layer(node, Add(), product, net.input(node, place))


def transposed_convolution(net: Network, node: Node) -> Value:
    """TRANSPOSE_CONV: inputs are the output's shape, the weights, the map and a bias."""
    return _transposed(net, node, net.input(node, 2), stride(node), 3)


def transposed_convolution_with_bias(net: Network, node: Node) -> Value:
    """MediaPipe's Convolution2DTransposeBias: inputs are the map, the weights and a bias.

    Its options are the C structure TfLiteTransposeConvParams: padding, stride_width, stride_height.
    """
    start, size = node.settings
    if size < _SETTINGS.size:
        raise DamagedError(f"its options have {size} bytes instead of {_SETTINGS.size}")
    _, across, down = _SETTINGS.unpack_from(net.model.buffer.data, start)
    if min(across, down) < 1:
        raise DamagedError(f"its strides are {down}x{across}")
    return _transposed(net, node, net.input(node), (down, across), 2)


def _transposed(net: Network, node: Node, x: Value, step: Pair, bias: int) -> Value:
    """A transposed convolution whose bias, if any, is the operand `bias`."""
    out, height, width, depth = net.weights(node, 1, rank=4)
    if depth != x.shape.channels:
        raise DamagedError(f"its weights read {depth} channels, its input is {x.shape}")
    kernel = (height, width)
    around, extra = _transposed_padding(x.shape, net.file_shape(node.outputs[0]), kernel, step)
    constant = net.has_constant(node, bias)
    operator = TransposedConv2d(out, kernel, step, padding=around, output_padding=extra, bias=constant)
    return plus_computed(net, node, net.layer(node, operator, x, weights=node.inputs[1]), bias)


def _transposed_padding(x: TensorShape, y: TensorShape, kernel: Pair, step: Pair) -> tuple[Padding, Pair]:
    """Padding and output padding that give an output of the size that the file asks for."""
    if (y.height, y.width) == (x.height * step[0], x.width * step[1]):
        return "same", (0, 0)
    surplus = [(n - 1) * s + k - m for n, m, k, s in zip(x[:2], y[:2], kernel, step, strict=True)]
    (top, left), extra = (max(item, 0) // 2 for item in surplus), tuple(max(-item, 0) for item in surplus)
    around = Explicit(top, max(surplus[0], 0) - top, left, max(surplus[1], 0) - left)
    return around, (extra[0], extra[1])


def volume_convolution(net: Network, node: Node) -> Value:
    """CONV_3D: a volume's slices lie below one another."""
    depth, height, width, inputs, out = net.weights(node, 1, rank=5)
    dims, x = net.dims(net.operand(node, 0)), net.input(node)
    if len(dims) != 5 or x.shape.channels % inputs:
        raise DamagedError(f"its weights {depth}x{height}x{width}x{inputs}x{out} do not fit the input {list(dims)}")
    kernel = (depth, height, width)
    steps = (node.option("stride_d"), node.option("stride_h"), node.option("stride_w"))
    gaps = tuple(node.option(f"dilation_{axis}_factor", 1) for axis in "dhw")
    if min(*steps, *gaps) < 1:
        raise DamagedError(f"its strides are {steps}, its dilations {gaps}")
    zeros = (0, 0, 0)
    if padding(node) == "same":
        rows = zip(dims[1:4], kernel, steps, gaps, strict=True)
        zeros = tuple(max(0, (-(-n // s) - 1) * s + gap * (k - 1) + 1 - n) for n, k, s, gap in rows)  # type: ignore[assignment]
    groups = x.shape.channels // inputs
    operator = Conv3d(
        out, dims[1], kernel, steps, (gaps[0], gaps[1], gaps[2]), groups, zeros, net.has_constant(node, 2)
    )
    return plus_computed(net, node, net.layer(node, operator, x, weights=node.inputs[1]), 2)


def fully_connected(net: Network, node: Node) -> Value:
    """FULLY_CONNECTED: whatever its rank, the input is read as rows of as many elements as the weights have columns."""
    out, depth = net.weights(node, 1, rank=2)
    x = net.input(node)
    if x.shape.channels != depth:
        if x.shape.elements % depth:
            raise DamagedError(f"its weights read {depth} elements, its input is {x.shape}")
        x = net.view(node, x, TensorShape(1, x.shape.elements // depth, depth))
    if net.has_constant(node, 1):
        y = net.layer(node, Dense(out, bias=net.has_constant(node, 2)), x, weights=node.inputs[1])
        y = plus_computed(net, node, y, 2)
    else:
        rows = net.view(node, x, TensorShape(1, x.shape.pixels, depth))
        y = net.layer(
            node, Matmul(transpose_b=True), rows, net.view(node, net.input(node, 1), TensorShape(1, out, depth))
        )
        if net.has_operand(node, 2):
            y = net.layer(node, Add(), y, net.input(node, 2))
    return net.view(node, y, net.file_shape(node.outputs[0]))


def batch_matmul(net: Network, node: Node) -> Value:
    """BATCH_MATMUL; a constant second factor makes it a fully connected layer."""
    a, second = net.input(node, 0), net.operand(node, 1)
    if node.option("adj_x"):
        a = net.layer(node, Transpose((a.shape.height, a.shape.channels, a.shape.width)), a)
    transposed = bool(node.option("adj_y"))
    b = net.file_shape(second)
    if net.is_constant(second) and b.height == 1:
        columns, depth = (b.width, b.channels) if transposed else (b.channels, b.width)
        if depth != a.shape.channels:
            raise DamagedError(f"its constant factor reads {depth} channels, its input is {a.shape}")
        return net.layer(node, Dense(columns, bias=False), a, weights=second)
    return net.layer(node, Matmul(transposed), a, net.value(second))


def stride(node: Node) -> Pair:
    """Steps of a window, vertical and horizontal."""
    return node.option("stride_h"), node.option("stride_w")


def padding(node: Node) -> Padding:
    """SAME or VALID."""
    number = node.option("padding")
    if not 0 <= number < len(PADDINGS):
        raise DamagedError(f"its padding {number} does not exist")
    return "same" if PADDINGS[number] == "same" else "valid"
