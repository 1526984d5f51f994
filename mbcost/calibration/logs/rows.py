"""Readings of logs as measurements of a target, and as the file of them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple, TypeAlias

from mbcost.calibration.logs import ai_hub, executorch, litert, mnn, ncnn, onnxruntime, openvino, tflite
from mbcost.calibration.logs.log import Reading, deviation
from mbcost.calibration.logs.names import Names, Network, precision_in
from mbcost.calibration.measurements import NETWORK_LIMITS_S, WILDEST, Measurement
from mbcost.devices import Target, resolve_target
from mbcost.errors import InputError, Problem

#: The beginnings of the names of runtimes that a tool measures; a runtime of another name is the user's own.
_RUNTIMES: Final = {
    tflite.TOOL: ("tflite", "litert", "xnnpack"),
    litert.TOOL: ("litert", "tflite", "xnnpack"),
    onnxruntime.TOOL: ("onnxruntime",),
    onnxruntime.PROFILE: ("onnxruntime",),
    ncnn.TOOL: ("ncnn",),
    mnn.TOOL: ("mnn",),
    openvino.TOOL: ("openvino",),
    executorch.TOOL: ("executorch", "litert", "tflite", "xnnpack"),  # XNNPACK's kernels in each
    ai_hub.TOOL: ("tflite", "litert", "onnxruntime", "qnn"),
}
COLUMNS: Final = (
    "architecture", "alpha", "resolution", "batch", "precision", "device", "processor", "runtime", "threads",
    "latency_ms", "latency_std_ms", "min_ms", "first_ms", "load_ms", "visits", "source",
)  # fmt: skip
OPERATOR_COLUMNS: Final = (
    "architecture", "alpha", "resolution", "precision", "device", "processor", "runtime", "threads", "position", "name",
    "type", "unit", "latency_us",
)  # fmt: skip


class Row(NamedTuple):
    """A measured network, with the readings that it is the median of, and those of runs with a profiler."""

    measurement: Measurement
    readings: tuple[Reading, ...]
    profiles: tuple[Reading, ...] = ()


class Rows(NamedTuple):
    """The rows of logs, and what their user should know."""

    rows: list[Row]
    notes: list[str]

    @property
    def measurements(self) -> list[Measurement]:
        """The rows without their readings."""
        return [row.measurement for row in self.rows]


def rows_of(
    readings: Sequence[Reading],
    target: Target | None = None,
    *,
    networks: Sequence[str] = (),
    known: Mapping[str, Network] | None = None,
    precision: str | None = None,
    threads: int | None = None,
) -> Rows:
    """The rows of readings; several of one network and target become one, their median.

    Parameters
    ----------
    target
        What was measured; what the logs say of processor, precision and threads comes before it.
    networks
        ``MODEL`` for every reading, or ``NAME=MODEL`` for those of a network or a log of this name.
    known
        The networks of names that a kit gave.
    precision, threads
        Where the logs say nothing.

    Raises
    ------
    InputError
        MB606 for every reading whose network is not known, or that is of another runtime than the target's; MB600 for
        latencies that are not plausible.
    """
    names = Names(networks, known)
    problems = names.doubts(readings)
    notes: dict[str, None] = {}
    groups: dict[_Measured, list[Reading]] = {}
    for reading in readings:
        network = names.network_of(reading)
        if isinstance(network, Problem):
            problems.append(network)
            continue
        problems += _wrong(reading, target)
        if network.by_name:
            notes[f"{reading.network} is taken to be {network.architecture}, which ships with mbcost"] = None
        notes.update(dict.fromkeys(f"{Path(reading.location.path).name}: {note}" for note in reading.notes))
        key = _key(reading, network, target, precision, threads)
        groups.setdefault(_Measured(*network[:3], key, reading.profiled), []).append(reading)
    if problems:
        raise InputError(problems)
    if any(not one.target[-1] for one in groups):
        notes["the logs do not say how many threads ran: 1 is assumed; `--threads` says otherwise"] = None
    return Rows(_without_profiles([_row(group, one) for one, group in groups.items()]), list(notes))


def target_of(readings: Sequence[Reading], device: str, precision: str | None, threads: int | None) -> Target:
    """The target of a device that logs are of: with their precision and threads, where these are not given.

    Raises
    ------
    InputError
        As :func:`mbcost.devices.resolve_target`.
    """
    kinds = {kind for each in readings if (kind := each.precision or precision_in(each.network))}
    counts = {each.threads for each in readings if each.threads}
    return resolve_target(
        device,
        precision=precision or (kinds.pop() if len(kinds) == 1 else None),
        threads=threads or (counts.pop() if len(counts) == 1 else None),
    )


#: Device, processor, runtime, precision, threads.
_TargetKey: TypeAlias = tuple[str, str, str, str, str]


class _Measured(NamedTuple):
    """What is measured once, or several times."""

    architecture: str
    alpha: float
    resolution: int | None
    target: _TargetKey
    profiled: bool


def _key(
    reading: Reading, network: Network, target: Target | None, precision: str | None, threads: int | None
) -> _TargetKey:
    """Device, processor, runtime, precision and threads, as far as they are known."""
    count = reading.threads or threads or (None if target is None else target.threads)
    kind = reading.precision or precision or network.precision or (None if target is None else target.precision)
    if target is None:
        return ("", reading.processor, "", kind or "", str(count or ""))
    other = reading.processor and target.processor.kind != reading.processor
    processor = reading.processor if other else target.processor.name
    return (target.device.name, processor, target.runtime, kind or "", str(count or ""))


def _wrong(reading: Reading, target: Target | None) -> list[Problem]:
    found = []
    where = reading.location
    low, high = NETWORK_LIMITS_S
    if not low <= reading.latency_s <= high:
        text = (
            f"a latency of {reading.latency_s * 1e3:g} ms is not plausible: expected {low * 1e3:g} to {high * 1e3:g} ms"
        )
        found.append(Problem("MB600", text, where, "is it of another tool, or in another unit?"))
    if reading.spread_s is not None and reading.spread_s > WILDEST * reading.latency_s:
        text = f"the runs vary by {reading.spread_s * 1e3:.4g} ms around {reading.latency_s * 1e3:.4g} ms"
        found.append(Problem("MB600", text, where, "something disturbed the run: measure again"))
    if target is not None and _is_other_runtime(reading.tool, target.runtime):
        own = " or ".join(dict.fromkeys(_RUNTIMES[reading.tool][:2]))
        text = f"this is of {reading.tool}, but {target.name} runs {target.runtime}"
        hint = f"name a target with its runtime: `--device {target.device.name}@...`, one of {own} (`mbcost runtimes`)"
        found.append(Problem("MB606", text, where, hint))
    return found


def _is_other_runtime(tool: str, runtime: str) -> bool:
    own = _RUNTIMES[tool]
    known = {prefix for prefixes in _RUNTIMES.values() for prefix in prefixes}
    return runtime.startswith(tuple(known)) and not runtime.startswith(own)


def _row(readings: list[Reading], one: _Measured) -> Row:
    latencies = [reading.latency_s for reading in readings]
    latency = median(latencies)
    best = min(readings, key=lambda reading: abs(reading.latency_s - latency))
    spread = (deviation(latencies) if len(readings) > 1 else best.spread_s) or 0.0
    source = f"{best.tool} {best.version}".strip()[:200]
    load_s, first_s = (_median_s(getattr(reading, name) for reading in readings) for name in ("load_s", "first_s"))
    measurement = Measurement(
        "network",
        *one[:3],
        1,
        one.target,
        latency,
        spread / latency,
        source,
        best.location,
        load_s=load_s,
        first_s=first_s,
    )
    return Row(measurement, tuple(readings))


def _without_profiles(rows: list[Row]) -> list[Row]:
    """A network that was measured without the profiler too is not taken from its profile, which goes with it."""
    profiles: dict[tuple[object, ...], tuple[Reading, ...]] = {}
    for row in rows:
        if row.readings[0].profiled:
            profiles[_identity(row)] = (*profiles.get(_identity(row), ()), *row.readings)
    timed = [row for row in rows if not row.readings[0].profiled]
    known = {_identity(row) for row in timed}
    kept = [row for row in rows if row.readings[0].profiled and _identity(row) not in known]
    return [*(row._replace(profiles=profiles.get(_identity(row), ())) for row in timed), *kept]


def _identity(row: Row) -> tuple[object, ...]:
    one = row.measurement
    return one.architecture, one.alpha, one.resolution, one.target[3]


def rows_text(rows: Iterable[Row], folder: Path | None = None) -> str:
    """The file of measurements of rows; files in its folder are named relative to it."""
    return _csv(COLUMNS, (_cells(row, folder) for row in rows))


def _cells(row: Row, folder: Path | None) -> list[object]:
    one = row.measurement
    device, processor, runtime, precision, threads = one.target
    least_s = _median_s(reading.min_s for reading in row.readings)
    return [
        architecture_cell(one.architecture, folder),
        f"{one.alpha:g}",
        one.resolution or "",
        one.batch,
        precision,
        device,
        processor,
        runtime,
        threads or "1",
        _ms(one.measured_s),
        _ms(one.spread * one.measured_s) if one.spread else "",
        "" if least_s is None else _ms(least_s),
        *("" if seconds is None else _ms(seconds) for seconds in (one.first_s, one.load_s)),
        len(row.readings),
        one.source,
    ]


def operators_text(rows: Iterable[Row], folder: Path | None = None) -> str:
    """The operators of rows: one line each, in the order of execution, of the last reading that has them."""
    return _csv(OPERATOR_COLUMNS, (cells for row in rows for cells in _operator_cells(row, folder)))


def _operator_cells(row: Row, folder: Path | None) -> Iterator[list[object]]:
    one = row.measurement
    device, processor, runtime, precision, threads = one.target
    name = architecture_cell(one.architecture, folder)
    network = [name, f"{one.alpha:g}", one.resolution or "", precision, device, processor, runtime, threads or "1"]
    operators = next((each.operators for each in reversed((*row.readings, *row.profiles)) if each.operators), ())
    for position, operator in enumerate(operators, start=1):
        microseconds = f"{operator.seconds * 1e6:.6g}"
        yield [*network, position, operator.name, operator.type, operator.unit, microseconds]


def _csv(columns: Sequence[str], rows: Iterable[list[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def architecture_cell(architecture: str, folder: Path | None) -> str:
    """A file relative to the folder of the measurements where it is inside, else in full; a name as it is."""
    path = Path(architecture)
    if folder is None or not path.is_file():
        return architecture
    whole, base = path.resolve(), folder.resolve()
    return os.fspath(whole.relative_to(base)) if whole.is_relative_to(base) else os.fspath(whole)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.6g}"


def _median_s(seconds: Iterable[float | None]) -> float | None:
    known = [value for value in seconds if value is not None]
    return median(known) if known else None
