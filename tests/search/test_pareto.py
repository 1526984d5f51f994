"""Fronts against the definition, point by point."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mbcost.search import on_front

few = st.sampled_from([0.0, 1.0, 2.0, 3.0, math.nan])


def dominated(point: tuple[float, float], others: list[tuple[float, float]]) -> bool:
    cost, quality = point
    return any(c <= cost and q >= quality and (c, q) != point for c, q in others)


@given(st.lists(st.tuples(few | st.floats(-5, 5), few | st.floats(-5, 5)), max_size=40))
def test_front_is_what_nothing_dominates(points: list[tuple[float, float]]) -> None:
    expected = [not (math.isnan(point[0]) or math.isnan(point[1])) and not dominated(point, points) for point in points]
    found = on_front([cost for cost, _ in points], [quality for _, quality in points])
    assert found.tolist() == expected


def test_by_hand() -> None:
    # (10 ms, 60 %), (10 ms, 65 %), (20 ms, 64 %), (20 ms, 70 %), twice the last one, and an unknown accuracy
    cost, quality = [10, 10, 20, 20, 20, 5], [60, 65, 64, 70, 70, math.nan]
    assert on_front(cost, quality).tolist() == [False, True, False, True, True, False]
