"""Charts: what they show adds up, and names stay text."""

from __future__ import annotations

from pathlib import Path

import pytest

import mbcost
from mbcost.errors import InputError
from mbcost.insight.what_if import variant, what_if
from mbcost.report.charts.analysis import CHARTS, arena, arithmetic_roofs, figure, memory_roofs, roofline
from mbcost.report.charts.chart import short

TARGETS = ["pixel1", "pixel4/gpu@tflite-gpu-2020", "zcu102", "raspberry_pi_4", "iphone_x/gpu"]


@pytest.fixture(scope="module", params=TARGETS)
def analysis(request: pytest.FixtureRequest) -> mbcost.Analysis:
    return mbcost.analyze("mobilenet_v2", request.param)


@pytest.mark.parametrize("name", CHARTS)
def test_plotly_takes_every_chart(analysis: mbcost.Analysis, name: str) -> None:
    made = analysis.figure(name)
    assert made.layout.title.text == CHARTS[name](analysis).title
    assert len(made.data) > 0


@pytest.mark.parametrize("name", ["by_class", "by_block", "timeline"])
def test_bars_add_up_to_the_latency(analysis: mbcost.Analysis, name: str) -> None:
    total = sum(sum(trace.x) for trace in figure(analysis, name).data)
    assert total == pytest.approx(analysis.latency_s * 1e3)


def test_the_highest_point_of_the_memory_is_the_peak(analysis: mbcost.Analysis) -> None:
    (trace,) = figure(analysis, "memory").data
    assert max(trace.y) * 2**20 == analysis.totals.peak_activation_bytes


def test_the_roofs_of_a_pixel_4_gpu() -> None:
    analysis = mbcost.analyze("mobilenet_v2", "pixel4/gpu@tflite-gpu-2020")
    # hardware_profiles/pixel4.yaml: archprobe measured 30.1 GB/s of memory, 96 of L2, 194.5 of texture cache
    roofs = {roof.label: roof.value for roof in memory_roofs(analysis)}
    assert roofs["memory 30.1 GB/s"] == 30.1e9
    assert roofs["L2 96 GB/s"] == 96e9
    assert roofs["texture cache 194.5 GB/s"] == 194.5e9
    assert {roof.label for roof in arithmetic_roofs(analysis)} == {"fp32 peak", "fp16 peak"}


def test_no_roofline_point_is_above_a_datasheet_roofline() -> None:
    analysis = mbcost.analyze("mobilenet_v2", "pixel1/dsp")
    peak, memory = arithmetic_roofs(analysis)[0].value, memory_roofs(analysis)[0].value
    for trace in figure(analysis, "roofline").data:
        if trace.mode == "markers":
            assert all(y <= min(peak, x * memory) * (1 + 1e-9) for x, y in zip(trace.x, trace.y, strict=True))


def test_only_roofs_that_are_there_are_spoken_of() -> None:
    """The bandwidth of the Dimensity 7200's memory is not published (hardware_profiles/socs/dimensity_7200.yaml)."""
    without, with_one = (figure_notes(mbcost.analyze("mobilenet_v2", name)) for name in ("dimensity_7200", "pixel1"))
    assert "slanted" not in without
    assert "the memory's bandwidth" not in without
    assert "the bandwidth of the memory is not known" in without
    assert "Below a slanted roof the memory can be its limit" in with_one


def figure_notes(analysis: mbcost.Analysis) -> str:
    return " ".join(roofline(analysis).notes)


def test_an_unknown_figure() -> None:
    with pytest.raises(InputError, match="has no figure `roofine`") as error:
        mbcost.analyze("mobilenet_v2", "pixel1").figure("roofine")
    assert "roofline" in str(error.value)


def test_names_are_short_and_escaped() -> None:
    assert short("<b>&") == "&lt;b&gt;&amp;"
    assert len(short("x" * 10_000)) == 48
    assert short("a\x1b\nb") == "a\\x1b\\nb"


def test_what_if_nothing_changes(analysis: mbcost.Analysis) -> None:
    assert what_if(analysis) == pytest.approx(analysis.latency_s, rel=1e-12)


@pytest.mark.parametrize("target", ["pixel1", "raspberry_pi_4", "iphone_x"])
def test_what_if_all_is_twice_as_fast(target: str) -> None:
    """The CPU forms know nothing that takes the same time on every clock."""
    analysis = mbcost.analyze("mobilenet_v2", target)
    assert what_if(analysis, clock=2, bandwidth=2) == pytest.approx(analysis.latency_s / 2)


def test_what_if_of_a_precision_is_its_analysis() -> None:
    analysis = mbcost.analyze("mobilenet_v2", "pixel4/gpu@tflite-gpu-2020")
    half = mbcost.analyze("mobilenet_v2", "pixel4/gpu@tflite-gpu-2020", precision="fp16")
    assert what_if(analysis, precision="fp16") == pytest.approx(half.latency_s, rel=1e-12)
    with pytest.raises(InputError, match="does not compute in `int4`"):
        what_if(analysis, precision="int4")


@pytest.mark.parametrize("device", mbcost.device_names())
def test_every_rate_of_every_target_is_the_longest_of_its_limits(device: str) -> None:
    for processor in mbcost.load_device(device).processors.values():
        analysis = mbcost.analyze("mobilenet_v1", f"{device}/{processor.name}")
        for precision in processor.precisions:
            found = variant(analysis, precision)
            assert found.limits is not None
            assert all(max(limit.factor for limit in limits) == pytest.approx(1) for limits in found.limits.values())


def test_a_rate_that_is_the_slower_of_two() -> None:
    # half the clock makes the pointwise convolutions of the Adreno form slower, twice the clock none of them faster
    limits = variant(mbcost.analyze("mobilenet_v2", "pixel4/gpu@tflite-gpu-2020"), "fp32").limits
    assert limits is not None
    assert {limit[1:] for limit in limits["pointwise_conv"]} == {(0, 0), (-1, 0)}


def test_arena_says_why_it_is_larger_than_the_activations(tmp_path: Path) -> None:
    """A hard swish of its own: two maps of 64 KiB in the arena; in place, one and the next layer's 16 KiB."""
    table = tmp_path / "net.yaml"
    table.write_text(
        "name: net\nsource: own\ninput: 32x32x3\nlayers:\n  - {op: conv2d 3x3, out: 16}\n  - {op: hard_swish}\n"
        "  - {op: conv2d 1x1, out: 4}\n",
        encoding="utf-8",
    )
    analysis = mbcost.analyze(table, "pixel1")
    assert analysis.totals.peak_activation_bytes == (64 + 16) * 1024
    assert analysis.memory.arena.lower_bound == (64 + 64) * 1024
    assert "element-wise layers write over their input" in arena(analysis).summary
    assert "element-wise layers" not in arena(mbcost.analyze("mobilenet_v2", "pixel1")).summary
