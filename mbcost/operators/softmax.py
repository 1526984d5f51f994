"""Softmax over the channels."""

from __future__ import annotations

from typing import ClassVar

from mbcost.operators.base import Operator, OperatorCost, TensorShape


class Softmax(Operator):
    """``exp(x_i) / sum_j exp(x_j)`` over the channels of each pixel."""

    __slots__ = ()

    op: ClassVar[str] = "softmax"
    summary: ClassVar[str] = "softmax over the channels"

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        return inputs[0]

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(elementwise_ops=elements, input_elements=elements, output_elements=elements)


class LogSoftmax(Softmax):
    """``x_i - log(sum_j exp(x_j))`` over the channels of each pixel."""

    __slots__ = ()

    op: ClassVar[str] = "log_softmax"
    summary: ClassVar[str] = "logarithm of the softmax over the channels"
