"""Pooling over windows, and over the whole map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.operators.base import Operator, OperatorCost, TensorShape
from mbcost.operators.window import Padding, Pair, output_extents


@dataclass(frozen=True, slots=True)
class _Pool2d(Operator):
    """A window that slides over each channel; one read of every window element is one operation."""

    kernel: Pair
    stride: Pair
    padding: Padding = "same"
    ceil_mode: bool = False

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        height, width = output_extents(x, self.kernel, self.stride, (1, 1), self.padding, ceil_mode=self.ceil_mode)
        return TensorShape(height, width, x.channels)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(
            elementwise_ops=self.kernel[0] * self.kernel[1] * elements,
            input_elements=inputs[0].elements,
            output_elements=elements,
        )


class MaxPool2d(_Pool2d):
    """The largest element of each window."""

    __slots__ = ()

    op: ClassVar[str] = "max_pool2d"
    summary: ClassVar[str] = "maximum over a window"


class AvgPool2d(_Pool2d):
    """The mean of each window."""

    __slots__ = ()

    op: ClassVar[str] = "avg_pool2d"
    summary: ClassVar[str] = "mean over a window"


class _GlobalPool(Operator):
    """A pooling whose window is the whole map."""

    __slots__ = ()

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        return TensorShape(1, 1, inputs[0].channels)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = inputs[0].elements
        return OperatorCost(elementwise_ops=elements, input_elements=elements, output_elements=output.channels)


class GlobalAvgPool(_GlobalPool):
    """The mean over height and width."""

    __slots__ = ()

    op: ClassVar[str] = "global_avg_pool"
    summary: ClassVar[str] = "mean over height and width"


class GlobalMaxPool(_GlobalPool):
    """The maximum over height and width."""

    __slots__ = ()

    op: ClassVar[str] = "global_max_pool"
    summary: ClassVar[str] = "maximum over height and width"
