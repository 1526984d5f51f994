"""Functions of every element that are no activation, and arithmetic with constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import OperatorCost, PerElement, TensorShape


class Elementwise(PerElement):
    """A function of every element without a name of its own here: exp, sqrt, clip, a comparison, ..."""

    __slots__ = ()

    op: ClassVar[str] = "elementwise"
    summary: ClassVar[str] = "any other function of every element: exp, sqrt, clip, ..."
    elementwise: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class _WithConstants(PerElement):
    """Arithmetic of a tensor with `weights` trained constants that broadcast; 0 for a number that was not trained."""

    elementwise: ClassVar[bool] = True

    weights: Dim = 0

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        return PerElement.cost(self, inputs, output)._replace(weight_elements=self.weights)


class Scale(_WithConstants):
    """The input times constants."""

    __slots__ = ()

    op: ClassVar[str] = "scale"
    summary: ClassVar[str] = "the input times constants, `weights` of them trained"


class Shift(_WithConstants):
    """The input plus constants."""

    __slots__ = ()

    op: ClassVar[str] = "shift"
    summary: ClassVar[str] = "the input plus constants, `weights` of them trained"
