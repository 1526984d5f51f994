"""Joining tensors along the channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.operators.base import Operator, TensorShape, require


@dataclass(frozen=True, slots=True)
class Concat(Operator):
    """Joins inputs of equal height and width along the channels."""

    op: ClassVar[str] = "concat"
    summary: ClassVar[str] = "joins inputs along the channels"
    arity: ClassVar[tuple[int, int | None]] = (1, None)

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        first, channels = inputs[0], inputs[0].channels
        for other in inputs[1:]:
            require(
                (first.height == other.height) & (first.width == other.width),
                f"shapes {first} and {other} cannot be joined: height and width differ",
            )
            channels = channels + other.channels
        return TensorShape(first.height, first.width, channels)
