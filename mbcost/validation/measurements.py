"""Latencies of whole networks from a CSV file, each row checked, and what the networks make a target do."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from mbcost.devices import Target
from mbcost.errors import InputError, Location, Problem, did_you_mean, fail
from mbcost.files import read_text
from mbcost.graph import build_graph
from mbcost.kernels import map_to_kernels
from mbcost.latency.counts import count_vector
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.pipeline import MAX_BATCH, latency_model, load
from mbcost.resources import hardware_profiles

COLUMNS: Final = (
    "architecture", "alpha", "resolution", "batch", "precision", "device", "processor", "runtime", "threads",
    "latency_ms", "latency_std_ms", "source",
)  # fmt: skip
#: The columns that may be missing or empty.
OPTIONAL: Final = {"alpha": "1", "batch": "1", "threads": "1", "latency_std_ms": "", "source": "", "resolution": ""}
#: Latencies outside are in another unit, or none [ms].
SHORTEST_MS: Final = 0.01
LONGEST_MS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured configuration of a network.

    Attributes
    ----------
    target
        (device, processor, runtime, precision, threads) as the file has them.
    measured_s
        Latency of one inference of the whole batch [s].
    location
        Its row in the file.
    """

    architecture: str
    alpha: float
    resolution: int | None
    batch: int
    target: tuple[str, str, str, str, str]
    measured_s: float
    source: str
    location: Location

    @property
    def name(self) -> str:
        """Such as ``mobilenet_v2 0.75 160``."""
        size = "" if self.resolution is None else f" {self.resolution}"
        batch = "" if self.batch == 1 else f" batch {self.batch}"
        return f"{self.architecture} {self.alpha:g}{size}{batch}"


class Work(NamedTuple):
    """Counts of the form's terms (a row a network, a column a term) and MACs of measured networks."""

    counts: Any
    macs: Any
    measured_s: Any


def read_measurements(path: Path) -> tuple[list[Measurement], list[Problem]]:
    """The rows of a measurements file, and warnings about rows that occur twice.

    Raises
    ------
    InputError
        MB600 for every row that cannot be used, MB102 for a column that is missing, and what reading a file raises.
    """
    lines = read_text(path).splitlines()
    reader = csv.DictReader(io.StringIO("\n".join(lines)))
    found: list[Measurement] = []
    problems: list[Problem] = []
    try:
        _check_columns(reader.fieldnames or [], path)
        for row in reader:
            number = reader.line_num
            where = Location(str(path), number, 1, len(lines[number - 1]) + 1, lines[number - 1])
            try:
                found.append(_measurement(row, where))
            except ValueError as error:
                problems.append(Problem("MB600", f"row {number}: {error}", where))
    except csv.Error as error:
        fail("MB600", f"{path} is not a CSV file: {error}", Location(str(path), reader.line_num, 1))
    if problems:
        raise InputError(problems)
    if not found:
        fail("MB600", f"{path} holds no measurement")
    return found, _duplicates(found)


def bundled(target: Target) -> list[Path]:
    """The files of published measurements that ship with mbcost and have rows of a target."""
    return [
        path
        for path in sorted((hardware_profiles() / "measurements").glob("*.csv"))
        if any(row.target == _key(target) for row in read_measurements(path)[0])
    ]


def of_target(rows: Iterable[Measurement], target: Target) -> list[Measurement]:
    """The rows that were measured on a target.

    Raises
    ------
    InputError
        MB600 with every row of the device that was measured with another processor, runtime, precision or number of
        threads: latencies of different targets are never pooled.
    """
    rows = list(rows)
    others = [row for row in rows if row.target[0] == target.device.name and row.target != _key(target)]
    hint = "one file a target: device, processor, runtime, precision and threads"
    if others:
        raise InputError(
            Problem("MB600", f"row {row.location.line} is of {_shown(row.target)}, not of {_shown(_key(target))}",
                    row.location, hint)
            for row in others
        )  # fmt: skip
    mine = [row for row in rows if row.target == _key(target)]
    if not mine:
        known = sorted({row.target[0] for row in rows})
        fail("MB600", f"no row is of {target.device.name}", hint=f"the file is about {', '.join(known)}")
    return mine


