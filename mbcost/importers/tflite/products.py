"""Convolutions, fully connected layers and matrix products."""

from __future__ import annotations

from mbcost.importers.tflite.flatbuffer import DamagedError
from mbcost.importers.tflite.model import Node
from mbcost.importers.tflite.network import Network, Value
from mbcost.importers.tflite.schema import PADDINGS
from mbcost.operators import (
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
from mbcost.operators.window import Padding, Pair


def convolution(net: Network, node: Node) -> Value:
    """CONV_2D (grouped if the weights are narrower than the input) and DEPTHWISE_CONV_2D."""
    dilation = (node.option("dilation_h_factor", 1), node.option("dilation_w_factor", 1))
    folded = net.padding.get(net.operand(node, 0))
    return convolve(net, node, net.input(node), folded or padding(node), dilation)


def convolve(net: Network, node: Node, x: Value, around: Padding, dilation: Pair) -> Value:
    """A convolution's layer, with padding and dilation as they are after patterns."""
    first, height, width, last = net.weights(node, 1, rank=4)
    channels = x.shape.channels
    bias = net.has_operand(node, 2)
    operator: Operator
    if node.name == "DEPTHWISE_CONV_2D":
        if first != 1 or last % channels:
            raise DamagedError(f"its depthwise weights {first}x{height}x{width}x{last} do not fit the input {x.shape}")
        operator = DepthwiseConv2d((height, width), stride(node), dilation, last // channels, around, bias)
    else:
        if channels % last:
            raise DamagedError(f"its weights read {last} channels, the input {x.shape} is no multiple of that")
        operator = Conv2d(first, (height, width), stride(node), dilation, channels // last, around, bias)
    return net.layer(node, operator, x, weights=node.inputs[1])


def transposed_convolution(net: Network, node: Node) -> Value:
    """TRANSPOSE_CONV: inputs are the output's shape, the weights, the map and a bias."""
    out, height, width, depth = net.weights(node, 1, rank=4)
    x = net.input(node, 2)
    if depth != x.shape.channels:
        raise DamagedError(f"its weights read {depth} channels, its input is {x.shape}")
    kernel, step = (height, width), stride(node)
    around, extra = _transposed_padding(x.shape, net.file_shape(node.outputs[0]), kernel, step)
    operator = TransposedConv2d(out, kernel, step, padding=around, output_padding=extra, bias=net.has_operand(node, 3))
    return net.layer(node, operator, x, weights=node.inputs[1])


def _transposed_padding(x: TensorShape, y: TensorShape, kernel: Pair, step: Pair) -> tuple[Padding, Pair]:
    """Padding and output padding that give an output of the size that the file asks for."""
    if (y.height, y.width) == (x.height * step[0], x.width * step[1]):
        return "same", (0, 0)
    surplus = [(n - 1) * s + k - m for n, m, k, s in zip(x[:2], y[:2], kernel, step, strict=True)]
    (top, left), extra = (max(item, 0) // 2 for item in surplus), tuple(max(-item, 0) for item in surplus)
    around = Explicit(top, max(surplus[0], 0) - top, left, max(surplus[1], 0) - left)
    return around, (extra[0], extra[1])


def fully_connected(net: Network, node: Node) -> Value:
    """FULLY_CONNECTED: whatever its rank, the input is read as rows of as many elements as the weights have columns."""
    out, depth = net.weights(node, 1, rank=2)
    x = net.input(node)
    if x.shape.channels != depth:
        if x.shape.elements % depth:
            raise DamagedError(f"its weights read {depth} elements, its input is {x.shape}")
        x = net.view(node, x, TensorShape(1, x.shape.elements // depth, depth))
    y = net.layer(node, Dense(out, bias=net.has_operand(node, 2)), x, weights=node.inputs[1])
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
