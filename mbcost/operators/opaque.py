"""An operator of an imported network that is charged by its traffic alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, OperatorCost, TensorShape, check_positive, total_elements


@dataclass(frozen=True, slots=True)
class Opaque(Operator):
    """An operator without a model of its arithmetic: counted as one operation per output element, and its traffic.

    With `known`, an operator that moves, selects or sorts elements (TopK, NMS, Where). Without, one that mbcost does
    not know, which importers create only if their user asks for estimates.
    """

    op: ClassVar[str] = "opaque"
    summary: ClassVar[str] = "an operator with an output of the given shape, charged by its traffic"
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    shape: tuple[Dim, Dim, Dim]
    known: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        for dim in self.shape:
            check_positive("each dimension of an output", dim)
        return TensorShape(*self.shape)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(elementwise_ops=elements, input_elements=total_elements(inputs), output_elements=elements)
