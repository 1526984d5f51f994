"""Quantities with units: expected values by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbcost.units import UNITS, UnitError, factor, format_quantity, parse_quantity, to_base

#: text, dimension, value in the base unit
READ = [
    ("29.8 GB/s", "bandwidth", 29.8e9),
    ("29.8GB/s", "bandwidth", 29.8e9),
    ("  29.8  GB/s  ", "bandwidth", 29.8e9),
    ("153.6 Gbit/s", "bandwidth", 19.2e9),  # 153.6 / 8
    ("1 MiB/s", "bandwidth", 1_048_576.0),
    ("2.15 GHz", "frequency", 2.15e9),
    ("64 KiB", "size", 65_536.0),
    ("64 kB", "size", 64_000.0),
    ("18 Kibit", "size", 2_304.0),  # 18 * 1024 / 8
    ("32832 Kibit", "size", 4_202_496.0),
    ("3732 MT/s", "transfer_rate", 3.732e9),
    ("8.6 GMAC/s", "throughput", 8.6e9),
    ("4 MAC/cycle", "throughput_per_cycle", 4.0),
    ("128 bit", "width", 128.0),
    ("16 bit", "size", 2.0),
    ("23.4 ms", "time", 0.0234),
    ("0.1 us", "time", 1e-7),
    ("1e3 ns", "time", 1e-6),
    ("3.7 pJ", "energy", 3.7e-12),
    ("350 mW", "power", 0.35),
    ("7", "count", 7.0),
    ("12.5 %", "ratio", 0.125),
    ("0.9", "ratio", 0.9),
    ("-3 s", "time", -3.0),
    (".5 s", "time", 0.5),
]


@pytest.mark.parametrize(("text", "dimension", "value"), READ)
def test_quantities(text, dimension, value):
    assert parse_quantity(text, dimension) == value


#: text, dimension, what the message says
REFUSED = [
    ("29.8 Gb/s", "bandwidth", "did you mean `GB/s`"),
    ("29.8 gb/S", "bandwidth", "case-sensitive"),
    ("29.8 GHz", "bandwidth", "unit of frequency, not of bandwidth"),
    ("29.8", "bandwidth", "has no unit"),
    ("GB/s", "bandwidth", "not a number with a unit"),
    ("", "bandwidth", "not a number with a unit"),
    ("1,5 GHz", "frequency", "unknown unit"),
    ("1 5 GHz", "frequency", "not a number with a unit"),
    ("nan GHz", "frequency", "not a number with a unit"),
    ("inf GHz", "frequency", "not a number with a unit"),
    ("1e999 GHz", "frequency", "not a finite number"),
    ("1e305 GHz", "frequency", "not a finite number"),  # finite before its unit, not after
    ("1e999", "count", "not a finite number"),
    ("1 TB", "size", "unknown unit `TB`"),
    ("1 EHz", "frequency", "Hz, kHz, MHz, GHz"),
]


@pytest.mark.parametrize(("text", "dimension", "says"), REFUSED)
def test_what_is_no_quantity(text, dimension, says):
    with pytest.raises(UnitError) as caught:
        parse_quantity(text, dimension)
    assert says in str(caught.value)


#: unit -> factor, from the SI brochure and IEC 80000-13
FACTORS = [
    ("size", "kB", 1000.0),
    ("size", "KiB", 1024.0),
    ("size", "MiB", 1024.0**2),
    ("size", "GiB", 1024.0**3),
    ("size", "bit", 0.125),
    ("size", "Mbit", 125_000.0),
    ("bandwidth", "TB/s", 1e12),
    ("throughput", "TMAC/s", 1e12),
    ("time", "ps", 1e-12),
    ("energy", "nJ", 1e-9),
]


@pytest.mark.parametrize(("dimension", "unit", "expected"), FACTORS)
def test_factors(dimension, unit, expected):
    assert factor(unit, dimension) == expected


@pytest.mark.parametrize("dimension", UNITS)
def test_every_unit_reads_as_its_factor(dimension):
    for unit, scale in UNITS[dimension].items():
        text = "1" if unit == "1" else f"1 {unit}"
        assert parse_quantity(text, dimension) == scale


def test_every_dimension_has_its_base_unit():
    assert all(1.0 in table.values() for table in UNITS.values())


def test_a_unit_means_one_thing_except_bits():
    meanings = {}
    for dimension, table in UNITS.items():
        for unit, scale in table.items():
            meanings.setdefault(unit, set()).add((dimension, scale))
    ambiguous = {unit for unit, uses in meanings.items() if len(uses) > 1}
    assert ambiguous == {"bit", "1"}  # a width in bits and a size in bits; a count and a ratio


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (29.8e9, "bandwidth", "29.8 GB/s"),
        (65_536.0, "size", "64 KiB"),
        (65_000.0, "size", "65 kB"),
        (0.0234, "time", "23.4 ms"),
        (2.1504e9, "frequency", "2.1504 GHz"),
        (3.732e9, "transfer_rate", "3.732 GT/s"),
        (8.6016e9, "throughput", "8.6016 GMAC/s"),
        (4.0, "throughput_per_cycle", "4 MAC/cycle"),
        (7.0, "count", "7"),
        (0.0, "time", "0 s"),
    ],
)
def test_formatting(value, dimension, text):
    assert format_quantity(value, dimension) == text


@settings(max_examples=500)
@given(
    dimension=st.sampled_from(sorted(UNITS)),
    value=st.floats(min_value=1e-15, max_value=1e18) | st.floats(min_value=-1e18, max_value=-1e-15) | st.just(0.0),
)
def test_a_formatted_quantity_reads_back_exactly(dimension, value):
    assert parse_quantity(format_quantity(value, dimension), dimension) == value


@given(number=st.decimals(min_value="0.001", max_value="99999", places=3), unit=st.sampled_from(["ms", "us", "ns"]))
def test_a_decimal_number_becomes_the_nearest_double(number, unit):
    exponent = {"ms": -3, "us": -6, "ns": -9}[unit]
    assert to_base(float(number), unit, "time") == float(number.scaleb(exponent))


def test_the_smallest_number_there_is_has_a_text() -> None:
    assert format_quantity(5e-324, "frequency").endswith("Hz")
