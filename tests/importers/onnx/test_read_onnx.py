"""Whole models: MobileNet V2 beside its table, inputs, names, notes, speed and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from mbcost import analyze, load
from mbcost.errors import InputError
from mbcost.graph import ParamsConvention, build_graph, count_macs, count_params
from mbcost.importers.onnx import read_onnx
from mbcost.importers.onnx.reader import FIRST_OPSET, LAST_OPSET
from tests.importers.onnx.models import Net, mobilenet_v2


@pytest.fixture(scope="module", params=[False, True], ids=["batch norm", "folded"])
def mobilenet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bool]:
    path = tmp_path_factory.mktemp("mobilenet") / "mobilenet_v2.onnx"
    path.write_bytes(mobilenet_v2(folded=request.param).SerializeToString())
    return path, request.param


def test_mobilenet_v2_counts_as_published(mobilenet: tuple[Path, bool]) -> None:
    path, folded = mobilenet
    graph = build_graph(read_onnx(path))
    assert count_macs(graph) == 300_774_272
    # Keras 3,538,984, PyTorch 3,504,872, the paper's 3.47 M; folded: 3,470,760 + one bias a channel (17,056)
    conventions = {"all": 3_538_984, "affine": 3_504_872, "none": 3_470_760, "folded": 3_487_816}
    for convention, params in conventions.items():
        wanted = 3_487_816 if folded else params
        assert count_params(graph, ParamsConvention(convention)) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("target", ["pixel1", "pixel4/gpu"])
def test_mobilenet_v2_has_the_kernels_of_its_table(mobilenet: tuple[Path, bool], target: str) -> None:
    path, _ = mobilenet
    imported, table = analyze(read_onnx(path), target), analyze("mobilenet_v2", target)
    assert len(imported.kernels) == len(table.kernels)
    for mine, theirs in zip(imported.kernels, table.kernels, strict=True):
        assert mine.kind == theirs.kind
        assert mine.main.operator.op == theirs.main.operator.op
        assert mine.main.output_shape == theirs.main.output_shape
        assert mine[5:] == theirs[5:]  # every count
    assert imported.latency_s == table.latency_s


def test_resolution_is_inferred_again(mobilenet: tuple[Path, bool]) -> None:
    path, _ = mobilenet
    at_160 = build_graph(read_onnx(path), resolution=160)
    assert count_macs(at_160) == count_macs(build_graph(load("mobilenet_v2"), resolution=160))
    given = build_graph(read_onnx(path, (1, 3, 160, 160)))
    assert count_macs(given) == count_macs(at_160)


def test_reading_is_fast(mobilenet: tuple[Path, bool]) -> None:
    path, _ = mobilenet
    assert path.stat().st_size > 13.9e6
    assert fastest(lambda: analyze(path, "pixel4/gpu"), 10) < 0.1  # measured: 0.016 s


def test_the_command_line_is_fast(mobilenet: tuple[Path, bool]) -> None:
    path, _ = mobilenet
    command = [sys.executable, "-m", "mbcost", "analyze", str(path), "--device", "pixel4/gpu"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = partial(subprocess.run, command, capture_output=True, check=True, env=environment)
    assert fastest(run, 4) < 1.5  # measured: 0.62 s


def fastest(run: Callable[[], object], times: int) -> float:
    """The least processor time of several runs [s], those of child processes included; other work does not count."""
    durations = []
    for _ in range(times):
        start = processor_time()
        run()
        durations.append(processor_time() - start)
    return min(durations)


def processor_time() -> float:
    """Of this process and the children that it has waited for [s]."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is on Linux only")
