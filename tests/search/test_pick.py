"""The choice under a budget: the published grid, brute force, several targets, nothing that fits."""

from __future__ import annotations

import csv
import json
import math
import re
from functools import cache
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mbcost
from mbcost.errors import InputError
from mbcost.report.rows.pick import chance_line
from mbcost.resources import hardware_profiles
from mbcost.search.budget import Budget, read_budgets
from mbcost.search.candidate import probability_below
from mbcost.search.checkpoints import checkpoints_of, interpolated_top1, published, published_names

WITH_CHECKPOINTS = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "mobilenet_v3_large_minimalistic",
    "mobilenet_v3_small_minimalistic",
    "mnasnet_a1",
)


def test_thirty_milliseconds_on_a_pixel_1() -> None:
    """tensorflow/models, README of mobilenet: 0.5 / 224 takes 28.7 ms (65.4 %), 1.0 / 128 takes 27.6 ms (65.3 %)."""
    result = mbcost.pick("mobilenet_v2", "pixel1", budget="30ms")
    best, second = result.pick, result.runner_up
    assert best is not None
    assert second is not None
    assert (best.alpha, best.resolution, best.top1, best.top1_source) == (0.5, 224, 65.4, "published")
    assert (best.slowest.latency_ms, best.slowest.source) == (28.7, "measured")
    assert best.slowest.predicted_ms == mbcost.analyze("mobilenet_v2", "pixel1", alpha=0.5).latency_s * 1e3
    assert best.probability is None
    assert (second.alpha, second.resolution, second.slowest.latency_ms) == (1.0, 128, 27.6)
    assert result.binds is not None
    assert (result.binds.candidate.name, result.binds.needs) == ("mobilenet_v2 0.75 / 160", 30.4)
    assert result.nearest is None
    assert result.would_fit is None


CANDIDATE = {
    "type": "object",
    "required": [
        "architecture", "alpha", "resolution", "latency_ms", "latency_source", "predicted_ms", "probability", "top1",
        "top1_source", "macs", "params",
    ],
    "properties": {
        "latency_source": {"enum": ["measured", "predicted"]},
        "top1_source": {"enum": ["published", "interpolated", None]},
        "probability": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "top1": {"type": ["number", "null"]},
    },
}  # fmt: skip
SCHEMA = {
    "type": "object",
    "required": ["schema", "budget", "pick", "runner_up", "front"],
    "properties": {
        "schema": {"const": "mbcost/pick/1"},
        "budget": {"type": "object", "properties": {"latency_ms": {"type": "number"}}},
        "pick": {"anyOf": [CANDIDATE, {"type": "null"}]},
        "runner_up": {"anyOf": [CANDIDATE, {"type": "null"}]},
        "front": {"type": "array", "items": CANDIDATE},
    },
}


@pytest.mark.parametrize("budget", ["30ms", "1us", ["25fps", "300M MACs"]])
def test_json_is_as_documented(budget: str | list[str]) -> None:
    data = json.loads(json.dumps(mbcost.pick("mobilenet_v2", "pixel4", budget=budget).to_dict(), allow_nan=False))
    jsonschema.validate(data, SCHEMA)
    assert (data["pick"] is None) == (budget == "1us")


budgets = st.fixed_dictionaries(
    {},
    optional={
        "latency_ms": st.floats(2, 200),
        "frames_per_s": st.floats(5, 300),
        "macs": st.floats(5e6, 1e9),
        "params": st.floats(5e5, 1e7),
        "peak_activation_bytes": st.floats(3e5, 1e7),
    },
)


@settings(max_examples=40)
@given(
    limits=budgets,
    names=st.lists(st.sampled_from(WITH_CHECKPOINTS), min_size=1, max_size=3, unique=True),
    targets=st.lists(st.sampled_from(["pixel1", "pixel4", "pixel4/gpu"]), min_size=1, max_size=3, unique=True),
)
def test_pick_is_brute_force(limits: dict[str, float], names: list[str], targets: list[str]) -> None:
    """Every checkpoint of every network, analysed one by one, and a loop that keeps the best that fits."""
    assume(limits)
    measured = measurements()
    best: tuple[float, ...] | None = None
    chosen = None
    for name in names:
        for checkpoint in published(name):
            if checkpoint.precision != "fp32":
                continue
            key = (name, checkpoint.alpha, checkpoint.resolution)
            analyses = [
                mbcost.analyze(name, target, alpha=checkpoint.alpha, resolution=checkpoint.resolution)
                for target in targets
            ]
            known = [key in measured and each.target.name == "pixel1/cpu@tflite-2018" for each in analyses]
            pairs = list(zip(analyses, known, strict=True))
            latency = max(measured[key] if is_known else each.latency_s * 1e3 for each, is_known in pairs)
            needs = max(measured[key] if is_known else nine_of_ten_ms(each) for each, is_known in pairs)
            totals = analyses[0].totals
            peak = max(analysis.totals.peak_activation_bytes for analysis in analyses)  # fp16 on the GPU
            fits = (
                needs <= limits.get("latency_ms", math.inf)
                and 1e3 / needs >= limits.get("frames_per_s", 0)
                and totals.macs <= limits.get("macs", math.inf)
                and totals.params <= limits.get("params", math.inf)
                and peak <= limits.get("peak_activation_bytes", math.inf)
            )
            rank = (-checkpoint.top1, latency, totals.macs, totals.params)
            if fits and (best is None or rank < best):
                best, chosen = rank, key
    result = mbcost.pick(names, targets, budget=[Budget(kind, limit) for kind, limit in limits.items()])  # type: ignore[arg-type]
    found = result.pick
    assert (found and (found.architecture, found.alpha, found.resolution)) == chosen
    assert (result.nearest is None) == (chosen is not None)


