"""The screens of ``mbcost calibrate``: the rates with what decided them, and suggestions for measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mbcost.report.rows.calibration import SUGGESTION, remarks, suggestion_cells, target_of

if TYPE_CHECKING:
    from mbcost.calibration.experiment import Suggestion
    from mbcost.calibration.record import Calibration


# -- a calibration ----------------------------------------------------------------------------------------------------


def calibration_summary(calibration: Calibration) -> str:
    """The rates with what decided them, the held-out error and the interval."""
    readings = {name: rate.reading for name, rate in calibration.rates.items()}
    first, second = max(map(len, readings)), max(map(len, readings.values()))
    lines = [
        f"{target_of(calibration)}: {calibration.networks} latencies",
        "",
        f"{'term':<{first}}  {'rate':>{second}}  x prior  uncertainty  decided by",
    ]
    for name, rate in calibration.rates.items():
        ratio = rate.seconds / rate.prior if rate.prior else 1.0
        decided = f"{rate.state}, at its peak" if rate.at_limit else rate.state
        lines.append(f"{name:<{first}}  {readings[name]:>{second}}  {ratio:7.2f}  {rate.uncertainty:11.0%}  {decided}")
    return "\n".join([*lines, "", *remarks(calibration)]) + "\n"


def suggestions_text(found: Sequence[Suggestion]) -> str:
    """One line per suggestion."""
    rows: list[Sequence[Any]] = [SUGGESTION, *map(suggestion_cells, found)]
    first, *widths = (max(len(row[column]) for row in rows) for column in range(4))
    lines = [
        "  ".join([f"{row[0]:<{first}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:4], widths, strict=True))])
        for row in rows
    ]
    return (
        "\n".join(
            [
                "most worth measuring next, best first",
                "",
                *(f"{a}  {row[4]}" for a, row in zip(lines, rows, strict=True)),
            ]
        )
        + "\n"
    )
