"""Converts rows of a pasted table to rows of the table language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mbcost.architectures.pasted.grid import GridCell
from mbcost.architectures.pasted.words import BLOCK_TABLES, TIMES, read_operator, take_times
from mbcost.architectures.printed_columns import parse_shape
from mbcost.document import Source, Span
from mbcost.errors import Problem

EMPTY: Final = frozenset({"", "-", "–", "—", "−"})
_YES: Final = frozenset({"✓", "✔", "√", "y", "yes", "true", "1"})
_CONVOLUTIONS: Final = frozenset({"conv2d", "depthwise_conv2d"})
_POOLS: Final = frozenset({"avg_pool2d", "global_avg_pool"})
#: Keys that papers fill in for rows in which they have no meaning.
_IDLE: Final = {
    "global_avg_pool": ("kernel", "stride", "out", "activation"),
    "avg_pool2d": ("out", "activation"),
    "dense": ("kernel", "stride"),
    "softmax": ("kernel", "stride", "filter", "out"),
}
_NUMBER: Final = re.compile(r"\d{1,9}")
_SQUARE: Final = re.compile(r"(\d{1,4})x\1")
_FILTER_WORDS: Final = re.compile(r"pool |conv |classifier", re.IGNORECASE)

Cells = Mapping[str, GridCell]


@dataclass(frozen=True, slots=True)
class PastedRow:
    """A row as keys and values of the table language, with the place of the row and of each cell."""

    values: Mapping[str, Any]
    spans: Mapping[str, Span]
    span: Span


@dataclass(slots=True)
class PastedGroup:
    """Rows that repeat together."""

    repeat: int
    rows: list[PastedRow]
    span: Span


@dataclass(slots=True)
class RowConverter:
    """Converts the rows of one table; `problems` has contradictions and assumptions."""

    source: Source
    problems: list[Problem] = field(default_factory=list)

    def convert(self, rows: Iterable[Cells]) -> list[PastedRow | PastedGroup]:
        """The rows and groups of a table."""
        result: list[PastedRow | PastedGroup] = []
        times = 1
        group: PastedGroup | None = None
        for cells in rows:
            found, cells = _take_times(cells)
            if "op" not in cells and set(cells) <= {"op"}:
                times = found  # a line with nothing but `5x` is about the rows after it
                continue
            parts = [row for part in _parts(cells) for row in _squeezed(self._row(part))]
            if group is not None:
                group.rows += parts
                group = None
            elif max(times, found) > 1:
                opened = PastedGroup(max(times, found), parts, parts[0].span)
                result.append(opened)
                # of a depthwise separable pair, papers print `5x` beside the first row only
                alone = len(parts) == 1 and parts[0].values["op"] == "depthwise_conv2d"
                group = opened if alone else None
            else:
                result += parts
            times = 1
        return result

    def _row(self, cells: Cells) -> PastedRow:
        spans = {key: cell.span for key, cell in cells.items()}
        first, last = min(spans.values()), max(spans.values())
        printed = read_operator(cells["op"].text) if "op" in cells else None
        values: dict[str, Any] = {"op": printed.op if printed else None}
        values |= {key: _value(key, cell.text) for key, cell in cells.items() if key != "op"}
        if printed is not None:
            for key, text in (("kernel", printed.kernel), ("stride", printed.stride)):
                if text is not None and values.setdefault(key, _value(key, text)) != _value(key, text):
                    self._disagree(key, text, cells[key])
            self._fit(values, cells["op"], norm=printed.norm)
        ordered = {key: values[key] for key in values if values[key] is not None}
        return PastedRow(ordered, spans, Span(first.line, first.column, last.end_column))

    def _disagree(self, key: str, text: str, cell: GridCell) -> None:
        message = f"`{key}` is {cell.text}, but the operator says {text}"
        self.problems.append(Problem("MB203", message, self.source.location(cell.span)))

    def _fit(self, values: dict[str, Any], cell: GridCell, *, norm: bool) -> None:
        """Adapt a row to what its operator takes."""
        if values["op"] in _POOLS:
            values["op"] = "global_avg_pool" if _covers_input(values) else "avg_pool2d"
        op = values["op"]
        for key in _IDLE.get(op, ()):
            values.pop(key, None)
        if values.get("repeat") == 1:
            values.pop("repeat")
        classifies = values.get("out") == "classes"
        if op == "dense" or classifies:
            values["scale"] = "none"
        if op == "conv2d" and (classifies or not norm):
            values |= {"bias": True, "norm": "none"}
        if op == "conv2d" and classifies:
            values.setdefault("activation", "none")
        if op in _CONVOLUTIONS and "kernel" not in values and "filter" not in values:
            values["kernel"] = 3
            place, hint = self.source.location(cell.span), "write for example `conv2d 3x3`"
            message = f"no kernel is printed for `{cell.text}`: 3x3 was taken"
            self.problems.append(Problem("MB102", message, place, hint, severity="warning"))


def _squeezed(row: PastedRow) -> Iterator[PastedRow]:
    """A row; squeeze-and-excite printed in a convolution's row, as in MobileNet V3-Small, becomes a row of its own."""
    if row.values.get("op") != "conv2d" or row.values.get("se") is not True:
        yield row
        return
    yield replace(row, values={key: value for key, value in row.values.items() if key != "se"})
    yield PastedRow({"op": "squeeze_excite"}, {"op": row.spans["se"]}, row.span)


