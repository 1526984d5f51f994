"""The Pixel phones' section of the accuracy report: predicted against published latencies."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mbcost
from mbcost.devices import resolve_target
from mbcost.latency.fitting import fit, leave_one_out, residuals
from mbcost.pipeline import latency_model
from mbcost.validation.measurements import read_measurements, work_of

ROOT = Path(__file__).parent.parent
MEASUREMENTS = ROOT / "hardware_profiles" / "measurements" / "pixel1_tflite_2018.csv"

_ABOUT = (
    "Pixel 1, one large core, TensorFlow Lite of 2018, fp32, against the latencies that tensorflow/models published.",
    "**Not calibrated**: the rates are those of another phone's core (Cortex-A76, TFLite 2.1), scaled by clock, vector",
    "width and bandwidth; none of the latencies below went into them.",
)
_CALIBRATED = (
    "**Calibrated** on the V1 and V2 rows, as it ships (`hardware_profiles/calibrations`). Held out: each row is",
    "predicted by a fit without it, by a fit to the other family, or (V3) by a fit that saw none of it; the V3 rows",
    "were published later, with another build of TensorFlow Lite, which is a part of their error.",
)
_FITS = ("mobilenet_v1", "mobilenet_v2")


@dataclass(frozen=True)
class Comparison:
    """One measured configuration and its prediction [ms]."""

    architecture: str
    alpha: float
    resolution: int
    measured_ms: float
    predicted_ms: float
    low_ms: float
    high_ms: float

    @property
    def error(self) -> float:
        """Relative error of the prediction."""
        return self.predicted_ms / self.measured_ms - 1


def compare(path: Path) -> list[Comparison]:
    """Predict every row of a measurements file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [_compare_row(row) for row in csv.DictReader(stream)]


def _compare_row(row: dict[str, str]) -> Comparison:
    analysis = mbcost.analyze(
        row["architecture"],
        device=f"{row['device']}/{row['processor']}@{row['runtime']}",
        alpha=float(row["alpha"]),
        resolution=int(row["resolution"]),
        batch=int(row["batch"]),
        precision=row["precision"],
        threads=int(row["threads"]),
        calibration=False,
    )
    return Comparison(
        row["architecture"],
        float(row["alpha"]),
        int(row["resolution"]),
        float(row["latency_ms"]),
        analysis.latency_s * 1e3,
        analysis.latency_low_s * 1e3,
        analysis.latency_high_s * 1e3,
    )


def summary(comparisons: Iterable[Comparison]) -> str:
    """A Markdown row: count, mean absolute error, mean error, share within 10 and 25 %, and within the interval."""
    rows = list(comparisons)
    errors = [row.error for row in rows]
    inside = sum(row.low_ms <= row.measured_ms <= row.high_ms for row in rows)
    return (
        f"{len(rows)} | {sum(map(abs, errors)) / len(rows):.1%} | {sum(errors) / len(rows):+.1%} | "
        f"{sum(abs(e) <= 0.10 for e in errors) / len(rows):.0%} | "
        f"{sum(abs(e) <= 0.25 for e in errors) / len(rows):.0%} | {inside / len(rows):.0%}"
    )


def held_out() -> list[str]:
    """Markdown rows of the calibrated form: leave-one-out, and transfer from one family to another."""
    target = resolve_target("pixel1")
    rows = read_measurements(MEASUREMENTS)[0]
    counts, _, measured = work_of(rows, target)
    priors = np.array([rate.seconds for rate in latency_model(target, calibration=False)[2].values()])
    of = np.array([row.architecture for row in rows])
    grids = {name: of == name for name in _FITS}
    both = grids["mobilenet_v1"] | grids["mobilenet_v2"]
    lines = []
    for name, chosen in {**grids, "both": both}.items():
        ratios = leave_one_out(counts[chosen], measured[chosen], priors)
        lines.append(_held_out_row(f"{name}, leave one out", ratios))
    for source, chosen in {**grids, "mobilenet_v1 and mobilenet_v2": both}.items():
        rates = fit(counts[chosen], measured[chosen], priors).rates
        other = ~both if source not in grids else both & ~chosen
        label = "the V3 rows" if source not in grids else "the other grid"
        lines.append(_held_out_row(f"{source} to {label}", counts[other] @ rates / measured[other]))
    return lines


def _held_out_row(name: str, ratios: Any) -> str:
    found = residuals(ratios)
    return f"| {name} | {len(ratios)} | {found.mape:.1%} | {found.bias:+.1%} | {found.hit5:.0%} | {found.hit10:.0%} |"


def section() -> list[str]:
    """The lines of the section."""
    comparisons = compare(MEASUREMENTS)
    names = sorted({row.architecture for row in comparisons})
    return [
        "## Pixel 1, CPU",
        "",
        *_ABOUT,
        "",
        "| network | configurations | mean abs. error | mean error | within 10 % | within 25 % | within the interval |",
        "|---|---|---|---|---|---|---|",
        *(f"| {name} | {summary(r for r in comparisons if r.architecture == name)} |" for name in names),
        f"| all | {summary(comparisons)} |",
        "",
        *_CALIBRATED,
        "",
        "| calibrated on | configurations | mean abs. error | mean error | within 5 % | within 10 % |",
        "|---|---|---|---|---|---|",
        *held_out(),
        "",
        "Every row, not calibrated:",
        "",
        "| network | alpha | resolution | published ms | predicted ms | error |",
        "|---|---|---|---|---|---|",
        *(
            f"| {r.architecture} | {r.alpha:g} | {r.resolution} | {r.measured_ms:g} | {r.predicted_ms:.1f} "
            f"| {r.error:+.0%} |"
            for r in comparisons
        ),
    ]
