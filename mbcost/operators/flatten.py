"""All elements as one vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.operators.base import Movement, TensorShape


@dataclass(frozen=True, slots=True)
class Flatten(Movement):
    """All elements as one vector."""

    op: ClassVar[str] = "flatten"
    summary: ClassVar[str] = "all elements as one vector"
    view: ClassVar[bool] = True

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        return TensorShape(1, 1, inputs[0].elements)
