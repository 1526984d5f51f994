"""The pages of a validation and of a calibration: measured latencies beside predicted or fitted ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from mbcost.errors import fail, printable
from mbcost.report import numbers
from mbcost.report.figures import Chart
from mbcost.report.html.page import render
from mbcost.report.measured_figures import CALIBRATION_CHARTS, VALIDATION_CHARTS, standard_errors
from mbcost.report.measured_text import (
    ROW,
    SCORES,
    SUGGESTION,
    remarks,
    row_cells,
    score_cells,
    suggestion_cells,
    target_of,
)
from mbcost.report.provenance import NO_ORIGIN, Origin, target_provenance

if TYPE_CHECKING:
    from mbcost.latency.calibration import Calibration
    from mbcost.pipeline import TargetModel
    from mbcost.validation.suggestions import Suggestion
    from mbcost.validation.validating import Validation

#: Latencies that a page takes: more make it large and slow.
MOST_ROWS: Final = 10_000
#: Rows among the worst.
WORST: Final = 8


def validation_page(validation: Validation, origin: Origin = NO_ORIGIN) -> str:
    """The report of a validation, as HTML.

    Raises
    ------
    InputError
        MB010 if it has more rows than a page takes.
    """
    _check_size(len(validation.rows))
    result = validation.to_dict()
    rows = _columns(result.pop("rows"))
    sections = [
        _section("measured", "Measured and predicted", pair=["measured", "intervals"]),
        _section(
            "errors", "Where the errors are", ["by_architecture", "by_alpha", "by_resolution"], [_scores(validation)]
        ),
        _section("worst", "Furthest off", tables=[_worst(validation)]),
        _section("saw", "What the calibration saw", text=_saw(validation)),
    ]
    charts = {name: make(validation) for name, make in VALIDATION_CHARTS.items()}
    columns = [
        _column("name", "latency"),
        _column("group", "architecture"),
        _column("kind", "kind", hidden=True),
        _column("alpha", "alpha", "number"),
        _column("resolution", "resolution", "number"),
        _column("batch", "batch", "number", hidden=True),
        _column("measured_ms", "measured ms", "ms"),
        _column("predicted_ms", "predicted ms", "ms"),
        _column("low_ms", "low ms", "ms", hint="Lower bound of the 90 % interval"),
        _column("high_ms", "high ms", "ms", hint="Upper bound of the 90 % interval"),
        _column("error", "error", "error", hint="Predicted over measured, less 1"),
        _column("covered", "in interval", "flag"),
        _column("seen", "seen", "flag", hint="Whether the calibration was fitted to it"),
        _column("source", "source", hidden=True),
        _column("place", "place", hidden=True),
    ]
    facets = [
        _facet("group", "Architecture", rows["group"]),
        _facet("covered", "In interval", rows["covered"]),
        _facet("seen", "Seen", rows["seen"]),
    ]
    data = {
        "result": result,
        "cards": _validation_cards(validation),
        "verdicts": [verdict(validation)],
        "caveats": list(validation.warnings),
        "provenance": target_provenance(validation.model, origin) + _sources(validation),
    }
    title = f"Validation of {validation.target.device.title}, {validation.target.name} {validation.target.precision}"
    return _page(title, data, sections, charts, columns, rows, facets)


def _validation_cards(validation: Validation) -> list[dict[str, str]]:
    score = validation.score()
    found = score.residuals
    tau = numbers.NOTHING if score.kendall_tau is None else f"{score.kendall_tau:.3f}"
    return [
        _card("latencies", f"{score.latencies:,}", f"{len(validation.score_by(lambda row: row.group))} architectures"),
        _card("mean abs. error", f"{found.mape:.1%}", f"mean error {found.bias:+.1%}"),
        _card("within 5 %", f"{found.hit5:.0%}"),
        _card("within 10 %", f"{found.hit10:.0%}"),
        _card("within 20 %", f"{found.hit20:.0%}"),
        _card("in their interval", f"{score.coverage:.0%}", "90 % should be"),
        _card("Kendall tau", tau, "1: always in the right order"),
    ]


def verdict(validation: Validation) -> str:
    """How far off, where most, and by how much at worst."""
    scores = validation.score_by(lambda row: row.group)
    worst = validation.worst()[0]
    row, error = validation.rows[worst], validation.errors[worst]
    text = f"Furthest off is {printable(row.name, 120)}: {error:+.1%}."
    if len(scores) == 1:
        return text
    best, last = (pick(scores, key=lambda name: scores[name].residuals.mape) for pick in (min, max))
    return (
        f"{printable(best, 120)} is off by {scores[best].residuals.mape:.1%} on average, "
        f"{printable(last, 120)} by {scores[last].residuals.mape:.1%}. {text}"
    )


def _scores(validation: Validation) -> dict[str, Any]:
    scores = validation.score_by(lambda row: row.group)
    rows = [[name, f"{score.latencies:,}", *score_cells(score)] for name, score in scores.items()]
    return _table("Errors by architecture", ["architecture", "n", *SCORES], "-rrrrrr", rows)


def _worst(validation: Validation) -> dict[str, Any]:
    shown = validation.worst()[:WORST]
    table = _table("Rows with the largest errors", ROW, "-rrrr", [row_cells(validation, number) for number in shown])
    return {**table, "ids": shown}


def _saw(validation: Validation) -> list[str]:
    """What the calibration was fitted to, and which rows are of it."""
    fitted = validation.calibration
    if fitted is None:
        return ["No calibration went in: rates come from the profile and the runtime's rules, which saw none of this."]
    low, high = (numbers.significant(bound * 1e3) for bound in fitted.latency_s)
    macs = [numbers.si(bound, 3) for bound in fitted.macs]
    what = f"{fitted.networks:,} latencies from {low} to {high} ms and {macs[0]} to {macs[1]} MACs"
    lines = [f"{fitted.name} of {fitted.date} was fitted to {what}: {fitted.source}."]
    number = validation.seen.count(True)
    if None in validation.seen:
        lines.append(
            "Whether these latencies are among them cannot be told: no groups of them have the hash of its data."
        )
        return lines
    lines.append(f"{number:,} of the {len(validation.rows):,} latencies here are among them, by the hash of its data.")
    for seen, words in ((True, "Those that it saw"), (False, "Those that it did not see")):
        chosen = [i for i, was in enumerate(validation.seen) if was is seen]
        if chosen:
            found = validation.score(chosen).residuals
            lines.append(f"{words}: mean abs. error {found.mape:.1%}, within 10 % {found.hit10:.0%}.")
    return lines


def _sources(validation: Validation) -> list[tuple[str, str]]:
    sources = dict.fromkeys(row.source or row.location.path for row in validation.rows)
    return [("measurements", printable("; ".join(sources), 2000))]


# -- a calibration ----------------------------------------------------------------------------------------------------


def calibration_page(
    calibration: Calibration,
    prior: TargetModel,
    suggestions: Sequence[Suggestion] = (),
    warnings: Sequence[str] = (),
    origin: Origin = NO_ORIGIN,
) -> str:
    """The report of a calibration that was just fitted, as HTML.

    Parameters
    ----------
    prior
        The target without the calibration: its rates are the priors.
    suggestions
        What to measure next.
    warnings
        About rows that the fit cannot describe.

    Raises
    ------
    InputError
        MB010 if there are no rows, as in a calibration that was read from a file, or more than a page takes.
    """
    if not calibration.rows:
        fail(
            "MB010", f"{calibration.name} does not hold what it was fitted to", hint="`mbcost calibrate` fits it again"
        )
    _check_size(len(calibration.rows))
    sections = [
        _section("rates", "Rates", ["rates"], [_rates(calibration, prior)]),
        _section("fit", "Measured and fitted", pair=["fitted", "left_out"]),
        _section("saw", "What it was fitted to", pair=["leverage", "shares"]),
    ]
    if suggestions:
        cells = [suggestion_cells(one) for one in suggestions]
        sections.append(
            _section("next", "What to measure next", tables=[_table("Best first", SUGGESTION, "-rrr-", cells)])
        )
    rows = _columns(
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
        _column("name", "latency"),
        _column("group", "architecture"),
        _column("measured_ms", "measured ms", "ms"),
        _column("fitted_ms", "fitted ms", "ms"),
        _column("error", "error", "error", hint="Fitted over measured, less 1"),
        _column("left_out", "left out", "error", hint="Error by a fit without it"),
        _column("group_out", "group left out", "error", hint="Error by a fit without its architecture"),
        _column("leverage", "leverage", "share", hint="How much of its own prediction it decides"),
        _column("weight", "weight", "share", hint="Less than 100 % for a row that the fit cannot describe"),
    ]
    data = {
        "result": None,
        "cards": _calibration_cards(calibration),
        "verdicts": [f"{line[0].upper()}{line[1:]}." for line in remarks(calibration)],
        "caveats": list(warnings),
        "provenance": target_provenance(prior._replace(calibration=calibration), origin),
    }
    charts = {name: make(calibration) for name, make in CALIBRATION_CHARTS.items()}
    facets = [_facet("group", "Architecture", rows["group"])]
    return _page(f"Calibration of {target_of(calibration)}", data, sections, charts, columns, rows, facets)


def _calibration_cards(calibration: Calibration) -> list[dict[str, str]]:
    one, group = calibration.residuals, calibration.unseen
    decided = len(calibration.by_state("data"))
    cards = [
        _card("latencies", f"{calibration.networks:,}"),
        _card("rates decided by them", f"{decided} of {len(calibration.rates)}", "the others stay near their prior"),
        _card("leave one out", f"{one.mape:.1%}", f"mean abs. error; within 10 % {one.hit10:.0%}"),
    ]
    if group != one:
        cards.append(
            _card("architecture left out", f"{group.mape:.1%}", f"mean abs. error; within 10 % {group.hit10:.0%}")
        )
    return [*cards, _card("90 % interval", f"÷ × {calibration.interval.factor:.3f}", "at least")]


def _rates(calibration: Calibration, prior: TargetModel) -> dict[str, Any]:
    """Every rate with its prior, its standard error, what decided it and where the prior is from."""
    errors = standard_errors(calibration)
    rows = []
    for name, rate in calibration.rates.items():
        source = prior.rates[name]
        state = f"{rate.state}, at its peak" if rate.at_limit else rate.state
        rows.append(
            [
                name,
                *(f"{seconds(value)} a {rate.unit}" for value in (rate.prior, rate.seconds)),
                f"± {errors[name] / rate.seconds:.1%}" if rate.seconds else numbers.NOTHING,
                rate.reading,
                state,
                f"{source.formula} ({source.source})",
            ]
        )
    head = ["term", "prior", "fitted", "standard error", "that is", "decided by", "where the prior is from"]
    return _table("Rates of the latency form", head, "-rrr---", rows)


def seconds(value: float) -> str:
    """Seconds with the prefix that suits them."""
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"), (1e-12, "ps")):
        if value >= factor:
            return f"{numbers.significant(value / factor)} {unit}"
    return "0 s" if value == 0 else f"{value:.3g} s"


# -- both -------------------------------------------------------------------------------------------------------------


def _page(
    title: str,
    data: Mapping[str, Any],
    sections: list[dict[str, Any]],
    charts: Mapping[str, Chart],
    columns: list[dict[str, Any]],
    rows: Mapping[str, list[Any]],
    facets: list[dict[str, Any]],
) -> str:
    content = {
        **data,
        "sections": sections,
        "charts": {name: asdict(chart) for name, chart in charts.items()},
        "columns": columns,
        "rows": rows,
        "facets": facets,
    }
    summary = [(card["label"], card["value"]) for card in data["cards"]]
    return render("measured", printable(title), content, summary)


def _check_size(rows: int) -> None:
    if rows > MOST_ROWS:
        hint = "write .csv or .json, or fewer rows"
        fail("MB010", f"a page takes {MOST_ROWS:,} latencies, there are {rows:,}", hint=hint)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in rows[0]}


def _card(label: str, value: str, note: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def _section(
    name: str,
    title: str,
    charts: Sequence[str] = (),
    tables: Sequence[dict[str, Any]] = (),
    *,
    pair: Sequence[str] = (),
    text: Sequence[str] = (),
) -> dict[str, Any]:
    """A section: paragraphs, two tall charts, others, tables."""
    return {"id": name, "title": title, "text": text, "pair": pair, "charts": charts, "tables": tables}


def _table(caption: str, head: Sequence[str], align: str, rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A small table; `align` has an ``r`` for a column to the right, else a ``-``."""
    return {"caption": caption, "head": list(head), "align": align, "rows": rows, "ids": None}


def _column(key: str, title: str, kind: str = "text", *, hidden: bool = False, hint: str = "") -> dict[str, Any]:
    return {"key": key, "title": title, "kind": kind, "hidden": hidden, "hint": hint or None}


_FLAGS: Final = {True: "yes", False: "no", None: "cannot be told"}


def _facet(key: str, title: str, values: Sequence[Any]) -> dict[str, Any]:
    """A choice of rows by one of their columns."""
    choices = list(dict.fromkeys(values))
    return {
        "key": key,
        "title": title,
        "choices": [_FLAGS.get(choice, choice) if not isinstance(choice, str) else choice for choice in choices],
        "of": [choices.index(value) for value in values],
    }
