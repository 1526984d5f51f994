"""Greedy by size: TFLM's own test cases, cases by hand, and what holds for any buffers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbcost.memory.arena import Arena, Buffer, plan_arena

#: tflite-micro@90b983c, tensorflow/lite/micro/memory_planner/greedy_memory_planner_test.cc: buffers as size, first and
#: last use; the offsets that the test expects (None where it expects none), and the size of the arena.
TFLM_CASES = {
    "TestGreedyBasics": ([(10, 0, 1), (20, 2, 3)], [0, 0], 20),
    "TestGreedyMedium": (
        [(10, 0, 1), (20, 1, 2), (30, 2, 3), (40, 3, 4), (50, 0, 1)],
        [50, 70, 40, 0, 0],
        90,
    ),
    "TestOverlapCase": ([(100, 0, 1), (50, 2, 3), (20, 1, 2)], None, 120),
}
#: The same file, TestPersonDetectionModel: the 250 KB MobileNet of the person detection example. It expects no overlap
#: and less than the sum, 241,027 bytes. Most that is alive at once: 36,864 + 18,432 bytes.
PERSON_DETECTION = [
    (9216, 0, 29), (3, 28, 29), (256, 27, 28), (2304, 26, 27), (2304, 25, 26), (2304, 24, 25), (1152, 23, 24),
    (4608, 22, 23), (4608, 21, 22), (4608, 20, 21), (4608, 19, 20), (4608, 18, 19), (4608, 17, 18), (4608, 16, 17),
    (4608, 15, 16), (4608, 14, 15), (4608, 13, 14), (4608, 12, 13), (2304, 11, 12), (9216, 10, 11), (9216, 9, 10),
    (9216, 8, 9), (4608, 7, 8), (18432, 6, 7), (18432, 5, 6), (18432, 4, 5), (9216, 3, 4), (36864, 2, 3),
    (18432, 1, 2), (18432, 0, 1),
]  # fmt: skip


def plan(buffers: list[tuple[int, int, int]], **how: object) -> Arena:
    return plan_arena([Buffer(f"b{i}", "tensor", *each) for i, each in enumerate(buffers)], **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TFLM_CASES)
def test_tflms_own_cases(name: str) -> None:
    buffers, offsets, size = TFLM_CASES[name]
    arena = plan(buffers)
    assert arena.size == size
    if offsets is not None:
        assert [one.offset for one in arena.placed] == offsets


def test_person_detection() -> None:
    arena = plan(PERSON_DETECTION)
    assert sum(size for size, _, _ in PERSON_DETECTION) == 241_027
    # 36864 + 18432 + 9216 at step 2 is the most alive, since this model keeps its input to the end
    assert arena.lower_bound == 64_512
    assert arena.lower_bound <= arena.size < 241_027
    check(arena)


def test_of_one_size_the_last_added_comes_first() -> None:
    """TFLM fills its list from the tail and sorts stably; TinyEngine takes the first of the largest."""
    buffers = [(10, 0, 0), (10, 0, 0), (10, 0, 0)]
    assert [one.offset for one in plan(buffers).placed] == [20, 10, 0]
    assert [one.offset for one in plan(buffers, ties="first").placed] == [0, 10, 20]


def test_gaps_by_hand() -> None:
    """A 60 at 0 and a 50 above it leave a gap of 60 once the first is dead; 30 and 20 go into it, 20 no longer fits."""
    arena = plan([(60, 0, 1), (50, 1, 3), (30, 2, 3), (25, 3, 3), (20, 2, 3)])
    # 60 at 0; 50 meets it at step 1: 60. 30 at step 2 meets only 50: 0. 25 meets 50 and 30: gap 30..60 holds it: 30.
    # 20 meets 30 (0..30), 25 (30..55) and 50 (60..110): the gap 55..60 is too small, so it goes behind: 110
    assert [one.offset for one in arena.placed] == [0, 60, 0, 30, 110]
    assert arena.size == 130
    assert arena.lower_bound == 50 + 30 + 25 + 20
    assert arena.peak_step == 3
    assert [one.buffer.size for one in arena.alive(3)] == [30, 25, 50, 20]


def test_sizes_are_aligned() -> None:
    """17 bytes take 32 of an arena that is aligned to 16; 3 bytes take 16."""
    arena = plan([(17, 0, 1), (3, 1, 2)], alignment=16)
    assert [one.offset for one in arena.placed] == [0, 32]
    assert arena.size == 48


def test_what_shrinks_in_place_leaves_room() -> None:
    """100 bytes of which 25 are left from step 2 on: what is needed from then on begins at 25."""
    arena = plan_arena(
        [Buffer("map", "tensor", 100, 0, 3, ((2, 25),)), Buffer("next", "tensor", 60, 2, 3)], ties="first"
    )
    assert [one.offset for one in arena.placed] == [0, 25]
    assert (arena.size, arena.lower_bound) == (100, 100)
    arena = plan_arena(
        [Buffer("map", "tensor", 100, 0, 3, ((2, 25),)), Buffer("next", "tensor", 60, 1, 3)], ties="first"
    )
    assert [one.offset for one in arena.placed] == [0, 100]


def test_nothing_needs_nothing() -> None:
    assert plan_arena([]) == Arena((), 0, 0, 0)


sizes_and_lives = st.tuples(st.integers(1, 500), st.integers(0, 12), st.integers(0, 12)).map(
    lambda drawn: (drawn[0], min(drawn[1:]), max(drawn[1:]))
)


@given(st.lists(sizes_and_lives, min_size=1, max_size=25), st.sampled_from([1, 16]), st.sampled_from(["last", "first"]))
def test_any_buffers(buffers: list[tuple[int, int, int]], alignment: int, ties: str) -> None:
    arena = plan(buffers, alignment=alignment, ties=ties)
    check(arena)
    assert arena.lower_bound <= arena.size <= sum(one.buffer.size for one in arena.placed)
    assert all(one.offset % alignment == 0 for one in arena.placed)
    assert max(one.end for one in arena.placed) == arena.size
    assert any(one.end == arena.size for one in arena.alive(arena.peak_step))


def check(arena: Arena) -> None:
    """No two buffers that are alive at once overlap, at what is left of each then."""
    for i, one in enumerate(arena.placed):
        for other in arena.placed[i + 1 :]:
            step = max(one.buffer.first, other.buffer.first)
            if step <= min(one.buffer.last, other.buffer.last):
                ends = [each.offset + each.buffer.size_from(step) for each in (one, other)]
                assert ends[0] <= other.offset or ends[1] <= one.offset
