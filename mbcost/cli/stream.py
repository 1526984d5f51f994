"""``mbcost stream``: frames through a pipeline of stages with buffers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mbcost.cli.options import (
    Alpha,
    CalibrationFile,
    Classes,
    Devices,
    Force,
    HostDevice,
    InputShape,
    LoweringOption,
    Model,
    OutsideOption,
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
    read_whole,
    required_devices,
)
from mbcost.cli.output import command_line, format_of, print_note, show
from mbcost.errors import call_each, fail
from mbcost.report.formats import STREAM, StreamFormat
from mbcost.words import Goal

if TYPE_CHECKING:
    from mbcost.streaming.simulate import Stage

_STREAM = "Stream"


def _stage_option(what: str, unit: str) -> Any:
    return typer.Option(metavar="TIME[@UNIT]", help=f"{what}, such as 3ms or 3ms@{unit}.", rich_help_panel=_STREAM)


def stream(
    context: typer.Context,
    model: Model,
    device: Devices = None,
    host_device: HostDevice = None,
    outside: OutsideOption = "host",
    set_device: SetDevice = None,
    buffers: Annotated[
        str, typer.Option(metavar="NUMBERS", help="Frames in flight at once: 1,2,3.", rich_help_panel=_STREAM)
    ] = "2",
    capture: Annotated[str | None, _stage_option("Capture time", "camera")] = None,
    preprocess: Annotated[str | None, _stage_option("Preprocessing time", "cpu")] = None,
    postprocess: Annotated[str | None, _stage_option("Postprocessing time", "cpu")] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="FPS",
            help="Arriving frames per second; default: as fast as buffers allow.",
            rich_help_panel=_STREAM,
        ),
    ] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Drop frames that arrive while no buffer is free.", rich_help_panel=_STREAM)
    ] = False,
    jitter: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Relative standard deviation of stage times: 0.1.", rich_help_panel=_STREAM),
    ] = 0.0,
    frames: Annotated[int, typer.Option(help="Frames to simulate.", rich_help_panel=_STREAM)] = 1_000,
    seed: Annotated[int, typer.Option(help="Seed of the jitter.", rich_help_panel=_STREAM)] = 0,
    plan: Annotated[
        Goal, typer.Option(help="What a cut between processors optimises.", rich_help_panel=_STREAM)
    ] = "throughput",
    precision: Precision = None,
    threads: Threads = None,
    batch: Annotated[
        int, typer.Option(help="Images that arrive together, as one frame.", rich_help_panel="Target")
    ] = 1,
    lowering: LoweringOption = "auto",
    input_shape: InputShape = None,
    until: Until = None,
    unsupported: UnsupportedOption = "refuse",
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: ResolutionOption = None,
    settings: Settings = None,
    classes: Classes = None,
    uncalibrated: Uncalibrated = False,
    calibration: CalibrationFile = None,
    format_: Annotated[StreamFormat | None, format_option()] = None,
    output: Annotated[Path | None, output_option(STREAM)] = None,
    force: Force = False,
) -> None:
    """Simulate frames through capture, preprocessing, the network and postprocessing, with n buffers.

    With several targets of one device the network runs on the best of them, or is cut between two of them where that is
    better: every cut is tried.
    """
    chosen = format_of(format_, output, STREAM)
    from mbcost.networks import load
    from mbcost.report.provenance import Origin
    from mbcost.report.show import How
    from mbcost.streaming.stream import stream as run

    places = [("capture", capture, "camera"), ("preprocess", preprocess, "cpu"), ("postprocess", postprocess, "cpu")]
    stages = call_each(lambda option: _given(*option), places)
    shapes, size = read_input_shapes(input_shape), read_size(resolution)
    found = run(
        load(model, input_shapes=shapes, unsupported=unsupported, until=until, resolution=size),
        required_devices(device, host_device, outside, set_device),
        capture_s=stages[0],
        preprocess_s=stages[1],
        postprocess_s=stages[2],
        buffers=read_whole("--buffers", buffers),
        rate_fps=rate,
        drop=drop,
        jitter=jitter,
        frames=frames,
        seed=seed,
        plan=plan,
        alpha=alpha,
        rho=rho,
        resolution=size,
        batch=batch,
        precision=precision,
        threads=threads,
        unsupported=unsupported,
        lowering=lowering,
        options=read_settings(settings, classes),
        calibration=calibration_choice(uncalibrated, calibration),
    )
    show(found, chosen, How(origin=Origin(command_line(context), model)), output, force=force)
    for warning in found.warnings:
        print_note(f"warning: {warning}")


def _given(name: str, text: str | None, unit: str) -> Stage | None:
    """The stage of an option; None where it was not given."""
    from mbcost.streaming.simulate import Stage
    from mbcost.units import UnitError, parse_quantity

    if text is None:
        return None
    time, _, where = text.partition("@")
    try:
        seconds = parse_quantity(time, "time")
    except UnitError as error:
        fail("MB010", f"--{name} {text}: {error}", hint="such as 3ms or 3ms@cpu")
    return Stage(name, where.strip() or unit, seconds)
