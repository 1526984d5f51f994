"""Charts of a validation: predicted beside measured latencies, intervals, and errors by architecture and size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mbcost.errors import printable
from mbcost.report.charts.chart import MARKERS, PALETTE, Chart, plotly_figure, short
from mbcost.report.charts.measured import LEGEND, SIGNED, Point, against, error_axis, line, over, strip, trace_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from mbcost.insight.validation import Validation


# -- a validation -----------------------------------------------------------------------------------------------------


def measured(validation: Validation) -> Chart:
    """Predicted over measured latency with the intervals."""
    rows = enumerate(zip(validation.rows, validation.predicted_s, strict=True))
    points = [Point(number, row.group, row.measured_s * 1e3, time * 1e3) for number, (row, time) in rows]
    bounds = enumerate(zip(validation.low_s, validation.high_s, strict=True))
    bars = {number: (low * 1e3, high * 1e3) for number, (low, high) in bounds}
    found = validation.score().residuals
    summary = (
        f"{found.hit10:.0%} within 10 %, the darker band, {found.hit20:.0%} within 20 %; lines are 90 % intervals."
    )
    return against("Measured against predicted", summary, "predicted", points, bars)


def intervals(validation: Validation) -> Chart:
    """The interval of every row relative to its measured latency, from the shortest latency to the longest."""
    order = sorted(range(len(validation.rows)), key=lambda number: validation.rows[number].measured_s)
    data = [line([-1, len(order)], [0, 0], width=2)]
    for covered, name, colour, marker in (
        (True, "latency within", PALETTE[0], MARKERS[0]),
        (False, "latency outside", PALETTE[5], MARKERS[2]),
    ):
        members = [(place, number) for place, number in enumerate(order) if validation.covered[number] == covered]
        xs: list[float | None] = []
        ys: list[float | None] = []
        for place, number in members:
            bounds = (validation.low_s[number], validation.high_s[number])
            xs += [place, place, None]
            ys += [*((bound / validation.rows[number].measured_s - 1) * 100 for bound in bounds), None]
        points = [Point(number, name, place, validation.errors[number] * 100) for place, number in members]
        if points:
            data += [line(xs, ys, color=colour), trace_of(points, name, SIGNED, colour, marker)]
    held = sum(validation.covered)
    summary = f"{held} of {len(order)} intervals cover the measured latency, {held / len(order):.0%}; 90 % should."
    layout = {
        "xaxis": {"title": {"text": "latencies, shortest first"}, "zeroline": False, "showgrid": False},
        "yaxis": error_axis(),
        "legend": LEGEND,
        "hovermode": "closest",
    }
    return Chart("Intervals", summary, data, layout)


def by_architecture(validation: Validation) -> Chart:
    """Errors of each architecture, or of each operator where kernels were measured."""
    scores = validation.score_by(lambda row: row.group)
    worst = sorted(scores.items(), key=lambda item: item[1].residuals.mape, reverse=True)[:3]
    summary = "; ".join(f"{printable(name, 60)} {score.residuals.bias:+.1%} on average" for name, score in worst)
    return strip("Errors by architecture", f"{summary}.", validation.errors, [row.group for row in validation.rows])


def by_alpha(validation: Validation) -> Chart:
    """Errors over the width multiplier."""
    return _by(validation, "Errors by width", "alpha", lambda row: row.alpha if row.kind == "network" else None)


def by_resolution(validation: Validation) -> Chart:
    """Errors over the resolution of the input."""
    return _by(validation, "Errors by resolution", "resolution", lambda row: row.resolution)


def _by(validation: Validation, title: str, label: str, value: Callable[[Any], float | None]) -> Chart:
    places = [(number, row.group, value(row)) for number, row in enumerate(validation.rows)]
    points = [Point(i, group, x, validation.errors[i] * 100) for i, group, x in places if x is not None]
    if not points:
        return Chart(title, f"No row has a {label}.", [], {})
    values = sorted({point.x for point in points})
    means = [(x, sum(of_x) / len(of_x)) for x in values for of_x in [[point.y for point in points if point.x == x]]]
    x, mean = max(means, key=lambda pair: abs(pair[1]))
    only = "the only one" if len(values) == 1 else f"the worst of {len(values)}"
    summary = f"At {label} {x:g}, {only}, the mean error is {mean:+.1f} %."
    return over(title, summary, label, points, [row.group for row in validation.rows])


VALIDATION_CHARTS: Final[Mapping[str, Callable[[Validation], Chart]]] = {
    "measured": measured,
    "intervals": intervals,
    "by_architecture": by_architecture,
    "by_alpha": by_alpha,
    "by_resolution": by_resolution,
}


def validation_figure(validation: Validation, name: str) -> go.Figure:
    """A chart of a validation as a Plotly figure, for a notebook.

    Raises
    ------
    InputError
        MB010 for a name that is not in :data:`VALIDATION_CHARTS`.
    """
    names = [short(row.name) for row in validation.rows]

    def chart(make: Callable[[Validation], Chart]) -> Chart:
        made = make(validation)
        named = [
            {**trace, "text": [names[row] for row in trace["customdata"]]} if "customdata" in trace else trace
            for trace in made.data
        ]
        return replace(made, data=named)

    charts = {key: partial(chart, make) for key, make in VALIDATION_CHARTS.items()}
    return plotly_figure("a validation", charts, name)
