"""Pooling over windows, and over the whole map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, TensorShape
from mbcost.operators.window import Padding, Pair, output_extent


@dataclass(frozen=True, slots=True)
class _Pool2d(Operator):
    """A window that slides over each channel; one read of every window element is one operation."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = "same"
    ceil_mode: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        height, width = (
            output_extent(size, self.kernel[axis], self.stride[axis], 1, self.padding, axis, ceil_mode=self.ceil_mode)
            for axis, size in enumerate((x.height, x.width))
        )
        return TensorShape(height, width, x.channels)

    def elementwise_ops(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return self.kernel[0] * self.kernel[1] * output.elements


@dataclass(frozen=True, slots=True)
class MaxPool2d(_Pool2d):
    """The largest element of each window."""

    op: ClassVar[str] = "max_pool2d"
    summary: ClassVar[str] = "maximum over a window"


@dataclass(frozen=True, slots=True)
class AvgPool2d(_Pool2d):
    """The mean of each window."""

    op: ClassVar[str] = "avg_pool2d"
    summary: ClassVar[str] = "mean over a window"


@dataclass(frozen=True, slots=True)
class _GlobalPool(Operator):
    """A pooling whose window is the whole map."""

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        return TensorShape(1, 1, inputs[0].channels)

    def elementwise_ops(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return inputs[0].elements


@dataclass(frozen=True, slots=True)
class GlobalAvgPool(_GlobalPool):
    """The mean over height and width."""

    op: ClassVar[str] = "global_avg_pool"
    summary: ClassVar[str] = "mean over height and width"


@dataclass(frozen=True, slots=True)
class GlobalMaxPool(_GlobalPool):
    """The maximum over height and width."""

    op: ClassVar[str] = "global_max_pool"
    summary: ClassVar[str] = "maximum over height and width"
