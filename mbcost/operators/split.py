"""One part of a tensor that is split along its channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim, all_true
from mbcost.operators.base import (
    Operator,
    OperatorCost,
    OperatorError,
    TensorShape,
    check_divides,
    check_positive,
    shown,
)


@dataclass(frozen=True, slots=True)
class Split(Operator):
    """One of the parts into which a tensor is split along the channels.

    A split into n equal parts is n of these, ``part`` 0 to n - 1; each copies what it takes. With `sizes`, the parts
    have those numbers of channels.
    """

    op: ClassVar[str] = "split"
    summary: ClassVar[str] = "part number `part` of `parts` equal parts, or of parts with the given `sizes`"

    parts: int = 2
    part: int = 0
    sizes: tuple[Dim, ...] = ()

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        count = len(self.sizes) or self.parts
        if not 0 <= self.part < count:
            raise OperatorError(f"there is no part {self.part} of {count} (they count from 0)")
        if not self.sizes:
            check_divides("channels", x.channels, count, "equal parts")
            return TensorShape(x.height, x.width, x.channels // count)
        for size in self.sizes:
            check_positive("each size of a split", size)
        total = sum(self.sizes)
        if not all_true(total == x.channels):
            raise OperatorError(f"the sizes add up to {shown(total)}, but the input has {shown(x.channels)} channels")
        return TensorShape(x.height, x.width, self.sizes[self.part])

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(input_elements=elements, output_elements=elements)
