"""Imported networks as written tables: the same network again, at every resolution that it can take."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.architectures import ArchitectureSpec
from mbcost.errors import InputError
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


def says(analysis: mbcost.Analysis) -> tuple[int, str, float, set[str]]:
    caveats = set(analysis.warnings)
    return analysis.batch, analysis.target.precision, analysis.latency_s, caveats


def assert_analysed_alike(file: Path, folder: Path) -> mbcost.Analysis:
    written = folder / "written.yaml"
    mbcost.convert(file, written)
    again = folder / "again.yaml"
    mbcost.convert(written, again)
    stated = mbcost.analyze(file, "pixel4")
    assert says(stated) == says(mbcost.analyze(written, "pixel4")) == says(mbcost.analyze(again, "pixel4"))
    return stated


def test_a_table_states_the_batch_and_the_notes_of_its_file(tmp_path: Path) -> None:
    net = Net()
    x = net.node("Conv", "x", net.weight((8, 8, 3, 3)))
    constant = net.node("MatMul", net.weight((16, 8)), net.weight((8, 16)))
    y = net.node("Relu", net.node("Mul", x, net.node("ReduceMean", constant, keepdims=1)))
    stated = assert_analysed_alike(net.save(tmp_path, y, (4, 8, 14, 14)), tmp_path)
    assert stated.batch == 4
    assert "The stated batch is 4." in stated.warnings


def test_a_table_states_the_precision_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "net.tflite"
    file.write_bytes(as_tflite(build_graph(mbcost.load("mobilenet_v1")), dtype="INT8"))
    assert assert_analysed_alike(file, tmp_path).target.precision == "int8"
    assert any(
        "is quantised to int8" in text for text in mbcost.analyze(tmp_path / "written.yaml", "pixel4/gpu").warnings
    )


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("batch: 0", "`batch` is a whole number from 1 to"),
        ("batch: true", "`batch` is a whole number from 1 to"),
        ("precision: int9", "`precision` is"),
        ("precision: [int8]", "`precision` is"),
        ("notes: one", "`notes` is a list"),
        ("notes: [1]", "`1` is not a text"),
    ],
)
def test_wrong_statements_of_a_table(tmp_path: Path, key: str, message: str) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"name: net\nsource: a test\n{key}\ninput: 8x8x3\nlayers:\n  - {{op: relu}}\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        mbcost.load(path)
