"""Candidate corrections of a table: changes of a single cell, for misprints and typing errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from mbcost.architectures.fields import operator_fields
from mbcost.architectures.spec import ArchitectureSpec, BlockRow, Declared, GroupRow, LayerRow, Row
from mbcost.graph.reading import Contradiction
from mbcost.operators import TensorShape

STRIDES: Final = (1, 2, 4)
MAX_REPEAT: Final = 8

_Path: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A table with one changed cell: the cell's new value, the line of its row, and the whole table."""

    text: str
    line: int
    spec: ArchitectureSpec

    def shown(self, line: int) -> str:
        """The change as a hint on `line` names it."""
        return f"{self.text} {'here' if self.line == line else f'in line {self.line}'}"


def column_changes(spec: ArchitectureSpec, contradictions: Iterable[Contradiction]) -> Iterator[Change]:
    """Printed columns that match the propagated shape."""
    rows = {id(row.frame.declared): (path, row) for path, row in _rows(spec.rows) if row.frame.declared is not None}
    for found in contradictions:
        path, row = rows.get(id(found.declared), ((), None))
        if row is None:
            continue
        text, declared = _corrected(found)
        yield Change(text, row.frame.location.line, _with(spec, path, _declare(row, declared)))


def _corrected(found: Contradiction) -> tuple[str, Declared]:
    """The printed columns that agree with the propagated shapes."""
    declared, arrived = found.declared, found.arrived
    if found.location == declared.input_location:
        return f"{arrived}", replace(declared, input_shape=arrived)
    if declared.filter_window is not None:
        window = arrived[:2]
        return f"a window of {window[0]}x{window[1]}", replace(declared, filter_window=window)
    return f"a filter of {arrived.channels} input channels", replace(declared, filter_channels=arrived.channels)


def _declare(row: Row, declared: Declared) -> Row:
    return replace(row, frame=replace(row.frame, declared=declared))


def row_changes(spec: ArchitectureSpec, contradictions: Iterable[Contradiction]) -> Iterator[Change]:
    """Other strides, repeats and output channels of rows down to the last contradiction, from there upwards."""
    found = list(contradictions)
    last = max((item.location.line for item in found if item.location), default=0)
    wanted = list(dict.fromkeys(channels for item in found for channels in _printed_channels(item.declared)))
    for path, row in reversed(list(_rows(spec.rows))):
        if row.frame.location.line > last:
            continue
        for text, changed in _variants(row, wanted):
            yield Change(text, row.frame.location.line, _with(spec, path, changed))


def _printed_channels(declared: Declared) -> Iterator[int]:
    shape: TensorShape | None = declared.input_shape
    if shape is not None:
        yield shape.channels
    if declared.filter_channels is not None:
        yield declared.filter_channels


def _variants(row: Row, channels: Iterable[int]) -> Iterator[tuple[str, Row]]:
    """A row with one other cell, and what that cell says."""
    stride, set_stride = _stride(row)
    if stride is not None:
        yield from ((f"stride {value}", set_stride(value)) for value in STRIDES if value != stride)
    if isinstance(row, (LayerRow, BlockRow)) and row.width is not None and isinstance(row.width.channels, int):
        for value in channels:
            if value != row.width.channels:
                yield f"{value} output channels", replace(row, width=replace(row.width, channels=value))
    if isinstance(row.frame.repeat, int) and (row.frame.repeat > 1 or isinstance(row, GroupRow)):
        yield from _repeats(row)


def repeat_changes(spec: ArchitectureSpec) -> Iterator[Change]:
    """Other repeats of the rows of a table."""
    for path, row in _rows(spec.rows):
        for text, changed in _repeats(row):
            yield Change(text, row.frame.location.line, _with(spec, path, changed))


def _repeats(row: Row) -> Iterator[tuple[str, Row]]:
    if not isinstance(row.frame.repeat, int):
        return
    for value in range(1, MAX_REPEAT + 1):
        if value != row.frame.repeat:
            yield f"{value} repeat{'s' * (value > 1)}", replace(row, frame=replace(row.frame, repeat=value))


def _stride(row: Row) -> tuple[Any, Callable[[int], Row]]:
    """The stride of a row, None where it has none or one that is computed, and the row with another one."""
    if isinstance(row, LayerRow) and "stride" in operator_fields(row.operator):
        layer, default = row, operator_fields(row.operator)["stride"].default
        pair = row.constants.get("stride", default)
        known = isinstance(pair, tuple) and len(pair) == 2 and pair[0] == pair[1] and not _computed(row, "stride")
        return (
            pair[0] if known else None,
            lambda value: replace(layer, constants={**layer.constants, "stride": (value, value)}),
        )
    if isinstance(row, BlockRow) and "stride" in row.block.parameters and not _computed(row, "stride"):
        use = row
        given = row.arguments.get("stride", row.block.parameters["stride"])
        return given, lambda value: replace(use, arguments={**use.arguments, "stride": value})
    return None, lambda _value: row


def _computed(row: LayerRow | BlockRow, name: str) -> bool:
    return any(item.name == name for item in row.expressions)


def _rows(rows: tuple[Row, ...], path: _Path = ()) -> Iterator[tuple[_Path, Row]]:
    """The rows of a table and of its groups, with their positions."""
    for position, row in enumerate(rows):
        yield (*path, position), row
        if isinstance(row, GroupRow):
            yield from _rows(row.rows, (*path, position))


def _with(spec: ArchitectureSpec, path: _Path, row: Row) -> ArchitectureSpec:
    """The table with another row at `path`."""
    return replace(spec, rows=_replaced(spec.rows, path, row))


def _replaced(rows: tuple[Row, ...], path: _Path, row: Row) -> tuple[Row, ...]:
    position, inner = path[0], path[1:]
    if inner:
        group = rows[position]
        assert isinstance(group, GroupRow)
        row = replace(group, rows=_replaced(group.rows, inner, row))
    return (*rows[:position], row, *rows[position + 1 :])
