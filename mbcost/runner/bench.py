"""``mbcost bench``: measures a suite and writes its CSV, its environment and the tables of its networks."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any, Final, get_args

from mbcost._version import __version__
from mbcost.checks import Checks
from mbcost.errors import fail
from mbcost.files import check_new, write_text
from mbcost.importers.pytorch.isolate import import_torch
from mbcost.runner.bench_file import OPERATORS, SCHEMA
from mbcost.runner.engines import ENGINES
from mbcost.runner.engines.model_files import ModelFiles, model_files
from mbcost.runner.environment import busy_share, runtime_of
from mbcost.runner.journal import Journal, journal_path
from mbcost.runner.session import FEWEST, VISITS, Session, Timing, has_enough, open_session, visit_all
from mbcost.runner.settings import Settings, Source, checked_settings
from mbcost.runner.suites import ACCELERATOR_BATCHES, PLANS, Kernel, Plan, kernels, network_tables
from mbcost.words import BenchRuntime, Mode, SuiteName

#: The name of this machine in a bench, until a calibration names it.
THIS_MACHINE: Final = "this-machine"
#: Visits of the first of two sweeps.
_FIRST_VISITS: Final = 2
_NETWORK_COLUMNS: Final = (
    "architecture", "alpha", "resolution", "batch", "precision", "device", "processor", "runtime", "threads",
    "latency_ms", "latency_std_ms", "source", "runs", "visits", "rejected", "load_ms", "first_ms",
)  # fmt: skip
_OPERATOR_COLUMNS: Final = (
    "architecture", "layer", "precision", "device", "processor", "runtime", "threads", "latency_ms", "position",
    "operator", "source",
)  # fmt: skip
#: Shortest time of an operator that is written [s]: profilers here count microseconds, so that it is known to 5 %.
_SHORTEST_S: Final = 20e-6
#: Networks that one process profiles, since LiteRT's interface is not asked to free them.
_PROFILED_TOGETHER: Final = 15
_KERNEL_COLUMNS: Final = (
    "op", "height", "width", "in_channels", "out_channels", "kernel", "stride", "groups", "fields", "batch",
    "precision", "device", "processor", "runtime", "threads", "latency_us", "latency_std_us", "cold_us", "runs",
    "source",
)  # fmt: skip

#: Called with the finished share of the suite [1] and the name of what is measured.
OnProgress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """The result of a bench.

    Attributes
    ----------
    output
        The CSV file; beside it are ``.json`` with the environment and, of networks, a folder with their tables; of a
        runtime with a profiler also ``.operators.csv``.
    measured, failed
        Number of networks or kernels with a latency; those without, with the reason.
    visits, rejected
        Number of visits, and of those that were rejected as disturbed.
    seconds
        Time since the first visit, including interrupted runs that it resumed [s].
    damaged
        Number of damaged lines in the journal of an interrupted run, which were measured again.
    busy
        Share of the cores' time that other programs used when it began [1]; None if the system does not tell.
    """

    output: Path
    measured: int
    failed: Mapping[str, str]
    visits: int
    rejected: int
    seconds: float
    damaged: int = 0
    busy: float | None = None


def bench(
    path: str | PathLike[str],
    *,
    suite: SuiteName = "quick",
    device: str = "cpu",
    threads: int = 1,
    channels_last: bool = False,
    mode: Mode = "eager",
    precision: str = "fp32",
    runtime: BenchRuntime = "pytorch",
    force: bool = False,
    progress: OnProgress | None = None,
) -> Bench:
    """Measure random small networks, or single kernels, on this machine, for :func:`mbcost.calibrate`.

    An interrupted run resumes when it is called again.

    Parameters
    ----------
    path
        The CSV file to write.
    suite
        ``quick`` (3 minutes), ``full`` (15), or ``kernels`` (3).
    device
        PyTorch's name of the device: ``cpu``, ``cuda`` or ``mps``.
    threads, channels_last, mode, precision
        How it runs; a runtime of model files takes `threads` and `precision` (``fp32``, most of them ``int8``).
    runtime
        ``pytorch``, or a runtime of model files: ``litert``, ``onnxruntime``, ``openvino``, ``ncnn``.
    force
        Start again, and overwrite. An earlier journal is kept as ``.journal.old.jsonl``.
    progress
        Called with the finished share and the name of what is measured.

    Raises
    ------
    InputError
        As :func:`run_bench`, and MB010 or MB305 for invalid settings.
    """
    checks = Checks()
    chosen = checks.word("suite", suite, tuple(PLANS))
    checks.whole("threads", threads, least=1, most=4096)
    checks.flag("channels_last", channels_last)
    checks.word("mode", mode, get_args(Mode))
    engine = checks.word("runtime", runtime, get_args(BenchRuntime))
    checks.done()
    settings = checked_settings(device, int(threads), bool(channels_last), mode, precision, engine)
    return run_bench(Path(path), chosen, settings, force=force, on_progress=progress or (lambda *_: None))


def run_bench(
    output: Path,
    suite: SuiteName,
    settings: Settings,
    *,
    force: bool = False,
    plan: Plan | None = None,
    on_progress: OnProgress = lambda *_: None,
) -> Bench:
    """Measure a suite on this machine.

    An interrupted run leaves a journal, from which the same call without `force` resumes.

    Parameters
    ----------
    output
        The CSV file to write.
    force
        Start again, and overwrite. An earlier journal is kept as ``.journal.old.jsonl``.
    plan
        Size and length instead of the suite's own.

    Raises
    ------
    InputError
        MB011 without the runtime, MB010 for kernels of model files, MB007 if `output` or what is written beside it
        exists, MB008 if it cannot be written, MB604 if the journal is of another machine, MB605 if it is damaged, MB603
        if it cannot measure with these settings.
    """
    if settings.is_file_based:
        ENGINES[settings.engine].check_installed()
    else:
        import_torch("measuring")
    if suite == "kernels" and settings.is_file_based:
        hint = "its bench has the operators of whole networks, or leave out `runtime=...` for PyTorch"
        fail("MB010", f"single kernels of {settings.title} are not measured", hint=hint)
    if output.suffix.lower() != ".csv":
        fail("MB006", f"`{output.name}` does not end in .csv")
    if not force:
        _check_outputs(output)
    chosen = plan or PLANS[suite]
    networks = {} if suite == "kernels" else dict(network_tables(chosen.items))
    names = networks or {kernel.name for kernel in kernels(chosen.items)}
    busy = busy_share()
    with open_session(settings) as session:
        environment = _asked(session, "environment")
        header = {"bench": {"suite": suite, **asdict(settings), **asdict(chosen)}, "environment": environment}
        journal = Journal(output, header, anew=force, names=names)
        check_new(output, force=journal.overwrites)
        before = _facts(session)
    sources = _sources(output, networks, chosen, settings)
    with model_files(settings) as files:
        timings, seconds = _measured(settings, sources, files, chosen, journal, on_progress)
        operators = _operator_rows(output, sources, files, timings, settings)
    with open_session(settings) as session:
        after = _facts(session)
    if not any(timing.visits or timing.disturbed for timing in timings.values()):
        fail("MB603", "nothing could be measured", hint=next(t.failed for t in timings.values()))
    source = f"mbcost bench --suite {suite}, {runtime_of(environment)}"
    if suite == "kernels":
        text = _kernel_rows(kernels(chosen.items), dict(sources), timings, settings, source)
    else:
        text = _network_rows(output, dict(sources), timings, settings, source)
    date = datetime.now(UTC).date().isoformat()
    document = {"schema": SCHEMA, "mbcost_version": __version__, "date": date, **header, **_summary(timings, seconds)}
    document |= {} if busy is None else {"busy": busy}
    document["facts"] = {name: _better(name, value, after[name]) for name, value in before.items()}
    if operators:
        text_of = _csv(_OPERATOR_COLUMNS, [{**row, "source": f"{source}, profiler"} for row in operators])
        write_text(operators_path(output), text_of, force=True)
    # the CSV comes last, so that it is there only with the rest, and a run that was killed before resumes
    write_text(output.with_suffix(".json"), json.dumps(document, indent=1) + "\n", force=True)
    write_text(output, text, force=journal.overwrites)
    journal.remove()
    failed = {name: timing.failed for name, timing in timings.items() if timing.failed}
    rejected = sum(len(timing.disturbed) for timing in timings.values())
    visits = rejected + sum(len(timing.visits) for timing in timings.values())
    return Bench(output, len(timings) - len(failed), failed, visits, rejected, seconds, journal.damaged, busy)


def _check_outputs(output: Path) -> None:
    """Refuse to overwrite the CSV, or what is written beside it, unless an interrupted run wrote it.

    Raises
    ------
    InputError
        MB007.
    """
    if journal_path(output).exists():
        return
    for path in (output, output.with_suffix(".json"), tables_folder(output), operators_path(output)):
        check_new(path)


def _facts(session: Session) -> dict[str, float]:
    """Peaks and bandwidths of this machine, measured before and after the suite, since disturbances only lower them."""
    facts: dict[str, float] = _asked(session, "facts")
    return facts


def _better(fact: str, one: float, other: float) -> float:
    """The less disturbed of two values: the shorter time, the higher rate."""
    return min(one, other) if fact.endswith("_s") and not fact.endswith("_per_s") else max(one, other)


def _asked(session: Session, what: str) -> Any:
    """The measuring process's facts about the machine."""
    reply = session.ask(do=what)
    if "failed" in reply:
        fail("MB603", f"cannot measure this machine: {reply['failed']}")
    return reply[what]


