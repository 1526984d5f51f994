"""What every operator is: fields that are YAML keys, an output shape, and counts.

An operator is a frozen dataclass. Its fields are the keys of its row in an architecture table; its methods are pure
functions of shapes, whose dimensions are ints or int64 arrays (:mod:`mbcost.numeric`). Shapes never hold the batch:
the counts are for one image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

from mbcost.errors import MbcostError
from mbcost.numeric import Dim, all_true, is_scalar

#: A dimension of a :class:`TensorShape` by name.
Axis: TypeAlias = Literal["channels", "height", "width"]


class OperatorError(MbcostError):
    """An operator cannot be applied to these inputs; the message says why, without a place."""


class TensorShape(NamedTuple):
    """Height, width and channels of one image's tensor [elements]. A vector is 1 x 1 x n, a sequence 1 x length x n."""

    height: Dim
    width: Dim
    channels: Dim

    @property
    def elements(self) -> Dim:
        return self.height * self.width * self.channels

    @property
    def pixels(self) -> Dim:
        return self.height * self.width

    def __str__(self) -> str:
        return "x".join(shown(dim) for dim in self)


class OperatorCost(NamedTuple):
    """Additive counts of an operator on one image, in elements; the precision turns them into bytes.

    Attributes
    ----------
    macs
        Multiply-accumulates of convolutions, fully connected layers and matrix products. Bias is not counted.
    elementwise_ops
        Arithmetic outside `macs`: one operation per output element for batch norm, activations, additions and the like,
        and the window reads of a pooling.
    weight_elements, bias_elements
        Trained weights, and the bias.
    norm_channels
        Channels of batch norm; the number of parameters per channel is a convention.
    input_elements, output_elements
        Elements read from activations and written, each counted once.
    im2col_elements
        Elements of the buffer that lowering to a matrix product fills: K * K * Cin * Hout * Wout, and 0 where the input
        is that matrix already (a 1x1 window with stride 1 and no padding).
    """

    macs: Dim = 0
    elementwise_ops: Dim = 0
    weight_elements: Dim = 0
    bias_elements: Dim = 0
    norm_channels: Dim = 0
    input_elements: Dim = 0
    output_elements: Dim = 0
    im2col_elements: Dim = 0

    def __add__(self, other: OperatorCost) -> OperatorCost:  # type: ignore[override]
        """The sum of the counts of two operators (not the concatenation of two tuples)."""
        return OperatorCost(
            self.macs + other.macs,
            self.elementwise_ops + other.elementwise_ops,
            self.weight_elements + other.weight_elements,
            self.bias_elements + other.bias_elements,
            self.norm_channels + other.norm_channels,
            self.input_elements + other.input_elements,
            self.output_elements + other.output_elements,
            self.im2col_elements + other.im2col_elements,
        )

    def __mul__(self, times: Dim) -> OperatorCost:  # type: ignore[override]
        """The counts of an operator that occurs `times` times; 0 or 1 where a width decides whether it exists."""
        return OperatorCost(*(count * times for count in self))

    def __rmul__(self, times: Dim) -> OperatorCost:  # type: ignore[override]
        return self * times


ZERO_COST: Final = OperatorCost()


@dataclass(frozen=True)
class Operator(ABC):
    """Base of all operators.

    A subclass is a frozen dataclass whose fields are its YAML keys; one without fields inherits this one's methods and
    needs no decorator (each costs most of a millisecond of every start). It sets :attr:`op`, its name in tables, and
    defines its output (:meth:`output_shape`) and its counts (:meth:`cost`). Neither has a default, so no operator is
    free by omission.
    """

    __slots__ = ()

    #: Name in tables, in JSON and in runtime rules.
    op: ClassVar[str]
    #: One sentence for `mbcost schema` and the documentation.
    summary: ClassVar[str] = ""
    #: Number of inputs: (at least, at most); None = no limit.
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    #: Whether output element i depends on input element i alone, so that it may be computed in place.
    elementwise: ClassVar[bool] = False
    #: Whether the output is the input's memory under another shape.
    view: ClassVar[bool] = False

    @abstractmethod
    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        """Shape of the output.

        Raises
        ------
        OperatorError
            If the operator cannot be applied to inputs of these shapes.
        """

    @abstractmethod
    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        """All counts, for inputs and an output of these shapes."""

    def describe(self) -> dict[str, Any]:
        """The fields with their values, for tables and annotations."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class PerElement(Operator):
    """Base of the operators with the input's shape as output and one operation per element."""

    __slots__ = ()

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        return inputs[0]

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        elements = output.elements
        return OperatorCost(elementwise_ops=elements, input_elements=elements, output_elements=elements)


class Movement(Operator):
    """Base of the operators that move elements and compute nothing."""

    __slots__ = ()

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        return OperatorCost(input_elements=total_elements(inputs), output_elements=output.elements)


def total_elements(shapes: tuple[TensorShape, ...]) -> Dim:
    """Total elements of several tensors."""
    total: Dim = 0
    for height, width, channels in shapes:
        total = total + height * width * channels
    return total


def shown(dim: Dim) -> str:
    """A dimension as text: its value, or the range of an array's values."""
    if is_scalar(dim):
        return str(dim)
    low, high = dim.min(), dim.max()  # type: ignore[attr-defined]
    return str(low) if low == high else f"{low}..{high}"


def check_positive(name: str, dim: Dim) -> None:
    """Raise an :class:`OperatorError` unless a dimension is at least one for every configuration."""
    if not all_true(dim >= 1):
        raise OperatorError(f"{name} is {shown(dim)}, it has to be at least 1")


def check_divides(what: str, dim: Dim, parts: Dim, kind: str) -> None:
    """Raise an :class:`OperatorError` unless a dimension divides into so many parts for every configuration."""
    if not all_true(dim % parts == 0):
        raise OperatorError(f"{shown(dim)} {what} do not divide into {shown(parts)} {kind}")
