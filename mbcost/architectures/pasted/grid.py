"""Tables in a text: rows of cells between pipes or tabs, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mbcost.document import Source, Span
from mbcost.errors import printable

MAX_ROWS: Final = 2000
MAX_GRIDS: Final = 100
MAX_CELLS: Final = 64
MAX_CELL: Final = 200

_RULE: Final = re.compile(r":?-+:?|=+")
_LINK: Final = re.compile(r"\\times|[×✕]")
_PRODUCT: Final = re.compile(r"(?<=\d) *[xX] *(?=\d)")
_SQUARE: Final = re.compile(r"(\d{1,9}) ?(?:²|\^\{?2\}?)")
_NOTE: Final = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class GridCell:
    """A printed cell without emphasis and remarks in brackets, and its place."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of a text: the line before it, its headings, its rows."""

    source: Source
    title: str
    header: tuple[GridCell, ...]
    rows: tuple[tuple[GridCell, ...], ...]


def find_grids(text: str, path: str) -> list[Grid]:
    """The tables of a text, in order. One has a row of headings and at least one row more.

    Raises
    ------
    InputError
        MB106 for more tables, or rows of one, than a paper has.
    """
    source = Source.of(text.removeprefix("\ufeff"), path)
    grids: list[Grid] = []
    block: list[tuple[GridCell, ...]] = []
    title, separator = "", ""
    for number, line in enumerate((*source.lines, "")):
        mark = "|" if "|" in line else "\t" if "\t" in line else ""
        goes_on = bool(block) and (mark == separator or (separator == "\t" and not mark and bool(line.strip())))
        if not goes_on and block:
            _close(grids, source, title, block)
            block, title = [], ""
        if mark or goes_on:
            separator = separator if goes_on else mark
            cells = tuple(_cells(line, number, separator))
            if not all(_RULE.fullmatch(cell.text.strip()) for cell in cells):
                block.append(cells)
            if len(block) > MAX_ROWS + 1 or len(grids) >= MAX_GRIDS:
                message = f"more than {MAX_ROWS} rows in a table, or {MAX_GRIDS} tables"
                source.fail("MB106", message, Span(number, 0, len(line)))
        elif line.strip():
            title = printable(line.strip().lstrip("#").strip(), MAX_CELL)
    return grids


def _close(grids: list[Grid], source: Source, title: str, block: list[tuple[GridCell, ...]]) -> None:
    if len(block) > 1:
        grids.append(Grid(source, title, block[0], tuple(block[1:])))


def _cells(line: str, number: int, separator: str) -> Iterator[GridCell]:
    """The cells of a line; text before the first pipe and after the last one is not a cell."""
    parts = line.split(separator, MAX_CELLS + 2)
    start = 0
    for position, part in enumerate(parts):
        edge = separator == "|" and position in {0, len(parts) - 1} and not part.strip()
        if not edge and position <= MAX_CELLS:
            left = start + len(part) - len(part.lstrip())
            text = plain(part)
            yield GridCell(text, Span(number, left, left + max(1, len(part.strip()))))
        start += len(part) + 1


def plain(text: str) -> str:
    """A cell's text as a table's author would type it: ``**112² × 3**`` -> ``112x112x3``."""
    text = printable(text.strip(), MAX_CELL).replace("**", "").replace("`", "").replace("$", "").replace("\xa0", " ")
    text = _SQUARE.sub(r"\1x\1", _LINK.sub("x", text))
    return " ".join(_NOTE.sub(" ", _PRODUCT.sub("x", text)).split())
