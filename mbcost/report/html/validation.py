"""The page of a validation: predicted beside measured latencies, and where the errors are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mbcost import readable
from mbcost.errors import printable
from mbcost.report.charts.validation import VALIDATION_CHARTS
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
from mbcost.report.rows.validation import ROW, SCORES, row_cells, score_cells

if TYPE_CHECKING:
    from mbcost.insight.validation import Validation


#: Rows in the table of the worst.
WORST: Final = 8


def validation_page(validation: Validation, origin: Origin = NO_ORIGIN) -> str:
    """The report of a validation, as HTML.

    Raises
    ------
    InputError
        MB010 if it has more rows than a page takes.
    """
    check_size(len(validation.rows))
    result = validation.to_dict()
    rows = columns_of(result.pop("rows"))
    sections = [
        folded_section("measured", "Measured and predicted", pair=["measured", "intervals"]),
        folded_section(
            "errors", "Where the errors are", ["by_architecture", "by_alpha", "by_resolution"], [_scores(validation)]
        ),
        folded_section("worst", "Furthest off", tables=[_worst(validation)]),
        folded_section("saw", "What the calibration was fitted to", text=_saw(validation)),
    ]
    charts = {name: make(validation) for name, make in VALIDATION_CHARTS.items()}
    columns = [
        column("name", "latency"),
        column("group", "architecture"),
        column("kind", "kind", hidden=True),
        column("alpha", "alpha", "number"),
        column("resolution", "resolution", "number"),
        column("batch", "batch", "number", hidden=True),
        column("measured_ms", "measured ms", "ms"),
        column("predicted_ms", "predicted ms", "ms"),
        column("low_ms", "low ms", "ms", hint="Lower bound of the 90 % interval"),
        column("high_ms", "high ms", "ms", hint="Upper bound of the 90 % interval"),
        column("error", "error", "error", hint="Predicted / measured - 1"),
        column("covered", "in interval", "flag"),
        column("seen", "seen", "flag", hint="Whether the calibration was fitted to it"),
        column("basis", "rests on", hidden=True),
        column("source", "source", hidden=True),
        column("place", "place", hidden=True),
    ]
    facets = [
        facet("group", "Architecture", rows["group"]),
        facet("covered", "In interval", rows["covered"]),
        facet("seen", "Seen", rows["seen"]),
    ]
    data = {
        "result": result,
        "cards": _validation_cards(validation),
        "verdicts": [verdict(validation)],
        "basis": validation.model.basis,
        "caveats": list(validation.warnings),
        "provenance": target_provenance(validation.model, origin) + _sources(validation),
    }
    title = f"Validation of {validation.target.device.title}, {validation.target.name} {validation.target.precision}"
    return measured_page(title, data, sections, charts, columns, rows, facets)


def _validation_cards(validation: Validation) -> list[dict[str, str]]:
    score = validation.score()
    found = score.residuals
    tau = readable.NOTHING if score.kendall_tau is None else f"{score.kendall_tau:.3f}"
    return [
        card("latencies", f"{score.latencies:,}", f"{len(validation.score_by(lambda row: row.group))} architectures"),
        card("mean abs. error", f"{found.mape:.1%}", f"mean error {found.bias:+.1%}"),
        card("within 5 %", f"{found.hit5:.0%}"),
        card("within 10 %", f"{found.hit10:.0%}"),
        card("within 20 %", f"{found.hit20:.0%}"),
        card("in their interval", f"{score.coverage:.0%}", "coverage; 90 % is expected"),
        card("Kendall tau", tau, "1: always in the right order"),
    ]


def verdict(validation: Validation) -> str:
    """The best and the worst architecture, and the row with the largest error."""
    scores = validation.score_by(lambda row: row.group)
    worst = validation.worst()[0]
    row, error = validation.rows[worst], validation.errors[worst]
    text = f"The largest error is that of {printable(row.name, 120)}: {error:+.1%}."
    if len(scores) == 1:
        return text
    best, last = (pick(scores, key=lambda name: scores[name].residuals.mape) for pick in (min, max))
    return (
        f"The mean absolute error of {printable(best, 120)} is {scores[best].residuals.mape:.1%}, "
        f"that of {printable(last, 120)} {scores[last].residuals.mape:.1%}. {text}"
    )


def _scores(validation: Validation) -> dict[str, Any]:
    scores = validation.score_by(lambda row: row.group)
    rows = [[name, f"{score.latencies:,}", *score_cells(score)] for name, score in scores.items()]
    return small_table("Errors by architecture", ["architecture", "n", *SCORES], "-rrrrrr", rows)


def _worst(validation: Validation) -> dict[str, Any]:
    shown = validation.worst()[:WORST]
    table = small_table(
        "Rows with the largest errors", ROW, "-rrrr", [row_cells(validation, number) for number in shown]
    )
    return {**table, "ids": shown}


def _saw(validation: Validation) -> list[str]:
    """The data of the calibration, and which of the rows are part of it."""
    fitted = validation.calibration
    if fitted is None:
        return ["Not calibrated: the rates come from the profile and the runtime's rules, not from these latencies."]
    low, high = (readable.significant(bound * 1e3) for bound in fitted.latency_s)
    macs = [readable.si(bound, 3) for bound in fitted.macs]
    what = f"{fitted.networks:,} latencies from {low} to {high} ms and {macs[0]} to {macs[1]} MACs"
    lines = [f"{fitted.name} of {fitted.date} was fitted to {what}: {fitted.source}."]
    number = validation.seen.count(True)
    if None in validation.seen:
        lines.append("Whether these latencies are among them is unknown: no groups of them have the hash of its data.")
        return lines
    lines.append(f"{number:,} of the {len(validation.rows):,} latencies here are among them, by the hash of its data.")
    for seen, words in ((True, "Latencies in the fit"), (False, "Latencies not in the fit")):
        chosen = [i for i, was in enumerate(validation.seen) if was is seen]
        if chosen:
            found = validation.score(chosen).residuals
            lines.append(f"{words}: mean abs. error {found.mape:.1%}, within 10 % {found.hit10:.0%}.")
    return lines


def _sources(validation: Validation) -> list[tuple[str, str]]:
    sources = dict.fromkeys(row.source or row.location.path for row in validation.rows)
    return [("measurements", printable("; ".join(sources), 2000))]
