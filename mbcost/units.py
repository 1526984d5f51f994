"""Quantities with units, read by one closed table.

A quantity in a file is a number and a unit: ``29.8 GB/s``, ``2.15 GHz``, ``64 KiB``. Inside mbcost every number is in
SI base units (bytes, hertz, seconds, operations). A unit that is not in the table is an error; prefixes are not parsed.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

_DECIMAL: Final = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_BINARY: Final = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}

#: dimension -> {unit: factor to the base unit}
UNITS: Final[dict[str, dict[str, float]]] = {
    "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12},
    "frequency": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    "size": {
        "B": 1.0,
        "kB": 1e3,
        "MB": 1e6,
        "GB": 1e9,
        **{f"{prefix}B": factor for prefix, factor in _BINARY.items()},
        **{f"{prefix}bit": factor / 8 for prefix, factor in (_DECIMAL | _BINARY).items()},
    },
    "bandwidth": {
        "B/s": 1.0,
        "kB/s": 1e3,
        "MB/s": 1e6,
        "GB/s": 1e9,
        "TB/s": 1e12,
        "MiB/s": 2.0**20,
        "GiB/s": 2.0**30,
        "Gbit/s": 1e9 / 8,
    },
    "transfer_rate": {"T/s": 1.0, "MT/s": 1e6, "GT/s": 1e9},
    "throughput": {f"{prefix}MAC/s": factor for prefix, factor in _DECIMAL.items()},
    "throughput_per_cycle": {"MAC/cycle": 1.0},
    "width": {"bit": 1.0},
    "energy": {"J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "nJ": 1e-9, "pJ": 1e-12},
    "energy_per_byte": {"J/B": 1.0, "nJ/B": 1e-9, "pJ/B": 1e-12},
    "power": {"W": 1.0, "mW": 1e-3},
    "count": {"1": 1.0},
    "ratio": {"1": 1.0, "%": 1e-2},
}

#: Smallest and largest number of hardware, in base units; outside, the unit is wrong. Chosen: three orders of
#: magnitude beyond microcontrollers and data centres. 0 is left to what reads the number.
RANGES: Final[dict[str, tuple[float, float]]] = {
    "time": (1e-15, 1e9),
    "frequency": (1e2, 1e13),
    "size": (1 / 8, 1e18),
    "bandwidth": (1e2, 1e17),
    "transfer_rate": (1e2, 1e15),
    "throughput": (1e2, 1e19),
    "throughput_per_cycle": (1e-6, 1e12),
}

_QUANTITY: Final = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\s\d].*?)?\s*")


class UnitError(ValueError):
    """A text is not a quantity of the wanted dimension."""


def factor(unit: str, dimension: str) -> float:
    """The factor from one `unit` to the base unit.

    Raises
    ------
    UnitError
        If `unit` is not a unit of `dimension`; the message names those that are.
    """
    table = UNITS[dimension]
    if unit in table:
        return table[unit]
    known = ", ".join(table)
    others = [name for name, units in UNITS.items() if unit in units]
    if others:
        raise UnitError(f"`{unit}` is a unit of {others[0]}, not of {dimension} ({known})")
    alike = [name for name in table if name.lower() == unit.lower()]
    if alike:
        raise UnitError(f"unknown unit `{unit}`: units are case-sensitive, did you mean `{alike[0]}`?")
    raise UnitError(f"unknown unit `{unit}`: {dimension} is given in {known}")


def to_base(value: float, unit: str, dimension: str) -> float:
    """`value` in `unit` as a number of base units: of 23.4 ms, the double nearest to 0.0234."""
    # in decimal arithmetic, since neither 23.4 / 1e3 nor 0.025 * 1e-6 is the double nearest to the decimal value
    return float(Decimal(repr(value)) * Decimal(repr(factor(unit, dimension))))


def parse_quantity(text: str, dimension: str) -> float:
    """Read ``29.8 GB/s`` as 29.8e9.

    Parameters
    ----------
    text
        A number and a unit, with or without a space between them.
    dimension
        A key of :data:`UNITS`.

    Raises
    ------
    UnitError
        If there is no number, no unit, or a unit of another dimension.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f"`{text[:60]}` is not a number with a unit such as `1 {_example(dimension)}`")
    number, unit = match.groups()
    if unit is None and dimension not in {"count", "ratio"}:
        raise UnitError(f"`{text.strip()[:60]}` has no unit: write for example `{number[:20]} {_example(dimension)}`")
    value = float(number) if unit is None else to_base(float(number), unit, dimension)
    if not math.isfinite(value):
        raise UnitError(f"`{text.strip()[:60]}` is not a finite number")
    return value


def plausible(value: float, dimension: str, text: str) -> float:
    """A number of hardware in base units, as a text gave it.

    Raises
    ------
    UnitError
        If it is not finite, or outside the :data:`RANGES` of its dimension.
    """
    shown = text.strip()[:60]
    if not math.isfinite(value):
        raise UnitError(f"`{shown}` is not a finite number")
    low, high = RANGES.get(dimension, (0.0, math.inf))
    if value and not low <= abs(value) <= high:
        unit = next(unit for unit, scale in UNITS[dimension].items() if scale == 1)
        raise UnitError(f"`{shown}` is not a plausible {dimension.replace('_', ' ')}: {low:g} to {high:g} {unit} is")
    return value


def format_quantity(value: float, dimension: str) -> str:
    """A base-unit number in the unit that keeps it between 1 and 1000, with as few digits as read back exactly."""
    table = UNITS[dimension]
    preferred = {u: f for u, f in table.items() if "i" not in u and "bit" not in u} or table
    if dimension == "size" and value >= 1024 and value % 1024 == 0:
        preferred = {"B": 1.0, **{f"{prefix}B": scale for prefix, scale in _BINARY.items()}}
    best = min(preferred, key=lambda unit: _distance(abs(value) / preferred[unit]))
    number = float(Decimal(repr(value)) / Decimal(repr(preferred[best])))
    if to_base(number, best, dimension) != value:  # a rounding error in the last digit, which the base unit avoids
        best, number = next(unit for unit, scale in table.items() if scale == 1.0), value
    short = repr(number).removesuffix(".0")
    return f"{short} {best}" if best != "1" else short


def _distance(number: float) -> float:
    if number / 30 == 0:  # zero, or so small that the quotient is
        return 0.0
    return 0.0 if 1 <= number < 1000 else abs(math.log10(number / 30))


def _example(dimension: str) -> str:
    units = UNITS[dimension]
    return {"bandwidth": "GB/s", "frequency": "GHz", "size": "KiB", "throughput": "GMAC/s"}.get(
        dimension, next(iter(units))
    )
