"""The screen of ``mbcost compare``: the verdict, reasons, times by class and by part, changes, caveats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from mbcost import readable
from mbcost.errors import printable
from mbcost.insight.breakdown import caveats
from mbcost.insight.comparison import FEWEST, Comparison, in_common
from mbcost.report.rows.comparison import (
    ALIKE,
    class_rows,
    letters_of,
    pair_rows,
    part_rows,
    place_rows,
    reasons_of,
    subject_rows,
)
from mbcost.report.screens.terminal import ANSWER, Column, Screen, badge, bullets, heading, next_steps, section, table

#: Labels of two subjects up to this length are used in sentences; longer ones, and those of several, become letters.
_LONG: Final = 32


def comparison_screen(
    comparison: Comparison, screen: Screen, *, limit: int | None = 10, steps: Sequence[tuple[str, str]] = ()
) -> str:
    """The whole screen as text: the verdict, reasons, times by class and by part, changes, caveats.

    Parameters
    ----------
    limit
        Number of layers with the largest changes of each comparison; None for all.
    steps
        What to do next and the command that does it, for a terminal.
    """
    others = range(1, len(comparison.analyses))
    title = Text(printable(comparison.headline(), limit=1000), style="bold")
    same = Text(printable(f"all with {in_common(comparison.analyses)}", limit=1000), style="dim")
    if comparison.same_basis:
        same.append(badge(comparison.first.basis, screen))
    parts: list[RenderableType] = [section(title, same, _subject_table(comparison, screen))]
    parts.append(
        section(heading("Why"), bullets([_brief(text, comparison) for text in reasons_of(comparison)], screen))
    )
    letters = letters_of(comparison)
    names = [Column(f"ms {letter}", "right") for letter in letters]
    classes = [Column("operator class", narrow="cut"), *names]
    classes += [Column("B - A", "right", drop=2)] if len(letters) == FEWEST else []
    classes += [Column(f"MACs {letter}", "right", drop=1) for letter in letters]
    parts.append(section(heading("By operator class"), table(classes, class_rows(comparison), screen)))
    spent_on = [Column("spent on"), *names]
    parts.append(section(heading("By what the time is spent on"), table(spent_on, part_rows(comparison), screen)))
    parts += [_moved(comparison, number, limit, screen) for number in others if comparison.differs(number)]
    notes = [f"{_brief(label, comparison)}: {note}" for label, note in _notes(comparison)]
    if notes:
        parts.append(section(heading("Caveats"), bullets(notes, screen)))
    return screen.render(*parts, *next_steps(steps, screen))


def _subject_table(comparison: Comparison, screen: Screen) -> RenderableType:
    columns = [
        Column(""),
        Column("", narrow="squeeze", least=40),
        Column("ms", "right", ANSWER),
        Column("x", "right"),
        Column("ms an image", "right"),
        Column("90 % interval", "right", drop=1),
        Column("rests on", narrow="wrap", least=14),
        Column("MACs", "right", drop=2),
        Column("x", "right", drop=2),
        Column("params", "right", drop=4),
        Column("GMAC/s", "right", drop=3),
        Column("peak memory", "right", drop=5),
    ]
    rows: list[tuple[str, ...]] = []
    for letter, analysis, row in zip(
        letters_of(comparison), comparison.analyses, subject_rows(comparison), strict=True
    ):
        image = readable.significant(analysis.latency_s / analysis.batch * 1e3)
        rows.append((letter, *row[:3], image, *row[3:]))
    left_out = {4} if comparison.same_batch else set()
    left_out |= {6} if comparison.same_basis else set()
    kept = [place for place in range(len(columns)) if place not in left_out]
    return table([columns[place] for place in kept], [[row[place] for place in kept] for row in rows], screen)


def _brief(text: str, comparison: Comparison) -> str:
    """A text with letters for the subjects instead of their labels, if these are long or many."""
    labels = dict(zip(comparison.labels, letters_of(comparison), strict=True))
    if len(labels) == FEWEST and max(map(len, labels)) <= _LONG:
        return text
    for label in sorted(labels, key=len, reverse=True):
        text = re.sub(rf"(?<![\w@/]){re.escape(label)}(?![\w@/])", labels[label], text)
    return text


def _moved(comparison: Comparison, number: int, limit: int | None, screen: Screen) -> RenderableType:
    share = comparison.matched_share(number)
    label, letter = _brief(comparison.labels[number], comparison), letters_of(comparison)[number]
    changes = [
        Column("ms A", "right", drop=2),
        Column(f"ms {letter}", "right", drop=2),
        Column(f"{letter} - A", "right"),
        Column("why", narrow="wrap", least=20, drop=1),
    ]
    if share >= ALIKE:
        title = heading(f"What moved in {label}", f"{share:.0%} of the time in layers matched by name or place")
        columns = [Column("layer", narrow="squeeze", least=24), *changes]
        return section(title, table(columns, pair_rows(comparison, number, limit), screen))
    note = f"{share:.0%} of the time in layers that match, so by class and image size"
    columns = [
        Column("operator class", narrow="cut", least=18),
        Column("output", "right"),
        Column("kernels", "right", drop=3),
        *changes,
    ]
    title = heading(f"Where {label} differs", note)
    return section(title, table(columns, place_rows(comparison, number, limit), screen))


def _notes(comparison: Comparison) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for label, analysis in zip(comparison.labels, comparison.analyses, strict=True):
        for note in caveats(analysis):
            found.setdefault(note, []).append(label)
    everywhere = len(comparison.labels)
    return [("all" if len(labels) == everywhere else ", ".join(labels), note) for note, labels in found.items()]
