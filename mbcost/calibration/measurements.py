"""Latencies of whole networks, of their operators and of kernels from CSV files, and their work on a target."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np

from mbcost.architectures import ArchitectureSpec
from mbcost.architectures.limits import MAX_BATCH, MAX_RESOLUTION, MAX_THREADS
from mbcost.calibration import kernel_rows
from mbcost.calibration.apply import applied
from mbcost.calibration.csv_rows import CsvRow, read_csv
from mbcost.calibration.fit import KERNEL_NOISE, NOISE
from mbcost.devices import Target
from mbcost.devices.hosts import host_of
from mbcost.errors import InputError, Location, Problem, fail
from mbcost.files import is_file
from mbcost.graph import LayerGraph, build_graph
from mbcost.hosting import accelerator_part, crossing_s, crossings, is_hosted, on_host
from mbcost.kernels import Kernel, launches, load_runtime, map_to_kernels, weight_bytes
from mbcost.latency.form import count_vector
from mbcost.latency.model import latency_model
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.networks import load_data
from mbcost.numeric import add_up
from mbcost.resources import hardware_profiles

#: Columns of a file of networks, and those that may stay empty or away.
REQUIRED: Final = ("architecture", "latency_ms")
OPTIONAL: Final = (
    "alpha", "resolution", "layer", "batch", "precision", "device", "processor", "runtime", "threads", "latency_std_ms",
    "source", "load_ms", "first_ms",
)  # fmt: skip
#: Share of a latency that the host of an accelerator may take for the rest to be worth fitting. Chosen: above a half
#: the host's own error is as large as what is left.
MOST_OF_THE_HOST: Final = 0.5
#: Plausible latencies; outside, the unit is wrong: networks [s], operators and kernels [s]. Chosen: far beyond
#: everything measured.
NETWORK_LIMITS_S: Final = (1e-5, 1e3)
KERNEL_LIMITS_S: Final = (1e-8, 1e2)
#: Relative standard deviation above which a latency is not usable [1]. Chosen: it says no more than its order of
#: magnitude.
WILDEST: Final = 1.0
#: Ratio of predicted to measured latency, or its inverse, above which a row is reported as an outlier. Chosen: several
#: times what forms leave (:data:`~mbcost.calibration.fit.NOISE`); it changes no fit.
STRANGE: Final = {"network": 2.0, "operator": 4.0, "kernel": 4.0}

#: Device, processor, runtime, precision, threads.
_TargetKey: TypeAlias = tuple[str, str, str, str, str]
_LAYOUTS: Final = ((REQUIRED, OPTIONAL), (kernel_rows.REQUIRED, kernel_rows.OPTIONAL))
_TARGET: Final = ("device", "processor", "runtime", "precision")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured configuration of a network, one operator of it, or one measured kernel.

    Attributes
    ----------
    kind
        Whether a whole network, an operator in the company that it has in a network, or a kernel alone was measured.
    architecture
        Name or file of a network; the table of a kernel.
    target
        (device, processor, runtime, precision, threads) as the file has them; empty where it leaves them to
        ``--device`` and its options.
    measured_s
        Latency of one inference of the whole batch [s].
    spread
        Relative standard deviation of the measurement, 0 where the file has none [1].
    location
        Its row in the file.
    layer
        Of an operator: a layer that it computes.
    load_s, first_s
        Of a network: time to load its file, and of the first inference [s]; None where the file has none.
    """

    kind: Literal["network", "operator", "kernel"]
    architecture: str
    alpha: float
    resolution: int | None
    batch: int
    target: _TargetKey
    measured_s: float
    spread: float
    source: str
    location: Location
    layer: str = ""
    load_s: float | None = None
    first_s: float | None = None

    @property
    def name(self) -> str:
        """Such as ``mobilenet_v2 0.75 160``, or ``56x56x32 {op: "conv2d", kernel: 3, out: 64}``."""
        batch = "" if self.batch == 1 else f" batch {self.batch}"
        if self.kind == "kernel":
            cells = [line.partition(": ")[2] for line in self.architecture.splitlines()[2:]]
            return f"{cells[0]} {cells[-1].removeprefix('[').removesuffix(']')}{batch}"
        size = "" if self.resolution is None else f" {self.resolution}"
        layer = f" {self.layer}" if self.layer else ""
        return f"{self.architecture} {self.alpha:g}{size}{batch}{layer}"

    @property
    def network(self) -> str:
        """What an operator was measured in; of anything else, its name."""
        return replace(self, layer="").name if self.layer else self.name

    @property
    def group(self) -> str:
        """The group that it is held out with: its architecture; of a kernel, its operator."""
        if self.kind != "kernel":
            return self.architecture
        return f"op {self.architecture.rpartition('{op: ')[2].partition(',')[0]}"

    def spec(self) -> ArchitectureSpec:
        """The network, or the network of one kernel. A file is looked for beside the measurements first."""
        if self.kind == "kernel":
            return kernel_rows.kernel_architecture(self.architecture)
        beside = Path(self.location.path).parent / self.architecture
        return load_data(str(beside) if is_file(beside) else self.architecture)


