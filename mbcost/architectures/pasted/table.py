"""A text with a pasted table as a document that the loader reads, whose places are those of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

from mbcost.architectures.pasted.grid import Grid, GridCell, find_grids
from mbcost.architectures.pasted.rows import EMPTY, PastedRow, RowConverter
from mbcost.architectures.pasted.words import HEADINGS, TIMES, heading_key, heading_unit
from mbcost.architectures.pasted.writer import row_spans, write_table
from mbcost.architectures.printed_counts import COUNT_KEYS
from mbcost.document import Document
from mbcost.errors import InputError, Problem, did_you_mean, fail
from mbcost.files import parse_yaml

_SUFFIXES: Final = frozenset({".md", ".markdown", ".tsv", ".txt", ".csv"})
_YAML: Final = frozenset({".yaml", ".yml"})
_LAYERS: Final = re.compile(r"^(layers|name)\s*:", re.MULTILINE)
_HINT: Final = (
    "headings such as `Type / Stride | Filter Shape | Input Size`; "
    "`mbcost architectures check --against MODEL` checks a table of shares"
)
_SHAPE: Final = re.compile(r"\d{1,5}x\d{1,5}x\d{1,10}")


@dataclass(frozen=True, slots=True)
class PastedTable:
    """A pasted table: its YAML, the same as a document, and the assumptions."""

    yaml: str
    document: Document
    warnings: tuple[Problem, ...]


def is_pasted(path: PurePath, text: str) -> bool:
    """Whether a file has a pasted table rather than YAML, by its suffix or its content."""
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return True
    return suffix not in _YAML and _LAYERS.search(text) is None and bool(find_grids(text, str(path)))


def read_pasted(text: str, path: str) -> PastedTable:
    """The table of layers in a text, the first if there are more.

    Raises
    ------
    InputError
        If the text has no table of layers, a heading is unknown, or a row has too few cells.
    """
    grid, keys = _layer_table(find_grids(text, path), path)
    converter = RowConverter(grid.source)
    rows = converter.convert(list(_keyed(grid, keys)))
    first = next((row for row in rows), None)
    start = first if isinstance(first, PastedRow) else first.rows[0] if first else None
    cell = None if start is None else start.values.get("input")
    if start is None or not isinstance(cell, str) or not _SHAPE.fullmatch(cell):
        place = grid.source.location((start.spans.get("input", start.span)) if start else grid.header[0].span)
        fail("MB103", "the first row prints no input size such as 224x224x3", place)
    stem = re.sub(r"[^a-z0-9]+", "_", PurePath(path).stem.lower()).strip("_") or "table"
    title = grid.title or stem
    yaml = write_table(stem, title, f"{title}; pasted in {PurePath(path).name}", rows, cell)
    spans = {
        ("input",): start.spans["input"],
        ("layers",): grid.header[0].span,
        (): grid.header[0].span,
        **row_spans(rows),
    }
    document = Document(parse_yaml(yaml, path).data, grid.source, {}, spans)
    if errors := [problem for problem in converter.problems if problem.severity == "error"]:
        raise InputError(errors)
    return PastedTable(yaml, document, tuple(converter.problems))


def _layer_table(grids: Sequence[Grid], path: str) -> tuple[Grid, list[str]]:
    """The first table with a column of operators and one of inputs, and the keys of its columns."""
    if not grids:
        hint = "rows are lines with `|` or tabs between the cells, the first has the headings"
        fail("MB103", f"{path} holds no table", hint=hint)
    for grid in grids:
        keys = [heading_key(cell.text) for cell in grid.header]
        if {"op", "input"} <= set(keys):
            return grid, _known(grid, keys)
    place = grids[0].source.location(grids[0].header[0].span)
    fail("MB102", "no table has a column of operators and one of input sizes", place, _HINT)


def _known(grid: Grid, keys: Sequence[str | None]) -> list[str]:
    """The keys of the columns; unknown and repeated headings are reported."""
    problems: list[Problem] = []
    for position, (key, cell) in enumerate(zip(keys, grid.header, strict=True)):
        place = grid.source.location(cell.span)
        if key is None:
            words = [word for choices in HEADINGS.values() for word in choices]
            problems.append(
                Problem("MB101", f"unknown heading `{cell.text}`", place, did_you_mean(cell.text.lower(), words))
            )
        elif key != TIMES and key in keys[:position]:
            problems.append(Problem("MB104", f"another column means `{key}` too", place))
    if problems:
        raise InputError(problems)
    return [key for key in keys if key is not None]


def _keyed(grid: Grid, keys: Sequence[str]) -> Iterator[dict[str, GridCell]]:
    """The rows as cells by key."""
    units = [_unit(grid, key, heading) for key, heading in zip(keys, grid.header, strict=True)]
    for cells in grid.rows:
        filled = [cell for cell in cells if cell.text not in EMPTY]
        if len(cells) == 1 and filled:
            yield {TIMES: cells[0]}
            continue
        if len(cells) != len(keys):
            place = grid.source.location(cells[0].span)
            headings = " | ".join(cell.text for cell in grid.header)
            fail("MB103", f"the row has {len(cells)} cells, the table {len(keys)} columns", place, headings)
        if filled:
            yield {
                key: replace(cell, text=f"{cell.text}{unit}") if cell.text[-1:].isdigit() else cell
                for key, cell, unit in zip(keys, cells, units, strict=True)
            }


def _unit(grid: Grid, key: str, heading: GridCell) -> str:
    """The unit that a heading gives the counts under it."""
    span = heading.span
    return heading_unit(grid.source.lines[span.line][span.column : span.end_column]) if key in COUNT_KEYS else ""
