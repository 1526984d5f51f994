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


def layer_texts(graph: Network) -> list[dict[str, str]]:
    """The attributes of each layer that are text: names, and shapes as ``224x224x3``; lists separated by spaces."""
    names = [*(printable(layer.name) for layer in graph.layers), INPUT]  # NETWORK_INPUT is -1
    return [
        {
            "name": names[layer.position],
            "op": printable(layer.op),
            "block": printable(layer.block),
            "inputs": " ".join([names[producer] for producer in layer.inputs]),
            "input_shape": _shape(layer.input_shapes[0]),
            "output_shape": _shape(layer.output_shape),
        }
        for layer in graph.layers
    ]


def as_networkx(graph: Network, numbers: Iterable[Mapping[str, Any]], attributes: Mapping[str, Any]) -> nx.DiGraph[str]:
    """A networkx graph: a node per layer, named after it, with its texts and then what else is given of it."""
    import networkx as nx

    result: nx.DiGraph[str] = nx.DiGraph(**{key: _scalar(value) for key, value in attributes.items()})
    names = [text["name"] for text in graph.texts]
    result.add_nodes_from(names)
    nodes = result.nodes
    for text, others in zip(graph.texts, numbers, strict=True):
        node = nodes[text["name"]]
        node.update(text)
        node.update(others)
    result.add_edges_from([(names[source], names[target]) for source, target in edges_of(graph)])
    return result


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if not isinstance(value, (list, tuple)):
        return value
    if value and isinstance(value[0], int):
        return _shape(value)
    return " ".join([printable(str(item)) for item in value])


def _shape(shape: Iterable[Any]) -> str:
    return "x".join(map(str, shape))
