"""Enlarging or shrinking a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias, get_args

from mbcost.numeric import Dim, holds_for_all
from mbcost.operators.base import Operator, OperatorCost, TensorShape, check_positive
from mbcost.operators.window import Pair

#: How an output pixel is made of input pixels.
ResizeMethod: TypeAlias = Literal["nearest", "bilinear"]
RESIZE_METHODS: Final[tuple[ResizeMethod, ...]] = get_args(ResizeMethod)


@dataclass(frozen=True, slots=True)
class Resize(Operator):
    """Enlarges or shrinks a map: to `size`, or by `scale`; bilinear reads four pixels an output."""

    op: ClassVar[str] = "resize"
    summary: ClassVar[str] = "resizes the map to `size`, or by `scale`"

    size: tuple[Dim, Dim] = (0, 0)
    scale: Pair = (1, 1)
    method: ResizeMethod = "bilinear"

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        height, width = self.size
        if holds_for_all((height == 0) & (width == 0)):
            vertical, horizontal = self.scale
            check_positive("the scale of a resize", min(vertical, horizontal))
            return TensorShape(x.height * vertical, x.width * horizontal, x.channels)
        check_positive("the height of a resize", height)
        check_positive("the width of a resize", width)
        return TensorShape(height, width, x.channels)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(
            elementwise_ops=elements * 4 if self.method == "bilinear" else elements,
            input_elements=inputs[0].elements,
            output_elements=elements,
        )
