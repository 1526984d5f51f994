"""One part of a tensor that is split along a dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from mbcost.numeric import Dim, all_true
from mbcost.operators.base import (
    Axis,
    Operator,
    OperatorCost,
    OperatorError,
    TensorShape,
    check_divides,
    check_positive,
    shown,
)

_UNITS: Final[dict[Axis, str]] = {"channels": "channels", "height": "rows", "width": "columns"}


@dataclass(frozen=True, slots=True)
class Split(Operator):
    """One of the parts into which a tensor is split along `axis`.

    A split into n equal parts is n of these, ``part`` 0 to n - 1; each copies what it takes. With `sizes`, the parts
    have those extents.
    """

    op: ClassVar[str] = "split"
    summary: ClassVar[str] = "part number `part` of `parts` equal parts, or of parts with the given `sizes`"

    parts: int = 2
    part: int = 0
    sizes: tuple[Dim, ...] = ()
    axis: Axis = "channels"

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        extent: Dim = getattr(x, self.axis)
        count = len(self.sizes) or self.parts
        if not 0 <= self.part < count:
            raise OperatorError(f"there is no part {self.part} of {count} (they count from 0)")
        if not self.sizes:
            check_divides(_UNITS[self.axis], extent, count, "equal parts")
            return x._replace(**{self.axis: extent // count})
        for size in self.sizes:
            check_positive("each size of a split", size)
        total = sum(self.sizes)
        if not all_true(total == extent):
            unit = _UNITS[self.axis]
            raise OperatorError(f"the sizes add up to {shown(total)}, but the input has {shown(extent)} {unit}")
        return x._replace(**{self.axis: self.sizes[self.part]})

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(input_elements=elements, output_elements=elements)
