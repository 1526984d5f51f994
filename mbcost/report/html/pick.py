"""The page of a pick: the choice in words, and the front that it was chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mbcost import readable
from mbcost.report.html.measured import card
from mbcost.report.html.sweep import DECIDING, MOST_ROWS, sweep_like_page
from mbcost.report.provenance import NO_ORIGIN, Origin
from mbcost.report.rows.pick import asked_for, chance_line, limit
from mbcost.search.candidate import Candidate
from mbcost.search.pick import Pick
from mbcost.search.result import COLUMNS


def pick_page(result: Pick, origin: Origin = NO_ORIGIN) -> str:
    """The report of a pick, as HTML: the choice in words, and the candidates that it was chosen from."""
    most = MOST_ROWS // max(1, len(result.front[0].targets)) if result.front else 0
    chosen = [found for found in (result.pick, result.runner_up) if found is not None]
    shown = list(dict.fromkeys([*chosen, *result.front, *result.considered]))[:most]
    columns = _candidate_columns(result, shown)
    if result.pick is None:
        title, cards = "Nothing fits the budget", []
    else:
        title, cards = f"Pick {result.pick.name}", _choice_cards(result.pick)
    if result.runner_up is not None:
        cards.append(card("runner-up", result.runner_up.name))
    if result.would_fit is not None:
        cards.append(card("would fit", result.would_fit.name))
    for one in result.alone:
        cards.append(card(f"{one.target} alone", "nothing fits" if one.pick is None else one.pick.name))
    wanted = " and ".join(asked_for(budget) for budget in result.budgets)
    likely = chance_line(result)
    asked = f"Asked for: {wanted}{f', {likely}' if likely else ''}."
    others = " and ".join(limit(budget) for budget in result.budgets if not budget.is_time)
    return sweep_like_page(
        title, columns, cards, list(result.notes), origin, DECIDING, _budget_ms(result), asked, others
    )


def _budget_ms(result: Pick) -> float | None:
    """The longest latency that keeps the budgets of time [ms]; None if there are none."""
    limits = [
        result.batch * 1e3 / budget.limit if budget.kind == "frames_per_s" else budget.limit
        for budget in result.budgets
        if budget.is_time
    ]
    return min(limits, default=None)


def _choice_cards(candidate: Candidate) -> list[dict[str, Any]]:
    slowest = candidate.slowest
    number = {"value": slowest.predicted_ms, "low": slowest.low_ms, "high": slowest.high_ms, "basis": slowest.basis}
    latency: dict[str, Any] = {**card("latency", readable.milliseconds(slowest.latency_ms / 1e3), slowest.source)}
    if slowest.source == "predicted":
        latency["number"] = number
    top1 = card("top-1", readable.NOTHING)
    if candidate.top1 is not None:
        digits = "g" if candidate.top1_source == "published" else ".0f"  # an interpolated one has no decimals to show
        top1 = card("top-1", f"{candidate.top1:{digits}} %", candidate.top1_source or "")
    return [
        latency,
        top1,
        card("MACs", readable.si(candidate.macs)),
        card("parameters", readable.si(candidate.params)),
    ]


def _candidate_columns(result: Pick, shown: Sequence[Candidate]) -> dict[str, list[Any]]:
    """A row for each candidate on each target, in the columns of a sweep."""
    columns: dict[str, list[Any]] = {name: [] for name in (*COLUMNS, "top1_source", "choice", "needs_ms", "keeps")}
    others = [budget for budget in result.budgets if not budget.is_time]
    for candidate in shown:
        choice = "pick" if candidate == result.pick else "runner-up" if candidate == result.runner_up else ""
        keeps = all(candidate.cost(budget.kind, result.batch) <= budget.limit for budget in others)
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
                "needs_ms": target.needs_ms,
                "keeps": keeps,
            }
            for name, column in columns.items():
                column.append(row.get(name))
    return columns
