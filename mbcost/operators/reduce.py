"""Sum, mean, maximum or arg max over pixels or channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.operators.base import Operator, OperatorCost, OperatorError, TensorShape


@dataclass(frozen=True, slots=True)
class Reduce(Operator):
    """Sum, mean, maximum, norm or arg max over the height, the width, the channels, or several of them."""

    op: ClassVar[str] = "reduce"
    summary: ClassVar[str] = "sum, maximum, arg max ... over height, width or channels"

    height: bool = False
    width: bool = False
    channels: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        if not (self.height or self.width or self.channels):
            raise OperatorError("a reduction needs something to reduce: height, width or channels")
        return TensorShape(
            1 if self.height else x.height, 1 if self.width else x.width, 1 if self.channels else x.channels
        )

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = inputs[0].elements
        return OperatorCost(elementwise_ops=elements, input_elements=elements, output_elements=output.elements)
