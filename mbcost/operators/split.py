"""One part of a tensor that is split along its channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, TensorShape, check_positive, require


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
        require(0 <= self.part < count, f"there is no part {self.part} of {count} (they count from 0)")
        if self.sizes:
            check_positive("each size of a split", *self.sizes)
            total = sum(self.sizes)
            require(total == x.channels, f"the sizes add up to {total}, but the input has {x.channels} channels")
            return TensorShape(x.height, x.width, self.sizes[self.part])
        require(x.channels % count == 0, f"{x.channels} channels do not divide into {count} equal parts")
        return TensorShape(x.height, x.width, x.channels // count)

    def input_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return output.elements
