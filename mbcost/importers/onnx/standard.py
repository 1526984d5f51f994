"""Converters of the standard's operators that move or choose elements, or compute them where no MACs are counted.

Each gives its output's shape by the operator's specification (https://onnx.ai/onnx/operators). What depends on the
numbers in the input, such as how many boxes are left, is at its upper bound.
"""

from __future__ import annotations

import math
from dataclasses import replace

from mbcost.importers.onnx import windows
from mbcost.importers.onnx.call import Call, Converter, UnsupportedError, normal_axis
from mbcost.importers.onnx.pointwise import placed
from mbcost.importers.onnx.tensors import MAX_ELEMENTS, MAX_RANK, ModelError
from mbcost.importers.onnx.values import Constant, Tensor, Value, default_axes
from mbcost.operators import Elementwise, Matmul, Softmax

_BOUND = "How many elements {} leaves depends on the input: it is taken at its upper bound."


def tensors_of(call: Call) -> tuple[Tensor, ...]:
    """The inputs that the network computes."""
    return tuple(value for value in call.inputs if isinstance(value, Tensor))


def charged(call: Call, dims: tuple[int, ...], tensors: tuple[Tensor, ...] | None = None) -> Tensor:
    """A layer with an output of these dims that is charged by its traffic."""
    if len(dims) > MAX_RANK or min(dims, default=1) < 0 or math.prod(dims) > MAX_ELEMENTS:
        raise ModelError(f"it makes the shape {list(dims)[:MAX_RANK]}")
    if 0 in dims:
        raise UnsupportedError(f"its output {list(dims)} has no element")
    return call.build.traffic(call.node.op_type, tensors or tensors_of(call), dims)


def value_at(call: Call, position: int) -> Value:
    value = call.value(position)
    if value is None:
        raise ModelError(f"its input {position} is missing")
    return value


def same_shape(call: Call) -> Tensor:
    """An output like the first input, of everything that is read."""
    dims = value_at(call, 0).dims
    tensors = tensors_of(call)
    if len(tensors) == 1 and tensors[0].dims == dims:
        return call.build.same(Elementwise(), tensors[0])
    return charged(call, dims)


def shape_of_input(position: int) -> Converter:
    """An output with the shape of an input, such as that of the indices."""
    return lambda call: charged(call, value_at(call, position).dims)


def top_k(call: Call) -> tuple[Tensor, Tensor]:
    """TopK (x, k): the largest elements, and where they are."""
    x = call.tensor()
    axis = call.axis(len(x.dims), -1)
    k = call.integer("k", 0) or int(call.numbers(1)[0])
    values = charged(call, (*x.dims[:axis], min(k, x.dims[axis]), *x.dims[axis + 1 :]))
    return values, charged(call, values.dims, (values,))


def nonzero(call: Call) -> Tensor:
    """NonZero (x)."""
    x = call.tensor()
    call.build.notes[_BOUND.format("NonZero")] = None
    return charged(call, (max(1, len(x.dims)), x.elements))


def compress(call: Call) -> Tensor:
    """Compress (x, condition)."""
    x, axis = value_at(call, 0), call.node.attributes.get("axis")
    condition = value_at(call, 1)
    kept = None
    if isinstance(condition, Constant) and condition.values is not None:
        kept = int(condition.values.astype(bool).sum())
    else:
        call.build.notes[_BOUND.format("Compress")] = None
    if not isinstance(axis, int):
        return charged(call, (x.elements if kept is None else kept,))
    axis = normal_axis(axis, len(x.dims))
    return charged(call, (*x.dims[:axis], x.dims[axis] if kept is None else kept, *x.dims[axis + 1 :]))


def unique(call: Call) -> tuple[Tensor, ...]:
    """Unique (x): values, where they first occur, which one each element is, and how often."""
    x, axis = call.tensor(), call.node.attributes.get("axis")
    call.build.notes[_BOUND.format("Unique")] = None
    count = x.dims[normal_axis(axis, len(x.dims))] if isinstance(axis, int) else x.elements
    values = charged(call, x.dims if isinstance(axis, int) else (count,))
    return (values, *(charged(call, (count,), (values,)) for _ in call.node.outputs[1:]))


