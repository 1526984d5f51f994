"""Transposed convolution ("deconvolution"): every input pixel is spread over a window of the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, OperatorCost, TensorShape, check_positive
from mbcost.operators.window import Padding, Pair, check_groups, is_pointwise, transposed_extents


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
    output_padding: tuple[int, int] = (0, 0)
    bias: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        check_positive("the number of output channels", self.out)
        check_groups(x.channels, self.out, self.groups)
        height, width = transposed_extents(
            x, self.kernel, self.stride, self.dilation, self.padding, self.output_padding
        )
        return TensorShape(height, width, self.out)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        (x,) = inputs
        out = self.out
        pixels = x.height * x.width
        taps = self.kernel[0] * self.kernel[1]
        weights = taps * x.channels * (out // self.groups)
        # the lowered matrix is the product's result here, scattered into the output afterwards (col2im)
        lowered = not is_pointwise(self.kernel, self.stride, self.padding)
        return OperatorCost(
            macs=pixels * weights,
            weight_elements=weights,
            bias_elements=out if self.bias else 0,
            input_elements=pixels * x.channels,
            output_elements=output.elements,
            im2col_elements=taps * out * pixels if lowered else 0,
        )
