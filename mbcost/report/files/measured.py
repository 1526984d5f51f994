"""An analysis beside what was measured as JSON, CSV and Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mbcost import readable
from mbcost.insight.measured import COLUMNS
from mbcost.report.files.text import csv_text, escaped, json_text, markdown_table
from mbcost.report.rows.measured import CLASSES, KERNELS, class_rows, interval_line, kernel_rows, runs_line

if TYPE_CHECKING:
    from mbcost.insight.measured import MeasuredAnalysis


def to_json(result: MeasuredAnalysis) -> str:
    """The object of :meth:`MeasuredAnalysis.to_dict`."""
    return json_text(result.to_dict())


def to_csv(result: MeasuredAnalysis) -> str:
    """One row per kernel."""
    return csv_text(COLUMNS, ([row[column] for column in COLUMNS] for row in result.rows()))


def to_markdown(result: MeasuredAnalysis, *, limit: int | None = 10) -> str:
    """The latencies in a line, then the classes of operators and the kernels."""
    name = escaped(f"{result.analysis.layer_graph.title} on {result.analysis.target.name}")
    measured = f"{readable.milliseconds(result.latency_s)} ({escaped(runs_line(result))})"
    parts = [f"**{name}**: measured {measured}, predicted {interval_line(result)}"]
    if result.kernels:
        for head, align, rows in (
            (CLASSES, "-rrr", class_rows(result)),
            (KERNELS, "--rrr", kernel_rows(result, limit)),
        ):
            parts.append(markdown_table(head, align, [[escaped(cell) for cell in row] for row in rows]))
    return "\n\n".join(parts) + "\n"
