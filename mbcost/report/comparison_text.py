"""A comparison on a terminal, as Markdown for a pull request, and as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from mbcost.errors import printable
from mbcost.latency import GROUPS
from mbcost.report import numbers
from mbcost.report.comparison import FEWEST, Comparison, in_common
from mbcost.report.export import escaped, markdown_table
from mbcost.report.terminal import ANSWER, Column, Screen, bullets, heading, next_steps, section, table
from mbcost.report.view import caveats

_SUBJECT_HEAD = ("", "ms", "x", "90 % interval", "MACs", "x", "params", "GMAC/s", "peak memory")
#: Share of the time in layers with a partner, from which the layers tell what moved; below it, places do.
_ALIKE: Final = 0.5
#: Labels of two subjects up to this length stand in sentences; longer ones, and those of several, give way to letters.
_LONG: Final = 32


def comparison_screen(
    comparison: Comparison, screen: Screen, *, limit: int | None = 10, steps: Sequence[tuple[str, str]] = ()
) -> str:
    """The whole screen as text: the verdict, why, by class, by part, what moved, caveats.

    Parameters
    ----------
    limit
        Layers that moved most, of each comparison; None for all.
    steps
        What to do next and the command that does it, for a terminal.
    """
    others = range(1, len(comparison.analyses))
    title = Text(printable(comparison.headline(), limit=1000), style="bold")
    same = Text(printable(f"all with {in_common(comparison.analyses)}", limit=1000), style="dim")
    parts: list[RenderableType] = [section(title, same, _subject_table(comparison, screen))]
    parts.append(section(heading("Why"), bullets([_brief(text, comparison) for text in _why(comparison)], screen)))
    letters = _letters(comparison)
    names = [Column(f"ms {letter}", "right") for letter in letters]
    classes = [Column("operator class", narrow="cut"), *names]
    classes += [Column("B - A", "right", drop=2)] if len(letters) == FEWEST else []
    classes += [Column(f"MACs {letter}", "right", drop=1) for letter in letters]
    parts.append(section(heading("By operator class"), table(classes, _class_rows(comparison), screen)))
    spent_on = [Column("spent on"), *names]
    parts.append(section(heading("By what the time is spent on"), table(spent_on, _part_rows(comparison), screen)))
    parts += [_moved(comparison, number, limit, screen) for number in others]
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
        Column("MACs", "right", drop=2),
        Column("x", "right", drop=2),
        Column("params", "right", drop=4),
        Column("GMAC/s", "right", drop=3),
        Column("peak memory", "right", drop=5),
    ]
    rows: list[tuple[str, ...]] = []
    for letter, analysis, row in zip(_letters(comparison), comparison.analyses, _subjects(comparison), strict=True):
        image = numbers.significant(analysis.latency_s / analysis.batch * 1e3)
        rows.append((letter, *row[:3], image, *row[3:]))
    if comparison.same_batch:
        columns, rows = columns[:4] + columns[5:], [row[:4] + row[5:] for row in rows]
    return table(columns, rows, screen)


def _brief(text: str, comparison: Comparison) -> str:
    """A text with the letters of the subjects in the place of their labels, if these are long or many."""
    labels = dict(zip(comparison.labels, _letters(comparison), strict=True))
    if len(labels) == FEWEST and max(map(len, labels)) <= _LONG:
        return text
    for label in sorted(labels, key=len, reverse=True):
        text = re.sub(rf"(?<![\w@/]){re.escape(label)}(?![\w@/])", labels[label], text)
    return text


def _why(comparison: Comparison) -> list[str]:
    """The verdicts; those of each of several in one paragraph, behind the times that the table has."""
    if len(comparison.analyses) == FEWEST:
        return comparison.verdicts(1)
    return [
        f"{label}: {' '.join(comparison.verdicts(number)[1:]) or 'see the table.'}"
        for number, label in enumerate(comparison.labels)
        if number
    ]


def _subjects(comparison: Comparison) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for number, (label, analysis) in enumerate(zip(comparison.labels, comparison.analyses, strict=True)):
        totals = analysis.totals
        rate = totals.macs / analysis.latency_s / 1e9 if analysis.latency_s else 0.0
        low, high = (numbers.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
        rows.append(
            (
                label,
                numbers.significant(analysis.latency_s * 1e3),
                numbers.significant(comparison.ratio(number)),
                f"{low} to {high}",
                numbers.si(totals.macs),
                numbers.significant(comparison.macs_ratio(number)),
                numbers.si(totals.params),
                numbers.significant(rate),
                numbers.size(totals.peak_activation_bytes),
            )
        )
    return rows


def _letters(comparison: Comparison) -> str:
    return "ABCDEF"[: len(comparison.analyses)]


def _class_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The times of each class, for two analyses their difference, and the MACs."""
    entries: list[tuple[str, list[tuple[float, int] | None]]] = [
        (name, [times.get(name) for times in comparison.class_times]) for name in comparison.classes
    ]
    total: list[tuple[float, int] | None]
    total = [(analysis.latency_s, analysis.totals.macs) for analysis in comparison.analyses]
    digits = _digits(comparison)
    rows = []
    for name, found in [*entries, ("total", total)]:
        times = [f"{entry[0] * 1e3:.{digits}f}" if entry else numbers.NOTHING for entry in found]
        macs = [numbers.si(entry[1], 3) if entry and entry[1] else numbers.NOTHING for entry in found]
        seconds = [entry[0] if entry else 0.0 for entry in found]
        change = [f"{(seconds[1] - seconds[0]) * 1e3:+.{digits}f}"] if len(found) == FEWEST else []
        rows.append((name, *times, *change, *macs))
    return rows


