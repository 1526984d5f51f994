"""Shapes of all tensors for another input size than the file's: what an interpreter works out when it is resized.

A file with open sizes holds ones in their place, so that every shape in it has to be worked out again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from mbcost.architectures.scaling import Resolution, sides_of
from mbcost.errors import did_you_mean, fail
from mbcost.graph.expansion import MAX_ELEMENTS
from mbcost.importers.tflite.flatbuffer import DamagedError
from mbcost.importers.tflite.model import MAX_CONSTANT, Model, Node, Tensor
from mbcost.importers.tflite.network import UnsupportedError

Dims = tuple[int, ...]
Array = np.ndarray[Any, Any]

_ANY: Final = ""
_SAME: Final = frozenset(
    (
        "ABS",
        "CAST",
        "CEIL",
        "COS",
        "CUMSUM",
        "DEQUANTIZE",
        "ELU",
        "EXP",
        "FLOOR",
        "GELU",
        "HARD_SWISH",
        "L2_NORMALIZATION",
        "LEAKY_RELU",
        "LOCAL_RESPONSE_NORMALIZATION",
        "LOG",
        "LOGICAL_NOT",
        "LOGISTIC",
        "LOG_SOFTMAX",
        "NEG",
        "PRELU",
        "QUANTIZE",
        "RELU",
        "RELU6",
        "RELU_0_TO_1",
        "RELU_N1_TO_1",
        "REVERSE_SEQUENCE",
        "REVERSE_V2",
        "ROUND",
        "RSQRT",
        "SIGN",
        "SIN",
        "SOFTMAX",
        "SQRT",
        "SQUARE",
        "TANH",
        "ZEROS_LIKE",
    )
)
_BROADCAST: Final = frozenset(
    (
        "ADD",
        "ADD_N",
        "ATAN2",
        "DIV",
        "EQUAL",
        "FLOOR_DIV",
        "FLOOR_MOD",
        "GREATER",
        "GREATER_EQUAL",
        "LESS",
        "LESS_EQUAL",
        "LOGICAL_AND",
        "LOGICAL_OR",
        "MAXIMUM",
        "MINIMUM",
        "MUL",
        "NOT_EQUAL",
        "POW",
        "SELECT",
        "SELECT_V2",
        "SQUARED_DIFFERENCE",
        "SUB",
    )
)
_REDUCTIONS: Final = frozenset(("MEAN", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM"))
_POOLS: Final = frozenset(("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"))


def with_inputs(
    model: Model, shapes: Mapping[str, Sequence[int | None]], resolution: Resolution | None
) -> tuple[Model, int | None]:
    """The model with inputs of the given sizes, and the batch that they state.

    Parameters
    ----------
    shapes
        Sizes as the file has them (``(1, 224, 224, 3)``) by the input's name; without one that of the image.
    resolution
        Height and width of the image where the file leaves them open [pixels].

    Raises
    ------
    InputError
        MB010 for a shape that fits no input, MB502 if a size stays open, MB504 if no rule says what an operator makes
        of another size.
    """
    image = next((t for t in model.inputs if len(model.tensors[t].shape) == 4), model.inputs[0])
    names = {model.tensors[tensor].name: tensor for tensor in model.inputs}
    for name in shapes:
        if name != _ANY and name not in names:
            hint = did_you_mean(name, list(names)) or f"its inputs are {', '.join(list(names)[:8])}"
            fail("MB010", f"{model.path} has no input `{name}`", hint=hint)
    sizes, batch = {}, None
    for tensor in model.inputs:
        head = model.tensors[tensor]
        given = shapes.get(head.name, shapes.get(_ANY) if tensor == image else None)
        if given is not None and len(given) != len(head.shape):
            dims = f"has {len(head.shape)} dimensions, the given shape {len(given)}"
            fail("MB010", f"input `{head.name}` of {model.path} {dims}")
        wanted: list[int | None] = list(given) if given is not None else [None] * len(head.shape)
        if tensor == image and len(wanted) == 4:
            batch = wanted[0]
            wanted[0] = None
            if resolution is not None:
                for i, side in enumerate(sides_of(resolution), 1):
                    wanted[i] = side if _is_open(head, i) and wanted[i] is None else wanted[i]
        sizes[tensor] = _closed(model, head, wanted)
    if all(sizes[tensor] == model.tensors[tensor].shape for tensor in model.inputs):
        return model, batch
    return _followed(model, sizes), batch


def _is_open(head: Tensor, place: int) -> bool:
    return place < len(head.signature) and head.signature[place] < 0


def _closed(model: Model, head: Tensor, wanted: Sequence[int | None]) -> Dims:
    """Sizes of an input, none of which is open but the first, which is the batch."""
    dims = tuple(old if new is None else new for old, new in zip(head.shape, wanted, strict=True))
    if any(_is_open(head, i) and wanted[i] is None for i in range(1, len(dims))):
        guess = [1 if i == 0 else 224 if _is_open(head, i) else dim for i, dim in enumerate(dims)]
        python = f"input_shapes={{'{head.name}': {tuple(guess)}}}"
        hint = f"say which: `--input-shape {head.name}={'x'.join(map(str, guess))}`, {python} in Python"
        fail("MB502", f"the input `{head.name}` of {model.path} is {list(head.signature)}", hint=hint)
    if dims != head.shape and not 1 <= math.prod(dims) <= MAX_ELEMENTS:
        fail("MB208", f"input `{head.name}` of {model.path} would have {math.prod(dims)} elements")
    return dims


def _followed(model: Model, sizes: Mapping[int, Dims]) -> Model:
    """The model with the shapes of everything that follows from its inputs."""
    follow = _Follow(model, dict(sizes))
    for node in model.nodes:
        try:
            results = follow.shapes(node)
        except UnsupportedError as error:
            fail("MB504", f"{model.label(node)} {error}")
        except (ArithmeticError, LookupError, TypeError, ValueError, DamagedError):
            fail("MB503", f"{model.label(node)} cannot take an input of another size")
        for tensor, dims in zip(node.outputs, results, strict=False):
            if min(dims, default=1) < 1 or math.prod(dims) > MAX_ELEMENTS:
                fail("MB504", f"{model.label(node)} would make {list(dims)} of an input of this size")
            follow.sizes[tensor] = dims
    tensors = tuple(
        replace(head, shape=follow.sizes[number], signature=()) if number in follow.sizes else head
        for number, head in enumerate(model.tensors)
    )
    return replace(model, tensors=tensors)


class _Follow:
    """Shapes and small numbers as far as they are known."""

    def __init__(self, model: Model, sizes: dict[int, Dims]) -> None:
        self.model = model
        self.sizes = sizes
        self.numbers: dict[int, Array] = {}

    def dims(self, node: Node, place: int = 0) -> Dims:
        tensor = node.inputs[place]
        return self.sizes.get(tensor, self.model.tensors[tensor].shape)

    def known(self, tensor: int) -> Array | None:
        """The numbers of a tensor of shapes."""
        if tensor in self.numbers:
            return self.numbers[tensor]
        head = self.model.tensors[tensor] if tensor >= 0 else None
        if head is None or not head.data[1] or head.elements > MAX_CONSTANT:
            return None
        found = self.model.integers(tensor)
        return None if found is None else np.array(found, np.int64).reshape(head.shape)

    def integers(self, node: Node, place: int) -> list[int]:
        found = self.known(node.inputs[place])
        if found is None:
            raise UnsupportedError(f"computes its input {place}, which decides on shapes, while the network runs")
        return [int(number) for number in found.reshape(-1)]

    def shapes(self, node: Node) -> list[Dims]:
        """The dims of a node's outputs."""
        if node.custom:
            raise UnsupportedError("is custom: what it makes of an input of another size is not known")
        self._compute(node)
        name = node.name
        if name in _SAME:
            return [self.dims(node)]
        if name in _BROADCAST:
            return [np.broadcast_shapes(*(self.dims(node, i) for i in range(len(node.inputs))))]
        if name in _REDUCTIONS:
            return [self._reduced(node, self.integers(node, 1), keep=bool(node.option("keep_dims")))]
        if name in ("ARG_MAX", "ARG_MIN"):
            return [self._reduced(node, self.integers(node, 1), keep=False)]
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D") or name in _POOLS:
            return [self._window(node)]
        rule = getattr(self, f"_{name.lower()}", None)
        if rule is None:
            raise UnsupportedError("does not say what it makes of an input of another size; convert with a fixed shape")
        result: Dims | list[Dims] = rule(node)
        return result if isinstance(result, list) else [result]

    def _compute(self, node: Node) -> None:
        """The numbers of an output, where those of the inputs are known and it only works on shapes."""
        if node.name == "SHAPE":
            self.numbers[node.outputs[0]] = np.array(self.dims(node), np.int64)
            return
        inputs = [self.known(tensor) for tensor in node.inputs]
        if not inputs or any(item is None for item in inputs):
            return
        given = [item for item in inputs if item is not None]
        compute = _ARITHMETIC.get(node.name)
        if compute is not None:
            self.numbers[node.outputs[0]] = np.asarray(compute(*given))
        elif node.name == "CAST" or (node.name in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS") and given[0].size == 1):
            self.numbers[node.outputs[0]] = given[0]
        elif node.name == "PACK":
            self.numbers[node.outputs[0]] = np.array([item.reshape(-1)[0] for item in given], np.int64)
        elif node.name == "CONCATENATION":
            self.numbers[node.outputs[0]] = np.concatenate([np.atleast_1d(item) for item in given])
        elif node.name == "GATHER":
            self.numbers[node.outputs[0]] = given[0].reshape(-1)[given[1]]
        elif node.name == "REDUCE_PROD":
            self.numbers[node.outputs[0]] = np.array(given[0].prod())
        elif node.name == "STRIDED_SLICE" and given[0].ndim == 1:
            begin, end, step = (int(item.reshape(-1)[0]) for item in given[1:4])
            if node.option("shrink_axis_mask") & 1:
                self.numbers[node.outputs[0]] = given[0][begin]
            else:
                start = None if node.option("begin_mask") & 1 else begin
                self.numbers[node.outputs[0]] = given[0][start : None if node.option("end_mask") & 1 else end : step]

    # -- rules ------------------------------------------------------------------------------------------------------

    def _reduced(self, node: Node, axes: list[int], *, keep: bool) -> Dims:
        dims = self.dims(node)
        gone = {axis % len(dims) for axis in axes}
        if keep:
            return tuple(1 if i in gone else dim for i, dim in enumerate(dims))
        return tuple(dim for i, dim in enumerate(dims) if i not in gone)

    def _window(self, node: Node) -> Dims:
        batch, height, width, channels = self.dims(node)
        if node.name in _POOLS:
            kernel = (node.option("filter_height"), node.option("filter_width"))
        else:
            weights = self.model.tensors[node.inputs[1]].shape
            kernel = (weights[1], weights[2])
            channels = weights[0] if node.name == "CONV_2D" else weights[3]
        steps = (node.option("stride_h"), node.option("stride_w"))
        dilated = node.name not in _POOLS
        gaps = (node.option("dilation_h_factor", 1), node.option("dilation_w_factor", 1)) if dilated else (1, 1)
        sizes = []
        for size, taps, step, gap in zip((height, width), kernel, steps, gaps, strict=True):
            reach = 1 if node.option("padding") == 0 else gap * (taps - 1) + 1
            sizes.append((size - reach) // step + 1)
        return (batch, sizes[0], sizes[1], channels)

    def _transpose_conv(self, node: Node) -> Dims:
        return tuple(self.integers(node, 0))

    def _fully_connected(self, node: Node) -> Dims:
        out, depth = self.model.tensors[node.inputs[1]].shape
        dims = self.dims(node)
        if node.option("keep_num_dims"):
            return (*dims[:-1], out)
        if math.prod(dims) % depth:
            raise UnsupportedError(f"reads {depth} elements, an input of this size gives {list(dims)}")
        return (math.prod(dims) // depth, out)

    def _batch_matmul(self, node: Node) -> Dims:
        a, b = self.dims(node, 0), self.dims(node, 1)
        rows = a[-1] if node.option("adj_x") else a[-2]
        columns = b[-2] if node.option("adj_y") else b[-1]
        return (*np.broadcast_shapes(a[:-2], b[:-2]), rows, columns)

    def _concatenation(self, node: Node) -> Dims:
        parts = [self.dims(node, i) for i in range(len(node.inputs))]
        axis = node.option("axis") % len(parts[0])
        return (*parts[0][:axis], sum(part[axis] for part in parts), *parts[0][axis + 1 :])

    def _pack(self, node: Node) -> Dims:
        dims = self.dims(node)
        axis = node.option("axis") % (len(dims) + 1)
        return (*dims[:axis], len(node.inputs), *dims[axis:])

    def _unpack(self, node: Node) -> list[Dims]:
        dims = self.dims(node)
        axis = node.option("axis") % len(dims)
        return [(*dims[:axis], *dims[axis + 1 :])] * len(node.outputs)

    def _split(self, node: Node) -> list[Dims]:
        dims, parts = self.dims(node, 1), len(node.outputs)
        axis = self.integers(node, 0)[0] % len(dims)
        return [(*dims[:axis], dims[axis] // parts, *dims[axis + 1 :])] * parts

    def _split_v(self, node: Node) -> list[Dims]:
        dims, sizes = self.dims(node), self.integers(node, 1)
        axis = self.integers(node, 2)[0] % len(dims)
        left = dims[axis] - sum(size for size in sizes if size >= 0)
        return [(*dims[:axis], left if size < 0 else size, *dims[axis + 1 :]) for size in sizes]

    def _slice(self, node: Node) -> Dims:
        rows = zip(self.dims(node), self.integers(node, 1), self.integers(node, 2), strict=True)
        return tuple(dim - begin if size == -1 else size for dim, begin, size in rows)

    def _strided_slice(self, node: Node) -> Dims:
        dims = list(self.dims(node))
        begin, end, steps = (self.integers(node, place) for place in (1, 2, 3))
        gone = set()
        for i, (first, last, step) in enumerate(zip(begin, end, steps, strict=True)):
            start = None if node.option("begin_mask") >> i & 1 else first
            stop = None if node.option("end_mask") >> i & 1 else last
            if node.option("shrink_axis_mask") >> i & 1:
                gone.add(i)
            else:
                dims[i] = len(range(*slice(start, stop, step).indices(dims[i])))
        return tuple(dim for i, dim in enumerate(dims) if i not in gone)

    def _pad(self, node: Node) -> Dims:
        margins = self.integers(node, 1)
        dims = self.dims(node)
        return tuple(dim + margins[2 * i] + margins[2 * i + 1] for i, dim in enumerate(dims))

    _padv2 = _mirror_pad = _pad

    def _resize_bilinear(self, node: Node) -> Dims:
        batch, _, _, channels = self.dims(node)
        height, width = self.integers(node, 1)
        return (batch, height, width, channels)

    _resize_nearest_neighbor = _resize_bilinear

    def _reshape(self, node: Node) -> Dims:
        total = math.prod(self.dims(node))
        if len(node.inputs) > 1 and node.inputs[1] >= 0:
            wanted = self.integers(node, 1)
        else:
            wanted = list(node.options.numbers("new_shape")) if node.options is not None else []
        known = math.prod(dim for dim in wanted if dim != -1)
        if wanted.count(-1) > 1 or known < 1 or total % known or (-1 not in wanted and total != known):
            raise UnsupportedError(f"wants {wanted}, an input of this size gives {list(self.dims(node))}")
        return tuple(total // known if dim == -1 else dim for dim in wanted)

    def _squeeze(self, node: Node) -> Dims:
        dims = self.dims(node)
        listed = node.options.numbers("squeeze_dims") if node.options is not None else ()
        gone = {axis % len(dims) for axis in listed} or {i for i, dim in enumerate(dims) if dim == 1}
        return tuple(dim for i, dim in enumerate(dims) if i not in gone)

    def _expand_dims(self, node: Node) -> Dims:
        dims = self.dims(node)
        axis = self.integers(node, 1)[0] % (len(dims) + 1)
        return (*dims[:axis], 1, *dims[axis:])

    def _transpose(self, node: Node) -> Dims:
        dims = self.dims(node)
        return tuple(dims[i] for i in self.integers(node, 1))

    def _tile(self, node: Node) -> Dims:
        return tuple(dim * times for dim, times in zip(self.dims(node), self.integers(node, 1), strict=True))

    def _broadcast_to(self, node: Node) -> Dims:
        return tuple(self.integers(node, 1))

    def _depth_to_space(self, node: Node) -> Dims:
        (batch, height, width, channels), block = self.dims(node), node.option("block_size")
        return (batch, height * block, width * block, channels // block**2)

    def _space_to_depth(self, node: Node) -> Dims:
        (batch, height, width, channels), block = self.dims(node), node.option("block_size")
        return (batch, height // block, width // block, channels * block**2)

    def _space_to_batch_nd(self, node: Node) -> Dims:
        (batch, *spatial, channels), block = self.dims(node), self.integers(node, 1)
        margins = self.integers(node, 2)
        sizes = [(n + margins[2 * i] + margins[2 * i + 1]) // block[i] for i, n in enumerate(spatial)]
        return (batch * math.prod(block), *sizes, channels)

    def _batch_to_space_nd(self, node: Node) -> Dims:
        (batch, *spatial, channels), block = self.dims(node), self.integers(node, 1)
        crops = self.integers(node, 2)
        sizes = [n * block[i] - crops[2 * i] - crops[2 * i + 1] for i, n in enumerate(spatial)]
        return (batch // math.prod(block), *sizes, channels)

    def _shape(self, node: Node) -> Dims:
        return (len(self.dims(node)),)

    def _gather(self, node: Node) -> Dims:
        dims = self.dims(node)
        axis = node.option("axis") % len(dims)
        if node.option("batch_dims"):
            raise UnsupportedError("does not say what it makes of an input of another size")
        return (*dims[:axis], *self.dims(node, 1), *dims[axis + 1 :])


_ARITHMETIC: Final[Mapping[str, Any]] = {
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": np.floor_divide,
    "FLOOR_DIV": np.floor_divide,
    "FLOOR_MOD": np.mod,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
}
