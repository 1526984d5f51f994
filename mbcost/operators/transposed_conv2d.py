"""Transposed convolution ("deconvolution"): every input pixel is spread over a window of the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, TensorShape, check_positive, require
from mbcost.operators.window import Padding, Pair, transposed_extent


@dataclass(frozen=True, slots=True)
class TransposedConv2d(Operator):
    """A transposed convolution.

    MACs = Hin * Win * Cin * Kh * Kw * Cout / groups: the MACs of the convolution whose gradient it is.
    """

    op: ClassVar[str] = "transposed_conv2d"
    summary: ClassVar[str] = "transposed convolution, which enlarges by its stride"

    out: Dim
    kernel: Pair = (2, 2)
    stride: Pair = (2, 2)
    dilation: Pair = (1, 1)
    groups: Dim = 1
    padding: Padding = "same"
    output_padding: Pair = (0, 0)
    bias: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        check_positive("the number of output channels", self.out)
        check_positive("the number of groups", self.groups)
        require(x.channels % self.groups == 0, f"{x.channels} input channels do not divide into {self.groups} groups")
        require(self.out % self.groups == 0, f"{self.out} output channels do not divide into {self.groups} groups")
        height, width = (
            transposed_extent(
                size,
                self.kernel[axis],
                self.stride[axis],
                self.dilation[axis],
                self.padding,
                self.output_padding[axis],
                axis,
            )
            for axis, size in enumerate((x.height, x.width))
        )
        return TensorShape(height, width, self.out)

    def macs(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return inputs[0].pixels * self.weight_elements(inputs, output)

    def weight_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return self.kernel[0] * self.kernel[1] * inputs[0].channels * (self.out // self.groups)

    def bias_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return self.out if self.bias else 0

    def im2col_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        # the columns are the product's result here, scattered into the output afterwards (col2im)
        return self.kernel[0] * self.kernel[1] * self.out * inputs[0].pixels
