"""TFLite's and LiteRT's ``benchmark_model``: what it prints, or logcat kept, and the CSV file of its profile.

Formats: tensorflow/tensorflow, tensorflow/lite/tools/benchmark/benchmark_model.cc (08df8c40), ``Stat`` in
third_party/xla/xla/tsl/util/stats_calculator.h (0adb5476), the profile in tensorflow/core/util/stats_calculator.cc
(31ccb01c, with a column `start`) and third_party/xla/xla/tsl/util/stats_calculator.cc (2b746b8f, without), its headings
in tensorflow/lite/profiling/profile_summary_formatter.cc (177d5e6d).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from mbcost.calibration.logs.log import Line, Log, Operator, Reading, as_count, as_float, scaled
from mbcost.errors import Location

TOOL: Final = "TFLite benchmark_model"
_US: Final = 1e-6

_NUMBER: Final = r"[-+\w.]+"
_START: Final = re.compile(r"STARTING!|Log parameter values verbosely: \[")
_GRAPH: Final = re.compile(r"Graph: \[(?P<path>.*)\]")
_LOADED: Final = re.compile(r"Loaded model (?P<path>\S.*)")
_THREADS: Final = re.compile(r"(?:#threads used for CPU inference|Num threads): \[(?P<threads>-?\d+)\]")
_PROCESSOR: Final = re.compile(r"Use (?P<what>gpu|nnapi|Hexagon)\s?: \[1\]", re.IGNORECASE)
_RUNS: Final = re.compile(r"count=(?P<count>\d+)\b(?P<rest>.*)")
_FIELD: Final = re.compile(r"\b(first|curr|min|max|avg|std|median)=([^\s(]+)")
_SUMMARY: Final = re.compile(
    rf"Inference timings in us: Init: (?P<init>{_NUMBER}), First inference: (?P<first>{_NUMBER}), "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): (?P<avg>{_NUMBER})"
)
_SUMMARY_START: Final = re.compile(r"Inference timings in (?P<unit>\w+)")
_FAILED: Final = re.compile(
    r"Benchmarking failed|Failed to (?!get the input model file size|load the (input )?layer)|Could not open|"
    r"Unknown (?:flag|argument)|Please specify the name|Aborted|Segmentation fault"
)
_PARTIAL: Final = re.compile(r".*will be (?P<how>partially|completely) executed (?:by|w/) the delegate(?P<more>.*)")
_NO_DELEGATE: Final = re.compile(r".*(?:delegate was not applied|Failed to apply .* delegate).*")

_TITLE: Final = re.compile(r"=+ (?P<title>[\w ]+) =+$")
_HEADINGS: Final = re.compile(r"(?P<init>Profiling Info for Benchmark Initialization)|(?P<delegate>Delegate internal:)|"
                              r"(?P<run>Operator-wise Profiling Info|Primary graph|Subgraph )")  # fmt: skip
_TIMINGS: Final = re.compile(r"Timings \(microseconds\): count=(?P<count>\d+)(?P<rest>.*)")
_CSV_HEAD: Final = re.compile(r"node type, (?:start, )?first, avg[_ ]ms, ")
_TABLE_HEAD: Final = re.compile(r"\s*\[node type\]\s+(?P<start>\[start\])?")
_CSV_ROW: Final = re.compile(
    rf"(?P<type>.+?)(?P<start>, {_NUMBER})?, (?P<first>{_NUMBER}), (?P<avg>{_NUMBER}), {_NUMBER}%, {_NUMBER}%, "
    rf"{_NUMBER}, (?P<called>\d+), (?P<name>.*)"
)


@dataclass
class _Run:
    """What is known of one run so far."""

    network: str = ""
    threads: int | None = None
    processor: str = ""
    stats: list[tuple[Line, re.Match[str]]] = field(default_factory=list)
    summary: tuple[Line, re.Match[str]] | None = None
    failure: Line | None = None
    own: list[Operator] = field(default_factory=list)
    delegated: list[Operator] = field(default_factory=list)
    timings: tuple[Line, re.Match[str]] | None = None
    notes: list[str] = field(default_factory=list)
    last: Line | None = None
    damaged: bool = False

    @property
    def begun(self) -> bool:
        return bool(
            self.network or self.stats or self.summary or self.timings or self.own or self.delegated or self.damaged
        )


def is_log(log: Log) -> bool:
    """Whether a text has lines of the tool."""
    signs = (_SUMMARY_START, _START, _CSV_HEAD, _TABLE_HEAD, re.compile(r"Loaded model .*\.tflite"))
    return any(sign.match(line.text) for line in log.lines for sign in signs)


def read(log: Log) -> Iterator[Reading]:
    """The runs of a log; a run that failed, or that is cut, is a problem of the log."""
    for run in _runs(log):
        reading = _reading(log, run)
        if reading is not None:
            yield reading


def _runs(log: Log) -> Iterator[_Run]:
    run = _Run()
    section = _Section()
    for line in log.lines:
        graph = _GRAPH.match(line.text)
        again = _RUNS.match(line.text) or _SUMMARY_START.match(line.text)
        if run.begun and (_START.match(line.text) or (graph and run.network) or (again and run.summary)):
            yield run
            run, section = _Run(), _Section()
        run.last = line if line.text else run.last
        if not section.take(log, run, line):
            _take(run, line, graph)
    if run.begun or run.failure is not None:
        yield run


def _take(run: _Run, line: Line, graph: re.Match[str] | None) -> None:
    """A line that is not of a profile."""
    if graph or (loaded := _LOADED.match(line.text)):
        run.network = run.network or (graph or loaded)["path"].strip()  # type: ignore[index]
    elif threads := _THREADS.match(line.text):
        count = int(threads["threads"])
        run.threads = count if count > 0 else run.threads
    elif processor := _PROCESSOR.match(line.text):
        run.processor = {"gpu": "gpu", "hexagon": "dsp"}.get(processor["what"].lower(), "")
        if processor["what"].lower() == "nnapi":
            run.notes.append("measured through NNAPI, which chooses the processor")
    elif stats := _RUNS.match(line.text):
        run.stats.append((line, stats))
    elif summary := _SUMMARY_START.match(line.text):
        run.summary = (line, _SUMMARY.match(line.text) or summary)
    elif _FAILED.match(line.text) or ("ERROR:" in line.whole and run.failure is None):
        run.failure = run.failure or line
    if (partial := _PARTIAL.match(line.text)) and partial["how"] == "partially":
        run.notes.append(f"a part runs outside the delegate:{partial['more'].rstrip('.')}"[:120])
    if _NO_DELEGATE.match(line.text):
        run.notes.append("a delegate was not applied, so the network ran on the CPU")


class _Section:
    """The part of a profile that the lines are in."""

    def __init__(self) -> None:
        self.kind = "run"
        self.title = ""
        self.has_start = False
        self.is_csv = False

    def take(self, log: Log, run: _Run, line: Line) -> bool:
        """Whether the line was one of a profile."""
        if heading := _HEADINGS.match(line.text):
            self.kind = heading.lastgroup or "run"
        elif title := _TITLE.match(line.text):
            self.title = title["title"]
        elif _CSV_HEAD.match(line.text) or (table := _TABLE_HEAD.match(line.whole)):
            self.is_csv = line.text.startswith("node type")
            self.has_start = ", start, " in line.text if self.is_csv else bool(table and table["start"])
        elif timings := _TIMINGS.match(line.text):
            if self.kind == "run":
                run.timings = (line, timings)
            self.title = ""
        elif self.title == "Run Order" and self.kind != "init" and line.text:
            self._row(log, run, line)
        elif not line.text:
            self.title = ""
            return True
        else:
            return self.title != ""
        return True

    def _row(self, log: Log, run: _Run, line: Line) -> None:
        cells = self._cells(line)
        seconds = None if cells is None else as_float(cells[2])
        if cells is None or (seconds is None and cells[2] not in {"0", "0.000"}):
            hint = "the file is cut, or of another tool: measure again"
            log.wrong(log.at(line), "this is no row of an operator profile of benchmark_model", hint)
            run.damaged = True
            return
        name, kind, _, called = cells
        operator = Operator(
            name, kind, (seconds or 0.0) * 1e-3 * max(called, 1), "delegate" * (self.kind == "delegate")
        )
        (run.delegated if self.kind == "delegate" else run.own).append(operator)

    def _cells(self, line: Line) -> tuple[str, str, str, int] | None:
        """Name, type, milliseconds and calls of a row."""
        if self.is_csv:
            row = _CSV_ROW.fullmatch(line.text)
            if row is None or (self.has_start and row["start"] is None):
                return None
            kind = row["type"] if self.has_start or row["start"] is None else row["type"] + row["start"]
            return row["name"], kind, row["avg"], as_count(row["called"]) or 1
        cells = [cell.strip() for cell in line.whole.split("\t")]
        expected = 10 if self.has_start else 9
        cells = cells[-expected:]
        if len(cells) < expected:
            return None
        at = 2 if self.has_start else 1
        return cells[-1], cells[1], cells[at + 2], as_count(cells[-2]) or 1


def _reading(log: Log, run: _Run) -> Reading | None:
    """What a run measured; None, with a problem, if it did not finish."""
    hint = "run benchmark_model again on this network, and keep all that it prints"
    if run.damaged:
        return None
    if run.summary is None and run.timings is not None and len(run.stats) < 2:
        return _of_profile(log, run)
    if run.summary is None and len(run.stats) < 2:
        what = f" of {run.network}" if run.network else ""
        if run.failure is not None:
            log.wrong(log.at(run.failure), f"the run{what} failed: {run.failure.text[:200]}", hint)
        else:
            where = log.end if run.last is None else log.at(run.last)
            log.wrong(where, f"the run{what} ends here, before its timed runs: the log is cut", hint)
        return None
    if run.failure is not None:
        run.notes.append(f"the tool reported: {run.failure.text[:120]}")
    return _timed(log, run)


def _timed(log: Log, run: _Run) -> Reading | None:
    """The latency of a run from the statistics of its timed runs, else from its summary."""
    first = init = average = None
    if run.summary is not None:
        line, summary = run.summary
        if "avg" not in summary.groupdict():
            wanted = "`Inference timings in us: Init: .., First inference: .., Warmup (avg): .., Inference (avg): ..`"
            log.wrong(log.at(line), f"this line is cut, or in another unit: expected {wanted}", "measure again")
            return None
        first, init = scaled(summary["first"], _US), scaled(summary["init"], _US)
        average = log.number(summary["avg"], log.at(line, summary["avg"]), "the mean inference", _US)
        if average is None:
            return None
    where = log.at(run.summary[0] if run.summary else run.stats[-1][0])
    fields: dict[str, str] = {}
    count = None
    if len(run.stats) > 1 or (run.stats and run.summary is None):
        line, stats = run.stats[-1]
        count = as_count(stats["count"])
        fields = dict(_FIELD.findall(stats["rest"]))
        text = fields.get("median") or fields.get("avg") or fields.get("curr") or ""
        if first is None and run.stats:
            first = scaled(dict(_FIELD.findall(run.stats[0][1]["rest"])).get("first"), _US)
        latency = log.number(text, log.at(line, text), "the timed runs", _US)
        where = log.at(line)
    else:
        latency = average
    if latency is None:
        return None
    return _made(run, latency, where, fields, count, first, init)


def _made(
    run: _Run,
    latency_s: float,
    where: Location,
    fields: dict[str, str],
    count: int | None,
    first_s: float | None = None,
    load_s: float | None = None,
) -> Reading:
    operators = [each for each in run.own if not (run.delegated and "delegate" in each.type.lower())]
    return Reading(
        tool=TOOL,
        network=run.network,
        latency_s=latency_s,
        location=where,
        min_s=scaled(fields.get("min"), _US),
        spread_s=scaled(fields.get("std"), _US),
        runs=count,
        first_s=first_s,
        load_s=load_s,
        precision=precision_of(each.type for each in (*operators, *run.delegated)),
        threads=run.threads,
        processor=run.processor,
        operators=(*operators, *run.delegated),
        notes=tuple(dict.fromkeys(run.notes)),
    )


def _of_profile(log: Log, run: _Run) -> Reading | None:
    """A file that has the profile alone: the network's time is the sum of its operators."""
    assert run.timings is not None
    line, timings = run.timings
    fields = dict(_FIELD.findall(timings["rest"]))
    text = fields.get("avg") or fields.get("curr") or ""
    latency = log.number(text, log.at(line, text), "the sum of the operators", _US)
    if latency is None:
        return None
    run.notes.append("the latency is the sum of the profile's operators")
    made = _made(run, latency, log.at(line), fields, as_count(timings["count"]))
    return replace(made, profiled=True)


_INT8: Final = re.compile(r"\b(QC8|QS8|QU8|QC8W)\b")
_FP32: Final = re.compile(r"\bF32\b")
_FP16: Final = re.compile(r"\bF16\b")


def precision_of(types: Iterator[str]) -> str:
    """The precision that most of XNNPACK's operators have in their names; empty where none has one."""
    counts = {"int8": 0, "fp32": 0, "fp16": 0}
    for text in types:
        for precision, pattern in (("int8", _INT8), ("fp16", _FP16), ("fp32", _FP32)):
            if pattern.search(text):
                counts[precision] += 1
                break
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""
