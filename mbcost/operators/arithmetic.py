"""Element-wise arithmetic on several inputs: add, subtract, multiply, maximum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim, maximum
from mbcost.operators.base import Operator, TensorShape, require


def broadcast(inputs: tuple[TensorShape, ...]) -> TensorShape:
    """The common shape of inputs whose dimensions are equal or 1."""
    height, width, channels = inputs[0]
    for other in inputs[1:]:
        for a, b in zip((height, width, channels), other, strict=True):
            if a is not b:
                require((a == b) | (a == 1) | (b == 1), f"{_shapes(inputs)} are not equal and do not broadcast")
        height, width, channels = maximum(height, other[0]), maximum(width, other[1]), maximum(channels, other[2])
    return TensorShape(height, width, channels)


def _shapes(inputs: tuple[TensorShape, ...]) -> str:
    return "shapes " + " and ".join(str(shape) for shape in inputs)


@dataclass(frozen=True, slots=True)
class _Combine(Operator):
    """An element-wise function of two or more inputs that broadcast: n inputs, n - 1 operations an element."""

    arity: ClassVar[tuple[int, int | None]] = (2, None)
    elementwise: ClassVar[bool] = True

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        return broadcast(inputs)

    def elementwise_ops(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        return (len(inputs) - 1) * output.elements


@dataclass(frozen=True, slots=True)
class Add(_Combine):
    """Element-wise sum, as of a residual connection."""

    op: ClassVar[str] = "add"
    summary: ClassVar[str] = "element-wise sum of the inputs, as of a residual connection"


@dataclass(frozen=True, slots=True)
class Subtract(_Combine):
    """Element-wise difference."""

    op: ClassVar[str] = "subtract"
    summary: ClassVar[str] = "element-wise difference of the inputs"


@dataclass(frozen=True, slots=True)
class Multiply(_Combine):
    """Element-wise product, as of a squeeze-and-excite gate (which broadcasts a vector over a map)."""

    op: ClassVar[str] = "multiply"
    summary: ClassVar[str] = "element-wise product of the inputs, as of a squeeze-and-excite gate"


@dataclass(frozen=True, slots=True)
class Maximum(_Combine):
    """Element-wise maximum."""

    op: ClassVar[str] = "maximum"
    summary: ClassVar[str] = "element-wise maximum of the inputs"
