"""Views, permutations, slices, joins: what places elements elsewhere, or only says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from mbcost.importers.pytorch.convolution import map_layout
from mbcost.importers.pytorch.layout import Layout, Sizes, channels_first, channels_last, layout_of, permuted, reshaping
from mbcost.importers.pytorch.state import Fixed, ImportState, Tensor, UnsupportedError, Value, extents
from mbcost.importers.pytorch.trace import references
from mbcost.operators import (
    ChannelShuffle,
    Concat,
    Crop,
    DepthToSpace,
    Explicit,
    Opaque,
    SpaceToDepth,
    Split,
    Tile,
    Transpose,
)
from mbcost.operators.base import Axis

Converter = Callable[[ImportState], Any]
_AXES: tuple[Axis, ...] = ("height", "width", "channels")


def same(state: ImportState) -> Value:
    """What does nothing at inference: dropout, identity, contiguous, a change of type."""
    return state.value(next(iter(state.call.args)))


def view(state: ImportState) -> Tensor:
    """view, reshape, flatten, squeeze ...: the elements in PyTorch's order under other sizes."""
    return reshaped(state, state.tensor(next(iter(state.call.args))), state.result_sizes())


def reshaped(state: ImportState, x: Tensor, sizes: Sizes) -> Tensor:
    """The tensor under other sizes, brought into an order in which they can be named."""
    before, after = reshaping(x.layout, x.sizes, sizes)
    return Tensor(state.arranged(x, before).source, sizes, after)


def permute(state: ImportState) -> Tensor:
    """permute, transpose, t ...: the dimensions under other numbers; nothing moves until somebody minds."""
    call, x = state.call, state.tensor("self")
    rank = len(x.sizes)
    order = list(range(rank))
    if "dims" in call.args:
        order = [dim % rank for dim in call["dims"]]
    else:
        names = (("dim0", "dim1"), ("axis0", "axis1"))
        first, second = next(((call[a], call[b]) for a, b in names if a in call.args), (-2, -1))
        if rank > 1:
            order[first], order[second] = order[second], order[first]
    return Tensor(x.source, tuple(x.sizes[dim] for dim in order), permuted(x.layout, order))


def movedim(state: ImportState) -> Tensor:
    """movedim: some dimensions to other places, the rest in their order."""
    x, rank = state.tensor("self"), len(state.result_sizes())
    source, target = ([dim % rank for dim in state.call[name]] for name in ("source", "destination"))
    rest = iter(dim for dim in range(rank) if dim not in source)
    moved = dict(zip(target, source, strict=True))
    order = [moved[place] if place in moved else next(rest) for place in range(rank)]
    return Tensor(x.source, tuple(x.sizes[dim] for dim in order), permuted(x.layout, order))


def part(state: ImportState) -> Tensor:
    """slice, narrow and select: a part along one dimension."""
    call, x = state.call, state.tensor("self")
    dim = call["dim"] % len(x.sizes)
    sizes = state.result_sizes()
    if call.op == "select":
        start, count = call["index"] % x.sizes[dim], 1
    else:
        start = call.get("start") or 0
        count = sizes[dim]
        start = start + x.sizes[dim] if start < 0 else start
    cut = tuple(count if number == dim else size for number, size in enumerate(x.sizes))
    result = _cut(state, x, dim, start, cut, call.get("step", 1))
    return result if len(sizes) == len(cut) else _renamed(result, [i for i in range(len(cut)) if i != dim])


def split(state: ImportState) -> tuple[Tensor, ...]:
    """split, chunk, unbind ...: all parts along one dimension."""
    call, x = state.call, state.tensor("self")
    dim = call.get("dim", 0) % len(x.sizes)
    results, start = [], 0
    for number in range(len(call.outputs)):
        sizes = state.result_sizes(number)
        removed = len(sizes) < len(x.sizes)
        count = 1 if removed else sizes[dim]
        cut = tuple(count if i == dim else size for i, size in enumerate(x.sizes))
        result = _cut(state, x, dim, start, cut, 1)
        results.append(_renamed(result, [i for i in range(len(cut)) if i != dim]) if removed else result)
        start += count
    return tuple(results)


