"""``mbcost analyze``: one architecture on one or more targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mbcost.cli.options import (
    REPORT,
    Alpha,
    Batch,
    CalibrationFile,
    Classes,
    Devices,
    Force,
    InputShape,
    LoweringChoice,
    LoweringOption,
    Macs,
    MacsOption,
    Model,
    Params,
    ParamsOption,
    Precision,
    Resolution,
    Rho,
    Settings,
    Threads,
    Uncalibrated,
    Unsupported,
    UnsupportedOption,
    calibration_choice,
    format_option,
    output_option,
    read_input_shapes,
    read_settings,
    required_devices,
)
from mbcost.cli.output import SUFFIXES, Format, choose_format, command_line, deliver, print_note
from mbcost.errors import call_each, fail
from mbcost.report.provenance import Origin

if TYPE_CHECKING:
    from mbcost.analysis import Analysis
    from mbcost.architectures import ArchitectureSpec
    from mbcost.report.terminal import Screen


class GroupBy(StrEnum):
    """What the time is summed over."""

    OP = "op"
    BLOCK = "block"
    LAYER = "layer"


def analyze(
    context: typer.Context,
    model: Model,
    device: Devices = None,
    precision: Precision = None,
    threads: Threads = None,
    batch: Batch = 1,
    uncalibrated: Uncalibrated = False,
    calibration: CalibrationFile = None,
    lowering: LoweringOption = LoweringChoice.AUTO,
    input_shape: InputShape = None,
    unsupported: UnsupportedOption = Unsupported.REFUSE,
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: Resolution = None,
    settings: Settings = None,
    classes: Classes = None,
    params: ParamsOption = Params.AFFINE,
    macs: MacsOption = Macs.PRODUCTS,
    format_: Annotated[Format | None, format_option()] = None,
    output: Annotated[Path | None, output_option(SUFFIXES)] = None,
    force: Force = False,
    top: Annotated[int, typer.Option(metavar="N", help="Slowest layers to list.", min=1, rich_help_panel=REPORT)] = 10,
    all_layers: Annotated[
        bool, typer.Option("--all", help="List every layer, in the order they run.", rich_help_panel=REPORT)
    ] = False,
    group_by: Annotated[GroupBy, typer.Option(help="What time is summed over.", rich_help_panel=REPORT)] = GroupBy.OP,
    max_ms: Annotated[
        float | None,
        typer.Option(metavar="MS", help="Exit with 1 if the latency is above it.", rich_help_panel=REPORT),
    ] = None,
) -> None:
    """Predict the latency of a network, layer by layer, and show where the time goes."""
    chosen = choose_format(format_, output)
    if max_ms is not None and not 0 < max_ms < math.inf:
        fail("MB010", f"--max-ms is {max_ms:g}, it has to be above 0")
    fitted = calibration_choice(uncalibrated, calibration)
    from mbcost.graph import ParamsConvention
    from mbcost.pipeline import load

    spec = load(model, input_shapes=read_input_shapes(input_shape), unsupported=unsupported.value)
    analyses = analyze_all(
        [spec],
        required_devices(device),
        alpha=alpha,
        rho=rho,
        resolution=resolution,
        batch=batch,
        precision=precision,
        threads=threads,
        options=read_settings(settings, classes),
        params=ParamsConvention(params.value),
        macs=macs.value,
        estimate_unsupported=unsupported is Unsupported.ESTIMATE,
        calibration=fitted,
        lowering=lowering.value,
    )
    limit = None if all_layers else top
    deliver(
        _renderer(chosen, spec, analyses, limit, group_by, Origin(command_line(context), model)), output, force=force
    )
    if chosen is Format.CSV:
        _print_warnings(analyses)
    if max_ms is not None:
        _check_budget(analyses, max_ms)


def analyze_all(specs: Sequence[ArchitectureSpec], targets: Sequence[str], **configuration: Any) -> list[Analysis]:
    """An analysis for each architecture on each target; the problems of all of them are raised together."""
    from mbcost.pipeline import analyze as analyze_one

    return call_each(lambda pair: analyze_one(*pair, **configuration), product(specs, targets))


def _renderer(
    chosen: Format,
    spec: ArchitectureSpec,
    analyses: Sequence[Analysis],
    limit: int | None,
    group_by: GroupBy,
    origin: Origin,
) -> Callable[[Screen], str | bytes]:
    if chosen is Format.TABLE:
        from mbcost.report.screens import analysis_screen

        steps = [
            ("Every layer, the roofline and each number explained, as a page:", f"{origin.command} -o report.html")
        ]
        if limit is not None:
            steps.append(("Every layer in the order they run:", f"{origin.command} --all"))
        return lambda screen: "\n".join(
            analysis_screen(
                analysis,
                spec,
                screen,
                limit=limit,
                group_by=group_by.value,
                steps=steps if analysis is analyses[-1] else (),
            )
            for analysis in analyses
        )
    if chosen is Format.HTML:
        from mbcost.report.html.analysis import analysis_page

        return lambda _: analysis_page(analyses, spec, origin)
    if chosen in {Format.GRAPHML, Format.DOT}:
        return _graph_renderer(chosen, analyses)
    if chosen is Format.TRACE:
        from mbcost.report.trace import to_trace

        return lambda _: to_trace(analyses)
    from mbcost.report import export

    if chosen is Format.MD:
        return lambda _: "\n".join(
            export.to_markdown(analysis, limit=limit, group_by=group_by.value) for analysis in analyses
        )
    if chosen is Format.PARQUET:
        return lambda _: export.to_parquet(analyses)
    to_text = export.to_json if chosen is Format.JSON else export.to_csv
    return lambda _: to_text(analyses)


def _graph_renderer(chosen: Format, analyses: Sequence[Analysis]) -> Callable[[Screen], str | bytes]:
    from mbcost.report.graph_export import annotated, to_dot, to_graphml

    if len(analyses) > 1:
        fail("MB010", "a graph holds the latencies of one target", hint="give one --device")
    graph = annotated(analyses[0].layer_graph, analyses[0])
    return lambda _: (to_dot if chosen is Format.DOT else to_graphml)(graph)


def _print_warnings(analyses: Sequence[Analysis]) -> None:
    for analysis in analyses:
        for warning in analysis.warnings:
            print_note(f"warning: {analysis.target.name}: {warning}")


def _check_budget(analyses: Sequence[Analysis], max_ms: float) -> None:
    slow = [analysis for analysis in analyses if analysis.latency_s * 1e3 > max_ms]
    for analysis in slow:
        latency = analysis.latency_s * 1e3
        print_note(f"check failed: {analysis.target.name} takes {latency:.4g} ms, --max-ms is {max_ms:g}")
    if slow:
        raise typer.Exit(1)
