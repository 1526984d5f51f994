"""An accelerator of the user's own, by hand: 32 x 32 weight stationary at 800 MHz, 1 MiB, 12.8 GB/s."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.architectures.loader import read_architecture
from mbcost.devices import check_device, load_device
from mbcost.devices.types import Dataflow
from mbcost.files import parse_yaml
from mbcost.latency.forms.generic_npu import sram_bytes
from mbcost.latency.forms.systolic import SystolicArray
from mbcost.report.rows.physical import energy_line
from tests.latency.hand_cases import OWN_NPU

TEXT = Path(OWN_NPU).read_text(encoding="utf-8")
#: Overheads that the profile does not state: 0.1 ms a call and 1 us a layer (generic-npu.yaml).
FIXED = 1e-4 + 1e-6


def run(shape: str, *rows: str, changes: str = "", batch: int = 1) -> mbcost.Analysis:
    layers = "".join(f"  - {{{row}}}\n" for row in rows)
    spec = read_architecture(parse_yaml(f"name: x\nsource: hand\ninput: {shape}\nlayers:\n{layers}", "table"))
    return mbcost.analyze(spec, f"{OWN_NPU}{changes}", batch=batch)


@pytest.mark.parametrize(
    ("shape", "row", "seconds"),
    [  # folds x (2 x 32 + 32 + steps - 2) cycles over efficiency x 800 MHz
        ("10x10x64", "op: conv2d 3x3, out: 128", 18 * 4 * (94 + 100) / (0.7 * 800e6)),  # depth 9 x 64, 128 columns
        ("10x10x64", "op: depthwise_conv2d 3x3", 64 * (94 + 100) / (0.9 * 800e6)),  # a column a channel
        ("1x1x64", "op: dense, out: 128", 2 * 4 * (94 + 1) / (0.5 * 800e6)),
        ("8x8x96", "op: relu", 2 * 8 * 8 * 96 / (0.6 * 32 * 800e6)),  # output and arithmetic, a lane a column
    ],
)
def test_each_class_has_its_efficiency(shape: str, row: str, seconds: float) -> None:
    assert run(shape, row).latency_s == pytest.approx(seconds + FIXED, rel=1e-9)


def test_a_vector_unit_and_overheads_of_the_profile(tmp_path: Path) -> None:
    """4 units of 512 bit are 256 lanes of int8."""
    unit = "    vector_width: {value: 512 bit, source: assumed, note: hand}\n"
    unit += "    contexts: {value: 4, source: assumed, note: hand}\n"
    text = TEXT.replace("    systolic:\n", f"{unit}    systolic:\n").replace(
        "memory:\n",
        "overheads:\n  npu:\n    call: {value: 20 us, source: assumed, note: hand}\n"
        "    kernel: {value: 3 us, source: assumed, note: hand}\nmemory:\n",
    )
    path = tmp_path / "my_accelerator.yaml"
    path.write_text(text, encoding="utf-8")
    spec = read_architecture(parse_yaml("name: x\nsource: hand\ninput: 8x8x96\nlayers: [{op: relu}]\n", "table"))
    seconds = 2 * 8 * 8 * 96 / (0.6 * 256 * 800e6) + 20e-6 + 3e-6
    assert mbcost.analyze(spec, str(path)).latency_s == pytest.approx(seconds, rel=1e-9)


def test_weights_come_from_the_memory_of_the_device() -> None:
    """2048 x 1000 weights at 1 GB/s take longer than 64 x 32 folds of 95 cycles at 0.5 of 800 MHz."""
    found = run("1x1x2048", "op: dense, out: 1000, bias: false", changes=",memory.bandwidth=1GB/s")
    assert found.latency_s == pytest.approx(2048 * 1000 / 1e9 + FIXED, rel=1e-9)


@pytest.mark.parametrize(("sram", "moved"), [("1MiB", 2 * 1024 * 768), ("2MiB", 0)])
def test_maps_go_out_where_the_memory_on_the_chip_does_not_hold_them(sram: str, moved: int) -> None:
    analysis = run("1024x768x1", "op: relu", changes=f",npu.sram={sram}")
    assert analysis.energy is not None
    assert analysis.energy.off_chip_bytes == moved


def test_operators_of_the_profile_run_on_its_cpu() -> None:
    """`outside: [softmax, hard_swish]`: the one in the middle restarts the accelerator, and is not fused."""
    analysis = run("8x8x16", "op: conv2d 1x1, out: 16", "op: hard_swish", "op: conv2d 1x1, out: 16", "op: relu")
    assert [layer.runs_on for layer in analysis.layers] == ["npu", "cpu", "npu", "npu"]
    assert any("1 layer runs on my_accelerator/cpu" in text for text in analysis.warnings)
    assert analysis.energy is not None
    assert analysis.energy.hosted == 1
    assert analysis.energy.macs == 2 * 8 * 8 * 16 * 16
    assert "without 1 layer on the host" in energy_line(analysis.energy)


def test_images_run_one_after_the_other() -> None:
    one, four = (run("10x10x64", "op: conv2d 3x3, out: 128", batch=batch) for batch in (1, 4))
    assert four.latency_s == pytest.approx(4 * (one.latency_s - 1e-6) + 1e-6, rel=1e-9)  # a layer's time once


@pytest.mark.parametrize(
    ("dataflow", "moved"),
    [  # a product of 10 x 30 and 30 x 20 on 4 x 8; 8 folds of the depth write 200 sums and read them again
        ("weight_stationary", 3 * 300 + 600 + 200 + 2 * 7 * 200 * 4),
        ("input_stationary", 300 + 2 * 600 + 200 + 2 * 7 * 200 * 4),
        ("output_stationary", 3 * 300 + 3 * 600 + 200),
    ],
)
def test_bytes_of_the_memory_on_the_chip(dataflow: Dataflow, moved: int) -> None:
    (kernel,) = run("2x5x30", "op: conv2d 1x1, out: 20").kernels
    assert sram_bytes(SystolicArray(dataflow, 4, 8, 0), kernel) == moved


def test_energy_is_of_the_profiles_own_numbers() -> None:
    """6,000 MACs at 0.1 pJ with 2 operands of 1 B and 2 sums of 4 B at 0.02 pJ/B; one fold of 32 x 32."""
    energy = run("2x5x30", "op: conv2d 1x1, out: 20").energy
    assert energy is not None
    assert energy.compute_j == pytest.approx(6000 * 0.1e-12)
    assert energy.register_j == pytest.approx(6000 * (2 * 1 + 2 * 4) * 0.02e-12)
    assert energy.on_chip_j == pytest.approx((300 + 600 + 200) * 1.2e-12)
    assert energy.off_chip_j == pytest.approx(600 * 40e-12)
    assert energy.total_j == pytest.approx(6000 * 0.3e-12 + 1100 * 1.2e-12 + 600 * 40e-12)
    assert "by the user's energies" in energy_line(energy)
    data = run("2x5x30", "op: conv2d 1x1, out: 20").to_dict()["energy"]
    assert data["register_mj"] == pytest.approx(6000 * 10 * 0.02e-12 * 1e3)
    assert "the user's" in data["source"]


def test_the_answer_says_whose_numbers_they_are() -> None:
    analysis = run("8x8x16", "op: conv2d 1x1, out: 16")
    assert analysis.basis == "a bound"
    assert any("efficiencies by class of operator and energies are the user's" in text for text in analysis.warnings)


def test_a_larger_array_and_another_efficiency() -> None:
    """64 x 64: 1 x 2 folds of 2 x 64 + 64 + 100 - 2 cycles."""
    row = "op: conv2d 1x1, out: 128"
    found = run("10x10x64", row, changes=",npu.array=64").latency_s
    assert found == pytest.approx(2 * (190 + 100) / (0.8 * 800e6) + FIXED, rel=1e-9)
    found = run("10x10x64", row, changes=",npu.efficiency.pointwise=0.4").latency_s
    assert found == pytest.approx(8 * (94 + 100) / (0.4 * 800e6) + FIXED, rel=1e-9)
    energy = run("2x5x30", row, changes=",npu.energy.mac.int8=1pJ").energy
    assert energy is not None
    assert energy.compute_j == pytest.approx(2 * 5 * 30 * 128 * 1e-12)


@pytest.mark.parametrize(
    ("old", "new", "code", "expected"),
    [
        ("runtime: generic-npu", "runtime: generic-npx", "MB304", "no rules for the runtime `generic-npx`"),
        ("runtime: generic-npu", "runtime: vela", "MB304", "it needs the section `ethos_u` of the profile"),
        ("runtime: generic-npu", "runtime: hailo", "MB304", "it runs on an npu that is `Hailo-*`"),
        ("runtime: generic-npu", "runtime: tflite-2.10", "MB304", "it runs on a cpu"),
        ("runtime: tflite-2.10", "runtime: generic-npu", "MB304", "it runs on an npu"),
        ("    sram: {value: 1 MiB, source: datasheet, reference: design}\n", "", "MB304", "needs the section `sram`"),
        ("    systolic:\n", "    array:\n", "MB101", "array"),
        ("      dense: {value: 0.5,", "      dens: {value: 0.5,", "MB102", "dense"),
        ("pointwise: {value: 0.8", "pointwise: {value: 1.8", "MB303", "more than 1"),
        ("dense: {value: 0.5", "dense: {value: -0.5", "MB303", "has to be positive"),
        ("[softmax, hard_swish]", "[softmax, hard_swich]", "MB304", "there is no operator `hard_swich`"),
        ("{int8: {value: 0.1 pJ", "{fp16: {value: 0.1 pJ", "MB303", "`energy.mac` has fp16"),
        ("dram_byte: {value: 40 pJ/B", "dram_byte: {value: 40 pJ", "MB301", "energy_per_byte"),
    ],
)
def test_a_profile_that_does_not_fit_is_refused(tmp_path: Path, old: str, new: str, code: str, expected: str) -> None:
    assert TEXT.count(old) == 1
    path = tmp_path / "my_accelerator.yaml"
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    problems = check_device(path)
    assert any(problem.code == code and expected in f"{problem.message} {problem.hint}" for problem in problems)
    assert all(problem.location is not None and problem.location.line > 1 for problem in problems)


def test_the_example_is_sound_and_depthwise_may_be_faster(tmp_path: Path) -> None:
    assert check_device(OWN_NPU) == []
    path = tmp_path / "my_accelerator.yaml"
    path.write_text(TEXT.replace("depthwise: {value: 0.9", "depthwise: {value: 8"), encoding="utf-8")
    assert check_device(path) == []
    assert load_device(str(path)).processors["npu"].efficiency.depthwise.value == 8
