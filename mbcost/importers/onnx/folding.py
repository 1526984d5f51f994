"""What is computed from constants and shapes alone, such as the target of a reshape, is computed while importing.

Only numbers that say how a network is built take part: nothing here makes more than :data:`MAX_VALUES` of them. Of
weights only the shape is followed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy as np

from mbcost.importers.onnx.call import Call, UnsupportedError, normal_axis
from mbcost.importers.onnx.pointwise import broadcast_dims
from mbcost.importers.onnx.tensors import MAX_RANK, MAX_VALUES, ModelError, TensorData
from mbcost.importers.onnx.values import Constant

Array: TypeAlias = np.ndarray[Any, Any]

_NOTHING: Final = np.zeros((), np.int8)

#: TensorProto.DataType of integer and boolean types.
_WHOLE: Final = frozenset((2, 3, 4, 5, 6, 7, 9, 12, 13))


def constant_of(data: TensorData) -> Constant:
    """A tensor of the file."""
    return Constant(data.dims, data.values(), name=data.name, data=data)


def constant(call: Call) -> Constant:
    """Constant: a node that holds a tensor or a list."""
    for name in ("value_ints", "value_floats", "value_int", "value_float"):
        value = call.node.attributes.get(name)
        if value is not None and name in call.node.attributes:
            array = np.array(value)
            return Constant(array.shape, array if array.size <= MAX_VALUES else None)
    return constant_of(call.data("value"))


def constant_of_shape(call: Call) -> Constant:
    """ConstantOfShape (dims)."""
    dims = _checked(call.ints("", 0) or [])
    filled = call.data("value").values() if "value" in call.node.attributes else np.zeros(1, np.float32)
    if math.prod(dims) > MAX_VALUES or filled is None or filled.size != 1:
        return Constant(dims)
    return Constant(dims, np.full(dims, filled.reshape(-1)[0]))


def range_(call: Call) -> Constant:
    """Range (start, limit, delta)."""
    start, limit, delta = (call.numbers(position)[0] for position in range(3))
    if delta == 0:
        raise ModelError("its step is 0")
    count = max(0, math.ceil((limit - start) / delta))
    if count > MAX_VALUES:
        return Constant((count,))
    return Constant((count,), np.array([start + delta * i for i in range(count)]))


def cast(call: Call) -> Constant:
    """Cast: to whole numbers or to floats; until opset 5 the type is a name."""
    given, to = call.weight(0), call.node.attributes.get("to", 1)
    if given.values is None or given.values.dtype.kind not in "biuf":
        return given
    whole = to in _WHOLE or (isinstance(to, str) and ("INT" in to or to == "BOOL"))
    dtype: type[np.generic] = np.int64 if whole else np.float64
    return replace(given, values=given.values.astype(dtype))


def elementwise(compute: Callable[..., Array], takes: int | None) -> Callable[[Call], Constant]:
    """Folding of a function of so many (None: any number of) inputs that broadcast."""

    def fold(call: Call) -> Constant:
        given = [call.weight(position) for position in range(len(call.inputs))]
        if len(given) != (takes or max(1, len(given))):
            raise ModelError(f"it has {len(given)} inputs")
        dims = broadcast_dims([item.dims for item in given])
        arrays = [item.values for item in given if item.values is not None]
        rescale = any(item.rescale for item in given)
        if len(arrays) < len(given) or math.prod(dims) > MAX_VALUES:
            return Constant(dims, None, rescale)
        values = np.asarray(compute(*arrays))
        return Constant(values.shape, values, rescale)

    return fold


def _divide(a: Array, b: Array) -> Array:
    """Division as ONNX has it: of whole numbers towards zero."""
    if a.dtype.kind == "f" or b.dtype.kind == "f":
        return np.asarray(a / b)
    if not b.all():
        raise ModelError("it divides by 0")
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b)))


def _shaped(change: Callable[[Call, Array], Array]) -> Callable[[Call], Constant]:
    """Folding of what rearranges elements. The shape of a weight is followed by an array that takes no memory."""

    def fold(call: Call) -> Constant:
        given = call.weight(0)
        values = given.values
        stand_in = np.broadcast_to(_NOTHING, given.dims) if values is None else values
        result = change(call, stand_in)
        known = values is not None and result.size <= MAX_VALUES
        name = given.name if result.size == given.elements else ""
        return Constant(result.shape, np.array(result) if known else None, given.rescale, name)

    return fold


def _checked(dims: list[int]) -> tuple[int, ...]:
    if len(dims) > MAX_RANK or min(dims, default=0) < 0:
        raise ModelError(f"it makes the shape {dims[:MAX_RANK]}")
    return tuple(dims)


def _reshape(call: Call, x: Array) -> Array:
    wanted = call.ints("shape", 1) or []
    dims = [x.shape[i] if dim == 0 and i < x.ndim else dim for i, dim in enumerate(wanted)]
    if dims.count(-1) == 1:
        rest = math.prod(dim for dim in dims if dim != -1)
        dims[dims.index(-1)] = x.size // rest if rest else 0
    dims = list(_checked(dims))
    if math.prod(dims) != x.size:
        raise ModelError(f"{list(x.shape)} cannot become {dims}")
    # a stand-in has no elements of its own: reshaping it would make them
    return x.reshape(dims) if any(x.strides) or x.size <= MAX_VALUES else np.broadcast_to(_NOTHING, dims)


def _transpose(call: Call, x: Array) -> Array:
    return x.transpose(call.ints("perm") or None)


def _unsqueeze(call: Call, x: Array) -> Array:
    axes = call.ints("axes", 1) or []
    _checked([*x.shape, *(1 for _ in axes)])
    return np.expand_dims(x, tuple(axes))


def _squeeze(call: Call, x: Array) -> Array:
    axes = call.ints("axes", 1)
    return np.squeeze(x, None if axes is None else tuple(axes))


def _slice(call: Call, x: Array) -> Array:
    starts, ends = call.ints("starts", 1) or [], call.ints("ends", 2) or []
    axes = call.ints("axes", 3) or list(range(len(starts)))
    steps = call.ints("steps", 4) or [1] * len(starts)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        position = normal_axis(axis, x.ndim)
        index[position] = slice(start, None if step < 0 and end < -x.shape[position] else end, step)
    return x[tuple(index)]


def clip(call: Call) -> Constant:
    """Clip (numbers, least, most); the bounds are attributes until opset 10."""
    given = call.weight(0)
    if given.values is None:
        return given
    bounds = [
        call.numbers(place)[0] if call.value(place) is not None else call.node.attributes.get(name)
        for place, name in ((1, "min"), (2, "max"))
    ]
    values = given.values
    kind = values.dtype
    if isinstance(bounds[0], (int, float)):
        values = np.maximum(values, bounds[0])
    if isinstance(bounds[1], (int, float)):
        values = np.minimum(values, bounds[1])
    return replace(given, values=values.astype(kind))


def tile(call: Call) -> Constant:
    """Tile (numbers, repeats)."""
    given, repeats = call.weight(0), call.ints("", 1) or []
    if given.values is None or len(repeats) != len(given.dims) or min(repeats, default=1) < 0:
        raise UnsupportedError("it repeats a weight")
    if given.elements * math.prod(repeats) > MAX_VALUES:
        raise UnsupportedError("it makes many numbers")
    values = np.tile(given.values, repeats)
    return Constant(values.shape, values)


def cumulative(call: Call) -> Constant:
    """CumSum (numbers, axis)."""
    given = call.weight(0)
    if given.values is None or call.integer("exclusive", 0) or call.integer("reverse", 0):
        return replace(given, values=None)
    return replace(given, values=np.cumsum(given.values, normal_axis(int(call.numbers(1)[0]), len(given.dims))))


def reduced(compute: Callable[..., Array]) -> Callable[[Call], Constant]:
    """Folding of a reduction of numbers."""

    def fold(call: Call) -> Constant:
        given = call.weight(0)
        if given.values is None:
            raise UnsupportedError("it reduces a weight")
        axes = call.ints("axes", 1)
        if not axes and call.integer("noop_with_empty_axes", 0):
            return given
        over = tuple(normal_axis(axis, len(given.dims)) for axis in axes) if axes else None
        values = np.asarray(compute(given.values, axis=over, keepdims=bool(call.integer("keepdims", 1))))
        return Constant(values.shape, values)

    return fold


def nonzero(call: Call) -> Constant:
    """NonZero: the places of numbers that are not 0, a row a dimension."""
    given = call.weight(0)
    if given.values is None:
        raise UnsupportedError("the numbers that it looks at are not known")
    values = np.array(np.nonzero(np.atleast_1d(given.values)), dtype=np.int64)
    return Constant(values.shape, values)


def scattered(call: Call) -> Constant:
    """ScatterND (numbers, indices, updates)."""
    data, indices, updates = (call.weight(place) for place in range(3))
    if data.values is None or indices.values is None or updates.values is None:
        return replace(data, values=None)
    values, places = np.array(data.values), indices.values.astype(np.int64)
    for place in np.ndindex(*places.shape[:-1]):
        values[tuple(places[place])] = updates.values[place]
    return replace(data, values=values)


def triangle(call: Call) -> Constant:
    """Trilu (numbers, k)."""
    given = call.weight(0)
    if given.values is None:
        return given
    k = int(call.numbers(1)[0]) if call.value(1) is not None else 0
    values = np.triu(given.values, k) if call.integer("upper", 1) else np.tril(given.values, k)
    return replace(given, values=values)


def split(call: Call) -> tuple[Constant, ...]:
    """Split (numbers, sizes)."""
    given = call.weight(0)
    axis, parts = call.axis(len(given.dims), 0), max(1, len(call.node.outputs))
    each = -(-given.dims[axis] // parts)
    sizes = call.ints("split", 1) or [each] * (parts - 1) + [given.dims[axis] - each * (parts - 1)]
    results = []
    for part, size in enumerate(sizes):
        dims = _checked([*given.dims[:axis], size, *given.dims[axis + 1 :]])
        start = sum(sizes[:part])
        values = None if given.values is None else given.values.take(range(start, start + size), axis)
        results.append(Constant(dims, values))
    return tuple(results)


def drawn(call: Call) -> Constant:
    """RandomNormal, RandomUniform: a shape; their -Like and EyeLike: the input's."""
    if call.node.op_type.endswith("Like"):
        return Constant(call.weight(0).dims, learned=0)
    return Constant(_checked(call.ints("shape") or []), learned=0)


