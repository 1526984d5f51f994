"""The page of a pick: the choice in words, and the front that it was chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mbcost import readable
from mbcost.report.html.sweep import DECIDING, sweep_like_page
from mbcost.report.provenance import NO_ORIGIN, Origin
from mbcost.search.candidate import Candidate
from mbcost.search.pick import Pick
from mbcost.search.result import COLUMNS


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
    for one in result.alone:
        cards.append((f"{one.target} alone", "nothing fits" if one.pick is None else _name(one.pick)))
    return sweep_like_page(title, columns, cards, list(result.notes), origin, DECIDING, min(limits, default=None))


def _name(candidate: Candidate) -> str:
    return candidate.name


def _choice_cards(candidate: Candidate) -> list[tuple[str, str]]:
    slowest = candidate.slowest
    quality = f"{candidate.top1:g} %, {candidate.top1_source}" if candidate.top1 is not None else readable.NOTHING
    return [
        ("latency", f"{readable.milliseconds(slowest.latency_ms / 1e3)}, {slowest.source}"),
        ("top-1", quality),
        ("MACs", readable.si(candidate.macs)),
        ("parameters", readable.si(candidate.params)),
    ]


def _candidate_columns(result: Pick, shown: Sequence[Candidate]) -> dict[str, list[Any]]:
    """A row for each candidate on each target, in the columns of a sweep."""
    columns: dict[str, list[Any]] = {name: [] for name in (*COLUMNS, "choice")}
    for candidate in shown:
        choice = "pick" if candidate == result.pick else "runner-up" if candidate == result.runner_up else ""
        for target in candidate.targets:
            row = {
                **candidate.to_dict(),
                **target.to_dict(),
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
