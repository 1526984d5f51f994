"""Analyses with a calibration: its rates, its interval, and where it does not reach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import mbcost
from mbcost.calibration.file import calibration_text, read_calibration
from mbcost.calibration.interval import WIDER_OUTSIDE, WIDER_THREADS
from mbcost.calibration.measurements import read_measurements
from mbcost.calibration.record import Calibration, FittedRate, Interval, Range, Residuals
from mbcost.devices import resolve_target
from mbcost.errors import InputError
from mbcost.files import load_yaml
from mbcost.latency import find_form
from mbcost.latency.model import latency_model
from mbcost.resources import hardware_profiles

#: Calibrations that ship by their files' names, and the files of latencies that ship.
FOLDER = hardware_profiles()
SHIPPED = {path.stem: read_calibration(load_yaml(path)) for path in sorted((FOLDER / "calibrations").glob("*.yaml"))}
MEASURED = sorted((FOLDER / "measurements").glob("*.csv"))

TERMS = {term.name: term.unit for term in find_form("cpu_eigen").terms}


def twice_as_slow(device: str = "pixel1") -> Calibration:
    """All rates of the profile doubled, and a range that holds every mobile network."""
    target = resolve_target(device)
    _, _, rates = latency_model(target)
    fitted = {
        name: FittedRate(2 * rates[name].seconds, rates[name].seconds, unit, 0.1, "data")
        for name, unit in TERMS.items()
    }
    return Calibration(
        device=target.device.name,
        processor=target.processor.name,
        runtime=target.runtime,
        precision=target.precision,
        threads=1,
        form="cpu_eigen",
        rates=fitted,
        networks=30,
        interval=Interval(1.1, 0.0),
        covariance=[[0.0] * (i + 1) for i in range(len(TERMS))],
        residuals=Residuals(0.03, 0.0, 0.8, 1.0, 1.0),
        unseen=Residuals(0.04, 0.0, 0.7, 1.0, 1.0),
        macs=Range(1e7, 1e9),
        latency_s=Range(1e-3, 0.5),
        shares=dict.fromkeys(TERMS, Range(0, 1)),
        data_sha256="0",
        date="2026-11-21",
        source="nobody",
    )


def test_rates_and_interval_are_those_of_the_calibration() -> None:
    before = mbcost.analyze("mobilenet_v2", "pixel1", calibration=False)
    after = mbcost.analyze("mobilenet_v2", "pixel1", calibration=twice_as_slow())
    assert (before.calibrated, after.calibrated) == (False, True)
    assert after.latency_s == pytest.approx(2 * before.latency_s)
    assert after.latency_low_s == pytest.approx(after.latency_s / 1.1)
    assert after.latency_high_s == pytest.approx(after.latency_s * 1.1)
    assert {rate.source for rate in after.rates.values()} == {"fitted"}
    reference = after.rates["gemm"].parameters[0].reference
    assert reference == "calibration pixel1-cpu-tflite-2018-fp32 of 2026-11-21: nobody"
    assert "GMAC/s, fitted to 30 latencies" in after.rates["gemm"].formula
    assert after.to_dict()["target"]["calibrated"] is True
    assert not any("not calibrated" in warning for warning in after.warnings)


def test_rates_that_the_data_did_not_decide_are_assumed() -> None:
    calibration = twice_as_slow()
    rates = {**calibration.rates, "copy": replace(calibration.rates["copy"], state="not covered")}
    analysis = mbcost.analyze("mobilenet_v2", "pixel1", calibration=replace(calibration, rates=rates))
    assert analysis.rates["copy"].source == "assumed"
    assert "copy_rate" in str(analysis.assumptions())


def test_interval_is_wider_outside_the_range() -> None:
    calibration = replace(twice_as_slow(), macs=Range(1e6, 1e7))
    analysis = mbcost.analyze("mobilenet_v2", "pixel1", calibration=calibration)
    assert analysis.latency_high_s == pytest.approx(analysis.latency_s * (1 + 0.1 * WIDER_OUTSIDE))
    assert "301 M MACs (1 to 10 M there)" in analysis.warnings[0]


def test_interval_grows_with_what_is_open() -> None:
    """f = 1 + 0.1 * sqrt(1 + 1600 * variance); only the rate of `gemm` is open, by 5 % of its prior."""
    before = mbcost.analyze("mobilenet_v2", "pixel1", calibration=twice_as_slow())
    assert before.calibration is not None
    calibration = twice_as_slow()
    covariance = [list(row) for row in calibration.covariance]
    covariance[0][0] = 0.05**2
    after = mbcost.analyze(
        "mobilenet_v2", "pixel1", calibration=replace(calibration, interval=Interval(1.1, 1600), covariance=covariance)
    )
    gemm = sum(part.compute_s for kernel, part in zip(after.kernels, after.estimates, strict=True)
               if kernel.kind in {"pointwise", "im2col_gemm", "dense"})  # fmt: skip
    variance = (0.05 * gemm / 2 / after.latency_s) ** 2  # the prior is half of the fitted rate
    assert after.latency_high_s / after.latency_s == pytest.approx(1 + 0.1 * (1 + 1600 * variance) ** 0.5)


def test_threads_that_were_not_measured_are_scaled_by_the_profile() -> None:
    before = mbcost.analyze("mobilenet_v2", "pixel1", threads=2, calibration=False)
    after = mbcost.analyze("mobilenet_v2", "pixel1", threads=2, calibration=twice_as_slow())
    assert after.latency_s == pytest.approx(2 * before.latency_s)
    assert after.latency_high_s == pytest.approx(after.latency_s * (1 + 0.1 * WIDER_THREADS))
    assert "calibrated with 1 thread" in after.warnings[0]


def test_a_file_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(calibration_text(twice_as_slow()))
    before = mbcost.analyze("mobilenet_v1", "pixel1", calibration=False)
    after = mbcost.analyze("mobilenet_v1", "pixel1", calibration=path)
    assert after.latency_s == pytest.approx(2 * before.latency_s, rel=1e-5)
    with pytest.raises(InputError) as error:
        mbcost.analyze("mobilenet_v1", device="pixel4", calibration=path)
    assert error.value.codes == ("MB601",)


def test_a_calibration_of_another_form_is_not_used() -> None:
    """One that was found for a target whose runtime has another form since says nothing about it."""
    from mbcost.calibration.apply import choose_calibration

    calibration = replace(twice_as_slow(), form="roofline")
    assert choose_calibration(resolve_target("pixel1"), find_form("cpu_eigen"), calibration) is None


def test_calibrations_ship() -> None:
    assert {"pixel1-cpu-tflite-2018-fp32", "pixel4-cpu-tflite-2.1-fp32", "zcu102-fpga-vitis-ai-2.5-int8"} <= set(
        SHIPPED
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_calibration_is_used_and_reproduces_its_range(name: str) -> None:
    calibration = SHIPPED[name]
    assert calibration.name == name
    target = f"{calibration.device}/{calibration.processor}@{calibration.runtime}"
    analysis = mbcost.analyze("mobilenet_v2", target, precision=calibration.precision)
    assert analysis.calibration == calibration
    assert analysis.latency_high_s >= analysis.latency_s * calibration.interval.factor * (1 - 1e-12)


def test_a_shipped_calibration_is_the_fit_to_its_measurements() -> None:
    """Of every file of latencies that ships and that a calibration was fitted to: fitting again gives the same."""
    pytest.importorskip("scipy")
    found = set()
    for path in MEASURED:
        *target, threads = read_measurements(path)[0][0].target
        name = "-".join(target)
        if name not in SHIPPED:
            continue
        device, processor, runtime, precision = target
        fitted = mbcost.calibrate(f"{device}/{processor}@{runtime}", path, precision=precision, threads=int(threads))
        if fitted.data_sha256 == SHIPPED[name].data_sha256:
            assert_same_fit(fitted, SHIPPED[name])
            found.add(name)
    assert {"pixel1-cpu-tflite-2018-fp32", "pixel1-cpu-tflite-2019-fp32", "pixel3-cpu-tflite-2019-fp32"} <= found


def assert_same_fit(one: Calibration, other: Calibration) -> None:
    """To the digits that do not depend on a machine's arithmetic."""
    assert list(one.rates) == list(other.rates)
    for name, rate in other.rates.items():
        assert one.rates[name].seconds == pytest.approx(rate.seconds, rel=1e-4), (other.name, name)
        assert one.rates[name].state == rate.state, (other.name, name)
    assert one.residuals.mape == pytest.approx(other.residuals.mape, abs=1e-5)
    assert one.interval.factor == pytest.approx(other.interval.factor, abs=1e-5)


def test_the_shipped_calibration_of_the_pixel_1_is_that_of_its_command() -> None:
    """Leave-one-out error of the V1 and V2 grids, as reports/accuracy.md has it."""
    calibration = mbcost.analyze("mobilenet_v2", device="pixel1").calibration
    assert calibration is not None
    assert calibration.residuals.mape == pytest.approx(0.035, abs=0.0005)
    assert calibration.networks == 16 + 22
