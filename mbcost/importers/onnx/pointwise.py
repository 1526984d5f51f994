"""Converters of what acts on every element, of normalisations and of reductions."""

from __future__ import annotations

import math
from dataclasses import replace

from mbcost.importers.imported import slope_of
from mbcost.importers.onnx.call import Call, Converter, UnsupportedError, normal_axis
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Tensor, Value, default_axes, shape_of
from mbcost.importers.onnx.windows import as_map
from mbcost.operators import (
    Add,
    BatchNorm,
    Divide,
    Elementwise,
    GlobalAvgPool,
    GlobalMaxPool,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LeakyRelu,
    LocalResponseNorm,
    Maximum,
    Minimum,
    Multiply,
    Operator,
    OperatorError,
    Prelu,
    Reduce,
    Relu,
    Relu6,
    Scale,
    Shift,
    Subtract,
)
from mbcost.operators import Constant as ConstantTensor


def passed(call: Call) -> Value:
    """What changes neither shape nor count: Identity, Dropout, Cast, quantisation."""
    value = call.value(0)
    if value is None:
        raise ModelError("it has no input")
    return value


def like(call: Call) -> Constant:
    """EyeLike, RandomNormalLike, RandomUniformLike (x): only the shape of x matters."""
    value = call.value(0)
    if value is None:
        raise ModelError("it has no input")
    return Constant(value.dims, learned=0)


def rescaled(call: Call) -> Value:
    """QuantizeLinear, DequantizeLinear (x, scale, zero point): part of the kernels around it, with numbers of the file.

    What the network computes of them is a product and a sum of their own.
    """
    x = passed(call)
    scale, zero = call.value(1), call.value(2)
    if not isinstance(x, Tensor):
        return x
    if isinstance(scale, Tensor):
        operator = Divide() if call.node.op_type == "QuantizeLinear" else Multiply()
        x = combined(call, operator, [x, scale])
    return combined(call, Add(), [x, zero]) if isinstance(zero, Tensor) else x


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


def leaky_relu(call: Call) -> Tensor:
    """LeakyRelu, whose slope is an attribute."""
    return call.build.same(leaky(call.number("alpha", 0.01)), call.tensor())


def leaky(slope: float) -> LeakyRelu:
    """A leaky ReLU of a slope that a file gives."""
    known = slope_of(slope)
    if known is None:
        raise UnsupportedError("its slope is not a number")
    return LeakyRelu(known)


def clip(call: Call) -> Tensor:
    """Clip with its bounds as attributes (until opset 10) or as inputs, which the network may compute."""
    bounds: list[float | None] = []
    x = call.tensor()
    for position, name, operator in ((1, "min", Maximum()), (2, "max", Minimum())):
        given, attribute = call.value(position), call.node.attributes.get(name)
        if isinstance(given, Tensor):
            x = combined(call, operator, [x, given])
        number = given.scalar if isinstance(given, Constant) else attribute
        unknown = isinstance(given, Constant) and number is None
        bounds.append(math.nan if unknown or not isinstance(number, (int, float, type(None))) else number)
    if bounds == [None, None]:
        return x
    if bounds[0] == 0 and bounds[1] in (None, math.inf):
        return call.build.same(Relu(), x)
    if bounds == [0, 6]:
        return call.build.same(Relu6(), x)
    return call.build.same(Elementwise(), x, word=_word(call, Elementwise()))


def prelu(call: Call) -> Tensor:
    """PRelu (x, slope), of which the network may compute the slope."""
    x = call.tensor()
    computed = call.value(1)
    if isinstance(computed, Tensor):
        return combined(call, Multiply(), [x, computed])
    slope = call.weight(1)
    return call.build.same(Prelu() if slope.elements == x.shape.channels else Scale(slope.elements), x, weight=slope)


