"""A network as a networkx graph: one node per layer, in execution order, with plain scalars as attributes.

Every file format of networkx supports scalars (text and numbers): shapes are text such as ``224x224x3``, lists of names
are separated by spaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mbcost.errors import printable
from mbcost.graph.counting import macs_by_layer, params_by_layer
from mbcost.graph.layer import NETWORK_INPUT, Network

if TYPE_CHECKING:
    import networkx as nx

#: The name of the network's input among the inputs of a layer.
INPUT = "input"


def counted_layers(graph: Network) -> list[dict[str, Any]]:
    """Every layer with its counts for one image, by the default conventions; shapes and inputs as lists."""
    macs, params = macs_by_layer(graph), params_by_layer(graph)
    names = [*(layer.name for layer in graph.layers), INPUT]  # NETWORK_INPUT is -1
    return [
        {
            "name": layer.name,
            "op": layer.op,
            "block": layer.block,
            "inputs": [names[producer] for producer in layer.inputs],
            "input_shape": list(layer.input_shapes[0]),
            "output_shape": list(layer.output_shape),
            "macs": macs[layer.position],
            "params": params[layer.position],
        }
        for layer in graph.layers
    ]


def edges_of(graph: Network) -> list[tuple[int, int]]:
    """Pairs of positions, producer and reader, each once."""
    pairs = ((made, layer.position) for layer in graph.layers for made in layer.inputs if made != NETWORK_INPUT)
    return list(dict.fromkeys(pairs))


def network_attributes(graph: Network) -> dict[str, Any]:
    """The attributes of the whole network."""
    return {
        "architecture": graph.architecture,
        "alpha": graph.alpha,
        "input_shape": list(graph.input_shape),
        "outputs": [graph.layers[output].name for output in graph.outputs if output != NETWORK_INPUT],
    }


def as_networkx(graph: Network, layers: Iterable[Mapping[str, Any]], attributes: Mapping[str, Any]) -> nx.DiGraph[str]:
    """A networkx graph of layers with their attributes; nodes are named after the layers."""
    import networkx as nx

    result: nx.DiGraph[str] = nx.DiGraph(**_scalars(attributes))
    names = [printable(layer.name) for layer in graph.layers]
    for name, layer in zip(names, layers, strict=True):
        result.add_node(name, **_scalars(layer))
    result.add_edges_from([(names[source], names[target]) for source, target in edges_of(graph)])
    return result


def _scalars(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _scalar(value) for key, value in attributes.items()}


def _scalar(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return printable(value) if isinstance(value, str) else value
    numbers = bool(value) and all(isinstance(item, int) for item in value)
    return ("x" if numbers else " ").join([printable(str(item)) for item in value])
