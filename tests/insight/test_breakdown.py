"""Plain data of a report: it adds up, and is sorted as it says."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.insight import breakdown
from tests.hosts import hosted

TARGETS = ["pixel1", "pixel4/gpu", "zcu102"]


@pytest.fixture(scope="module")
def analysis():
    return mbcost.analyze("mobilenet_v3_large", "pixel4")


@pytest.mark.broad
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("group_by", ["op", "block", "layer"])
@pytest.mark.parametrize("model", mbcost.architecture_names())
def test_time_adds_up(model, target, group_by):
    analysis = mbcost.analyze(model, hosted(model, target))
    shares = breakdown.time_by(analysis, group_by)
    assert sum(share.latency_s for share in shares) == pytest.approx(analysis.latency_s)
    assert shares[-1].cumulative == pytest.approx(1)
    assert sum(share.count for share in shares) == len(breakdown.kernel_times(analysis))


@pytest.mark.parametrize("target", TARGETS)
def test_split_adds_up(target):
    for share in breakdown.time_by(mbcost.analyze("mobilenet_v3_large", target), "op"):
        assert sum(share.split_s) == pytest.approx(share.latency_s)


def test_groups_are_sorted_and_layers_are_not(analysis):
    for group_by in ("op", "block"):
        times = [share.latency_s for share in breakdown.time_by(analysis, group_by)]
        assert times == sorted(times, reverse=True)
    names = [share.label for share in breakdown.time_by(analysis, "layer")]
    assert names == [row.name for row in breakdown.kernel_times(analysis)]
    slowest = [row.latency_s for row in breakdown.slowest(analysis)]
    assert slowest == sorted(slowest, reverse=True)


def test_operator_classes(analysis):
    classes = {share.label: share.count for share in breakdown.time_by(analysis, "op")}
    # Howard et al. 2019, Table 1: fifteen bottlenecks, nine with 3x3 and six with 5x5 windows; one 3x3 stem
    assert classes["depthwise 3x3"] == 9
    assert classes["depthwise 5x5"] == 6
    assert classes["3x3 conv"] == 1
    assert {"pointwise", "activation", "elementwise", "pool"} <= set(classes)


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ("{op: conv2d, out: 8, kernel: 5x3}", "5x3 conv"),
        ("{op: conv2d, out: 8, groups: 4, kernel: 3}", "grouped 3x3 conv"),
        ("{op: conv2d, out: 8, groups: 8, kernel: 3}", "depthwise 3x3"),
        ("{op: conv2d, out: 8, kernel: 1, stride: 2}", "pointwise"),
        ("{op: transposed_conv2d, out: 8, kernel: 2, stride: 2}", "transposed 2x2 conv"),
        ("{op: dense, out: 8}", "dense"),
        ("{op: batch_norm}", "batch norm"),
        ("{op: gelu}", "activation"),
        ("{op: softmax}", "softmax"),
        ("{op: max_pool2d, kernel: 2, stride: 2}", "pool"),
        ("{op: pad, padding: 1}", "copy"),
    ],
)
def test_class_of_each_operator(tmp_path, row, label):
    path = tmp_path / "one.yaml"
    path.write_text(f"name: one\nsource: s\ninput: 8x8x8\nlayers:\n  - {row}\n")
    analysis = mbcost.analyze(path, "pixel1")
    assert [share.label for share in breakdown.time_by(analysis, "op")] == [label]


def test_achieved_rate_stays_below_the_peak():
    for target in TARGETS:
        analysis = mbcost.analyze("mobilenet_v2", target)
        shares = [row.peak_share for row in breakdown.kernel_times(analysis) if row.peak_share is not None]
        assert shares
        assert max(shares) <= 1 + 1e-9


def test_peak_counts_the_threads_of_a_cpu():
    # 2.1504 GHz x 4 MAC a cycle
    assert breakdown.peak_macs_per_s(mbcost.analyze("mobilenet_v2", "pixel1", threads=2)) == pytest.approx(2 * 8.6016e9)
    assert breakdown.peak_macs_per_s(mbcost.analyze("mobilenet_v2", "pixel1/gpu")) == pytest.approx(159.744e9)


def test_caveats_name_every_assumed_value():
    analysis = mbcost.analyze("mobilenet_v2", "pixel1")
    text = "\n".join(breakdown.caveats(analysis, values=True))
    assert all(warning in text for warning in analysis.warnings)
    for place in analysis.assumptions():
        assert place.removeprefix("tflite-2018: ") in text


def test_caveats_are_words_unless_values_are_asked_for():
    text = "\n".join(breakdown.caveats(mbcost.analyze("mobilenet_v2", "pixel1")))
    assert "assumed rates of tflite-2018: depthwise, activations, im2col, " in text
    assert "ps a" not in text


def test_shares_of_macs_and_params():
    """Table 2 of Howard et al. 2017 (arXiv:1704.04861) for MobileNet V1; its params are weights and biases alone."""
    analysis = mbcost.analyze("mobilenet_v1", "pixel1", params="none")
    shares = {share.label: share for share in breakdown.time_by(analysis, "op")}
    printed = {
        "pointwise": (94.86, 74.59),
        "depthwise 3x3": (3.06, 1.06),
        "3x3 conv": (1.19, 0.02),
        "dense": (0.18, 24.33),
    }
    for label, (macs, params) in printed.items():
        # the printed MACs add up to 99.29 %
        assert 100 * shares[label].macs_share == pytest.approx(macs, abs=0.75), label
        assert 100 * shares[label].params_share == pytest.approx(params, abs=0.02), label


def test_terms_add_up_to_the_latency():
    """Of a form whose parts do not overlap, on a target that runs every layer itself."""
    analysis = mbcost.analyze("mobilenet_v2", "pixel1")
    terms = breakdown.term_times(analysis)
    assert sum(term.latency_s for term in terms) == pytest.approx(analysis.latency_s, rel=1e-9)
    assert terms[0].name == "gemm"
    assert terms[0].latency_s == pytest.approx(terms[0].count * float(analysis.rates["gemm"].seconds), rel=1e-12)


def test_a_resolution_that_leaves_padding_alone():
    """At 7x7 the third of five strides makes 1x1: 13 depthwise 3x3 of MobileNet V2 follow (Sandler et al., Table 2)."""
    small = mbcost.analyze("mobilenet_v2", "pixel1", resolution=7)
    assert any(note.startswith("at 7x7 13 convolutions see more padding than image") for note in small.warnings)
    assert not any("padding" in note for note in mbcost.analyze("mobilenet_v2", "pixel1", resolution=96).warnings)


def test_interval_source():
    assert breakdown.interval_source(mbcost.analyze("mobilenet_v2", "pixel1/dsp")).startswith(
        "assumed: a plain roofline"
    )
