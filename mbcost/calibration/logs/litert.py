"""The result of ``litert-benchmark`` of the package ai-edge-litert: `--result_json`.

Format: ai_edge_litert/tools/benchmark_litert_model.py of ai-edge-litert 2.3.0; milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mbcost.calibration.logs.log import Log, Reading, as_count, as_mapping, scaled

TOOL: Final = "litert-benchmark"
_MS: Final = 1e-3


def is_log(log: Log) -> bool:
    """Whether a JSON file is one of the tool."""
    return '"fully_accelerated"' in log.text and '"latency"' in log.text and log.text.lstrip()[:1] == "{"


def read(log: Log) -> Iterator[Reading]:
    """The run of a result."""
    if not isinstance(log.json, dict):
        log.broken_json("the result")
        return
    times = as_mapping(log.json.get("latency"))
    where = log.at(next((line for line in log.lines if '"latency"' in line.text), 1), '"latency"')
    latency = log.number(times.get("median_ms", times.get("avg_ms")), where, "the median inference", _MS)
    if latency is None:
        return
    accelerators = log.json.get("accelerators")
    names = [str(name).lower() for name in accelerators] if isinstance(accelerators, list) else []
    whole = log.json.get("fully_accelerated") is True
    yield Reading(
        tool=TOOL,
        network=str(log.json.get("model", ""))[:1000],
        latency_s=latency,
        location=where,
        min_s=scaled(times.get("min_ms"), _MS),
        spread_s=scaled(times.get("std_ms"), _MS),
        runs=as_count(times.get("num_runs")),
        first_s=scaled(times.get("warmup_first_ms"), _MS),
        load_s=scaled(times.get("init_ms"), _MS),
        threads=as_count(log.json.get("num_threads")),
        processor=next((name for name in ("npu", "gpu") if name in names), ""),
        notes=() if whole else ("a part runs outside the accelerator",),
    )
