"""Pooling to a size that is given, whatever the input's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim, ceil_div
from mbcost.operators.base import Operator, OperatorCost, TensorShape, check_positive
from mbcost.operators.window import Pair


@dataclass(frozen=True, slots=True)
class AdaptiveAvgPool2d(Operator):
    """The mean of windows that tile the map into `size` outputs; one read of a window element is one operation.

    Window i of n along an extent e reaches from floor(i * e / n) to ceil((i + 1) * e / n): windows overlap where n does
    not divide e, and repeat elements where n exceeds it (torch.nn.AdaptiveAvgPool2d;
    aten/src/ATen/native/AdaptivePooling.h).
    """

    op: ClassVar[str] = "adaptive_avg_pool2d"
    summary: ClassVar[str] = "mean over as many windows as `size` says"

    size: Pair

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        check_positive("the size of an adaptive pooling", min(self.size))
        return TensorShape(*self.size, inputs[0].channels)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        (x,) = inputs
        height, width = self.size
        return OperatorCost(
            elementwise_ops=_reads(x.height, height) * _reads(x.width, width) * x.channels,
            input_elements=x.elements,
            output_elements=output.elements,
        )


def _reads(extent: Dim, windows: int) -> Dim:
    """Elements along an axis that all windows read together."""
    total: Dim = 0
    for i in range(windows):
        total = total + ceil_div((i + 1) * extent, windows) - i * extent // windows
    return total
