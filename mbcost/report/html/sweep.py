"""The pages of a sweep and of a pick: a heat map with the budget's contour, the front, and every configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mbcost.errors import fail, printable
from mbcost.report import numbers
from mbcost.report.figures import MARKERS, PALETTE
from mbcost.report.html.page import render
from mbcost.report.provenance import NO_ORIGIN, Origin
from mbcost.search.candidate import Candidate
from mbcost.search.pick import Pick
from mbcost.search.result import COLUMNS, SweepResult

#: Configurations that a page takes: more make it large and slow.
MOST_ROWS: Final = 10_000
#: The latency that a pick goes by.
_DECIDING: Final = "measured latency where there is one, else the predicted one"
_CASE: Final = ("target", "precision", "threads", "batch")
#: Columns that stand in the page once for each case.
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
        fail("MB010", f"a page takes {MOST_ROWS:,} configurations, there are {len(result):,}", hint=hint)
    columns = {name: result.columns[name].tolist() for name in COLUMNS}
    names = list(dict.fromkeys(columns["architecture"]))
    low, high = (numbers.significant(bound(columns["latency_ms"])) for bound in (min, max))
    cards = [
        ("configurations", f"{len(result):,}"),
        ("latency", f"{low} to {high} ms"),
        ("on the front", f"{sum(columns['on_front']):,}"),
    ]
    title = f"Sweep of {', '.join(names)}"
    return _page(title, columns, cards, list(result.warnings), origin, "predicted latency", None)


def pick_page(result: Pick, origin: Origin = NO_ORIGIN) -> str:
    """The report of a pick, as HTML: the choice in words, and the front that it was chosen from."""
    shown = list(result.front)
    shown += [found for found in (result.pick, result.runner_up) if found is not None and found not in shown]
    columns = _candidate_columns(result, shown)
    limits = [budget.limit for budget in result.budgets if budget.kind == "latency_ms"]
    if result.pick is None:
        title, cards = "Nothing fits the budget", []
    else:
        title, cards = f"Pick {_name(result.pick)}", _choice_cards(result.pick)
    if result.runner_up is not None:
        cards.append(("runner-up", _name(result.runner_up)))
    if result.would_fit is not None:
        cards.append(("would fit", _name(result.would_fit)))
    return _page(title, columns, cards, list(result.notes), origin, _DECIDING, min(limits, default=None))


def _name(candidate: Candidate) -> str:
    return f"{candidate.architecture} {candidate.alpha:g} / {candidate.resolution}"


def _choice_cards(candidate: Candidate) -> list[tuple[str, str]]:
    slowest = candidate.slowest
    quality = f"{candidate.top1:g} %, {candidate.top1_source}" if candidate.top1 is not None else numbers.NOTHING
    return [
        ("latency", f"{numbers.milliseconds(slowest.latency_ms / 1e3)}, {slowest.source}"),
        ("top-1", quality),
        ("MACs", numbers.si(candidate.macs)),
        ("parameters", numbers.si(candidate.params)),
    ]


def _candidate_columns(result: Pick, shown: Sequence[Candidate]) -> dict[str, list[Any]]:
    """A row for each candidate on each target, in the columns of a sweep."""
    columns: dict[str, list[Any]] = {name: [] for name in (*COLUMNS, "choice")}
    for candidate in shown:
        choice = "pick" if candidate == result.pick else "runner-up" if candidate == result.runner_up else ""
        for target in candidate.targets:
            row = {
                **candidate.to_dict(),
                **target._asdict(),
                "batch": result.batch,
                "latency_low_ms": target.low_ms,
                "latency_high_ms": target.high_ms,
                "measured_ms": target.latency_ms if target.source == "measured" else None,
                "on_front": candidate in result.front,
                "choice": choice,
            }
            for name, column in columns.items():
                column.append(row.get(name))
    return columns


def _page(
    title: str,
    columns: dict[str, list[Any]],
    cards: list[tuple[str, str]],
    caveats: list[str],
    origin: Origin,
    time: str,
    budget_ms: float | None,
) -> str:
    cases = list(zip(*(columns[name] for name in _CASE), strict=True))
    distinct = list(dict.fromkeys(cases))
    models = list(dict.fromkeys(columns["architecture"]))
    known = any(value is not None and value == value for value in columns["top1"])
    data = {
        "palette": PALETTE,
        "markers": MARKERS,
        "cards": cards,
        "caveats": caveats,
        "cases": [dict(zip(_CASE, case, strict=True)) for case in distinct],
        "models": models,
        "quality": "top1" if known else "macs",
        "time": time,
        "budget_ms": budget_ms,
        "columns": {
            "case": [distinct.index(case) for case in cases],
            "model": [models.index(name) for name in columns["architecture"]],
            **{name: column for name, column in columns.items() if name not in _ENCODED},
        },
        "provenance": [("command", origin.command)] if origin.command else [],
    }
    return render("sweep", printable(title), data, cards)
