"""Buffers of networks: lifetimes by hand, and what holds for every shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.analysis import Analysis
from mbcost.memory.plan import MemoryPlan
from mbcost.memory.planners import PLANNERS
from tests.memory.test_arena import check

TARGET = "pixel4/cpu@tflite-2.10"


def planned(folder: Path, rows: str, planner: str = "tflm", size: str = "8x8x4") -> MemoryPlan:
    path = folder / "net.yaml"
    path.write_text(f"name: net\nsource: a test\ninput: {size}\nlayers:\n{rows}", encoding="utf-8")
    return mbcost.analyze(path, TARGET, precision="int8").plan_memory(planner)


def lives(plan: MemoryPlan) -> dict[str, tuple[int, int, int]]:
    """Size, first and last step of every tensor."""
    return {
        one.buffer.name: (one.buffer.size, one.buffer.first, one.buffer.last)
        for one in plan.arena.placed
        if one.buffer.kind != "scratch"
    }


def test_a_residual_lives_to_the_addition(tmp_path: Path) -> None:
    """Kernels 1 to 4; the activation is fused into the second, so it is no tensor of its own."""
    rows = """
  - {name: stem, op: conv2d 1x1, out: 4}
  - {name: wide, op: conv2d 1x1, out: 24, activation: relu6}
  - {name: back, op: conv2d 1x1, out: 4}
  - {name: sum, op: add, inputs: [back, stem]}
"""
    assert lives(planned(tmp_path, rows)) == {
        "input": (256, 0, 1),
        "stem": (256, 1, 4),
        "wide/relu6": (64 * 24, 2, 3),
        "back": (256, 3, 4),
        "sum": (256, 4, 4),
    }


def test_a_reshape(tmp_path: Path) -> None:
    """TFLM gives it a buffer of its own (micro_allocation_info.cc shares none); others share the input's."""
    rows = (
        "  - {name: wide, op: conv2d 1x1, out: 8}\n  - {name: flat, op: flatten}\n  - {name: out, op: dense, out: 3}\n"
    )
    assert lives(planned(tmp_path, rows)) == {
        "input": (256, 0, 1), "wide": (512, 1, 2), "flat": (512, 2, 3), "out": (16, 3, 3),
    }  # fmt: skip
    assert lives(planned(tmp_path, rows, "greedy")) == {"input": (256, 0, 1), "wide": (512, 1, 3), "out": (16, 3, 3)}


def test_in_place_only_if_nothing_reads_it_later(tmp_path: Path) -> None:
    rows = """
  - {name: a, op: conv2d 1x1, out: 4}
  - {name: b, op: depthwise_conv2d 3x3}
  - {name: c, op: depthwise_conv2d 3x3}
  - {name: sum, op: add, inputs: [c, a]}
"""
    assert lives(planned(tmp_path, rows, "tinyengine")) == {
        "input": (256, 0, 1), "a": (256, 1, 4), "b": (256, 2, 4), "sum": (256, 4, 4),
    }  # fmt: skip


def test_outputs_are_kept_to_the_end(tmp_path: Path) -> None:
    """Two outputs: the first lives until the last kernel has run."""
    path = tmp_path / "net.yaml"
    path.write_text(
        "name: net\nsource: a test\ninput: 8x8x4\noutputs: [first, last]\nlayers:\n"
        "  - {name: first, op: conv2d 1x1, out: 4}\n  - {name: next, op: conv2d 1x1, out: 8}\n"
        "  - {name: last, op: conv2d 1x1, out: 4}\n",
        encoding="utf-8",
    )
    assert lives(mbcost.analyze(path, TARGET, precision="int8").memory)["first"] == (256, 1, 3)


@pytest.mark.parametrize(
    "network", ["densenet121", "googlenet", "mobilenet_v3_small", "shufflenet_v2", "squeezenet1_1"]
)
@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_shipped_networks(network: str, precision: str) -> None:
    analysis = mbcost.analyze(network, TARGET, precision=precision)
    assert isinstance(analysis, Analysis)
    for name in PLANNERS:
        plan = analysis.plan_memory(name)
        check(plan.arena)
        assert plan.arena.lower_bound <= plan.arena.size
        assert plan.peak_layer in plan.steps
        # what a network needs at least: the largest input and output of one of its kernels
        most = max((k.input_elements + k.output_elements) * k.element_bytes for k in analysis.kernels if k.macs)
        if not plan.planner.in_place:
            assert plan.arena.lower_bound >= most


def test_fp32_has_no_scratch_and_four_times_the_bytes() -> None:
    int8, fp32 = (mbcost.analyze("mobilenet_v1", TARGET, precision=one) for one in ("int8", "fp32"))
    assert fp32.plan_memory("cmsis-nn-mve").scratch_bytes == 0
    assert fp32.memory.arena.lower_bound == 4 * int8.plan_memory("tflm").arena.lower_bound
    assert fp32.memory.flash.weight_bytes == 4 * int8.memory.flash.weight_bytes
    assert (fp32.memory.flash.scale_bytes, fp32.memory.flash.bias_bytes) == (0, int8.memory.flash.bias_bytes)