def power(call: Call) -> Tensor:
    """Pow (x, exponent), of which either may be a constant."""
    tensors = [value for value in call.inputs if isinstance(value, Tensor)]
    if len(tensors) > 1:
        return combined(call, Multiply(), tensors)
    dims = broadcast_dims([value.dims for value in call.inputs if value is not None])
    if dims != tensors[0].dims:
        return combined(
            call,
            Multiply(),
            [
                tensors[0],
                *(placed(call, call.weight(i), tensors[0]) for i in (0, 1) if isinstance(call.value(i), Constant)),
            ],
        )
    return call.build.same(Elementwise(), tensors[0], word="pow")


def arithmetic(operator: type[Operator], with_constant: type[Operator]) -> Converter:
    """A converter of an operator on two or more values that broadcast."""

    def convert(call: Call) -> Tensor:
        tensors = [value for value in call.inputs if isinstance(value, Tensor)]
        constants = [value for value in call.inputs if isinstance(value, Constant)]
        if len(tensors) < 1 or len(tensors) + len(constants) != len(call.inputs):
            raise ModelError("it lacks an input")
        if call.opset < 7 and len(call.inputs) == 2 and call.integer("broadcast", 0):
            tensors, constants = _aligned(call, tensors, constants)
        result = tensors[0] if len(tensors) == 1 else combined(call, operator(), tensors)
        for constant in constants:
            result = _with_constant(call, operator(), with_constant, result, constant)
        return result

    return convert


def _aligned(call: Call, tensors: list[Tensor], constants: list[Constant]) -> tuple[list[Tensor], list[Constant]]:
    """Operands until opset 6, where the second one's dimensions begin at `axis` of the first one's."""
    first, second = call.inputs
    if first is None or second is None:
        return tensors, constants
    rank = len(first.dims)
    after = rank - call.axis(rank, 0) - len(second.dims) if "axis" in call.node.attributes and rank else 0
    if after <= 0:
        return tensors, constants
    dims = (*second.dims, *(1 for _ in range(after)))
    if isinstance(second, Constant):
        values = None if second.values is None else second.values.reshape(dims)
        return tensors, [replace(second, dims=dims, values=values)]
    axes = first.axes[rank - len(dims) :] if isinstance(first, Tensor) else default_axes(dims)
    longer = call.build.view(second, dims, axes)
    return [longer if tensor is second else tensor for tensor in tensors], constants


def placed(call: Call, value: Value, beside: Tensor) -> Tensor:
    """A value as a tensor; a constant becomes a layer of its own, which stands where `beside` is made."""
    if isinstance(value, Tensor):
        return value
    axes = beside.axes if len(value.dims) == len(beside.dims) else default_axes(value.dims)
    operator = ConstantTensor(shape_of(value.dims, axes), value.stored)
    return call.build.tensor(operator, (beside,), value.dims, axes, weight=value, fixed=value.is_fixed)


def _with_constant(call: Call, operator: Operator, kind: type[Operator], x: Tensor, constant: Constant) -> Tensor:
    """Arithmetic with a constant: by an operator of two tensors only where the constant is the larger one."""
    if constant.rescale:
        return x
    constant = one_image(call, constant, x)
    if broadcast_dims([x.dims, constant.dims]) != x.dims:
        return combined(call, operator, [x, placed(call, constant, x)])
    if kind is Elementwise or (call.node.op_type == "Div" and isinstance(call.value(0), Constant)):
        word = "relu" if call.node.op_type == "Max" and constant.scalar == 0 else call.node.op_type.lower()
        return call.build.same(Relu() if word == "relu" else Elementwise(), x, word=word)
    operator = kind(weights=constant.stored)  # type: ignore[call-arg]
    return call.build.same(operator, x, weight=constant, fixed=constant.is_fixed, scalar=constant.scalar)


