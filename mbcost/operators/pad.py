"""Zeros around a map, as an operator of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.operators.base import Movement, OperatorError, TensorShape
from mbcost.operators.window import Explicit, both_ends


@dataclass(frozen=True, slots=True)
class Pad(Movement):
    """Zeros around the map, and before and after its channels, written as a tensor of its own."""

    op: ClassVar[str] = "pad"
    summary: ClassVar[str] = "zeros around the map (top, bottom, left, right)"

    padding: Explicit
    channels: tuple[int, int] = (0, 0)

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        top, bottom = both_ends(self.padding, 0)
        left, right = both_ends(self.padding, 1)
        before, after = self.channels
        if before < 0 or after < 0:
            raise OperatorError(f"padding is {min(before, after)}, it has to be at least 0")
        return TensorShape(x.height + top + bottom, x.width + left + right, x.channels + before + after)
