"""The screen of ``mbcost pick``: the choice first, then the binding budget and the front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from mbcost import readable
from mbcost.basis import listed
from mbcost.report.rows.pick import alone_rows, chance_line, described, front_rows, limit, miss
from mbcost.report.screens.terminal import (
    ANSWER,
    BAD,
    Column,
    Screen,
    bullets,
    facts,
    heading,
    next_steps,
    section,
    table,
)
from mbcost.search.candidate import Candidate
from mbcost.search.pick import Pick

#: Members of the front on the screen before and after the pick.
NEIGHBOURS: Final = 7


def pick_screen(result: Pick, screen: Screen, *, all_rows: bool = False, steps: Sequence[tuple[str, str]] = ()) -> str:
    """The whole screen as text; the whole front with `all_rows`, else the members near the pick.

    Parameters
    ----------
    steps
        What to do next and the command that does it, for a terminal.
    """
    parts: list[RenderableType] = [_choice(result, screen)]
    if result.pick is not None and (len(result.pick.targets) > 1 or result.pick.slowest.source == "measured"):
        parts.append(section(heading("On each target"), _targets(result.pick, screen)))
    if result.alone:
        parts.append(
            section(heading("Each target alone", "the best that keeps the budget there"), _alone(result, screen))
        )
    if result.front:
        rows = front_rows(result)
        place = next((i for i, row in enumerate(rows) if row[-1] == "pick"), 0)
        first, last = (0, len(rows)) if all_rows else (max(0, place - NEIGHBOURS), place + NEIGHBOURS + 1)
        shown = rows[first:last]
        which = "" if len(shown) == len(rows) else f"; {len(shown)} of {len(rows)}, --all shows the others"
        names = {candidate.architecture for candidate in result.front}
        whose = names.pop() if len(names) == 1 else "candidates"
        bases = listed((target.target, target.basis) for member in result.front for target in member.targets)
        title = heading(
            "Front", f"{whose}, Pareto-optimal in latency and {_quality(result)}{which}; predictions {bases}"
        )
        parts.append(section(title, _front(shown, screen)))
    if result.notes:
        parts.append(section(heading("Caveats"), bullets(result.notes, screen)))
    return screen.render(*parts, *next_steps(steps, screen))


def _quality(result: Pick) -> str:
    return "top-1" if result.by == "top1" else "MACs"


def _choice(result: Pick, screen: Screen) -> RenderableType:
    limits = ", ".join(limit(budget) for budget in result.budgets)
    chance = chance_line(result)
    rows: list[tuple[str, str | Text]] = [("budget", f"{limits}, {chance}" if chance else limits)]
    if result.pick is None:
        title = Text("Nothing fits", style=BAD)
        if result.nearest is not None:
            rows.append(("nearest", miss(result.nearest)))
        other = result.would_fit
        rows.append(("would fit", described(other) if other else "nothing else that was looked at"))
    else:
        title = Text.assemble(("Pick ", "bold"), (result.pick.name, ANSWER))
        rows.append(("pick", described(result.pick)))
        rows.append(("runner-up", described(result.runner_up) if result.runner_up else "nothing else fits"))
        binds = miss(result.binds, " of the nearest better one") if result.binds else "nothing: the best candidate fits"
        rows.append(("limited by", binds))
    return section(title, facts(rows, screen))


def _targets(candidate: Candidate, screen: Screen) -> RenderableType:
    columns = [
        Column("target"),
        Column("precision", drop=4),
        Column("ms", "right", ANSWER),
        Column("source", drop=3),
        Column("predicted", "right", drop=2),
        Column("90 % interval", "right", drop=1),
        Column("rests on", narrow="wrap", least=14),
        Column("keeps it", "right"),
    ]
    rows = [
        (
            target.target,
            target.precision,
            readable.significant(target.latency_ms),
            target.source,
            readable.significant(target.predicted_ms),
            f"{readable.significant(target.low_ms)} to {readable.significant(target.high_ms)}",
            target.basis,
            readable.NOTHING if target.probability is None else f"{target.probability:.0%}",
        )
        for target in candidate.targets
    ]
    return table(columns, rows, screen)


def _alone(result: Pick, screen: Screen) -> RenderableType:
    columns = [
        Column("target"),
        Column("best"),
        Column("top-1 %", "right", drop=2),
        Column("ms", "right", ANSWER),
        Column("90 % interval", "right", drop=1),
        Column("rests on", narrow="wrap", least=12, drop=3),
        Column("why not", narrow="wrap", least=16),
    ]
    return table(columns, alone_rows(result), screen)


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
