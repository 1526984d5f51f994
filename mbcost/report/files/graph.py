"""A network as a graph for other programs: GraphML, DOT, JSON; one node per layer, with its counts as attributes."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from mbcost._version import __version__
from mbcost.analysis import Analysis
from mbcost.errors import printable
from mbcost.graph import LayerGraph
from mbcost.graph.exchange import counted_layers, edges_of, network_attributes
from mbcost.report.files.text import json_text

if TYPE_CHECKING:
    import networkx as nx

SCHEMA: Final = "mbcost/graph/1"
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})


def to_json(graph: LayerGraph, analysis: Analysis | None = None, warnings: Sequence[str] = ()) -> str:
    """The network's attributes, ``nodes``, and ``edges`` as pairs of names; with latencies if there is an analysis."""
    nodes: list[dict[str, Any]]
    nodes = counted_layers(graph) if analysis is None else [layer.to_dict() for layer in analysis.layers]
    attributes = network_attributes(graph)
    if analysis is not None:
        attributes |= {"target": analysis.target.name, "batch": analysis.batch, "latency_ms": analysis.latency_s * 1e3}
    for key in ("macs", "params"):
        attributes[key] = sum(node[key] for node in nodes)
    content = {
        "schema": SCHEMA,
        "mbcost_version": __version__,
        **attributes,
        "nodes": nodes,
        "edges": [[nodes[source]["name"], nodes[target]["name"]] for source, target in edges_of(graph)],
        "warnings": list(warnings),
    }
    return json_text(content)


def to_graphml(graph: nx.DiGraph[str]) -> str:
    """GraphML of a network as networkx has it."""
    import networkx as nx

    stream = BytesIO()
    nx.write_graphml_xml(graph, stream, prettyprint=True)
    return f"{stream.getvalue().decode('utf-8').rstrip()}\n"


def to_dot(graph: nx.DiGraph[str]) -> str:
    """DOT for Graphviz: name, operator and output of every layer, with its time or its MACs."""
    lines = [f"digraph {_quoted(graph.graph['architecture'])} {{", "  node [shape=box];"]
    numbers = {name: number for number, name in enumerate(graph.nodes)}
    for name, node in graph.nodes.items():
        cost = f"{node['latency_ms']:.4g} ms" if "latency_ms" in node else f"{node['macs']:,} MACs"
        lines.append(f"  n{numbers[name]} [label={_quoted(name, node['op'], node['output_shape'], cost)}];")
    lines += [f"  n{numbers[source]} -> n{numbers[target]};" for source, target in graph.edges]
    return "\n".join([*lines, "}", ""])


def _quoted(*lines: str) -> str:
    """A quoted string of DOT with several lines."""
    return '"' + "\\n".join(printable(line).translate(_ESCAPES) for line in lines) + '"'
