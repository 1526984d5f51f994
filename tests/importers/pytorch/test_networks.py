"""Whole networks: MACs as FlopCounterMode counts them, parameters as the module holds them."""

from __future__ import annotations

import pytest
import torch

import mbcost
from mbcost.graph import build_graph, count_macs, count_params
from mbcost.importers.pytorch import from_torch
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
