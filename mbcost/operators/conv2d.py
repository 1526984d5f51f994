"""Convolution: grouped, dilated, asymmetric, with SAME, VALID or explicit padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, TensorShape, check_positive, require
from mbcost.operators.window import Padding, Pair, is_pointwise, output_extent


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
        if self.groups != 1:
            check_positive("the number of groups", self.groups)
            require(
                x.channels % self.groups == 0, f"{x.channels} input channels do not divide into {self.groups} groups"
            )
            require(self.out % self.groups == 0, f"{self.out} output channels do not divide into {self.groups} groups")
        return TensorShape(
            output_extent(x.height, self.kernel[0], self.stride[0], self.dilation[0], self.padding, 0),
            output_extent(x.width, self.kernel[1], self.stride[1], self.dilation[1], self.padding, 1),
            self.out,
        )

    def macs(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return output.pixels * self.weight_elements(inputs, output)

    def weight_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return self.kernel[0] * self.kernel[1] * (inputs[0].channels // self.groups) * self.out

    def bias_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return self.out if self.bias else 0

    def im2col_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        if is_pointwise(self.kernel, self.stride, self.padding):
            return 0
        return self.kernel[0] * self.kernel[1] * inputs[0].channels * output.pixels
