"""Charts of measured latencies beside predicted ones, as Plotly's JSON: of a validation, and of a calibration's fit.

A point's ``customdata`` is the number of its row, by which a page knows the row's name; :func:`validation_figure`
writes the names beside the points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mbcost.errors import printable
from mbcost.report import numbers
from mbcost.report.figures import MARKERS, PALETTE, Chart, plotly_figure, short, style_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from mbcost.latency.calibration import Calibration, FittedRate
    from mbcost.validation.validating import Validation

#: Bands around the identity line: as far off is what counts as a hit [1].
BANDS: Final = (0.2, 0.1)
#: Width of a group's points in a strip [groups].
_STRIP: Final = 0.7
_GREY: Final = "#888888"
_LEGEND: Final = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}
_SIGNED: Final = "%{y:+.1f} %"


class Point(NamedTuple):
    """A row in a chart: its number, the group that it is coloured by, and where it lies."""

    row: int
    group: str
    x: float
    y: float


def grouped(points: Sequence[Point], groups: Sequence[str], hover: str) -> list[dict[str, Any]]:
    """A trace a group. All charts of the same groups give each the same colour; of very many, the last ones share one.

    Parameters
    ----------
    groups
        That of every row, whether it is among the points or not.
    """
    styles = {name: style_of(number) for number, name in enumerate(dict.fromkeys(groups))}
    members: dict[str, list[Point]] = {name: [] for name in styles}
    for point in points:
        members[point.group].append(point)
    return [_trace(found, short(name), hover, *styles[name]) for name, found in members.items() if found]


def _trace(points: Sequence[Point], name: str, hover: str, colour: str, marker: str) -> dict[str, Any]:
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
    """A line that is part of the background; None interrupts it."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(xs),
        "y": list(ys),
        "line": {"color": _GREY, "width": 1, **style},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def identity(low: float, high: float) -> list[dict[str, Any]]:
    """The line on which predictions are right, and what is within 10 and 20 % of it."""
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
        return Chart(title, "There is no latency to draw.", [], {})
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
        "legend": _LEGEND,
        "hovermode": "closest",
    }
    return Chart(title, summary, data, layout)


def strip(title: str, summary: str, errors: Sequence[float], groups: Sequence[str]) -> Chart:
    """Errors [%] in a strip a group, with the mean of each."""
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
    data = [*levels(-0.5, len(names) - 0.5), *means, *grouped(points, groups, _SIGNED)]
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
        "yaxis": _error_axis(),
        "hovermode": "closest",
    }
    return Chart(title, summary, data, layout)


def levels(left: float, right: float) -> list[dict[str, Any]]:
    """No error, and 10 % up and down."""
    return [line([left, right], [level, level], dash="dash" if level else "solid") for level in (-10, 0, 10)]


def _error_axis() -> dict[str, Any]:
    return {"title": {"text": "error [%]"}, "zeroline": False, "automargin": True}


def over(title: str, summary: str, label: str, points: Sequence[Point], groups: Sequence[str]) -> Chart:
    """Errors [%] over a number; `groups` as for :func:`grouped`."""
    if not points:
        return Chart(title, summary, [], {})
    xs = [point.x for point in points]
    margin = (max(xs) - min(xs)) * 0.06 or abs(max(xs)) * 0.1 or 1.0
    data = [*levels(min(xs) - margin, max(xs) + margin), *grouped(points, groups, f"{label} %{{x:.4g}}: {_SIGNED}")]
    layout = {
        "xaxis": {"title": {"text": label}, "zeroline": False, "range": [min(xs) - margin, max(xs) + margin]},
        "yaxis": _error_axis(),
        "legend": _LEGEND,
        "hovermode": "closest",
    }
    return Chart(title, summary, data, layout)


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
    """The interval of every row as a share of its measured latency, from the shortest latency to the longest."""
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
            data += [line(xs, ys, color=colour), _trace(points, name, _SIGNED, colour, marker)]
    held = sum(validation.covered)
    summary = f"{held} of {len(order)} intervals hold the measured latency, {held / len(order):.0%}; 90 % should."
    layout = {
        "xaxis": {"title": {"text": "latencies, shortest first"}, "zeroline": False, "showgrid": False},
        "yaxis": _error_axis(),
        "legend": _LEGEND,
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
        return Chart(title, f"No row says its {label}.", [], {})
    values = sorted({point.x for point in points})
    means = [(x, sum(of_x) / len(of_x)) for x in values for of_x in [[point.y for point in points if point.x == x]]]
    x, mean = max(means, key=lambda pair: abs(pair[1]))
    only = "the only one" if len(values) == 1 else f"the furthest off of {len(values)}"
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
        MB010 for a name that is none of :data:`VALIDATION_CHARTS`.
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


# -- a calibration ----------------------------------------------------------------------------------------------------

#: How a rate was decided -> colour, marker.
_STATES: Final = {"data": (PALETTE[0], MARKERS[0]), "prior": (PALETTE[1], MARKERS[1]), "not covered": (_GREY, "x")}


def standard_errors(calibration: Calibration) -> dict[str, float]:
    """Posterior standard deviation of every rate [s a unit]."""
    variances = [row[-1] for row in calibration.covariance]
    rates = calibration.rates.items()
    return {name: variance**0.5 * rate.prior for (name, rate), variance in zip(rates, variances, strict=True)}


def rates(calibration: Calibration) -> Chart:
    """Fitted rates in units of their priors, with a standard error up and down."""
    errors = standard_errors(calibration)
    shown: list[tuple[str, FittedRate]] = [(name, rate) for name, rate in calibration.rates.items() if rate.prior > 0]
    data: list[dict[str, Any]] = [line([1, 1], [-0.5, len(shown) - 0.5])]
    for state, (colour, marker) in _STATES.items():
        members = [(place, name, rate) for place, (name, rate) in enumerate(shown) if rate.state == state]
        if not members:
            continue
        spread = [errors[name] / rate.prior for _, name, rate in members]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": state,
                "x": [rate.seconds / rate.prior for _, _, rate in members],
                "y": [place for place, _, _ in members],
                "error_x": {"type": "data", "array": spread, "color": colour, "thickness": 1.5, "width": 4},
                "text": [f"{short(name)}<br>{short(rate.reading)}" for _, name, rate in members],
                "hovertemplate": "%{text}<br>%{x:.3g} x its prior<extra></extra>",
                "marker": {"color": colour, "symbol": marker, "size": 9},
            }
        )
    layout = {
        "xaxis": {"title": {"text": "fitted time a unit, in units of the prior"}, "rangemode": "tozero"},
        "yaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(shown))),
            "ticktext": [short(name, 24) for name, _ in shown],
            "autorange": "reversed",
            "automargin": True,
            "zeroline": False,
        },
        "legend": _LEGEND,
        "hovermode": "closest",
    }
    decided = len(calibration.by_state("data"))
    summary = f"The latencies decided {decided} of {len(calibration.rates)} rates; bars are standard errors."
    return Chart("Rates against their priors", summary, data, layout)


