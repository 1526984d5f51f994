"""``mbcost stream``: frames through a pipeline of stages with buffers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mbcost.cli.options import (
    Alpha,
    CalibrationFile,
    Classes,
    Devices,
    Force,
    Model,
    Resolution,
    Settings,
    Uncalibrated,
    calibration_choice,
    format_option,
    output_option,
    read_settings,
    read_whole,
    required_devices,
)
from mbcost.cli.output import Format, choose_format, command_line, deliver, print_note
from mbcost.errors import call_each, fail, or_list
from mbcost.report.provenance import Origin

if TYPE_CHECKING:
    from mbcost.latency.stream import Stage
    from mbcost.report.terminal import Screen

_FORMATS = (Format.TABLE, Format.JSON, Format.HTML, Format.TRACE)
_STREAM = "Stream"


class Goal(StrEnum):
    """What a plan of several processors is chosen for."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"


def _stage_option(what: str, unit: str) -> Any:
    return typer.Option(metavar="TIME[@UNIT]", help=f"{what}, such as 3ms or 3ms@{unit}.", rich_help_panel=_STREAM)


def stream(
    context: typer.Context,
    model: Model,
    device: Devices = None,
    buffers: Annotated[
        str, typer.Option(metavar="NUMBERS", help="Frames under way at once: 1,2,3.", rich_help_panel=_STREAM)
    ] = "2",
    capture: Annotated[str | None, _stage_option("Time of the camera", "camera")] = None,
    preprocess: Annotated[str | None, _stage_option("Time to prepare a frame", "cpu")] = None,
    postprocess: Annotated[str | None, _stage_option("Time of what follows", "cpu")] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="FPS",
            help="Frames a second that arrive; default: as fast as buffers allow.",
            rich_help_panel=_STREAM,
        ),
    ] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Drop frames that find no buffer.", rich_help_panel=_STREAM)
    ] = False,
    jitter: Annotated[
        float, typer.Option(metavar="SHARE", help="Spread of each stage's time: 0.1.", rich_help_panel=_STREAM)
    ] = 0.0,
    frames: Annotated[int, typer.Option(help="Frames to simulate.", rich_help_panel=_STREAM)] = 1_000,
    seed: Annotated[int, typer.Option(help="Of the jitter.", rich_help_panel=_STREAM)] = 0,
    plan: Annotated[
        Goal, typer.Option(help="With several processors of a device: cut the network for.", rich_help_panel=_STREAM)
    ] = Goal.THROUGHPUT,
    alpha: Alpha = 1.0,
    resolution: Resolution = None,
    settings: Settings = None,
    classes: Classes = None,
    uncalibrated: Uncalibrated = False,
    calibration: CalibrationFile = None,
    format_: Annotated[Format | None, format_option("table, json, html or trace.")] = None,
    output: Annotated[Path | None, output_option((".html", ".json", ".trace.json", ".txt"))] = None,
    force: Force = False,
) -> None:
    """Simulate frames through capture, preprocessing, the network and postprocessing, with n buffers.

    With several targets of one device the network runs on the best of them, or is cut between two of them where that is
    better: every cut is tried.
    """
    chosen = choose_format(format_, output)
    if chosen not in _FORMATS:
        fail("MB010", f"stream has no {chosen} format", hint=f"it has {or_list(list(_FORMATS))}")
    if seed < 0:
        fail("MB010", f"seed is {seed}, it has to be at least 0")
    import mbcost
    from mbcost.latency.stream import check_numbers, simulate
    from mbcost.report import stream_screen
    from mbcost.search.plan import best_plan

    targets = required_devices(device)
    given = [("capture", capture, "camera"), ("preprocess", preprocess, "cpu"), ("postprocess", postprocess, "cpu")]
    outside = call_each(lambda option: _given(*option), given)
    before, after = [stage for found in outside[:2] for stage in found], outside[2]
    check_numbers(read_whole("--buffers", buffers), frames, rate, jitter)
    arguments: dict[str, Any] = {
        "alpha": alpha,
        "resolution": resolution,
        "options": read_settings(settings, classes),
        "calibration": calibration_choice(uncalibrated, calibration),
    }
    analyses = [mbcost.analyze(model, target, **arguments) for target in targets]
    busy: dict[str, float] = {}
    for stage in (*before, *after):
        busy[stage.unit] = busy.get(stage.unit, 0.0) + stage.seconds
    best = best_plan(analyses, plan.value, busy)
    stages = [*before, *stream_screen.inference(best), *after]
    bandwidth = analyses[0].target.device.memory.bandwidth
    results = [
        simulate(
            stages,
            buffers=number,
            frames=frames,
            rate=rate,
            drop=drop,
            jitter=jitter,
            bandwidth=None if bandwidth is None else bandwidth.value,
            seed=seed,
        )
        for number in read_whole("--buffers", buffers)
    ]
    report = stream_screen.Report(analyses[0].architecture, best, stages, results, rate, jitter)
    origin = Origin(command_line(context), model)

    def render(terminal: Screen) -> str:
        if chosen is Format.HTML:
            from mbcost.report.html.stream import stream_page

            return stream_page(report, origin)
        if chosen is Format.TABLE:
            return stream_screen.screen(report, terminal)
        return stream_screen.to_json(report) if chosen is Format.JSON else stream_screen.to_trace(report)

    deliver(render, output, force=force)
    for warning in stream_screen.warnings(report):
        print_note(f"warning: {warning}")


def _given(name: str, text: str | None, unit: str) -> list[Stage]:
    """The stage of an option; none where it was not given."""
    from mbcost.latency.stream import Stage
    from mbcost.units import UnitError, parse_quantity

    if text is None:
        return []
    time, _, where = text.partition("@")
    try:
        seconds = parse_quantity(time, "time")
    except UnitError as error:
        fail("MB010", f"--{name} {text}: {error}", hint="such as 3ms or 3ms@cpu")
    return [Stage(name, where.strip() or unit, seconds)]
