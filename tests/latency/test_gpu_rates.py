"""Rates learned by GPU: the shipped file is sound, and unknown GPUs, precisions and one latency do what they should."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import mbcost
from mbcost.calibration.fit import calibrate
from mbcost.devices.gpus import find_gpu
from mbcost.errors import InputError
from mbcost.latency.core_rates import read_rates
from mbcost.latency.forms.tflite_gpu import TFLITE_GPU
from mbcost.latency.gpu_rates import BASES, known_gpu, scales, units_of
from mbcost.latency.model import latency_model, spread_of
from mbcost.resources import hardware_profiles

FILE = read_rates(hardware_profiles() / "rates" / "tflite-gpu-2.10-fp16.json")


def test_the_file_is_sound() -> None:
    terms = [term.name for term in TFLITE_GPU.terms]
    assert list(FILE.cycles) == terms
    assert set(BASES) == set(terms)
    for averages in (FILE.cycles, *FILE.variants.values()):
        assert list(averages) == terms
        assert all(value > 0 for value in averages.values())
    for rows in (FILE.same, FILE.other):
        lower = np.array([[*row, *[0.0] * (len(rows) - len(row))] for row in rows])
        assert np.linalg.eigvalsh(lower + np.tril(lower, -1).T).min() > 0
    for name, entry in FILE.cores.items():
        gpu = find_gpu(name)
        assert gpu is not None
        assert gpu.vendor in FILE.variants
        assert (entry.basis == "same core") == bool(entry.phones)


def test_a_gpu_that_nobody_measured_has_its_designers_average() -> None:
    """An Adreno 740 of another generation: the average of Adrenos, from facts; an Adreno 650: a related one."""
    for name, basis in (("adreno_740", "facts"), ("adreno_650", "related core"), ("xclipse_940", "facts")):
        gpu = find_gpu(name)
        assert gpu is not None
        entry = known_gpu(FILE, gpu)
        assert (entry.basis, entry.scale, entry.shape) == (basis, 0.0, {})
        average = FILE.variants.get(gpu.vendor, FILE.cycles)
        assert units_of(FILE, gpu, entry, "fp16") == pytest.approx(average)
    assert known_gpu(FILE, find_gpu("xclipse_940")).sd > known_gpu(FILE, find_gpu("adreno_740")).sd  # type: ignore[arg-type]


def test_rates_are_units_of_the_data_sheet() -> None:
    """An Adreno 740 at 680 MHz has 1,536 multiply-adds a cycle and 67 GB/s of memory (its file); a launch is a time."""
    target = mbcost.resolve_target("snapdragon_8_gen_2/gpu")
    rates = latency_model(target).rates
    average, memory = FILE.variants["adreno"], target.device.memory.bandwidth
    assert memory is not None
    clock = target.processor.clock
    assert clock is not None
    assert rates["reads"].seconds == pytest.approx(average["reads"] / (1536 * clock.value))
    assert rates["latency"].seconds == pytest.approx(average["latency"] / clock.value)
    assert rates["copy"].seconds == pytest.approx(average["copy"] / memory.value)
    assert rates["launch"].seconds == pytest.approx(average["launch"])


def test_fp32_is_assumed_to_take_twice_as_long() -> None:
    half, full = (latency_model(mbcost.resolve_target("pixel4/gpu", each)).rates for each in ("fp16", "fp32"))
    for term, base in BASES.items():
        factor = 2 if base in ("peak", "clock") else 1  # of traffic, the bytes are twice as many
        assert full[term].seconds == pytest.approx(half[term].seconds * factor)
    assert mbcost.analyze("mobilenet_v2", "pixel4/gpu", precision="fp32", calibration=False).basis == "from facts"
    measured = mbcost.analyze("mobilenet_v2", "pixel4/gpu", calibration=False)
    assert measured.basis == "from the same core in other devices"


def test_times_have_no_scale() -> None:
    assert scales(FILE) == tuple(float(BASES[term] != "time") for term in FILE.cycles)
    assert {term for term, base in BASES.items() if base == "time"} == {"launch", "dispatch", "call"}
    gpu = find_gpu("adreno_640")
    assert gpu is not None
    entry = replace(known_gpu(FILE, gpu), scale=math.log(3.0))
    plain = replace(entry, scale=0.0)
    slow, fast = units_of(FILE, gpu, entry, "fp16"), units_of(FILE, gpu, plain, "fp16")
    assert slow["call"] == fast["call"]
    assert slow["conv"] == pytest.approx(3 * fast["conv"])


def test_an_unknown_gpu_is_an_error() -> None:
    target = mbcost.resolve_target("pixel4/gpu")
    with pytest.raises(InputError) as caught:
        mbcost.analyze("mobilenet_v2", replace(target, processor=replace(target.processor, model="Adreno 999")))
    assert caught.value.codes == ("MB401",)
    assert "is not in the catalogue of GPUs" in str(caught.value)


def test_one_latency_moves_the_rates_and_narrows_the_interval() -> None:
    """A GPU 30 % slower than its facts say: after one network most of that is known of another one, without a jump."""
    target = mbcost.resolve_target("galaxy_s24/gpu")
    runtime, form, rates = latency_model(target)
    spread = spread_of(target, runtime, form)
    assert spread is not None
    priors = {name: float(rate.seconds) for name, rate in rates.items()}
    before = mbcost.analyze("mobilenet_v1", target, calibration=False)
    counts = np.array([[float(v) for v in form.total(before.kernels, form.counts(before.kernels)).values()]])
    measured = counts @ np.array(list(priors.values())) * 1.3
    found = calibrate(
        target, form, ["mobilenet_v1"], counts, np.array([5.7e8]), measured, priors,
        date="2026-11-29", source="by hand", noise=np.array([spread.noise]), spread=spread,
    )  # fmt: skip
    plain = mbcost.analyze("mobilenet_v2", target, calibration=False)
    after = mbcost.analyze("mobilenet_v2", target, calibration=found)
    assert after.latency_s / plain.latency_s == pytest.approx(1.3, abs=0.15)
    assert after.latency_high_s / after.latency_s < plain.latency_high_s / plain.latency_s
