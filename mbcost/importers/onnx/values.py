"""What flows through the graph while it is read: tensors that layers make, and constants that are known already.

ONNX numbers the dimensions of a tensor, mbcost names them. A tensor of the graph therefore has a letter for every
dimension: N (the batch, always one image here), H, W or C. A letter may stand for several dimensions: channels that a
reshape has split into groups are ``NCCHW``, and still one map of h x w x c.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mbcost.importers.onnx.tensors import TensorData, is_laid_out
from mbcost.operators import TensorShape


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that a layer makes.

    Attributes
    ----------
    source
        The layer, or the network's input, as an :class:`~mbcost.importers.imported.ImportedLayer` names it.
    dims
        As ONNX has them, with a batch of one.
    axes
        One letter of ``NHWC`` a dimension.
    """

    source: str
    dims: tuple[int, ...]
    axes: str

    @property
    def elements(self) -> int:
        return math.prod(self.dims)

    @property
    def shape(self) -> TensorShape:
        return shape_of(self.dims, self.axes)

    def whole(self, positions: set[int]) -> bool:
        """Whether dimensions are all there is of their letters, so that naming the letters names them."""
        letters = {self.axes[position] for position in positions if self.dims[position] > 1}
        return all(
            axis not in letters or position in positions or self.dims[position] == 1
            for position, axis in enumerate(self.axes)
        )


@dataclass(frozen=True, slots=True)
class Constant:
    """A weight, or numbers that say how the network is built.

    Attributes
    ----------
    values
        The numbers; None for weights, which are not read.
    rescale
        Whether it is the scale of a quantised tensor, so that multiplying by it belongs to the kernel before it.
    name
        The tensor of the file that it is, under whatever shape, or the value that is computed from some.
    data
        Where the numbers of a tensor of the file are.
    learned
        How many of its elements are parameters, where those are fewer than all: a repeated weight, a range.
    """

    dims: tuple[int, ...]
    values: np.ndarray[Any, Any] | None = None
    rescale: bool = False
    name: str = ""
    learned: int | None = None
    data: TensorData | None = None

    @property
    def elements(self) -> int:
        return math.prod(self.dims)

    @property
    def scalar(self) -> float | None:
        """Its value, if it is one number and known."""
        return None if self.values is None or self.values.size != 1 else float(self.values.reshape(-1)[0])

    @property
    def trained(self) -> int:
        """How many parameters it is: single numbers, whole ones, grids and masks are part of the code."""
        whole = self.values is not None and self.values.dtype.kind != "f"
        if self.elements == 1 or whole or (self.data is not None and is_laid_out(self.data)):
            return 0
        return self.elements if self.learned is None else min(self.learned, self.elements)

    @property
    def stored(self) -> int:
        """How many elements are in memory: the parameters, or all of what nobody trained but single numbers."""
        return self.trained or (self.elements if self.elements > 1 else 0)

    @property
    def is_fixed(self) -> bool:
        """Whether it is in memory, but no parameter."""
        return self.stored > 0 and not self.trained


Value = Tensor | Constant


def shape_of(dims: tuple[int, ...], axes: str) -> TensorShape:
    """Height, width and channels: the products of the dimensions with that letter."""
    sizes = {"N": 1, "H": 1, "W": 1, "C": 1}
    for dim, axis in zip(dims, axes, strict=True):
        sizes[axis] *= dim
    return TensorShape(sizes["H"] * sizes["N"], sizes["W"], sizes["C"])


def default_axes(dims: tuple[int, ...]) -> str:
    """Letters of a tensor of which nothing else is known: a vector, a sequence, a map, or rows of matrices."""
    rank = len(dims)
    if rank <= 1:
        return "C" * rank
    if rank == 4 and dims[0] == 1:
        return "NCHW"
    return matrix_axes(dims)


def matrix_axes(dims: tuple[int, ...]) -> str:
    """Letters of a stack of matrices: the last dimension C, the one before W, all others H; N for a batch of one."""
    rank = len(dims)
    axes = "H" * (rank - 2) + "WC"[-rank:] if rank else ""
    return f"N{axes[1:]}" if rank > 1 and dims[0] == 1 else axes


def spatial_axes(dims: tuple[int, ...]) -> str:
    """Letters of what a window slides over: ``NCHW``, ``NCW`` or ``NC``."""
    return {2: "NC", 3: "NCW", 4: "NCHW"}[len(dims)]


def reshaped_axes(old: Tensor, dims: tuple[int, ...]) -> str:
    """Letters of a tensor's elements under new `dims`: dimensions that keep their elements keep their letter."""
    axes = list(default_axes(dims))
    for before, after in _groups(old.dims, dims):
        letters = {old.axes[position] for position in before}
        for count, position in enumerate(after, 1):
            if len(letters) == 1:
                axes[position] = old.axes[before[0]]
            elif "C" not in letters:
                axes[position] = "W" if count == len(after) else "H"
    return "".join(axes)


def same_order(old: Tensor, dims: tuple[int, ...], axes: str) -> bool:
    """Whether elements lie in memory as before under other dims and letters, height before width before channels.

    The elements of several letters that become one dimension count as lying as before: the weights that read them
    are put in order once, at conversion.
    """
    group_of_old, group_of_new = {}, {}
    for number, (before, after) in enumerate(_groups(old.dims, dims)):
        group_of_old.update(dict.fromkeys(before, number))
        group_of_new.update(dict.fromkeys(after, number))
    return _runs(group_of_old, old.axes) == _runs(group_of_new, axes)


def _runs(group_of: dict[int, int], axes: str) -> list[int]:
    """Groups of dimensions in the order of memory, each run of a group once."""
    order = sorted(group_of, key=lambda position: ("NHWC".index(axes[position]), position))
    groups = [group_of[position] for position in order]
    return [group for place, group in enumerate(groups) if place == 0 or groups[place - 1] != group]


def _groups(old: tuple[int, ...], new: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """The shortest runs of dimensions, larger than 1, of equal product on both sides (whose products are equal)."""
    left = [position for position in reversed(range(len(old))) if old[position] > 1]
    right = [position for position in reversed(range(len(new))) if new[position] > 1]
    groups = []
    while left and right:
        before, after = [left.pop()], [right.pop()]
        have, want = old[before[0]], new[after[0]]
        while have != want:
            if have < want:
                before.append(left.pop())
                have *= old[before[-1]]
            else:
                after.append(right.pop())
                want *= new[after[-1]]
        groups.append((before, after))
    return groups
