"""Results in notebooks: a compact table with bars, in plain HTML without scripts, every name escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from mbcost import readable
from mbcost.analysis import Analysis
from mbcost.calibration.interval import INTERVAL
from mbcost.errors import printable
from mbcost.insight.breakdown import TimeShare, slowest, time_by
from mbcost.latency import GROUPS
from mbcost.report.charts.chart import PALETTE, PART_COLOURS

if TYPE_CHECKING:
    from mbcost.analysis import Analyses
    from mbcost.insight.comparison import Comparison
    from mbcost.insight.validation import Validation
    from mbcost.search.pick import Pick
    from mbcost.search.result import SweepResult

#: Rows of a table.
MOST: Final = 10
_LONGEST: Final = 60
#: Colours are those of the notebook, light or dark, except for the bars.
_STYLE: Final = "border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.4em 0"
_CELL: Final = "padding:.15em .6em;white-space:nowrap;border-bottom:1px solid rgba(128,128,128,.3)"


class Html(str):
    """Markup that is not escaped."""

    __slots__ = ()


def analysis_html(analysis: Analysis) -> str:
    """The latency, the time by operator class with bars split by part, and the slowest layers."""
    groups = time_by(analysis, "op")
    longest = max((group.latency_s for group in groups), default=0.0)
    classes = [
        (
            row.label,
            row.count,
            _ms(row.latency_s),
            readable.percent(row.share),
            parts_bar(row, longest),
        )
        for row in groups[:MOST]
    ]
    found = slowest(analysis)[:MOST]
    layers = [
        (
            row.name,
            readable.shape(row.kernel.main.output_shape),
            _ms(row.latency_s),
            readable.percent(row.share),
            bar(row.share, found[0].share),
            row.estimate.bound or "none",
        )
        for row in found
    ]
    totals = analysis.totals
    low, high = (readable.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
    facts = (
        f"{INTERVAL:.0%} interval {low} to {high} ms · {analysis.basis}; {readable.si(totals.macs)} MACs, "
        f"{readable.si(totals.params)} parameters, {readable.size(totals.peak_activation_bytes)} of activations"
    )
    graph = analysis.layer_graph
    name = f"{graph.title}, alpha {graph.alpha:g}, {graph.input_shape}, on {analysis.target.name}"
    return _block(
        headline(readable.milliseconds(analysis.latency_s), f"{name} {analysis.target.precision}", facts),
        table(("operator class", "n", "ms", "%", legend(groups)), "-rrr-", classes),
        table(("slowest layers", "output", "ms", "%", "", "bound by"), "-rrr--", layers),
        notes(analysis.warnings),
    )


def analyses_html(analyses: Analyses) -> str:
    """A network on several targets: one row per target."""
    longest = max(analysis.latency_s for analysis in analyses)
    rows = []
    for analysis in analyses:
        low, high = (readable.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
        rows.append(
            (
                analysis.target.name,
                analysis.target.precision,
                readable.milliseconds(analysis.latency_s),
                bar(analysis.latency_s, longest),
                f"{low} to {high} ms",
                analysis.basis,
            )
        )
    first = analyses[0]
    title = f"{first.layer_graph.title}, alpha {first.layer_graph.alpha:g}, {first.layer_graph.input_shape}"
    caveats = [f"{analysis.target.name}: {warning}" for analysis in analyses for warning in analysis.warnings]
    head = ("target", "precision", "latency", "", f"{INTERVAL:.0%} interval", "rests on")
    return _block(f"<p>{escaped(title, 200)}</p>", table(head, "--r-r-", rows), notes(caveats))


def pick_html(pick: Pick) -> str:
    """The choice in words, and the front."""
    from mbcost.report.rows.pick import described, front_rows, limit, miss

    budgets = ", ".join(limit(budget) for budget in pick.budgets)
    if pick.pick is None:
        nearest = f"; nearest: {miss(pick.nearest)}" if pick.nearest else ""
        first = f"Nothing fits {budgets}{nearest}"
    else:
        first = f"{described(pick.pick)} fits {budgets}"
    head = ("network", "alpha", "resolution", "top-1 %", "ms", "source", "MACs", "parameters", "")
    return _block(
        f"<p>{escaped(first, 400)}</p>", table(head, "-rrrr-rr-", front_rows(pick)[: 2 * MOST]), notes(pick.notes)
    )


def frame_html(result: Any) -> str:
    """A result in a line, and its frame."""
    frame = result.to_frame()
    kinds = ["r" if kind in "iuf" else "-" for kind in (frame[name].dtype.kind for name in frame.columns)]
    rows = [
        [readable.significant(cell) if isinstance(cell, float) else str(cell) for cell in row]
        for row in frame.head(2 * MOST).itertuples(index=False)
    ]
    return _block(f"<p>{escaped(repr(result)[1:-1], 400)}</p>", table(list(frame.columns), "".join(kinds), rows))


def comparison_html(comparison: Comparison) -> str:
    """The subjects beside each other, what changed and why."""
    longest = max(analysis.latency_s for analysis in comparison.analyses)
    subjects = [
        (
            label,
            readable.milliseconds(analysis.latency_s),
            f"× {readable.significant(comparison.ratio(number))}" if number else "",
            bar(analysis.latency_s, longest),
            analysis.basis,
            readable.si(analysis.totals.macs),
            readable.si(analysis.totals.params),
        )
        for number, (label, analysis) in enumerate(zip(comparison.labels, comparison.analyses, strict=True))
    ]
    classes = [
        (name, *(_ms(times.get(name, (0.0, 0))[0]) for times in comparison.class_times)) for name in comparison.classes
    ]
    others = range(1, len(comparison.analyses))
    return _block(
        table(("", "latency", "", "", "rests on", "MACs", "parameters"), "-rr--rr", subjects),
        "".join(f"<p>{escaped(sentence, 400)}</p>" for number in others for sentence in comparison.verdicts(number)),
        table(("ms by operator class", *comparison.labels), "-" + "r" * len(comparison.labels), classes[:MOST]),
    )


def sweep_html(result: SweepResult) -> str:
    """The front of a sweep, fastest first."""
    columns, front = result.columns, result.front()
    shown = front[: 2 * MOST]
    longest = max((float(columns["latency_ms"][row]) for row in shown), default=0.0)
    rows = [
        (
            f"{columns['architecture'][row]} {columns['alpha'][row]:g} / {result.size_of(row)}",
            columns["target"][row],
            readable.significant(float(columns["latency_ms"][row])),
            bar(float(columns["latency_ms"][row]), longest),
            columns["basis"][row],
            _known(columns["measured_ms"][row], readable.significant),
            _known(columns["top1"][row], lambda value: f"{value:.1f}"),
            readable.si(int(columns["macs"][row])),
        )
        for row in shown
    ]
    more = f", the fastest {len(shown)}" if len(shown) < len(front) else ""
    head = ("configuration", "target", "ms", "", "rests on", "measured ms", "top-1 %", "MACs")
    return _block(
        f"<p>{escaped(repr(result)[1:-1], 400)}; the front{more}:</p>",
        table(head, "--r--rrr", rows),
        notes(result.warnings),
    )


def validation_html(validation: Validation) -> str:
    """The scores by architecture, and the rows with the largest errors."""
    from mbcost.report.rows.validation import ROW, SCORES, row_cells, score_cells, score_line

    scores = validation.score_by(lambda row: row.group)
    worst = max(score.residuals.mape for score in scores.values())
    groups = [
        (name, score.latencies, bar(score.residuals.mape, worst), *score_cells(score)) for name, score in scores.items()
    ]
    score = validation.score()
    name = f"mean abs. error on {validation.target.name} {validation.target.precision}"
    return _block(
        headline(
            f"{score.residuals.mape:.1%}", name, f"{score_line(score).partition(': ')[2]} · {validation.model.basis}"
        ),
        table(("architecture", "n", "", *SCORES), "-r-rrrrr", groups[: 2 * MOST]),
        table(("furthest off", *ROW[1:]), "-rrrr", [row_cells(validation, row) for row in validation.worst()[:5]]),
        notes(validation.warnings),
    )


# -- parts ------------------------------------------------------------------------------------------------------------


def _block(*parts: str) -> str:
    return f"<div>{''.join(parts)}</div>"


def escaped(text: str, longest: int = _LONGEST) -> str:
    """A text on one line, cut, as HTML."""
    clean = printable(text, 4 * longest)
    return html.escape(clean if len(clean) <= longest else f"{clean[: longest - 1]}…")


def headline(value: str, name: str, facts: str) -> str:
    """The answer, its subject and its details."""
    return (
        f'<p style="margin:.2em 0"><strong style="font-size:1.4em">{escaped(value)}</strong> {escaped(name, 200)}<br>'
        f"{escaped(facts, 400)}</p>"
    )


def table(head: Sequence[str], align: str, rows: Iterable[Sequence[Any]]) -> str:
    """A table; the first column heads its rows, `align` has an ``r`` for a right-aligned column, else a ``-``."""
    lines = list(rows)
    if not lines:
        return ""
    titles = "".join(_cell("th", cell, side) for cell, side in zip(head, align, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell('td', cell, side) for cell, side in zip(line, align, strict=True))}</tr>" for line in lines
    )
    return f'<table style="{_STYLE}"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>'


def _cell(tag: str, content: Any, side: str) -> str:
    text = content if isinstance(content, Html) else escaped(str(content))
    return f'<{tag} style="{_CELL};text-align:{"right" if side == "r" else "left"}">{text}</{tag}>'


def bar(value: float, longest: float) -> Html:
    """A bar whose length is proportional to a value."""
    return Html(_bars([(value, PALETTE[0], "")], longest))


def parts_bar(share: TimeShare, longest: float) -> Html:
    """A bar of the parts of a time."""
    parts = zip(share.split_s, PART_COLOURS.values(), GROUPS, strict=True)
    return Html(_bars([(time, colour, f"{name} {_ms(time)} ms") for time, colour, name in parts if time], longest))


def _bars(parts: Iterable[tuple[float, str, str]], longest: float) -> str:
    return "".join(
        f'<span title="{html.escape(title)}" style="display:inline-block;height:.8em;background:{colour};'
        f'width:{8 * value / longest if longest else 0:.3f}em"></span>'
        for value, colour, title in parts
    )


def legend(shares: Iterable[TimeShare]) -> Html:
    """The colours of the parts that take time."""
    sums = [sum(times) for times in zip(*(share.split_s for share in shares), strict=True)]
    return Html(
        " ".join(
            f'<span style="display:inline-block;width:.7em;height:.7em;background:{colour}"></span> {name}'
            for time, colour, name in zip(sums, PART_COLOURS.values(), GROUPS, strict=False)
            if time
        )
    )


def notes(texts: Sequence[str]) -> str:
    """Collapsed remarks."""
    if not texts:
        return ""
    items = "".join(f"<li>{escaped(text, 600)}</li>" for text in texts)
    return f"<details><summary>{len(texts)} caveats</summary><ul>{items}</ul></details>"


def _ms(seconds: float) -> str:
    return readable.significant(seconds * 1e3)


def _known(value: float, text: Any) -> str:
    return readable.NOTHING if value != value else str(text(float(value)))
