"""Predictions beside measurements: errors, coverage of the intervals, and which rows the calibration was fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from mbcost._version import __version__
from mbcost.analysis import target_entry
from mbcost.calibration.apply import CalibrationChoice, notes_on_threads
from mbcost.calibration.fit import data_hash, residuals
from mbcost.calibration.interval import INTERVAL, is_unlike
from mbcost.calibration.measurements import Measurement, at_row, bundled, files_of, of_target
from mbcost.calibration.record import Calibration, Residuals
from mbcost.caveats import target_caveats
from mbcost.devices import Target, as_target
from mbcost.errors import InputError, Problem, fail
from mbcost.graph import build_graph
from mbcost.prediction import Prediction, TargetModel, predict, prepare
from mbcost.resources import hardware_profiles
from mbcost.shown import Charted

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Final = "mbcost/validation/1"
#: Most groups of rows of which every combination is tried, to find those that a calibration was fitted to.
MOST_GROUPS: Final = 12


class Score(NamedTuple):
    """The accuracy of predictions.

    Attributes
    ----------
    latencies
        Number of measured latencies.
    residuals
        Statistics of the relative errors.
    coverage
        Share of the measured latencies within their 90 % intervals [1].
    kendall_tau
        Rank correlation of predicted and measured latency, from -1 to 1; None where no two latencies differ.
    """

    latencies: int
    residuals: Residuals
    coverage: float
    kendall_tau: float | None

    def to_dict(self) -> dict[str, Any]:
        """The summary in the JSON."""
        found = self.residuals
        return {
            "latencies": self.latencies,
            "mape": found.mape,
            "bias": found.bias,
            "hit5": found.hit5,
            "hit10": found.hit10,
            "hit20": found.hit20,
            "coverage": self.coverage,
            "kendall_tau": self.kendall_tau,
        }


@dataclass(frozen=True)
class Validation(Charted):
    """Measured latencies of a target beside their predictions.

    Attributes
    ----------
    model
        The model of the target: its runtime, form, rates and calibration.
    rows
        The measurements.
    predicted_s, low_s, high_s
        Latency of each row with the bounds of its 90 % interval [s].
    seen
        Whether the calibration was fitted to each row; None where that is unknown.
    warnings
        Caveats of the predictions.
    """

    model: TargetModel
    rows: tuple[Measurement, ...]
    predicted_s: tuple[float, ...]
    low_s: tuple[float, ...]
    high_s: tuple[float, ...]
    seen: tuple[bool | None, ...]
    warnings: tuple[str, ...]

    @property
    def target(self) -> Target:
        return self.model.target

    @property
    def calibration(self) -> Calibration | None:
        return self.model.calibration

    @cached_property
    def errors(self) -> tuple[float, ...]:
        """Relative error of each row, predicted / measured - 1 [1]."""
        return tuple(time / row.measured_s - 1 for time, row in zip(self.predicted_s, self.rows, strict=True))

    @cached_property
    def covered(self) -> tuple[bool, ...]:
        """Whether each row's interval covers its measured latency."""
        bounds = zip(self.low_s, self.rows, self.high_s, strict=True)
        return tuple(low <= row.measured_s <= high for low, row, high in bounds)

    def score(self, chosen: Sequence[int] | None = None) -> Score:
        """The score of some rows; default: of all."""
        numbers = range(len(self.rows)) if chosen is None else chosen
        measured = [self.rows[i].measured_s for i in numbers]
        predicted = [self.predicted_s[i] for i in numbers]
        return Score(
            len(measured),
            residuals(np.array(predicted) / np.array(measured)),
            float(np.mean([self.covered[i] for i in numbers])),
            kendall_tau(measured, predicted),
        )

    def score_by(self, label: Callable[[Measurement], str]) -> dict[str, Score]:
        """The scores of the rows with each label, in the order in which the labels occur."""
        groups: dict[str, list[int]] = {}
        for number, row in enumerate(self.rows):
            groups.setdefault(label(row), []).append(number)
        return {name: self.score(numbers) for name, numbers in groups.items()}

    def worst(self) -> list[int]:
        """Numbers of the rows, largest error first; a factor above counts as much as the same factor below."""
        factors = [max(error + 1, 1 / (error + 1)) if error > -1 else np.inf for error in self.errors]
        return sorted(range(len(factors)), key=factors.__getitem__, reverse=True)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``mbcost validate --format json``, schema ``mbcost/validation/1``."""
        return {
            "schema": SCHEMA,
            "mbcost_version": __version__,
            "target": target_entry(self.target, self.calibration is not None),
            "interval": INTERVAL,
            "basis": self.model.basis,
            "summary": self.score().to_dict(),
            "rows": [self._row(number) for number in range(len(self.rows))],
            "warnings": list(self.warnings),
        }

    def _row(self, number: int) -> dict[str, Any]:
        row = self.rows[number]
        network = row.kind == "network"
        return {
            "name": row.name,
            "kind": row.kind,
            "group": row.group,
            "alpha": row.alpha if network else None,
            "resolution": row.resolution,
            "batch": row.batch,
            "measured_ms": row.measured_s * 1e3,
            "predicted_ms": self.predicted_s[number] * 1e3,
            "low_ms": self.low_s[number] * 1e3,
            "high_ms": self.high_s[number] * 1e3,
            "error": self.errors[number],
            "covered": self.covered[number],
            "seen": self.seen[number],
            "basis": self.model.basis,
            "source": row.source,
            "place": f"{_shown(row.location.path)}:{row.location.line}",
        }

    def to_frame(self) -> pd.DataFrame:
        """The rows as a DataFrame; the columns are the keys of the JSON's rows."""
        import pandas as pd

        return pd.DataFrame([self._row(number) for number in range(len(self.rows))])

    def __repr__(self) -> str:
        found = self.score()
        return (
            f"<Validation of {self.target.name} {self.target.precision}: {found.latencies} latencies, "
            f"mean abs. error {found.residuals.mape:.1%}, {found.residuals.hit10:.0%} within 10 %, "
            f"{found.coverage:.0%} within their interval>"
        )


