"""Product of two activations, as in attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, TensorShape, require


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
        require(a.channels == inner, f"{a} x {b}: the inner dimensions {a.channels} and {inner} differ")
        require((a.height == b.height) | (b.height == 1), f"{a} x {b}: the batch dimensions differ")
        return TensorShape(a.height, a.width, columns)

    def macs(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return output.elements * inputs[0].channels