def _covers_input(values: Mapping[str, Any]) -> bool:
    """Whether the window of a pooling row is as large as its printed input, or none is printed."""
    shape = parse_shape(values.get("input"))
    window = values.get("filter") or values.get("kernel")
    if window is None or shape is None:
        return window is None
    return str(window) in {f"{shape.height}x{shape.width}", str(shape.height)}


def _take_times(cells: Cells) -> tuple[int, dict[str, GridCell]]:
    """How often a row occurs, and its cells without that and without the empty ones."""
    rest = {key: cell for key, cell in cells.items() if cell.text not in EMPTY}
    own = rest.pop(TIMES, None)
    times = take_times(own.text)[0] if own is not None else 1
    if "op" in rest:
        prefix, text = take_times(rest["op"].text)
        times = max(times, prefix)
        if text:
            rest["op"] = replace(rest["op"], text=text)
        else:
            rest.pop("op")
    return times, rest


def _parts(cells: Cells) -> Iterator[Cells]:
    """The rows of a line with `+` in its operator; a single input is that of the first."""
    operators = [part.strip() for part in cells["op"].text.split(" + ")] if "op" in cells else []
    if len(operators) < 2:
        yield cells
        return
    for position, operator in enumerate(operators):
        part = {"op": replace(cells["op"], text=operator)}
        for key, cell in cells.items():
            texts = cell.text.split(" + ")
            if key != "op" and position < len(texts):
                part[key] = replace(cell, text=texts[position].strip())
        yield part


def _value(key: str, text: str) -> Any:
    """A cell's value under `key`, as a table's author would write it."""
    if key == "se":
        return True if text.lower() in _YES else text
    if key == "out" and text.lower() in {"k", "classes", "num_classes"}:
        return "classes"
    if key == "filter":
        return _FILTER_WORDS.sub("", text).strip() or None
    if key in {"kernel", "stride"} and (match := _SQUARE.fullmatch(text)):
        return int(match[1])
    return int(text) if _NUMBER.fullmatch(text) else text


def block_names(rows: Iterable[PastedRow | PastedGroup]) -> list[str]:
    """The known blocks that rows use."""
    flat = [inner for row in rows for inner in (row.rows if isinstance(row, PastedGroup) else [row])]
    return [name for name in BLOCK_TABLES if any(row.values.get("op") == name for row in flat)]
