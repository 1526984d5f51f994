"""The screen of ``mbcost stream``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from mbcost.report.rows.stream import arrival, grounds, plan_text
from mbcost.report.screens.terminal import ANSWER, Column, Screen, facts, heading, section, table
from mbcost.streaming.simulate import Stage, Stream
from mbcost.streaming.stream import StreamResult

#: Width of the timeline in characters, and its number of frames.
TIMELINE_WIDTH: Final = 60
TIMELINE_FRAMES: Final = 6


def screen(report: StreamResult, terminal: Screen) -> str:
    """The stream, one row per number of buffers, and the first frames with the largest number of them."""
    rows: list[tuple[str, str | Text]] = [
        ("network", report.architecture),
        ("plan", plan_text(report.plan)),
        ("rests on", grounds(report)),
        ("arrival", arrival(report)),
    ]
    parts: list[RenderableType] = [
        section(heading("Stream"), facts(rows, terminal)),
        section(heading("Stages"), _stages(report.stages, terminal)),
        section(heading("Buffers"), _results(report.results, terminal)),
        section(
            heading("Timeline", f"the first frames with {report.results[-1].buffers} buffers, by their number"),
            Text("\n".join(timeline(report.results[-1]))),
        ),
    ]
    return terminal.render(*parts)


def _stages(stages: Sequence[Stage], terminal: Screen) -> RenderableType:
    columns = [Column("stage"), Column("unit"), Column("ms", "right"), Column("MB", "right")]
    rows = [(s.name, s.unit, f"{s.seconds * 1e3:.2f}", f"{s.traffic_bytes / 1e6:.1f}") for s in stages]
    return table(columns, rows, terminal)


def _results(results: Sequence[Stream], terminal: Screen) -> RenderableType:
    columns = [
        Column("buffers", "right"),
        Column("frames/s", "right", ANSWER),
        Column("at most", "right", drop=3),
        Column("p50 ms", "right"),
        Column("p90 ms", "right", drop=2),
        Column("p99 ms", "right"),
        Column("waits ms", "right", drop=4),
        Column("dropped", "right"),
        Column("busy", narrow="wrap", least=18, drop=1),
    ]
    rows = [
        (
            str(result.buffers),
            f"{result.frames_per_s:.1f}",
            f"{result.bound_frames_per_s:.1f}",
            *(f"{result.latency_s[p] * 1e3:.2f}" for p in (50, 90, 99)),
            f"{result.wait_s * 1e3:.2f}",
            str(result.dropped),
            ", ".join(f"{unit} {share:.0%}" for unit, share in result.utilisation.items()),
        )
        for result in results
    ]
    return table(columns, rows, terminal)


def timeline(result: Stream) -> list[str]:
    """One line per unit: the number of the frame that it works on, over time."""
    events = [event for event in result.timeline if event.frame < TIMELINE_FRAMES]
    start, end = min(event.start_s for event in events), max(event.end_s for event in events)
    units = list(dict.fromkeys(event.unit for event in events))
    width = max(map(len, units))
    lines = []
    for unit in units:
        cells = ["."] * TIMELINE_WIDTH
        for event in events:
            if event.unit == unit:
                first, last = (_cell(time, start, end) for time in (event.start_s, event.end_s))
                cells[first : max(last, first + 1)] = str(event.frame % 10) * max(last - first, 1)
        lines.append(f"  {unit:{width}}  {''.join(cells[:TIMELINE_WIDTH])}")
    lines.append(f"  {'':{width}}  0{f'{(end - start) * 1e3:.1f} ms':>{TIMELINE_WIDTH - 1}}")
    return lines


def _cell(time: float, start: float, end: float) -> int:
    return min(TIMELINE_WIDTH - 1, round((time - start) / (end - start) * TIMELINE_WIDTH))