def one_image(call: Call, constant: Constant, beside: Tensor) -> Constant:
    """A constant that a file with a batch holds for every image, for one."""
    dims = constant.dims
    if call.batch == 1 or len(dims) != len(beside.dims) or dims[:1] != (call.batch,) or beside.dims[0] != 1:
        return constant
    values = None if constant.values is None else constant.values[:1]
    return replace(constant, dims=(1, *dims[1:]), values=values)


def combined(call: Call, operator: Operator, tensors: list[Tensor]) -> Tensor:
    """An operator on tensors that broadcast; the letters are those of the largest, if it does so by them."""
    first = max(tensors, key=lambda tensor: (len(tensor.dims), math.prod(tensor.dims)))
    dims = broadcast_dims([tensor.dims for tensor in tensors])
    axes = _common_letters([tensor.dims for tensor in tensors], dims, first.axes)
    if axes is None:
        return call.build.traffic(call.node.op_type, tuple(tensors), dims)
    aligned = [call.build.lettered(tensor, axes[len(axes) - len(tensor.axes) :]) for tensor in tensors]
    return call.build.tensor(operator, tuple(aligned), dims, axes)


def _common_letters(shapes: list[tuple[int, ...]], dims: tuple[int, ...], axes: str) -> str | None:
    """Letters by which tensors broadcast: dimensions of one letter are all there or all 1 in each of them.

    Those given, if they do; else new ones; None if three letters are too few.
    """
    rank = len(dims)
    filled = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    pattern = {i: tuple(shape[i] > 1 for shape in filled) for i in range(rank) if dims[i] > 1}
    by_letter: dict[str, set[tuple[bool, ...]]] = {}
    for i, found in pattern.items():
        by_letter.setdefault(axes[i], set()).add(found)
    if all(len(found) == 1 for found in by_letter.values()):
        return axes
    groups: list[list[int]] = []
    for i, found in pattern.items():
        if groups and pattern[groups[-1][0]] == found:
            groups[-1].append(i)
        else:
            groups.append([i])
    if len(groups) > 3:
        return None
    letters = ["N" if i == 0 else "H" for i in range(rank)]
    for letter, group in zip("CWH", reversed(groups), strict=False):
        for i in group:
            letters[i] = letter
    return "".join(letters)


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
    total = arithmetic(Add, Shift)(call)
    assert isinstance(total, Tensor)
    return call.build.same(Scale(), total, scalar=1 / len(call.inputs))


# -- normalisations ---------------------------------------------------------------------------------------------------


def batch_norm(call: Call) -> Tensor:
    """BatchNormalization (x, scale, bias, mean, variance); what the network computes of these is a layer of its own."""
    x = _by_channel(call)
    vectors = [call.value(position) for position in range(1, 5)]
    if None in vectors:
        raise ModelError("it lacks an input")
    constants = [vector for vector in vectors if isinstance(vector, Constant)]
    if constants and not call.integer("spatial", 1) and constants[0].elements != x.shape.channels:
        # until opset 8: statistics of every element, not of every channel
        count = constants[0].elements
        scaled = call.build.same(Scale(count), x, weight=constants[0])
        return call.build.same(Shift(count), scaled, weight=constants[-1])
    operators = (Multiply(), Add(), Subtract(), Divide())
    for vector, operator in zip(vectors, operators, strict=True):
        if isinstance(vector, Tensor):
            x = combined(call, operator, [x, _column(call, vector, len(x.dims))])
    if not constants:
        return x
    weight = constants[0]
    name, _ = call.build.layer(BatchNorm(), (x,), in_channels=weight.elements, weight=weight)
    return Tensor(name, x.dims, x.axes)


def _column(call: Call, vector: Tensor, rank: int) -> Tensor:
    """A vector with an element a channel, for a map of `rank` dimensions with its channels in dimension 1."""
    dims = (vector.shape.elements, *(1 for _ in range(rank - 2)))
    return call.build.view(vector, dims, "C" + "W" * (rank - 2))


