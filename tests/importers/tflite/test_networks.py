"""Shipped networks through TensorFlow Lite files: the same counts and the same kernels as from their tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mbcost.graph import LayerGraph, ParamsConvention, build_graph, count_macs, count_params
from mbcost.importers.tflite import read_tflite
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.networks import load
from tests.importers.tflite.from_table import HardSwishForm, as_tflite

FOLDED = ParamsConvention("folded")

# MACs and params with batch norm folded. V1: 568,740,352 and 4,221,032, V2: 300,774,272 (design/networks.md, accounting
# conventions). V2's params: 3,470,760 without batch norm + one bias for each of its channels, 17,056 = (3,504,872 -
# 3,470,760) / 2. V3-Large: torchvision's mobilenet_v3_large has 5,483,032 parameters, of which gamma and beta of 12,200
# channels are two each and folded one.
PUBLISHED = {
    "mobilenet_v1": (568_740_352, 4_221_032),
    "mobilenet_v2": (300_774_272, 3_470_760 + 17_056),
    "mobilenet_v3_large": (216_589_760, 5_483_032 - 12_200),
}


def kernels(graph: LayerGraph) -> list[tuple[Any, ...]]:
    """What the runtime launches: kind, counts and shapes."""
    return [
        (kernel.kind, kernel.macs, kernel.weight_elements, kernel.main.input_shapes, kernel.main.output_shape)
        for kernel in map_to_kernels(graph, load_runtime("tflite-2.1"))
    ]


def through_tflite(path: Path, name: str, **form: Any) -> tuple[LayerGraph, LayerGraph, str]:
    """A table's network, the same network from a file, and the note of the latter."""
    table = build_graph(load(name))
    path.write_bytes(as_tflite(table, **form))
    spec = read_tflite(path)
    return table, build_graph(spec), " ".join(spec.notes)


@pytest.mark.parametrize("dtype", ["FLOAT32", "INT8"])
@pytest.mark.parametrize("hard_swish", ["builtin", "decomposed"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_mobilenets(tmp_path: Path, name: str, dtype: str, hard_swish: HardSwishForm) -> None:
    table, graph, note = through_tflite(tmp_path / f"{name}.tflite", name, dtype=dtype, hard_swish=hard_swish)
    assert (count_macs(graph), count_params(graph, FOLDED)) == PUBLISHED[name]
    assert count_params(table, FOLDED) == count_params(graph, FOLDED)
    assert kernels(graph) == kernels(table)
    assert note == ("quantised: int8 activations and weights" if dtype == "INT8" else "")


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50", "squeezenet1_1", "shufflenet_v2", "mobilenet_v3_small", "densenet121"]
)
def test_networks_of_other_families(tmp_path: Path, name: str) -> None:
    table, graph, _ = through_tflite(tmp_path / "net.tflite", name)
    assert kernels(graph) == kernels(table)
    assert count_params(graph, FOLDED) == count_params(table, FOLDED)