def nine_of_ten_ms(analysis: mbcost.Analysis) -> float:
    """Latency that is kept with a probability of 90 %, if its logarithm is normal with the 90 % interval.

    1.2816 and 1.6449 standard deviations are the quantiles of a normal distribution at 90 and 95 %.
    """
    low, high = math.log(analysis.latency_low_s * 1e3), math.log(analysis.latency_high_s * 1e3)
    return math.exp((low + high) / 2 + 1.2815515655446004 / 1.6448536269514722 * (high - low) / 2)


@cache
def measurements() -> dict[tuple[str, float, int], float]:
    """The published latencies of the Pixel 1 that ship, read plainly."""
    found: dict[tuple[str, float, int], float] = {}
    for path in sorted((hardware_profiles() / "measurements").glob("*.csv")):
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
            target = (row.get("device"), row.get("processor"), row.get("runtime"), row.get("precision"))
            if target == ("pixel1", "cpu", "tflite-2018", "fp32"):
                key = (row["architecture"], float(row["alpha"]), int(row["resolution"]))
                found.setdefault(key, float(row["latency_ms"]))
    return found


def test_every_target_has_to_keep_the_budget() -> None:
    alone = mbcost.pick("mobilenet_v2", "pixel4", budget="30ms").pick
    both = mbcost.pick("mobilenet_v2", ["pixel4", "pixel1"], budget="30ms").pick
    assert alone is not None
    assert both is not None
    assert (both.alpha, both.resolution) == (0.5, 224)
    assert alone.top1 is not None
    assert alone.top1 > 65.4
    assert both.slowest.target == "pixel1/cpu@tflite-2018"
    assert len(both.targets) == 2


def test_between_is_at_least_as_good_and_marked() -> None:
    plain = mbcost.pick("mobilenet_v2", "pixel1", budget="30ms").pick
    result = mbcost.pick("mobilenet_v2", "pixel1", budget="30ms", between=True)
    best = result.pick
    assert plain is not None
    assert best is not None
    assert plain.top1 is not None
    assert best.top1 is not None
    assert best.top1 > plain.top1
    assert (best.top1_source, best.slowest.source) == ("interpolated", "predicted")
    assert best.probability is not None
    assert 0.5 <= best.probability <= 1  # the interval is symmetric in the logarithm
    assert {c.top1_source for c in result.front} == {"published", "interpolated"}


def test_a_wanted_probability_makes_the_choice_smaller() -> None:
    sure = mbcost.pick("mobilenet_v2", "pixel1", budget="30ms", between=True, min_probability=0.95).pick
    even = mbcost.pick("mobilenet_v2", "pixel1", budget="30ms", between=True, min_probability=0.5).pick
    assert sure is not None
    assert even is not None
    assert sure.top1 is not None
    assert even.top1 is not None
    assert sure.top1 <= even.top1
    assert sure.probability is None or sure.probability >= 0.95


def test_accuracies_are_known_however_many_tables_were_read(tmp_path):
    """More tables ship than were once kept, and a table read again was taken for another network."""
    spec = mbcost.load("mobilenet_v2")
    for number in range(70):
        path = tmp_path / f"net{number}.yaml"
        path.write_text("name: net\nsource: made up\ninput: 8x8x3\nlayers:\n  - {op: conv2d, out: 8}\n")
        mbcost.load(path)
    assert checkpoints_of(spec, "fp32")