def _by_channel(call: Call) -> Tensor:
    """The input with all channels in dimension 1."""
    x = call.tensor()
    if len(x.dims) < 2:
        raise ModelError(f"its input has the shape {list(x.dims)}")
    if x.axes[1] == "C" and x.whole({1}):
        return x
    first = "N" if x.dims[0] == 1 else "H"
    return call.build.lettered(x, first + "C" + "H" * (len(x.dims) - 3) + "W" * (len(x.dims) > 2))


def affine(
    call: Call, x: Tensor, whole: Operator, plain: Operator, scale: Value | None, bias: Value | None, *, column: bool
) -> Tensor:
    """A normalisation with its scale and shift: in its own layer where both are weights with an element a channel.

    Parameters
    ----------
    whole, plain
        The normalisation with a scale and a shift a channel, and without.
    column
        Whether an element belongs to a channel in dimension 1, not in the last one.
    """
    channels = x.shape.channels
    trained = [value for value in (scale, bias) if isinstance(value, Constant) and value.elements == channels]
    if len(trained) == 2:
        name, _ = call.build.layer(whole, (x,), in_channels=channels, weight=trained[0])
        return Tensor(name, x.dims, x.axes)
    x = call.build.same(plain, x)
    for value, operator, constant in ((scale, Multiply(), Scale), (bias, Add(), Shift)):
        if isinstance(value, Tensor):
            x = combined(call, operator, [x, _column(call, value, len(x.dims)) if column else value])
        elif value is not None:
            x = call.build.same(constant(value.elements), x, weight=value)
    return x


def instance_norm(call: Call) -> Tensor:
    """InstanceNormalization (x, scale, bias)."""
    x, scale = _by_channel(call), call.value(1)
    if scale is not None and scale.elements != x.shape.channels:
        raise OperatorError(f"its weights are made for {scale.elements} input channels, it gets {x.shape.channels}")
    return affine(call, x, InstanceNorm(), InstanceNorm(affine=False), scale, call.value(2), column=True)


def group_norm(call: Call) -> Tensor:
    """GroupNormalization (x, scale, bias), with an element a group until opset 20."""
    x, groups = _by_channel(call), call.integer("num_groups", 0)
    whole, plain = GroupNorm(groups=groups), GroupNorm(affine=False, groups=groups)
    return affine(call, x, whole, plain, call.value(1), call.value(2), column=True)


def layer_norm(call: Call) -> Tensor:
    """LayerNormalization (x, scale, bias) over the last dimensions, and RMSNormalization, which has a scale only."""
    x = call.tensor()
    start = call.axis(len(x.dims), -1)
    last = set(range(start, len(x.dims)))
    normal = x
    if {x.axes[i] for i in last if x.dims[i] > 1} != {"C"} or not x.whole(last):
        normal = call.build.view(x, (*x.dims[:start], math.prod(x.dims[start:])), "W" * start + "C")
    scale, bias = call.value(1), call.value(2)
    if isinstance(scale, Constant) and scale.elements not in (1, normal.shape.channels):
        raise ModelError(f"its scale has {scale.elements} elements, its input {normal.shape.channels} channels")
    if isinstance(scale, Tensor) or isinstance(bias, Tensor):
        plain = call.build.view(call.build.same(LayerNorm(affine=False), normal), x.dims, x.axes)
        for value, operator, constant in ((scale, Multiply(), Scale), (bias, Add(), Shift)):
            if isinstance(value, Tensor):
                plain = combined(call, operator, [plain, value])
            elif value is not None:
                plain = call.build.same(constant(value.elements), plain, weight=value)
        return plain
    if isinstance(bias, Constant):
        normal = call.build.same(LayerNorm(), normal, weight=scale if isinstance(scale, Constant) else None)
    elif scale is not None:
        plain = call.build.same(LayerNorm(affine=False), normal)
        normal = call.build.same(Scale(scale.elements), plain, weight=scale)
    else:
        normal = call.build.same(LayerNorm(affine=False), normal)
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
