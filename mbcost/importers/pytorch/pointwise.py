"""Functions of every element: activations, arithmetic, normalisations, softmax."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from mbcost.architectures.cell_numbers import MAX_NUMBER
from mbcost.importers.pytorch.layout import Layout, Sizes, layout_of, with_channels
from mbcost.importers.pytorch.state import Fixed, ImportState, Tensor, UnsupportedError, Value, extents
from mbcost.importers.pytorch.trace import Ref
from mbcost.operators import (
    Add,
    BatchNorm,
    Elementwise,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LeakyRelu,
    Multiply,
    Operator,
    Prelu,
    Relu,
    Relu6,
    Scale,
    Shift,
    Subtract,
    TensorShape,
    Tile,
)

Converter = Callable[[ImportState], Tensor]


def unary(operator: Operator) -> Converter:
    """The converter of a function of every element of the first argument."""

    def convert(state: ImportState) -> Tensor:
        return applied(state, operator, state.tensor(next(iter(state.call.args))))

    return convert


def applied(state: ImportState, operator: Operator, x: Tensor, weights: Sequence[Fixed | None] = ()) -> Tensor:
    """An operator that keeps the shape."""
    return state.emit(operator, [x], x.sizes, x.layout, weights=weights)


def clamp(state: ImportState) -> Tensor:
    """clamp, hardtanh and clamp_min: ReLU and ReLU6 where the bounds say so."""
    call = state.call
    low = call.get("min", call.get("min_val"))
    high = call.get("max", call.get("max_val"))
    known: dict[tuple[Any, Any], Operator] = {(0, None): Relu(), (0, 6): Relu6()}
    bounds = (None if isinstance(low, Ref) else low, None if isinstance(high, Ref) else high)
    return applied(state, known.get(bounds, Elementwise()), state.tensor("self"))


def leaky_relu(state: ImportState) -> Tensor:
    """leaky_relu of a slope, 0.01 unless the call has another."""
    return applied(state, LeakyRelu(_slope(state, "negative_slope", 0.01)), state.tensor("self"))


def random_leaky_relu(state: ImportState) -> Tensor:
    """rrelu: outside of training the mean of its bounds, 1/8 and 1/3 unless the call has others."""
    low, high = _slope(state, "lower", 1 / 8), _slope(state, "upper", 1 / 3)
    return applied(state, LeakyRelu((low + high) / 2), state.tensor("self"))


def _slope(state: ImportState, name: str, default: float) -> float:
    number = state.call.get(name, default)
    if isinstance(number, Ref) or not abs(number) <= MAX_NUMBER:
        raise UnsupportedError(f"{name} of {number}")
    return float(number)


def prelu(state: ImportState) -> Tensor:
    """A slope a channel; one slope for all of them is a trained number beside a plain activation."""
    weight, x = state.fixed("weight"), state.tensor("self")
    assert weight is not None
    if weight.sizes == (1,) and len(x.sizes) > 1 and x.sizes[1] != 1:
        return applied(state, Scale(weights=1), x, [weight])
    channels = (1,) if len(x.sizes) > 1 and x.sizes[1] != 1 else ()
    return applied(state, Prelu(), state.arranged(x, with_channels(x.layout, channels)), [weight])


def arithmetic(operator: Operator, with_constant: type[Operator]) -> Converter:
    """The converter of a function of two tensors, or of a tensor and a number."""

    def convert(state: ImportState) -> Tensor:
        arguments = list(state.call.args.values())[:2]
        operands = [state.known(item) if isinstance(item, Ref) else Fixed((), ("number", item)) for item in arguments]
        return combined(state, operator, operands, with_constant)

    return convert


def combined(
    state: ImportState, operator: Operator, operands: Sequence[Value], with_constant: type[Operator] = Shift
) -> Tensor:
    """An element-wise function of two operands that broadcast; constants become part of the operator."""
    sizes = broadcast_sizes([item.sizes for item in operands])
    first, second = operands
    for value, other in ((first, second), (second, first)):
        kept = isinstance(other, Fixed) and with_constant is Elementwise and other.weights and prod(other.sizes) > 1
        if isinstance(other, Fixed) and isinstance(value, Tensor) and value.shape.elements == prod(sizes) and not kept:
            x = _aligned(state.activation(value), sizes)
            trained = sum(count for _, count in other.weights)
            constant = {"weights": trained} if with_constant in (Scale, Shift) else {}
            result = applied(state, with_constant(**constant), x, [other] if trained else ())
            if not trained and prod(other.sizes) == 1:
                state.scalars.add(result.source)
            return result
    tensors = [_aligned(state.activation(item), sizes) for item in operands]
    layout = _common_layout(tensors, sizes)
    return state.emit(operator, [_broadcastable(state, x, layout, sizes) for x in tensors], sizes, layout)


def sum_with_product(operator: Operator, with_constant: type[Operator]) -> Converter:
    """The converter of addcmul and addcdiv: ``self + value * tensor1 * tensor2``, or over it."""

    def convert(state: ImportState) -> Tensor:
        first, second = (state.value(name) for name in ("tensor1", "tensor2"))
        product = _of_two(state, operator, first, second, with_constant)
        if state.call.get("value", 1) != 1:
            product = _of_two(state, Multiply(), product, Fixed((), ("number", state.call["value"])), Scale)
        result = _of_two(state, Add(), state.value("self"), product, Shift)
        return state.activation(result)

    return convert


def lerp(state: ImportState) -> Tensor:
    """lerp: ``self + weight * (end - self)``."""
    start, end, weight = state.value("self"), state.value("end"), state.call["weight"]
    share = state.known(weight) if isinstance(weight, Ref) else Fixed((), ("number", weight))
    step = _of_two(state, Multiply(), _of_two(state, Subtract(), end, start, Shift), share, Scale)
    return state.activation(_of_two(state, Add(), start, step, Shift))


def _of_two(
    state: ImportState, operator: Operator, first: Value, second: Value, with_constant: type[Operator]
) -> Value:
    """A function of two operands; of two constants it is one."""
    if isinstance(first, Fixed) and isinstance(second, Fixed):
        sizes = broadcast_sizes([first.sizes, second.sizes])
        return Fixed(sizes, (operator.op, first.key, second.key), first.weights | second.weights)
    return combined(state, operator, [first, second], with_constant)


def broadcast_sizes(many: Sequence[Sizes]) -> Sizes:
    """The sizes that several tensors broadcast to."""
    rank = max(len(sizes) for sizes in many)
    padded = [(1,) * (rank - len(sizes)) + sizes for sizes in many]
    return tuple(next((size for size in column if size != 1), 1) for column in zip(*padded, strict=True))


def _aligned(value: Tensor, sizes: Sizes) -> Tensor:
    missing = len(sizes) - len(value.sizes)
    return Tensor(value.source, (1,) * missing + value.sizes, value.layout.shifted(missing))


def _common_layout(tensors: Sequence[Tensor], sizes: Sizes) -> Layout:
    """The layout of the largest operand, with the dimensions that only others have in axes that are free."""
    ordered = sorted(tensors, key=lambda item: -item.shape.elements)
    axes = [list(axis) for axis in ordered[0].layout]
    for other in ordered[1:]:
        known = {dim for axis in axes for dim in axis}
        for number, dims in enumerate(other.layout):
            more = [dim for dim in dims if dim not in known]
            free = next((axis for axis in (axes[number], axes[1], axes[0]) if not axis), axes[number])
            free[:0] = more
    return layout_of(sizes, *axes)


def _broadcastable(state: ImportState, value: Tensor, layout: Layout, sizes: Sizes) -> Tensor:
    """The operand in the common layout; an axis of which it has only a part is filled up by copies."""
    missing = [dim for dim, size in enumerate(sizes) if value.sizes[dim] == 1 != size]
    value = state.arranged(value, layout.without(missing))
    whole = layout.shape(sizes)
    filled = TensorShape(*(b if a not in (1, b) else a for a, b in zip(value.shape, whole, strict=True)))
    if filled == value.shape:
        return value
    full = {dim for axis, have, new in zip(layout, value.shape, filled, strict=True) if have != new for dim in axis}
    made = tuple(size if dim in full else value.sizes[dim] for dim, size in enumerate(sizes))
    gone = [dim for dim in missing if dim not in full]
    return state.emit(Tile(shape=extents(filled)), [value], made, layout.without(gone), aside=True)


def batch_norm(state: ImportState) -> Tensor:
    """Batch norm over the second dimension."""
    x = state.tensor("input")
    channels = (1,) if x.sizes[1] != 1 else ()
    x = state.arranged(x, with_channels(x.layout, channels))
    return applied(state, BatchNorm(), x, [state.fixed("weight"), state.fixed("bias")])


def layer_norm(state: ImportState) -> Tensor:
    """Layer norm and RMS norm over the last dimensions."""
    x, weight = state.tensor("input"), state.fixed("weight")
    count = len(state.call["normalized_shape"])
    dims = tuple(dim for dim in range(len(x.sizes) - count, len(x.sizes)) if x.sizes[dim] != 1)
    x = state.arranged(x, with_channels(x.layout, dims))
    bias = state.fixed("bias") if "bias" in state.call.args else None
    if weight is not None and bias is None:
        normal = applied(state, LayerNorm(affine=False), x)
        return applied(state, Scale(weights=sum(n for _, n in weight.weights)), normal, [weight])
    return applied(state, LayerNorm(affine=weight is not None), x, [weight, bias])


def group_norm(state: ImportState) -> Tensor:
    """Group norm and instance norm over the second dimension."""
    x, weight = state.tensor("input"), state.fixed("weight")
    channels = (1,) if x.sizes[1] != 1 else ()
    x = state.arranged(x, with_channels(x.layout, channels))
    groups = state.call.get("num_groups", state.call.get("group"))
    affine = weight is not None
    operator = InstanceNorm(affine=affine) if groups is None else GroupNorm(affine=affine, groups=groups)
    return applied(state, operator, x, [weight, state.fixed("bias")])


def softmax(operator: Operator) -> Converter:
    """The converter of a softmax over one dimension."""

    def convert(state: ImportState) -> Tensor:
        x = state.tensor(next(iter(state.call.args)))
        dim = state.call["dim"] % max(1, len(x.sizes))
        if x.sizes and x.sizes[dim] == 1:
            return applied(state, operator, x)
        return applied(state, operator, state.arranged(x, with_channels(x.layout, (dim,))))

    return convert
