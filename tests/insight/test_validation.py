"""Predictions beside measurements: scores, intervals, and which rows the calibration saw."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.insight.validation import Validation, kendall_tau, validate, validation_of
from mbcost.resources import hardware_profiles

HEADER = "architecture,alpha,resolution,batch,precision,device,processor,runtime,threads,latency_ms,source\n"
PUBLISHED = hardware_profiles() / "measurements" / "pixel1_tflite_2018.csv"


@pytest.fixture(scope="module")
def validation() -> Validation:
    return validate("pixel1")


def test_predictions_and_intervals_are_those_of_analyze(validation: Validation) -> None:
    for row in (0, 20, 62):
        measurement = validation.rows[row]
        analysis = mbcost.analyze(
            measurement.architecture, "pixel1", alpha=measurement.alpha, resolution=measurement.resolution
        )
        found = validation.to_dict()["rows"][row]
        assert [found[f"{name}_ms"] for name in ("predicted", "low", "high")] == pytest.approx(
            [time * 1e3 for time in (analysis.latency_s, analysis.latency_low_s, analysis.latency_high_s)]
        )
        assert found["error"] == pytest.approx(analysis.latency_s / measurement.measured_s - 1)


def test_scores_are_those_of_a_loop_over_the_rows(validation: Validation) -> None:
    result = json.loads(json.dumps(validation.to_dict(), allow_nan=False))
    assert result["schema"] == "mbcost/validation/1"
    rows, summary = result["rows"], result["summary"]
    errors = [abs(row["predicted_ms"] / row["measured_ms"] - 1) for row in rows]
    assert summary["latencies"] == len(rows) == 63
    assert summary["mape"] == pytest.approx(sum(errors) / 63)
    for name, limit in (("hit5", 0.05), ("hit10", 0.1), ("hit20", 0.2)):
        assert summary[name] == pytest.approx(sum(error <= limit for error in errors) / 63)
    inside = [row["low_ms"] <= row["measured_ms"] <= row["high_ms"] for row in rows]
    assert [row["covered"] for row in rows] == inside
    assert summary["coverage"] == pytest.approx(sum(inside) / 63)
    by_group = validation.score_by(lambda row: row.group)
    assert {name: score.latencies for name, score in by_group.items()} == {
        "mobilenet_v1": 16, "mobilenet_v2": 22, "mnasnet_a1": 25,
    }  # fmt: skip
    assert list(validation.to_frame().columns) == list(rows[0])


def test_the_worst_row_is_off_by_the_largest_factor(validation: Validation) -> None:
    factors = [max(1 + error, 1 / (1 + error)) for error in validation.errors]
    assert validation.worst()[0] == factors.index(max(factors))


def test_which_rows_the_calibration_saw(validation: Validation, tmp_path: Path) -> None:
    """The calibration that ships says that it was fitted to the 38 rows of one file, not to those of MnasNet."""
    assert [seen for seen, row in zip(validation.seen, validation.rows, strict=True) if row.group == "mnasnet_a1"] == (
        [False] * 25
    )
    assert validation.seen.count(True) == 38
    assert set(validate("pixel1", calibration=False).seen) == {False}
    changed = tmp_path / "m.csv"
    changed.write_text(PUBLISHED.read_text().replace(",73.8,", ",73.9,"))
    assert set(validate("pixel1", [changed]).seen) == {None}


def test_without_a_calibration_the_interval_is_that_of_the_runtime() -> None:
    plain = validate("pixel1", calibration=False)
    row = mbcost.analyze("mobilenet_v1", "pixel1", calibration=False)
    assert (plain.low_s[0], plain.high_s[0]) == pytest.approx((row.latency_low_s, row.latency_high_s))
    assert any("not calibrated" in warning for warning in plain.warnings)


def test_a_form_that_overlaps_can_be_validated(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(f"{HEADER}mobilenet_v2,1,224,1,fp32,iphone_x,gpu,coreml-gpu,1,5,x\n")
    found = validate("iphone_x/gpu", [tmp_path / "m.csv"])
    assert found.predicted_s[0] == pytest.approx(mbcost.analyze("mobilenet_v2", "iphone_x/gpu").latency_s)
    assert found.score().kendall_tau is None  # there is no pair


def test_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no measurement of pixel1/cpu@tflite-2018"):
        validation_of([], mbcost.resolve_target("pixel1"))
    with pytest.raises(InputError, match="no measurements of raspberry_pi_4"):
        validate("raspberry_pi_4")
    (tmp_path / "m.csv").write_text(HEADER)
    with pytest.raises(InputError, match="holds no measurement"):
        validate("pixel1", [tmp_path / "m.csv"])


def test_rows_that_cannot_be_built_are_named_all_at_once(tmp_path: Path) -> None:
    row = ",1,224,1,fp32,pixel1,cpu,tflite-2018,1,5,x\n"
    (tmp_path / "m.csv").write_text(f"{HEADER}nothing{row}mobilenet_v2{row}nobody{row}")
    with pytest.raises(InputError) as error:
        validate("pixel1", [tmp_path / "m.csv"])
    assert [problem.message[:6] for problem in error.value.problems] == ["row 2:", "row 4:"]


def test_kendall_tau_by_hand() -> None:
    assert kendall_tau([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(4 / 6)  # 5 of 6 pairs agree
    assert kendall_tau([1, 1, 2], [1, 2, 3]) == pytest.approx(2 / np.sqrt(2 * 3))  # one pair is tied in x
    assert kendall_tau([1, 2], [3, 3]) is None


def test_kendall_tau_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(7)
    x, y = random.integers(0, 30, (2, 200))
    assert kendall_tau(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, rel=1e-12)


def test_a_calibration_from_python() -> None:
    pytest.importorskip("scipy")
    fitted = mbcost.calibrate("pixel1", [PUBLISHED])
    assert mbcost.analyze("mobilenet_v2", "pixel1", calibration=fitted).latency_s == pytest.approx(
        mbcost.analyze("mobilenet_v2", "pixel1").latency_s, rel=1e-4
    )  # what ships was fitted to the same file, and is written with six digits
    assert len(fitted.rows) == fitted.networks == 38
    fitted_s = [row.fitted_s for row in fitted.rows]
    assert fitted_s == pytest.approx(list(validate("pixel1", [PUBLISHED], calibration=fitted).predicted_s))
