"""Zeros around a map, as an operator of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.operators.base import Operator, TensorShape
from mbcost.operators.window import Explicit


@dataclass(frozen=True, slots=True)
class Pad(Operator):
    """Zeros around the map, written as a tensor of its own."""

    op: ClassVar[str] = "pad"
    summary: ClassVar[str] = "zeros around the map (top, bottom, left, right)"

    padding: Explicit

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        height = x.height + self.padding.top + self.padding.bottom
        width = x.width + self.padding.left + self.padding.right
        return TensorShape(height, width, x.channels)
