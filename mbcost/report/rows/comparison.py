"""The rows of a comparison for its screen and its Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mbcost import readable
from mbcost.insight.comparison import FEWEST, Comparison
from mbcost.latency import GROUPS

#: Least share of the time in matched layers for a comparison by layers; below it, by places. Chosen: the larger part.
ALIKE: Final = 0.5


def reasons_of(comparison: Comparison) -> list[str]:
    """The verdicts; of several comparisons, one paragraph each without the times, which are in the table."""
    if len(comparison.analyses) == FEWEST:
        return comparison.verdicts(1)
    return [
        f"{label}: {' '.join(comparison.verdicts(number)[1:]) or 'see the table.'}"
        for number, label in enumerate(comparison.labels)
        if number
    ]


def subject_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for number, (label, analysis) in enumerate(zip(comparison.labels, comparison.analyses, strict=True)):
        totals = analysis.totals
        rate = totals.macs / analysis.latency_s / 1e9 if analysis.latency_s else 0.0
        low, high = (readable.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
        rows.append(
            (
                label,
                readable.significant(analysis.latency_s * 1e3),
                readable.significant(comparison.ratio(number)),
                f"{low} to {high}",
                analysis.basis,
                readable.si(totals.macs),
                readable.significant(comparison.macs_ratio(number)),
                readable.si(totals.params),
                readable.significant(rate),
                readable.size(totals.peak_activation_bytes),
            )
        )
    return rows


def letters_of(comparison: Comparison) -> str:
    return "ABCDEF"[: len(comparison.analyses)]


def class_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The times of each class, of two analyses also their difference, and the MACs."""
    entries: list[tuple[str, list[tuple[float, int] | None]]] = [
        (name, [times.get(name) for times in comparison.class_times]) for name in comparison.classes
    ]
    total: list[tuple[float, int] | None]
    total = [(analysis.latency_s, analysis.totals.macs) for analysis in comparison.analyses]
    digits = _digits(comparison)
    rows = []
    for name, found in [*entries, ("total", total)]:
        times = [f"{entry[0] * 1e3:.{digits}f}" if entry else readable.NOTHING for entry in found]
        macs = [readable.si(entry[1], 3) if entry and entry[1] else readable.NOTHING for entry in found]
        seconds = [entry[0] if entry else 0.0 for entry in found]
        change = [f"{(seconds[1] - seconds[0]) * 1e3:+.{digits}f}"] if len(found) == FEWEST else []
        rows.append((name, *times, *change, *macs))
    return rows


def _digits(comparison: Comparison) -> int:
    """Decimals of milliseconds, for the shortest of the latencies."""
    return readable.decimals_for(min(analysis.latency_s for analysis in comparison.analyses) * 1e3)


def part_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    digits = _digits(comparison)
    return [
        (name, *(f"{parts[place] * 1e3:.{digits}f}" for parts in comparison.parts))
        for place, name in enumerate(GROUPS)
        if any(parts[place] for parts in comparison.parts)
    ]


def pair_rows(comparison: Comparison, number: int, limit: int | None) -> list[tuple[str, ...]]:
    pairs = [pair for pair in comparison.moved(number) if pair.difference_s]
    digits = _digits(comparison)
    rows: list[tuple[str, ...]] = []
    for pair in pairs[:limit]:
        times = [f"{row.latency_s * 1e3:.{digits}f}" if row else readable.NOTHING for row in (pair.first, pair.other)]
        rows.append((pair.name, *times, f"{pair.difference_s * 1e3:+.{digits}f}", comparison.reason(pair)))
    return rows + _others([pair.difference_s for pair in pairs[len(rows) :]], digits, blank=2)


def place_rows(comparison: Comparison, number: int, limit: int | None) -> list[tuple[str, ...]]:
    places = [place for place in comparison.places(number) if place.difference_s]
    digits = _digits(comparison)
    rows: list[tuple[str, ...]] = []
    for place in places[:limit]:
        times = [f"{seconds * 1e3:.{digits}f}" if seconds else readable.NOTHING for seconds in place.seconds]
        kernels = f"{place.counts[0]}, {place.counts[1]}"
        change = f"{place.difference_s * 1e3:+.{digits}f}"
        rows.append((place.name, place.size, kernels, *times, change, comparison.reason_of(place)))
    return rows + _others([place.difference_s for place in places[len(rows) :]], digits, blank=4)


def _others(seconds: Sequence[float], digits: int, *, blank: int) -> list[tuple[str, ...]]:
    """The row that sums up what is not listed, if anything is not."""
    if not seconds:
        return []
    return [(f"{len(seconds)} others together", *[""] * blank, f"{sum(seconds) * 1e3:+.{digits}f}", "")]
