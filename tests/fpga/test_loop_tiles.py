"""The search of design points: the published one, brute force, and what more logic buys."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mbcost
from mbcost.architectures.loader import read_architecture
from mbcost.devices import resolve_target
from mbcost.devices.fabric import DesignPoint, Resources
from mbcost.errors import InputError
from mbcost.files import parse_yaml
from mbcost.fpga.loop_tiles import DEFAULT_SHARE, Workload, best_design, given_design, limits_of, workload
from mbcost.graph import build_graph
from tests.latency.test_hls_tiling import alexnet

TINY = """
name: tiny
title: tiny
source: hand
input: 16x16x3
layers:
  - {op: conv2d, out: 8, kernel: 3, stride: 2, padding: same}
  - {op: depthwise_conv2d, kernel: 3, padding: same}
  - {op: conv2d, out: 20, kernel: 1}
  - {op: conv2d, out: 12, kernel: 3, stride: 2, padding: same}
  - {op: global_avg_pool}
  - {op: dense, out: 10}
"""


def tiny() -> Workload:
    graph = build_graph(read_architecture(parse_yaml(TINY, "tiny.yaml")))
    return workload(graph, resolve_target("pynq_z2"))


def test_the_published_design_is_found_again() -> None:
    """Zhang et al. 2015: <Tm, Tn> = <64, 7> for the convolutions of AlexNet within 2240 DSP slices of the VC707."""
    found = best_design(workload(build_graph(alexnet()), resolve_target("vc707")), Resources(2240, 2060))
    assert found.point[:2] == (64, 7)
    assert found.needed.dsp == 2240


@pytest.mark.parametrize(("device", "precision"), list(product(("zc706", "pynq_z2"), ("int8", "fp32"))))
def test_shipped_designs_are_those_of_the_search(device: str, precision: str) -> None:
    target = resolve_target(device, precision=precision)
    found = best_design(workload(build_graph(mbcost.load("mobilenet_v2")), target), limits_of(target))
    hls = target.processor.hls
    assert hls is not None
    assert found.point == tuple(part[target.precision].value for part in (hls.tm, hls.tn, hls.tr, hls.tc))
    analysis = mbcost.analyze("mobilenet_v2", target)
    assert found.latency_s == analysis.latency_s


def test_the_search_agrees_with_brute_force() -> None:
    case, limits = tiny(), Resources(24, 60)
    found = best_design(case, limits)
    heights = sorted({-(-size // parts) for size in (1, 4, 8) for parts in range(1, 9)})
    best = None
    for tm in range(1, 25):
        for tn, tr, tc in product(range(1, 24 // tm + 1), heights, heights):
            try:
                each = given_design(case, DesignPoint(tm, tn, tr, tc), limits)
            except InputError:
                continue
            key = (each.latency_s, each.needed.dsp, each.needed.bram)
            best = key if best is None else min(best, key)
    assert best == (found.latency_s, found.needed.dsp, found.needed.bram)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 200), st.integers(0, 60), st.integers(40, 280), st.integers(0, 60))
def test_more_logic_is_never_slower(dsp: int, more: int, bram: int, more_bram: int) -> None:
    case = tiny()
    small = best_design(case, Resources(dsp, bram))
    large = best_design(case, Resources(dsp + more, bram + more_bram))
    assert large.latency_s <= small.latency_s
    assert small.needed.dsp is not None
    assert small.needed.dsp <= dsp


def test_no_room_at_all() -> None:
    with pytest.raises(InputError, match="MB402"):
        best_design(tiny(), Resources(100, 3))
    with pytest.raises(InputError, match="MB402"):
        best_design(tiny(), Resources(0, 100))
    with pytest.raises(InputError, match="MB010"):
        limits_of(tiny().target, 1.5)
    assert limits_of(tiny().target)[:2] == (int(220 * DEFAULT_SHARE), int(280 * DEFAULT_SHARE))