def validate(
    device: str | Target,
    measurements: str | PathLike[str] | Iterable[str | PathLike[str]] | None = None,
    *,
    precision: str | None = None,
    threads: int | None = None,
    calibration: CalibrationChoice = None,
) -> Validation:
    """Compare predicted with measured latencies of a target.

    Parameters
    ----------
    device
        A target, as for :func:`mbcost.analyze`.
    measurements
        CSV files of networks or of kernels, or logs of benchmark tools; default: the published measurements of the
        target that ship with mbcost.
    precision, threads, calibration
        As for :func:`mbcost.analyze`.

    Raises
    ------
    InputError
        MB600 with every row that cannot be used, MB606 with every run of a log, MB010 if no measurements of the target
        ship.
    """
    from mbcost.calibration.inputs import read_inputs

    target = as_target(device, precision, threads)
    paths = files_of(measurements) if measurements is not None else bundled(target)
    if not paths:
        fail("MB010", f"no measurements of {target.name} ship with mbcost", hint="name a file of your own")
    rows, _ = read_inputs(paths).measurements(target, precision=precision, threads=threads)
    return validation_of(of_target(rows, target), target, calibration)


def validation_of(rows: Sequence[Measurement], target: Target, calibration: CalibrationChoice = None) -> Validation:
    """The predictions for measured rows of a target.

    Raises
    ------
    InputError
        MB600 if there is no row, and with the problems of every row whose network cannot be built or run.
    """
    if not rows:
        fail("MB600", f"there is no measurement of {target.name} to compare with")
    model = prepare(target, calibration)
    predictions = _predictions(rows, model)
    return Validation(
        model,
        tuple(rows),
        tuple(float(found.latency_s) for found in predictions),
        tuple(float(found.latency_low_s) for found in predictions),
        tuple(float(found.latency_high_s) for found in predictions),
        _seen(rows, predictions, model.calibration),
        (*_notes(predictions, model), *target_caveats(model)),
    )


def _predictions(rows: Iterable[Measurement], model: TargetModel) -> list[Prediction]:
    found: list[Prediction] = []
    problems: list[Problem] = []
    for row in rows:
        try:
            graph = build_graph(row.spec(), alpha=row.alpha, resolution=row.resolution)
            found.append(predict(graph, model, batch=row.batch))
        except InputError as error:
            problems += [at_row(problem, row) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return found


def _notes(predictions: Iterable[Prediction], model: TargetModel) -> list[str]:
    """Caveats about the rows where there is a calibration."""
    fitted = model.calibration
    if fitted is None:
        return []
    notes = notes_on_threads(fitted, model.target)
    unlike = sum(bool(found.workload is not None and is_unlike(fitted, found.workload)) for found in predictions)
    if unlike:
        what = "1 row is" if unlike == 1 else f"{unlike} rows are"
        whose = "its interval is" if unlike == 1 else "their intervals are"
        notes.append(f"{what} outside the range that {fitted.name} was calibrated on, so {whose} wider")
    return notes


def _seen(
    rows: Sequence[Measurement], predictions: Sequence[Prediction], calibration: Calibration | None
) -> tuple[bool | None, ...]:
    """Whether a calibration was fitted to each row, from the groups of rows whose hash is that of its data."""
    if calibration is None:
        return (False,) * len(rows)
    workloads = [found.workload for found in predictions]
    counts = [list(map(float, load.counts.values())) if load is not None else [] for load in workloads]
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(row.group, []).append(number)
    few = list(groups.values())[:MOST_GROUPS]
    choices = (found for many in range(1, len(few) + 1) for found in combinations(few, many))
    for choice in choices:
        numbers = [number for group in choice for number in group]
        if len(numbers) != calibration.networks:
            continue
        names, measured = [rows[i].name for i in numbers], np.array([rows[i].measured_s for i in numbers])
        if data_hash(names, np.array([counts[i] for i in numbers]), measured) == calibration.data_sha256:
            return tuple(number in numbers for number in range(len(rows)))
    return (None,) * len(rows)


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Kendall's rank correlation tau-b (Kendall 1945, The treatment of ties in ranking problems), from -1 to 1 [1].

    None where all values of one of the two are equal.
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    agree = untied_x = untied_y = 0
    for i in range(len(x) - 1):
        by_x, by_y = np.sign(x[i + 1 :] - x[i]), np.sign(y[i + 1 :] - y[i])
        agree += int(by_x @ by_y)
        untied_x += int(np.count_nonzero(by_x))
        untied_y += int(np.count_nonzero(by_y))
    return agree / float(np.sqrt(untied_x * untied_y)) if untied_x and untied_y else None


def _shown(path: str) -> str:
    """The path of a file of measurements as given; of a shipped file, relative to the profiles."""
    home = hardware_profiles()
    return f"{home.name}/{Path(path).relative_to(home)}" if Path(path).is_relative_to(home) else path
