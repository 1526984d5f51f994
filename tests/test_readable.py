"""Numbers as people read them, against hand values."""

from __future__ import annotations

import math

import pytest

from mbcost import readable


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (57.7594, 3, "57.8"),
        (126.4, 3, "126"),
        (1264.4, 3, "1,264"),
        (0.0, 3, "0"),
        (0.91949, 3, "0.919"),
        (9.999, 3, "10.0"),  # rounds up to another digit
        (0.000123456, 3, "0.000123"),
        (3.504872, 4, "3.505"),
        (math.inf, 3, "inf"),
    ],
)
def test_significant(value, digits, text):
    assert readable.significant(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(300774272, "300.8 M"), (3504872, "3.505 M"), (999, "999"), (1000, "1.000 k"), (2.5e12, "2.500 T"), (0, "0")],
)
def test_si(value, text):
    assert readable.si(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (6021120, "5.74 MiB"), (2**40, "1.00 TiB")]
)
def test_size(value, text):
    assert readable.size(value) == text


@pytest.mark.parametrize(("total", "decimals"), [(57.8, 2), (126, 1), (5000, 1), (2.3, 3), (0.9, 4), (0, 3)])
def test_decimals_show_four_digits_of_the_total(total, decimals):
    assert readable.decimals_for(total) == decimals


def test_the_rest():
    assert readable.milliseconds(0.0578) == "57.8 ms"
    assert readable.percent(0.664) == "66.4"
    assert readable.shape((112, 112, 32)) == "112x112x32"
