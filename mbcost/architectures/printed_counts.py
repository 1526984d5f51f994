"""Counts as papers print them, ``5.4M`` or ``10,838,016``, and the exact counts that they match."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mbcost.architectures.cell_numbers import shown_value
from mbcost.architectures.cells import Cells
from mbcost.architectures.problem_log import Cell, ProblemLog
from mbcost.errors import Location

#: The counts that a row or a file may state.
COUNT_KEYS: Final = ("macs", "params")
MAX_TEXT: Final = 40

_UNITS: Final = {"": 0, "k": 3, "m": 6, "g": 9, "b": 9, "t": 12}
_COUNT: Final = re.compile(r"(\d{1,3}(?:,\d{3}){1,5}|\d{1,15}(?:\.\d{1,9})?)\s*([kmgbt]?)", re.IGNORECASE | re.ASCII)
_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)\s*%?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """A printed number: its text, its value and that of its last digit, and where it stands."""

    text: str
    value: Decimal
    unit: Decimal
    location: Location | None = None

    def stands_for(self, exact: Decimal | int) -> bool:
        """Whether the number matches `exact`, rounded or truncated."""
        return self.value - self.unit / 2 <= exact < self.value + max(self.unit, Decimal("1e-9"))


def read_count(text: str, location: Location | None = None) -> PrintedNumber | None:
    """A count such as ``5.4M``, ``231 M``, ``10,838,016`` or ``1.5G``; None where it is none."""
    match = _COUNT.fullmatch(text.strip()) if len(text) <= MAX_TEXT else None
    if match is None:
        return None
    return _number(match[1], _UNITS[match[2].lower()], text, location)


def read_percent(text: str, location: Location | None = None) -> PrintedNumber | None:
    """A share such as ``94.86 %`` [percent]; None where it is none."""
    match = _PERCENT.fullmatch(text.strip()) if len(text) <= MAX_TEXT else None
    return None if match is None else _number(match[1], 0, text, location)


def _number(digits: str, exponent: int, text: str, location: Location | None) -> PrintedNumber:
    plain = digits.replace(",", "")
    decimals = len(plain.partition(".")[2])
    scale = Decimal(10) ** exponent
    return PrintedNumber(text.strip(), Decimal(plain) * scale, scale.scaleb(-decimals), location)


def take_count(log: ProblemLog, cell: Cell) -> PrintedNumber | None:
    """The count that a cell states; a mistake in it is logged."""
    value = cell.value
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    count = read_count(text, log.at(cell))
    if count is None:
        message = f"{shown_value(value)} is not a count"
        log.add("MB103", message, log.at(cell), "for example 5.4M, 231M or 10838016")
    return count


def take_counts(log: ProblemLog, cells: Cells) -> dict[str, PrintedNumber]:
    """The counts that a row states, by key; their cells are read."""
    found = {key: take_count(log, cells.pop(key)) for key in COUNT_KEYS if key in cells}
    return {key: count for key, count in found.items() if count is not None}
