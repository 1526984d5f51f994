"""Product of two activations, as in attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import all_true
from mbcost.operators.base import Operator, OperatorCost, OperatorError, TensorShape, shown, total_elements


@dataclass(frozen=True, slots=True)
class Matmul(Operator):
    """A batched matrix product of two activations: rows are the width, columns the channels, the batch is the height.

    ``(b, m, k) x (b, k, n) -> (b, m, n)``; with `transpose_b` the second input is ``(b, n, k)``. MACs = b * m * k * n.
    """

    op: ClassVar[str] = "matmul"
    summary: ClassVar[str] = "product of two activations, (b, m, k) x (b, k, n)"
    arity: ClassVar[tuple[int, int | None]] = (2, 2)

    transpose_b: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        a, b = inputs
        inner, columns = (b.channels, b.width) if self.transpose_b else (b.width, b.channels)
        if not all_true(a.channels == inner):
            raise OperatorError(f"{a} x {b}: the inner dimensions {shown(a.channels)} and {shown(inner)} differ")
        if not all_true((a.height == b.height) | (b.height == 1)):
            raise OperatorError(f"{a} x {b}: the batch dimensions {shown(a.height)} and {shown(b.height)} differ")
        return TensorShape(a.height, a.width, columns)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(
            macs=elements * inputs[0].channels, input_elements=total_elements(inputs), output_elements=elements
        )
