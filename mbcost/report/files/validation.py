"""A validation as JSON, CSV and Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mbcost.report.files.text import csv_text, escaped, json_text, markdown_table
from mbcost.report.rows.validation import ROW, SCORES, row_cells, score_cells, score_line

if TYPE_CHECKING:
    from mbcost.insight.validation import Validation


def validation_json(validation: Validation) -> str:
    """The object of :meth:`Validation.to_dict`."""
    return json_text(validation.to_dict())


def validation_csv(validation: Validation) -> str:
    """One row per measurement, with the keys of the JSON's rows as columns."""
    rows = validation.to_dict()["rows"]
    return csv_text(list(rows[0]), (row.values() for row in rows))


def validation_markdown(validation: Validation, *, worst: int = 10) -> str:
    """A line with the score, a table of scores by architecture, and the worst rows."""
    groups = [
        [escaped(name), score.latencies, *score_cells(score)]
        for name, score in validation.score_by(lambda row: row.group).items()
    ]
    rows = [[escaped(cell) for cell in row_cells(validation, number)] for number in validation.worst()[:worst]]
    title = f"**{escaped(validation.target.name)} {validation.target.precision}** · {validation.model.basis}"
    parts = [
        f"{title}: {score_line(validation.score()).partition(': ')[2]}",
        markdown_table(["architecture", "n", *SCORES], "-rrrrrr", groups),
        markdown_table(["furthest off", *ROW[1:]], "-rrrr", rows),
    ]
    parts += ["\n".join(f"- {escaped(text)}" for text in validation.warnings)] if validation.warnings else []
    return "\n\n".join(parts) + "\n"
