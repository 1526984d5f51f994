"""The profile of a job on Qualcomm AI Hub, as its client downloads it.

Format: qai-hub's `client.py`, ``_profile_pb_to_python_dict``: `execution_summary`, `execution_detail`; microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any, Final

from mbcost.calibration.logs.log import Log, Operator, Reading, as_mapping, deviation, scaled

TOOL: Final = "Qualcomm AI Hub"
_US: Final = 1e-6
_UNITS: Final = {"NPU": "npu", "GPU": "gpu", "CPU": ""}


def is_log(log: Log) -> bool:
    """Whether a JSON file has what the client writes."""
    return '"execution_summary"' in log.text and log.text.lstrip()[:1] == "{"


def read(log: Log) -> Iterator[Reading]:
    """The profile of a job."""
    if not isinstance(log.json, dict):
        log.broken_json("the profile")
        return
    summary = as_mapping(log.json.get("execution_summary"))
    where = log.at(
        next((line for line in log.lines if "estimated_inference_time" in line.text), 1), "estimated_inference_time"
    )
    if summary.get("estimated_inference_time") is None:
        log.wrong(where, "the profile has no `estimated_inference_time`: the job failed", "start the job again")
        return
    latency = log.number(summary["estimated_inference_time"], where, "`estimated_inference_time`", _US)
    if latency is None:
        return
    times = summary.get("all_inference_times")
    runs = [value for each in (times if isinstance(times, list) else []) if (value := scaled(each, _US)) is not None]
    detail = log.json.get("execution_detail")
    operators = tuple(_operator(as_mapping(each)) for each in (detail if isinstance(detail, list) else []))
    units = {each.unit for each in operators}
    notes = ["the estimate of AI Hub is near the fastest run"]
    if len(units) > 1:
        notes.append(f"operators run on {', '.join(sorted(units))}")
    yield Reading(
        tool=TOOL,
        network="",
        latency_s=latency,
        location=where,
        min_s=min(runs, default=None),
        spread_s=_spread(runs),
        runs=len(runs) or None,
        load_s=scaled(summary.get("first_load_time"), _US),
        processor=next((name for unit, name in _UNITS.items() if unit in units), ""),
        operators=operators,
        notes=tuple(notes),
    )


def _spread(runs: list[float]) -> float | None:
    """The deviation of the runs below twice their median: the first ones wake the processor up [s]."""
    return deviation([run for run in runs if run < 2 * median(runs)])


def _operator(entry: Mapping[str, Any]) -> Operator:
    name, kind, unit = (str(entry.get(key, ""))[:400] for key in ("name", "type", "compute_unit"))
    return Operator(name, kind, scaled(entry.get("execution_time"), _US) or 0.0, unit)