def fitted(calibration: Calibration) -> Chart:
    """Latencies by the fit over measured ones."""
    points = [
        Point(number, row.group, row.measured_s * 1e3, row.fitted_s * 1e3)
        for number, row in enumerate(calibration.rows)
    ]
    within = sum(abs(row.fitted_s / row.measured_s - 1) <= 0.1 for row in calibration.rows)
    summary = f"The fit describes {within} of {len(points)} latencies within 10 %, the darker band."
    return against("Measured against fitted", summary, "fitted", points, {})


def left_out(calibration: Calibration) -> Chart:
    """Errors of each latency by a fit without it."""
    errors = [row.left_out_s / row.measured_s - 1 for row in calibration.rows]
    mean = sum(map(abs, errors)) / len(errors)
    summary = f"Each latency by a fit without it: {mean:.1%} off on average."
    return strip("Leave-one-out errors", summary, errors, [row.group for row in calibration.rows])


def leverage(calibration: Calibration) -> Chart:
    """Errors by a fit without a latency, over how much of its own prediction it decides."""
    points = [
        Point(number, row.group, row.leverage, (row.left_out_s / row.measured_s - 1) * 100)
        for number, row in enumerate(calibration.rows)
    ]
    top = max(calibration.rows, key=lambda row: row.leverage)
    total = sum(row.leverage for row in calibration.rows)
    summary = (
        f"{printable(top.name, 60)} decides {top.leverage:.0%} of its own prediction, the most; together the latencies "
        f"decide {numbers.significant(total)} rates."
    )
    return over("Leverage", summary, "leverage", points, [row.group for row in calibration.rows])


def shares(calibration: Calibration) -> Chart:
    """From which to which share of the time each term makes in what was measured."""
    names = list(calibration.shares)
    found = [calibration.shares[name] for name in names]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "base": [share.low * 100 for share in found],
            "x": [(share.high - share.low) * 100 for share in found],
            "y": list(range(len(names))),
            "text": [f"{short(name)}: {r.low:.0%} to {r.high:.0%}" for name, r in zip(names, found, strict=True)],
            "textposition": "none",
            "hovertemplate": "%{text}<extra></extra>",
            "marker": {"color": PALETTE[0]},
            "showlegend": False,
        }
    ]
    layout = {
        "xaxis": {"title": {"text": "share of the time [%]"}, "range": [0, 100]},
        "yaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(names))),
            "ticktext": [short(name, 24) for name in names],
            "autorange": "reversed",
            "automargin": True,
        },
        "bargap": 0.4,
    }
    low, high = (numbers.significant(bound * 1e3) for bound in calibration.latency_s)
    macs = [numbers.si(bound, 3) for bound in calibration.macs]
    summary = f"Latencies from {low} to {high} ms, MACs from {macs[0]} to {macs[1]}."
    return Chart("What the calibration saw", summary, data, layout)


#: Charts of a calibration that was just fitted.
CALIBRATION_CHARTS: Final[Mapping[str, Callable[[Calibration], Chart]]] = {
    "rates": rates,
    "fitted": fitted,
    "left_out": left_out,
    "leverage": leverage,
    "shares": shares,
}
