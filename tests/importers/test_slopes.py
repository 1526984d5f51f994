"""Slopes of leaky ReLUs: read from every format, written to tables and read again, and decisive on a DPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mbcost
from mbcost.architectures import ArchitectureSpec
from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.graph.table_writer import write_table
from mbcost.operators import LeakyRelu
from tests.importers.onnx.models import Net
from tests.importers.tflite.build import Model


def slopes(spec: ArchitectureSpec) -> list[float]:
    found = [layer.operator for layer in build_graph(spec).layers if layer.op == "leaky_relu"]
    return [operator.slope for operator in found if isinstance(operator, LeakyRelu)]


def assert_kept(spec: ArchitectureSpec, folder: Path, expected: list[float]) -> None:
    assert slopes(spec) == expected
    path = folder / "written.yaml"
    path.write_text(write_table(spec), encoding="utf-8")
    assert slopes(mbcost.load(path)) == expected


def test_onnx(tmp_path: Path) -> None:
    """The default of the operator is 0.01 (ONNX, LeakyRelu-16); of attributes that are fp32, 0.1 is 0.1."""
    net = Net()
    x = net.node("LeakyRelu", net.node("Conv", "x", net.weight((8, 8, 1, 1))), alpha=0.1)
    x = net.node("LeakyRelu", net.node("Add", x, "x"))
    conv = {"activation": "LeakyRelu", "activation_params": [0.25], "domain": "com.microsoft"}
    x = net.node("FusedConv", x, net.weight((8, 8, 1, 1)), **conv)
    assert_kept(mbcost.load(net.save(tmp_path, x)), tmp_path, [0.1, 0.01, 0.25])


@pytest.mark.parametrize("slope", [float("nan"), float("inf")])
def test_a_slope_that_is_no_number_is_refused(tmp_path: Path, slope: float) -> None:
    net = Net()
    path = net.save(tmp_path, net.node("LeakyRelu", "x", alpha=slope))
    with pytest.raises(InputError, match="its slope is not a number"):
        mbcost.load(path)


def test_tflite(tmp_path: Path) -> None:
    """An alpha of 0 is not written down: the schema has no other default (tensorflow/lite/schema/schema.fbs)."""
    m = Model()
    x = m.input(1, 8, 6, 12)
    for alpha in (np.float32(0.3), None):
        options: dict[str, Any] = {} if alpha is None else {"Alpha": alpha}
        x = m.op("LEAKY_RELU", [x], m.shape(x), kind="LeakyReluOptions", **options)
    path = tmp_path / "net.tflite"
    path.write_bytes(m.finish(x))
    assert_kept(mbcost.load(path), tmp_path, [0.3, 0.0])


def test_pytorch(tmp_path: Path) -> None:
    """rrelu outside of training is the mean of its bounds: (1/8 + 1/3) / 2 = 11/48 by default."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 4, 1), nn.LeakyReLU(), nn.RReLU())
    spec = mbcost.from_torch(net, torch.zeros(1, 3, 8, 8))
    assert_kept(spec, tmp_path, [0.2, 0.01, pytest.approx(11 / 48, rel=1e-15)])


def table(folder: Path, rows: str) -> ArchitectureSpec:
    path = folder / "net.yaml"
    path.write_text(f"name: net\nsource: a test\ninput: 16x16x8\nlayers:\n{rows}", encoding="utf-8")
    return mbcost.load(path)


def test_tables(tmp_path: Path) -> None:
    rows = """
  - {op: conv2d 1x1, out: 8, activation: leaky_relu, slope: 26/256}
  - {op: conv2d 1x1, out: 8, activation: leaky_relu}
  - {op: leaky_relu, slope: 0.3}
"""
    assert_kept(table(tmp_path, rows), tmp_path, [0.1015625, 0.01, 0.3])
    assert slopes(mbcost.load("darknet19")) == [0.1] * 18  # pjreddie/darknet, src/activations.h: (x>0) ? x : .1*x


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{op: conv2d 1x1, out: 8, activation: relu, slope: 0.1}", "`slope` without the `activation: leaky_relu`"),
        ("{op: conv2d 1x1, out: 8, activation: leaky_relu, slope: steep}", "steep"),
        ("{op: leaky_relu, slope: .nan}", "number"),
        ("{op: leaky_relu, slope: true}", "not a number"),
    ],
)
def test_wrong_slopes(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        table(tmp_path, f"  - {row}\n")


PLAIN = "op: conv2d 3x3, out: 8"
DEPTHWISE = "op: depthwise_conv2d 3x3"
GROUPED = "op: conv2d 3x3, out: 8, groups: 8"


@pytest.mark.parametrize(
    ("main", "slope", "with_alu", "fused"),
    [
        # AMD PG338 4.1, "ReLU Type": the coefficient is fixed to 0.1, approximated as 26/256 = 0.1015625
        (PLAIN, 26 / 256, False, True),
        (PLAIN, 0.1, False, True),
        (PLAIN, 0.01, False, False),  # Xilinx/Vitis-AI#317
        (PLAIN, 0.3, False, False),
        # Xilinx/Vitis-AI#1161: after a depthwise convolution only with ALU_LEAKYRELU
        (DEPTHWISE, 26 / 256, False, False),
        (DEPTHWISE, 26 / 256, True, True),
        (DEPTHWISE, 0.3, True, False),
        (GROUPED, 26 / 256, False, False),
        (GROUPED, 26 / 256, True, True),
    ],
)
def test_what_a_dpu_fuses(tmp_path: Path, main: str, slope: float, with_alu: bool, fused: bool) -> None:
    device = "zcu102"
    if with_alu:
        shipped = mbcost.load_device("zcu102").path
        text = Path(shipped).read_text(encoding="utf-8").replace("name: zcu102", "name: with_alu", 1)
        (tmp_path / "with_alu.yaml").write_text(
            text.replace("config: B4096", "config: B4096\n      alu_leaky_relu: true")
        )
        device = str(tmp_path / "with_alu.yaml")
    spec = table(tmp_path, f"  - {{{main}, activation: leaky_relu, slope: {slope}}}\n")
    analysis = mbcost.analyze(spec, device)
    kinds = [kernel.kind for kernel in analysis.kernels]
    assert kinds == ["direct_conv" if main is PLAIN else "depthwise"] + ["outside"] * (not fused)
    assert any("host's processor" in warning for warning in analysis.warnings) == (not fused)


def test_a_dpu_takes_one_activation_a_convolution(tmp_path: Path) -> None:
    rows = "  - {op: conv2d 1x1, out: 8, activation: leaky_relu, slope: 0.1}\n  - {op: relu}\n"
    assert [kernel.op for kernel in mbcost.analyze(table(tmp_path, rows), "zcu102").kernels] == ["conv2d", "relu"]
