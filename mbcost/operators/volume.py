"""Windows over volumes. A volume of depth d is a map of d * height rows: its slices below one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from mbcost.numeric import Dim, all_true
from mbcost.operators.base import (
    Operator,
    OperatorCost,
    OperatorError,
    TensorShape,
    check_divides,
    check_positive,
    shown,
)
from mbcost.operators.window import check_groups

#: Along depth, height and width.
Triple: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Conv3d(Operator):
    """A three-dimensional convolution.

    MACs = Dout * Hout * Wout * Cout * Kd * Kh * Kw * Cin / groups (torch.nn.Conv3d). `padding` is the number of zeros
    along each dimension, both ends together.
    """

    op: ClassVar[str] = "conv3d"
    summary: ClassVar[str] = "convolution over a volume whose `depth` slices lie below one another"

    out: Dim
    depth: Dim
    kernel: Triple = (3, 3, 3)
    stride: Triple = (1, 1, 1)
    dilation: Triple = (1, 1, 1)
    groups: Dim = 1
    padding: Triple = (0, 0, 0)
    bias: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        check_positive("the number of output channels", self.out)
        check_groups(x.channels, self.out, self.groups)
        depth, height, width = volume_extents(x, self.depth, self.kernel, self.stride, self.dilation, self.padding)
        return TensorShape(depth * height, width, self.out)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        (x,) = inputs
        taps = _product(self.kernel)
        weights = taps * (x.channels // self.groups) * self.out
        lowered = taps > 1 or _product(self.stride) > 1 or self.padding != (0, 0, 0)
        return OperatorCost(
            macs=output.pixels * weights,
            weight_elements=weights,
            bias_elements=self.out if self.bias else 0,
            input_elements=x.elements,
            output_elements=output.elements,
            im2col_elements=taps * x.channels * output.pixels if lowered else 0,
        )


@dataclass(frozen=True, slots=True)
class _Pool3d(Operator):
    """A window that slides over each channel of a volume; one read of a window element is one operation."""

    depth: Dim
    kernel: Triple
    stride: Triple
    padding: Triple = (0, 0, 0)

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        depth, height, width = volume_extents(x, self.depth, self.kernel, self.stride, (1, 1, 1), self.padding)
        return TensorShape(depth * height, width, x.channels)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(
            elementwise_ops=_product(self.kernel) * elements,
            input_elements=inputs[0].elements,
            output_elements=elements,
        )


class MaxPool3d(_Pool3d):
    """The largest element of each window of a volume."""

    __slots__ = ()

    op: ClassVar[str] = "max_pool3d"
    summary: ClassVar[str] = "maximum over a window of a volume"


class AvgPool3d(_Pool3d):
    """The mean of each window of a volume."""

    __slots__ = ()

    op: ClassVar[str] = "avg_pool3d"
    summary: ClassVar[str] = "mean over a window of a volume"


def volume_extents(
    x: TensorShape, depth: Dim, kernel: Triple, stride: Triple, dilation: Triple, padding: Triple
) -> tuple[Dim, Dim, Dim]:
    """Output depth, height and width: ``floor((size + padding - reach) / stride) + 1`` along each."""
    check_positive("the depth", depth)
    check_divides("rows", x.height, depth, "slices")
    for name, numbers in (("the kernel", kernel), ("the stride", stride), ("the dilation", dilation)):
        check_positive(name, min(numbers))
    sizes = (depth, x.height // depth, x.width)
    rows = zip(("depth", "height", "width"), sizes, kernel, stride, dilation, padding, strict=True)
    first, second, third = (_extent(*row) for row in rows)
    return first, second, third


def _extent(name: str, size: Dim, kernel: int, stride: int, dilation: int, padding: int) -> Dim:
    reach = dilation * (kernel - 1) + 1
    extent = (size + padding - reach) // stride + 1
    if not all_true(extent >= 1):
        raise OperatorError(f"the window reaches over {reach} elements but the {name} is only {shown(size + padding)}")
    return extent


def _product(numbers: Triple) -> int:
    return numbers[0] * numbers[1] * numbers[2]
