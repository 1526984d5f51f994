"""Converters of what acts on every element, of normalisations and of reductions."""

from __future__ import annotations

import math

from mbcost.importers.onnx.call import Call, Converter, normal_axis
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor, Value, default_axes, shape_of
from mbcost.importers.onnx.windows import as_map
from mbcost.operators import (
    Add,
    BatchNorm,
    Elementwise,
    GlobalAvgPool,
    GlobalMaxPool,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    Operator,
    OperatorError,
    Prelu,
    Reduce,
    Relu,
    Relu6,
    Scale,
)
from mbcost.operators import Constant as ConstantTensor


def passed(call: Call) -> Value:
    """What changes neither shape nor count: Identity, Dropout, Cast, quantisation."""
    value = call.value(0)
    if value is None:
        raise ModelError("it has no input")
    return value


def dynamically_quantized(call: Call) -> tuple[Value, ...]:
    """DynamicQuantizeLinear (x) gives the quantised tensor, its scale and its zero point."""
    scale = Constant((), None, rescale=True)
    return passed(call), scale, scale


def function(operator: Operator) -> Converter:
    """A converter to an operator that keeps its input's shape."""
    return lambda call: call.build.same(operator, call.tensor(), word=_word(call, operator))


def _word(call: Call, operator: Operator) -> str | None:
    """What patterns call an element-wise function without an operator of its own."""
    return call.node.op_type.lower() if isinstance(operator, Elementwise) else None


def clip(call: Call) -> Tensor:
    """Clip with its bounds as attributes (until opset 10) or as inputs."""
    bounds = []
    for position, name in ((1, "min"), (2, "max")):
        given = call.value(position)
        attribute = call.node.attributes.get(name)
        bounds.append(attribute if given is None else given.scalar if isinstance(given, Constant) else math.nan)
    operator: Operator = Elementwise()
    if bounds == [0, 6]:
        operator = Relu6()
    elif bounds[0] == 0 and bounds[1] in (None, math.inf):
        operator = Relu()
    return call.build.same(operator, call.tensor(), word=_word(call, operator))


def prelu(call: Call) -> Tensor:
    """PRelu (x, slope)."""
    slope, x = call.weight(1), call.tensor()
    return call.build.same(Prelu() if slope.elements == x.shape.channels else Scale(slope.elements), x)


def power(call: Call) -> Tensor:
    """Pow (x, exponent)."""
    call.weight(1)
    return call.build.same(Elementwise(), call.tensor(), word="pow")


def arithmetic(operator: type[Operator], with_constant: type[Operator]) -> Converter:
    """A converter of an operator on two or more values that broadcast."""

    def convert(call: Call) -> Tensor:
        tensors = [value for value in call.inputs if isinstance(value, Tensor)]
        constants = [value for value in call.inputs if isinstance(value, Constant)]
        if len(tensors) < 1 or len(tensors) + len(constants) != len(call.inputs):
            raise ModelError("it lacks an input")
        result = tensors[0] if len(tensors) == 1 else combined(call, operator(), tensors)
        for constant in constants:
            result = _with_constant(call, operator(), with_constant, result, constant)
        return result

    return convert


def placed(call: Call, value: Value, beside: Tensor) -> Tensor:
    """A value as a tensor; a constant becomes a layer of its own, which stands where `beside` is made."""
    if isinstance(value, Tensor):
        return value
    axes = beside.axes if len(value.dims) == len(beside.dims) else default_axes(value.dims)
    operator = ConstantTensor(shape_of(value.dims, axes), value.trained)
    return call.build.tensor(operator, (beside,), value.dims, axes, weight=value)


def _with_constant(call: Call, operator: Operator, kind: type[Operator], x: Tensor, constant: Constant) -> Tensor:
    """Arithmetic with a constant: by an operator of two tensors only where the constant is the larger one."""
    if constant.rescale:
        return x
    if broadcast_dims([x.dims, constant.dims]) != x.dims:
        return combined(call, operator, [x, placed(call, constant, x)])
    if kind is Elementwise or (call.node.op_type == "Div" and isinstance(call.value(0), Constant)):
        word = "relu" if call.node.op_type == "Max" and constant.scalar == 0 else call.node.op_type.lower()
        return call.build.same(Relu() if word == "relu" else Elementwise(), x, word=word)
    return call.build.same(kind(weights=constant.trained), x, scalar=constant.scalar)  # type: ignore[call-arg]


def combined(call: Call, operator: Operator, tensors: list[Tensor]) -> Tensor:
    """An operator on tensors that broadcast; the letters are those of the largest."""
    first = max(tensors, key=lambda tensor: (len(tensor.dims), math.prod(tensor.dims)))
    dims = broadcast_dims([tensor.dims for tensor in tensors])
    aligned = []
    for tensor in tensors:
        axes = first.axes[len(first.axes) - len(tensor.axes) :]
        aligned.append(call.build.lettered(tensor, axes))
    return call.build.tensor(operator, tuple(aligned), dims, first.axes)