class Work(NamedTuple):
    """Counts of the form's terms (one row per network, one column per term), and of measured networks as a whole.

    Attributes
    ----------
    macs, launches, weight_bytes
        MACs, kernels that are launched, and weights as the kernels read them [B].
    """

    counts: Any
    macs: Any
    measured_s: Any
    launches: Any
    weight_bytes: Any


def read_measurements(path: Path) -> tuple[list[Measurement], list[Problem]]:
    """The rows of a file of networks or of kernels, and warnings about rows that occur twice.

    Raises
    ------
    InputError
        MB600 for every row that cannot be used, MB102 for a column that is missing, and what reading a file raises.
    """
    columns, rows = read_csv(path, _LAYOUTS)
    read = _kernel if kernel_rows.REQUIRED[0] in columns and REQUIRED[0] not in columns else _network
    found: list[Measurement] = []
    problems: list[Problem] = []
    for row in rows:
        measurement = read(row)
        problems += row.problems
        found.append(measurement)
    if problems:
        raise InputError(problems)
    if not found:
        fail("MB600", f"{path} holds no measurement")
    return found, _duplicates(found)


def files_of(measurements: str | PathLike[str] | Iterable[str | PathLike[str]]) -> list[Path]:
    """Files of measurements, one or several.

    Raises
    ------
    InputError
        MB010 for what names no file.
    """
    given = [measurements] if isinstance(measurements, (str, PathLike)) else measurements
    if not isinstance(given, Iterable):
        hint = "a CSV file, or several in a list"
        fail("MB010", f"measurements is of type {type(measurements).__name__}, which names no file", hint=hint)
    found = list(given)
    strange = [entry for entry in found if not isinstance(entry, (str, PathLike))]
    if strange:
        fail("MB010", f"measurements holds a {type(strange[0]).__name__}, which names no file", hint="CSV files")
    return [Path(entry) for entry in found]


def bundled(target: Target) -> list[Path]:
    """The shipped files of published measurements that have rows of a target."""
    return [
        path
        for path in sorted((hardware_profiles() / "measurements").glob("*.csv"))
        if any(is_of(row, target) for row in read_measurements(path)[0])
    ]


def is_of(row: Measurement, target: Target) -> bool:
    """Whether a row is of a target, as far as it says what it is of."""
    return _filled(row.target, target_key(target)) == target_key(target)


def measured_here(
    target: Target, architecture: str, alpha: float, resolution: int | None, measured_s: float
) -> Measurement:
    """A latency of a target that was measured just now."""
    where = Location("measured", 0, 0)
    key = target_key(target)
    return Measurement("network", architecture, alpha, resolution, 1, key, measured_s, 0.0, "measured now", where)


def of_target(rows: Iterable[Measurement], target: Target) -> list[Measurement]:
    """The rows that were measured on a target.

    Raises
    ------
    InputError
        MB600 with every row of the device that was measured with another processor, runtime, precision or number of
        threads: latencies of different targets are never pooled.
    """
    key = target_key(target)
    rows = [replace(row, target=_filled(row.target, key)) for row in rows]
    others = [row for row in rows if row.target[0] == target.device.name and row.target != key]
    hint = "one file a target: device, processor, runtime, precision and threads; or name the precision and the threads"
    if others:
        raise InputError(
            Problem("MB600", f"row {row.location.line} is of {_shown(row.target)}, not of {_shown(key)}",
                    row.location, hint)
            for row in others
        )  # fmt: skip
    mine = [row for row in rows if row.target == key]
    if not mine:
        known = sorted({row.target[0] for row in rows})
        fail("MB600", f"no row is of {target.device.name}", hint=f"the file is about {', '.join(known)}")
    return mine


def noise_of(rows: Iterable[Measurement], of_network: float = NOISE) -> Any:
    """Expected relative error of each row: the error of the form, and the spread of the measurement [1].

    The error of a form is larger for a single kernel or operator than for a network, in which theirs average out.
    """
    of_kernel = KERNEL_NOISE / NOISE * of_network
    return np.array([math.hypot(of_network if row.kind == "network" else of_kernel, row.spread) for row in rows])