def test_weights_are_not_read(tmp_path: Path) -> None:
    net = Net()
    x = net.node("Conv", "x", net.weight((16, 8, 3, 3)))
    model = net.model([net.node("Gemm", net.node("Flatten", x), "big")], {"x": (1, 8, 14, 14)})
    rows, columns = 16 * 12 * 12, 54_300
    # a sparse file: the header of a tensor of 500 MB, whose zeros nobody wrote
    header = TensorProto(name="big", data_type=1, dims=[rows, columns]).SerializeToString()
    size = rows * columns * 4
    _write_with_tensor(tmp_path / "big.onnx", model.SerializeToString(), header, size)
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from mbcost.__main__ import main\n"
        "from mbcost.importers.onnx import read_onnx\n"
        "from mbcost.graph import build_graph, count_params\n"
        "print(count_params(build_graph(read_onnx(sys.argv[1]))))\n"
        "assert main(['analyze', sys.argv[1], '--device', 'pixel4/gpu', '--output', sys.argv[2]]) == 0\n"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "big.onnx"), str(tmp_path / "analysis.json")],
        capture_output=True,
        text=True,
        check=True,
    )
    params, peak_kib = map(int, done.stdout.split())
    assert params == 16 * 8 * 9 + rows * columns
    assert peak_kib < 300 * 1024


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _write_with_tensor(path: Path, model: bytes, header: bytes, size: int) -> None:
    """A model, and after it a second part of its graph (messages merge) with one more initializer of `size` bytes."""
    raw = b"\x4a" + _varint(size)  # TensorProto.raw_data = 9
    tensor = b"\x2a" + _varint(len(header) + len(raw) + size)  # GraphProto.initializer = 5
    graph = b"\x3a" + _varint(len(tensor) + len(header) + len(raw) + size)  # ModelProto.graph = 7
    with path.open("wb") as stream:
        stream.write(model + graph + tensor + header + raw)
        stream.truncate(stream.tell() + size)


