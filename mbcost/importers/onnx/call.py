"""A node together with the values that it reads: what converters work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mbcost.importers.onnx.builder import Builder
from mbcost.importers.onnx.model import Node
from mbcost.importers.onnx.tensors import ModelError, TensorData
from mbcost.importers.onnx.values import Constant, Tensor, Value


class UnsupportedError(Exception):
    """The node does something that mbcost has no operator for; the message says what, without a place."""


@dataclass(frozen=True, slots=True)
class Call:
    """A node, its inputs, and the layers so far.

    Attributes
    ----------
    inputs
        None for optional inputs that are missing.
    opset
        Version of the operator set of the node's domain.
    batch
        Images at once that the file states, which constants of shapes may hold.
    """

    node: Node
    inputs: Sequence[Value | None]
    opset: int
    build: Builder
    batch: int = 1

    def value(self, position: int) -> Value | None:
        """An input; None if it is missing."""
        return self.inputs[position] if position < len(self.inputs) else None

    def tensor(self, position: int = 0) -> Tensor:
        """An input that a layer makes."""
        value = self.value(position)
        if isinstance(value, Tensor):
            return value
        if value is None:
            raise ModelError(f"its input {position} is missing")
        if not value.elements:
            raise UnsupportedError(f"its input {position} is empty, of the shape {list(value.dims)}")
        raise UnsupportedError(f"its input {position} is a constant, which is not modelled")

    def weight(self, position: int) -> Constant:
        """An input that is known without running the network."""
        value = self.value(position)
        if isinstance(value, Constant):
            return value
        if value is None:
            raise ModelError(f"its input {position} is missing")
        raise UnsupportedError(
            f"its input {position} is computed by the network: only weights in the file are modelled"
        )

    def ints(self, name: str, position: int | None = None) -> list[int] | None:
        """An attribute or, in later opsets, an input that is a list of ints; None if there is neither."""
        attribute = self.node.attributes.get(name)
        if isinstance(attribute, int):
            return [attribute]
        if isinstance(attribute, list):
            return [int(item) for item in attribute]
        if position is None or self.value(position) is None:
            return None
        numbers = self.numbers(position)
        return [int(number) for number in numbers]

    def numbers(self, position: int) -> list[float]:
        """The numbers of a constant input."""
        constant = self.weight(position)
        if constant.values is None:
            raise UnsupportedError(f"the numbers of its input {position} are not in the file")
        return [number.item() for number in constant.values.reshape(-1)]

    def integer(self, name: str, default: int) -> int:
        """An attribute."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, int):
            raise ModelError(f"its attribute `{name}` is not a whole number")
        return value

    def number(self, name: str, default: float) -> float:
        """An attribute."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, (int, float)):
            raise ModelError(f"its attribute `{name}` is not a number")
        return float(value)

    def text(self, name: str, default: str) -> str:
        """An attribute."""
        value = self.node.attributes.get(name, default)
        if not isinstance(value, str):
            raise ModelError(f"its attribute `{name}` is not a text")
        return value

    def data(self, name: str) -> TensorData:
        """An attribute."""
        value = self.node.attributes.get(name)
        if not isinstance(value, TensorData):
            raise ModelError(f"its attribute `{name}` is not a tensor")
        return value

    def check_kernel_shape(self, weight: Value) -> None:
        """Raise if the attribute `kernel_shape` and a convolution's weight are of different windows."""
        given = self.ints("kernel_shape")
        if given and tuple(given) != weight.dims[2:]:
            dims = list(weight.dims)
            raise ModelError(f"its attribute `kernel_shape` is {given[:8]}, its weight has the shape {dims}")

    def axis(self, rank: int, default: int, name: str = "axis") -> int:
        """An attribute that numbers a dimension, counted from the front."""
        return normal_axis(self.integer(name, default), rank)


def normal_axis(axis: int, rank: int) -> int:
    """The number of a dimension, counted from the front."""
    if not -rank <= axis < rank:
        raise ModelError(f"there is no dimension {axis} of {rank}")
    return axis % rank


Result: TypeAlias = Value | tuple[Value, ...]
Converter: TypeAlias = Callable[[Call], Result]