def non_max_suppression(call: Call) -> Tensor:
    """NonMaxSuppression (boxes, scores, most, ...): (image, class, box) of every box that is left."""
    boxes, scores = value_at(call, 0), value_at(call, 1)
    if len(boxes.dims) != 3 or len(scores.dims) != 3:
        raise ModelError(f"its boxes are {list(boxes.dims)}, its scores {list(scores.dims)}")
    most = boxes.dims[1]
    limit = call.value(2)
    if isinstance(limit, Constant) and limit.scalar is not None:
        most = min(most, int(limit.scalar))
    call.build.notes[_BOUND.format("NonMaxSuppression")] = None
    return charged(call, (max(1, scores.dims[0] * scores.dims[1] * most), 3))


def gather_nd(call: Call) -> Tensor:
    """GatherND (x, indices)."""
    x, indices, batch = value_at(call, 0), value_at(call, 1), call.integer("batch_dims", 0)
    depth = indices.dims[-1]
    dims = (*indices.dims[:-1], *x.dims[batch + depth :])
    if isinstance(x, Constant):
        return charged(call, dims, (placed(call, x, call.tensor(1)), call.tensor(1)))
    return charged(call, dims)


def gather_elements(call: Call) -> Tensor:
    """GatherElements (x, indices)."""
    return charged(call, value_at(call, 1).dims)


def one_hot(call: Call) -> Tensor:
    """OneHot (indices, depth, values)."""
    indices, depth = value_at(call, 0), int(call.numbers(1)[0])
    axis = normal_axis(call.integer("axis", -1), len(indices.dims) + 1)
    return charged(call, (*indices.dims[:axis], depth, *indices.dims[axis:]))


def regions(call: Call) -> Tensor:
    """RoiAlign (x, boxes, images) and MaxRoiPool (x, boxes)."""
    x, boxes = value_at(call, 0), value_at(call, 1)
    if call.node.op_type == "MaxRoiPool":
        height, width = call.ints("pooled_shape") or [1, 1]
    else:
        height, width = call.integer("output_height", 1), call.integer("output_width", 1)
    return charged(call, (boxes.dims[0], x.dims[1], height, width))


def grid_sample(call: Call) -> Tensor:
    """GridSample (x, grid)."""
    x, grid = value_at(call, 0), value_at(call, 1)
    return charged(call, (*x.dims[:2], *grid.dims[1:-1]))


def affine_grid(call: Call) -> Tensor:
    """AffineGrid (theta, size)."""
    batch, _, *spatial = (int(number) for number in call.numbers(1))
    return charged(call, (batch, *spatial, len(spatial)))


def deform_conv(call: Call) -> Tensor:
    """DeformConv (x, weight, offset, bias, mask): a convolution of what is sampled at the offsets."""
    x = call.tensor()
    places = tuple(value for value in (call.value(2), call.value(4)) if isinstance(value, Tensor))
    sampled = call.build.traffic("DeformConv's sampling", (x, *places), x.dims, x.axes) if places else x
    return windows.conv(replace(call, inputs=[sampled, call.value(1), call.value(3)]))


def center_crop_pad(call: Call) -> Tensor:
    """CenterCropPad (x, shape)."""
    x = call.tensor()
    wanted = [int(number) for number in call.numbers(1)]
    axes = call.ints("axes") or list(range(len(x.dims)))
    dims = list(x.dims)
    for axis, size in zip(axes, wanted, strict=True):
        dims[normal_axis(axis, len(dims))] = size
    return charged(call, tuple(dims))


def col2im(call: Call) -> Tensor:
    """Col2Im (x, image shape, block shape)."""
    x, image, block = call.tensor(), call.numbers(1), call.numbers(2)
    channels = x.dims[1] // max(1, math.prod(int(size) for size in block))
    return charged(call, (x.dims[0], channels, *(int(size) for size in image)))


def max_unpool(call: Call) -> Tensor:
    """MaxUnpool (x, indices, shape)."""
    x, rank = call.tensor(), len(value_at(call, 0).dims) - 2
    if call.value(2) is not None:
        return charged(call, tuple(int(size) for size in call.numbers(2)))
    kernel, strides = call.ints("kernel_shape") or [], call.ints("strides") or [1] * rank
    pads = call.ints("pads") or [0] * 2 * rank
    rows = zip(x.dims[2:], kernel, strides, pads, pads[rank:], strict=False)
    sizes = [(dim - 1) * step + taps - before - after for dim, taps, step, before, after in rows]
    return charged(call, (*x.dims[:2], *sizes))


