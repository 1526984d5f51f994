"""The screen of ``mbcost sweep``: what was swept, then the Pareto front of each target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from mbcost import readable
from mbcost.errors import printable
from mbcost.report.screens.terminal import (
    ANSWER,
    Column,
    Screen,
    badge,
    bullets,
    facts,
    heading,
    next_steps,
    section,
    table,
)
from mbcost.search.result import SweepResult

_CASE: Final = ("target", "precision", "threads", "batch", "basis")


def sweep_screen(
    result: SweepResult, screen: Screen, *, all_rows: bool = False, steps: Sequence[tuple[str, str]] = ()
) -> str:
    """The whole screen as text: the front of every target and batch, or all rows.

    Parameters
    ----------
    steps
        What to do next and the command that does it, for a terminal.
    """
    columns = result.columns
    rows = np.arange(len(result)) if all_rows else result.front()
    parts: list[RenderableType] = [_subject(result, screen)]
    cases: dict[tuple[Any, ...], list[int]] = {}
    for row in rows.tolist():
        cases.setdefault(tuple(columns[name][row] for name in _CASE), []).append(row)
    for case, members in cases.items():
        parts.append(section(_title(case, screen), _table(result, members, screen, mark_front=all_rows)))
    if result.warnings:
        parts.append(section(heading("Caveats"), bullets(result.warnings, screen)))
    return screen.render(*parts, *next_steps(steps, screen))


def _subject(result: SweepResult, screen: Screen) -> RenderableType:
    columns = result.columns
    networks = [printable(section.work.spec.title) for section in result.sections]
    known = int((~np.isnan(columns["top1"])).sum())
    trade = "latency and published top-1" if known else "latency and MACs: no accuracy of these is published"
    low, high = (readable.significant(value) for value in (columns["latency_ms"].min(), columns["latency_ms"].max()))
    rows = [
        ("networks", ", ".join(dict.fromkeys(networks))),
        ("configurations", f"{len(result):,}, of which {known:,} with a published top-1"),
        ("latency", f"{low} to {high} ms"),
        ("front", f"{int(columns['on_front'].sum()):,} Pareto-optimal in {trade}"),
    ]
    return section(Text("Sweep", style="bold"), facts(rows, screen))


def _title(case: tuple[Any, ...], screen: Screen) -> Text:
    target, precision, threads, batch, basis = case
    count = "1 thread" if threads == 1 else f"{threads} threads"
    return heading(str(target), f"{precision}, {count}, batch {batch}").append(badge(basis, screen))


def _table(result: SweepResult, rows: Iterable[int], screen: Screen, *, mark_front: bool) -> RenderableType:
    columns = result.columns
    several = len(result.sections) > 1
    measured = not np.isnan(columns["measured_ms"]).all()

    def cells(row: int) -> list[str]:
        low, high = (readable.significant(columns[name][row]) for name in ("latency_low_ms", "latency_high_ms"))
        return [
            *([columns["architecture"][row]] if several else []),
            f"{columns['alpha'][row]:g}",
            result.size_of(row),
            readable.significant(columns["latency_ms"][row]),
            f"{low} to {high}",
            *([_known(columns["measured_ms"][row])] if measured else []),
            _known(columns["top1"][row], ".1f"),
            readable.si(int(columns["macs"][row])),
            readable.si(int(columns["params"][row])),
            *(["yes" if columns["on_front"][row] else ""] if mark_front else []),
        ]

    titles = [
        *([Column("network", narrow="cut")] if several else []),
        Column("alpha", "right"),
        Column("resolution", "right"),
        Column("ms", "right", ANSWER),
        Column("90 % interval", "right", drop=1),
        *([Column("measured", "right")] if measured else []),
        Column("top-1 %", "right"),
        Column("MACs", "right"),
        Column("parameters", "right", drop=2),
        *([Column("front")] if mark_front else []),
    ]
    return table(titles, [cells(row) for row in rows], screen)


def _known(value: float, digits: str = "g") -> str:
    return readable.NOTHING if value != value else f"{value:{digits}}"
