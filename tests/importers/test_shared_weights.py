"""Weights that several layers of an imported network read are parameters once."""

from __future__ import annotations

from typing import Any

import pytest

import mbcost
from mbcost.graph import build_graph, count_macs, count_params
from mbcost.graph.counting import ParamsConvention
from mbcost.importers.imported import INPUT, ImportedLayer, imported_spec
from mbcost.operators import BatchNorm, Conv2d, DepthwiseConv2d, TensorShape
from tests.graph.table_round_trip import reload


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


def test_untrained_weights_are_in_memory_but_no_parameters() -> None:
    """A 3x3 blur of 8 channels that nobody trained, twice the same, between two trained 1x1 convolutions."""
    blur = DepthwiseConv2d(kernel=(3, 3))
    layers = [
        ImportedLayer("a", Conv2d(out=8), (INPUT,), 8),
        ImportedLayer("blur", blur, ("a",), 8, trained=False),
        ImportedLayer("again", blur, ("blur",), 8, owns_weights=False, trained=False),
        ImportedLayer("b", Conv2d(out=8), ("again",), 8),
    ]
    spec = imported_spec(layers, name="blurred", source="", origin="test", input_shape=TensorShape(5, 7, 8))
    for known in (spec, reload(spec)):
        found = mbcost.analyze(known, device="pixel4")
        assert found.totals.params == 64 + 64
        assert found.totals.weight_bytes == 4 * (64 + 72 + 64)  # the blur's 9 x 8 once


def test_fixed_filters_of_pytorch() -> None:
    """A buffer as the weight of a convolution, as anti-aliased networks have it (Zhang 2019, arXiv:1904.11486)."""
    torch = pytest.importorskip("torch")

    class Blurred(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(4, 8, 1, bias=False)
            self.norm = torch.nn.BatchNorm2d(8, affine=False)
            self.register_buffer("blur", torch.ones(8, 1, 3, 3) / 9)

        def forward(self, x: Any) -> Any:
            x = self.norm(self.conv(x))
            for _ in range(2):
                x = torch.nn.functional.conv2d(x, self.blur, padding=1, groups=8)
            return x

    found = mbcost.analyze(Blurred(), "pixel4", input_shape=(1, 4, 6, 6))
    assert found.totals.params == 32
    assert found.totals.weight_bytes == 4 * (32 + 8 + 72)  # the convolution with the norm's bias, the blur once


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