def determinant(call: Call) -> Tensor:
    """Det (x)."""
    return charged(call, call.tensor().dims[:-2])


def multinomial(call: Call) -> Tensor:
    """Multinomial (x)."""
    return charged(call, (call.tensor().dims[0], call.integer("sample_size", 1)))


def fourier(call: Call) -> Tensor:
    """DFT (x, length, axis): real and imaginary parts along the last dimension. A fast transform has no MACs here."""
    x = call.tensor()
    axis = int(call.numbers(2)[0]) if call.value(2) is not None else call.integer("axis", 1 if call.opset < 20 else -2)
    axis = normal_axis(axis, len(x.dims))
    length = int(call.numbers(1)[0]) if call.value(1) is not None else x.dims[axis]
    inverse, onesided = call.integer("inverse", 0), call.integer("onesided", 0)
    size = length // 2 + 1 if onesided and not inverse else length
    last = 1 if onesided and inverse else 2
    return charged(call, (*x.dims[:axis], size, *x.dims[axis + 1 : -1], last))


def short_time_fourier(call: Call) -> Tensor:
    """STFT (x, step, window, length)."""
    x, step = call.tensor(), int(call.numbers(1)[0])
    window = call.value(2)
    length = int(call.numbers(3)[0]) if call.value(3) is not None else window.elements if window is not None else 0
    if step < 1 or not 1 <= length <= x.dims[1]:
        raise ModelError(f"its window of {length} moves by {step} over {list(x.dims)}")
    bins = length // 2 + 1 if call.integer("onesided", 1) else length
    return charged(call, (x.dims[0], (x.dims[1] - length) // step + 1, bins, 2))


def attention(call: Call) -> Tensor | tuple[Tensor, ...]:
    """Attention (q, k, v, mask), with as many heads of keys as of queries or fewer; no cache of earlier keys.

    MACs = heads * queries * keys * (size of a key + size of a value).
    """
    q, k, v = call.tensor(0), call.tensor(1), call.tensor(2)
    if any(isinstance(call.value(place), Tensor) for place in (4, 5)):
        raise UnsupportedError("a cache of earlier keys and values is not modelled")
    flat = len(q.dims) == 3
    heads, key_heads = call.integer("q_num_heads", 0), call.integer("kv_num_heads", 0)
    if not flat:
        heads, key_heads = q.dims[1], k.dims[1]
    if heads < 1 or key_heads < 1 or heads % key_heads:
        raise ModelError(f"it has {heads} heads of queries and {key_heads} of keys")
    q, k, v = (_heads(call, x, count) for x, count in ((q, heads), (k, key_heads), (v, key_heads)))
    batch, _, rows, _ = q.dims
    columns, width = k.dims[2], v.dims[3]
    if key_heads < heads:
        k, v = (_repeated(call, x, heads) for x in (k, v))
    turned = call.build.lettered(call.build.transposed(k, [0, 1, 3, 2]), "HHWC")
    scores = call.build.tensor(Matmul(), (q, turned), (batch, heads, rows, columns), "HHWC")
    mask = call.value(3)
    if isinstance(mask, Tensor):
        scores = call.build.traffic("Attention's mask", (scores, mask), scores.dims, "HHWC")
    weights = call.build.same(Softmax(), scores)
    result = call.build.tensor(Matmul(), (weights, v), (batch, heads, rows, width), "HHWC")
    if not flat:
        return result
    joined = call.build.transposed(result, [0, 2, 1, 3])
    dims = (batch, rows, heads * width)
    return call.build.view(joined, dims, default_axes(dims))


def _heads(call: Call, x: Tensor, heads: int) -> Tensor:
    """Queries, keys or values as (batch, heads, rows, size)."""
    if len(x.dims) == 4:
        return call.build.lettered(x, "HHWC")
    batch, rows, width = x.dims
    if width % heads:
        raise ModelError(f"{width} elements do not divide into {heads} heads")
    split = call.build.view(x, (batch, rows, heads, width // heads), "HWCC")
    return call.build.lettered(call.build.transposed(split, [0, 2, 1, 3]), "HHWC")


def _repeated(call: Call, x: Tensor, heads: int) -> Tensor:
    """The heads of keys, for every head of queries."""
    return call.build.traffic("Attention's repeated keys", (x,), (x.dims[0], heads, *x.dims[2:]), "HHWC")
