"""The network at one configuration (or at an array of them): a sequence of layers in execution order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mbcost.architectures.scaling import resolution_text
from mbcost.graph.counting import macs_by_layer, params_by_layer
from mbcost.graph.exchange import as_networkx, layer_texts, network_attributes
from mbcost.graph.layer import Layer
from mbcost.operators import ZERO_COST, OperatorCost, TensorShape

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class LayerGraph:
    """All layers of a network, every shape known.

    Attributes
    ----------
    architecture, alpha, resolution, options
        The configuration. `resolution` is the input's height and width if they are equal, else its height.
    layers
        The layers in execution order; each comes after its inputs.
    outputs
        Positions of the layers whose outputs are the network's.
    extra_inputs
        Shapes of further inputs beside the image.
    """

    architecture: str
    title: str
    alpha: float
    resolution: int
    options: Mapping[str, object]
    input_shape: TensorShape
    layers: tuple[Layer, ...]
    outputs: tuple[int, ...]
    extra_inputs: tuple[TensorShape, ...] = ()

    @property
    def size(self) -> str:
        """The resolution as commands take it, such as ``224``, or ``224x320`` for height x width."""
        return resolution_text(self.input_shape.height, self.input_shape.width)

    @property
    def cost(self) -> OperatorCost:
        """The sum over all layers."""
        return sum((layer.cost for layer in self.layers), start=ZERO_COST)

    def reads(self) -> list[int]:
        """For every layer the number of readers of its output, plus one if it is an output of the network."""
        result = [0] * (len(self.layers) + 1)  # the last entry is the network's input: NETWORK_INPUT is -1
        for layer in self.layers:
            for producer in layer.inputs:
                result[producer] += 1
        for output in self.outputs:
            result[output] += 1
        return result[:-1]

    def readers(self) -> list[list[str]]:
        """For every layer the operators that read its output; a concat that one layer reads counts as that layer."""
        result: list[list[str]] = [[] for _ in range(len(self.layers) + 1)]  # the last: NETWORK_INPUT is -1
        for layer in reversed(self.layers):  # a concat's own readers come after it
            op, readers = layer.operator.op, result[layer.position]
            seen = readers[0] if op == "concat" and len(readers) == 1 else op
            for producer in layer.inputs:
                result[producer].append(seen)
        return result[:-1]

    def to_networkx(self) -> nx.DiGraph[str]:
        """A networkx graph: one node per layer, named after it, with its counts for one image as plain scalars."""
        macs, params = macs_by_layer(self), params_by_layer(self)
        numbers = [{"macs": m, "params": p} for m, p in zip(macs, params, strict=True)]
        return as_networkx(self, numbers, {**network_attributes(self), "macs": sum(macs), "params": sum(params)})

    @cached_property
    def texts(self) -> list[dict[str, str]]:
        """The attributes of each layer that are text, as nodes of a networkx graph have them."""
        return layer_texts(self)

    def __repr__(self) -> str:
        return f"<LayerGraph {self}>"

    def __str__(self) -> str:
        return (
            f"{self.title}: alpha {self.alpha:g}, input {self.input_shape}, {len(self.layers)} layers, "
            f"{self.cost.macs:,} MACs"
        )
