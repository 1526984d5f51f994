"""The screen of ``mbcost analyze``: the answer first, then where the time goes, hints, and caveats."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from mbcost import readable
from mbcost.analysis import Analysis
from mbcost.calibration.interval import INTERVAL
from mbcost.errors import printable
from mbcost.insight.breakdown import TimeShare, caveats, interval_source, kernel_times, slowest, term_times, time_by
from mbcost.insight.hints import find_hints
from mbcost.memory.targets import plans_memory
from mbcost.report.rows.physical import (
    energy_line,
    measured_energy_line,
    memory_line,
    resource_rows,
    start_line,
    throughput_line,
)
from mbcost.report.screens.terminal import (
    ANSWER,
    BAR,
    GOOD,
    Column,
    Screen,
    badge,
    bar,
    bullets,
    facts,
    heading,
    next_steps,
    section,
    table,
)
from mbcost.words import GroupBy

_GROUPS = {"op": "operator class", "block": "block", "layer": "layer"}


def analysis_screen(
    analysis: Analysis,
    screen: Screen,
    *,
    limit: int | None = 10,
    group_by: GroupBy = "op",
    memory: bool = False,
    explain: bool = False,
    steps: Sequence[tuple[str, str]] = (),
) -> str:
    """The whole screen as text.

    Parameters
    ----------
    limit
        Number of slowest layers; None for all layers, in execution order.
    memory
        Whether to show RAM and flash; on microcontrollers they are shown first in any case.
    explain
        Whether to show the terms of the latency form, and the values of what is assumed.
    steps
        What to do next and the command that does it, for a terminal.
    """
    parts: list[RenderableType] = [_subject(analysis, screen), _answer(analysis, screen, memory=memory)]
    if kernel_times(analysis):
        parts += [_time_section(analysis, group_by, screen), _layer_section(analysis, limit, screen)]
    hints = find_hints(analysis)
    if hints:
        rows = [
            (hint.change, readable.milliseconds(hint.latency_s), f"-{hint.saving:.0%}", hint.option) for hint in hints
        ]
        columns = [
            Column("change", narrow="cut", least=24),
            Column("latency", "right"),
            Column("saving", "right", GOOD),
            Column("by", drop=1),
        ]
        title = heading("Hints", "the same model, run again with one change; accuracy is not considered")
        parts.append(section(title, table(columns, rows, screen)))
    if explain:
        parts.append(_term_section(analysis, screen))
    if notes := caveats(analysis, values=explain):
        parts.append(section(heading("Caveats"), bullets(notes, screen)))
    return screen.render(*parts, *next_steps(steps, screen))


def _subject(analysis: Analysis, screen: Screen) -> RenderableType:
    graph, target = analysis.layer_graph, analysis.target
    device, processor = target.device, target.processor
    title = Text.assemble(
        (printable(graph.title), "bold"), (" on ", "dim"), (printable(device.title), "bold"), overflow="fold"
    )
    threads = f"{target.threads} of {processor.max_threads} threads" if processor.max_threads > 1 else ""
    network = [
        f"alpha {graph.alpha:g}",
        f"input {graph.input_shape}",
        *(f"{name} {_option(value)}" for name, value in graph.options.items()),
        f"batch {analysis.batch}",
        f"{len(graph.layers)} layers in {len(analysis.kernels)} kernels",
    ]
    hardware = [f"{processor.name} {processor.model}", analysis.runtime.title, target.precision, threads]
    rows = [
        ("network", ", ".join(network)),
        ("target", ", ".join(part for part in [target.name, *hardware] if part)),
    ]
    return section(title, facts(rows, screen))


def _option(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _answer(analysis: Analysis, screen: Screen, *, memory: bool) -> RenderableType:
    totals = analysis.totals
    low, high = (readable.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
    peak = readable.size(totals.peak_activation_bytes)
    latency = Text.assemble(
        (readable.milliseconds(analysis.latency_s), ANSWER),
        f", {INTERVAL:.0%} interval {low} to {high} ms",
        badge(analysis.basis, screen),
        (f" ({printable(interval_source(analysis))})", "dim"),
    )
    rows: list[tuple[str, str | Text]] = [
        ("latency", latency),
        ("throughput", throughput_line(analysis)),
        ("work", f"{readable.si(totals.macs)} MACs, {readable.si(totals.params)} parameters"),
        ("memory", f"{peak} of activations at the peak, {readable.size(totals.weight_bytes)} of weights"),
    ]
    if plans_memory(analysis.target):
        rows.insert(0, ("RAM, flash", memory_line(analysis.memory)))
    elif memory:
        rows.append(("RAM, flash", memory_line(analysis.plan_memory(file=True))))
    if start := start_line(analysis):
        rows.append(("start", start))
    if analysis.measured_energy is not None:
        rows.append(("energy", measured_energy_line(analysis.measured_energy)))
    elif analysis.energy is not None:
        rows.append(("energy", energy_line(analysis.energy)))
    if analysis.resources is not None:
        rows += resource_rows(*analysis.resources)
    if analysis.runtime.lowering == "im2col":
        seconds = sum(layer.lowering_s for layer in analysis.layers)
        share = readable.percent(seconds / analysis.latency_s) if analysis.latency_s else readable.NOTHING
        buffers = f"{readable.size(totals.im2col_bytes)} by im2col, {readable.milliseconds(seconds)}, {share} %"
        rows.append(("lowering", buffers))
    return section(heading("Answer"), facts(rows, screen))


def _time_section(analysis: Analysis, group_by: GroupBy, screen: Screen) -> RenderableType:
    shares = time_by(analysis, group_by)
    digits = readable.decimals_for(analysis.latency_s * 1e3)
    longest = max(share.share for share in shares)
    beside = 40 + max(len(share.label) for share in shares)

    def row(entry: TimeShare) -> Sequence[str]:
        cells = [
            entry.label,
            str(entry.count),
            f"{entry.latency_s * 1e3:.{digits}f}",
            readable.percent(entry.share),
            readable.percent(entry.cumulative),
            readable.percent(entry.macs_share),
            readable.percent(entry.params_share),
        ]
        return [*cells, bar(entry.share / longest, screen, beside=beside)] if screen.terminal else cells

    columns = [
        Column(_GROUPS[group_by], narrow="squeeze", least=24),
        Column("n", "right", drop=2),
        Column("ms", "right"),
        Column("%", "right"),
        Column("cum. %", "right", drop=1),
        Column("MACs %", "right", drop=4),
        Column("params %", "right", drop=5),
    ]
    if screen.terminal:
        columns.append(Column("", style=BAR, drop=3))
    return section(heading(f"Time by {_GROUPS[group_by]}"), table(columns, map(row, shares), screen))


def _term_section(analysis: Analysis, screen: Screen) -> RenderableType:
    """What is counted, at which rate, and where the rate is from."""
    form = analysis.form
    cells = [
        (
            term.name,
            f"{readable.si(term.count)} {term.unit}",
            readable.with_unit(float(term.rate.seconds), f"s per {term.unit}"),
            readable.milliseconds(term.latency_s),
            term.rate.source,
            term.rate.formula,
        )
        for term in term_times(analysis)
    ]
    columns = [
        Column("term"),
        Column("count", "right"),
        Column("rate", "right"),
        Column("alone", "right"),
        Column("source", drop=2),
        Column("rate from", narrow="squeeze", least=24, drop=1),
    ]
    how = "the times add up" if form.overlap == "none" else "where they overlap, the longest counts, kernel by kernel"
    return section(heading("Terms", f"{form.title}; {how}"), table(columns, cells, screen))


def _layer_section(analysis: Analysis, limit: int | None, screen: Screen) -> RenderableType:
    rows = slowest(analysis) if limit is not None else kernel_times(analysis)
    shown = rows[:limit]
    digits = readable.decimals_for(analysis.latency_s * 1e3)
    cells = [
        (
            row.name,
            readable.shape(row.kernel.main.input_shapes[0]),
            readable.shape(row.kernel.main.output_shape),
            f"{row.latency_s * 1e3:.{digits}f}",
            readable.percent(row.share),
            row.estimate.bound or readable.NOTHING,
            readable.si(row.kernel.macs) if row.kernel.macs else readable.NOTHING,
            readable.size(row.traffic_bytes),
            f"{readable.significant(row.macs_per_s / 1e9)}" if row.macs_per_s else readable.NOTHING,
            f"{row.peak_share:.0%}" if row.peak_share else readable.NOTHING,
        )
        for row in shown
    ]
    columns = [
        Column("layer", narrow="squeeze", least=32),
        Column("input", "right", drop=6),
        Column("output", "right", drop=1),
        Column("ms", "right"),
        Column("%", "right"),
        Column("bound by", drop=2),
        Column("MACs", "right", drop=5),
        Column("traffic", "right", drop=7),
        Column("GMAC/s", "right", drop=4),
        Column("of peak", "right", drop=3),
    ]
    if limit is None:
        title = heading("Layers", "in the order they run; those that are fused or take no time are left out")
    else:
        covered = sum(row.share for row in shown)
        title = heading("Slowest layers", f"{len(shown)} of {len(rows)}, {covered:.0%} of the time")
    return section(title, table(columns, cells, screen))
