"""Operators that place elements elsewhere: joins, parts, padding, other shapes and orders."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

from mbcost.importers.tflite.flatbuffer import DamagedError
from mbcost.importers.tflite.model import Node
from mbcost.importers.tflite.network import Network, UnsupportedError, Value, plain
from mbcost.operators import Concat, Crop, Explicit, Pad, Resize, Split, Tile, Transpose
from mbcost.operators.base import Axis


def concatenation(net: Network, node: Node) -> Value:
    """CONCATENATION along any dimension but a batch of several."""
    values = [net.joined(node, place) for place in range(len(node.inputs))]
    if not values:
        raise DamagedError("it has no input")
    axis = net.axis(net.dims(node.inputs[0]), node.option("axis"))
    return net.layer(node, Concat(axis), *values)


def pack(net: Network, node: Node) -> Value:
    """PACK: the elements are moved as in a join, and get a dimension more."""
    values = [net.input(node, place) for place in range(len(node.inputs))]
    if not values:
        raise DamagedError("it has no input")
    return net.view(node, net.layer(node, Concat(), *values), net.file_shape(node.outputs[0]))


def split(net: Network, node: Node) -> list[Value]:
    """SPLIT into equal parts: inputs are the dimension and the tensor."""
    return _parts(net, node, net.operand(node, 1), net.integer(node, 0))


def split_v(net: Network, node: Node) -> list[Value]:
    """SPLIT_V into parts of given sizes, one of which may be -1 (whatever is left)."""
    tensor, sizes = net.operand(node, 0), net.integers(node, 1)
    number = net.integer(node, 2)
    dims = net.dims(tensor)
    left = dims[net.position(dims, number)] - sum(size for size in sizes if size >= 0)
    return _parts(net, node, tensor, number, tuple(left if size == -1 else size for size in sizes))


def _parts(net: Network, node: Node, tensor: int, number: int, sizes: tuple[int, ...] = ()) -> list[Value]:
    axis = net.axis(net.dims(tensor), number)
    x, count = net.value(tensor), len(node.outputs)
    return [net.layer(node, Split(count, part, sizes, axis), x) for part in range(count)]


def unpack(net: Network, node: Node) -> list[Value]:
    """UNPACK: equal parts of one element each, with a dimension less."""
    parts = _parts(net, node, net.operand(node, 0), node.option("axis"))
    return [net.view(node, part, net.file_shape(tensor)) for part, tensor in zip(parts, node.outputs, strict=True)]


def slice_(net: Network, node: Node) -> Value:
    """SLICE: inputs are the tensor, where the part begins, and its size (-1 for all that is left)."""
    dims, begin, size = net.dims(net.operand(node, 0)), net.integers(node, 1), net.integers(node, 2)
    if not len(dims) == len(begin) == len(size):
        raise DamagedError(f"it takes a part of {len(size)} dimensions out of {list(dims)}")
    return _cropped(net, node, [dim - b if s == -1 else s for dim, b, s in zip(dims, begin, size, strict=True)])


def strided_slice(net: Network, node: Node) -> Value:
    """STRIDED_SLICE: Python's slices, where bits of masks leave out an end or take a single element."""
    dims = net.dims(net.operand(node, 0))
    begin, end, steps = (net.integers(node, place) for place in (1, 2, 3))
    if not len(begin) == len(end) == len(steps) <= len(dims) or 0 in steps:
        raise DamagedError(f"its begin, end and strides {begin}, {end}, {steps} do not fit {list(dims)}")
    if any(node.option(name) for name in ("ellipsis_mask", "new_axis_mask", "offset")):
        raise UnsupportedError("slices with an ellipsis, a new dimension or an offset")
    sizes = list(dims)
    for i, (first, last, step) in enumerate(zip(begin, end, steps, strict=True)):
        start, stop = (
            None if node.option(mask) >> i & 1 else place for mask, place in (("begin_mask", first), ("end_mask", last))
        )
        sizes[i] = len(range(*slice(start, stop, step).indices(dims[i])))
        if node.option("shrink_axis_mask") >> i & 1:
            sizes[i] = 1
    part = _cropped(net, node, sizes)
    return net.view(node, part, net.file_shape(node.outputs[0])) if node.option("shrink_axis_mask") else part


def _cropped(net: Network, node: Node, sizes: list[int]) -> Value:
    x = net.input(node)
    if net.has_batch(net.dims(node.inputs[0])) and sizes[0] != net.batch:
        raise UnsupportedError("takes a part of the batch")
    shape = net.shape_of(sizes)
    return x if shape == x.shape else net.layer(node, Crop(plain(shape)), x)


