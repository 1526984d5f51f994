"""The screen and the files of ``mbcost pick``: the choice first, then why not better, and what it was among."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from mbcost.report import numbers
from mbcost.report.export import escaped, finite, markdown_table
from mbcost.report.terminal import ANSWER, BAD, Column, Screen, bullets, facts, heading, next_steps, section, table
from mbcost.search.budget import NAMES, Budget
from mbcost.search.candidate import Candidate, OnTarget
from mbcost.search.pick import Binding, Pick

#: Columns of the CSV.
COLUMNS: Final = (
    "choice", "architecture", "alpha", "resolution", "target", "precision", "threads", "latency_ms", "latency_source",
    "predicted_ms", "latency_low_ms", "latency_high_ms", "probability", "top1", "top1_source", "macs", "params",
    "peak_activation_bytes",
)  # fmt: skip


#: Members of the front that the screen shows on either side of the pick.
NEIGHBOURS: Final = 7


def pick_screen(result: Pick, screen: Screen, *, all_rows: bool = False, steps: Sequence[tuple[str, str]] = ()) -> str:
    """The whole screen as text; the whole front with `all_rows`, else what is near the pick.

    Parameters
    ----------
    steps
        What to do next and the command that does it, for a terminal.
    """
    parts: list[RenderableType] = [_choice(result, screen)]
    if result.pick is not None and (len(result.pick.targets) > 1 or result.pick.slowest.source == "measured"):
        parts.append(section(heading("On each target"), _targets(result.pick, screen)))
    if result.front:
        rows = _front_rows(result)
        place = next((i for i, row in enumerate(rows) if row[-1] == "pick"), 0)
        first, last = (0, len(rows)) if all_rows else (max(0, place - NEIGHBOURS), place + NEIGHBOURS + 1)
        shown = rows[first:last]
        which = "" if len(shown) == len(rows) else f"; {len(shown)} of {len(rows)}, --all shows the others"
        names = {candidate.architecture for candidate in result.front}
        whose = f"{names.pop()}, what nothing else" if len(names) == 1 else "candidates that no other"
        title = heading("Front", f"{whose} beats in latency and {_quality(result)}{which}")
        parts.append(section(title, _front(shown, screen)))
    if result.notes:
        parts.append(section(heading("Caveats"), bullets(result.notes, screen)))
    return screen.render(*parts, *next_steps(steps, screen))


def _quality(result: Pick) -> str:
    return "top-1" if result.by == "top1" else "MACs"


def _choice(result: Pick, screen: Screen) -> RenderableType:
    rows: list[tuple[str, str | Text]] = [("budget", ", ".join(_limit(budget) for budget in result.budgets))]
    if result.pick is None:
        title = Text("Nothing fits", style=BAD)
        if result.nearest is not None:
            rows.append(("nearest", _miss(result.nearest)))
        other = result.would_fit
        rows.append(("would fit", _described(other) if other else "no width and resolution of the table"))
    else:
        title = Text.assemble(("Pick ", "bold"), (result.pick.name, ANSWER))
        rows.append(("pick", _described(result.pick)))
        rows.append(("runner-up", _described(result.runner_up) if result.runner_up else "nothing else fits"))
        binds = _miss(result.binds, " of the next better one") if result.binds else "nothing: the best candidate fits"
        rows.append(("binds", binds))
    return section(title, facts(rows, screen))


def _limit(budget: Budget) -> str:
    return f"{NAMES[budget.kind]} {_bound(budget)}"


def _bound(budget: Budget) -> str:
    least = "at least" if budget.kind == "frames_per_s" else "at most"
    return f"{least} {_amount(budget.kind, budget.limit)}"


def _amount(kind: str, value: float) -> str:
    if kind == "latency_ms":
        return f"{numbers.significant(value)} ms"
    if kind == "frames_per_s":
        return f"{numbers.significant(value)} frames/s"
    return numbers.size(round(value)) if kind == "peak_activation_bytes" else numbers.si(value)


def _miss(binding: Binding, whose: str = "") -> str:
    kind = binding.budget.kind
    needs = _amount(kind, binding.needs)
    return f"{NAMES[kind]}{whose}, {needs} ({_bound(binding.budget)}): {_described(binding.candidate)}"


def _described(candidate: Candidate) -> str:
    slowest = candidate.slowest
    return f"{candidate.name}, {_top1(candidate)}, {_latency(slowest)}, {numbers.si(candidate.macs)} MACs"


def _top1(candidate: Candidate) -> str:
    if candidate.top1 is None:
        return "accuracy unknown"
    source = "" if candidate.top1_source == "published" else ", interpolated"
    return f"top-1 {numbers.significant(candidate.top1)} %{source}"


def _latency(target: OnTarget) -> str:
    if target.source == "measured":
        predicted = numbers.significant(target.predicted_ms)
        return f"measured {numbers.significant(target.latency_ms)} ms ({predicted} predicted)"
    chance = "" if target.probability is None else f" ({target.probability:.0%} likely to keep the budget)"
    return f"predicted {numbers.significant(target.latency_ms)} ms{chance}"


def _targets(candidate: Candidate, screen: Screen) -> RenderableType:
    columns = [
        Column("target"),
        Column("precision", drop=4),
        Column("ms", "right", ANSWER),
        Column("source", drop=3),
        Column("predicted", "right", drop=2),
        Column("90 % interval", "right", drop=1),
        Column("keeps it", "right"),
    ]
    rows = [
        (
            target.target,
            target.precision,
            numbers.significant(target.latency_ms),
            target.source,
            numbers.significant(target.predicted_ms),
            f"{numbers.significant(target.low_ms)} to {numbers.significant(target.high_ms)}",
            numbers.NOTHING if target.probability is None else f"{target.probability:.0%}",
        )
        for target in candidate.targets
    ]
    return table(columns, rows, screen)


def _front_rows(result: Pick) -> list[list[str]]:
    return [
        [
            candidate.architecture,
            f"{candidate.alpha:g}",
            str(candidate.resolution),
            numbers.NOTHING if candidate.top1 is None else numbers.significant(candidate.top1),
            numbers.significant(candidate.slowest.latency_ms),
            candidate.slowest.source,
            numbers.si(candidate.macs),
            numbers.si(candidate.params),
            _mark(result, candidate),
        ]
        for candidate in result.front
    ]


def _mark(result: Pick, candidate: Candidate) -> str:
    if candidate == result.pick:
        return "pick"
    return "runner-up" if candidate == result.runner_up else ""


def _front(rows: Sequence[Sequence[str]], screen: Screen) -> RenderableType:
    columns = [
        Column("network", narrow="cut"),
        Column("alpha", "right"),
        Column("resolution", "right"),
        Column("top-1 %", "right"),
        Column("ms", "right", ANSWER),
        Column("source", drop=2),
        Column("MACs", "right", drop=1),
        Column("parameters", "right", drop=3),
        Column("", style="bold"),
    ]
    if len({row[0] for row in rows}) == 1:  # the title names it
        columns, rows = columns[1:], [row[1:] for row in rows]
    return table(columns, rows, screen)


def to_json(result: Pick) -> str:
    """The object of :meth:`Pick.to_dict`."""
    return f"{json.dumps(finite(result.to_dict()), indent=2, allow_nan=False)}\n"


def to_csv(result: Pick) -> str:
    """A row for the pick, the runner-up and each member of the front, on each target."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    rows = [("pick", result.pick), ("runner_up", result.runner_up), *(("front", member) for member in result.front)]
    for choice, candidate in rows:
        for target in candidate.targets if candidate else ():
            assert candidate is not None
            writer.writerow(
                [
                    choice,
                    *candidate[:3],
                    *target[:7],
                    target.high_ms,
                    target.probability,
                    candidate.top1,
                    candidate.top1_source,
                    candidate.macs,
                    candidate.params,
                    target.peak_activation_bytes,
                ]
            )
    return text.getvalue()


def to_markdown(result: Pick) -> str:
    """A line with the choice, what binds, and the front."""
    budgets = ", ".join(_limit(budget) for budget in result.budgets)
    if result.pick is None:
        nearest = f" Nearest: {escaped(_miss(result.nearest))}." if result.nearest else ""
        first = f"**Nothing fits** {budgets}.{nearest}"
    else:
        first = f"**{escaped(_described(result.pick))}** fits {budgets}."
        if result.binds:
            first += f" Binds: {escaped(_miss(result.binds))}."
    head = ["network", "alpha", "resolution", "top-1 %", "ms", "source", "MACs", "parameters", ""]
    rows = [[escaped(row[0]), *row[1:]] for row in _front_rows(result)]
    parts = [first, markdown_table(head, "-rrrr-rr-", rows)]
    parts += ["\n".join(f"- {escaped(note)}" for note in result.notes)] if result.notes else []
    return "\n\n".join(parts) + "\n"
