"""Element-wise arithmetic on several inputs: add, subtract, multiply, divide, maximum, minimum."""

from __future__ import annotations

from typing import ClassVar

from mbcost.numeric import Dim, all_true, maximum
from mbcost.operators.base import Operator, OperatorCost, OperatorError, TensorShape, total_elements


def broadcast(inputs: tuple[TensorShape, ...]) -> TensorShape:
    """The common shape of inputs whose dimensions are equal or 1."""
    height, width, channels = inputs[0]
    for other in inputs[1:]:
        height = _broadcast_dim(height, other.height, inputs)
        width = _broadcast_dim(width, other.width, inputs)
        channels = _broadcast_dim(channels, other.channels, inputs)
    return TensorShape(height, width, channels)


def _broadcast_dim(a: Dim, b: Dim, inputs: tuple[TensorShape, ...]) -> Dim:
    if a is b:
        return a
    if not all_true((a == b) | (a == 1) | (b == 1)):
        raise OperatorError(f"shapes {' and '.join(map(str, inputs))} are not equal and do not broadcast")
    larger: Dim = maximum(a, b)
    return larger


class _Combine(Operator):
    """An element-wise function of two or more inputs that broadcast: n inputs, n - 1 operations an element."""

    __slots__ = ()

    arity: ClassVar[tuple[int, int | None]] = (2, None)
    elementwise: ClassVar[bool] = True

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        return broadcast(inputs)

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(
            elementwise_ops=(len(inputs) - 1) * elements,
            input_elements=total_elements(inputs),
            output_elements=elements,
        )


class Add(_Combine):
    """Element-wise sum, as of a residual connection."""

    __slots__ = ()

    op: ClassVar[str] = "add"
    summary: ClassVar[str] = "element-wise sum of the inputs, as of a residual connection"


class Subtract(_Combine):
    """Element-wise difference."""

    __slots__ = ()

    op: ClassVar[str] = "subtract"
    summary: ClassVar[str] = "element-wise difference of the inputs"


class Multiply(_Combine):
    """Element-wise product, as of a squeeze-and-excite gate (which broadcasts a vector over a map)."""

    __slots__ = ()

    op: ClassVar[str] = "multiply"
    summary: ClassVar[str] = "element-wise product of the inputs, as of a squeeze-and-excite gate"


class Maximum(_Combine):
    """Element-wise maximum."""

    __slots__ = ()

    op: ClassVar[str] = "maximum"
    summary: ClassVar[str] = "element-wise maximum of the inputs"


class Minimum(_Combine):
    """Element-wise minimum."""

    __slots__ = ()

    op: ClassVar[str] = "minimum"
    summary: ClassVar[str] = "element-wise minimum of the inputs"


class Divide(_Combine):
    """Element-wise quotient."""

    __slots__ = ()

    op: ClassVar[str] = "divide"
    summary: ClassVar[str] = "element-wise quotient of the inputs"
