"""Common parts of charts with measured and predicted latencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from mbcost.report.charts.chart import Chart, short, style_of

#: Bands around the identity line: the errors within which a prediction counts as a hit [1].
BANDS: Final = (0.2, 0.1)
#: Width of a group's points in a strip [groups].
_STRIP: Final = 0.7
GREY: Final = "#888888"
LEGEND: Final = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
SIGNED: Final = "%{y:+.1f} %"


class Point(NamedTuple):
    """A row in a chart: its number, the group that selects its colour, and its coordinates."""

    row: int
    group: str
    x: float
    y: float


def grouped(points: Sequence[Point], groups: Sequence[str], hover: str) -> list[dict[str, Any]]:
    """One trace per group. A group has the same colour in all charts; of very many groups, the last ones share one.

    Parameters
    ----------
    groups
        The group of every row, also of those without a point.
    """
    styles = {name: style_of(number) for number, name in enumerate(dict.fromkeys(groups))}
    members: dict[str, list[Point]] = {name: [] for name in styles}
    for point in points:
        members[point.group].append(point)
    return [trace_of(found, short(name), hover, *styles[name]) for name, found in members.items() if found]


def trace_of(points: Sequence[Point], name: str, hover: str, colour: str, marker: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [point.x for point in points],
        "y": [point.y for point in points],
        "customdata": [point.row for point in points],
        "hovertemplate": f"%{{text}}<br>{hover}<extra></extra>",
        "marker": {"color": colour, "symbol": marker, "size": 8 if len(points) < 500 else 5, "opacity": 0.85},
        "showlegend": bool(name),
    }


def line(xs: Sequence[float | None], ys: Sequence[float | None], **style: Any) -> dict[str, Any]:
    """A background line; None interrupts it."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(xs),
        "y": list(ys),
        "line": {"color": GREY, "width": 1, **style},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def identity(low: float, high: float) -> list[dict[str, Any]]:
    """The identity line of exact predictions, with bands of 10 and 20 %."""
    ends = [low, high]
    traces = []
    for band in BANDS:
        lower = line(ends, [end * (1 - band) for end in ends], width=0)
        upper = line(ends, [end * (1 + band) for end in ends], width=0)
        traces += [lower, {**upper, "fill": "tonexty", "fillcolor": "rgba(136,136,136,0.14)"}]
    return [*traces, line(ends, ends, dash="dot")]


def against(
    title: str, summary: str, label: str, points: Sequence[Point], bars: Mapping[int, tuple[float, float]]
) -> Chart:
    """Predicted or fitted over measured latency [ms], log-log: the identity line, its bands and intervals by row."""
    shown = [point for point in points if point.x > 0 and point.y > 0]
    if not shown:
        return Chart(title, "There are no latencies.", [], {})
    values = [value for point in shown for value in (point.x, point.y)]
    low, high = min(values) / 1.3, max(values) * 1.3
    data = identity(low, high)
    if bars:
        xs: list[float | None] = []
        ys: list[float | None] = []
        for point in shown:
            xs += [point.x, point.x, None]
            ys += [*bars[point.row], None]
        data.append(line(xs, ys, width=1))
    groups = [point.group for point in points]
    data += grouped(shown, groups, f"measured %{{x:.4g}} ms, {label} %{{y:.4g}} ms")
    axis = {"type": "log", "exponentformat": "none", "dtick": 1 if high > 30 * low else "D2"}
    layout = {
        "xaxis": {**axis, "title": {"text": "measured [ms]"}},
        "yaxis": {**axis, "title": {"text": f"{label} [ms]"}},
        "legend": LEGEND,
        "hovermode": "closest",
    }
    return Chart(title, summary, data, layout)


def strip(title: str, summary: str, errors: Sequence[float], groups: Sequence[str]) -> Chart:
    """Errors [%] in one strip per group, with the group's mean."""
    names = list(dict.fromkeys(groups))
    members = {name: [row for row, group in enumerate(groups) if group == name] for name in names}
    points, means = [], []
    for place, name in enumerate(names):
        rows = members[name]
        for number, row in enumerate(rows):
            offset = (number + 0.5) / len(rows) - 0.5
            points.append(Point(row, name, place + _STRIP * offset, errors[row] * 100))
        mean = sum(errors[row] for row in rows) / len(rows) * 100
        means.append(line([place - 0.4, place + 0.4], [mean, mean], width=2))
    data = [*levels(-0.5, len(names) - 0.5), *means, *grouped(points, groups, SIGNED)]
    for trace in data:
        trace["showlegend"] = False
    layout = {
        "xaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(names))),
            "ticktext": [short(name, 24) for name in names],
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
        },
        "yaxis": error_axis(),
        "hovermode": "closest",
    }
    return Chart(title, summary, data, layout)


def levels(left: float, right: float) -> list[dict[str, Any]]:
    """Lines at no error and at ±10 %."""
    return [line([left, right], [level, level], dash="dash" if level else "solid") for level in (-10, 0, 10)]


def error_axis() -> dict[str, Any]:
    return {"title": {"text": "error [%]"}, "zeroline": False, "automargin": True}


def over(title: str, summary: str, label: str, points: Sequence[Point], groups: Sequence[str]) -> Chart:
    """Errors [%] over a number; `groups` as for :func:`grouped`."""
    if not points:
        return Chart(title, summary, [], {})
    xs = [point.x for point in points]
    margin = (max(xs) - min(xs)) * 0.06 or abs(max(xs)) * 0.1 or 1.0
    data = [*levels(min(xs) - margin, max(xs) + margin), *grouped(points, groups, f"{label} %{{x:.4g}}: {SIGNED}")]
    layout = {
        "xaxis": {"title": {"text": label}, "zeroline": False, "range": [min(xs) - margin, max(xs) + margin]},
        "yaxis": error_axis(),
        "legend": LEGEND,
        "hovermode": "closest",
    }
    return Chart(title, summary, data, layout)
