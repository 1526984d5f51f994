"""A pasted table as the YAML of an architecture, in the style of the shipped tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from mbcost.architectures.loader import TABLES
from mbcost.architectures.pasted.rows import PastedGroup, PastedRow, block_names
from mbcost.architectures.pasted.words import BLOCK_TABLES, HEADINGS, PLAIN_TABLE
from mbcost.document import Path_, Span

_PLAIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_./^+% -]*[A-Za-z0-9_./%])?")
_COLUMN_ORDER: Final = tuple(HEADINGS)


def write_table(name: str, title: str, source: str, rows: Sequence[PastedRow | PastedGroup], size: str) -> str:
    """The YAML text of a table whose input is `size`."""
    blocks = block_names(rows)
    model = BLOCK_TABLES[blocks[0]] if blocks else PLAIN_TABLE
    columns = _columns(rows)
    definitions = "".join(_section(BLOCK_TABLES[block], "blocks").partition("\n")[2] for block in blocks)
    note = f"what the table does not print is as in {model}: batch norm, activations, the width rule"
    parts = [
        f"name: {name}",
        f"title: {scalar(title)}",
        f"source: {scalar(source)}",
        f"note: {scalar(note)}",
        f"input: {scalar(size)}",
        "options: {classes: 1000}",
        f"{_section(model, 'width')}\n",
        f"{_section(model, 'defaults')}\n",
        *([f"blocks:\n{definitions}\n"] if blocks else []),
        f"columns: [{', '.join(columns)}]",
        "layers:",
        *_row_lines(rows, columns),
    ]
    return "\n".join(part.replace("\n\n", "\n") for part in parts) + "\n"


@cache
def _section(table: str, key: str) -> str:
    """The lines of a shipped table under one of its keys, verbatim."""
    text = (TABLES / f"{table}.yaml").read_text(encoding="utf-8")
    match = re.search(rf"^{key}:.*\n(?:[ \t].*\n|\n(?=[ \t]))*", text, re.MULTILINE)
    assert match is not None, f"{table} has no {key}"
    return match[0]


def _flat(rows: Iterable[PastedRow | PastedGroup]) -> list[PastedRow]:
    return [inner for row in rows for inner in (row.rows if isinstance(row, PastedGroup) else [row])]


def _columns(rows: Iterable[PastedRow | PastedGroup]) -> list[str]:
    used = {key for row in _flat(rows) for key in row.values}
    return [key for key in _COLUMN_ORDER if key in used]


def _row_lines(rows: Sequence[PastedRow | PastedGroup], columns: Sequence[str]) -> list[str]:
    listed = [row for row in _flat(rows) if _is_listed(row, columns)]
    widths = [max((len(scalar(row.values.get(key))) for row in listed), default=0) for key in columns]
    lines: list[str] = []
    for row in rows:
        if isinstance(row, PastedGroup):
            lines += [f"  - repeat: {row.repeat}", "    layers:"]
            lines += [f"      - {_row_text(inner, columns, widths)}" for inner in row.rows]
        else:
            lines.append(f"  - {_row_text(row, columns, widths)}")
    return lines


def _is_listed(row: PastedRow, columns: Sequence[str]) -> bool:
    """Whether a row is written as a list under the columns, rather than with its keys."""
    return set(row.values) <= set(columns)


def _row_text(row: PastedRow, columns: Sequence[str], widths: Sequence[int]) -> str:
    if not _is_listed(row, columns):
        return f"{{{', '.join(f'{key}: {scalar(value)}' for key, value in row.values.items())}}}"
    cells = [f"{scalar(row.values.get(key))}," for key in columns]
    padded = [cell.ljust(width + 1) for cell, width in zip(cells, widths, strict=True)]
    return f"[{' '.join(padded).rstrip().rstrip(',')}]"


def scalar(value: Any) -> str:
    """A value in YAML's flow style."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text if isinstance(value, int) or _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def row_spans(rows: Sequence[PastedRow | PastedGroup]) -> dict[Path_, Span]:
    """The places in the pasted table of the values of the written one."""
    columns = _columns(rows)
    spans: dict[Path_, Span] = {}
    for position, row in enumerate(rows):
        path: Path_ = ("layers", position)
        spans[path] = row.span
        if isinstance(row, PastedRow):
            _cell_spans(spans, path, row, columns)
            continue
        for inner, item in enumerate(row.rows):
            spans[(*path, "layers", inner)] = item.span
            _cell_spans(spans, (*path, "layers", inner), item, columns)
    return spans


def _cell_spans(spans: dict[Path_, Span], path: Path_, row: PastedRow, columns: Sequence[str]) -> None:
    listed = _is_listed(row, columns)
    for key in row.values:
        spans[(*path, columns.index(key) if listed else key)] = row.spans.get(key, row.spans.get("op", row.span))
