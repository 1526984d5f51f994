"""Streaming convolution with line buffers: hand arithmetic, and what has to hold of every pipeline."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mbcost
from mbcost.architectures.loader import read_architecture
from mbcost.devices import resolve_target
from mbcost.devices.fabric import Resources, available
from mbcost.errors import InputError
from mbcost.files import parse_yaml
from mbcost.fpga.line_buffers import best_pipeline, pipeline_at
from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels

TEXT = """
name: hand
title: hand
source: hand
input: 16x16x4
layers:
  - {name: a, op: conv2d, out: 8, kernel: 3, padding: valid}
  - {name: b, op: depthwise_conv2d, kernel: 3, stride: 2, padding: same}
  - {op: global_avg_pool}
  - {op: dense, out: 10}
"""


def hand() -> tuple[Kernel, ...]:
    graph = build_graph(read_architecture(parse_yaml(TEXT, "hand.yaml")))
    return map_to_kernels(graph, load_runtime("hls-tiled"), element_bytes=1)


def test_a_pipeline_by_hand() -> None:
    """At 16 x 16 cycles a frame every layer has to make a pixel a cycle."""
    found = pipeline_at(hand(), 256, "int8", 1)
    a, b, pool, dense = found.stages
    # a makes 14 x 14 of 256: a pixel a cycle takes all 9 x 4 x 8 multipliers; 16 x 16 pixels arrive
    assert (a.multipliers, a.interval) == (9 * 4 * 8, 256)
    # two full lines and three pixels of 256 before its first output
    assert a.fill == (2 * 16 + 3) / 256
    # 2 lines of 16 pixels of 4 channels, a word a column: 64 bits; all 288 weights at once
    assert (a.line_brams, a.weight_brams) == (2, -(-288 * 8 // 36))
    # depthwise: 7 x 7 outputs have 5 cycles each for 9 x 8 products, and no sum over channels
    assert (b.multipliers, b.interval) == (15, 7 * 7 * 5)
    assert pool.fill == 1
    assert dense.multipliers == 1
    assert found.interval == 256
    assert found.latency == pytest.approx((sum(stage.fill for stage in found.stages) + 1) * 256)


def test_the_slowest_stage_sets_the_pace() -> None:
    for interval in (256, 1_000, 5_000):
        found = pipeline_at(hand(), interval, "int8", 1)
        assert found.interval == max(stage.interval for stage in found.stages) == found.slowest.interval
        assert found.interval <= interval
        for stage in found.stages:
            if stage.multipliers:
                assert stage.kernel.macs <= stage.multipliers * stage.interval


def test_branches_wait_for_each_other() -> None:
    """A residual add holds the pixels of its short branch until the long one has filled its window."""
    text = TEXT.replace("  - {op: global", "  - {name: c, op: conv2d, out: 8, kernel: 3, padding: same}\n"
                        "  - {op: add, inputs: [b, c]}\n  - {op: global")  # fmt: skip
    graph = build_graph(read_architecture(parse_yaml(text, "branch.yaml")))
    kernels = map_to_kernels(graph, load_runtime("hls-tiled"), element_bytes=1)
    assert pipeline_at(kernels, 1_000, "int8", 1).skip_brams == 1
    assert pipeline_at(hand(), 1_000, "int8", 1).skip_brams == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(5, 400), st.integers(0, 100), st.integers(60, 300), st.integers(0, 100))
def test_more_logic_is_never_slower(dsp: int, more: int, bram: int, more_bram: int) -> None:
    small = best_pipeline(hand(), "int8", 1, Resources(dsp, bram))
    large = best_pipeline(hand(), "int8", 1, Resources(dsp + more, bram + more_bram))
    assert large.interval <= small.interval


def test_a_network_that_does_not_fit_on_chip_is_refused() -> None:
    """MobileNet V2 has 3.5 M weights of 8 bits, the ZC706 19,620 Kibit of block RAM."""
    target = resolve_target("zc706")
    kernels = mbcost.analyze("mobilenet_v2", target).kernels
    with pytest.raises(InputError, match=r"MB402.*does not fit on chip.*block RAMs"):
        best_pipeline(kernels, "int8", 1, available(target.processor))
    with pytest.raises(InputError, match=r"MB402.*DSP slices"):
        best_pipeline(hand(), "int8", 1, Resources(2, 1_000))
