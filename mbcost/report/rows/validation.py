"""Scores and rows of a validation, as cells and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mbcost import readable
from mbcost.report.rows.calibration import residuals_line

if TYPE_CHECKING:
    from mbcost.insight.validation import Score, Validation


def score_line(score: Score) -> str:
    """A score in a line."""
    text = f"{residuals_line('all', score.latencies, score.residuals)}, in their interval {score.coverage:.0%}"
    return text if score.kendall_tau is None else f"{text}, Kendall tau {score.kendall_tau:.3f}"


#: Heads of the columns of :func:`score_cells` and :func:`row_cells`.
SCORES = ("mean abs. error", "mean error", "within 10 %", "in interval", "Kendall tau")
ROW = ("latency", "measured ms", "predicted ms", "90 % interval", "error")


def score_cells(score: Score) -> list[str]:
    """A score, in the columns of :data:`SCORES`."""
    found = score.residuals
    tau = readable.NOTHING if score.kendall_tau is None else f"{score.kendall_tau:.3f}"
    return [f"{found.mape:.1%}", f"{found.bias:+.1%}", f"{found.hit10:.0%}", f"{score.coverage:.0%}", tau]


def row_cells(validation: Validation, number: int) -> list[str]:
    """A measurement beside its prediction, in the columns of :data:`ROW`."""
    row = validation.rows[number]
    times = (row.measured_s, validation.predicted_s[number], validation.low_s[number], validation.high_s[number])
    measured, predicted, low, high = (readable.significant(time * 1e3) for time in times)
    return [row.name, measured, predicted, f"{low} to {high}", f"{validation.errors[number]:+.1%}"]
