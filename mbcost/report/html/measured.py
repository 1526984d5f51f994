"""Common parts of the pages of a validation and of a calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from mbcost.errors import fail, printable
from mbcost.report.charts.chart import Chart
from mbcost.report.html.page import render

#: Most latencies on a page; more make it large and slow.
MOST_ROWS: Final = 10_000


# -- both -------------------------------------------------------------------------------------------------------------


def measured_page(
    title: str,
    data: Mapping[str, Any],
    sections: list[dict[str, Any]],
    charts: Mapping[str, Chart],
    columns: list[dict[str, Any]],
    rows: Mapping[str, list[Any]],
    facets: list[dict[str, Any]],
) -> str:
    content = {
        **data,
        "sections": sections,
        "charts": {name: asdict(chart) for name, chart in charts.items()},
        "columns": columns,
        "rows": rows,
        "facets": facets,
    }
    summary = [(card["label"], card["value"]) for card in data["cards"]]
    return render("measured", printable(title), content, summary)


def check_size(rows: int) -> None:
    if rows > MOST_ROWS:
        hint = "write .csv or .json, or fewer rows"
        fail("MB010", f"a page takes at most {MOST_ROWS:,} latencies, there are {rows:,}", hint=hint)


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in rows[0]}


def card(label: str, value: str, note: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def folded_section(
    name: str,
    title: str,
    charts: Sequence[str] = (),
    tables: Sequence[dict[str, Any]] = (),
    *,
    pair: Sequence[str] = (),
    text: Sequence[str] = (),
) -> dict[str, Any]:
    """A section: paragraphs, two tall charts, others, tables."""
    return {"id": name, "title": title, "text": text, "pair": pair, "charts": charts, "tables": tables}


def small_table(caption: str, head: Sequence[str], align: str, rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A small table; `align` has an ``r`` for a right-aligned column, else a ``-``."""
    return {"caption": caption, "head": list(head), "align": align, "rows": rows, "ids": None}


def column(key: str, title: str, kind: str = "text", *, hidden: bool = False, hint: str = "") -> dict[str, Any]:
    return {"key": key, "title": title, "kind": kind, "hidden": hidden, "hint": hint or None}


_FLAGS: Final = {True: "yes", False: "no", None: "cannot be told"}


def facet(key: str, title: str, values: Sequence[Any]) -> dict[str, Any]:
    """A filter of rows by one of their columns."""
    choices = list(dict.fromkeys(values))
    return {
        "key": key,
        "title": title,
        "choices": [_FLAGS.get(choice, choice) if not isinstance(choice, str) else choice for choice in choices],
        "of": [choices.index(value) for value in values],
    }
