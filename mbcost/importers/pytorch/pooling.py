"""Pooling, means and other reductions, resizing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mbcost.importers.pytorch.convolution import map_layout, numbers, pair, symmetric, triple, unpadded_map
from mbcost.importers.pytorch.layout import Dims, Layout, Sizes
from mbcost.importers.pytorch.pointwise import combined
from mbcost.importers.pytorch.state import ImportState, Tensor, UnsupportedError
from mbcost.operators import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    AvgPool3d,
    Elementwise,
    GlobalAvgPool,
    GlobalMaxPool,
    Maximum,
    MaxPool2d,
    MaxPool3d,
    Minimum,
    Operator,
    Reduce,
    Resize,
)
from mbcost.operators.resize import ResizeMethod

Converter = Callable[[ImportState], Any]
PlanarPool = type[AvgPool2d] | type[MaxPool2d]
VolumePool = type[AvgPool3d] | type[MaxPool3d]


def pool(operator: PlanarPool, spatial: int) -> Converter:
    """The converter of a pooling over windows of one or two dimensions."""

    def convert(state: ImportState) -> Tensor:
        call, (x, zeros) = state.call, unpadded_map(state, "self", spatial)
        if any(step != 1 for step in numbers(call.get("dilation", 1), spatial)):
            raise UnsupportedError("a dilated pooling")
        window = numbers(call["kernel_size"], spatial)
        made = operator(
            kernel=pair(window, 1),
            stride=pair(numbers(call.get("stride") or window, spatial), 1),
            padding=symmetric(numbers(call["padding"], spatial), zeros),
            ceil_mode=bool(call["ceil_mode"]),
        )
        return _over_map(state, made, x, spatial)

    return convert


def adaptive_pool(operator: PlanarPool, spatial: int) -> Converter:
    """The converter of a pooling to a given size; to one pixel it is a global pooling."""

    def convert(state: ImportState) -> Tensor:
        x = state.tensor("self")
        wanted, given = state.result_sizes()[-spatial:], x.sizes[-spatial:]
        if wanted == given:
            return x
        if set(wanted) == {1}:
            whole = GlobalAvgPool() if operator is AvgPool2d else GlobalMaxPool()
            return _over_map(state, whole, x, spatial)
        if operator is AvgPool2d:
            return _over_map(state, AdaptiveAvgPool2d(size=pair(wanted, 1)), x, spatial)
        return _over_map(state, operator(*_even_windows(given, wanted), padding="valid"), x, spatial)

    return convert


def _even_windows(given: Sizes, wanted: Sizes) -> tuple[tuple[int, int], tuple[int, int]]:
    """Kernel and stride of as many windows as wanted.

    Where sizes do not divide, PyTorch's windows differ by an element from each other and these all have the same size.
    """
    if any(size > have for size, have in zip(wanted, given, strict=True)):
        raise UnsupportedError("an adaptive maximum pooling that enlarges")
    steps = [have // size for size, have in zip(wanted, given, strict=True)]
    window = [have - (size - 1) * step for size, have, step in zip(wanted, given, steps, strict=True)]
    return pair(window, 1), pair(steps, 1)


def pool_3d(operator: VolumePool) -> Converter:
    """The converter of a pooling over windows of a volume."""

    def convert(state: ImportState) -> Tensor:
        call, x = state.call, state.tensor("self")
        if call["ceil_mode"] or any(step != 1 for step in numbers(call.get("dilation", 1), 3)):
            raise UnsupportedError("a pooling of volumes that is dilated or rounds up")
        window = triple(numbers(call["kernel_size"], 3), 1)
        stride = triple(numbers(call.get("stride") or window, 3), 1)
        zeros = triple([2 * size for size in numbers(call["padding"], 3)], 0)
        return _over_map(state, operator(x.sizes[-3], window, stride, zeros), x, 3)

    return convert


def adaptive_pool_3d(state: ImportState) -> Tensor:
    """adaptive_avg_pool3d: global, or windows that all have the same size."""
    x = state.tensor("self")
    wanted, given = state.result_sizes()[-3:], x.sizes[-3:]
    if wanted == given:
        return x
    if set(wanted) == {1}:
        return _over_map(state, GlobalAvgPool(), x, 3)
    if any(have % size for size, have in zip(wanted, given, strict=True)):
        raise UnsupportedError("an adaptive pooling of volumes into windows of different sizes")
    window = triple([have // size for size, have in zip(wanted, given, strict=True)], 1)
    return _over_map(state, AvgPool3d(given[0], window, window), x, 3)


def with_indices(converter: Converter) -> Converter:
    """The converter of a pooling that also returns where its maxima are, which inference does not use."""

    def convert(state: ImportState) -> tuple[Tensor, Tensor]:
        result = converter(state)
        return result, result

    return convert


def resize(method: ResizeMethod) -> Converter:
    """The converter of an interpolation of one or two dimensions to the traced size."""

    def convert(state: ImportState) -> Tensor:
        x = state.tensor(next(iter(state.call.args)))
        spatial = len(x.sizes) - 2
        sizes = state.result_sizes()[2:]
        factors = [new / old for new, old in zip(sizes, x.sizes[2:], strict=True)]
        if all(factor.is_integer() for factor in factors):
            operator = Resize(scale=pair([int(factor) for factor in factors], 1), method=method)
        else:
            operator = Resize(size=pair(sizes, 1), method=method)
        return _over_map(state, operator, x, spatial)

    return convert


def _over_map(state: ImportState, operator: Operator, x: Tensor, spatial: int) -> Tensor:
    """An operator on the last dimensions of a map; maps side by side are refused, as windows would span them."""
    if spatial > 1 and any(size != 1 for size in x.sizes[: -spatial - 1]):
        raise UnsupportedError("a window over more than one image")
    sizes = state.result_sizes()
    layout = map_layout(sizes, spatial)
    return state.emit(operator, [state.arranged(x, map_layout(x.sizes, spatial))], sizes, layout)


def reduction(state: ImportState) -> Tensor:
    """mean, sum, amax, norm ...: over rows and columns it is a global pooling if it is a mean or a maximum."""
    x = state.tensor(next(iter(state.call.args)))
    dims = _reduced(state, len(x.sizes))
    gone = tuple(dim for dim in dims if x.sizes[dim] != 1)
    sizes = state.result_sizes()
    if not gone:
        return _without(x, dims, keep=len(sizes) == len(x.sizes))
    kept = x.layout.without(gone)
    whole = {"mean": GlobalAvgPool, "amax": GlobalMaxPool}.get(state.call.op)
    partial = [axis for axis, left in zip(x.layout, kept, strict=True) if left and axis != left]
    if partial:
        x = state.arranged(x, Layout((), kept.order, gone))
        kept = x.layout.without(gone)
    flags = [axis != left for axis, left in zip(x.layout, kept, strict=True)]
    pooled = whole is not None and not flags[2] and not kept.height and not kept.width
    operator = whole() if whole is not None and pooled else Reduce(*flags)
    full = tuple(1 if dim in dims else size for dim, size in enumerate(x.sizes))
    result = state.emit(operator, [x], full, kept)
    return _without(result, dims, keep=len(sizes) == len(full))


def extreme(state: ImportState) -> tuple[Tensor, ...]:
    """max and min: of two tensors, or over a dimension, which return values and places."""
    if "other" in state.call.args:
        operator = Maximum() if state.call.op == "max" else Minimum()
        return (combined(state, operator, [state.value("self"), state.value("other")], Elementwise),)
    if state.call.get("dim") is None:
        return (reduction(state),)
    result = reduction(state)
    return result, result


def _reduced(state: ImportState, rank: int) -> Dims:
    dim = state.call.get("dim")
    if dim is None or dim == ():
        return tuple(range(rank))
    return tuple(item % max(1, rank) for item in (dim if isinstance(dim, tuple) else (dim,)))


def _without(x: Tensor, dims: Sequence[int], *, keep: bool) -> Tensor:
    """The tensor without dimensions of one element, unless they are kept."""
    if keep:
        return x
    left = [dim for dim in range(len(x.sizes)) if dim not in dims]
    sizes = tuple(x.sizes[dim] for dim in left)
    return Tensor(x.source, sizes, x.layout.replaced(lambda dim: (left.index(dim),)))
