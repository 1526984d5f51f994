"""The screen of a streaming design of ``mbcost design``."""

from __future__ import annotations

from rich.text import Text

from mbcost import readable
from mbcost.devices.fabric import available
from mbcost.errors import printable
from mbcost.fpga.design import PipelineDesign
from mbcost.latency.rates import clock
from mbcost.report.rows.physical import resource_rows
from mbcost.report.screens.terminal import Column, Screen, bullets, facts, heading, section, table

#: Number of slowest stages on the screen.
SHOWN = 10


def screen(report: PipelineDesign, terminal: Screen) -> str:
    """Throughput and latency of the pipeline, its resources, and its slowest stages."""
    graph, target, found = report.graph, report.target, report.found
    ticks = clock(target)[1].value
    line, weight = (sum(getattr(stage, f"{part}_brams") for stage in found.stages) / 2 for part in ("line", "weight"))
    answer: list[tuple[str, str | Text]] = [
        ("throughput", Text(f"{readable.significant(ticks / found.interval)} frames/s", style="bold cyan")),
        ("latency", f"{readable.milliseconds(found.latency / ticks)} at most, from the first pixel to the last result"),
        ("interval", f"{found.interval:,} cycles, of {found.slowest.kernel.name}"),
        ("block RAMs", f"{weight:g} for weights, {line:g} for lines, {found.skip_brams / 2:g} beside branches"),
    ]
    slowest = sorted(found.stages, key=lambda stage: stage.interval, reverse=True)[:SHOWN]
    rows = [
        (
            stage.kernel.name,
            readable.shape(stage.kernel.main.output_shape),
            f"{stage.interval:,}",
            f"{stage.interval / found.interval:.0%}",
            f"{stage.multipliers:,}",
            f"{(stage.line_brams + stage.weight_brams) / 2:g}",
        )
        for stage in slowest
    ]
    columns = [Column("stage", narrow="cut"), *(Column(name, "right") for name in _COLUMNS)]
    title = f"Pipeline for {printable(graph.title)} on {printable(target.device.title)}"
    subject: list[tuple[str, str | Text]] = [
        ("network", f"alpha {graph.alpha:g}, input {graph.input_shape}"),
        ("target", f"{target.device.name}/{target.processor.name}, {target.processor.model}, {target.precision}"),
    ]
    return terminal.render(
        section(heading(title), facts(subject, terminal)),
        section(heading("Answer"), facts(answer, terminal)),
        section(
            heading("Resources", "used of what the device has"),
            facts(resource_rows(found.needed, available(target.processor)), terminal),
        ),
        section(heading("Slowest stages", f"{len(rows)} of {len(found.stages)}"), table(columns, rows, terminal)),
        *([section(heading("Caveats"), bullets(report.warnings, terminal))] if report.warnings else []),
    )


_COLUMNS = ("output", "cycles", "busy", "multipliers", "RAMB36")
