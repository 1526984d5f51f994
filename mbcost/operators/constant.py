"""A tensor that does not depend on the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, OperatorCost, TensorShape, check_positive


@dataclass(frozen=True, slots=True)
class Constant(Operator):
    """A tensor that is part of the network, `weights` of its elements trained: a class token, a table of positions.

    It exists before the network runs, so it has no cost of its own: its readers have the cost of reading it. Its input
    only sets its place in the network, and is not read.
    """

    op: ClassVar[str] = "constant"
    summary: ClassVar[str] = "a tensor of the given shape that does not depend on the input, `weights` elements trained"

    shape: tuple[Dim, Dim, Dim]
    weights: Dim = 0

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        for dim in self.shape:
            check_positive("each dimension of a constant", dim)
        return TensorShape(*self.shape)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        return OperatorCost(weight_elements=self.weights, output_elements=output.elements)
