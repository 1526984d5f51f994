"""What every operator is: fields that are YAML keys, an output shape, and counts.

An operator is a frozen dataclass. Its fields are the keys of its row in an architecture table; its methods are pure
functions of shapes, whose dimensions are ints or int64 arrays (:mod:`mbcost.numeric`). Shapes never hold the batch:
the counts are for one image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, NamedTuple

from mbcost.errors import MbcostError
from mbcost.numeric import Dim, all_true, is_scalar


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
        return "x".join(str(dimension) for dimension in self)


@dataclass(frozen=True, slots=True)
class OperatorCost:
    """Additive counts of an operator on one image. Elements become bytes once a precision is chosen.

    Attributes
    ----------
    macs
        Multiply-accumulates of convolutions, fully connected layers and matrix products. Bias is not counted.
    elementwise_ops
        Arithmetic outside `macs`: one an output element for batch norm, activations, additions and the like, the window
        reads of a pooling.
    weight_elements, bias_elements
        Trained weights, and the bias beside them.
    norm_channels
        Channels of batch norm; how many parameters each of them means is a convention.
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

    def __add__(self, other: OperatorCost) -> OperatorCost:
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


ZERO_COST: Final = OperatorCost()


class Operator(ABC):
    """Base of all operators.

    A subclass is a frozen dataclass whose fields are its YAML keys. It sets :attr:`op`, its name in tables, and
    overrides :meth:`output_shape` and those counts that are not zero.
    """

    __slots__ = ()

    #: Name in tables, in JSON and in runtime rules.
    op: ClassVar[str]
    #: One sentence for `mbcost schema` and the documentation.
    summary: ClassVar[str] = ""
    #: How many inputs the operator takes: (at least, at most); None = no limit.
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

    def macs(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        """Multiply-accumulates."""
        return 0

    def elementwise_ops(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        """Arithmetic operations that are not multiply-accumulates of a matrix product."""
        return 0

    def weight_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        """Trained weights without bias."""
        return 0

    def bias_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        """Trained bias."""
        return 0

    def norm_channels(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        """Channels of a batch norm."""
        return 0

    def input_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        """Elements that are read from activations, each counted once."""
        read = inputs[0].elements
        for shape in inputs[1:]:
            read = read + shape.elements
        return read

    def im2col_elements(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> Dim:
        """Elements of the lowered input matrix."""
        return 0

    def cost(self, inputs: tuple[TensorShape, ...], output: TensorShape) -> OperatorCost:
        """All counts together."""
        return OperatorCost(
            self.macs(inputs, output),
            self.elementwise_ops(inputs, output),
            self.weight_elements(inputs, output),
            self.bias_elements(inputs, output),
            self.norm_channels(inputs, output),
            self.input_elements(inputs, output),
            output.elements,
            self.im2col_elements(inputs, output),
        )

    def describe(self) -> dict[str, Any]:
        """The fields with their values, for tables and annotations."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


def check_positive(name: str, *dims: Dim) -> None:
    """Raise an :class:`OperatorError` unless every dimension is at least one for every configuration."""
    for dim in dims:
        if not all_true(dim >= 1):
            shown = dim if is_scalar(dim) else "less than 1 for some configurations"
            raise OperatorError(f"{name} is {shown}, it has to be at least 1")


def require(condition: Any, message: str) -> None:
    """Raise an :class:`OperatorError` with `message` unless `condition` holds for every configuration."""
    if not all_true(condition):
        raise OperatorError(message)
