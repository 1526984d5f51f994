"""``mbcost analyze``: one architecture on one or more targets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mbcost.cli.options import (
    REPORT,
    Alpha,
    Batch,
    CalibrationFile,
    Classes,
    Devices,
    Force,
    HostDevice,
    InputShape,
    LoweringOption,
    MacsOption,
    Model,
    OutsideOption,
    ParamsOption,
    Precision,
    ResolutionOption,
    Rho,
    SetDevice,
    Settings,
    Threads,
    Uncalibrated,
    UnsupportedOption,
    Until,
    calibration_choice,
    format_option,
    output_option,
    read_input_shapes,
    read_settings,
    read_size,
    required_devices,
)
from mbcost.cli.output import command_line, format_of, print_note, show
from mbcost.cli.run import CHECK_FAILED
from mbcost.errors import fail
from mbcost.report.formats import ANALYSIS, MEASURED, AnalysisFormat
from mbcost.words import GroupBy

if TYPE_CHECKING:
    from mbcost.analysis import Analysis
    from mbcost.insight.measured import MeasuredAnalysis
    from mbcost.memory.limits import Limits


def analyze(
    context: typer.Context,
    model: Model,
    device: Devices = None,
    host_device: HostDevice = None,
    outside: OutsideOption = "host",
    set_device: SetDevice = None,
    precision: Precision = None,
    threads: Threads = None,
    batch: Batch = None,
    uncalibrated: Uncalibrated = False,
    calibration: CalibrationFile = None,
    lowering: LoweringOption = "auto",
    input_shape: InputShape = None,
    until: Until = None,
    unsupported: UnsupportedOption = "refuse",
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: ResolutionOption = None,
    settings: Settings = None,
    classes: Classes = None,
    params: ParamsOption = "affine",
    macs: MacsOption = "products",
    format_: Annotated[AnalysisFormat | None, format_option()] = None,
    output: Annotated[Path | None, output_option(ANALYSIS)] = None,
    force: Force = False,
    top: Annotated[int, typer.Option(metavar="N", help="Slowest layers to list.", min=1, rich_help_panel=REPORT)] = 10,
    all_layers: Annotated[
        bool, typer.Option("--all", help="List every layer, in the order they run.", rich_help_panel=REPORT)
    ] = False,
    group_by: Annotated[GroupBy, typer.Option(help="What to group the time by.", rich_help_panel=REPORT)] = "op",
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Show what is counted, at which rates, and what they rest on.", rich_help_panel=REPORT
        ),
    ] = False,
    max_ms: Annotated[
        float | None,
        typer.Option(metavar="MS", help="Exit with 1 if the latency is above this.", rich_help_panel=REPORT),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Run it on this machine too, which the target has to be: measured beside predicted, by operator.",
            rich_help_panel=REPORT,
        ),
    ] = False,
    max_ram: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Exit with 1 if more RAM is needed: 256KiB.", rich_help_panel=REPORT),
    ] = None,
    max_flash: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Exit with 1 if more flash is needed: 1MiB.", rich_help_panel=REPORT),
    ] = None,
) -> None:
    """Predict the latency of a network, layer by layer, and show where the time goes."""
    chosen = _checked_format(format_, output, measure=measure)
    if output is not None and measure:
        from mbcost.files import check_new

        check_new(output, force=force)
    if max_ms is not None and not 0 < max_ms < math.inf:
        fail("MB010", f"--max-ms is {max_ms:g}, it has to be above 0")
    limits = None
    if max_ram is not None or max_flash is not None:
        from mbcost.memory.limits import read_limits

        limits = read_limits(max_ram, max_flash, prefix="max_")
    fitted = calibration_choice(uncalibrated, calibration)
    from mbcost.networks import load
    from mbcost.pipeline import analyze as run
    from mbcost.report.provenance import Origin
    from mbcost.report.show import How

    shapes, size = read_input_shapes(input_shape), read_size(resolution)
    spec = load(model, input_shapes=shapes, unsupported=unsupported, until=until, resolution=size)
    found = run(
        spec,
        required_devices(device, host_device, outside, set_device),
        alpha=alpha,
        rho=rho,
        resolution=size,
        batch=batch,
        precision=precision,
        threads=threads,
        options=read_settings(settings, classes),
        params=params,
        macs=macs,
        unsupported=unsupported,
        calibration=fitted,
        lowering=lowering,
    )
    limit = None if all_layers else top
    if measure:
        as_it_is = (alpha, rho, size, shapes, until, settings, classes) == (1.0, None, None, {}, None, None, None)
        result = _measured(found, model if as_it_is else None)
        show(result, chosen, How(limit=limit), output, force=force)
        _check(found, max_ms, limits)
        return
    command = command_line(context)
    steps = [("Every layer, the roofline and each number explained, as a page:", f"{command} -o report.html")]
    if not all_layers:
        steps.append(("Every layer in the order they run:", f"{command} --all"))
    origin = Origin(command, model)
    how = How(limit=limit, group_by=group_by, memory=limits is not None, explain=explain, steps=steps, origin=origin)
    show(found, chosen, how, output, force=force)
    if chosen == "csv":
        _print_warnings(found)
    _check(found, max_ms, limits)


def _checked_format(given: AnalysisFormat | None, output: Path | None, *, measure: bool) -> AnalysisFormat:
    """The format; what is measured has some of those of an analysis."""
    if not measure:
        return format_of(given, output, ANALYSIS)
    if given is not None and given not in MEASURED:
        fail("MB010", f"--measure has no format {given}", hint=f"one of {', '.join(MEASURED)}")
    return format_of(given, output, MEASURED)


def _measured(analyses: Sequence[Analysis], model: str | None) -> MeasuredAnalysis:
    """Measure what was analysed: a model file itself where the runtime reads its kind."""
    from mbcost.cli.bench import progress, warn_of_load
    from mbcost.insight.measured import measure
    from mbcost.runner.engines import ENGINES

    if len(analyses) > 1:
        fail("MB010", "--measure runs one target, that of this machine", hint="give one --device")
    (analysis,) = analyses
    engine = ENGINES.get(analysis.target.runtime)
    is_file = model is not None and engine is not None and Path(model).suffix.lower() == engine.suffix
    with progress() as on_progress:
        result = measure(analysis, model if is_file else None, on_progress=on_progress)
    warn_of_load(result.busy)
    return result


def _print_warnings(analyses: Sequence[Analysis]) -> None:
    for analysis in analyses:
        for warning in analysis.warnings:
            print_note(f"warning: {analysis.target.name}: {warning}")


def _check(analyses: Sequence[Analysis], max_ms: float | None, limits: Limits | None) -> None:
    """Say what exceeds the limits that were given, and exit with 1 if anything does."""
    misses = [] if max_ms is None else _too_slow(analyses, max_ms)
    if limits is not None:
        misses += _too_large(analyses, limits)
    for miss in misses:
        print_note(f"check failed: {miss}")
    if misses:
        raise typer.Exit(CHECK_FAILED)


def _too_slow(analyses: Sequence[Analysis], max_ms: float) -> list[str]:
    found = [(analysis.target.name, analysis.latency_s * 1e3) for analysis in analyses]
    return [f"{name} takes {ms:.4g} ms, --max-ms is {max_ms:g}" for name, ms in found if ms > max_ms]


def _too_large(analyses: Sequence[Analysis], limits: Limits) -> list[str]:
    from mbcost.memory.limits import excesses

    return [
        f"{analysis.target.name} needs {excess}"
        for analysis in analyses
        for excess in excesses(analysis.plan_memory(file=True), limits)
    ]
