"""The intermediate form: primitive operators on tensors, in execution order, batch norms folded.

Maps are ``(1, height, width, channels)``, vectors ``(1, channels)``, weights of convolutions ``(out, kernel height,
kernel width, in / groups)``, of depthwise ones ``(1, kernel height, kernel width, out)``, of dense layers
``(out, in)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mbcost.errors import InputError, Problem, printable

Array: TypeAlias = NDArray[np.float32]
Shape: TypeAlias = tuple[int, ...]
#: Top, bottom, left, right [elements].
Pads: TypeAlias = tuple[int, int, int, int]
#: A function that the operator before it applies to its result.
Clamp: TypeAlias = Literal["none", "relu", "relu6"]

NO_PADS: Final[Pads] = (0, 0, 0, 0)
#: Primitive operators with weights, and a bias where there is a third input.
PRODUCTS: Final = ("conv", "depthwise", "transposed_conv", "dense")
#: Primitive operators that a clamp can be fused into.
CLAMPED: Final = (*PRODUCTS, "add", "subtract", "multiply", "divide")


@dataclass(slots=True)
class Tensor:
    """A tensor by name and shape; `data` if it is a constant."""

    name: str
    shape: Shape
    data: Array | None = None

    @property
    def is_map(self) -> bool:
        return len(self.shape) == 4


@dataclass(slots=True)
class Node:
    """A primitive operator.

    Attributes
    ----------
    op
        Its name, a key of :data:`mbcost.exporters.evaluation.EVALUATIONS`.
    name
        The layer that it computes, or ends.
    inputs, output
        Tensors, by their number.
    settings
        Stride, padding and the like.
    clamp
        What is applied to the result.
    """

    op: str
    name: str
    inputs: list[int]
    output: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    clamp: Clamp = "none"


@dataclass(slots=True)
class Program:
    """A network of primitive operators with one input.

    Attributes
    ----------
    input, outputs
        Tensors, by their number.
    lacking
        What of the network is missing here -> names of the layers.
    """

    name: str
    tensors: list[Tensor]
    nodes: list[Node]
    input: int
    outputs: list[int]
    lacking: Mapping[str, list[str]] = field(default_factory=dict)

    def readers(self) -> dict[int, list[Node]]:
        """Tensor -> the operators that read it, once for each time that they do."""
        result: dict[int, list[Node]] = {}
        for node in self.nodes:
            for tensor in node.inputs:
                result.setdefault(tensor, []).append(node)
        return result

    def shape(self, tensor: int) -> Shape:
        return self.tensors[tensor].shape

    def data(self, tensor: int) -> Array:
        """The elements of a constant."""
        data = self.tensors[tensor].data
        assert data is not None
        return data


class LackingError(Exception):
    """Something of a network that has no primitive operators; the message says what."""


def refuse_lacking(title: str, what: str, lacking: Mapping[str, list[str]]) -> None:
    """Refuse a network if anything is lacking.

    Parameters
    ----------
    title, what
        The network, and the kind of file that was wanted.
    lacking
        What is lacking -> names of the layers.

    Raises
    ------
    InputError
        MB507 for each.
    """
    problems = [
        Problem("MB507", f"{title} cannot be written as {what}: {reason}", hint=f"layers: {_some(names)}")
        for reason, names in lacking.items()
    ]
    if problems:
        raise InputError(problems)


def _some(names: list[str], most: int = 4) -> str:
    shown = [printable(name) for name in dict.fromkeys(names)]
    more = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {more} more" if more > 0 else "")
