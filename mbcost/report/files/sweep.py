"""A sweep as a file for other programs (JSON, CSV) or for a pull request (Markdown)."""

from __future__ import annotations

import json

from mbcost import readable
from mbcost.report.files.text import csv_cell, escaped, finite, markdown_table
from mbcost.search.result import SweepResult


def to_json(result: SweepResult) -> str:
    """The object of :meth:`SweepResult.to_dict`."""
    return f"{json.dumps(finite(result.to_dict()), indent=1, allow_nan=False)}\n"


def to_csv(result: SweepResult) -> str:
    """A row a configuration, target and batch; blank where nothing was published."""
    frame = result.to_frame()
    for name in ("architecture", "target"):
        frame[name] = frame[name].cat.rename_categories(csv_cell)
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def to_markdown(result: SweepResult, *, all_rows: bool = False) -> str:
    """The front, or all rows, as a table, followed by the warnings."""
    rows = range(len(result)) if all_rows else result.front().tolist()
    table = markdown_table(
        ["network", "alpha", "resolution", "target", "ms", "90 %", "rests on", "MACs", "parameters", "top-1 %"],
        "-rr-rr-rrr",
        [_row(result, row) for row in rows],
    )
    parts = [table, *(["\n".join(f"- {escaped(warning)}" for warning in result.warnings)] if result.warnings else [])]
    return "\n\n".join(parts) + "\n"


def _row(result: SweepResult, row: int) -> list[str]:
    columns = result.columns
    low, high = (readable.significant(columns[name][row]) for name in ("latency_low_ms", "latency_high_ms"))
    top1 = columns["top1"][row]
    return [
        escaped(columns["architecture"][row]),
        f"{columns['alpha'][row]:g}",
        result.size_of(row),
        escaped(f"{columns['target'][row]} {columns['precision'][row]}"),
        readable.significant(columns["latency_ms"][row]),
        f"{low} to {high}",
        str(columns["basis"][row]),
        readable.si(int(columns["macs"][row])),
        readable.si(int(columns["params"][row])),
        readable.NOTHING if top1 != top1 else f"{top1:g}",
    ]
