"""Arithmetic that is the same on ints and on arrays, and the channel rules of MobileNet."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbcost import numeric

ints = st.integers(-(10**6), 10**6)
positive = st.integers(1, 1000)
reals = st.floats(-1e6, 1e6)


def both(function: Any, *values: Any) -> Any:
    """The result on scalars, after checking that arrays give the same."""
    scalar = function(*values)
    array = function(*(np.array([value, value]) for value in values))
    assert array.tolist() == [scalar, scalar]
    return scalar


@pytest.mark.parametrize(
    ("alpha", "channels", "expected"),
    [
        # int(v + 4) // 8 * 8, at least 8, and 8 more where that is below 0.9 v
        (0.35, 32, 16),  # v = 11.2: int(15.2) // 8 * 8 = 8 < 10.08, so 16
        (0.35, 16, 8),  # v = 5.6: int(9.6) // 8 * 8 = 8
        (0.35, 24, 8),  # v = 8.4: int(12.4) // 8 * 8 = 8 >= 7.56
        (0.35, 96, 32),  # v = 33.6: int(37.6) // 8 * 8 = 32 >= 30.24
        (0.5, 24, 16),  # v = 12: int(16) // 8 * 8 = 16
        (0.75, 24, 24),  # v = 18: int(22) // 8 * 8 = 16 < 16.2, so 24
        (0.75, 64, 48),  # v = 48
        (1.0, 1280, 1280),
        (1.3, 32, 40),  # v = 41.6: int(45.6) // 8 * 8 = 40 >= 37.44
        (1.4, 24, 32),  # v = 33.6
        (1.4, 320, 448),  # v = 448
        (0.1, 16, 8),  # v = 1.6: int(5.6) // 8 * 8 = 0, at least 8
    ],
)
def test_make_divisible(alpha: float, channels: int, expected: int) -> None:
    """Rule: `_make_divisible` of tensorflow/models, research/slim/nets/mobilenet/mobilenet.py, with divisor 8."""
    assert both(lambda v: numeric.make_divisible(v, 8, 8), alpha * channels) == expected


def test_make_divisible_with_another_minimum() -> None:
    assert numeric.make_divisible(5.6, 8, 16) == 16
    assert numeric.make_divisible(10, 4, 1) == 12  # int(12) // 4 * 4 = 12
    assert numeric.make_divisible(3, 1, 1) == 3  # a divisor of 1 keeps the number: int(3.5) = 3


@given(st.floats(0.01, 1e5), st.integers(1, 64))
def test_make_divisible_is_a_near_multiple(channels: float, divisor: int) -> None:
    result = both(lambda v: numeric.make_divisible(v, divisor, divisor), channels)
    assert result % divisor == 0
    assert result >= 0.9 * channels
    assert result - channels <= divisor
    assert type(result) is int


@pytest.mark.parametrize(
    ("alpha", "depth", "expected"),
    [
        (0.25, 32, 8),
        (0.25, 16, 8),  # 4 is below the minimum
        (0.75, 1024, 768),
        (0.35, 64, 22),  # int(22.4): no rounding to a multiple
        (0.5, 1024, 512),
    ],
)
def test_truncated(alpha: float, depth: int, expected: int) -> None:
    """Rule: `depth = lambda d: max(int(d * depth_multiplier), min_depth)`, min_depth = 8.

    Source: tensorflow/models, research/slim/nets/mobilenet_v1.py.
    """
    assert both(lambda v: numeric.truncated(v, 8), alpha * depth) == expected


@given(ints, positive)
def test_division(a: int, b: int) -> None:
    assert both(numeric.ceil_div, a, b) == math.ceil(a / b)
    rounded = both(numeric.round_up, a, b)
    assert rounded % b == 0
    assert 0 <= rounded - a < b


@given(ints, ints)
def test_larger_and_smaller(a: int, b: int) -> None:
    assert both(numeric.maximum, a, b) == max(a, b)
    assert both(numeric.minimum, a, b) == min(a, b)


@given(reals)
def test_rounding(value: float) -> None:
    assert both(numeric.to_int, value) == int(value)
    assert both(numeric.round_half_even, value) == round(value)


def test_rounded_values_are_ints() -> None:
    for function in (numeric.to_int, numeric.round_half_even):
        assert type(function(2.5)) is int
        assert function(np.array([-2.5, 2.5, 3.5])).dtype == np.int64  # type: ignore[attr-defined]
    assert [numeric.to_int(v) for v in (-2.5, 2.5, 3.5)] == [-2, 2, 3]
    assert [numeric.round_half_even(v) for v in (-2.5, 2.5, 3.5)] == [-2, 2, 4]


def test_a_scalar_beside_an_array() -> None:
    array = np.array([1, 5, 9])
    assert numeric.maximum(array, 4).tolist() == [4, 5, 9]
    assert numeric.minimum(4, array).tolist() == [1, 4, 4]
    assert numeric.where(array > 4, array, 0).tolist() == [0, 5, 9]
    assert numeric.where(True, array, 0) is array


def test_numpy_scalars_are_scalars() -> None:
    """The width of one configuration, taken out of an array of widths."""
    assert type(numeric.where(np.float64(1.0) < 2, 7, 8)) is int
    assert numeric.make_divisible(np.float64(11.2), 8, 8) == 16
    assert type(numeric.make_divisible(np.float64(11.2), 8, 8)) is int


def test_integers_of_one_network_are_exact_at_any_size() -> None:
    huge = 10**30 + 1
    assert numeric.ceil_div(huge, 2) == 5 * 10**29 + 1
    assert numeric.maximum(huge, 1) == huge


def test_conditions() -> None:
    assert numeric.all_true(True)
    assert not numeric.all_true(np.array([True, False]))
    assert numeric.any_true(np.array([True, False]))
    assert not numeric.any_true(np.array([False, False]))
    assert not numeric.any_true(False)
