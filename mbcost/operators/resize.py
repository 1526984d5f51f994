"""Enlarging or shrinking a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mbcost.numeric import Dim, all_true
from mbcost.operators.base import Operator, TensorShape, check_positive
from mbcost.operators.window import Pair


@dataclass(frozen=True, slots=True)
class Resize(Operator):
    """Enlarges or shrinks a map: to `size`, or by `scale`; bilinear reads four pixels an output."""

    op: ClassVar[str] = "resize"
    summary: ClassVar[str] = "resizes the map to `size`, or by `scale`"

    size: tuple[Dim, Dim] = (0, 0)
    scale: Pair = (1, 1)
    method: Literal["nearest", "bilinear"] = "bilinear"

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        height, width = self.size
        if all_true(height == 0):
            return TensorShape(x.height * self.scale[0], x.width * self.scale[1], x.channels)
        check_positive("the size of a resize", height, width)
        return TensorShape(height, width, x.channels)

    def elementwise_ops(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return output.elements * (4 if self.method == "bilinear" else 1)
