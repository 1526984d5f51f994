"""``mbcost compare``: two to six networks or targets side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mbcost.cli.analyze import analyze_all
from mbcost.cli.options import (
    Alpha,
    Devices,
    Models,
    Resolution,
    Rho,
    Settings,
    Uncalibrated,
    calibration_choice,
    read_settings,
    required_devices,
)
from mbcost.cli.output import REPORT_SUFFIXES, ReportFormat, command_line, deliver, format_of
from mbcost.errors import call_each
from mbcost.report.provenance import Origin

if TYPE_CHECKING:
    from mbcost.report.comparison import Comparison
    from mbcost.report.terminal import Screen

_TARGET: Final = "Target"
_REPORT: Final = "Report"


def compare(
    context: typer.Context,
    models: Models,
    device: Devices = None,
    precision: Annotated[str | None, typer.Option(metavar="fp32|tf32|fp16|bf16|int8", rich_help_panel=_TARGET)] = None,
    threads: Annotated[int | None, typer.Option(help="Threads on a CPU; default 1.", rich_help_panel=_TARGET)] = None,
    batch: Annotated[int, typer.Option(help="Images an inference.", rich_help_panel=_TARGET)] = 1,
    uncalibrated: Uncalibrated = False,
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: Resolution = None,
    settings: Settings = None,
    format_: Annotated[
        ReportFormat | None, typer.Option("--format", help="Default: table.", rich_help_panel=_REPORT)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write .html, .json, .csv, .md or .txt.", rich_help_panel=_REPORT
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.", rich_help_panel=_REPORT)] = False,
    top: Annotated[
        int, typer.Option(metavar="N", help="Layers that moved most to list.", min=1, rich_help_panel=_REPORT)
    ] = 10,
    all_layers: Annotated[bool, typer.Option("--all", help="List every layer.", rich_help_panel=_REPORT)] = False,
) -> None:
    """Compare networks on a target, or a network on several targets: ratio, difference, what moved and why."""
    chosen = format_of(format_, output, REPORT_SUFFIXES, ReportFormat.TABLE)
    targets = required_devices(device)
    configuration: dict[str, Any] = {
        "alpha": alpha,
        "rho": rho,
        "resolution": resolution,
        "batch": batch,
        "precision": precision,
        "threads": threads,
        "options": read_settings(settings, None),
        "calibration": calibration_choice(uncalibrated, None),
    }
    from mbcost.pipeline import load
    from mbcost.report.comparison import compare as put_side_by_side
    from mbcost.report.comparison import require_number

    require_number(len(models) * len(targets))
    comparison = put_side_by_side(analyze_all(call_each(load, models), targets, **configuration))
    limit = None if all_layers else top
    origin = Origin(command_line(context), ", ".join(models))
    deliver(_renderer(chosen, comparison, limit, origin), output, force=force)


def _renderer(
    chosen: ReportFormat, comparison: Comparison, limit: int | None, origin: Origin
) -> Callable[[Screen], str]:
    if chosen is ReportFormat.HTML:
        from mbcost.report.html.comparison import comparison_page

        return lambda _: comparison_page(comparison, origin)
    if chosen is ReportFormat.JSON:
        from mbcost.report.export import json_text

        return lambda _: json_text(comparison.to_dict())
    from mbcost.report import comparison_text

    if chosen is ReportFormat.MD:
        return lambda _: comparison_text.to_markdown(comparison, limit=limit)
    if chosen is ReportFormat.CSV:
        return lambda _: comparison_text.to_csv(comparison)
    return lambda screen: comparison_text.comparison_screen(comparison, screen, limit=limit)
