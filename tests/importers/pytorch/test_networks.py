"""Whole networks: MACs as FlopCounterMode counts them, parameters as the module holds them, kernels as our tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

import mbcost
from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.pytorch import from_torch
from mbcost.kernels import load_runtime, map_to_kernels
from tests.importers.pytorch.counts import counted_macs
from tests.importers.pytorch.networks import NETWORKS


@pytest.mark.parametrize("name", NETWORKS)
def test_macs_and_params(name: str) -> None:
    make, sizes = NETWORKS[name]
    with torch.device("meta"):
        module = make()
    graph = build_graph(from_torch(module, sizes))
    assert count_macs(graph) == counted_macs(module, torch.zeros(sizes, device="meta"))
    assert count_params(graph) == sum(parameter.numel() for parameter in module.parameters())


TABLES = {"MobileNet V1": "mobilenet_v1", "MobileNet V2": "mobilenet_v2", "MobileNet V3-Large": "mobilenet_v3_large"}


@pytest.mark.parametrize("name", TABLES)
def test_same_network_as_the_table(name: str) -> None:
    make: Callable[[], nn.Module] = NETWORKS[name][0]
    with torch.device("meta"):
        module = make()
    graph = build_graph(from_torch(module, (1, 3, 224, 224)))
    table = build_graph(mbcost.load(TABLES[name]))
    assert count_macs(graph) == count_macs(table)
    assert count_params(graph) == count_params(table)
    assert [(x.op, x.output_shape) for x in graph.layers] == [(x.op, x.output_shape) for x in table.layers]
    runtime = load_runtime("tflite-2.1")
    found, wanted = (
        [(kernel.kind, kernel.macs, kernel.weight_elements) for kernel in map_to_kernels(item, runtime)]
        for item in (graph, table)
    )
    assert found == wanted


def test_layers_are_called_as_their_modules() -> None:
    graph = build_graph(from_torch(NETWORKS["MobileNet V2"][0](), (1, 3, 224, 224)))
    names = [layer.name for layer in graph.layers]
    assert names[:6] == [
        "features.0.0",
        "features.0.1",
        "features.0.2",
        "features.1.conv.0.0",
        "features.1.conv.0.1",
        "features.1.conv.0.2",
    ]
    assert "features.3.add" in names
    assert names[-1] == "classifier.1"


def test_analysis_of_an_imported_network() -> None:
    spec = from_torch(NETWORKS["ViT"][0](), (1, 3, 64, 64))
    analysis = mbcost.analyze(spec, device="pixel1")
    assert analysis.latency_s > 0
    assert analysis.totals.macs == count_macs(build_graph(spec))
