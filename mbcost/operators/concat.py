"""Joining tensors along the channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import all_true
from mbcost.operators.base import Movement, OperatorError, TensorShape


@dataclass(frozen=True, slots=True)
class Concat(Movement):
    """Joins inputs of equal height and width along the channels."""

    op: ClassVar[str] = "concat"
    summary: ClassVar[str] = "joins inputs along the channels"
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        first, channels = inputs[0], inputs[0].channels
        for other in inputs[1:]:
            if not all_true((first.height == other.height) & (first.width == other.width)):
                raise OperatorError(f"shapes {first} and {other} cannot be joined: height and width differ")
            channels = channels + other.channels
        return TensorShape(first.height, first.width, channels)
