"""Depthwise convolution: every channel has filters of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, OperatorCost, TensorShape, check_positive
from mbcost.operators.window import Padding, Pair, is_pointwise, output_extents


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
        height, width = output_extents(x, self.kernel, self.stride, self.dilation, self.padding)
        return TensorShape(height, width, x.channels * self.multiplier)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        (x,) = inputs
        pixels = output.height * output.width
        taps = self.kernel[0] * self.kernel[1]
        weights = taps * output.channels
        lowered = not is_pointwise(self.kernel, self.stride, self.padding)
        return OperatorCost(
            macs=pixels * weights,
            weight_elements=weights,
            bias_elements=output.channels if self.bias else 0,
            input_elements=x.elements,
            output_elements=pixels * output.channels,
            im2col_elements=taps * x.channels * pixels if lowered else 0,
        )