def work_of(rows: Iterable[Measurement], target: Target) -> Work:
    """Term counts and MACs of measured networks on a target, by the ordinary pipeline from table to kernels.

    What the target hands back to a known host is taken away from the latency, as the host's own model predicts it. An
    operator has the counts of its kernel without the overhead: a profiler times what runs inside of a call.

    Raises
    ------
    InputError
        With the problems of every row whose network cannot be built or run, at its row.
    """
    runtime, form, _ = latency_model(target)
    host = host_of(target) if runtime.hands_back else None
    counts, macs, measured, launched, weights = [], [], [], [], []
    problems: list[Problem] = []
    known: dict[tuple[str, str], tuple[LayerGraph, tuple[Kernel, ...], float]] = {}
    for row in rows:
        try:
            key = (row.location.path, row.network)
            if key not in known:
                graph = build_graph(row.spec(), alpha=row.alpha, resolution=row.resolution)
                kernels = map_to_kernels(
                    graph,
                    runtime,
                    batch=row.batch,
                    element_bytes=ELEMENT_BYTES[runtime.computed(target.precision)],
                    host=None if host is None else load_runtime(host.runtime_file),
                )
                known[key] = graph, accelerator_part(kernels, target), _host_s(graph, kernels, target, host)
            graph, kernels, elsewhere = known[key]
            if row.layer:
                kernels, elsewhere = (_kernel_of(row, graph, kernels),), 0.0
        except InputError as error:
            problems += [at_row(problem, row) for problem in error.problems]
            continue
        totals = count_vector(kernels, form)
        if row.layer:
            totals |= dict.fromkeys((term.name for term in form.terms if term.group == "overhead"), 0)
        mine = [float(value) for value in totals.values()]
        if not any(mine):
            what = f"row {row.location.line}: {row.name} has nothing that takes time on {target.name}"
            problems.append(Problem("MB600", what, row.location, "leave the row out"))
            continue
        if elsewhere > MOST_OF_THE_HOST * row.measured_s:
            what = f"row {row.location.line}: {elsewhere * 1e3:.3g} of {row.measured_s * 1e3:.3g} ms of {row.name} are "
            what += f"what {target.name} leaves to {host.name if host else 'its host'}"
            problems.append(Problem("MB600", what, row.location, "leave the row out: it says little of the target"))
            continue
        counts.append(mine)
        macs.append(float(sum(kernel.macs for kernel in kernels)))
        measured.append(row.measured_s - elsewhere)
        launched.append(launches(kernels))
        weights.append(weight_bytes(kernels))
    if problems:
        raise InputError(problems)
    return Work(*map(np.array, (counts, macs, measured, launched, weights)))


def _kernel_of(row: Measurement, graph: LayerGraph, kernels: Iterable[Kernel]) -> Kernel:
    """The kernel that computes the layer of an operator's row."""
    for kernel in kernels:
        if any(graph.layers[position].name == row.layer for position in kernel.layers):
            return kernel
    fail("MB600", f"{row.network} has no layer `{row.layer[:80]}`", hint="`mbcost analyze` lists them")


def _host_s(graph: LayerGraph, kernels: tuple[Kernel, ...], target: Target, host: Target | None) -> float:
    """Time of the kernels that a target hands back to its host, with what crosses [s]."""
    if host is None or not any(map(is_hosted, kernels)):
        return 0.0
    (runtime, form, rates), _ = applied(host)
    size = ELEMENT_BYTES[runtime.computed(host.precision)]
    own = tuple([on_host(kernel, size) for kernel in kernels if is_hosted(kernel)])
    there = form.estimate(own, {name: rate.seconds for name, rate in rates.items()})
    between = [crossing_s(one, target) for one in crossings(graph, kernels).values()]
    return float(add_up(one.latency_s for one in there) + add_up(between))


def at_row(problem: Problem, row: Measurement) -> Problem:
    """A problem of a row's network, shown at the row."""
    message = f"row {row.location.line}: {problem.message}"
    return Problem(problem.code, message, row.location, problem.hint)


