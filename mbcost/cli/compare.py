"""``mbcost compare``: two to six networks or targets side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mbcost.cli.complete import complete_architecture
from mbcost.cli.options import (
    REPORT,
    Alpha,
    Batch,
    Classes,
    Devices,
    Force,
    InputShape,
    Precision,
    ReportFormatOption,
    ReportOutput,
    Resolution,
    Rho,
    Settings,
    Threads,
    Uncalibrated,
    Unsupported,
    UnsupportedOption,
    calibration_choice,
    read_input_shapes,
    read_settings,
    required_devices,
)
from mbcost.cli.output import REPORT_SUFFIXES, ReportFormat, command_line, deliver, format_of
from mbcost.cli.subjects import Subject, arguments_of, read_subject
from mbcost.errors import call_each
from mbcost.report.provenance import Origin

if TYPE_CHECKING:
    from mbcost.analysis import Analysis
    from mbcost.report.comparison import Comparison
    from mbcost.report.terminal import Screen


def compare(
    context: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="SUBJECT...",
            help="A model as `mbcost analyze` takes it, with what is its own: mobilenet_v2@0.75/192 (alpha, "
            "resolution), mobilenet_v2,device=pixel4,precision=int8,batch=8,threads=2,classes=10.",
            autocompletion=complete_architecture,
            show_default=False,
        ),
    ],
    device: Devices = None,
    precision: Precision = None,
    threads: Threads = None,
    batch: Batch = 1,
    uncalibrated: Uncalibrated = False,
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: Resolution = None,
    settings: Settings = None,
    classes: Classes = None,
    input_shape: InputShape = None,
    unsupported: UnsupportedOption = Unsupported.REFUSE,
    format_: ReportFormatOption = None,
    output: ReportOutput = None,
    force: Force = False,
    top: Annotated[
        int, typer.Option(metavar="N", help="Layers that moved most to list.", min=1, rich_help_panel=REPORT)
    ] = 10,
    all_layers: Annotated[bool, typer.Option("--all", help="List every layer.", rich_help_panel=REPORT)] = False,
) -> None:
    """Compare networks, configurations or targets: ratio, difference, what moved and why.

    All that the options say holds for every subject that does not say otherwise itself.
    """
    chosen = format_of(format_, output, REPORT_SUFFIXES, ReportFormat.TABLE)
    subjects = call_each(read_subject, models)
    targets = required_devices(device) if any(subject.device is None for subject in subjects) else []
    shared: dict[str, Any] = {
        "alpha": alpha,
        "rho": rho,
        "resolution": resolution,
        "batch": batch,
        "precision": precision,
        "threads": threads,
        "options": read_settings(settings, classes),
        "calibration": calibration_choice(uncalibrated, None),
        "estimate_unsupported": unsupported is Unsupported.ESTIMATE,
    }
    shapes = read_input_shapes(input_shape)
    from mbcost.importers import is_model
    from mbcost.pipeline import analyze, load
    from mbcost.report.comparison import compare as put_side_by_side
    from mbcost.report.comparison import require_number

    def analyzed(case: tuple[Subject, str]) -> Analysis:
        subject, target = case
        own_shapes = shapes if is_model(subject.model) else None
        spec = load(subject.model, input_shapes=own_shapes, unsupported=unsupported.value)
        return analyze(spec, target, **arguments_of(subject, spec, shared))

    cases = [(subject, target) for subject in subjects for target in ([subject.device] if subject.device else targets)]
    require_number(len(cases))
    comparison = put_side_by_side(call_each(analyzed, cases))
    limit = None if all_layers else top
    origin = Origin(command_line(context), ", ".join(dict.fromkeys(subject.model for subject in subjects)))
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
    steps = [("Layer beside layer, with charts, as a page:", f"{origin.command} -o comparison.html")]
    return lambda screen: comparison_text.comparison_screen(comparison, screen, limit=limit, steps=steps)
