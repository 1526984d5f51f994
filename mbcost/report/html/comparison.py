"""The page of a comparison: subjects side by side, and each against the first layer by layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from mbcost import readable
from mbcost.calibration.interval import INTERVAL
from mbcost.errors import printable
from mbcost.insight.breakdown import caveats
from mbcost.insight.comparison import Comparison
from mbcost.report.charts.chart import MARKERS, PALETTE
from mbcost.report.charts.comparison import classes, pairs, parts, places
from mbcost.report.html.measured import small_table
from mbcost.report.html.page import render
from mbcost.report.provenance import NO_ORIGIN, Origin, provenance
from mbcost.report.rows.comparison import ALIKE, place_rows


def comparison_page(comparison: Comparison, origin: Origin = NO_ORIGIN) -> str:
    """The report of a comparison, as HTML."""
    title = f"{comparison.labels[0]} against {', '.join(comparison.labels[1:])}"
    content = comparison.to_dict()
    others = range(1, len(comparison.analyses))
    cards = [_card(comparison, number) for number in range(len(comparison.analyses))]
    data = {
        "palette": PALETTE,
        "markers": MARKERS,
        "comparison": content,
        "cards": cards,
        "charts": {"classes": asdict(classes(comparison)), "parts": asdict(parts(comparison))},
        "pairs": [asdict(pairs(comparison, number)) for number in others],
        "places": [_places(comparison, number) for number in others],
        "caveats": _once(
            (label, [("", text) for text in caveats(analysis)])
            for label, analysis in zip(comparison.labels, comparison.analyses, strict=True)
        ),
        "provenance": _once(
            (label, provenance(analysis, origin))
            for label, analysis in zip(comparison.labels, comparison.analyses, strict=True)
        ),
    }
    summary = [(card["label"], f"{card['value']}, {card['note']} · {card['basis']}") for card in cards]
    return render("comparison", printable(title), data, summary)


def _once(found: Iterable[tuple[str, list[tuple[str, str]]]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What subjects have in common, without a label, then the rest of each."""
    each = list(found)
    shared = [row for row in each[0][1] if all(row in rows for _, rows in each)]
    rest = [(label, [row for row in rows if row not in shared]) for label, rows in each]
    return [(label, rows) for label, rows in [("", shared), *rest] if rows]


def _places(comparison: Comparison, number: int) -> dict[str, Any] | None:
    """The times by class and image size of networks whose layers do not match; None where they do."""
    if comparison.matched_share(number) >= ALIKE:
        return None
    labels = [printable(comparison.labels[subject], 40) for subject in (0, number)]
    head = ["class", "size", "kernels", *(f"ms in {label}" for label in labels), "difference", "why"]
    rows = place_rows(comparison, number, None)
    return {
        "chart": asdict(places(comparison, number)),
        "table": small_table("By class and image size", head, "---rrr-", rows),
    }


def _card(comparison: Comparison, number: int) -> dict[str, Any]:
    analysis = comparison.analyses[number]
    low, high = (readable.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
    ratio = readable.significant(comparison.ratio(number))
    return {
        "label": comparison.labels[number],
        "value": readable.milliseconds(analysis.latency_s),
        "note": f"{INTERVAL:.0%} interval {low} to {high} ms",
        "basis": analysis.basis,
        "work": f"{readable.si(analysis.totals.macs)} MACs, {readable.si(analysis.totals.params)} parameters",
        "number": {
            "value": analysis.latency_s * 1e3,
            "low": analysis.latency_low_s * 1e3,
            "high": analysis.latency_high_s * 1e3,
            "basis": analysis.basis,
        },
        "ratio": f"{ratio} x {comparison.labels[0]}" if number else "baseline",
    }
