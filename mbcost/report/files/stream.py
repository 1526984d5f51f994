"""A stream as JSON and as a Chrome trace."""

from __future__ import annotations

import json
from typing import Any

from mbcost._version import __version__
from mbcost.streaming.simulate import Event
from mbcost.streaming.stream import StreamResult


def to_json(report: StreamResult) -> str:
    """The object of :meth:`StreamResult.to_dict`."""
    return f"{json.dumps(report.to_dict(), indent=1, allow_nan=False)}\n"


def to_trace(report: StreamResult) -> str:
    """The first events as a Chrome trace: one process per number of buffers, one track per unit."""
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
    """A complete event, in whole nanoseconds so that a slice ends where the next begins."""
    start, end = (round(time * 1e9) for time in (event.start_s, event.end_s))
    place = {"pid": process, "tid": track, "ts": start / 1e3, "dur": (end - start) / 1e3}
    return {"name": event.stage, "ph": "X", **place, "args": {"frame": event.frame}}