def _sources(output: Path, networks: Mapping[str, str], plan: Plan, settings: Settings) -> list[tuple[str, Source]]:
    """The networks, whose tables are written beside the output; the kernels if there are no networks."""
    batches = (1,) if settings.device == "cpu" else ACCELERATOR_BATCHES
    if not networks:
        return [
            (kernel.name, Source("kernel", kernel.table, batch=batches[i % len(batches)]))
            for i, kernel in enumerate(kernels(plan.items))
        ]
    folder = tables_folder(output)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        fail("MB008", f"cannot write {folder}: {error.strerror or error}")
    found = []
    for i, (name, table) in enumerate(networks.items()):
        path = folder / f"{name}.yaml"
        write_text(path, table, force=True)
        found.append((name, Source("table", str(path.resolve()), batch=batches[i % len(batches)])))
    return found


def tables_folder(output: Path) -> Path:
    """The folder with the tables of a bench's networks."""
    return output.with_suffix(".networks")


def operators_path(output: Path) -> Path:
    """The file with the operators of a bench's networks."""
    return output.with_suffix(OPERATORS)


def _operator_rows(
    output: Path,
    sources: list[tuple[str, Source]],
    files: ModelFiles,
    timings: Mapping[str, Timing],
    settings: Settings,
) -> list[dict[str, Any]]:
    """Rows of the operators that a runtime's profiler times and that belong to a known layer."""
    if not settings.is_file_based or not ENGINES[settings.engine].profiles:
        return []
    rows: list[dict[str, Any]] = []
    due = [(name, source) for name, source in sources if name in timings and not timings[name].failed]
    while due:
        with open_session(settings) as session:
            for _ in range(min(_PROFILED_TOGETHER, len(due))):
                name, source = due.pop(0)
                reply = session.ask(do="operators", source=asdict(files.file_of(source)))
                if "failed" in reply:
                    break  # without this network's operators, and with a new process
                rows += _rows_of_operators(output, name, source, reply["operators"], settings)
    return rows


