"""The page of a calibration: its rates, and the leave-one-out prediction of each latency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mbcost import readable
from mbcost.errors import fail
from mbcost.report.charts.calibration import CALIBRATION_CHARTS, standard_errors
from mbcost.report.html.measured import (
    card,
    check_size,
    column,
    columns_of,
    facet,
    folded_section,
    measured_page,
    small_table,
)
from mbcost.report.provenance import NO_ORIGIN, Origin, target_provenance
from mbcost.report.rows.calibration import SUGGESTION, remarks, suggestion_cells, target_of

if TYPE_CHECKING:
    from mbcost.calibration.experiment import Suggestion
    from mbcost.calibration.record import Calibration
    from mbcost.prediction import TargetModel


# -- a calibration ----------------------------------------------------------------------------------------------------


def calibration_page(
    calibration: Calibration,
    prior: TargetModel,
    suggestions: Sequence[Suggestion] = (),
    warnings: Sequence[str] = (),
    origin: Origin = NO_ORIGIN,
) -> str:
    """The report of a fitted calibration, as HTML.

    Parameters
    ----------
    prior
        The model of the target without the calibration, whose rates are the priors.
    suggestions
        Networks to measure next.
    warnings
        Warnings about outliers.

    Raises
    ------
    InputError
        MB010 if there are no rows, as in a calibration that was read from a file, or more than a page takes.
    """
    if not calibration.rows:
        fail(
            "MB010", f"{calibration.name} does not hold what it was fitted to", hint="`mbcost calibrate` fits it again"
        )
    check_size(len(calibration.rows))
    sections = [
        folded_section("rates", "Rates", ["rates"], [_rates(calibration, prior)]),
        folded_section("fit", "Measured and fitted", pair=["fitted", "left_out"]),
        folded_section("saw", "What it was fitted to", pair=["leverage", "shares"]),
    ]
    if suggestions:
        cells = [suggestion_cells(one) for one in suggestions]
        sections.append(
            folded_section(
                "next", "What to measure next", tables=[small_table("Best first", SUGGESTION, "-rrr-", cells)]
            )
        )
    rows = columns_of(
        [
            {
                "name": row.name,
                "group": row.group,
                "measured_ms": row.measured_s * 1e3,
                "fitted_ms": row.fitted_s * 1e3,
                "error": row.fitted_s / row.measured_s - 1,
                "left_out": row.left_out_s / row.measured_s - 1,
                "group_out": None if row.group_out_s is None else row.group_out_s / row.measured_s - 1,
                "leverage": row.leverage,
                "weight": row.weight,
            }
            for row in calibration.rows
        ]
    )
    columns = [
        column("name", "latency"),
        column("group", "architecture"),
        column("measured_ms", "measured ms", "ms"),
        column("fitted_ms", "fitted ms", "ms"),
        column("error", "error", "error", hint="Fitted / measured - 1"),
        column("left_out", "left out", "error", hint="Leave-one-out error: by a fit without this row"),
        column(
            "group_out", "group left out", "error", hint="Leave-one-group-out error: by a fit without this architecture"
        ),
        column("leverage", "leverage", "share", hint="Influence of the row on its own prediction"),
        column("weight", "weight", "share", hint="Huber weight: less than 100 % for an outlier"),
    ]
    data = {
        "result": None,
        "cards": _calibration_cards(calibration),
        "basis": None,
        "verdicts": [f"{line[0].upper()}{line[1:]}." for line in remarks(calibration)],
        "caveats": list(warnings),
        "provenance": target_provenance(prior._replace(calibration=calibration), origin),
    }
    charts = {name: make(calibration) for name, make in CALIBRATION_CHARTS.items()}
    facets = [facet("group", "Architecture", rows["group"])]
    return measured_page(f"Calibration of {target_of(calibration)}", data, sections, charts, columns, rows, facets)


def _calibration_cards(calibration: Calibration) -> list[dict[str, str]]:
    one, group = calibration.residuals, calibration.unseen
    decided = len(calibration.by_state("data"))
    cards = [
        card("latencies", f"{calibration.networks:,}"),
        card("rates decided by the data", f"{decided} of {len(calibration.rates)}", "the others stay near their prior"),
        card("leave one out", f"{one.mape:.1%}", f"mean abs. error; within 10 % {one.hit10:.0%}"),
    ]
    if group != one:
        cards.append(
            card("architecture left out", f"{group.mape:.1%}", f"mean abs. error; within 10 % {group.hit10:.0%}")
        )
    return [*cards, card("90 % interval", f"÷ × {calibration.interval.factor:.3f}", "at least")]


def _rates(calibration: Calibration, prior: TargetModel) -> dict[str, Any]:
    """Every rate with its prior, its standard error, what decided it and the source of the prior."""
    errors = standard_errors(calibration)
    rows = []
    for name, rate in calibration.rates.items():
        source = prior.rates[name]
        state = f"{rate.state}, at its peak" if rate.at_limit else rate.state
        rows.append(
            [
                name,
                *(f"{seconds(value)} per {rate.unit}" for value in (rate.prior, rate.seconds)),
                f"± {errors[name] / rate.seconds:.1%}" if rate.seconds else readable.NOTHING,
                rate.reading,
                state,
                f"{source.formula} ({source.source})",
            ]
        )
    head = ["term", "prior", "fitted", "standard error", "throughput", "decided by", "source of the prior"]
    return small_table("Rates of the latency form", head, "-rrr---", rows)


def seconds(value: float) -> str:
    """Seconds with an SI prefix."""
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"), (1e-12, "ps")):
        if value >= factor:
            return f"{readable.significant(value / factor)} {unit}"
    return "0 s" if value == 0 else f"{value:.3g} s"
