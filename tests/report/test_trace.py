"""The trace: the layout of the Trace Event Format, no overlap on a track, as long as the latency."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import jsonschema
import pytest

import mbcost
from mbcost.report.files.trace import to_trace

# Trace Event Format, Google, "JSON Object Format": https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["name", "ph", "pid"],
    "properties": {
        "name": {"type": "string"},
        "ph": {"enum": ["X", "M", "C"]},
        "pid": {"type": "integer"},
        "tid": {"type": "integer"},
        "ts": {"type": "number", "minimum": 0},
        "dur": {"type": "number", "exclusiveMinimum": 0},
        "args": {"type": "object"},
    },
    "allOf": [
        {"if": {"properties": {"ph": {"const": "X"}}}, "then": {"required": ["ts", "dur", "tid", "cat"]}},
        {"if": {"properties": {"ph": {"const": "C"}}}, "then": {"required": ["ts", "args"]}},
        {"if": {"properties": {"ph": {"const": "M"}}}, "then": {"required": ["args"]}},
    ],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["traceEvents"],
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "traceEvents": {"type": "array", "items": EVENT},
        "otherData": {"type": "object"},
    },
    "additionalProperties": False,
}


@pytest.mark.parametrize("model", ["mobilenet_v2", "mobilenet_v3_small", "squeezenet1_0"])
def test_trace(model: str) -> None:
    analyses = [mbcost.analyze(model, target) for target in ("pixel1", "pixel4/gpu", "zcu102")]
    trace = json.loads(to_trace(analyses))
    jsonschema.validate(trace, SCHEMA)
    for process, analysis in enumerate(analyses, 1):
        slices = [event for event in trace["traceEvents"] if event["ph"] == "X" and event["pid"] == process]
        assert {event["tid"] for event in slices} == {1}
        in_ns = [(round(event["ts"] * 1e3), round((event["ts"] + event["dur"]) * 1e3)) for event in slices]
        assert in_ns[0][0] == 0
        assert all(before[1] == after[0] for before, after in pairwise(in_ns))
        assert in_ns[-1][1] == round(analysis.latency_s * 1e9)
        assert sum(event["args"]["macs"] for event in slices) == sum(
            layer.macs for layer in analysis.layers if layer.latency_s > 0
        )
        counters = [event for event in trace["traceEvents"] if event["ph"] == "C" and event["pid"] == process]
        assert max(event["args"]["bytes"] for event in counters) == analysis.totals.peak_activation_bytes