def _rows_of_operators(
    output: Path, name: str, source: Source, told: Sequence[Sequence[Any]], settings: Settings
) -> list[dict[str, Any]]:
    """The rows of one network, of the operators that take long enough to be timed."""
    from mbcost.exporters.lowering import lower
    from mbcost.graph import build_graph
    from mbcost.networks import load
    from mbcost.runner.engines import Operator
    from mbcost.runner.engines.mapping import layers_of

    operators = [Operator(*each) for each in told]
    graph = build_graph(load(source.name))
    known = {layer.name for layer in graph.layers}  # a part of a layer has a name of its own
    return [
        _shared_cells(settings, "")
        | {
            "architecture": f"{tables_folder(output).name}/{name}.yaml",
            "layer": layer,
            "latency_ms": f"{operator.seconds * 1e3:.6g}",
            "position": position,
            "operator": operator.kind,
        }
        for position, (operator, layer) in enumerate(zip(operators, layers_of(operators, lower(graph, 0)), strict=True))
        if layer in known and operator.seconds >= _SHORTEST_S
    ]


def _measured(
    settings: Settings,
    sources: list[tuple[str, Source]],
    files: ModelFiles,
    plan: Plan,
    journal: Journal,
    on_progress: OnProgress,
) -> tuple[dict[str, Timing], float]:
    """Two sweeps over the networks, with one process per group of networks, so that each is visited at two times."""
    started = time.monotonic() - journal.seconds
    timings = journal.timings
    canaries_s: list[float] = []

    def note(name: str, timing: Timing) -> None:
        elapsed = time.monotonic() - started
        journal.add(name, timing, elapsed)
        visits = sum(len(timing.visits) + len(timing.disturbed) for timing in timings.values())
        on_progress(min(1.0, elapsed / plan.seconds, visits / (FEWEST * VISITS)), name)

    for visits, until in ((_FIRST_VISITS, started + plan.seconds * 0.5), (VISITS, started + plan.seconds)):
        for start in range(0, len(sources), plan.together):
            batch = sources[start : start + plan.together]
            if time.monotonic() > until and has_enough(timings, is_first=visits == _FIRST_VISITS):
                break
            batch, refused = files.files_of(batch)
            for name, reason in refused.items():
                if name not in timings:
                    timings[name] = Timing(failed=reason)
                    note(name, timings[name])
            with open_session(settings) as session:
                session.canaries_s = canaries_s
                visit_all(
                    session,
                    batch,
                    until=until,
                    first_until=until,
                    seconds=plan.visit_seconds,
                    on_visit=note,
                    timings=timings,
                    visits=visits,
                )
        sources = [(name, source) for name, source in sources if name in timings]
    if canaries_s:
        for timing in timings.values():
            timing.sort_out(sorted(canaries_s)[len(canaries_s) // 4])
    return timings, time.monotonic() - started


def _summary(timings: Mapping[str, Timing], seconds: float) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 1),
        "measured": sum(not timing.failed for timing in timings.values()),
        "failed": {name: timing.failed for name, timing in timings.items() if timing.failed},
        "visits": sum(len(timing.visits) for timing in timings.values()),
        "rejected_visits": sum(len(timing.disturbed) for timing in timings.values()),
    }


