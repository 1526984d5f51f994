"""Convolution: grouped, dilated, asymmetric, with SAME, VALID or explicit padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, OperatorCost, TensorShape, check_positive
from mbcost.operators.window import Padding, Pair, check_groups, is_pointwise, output_extents


@dataclass(frozen=True, slots=True)
class Conv2d(Operator):
    """A two-dimensional convolution.

    MACs = Hout * Wout * Cout * Kh * Kw * Cin / groups (Howard et al. 2017, arXiv:1704.04861, section 3.1).
    """

    op: ClassVar[str] = "conv2d"
    summary: ClassVar[str] = "convolution; `groups` for grouped, `dilation` for atrous"

    out: Dim
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    groups: Dim = 1
    padding: Padding = "same"
    bias: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        check_positive("the number of output channels", self.out)
        check_groups(x.channels, self.out, self.groups)
        height, width = output_extents(x, self.kernel, self.stride, self.dilation, self.padding)
        return TensorShape(height, width, self.out)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        (x,) = inputs
        out = self.out
        pixels = output.height * output.width
        taps = self.kernel[0] * self.kernel[1]
        weights = taps * (x.channels // self.groups) * out
        lowered = not is_pointwise(self.kernel, self.stride, self.padding)
        return OperatorCost(
            macs=pixels * weights,
            weight_elements=weights,
            bias_elements=out if self.bias else 0,
            input_elements=x.elements,
            output_elements=pixels * out,
            im2col_elements=taps * x.channels * pixels if lowered else 0,
        )
