"""The screen of ``mbcost analyze --measure``: predicted beside measured, the classes of operators, the kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from mbcost import readable
from mbcost.errors import printable
from mbcost.report.rows.measured import CLASSES, KERNELS, class_rows, interval_line, kernel_rows, runs_line
from mbcost.report.screens.terminal import ANSWER, Column, Screen, badge, facts, heading, section, table

if TYPE_CHECKING:
    from mbcost.insight.measured import MeasuredAnalysis


def measured_screen(result: MeasuredAnalysis, screen: Screen, *, limit: int | None = 10) -> str:
    """The whole screen as text, with the `limit` slowest kernels, or all in the order of execution."""
    parts = [_answer(result, screen)]
    if result.kernels:
        columns = [Column(CLASSES[0], narrow="squeeze", least=24), *(Column(head, "right") for head in CLASSES[1:])]
        title = heading("Time by operator class", "of the kernels with operators")
        parts.append(section(title, table(columns, class_rows(result), screen)))
        columns = [
            Column(KERNELS[0], narrow="squeeze", least=24),
            Column(KERNELS[1], narrow="cut", least=16, drop=1),
            *(Column(head, "right") for head in KERNELS[2:]),
        ]
        rows = kernel_rows(result, limit)
        note = f"by the runtime's profiler, {len(rows)} of {len(result.kernels)}"
        title = heading("Kernels" if limit is None else "Slowest kernels", note)
        parts.append(section(title, table(columns, rows, screen)))
    return screen.render(*parts)


def _answer(result: MeasuredAnalysis, screen: Screen) -> RenderableType:
    network, target = (printable(name) for name in (result.analysis.layer_graph.title, result.analysis.target.name))
    title = Text.assemble((network, "bold"), (" on ", "dim"), (target, "bold"), overflow="fold")
    rows: list[tuple[str, str | Text]] = [
        ("measured", Text.assemble((readable.milliseconds(result.latency_s), ANSWER), f", {runs_line(result)}")),
        ("predicted", Text.assemble(interval_line(result), badge(result.analysis.basis, screen))),
    ]
    if result.first_s is not None and result.load_s is not None:
        first, load = readable.milliseconds(result.first_s), readable.milliseconds(result.load_s)
        rows.append(("first inference", f"{first}, after {load} to load the file"))
    return section(title, facts(rows, screen))
