"""Charts of a calibration: its rates, and the latencies that it was fitted to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from mbcost import readable
from mbcost.errors import printable
from mbcost.report.charts.chart import MARKERS, PALETTE, Chart, short
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


def rates(calibration: Calibration) -> Chart:
    """Fitted rates as ratios to their priors, with bars of one standard error."""
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
        "xaxis": {"title": {"text": "fitted rate as a ratio to its prior"}, "rangemode": "tozero"},
        "yaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(shown))),
            "ticktext": [short(name, 24) for name, _ in shown],
            "autorange": "reversed",
            "automargin": True,
            "zeroline": False,
        },
        "legend": LEGEND,
        "hovermode": "closest",
    }
    decided = len(calibration.by_state("data"))
    summary = f"The measurements decided {decided} of {len(calibration.rates)} rates; bars are standard errors."
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
        "yaxis": {
            "tickmode": "array",
            "tickvals": list(range(len(names))),
            "ticktext": [short(name, 24) for name in names],
            "autorange": "reversed",
            "automargin": True,
        },
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
