"""The screen of ``mbcost validate``: one line per measurement, then the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mbcost.errors import printable
from mbcost.report.rows.validation import score_line

if TYPE_CHECKING:
    from mbcost.insight.validation import Validation


# -- a validation -----------------------------------------------------------------------------------------------------


def validation_text(validation: Validation) -> str:
    """One line per measurement, then what the predictions rest on and the score of all."""
    names = [printable(row.name) for row in validation.rows]
    width = max(map(len, names))
    lines = [f"{'network':<{width}}  measured ms  predicted ms   error"]
    rows = zip(names, validation.rows, validation.predicted_s, validation.errors, strict=True)
    for name, row, predicted, error in rows:
        lines.append(f"{name:<{width}}  {row.measured_s * 1e3:11.4g}  {predicted * 1e3:12.4g}  {error:+6.1%}")
    ground = f"predictions: {validation.model.basis}"
    return "\n".join([*lines, "", ground, score_line(validation.score())]) + "\n"
