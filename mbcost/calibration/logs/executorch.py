"""The table that ExecuTorch's Inspector makes of an ETDump: `to_dataframe().to_csv(..)`, or as it is printed.

Format: pytorch/executorch, devtools/inspector/_inspector.py (099b8f5c) and _inspector_utils.py: the columns
`event_block_name`, `event_name`, `p50 (ms)` ..., printed with `tabulate` in the formats `fancy_grid` or `github`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Final

from mbcost.calibration.logs.log import Line, Log, Operator, Reading, as_float, scaled

TOOL: Final = "ExecuTorch"
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
_P50: Final = re.compile(r"p50 \((?P<unit>\w+)\)")
_FRAME: Final = ("Program::", "Method::", "OPERATOR_CALL", "ETDump")


def is_log(log: Log) -> bool:
    """Whether a text has the table's header."""
    return any("event_name" in line.text and "event_block_name" in line.text for line in log.lines[:200])


def read(log: Log) -> Iterator[Reading]:
    """The tables of a text."""
    head: list[str] = []
    rows: list[tuple[Line, dict[str, str]]] = []
    for line in log.lines:
        cells = _cells(line)
        if "event_name" in cells:
            if head:
                yield from _reading(log, head, rows)
            head, rows = cells, []
        elif head and len(cells) == len(head):
            rows.append((line, dict(zip(head, cells, strict=True))))
        elif head and cells and not set(line.text) <= set("╒╤╕╞╪╡├┼┤╘╧╛═─┬┴|-: +"):
            log.wrong(log.at(line), f"{len(cells)} cells under {len(head)} columns: the table is cut", "write it again")
            return
    if head:
        yield from _reading(log, head, rows)


def _cells(line: Line) -> list[str]:
    """The cells of a line of CSV, or of a printed table."""
    text = line.whole.strip()
    for edge in ("│", "|"):
        if text.startswith(edge):
            return [cell.strip() for cell in text.strip(edge).split(edge)]
    try:
        return [cell.strip() for cell in next(csv.reader([text]), [])]
    except csv.Error:
        return [text]


def _reading(log: Log, head: list[str], rows: list[tuple[Line, dict[str, str]]]) -> Iterator[Reading]:
    column = next((name for name in head if _P50.fullmatch(name)), "")
    unit = _UNITS.get(column.removeprefix("p50 (").removesuffix(")"))
    if unit is None:
        hint = "Inspector(.., source_time_scale=.., target_time_scale=TimeScale.MS) gives milliseconds"
        log.wrong(log.at(1), "the table has no column `p50 (ms)`: its times are in another unit, or cut off", hint)
        return
    whole = next(((line, row) for line, row in rows if row["event_name"] == "Method::execute"), None)
    if whole is None:
        log.wrong(log.end, "the table has no `Method::execute`: no inference is in it", "write the whole table")
        return
    line, row = whole
    latency = log.number(row[column], log.at(line, row[column]), "`Method::execute`", unit)
    if latency is None:
        return
    delegated = any(_is(each, "is_delegated_op") for _, each in rows)
    raw = [value for text in re.findall(r"[\d.eE+-]+", row.get("raw", "")) if (value := as_float(text)) is not None]
    loads = [scaled(each[column], unit) or 0.0 for _, each in rows if each["event_name"] in _LOADS]
    least = next((scaled(row[name], unit) for name in head if name.startswith("min")), None)
    yield Reading(
        tool=TOOL,
        network="",
        latency_s=latency,
        location=log.at(line),
        min_s=least,
        runs=len(raw) or None,
        load_s=sum(loads) or None,
        operators=tuple(
            Operator(each["event_name"], each.get("op_types", "").strip("[]'"), scaled(each[column], unit) or 0.0,
                     "delegate" if _is(each, "is_delegated_op") else "")
            for _, each in rows
            if not each["event_name"].startswith(_FRAME) and not (delegated and each["event_name"] == "DELEGATE_CALL")
        ),
    )  # fmt: skip


_LOADS: Final = ("Program::load_method", "Method::init")


def _is(row: dict[str, str], column: str) -> bool:
    return row.get(column, "").lower() == "true"
