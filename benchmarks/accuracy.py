"""Predicted against published latencies of the Pixel 1, as Markdown.

python benchmarks/accuracy.py            prints the report
python benchmarks/accuracy.py --write    writes reports/accuracy.md
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import mbcost

ROOT = Path(__file__).parent.parent
MEASUREMENTS = ROOT / "hardware_profiles" / "measurements" / "pixel1_tflite_2018.csv"
REPORT = ROOT / "reports" / "accuracy.md"

_ABOUT = (
    "Pixel 1, one large core, TensorFlow Lite of 2018, fp32, against the latencies that tensorflow/models published.",
    "**Not calibrated**: the rates are those of another phone's core (Cortex-A76, TFLite 2.1), scaled by clock, vector",
    "width and bandwidth; none of the latencies below went into them.",
)


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


def report(comparisons: list[Comparison]) -> str:
    """The whole report."""
    names = sorted({row.architecture for row in comparisons})
    lines = [
        "# Accuracy",
        "",
        "Made by `python benchmarks/accuracy.py --write`.",
        "",
        *_ABOUT,
        "",
        "| network | configurations | mean abs. error | mean error | within 10 % | within 25 % | within the interval |",
        "|---|---|---|---|---|---|---|",
        *(f"| {name} | {summary(r for r in comparisons if r.architecture == name)} |" for name in names),
        f"| all | {summary(comparisons)} |",
        "",
        "| network | alpha | resolution | published ms | predicted ms | error |",
        "|---|---|---|---|---|---|",
        *(
            f"| {r.architecture} | {r.alpha:g} | {r.resolution} | {r.measured_ms:g} | {r.predicted_ms:.1f} "
            f"| {r.error:+.0%} |"
            for r in comparisons
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print or write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.relative_to(ROOT)}")
    text = report(compare(MEASUREMENTS))
    if parser.parse_args().write:
        REPORT.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