def _digits(comparison: Comparison) -> int:
    """Decimals of milliseconds, for the shortest of the latencies."""
    return numbers.decimals_for(min(analysis.latency_s for analysis in comparison.analyses) * 1e3)


def _part_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    digits = _digits(comparison)
    return [
        (name, *(f"{parts[place] * 1e3:.{digits}f}" for parts in comparison.parts))
        for place, name in enumerate(GROUPS)
        if any(parts[place] for parts in comparison.parts)
    ]


def _moved(comparison: Comparison, number: int, limit: int | None, screen: Screen) -> RenderableType:
    share = comparison.matched_share(number)
    label, letter = _brief(comparison.labels[number], comparison), _letters(comparison)[number]
    changes = [
        Column("ms A", "right", drop=2),
        Column(f"ms {letter}", "right", drop=2),
        Column(f"{letter} - A", "right"),
        Column("why", narrow="wrap", least=20, drop=1),
    ]
    if share >= _ALIKE:
        title = heading(f"What moved in {label}", f"{share:.0%} of the time in layers matched by name or place")
        columns = [Column("layer", narrow="squeeze", least=24), *changes]
        return section(title, table(columns, _pair_rows(comparison, number, limit), screen))
    note = f"{share:.0%} of the time in layers that match, so by class and image size"
    columns = [
        Column("operator class", narrow="cut", least=18),
        Column("output", "right"),
        Column("kernels", "right", drop=3),
        *changes,
    ]
    title = heading(f"Where {label} differs", note)
    return section(title, table(columns, _place_rows(comparison, number, limit), screen))


def _pair_rows(comparison: Comparison, number: int, limit: int | None) -> list[tuple[str, ...]]:
    pairs = [pair for pair in comparison.moved(number) if pair.difference_s]
    digits = _digits(comparison)
    rows: list[tuple[str, ...]] = []
    for pair in pairs[:limit]:
        times = [f"{row.latency_s * 1e3:.{digits}f}" if row else numbers.NOTHING for row in (pair.first, pair.other)]
        rows.append((pair.name, *times, f"{pair.difference_s * 1e3:+.{digits}f}", comparison.reason(pair)))
    return rows + _others([pair.difference_s for pair in pairs[len(rows) :]], digits, blank=2)


