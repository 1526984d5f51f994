"""OpenVINO's ``benchmark_app``: what it prints, its report (JSON or CSV), and the CSV of its counters.

Formats: openvinotoolkit/openvino, tools/benchmark_tool/openvino/tools/benchmark/main.py (0027ced9) and
utils/statistics_report.py (04ddfe74); the C++ tool's keys of `execution_results` (samples/cpp/benchmark_app); before
2022.1 one line `Latency: 2.31 ms`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mbcost.calibration.logs.log import Line, Log, Operator, Reading, as_count, as_mapping, scaled
from mbcost.errors import Location

TOOL: Final = "OpenVINO benchmark_app"
_UNITS: Final = {"ms": 1e-3, "us": 1e-6, "s": 1.0}
_MS: Final = 1e-3

_TAG: Final = re.compile(r"\s*\[ ?(?:INFO|WARNING|ERROR|DEBUG) ?\] ?")
_STEP: Final = re.compile(r"\[Step (?P<step>\d+)/11\]")
_VALUE: Final = re.compile(
    r"\s*(?P<name>Median|Average|AVG|Min|MIN|\d+ percentile|Latency):?\s+(?P<value>\S+)\s*(?P<unit>ms|us|s)$"
)
_BUILD: Final = re.compile(r"Build \.+ (?P<version>\S+)")
_COUNT: Final = re.compile(r"Count:\s+(?P<value>\d+) iterations")
_FIRST: Final = re.compile(r"First inference took (?P<value>[\d.]+) ms")
_LOAD: Final = re.compile(r"(?:Read|Compile|Import) model took (?P<value>[\d.]+) ms")
_REQUESTS: Final = re.compile(r".*Start inference \w+, (?P<value>\d+) inference requests")
_THREADS: Final = re.compile(r"\s*INFERENCE_NUM_THREADS:\s*(?P<value>\d+)$")
_PRECISION: Final = re.compile(r"\s*INFERENCE_PRECISION_HINT:.*?(?P<value>float32|float16|bfloat16|f32|f16|bf16)\b")
_DEVICES: Final = re.compile(r"Execution Devices: ?\[?'?(?P<value>[A-Z]+)")
_COMMAND: Final = re.compile(r".*benchmark_app\b.*?\s-m[= ](?P<path>\S+)")
_ERROR: Final = re.compile(r"\s*\[ ?ERROR ?\] ?(?P<what>.*)")
_PRECISIONS: Final = {
    "float32": "fp32",
    "f32": "fp32",
    "float16": "fp16",
    "f16": "fp16",
    "bfloat16": "bf16",
    "bf16": "bf16",
}
_PROCESSORS: Final = {"GPU": "gpu", "NPU": "npu"}
_COUNTERS: Final = re.compile(r"layerName;execStatus;layerType;execType;realTime \(ms\);cpuTime \(ms\)")
_REPORT: Final = re.compile(r"(?:Command line parameters|Configuration setup|Execution results);?$")


def is_log(log: Log) -> bool:
    """Whether a text has lines of the tool."""
    return any(_STEP.search(line.text) or _COMMAND.match(line.text) for line in log.lines)


def is_report(log: Log) -> bool:
    """Whether a file is the JSON report."""
    return '"execution_results"' in log.text and log.text.lstrip()[:1] == "{"


def is_table(log: Log) -> bool:
    """Whether a file is the report, or the counters, with semicolons between the cells."""
    return any(_COUNTERS.match(line.text) or _REPORT.match(line.text) for line in log.lines)


@dataclass
class _Run:
    network: str = ""
    version: str = ""
    step: int = 0
    values: dict[str, tuple[Line, re.Match[str]]] = field(default_factory=dict)
    count: int | None = None
    first_s: float | None = None
    load_s: float = 0.0
    requests: tuple[int, Line] | None = None
    threads: int | None = None
    precision: str = ""
    processor: str = ""
    failure: Line | None = None
    last: Line | None = None


def read(log: Log) -> Iterator[Reading]:
    """The runs of what the tool printed."""
    for run in _runs(log):
        reading = _reading(log, run)
        if reading is not None:
            yield reading


def _runs(log: Log) -> Iterator[_Run]:
    run = _Run()
    for line in log.lines:
        command, step = _COMMAND.match(line.text), _STEP.search(line.text)
        number = int(step["step"]) if step else 0
        if run.step and (command or number == 1):
            yield run
            run = _Run()
        if command:
            run.network = command["path"]
        run.step = number or run.step
        run.last = line if line.text else run.last
        _take(run, line, _TAG.sub("", line.text, count=1))
    if run.step:
        yield run


def _take(run: _Run, line: Line, text: str) -> None:
    if requests := _REQUESTS.match(line.text):
        run.requests = (int(requests["value"]), line)
    elif _ERROR.match(line.text):
        run.failure = run.failure or line
    elif run.step >= 11 and (value := _VALUE.match(text)):
        run.values[_kind(value["name"])] = (line, value)
    elif count := _COUNT.match(text):
        run.count = as_count(count["value"])
    elif first := _FIRST.match(text):
        run.first_s = scaled(first["value"], _MS)
    elif load := _LOAD.match(text):
        run.load_s += scaled(load["value"], _MS) or 0.0
    elif threads := _THREADS.match(text):
        run.threads = as_count(threads["value"])
    elif precision := _PRECISION.match(text):
        run.precision = _PRECISIONS[precision["value"]]
    elif devices := _DEVICES.match(text):
        run.processor = _PROCESSORS.get(devices["value"], "")
    elif (build := _BUILD.search(text)) and not run.version:
        run.version = build["version"]


def _kind(name: str) -> str:
    lowered = name.lower()
    if lowered.startswith(("av", "min")):
        return "mean" if lowered.startswith("av") else "min"
    return "latency" if lowered == "latency" else "median" if lowered == "median" else "quantile"


def _reading(log: Log, run: _Run) -> Reading | None:
    best = next((run.values[name] for name in ("median", "latency", "mean") if name in run.values), None)
    hint = "run it again with `-hint latency`, or `-hint none -nstreams 1 -api sync`, and keep all that it prints"
    if best is None:
        if run.failure is not None:
            log.wrong(log.at(run.failure), f"the run failed: {run.failure.text.strip()[:200]}", hint)
        else:
            where = log.end if run.last is None else log.at(run.last)
            log.wrong(where, "the run ends here, before its latency: the log is cut", hint)
        return None
    if run.requests is not None and run.requests[0] > 1:
        what = f"{run.requests[0]} inferences ran at once, so this is the latency of a loaded machine"
        log.wrong(log.at(run.requests[1]), what, hint)
        return None
    line, value = best
    latency = log.number(value["value"], log.at(line, value["value"]), "the latency", _UNITS[value["unit"]])
    if latency is None:
        return None
    least = run.values.get("min")
    return Reading(
        tool=TOOL,
        network=run.network,
        latency_s=latency,
        location=log.at(line),
        version=run.version,
        min_s=None if least is None else scaled(least[1]["value"], _UNITS[least[1]["unit"]]),
        runs=run.count,
        first_s=run.first_s,
        load_s=run.load_s or None,
        threads=run.threads,
        processor=run.processor,
        notes=(f"floating point is computed in {run.precision}",) if run.precision not in {"", "fp32"} else (),
    )


def read_report(log: Log) -> Iterator[Reading]:
    """The JSON report: ``-json_stats``."""
    if not isinstance(log.json, dict):
        log.broken_json("the report")
        return
    results = {str(key): value for key, value in as_mapping(log.json.get("execution_results")).items()}
    options = {str(key).lstrip("-"): str(value) for key, value in as_mapping(log.json.get("cmd_options")).items()}
    line = next((line for line in log.lines if "execution_results" in line.text), 1)
    yield from _of_results(log, results, options, log.at(line, "execution_results"))


def read_table(log: Log) -> Iterator[Reading]:
    """The CSV report, or the counters of ``-report_type detailed_counters`` or ``average_counters``."""
    if any(_COUNTERS.match(line.text) for line in log.lines):
        yield from _counters(log)
        return
    parts: dict[str, dict[str, str]] = {}
    part, where = "", log.at(1)
    for line in log.lines:
        if _REPORT.match(line.text):
            part = line.text.rstrip(";")
            where = log.at(line) if part == "Execution results" else where
        elif ";" in line.text:
            name, _, value = line.text.rstrip(";").partition(";")
            parts.setdefault(part, {})[name.lstrip("-")] = value
    yield from _of_results(log, parts.get("Execution results", {}), parts.get("Command line parameters", {}), where)


#: Keys of `execution_results`: those of the C++ tool, then those of the Python tool and of CSV files.
_LATENCIES: Final = (
    "latency_median", "latency (ms)", "median latency (ms)", "latency_avg", "avg latency", "average latency (ms)",
)  # fmt: skip
_LEAST: Final = ("latency_min", "min latency", "min latency (ms)")
_FIRSTS: Final = ("first_inference_time", "first inference time (ms)")
_RUN_COUNTS: Final = ("total_number_of_iterations", "total number of iterations")
_LOAD_TIMES: Final = (
    "read_model_time", "compile_model_time", "load_model_time", "read model time (ms)", "compile model time (ms)",
    "import model time (ms)",
)  # fmt: skip


def _first(results: Mapping[str, object], names: Sequence[str]) -> object:
    return next((results[name] for name in names if name in results), None)


def _of_results(
    log: Log, results: Mapping[str, object], options: Mapping[str, str], where: Location
) -> Iterator[Reading]:
    """A report, with the keys of the C++ tool or those of the Python tool."""
    hint = "run it again with `-hint latency -report_type no_counters`"
    if results.get("error"):
        log.wrong(where, f"the run failed: {str(results['error'])[:200]}", hint)
        return
    found = _first(results, _LATENCIES)
    if found is None:
        log.wrong(where, "the report has no latency", hint)
        return
    latency = log.number(found, where, "the latency", _MS)
    if latency is None:
        return
    yield Reading(
        tool=TOOL,
        network=options.get("m", ""),
        latency_s=latency,
        location=where,
        min_s=scaled(_first(results, _LEAST), _MS),
        runs=as_count(_first(results, _RUN_COUNTS)),
        first_s=scaled(_first(results, _FIRSTS), _MS),
        load_s=sum(scaled(results.get(name), _MS) or 0.0 for name in _LOAD_TIMES) or None,
        threads=as_count(options.get("nthreads")),
        processor=_PROCESSORS.get(options.get("d", ""), ""),
    )


def _counters(log: Log) -> Iterator[Reading]:
    """The mean of the requests' counters; what was fused away did not run."""
    times: dict[str, list[float]] = {}
    kinds: dict[str, tuple[str, str]] = {}
    totals, where = list[float](), log.end
    for line in log.lines:
        cells = line.text.rstrip(";").split(";")
        if _COUNTERS.match(line.text) or not line.text:
            continue
        if cells[0] == "Total":
            total = log.number(cells[4] if len(cells) > 4 else "", log.at(line), "the total of the counters", _MS)
            totals += [] if total is None else [total]
            where = log.at(line)
        elif len(cells) != 6:
            log.wrong(log.at(line), f"{len(cells)} cells in place of 6: the file is cut", "measure again")
            return
        elif "NOT_RUN" not in cells[1]:
            times.setdefault(cells[0], []).append(scaled(cells[4], _MS) or 0.0)
            kinds[cells[0]] = (cells[2], cells[3])
    if not totals:
        log.wrong(log.end, "the counters end here, without a line `Total`: the file is cut", "measure again")
        return
    yield Reading(
        tool=TOOL,
        network="",
        latency_s=sum(totals) / len(totals),
        location=where,
        operators=tuple(
            Operator(name, kinds[name][0], sum(values) / len(values), kinds[name][1]) for name, values in times.items()
        ),
        profiled=True,
        notes=("the latency is the sum of the profile's operators",),
    )
