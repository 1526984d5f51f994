"""What a model states, its batch and its precision, is what it is analysed at, unless told otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.graph import build_graph
from tests.importers.onnx.models import Net
from tests.importers.tflite.from_table import as_tflite

torch = pytest.importorskip("torch")


def test_a_batch_is_analysed_and_said() -> None:
    """9 x 3 x 8 weights on 30 x 30 pixels are 194,400 MACs an image."""
    spec = mbcost.from_torch(torch.nn.Conv2d(3, 8, 3), torch.zeros(4, 3, 32, 32))
    stated = mbcost.analyze(spec, "pixel4")
    assert (stated.batch, stated.totals.macs) == (4, 4 * 194_400)
    assert "one image of the example's batch of 4 was traced" in stated.warnings
    one = mbcost.analyze(spec, "pixel4", batch=1)
    assert one.totals.macs == 194_400
    assert "Conv2d states a batch of 4: this is for 1" in one.warnings


def test_a_quantised_file_is_analysed_as_int8_where_the_target_has_it(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(as_tflite(build_graph(mbcost.load("mobilenet_v1")), dtype="INT8"))
    assert mbcost.analyze(path, "pixel4").target.precision == "int8"
    assert mbcost.analyze(path, "pixel4", precision="fp32").target.precision == "fp32"
    gpu = mbcost.analyze(path, "pixel4/gpu")
    assert gpu.target.precision == "fp16"  # what TFLite's GPU delegate computes in
    assert any("is quantised to int8: this is for fp16" in warning for warning in gpu.warnings)


def stated_by_each(path: Path) -> dict[str, tuple[int, str, float]]:
    """Batch, precision and latency [s] of a file by every command that predicts its latency on one target."""
    one = mbcost.analyze(path, "pixel4")
    (row,) = mbcost.sweep(path, "pixel4").to_dict()["rows"]
    picked = mbcost.pick(path, "pixel4", budget="10000ms", alpha="1").to_dict()
    found = picked["pick"]["targets"][0]
    return {
        "analyze": (one.batch, one.target.precision, one.latency_s),
        "sweep": (row["batch"], row["precision"], row["latency_ms"] / 1e3),
        "pick": (picked["batch"], found["precision"], found["latency_ms"] / 1e3),
    }


def test_every_command_takes_what_a_file_states(tmp_path: Path) -> None:
    graph = build_graph(mbcost.load("mobilenet_v1"))
    path = tmp_path / "net.tflite"
    path.write_bytes(as_tflite(graph, dtype="INT8"))
    found = stated_by_each(path)
    assert len(set(found.values())) == 1, found
    assert found["analyze"][:2] == (1, "int8")
    both = mbcost.sweep([path, "mobilenet_v2"], ["pixel4", "pixel4/gpu"]).to_frame()
    precisions = {key: set(rows["precision"]) for key, rows in both.groupby(["architecture", "target"], observed=True)}
    names = sorted({name for name, _ in precisions})
    assert [precisions[name, "pixel4/cpu@tflite-2.10"] for name in names] == [{"fp32"}, {"int8"}]


def test_a_stated_batch_is_that_of_a_sweep_and_a_pick(tmp_path: Path) -> None:
    net = Net()
    x = net.node("Relu", net.node("Conv", "x", net.weight((8, 8, 3, 3)), pads=[1] * 4))
    path = net.save(tmp_path, x, (4, 8, 32, 32))
    found = stated_by_each(path)
    assert len(set(found.values())) == 1, found
    assert found["analyze"][0] == 4
    assert mbcost.sweep(path, "pixel4", batch=1).to_dict()["rows"][0]["batch"] == 1
    with pytest.raises(InputError, match="state different batches"):
        mbcost.pick([path, "mobilenet_v1"], "pixel4", budget="30ms")
    assert mbcost.pick([path, "mobilenet_v1"], "pixel4", budget="3000ms", batch=2).batch == 2


def test_fronts_compare_equal_batches(tmp_path: Path) -> None:
    """A slow network that states a batch of 4 is no rival of one that states none; at one batch it is dominated."""
    slow, fast = Net(), Net()
    x = slow.node("Conv", "x", slow.weight((8, 8, 1, 1)))
    for _ in range(8):
        x = slow.node("Tanh", x)
    y = fast.node("Conv", "x", fast.weight((32, 8, 1, 1)))
    (tmp_path / "fast").mkdir()
    files = [slow.save(tmp_path, x, (4, 8, 32, 32)), fast.save(tmp_path / "fast", y, (1, 8, 32, 32))]

    def on_front(batch: int | None) -> list[tuple[int, bool]]:
        rows = mbcost.sweep(files, "pixel4@tflite-2.1", batch=batch).to_dict()["rows"]
        return [(row["batch"], row["on_front"]) for row in rows]

    assert on_front(None) == [(4, True), (1, True)]
    assert on_front(4) == [(4, False), (4, True)]


def test_frames_of_a_stream_and_of_a_design_are_single_images(tmp_path: Path) -> None:
    net = Net()
    x = net.node("Relu", net.node("Conv", "x", net.weight((8, 8, 3, 3)), pads=[1] * 4))
    path = net.save(tmp_path, x, (4, 8, 32, 32))
    note = "states a batch of 4: this is for 1"
    streamed = mbcost.stream(path, "pixel4")
    assert streamed.plan.latency_s == mbcost.analyze(path, "pixel4", batch=1).latency_s
    assert any(note in warning for warning in streamed.to_dict()["warnings"])
    assert any("a batch of 4 images" in warning for warning in mbcost.stream(path, "pixel4", batch=4).warnings)
    for style in ("tiled", "streaming"):
        assert any(note in warning for warning in mbcost.design(path, "zc706", style=style).to_dict()["warnings"])


def test_every_command_ends_at_a_tensor_and_fills_open_sizes(tmp_path: Path) -> None:
    """Two 3x3 convolutions of 8 channels on an open size; up to the first one there are 576 weights."""
    net = Net()
    first = net.node("Conv", "x", net.weight((8, 8, 3, 3)), pads=[1] * 4)
    path = net.save(tmp_path, net.node("Conv", first, net.weight((8, 8, 3, 3)), pads=[1] * 4), (1, 8, "h", "w"))
    how = {"until": first, "input_shape": (1, 8, 16, 16)}
    macs = 16 * 16 * 8 * 8 * 9
    assert mbcost.analyze(path, "pixel4", **how).totals.macs == macs
    assert mbcost.sweep(path, "pixel4", **how).to_dict()["rows"][0]["macs"] == macs
    assert mbcost.pick(path, "pixel4", budget="100ms", alpha="1", **how).to_dict()["pick"]["macs"] == macs
    assert mbcost.stream(path, "pixel4", **how).plan.parts[0].analysis.totals.macs == macs
    assert sum(kernel.macs for kernel in mbcost.design(path, "zc706", **how).work.kernels) == macs
    rows = mbcost.sweep(path, "pixel4", until=first, resolution=[16, 32]).to_dict()["rows"]
    assert [row["macs"] for row in rows] == [macs, 4 * macs]
    assert mbcost.stream(path, "pixel4", resolution=16).plan.parts[0].analysis.totals.macs == 2 * macs
