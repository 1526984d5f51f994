"""Comparisons: every kernel is on one side of one pair, and differences add up."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.architectures.loader import TABLES
from mbcost.errors import InputError
from mbcost.insight.breakdown import kernel_times
from mbcost.insight.comparison import Comparison, side_by_side

PIXEL1 = ("mobilenet_v1", "mobilenet_v2")


@pytest.fixture(scope="module")
def networks() -> Comparison:
    return side_by_side([mbcost.analyze(model, "pixel1") for model in PIXEL1])


@pytest.fixture(scope="module")
def targets() -> Comparison:
    return side_by_side(
        [mbcost.analyze("mobilenet_v2", target) for target in ("pixel1", "pixel4", "pixel4/gpu@tflite-gpu-2020")]
    )


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
    same = mbcost.analyze("mobilenet_v1", "pixel1")
    assert len(set(side_by_side([same, same]).labels)) == 2


def test_nothing_differs_from_itself() -> None:
    analysis = mbcost.analyze("mobilenet_v1", "pixel1")
    pairs = side_by_side([analysis, analysis]).pairs(1)
    assert {pair.how for pair in pairs} == {"name"}
    assert {pair.difference_s for pair in pairs} == {0.0}
    assert {side_by_side([analysis, analysis]).reason(pair) for pair in pairs} == {"unchanged"}


def test_layers_match_by_place_where_names_differ(tmp_path) -> None:
    table = "name: {0}\nsource: s\ninput: 32x32x3\nlayers:\n"
    table += "  - {{name: {1}, op: conv2d, out: 16, kernel: 3, stride: {2}}}\n"
    table += "  - {{name: last, op: conv2d, out: {3}, kernel: 1}}\n"
    for name, words in {"a": ("a", "left", 1, 8), "b": ("b", "right", 1, 32), "c": ("c", "right", 2, 8)}.items():
        (tmp_path / f"{name}.yaml").write_text(table.format(*words))
    analyses = [mbcost.analyze(tmp_path / f"{name}.yaml", "zcu102") for name in "abc"]
    comparison = side_by_side(analyses)
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
    assert "1.89 times as fast" in promise  # 568.7 / 300.8
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


@pytest.mark.parametrize("which", ["networks", "targets"])
def test_places_add_up(which: str, request: pytest.FixtureRequest) -> None:
    comparison = request.getfixturevalue(which)
    for number in range(1, len(comparison.analyses)):
        places = comparison.places(number)
        other = comparison.analyses[number]
        for side, analysis in enumerate((comparison.first, other)):
            assert sum(place.seconds[side] for place in places) == pytest.approx(analysis.latency_s)
            assert sum(place.counts[side] for place in places) == len(kernel_times(analysis))
            assert sum(place.macs[side] for place in places) == sum(row.kernel.macs for row in kernel_times(analysis))


def test_places_of_networks_with_other_layers(networks: Comparison) -> None:
    assert networks.matched_share(1) < 0.5
    found = {(place.name, place.size): place for place in networks.places(1)}
    # MobileNet V1 (Howard et al. 2017, Table 1): six pointwise layers put out 14 x 14 x 512, the first from 256
    # channels and five from 512; V2 (Sandler et al. 2018, Table 2): 14 x 14 holds 64 and 96 channels, expanded sixfold
    assert found["pointwise", "14x14"].macs[0] == 14 * 14 * 512 * (256 + 5 * 512)
    v2 = 32 * 6 * 64 + 3 * 2 * 64 * 384 + 64 * 384 + 384 * 96 + 2 * 2 * 96 * 576 + 96 * 576
    assert found["pointwise", "14x14"].macs[1] == 14 * 14 * v2


def test_stages_match_at_other_resolutions() -> None:
    analyses = [mbcost.analyze("mobilenet_v1", "pixel1", resolution=size) for size in (224, 160)]
    comparison = side_by_side(analyses)
    assert comparison.labels == ("mobilenet_v1@1/224", "mobilenet_v1@1/160")
    assert comparison.matched_share(1) == pytest.approx(1)
    sizes = {place.size for place in comparison.places(1)}
    shrunk = [(224 // step, 160 // step) for step in (2, 4, 8, 16, 32)]
    assert sizes == {f"{a}x{a} / {b}x{b}" for a, b in shrunk} | {"1x1"}


@pytest.mark.parametrize(
    ("configurations", "labels"),
    [
        ([{"precision": "fp32"}, {"precision": "int8"}], ("mobilenet_v1, fp32", "mobilenet_v1, int8")),
        ([{"threads": 1}, {"threads": 2}], ("mobilenet_v1, 1 thread", "mobilenet_v1, 2 threads")),
        ([{"alpha": 1}, {"alpha": 0.5}], ("mobilenet_v1@1/224", "mobilenet_v1@0.5/224")),
        (
            [{"options": {"shallow": True}}, {}],
            ("mobilenet_v1,classes=1000,shallow=true", "mobilenet_v1,classes=1000,shallow=false"),
        ),
        (
            [{"device": "pixel4/gpu@tflite-gpu-2020", "precision": "fp16"}, {"alpha": 0.5, "batch": 4}],
            (
                "mobilenet_v1@1/224 on pixel4/gpu@tflite-gpu-2020, fp16, batch 1",
                "mobilenet_v1@0.5/224 on pixel1/cpu@tflite-2018, fp32, 1 thread, batch 4",
            ),
        ),
    ],
)
def test_labels_hold_what_varies(configurations, labels) -> None:
    analyses = [mbcost.analyze("mobilenet_v1", **{"device": "pixel1", **one}) for one in configurations]
    assert side_by_side(analyses).labels == labels


def test_the_headline_is_by_the_image() -> None:
    one = mbcost.analyze("mobilenet_v1", "pixel1")
    many = mbcost.analyze("mobilenet_v1", "pixel1", batch=4)
    ratio = one.latency_s / (many.latency_s / 4)
    assert ratio > 1
    expected = f"mobilenet_v1, batch 4 is {ratio:.3g} times as fast as mobilenet_v1, batch 1 per image"
    assert side_by_side([one, many]).headline().replace("1.00", "1") == expected.replace("1.00", "1")
    assert side_by_side([one, one]).headline() == "mobilenet_v1 (2) is as fast as mobilenet_v1 (1)"


def test_no_part_of_no_difference_is_named(tmp_path: Path) -> None:
    """A network beside itself, and beside the same with a 1x1 convolution for its dense layer, of as many MACs."""
    one = mbcost.analyze("mobilenet_v2", "pixel1")
    same = side_by_side([one, one])
    assert [text for text in same.verdicts(1) if "difference" in text or "times as" in text] == []
    assert not same.differs(1)
    text = (TABLES / "mobilenet_v2.yaml").read_text()
    row = "- {input: 1x1x1280, operator: dense, c: classes, scale: none}"
    assert row in text
    other = row.replace("dense", "conv2d 1x1").replace("none}", "none, bias: true, norm: none, activation: none}")
    (tmp_path / "other.yaml").write_text(text.replace(row, other))
    words = side_by_side([one, mbcost.analyze(str(tmp_path / "other.yaml"), "pixel1")]).verdicts(1)
    assert not [sentence for sentence in words if "Most of" in sentence]
    assert any("offset each other" in sentence and "dense -" in sentence for sentence in words)


def test_overlapping_intervals_are_said() -> None:
    # 0.5 / 224 and 1 / 128: 28.7 and 27.6 ms were measured, the intervals of the predictions are 12 % wide
    near = [
        mbcost.analyze("mobilenet_v2", "pixel1", alpha=alpha, resolution=size) for alpha, size in ((0.5, 224), (1, 128))
    ]
    assert any("intervals overlap" in sentence for sentence in side_by_side(near).verdicts(1))
    far = [mbcost.analyze("mobilenet_v2", "pixel1", alpha=alpha) for alpha in (0.5, 1)]
    assert not any("overlap" in sentence for sentence in side_by_side(far).verdicts(1))


@pytest.mark.parametrize("number", [0, 1, 7])
def test_two_to_six(number: int) -> None:
    with pytest.raises(InputError, match=f"there are {number} to compare"):
        side_by_side([mbcost.analyze("mobilenet_v1", "pixel1")] * number)


def test_a_network_that_takes_no_time(tmp_path) -> None:
    (tmp_path / "nothing.yaml").write_text("name: nothing\nsource: s\ninput: 8x8x3\nlayers:\n  - {op: flatten}\n")
    nothing = mbcost.analyze(tmp_path / "nothing.yaml", "pixel1")
    for analyses in (
        [nothing, mbcost.analyze("mobilenet_v1", "pixel1")],
        [mbcost.analyze("mobilenet_v1", "pixel1"), nothing],
    ):
        assert side_by_side(analyses).verdicts(1) == ["One of the two takes no time."]
        assert side_by_side(analyses).to_dict()["subjects"]
