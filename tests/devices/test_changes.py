"""A device with some of its numbers changed, against the what-if of the report, which scales the rates themselves."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.cli.options import read_setting
from mbcost.devices.changes import changed
from mbcost.insight.what_if import what_if

HALVED = {
    "pixel4/cpu@tflite-2.1": ("memory.bandwidth=16.7GB/s", "cpu.clock=1.42GHz"),
    "raspberry_pi_5/cpu": (None, "cpu.clock=1.2GHz"),
    "xiaomi_mi9/gpu@tflite-gpu-2020": ("memory.bandwidth=16.7GB/s", "gpu.clock=292.5MHz"),
    "zcu102": ("memory.bandwidth=9.6GB/s", "fpga.clock=140.5MHz"),
    "edge_tpu": ("memory.bandwidth=250MB/s", "npu.clock=240MHz"),
}


@pytest.mark.parametrize(("target", "changes"), HALVED.items())
def test_half_of_a_number_is_what_the_what_if_of_the_report_predicts(target: str, changes) -> None:
    bandwidth, clock = changes
    analysis = mbcost.analyze("mobilenet_v2", target)
    assert mbcost.analyze("mobilenet_v2", f"{target},{clock}").latency_s > 1.2 * analysis.latency_s
    for change, factors in ((bandwidth, {"bandwidth": 0.5}), (clock, {"clock": 0.5})):
        if change is not None:
            found = mbcost.analyze("mobilenet_v2", f"{target},{change}")
            assert found.latency_s == pytest.approx(what_if(analysis, **factors), rel=1e-9)
            assert found.latency_s >= analysis.latency_s
            assert found.basis in {"from facts", "a bound"}


def test_an_array_takes_its_peak_with_it() -> None:
    usual = mbcost.resolve_target("edge_tpu").processor
    large = mbcost.resolve_target("edge_tpu,npu.array=128").processor
    assert (large.systolic.rows.value, large.systolic.columns.value) == (128, 128)
    assert large.peak["int8"].value == pytest.approx(usual.peak["int8"].value * 128 * 128 / 64 / 64)


def test_the_cores_of_a_gpu_take_its_peaks_with_them() -> None:
    usual = mbcost.resolve_target("galaxy_s24/gpu").processor
    large = mbcost.resolve_target("galaxy_s24/gpu,gpu.cores=12").processor
    assert usual.cores.value == 6
    assert {name: each.value for name, each in large.peak.items()} == pytest.approx(
        {name: 2 * each.value for name, each in usual.peak.items()}
    )
    assert large.clock == usual.clock
    found = [mbcost.analyze("vgg16", f"galaxy_s24/gpu,gpu.cores={cores}").latency_s for cores in (3, 6, 12)]
    assert found == sorted(found, reverse=True)
    cores = mbcost.resolve_target("pixel4/cpu,cpu.small.cores=2").device.processors["cpu.small"]
    assert cores.peak == mbcost.resolve_target("pixel4/cpu.small").processor.peak  # that of one


def test_the_answer_says_that_there_is_no_such_device() -> None:
    analysis = mbcost.analyze("mobilenet_v1", "zcu102, fpga.clock=200 MHz")
    assert any("a device that does not exist: zcu102 with fpga.clock 200 MHz" in text for text in analysis.warnings)
    assert analysis.target.name == "zcu102/fpga@vitis-ai-2.5,fpga.clock=200 MHz"
    assert mbcost.resolve_target(analysis.target.name) == analysis.target
    assert analysis.latency_s > mbcost.analyze("mobilenet_v1", "zcu102").latency_s


def test_a_cluster_changes_in_the_sets_that_it_is_in() -> None:
    usual = mbcost.analyze("mobilenet_v1", "pixel4/cpu.large+medium", threads=2)
    slow = mbcost.analyze("mobilenet_v1", "pixel4/cpu.large+medium,cpu.medium.clock=1GHz", threads=2)
    assert slow.latency_s > usual.latency_s


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("pixel4,memory.bandwith=3GB/s", "MB010", "did you mean `memory.bandwidth`"),
        ("pixel4,memory.bandwidth=3", "MB301", "has no unit"),
        ("pixel4,memory.bandwidth=3GHz", "MB301", "memory.bandwidth of pixel4"),
        ("pixel4,memory.bandwidth=0GB/s", "MB301", "above 0"),
        ("pixel4,memory.bandwidth=1e-300GB/s", "MB301", "not a plausible bandwidth"),
        ("pixel4,cpu.clock=-1GHz", "MB301", "cpu.clock of pixel4"),
        ("edge_tpu,npu.array=1.5", "MB301", "has to be a whole number"),
        ("galaxy_s24/gpu,gpu.shader_processors=4", "MB010", "has no number `gpu.shader_processors`"),
        ("pixel4,cpu.model=x", "MB010", "has no number `cpu.model`"),
        ("pixel4,npu.clock=1GHz", "MB010", "has no number `npu.clock`"),
        ("pixel4,cpu.peak.fp64=1GHz", "MB010", "has no number"),
        ("pixel4,cpu.clock=1GHz,cpu.clock=2GHz", "MB010", "sets cpu.clock twice"),
    ],
)
def test_a_change_that_cannot_be(text: str, code: str, expected: str) -> None:
    with pytest.raises(mbcost.InputError) as caught:
        mbcost.resolve_target(text)
    assert caught.value.codes == (code,)
    assert expected in str(caught.value)


def test_nothing_changed_is_the_device_itself() -> None:
    device = mbcost.load_device("pixel4")
    assert changed(device, {}) is device


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("memory.bandwidth=6.4GB/s", [",memory.bandwidth=6.4GB/s"]),
        ("npu.array=16:48:16", [",npu.array=16", ",npu.array=32", ",npu.array=48"]),
        ("cpu.clock=1:2:0.5 GHz", [",cpu.clock=1 GHz", ",cpu.clock=1.5 GHz", ",cpu.clock=2 GHz"]),
        ("cpu.clock=1GHz,2GHz", [",cpu.clock=1GHz", ",cpu.clock=2GHz"]),
    ],
)
def test_values_of_an_option(text: str, expected: list[str]) -> None:
    assert read_setting(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "npu.array",
        "=3",
        "cpu.clock=1GHz:2GHz:1GHz",
        "cpu.clock=1:2GHz",
        "a=b=c",
        "npu.array=16:8:2",
        "npu.array=1:9:0",
        "npu.array=1:1000:1",
    ],
)
def test_an_option_that_cannot_be(text: str) -> None:
    with pytest.raises(mbcost.InputError):
        read_setting(text)