def _network(row: CsvRow) -> Measurement:
    """A row of a file of networks: one of them, or an operator of one."""
    layer = row.text("layer", "")
    return Measurement(
        "operator" if layer else "network",
        row.text("architecture"),
        row.positive("alpha", 1.0),
        row.whole("resolution", MAX_RESOLUTION) if row.text("resolution", "") else None,
        row.whole("batch", MAX_BATCH, 1),
        _target(row),
        *_latency(row, "ms", 1e3, KERNEL_LIMITS_S if layer else NETWORK_LIMITS_S),
        row.text("source", ""),
        row.location,
        layer,
        *(_start(row, column) for column in ("load_ms", "first_ms")),
    )


def _kernel(row: CsvRow) -> Measurement:
    """A row of a file of kernels."""
    table = kernel_rows.table_of(row)
    if not row.problems:
        kernel_rows.check_kernel(row, table)
    return Measurement(
        "kernel",
        table,
        1.0,
        None,
        row.whole("batch", MAX_BATCH, 1),
        _target(row),
        *_latency(row, "us", 1e6, KERNEL_LIMITS_S),
        row.text("source", ""),
        row.location,
    )


def _target(row: CsvRow) -> _TargetKey:
    """What a row says of its target; empty where it leaves that to the options."""
    device, processor, runtime, precision = (row.text(name, "") for name in _TARGET)
    threads = str(row.whole("threads", MAX_THREADS)) if row.text("threads", "") else ""
    return device, processor, runtime, precision, threads


def _latency(row: CsvRow, unit: str, a_second: float, limits_s: tuple[float, float]) -> tuple[float, float]:
    """Latency [s] and its spread as a share of it."""
    column, before = f"latency_{unit}", len(row.problems)
    value = row.positive(column)
    low, high = (limit * a_second for limit in limits_s)
    if len(row.problems) == before and not low <= value <= high:
        row.wrong(column, f"a latency of {value:g} {unit} is not plausible: expected {low:g} to {high:g} {unit}")
    spread = f"latency_std_{unit}"
    if not row.text(spread, "") or row.text(spread) in {"0", "0.0"}:
        return value / a_second, 0.0
    deviation = row.positive(spread)
    if len(row.problems) == before and deviation > WILDEST * value:
        row.wrong(spread, f"a spread of {deviation:g} {unit} around {value:g} {unit} is too large: measure again")
    return value / a_second, deviation / value


def _start(row: CsvRow, column: str) -> float | None:
    """A time beside the latency [s]; None for an empty cell, and for what a tool prints as 0."""
    if not row.text(column, "") or row.text(column) in {"0", "0.0"}:
        return None
    return row.positive(column) / 1e3


def _duplicates(rows: Iterable[Measurement]) -> list[Problem]:
    """A warning for each row that repeats the configuration of an earlier row, with both latencies."""
    first: dict[tuple[Any, ...], Measurement] = {}
    warnings = []
    for row in rows:
        key = (row.architecture, row.name, row.target)
        if key in first:
            other = first[key]
            times = f"{_latency_text(other.measured_s)} there, {_latency_text(row.measured_s)} here"
            message = f"row {row.location.line} repeats row {other.location.line}: {row.name}, {times}"
            warnings.append(Problem("MB600", message, row.location, severity="warning"))
        first.setdefault(key, row)
    return warnings


def strangers(rows: Iterable[Measurement], ratios: Iterable[float]) -> list[Problem]:
    """A warning for each outlier: a row that the fit does not describe and that therefore has little weight in it.

    Parameters
    ----------
    ratios
        Predicted over measured latency of each row [1].
    """
    warnings = []
    for row, ratio in zip(rows, ratios, strict=True):
        if not 1 / STRANGE[row.kind] < ratio < STRANGE[row.kind]:
            times = f"{_latency_text(row.measured_s)} measured, {_latency_text(row.measured_s * ratio)} by the fit"
            message = f"row {row.location.line}: {times}, so it has little weight: {row.name}"
            warnings.append(Problem("MB600", message, row.location, "is the measurement right?", "warning"))
    return warnings


def _latency_text(seconds: float) -> str:
    return f"{seconds * 1e3:.4g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.4g} us"


def target_key(target: Target) -> _TargetKey:
    return (target.device.name, target.processor.name, target.runtime, target.precision, str(target.threads))


def _filled(mine: _TargetKey, key: _TargetKey) -> _TargetKey:
    """A row's target, completed from the target that was asked for."""
    device, processor, runtime, precision, threads = (own or asked for own, asked in zip(mine, key, strict=True))
    return device, processor, runtime, precision, threads


def _shown(key: _TargetKey) -> str:
    device, processor, runtime, precision, threads = key
    return f"{device}/{processor}@{runtime}, {precision}, {threads} thread{'' if threads == '1' else 's'}"
