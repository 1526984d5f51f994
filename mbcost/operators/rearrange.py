"""Operators that move elements within a tensor, out of it, or to several places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim, all_true
from mbcost.operators.base import (
    Movement,
    OperatorCost,
    OperatorError,
    TensorShape,
    check_divides,
    check_positive,
    shown,
)
from mbcost.operators.reshape import Reshape


class Transpose(Reshape):
    """The same elements in another order and any shape: a copy for every permutation."""

    __slots__ = ()

    op: ClassVar[str] = "transpose"
    summary: ClassVar[str] = "the same elements in another order, as a tensor of the given shape"
    view: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Crop(Movement):
    """A part of a tensor, with or without steps: reads and writes the elements that it keeps."""

    op: ClassVar[str] = "crop"
    summary: ClassVar[str] = "a part of a tensor, of the given shape"

    shape: tuple[Dim, Dim, Dim]

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        for wanted, given in zip(self.shape, inputs[0], strict=True):
            check_positive("each dimension of a crop", wanted)
            if not all_true(wanted <= given):
                raise OperatorError(f"a part of {shown(wanted)} cannot be cut out of {shown(given)} elements")
        return TensorShape(*self.shape)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(input_elements=elements, output_elements=elements)


@dataclass(frozen=True, slots=True)
class Tile(Movement):
    """Copies a tensor as often as the given shape needs along each dimension."""

    op: ClassVar[str] = "tile"
    summary: ClassVar[str] = "repeats a tensor along its dimensions up to the given shape"

    shape: tuple[Dim, Dim, Dim]

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        for wanted, given in zip(self.shape, inputs[0], strict=True):
            check_positive("each dimension of a tiling", wanted)
            check_divides("elements", wanted, given, "repeated elements")
        return TensorShape(*self.shape)


@dataclass(frozen=True, slots=True)
class DepthToSpace(Movement):
    """Channels become pixels: ``(h, w, c) -> (h * block, w * block, c / block²)``, also called pixel shuffle."""

    op: ClassVar[str] = "depth_to_space"
    summary: ClassVar[str] = "channels become blocks of pixels (pixel shuffle)"

    block: Dim = 2

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        block = self.block
        check_positive("the block", block)
        check_divides("channels", x.channels, block * block, "pixels of a block")
        return TensorShape(x.height * block, x.width * block, x.channels // (block * block))


@dataclass(frozen=True, slots=True)
class SpaceToDepth(Movement):
    """Pixels become channels: ``(h, w, c) -> (h / block, w / block, c * block²)``."""

    op: ClassVar[str] = "space_to_depth"
    summary: ClassVar[str] = "blocks of pixels become channels"

    block: Dim = 2

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        block = self.block
        check_positive("the block", block)
        check_divides("rows", x.height, block, "blocks")
        check_divides("columns", x.width, block, "blocks")
        return TensorShape(x.height // block, x.width // block, x.channels * block * block)
