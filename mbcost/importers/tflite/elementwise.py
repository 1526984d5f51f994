"""Functions of every element, arithmetic, normalisations, reductions, pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from mbcost.importers.imported import slope_of
from mbcost.importers.tflite.flatbuffer import DamagedError
from mbcost.importers.tflite.model import Node
from mbcost.importers.tflite.network import Network, UnsupportedError, Value
from mbcost.importers.tflite.products import padding, stride
from mbcost.operators import (
    AvgPool2d,
    Elementwise,
    GlobalAvgPool,
    GlobalMaxPool,
    LeakyRelu,
    LocalResponseNorm,
    MaxPool2d,
    Operator,
    Prelu,
    Reduce,
    Scale,
)

Converter: TypeAlias = Callable[[Network, Node], Value]


def function(operator: Operator) -> Converter:
    """An operator without options, of one input."""

    def convert(net: Network, node: Node) -> Value:
        return net.layer(node, operator, net.input(node))

    return convert


def first(net: Network, node: Node) -> Value:
    """A function of the first input; the others are constants that say how."""
    net.integers(node, 1)
    return net.layer(node, Elementwise(), net.input(node))


def arithmetic(combine: Operator, with_constant: Callable[[int], Operator]) -> Converter:
    """An operator of two or more inputs; `with_constant` is what it is if one of two is a constant of n elements."""

    def convert(net: Network, node: Node) -> Value:
        tensors = [net.operand(node, place) for place in range(max(len(node.inputs), 2))]
        constants = [tensor for tensor in tensors if net.is_constant(tensor)]
        if len(tensors) == 2 and len(constants) == 1:
            (x,) = (net.value(tensor) for tensor in tensors if tensor not in constants)
            if net.file_shape(node.outputs[0]) == x.shape:
                elements = net.model.tensors[constants[0]].elements
                return net.layer(node, with_constant(elements if elements > 1 else 0), x)
        return net.layer(node, combine, *(net.value(tensor) for tensor in tensors))

    return convert


def prelu(net: Network, node: Node) -> Value:
    """PRELU, with a slope a channel or of any other shape that broadcasts."""
    x = net.input(node)
    slopes = net.model.tensors[net.operand(node, 1)].elements
    return net.layer(node, Prelu() if slopes == x.shape.channels else Scale(slopes), x)


def leaky_relu(net: Network, node: Node) -> Value:
    """LEAKY_RELU: its slope is an option, 0 where the file leaves it out."""
    slope = slope_of(node.option("alpha"))
    if slope is None:
        raise UnsupportedError("has a slope that is not a number")
    return net.layer(node, LeakyRelu(slope), net.input(node))


def conversion(net: Network, node: Node) -> Value:
    """QUANTIZE and DEQUANTIZE: nothing at the network's ends, where they are its user's choice; else a pass."""
    x = net.input(node)
    at_the_start = node.inputs[0] in net.model.inputs
    if at_the_start or node.outputs[0] in net.model.outputs:
        net.notes["conversions between float and integer at its ends are left out"] = None
        return x
    return net.layer(node, Elementwise(), x)


def local_response_norm(net: Network, node: Node) -> Value:
    """LOCAL_RESPONSE_NORMALIZATION over `radius` channels on either side."""
    return net.layer(node, LocalResponseNorm(2 * node.option("radius") + 1), net.input(node))


def pool(kind: type[AvgPool2d | MaxPool2d]) -> Converter:
    """AVERAGE_POOL_2D and MAX_POOL_2D."""

    def convert(net: Network, node: Node) -> Value:
        window = (node.option("filter_height"), node.option("filter_width"))
        folded = net.padding.get(net.operand(node, 0))
        return net.layer(node, kind(window, stride(node), folded or padding(node)), net.input(node))

    return convert


def reduction(over_the_map: Operator | None = None) -> Converter:
    """A sum, mean, maximum or its place; `over_the_map` is the operator for all of height and width."""

    def convert(net: Network, node: Node) -> Value:
        x, dims = net.input(node), net.dims(net.operand(node, 0))
        reduced = {net.position(dims, number) for number in net.integers(node, 1)}
        flags = _reduced(net, dims, reduced)
        operator: Operator = Reduce(**dict.fromkeys(flags, True))
        whole_map = {axis for axis in ("height", "width") if getattr(x.shape, axis) > 1}
        if over_the_map is not None and "channels" not in flags and whole_map <= flags and flags:
            operator = over_the_map
        y = net.layer(node, operator, x) if flags else x
        return net.view(node, y, net.file_shape(node.outputs[0]))

    return convert


def _reduced(net: Network, dims: tuple[int, ...], numbers: set[int]) -> set[str]:
    """Which of height, width and channels are reduced; a dimension of 1 does not matter."""
    kept = {i for i, dim in enumerate(dims) if dim > 1} - numbers
    first = 1 if net.has_batch(dims) else 0
    if first and 0 in numbers and net.batch > 1:
        raise UnsupportedError("reduces the batch")
    rows, columns = len(dims) - 3, len(dims) - 2
    names: set[str] = set()
    for number in numbers - set(range(first)):
        names.add("channels" if number > columns else "width" if number == columns else "height")
    if "height" in names and any(first <= i <= rows for i in kept):
        raise UnsupportedError(f"reduces dimensions {sorted(numbers)} of {list(dims)}")
    return names


mean = reduction(GlobalAvgPool())
maximum = reduction(GlobalMaxPool())
total = reduction()


def spatial_block(kind: Callable[[int], Operator]) -> Converter:
    """DEPTH_TO_SPACE and SPACE_TO_DEPTH."""

    def convert(net: Network, node: Node) -> Value:
        block = node.option("block_size")
        if block < 1:
            raise DamagedError(f"its block is {block}")
        return net.layer(node, kind(block), net.input(node))

    return convert
