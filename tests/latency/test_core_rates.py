"""Rates learned by core: the shipped files are sound, and threads, relatives and one latency do what they should."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mbcost
from mbcost.calibration.fit import calibrate
from mbcost.devices import device_names, load_device
from mbcost.devices.cores import core_names, find_core, load_core
from mbcost.devices.socs import load_soc, soc_names
from mbcost.errors import InputError
from mbcost.latency.core_rates import FACTS, NPU_FACTS, Npu, facts_of, facts_of_npu, known_core, read_rates
from mbcost.latency.forms import find_form
from mbcost.latency.model import latency_model, spread_of
from mbcost.resources import hardware_profiles

FILES = sorted(path for path in (hardware_profiles() / "rates").glob("*.json") if "gpu" not in path.stem)
IDS = [path.stem for path in FILES]
NPU_FILES = [path for path in FILES if read_rates(path).form in ("hexagon_htp", "compiled_npu")]
CORE_FILES = [path for path in FILES if path not in NPU_FILES]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_terms_are_those_of_the_form(path: Path) -> None:
    file = read_rates(path)
    assert list(file.cycles) == [term.name for term in find_form(file.form).terms]
    assert all(value > 0 for value in file.cycles.values())
    assert set(file.serial) <= set(file.cycles)
    npu = path in NPU_FILES
    assert set(file.facts) == ({*NPU_FACTS, "sd", "unstated_sd"} if npu else {*FACTS, "sd"})


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_covariances_are_covariances(path: Path) -> None:
    file = read_rates(path)
    for rows in (file.same, file.other):
        lower = np.array([[*row, *[0.0] * (len(rows) - len(row))] for row in rows])
        eigenvalues = np.linalg.eigvalsh(lower + np.tril(lower, -1).T)
        assert eigenvalues.min() > 0


@pytest.mark.parametrize("path", CORE_FILES, ids=[path.stem for path in CORE_FILES])
def test_every_core_of_the_catalogue_is_known(path: Path) -> None:
    file = read_rates(path)
    wanted = {name for name in core_names() if load_core(name).microcontroller == (file.form == "mcu")}
    assert wanted <= set(file.cores)
    for entry in file.cores.values():
        assert (entry.basis == "same core") == bool(entry.phones)
        assert entry.sd > 0


@pytest.mark.parametrize("path", NPU_FILES, ids=[path.stem for path in NPU_FILES])
def test_npus_of_rates_are_those_of_devices(path: Path) -> None:
    """Every NPU of a file is one that a device has, and each was measured."""
    file = read_rates(path)
    models = {processor.model for name in device_names() for processor in load_device(name).processors.values()}
    models |= {npu.name for name in soc_names() if (npu := load_soc(name).npu) is not None}
    assert set(file.cores) <= models
    assert all(entry.basis == "same core" and entry.phones and entry.sd > 0 for entry in file.cores.values())


def test_facts_of_an_npu_by_hand() -> None:
    """One generation beyond v73 is a tenth; 80 TOPS are twice the usual 40; what nobody states is said."""
    assert facts_of_npu(Npu("Hexagon v74 (X)", 80.0)) == pytest.approx((1.0, 0.1, np.log(2), 0.0))
    assert facts_of_npu(Npu("Hexagon (X)")) == (1.0, 0.0, 0.0, 1.0)


def test_an_npu_that_was_not_measured_has_rates_of_its_facts() -> None:
    """The scale is that of its TOPS and generation: twice the TOPS at the file's exponent."""
    file = read_rates(hardware_profiles() / "rates" / "tflite-htp-int8.json")
    one, two = (known_core(file, Npu(f"Hexagon v73 ({tops})", tops)) for tops in (20.0, 40.0))
    assert one.basis == "facts"
    assert one.scale - two.scale == pytest.approx(-file.facts["log_tops"] * np.log(2))
    assert known_core(file, Npu("Hexagon v73 (unknown)")).sd == file.facts["unstated_sd"]


def test_facts_by_hand() -> None:
    core = load_core("cortex_a53")  # 4 MACs a cycle, in-order, 2 instructions decoded (Arm's guide of the core)
    assert facts_of(core) == pytest.approx((1.0, np.log(4 / 8), 1.0, np.log(2 / 4)))


def test_a_core_is_found_by_its_other_names() -> None:
    for text in ("cortex_a76", "Cortex-A76", "CORTEX A76"):
        assert load_core(text).name == "cortex_a76"
    assert load_core("Cortex-A76 (Kryo 485)").name == "kryo_485_gold"
    assert find_core("Cortex-A1000") is None