def _network_rows(
    output: Path, sources: Mapping[str, Source], timings: Mapping[str, Timing], settings: Settings, source: str
) -> str:
    rows = []
    for name, timing in sorted(timings.items()):
        if timing.failed:
            continue
        cells = _shared_cells(settings, source) | {
            "architecture": f"{tables_folder(output).name}/{name}.yaml",
            "alpha": 1,
            "batch": sources[name].batch,
            "latency_ms": f"{timing.latency_s * 1e3:.6g}",
            "latency_std_ms": f"{min(timing.spread_s, timing.latency_s) * 1e3:.6g}",
            "runs": timing.runs,
            "visits": len(timing.visits),
            "rejected": len(timing.disturbed),
            "load_ms": _ms(timing.load_s),
            "first_ms": _ms(timing.first_s),
        }
        rows.append(cells)
    return _csv(_NETWORK_COLUMNS, rows)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.6g}" if seconds < math.inf else ""


def _kernel_rows(
    described: list[Kernel],
    sources: Mapping[str, Source],
    timings: Mapping[str, Timing],
    settings: Settings,
    source: str,
) -> str:
    """Rows with the warm latency, since a cold kernel also reads its input from memory, unlike in a network."""
    rows = []
    for kernel in described:
        timing = timings.get(kernel.name)
        if timing is None or timing.failed:
            continue
        latency_s = min(timing.warm_s, timing.latency_s)
        cells = _shared_cells(settings, source) | {
            "op": kernel.op,
            "height": kernel.height,
            "width": kernel.height,
            "in_channels": kernel.channels,
            "out_channels": kernel.out or "",
            "kernel": kernel.kernel or "",
            "stride": kernel.stride or "",
            "groups": kernel.groups or "",
            "fields": kernel.fields,
            "batch": sources[kernel.name].batch,
            "latency_us": f"{latency_s * 1e6:.6g}",
            "latency_std_us": f"{min(timing.spread_s, latency_s) * 1e6:.6g}",
            "cold_us": f"{timing.latency_s * 1e6:.6g}",
            "runs": timing.runs,
        }
        rows.append(cells)
    return _csv(_KERNEL_COLUMNS, rows)


def _shared_cells(settings: Settings, source: str) -> dict[str, Any]:
    return {
        "precision": settings.precision,
        "device": THIS_MACHINE,
        "processor": "cpu" if settings.device == "cpu" else "gpu",
        "runtime": settings.runtime,
        "threads": settings.threads,
        "source": source,
    }


def _csv(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
