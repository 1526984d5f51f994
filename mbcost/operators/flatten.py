"""All elements as one vector."""

from __future__ import annotations

from typing import ClassVar

from mbcost.operators.base import Movement, TensorShape


class Flatten(Movement):
    """All elements as one vector."""

    __slots__ = ()

    op: ClassVar[str] = "flatten"
    summary: ClassVar[str] = "all elements as one vector"
    view: ClassVar[bool] = True

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        return TensorShape(1, 1, inputs[0].elements)
