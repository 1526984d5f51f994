"""A comparison on a terminal, as Markdown for a pull request, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from mbcost.errors import printable
from mbcost.latency import GROUPS
from mbcost.report import numbers
from mbcost.report.comparison import Comparison, Pair
from mbcost.report.export import escaped, markdown_table
from mbcost.report.terminal import Column, Screen, bullets, heading, section, table
from mbcost.report.view import caveats

_SUBJECT_HEAD = ("", "ms", "x", "90 % interval", "MACs", "x", "params", "GMAC/s", "peak memory")
#: Columns of it that a screen below so many characters has room for.
_ROOMY = 100
_NARROW_COLUMNS = 6


def comparison_screen(comparison: Comparison, screen: Screen, *, limit: int | None = 10) -> str:
    """The whole screen as text: the answer, why, by class, by part, what moved, caveats.

    Parameters
    ----------
    limit
        Layers that moved most, of each comparison; None for all.
    """
    others = range(1, len(comparison.analyses))
    title = Text.assemble((printable(comparison.labels[0]), "bold"), (" against ", "dim"))
    title.append(printable(", ".join(comparison.labels[1:])), "bold")
    shown = len(_SUBJECT_HEAD) if screen.width >= _ROOMY else _NARROW_COLUMNS
    columns = [Column("", narrow="cut"), *(Column(name, "right") for name in _SUBJECT_HEAD[1:shown])]
    subjects = [row[:shown] for row in _subjects(comparison)]
    parts: list[RenderableType] = [section(title, table(columns, subjects))]
    sentences = [sentence for number in others for sentence in comparison.verdicts(number)]
    parts.append(section(heading("Why"), bullets(sentences, screen)))
    names = [f"ms {letter}" for letter in _letters(comparison)]
    legend = ", ".join(
        f"{letter} {label}" for letter, label in zip(_letters(comparison), comparison.labels, strict=True)
    )
    classes = [Column("operator class", narrow="cut"), *(Column(name, "right") for name in names)]
    classes += [Column(f"MACs {letter}", "right") for letter in _letters(comparison)]
    parts.append(section(heading("By operator class", legend), table(classes, _class_rows(comparison))))
    spent_on = [Column("spent on"), *(Column(name, "right") for name in names)]
    parts.append(section(heading("By what the time is spent on"), table(spent_on, _part_rows(comparison))))
    parts += [_moved(comparison, number, limit) for number in others]
    notes = [f"{label}: {note}" for label, note in _notes(comparison)]
    if notes:
        parts.append(section(heading("Caveats"), bullets(notes, screen)))
    return screen.render(*parts)


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
    digits = numbers.decimals_for(comparison.first.latency_s * 1e3)
    rows = []
    for name in comparison.classes:
        found = [times.get(name) for times in comparison.class_times]
        times = [f"{entry[0] * 1e3:.{digits}f}" if entry else numbers.NOTHING for entry in found]
        macs = [numbers.si(entry[1], 3) if entry and entry[1] else numbers.NOTHING for entry in found]
        rows.append((name, *times, *macs))
    total = [f"{analysis.latency_s * 1e3:.{digits}f}" for analysis in comparison.analyses]
    return [*rows, ("total", *total, *(numbers.si(analysis.totals.macs, 3) for analysis in comparison.analyses))]


def _part_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    digits = numbers.decimals_for(comparison.first.latency_s * 1e3)
    return [
        (name, *(f"{parts[place] * 1e3:.{digits}f}" for parts in comparison.parts))
        for place, name in enumerate(GROUPS)
        if any(parts[place] for parts in comparison.parts)
    ]


def _moved(comparison: Comparison, number: int, limit: int | None) -> RenderableType:
    pairs = [pair for pair in comparison.moved(number) if pair.difference_s]
    shown = pairs[:limit]
    rest = sum(pair.difference_s for pair in pairs[len(shown) :])
    digits = numbers.decimals_for(comparison.first.latency_s * 1e3)
    rows = [_pair_row(comparison, pair, digits) for pair in shown]
    if len(shown) < len(pairs):
        rows.append((f"{len(pairs) - len(shown)} others together", "", "", f"{rest * 1e3:+.{digits}f}", ""))
    columns = [
        Column("layer", narrow="cut"),
        Column("ms before", "right"),
        Column("ms after", "right"),
        Column("difference", "right"),
        Column("why", narrow="wrap"),
    ]
    matched = sum(pair.first is not None and pair.other is not None for pair in comparison.pairs(number))
    title = heading(f"What moved in {comparison.labels[number]}", f"{matched} layers matched by name or place")
    return section(title, table(columns, rows))


def _pair_row(comparison: Comparison, pair: Pair, digits: int) -> tuple[str, ...]:
    times = [f"{row.latency_s * 1e3:.{digits}f}" if row else numbers.NOTHING for row in (pair.first, pair.other)]
    return pair.name, *times, f"{pair.difference_s * 1e3:+.{digits}f}", comparison.reason(pair)


def _notes(comparison: Comparison) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for label, analysis in zip(comparison.labels, comparison.analyses, strict=True):
        for note in caveats(analysis):
            found.setdefault(note, []).append(label)
    everywhere = len(comparison.labels)
    return [("all" if len(labels) == everywhere else ", ".join(labels), note) for note, labels in found.items()]


def to_markdown(comparison: Comparison, *, limit: int | None = 10) -> str:
    """Subjects, verdicts, classes, and the layers that moved most."""
    parts = [
        markdown_table(_SUBJECT_HEAD, "-rrrrrrrr", _escape_first(_subjects(comparison))),
        "\n".join(
            f"- {escaped(sentence)}"
            for number in range(1, len(comparison.analyses))
            for sentence in comparison.verdicts(number)
        ),
    ]
    letters = _letters(comparison)
    head = ("operator class", *(f"ms {letter}" for letter in letters), *(f"MACs {letter}" for letter in letters))
    parts.append(markdown_table(head, "-" + "r" * 2 * len(letters), _escape_first(_class_rows(comparison))))
    for number in range(1, len(comparison.analyses)):
        digits = numbers.decimals_for(comparison.first.latency_s * 1e3)
        pairs = [pair for pair in comparison.moved(number) if pair.difference_s][:limit]
        rows = _escape_first([_pair_row(comparison, pair, digits) for pair in pairs])
        head = (f"moved in {escaped(comparison.labels[number])}", "ms before", "ms after", "difference", "why")
        parts.append(markdown_table(head, "-rrr-", rows))
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
