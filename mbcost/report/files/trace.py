"""An analysis as a Chrome trace for Perfetto and chrome://tracing: one process per target, one track per unit.

Layout: the Trace Event Format of the Chromium project, complete events (``ph`` ``X``) with times in microseconds,
rounded to whole nanoseconds, as Perfetto stores them, so that a slice ends where the next begins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mbcost._version import __version__
from mbcost.analysis import Analysis
from mbcost.errors import printable
from mbcost.insight.breakdown import kernel_times, operator_class
from mbcost.report.charts.analysis import live_bytes


def to_trace(analyses: Sequence[Analysis]) -> str:
    """The JSON of a trace: for every target its kernels in sequence, and the activation memory."""
    events = [event for number, analysis in enumerate(analyses, 1) for event in _events(analysis, number)]
    content = {
        "displayTimeUnit": "ms",
        "otherData": {"mbcost_version": __version__, "architecture": analyses[0].architecture if analyses else ""},
        "traceEvents": events,
    }
    return f"{json.dumps(content, indent=1, allow_nan=False)}\n"


def _events(analysis: Analysis, process: int) -> Iterator[dict[str, Any]]:
    unit = analysis.target.processor
    place = {"pid": process, "tid": 1}
    yield {
        "name": "process_name",
        "ph": "M",
        **place,
        "args": {"name": f"{analysis.architecture} on {analysis.target.name}"},
    }
    yield {"name": "thread_name", "ph": "M", **place, "args": {"name": f"{unit.name} {unit.model}"}}
    alive = live_bytes(analysis)
    clock, start_ns = 0.0, 0
    for row in kernel_times(analysis):
        kernel = row.kernel
        layer = analysis.layers[kernel.main.position]
        clock += row.latency_s
        end_ns = round(clock * 1e9)
        yield {
            "name": printable(kernel.name),
            "cat": operator_class(kernel),
            "ph": "X",
            **place,
            "ts": start_ns / 1e3,
            "dur": (end_ns - start_ns) / 1e3,
            "args": {
                "op": layer.op,
                "block": printable(layer.block),
                "output_shape": list(layer.output_shape),
                "macs": layer.macs,
                "bound": layer.bound,
                "kernel": kernel.kind,
                "layers": len(kernel.layers),
            },
        }
        yield {
            "name": "activations",
            "ph": "C",
            "pid": process,
            "ts": start_ns / 1e3,
            "args": {"bytes": max(alive[position] for position in kernel.layers)},
        }
        start_ns = end_ns
