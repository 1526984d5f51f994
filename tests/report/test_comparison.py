"""Comparisons: every kernel is on one side of one pair, and differences add up."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.report.comparison import Comparison, compare
from mbcost.report.view import kernel_times

PIXEL1 = ("mobilenet_v1", "mobilenet_v2")


@pytest.fixture(scope="module")
def networks() -> Comparison:
    return compare([mbcost.analyze(model, "pixel1") for model in PIXEL1])


@pytest.fixture(scope="module")
def targets() -> Comparison:
    return compare([mbcost.analyze("mobilenet_v2", target) for target in ("pixel1", "pixel4", "pixel4/gpu")])


@pytest.mark.parametrize("which", ["networks", "targets"])
def test_pairs_hold_every_kernel_once(which: str, request: pytest.FixtureRequest) -> None:
    comparison = request.getfixturevalue(which)
    for number in range(1, len(comparison.analyses)):
        pairs = comparison.pairs(number)
        first = [pair.first.name for pair in pairs if pair.first]
        other = [pair.other.name for pair in pairs if pair.other]
        assert first == [row.name for row in kernel_times(comparison.first)]
        assert sorted(other) == sorted(row.name for row in kernel_times(comparison.analyses[number]))
        difference = comparison.analyses[number].latency_s - comparison.first.latency_s
        assert sum(pair.difference_s for pair in pairs) == pytest.approx(difference)


@pytest.mark.parametrize("which", ["networks", "targets"])
def test_classes_and_parts_add_up(which: str, request: pytest.FixtureRequest) -> None:
    comparison = request.getfixturevalue(which)
    for analysis, times, parts in zip(comparison.analyses, comparison.class_times, comparison.parts, strict=True):
        assert sum(latency for latency, _ in times.values()) == pytest.approx(analysis.latency_s)
        assert sum(parts) == pytest.approx(analysis.latency_s)


def test_labels_are_what_differs(networks: Comparison, targets: Comparison) -> None:
    assert networks.labels == PIXEL1
    assert targets.labels[2] == "pixel4/gpu@tflite-gpu-2020"
    same = mbcost.analyze("mobilenet_v1")
    assert len(set(compare([same, same]).labels)) == 2


def test_nothing_differs_from_itself() -> None:
    analysis = mbcost.analyze("mobilenet_v1")
    pairs = compare([analysis, analysis]).pairs(1)
    assert {pair.how for pair in pairs} == {"name"}
    assert {pair.difference_s for pair in pairs} == {0.0}
    assert {compare([analysis, analysis]).reason(pair) for pair in pairs} == {"unchanged"}


def test_layers_match_by_place_where_names_differ(tmp_path) -> None:
    table = "name: {0}\nsource: s\ninput: 32x32x3\nlayers:\n"
    table += "  - {{name: {1}, op: conv2d, out: 16, kernel: 3, stride: {2}}}\n"
    table += "  - {{name: last, op: conv2d, out: {3}, kernel: 1}}\n"
    for name, words in {"a": ("a", "left", 1, 8), "b": ("b", "right", 1, 32), "c": ("c", "right", 2, 8)}.items():
        (tmp_path / f"{name}.yaml").write_text(table.format(*words))
    analyses = [mbcost.analyze(tmp_path / f"{name}.yaml", "zcu102") for name in "abc"]
    comparison = compare(analyses)
    assert [(pair.name, pair.how) for pair in comparison.pairs(1)] == [("left", "place"), ("last", "name")]
    # 32 outputs in the place of 8: four times the multiply-accumulates
    assert "MACs x 4.00" in comparison.reason(comparison.pairs(1)[1])
    assert [(pair.name, pair.how) for pair in comparison.pairs(2)] == [("left", ""), ("last", "name"), ("right", "")]
    assert comparison.reason(comparison.pairs(2)[0]) == "only in a"


def test_why_mobilenet_v2_is_faster_but_less_than_its_macs_promise(networks: Comparison) -> None:
    # Sandler et al. 2018, Table 4: 300 M against 575 M MACs; tensorflow/models: 73.8 against 117.1 ms
    speed, promise, class_ = networks.verdicts(1)
    assert networks.macs_ratio(1) == pytest.approx(300 / 575, rel=0.02)
    assert networks.ratio(1) == pytest.approx(73.8 / 117.1, rel=0.1)
    assert speed.endswith("times as fast.")
    assert "times the MACs; at the same rate that would be" in promise
    assert "ms more: " in promise
    assert " depthwise 3x3 +" in promise  # 17 of them against 13
    assert "pointwise" in class_


def test_what_is_left_over_is_the_sum_of_the_classes(networks: Comparison) -> None:
    """The addends of the second verdict, all of them, make the difference to what the MACs promise."""
    rate = networks.first.latency_s / networks.first.totals.macs
    scale = networks.macs_ratio(1)
    rest = 0.0
    for name in networks.classes:
        (here, here_macs), (there, there_macs) = (times.get(name, (0.0, 0)) for times in reversed(networks.class_times))
        rest += here - here_macs * rate - scale * (there - there_macs * rate)
    assert rest == pytest.approx(networks.analyses[1].latency_s - networks.first.latency_s * scale)


@pytest.mark.parametrize("number", [0, 1, 7])
def test_two_to_six(number: int) -> None:
    with pytest.raises(InputError, match=f"there are {number} to compare"):
        compare([mbcost.analyze("mobilenet_v1")] * number)


def test_a_network_that_takes_no_time(tmp_path) -> None:
    (tmp_path / "nothing.yaml").write_text("name: nothing\nsource: s\ninput: 8x8x3\nlayers:\n  - {op: flatten}\n")
    nothing = mbcost.analyze(tmp_path / "nothing.yaml")
    for analyses in ([nothing, mbcost.analyze("mobilenet_v1")], [mbcost.analyze("mobilenet_v1"), nothing]):
        assert compare(analyses).verdicts(1) == ["One of the two takes no time."]
        assert compare(analyses).to_dict()["subjects"]