def pad(net: Network, node: Node) -> Value:
    """PAD, PADV2 and MIRROR_PAD; see :func:`mbcost.importers.tflite.patterns.folded_padding` for those that vanish."""
    around, channels = spatial_margins(net, node)
    return net.layer(node, Pad(around, channels), net.input(node))


def spatial_margins(net: Network, node: Node) -> tuple[Explicit, tuple[int, int]]:
    """Elements that a padding adds around the map, and before and after the channels."""
    dims, numbers = net.dims(net.operand(node, 0)), net.integers(node, 1)
    if len(numbers) != 2 * len(dims):
        raise DamagedError(f"it has {len(numbers)} margins for {len(dims)} dimensions")
    margins: dict[Axis, tuple[int, int]] = {}
    for i in range(len(dims)):
        if (pair := (numbers[2 * i], numbers[2 * i + 1])) != (0, 0):
            margins[net.axis(dims, i)] = pair
    top, bottom = margins.get("height", (0, 0))
    left, right = margins.get("width", (0, 0))
    return Explicit(top, bottom, left, right), margins.get("channels", (0, 0))


def resize(method: Literal["bilinear", "nearest"]) -> Callable[[Network, Node], Value]:
    """RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR, to a constant size."""

    def convert(net: Network, node: Node) -> Value:
        out = net.dims(node.outputs[0])
        # a size that is worked out of shapes is the one that the file says
        from_shapes = net.operand(node, 1) in net.computed_once and len(out) == 4
        size = out[1:3] if from_shapes else net.integers(node, 1)
        if len(size) != 2:
            raise DamagedError(f"its size is {size}, not a height and a width")
        return net.layer(node, Resize((size[0], size[1]), method=method), net.input(node))

    return convert


def reshape(net: Network, node: Node) -> Value:
    """RESHAPE to a constant shape, in which one dimension may be -1 (whatever is left)."""
    x, wanted = net.input(node), _wanted_shape(net, node)
    dims = list(wanted)
    free: Axis | None = None
    if (open_dims := dims.count(-1)) > 1:
        raise DamagedError(f"its shape {dims} has {open_dims} open dimensions")
    if open_dims:
        place, known = dims.index(-1), 1
        for dim in dims:
            known *= dim if dim != -1 else 1
        total = x.shape.elements * net.batch
        if known < 1 or total % known:
            raise DamagedError(f"{total} elements do not fill the shape {dims}")
        dims[place] = total // known
        free = net.axis(dims, place) if place > 0 and len(dims) <= 4 else None
    return net.view(node, x, net.shape_of(dims), free=free)


def _wanted_shape(net: Network, node: Node) -> tuple[int, ...]:
    """The shape as the second input, as an option, or as the file has it for the output."""
    if net.has_operand(node, 1) and (shape := net.model.integers(node.inputs[1])) is not None:
        return shape
    if not net.has_operand(node, 1) and node.options is not None and (shape := node.options.numbers("new_shape")):
        return shape
    return net.dims(node.outputs[0])


def same_elements(net: Network, node: Node) -> Value:
    """SQUEEZE and EXPAND_DIMS: dimensions of 1 come or go."""
    return net.view(node, net.input(node), net.file_shape(node.outputs[0]))


def transpose(net: Network, node: Node) -> Value:
    """TRANSPOSE; free where only dimensions of 1 move."""
    x, dims, order = net.input(node), net.dims(node.inputs[0]), net.integers(node, 1)
    if sorted(order) != list(range(len(dims))):
        raise DamagedError(f"its order {list(order)} does not fit {list(dims)}")
    shape = net.shape_of([dims[i] for i in order])
    moved = [i for i in order if dims[i] > 1]
    if all(a < b for a, b in pairwise(moved)):
        return net.view(node, x, shape)
    return net.layer(node, Transpose(plain(shape)), x)


def reordered(net: Network, node: Node) -> Value:
    """REVERSE_V2 and REVERSE_SEQUENCE: the same elements in another order."""
    x = net.input(node)
    net.integers(node, 1)
    return net.layer(node, Transpose(plain(x.shape)), x)


def tile(net: Network, node: Node) -> Value:
    """TILE and BROADCAST_TO."""
    return net.layer(node, Tile(plain(net.file_shape(node.outputs[0]))), net.input(node))
