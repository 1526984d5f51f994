"""A pick as JSON, CSV and Markdown."""

from __future__ import annotations

from mbcost.report.files.text import csv_text, escaped, json_text, markdown_table
from mbcost.report.rows.pick import alone_rows, described, front_rows, limit, miss
from mbcost.search.pick import COLUMNS, Pick


def to_json(result: Pick) -> str:
    """The object of :meth:`Pick.to_dict`."""
    return json_text(result.to_dict())


def to_csv(result: Pick) -> str:
    """The rows of :meth:`Pick.rows`."""
    return csv_text(COLUMNS, ([row[name] for name in COLUMNS] for row in result.rows()))


def to_markdown(result: Pick) -> str:
    """A line with the choice, the binding budget, and the front."""
    budgets = ", ".join(limit(budget) for budget in result.budgets)
    if result.pick is None:
        nearest = f" Nearest: {escaped(miss(result.nearest))}." if result.nearest else ""
        first = f"**Nothing fits** {budgets}.{nearest}"
    else:
        first = f"**{escaped(described(result.pick))}** fits {budgets}."
        if result.binds:
            first += f" Binding budget: {escaped(miss(result.binds))}."
    head = ["network", "alpha", "resolution", "top-1 %", "ms", "source", "MACs", "parameters", ""]
    rows = [[escaped(row[0]), *row[1:]] for row in front_rows(result)]
    parts = [first]
    if result.alone:
        heads = ["target alone", "best", "top-1 %", "ms", "90 % interval", "rests on", "why not"]
        each = [[escaped(cell) for cell in row] for row in alone_rows(result)]
        parts.append(markdown_table(heads, "--rrr--", each))
    parts.append(markdown_table(head, "-rrrr-rr-", rows))
    parts += ["\n".join(f"- {escaped(note)}" for note in result.notes)] if result.notes else []
    return "\n\n".join(parts) + "\n"
