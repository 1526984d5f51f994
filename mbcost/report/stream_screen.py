"""The screen, the JSON and the trace of ``mbcost stream``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from rich.console import RenderableType
from rich.text import Text

from mbcost._version import __version__
from mbcost.latency.stream import Event, Stage, Stream
from mbcost.report.terminal import ANSWER, Column, Screen, facts, heading, section, table
from mbcost.search.plan import Plan

#: Characters of the timeline, and frames that it shows.
TIMELINE_WIDTH: Final = 60
TIMELINE_FRAMES: Final = 6


class Report(NamedTuple):
    """What was simulated, and what came of it for each number of buffers."""

    architecture: str
    plan: Plan
    stages: Sequence[Stage]
    results: Sequence[Stream]
    rate: float | None
    jitter: float


def inference(plan: Plan) -> list[Stage]:
    """The stages of a plan: one a processor, and the transfer with the processor that reads."""
    stages = []
    for part in plan.parts:
        name = "inference" if len(plan.parts) == 1 else f"layers {part.first + 1} to {part.last + 1}"
        layers = part.analysis.layers[part.first : part.last + 1]
        traffic = sum(row.input_bytes + row.output_bytes + row.weight_bytes for row in layers)
        bandwidth = part.analysis.target.bandwidth
        limit = part.seconds * bandwidth.value if bandwidth else traffic
        extra = plan.transfer_s if part.first else 0.0
        stages.append(Stage(name, part.analysis.target.processor.name, part.seconds + extra, min(traffic, limit)))
    return stages


def screen(report: Report, terminal: Screen) -> str:
    """What was simulated, a row a number of buffers, and the first frames of the last of them."""
    rows: list[tuple[str, str | Text]] = [
        ("network", report.architecture),
        ("plan", plan_text(report.plan)),
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


def arrival(report: Report) -> str:
    """How frames come, in words."""
    source = "as fast as a buffer is free" if report.rate is None else f"at {report.rate:g} frames/s"
    return source + (f", jitter {report.jitter:.0%}" if report.jitter else "")


def warnings(report: Report) -> list[str]:
    """Caveats of the analyses that the plan is made of, each once."""
    return list(dict.fromkeys(warning for part in report.plan.parts for warning in part.analysis.warnings))


def plan_text(plan: Plan) -> str:
    """Which processor runs what, in words."""
    if plan.cut_after is None:
        return f"all on {plan.parts[0].analysis.target.name}"
    one, other = (part.analysis.target.name for part in plan.parts)
    size, time = plan.transfer_bytes / 1e3, plan.transfer_s * 1e3
    return f"{one} up to {plan.cut_after}, then {other}; {size:.0f} kB cross in {time:.2f} ms"


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
    """A line a unit: the number of the frame that it works on, over time."""
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


def to_json(report: Report) -> str:
    """Schema ``mbcost/stream/1``."""
    return f"{json.dumps(to_dict(report), indent=1, allow_nan=False)}\n"


def to_dict(report: Report) -> dict[str, Any]:
    """What :func:`to_json` writes."""
    return {
        "schema": "mbcost/stream/1",
        "mbcost_version": __version__,
        "architecture": report.architecture,
        "plan": {
            "targets": [part.analysis.target.name for part in report.plan.parts],
            "cut_after": report.plan.cut_after,
            "transfer_bytes": report.plan.transfer_bytes,
            "latency_ms": report.plan.latency_s * 1e3,
        },
        "stages": [
            {"name": s.name, "unit": s.unit, "ms": s.seconds * 1e3, "bytes": s.traffic_bytes} for s in report.stages
        ],
        "arrival_frames_per_s": report.rate,
        "jitter": report.jitter,
        "results": [
            {
                "buffers": result.buffers,
                "frames_per_s": result.frames_per_s,
                "bound_frames_per_s": result.bound_frames_per_s,
                "latency_ms": {f"p{p}": value * 1e3 for p, value in result.latency_s.items()},
                "wait_ms": result.wait_s * 1e3,
                "offered": result.offered,
                "completed": result.completed,
                "dropped": result.dropped,
                "utilisation": result.utilisation,
            }
            for result in report.results
        ],
    }


def to_trace(report: Report) -> str:
    """The first events as a Chrome trace: a process a number of buffers, a track a unit."""
    units = list(dict.fromkeys(stage.unit for stage in report.stages))
    events: list[dict[str, Any]] = []
    for result in report.results:
        name = f"{report.architecture}, {result.buffers} buffers"
        events.append({"name": "process_name", "ph": "M", "pid": result.buffers, "args": {"name": name}})
        for track, unit in enumerate(units, 1):
            place = {"pid": result.buffers, "tid": track}
            events.append({"name": "thread_name", "ph": "M", **place, "args": {"name": unit}})
        events += [_slice(event, result.buffers, units.index(event.unit) + 1) for event in result.timeline]
    content = {"displayTimeUnit": "ms", "otherData": {"mbcost_version": __version__}, "traceEvents": events}
    return f"{json.dumps(content, indent=1, allow_nan=False)}\n"


def _slice(event: Event, process: int, track: int) -> dict[str, Any]:
    """A complete event, its times in whole nanoseconds so that a slice ends where the next begins."""
    start, end = (round(time * 1e9) for time in (event.start_s, event.end_s))
    place = {"pid": process, "tid": track, "ts": start / 1e3, "dur": (end - start) / 1e3}
    return {"name": event.stage, "ph": "X", **place, "args": {"frame": event.frame}}