def _place_rows(comparison: Comparison, number: int, limit: int | None) -> list[tuple[str, ...]]:
    places = [place for place in comparison.places(number) if place.difference_s]
    digits = _digits(comparison)
    rows: list[tuple[str, ...]] = []
    for place in places[:limit]:
        times = [f"{seconds * 1e3:.{digits}f}" if seconds else numbers.NOTHING for seconds in place.seconds]
        kernels = f"{place.counts[0]}, {place.counts[1]}"
        change = f"{place.difference_s * 1e3:+.{digits}f}"
        rows.append((place.name, place.size, kernels, *times, change, comparison.reason_of(place)))
    return rows + _others([place.difference_s for place in places[len(rows) :]], digits, blank=4)


def _others(seconds: Sequence[float], digits: int, *, blank: int) -> list[tuple[str, ...]]:
    """The row of what is not listed, if anything is not."""
    if not seconds:
        return []
    return [(f"{len(seconds)} others together", *[""] * blank, f"{sum(seconds) * 1e3:+.{digits}f}", "")]


def _notes(comparison: Comparison) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for label, analysis in zip(comparison.labels, comparison.analyses, strict=True):
        for note in caveats(analysis):
            found.setdefault(note, []).append(label)
    everywhere = len(comparison.labels)
    return [("all" if len(labels) == everywhere else ", ".join(labels), note) for note, labels in found.items()]


def to_markdown(comparison: Comparison, *, limit: int | None = 10) -> str:
    """The verdict, subjects, why, classes, and what moved most: layers, or places where the layers do not match."""
    letters = _letters(comparison)
    subjects = [(f"{letter} {row[0]}", *row[1:]) for letter, row in zip(letters, _subjects(comparison), strict=True)]
    parts = [
        f"**{escaped(comparison.headline())}**",
        markdown_table(_SUBJECT_HEAD, "-rrrrrrrr", _escape_first(subjects)),
        "\n".join(f"- {escaped(sentence)}" for sentence in _why(comparison)),
    ]
    head = ["operator class", *(f"ms {letter}" for letter in letters)]
    head += [*(["B - A"] if len(letters) == FEWEST else []), *(f"MACs {letter}" for letter in letters)]
    parts.append(markdown_table(head, "-" + "r" * (len(head) - 1), _escape_first(_class_rows(comparison))))
    for number in range(1, len(comparison.analyses)):
        label = escaped(comparison.labels[number])
        times = ("ms before", "ms after", "difference", "why")
        if comparison.matched_share(number) >= _ALIKE:
            rows = _escape_first(_pair_rows(comparison, number, limit))
            parts.append(markdown_table((f"moved in {label}", *times), "-rrr-", rows))
        else:
            rows = _escape_first(_place_rows(comparison, number, limit))
            parts.append(markdown_table((f"moved in {label}", "output", "kernels", *times), "-rrrrr-", rows))
    return "\n\n".join(parts) + "\n"


def _escape_first(rows: Sequence[tuple[str, ...]]) -> list[list[str]]:
    return [[escaped(row[0]), *row[1:]] for row in rows]


def to_csv(comparison: Comparison) -> str:
    """A row a pair of layers, behind the label of what is compared with the first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    sides = ("name", "class", "output_shape", "latency_ms", "macs", "traffic_bytes", "bound")
    first, other = ([f"{side}_{key}" for key in sides] for side in ("first", "other"))
    writer.writerow(["compared", *first, *other, "matched_by", "difference_ms", "reason"])
    for entry in comparison.to_dict()["comparisons"]:
        for pair in entry["layers"]:
            cells = []
            for side in ("first", "other"):
                row = pair[side] or dict.fromkeys(sides, "")
                cells += [numbers.shape(row[key]) if key == "output_shape" else row[key] for key in sides]
            writer.writerow([entry["label"], *cells, pair["matched_by"], pair["difference_ms"], pair["reason"]])
    return text.getvalue()
