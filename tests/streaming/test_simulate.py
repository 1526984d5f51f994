"""Streams of frames: hand arithmetic, the closed form, and what holds for all of them."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbcost.errors import InputError
from mbcost.streaming.simulate import Stage, closed_form, simulate

LINE = [Stage("preprocess", "cpu", 0.003), Stage("inference", "gpu", 0.005), Stage("postprocess", "dsp", 0.001)]

times = st.lists(st.floats(0.001, 0.1), min_size=1, max_size=4)


def in_line(seconds: list[float]) -> list[Stage]:
    return [Stage(f"stage {i}", f"unit {i}", value) for i, value in enumerate(seconds)]


def test_single_and_double_buffering_by_hand() -> None:
    """One buffer: 3 + 5 + 1 ms a frame. Two: the GPU is always busy, 5 ms a frame; a third one only adds waiting."""
    one, two, three = (simulate(LINE, buffers=n) for n in (1, 2, 3))
    assert one.frames_per_s == pytest.approx(1 / 0.009)
    assert one.wait_s == pytest.approx(0, abs=1e-12)
    assert two.frames_per_s == pytest.approx(200)
    assert two.utilisation == pytest.approx({"cpu": 0.6, "gpu": 1.0, "dsp": 0.2}, rel=1e-2)
    assert three.frames_per_s == pytest.approx(200)
    assert three.latency_s[50] == pytest.approx(0.015)  # three frames at 5 ms


def test_two_stages_on_one_unit_by_hand() -> None:
    """The CPU has 3 + 1 ms, the GPU 5 ms: the GPU still binds, and with 3 + 3 ms the CPU does."""
    shared = [LINE[0], LINE[1], Stage("postprocess", "cpu", 0.001)]
    assert simulate(shared, buffers=2).frames_per_s == pytest.approx(200, rel=1e-3)
    slower = [LINE[0], LINE[1], Stage("postprocess", "cpu", 0.003)]
    assert simulate(slower, buffers=3).frames_per_s == pytest.approx(1 / 0.006, rel=1e-2)


def test_shared_bandwidth_by_hand() -> None:
    """Both ask for 10 GB/s: of 20 they get all, of 10 each runs at half its speed while both run."""
    stages = [Stage("a", "cpu", 0.004, 40e6), Stage("b", "gpu", 0.004, 40e6)]
    assert simulate(stages, bandwidth=20e9).frames_per_s == pytest.approx(250)
    assert simulate(stages, bandwidth=10e9).frames_per_s == pytest.approx(125, rel=1e-2)


def test_drops_by_hand() -> None:
    """A frame each 4 ms, a GPU that takes 6: of three frames one finds no buffer."""
    stages = [Stage("inference", "gpu", 0.006)]
    result = simulate(stages, buffers=1, frames=900, rate=250, drop=True)
    assert result.dropped == 450  # with one buffer the next frame is taken at 8 ms
    assert result.frames_per_s == pytest.approx(125)
    waiting = simulate(stages, buffers=1, frames=900, rate=250)
    assert waiting.dropped == 0
    assert waiting.latency_s[99] > 1  # and the queue grows for as long as frames come


@settings(max_examples=60, deadline=None)
@given(seconds=times, buffers=st.integers(1, 6))
def test_the_simulation_reaches_the_closed_form(seconds: list[float], buffers: int) -> None:
    stages = in_line(seconds)
    result = simulate(stages, buffers=buffers, frames=400)
    assert result.frames_per_s == pytest.approx(closed_form(stages, buffers), rel=0.03)


@settings(max_examples=60, deadline=None)
@given(
    seconds=times,
    buffers=st.integers(1, 5),
    jitter=st.sampled_from([0.0, 0.1, 0.5]),
    rate=st.sampled_from([None, 20.0, 200.0]),
    drop=st.booleans(),
    units=st.integers(1, 4),
    bandwidth=st.sampled_from([None, 1e9]),
)
def test_frames_are_conserved_and_units_at_most_busy(
    seconds: list[float],
    buffers: int,
    jitter: float,
    rate: float | None,
    drop: bool,
    units: int,
    bandwidth: float | None,
) -> None:
    stages = [Stage(f"stage {i}", f"unit {i % units}", value, 1e7) for i, value in enumerate(seconds)]
    result = simulate(
        stages, buffers=buffers, frames=200, jitter=jitter, rate=rate, drop=drop, bandwidth=bandwidth, seed=1
    )
    assert result.offered == result.completed + result.dropped == 200
    assert (drop and rate is not None) or result.dropped == 0
    assert all(0 < share <= 1 for share in result.utilisation.values())
    assert result.wait_s >= 0
    for stage in {event.unit for event in result.timeline}:
        own = sorted((e.start_s, e.end_s) for e in result.timeline if e.unit == stage)
        assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(own))


@settings(max_examples=40, deadline=None)
@given(seconds=times, buffers=st.integers(1, 5), jitter=st.sampled_from([0.0, 0.3]))
def test_more_buffers_never_lower_throughput(seconds: list[float], buffers: int, jitter: float) -> None:
    few, more = (simulate(in_line(seconds), buffers=n, jitter=jitter, frames=300) for n in (buffers, buffers + 1))
    assert more.timeline[-1].end_s > 0
    assert more.frames_per_s >= few.frames_per_s * (1 - 0.02)  # from the first completion on, which differs


SHARED_UNIT = [LINE[0], LINE[1], Stage("postprocess", "cpu", 0.001)]
SHARED_MEMORY = [Stage("a", "cpu", 0.003, 40e6), Stage("b", "gpu", 0.005, 60e6), Stage("c", "cpu", 0.001, 1e6)]


@pytest.mark.parametrize(
    ("stages", "bandwidth"), [(LINE, None), (SHARED_UNIT, None), (SHARED_MEMORY, 15e9)], ids=["line", "units", "memory"]
)
def test_a_million_frames_take_seconds(stages: list[Stage], bandwidth: float | None) -> None:
    """A tenth of a million; the limit has room for a machine that is busy with other things."""
    start = time.process_time()
    assert simulate(stages, frames=100_000, jitter=0.1, bandwidth=bandwidth).completed == 100_000
    assert time.process_time() - start < 2


def test_shared_memory_and_units_by_hand() -> None:
    """The CPU prepares 2 ms and finishes 2 ms, the GPU runs 4 ms at 10 GB/s; the CPU asks for 5 GB/s when it prepares.

    Of 10 GB/s, both together ask for 15: while they overlap both take 1.5 times as long. With two buffers the GPU's
    4 ms hold 2 ms of preparation, stretched to 3 ms, in which the GPU does 2 ms of its work; its other 2 ms are its own
    pace, with the finishing of the frame before: a frame each 5 ms.
    """
    stages = [Stage("a", "cpu", 0.002, 10e6), Stage("b", "gpu", 0.004, 40e6), Stage("c", "cpu", 0.002)]
    assert simulate(stages, buffers=3, bandwidth=10e9, frames=2_000).frames_per_s == pytest.approx(200, rel=1e-2)


def test_all_impossible_numbers_at_once() -> None:
    with pytest.raises(InputError) as caught:
        simulate(LINE, buffers=0, frames=0, rate=-1.0, jitter=3.0)
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize(
    "wrong",
    [{"buffers": 0}, {"buffers": 1_001}, {"rate": 0.0}, {"frames": 0}, {"jitter": -0.1}, {"bandwidth": 0.0}],
)
def test_impossible_numbers(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="MB010"):
        simulate(LINE, **wrong)  # type: ignore[arg-type]
