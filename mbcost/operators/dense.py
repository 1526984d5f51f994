"""Fully connected layer, over the last dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, TensorShape, check_positive


@dataclass(frozen=True, slots=True)
class Dense(Operator):
    """A fully connected layer of every pixel's channels: MACs = H * W * Cin * Cout.

    Flatten a feature map first if each output is to see all of it.
    """

    op: ClassVar[str] = "dense"
    summary: ClassVar[str] = "fully connected layer over the channels; `flatten` first to connect a whole map"

    out: Dim
    bias: bool = True

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        check_positive("the number of outputs", self.out)
        return TensorShape(x.height, x.width, self.out)

    def macs(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return inputs[0].elements * self.out

    def weight_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return inputs[0].channels * self.out

    def bias_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return self.out if self.bias else 0
