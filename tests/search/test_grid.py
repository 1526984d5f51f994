"""Ranges and grids."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbcost.errors import InputError
from mbcost.search import make_grid, make_points
from mbcost.search.grid import read_numbers


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1", [1.0]),
        ("0.35,0.5:0.8:0.1", [0.35, 0.5, 0.6, 0.7, 0.8]),  # both ends; 0.6, not 0.6000000000000001
        ("96:224:32", [96.0, 128.0, 160.0, 192.0, 224.0]),
        ("96:230:32", [96.0, 128.0, 160.0, 192.0, 224.0]),  # the stop need not be hit
        (" 1 , 2 ", [1.0, 2.0]),
        ("5:5:1", [5.0]),
        ("1e-1", [0.1]),
    ],
)
def test_numbers(text: str, values: list[float]) -> None:
    assert read_numbers("alpha", text) == values


@given(st.text(max_size=20))
def test_any_text_is_numbers_or_an_input_error(text: str) -> None:
    with contextlib.suppress(InputError):
        assert all(isinstance(value, float) for value in read_numbers("alpha", text))


def test_grid_makes_only_what_is_asked_for() -> None:
    grid = make_grid(alpha=[0.5, 1.0], resolution=[96, 128, 160])
    assert grid.size == 6
    some = grid.points(2, 5)
    assert some.alpha.tolist() == [0.5, 1.0, 1.0]
    assert some.resolution is not None
    assert some.resolution.tolist() == [160, 96, 128]
    assert grid.points(4, 99).size == 2
    assert make_grid(alpha="0.001:1:0.001", resolution="1:16384:1").size == 16_384_000


def test_a_value_counts_once() -> None:
    assert make_grid(alpha="0.5,0.25:0.75:0.25").alpha.tolist() == [0.5, 0.25, 0.75]


def test_points_by_words() -> None:
    points = make_points([(0.5, 160), (1, 224)])
    assert points.at(1) == {"alpha": 1.0, "resolution": 224}
    assert points.describe(0) == "alpha 0.5, resolution 160"
    assert points.take(slice(1, 2)).at(0) == points.at(1)
