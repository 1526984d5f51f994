"""Fully connected layer, over the last dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, OperatorCost, TensorShape, check_positive


@dataclass(frozen=True, slots=True)
class Dense(Operator):
    """A fully connected layer of every pixel's channels: MACs = H * W * Cin * Cout.

    Flatten a feature map first if each output is to see all of it. With `sequential`, the pixels are steps of a
    recurrent layer, each of which waits for the one before.
    """

    op: ClassVar[str] = "dense"
    summary: ClassVar[str] = "fully connected layer over the channels; `flatten` first to connect a whole map"

    out: Dim
    bias: bool = True
    sequential: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        check_positive("the number of outputs", self.out)
        return TensorShape(x.height, x.width, self.out)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        (x,) = inputs
        weights = x.channels * self.out
        return OperatorCost(
            macs=x.height * x.width * weights,
            weight_elements=weights,
            bias_elements=self.out if self.bias else 0,
            input_elements=x.elements,
            output_elements=output.elements,
        )
