"""The fit on synthetic latencies whose rates are known, and calibration files."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mbcost.calibration.calibrate import calibrate_on, doubts
from mbcost.calibration.experiment import d_optimal
from mbcost.calibration.file import calibration_text, find_calibration, load_calibration, read_calibration
from mbcost.calibration.fit import (
    LEAST_RATIO,
    HeldOut,
    calibrate,
    conformal_interval,
    fit,
    hold_out,
    influence,
    prior_of,
    residuals,
)
from mbcost.calibration.interval import Workload, interval_factor, posterior_variance, unlike
from mbcost.calibration.measurements import bundled, of_target, read_measurements
from mbcost.calibration.record import Calibration, FittedRate, Interval
from mbcost.devices import resolve_target
from mbcost.errors import InputError
from mbcost.files import parse_yaml
from mbcost.insight.validation import validation_of
from mbcost.latency import find_form

pytest.importorskip("scipy")

#: Rates that the synthetic device has [s a count], and counts of a typical network, so that each term matters.
TRUE = np.array([1e-10, 4e-10, 1e-10, 1e-10, 2e-10, 8e-11, 1e-10, 7e-10])
TYPICAL = np.array([4e8, 3e7, 2e7, 5e7, 2e7, 3e7, 1e7, 4e6])


def synthetic(networks: int, noise: float = 0.0, seed: int = 0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    counts = TYPICAL * np.exp(random.normal(0, 1, (networks, len(TRUE))))
    return counts, counts @ TRUE * np.exp(random.normal(0, noise, networks))


def calibrated(size: int = 40, **changes: Any) -> Calibration:
    counts, measured = synthetic(size, 0.03)
    form = find_form("cpu_gemm")
    arguments: dict[str, Any] = {
        "networks": [f"net{i}" for i in range(size)],
        "counts": counts,
        "macs": counts[:, 0],
        "measured_s": measured,
        "priors": dict(zip([term.name for term in form.terms], 1.5 * TRUE, strict=True)),
        "date": "2026-11-21",
        "source": 'synthetic: "quoted", # and \\ more',
        **changes,
    }
    return calibrate(resolve_target("pixel4"), form, **arguments)


def test_known_rates_are_recovered() -> None:
    counts, measured = synthetic(60)
    found = fit(counts, measured, 2 * TRUE, prior_sd=100)
    assert found.rates == pytest.approx(TRUE, rel=0.01)
    assert found.uncertainty.max() < 0.05


def test_outliers_hardly_move_the_fit() -> None:
    counts, measured = synthetic(100, 0.02)
    measured[::20] *= 3  # five bad measurements
    found = fit(counts, measured, 1.2 * TRUE).rates
    assert np.median(np.abs(counts @ found / (counts @ TRUE) - 1)) < 0.02


def test_what_the_data_do_not_say_stays_at_the_prior() -> None:
    counts, measured = synthetic(60)
    measured -= counts[:, 5] * TRUE[5]
    counts[:, 5] = 0
    found = fit(counts, measured, 2 * TRUE)
    assert found.rates[5] == pytest.approx(2 * TRUE[5])
    assert found.uncertainty[5] == pytest.approx(1)
    assert np.delete(found.uncertainty, 5).max() < 0.5


def test_a_shared_factor_reaches_the_rates_that_the_data_do_not_cover() -> None:
    """All rates are twice their priors; two of them have no counts, and only one of those shares the factor."""
    counts, _ = synthetic(60)
    counts[:, [5, 6]] = 0
    shared = np.ones((8, 8))
    shared[6, :] = shared[:, 6] = 0
    shared[6, 6] = 1
    found = fit(counts, counts @ TRUE, TRUE / 2, prior_sd=0.2, shared=shared)
    assert found.rates / TRUE * 2 == pytest.approx([2, 2, 2, 2, 2, 2, 1, 2], rel=0.1)
    assert found.uncertainty[[5, 6]] == pytest.approx([1, 1])


def test_a_form_says_what_its_rates_share() -> None:
    assert prior_of(find_form("cpu_gemm"))["shared"].max() == 0
    form = find_form("cpu_eigen")
    prior = prior_of(form)
    place = {term.name: i for i, term in enumerate(form.terms)}
    assert prior["prior_sd"] == 0.5
    assert prior["shared"][place["gemm"], place["depthwise"]] == 1
    assert prior["shared"][place["weights"], place["im2col"]] == 1
    assert prior["shared"][place["gemm"], place["weights"]] == 0


def test_a_rate_is_never_faster_than_its_cap() -> None:
    counts, measured = synthetic(60)
    caps = np.zeros(8)
    caps[0] = 1.3 * TRUE[0]
    found = fit(counts, measured, 2 * TRUE, caps=caps).rates
    assert found[0] == pytest.approx(caps[0])
    assert (found >= 0).all()


def test_intervals_cover_what_they_say() -> None:
    """90 % of new networks, on average over calibrations."""
    covered = []
    for seed in range(8):
        counts, measured = synthetic(500, 0.05, seed)
        one = hold_out(counts[:60], measured[:60], TRUE, np.arange(60))
        found = fit(counts[:60], measured[:60], TRUE)
        predicted = counts[60:] @ found.rates
        triangle = [row[: i + 1] for i, row in enumerate(found.covariance)]
        factor = conformal_interval(one).bounds(
            posterior_variance(triangle, (counts[60:] * TRUE / predicted[:, None]).T)
        )
        covered.append(np.mean(np.maximum(predicted / measured[60:], measured[60:] / predicted) <= factor))
    assert 0.86 < np.mean(covered) < 0.94


def test_intervals_are_wider_for_groups_that_were_not_seen() -> None:
    """Group 0 alone has the last term, whose prior is far off: without it, its rate is open, and its error is large."""
    random = np.random.default_rng(0)
    counts, _ = synthetic(120)
    groups = np.arange(120) % 6
    counts[groups > 0, 7] = 0
    measured = counts @ TRUE * np.exp(random.normal(0, 0.01, 120))
    priors = TRUE * np.where(np.arange(8) == 7, 3, 1)
    one, group = (hold_out(counts, measured, priors, labels) for labels in (np.arange(120), groups))
    assert (group.variance[groups == 0] > one.variance[groups == 0]).all()
    assert conformal_interval(one, group, 6).growth > 0
    assert conformal_interval(one, group, 6).bounds(0.01) > conformal_interval(one).factor


def test_where_each_network_is_a_group_of_its_own_the_interval_still_grows() -> None:
    alone = calibrated(groups=[f"net{i}" for i in range(40)])
    assert alone.interval == calibrated().interval
    assert alone.interval.growth > 0
    assert alone.rows[0].group_out_s is None


def test_intervals_by_hand() -> None:
    """Rank ceil(20 * 0.9) = 18 of 19; with three networks, t(0.95; 2) = 2.920 (Student 1908) times their spread."""
    ratios = 1 + np.arange(1, 20) / 100
    assert conformal_interval(HeldOut(ratios, np.zeros(19))).factor == pytest.approx(1.18)
    assert conformal_interval(HeldOut(1 / ratios, np.zeros(19))).factor == pytest.approx(1.18)
    few = HeldOut(np.array([1.1, 1.1, 1 / 1.1]), np.zeros(3))
    assert conformal_interval(few).factor == pytest.approx(1 + 2.920 * 0.1, abs=1e-4)
    assert Interval(1.2, 300).bounds(0.01) == pytest.approx(1 + 0.2 * 2)  # sqrt(1 + 3) = 2
    assert posterior_variance([[4.0], [1.0, 9.0]], [0.5, 2.0]) == pytest.approx(1 + 2 * 1 + 36)


def test_the_design_takes_what_is_least_certain() -> None:
    """Two terms: after a network of the first alone, one of the second alone."""
    shares = np.array([[1.0, 0.0], [0.999, 0.001], [0.0, 1.0], [0.5, 0.5]])
    open_ = np.eye(2) / 4
    assert d_optimal(shares, 2, open_) in ([0, 2], [2, 0])
    assert sorted(d_optimal(shares, 9, open_)) == [0, 1, 2, 3]
    known = np.diag([1e-6, 0.25])  # the first is known
    assert d_optimal(shares, 1, known) == [2]


def test_a_rate_that_is_0_before_stays_0() -> None:
    counts, measured = synthetic(60)
    measured -= counts[:, 5] * TRUE[5]
    found = fit(counts, measured, np.where(np.arange(8) == 5, 0, TRUE))
    assert found.rates[5] == 0
    assert found.uncertainty[5] == 1
    assert np.delete(found.rates, 5) == pytest.approx(np.delete(TRUE, 5), rel=0.02)


def test_latencies_of_something_else_are_a_failed_fit() -> None:
    counts, measured = synthetic(40)
    measured = measured[::-1] * np.where(np.arange(40) % 2, 30, 1 / 30)
    with pytest.raises(InputError) as error:
        calibrated(counts=counts, measured_s=measured)
    assert error.value.codes == ("MB602",)


def test_residuals_by_hand() -> None:
    found = residuals(np.array([1.0, 1.04, 0.92, 1.16]))
    assert found.mape == pytest.approx((0.04 + 0.08 + 0.16) / 4)
    assert found.bias == pytest.approx(0.03)
    assert (found.hit5, found.hit10, found.hit20) == (0.5, 0.75, 1.0)


def test_states_and_ranges() -> None:
    counts, measured = synthetic(40, 0.03)
    measured -= counts[:, 6] * TRUE[6]
    counts[:, 6] = 0
    calibration = calibrated(counts=counts, measured_s=measured)
    assert calibration.by_state("not covered") == ("copy",)
    assert "gemm" in calibration.by_state("data")
    assert calibration.shares["copy"] == (0, 0)
    assert calibration.latency_s == (measured.min(), measured.max())
    assert calibration.interval.factor > 1
    assert FittedRate(1 / 10.1e9, 1e-10, "MAC", 0.1, "data").reading == "10.1 GMAC/s"
    limited = FittedRate(1 / 10.1e9, 1e-10, "MAC", 0.1, "data", 1 / 22.72e9)
    assert limited.reading == "10.1 GMAC/s, 44 % of peak"  # 2.84 GHz x 8 MAC/cycle
    assert FittedRate(1e-10, 1e-10, "B", 0.1, "data", 5e-11).reading == "10 GB/s, 50 % of bandwidth"
    assert not limited.at_limit
    assert FittedRate(1e-10, 1e-10, "MAC", 0.1, "data", 1e-10).at_limit
    assert FittedRate(0.0, 1e-10, "MAC", 0.1, "data").reading == "free"


def test_doubts_about_a_fit() -> None:
    sound = calibrated()
    assert doubts(sound) == []
    poor = replace(sound, residuals=replace(sound.residuals, mape=0.178))
    (problem,) = doubts(poor)
    assert problem.severity == "warning"
    assert "wrong by 17.8% on average" in problem.message
    name, rate = next((name, rate) for name, rate in sound.rates.items() if rate.unit == "B")
    fast = replace(rate, seconds=rate.limit / 3.72, state="data")
    (problem,) = doubts(replace(sound, rates={**sound.rates, name: fast}))
    assert f"`{name}` is 372% of the memory's bandwidth" in problem.message


def test_no_latency() -> None:
    with pytest.raises(InputError) as error:
        calibrated(size=0)
    assert error.value.codes == ("MB600",)


def test_the_interval_of_one_latency_by_hand() -> None:
    """Predicted exactly by the priors: 1.645 standard deviations, of noise 0.05 and a variance of 0.09."""
    interval = conformal_interval(HeldOut(np.array([1.0]), np.array([0.09])))
    assert interval.bounds(0.0) == pytest.approx(1 + 1.645 * 0.05)
    assert interval.bounds(0.09) == pytest.approx(1 + 1.645 * math.sqrt(0.05**2 + 0.3**2))


def test_the_interval_of_two_latencies_covers_both_held_out() -> None:
    """0.4 too short, 1.8 times as long: distances 1.5 and 0.8, with variances of 0 and 1."""
    interval = conformal_interval(HeldOut(np.array([0.4, 1.8]), np.array([0.0, 1.0])))
    assert interval.bounds(0.0) == pytest.approx(1 + 1.5)
    assert interval.bounds(1.0) >= 1.8


@pytest.mark.parametrize(("count", "least"), [(1, 0.85), (2, 0.85)])
def test_intervals_of_few_latencies_cover_what_they_say(count: int, least: float) -> None:
    """Published latencies of a Pixel 1 and a Pixel 2: random ones are fitted, the others compared."""
    rng, covered = random.Random(1), []
    for name in ("pixel1/cpu@tflite-2018", "pixel2/cpu@tflite-2018"):
        target = resolve_target(name)
        rows = of_target([row for path in bundled(target) for row in read_measurements(path)[0]], target)
        for _ in range(6):
            some = rng.sample(rows, count)
            found = validation_of([row for row in rows if row not in some], target, calibrate_on(some, target)[0])
            covered.append(float(np.mean(found.covered)))
    assert np.mean(covered) >= least


def test_a_group_that_the_others_predict_as_nothing_has_no_warning() -> None:
    """All work of the held-out group is of a term that is free without it."""
    counts = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [0.0, 1.0]])
    held_out = hold_out(counts, np.array([1.0, 2.0, 3.0, 1.0]), np.array([1.0, 0.0]), np.array(list("aaab")))
    assert held_out.ratios[3] == pytest.approx(LEAST_RATIO)
    assert np.isfinite(held_out.variance).all()


def test_the_data_hash_does_not_depend_on_the_order() -> None:
    counts, measured = synthetic(40, 0.03)
    back = {"counts": counts[::-1], "measured_s": measured[::-1], "networks": [f"net{i}" for i in range(40)][::-1]}
    assert calibrated(**back).data_sha256 == calibrated().data_sha256
    assert calibrated(measured_s=measured * 1.01).data_sha256 != calibrated().data_sha256


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InputError, match=r"mbcost\[calibrate\]") as error:
        fit(*synthetic(10), TRUE)
    assert error.value.codes == ("MB011",)


def test_unlike_names_what_differs() -> None:
    calibration = calibrated()
    shares = dict.fromkeys(calibration.shares, 0.1)
    low, high = calibration.latency_s
    counts = dict.fromkeys(calibration.shares, 1.0)
    assert unlike(calibration, Workload(calibration.macs.low, low, shares, counts)) == []
    (found,) = unlike(calibration, Workload(calibration.macs.high, 10 * high, shares, counts))
    assert "ms there" in found
    other = Workload(calibration.macs.high, high, {**shares, "copy": 1.0}, counts)
    (found,) = unlike(calibration, other)
    assert found.startswith("100% of the time is copy")
    assert interval_factor(calibration, other) > interval_factor(calibration, other._replace(shares=shares))


def test_file_round_trip(tmp_path: Path) -> None:
    text = calibration_text(calibrated())
    path = tmp_path / "a.yaml"
    path.write_text(text)
    again = load_calibration(path, resolve_target("pixel4"))
    assert calibration_text(again) == text
    assert again.source == calibrated().source
    assert again.rates["gemm"].seconds == pytest.approx(calibrated().rates["gemm"].seconds, rel=1e-5)
    assert again.path == str(path)


def test_a_calibration_of_another_target_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(calibration_text(calibrated()))
    with pytest.raises(InputError) as error:
        load_calibration(path, resolve_target("pixel1"))
    assert error.value.codes == ("MB601",)


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("form: cpu_gemm", "form: cpu_gem", "MB103", 3),
        ("networks: 40", "networks: many", "MB103", 6),
        ("factor: 1", "factor: 0", "MB103", 9),
        ("interval: {", "interval: 3 # {", "MB103", 9),
        ("covariance: [", "covariance: [1, ", "MB103", 16),
        ("networks: 40", "network: 40", "MB101", 6),
        ("state: \"data\"", "state: \"date\"", "MB103", 16),
        ("device: \"pixel4\"", "device: 4", "MB103", 2),
        ("threads: 1", "threads: 1, cores: 2", "MB101", 2),
        ("bias: ", "bias: x", "MB103", 10),
        ("macs: [", "macs: [1, ", "MB103", 12),
        ("macs: [", "macs: [1e19, ", "MB103", 12),
        ("  gemm: {", "  gemm: {rate: 1, ", "MB101", 16),
        ("latency_s: [", "latency_s: 1 # [", "MB103", 13),
    ],
)  # fmt: skip
def test_broken_files_are_refused_at_their_place(old: str, new: str, code: str, line: int) -> None:
    text = calibration_text(calibrated())
    assert old in text
    with pytest.raises(InputError) as error:
        read_calibration(parse_yaml(text.replace(old, new, 1), "broken.yaml"))
    places = [(problem.code, problem.location.line) for problem in error.value.problems if problem.location]
    assert (code, line) in places


@pytest.mark.parametrize("text", ["", "[]", "a", "target: []\nrates: 3\n", "form: cpu_gemm\nrates: {gemm: [1]}\n"])
def test_files_of_another_shape_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_calibration(parse_yaml(text, "broken.yaml"))


def test_the_users_calibration_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MBCOST_DEVICES", str(tmp_path))
    folder = tmp_path / "calibrations"
    folder.mkdir()
    target = resolve_target("pixel4")
    (folder / f"{calibrated().name}.yaml").write_text(calibration_text(calibrated()))
    found = find_calibration(target)
    assert found is not None
    assert found.source == calibrated().source
    stranger = replace(target, device=replace(target.device, origin="file", name="other"))
    assert find_calibration(stranger) is None


def test_leverage_by_hand() -> None:
    """One rate, three equal networks: each has 1/s^2 over 3/s^2 + 1/p^2, here 1/0.05^2 / (3/0.05^2 + 1/0.5^2)."""
    counts, measured, priors = np.full((3, 1), 2.0), np.full(3, 2.0), np.array([1.0])
    leverage, weight = influence(counts, measured, priors, fit(counts, measured, priors), 0.05)
    assert leverage == pytest.approx(np.full(3, 400 / (3 * 400 + 4)))
    assert weight == pytest.approx(np.ones(3))


def test_leverages_add_up_to_the_rates_that_the_data_decide() -> None:
    """The trace of (X'WX + P)^-1 X'WX is the number of rates less the trace of the posterior times the prior."""
    counts, measured = synthetic(60, 0.03)
    counts[:, 5] = 0
    found = fit(counts, measured, 1.5 * TRUE)
    leverage, weight = influence(counts, measured, 1.5 * TRUE, found, 0.05)
    assert leverage.sum() == pytest.approx(len(TRUE) - np.trace(found.covariance) / 0.5**2, rel=1e-5)
    assert leverage.sum() < len(TRUE) - 1
    assert 0 < weight.min() < 1  # some are off by more than the noise


def test_what_a_calibration_was_fitted_to() -> None:
    found = calibrated(groups=["a", "b"] * 20)
    errors = np.array([row.left_out_s / row.measured_s - 1 for row in found.rows])
    assert np.abs(errors).mean() == pytest.approx(found.residuals.mape)
    unseen = np.array([(row.group_out_s or 0) / row.measured_s - 1 for row in found.rows])
    assert np.abs(unseen).mean() == pytest.approx(found.unseen.mape)
    assert [row.group for row in found.rows[:2]] == ["a", "b"]
    assert all(row.group_out_s is None for row in calibrated().rows)
