"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

_SI: Final = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BINARY: Final = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_TIMES: Final = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))
NOTHING: Final = "–"


def significant(value: float, digits: int = 3) -> str:
    """`value` with significant `digits`, never with an exponent or with fewer digits than its integer part."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    magnitude = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    return f"{value:,.{min(12, max(0, digits - 1 - magnitude))}f}"


def milliseconds(seconds: float) -> str:
    """``57.8 ms``."""
    return f"{significant(seconds * 1e3)} ms"


def si(value: float, digits: int = 4) -> str:
    """``300.8 M``; small whole numbers as they are."""
    for factor, prefix in _SI:
        if abs(value) >= factor:
            return f"{significant(value / factor, digits)} {prefix}"
    return f"{value:g}" if value == int(value) else significant(value, digits)


def with_unit(value: float, unit: str) -> str:
    """Three digits and a unit, seconds with an SI prefix: ``427 ps a MAC``; ``1`` means no unit."""
    if unit == "s" or unit.startswith("s "):
        factor, prefix = next((pair for pair in _TIMES if abs(value) >= pair[0]), _TIMES[-1])
        return f"{significant(value / factor)} {prefix}{unit}"
    return significant(value) if unit == "1" else f"{significant(value)} {unit}"


def size(count: int) -> str:
    """Bytes: ``5.74 MiB``."""
    for factor, unit in _BINARY:
        if count >= factor:
            return f"{significant(count / factor)} {unit}"
    return f"{count} B"


def percent(share: float) -> str:
    """One decimal, no sign: ``66.4``."""
    return f"{share * 100:.1f}"


def shape(dimensions: Sequence[int]) -> str:
    """``112x112x32``."""
    return "x".join(map(str, dimensions))


def decimals_for(total_ms: float) -> int:
    """Decimals of a column of milliseconds, so that the parts of `total_ms` show four digits of it."""
    return 3 if total_ms <= 0 else min(6, max(1, 3 - math.floor(math.log10(total_ms))))
