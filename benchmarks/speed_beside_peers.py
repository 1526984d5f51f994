"""Speed and memory of mbcost beside four tools that count a PyTorch model, on MobileNet V2 at 224.

Three measurements, each interleaved tool by tool (A B C A B C ...), so that a machine that slows down hits all alike:

- warm: one more count in a process that has counted before. The peers hold a ready model, mbcost a loaded table; mbcost
  builds the graph, predicts the latency of every layer and makes the networkx graph.
- cold: a whole process from its start. mbcost runs its command line; a peer is imported, the model built and counted.
- peak memory: the largest resident set of the cold processes.

Needs mbcost and the standard library; a tool that is not installed is skipped with a line.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
#: mbcost for a configuration that it has not seen: its layers are built again each time. Warm only.
AFRESH: Final = "mbcost_afresh"
PEERS: Final = ("torchinfo", "fvcore", "ptflops", "thop")
#: Processes that count nothing, measured for comparison: the interpreter, and PyTorch with the model.
FLOORS: Final = {"python": "python alone", "torch": "torch and the model"}

SCHEMA: Final = "mbcost/speed-beside-peers/1"
WARM_LIMIT_S: Final = 3e-3
COLD_RATIO_LIMIT: Final = 4.0
MEMORY_LIMIT_BYTES: Final = 150e6
#: Unit of ru_maxrss [B]: macOS counts bytes, Linux KiB.
MAXRSS_BYTES: Final = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Summary:
    """Times of the repeats [s]."""

    min_s: float
    median_s: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Cold:
    """Whole processes: their times, and the largest resident set among them [B]."""

    time: Summary
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A row of the table; the ratios are this row by that of mbcost."""

    name: str
    version: str | None
    macs: int | None
    params: int | None
    warm: Summary | None
    cold: Cold
    warm_ratio: float | None
    cold_ratio: float
    peak_ratio: float


class Worker:
    """A process that counts with one tool whenever it is asked."""

    def __init__(self, tool: str, python: str) -> None:
        self.tool = tool
        self.counts: tuple[int, int] | None = None
        self.seconds: list[float] = []
        self._process = subprocess.Popen(
            [python, str(HERE / "counters.py"), "serve", tool],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=child_environment(),
            cwd=HERE,
        )
        self.greeting = self._answer()

    def count(self) -> None:
        """Count once and keep the time; a tool has to find the same counts every time."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = self._answer()
        counts = (answer["macs"], answer["params"])
        if self.counts not in (None, counts):
            raise SystemExit(f"{self.tool} counted {self.counts}, then {counts}")
        self.counts = counts
        self.seconds.append(answer["seconds"])

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.tool} ended early: run `counters.py serve {self.tool}` to see why")
        return json.loads(line)


def child_environment() -> dict[str, str]:
    """The environment of every child: this one's, with compiled modules kept, as on a user's machine."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def summarise(seconds: Sequence[float]) -> Summary:
    """The least and the middle of some times."""
    return Summary(min(seconds), median(seconds), len(seconds))


def time_ratio(times: Summary, reference: Summary) -> float:
    """How many times as long: by the least times or by the medians, whichever claims less."""
    return min(times.min_s / reference.min_s, times.median_s / reference.median_s)


@contextlib.contextmanager
def start_workers(peer_python: str) -> Iterator[list[Worker]]:
    """Workers for mbcost and every peer that is installed, mbcost first."""
    with contextlib.ExitStack() as stack:
        workers = []
        for tool in ("mbcost", AFRESH, *PEERS):
            worker = Worker(tool, peer_python if tool in PEERS else sys.executable)
            stack.callback(worker.close)
            if "missing" not in worker.greeting:
                workers.append(worker)
            elif tool not in PEERS:
                raise SystemExit(f"mbcost cannot be imported: {worker.greeting['missing']}")
            else:
                print(f"{tool}: skipped, {worker.greeting['missing']}")
        yield workers


def measure_warm(workers: Sequence[Worker], repeats: int) -> None:
    """Let the workers count in turn."""
    for _ in range(repeats):
        for worker in workers:
            worker.count()


def cold_command(name: str, peer_python: str) -> list[str]:
    """The command line of a cold run."""
    if name == "python":
        return [sys.executable, "-c", "pass"]
    if name == "mbcost":
        return [sys.executable, "-m", "mbcost", "analyze", str(shipped_table()), "--device", "pixel1"]
    return [peer_python, str(HERE / "counters.py"), "once", name]


def shipped_table() -> Path:
    """The layer table of MobileNet V2 inside the installed package, found without importing it."""
    spec = find_spec("mbcost")
    if spec is None or spec.origin is None:
        raise SystemExit("mbcost is not installed")
    return Path(spec.origin).parent / "architectures" / "tables" / "mobilenet_v2.yaml"


