"""A network as a graph for other programs: GraphML, DOT, JSON; a node a layer, with its counts as attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from mbcost._version import __version__
from mbcost.analysis import Analysis
from mbcost.errors import printable
from mbcost.graph import LayerGraph, macs_by_layer, params_by_layer

SCHEMA: Final = "mbcost/graph/1"
#: The network's inputs, all of them, as a node.
INPUT: Final = "input"

_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})


@dataclass(frozen=True, slots=True)
class AnnotatedGraph:
    """A network's layers with what they cost, in the order they run.

    Attributes
    ----------
    attributes
        Of the network.
    nodes
        Attributes of every layer, the first of them its name.
    edges
        Pairs of positions among the nodes.
    """

    attributes: Mapping[str, Any]
    nodes: tuple[Mapping[str, Any], ...]
    edges: tuple[tuple[int, int], ...]


def annotated(graph: LayerGraph, analysis: Analysis | None = None) -> AnnotatedGraph:
    """The layers of a network with their counts for one image, and with their latencies where it has been analysed."""
    edges = [(producer, layer.position) for layer in graph.layers for producer in layer.inputs if producer >= 0]
    attributes: dict[str, Any] = {
        "architecture": graph.architecture,
        "alpha": graph.alpha,
        "input_shape": list(graph.input_shape),
        "outputs": [graph.layers[output].name for output in graph.outputs if output >= 0],
    }
    if analysis is None:
        nodes = _counted(graph)
    else:
        nodes = [layer.to_dict() for layer in analysis.layers]
        attributes |= {"target": analysis.target.name, "batch": analysis.batch, "latency_ms": analysis.latency_s * 1e3}
    for key in ("macs", "params"):
        attributes[key] = sum(node[key] for node in nodes)
    return AnnotatedGraph(attributes, tuple(nodes), tuple(dict.fromkeys(edges)))


def _counted(graph: LayerGraph) -> list[dict[str, Any]]:
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


def to_json(graph: AnnotatedGraph, warnings: tuple[str, ...] = ()) -> str:
    """One object: the network's attributes, ``nodes``, and ``edges`` as pairs of names."""
    names = [node["name"] for node in graph.nodes]
    content = {
        "schema": SCHEMA,
        "mbcost_version": __version__,
        **graph.attributes,
        "nodes": list(graph.nodes),
        "edges": [[names[source], names[target]] for source, target in graph.edges],
        "warnings": list(warnings),
    }
    return f"{json.dumps(content, indent=2, allow_nan=False)}\n"


def to_graphml(graph: AnnotatedGraph) -> str:
    """GraphML, which has numbers and text only: shapes become ``224x224x3``, lists words with spaces between."""
    import networkx as nx

    result: nx.DiGraph[str] = nx.DiGraph(**_flat(graph.attributes))
    names = [node["name"] for node in graph.nodes]
    for name, node in zip(names, graph.nodes, strict=True):
        result.add_node(name, **_flat(node))
    result.add_edges_from((names[source], names[target]) for source, target in graph.edges)
    stream = BytesIO()
    nx.write_graphml_xml(result, stream, prettyprint=True)
    return f"{stream.getvalue().decode('utf-8').rstrip()}\n"


def to_dot(graph: AnnotatedGraph) -> str:
    """DOT, as Graphviz draws it: name, operator and output of every layer, with its time or its MACs."""
    title = _quoted(str(graph.attributes["architecture"]))
    lines = [f"digraph {title} {{", "  node [shape=box];"]
    for position, node in enumerate(graph.nodes):
        output = "x".join(map(str, node["output_shape"]))
        cost = f"{node['latency_ms']:.4g} ms" if "latency_ms" in node else f"{node['macs']:,} MACs"
        lines.append(f"  n{position} [label={_quoted(node['name'], node['op'], output, cost)}];")
    lines += [f"  n{source} -> n{target};" for source, target in graph.edges]
    return "\n".join([*lines, "}", ""])


def _quoted(*lines: str) -> str:
    """A string of DOT, its lines below each other."""
    return '"' + "\\n".join(printable(line).translate(_ESCAPES) for line in lines) + '"'


def _flat(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _scalar(value) for key, value in attributes.items()}


def _scalar(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return printable(value) if isinstance(value, str) else value
    numbers = bool(value) and all(isinstance(item, int) for item in value)
    return ("x" if numbers else " ").join(map(str, value))
