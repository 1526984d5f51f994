"""Validations and calibrations as text, CSV, JSON and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mbcost.errors import printable
from mbcost.report import numbers
from mbcost.report.export import escaped, json_text, markdown_table

if TYPE_CHECKING:
    from mbcost.latency.calibration import Calibration, Residuals
    from mbcost.validation.suggestions import Suggestion
    from mbcost.validation.validating import Score, Validation

# -- a validation -----------------------------------------------------------------------------------------------------


def validation_text(validation: Validation) -> str:
    """A line a measurement, then how good all are together."""
    names = [printable(row.name) for row in validation.rows]
    width = max(map(len, names))
    lines = [f"{'network':<{width}}  measured ms  predicted ms   error"]
    rows = zip(names, validation.rows, validation.predicted_s, validation.errors, strict=True)
    for name, row, predicted, error in rows:
        lines.append(f"{name:<{width}}  {row.measured_s * 1e3:11.4g}  {predicted * 1e3:12.4g}  {error:+6.1%}")
    return "\n".join([*lines, "", score_line(validation.score())]) + "\n"


def score_line(score: Score) -> str:
    """How good predictions are, in a line."""
    text = f"{residuals_line('all', score.latencies, score.residuals)}, in their interval {score.coverage:.0%}"
    return text if score.kendall_tau is None else f"{text}, Kendall tau {score.kendall_tau:.3f}"


def residuals_line(name: str, number: int, found: Residuals) -> str:
    """How far off predictions are, in a line."""
    return (
        f"{name}: {number} latencies, mean abs. error {found.mape:.1%}, mean error {found.bias:+.1%}, "
        f"within 5 % {found.hit5:.0%}, within 10 % {found.hit10:.0%}, within 20 % {found.hit20:.0%}"
    )


def validation_json(validation: Validation) -> str:
    """The object of :meth:`Validation.to_dict`."""
    return json_text(validation.to_dict())


def validation_csv(validation: Validation) -> str:
    """A row a measurement, with the keys of the JSON's rows as columns."""
    rows = validation.to_dict()["rows"]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def validation_markdown(validation: Validation, *, worst: int = 10) -> str:
    """A line with the scores, a table of them by architecture, and the worst rows."""
    groups = [
        [escaped(name), score.latencies, *score_cells(score)]
        for name, score in validation.score_by(lambda row: row.group).items()
    ]
    rows = [[escaped(cell) for cell in row_cells(validation, number)] for number in validation.worst()[:worst]]
    title = f"**{escaped(validation.target.name)} {validation.target.precision}**"
    parts = [
        f"{title}: {score_line(validation.score()).partition(': ')[2]}",
        markdown_table(["architecture", "n", *SCORES], "-rrrrrr", groups),
        markdown_table(["furthest off", *ROW[1:]], "-rrrr", rows),
    ]
    parts += ["\n".join(f"- {escaped(text)}" for text in validation.warnings)] if validation.warnings else []
    return "\n\n".join(parts) + "\n"


#: Heads of the columns of :func:`score_cells` and :func:`row_cells`.
SCORES = ("mean abs. error", "mean error", "within 10 %", "in interval", "Kendall tau")
ROW = ("latency", "measured ms", "predicted ms", "90 % interval", "error")


def score_cells(score: Score) -> list[str]:
    """A score, in the columns of :data:`SCORES`."""
    found = score.residuals
    tau = numbers.NOTHING if score.kendall_tau is None else f"{score.kendall_tau:.3f}"
    return [f"{found.mape:.1%}", f"{found.bias:+.1%}", f"{found.hit10:.0%}", f"{score.coverage:.0%}", tau]


def row_cells(validation: Validation, number: int) -> list[str]:
    """A measurement beside its prediction, in the columns of :data:`ROW`."""
    row = validation.rows[number]
    times = (row.measured_s, validation.predicted_s[number], validation.low_s[number], validation.high_s[number])
    measured, predicted, low, high = (numbers.significant(time * 1e3) for time in times)
    return [row.name, measured, predicted, f"{low} to {high}", f"{validation.errors[number]:+.1%}"]


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


def target_of(calibration: Calibration) -> str:
    """Such as ``pixel1/cpu@tflite-2018, fp32``."""
    return f"{calibration.device}/{calibration.processor}@{calibration.runtime}, {calibration.precision}"


def remarks(calibration: Calibration) -> list[str]:
    """What the measurements leave open, and how good the fit is."""
    lines = []
    if calibration.networks < len(calibration.rates):
        lines.append("fewer latencies than rates: most stay near their prior")
    for state, text in (
        ("prior", "hardly decided by the latencies, so near the prior"),
        ("not covered", "no measured network has such a kernel"),
    ):
        names = [name for name, rate in calibration.rates.items() if rate.state == state]
        if names:
            lines.append(f"{text}: {', '.join(names)}")
    peak = [name for name, rate in calibration.rates.items() if rate.at_limit]
    if peak:
        lines.append(f"at the peak of the processor, so that its form or its profile is in doubt: {', '.join(peak)}")
    lines.append(residuals_line("leave one out", calibration.networks, calibration.residuals))
    if calibration.unseen != calibration.residuals:
        lines.append(residuals_line("leave one architecture out", calibration.networks, calibration.unseen))
    factor = calibration.interval.factor
    lines.append(f"90 % interval: a factor of at least {factor:.3f} up and down, wider for what was not measured")
    return lines


#: Heads of the columns of :func:`suggestion_cells`.
SUGGESTION = ("architecture", "alpha", "resolution", "predicted ms", "tells")


def suggestion_cells(one: Suggestion) -> list[str]:
    """A network worth measuring, in the columns of :data:`SUGGESTION`."""
    time = f"{one.latency_s * 1e3:.4g} ± {one.uncertainty:.0%}"
    return [one.architecture, f"{one.alpha:g}", str(one.resolution), time, ", ".join(one.tells)]


def suggestions_text(found: Sequence[Suggestion]) -> str:
    """A line a suggestion."""
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