def test_neither_onnx_nor_its_like_is_imported(mobilenet: tuple[Path, bool]) -> None:
    code = (
        "import sys; from mbcost.importers.onnx import read_onnx; read_onnx(sys.argv[1])\n"
        "print(sorted({'onnx', 'torch', 'google.protobuf', 'pandas', 'networkx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(mobilenet[0])], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("opset", range(FIRST_OPSET, LAST_OPSET + 1))
def test_every_opset(tmp_path: Path, opset: int) -> None:
    net = Net(opset)
    path = net.save(tmp_path, net.node("Relu", net.node("Conv", "x", net.weight((4, 8, 3, 3)))))
    assert count_macs(build_graph(read_onnx(path))) == 12 * 12 * 4 * 8 * 9


def test_names_of_nodes_are_names_of_layers(tmp_path: Path) -> None:
    net = Net()
    net.nodes.append(helper.make_node("Relu", ["x"], ["a"], "/features/0/relu"))
    net.nodes.append(helper.make_node("Tanh", ["a"], ["b"], "input"))
    net.nodes.append(helper.make_node("Elu", ["b"], ["c"], "input"))
    net.nodes.append(helper.make_node("Sigmoid", ["c"], ["/out"]))
    graph = build_graph(read_onnx(net.save(tmp_path, "/out")))
    assert [layer.name for layer in graph.layers] == ["features_0_relu", "input_2", "input_3", "out"]
    assert [layer.inputs for layer in graph.layers] == [(-1,), (0,), (1,), (2,)]


@pytest.mark.parametrize(
    ("graph", "name"),
    # torch.onnx.export names every graph `main_graph` (torch/onnx/_internal/exporter/_core.py), older ones `torch_jit`
    [("my_net", "my_net"), ("main_graph", "own"), ("torch_jit", "own"), ("torch-jit-export", "own"), ("", "own")],
)
def test_a_name_that_every_graph_has_gives_way_to_the_files(tmp_path: Path, graph: str, name: str) -> None:
    net = Net()
    model = net.model([net.node("Relu", "x")], {"x": (1, 8, 14, 14)})
    model.graph.name = graph
    (tmp_path / "own.onnx").write_bytes(model.SerializeToString())
    assert read_onnx(tmp_path / "own.onnx").name == name


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    net = Net()
    scaled = net.node("Mul", "x", "gate")
    left = net.node("Relu", scaled)
    net.node("Tanh", left)  # nobody reads it
    right = net.node("Sigmoid", scaled)
    path = net.save(tmp_path, [left, right], gate=(1, 8, 1, 1), unused=(1, 2))
    spec = read_onnx(path)
    assert spec.extra_inputs == {"gate": (1, 1, 8)}
    graph = build_graph(spec)
    assert [layer.op for layer in graph.layers] == ["multiply", "relu", "sigmoid"]
    assert graph.outputs == (1, 2)


def test_channels_last_input_of_tensorflow(tmp_path: Path) -> None:
    net = Net()
    x = net.node("Conv", net.node("Transpose", "x", perm=[0, 3, 1, 2]), net.weight((4, 3, 3, 3)))
    path = net.save(tmp_path, net.node("Transpose", x, perm=[0, 2, 3, 1]), (1, 20, 16, 3))
    graph = build_graph(read_onnx(path))
    assert graph.input_shape == (20, 16, 3)
    assert [(layer.op, layer.output_shape) for layer in graph.layers] == [("conv2d", (18, 14, 4))]


def test_a_batch_in_the_file_is_one_image(tmp_path: Path) -> None:
    net = Net()
    x = net.node("Reshape", net.node("GlobalAveragePool", "x"), net.numbers([16, 8]))
    path = net.save(tmp_path, net.node("Gemm", x, net.weight((8, 5))), (16, 8, 14, 14))
    assert count_macs(build_graph(read_onnx(path))) == 8 * 5


def test_a_shared_weight_counts_once(tmp_path: Path) -> None:
    net = Net()
    weight = net.weight((8, 8, 1, 1))
    path = net.save(tmp_path, net.node("Conv", net.node("Conv", "x", weight), weight))
    graph = build_graph(read_onnx(path))
    assert count_macs(graph) == 2 * 14 * 14 * 64
    assert count_params(graph) == 64


def test_dynamic_dimensions_are_asked_for(tmp_path: Path) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("Relu", "x"), ("N", 3, "height", None))
    with pytest.raises(InputError) as caught:
        read_onnx(path)
    assert caught.value.codes == ("MB502",)
    assert "`height`" in str(caught.value)
    assert "--input-shape x=1x3x224x224" in str(caught.value)
    for shape in ((1, 3, 32, 40), {"x": (None, None, 32, 40)}):
        assert read_onnx(path, shape).input_shape == (32, 40, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ((224, 224), "has 4 dimensions, the given shape 2"),
        ({"y": (1, 3, 8, 8)}, "has no input `y`"),
        ((1, 3, 0, 8), "would have 0 elements"),
        ((1, 3, 2**40, 8), "would have"),
        ((1, 3, -2, 8), "is open"),
    ],
)
def test_given_shapes_that_do_not_fit(tmp_path: Path, shapes: object, message: str) -> None:
    net = Net()
    with pytest.raises(InputError, match=message):
        read_onnx(net.save(tmp_path, net.node("Relu", "x")), shapes)  # type: ignore[arg-type]


def test_a_quantised_model_says_so(tmp_path: Path) -> None:
    net = Net()
    scale, zero = net.numbers(0.1, np.float32), net.numbers(0, np.int8)
    net.weights.append(numpy_helper.from_array(np.zeros((4, 8, 3, 3), np.int8), "wq"))
    x = net.node("DequantizeLinear", net.node("QuantizeLinear", "x", scale, zero), scale, zero)
    x = net.node("Relu", net.node("Conv", x, net.node("DequantizeLinear", "wq", scale, zero)))
    spec = read_onnx(net.save(tmp_path, x))
    assert [layer.op for layer in build_graph(spec).layers] == ["conv2d", "relu"]
    assert "quantised" in " ".join(spec.notes)
