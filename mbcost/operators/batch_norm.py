"""Batch normalisation: a scale and a shift a channel at inference."""

from __future__ import annotations

from typing import ClassVar

from mbcost.operators.base import OperatorCost, PerElement, TensorShape


class BatchNorm(PerElement):
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167).

    Has gamma, beta, moving mean and moving variance per channel. Which of them count as parameters is a convention
    (:class:`mbcost.graph.counting.ParamsConvention`); folded into a convolution, only its bias remains.
    """

    __slots__ = ()

    op: ClassVar[str] = "batch_norm"
    summary: ClassVar[str] = "batch normalisation, folded into a convolution before it where there is one"
    elementwise: ClassVar[bool] = True

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(
            elementwise_ops=elements,
            norm_channels=output.channels,
            input_elements=elements,
            output_elements=elements,
        )