def run_cold(command: Sequence[str]) -> tuple[float, int]:
    """Run a process to its end: its wall time [s] and its peak resident set [B].

    Linux counts what the child inherits before it starts the program, so this process must stay smaller than any child.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=child_environment(), cwd=HERE
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)}\n{output.read().decode(errors='replace')[-2000:]}")
    return seconds, usage.ru_maxrss * MAXRSS_BYTES


def measure_cold(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Cold]:
    """Run all commands once to warm the file cache and compile modules, then `runs` times in turn."""
    results: dict[str, list[tuple[float, int]]] = {name: [] for name in commands}
    for index in range(runs + 1):
        for name, command in commands.items():
            result = run_cold(command)
            if index > 0:
                results[name].append(result)
    return {
        name: Cold(summarise([seconds for seconds, _ in runs_]), max(peak for _, peak in runs_))
        for name, runs_ in results.items()
    }


def gather(workers: Sequence[Worker], cold: Mapping[str, Cold]) -> list[Measured]:
    """One row for everything that was run, mbcost first, the floors last."""
    by_tool = {worker.tool: worker for worker in workers}
    reference = cold["mbcost"]
    reference_warm = summarise(by_tool["mbcost"].seconds)
    rows = []
    for name, result in cold.items():
        worker = by_tool.get(name)
        macs, params = worker.counts if worker and worker.counts else (None, None)
        warm = summarise(worker.seconds) if worker else None
        rows.append(
            Measured(
                name=FLOORS.get(name, name),
                version=worker.greeting["version"] if worker else None,
                macs=macs,
                params=params,
                warm=warm,
                cold=result,
                warm_ratio=time_ratio(warm, reference_warm) if warm else None,
                cold_ratio=time_ratio(result.time, reference.time),
                peak_ratio=result.peak_bytes / reference.peak_bytes,
            )
        )
    return rows


def measure(peer_python: str, repeats: int, runs: int) -> list[Measured]:
    """Everything, in one run."""
    with start_workers(peer_python) as workers:
        measure_warm(workers, repeats)
    tools = [worker.tool for worker in workers if worker.tool != AFRESH]
    floors = [name for name in FLOORS if name != "torch" or len(tools) > 1]
    cold = measure_cold({name: cold_command(name, peer_python) for name in (*tools, *floors)}, runs)
    afresh = next(summarise(worker.seconds) for worker in workers if worker.tool == AFRESH)
    print(f"mbcost, configurations that it has not seen: {afresh.min_s * 1e3:.2f} ms at least, ", end="")
    print(f"{afresh.median_s * 1e3:.2f} ms in the middle; the table's warm figure is for one that it has")
    return gather(workers, cold)


def cells(row: Measured) -> list[str]:
    """The row as text."""
    counts = [f"{row.macs:,}", f"{row.params:,}"] if row.macs is not None else ["", ""]
    warm = ["", "", ""]
    if row.warm is not None:
        warm = [f"{row.warm.min_s * 1e3:.2f}", f"{row.warm.median_s * 1e3:.2f}", f"{row.warm_ratio:.1f}"]
    time_ = row.cold.time
    cold = [f"{time_.min_s:.3f}", f"{time_.median_s:.3f}", f"{row.cold_ratio:.2f}"]
    return [row.name, *counts, *warm, *cold, f"{row.cold.peak_bytes / 1e6:.0f}", f"{row.peak_ratio:.2f}"]


def table(rows: Sequence[Measured]) -> str:
    """The rows as a Markdown table; x is how many times mbcost's figure."""
    header = ["tool", "MACs", "params", "warm min ms", "median ms", "x", "cold min s", "median s", "x", "peak MB", "x"]
    lines = [header, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    aligned = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in (header, rule, *lines[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in aligned)


def conditions(load_before: tuple[float, float, float]) -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "load_1min_before": round(load_before[0], 2),
        "load_1min_after": round(os.getloadavg()[0], 2),
    }


def failed_limits(rows: Sequence[Measured]) -> list[str]:
    """The limits that mbcost misses. The warm limit is held against the least time: disturbance only ever adds."""
    mbcost = rows[0]
    assert mbcost.warm is not None
    failures = []
    if mbcost.warm.min_s > WARM_LIMIT_S:
        failures.append(f"warm: {mbcost.warm.min_s * 1e3:.2f} ms, limit {WARM_LIMIT_S * 1e3:g} ms")
    if mbcost.cold.peak_bytes > MEMORY_LIMIT_BYTES:
        failures.append(f"peak memory: {mbcost.cold.peak_bytes / 1e6:.0f} MB, limit {MEMORY_LIMIT_BYTES / 1e6:g} MB")
    failures += [
        f"cold: {row.name} takes {row.cold_ratio:.3f} times as long, limit {COLD_RATIO_LIMIT:g}"
        for row in rows
        if row.name in PEERS and row.cold_ratio < COLD_RATIO_LIMIT
    ]
    return failures


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Speed and memory of mbcost beside tools that count a PyTorch model.")
    parser.add_argument(
        "--peer-python", type=interpreter, default=sys.executable, metavar="PATH", help="interpreter that has the peers"
    )
    parser.add_argument("--repeats", type=positive, default=50, help="warm counts by tool (default: %(default)s)")
    parser.add_argument("--runs", type=positive, default=7, help="counted cold runs by tool (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file as well")
    parser.add_argument("--check", action="store_true", help="exit with 1 if mbcost misses a limit")
    return parser.parse_args()


def interpreter(text: str) -> str:
    """The absolute path of a program; a virtual environment's link is not followed."""
    found = shutil.which(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"there is no program {text}")
    return str(Path(found).absolute())


def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def report_limits(rows: Sequence[Measured]) -> int:
    """Print how mbcost stands to its limits: 1 if it misses one."""
    failures = failed_limits(rows)
    if not any(row.name in PEERS for row in rows):
        print("cold ratio: not checked, no peer is installed")
    print("\n".join(f"missed: {failure}" for failure in failures) or "all checked limits are held")
    return 1 if failures else 0


def main() -> int:
    """Measure, print, write, check."""
    arguments = parse_arguments()
    load = os.getloadavg()
    rows = measure(arguments.peer_python, arguments.repeats, arguments.runs)
    facts = conditions(load)
    print(table(rows))
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    if arguments.json is not None:
        document = {"schema": SCHEMA, "conditions": facts, "tools": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return report_limits(rows) if arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
