"""The screen of ``mbcost design``: the design point, its latency and its resources."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from mbcost import readable
from mbcost.devices.fabric import available
from mbcost.errors import printable
from mbcost.fpga.design import TiledDesign
from mbcost.report.rows.physical import resource_rows
from mbcost.report.screens.terminal import Screen, bullets, facts, heading, section

_LOOPS: Final = {
    "tm": "output channels at once",
    "tn": "input channels at once",
    "tr": "rows of a tile",
    "tc": "columns of a tile",
}


def screen(report: TiledDesign, terminal: Screen) -> str:
    """The design point, its latency and its resources."""
    graph, (target, kernels, _), found = report.graph, report.work, report.found
    macs = sum(kernel.macs for kernel in kernels)
    clock = target.processor.clock
    peak = found.point.tm * found.point.tn * clock.value if clock is not None else None
    rate = macs / found.latency_s
    examined = f"{found.examined:,} of {found.candidates:,} evaluated; the others are slower by a lower bound"
    subject: list[tuple[str, str | Text]] = [
        ("network", f"alpha {graph.alpha:g}, input {graph.input_shape}"),
        ("target", f"{target.name}, {target.processor.model}, {target.precision}"),
        ("designs", examined if found.candidates > 1 else "one, as given"),
    ]
    answer: list[tuple[str, str | Text]] = [
        ("latency", Text(readable.milliseconds(found.latency_s), style="bold cyan")),
        ("throughput", f"{readable.significant(1 / found.latency_s)} frames/s"),
        ("rate", f"{readable.si(rate, 3)}MAC/s" + (f", {rate / peak:.0%} of the engine's peak" if peak else "")),
        *((name.capitalize(), f"{value}, {_LOOPS[name]}") for name, value in found.point._asdict().items()),
    ]
    return terminal.render(
        section(
            heading(f"Design for {printable(graph.title)} on {printable(target.device.title)}"),
            facts(subject, terminal),
        ),
        section(heading("Answer"), facts(answer, terminal)),
        section(
            heading("Resources", "used of what the device has"),
            facts(resource_rows(found.needed, available(target.processor)), terminal),
        ),
        *([section(heading("Caveats"), bullets(report.warnings, terminal))] if report.warnings else []),
    )
