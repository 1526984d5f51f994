"""``benchncnn``: its header, a line a network, and the lines of layers of a build with NCNN_BENCHMARK.

Formats: Tencent/ncnn, benchmark/benchncnn.cpp (009d607a) and src/benchmark.cpp (00b9f28a).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mbcost.calibration.logs.log import Line, Log, Operator, Reading, as_count, scaled

TOOL: Final = "benchncnn"
_MS: Final = 1e-3

_SETTING: Final = re.compile(r"(?P<name>loop_count|num_threads|powersave|gpu_device|cooling_down) = (?P<value>-?\d+)$")
_ROW: Final = re.compile(r"\s*(?P<name>\S.*?)\s+min = +(?P<min>\S+)\s+max = +(?P<max>\S+)\s+avg = +(?P<avg>\S+)$")
_CUT_ROW: Final = re.compile(r"\s*(?P<name>\S.*?)\s+min = ")
_LAYER: Final = re.compile(r"(?P<type>[A-Z]\w*)\s+(?P<name>\S+)\s+(?P<ms>[\d.]+)ms\s+\|")
_FAILED: Final = re.compile(
    r".*(?:fopen .* failed|parse .* failed|layer .* not exists or registered|network graph not ready|"
    r"find_blob_index_by_name .* failed|Segmentation fault|Aborted)"
)
#: ncnn stores and computes in half precision on cores that have it, unless its user forbids it.
_NOTE: Final = "benchncnn allows fp16 storage and arithmetic: on Armv8.2 its fp32 files run in fp16"


def is_log(log: Log) -> bool:
    """Whether a text has lines of the tool."""
    return any(_SETTING.match(line.text) or _ROW.match(line.text) or _LAYER.match(line.text) for line in log.lines)


def read(log: Log) -> Iterator[Reading]:
    """The networks of a log: one line each."""
    settings: dict[str, int] = {}
    layers: list[Operator] = []
    failure: Line | None = None
    ended = True
    for line in log.lines:
        if setting := _SETTING.match(line.text):
            if setting["name"] == "loop_count":
                settings, ended = {}, False
            settings[setting["name"]] = int(setting["value"])
        elif layer := _LAYER.match(line.text):
            layers.append(Operator(layer["name"], layer["type"], scaled(layer["ms"], _MS) or 0.0))
            ended = False
        elif _FAILED.match(line.text):
            failure = failure or line
        elif _CUT_ROW.match(line.text):
            ended = True
            reading = _reading(log, line, settings, layers, failure)
            layers, failure = [], None
            if reading is not None:
                yield reading
    hint = "run benchncnn again on this network, and keep all that it prints"
    if failure is not None:
        log.wrong(log.at(failure), f"the run failed: {failure.text[:200]}", hint)
    elif not ended:
        log.wrong(log.end, "the log ends here, without a line `NAME  min = ..  max = ..  avg = ..`: it is cut", hint)


def _reading(
    log: Log, line: Line, settings: dict[str, int], layers: list[Operator], failure: Line | None
) -> Reading | None:
    row = _ROW.match(line.text)
    hint = "run benchncnn again on this network"
    if failure is not None:
        log.wrong(log.at(failure), f"the run failed: {failure.text[:200]}", hint)
        return None
    if row is None:
        log.wrong(log.at(line), "this line is cut: expected `NAME  min = ..  max = ..  avg = ..` in ms", hint)
        return None
    latency = log.number(row["avg"], log.at(line, row["avg"]), f"the mean of {row['name']}", _MS)
    if latency is None:
        return None
    loops = as_count(settings.get("loop_count"))
    names = list(dict.fromkeys((each.name, each.type) for each in layers))
    gpu = settings.get("gpu_device", -1) >= 0
    return Reading(
        tool=TOOL,
        network=row["name"],
        latency_s=latency,
        location=log.at(line),
        min_s=scaled(row["min"], _MS),
        runs=loops,
        threads=None if gpu else as_count(settings.get("num_threads")),
        processor="gpu" if gpu else "",
        operators=tuple(Operator(*key, _mean(key, layers)) for key in names),
        notes=(_NOTE,) if "int8" not in row["name"] else (),
    )


def _mean(key: tuple[str, str], layers: list[Operator]) -> float:
    """The mean time of a layer over the warm-up and the timed loops, which the tool does not tell apart [s]."""
    times = [each.seconds for each in layers if (each.name, each.type) == key]
    return sum(times) / len(times)
