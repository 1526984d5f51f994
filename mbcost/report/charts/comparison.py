"""Charts of a comparison: time by class, time by part, and layer against layer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mbcost import readable
from mbcost.errors import printable
from mbcost.insight.comparison import Comparison
from mbcost.latency import GROUPS
from mbcost.report.charts.chart import (
    MARKERS,
    PALETTE,
    PART_COLOURS,
    PART_PATTERNS,
    Chart,
    names_axis,
    plotly_figure,
    short,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go


def comparison_figure(comparison: Comparison, name: str, other: int = 1) -> go.Figure:
    """A chart of a comparison as a Plotly figure, for a notebook; see :meth:`Comparison.figure`."""
    charts = {
        "classes": partial(classes, comparison),
        "parts": partial(parts, comparison),
        "pairs": partial(pairs, comparison, other),
        "places": partial(places, comparison, other),
    }
    return plotly_figure("a comparison", charts, name)


def classes(comparison: Comparison) -> Chart:
    """Time by operator class, one bar per subject."""
    places = list(range(len(comparison.classes)))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": short(label),
            "x": [times.get(name, (0.0, 0))[0] * 1e3 for name in comparison.classes],
            "y": places,
            "text": [f"{readable.si(times.get(name, (0.0, 0))[1], 3)} MACs" for name in comparison.classes],
            "textposition": "none",
            "marker": {"color": PALETTE[number], "pattern": _pattern(number)},
            "hovertemplate": "%{fullData.name}<br>%{x:.4g} ms, %{text}<extra></extra>",
        }
        for number, (label, times) in enumerate(zip(comparison.labels, comparison.class_times, strict=True))
    ]
    layout = {
        "barmode": "group",
        "xaxis": {"title": {"text": "ms"}, "rangemode": "tozero"},
        "yaxis": names_axis(comparison.classes, 24, showgrid=False, zeroline=False),
        "legend": {"orientation": "h", "y": 1.15, "traceorder": "normal"},
    }
    widest = max(range(1, len(comparison.analyses)), key=lambda number: abs(comparison.ratio(number) - 1))
    return Chart("Time by operator class", " ".join(comparison.verdicts(widest)[-1:]), data, layout)


def _pattern(number: int) -> dict[str, Any]:
    shapes = list(PART_PATTERNS.values())
    return {"shape": shapes[number % len(shapes)], "fillmode": "overlay", "fgcolor": "#ffffff", "fgopacity": 0.5}


def parts(comparison: Comparison) -> Chart:
    """Time by part, one bar per subject."""
    places = list(range(len(comparison.analyses)))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": part,
            "x": [split[number] * 1e3 for split in comparison.parts],
            "y": places,
            "marker": {"color": PART_COLOURS[part], "pattern": _pattern(number)},
            "hovertemplate": f"{part} %{{x:.4g}} ms<extra></extra>",
        }
        for number, part in enumerate(GROUPS)
        if any(split[number] for split in comparison.parts)
    ]
    layout = {
        "barmode": "stack",
        "xaxis": {"title": {"text": "ms"}, "rangemode": "tozero"},
        "yaxis": names_axis(comparison.labels, 28, showgrid=False, zeroline=False),
        "legend": {"orientation": "h", "y": 1.15, "traceorder": "normal"},
    }
    summary = "; ".join(
        f"{label} {readable.milliseconds(analysis.latency_s)}"
        for label, analysis in zip(comparison.labels, comparison.analyses, strict=True)
    )
    return Chart("What the time is spent on", f"{summary}.", data, layout)


#: Most bars of :func:`places`; the rest is one more.
_MOST_PLACES: Final = 14


def places(comparison: Comparison, number: int) -> Chart:
    """Time by class and image size in the first and in another, for networks whose layers do not match."""
    found = [place for place in comparison.places(number) if place.difference_s]
    shown, rest = found[:_MOST_PLACES], found[_MOST_PLACES:]
    names = [f"{place.name} {place.size}" for place in shown]
    sides = [[place.seconds[side] * 1e3 for place in shown] for side in (0, 1)]
    if rest:
        names.append(f"{len(rest)} others")
        for side in (0, 1):
            sides[side].append(sum(place.seconds[side] for place in rest) * 1e3)
    subjects = (0, number)
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": short(comparison.labels[subject]),
            "x": times,
            "y": list(range(len(names))),
            "marker": {"color": PALETTE[subject], "pattern": _pattern(subject)},
            "hovertemplate": "%{fullData.name}<br>%{x:.4g} ms<extra></extra>",
        }
        for subject, times in zip(subjects, sides, strict=True)
    ]
    layout = {
        "barmode": "group",
        "xaxis": {"title": {"text": "ms"}, "rangemode": "tozero"},
        "yaxis": names_axis(names, 36, showgrid=False, zeroline=False),
        "legend": {"orientation": "h", "y": 1.12, "traceorder": "normal"},
        "bargap": 0.3,
    }
    summary = (
        f"The layers of the two do not match one by one ({comparison.matched_share(number):.0%} of the time does), so "
        "their times are added up by operator class and by the size of the images; the largest difference comes first."
    )
    return Chart("By class and image size", summary, data, layout)


def pairs(comparison: Comparison, number: int) -> Chart:
    """Matched layers: time in the other over time in the first; points on the diagonal are unchanged."""
    found = [(place, pair) for place, pair in enumerate(comparison.pairs(number))]
    matched = [(place, pair.first, pair.other) for place, pair in found if pair.first and pair.other]
    first, other = comparison.labels[0], comparison.labels[number]
    title = "Layer against layer"
    if not matched:
        return Chart(title, f"No layer of {printable(first, 60)} has a match in {printable(other, 60)}.", [], {})
    xs = [before.latency_s * 1e3 for _, before, _ in matched]
    ys = [after.latency_s * 1e3 for _, _, after in matched]
    ends = [min([*xs, *ys]) / 1.5, max([*xs, *ys]) * 1.5]
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "x": ends,
        "y": ends,
        "line": {"color": "#888888", "dash": "dot", "width": 1},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": xs,
        "y": ys,
        "customdata": [place for place, _, _ in matched],
        "text": [short(before.name) for _, before, _ in matched],
        "hovertemplate": "%{text}<br>%{x:.4g} to %{y:.4g} ms<extra></extra>",
        "marker": {"color": PALETTE[number], "symbol": MARKERS[number], "size": 9, "opacity": 0.8},
        "showlegend": False,
    }
    axis = {"type": "log", "dtick": 1, "exponentformat": "none"}
    layout = {
        "xaxis": {**axis, "title": {"text": f"ms in {short(first)}"}},
        "yaxis": {**axis, "title": {"text": f"ms in {short(other)}"}},
        "hovermode": "closest",
    }
    faster = sum(y < x for x, y in zip(xs, ys, strict=True))
    layers = "1 layer is" if len(matched) == 1 else f"{len(matched)} layers are"
    summary = f"{layers} matched; {faster} of them faster in {printable(other, 60)}."
    return Chart(title, summary, [diagonal, points], layout)
