"""Depthwise convolution: every channel has filters of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, TensorShape, check_positive
from mbcost.operators.window import Padding, Pair, output_extent


@dataclass(frozen=True, slots=True)
class DepthwiseConv2d(Operator):
    """A depthwise convolution with `multiplier` outputs a channel.

    MACs = Hout * Wout * Cin * multiplier * Kh * Kw (Howard et al. 2017, arXiv:1704.04861, section 3.1): a grouped
    convolution with as many groups as channels.
    """

    op: ClassVar[str] = "depthwise_conv2d"
    summary: ClassVar[str] = "depthwise convolution; `multiplier` is the number of outputs a channel"

    kernel: Pair = (3, 3)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    multiplier: Dim = 1
    padding: Padding = "same"
    bias: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        check_positive("the depthwise multiplier", self.multiplier)
        return TensorShape(
            output_extent(x.height, self.kernel[0], self.stride[0], self.dilation[0], self.padding, 0),
            output_extent(x.width, self.kernel[1], self.stride[1], self.dilation[1], self.padding, 1),
            x.channels * self.multiplier,
        )

    def macs(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return output.elements * (self.kernel[0] * self.kernel[1])

    def weight_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return output.channels * (self.kernel[0] * self.kernel[1])

    def bias_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return output.channels if self.bias else 0

    def im2col_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        if self.kernel == (1, 1) and self.stride == (1, 1):
            return 0
        return self.kernel[0] * self.kernel[1] * inputs[0].channels * output.pixels
