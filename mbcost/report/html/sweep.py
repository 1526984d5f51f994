"""The pages of a sweep and of a pick: a heat map with the budget's contour, the front, and every configuration."""

from __future__ import annotations

from typing import Any, Final

from mbcost import readable
from mbcost.basis import listed
from mbcost.errors import fail, printable
from mbcost.report.charts.chart import MARKERS, PALETTE
from mbcost.report.html.measured import card
from mbcost.report.html.page import render
from mbcost.report.provenance import NO_ORIGIN, Origin
from mbcost.search.result import COLUMNS, SweepResult

#: Most configurations on a page; more make it large and slow.
MOST_ROWS: Final = 10_000
#: The latency that decides a pick, in words.
DECIDING: Final = "measured latency where there is one, else by the prediction at the wanted probability"
_CASE: Final = ("target", "precision", "threads", "batch", "basis")
#: Columns that the page has once per case.
_ENCODED: Final = ("architecture", *_CASE)


def sweep_page(result: SweepResult, origin: Origin = NO_ORIGIN) -> str:
    """The report of a sweep, as HTML.

    Raises
    ------
    InputError
        MB010 if it has more rows than a page takes.
    """
    if len(result) > MOST_ROWS:
        hint = "write .parquet or .csv, or sweep fewer"
        fail("MB010", f"a page takes at most {MOST_ROWS:,} configurations, there are {len(result):,}", hint=hint)
    columns = {name: result.columns[name].tolist() for name in COLUMNS}
    names = list(dict.fromkeys(columns["architecture"]))
    low, high = (readable.significant(bound(columns["latency_ms"])) for bound in (min, max))
    cards = [
        card("configurations", f"{len(result):,}"),
        card("latency", f"{low} to {high} ms"),
        card("on the front", f"{sum(columns['on_front']):,}"),
    ]
    title = f"Sweep of {', '.join(names)}"
    return sweep_like_page(title, columns, cards, list(result.warnings), origin, "predicted latency", None)


def sweep_like_page(
    title: str,
    columns: dict[str, list[Any]],
    cards: list[dict[str, Any]],
    caveats: list[str],
    origin: Origin,
    time: str,
    budget_ms: float | None,
    asked: str = "",
    others: str = "",
) -> str:
    """A page of configurations.

    Parameters
    ----------
    time
        What is compared with a budget of time, in words.
    budget_ms
        The budget of time that the page begins with [ms].
    asked
        What was asked for, in a sentence.
    others
        Budgets that are not of time, in words; the column ``keeps`` says which configurations keep them.
    """
    cases = list(zip(*(columns[name] for name in _CASE), strict=True))
    distinct = list(dict.fromkeys(cases))
    models = list(dict.fromkeys(columns["architecture"]))
    known = any(value is not None and value == value for value in columns["top1"])
    found = [dict(zip(_CASE, case, strict=True)) for case in distinct]
    data = {
        "palette": PALETTE,
        "markers": MARKERS,
        "cards": cards,
        "caveats": caveats,
        "cases": found,
        "models": models,
        "quality": "top1" if known else "macs",
        "time": time,
        "budget_ms": budget_ms,
        "asked": asked,
        "others": others,
        "columns": {
            "case": [distinct.index(case) for case in cases],
            "model": [models.index(name) for name in columns["architecture"]],
            **{name: column for name, column in columns.items() if name not in _ENCODED},
        },
        "provenance": [("command", origin.command)] if origin.command else [],
    }
    grounds = ("rests on", listed((case["target"], case["basis"]) for case in found))
    return render(
        "sweep",
        printable(title),
        data,
        [*((one["label"], f"{one['value']} {one['note']}".strip()) for one in cards), grounds],
    )
