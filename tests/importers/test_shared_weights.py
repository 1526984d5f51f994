"""Weights that several layers of an imported network read are parameters once."""

from __future__ import annotations

import mbcost
from mbcost.graph import build_graph, count_macs, count_params
from mbcost.graph.counting import ParamsConvention
from mbcost.importers.imported import INPUT, ImportedLayer, imported_spec
from mbcost.operators import BatchNorm, Conv2d, TensorShape


def test_shared_weights_are_computed_twice_and_counted_once() -> None:
    conv = Conv2d(out=8, kernel=(3, 3), bias=True)
    layers = [
        ImportedLayer("a", conv, (INPUT,), 8),
        ImportedLayer("norm", BatchNorm(), ("a",)),
        ImportedLayer("b", conv, ("norm",), 8, owns_weights=False),
        ImportedLayer("norm_2", BatchNorm(), ("b",), owns_weights=False),
    ]
    graph = build_graph(imported_spec(layers, name="twice", source="", origin="test", input_shape=TensorShape(5, 7, 8)))
    assert count_macs(graph) == 2 * 5 * 7 * 8 * 3 * 3 * 8  # twice Hout Wout Cout K K Cin
    assert count_params(graph) == 3 * 3 * 8 * 8 + 8 + 2 * 8  # weights, bias, gamma and beta
    assert count_params(graph, ParamsConvention("all")) == 3 * 3 * 8 * 8 + 8 + 4 * 8
    assert graph.layers[2].cost == graph.layers[0].cost  # they are read again


def test_shared_weights_are_in_memory_once() -> None:
    conv = Conv2d(out=8, kernel=(3, 3))
    layers = [
        ImportedLayer("a", conv, (INPUT,), 8),
        ImportedLayer("b", conv, ("a",), 8, owns_weights=False),
    ]
    spec = imported_spec(layers, name="twice", source="", origin="test", input_shape=TensorShape(5, 7, 8))
    found = mbcost.analyze(spec, device="pixel4")
    assert found.totals.weight_bytes == 4 * 8 * 8 * 9  # 576 weights of 4 bytes
    assert [row.weight_bytes for row in found.layers] == [4 * 576, 4 * 576]  # each layer reads them