def _cut(state: ImportState, x: Tensor, dim: int, start: int, sizes: Sizes, step: int) -> Tensor:
    """The elements `start`, `start + step`, ... along a dimension."""
    if sizes == x.sizes:
        return x
    if not sizes[dim]:  # one part of several has nothing in it: nobody reads it
        return Tensor(x.source, sizes, x.layout)
    layout = x.layout.without([dim] if sizes[dim] == 1 else [])
    number = next(i for i, dims in enumerate(x.layout) if dim in dims)
    inner = prod(x.sizes[other] for other in x.layout[number][1:])
    if x.layout[number][0] != dim or step != 1:
        shape = layout.shape(sizes)
        return state.emit(Crop(shape=extents(shape)), [x], sizes, layout)
    before, count, after = start, sizes[dim], x.sizes[dim] - start - sizes[dim]
    if x.sizes[dim] % count == 0 and start % count == 0:
        operator = Split(parts=x.sizes[dim] // count, part=start // count, axis=_AXES[number])
    else:
        pieces = tuple(size * inner for size in (before, count, after) if size)
        operator = Split(part=1 if before else 0, sizes=pieces, parts=len(pieces), axis=_AXES[number])
    return state.emit(operator, [x], sizes, layout)


def _renamed(x: Tensor, left: Sequence[int]) -> Tensor:
    """The tensor with only the dimensions `left`; the others have one element."""
    sizes = tuple(x.sizes[dim] for dim in left)
    return Tensor(x.source, sizes, x.layout.replaced(lambda dim: (left.index(dim),)))


def concat(state: ImportState) -> Tensor:
    """cat: tensors joined along a dimension."""
    parts = [state.known(ref) for ref in state.call["tensors"]]
    parts = [item for item in parts if prod(item.sizes)]
    sizes = state.result_sizes()
    return joined(state, parts, state.call.get("dim", 0) % len(sizes), sizes)


def stack(state: ImportState) -> Tensor:
    """stack: tensors joined along a dimension that is new."""
    sizes = state.result_sizes()
    dim = state.call.get("dim", 0) % len(sizes)
    return joined(
        state, [_with_dimension(state.written(state.known(ref)), dim) for ref in state.call["tensors"]], dim, sizes
    )


def _with_dimension(value: Value, dim: int) -> Value:
    sizes = (*value.sizes[:dim], 1, *value.sizes[dim:])
    if isinstance(value, Fixed):
        return Fixed(sizes, (value.key, "unsqueeze", dim), value.weights)
    return Tensor(value.source, sizes, value.layout.replaced(lambda old: (old + (old >= dim),)))


def joined(state: ImportState, parts: Sequence[Value], dim: int, sizes: Sizes) -> Tensor:
    """Tensors along a dimension, which has to be the outermost of its axis; a new one is the outermost channel."""
    largest = max((item for item in parts if isinstance(item, Tensor)), key=lambda item: item.shape.elements)
    height, width, channels = state.activation(largest).layout.without([dim])
    number = next((i for i, dims in enumerate(largest.layout) if dim in dims), 2)
    if number < 2 and (height, width)[number]:
        number = 2
    axes = [height, width, channels]
    axes[number] = (dim, *axes[number])
    inputs = [state.laid_out(item, layout_of(item.sizes, *axes)) for item in parts]
    if len(inputs) == 1:
        return inputs[0]
    return state.emit(Concat(axis=_AXES[number]), inputs, sizes, layout_of(sizes, *axes))


def expand(state: ImportState) -> Tensor:
    """expand, repeat and their kin: copies along dimensions."""
    return expanded(state, state.tensor("self"), state.result_sizes())


def expanded(state: ImportState, x: Tensor, sizes: Sizes) -> Tensor:
    """Copies of a tensor along the dimensions that it lacks or has one element of."""
    missing = len(sizes) - len(x.sizes)
    x = Tensor(x.source, (1,) * missing + x.sizes, x.layout.shifted(missing))
    if x.sizes == sizes:
        return x
    height, width, channels = x.layout
    new = [dim for dim in range(len(sizes)) if sizes[dim] != 1 and dim not in x.layout.order]
    rank = len(sizes)
    rows, columns = ([dim for dim in new if dim == rank - place] for place in (2, 1))
    rest = [dim for dim in new if dim not in (*rows, *columns)]
    layout = Layout((*rest, *height, *rows), (*width, *columns), channels)
    shape = layout.shape(sizes)
    return state.emit(Tile(shape=extents(shape)), [x], sizes, layout)


def pixel_shuffle(state: ImportState) -> Tensor:
    """pixel_shuffle: channels become pixels."""
    x, sizes = state.tensor("self"), state.result_sizes()
    x = state.arranged(x, map_layout(x.sizes, 2))
    return state.emit(DepthToSpace(block=state.call["upscale_factor"]), [x], sizes, map_layout(sizes, 2))


def pixel_unshuffle(state: ImportState) -> Tensor:
    """pixel_unshuffle: pixels become channels."""
    x, sizes = state.tensor("self"), state.result_sizes()
    x = state.arranged(x, map_layout(x.sizes, 2))
    return state.emit(SpaceToDepth(block=state.call["downscale_factor"]), [x], sizes, map_layout(sizes, 2))


def channel_shuffle(state: ImportState) -> Tensor:
    """channel_shuffle as an operator of its own."""
    x = state.tensor("self")
    x = state.arranged(x, map_layout(x.sizes, 2))
    return state.emit(ChannelShuffle(groups=state.call["groups"]), [x], x.sizes, x.layout)


def reordered(state: ImportState) -> Tensor:
    """roll and flip: the same elements in another order."""
    x = state.tensor("self")
    return state.emit(Transpose(shape=extents(x.shape)), [x], x.sizes, x.layout)


def gather(state: ImportState) -> Tensor:
    """embedding, index and gather: as many elements as the result has, from places that the indices say."""
    first = state.activation(state.value(next(iter(state.call.args))))
    sizes = state.result_sizes()
    if prod(sizes) > first.shape.elements:
        return opaque(state, known=True)
    flat = state.arranged(first, Layout((), (), first.layout.order))
    made = channels_last(sizes)
    vector = state.emit(Crop(shape=(1, 1, prod(sizes))), [flat], (prod(sizes),), channels_last((prod(sizes),)))
    return Tensor(state.arranged(vector, vector.layout).source, sizes, Layout((), (), made.order))


def assigned(state: ImportState) -> Value:
    """copy: what is written over a tensor, in its sizes."""
    source, sizes = state.value("src"), state.result_sizes()
    if isinstance(source, Tensor) and source.sizes != sizes:
        return expanded(state, state.activation(source), sizes)
    return source


def written_through(state: ImportState) -> Value:
    """A tensor of which a part, or all of it, is written through a view; where the part lies is not known."""
    whole, source, sizes = state.value("self"), state.value("src"), state.result_sizes()
    if prod(source.sizes) == prod(sizes) and isinstance(source, Tensor):
        return reshaped(state, state.activation(source), sizes)
    state.by_traffic["writing into a part"] += 1
    inputs = [state.activation(item) for item in (source, whole) if isinstance(item, Tensor)]
    layout = channels_first(sizes) if len(sizes) == 4 else channels_last(sizes)
    return state.emit(Opaque(extents(layout.shape(sizes)), known=True), inputs, sizes, layout)


def scattered(state: ImportState) -> Tensor:
    """slice_scatter and select_scatter: a tensor of which one part is replaced."""
    call, whole, source = state.call, state.value("self"), state.value("src")
    dim = call["dim"] % len(whole.sizes)
    if call.get("step", 1) != 1:
        raise UnsupportedError("an assignment to every other element")
    start = (call["index"] if "index" in call.args else call.get("start") or 0) % whole.sizes[dim]
    if len(source.sizes) < len(whole.sizes):
        source = _with_dimension(state.written(source), dim)
    end = start + source.sizes[dim]
    pieces = [_piece(state, whole, dim, 0, start), source, _piece(state, whole, dim, end, whole.sizes[dim])]
    return joined(state, [piece for piece in pieces if piece.sizes[dim]], dim, state.result_sizes())


def _piece(state: ImportState, whole: Value, dim: int, start: int, end: int) -> Value:
    sizes = (*whole.sizes[:dim], end - start, *whole.sizes[dim + 1 :])
    if isinstance(whole, Fixed) or start == end:
        return Fixed(sizes, ("piece", getattr(whole, "key", None), dim, start, end))
    return _cut(state, state.activation(whole), dim, start, sizes, 1)


def pad(state: ImportState) -> Tensor:
    """pad, constant_pad_nd and their kin; zeros around a map wait for a convolution that takes them in."""
    call, x = state.call, state.tensor(next(iter(state.call.args)))
    rank = len(x.sizes)
    amounts = call.get("pad") or call["padding"]
    ends = {rank - 1 - i: (amounts[2 * i], amounts[2 * i + 1]) for i in range(len(amounts) // 2)}
    ends = {dim: both for dim, both in ends.items() if both != (0, 0)}
    for dim, both in ends.items():
        if min(both) < 0:  # padding by less than nothing takes elements away
            start, end = (max(0, -amount) for amount in both)
            kept = (*x.sizes[:dim], x.sizes[dim] - start - end, *x.sizes[dim + 1 :])
            x = _cut(state, x, dim, start, kept, 1)
    ends = {dim: (max(0, before), max(0, after)) for dim, (before, after) in ends.items()}
    ends = {dim: both for dim, both in ends.items() if both != (0, 0)}
    if not ends:
        return x
    spatial = min(2, rank - 2)
    if any(dim < rank - spatial for dim in ends):
        return _padded_by_constants(state, x, ends)
    sizes = state.result_sizes()
    layout = map_layout(sizes, spatial)
    x = state.arranged(x, map_layout(x.sizes, spatial))
    (top, bottom), (left, right) = (ends.get(rank - 2, (0, 0)), ends.get(rank - 1, (0, 0)))
    padded = Tensor(x.source, sizes, layout, Explicit(top, bottom, left, right), x.sizes)
    zeros = call.get("mode", "constant") == "constant" and not call.get("value") and "flection" not in call.op
    return padded if zeros and "replication" not in call.op else state.activation(padded)


def _padded_by_constants(state: ImportState, x: Tensor, ends: Mapping[int, tuple[int, int]]) -> Tensor:
    """Zeros along dimensions that are no rows or columns: constants that are joined to the tensor."""
    for dim, (before, after) in ends.items():
        parts: list[Value] = [x]
        for place, count in ((0, before), (2, after)):
            if count:
                sizes = (*x.sizes[:dim], count, *x.sizes[dim + 1 :])
                parts.insert(place, Fixed(sizes, ("zeros", sizes)))
        total = (*x.sizes[:dim], x.sizes[dim] + before + after, *x.sizes[dim + 1 :])
        x = joined(state, parts, dim, total)
    return x


def by_traffic(state: ImportState) -> Tensor | tuple[Tensor, ...]:
    """What moves, sorts or interpolates elements and has no operator here: charged by its traffic, and said so."""
    state.by_traffic[state.call.op] += 1
    results = tuple(
        opaque(state, number, known=True) for number, ref in enumerate(state.call.outputs) if ref is not None
    )
    return results if len(state.call.outputs) > 1 else results[0]


def opaque(state: ImportState, number: int = 0, *, known: bool = False) -> Tensor:
    """An operator that is charged by its traffic; unless it is `known`, nothing but its result's sizes is."""
    inputs = [state.activation(state.known(ref)) for ref in references(state.call.args)]
    sizes = state.result_sizes(number)
    layout = channels_first(sizes) if len(sizes) == 4 else channels_last(sizes)
    shape = layout.shape(sizes)
    return state.emit(Opaque(extents(shape), known), inputs, sizes, layout)