def broadcast_dims(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The common dims of tensors whose dimensions are equal or 1, aligned at the last one."""
    rank = max(map(len, shapes))
    columns = zip(*((1,) * (rank - len(dims)) + dims for dims in shapes), strict=True)
    result = []
    for column in columns:
        sizes = set(column) - {1}
        if len(sizes) > 1:
            raise OperatorError(f"shapes {' and '.join(str(list(dims)) for dims in shapes)} do not broadcast")
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def mean_of(call: Call) -> Tensor:
    """Mean of several tensors."""
    tensors = [call.tensor(position) for position in range(len(call.inputs))]
    total = tensors[0] if len(tensors) == 1 else combined(call, Add(), tensors)
    return call.build.same(Scale(), total, scalar=1 / len(tensors))


# -- normalisations ---------------------------------------------------------------------------------------------------


def batch_norm(call: Call) -> Tensor:
    """BatchNormalization (x, scale, bias, mean, variance)."""
    x, weight = _by_channel(call), call.weight(1)
    name, _ = call.build.layer(BatchNorm(), (x,), in_channels=weight.elements, weight=weight)
    return Tensor(name, x.dims, x.axes)


def _by_channel(call: Call) -> Tensor:
    """The input with all channels in dimension 1."""
    x = call.tensor()
    if len(x.dims) < 2:
        raise ModelError(f"its input has the shape {list(x.dims)}")
    if x.axes[1] == "C" and x.whole({1}):
        return x
    return call.build.lettered(x, "N" + "C" + "H" * (len(x.dims) - 3) + "W" * (len(x.dims) > 2))


def instance_norm(call: Call) -> Tensor:
    """InstanceNormalization (x, scale, bias)."""
    x, weight = _by_channel(call), call.weight(1)
    return call.build.tensor(InstanceNorm(), (x,), x.dims, x.axes, in_channels=weight.elements)


def group_norm(call: Call) -> Tensor:
    """GroupNormalization (x, scale, bias)."""
    return call.build.same(GroupNorm(groups=call.integer("num_groups", 0)), _by_channel(call))


def layer_norm(call: Call) -> Tensor:
    """LayerNormalization (x, scale, bias) over the last dimensions, and RMSNormalization, which has a scale only."""
    x = call.tensor()
    start = call.axis(len(x.dims), -1)
    last = set(range(start, len(x.dims)))
    normal = x
    if {x.axes[i] for i in last if x.dims[i] > 1} != {"C"} or not x.whole(last):
        normal = call.build.view(x, (*x.dims[:start], math.prod(x.dims[start:])), "W" * start + "C")
    scale, bias = call.weight(1), call.value(2)
    if scale.elements not in (1, normal.shape.channels):
        raise ModelError(f"its scale has {scale.elements} elements, its input {normal.shape.channels} channels")
    if isinstance(bias, Constant):
        normal = call.build.same(LayerNorm(), normal)
    else:
        normal = call.build.same(Scale(scale.elements), call.build.same(LayerNorm(affine=False), normal))
    return call.build.view(normal, x.dims, x.axes)


def local_response_norm(call: Call) -> Tensor:
    """LRN."""
    return call.build.same(LocalResponseNorm(call.integer("size", 5)), as_map(call))


# -- reductions -------------------------------------------------------------------------------------------------------


def reduction(call: Call) -> Tensor:
    """ReduceMean, ReduceMax, ReduceSum, ... (x, axes), ArgMax, ArgMin."""
    x, kind = call.tensor(), call.node.op_type
    axes = [call.integer("axis", 0)] if kind.startswith("Arg") else call.ints("axes", 1)
    if not axes:
        if call.integer("noop_with_empty_axes", 0):
            return x
        axes = list(range(len(x.dims)))
    gone = {normal_axis(axis, len(x.dims)) for axis in axes}
    if not x.whole(gone):
        x = call.build.lettered(x, "".join("W" if i in gone else "C" for i in range(len(x.dims))))
    letters = {x.axes[i] for i in gone if x.dims[i] > 1}
    kept = [1 if i in gone else dim for i, dim in enumerate(x.dims)]
    result = x if not letters else call.build.tensor(_reducer(kind, letters, x), (x,), tuple(kept), x.axes)
    if call.integer("keepdims", 1):
        return Tensor(result.source, tuple(kept), x.axes)
    rest = [i for i in range(len(x.dims)) if i not in gone]
    return Tensor(result.source, tuple(kept[i] for i in rest), "".join(x.axes[i] for i in rest))


def _reducer(kind: str, letters: set[str], x: Tensor) -> Operator:
    pixels = {axis for axis, dim in (("H", x.shape.height), ("W", x.shape.width)) if dim > 1}
    if letters == pixels and kind in ("ReduceMean", "ReduceMax"):
        return GlobalAvgPool() if kind == "ReduceMean" else GlobalMaxPool()
    return Reduce("H" in letters, "W" in letters, "C" in letters)
