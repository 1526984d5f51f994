"""Converters of what places elements elsewhere: reshape, transpose, concat, split, slice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from mbcost.importers.onnx.call import Call, UnsupportedError, normal_axis
from mbcost.importers.onnx.pointwise import broadcast_dims, one_image, placed
from mbcost.importers.onnx.tensors import MAX_RANK, ModelError, is_zero
from mbcost.importers.onnx.values import Constant, Tensor, Value, default_axes, reshaped_axes, shape_of
from mbcost.importers.onnx.windows import as_map
from mbcost.operators import Concat, Crop, Elementwise, Split, Tile
from mbcost.operators.base import Axis

_AXIS_OF: dict[str, Axis] = {"H": "height", "W": "width", "C": "channels"}


def shape(call: Call) -> Constant:
    """Shape (x), which is known for every tensor."""
    dims = _dims(call)
    start = call.integer("start", 0)
    stop = call.integer("end", len(dims))
    return _constant(dims[start:stop])


def size(call: Call) -> Constant:
    """Size (x)."""
    return Constant((), np.array(math.prod(_dims(call))))


def _dims(call: Call) -> tuple[int, ...]:
    value = call.value(0)
    if value is None:
        raise ModelError("it has no input")
    return value.dims


def _constant(numbers: tuple[int, ...]) -> Constant:
    values: np.ndarray[Any, Any] = np.array(numbers, dtype=np.int64)
    return Constant(values.shape, values)


def reshape(call: Call) -> Tensor:
    """Reshape (x, shape)."""
    x = call.tensor()
    wanted = call.ints("shape", 1)
    if wanted is None or len(wanted) > MAX_RANK:
        raise ModelError("its shape is missing")
    if not call.integer("allowzero", 0):
        wanted = [x.dims[i] if dim == 0 and i < len(x.dims) else dim for i, dim in enumerate(wanted)]
    return reshaped(call, x, wanted)


def reshaped(call: Call, x: Tensor, wanted: list[int]) -> Tensor:
    """The same elements under other dims, of which one may be -1. A batch of the file becomes one image."""
    elements, known = math.prod(x.dims), math.prod(dim for dim in wanted if dim != -1)
    if wanted.count(-1) > 1 or min(wanted, default=1) < -1 or known == 0:
        raise ModelError(f"{list(x.dims)} cannot become {wanted}")
    wanted = _of_one_image(call, x, wanted)
    known = math.prod(dim for dim in wanted if dim != -1)
    if -1 not in wanted and known != elements and known == elements * wanted[0]:
        wanted, known = [1, *wanted[1:]], elements
    if elements % known or (-1 not in wanted and known != elements):
        raise ModelError(f"{list(x.dims)} cannot become {wanted}: the numbers of elements differ")
    dims = tuple(elements // known if dim == -1 else dim for dim in wanted)
    return call.build.view(x, dims, reshaped_axes(x, dims))


def _of_one_image(call: Call, x: Tensor, wanted: list[int]) -> list[int]:
    """A shape that holds the file's batch, for one image."""
    batch = call.batch
    if batch == 1 or not wanted:
        return wanted
    product = math.prod(dim for dim in wanted if dim != -1)
    whole = -1 not in wanted and product == x.elements * batch
    # beside an open dimension: the batch, or what it was multiplied into, stays in front
    first = wanted[0] > 0 and wanted[0] % batch == 0
    opened = -1 in wanted and first and (x.dims[:1] == (1,) or wanted[0] == x.dims[0] * batch)
    places = [i for i, dim in enumerate(wanted) if dim % batch == 0] if whole else [0] if opened else []
    return [dim // batch if i in places[:1] else dim for i, dim in enumerate(wanted)]


def flatten(call: Call) -> Tensor:
    """Flatten: a matrix, split before `axis`."""
    x = call.tensor()
    axis = call.integer("axis", 1)
    axis = axis if axis == len(x.dims) else normal_axis(axis, len(x.dims))
    return reshaped(call, x, [math.prod(x.dims[:axis]), math.prod(x.dims[axis:])])


def squeeze(call: Call) -> Tensor:
    """Squeeze (x, axes)."""
    x = call.tensor()
    axes = call.ints("axes", 1)
    gone = {normal_axis(axis, len(x.dims)) for axis in axes or []}
    if axes is None:
        gone = {i for i, dim in enumerate(x.dims) if dim == 1}
    if any(x.dims[i] != 1 for i in gone):
        raise ModelError(f"it takes dimensions {sorted(gone)} out of {list(x.dims)}")
    kept = [i for i in range(len(x.dims)) if i not in gone]
    return Tensor(x.source, tuple(x.dims[i] for i in kept), "".join(x.axes[i] for i in kept))


def unsqueeze(call: Call) -> Tensor:
    """Unsqueeze (x, axes)."""
    x, axes = call.tensor(), call.ints("axes", 1) or []
    rank = len(x.dims) + len(axes)
    if rank > MAX_RANK:
        raise ModelError(f"it makes a tensor of {rank} dimensions")
    new = {normal_axis(axis, rank) for axis in axes}
    if len(new) < len(axes):
        raise ModelError(f"it adds a dimension twice: {axes[:MAX_RANK]}")
    dims, letters = iter(x.dims), iter(x.axes)
    both = [(1, "N" if i == 0 else "H") if i in new else (next(dims), next(letters)) for i in range(rank)]
    return Tensor(x.source, tuple(dim for dim, _ in both), "".join(letter for _, letter in both))


def transpose(call: Call) -> Tensor:
    """Transpose."""
    x = call.tensor()
    order = call.ints("perm") or list(range(len(x.dims)))[::-1]
    if sorted(order) != list(range(len(x.dims))):
        raise ModelError(f"its order {order[:MAX_RANK]} is no permutation of {len(x.dims)} dimensions")
    return call.build.transposed(x, order)


def concat(call: Call) -> Tensor:
    """Concat, along any dimension."""
    first = next((value for value in call.inputs if isinstance(value, Tensor)), None)
    if first is None or None in call.inputs:
        raise ModelError("it lacks an input")
    values = [value for value in call.inputs if value is not None and value.elements]
    axis = call.axis(len(first.dims), 1)
    tensors = [_placed(call, value, first, axis) for value in values]
    same = all(x.axes == tensors[0].axes and x.whole({axis}) for x in tensors)
    whole = same and tensors[0].axes[axis] != "N"
    axes = tensors[0].axes if whole else _around(tensors[0], axis)
    inputs = tuple(call.build.lettered(x, axes) for x in tensors)
    joined = sum(x.dims[axis] for x in inputs)
    dims = (*inputs[0].dims[:axis], joined, *inputs[0].dims[axis + 1 :])
    return call.build.tensor(Concat(_AXIS_OF[_letter(axes, axis)]), inputs, dims, axes)


def _placed(call: Call, value: Value, beside: Tensor, axis: int) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if len(value.dims) == 4 and value.data is not None and is_zero(value.data):
        # zeros beside a map pad it: nobody trained them
        value = replace(value, learned=0)
    return placed(call, one_image(call, value, beside) if axis else value, beside)


def _letter(axes: str, axis: int) -> str:
    if axes[axis] not in _AXIS_OF:
        raise UnsupportedError("it works along the batch, which is not modelled")
    return axes[axis]


def _around(x: Tensor, axis: int) -> str:
    """Letters by which a dimension is all of its letter."""
    axes = "H" * axis + "W" + "C" * (len(x.dims) - axis - 1)
    return axes if axis or x.dims[0] != 1 else "W" + axes[1:]


def split(call: Call) -> tuple[Tensor, ...]:
    """Split (x, sizes), along any dimension."""
    x = call.tensor()
    axis = call.axis(len(x.dims), 0)
    if not x.whole({axis}) or x.axes[axis] == "N":
        x = call.build.lettered(x, _around(x, axis))
    parts = max(1, len(call.node.outputs))
    each = -(-x.dims[axis] // parts)
    sizes = call.ints("split", 1) or [each] * (parts - 1) + [x.dims[axis] - each * (parts - 1)]
    if len(sizes) != parts:
        raise ModelError(f"it has {parts} outputs and {len(sizes)} sizes")
    return tuple(_part(call, x, axis, tuple(sizes), part) for part in range(parts))


def _part(call: Call, x: Tensor, axis: int, sizes: tuple[int, ...], part: int) -> Tensor:
    dims = (*x.dims[:axis], sizes[part], *x.dims[axis + 1 :])
    return call.build.tensor(Split(0, part, sizes, _AXIS_OF[x.axes[axis]]), (x,), dims, x.axes)


def slice_(call: Call) -> Value:
    """Slice (x, starts, ends, axes, steps); attributes until opset 9."""
    x = call.tensor()
    starts, ends = call.ints("starts", 1) or [], call.ints("ends", 2) or []
    axes = call.ints("axes", 3) or list(range(len(starts)))
    steps = call.ints("steps", 4) or [1] * len(starts)
    ranges = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = normal_axis(axis, len(x.dims))
        ranges[axis] = range(*slice(start, _end(end, step, x.dims[axis]), step).indices(x.dims[axis]))
    dims = tuple(len(ranges[axis]) if axis in ranges else dim for axis, dim in enumerate(x.dims))
    if 0 in dims:
        return Constant(dims)
    changed = [axis for axis, dim in enumerate(x.dims) if dims[axis] != dim]
    if not changed and all(step > 0 for step in steps):
        return x
    if len(changed) == 1 and x.whole({changed[0]}) and ranges[changed[0]].step == 1:
        taken, axis = ranges[changed[0]], changed[0]
        ends_ = (taken.start, len(taken), x.dims[axis] - taken.stop)
        sizes = tuple(extent for extent in ends_ if extent)
        return _part(call, x, axis, sizes, 1 if taken.start else 0)
    return call.build.tensor(Crop(shape_of(dims, x.axes)), (x,), dims, x.axes)


def unpadded(call: Call) -> Tensor:
    """ReorderOutput of ONNX Runtime: channels in blocks as channels again, without those that fill up a block."""
    x = as_map(call)
    channels = call.integer("channels", x.dims[1])
    if not 1 <= channels <= x.dims[1]:
        raise ModelError(f"it takes {channels} of {x.dims[1]} channels")
    last = bool(call.integer("channels_last", 0))
    if channels < x.dims[1]:
        call.build.notes["Channels are counted as ONNX Runtime pads them to whole blocks."] = None
        x = _part(call, x, 1, (channels, x.dims[1] - channels), 0)
    return call.build.transposed(x, [0, *range(2, len(x.dims)), 1]) if last else x


def _end(end: int, step: int, dim: int) -> int | None:
    """The end of a slice; far below zero it means all the way down."""
    return None if step < 0 and end < -dim else end


def gather(call: Call) -> Tensor:
    """Gather (x, indices): a part of a tensor that is known, or rows that the network chooses."""
    x, indices = call.value(0), call.value(1)
    if x is None or indices is None:
        raise ModelError("it lacks an input")
    axis = call.axis(len(x.dims), 0)
    dims = (*x.dims[:axis], *indices.dims, *x.dims[axis + 1 :])
    if isinstance(indices, Tensor):
        return _chosen(call, x, indices, dims)
    x = call.tensor()
    taken = (*x.dims[:axis], max(1, indices.elements), *x.dims[axis + 1 :])
    whole = x if taken == x.dims and _ascending(indices) else _copied(call, x, taken)
    axes = x.axes[:axis] + x.axes[axis] * len(indices.dims) + x.axes[axis + 1 :]
    return Tensor(whole.source, dims, axes)


def _ascending(indices: Constant) -> bool:
    """Whether indices take every element once, in order."""
    values = indices.values
    return values is not None and np.array_equal(values.reshape(-1), np.arange(values.size))


def _copied(call: Call, x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Some elements of a tensor, or elements more than once."""
    shape = shape_of(dims, x.axes)
    if all(new <= old for new, old in zip(shape, x.shape, strict=True)):
        return call.build.tensor(Crop(shape), (x,), dims, x.axes)
    if all(new % old == 0 for new, old in zip(shape, x.shape, strict=True)):
        return call.build.tensor(Tile(shape), (x,), dims, x.axes)
    return call.build.traffic(call.node.op_type, (x,), dims, x.axes)


def _chosen(call: Call, x: Value, indices: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Rows that the network chooses; of a table of the file only those that are chosen are read."""
    if isinstance(x, Tensor):
        return call.build.traffic(call.node.op_type, (x, indices), dims)
    table = placed(call, x, indices)
    rows = math.prod(dims)
    if rows > x.elements:
        return call.build.traffic(call.node.op_type, (table, indices), dims)
    flat = call.build.view(table, (x.elements,), "C")
    part = call.build.tensor(Crop(shape_of((rows,), "C")), (flat,), (rows,), "C")
    return call.build.view(part, dims, default_axes(dims))


def expand(call: Call) -> Tensor:
    """Expand (x, shape)."""
    x = call.tensor()
    wanted = call.ints("", 1)
    if wanted is None or len(wanted) > MAX_RANK or min(wanted, default=1) < 1:
        raise ModelError(f"its shape is {wanted}")
    if x.dims[:1] == (1,) and len(wanted) == len(x.dims) and x.axes[0] == "N" and wanted[0] == call.batch:
        wanted[0] = 1
    return _repeated(call, x, broadcast_dims([x.dims, tuple(wanted)]))


def tile(call: Call) -> Tensor:
    """Tile (x, repeats)."""
    x, repeats = call.tensor(), call.ints("", 1) or []
    if call.opset < 6 and len(call.inputs) == 3:
        axis = normal_axis((call.ints("", 2) or [0])[0], len(x.dims))
        repeats = [repeats[0] if i == axis else 1 for i in range(len(x.dims))]
    if len(repeats) != len(x.dims) or min(repeats, default=1) < 1:
        raise ModelError(f"it repeats {list(x.dims)} by {repeats[:MAX_RANK]}")
    return _repeated(call, x, tuple(dim * times for dim, times in zip(x.dims, repeats, strict=True)))


def _repeated(call: Call, x: Tensor, dims: tuple[int, ...]) -> Tensor:
    axes = default_axes(dims)[: len(dims) - len(x.axes)].replace("C", "W") + x.axes
    if shape_of(dims, axes) == x.shape:
        return Tensor(x.source, dims, axes)
    return call.build.tensor(Tile(shape_of(dims, axes)), (x,), dims, axes)


def where(call: Call) -> Tensor:
    """Where (condition, x, y)."""
    tensors = tuple(value for value in call.inputs if isinstance(value, Tensor))
    if not tensors:
        raise UnsupportedError("it chooses between constants")
    dims = broadcast_dims([value.dims for value in call.inputs if value is not None])
    largest = max(tensors, key=lambda tensor: math.prod(tensor.dims))
    if largest.dims == dims and len(tensors) == 1:
        return call.build.same(Elementwise(), largest, word="where")
    axes = largest.axes if len(largest.axes) == len(dims) else default_axes(dims)
    return call.build.traffic("Where", tensors, dims, axes)
