"""Where the dimensions of a PyTorch tensor lie in height, width and channels.

A PyTorch tensor has any number of dimensions, a :class:`~mbcost.operators.TensorShape` three. A :class:`Layout` says
for each of the three which of the tensor's dimensions it is made of, outermost first; dimensions of one element are
nowhere. So ``permute`` and most of ``view`` only rename dimensions and cost nothing, as on a runtime that fuses them
away; an operator that needs another layout gets it by a copy, or for free where the order of the elements is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import NamedTuple, TypeAlias

from mbcost.operators import TensorShape

#: Extents of a PyTorch tensor's dimensions.
Sizes: TypeAlias = tuple[int, ...]
#: Dimensions of a PyTorch tensor, counted from 0.
Dims: TypeAlias = tuple[int, ...]


class Layout(NamedTuple):
    """The tensor's dimensions that make up the height, the width and the channels, outermost first."""

    height: Dims
    width: Dims
    channels: Dims

    @property
    def order(self) -> Dims:
        """All dimensions from the outermost to the innermost: the order of the elements in memory."""
        return self.height + self.width + self.channels

    def shape(self, sizes: Sizes) -> TensorShape:
        """The three extents of a tensor of these sizes."""
        return TensorShape(*(prod(sizes[dim] for dim in dims) for dims in self))

    def replaced(self, dims_for: Callable[[int], Iterable[int]]) -> Layout:
        """The layout with other dimensions in the place of each."""
        return Layout(*(tuple(new for dim in dims for new in dims_for(dim)) for dims in self))

    def without(self, gone: Iterable[int]) -> Layout:
        """The layout without some dimensions."""
        left = set(gone)
        return self.replaced(lambda dim: () if dim in left else (dim,))

    def shifted(self, by: int) -> Layout:
        """The layout of the same tensor with `by` more dimensions in front."""
        return self.replaced(lambda dim: (dim + by,))


def layout_of(sizes: Sizes, height: Iterable[int], width: Iterable[int], channels: Iterable[int]) -> Layout:
    """A layout; dimensions of one element are left out and negative ones count from the end."""
    rank = len(sizes)
    axes = (tuple(dim % rank for dim in dims if sizes[dim] != 1) for dims in (height, width, channels))
    return Layout(*axes)


def channels_first(sizes: Sizes) -> Layout:
    """N, C, ..., W as images are in PyTorch: the second dimension is the channels, the last the width."""
    if len(sizes) < 3:
        return channels_last(sizes)
    return layout_of(sizes, (0, *range(2, len(sizes) - 1)), (-1,), (1,))


def channels_last(sizes: Sizes) -> Layout:
    """..., T, C as sequences and vectors are: the last dimension is the channels, the one before it the width."""
    rank = len(sizes)
    return layout_of(sizes, range(max(0, rank - 2)), range(max(0, rank - 2), max(0, rank - 1)), range(rank)[-1:])


def permuted(layout: Layout, order: Sequence[int]) -> Layout:
    """The layout after ``tensor.permute(order)``."""
    return layout.replaced(lambda dim: (order.index(dim),))


def with_channels(layout: Layout, channels: Dims) -> Layout:
    """A layout whose channels are these dimensions and nothing else; the others stay where they are if they can."""
    height, width, rest = layout.without(channels)
    return Layout(height, width + rest, channels)


class Reshaping(NamedTuple):
    """How a tensor becomes one of other sizes: bring it to `before`, then rename its dimensions: `after`."""

    before: Layout
    after: Layout


def reshaping(layout: Layout, old: Sizes, new: Sizes) -> Reshaping:
    """The way of a ``view`` or ``reshape`` with the least movement.

    A dimension that is split stays where it is. Dimensions that are merged have to lie side by side in one axis.
    """
    pairs = _blocks(old, new)
    if len(pairs) == 1 and len(pairs[0][1]) == 1:  # a vector of everything, as before a classifier
        before = Layout((), (), pairs[0][0])
    else:
        before = layout
        for merged, _ in pairs:
            before = _side_by_side(before, merged)
    first = {merged[0]: parts for merged, parts in pairs}
    return Reshaping(before, before.replaced(lambda dim: first.get(dim, ())))


def _blocks(old: Sizes, new: Sizes) -> list[tuple[Dims, Dims]]:
    """The smallest runs of old and new dimensions that hold the same elements, without those of one element."""
    olds = [dim for dim, size in enumerate(old) if size != 1]
    news = [dim for dim, size in enumerate(new) if size != 1]
    pairs = []
    while olds:
        before, after = [olds.pop(0)], [news.pop(0)]
        left, right = old[before[0]], new[after[0]]
        while left != right:
            if left < right:
                before.append(olds.pop(0))
                left *= old[before[-1]]
            else:
                after.append(news.pop(0))
                right *= new[after[-1]]
        pairs.append((tuple(before), tuple(after)))
    return pairs


def _side_by_side(layout: Layout, dims: Dims) -> Layout:
    """The layout with some dimensions next to each other and in order, in one axis."""
    if any(axis[start : start + len(dims)] == dims for axis in layout for start in range(len(axis))):
        return layout
    target = _axis_for(layout, dims)
    axes = []
    for number, axis in enumerate(layout):
        kept = [dim for dim in axis if dim not in dims]
        if number == target:
            place = next((i for i, dim in enumerate(axis) if dim in dims), len(kept))
            kept[place:place] = dims
        axes.append(tuple(kept))
    return Layout(*axes)


def _axis_for(layout: Layout, dims: Dims) -> int:
    """The axis in which merged dimensions are best off.

    Rows and columns make a sequence, which runs along the width. Channels that take others in remain channels, as the
    heads of an attention do, unless other channels are left beside them, as of a pixel shuffle.
    """
    axes = {dim: number for number, axis in enumerate(layout) for dim in axis}
    among = {axes[dim] for dim in dims}
    if among <= {0, 1}:
        return max(among)
    others = [dim for dim in layout.channels if dim not in dims]
    return axes[dims[0]] if others else 2
