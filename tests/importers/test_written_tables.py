"""Imported networks as written tables: the same network again, at every resolution that it can take."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.architectures import ArchitectureSpec
from mbcost.graph import build_graph
from tests.graph.table_round_trip import assert_same, at_resolution
from tests.importers.onnx.models import Net, mobilenet_v2
from tests.importers.tflite.from_table import as_tflite

RESOLUTIONS = (96, 160, 256)


def assert_same_at_every_resolution(spec: ArchitectureSpec) -> None:
    read = assert_same(spec)
    height, width, _ = spec.input_shape
    if height == width:
        for resolution in RESOLUTIONS:
            assert at_resolution(spec, resolution) == at_resolution(read, resolution)


@pytest.mark.parametrize("folded", [True, False])
def test_mobilenet_from_onnx(tmp_path: Path, folded: bool) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(mobilenet_v2(folded=folded).SerializeToString())
    spec = mbcost.load(path)
    assert_same_at_every_resolution(spec)
    assert len(build_graph(spec, resolution=160).layers) == len(build_graph(spec).layers)


def test_several_inputs_from_onnx(tmp_path: Path) -> None:
    net = Net()
    x = net.node("Relu", net.node("Conv", "x", net.weight((8, 8, 3, 3)), pads=[1] * 4))
    y = net.node("Conv", x, net.weight((8, 8, 1, 1)))
    path = net.save(tmp_path, [net.node("Add", y, "skip"), y], skip=(1, 8, 14, 14))
    assert_same_at_every_resolution(mbcost.load(path))


@pytest.mark.parametrize("dtype", ["FLOAT32", "INT8"])
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "shufflenet_v2", "densenet121", "squeezenet1_0"])
def test_networks_from_tflite(tmp_path: Path, name: str, dtype: str) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(as_tflite(build_graph(mbcost.load(name)), dtype=dtype))
    assert_same_at_every_resolution(mbcost.load(path))


def test_networks_from_pytorch() -> None:
    torch = pytest.importorskip("torch")
    from tests.importers.pytorch.networks import NETWORKS

    for make, sizes in NETWORKS.values():
        with torch.device("meta"):
            module = make()
        assert_same_at_every_resolution(mbcost.from_torch(module, sizes))
