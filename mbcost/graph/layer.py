"""One operator of a network, with its shapes and counts."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from mbcost.errors import Location
from mbcost.numeric import holds_for_all
from mbcost.operators import Operator, OperatorCost, TensorShape

#: Position of the network's input among the producers of a layer.
NETWORK_INPUT: Final = -1


class Layer(NamedTuple):
    """One operator of the network, with its shapes and counts for one image. A named tuple, for speed.

    Attributes
    ----------
    position, name, block
        Position in execution order, unique name, and the row of the table that it belongs to.
    inputs
        Positions of the layers that produce its inputs; :data:`NETWORK_INPUT` for the network's input.
    cost
        Counts for one image; batch size and precision turn them into bytes.
    owns_weights
        Whether its weights are in memory for it: not if they are those of an earlier layer.
    trained
        Whether its weights were trained: those of fixed filters are in memory, but no parameters.
    """

    position: int
    name: str
    block: str
    operator: Operator
    inputs: tuple[int, ...]
    input_shapes: tuple[TensorShape, ...]
    output_shape: TensorShape
    cost: OperatorCost
    location: Location
    owns_weights: bool = True
    trained: bool = True

    @property
    def has_parameters(self) -> bool:
        """Whether its weights count as parameters."""
        return self.owns_weights and self.trained

    @property
    def op(self) -> str:
        return self.operator.op


def same_shape(a: TensorShape, b: TensorShape) -> bool:
    """Whether two tensors have the same height, width and channels.

    Raises
    ------
    MixedConfigurationsError
        If this holds only for some configurations of an array.
    """
    return a is b or all(x is y or holds_for_all(x == y) for x, y in zip(a, b, strict=True))


class Network(Protocol):
    """The part of a :class:`~mbcost.graph.layer_graph.LayerGraph` that counts and exports read."""

    @property
    def architecture(self) -> str: ...

    @property
    def alpha(self) -> float: ...

    @property
    def input_shape(self) -> TensorShape: ...

    @property
    def layers(self) -> tuple[Layer, ...]: ...

    @property
    def texts(self) -> list[dict[str, str]]: ...

    @property
    def outputs(self) -> tuple[int, ...]: ...