def window(call: Call) -> Constant:
    """BlackmanWindow, HammingWindow, HannWindow (size)."""
    return Constant(_checked([int(call.numbers(0)[0])]), learned=0)


def mel(call: Call) -> Constant:
    """MelWeightMatrix (bins, length, ...): a row for every frequency."""
    return Constant(_checked([int(call.numbers(1)[0]) // 2 + 1, int(call.numbers(0)[0])]), learned=0)


def dequantized(call: Call) -> Constant:
    """DequantizeLinear (numbers, scale, zero point): real numbers, whatever type the file stores."""
    given, scale, zero = call.weight(0), call.value(1), call.value(2)
    factor = scale.scalar if isinstance(scale, Constant) else None
    least = 0.0 if zero is None else zero.scalar if isinstance(zero, Constant) else None
    if given.values is None or factor is None or least is None:
        return replace(given, values=None)
    return replace(given, values=(given.values.astype(np.float64) - least) * factor)


def gather(call: Call) -> Constant:
    """Gather (numbers, indices)."""
    x, indices = call.weight(0), call.weight(1)
    axis = normal_axis(call.integer("axis", 0), len(x.dims))
    dims = (*x.dims[:axis], *indices.dims, *x.dims[axis + 1 :])
    if x.values is None or indices.values is None or math.prod(dims) > MAX_VALUES:
        return Constant(dims)
    values = np.take(x.values, indices.values.astype(np.int64), axis)
    return Constant(values.shape, values)


def concat(call: Call) -> Constant:
    """Concat of numbers or of weights."""
    parts = [call.weight(position) for position in range(len(call.inputs))]
    axis = call.axis(len(parts[0].dims), 0 if call.opset >= 4 else 1)
    total = sum(part.dims[axis] for part in parts)
    dims = (*parts[0].dims[:axis], total, *parts[0].dims[axis + 1 :])
    arrays = [part.values for part in parts if part.values is not None]
    if len(arrays) < len(parts) or math.prod(dims) > MAX_VALUES:
        return Constant(dims)
    values = np.concatenate(arrays, axis)
    return Constant(values.shape, values)


def expand(call: Call) -> Constant:
    """Expand (numbers, shape)."""
    given = call.weight(0)
    dims = broadcast_dims([given.dims, _checked(call.ints("", 1) or [])])
    if given.values is None or math.prod(dims) > MAX_VALUES:
        return Constant(dims)
    return Constant(dims, np.broadcast_to(given.values, dims))


def unchanged(call: Call) -> Constant:
    """Identity, quantisation: another type, the same shape and numbers."""
    return call.weight(0)


def folded(call: Call) -> Constant | tuple[Constant, ...]:
    """The constants that an operator makes of constants, with how many of their elements were learned."""
    result = FOLDED[call.node.op_type](call)
    learned = sum(value.trained for value in call.inputs if isinstance(value, Constant))
    results = result if isinstance(result, tuple) else (result,)
    named = tuple(
        item if item.name or not call.inputs else replace(item, name=name, learned=learned)
        for name, item in zip(call.node.outputs, results, strict=False)
    )
    return named if isinstance(result, tuple) else named[0]


Folding: TypeAlias = Callable[[Call], "Constant | tuple[Constant, ...]"]

#: Operators that are computed while importing where all their inputs are constants.
FOLDED: Final[Mapping[str, Folding]] = {
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "Range": range_,
    "Cast": cast,
    "Identity": unchanged,
    "CastLike": unchanged,
    "Dropout": unchanged,
    "QuantizeLinear": unchanged,
    "DequantizeLinear": dequantized,
    "Clip": clip,
    "Tile": tile,
    "CumSum": cumulative,
    "NonZero": nonzero,
    "ScatterND": scattered,
    "Trilu": triangle,
    "Split": split,
    **dict.fromkeys(
        ("EyeLike", "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"),
        drawn,
    ),
    **dict.fromkeys(("BlackmanWindow", "HammingWindow", "HannWindow"), window),
    "MelWeightMatrix": mel,
    "ReduceMax": reduced(np.max),
    "ReduceMin": reduced(np.min),
    "ReduceSum": reduced(np.sum),
    "ReduceMean": reduced(np.mean),
    "ReduceProd": reduced(np.prod),
    "Add": elementwise(np.add, 2),
    "Sub": elementwise(np.subtract, 2),
    "Mul": elementwise(np.multiply, 2),
    "Div": elementwise(_divide, 2),
    "Mod": elementwise(np.mod, 2),
    "Min": elementwise(lambda *items: np.minimum.reduce(items), None),
    "Max": elementwise(lambda *items: np.maximum.reduce(items), None),
    "Pow": elementwise(np.power, 2),
    "Neg": elementwise(np.negative, 1),
    "Abs": elementwise(np.abs, 1),
    "Floor": elementwise(np.floor, 1),
    "Ceil": elementwise(np.ceil, 1),
    "Round": elementwise(np.round, 1),
    "Sqrt": elementwise(np.sqrt, 1),
    "Exp": elementwise(np.exp, 1),
    "Reciprocal": elementwise(np.reciprocal, 1),
    "Equal": elementwise(np.equal, 2),
    "Greater": elementwise(np.greater, 2),
    "Less": elementwise(np.less, 2),
    "And": elementwise(np.logical_and, 2),
    "Or": elementwise(np.logical_or, 2),
    "Not": elementwise(np.logical_not, 1),
    "GreaterOrEqual": elementwise(np.greater_equal, 2),
    "LessOrEqual": elementwise(np.less_equal, 2),
    "Xor": elementwise(np.logical_xor, 2),
    "Sin": elementwise(np.sin, 1),
    "Cos": elementwise(np.cos, 1),
    "Tan": elementwise(np.tan, 1),
    "Tanh": elementwise(np.tanh, 1),
    "Log": elementwise(np.log, 1),
    "Sign": elementwise(np.sign, 1),
    "IsNaN": elementwise(np.isnan, 1),
    "Relu": elementwise(lambda x: np.maximum(x, 0), 1),
    "Where": elementwise(np.where, 3),
    "Reshape": _shaped(_reshape),
    "Transpose": _shaped(_transpose),
    "Unsqueeze": _shaped(_unsqueeze),
    "Squeeze": _shaped(_squeeze),
    "Slice": _shaped(_slice),
    "Gather": gather,
    "Concat": concat,
    "Expand": expand,
}
