"""Normalisations with statistics of the input at inference, which cannot be folded into a convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Operator, OperatorCost, PerElement, TensorShape, check_divides, check_positive


@dataclass(frozen=True, slots=True)
class _Normalize(PerElement):
    """One operation per element, as batch norm; `affine` adds a trained scale and shift per channel."""

    affine: bool = True

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        trained = output.channels if self.affine else 0
        return PerElement.cost(self, inputs, output)._replace(weight_elements=trained, bias_elements=trained)


class LayerNorm(_Normalize):
    """Layer normalisation over the channels of each pixel (Ba et al. 2016, arXiv:1607.06450)."""

    __slots__ = ()

    op: ClassVar[str] = "layer_norm"
    summary: ClassVar[str] = "normalises the channels of each pixel"


class InstanceNorm(_Normalize):
    """Instance normalisation of each channel over its pixels (Ulyanov et al. 2016, arXiv:1607.08022)."""

    __slots__ = ()

    op: ClassVar[str] = "instance_norm"
    summary: ClassVar[str] = "normalises the pixels of each channel"


@dataclass(frozen=True, slots=True)
class GroupNorm(_Normalize):
    """Group normalisation over the pixels of a group of channels (Wu and He 2018, arXiv:1803.08494)."""

    op: ClassVar[str] = "group_norm"
    summary: ClassVar[str] = "normalises groups of channels"

    groups: Dim = 32

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        check_positive("the number of groups", self.groups)
        check_divides("channels", inputs[0].channels, self.groups, "groups")
        return inputs[0]


@dataclass(frozen=True, slots=True)
class L2Norm(PerElement):
    """Each pixel's channels divided by their Euclidean norm; `affine` adds a trained scale per channel, and no shift.

    Liu et al. 2015, arXiv:1506.04579, section 3.3.
    """

    op: ClassVar[str] = "l2_norm"
    summary: ClassVar[str] = "scales the channels of each pixel to a Euclidean norm of 1"

    affine: bool = True

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        trained = output.channels if self.affine else 0
        return PerElement.cost(self, inputs, output)._replace(weight_elements=trained)


@dataclass(frozen=True, slots=True)
class LocalResponseNorm(Operator):
    """Local response normalisation (Krizhevsky et al. 2012, section 3.3): each output reads `size` channels."""

    op: ClassVar[str] = "lrn"
    summary: ClassVar[str] = "local response normalisation over `size` neighbouring channels"

    size: Dim = 5

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        check_positive("the number of neighbouring channels", self.size)
        return inputs[0]

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(elementwise_ops=self.size * elements, input_elements=elements, output_elements=elements)
