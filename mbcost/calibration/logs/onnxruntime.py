"""``onnxruntime_perf_test``: what it prints, its result file, and ONNX Runtime's session profile.

Formats: microsoft/onnxruntime, onnxruntime/test/perftest/performance_runner.cc and .h (034db1c2, 2019: `Average time
cost`), the output since 1.5 (`Average inference time cost`; `Min Latency: .. s` for `Min Latency is ..sec`), and
onnxruntime/core/common/profiler.cc for the trace events of a profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from mbcost.calibration.logs.log import (
    Line,
    Log,
    Operator,
    Reading,
    as_count,
    as_mapping,
    deviation,
    matching,
    scaled,
)

TOOL: Final = "onnxruntime_perf_test"
PROFILE: Final = "ONNX Runtime profile"
_SECONDS: Final = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6}

_BEGIN: Final = re.compile(r"(?:Session creation time cost|Setting intra_op_num_threads|using \w+ExecutionProvider)")
_AVERAGE: Final = re.compile(r"Average (?:inference )?time cost:\s*(?P<value>\S+)(?:\s+(?P<unit>\w+))?")
_COUNT: Final = re.compile(r"Total (?:inference requests|iterations):\s*(?P<value>\d+)")
_QUANTILE: Final = re.compile(r"(?P<which>Min|Max|P50) Latency(?:: | is )(?P<value>[-+.\de]+?)\s?(?P<unit>s|sec|ms)$")
_LOAD: Final = re.compile(r"Session creation time cost:\s*(?P<value>\S+) (?P<unit>s|ms)$")
_FIRST: Final = re.compile(r"First inference time cost:\s*(?P<value>\S+) (?P<unit>s|ms)$")
_THREADS: Final = re.compile(r"Setting intra_op_num_threads to (?P<value>\d+)")
_COMMAND: Final = re.compile(r".*onnxruntime_perf_test\b(?P<arguments>.*)")
_MODEL: Final = re.compile(r"(?P<path>[^\s\"']+\.(?:onnx|ort))\b")
_FAILED: Final = re.compile(
    r".*(?:failed to initialize|there is no test data|there is no test input data|\[E:onnxruntime|"
    r"terminate called|Non-zero status|is not a valid model|Aborted)"
)
_RESULT: Final = re.compile(r"(?P<model>[^,]*),(?P<seconds>[-+.\de]+),(?P<bytes>\d+),(?P<cpu>-?\d+),(?P<run>\d+)$")
_TYPES: Final = {"float": "fp32", "float16": "fp16"}


def is_log(log: Log) -> bool:
    """Whether a text has lines of the tool."""
    signs = (_AVERAGE, _LOAD, re.compile(r"Total (?:inference )?time cost:"), _RESULT, _COMMAND)
    return any(sign.match(line.text) for line in log.lines for sign in signs)


def is_profile(log: Log) -> bool:
    """Whether a file holds trace events of a session."""
    head = log.text[:4000]
    return head.lstrip()[:1] == "[" and '"cat"' in head and '"Session"' in log.text and '"dur"' in head


@dataclass
class _Run:
    model: str = ""
    average: tuple[Line, re.Match[str]] | None = None
    values: dict[str, tuple[Line, re.Match[str]]] = field(default_factory=dict)
    threads: int | None = None
    count: int | None = None
    failure: Line | None = None
    last: Line | None = None
    results: list[tuple[Line, re.Match[str]]] = field(default_factory=list)

    @property
    def begun(self) -> bool:
        return bool(self.values or self.average or self.results or self.failure)


def read(log: Log) -> Iterator[Reading]:
    """The runs that a text of the tool holds."""
    for run in _runs(log):
        reading = _of_results(log, run) if run.results else _printed(log, run)
        if reading is not None:
            yield reading


def _runs(log: Log) -> Iterator[_Run]:
    run = _Run()
    for line in log.lines:
        command, result = _COMMAND.match(line.text), _RESULT.match(line.text)
        other = result and run.results and (result["model"] != run.results[-1][1]["model"] or result["run"] == "0")
        done = run.average or run.failure or run.results
        if (command and run.begun) or (done and _BEGIN.match(line.text)) or other:
            yield run
            run = _Run()
        run.last = line if line.text else run.last
        if command and (model := _MODEL.search(command["arguments"])):
            run.model = model["path"]
        elif result:
            run.results.append((line, result))
        elif average := _AVERAGE.match(line.text):
            run.average = (line, average)
        elif quantile := _QUANTILE.match(line.text):
            run.values[quantile["which"]] = (line, quantile)
        elif count := _COUNT.match(line.text):
            run.count = as_count(count["value"])
        elif threads := _THREADS.match(line.text):
            run.threads = as_count(threads["value"])
        elif found := _LOAD.match(line.text):
            run.values["load"] = (line, found)
        elif found := _FIRST.match(line.text):
            run.values["first"] = (line, found)
        elif _FAILED.match(line.text):
            run.failure = run.failure or line
        elif run.results and line.text and not line.text.startswith(("P9", "Max")):
            hint = "the file is cut, or was written by two runs at once: measure again"
            log.wrong(log.at(line), "this is no line `model,seconds,bytes,cpu,run` of a result file", hint)
    if run.begun:
        yield run


def _printed(log: Log, run: _Run) -> Reading | None:
    hint = "run it again on this network with `-I -m times -r 100 -s`, and keep all that it prints"
    if run.average is None:
        if run.failure is not None:
            log.wrong(log.at(run.failure), f"the run failed: {run.failure.text[:200]}", hint)
        else:
            where = log.end if run.last is None else log.at(run.last)
            log.wrong(where, "the run ends here, before `Average inference time cost`: the log is cut", hint)
        return None
    line, average = run.average
    unit = _SECONDS.get(average["unit"] or "")
    if unit is None:
        log.wrong(log.at(line), "the line is cut, or in a unit other than ms", hint)
        return None
    mean = log.number(average["value"], log.at(line, average["value"]), "the mean inference", unit)
    found = {name: scaled(match["value"], _SECONDS[match["unit"]]) for name, (_, match) in run.values.items()}
    if mean is None:
        return None
    return Reading(
        tool=TOOL,
        network=run.model,
        latency_s=found.get("P50") or mean,
        location=log.at(run.values["P50"][0] if found.get("P50") else line),
        min_s=found.get("Min"),
        runs=run.count,
        first_s=found.get("first"),
        load_s=found.get("load"),
        threads=run.threads,
    )


def _of_results(log: Log, run: _Run) -> Reading | None:
    """A result file: one line a run."""
    numbers = []
    for line, match in run.results:
        seconds = log.number(match["seconds"], log.at(line, match["seconds"]), "the time of a run")
        if seconds is None:
            return None
        numbers.append(seconds)
    line, match = run.results[-1]
    return Reading(
        tool=TOOL,
        network=run.model or match["model"],
        latency_s=median(numbers),
        location=log.at(run.results[0][0]),
        min_s=min(numbers),
        spread_s=deviation(numbers),
        runs=len(numbers),
    )


def read_profile(log: Log) -> Iterator[Reading]:
    """A session's profile: the inferences after the first, and the time of each node."""
    if not isinstance(log.json, list):
        log.broken_json("the profile")
        return
    events = [as_mapping(event) for event in log.json]
    durations: dict[str, list[float]] = {}
    nodes: dict[str, list[float]] = {}
    kinds: dict[str, tuple[str, str]] = {}
    precisions: set[str] = set()
    for event in events:
        seconds, name = scaled(event.get("dur"), 1e-6), str(event.get("name", ""))[:400]
        if event.get("cat") == "Session" and seconds is not None:
            durations.setdefault(name, []).append(seconds)
        elif event.get("cat") == "Node" and name.endswith("_kernel_time"):
            arguments = as_mapping(event.get("args"))
            node = name.removesuffix("_kernel_time")
            nodes.setdefault(node, []).append(seconds or 0.0)
            kinds[node] = (str(arguments.get("op_name", ""))[:100], str(arguments.get("provider", ""))[:100])
            precisions |= _precision(arguments)
    runs = durations.get("model_run", [])
    if not runs:
        hint = "the session has to run and to be closed: a profile is complete when it is"
        log.wrong(log.end, "the profile has no `model_run`: no inference was profiled", hint)
        return
    later = runs[1:] or runs
    yield Reading(
        tool=PROFILE,
        network="",
        latency_s=median(later),
        location=log.at(next((line for line, _ in matching(log, re.compile(r'.*"model_run"'))), 1)),
        min_s=min(later),
        spread_s=deviation(later),
        runs=len(later),
        first_s=runs[0],
        load_s=sum(durations.get(name, [0.0])[0] for name in _LOADS) or None,
        precision=precisions.pop() if len(precisions) == 1 else "",
        operators=tuple(
            Operator(name, kinds[name][0], median(times[len(times) // len(runs) :] or times), kinds[name][1])
            for name, times in nodes.items()
        ),
        profiled=True,
        notes=("the profiler of ONNX Runtime adds 2 to 3 us an operator",),
    )


_LOADS: Final = ("model_loading_uri", "model_loading_array", "model_loading_from_saved_proto", "session_initialization")


def _precision(arguments: Any) -> set[str]:
    """What a convolution or a matrix product computes in."""
    kind = str(arguments.get("op_name", ""))
    if kind.startswith(("QLinearConv", "QLinearMatMul", "QGemm", "MatMulInteger", "ConvInteger")):
        return {"int8"}
    if kind not in {"Conv", "FusedConv", "Gemm", "MatMul"}:
        return set()
    shapes = arguments.get("input_type_shape")
    first = as_mapping(shapes[0]) if isinstance(shapes, list) and shapes else {}
    return {_TYPES[name] for name in first if name in _TYPES}