def work_of(rows: Iterable[Measurement], target: Target) -> Work:
    """What measured networks make a target do, by the library's way from a table to kernels.

    Raises
    ------
    InputError
        With the problems of every row whose network cannot be built or run, at its row.
    """
    runtime, form, _ = latency_model(target, calibration=False)
    counts, macs, measured = [], [], []
    problems: list[Problem] = []
    for row in rows:
        try:
            graph = build_graph(load(row.architecture), alpha=row.alpha, resolution=row.resolution)
            kernels = map_to_kernels(graph, runtime, batch=row.batch, element_bytes=ELEMENT_BYTES[target.precision])
        except InputError as error:
            problems += [_at_row(problem, row) for problem in error.problems]
            continue
        counts.append([float(value) for value in count_vector(kernels, form).values()])
        macs.append(float(sum(kernel.macs for kernel in kernels)))
        measured.append(row.measured_s)
    if problems:
        raise InputError(problems)
    return Work(np.array(counts), np.array(macs), np.array(measured))


def _at_row(problem: Problem, row: Measurement) -> Problem:
    message = f"row {row.location.line}: {problem.message}"
    return Problem(problem.code, message, row.location, problem.hint)


def _check_columns(names: Iterable[str], path: Path) -> None:
    present = list(names)
    where = Location(str(path), 1, 1, 2, ",".join(present))
    problems = [
        Problem("MB102", f"no column `{name}`", where, did_you_mean(name, set(present) - set(COLUMNS)))
        for name in COLUMNS
        if name not in present and name not in OPTIONAL
    ]
    if problems:
        raise InputError(problems)


def _measurement(row: dict[str, Any], where: Location) -> Measurement:
    """One row; a ValueError says what is wrong with it."""
    cells = {name: (row.get(name) or OPTIONAL.get(name, "")).strip() for name in COLUMNS}
    for name in COLUMNS:
        if not cells[name] and name not in OPTIONAL:
            raise ValueError(f"`{name}` is empty")
    resolution = cells["resolution"]
    latency_ms = _number(cells, "latency_ms")
    if not SHORTEST_MS <= latency_ms <= LONGEST_MS:
        raise ValueError(f"a latency of {latency_ms:g} ms cannot be right: {SHORTEST_MS:g} to {LONGEST_MS:g} ms can")
    return Measurement(
        cells["architecture"],
        _number(cells, "alpha"),
        _whole(cells, "resolution", 100_000) if resolution else None,
        _whole(cells, "batch", MAX_BATCH),
        (cells["device"], cells["processor"], cells["runtime"], cells["precision"], cells["threads"]),
        latency_ms / 1e3,
        cells["source"],
        where,
    )


def _number(cells: dict[str, str], name: str) -> float:
    try:
        value = float(cells[name])
    except ValueError:
        raise ValueError(f"`{name}` is `{cells[name][:40]}`, not a number") from None
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"`{name}` is {cells[name][:40]}, it has to be above 0")
    return value


def _whole(cells: dict[str, str], name: str, most: int) -> int:
    value = _number(cells, name)
    if value != int(value) or value > most:
        raise ValueError(f"`{name}` is {cells[name][:40]}, it has to be a whole number up to {most}")
    return int(value)


def _duplicates(rows: Iterable[Measurement]) -> list[Problem]:
    """A warning for each row whose configuration stands in an earlier row too."""
    first: dict[tuple[Any, ...], int] = {}
    warnings = []
    for row in rows:
        key = (row.name, row.target)
        if key in first:
            message = f"row {row.location.line} repeats row {first[key]}: {row.name}"
            warnings.append(Problem("MB600", message, row.location, severity="warning"))
        first.setdefault(key, row.location.line)
    return warnings


def _key(target: Target) -> tuple[str, str, str, str, str]:
    return (target.device.name, target.processor.name, target.runtime, target.precision, str(target.threads))


def _shown(key: tuple[str, str, str, str, str]) -> str:
    device, processor, runtime, precision, threads = key
    return f"{device}/{processor}@{runtime}, {precision}, {threads} thread{'' if threads == '1' else 's'}"
