"""The tables of the live panel: a latency from counts and rates is that of the analysis, at every point and setting."""

from __future__ import annotations

import pytest

import mbcost
from mbcost.analysis import Analysis
from mbcost.insight.live import Live, live_of
from mbcost.latency import GROUPS


def latency_s(analysis: Analysis, live: Live, setting: int, point: int) -> float:
    """The arithmetic of the form (mbcost/latency/form.py) on the tables, as the page does it."""
    chosen = live.settings[setting]
    table = live.tables[chosen.table]
    total = sum(values[point] for values in table.hosted_s)
    for number, terms in table.kernels:
        parts = dict.fromkeys(GROUPS, 0.0)
        for term, counts in terms:
            parts[analysis.form.terms[term].group] += number * counts[point] * chosen.rates_s[term]
        compute, activations, weights, lowering, overhead = (parts[group] for group in GROUPS)
        if analysis.form.overlap == "none":
            total += sum(parts.values())
        else:
            memory = max(activations, weights) if analysis.form.overlap == "parallel" else activations + weights
            total += max(compute, memory) + lowering + overhead
    return total


@pytest.mark.parametrize(
    ("network", "target"),
    [
        ("mobilenet_v2", "pixel1"),
        ("mobilenet_v3_small", "pixel6"),
        ("resnet50", "galaxy_s24/npu"),
        ("mobilenet_v3_large", "pixel4/gpu"),  # kernels that depend on the width
        ("mobilenet_v2", "zcu102"),
        ("mobilenet_v1", "iphone_x/gpu"),  # compute and memory overlap
        ("mobilenet_v1", "nucleo_l4r5zi"),
        ("mobilenet_v3_large", "edge_tpu,host=raspberry_pi_5"),  # layers on the host
    ],
)
def test_every_corner_of_the_grid_is_its_analysis(network: str, target: str) -> None:
    analysis = mbcost.analyze(network, target, unsupported="estimate")
    live = live_of(analysis)
    own = live.own[0] * len(live.sides) + live.own[1]
    assert latency_s(analysis, live, 0, own) == pytest.approx(analysis.latency_s, rel=1e-9)
    for column in {0, len(live.alphas) - 1}:
        for row in {0, len(live.sides) - 1}:
            expected = mbcost.analyze(
                network, target, alpha=live.alphas[column], resolution=live.sides[row], unsupported="estimate"
            )
            found = latency_s(analysis, live, 0, column * len(live.sides) + row)
            assert found == pytest.approx(expected.latency_s, rel=1e-9)


@pytest.mark.parametrize("target", ["pixel1", "raspberry_pi_4"])
def test_every_number_of_threads_is_its_analysis(target: str) -> None:
    analysis = mbcost.analyze("mobilenet_v2", target)
    live = live_of(analysis)
    own = live.own[0] * len(live.sides) + live.own[1]
    seen = [setting.threads for setting in live.settings if setting.precision == analysis.target.precision]
    assert len(seen) > 1
    for number, setting in enumerate(live.settings):
        if setting.precision == analysis.target.precision:
            expected = mbcost.analyze("mobilenet_v2", target, threads=setting.threads)
            assert latency_s(analysis, live, number, own) == pytest.approx(expected.latency_s, rel=1e-9)


def test_a_network_that_comes_in_one_size_has_one_point() -> None:
    live = live_of(mbcost.analyze("ds_cnn", "nucleo_l4r5zi"))  # 49 x 10 inputs, which are not square
    assert (len(live.alphas), len(live.sides)) == (1, 1)
