"""Charts of a calibration: its rates, and the latencies that it was fitted to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mbcost import readable
from mbcost.errors import printable
from mbcost.report.charts.chart import MARKERS, PALETTE, Chart, names_axis, short
from mbcost.report.charts.measured import GREY, LEGEND, Point, against, line, over, strip

if TYPE_CHECKING:
    from mbcost.calibration.record import Calibration, FittedRate


# -- a calibration ----------------------------------------------------------------------------------------------------

#: State of a rate -> colour, marker.
_STATES: Final = {"data": (PALETTE[0], MARKERS[0]), "prior": (PALETTE[1], MARKERS[1]), "not covered": (GREY, "x")}


def standard_errors(calibration: Calibration) -> dict[str, float]:
    """Posterior standard deviation of every rate [s per unit]."""
    variances = [row[-1] for row in calibration.covariance]
    rates = calibration.rates.items()
    return {name: variance**0.5 * rate.prior for (name, rate), variance in zip(rates, variances, strict=True)}


#: Largest standard error of a rate that is drawn, as the logarithm of a factor. Chosen: a factor of ten.
_MOST_SPREAD: Final = math.log(10)


def _ends(trace: Mapping[str, Any]) -> Iterator[float]:
    """The ends of the bars of a trace."""
    bars = trace["error_x"]
    for ratio, up, down in zip(trace["x"], bars["array"], bars["arrayminus"], strict=True):
        yield from (ratio - down, ratio + up)


def ratio_axis(values: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis of ratios around 1, with ticks at 1, 2 and 5 of every decade."""
    low, high = min([*values, 0.5]), max([*values, 2.0])
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    every = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    ticks = [tick for tick in every if low / 1.15 <= tick <= high * 1.15]
    return {
        "type": "log",
        "range": [math.log10(low / 1.15), math.log10(high * 1.15)],
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [f"x {tick:g}" for tick in ticks],
    }


def rates(calibration: Calibration) -> Chart:
    """Fitted rates as ratios to their priors, with bars of one standard error."""
    errors = standard_errors(calibration)
    found = calibration.rates.items()
    shown: list[tuple[str, FittedRate]] = [(name, rate) for name, rate in found if rate.prior > 0 and rate.seconds > 0]
    data: list[dict[str, Any]] = [line([1, 1], [-0.5, len(shown) - 0.5])]
    for state, (colour, marker) in _STATES.items():
        members = [(place, name, rate) for place, (name, rate) in enumerate(shown) if rate.state == state]
        if not members:
            continue
        ratios = [rate.seconds / rate.prior for _, _, rate in members]
        # a standard error of a rate as a factor, so that it has a place on a logarithmic scale
        factors = [math.exp(min(errors[name] / rate.seconds, _MOST_SPREAD)) for _, name, rate in members]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": state,
                "x": ratios,
                "y": [place for place, _, _ in members],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [ratio * (factor - 1) for ratio, factor in zip(ratios, factors, strict=True)],
                    "arrayminus": [ratio * (1 - 1 / factor) for ratio, factor in zip(ratios, factors, strict=True)],
                    "color": colour,
                    "thickness": 1.5,
                    "width": 4,
                },
                "text": [f"{short(name)}<br>{short(rate.reading)}" for _, name, rate in members],
                "hovertemplate": "%{text}<br>%{x:.3g} x its prior<extra></extra>",
                "marker": {"color": colour, "symbol": marker, "size": 9},
            }
        )
    ends = [end for trace in data[1:] for end in _ends(trace)]
    layout = {
        "xaxis": {"title": {"text": "fitted rate as a ratio to its prior"}, **ratio_axis(ends)},
        "yaxis": names_axis([name for name, _ in shown], 24, zeroline=False),
        "legend": LEGEND,
        "hovermode": "closest",
    }
    decided = len(calibration.by_state("data"))
    summary = (
        f"The measurements decided {decided} of {len(calibration.rates)} rates; bars are standard errors, as factors."
    )
    return Chart("Rates against their priors", summary, data, layout)


def fitted(calibration: Calibration) -> Chart:
    """Fitted over measured latencies."""
    points = [
        Point(number, row.group, row.measured_s * 1e3, row.fitted_s * 1e3)
        for number, row in enumerate(calibration.rows)
    ]
    within = sum(abs(row.fitted_s / row.measured_s - 1) <= 0.1 for row in calibration.rows)
    summary = f"The fit describes {within} of {len(points)} latencies within 10 %, the darker band."
    return against("Measured against fitted", summary, "fitted", points, {})


def left_out(calibration: Calibration) -> Chart:
    """Leave-one-out errors of the latencies."""
    errors = [row.left_out_s / row.measured_s - 1 for row in calibration.rows]
    mean = sum(map(abs, errors)) / len(errors)
    summary = f"Each latency is predicted by a fit without it: mean absolute error {mean:.1%}."
    return strip("Leave-one-out errors", summary, errors, [row.group for row in calibration.rows])


def leverage(calibration: Calibration) -> Chart:
    """Leave-one-out errors over leverage."""
    points = [
        Point(number, row.group, row.leverage, (row.left_out_s / row.measured_s - 1) * 100)
        for number, row in enumerate(calibration.rows)
    ]
    top = max(calibration.rows, key=lambda row: row.leverage)
    total = sum(row.leverage for row in calibration.rows)
    summary = (
        f"{printable(top.name, 60)} has the largest leverage, {top.leverage:.0%}; together the latencies "
        f"decide {readable.significant(total)} rates."
    )
    return over("Leverage", summary, "leverage", points, [row.group for row in calibration.rows])


def shares(calibration: Calibration) -> Chart:
    """The range of each term's share of the time in the measured networks."""
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
        "yaxis": names_axis(names, 24),
        "bargap": 0.4,
    }
    low, high = (readable.significant(bound * 1e3) for bound in calibration.latency_s)
    macs = [readable.si(bound, 3) for bound in calibration.macs]
    summary = f"Latencies from {low} to {high} ms, MACs from {macs[0]} to {macs[1]}."
    return Chart("What the calibration was fitted to", summary, data, layout)


#: Charts of a fitted calibration that still has its rows.
CALIBRATION_CHARTS: Final[Mapping[str, Callable[[Calibration], Chart]]] = {
    "rates": rates,
    "fitted": fitted,
    "left_out": left_out,
    "leverage": leverage,
    "shares": shares,
}
