"""Exports read back by other programs, of a network whose names try to do harm: all hold the same latency."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import networkx as nx
import pandas as pd
import pytest

import mbcost
from mbcost.graph import LayerGraph
from mbcost.kernels import map_to_kernels
from mbcost.report.files import analysis as export
from mbcost.report.files import graph as graph_export
from mbcost.report.files.trace import to_trace

HOSTILE = '</script><img src=x onerror=alert(1)>"\\'
LONG = "n" * 10_000


@pytest.fixture(scope="module")
def analysis() -> mbcost.Analysis:
    """MobileNet V2 with the names of two layers changed, as a model file may have them."""
    found = mbcost.analyze("mobilenet_v2", "pixel1")
    first, second, *others = found.layer_graph.layers
    layers = (first._replace(name=HOSTILE), second._replace(name=LONG), *others)
    graph: LayerGraph = replace(found.layer_graph, layers=layers)
    kernels = map_to_kernels(graph, found.runtime, batch=1, element_bytes=found.element_bytes)
    return replace(found, layer_graph=graph, kernels=kernels)


def test_every_export_adds_up_to_the_latency(analysis: mbcost.Analysis) -> None:
    pytest.importorskip("pyarrow")
    total = analysis.latency_s * 1e3
    rows = json.loads(export.to_json([analysis]))
    assert sum(layer["latency_ms"] for layer in rows["layers"]) == pytest.approx(rows["latency_ms"], rel=1e-12)
    frames = [
        pd.read_csv(io.StringIO(export.to_csv([analysis]))),
        pd.read_parquet(io.BytesIO(export.to_parquet([analysis]))),
    ]
    for frame in frames:
        assert frame.latency_ms.sum() == pytest.approx(total, rel=1e-12)
        assert list(frame.name[:2]) == [HOSTILE, LONG]
    slices = [event for event in json.loads(to_trace([analysis]))["traceEvents"] if event["ph"] == "X"]
    assert sum(event["dur"] for event in slices) == pytest.approx(total * 1e3, abs=1e-3)  # whole nanoseconds
    graph = nx.read_graphml(io.StringIO(graph_export.to_graphml(analysis.graph)))
    assert sum(time for _, time in graph.nodes(data="latency_ms")) == pytest.approx(total, rel=1e-12)
    assert graph.number_of_nodes() == len(analysis.layers)


def test_names_are_quoted_in_dot_and_markdown(analysis: mbcost.Analysis) -> None:
    dot = graph_export.to_dot(analysis.graph)
    assert 'onerror=alert(1)>\\"\\\\' in dot
    assert sum(line.count(" -> ") for line in dot.splitlines()) == analysis.graph.number_of_edges()
    assert "\\<img" in export.to_markdown(analysis)
    assert "<img" not in export.to_markdown(analysis).replace("\\<", "")