def test_interpolation_by_hand() -> None:
    """V2 at 224: 0.5 has 65.4 %, 0.75 has 69.8 %; at 192: 63.9 and 68.7. ln(0.6/0.5) / ln(0.75/0.5) = 0.449659."""
    known = checkpoints_of(mbcost.load("mobilenet_v2"), "fp32")
    alphas, sizes = np.array([0.6, 0.6, 0.5, 1.35, 1.35, 0.3]), np.array([224.0, 192, 208, 224, 192, 224])
    found = interpolated_top1(known, alphas, sizes)
    assert found[0] == pytest.approx(65.4 + 0.449659 * 4.4, abs=1e-4)
    assert found[1] == pytest.approx(63.9 + 0.449659 * 4.8, abs=1e-4)
    # between 192 and 224 at 208: ln(208/192) / ln(224/192) = 0.519249
    assert found[2] == pytest.approx(63.9 + 0.519249 * 1.5, abs=1e-4)
    assert found[3] == pytest.approx(74.4 + math.log(1.35 / 1.3) / math.log(1.4 / 1.3) * 0.6, abs=1e-9)
    assert np.isnan(found[4:]).all()  # nothing was published on both sides


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "mnasnet_a1"])
@given(data=st.data())
def test_interpolation_is_monotone_and_exact(name: str, data: st.DataObject) -> None:
    known = checkpoints_of(mbcost.load(name), "fp32")
    for checkpoint in known:
        here = interpolated_top1(known, np.array([checkpoint.alpha]), np.array([float(checkpoint.resolution)]))
        assert here[0] == checkpoint.top1
    alphas = sorted(data.draw(st.lists(st.floats(0.35, 1.0), min_size=2, max_size=2)))
    sizes = sorted(data.draw(st.lists(st.floats(128, 224), min_size=2, max_size=2)))
    corners = interpolated_top1(known, np.array([alphas[0], alphas[1]]), np.array([sizes[0], sizes[1]]))
    assert corners[1] >= corners[0] - 1e-9


def test_without_any_accuracy_the_macs_decide() -> None:
    result = mbcost.pick("darknet19", "pixel4", budget="50ms")
    assert result.by == "macs"
    assert result.pick is not None
    assert (result.pick.top1, result.pick.top1_source) == (None, None)
    assert any("no accuracy of darknet19 is published" in note for note in result.notes)
    larger = [c for c in result.front if c.macs > result.pick.macs]
    assert all(c.slowest.needs_ms > 50 for c in larger)


def test_networks_without_accuracy_are_left_out_beside_others() -> None:
    result = mbcost.pick(["mobilenet_v2", "darknet19"], "pixel4", budget="30ms")
    assert result.by == "top1"
    assert result.pick is not None
    assert result.pick.architecture == "mobilenet_v2"
    assert any("left out" in note and "darknet19" in note for note in result.notes)


def test_nothing_fits() -> None:
    result = mbcost.pick("mobilenet_v2", "pixel1", budget="4ms")
    assert (result.pick, result.runner_up) == (None, None)
    assert result.nearest is not None
    assert (result.nearest.candidate.name, result.nearest.needs) == ("mobilenet_v2 0.35 / 96", 4.5)
    fits = result.would_fit
    assert fits is not None
    assert fits.top1 is None
    assert fits.slowest.latency_ms <= 4
    assert mbcost.pick("mobilenet_v2", "pixel1", budget="1ns").would_fit is None


def test_candidates_of_your_own() -> None:
    result = mbcost.pick("mobilenet_v2", "pixel1", budget="100ms", alpha="0.5,1", resolution=[128, 224])
    assert result.pick is not None
    assert (result.pick.alpha, result.pick.resolution) == (1.0, 224)
    assert len(result.front) <= 4


def test_probability_from_the_interval() -> None:
    """A normal logarithm: the bounds of the 90 % interval are its 5 % and 95 % quantiles, their mean is its median."""
    assert probability_below(10, 5, 20) == pytest.approx(0.5)
    assert probability_below(5, 5, 20) == pytest.approx(0.05)
    assert probability_below(20, 5, 20) == pytest.approx(0.95)
    assert (probability_below(4.9, 5, 5), probability_below(5, 5, 5)) == (0, 1)


@pytest.mark.parametrize(
    ("text", "kind", "limit"),
    [
        ("30ms", "latency_ms", 30),
        ("0.03 s", "latency_ms", 30),
        ("500us", "latency_ms", 0.5),
        ("25fps", "frames_per_s", 25),
        ("25 frames/s", "frames_per_s", 25),
        ("300M MACs", "macs", 3e8),
        ("300 MMACs", "macs", 3e8),
        ("1.5GMAC", "macs", 1.5e9),
        ("3.5M params", "params", 3.5e6),
        ("100k parameters", "params", 1e5),
        ("6MiB", "peak_activation_bytes", 6 * 2**20),
        ("6 MB", "peak_activation_bytes", 6e6),
    ],
)
def test_budgets(text: str, kind: str, limit: float) -> None:
    (budget,) = read_budgets(text)
    assert budget.kind == kind
    assert budget.limit == pytest.approx(limit)


