"""Rows of a CSV file with the place of every cell, so that each problem is shown where it stands."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from mbcost.errors import InputError, Location, Problem, did_you_mean, fail
from mbcost.files import read_text

#: Tens of thousands of rows of a few hundred characters [B].
MAX_BYTES: Final = 32 * 2**20


class CsvRow:
    """The cells of one row by column; a wrong one becomes a problem and is replaced by a harmless value."""

    def __init__(self, cells: Mapping[str, str], path: str, line: int, text: str, columns: Sequence[str]) -> None:
        self.cells = cells
        self.line = line
        self.problems: list[Problem] = []
        self._path, self._text, self._columns = path, text, columns

    @property
    def location(self) -> Location:
        """The whole row."""
        return Location(self._path, self.line, 1, len(self._text) + 1, self._text)

    def where(self, column: str) -> Location:
        """The place of a cell, or of the row where it has no such cell."""
        spans = _spans(self._text)
        index = self._columns.index(column) if column in self._columns else len(spans)
        if index >= len(spans):
            return self.location
        start, end = spans[index]
        return Location(self._path, self.line, start + 1, max(end, start + 1) + 1, self._text)

    def wrong(self, column: str, message: str, hint: str | None = None) -> None:
        """Note that a cell cannot be used."""
        self.problems.append(Problem("MB600", f"row {self.line}: {message}", self.where(column), hint))

    def text(self, column: str, default: str | None = None) -> str:
        """A cell's text; `default` for an empty one, which is a problem without a default."""
        value = self.cells.get(column, "").strip()
        if value:
            return value
        if default is None:
            self.wrong(column, f"`{column}` is empty")
        return default or ""

    def positive(self, column: str, default: float | None = None) -> float:
        """A cell's number, which has to be above 0."""
        text = self.text(column, None if default is None else "")
        if not text:
            return default or 1.0
        try:
            value = float(text)
        except ValueError:
            self.wrong(column, f"`{column}` is `{text[:40]}`, not a number")
            return 1.0
        if not math.isfinite(value) or value <= 0:
            self.wrong(column, f"`{column}` is {text[:40]}, but it has to be above 0")
            return 1.0
        return value

    def whole(self, column: str, most: int, default: int | None = None) -> int:
        """A cell's whole number from 1 to `most`."""
        before = len(self.problems)
        value = self.positive(column, None if default is None else float(default))
        if len(self.problems) == before and (value != int(value) or value > most):
            text = self.cells[column].strip()[:40]
            self.wrong(column, f"`{column}` is {text}, it has to be a whole number up to {most}")
            return 1
        return int(value)


def read_csv(path: Path, layouts: Sequence[tuple[Sequence[str], Sequence[str]]]) -> tuple[list[str], Iterator[CsvRow]]:
    """The columns of a file and its rows.

    Parameters
    ----------
    layouts
        (required columns, optional columns) of each known layout; the first required column identifies the layout.

    Raises
    ------
    InputError
        MB102 for every column that is missing, MB600 for a file that is no CSV and, from the iterator, for a row with
        more cells than columns; what reading a file raises.
    """
    lines = read_text(path, MAX_BYTES).splitlines()
    reader = csv.reader(lines)
    try:
        columns = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        fail("MB600", f"{path} is not a CSV file: {error}", Location(str(path), 1, 1))
    _check_columns(columns, layouts, path)
    return columns, _rows(reader, lines, columns, path)


def _rows(reader: Iterable[list[str]], lines: list[str], columns: list[str], path: Path) -> Iterator[CsvRow]:
    numbered = iter(reader)
    while True:
        first = getattr(reader, "line_num", 0) + 1
        try:
            cells = next(numbered, None)
        except csv.Error as error:
            fail("MB600", f"{path} is not a CSV file: {error}", Location(str(path), first, 1))
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        row = CsvRow(dict(zip(columns, cells, strict=False)), str(path), first, lines[first - 1], columns)
        if len(cells) > len(columns):
            hint = "quote a cell that has a comma in it"
            message = f"row {first}: {len(cells)} cells under {len(columns)} columns"
            row.problems.append(Problem("MB600", message, row.location, hint))
        yield row


def _check_columns(present: list[str], layouts: Sequence[tuple[Sequence[str], Sequence[str]]], path: Path) -> None:
    where = Location(str(path), 1, 1, 2, ",".join(present))
    repeated = {name for name in present if present.count(name) > 1 and name}
    problems = [Problem("MB600", f"column `{name}` occurs twice", where) for name in sorted(repeated)]
    required, optional = next((layout for layout in layouts if layout[0][0] in present), layouts[0])
    strangers = set(present) - set(required) - set(optional)
    problems += [
        Problem("MB102", f"no column `{name}`", where, did_you_mean(name, strangers))
        for name in required
        if name not in present
    ]
    if problems:
        raise InputError(problems)


def _spans(line: str) -> list[tuple[int, int]]:
    """From where to where each cell of a line goes, its quotes included."""
    found, start, quoted = [], 0, False
    for position, character in enumerate(line):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            found.append((start, position))
            start = position + 1
    return [*found, (start, len(line))]
