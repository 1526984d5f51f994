"""The page of a comparison: subjects side by side, and each against the first layer by layer."""

from __future__ import annotations

from dataclasses import asdict

from mbcost import readable
from mbcost.calibration.interval import INTERVAL
from mbcost.errors import printable
from mbcost.insight.breakdown import caveats
from mbcost.insight.comparison import Comparison
from mbcost.report.charts.chart import MARKERS, PALETTE
from mbcost.report.charts.comparison import classes, pairs, parts
from mbcost.report.html.page import render
from mbcost.report.provenance import NO_ORIGIN, Origin, provenance


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
        "caveats": [
            (label, caveats(analysis)) for label, analysis in zip(comparison.labels, comparison.analyses, strict=True)
        ],
        "provenance": [
            (label, provenance(analysis, origin))
            for label, analysis in zip(comparison.labels, comparison.analyses, strict=True)
        ],
    }
    summary = [(card["label"], f"{card['value']}, {card['note']} · {card['basis']}") for card in cards]
    return render("comparison", printable(title), data, summary)


def _card(comparison: Comparison, number: int) -> dict[str, str]:
    analysis = comparison.analyses[number]
    low, high = (readable.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
    ratio = readable.significant(comparison.ratio(number))
    return {
        "label": comparison.labels[number],
        "value": readable.milliseconds(analysis.latency_s),
        "note": f"{INTERVAL:.0%} interval {low} to {high} ms",
        "basis": analysis.basis,
        "work": f"{readable.si(analysis.totals.macs)} MACs, {readable.si(analysis.totals.params)} parameters",
        "ratio": f"{ratio} x {comparison.labels[0]}" if number else "baseline",
    }