@pytest.mark.parametrize("text", ["30", "", "ms", "30 parsec", "-1ms", "0fps", "nan ms", "1e999ms", "30 ms ms"])
def test_bad_budgets(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_budgets([text])
    assert caught.value.codes == ("MB010",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": ["30ms", "20ms"]}, "two budgets of latency"),
        ({"budget": []}, "no budget"),
        ({"min_probability": 1.5}, "between 0 and 1"),
        ({"min_probability": float("nan")}, "between 0 and 1"),
        ({"between": True, "alpha": 1}, "contradict"),
        ({"network": "darknet19", "between": True}, "no published checkpoint of darknet19"),
        ({"network": []}, "network names nothing"),
        ({"batch": 0}, "batch is 0"),
        ({"alpha": "1:0:1"}, "inverted"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        mbcost.pick(**{"network": "mobilenet_v2", "device": "pixel1", "budget": "30ms", **arguments})  # type: ignore[arg-type]


def test_checkpoints_are_cited_and_plausible() -> None:
    for name in mbcost.architecture_names():
        for checkpoint in published(name):
            assert re.fullmatch(r"[\w.-]+/[\w.-]+, .+ at [0-9a-f]{8}([,;] .+)?", checkpoint.source)
            assert 30 < checkpoint.top1 < 85
            mbcost.build_graph(mbcost.load(name), alpha=checkpoint.alpha, resolution=checkpoint.resolution)


def test_each_target_alone() -> None:
    """What one board cannot do keeps the choice from all; alone, each says what it allows and why not more."""
    targets = ["raspberry_pi_5", "rk3588/npu"]
    both = mbcost.pick("mobilenet_v2", targets, budget="30fps")
    assert both.pick is None
    found = {one.target.split("/")[0]: one for one in both.alone}
    for name, target in zip(("raspberry_pi_5", "rk3588"), targets, strict=True):
        own = mbcost.pick("mobilenet_v2", target, budget="30fps")
        assert own.alone == ()
        assert found[name].pick == own.pick
        assert found[name].nearest == own.nearest
    fast = mbcost.pick("mobilenet_v2", targets, budget="2.2ms", min_probability=0.5)
    assert [(one.target.split("/")[0], one.pick is None) for one in fast.alone] == [
        ("rk3588", False),
        ("raspberry_pi_5", True),
    ]
    assert fast.to_dict()["alone"][1]["nearest"]["limit"] == 2.2


def test_a_task_looks_at_all_networks_with_an_accuracy() -> None:
    """The same as by name, and what the target does not run or has no accuracy of is named."""
    by_task = mbcost.pick(None, "galaxy_s24", task="classification", budget="5ms")
    by_name = mbcost.pick([name for name in published_names() if at_fp32(name)], "galaxy_s24", budget="5ms")
    assert (by_task.pick, by_task.front) == (by_name.pick, by_name.front)
    assert any(note.startswith("left out: mobilenet_edgetpu") for note in by_task.notes)
    assert len({member.architecture for member in by_task.front}) > 1


def at_fp32(name: str) -> bool:
    return any(checkpoint.precision == "fp32" for checkpoint in published(name))


@pytest.mark.parametrize(
    ("network", "task", "message"),
    [
        ("mobilenet_v1", "classification", "networks and a task were both given"),
        (None, "detection", "task is"),
        (None, None, "network names nothing"),
        ([], None, "network names nothing"),
    ],
)
def test_wrong_tasks(network: Any, task: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        mbcost.pick(network, "pixel1", task=task, budget="30ms")


def test_a_task_without_any_accuracy_is_refused() -> None:
    """Checkpoints are of 1000 classes: with 10 none is left."""
    with pytest.raises(InputError, match=r"there is nothing to pick from: .* is published"):
        mbcost.pick(None, "pixel1", task="classification", budget="30ms", options={"classes": 10})


def test_how_sure_a_prediction_has_to_be() -> None:
    """By default of nine in ten; the front and the answers say it."""
    default = mbcost.pick("mobilenet_v2", "galaxy_s24", budget="5ms")
    assert default.min_probability == default.to_dict()["min_probability"] == 0.9
    assert default.pick is not None
    assert default.pick.probability is not None
    assert default.pick.probability >= 0.9
    even = mbcost.pick("mobilenet_v2", "galaxy_s24", budget="5ms", min_probability=0.5)
    assert even.pick is not None
    assert even.pick.probability is not None
    assert 0.5 <= even.pick.probability < 0.9
    assert "a coin flip" in chance_line(even)
    assert "at least 90%" in chance_line(default)
    assert chance_line(mbcost.pick("mobilenet_v2", "pixel1", budget="300M MACs")) == ""
