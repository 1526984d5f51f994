"""The DPU's form: hand arithmetic on its cycles, and networks of Accel-NASBench and Vitis AI."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from pathlib import Path

import pytest

import mbcost
from mbcost.devices import resolve_target
from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency.forms.dpu import B4096, array_of, cycles, spilled_bytes
from mbcost.latency.model import latency_model

ROOT = Path(__file__).parent.parent.parent
TABLE = ROOT.parent / "shared" / "measurements" / "fpga" / "accel_nasbench_dpu.csv"


def kernels(name: str) -> dict[str, Kernel]:
    graph = build_graph(mbcost.load(name))
    return {kernel.name: kernel for kernel in map_to_kernels(graph, load_runtime("vitis-ai-2.5"), element_bytes=1)}


def test_cycles_by_hand() -> None:
    """PG338: 8 pixels of a row x 16 input x 16 output channels a cycle; depthwise at half of the pixels."""
    of = kernels("mobilenet_v1")
    assert cycles(B4096, of["conv2d_1"]) == ceil(112 / 8) * 112 * 9 * 1 * 2  # 3 of 16 inputs, 32 outputs
    assert cycles(B4096, of["depthwise_conv2d_1"]) == ceil(112 / 4) * 112 * 9 * 2
    assert cycles(B4096, of["conv2d_14"]) == max(ceil(7 / 8) * 7 * 64 * 64, (1024 * 1024 + 1024) / 32)


def test_channel_augmentation_by_hand() -> None:
    """PG338: channels that are idle take taps of a row: of 16, five sets of 3 fit, of 32 channels none."""
    augmented, of = B4096._replace(augmented=True), kernels("resnet18")
    first = next(kernel for kernel in of.values() if kernel.window == 49)
    assert cycles(B4096, first) == ceil(112 / 8) * 112 * 49 * ceil(64 / 16)
    assert cycles(augmented, first) == ceil(112 / 8) * 112 * 7 * ceil(7 / 5) * ceil(64 / 16)
    plain = [kernel for kernel in of.values() if kernel.kind == "direct_conv" and kernel is not first]
    assert [cycles(augmented, kernel) for kernel in plain] == [cycles(B4096, kernel) for kernel in plain]
    assert cycles(augmented, kernels("mobilenet_v1")["conv2d_1"]) == ceil(112 / 8) * 112 * 3 * 2


def test_channel_augmentation_is_an_option_of_the_profile() -> None:
    target = resolve_target("zcu102")
    dpu = target.processor.dpu
    assert dpu is not None
    option = replace(target, processor=replace(target.processor, dpu=replace(dpu, channel_augmentation=True)))
    assert array_of(option).augmented
    slower, faster = (mbcost.analyze("resnet18", t, calibration=False).latency_s for t in (target, option))
    assert faster < slower


def test_fully_connected_layers_wait_for_their_weights() -> None:
    """VGG-16's first: 25088 x 4096 weights at 32 B a cycle, and not the 1568 x 256 steps of one pixel."""
    kernel = next(k for k in kernels("vgg16").values() if k.weight_elements > 100e6)
    assert cycles(B4096, kernel) == (25088 * 4096 + 4096) / 32
    assert cycles(B4096, kernel) > 1568 * 256


def test_spill_by_hand() -> None:
    """In + out of 112x112x64 pointwise layers are 1.2 MB, of 14x14x512 ones 0.2 MB: 512 KiB are on chip."""
    of = kernels("mobilenet_v1")
    assert spilled_bytes(B4096, of["conv2d_2"]) == 112 * 112 * (32 + 64)
    assert spilled_bytes(B4096, of["conv2d_8"]) == 0


def test_the_array_comes_from_the_profile() -> None:
    assert array_of(resolve_target("zcu102")) == B4096
    assert array_of(resolve_target("zcu104")) == B4096
    assert array_of(resolve_target("ultra96"))[:3] == (8, 10, 10)  # PG338: B1600
    assert array_of(resolve_target("vck190")).array_cycles == pytest.approx(333 / 1250)
    slower = mbcost.analyze("resnet18", "ultra96").latency_s
    assert slower > mbcost.analyze("resnet18", "zcu104").latency_s


def test_a_profile_without_a_unit_is_refused() -> None:
    target = resolve_target("zcu102")
    with pytest.raises(InputError, match="MB401"):
        latency_model(replace(target, processor=replace(target.processor, dpu=None)))


def test_softmax_falls_to_the_host_and_says_so() -> None:
    analysis = mbcost.analyze("mobilenet_v1", "zcu102")
    softmax = next(layer for layer in analysis.layers if layer.op == "softmax")
    assert softmax.latency_s > 0
    assert any("host" in warning for warning in analysis.warnings)


@pytest.mark.parametrize(
    ("name", "measured_ms"),
    [  # Vitis AI Library 2.0 on the ZCU102 at 281 MHz, frames a second of one thread: 184.9, 80.3, 20.1, 181.8
        ("resnet18", 1e3 / 184.9),
        ("resnet50", 1e3 / 80.3),
        ("vgg16", 1e3 / 20.1),
        ("googlenet", 1e3 / 181.8),
    ],
)
def test_dense_networks_of_the_vitis_ai_tables(name: str, measured_ms: float) -> None:
    """Rates from networks of depthwise convolutions, nothing refitted: within 15 %."""
    assert mbcost.analyze(name, "zcu102", calibration=False).latency_s * 1e3 == pytest.approx(measured_ms, rel=0.15)


@pytest.mark.skipif(not TABLE.exists(), reason="the measurements are not here")
@pytest.mark.parametrize(("device", "mape"), [("zcu102", 0.015), ("vck190", 0.018)])
def test_accel_nasbench_from_fifty_networks(device: str, mape: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from accel_nasbench import load_bench  # type: ignore[import-not-found]
    from accel_nasbench_networks import read_measurements  # type: ignore[import-not-found]
    from nn_meter_bench import result  # type: ignore[import-not-found]

    found = result(load_bench(read_measurements(TABLE, (device,)), device, "all"), "S", 50, 2)
    assert found["mape"] <= mape
    assert found["hit5"] >= 0.98


@pytest.mark.skipif(not TABLE.exists(), reason="the measurements are not here")
def test_params_of_accel_nasbench(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table's own column, batch norm counted twice a channel."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from accel_nasbench_networks import network, read_measurements

    for row in read_measurements(TABLE, ())[:20]:
        cost = build_graph(network(row.name, row.stages)).cost
        params = cost.weight_elements + cost.bias_elements + 2 * cost.norm_channels
        assert params == round(row.params * 1e6)