def test_threads_by_hand() -> None:
    """A term takes share + (1 - share) / k of its time, and a kernel waits for the others in addition."""
    data = json.loads((hardware_profiles() / "rates" / "tflite-2.10-fp32.json").read_text(encoding="utf-8"))
    target = mbcost.resolve_target("raspberry_pi_5@tflite-2.10", "fp32")  # four equal cores at 2.4 GHz
    one, three = (latency_model(replace(target, threads=threads)).rates for threads in (1, 3))
    share = data["serial"]["gemm"]
    assert three["gemm"].seconds == pytest.approx(one["gemm"].seconds * (share + (1 - share) / 3))
    share, waits = data["serial"]["call"], data["sync_cycles"] / 2.4e9
    assert three["call"].seconds == pytest.approx(one["call"].seconds * (share + (1 - share) / 3) + waits)


def test_a_set_of_clusters_by_hand() -> None:
    """A Prime core at 2.84 GHz and a Gold one at 2.42 GHz, of one design: the slower sets the pace of its half."""
    data = json.loads((hardware_profiles() / "rates" / "tflite-2.10-fp32.json").read_text(encoding="utf-8"))
    one = latency_model(mbcost.resolve_target("pixel4/cpu@tflite-2.10", "fp32")).rates["gemm"].seconds
    both = mbcost.resolve_target("pixel4/cpu.large+medium@tflite-2.10", "fp32", 2)
    share = data["serial"]["gemm"]
    slower = one * 2.84 / 2.42
    assert latency_model(both).rates["gemm"].seconds == pytest.approx(one * share + slower * (1 - share) / 2)
    assert [cluster.max_threads for cluster in both.processor.clusters] == [1, 3]
    # threads beyond the Prime core run on the Gold ones, whoever names the CPU alone
    assert latency_model(mbcost.resolve_target("pixel4", "fp32", 2)).rates["gemm"].seconds == pytest.approx(
        one * share + slower * (1 - share) / 2
    )


@pytest.mark.parametrize("name", ["cpu.large+huge", "cpu.large+large", "cpu.large+gpu", "cpu+"])
def test_a_set_of_clusters_that_is_none(name: str) -> None:
    with pytest.raises(InputError) as caught:
        mbcost.resolve_target(f"pixel4/{name}")
    assert caught.value.codes == ("MB304",)


def test_a_core_that_nobody_measured_takes_its_relatives_rates() -> None:
    file = read_rates(hardware_profiles() / "rates" / "tflite-2.10-fp32.json")
    unknown = replace(load_core("kryo_485_gold"), name="my_core", like="kryo_485_gold")
    entry = known_core(file, unknown)
    assert entry.basis == "related core"
    assert entry.scale == file.cores["kryo_485_gold"].scale


def test_an_unknown_core_and_a_precision_without_rates_are_errors() -> None:
    target = mbcost.resolve_target("pixel4@tflite-2.10")
    with pytest.raises(InputError) as caught:
        mbcost.analyze("mobilenet_v2", replace(target, processor=replace(target.processor, model="Unheard-of")))
    assert caught.value.codes == ("MB401",)
    assert "is not in the catalogue of cores" in str(caught.value)


def test_the_interval_holds_the_prediction_and_is_wider_for_facts() -> None:
    measured = mbcost.analyze("mobilenet_v2", "pixel4@tflite-2.10", calibration=False)
    facts = mbcost.analyze("mobilenet_v2", "galaxy_s24@tflite-2.10", calibration=False)
    for analysis in (measured, facts):
        assert analysis.latency_low_s < analysis.latency_s < analysis.latency_high_s
    assert facts.latency_high_s / facts.latency_s > measured.latency_high_s / measured.latency_s
    for analysis, words in ((measured, "rates are those of"), (facts, "rates are from the facts of Arm Cortex-X4")):
        assert any(words in warning for warning in analysis.warnings)


def test_one_latency_moves_all_rates_and_narrows_the_interval() -> None:
    """A phone 20 % slower than its facts say: after one network most of that is known of another one."""
    target = mbcost.resolve_target("galaxy_s24@tflite-2.10", "fp32")
    runtime, form, rates = latency_model(target)
    spread = spread_of(target, runtime, form)
    assert spread is not None
    priors = {name: float(rate.seconds) for name, rate in rates.items()}
    before = mbcost.analyze("mobilenet_v1", target, calibration=False)
    counts = np.array([[float(v) for v in form.total(before.kernels, form.counts(before.kernels)).values()]])
    measured = counts @ np.array(list(priors.values())) * 1.2
    found = calibrate(
        target, form, ["mobilenet_v1"], counts, np.array([5.7e8]), measured, priors,
        date="2026-11-28", source="by hand", noise=np.array([spread.noise]), spread=spread,
    )  # fmt: skip
    plain = mbcost.analyze("mobilenet_v2", target, calibration=False)
    after = mbcost.analyze("mobilenet_v2", target, calibration=found)
    assert after.latency_s / plain.latency_s == pytest.approx(1.2, abs=0.08)
    assert after.latency_high_s / after.latency_s < plain.latency_high_s / plain.latency_s
