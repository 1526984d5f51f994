"""``mbcost pick``: the best width and resolution under a budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mbcost.cli.options import (
    REPORT,
    Batch,
    CalibrationFile,
    Classes,
    Devices,
    Force,
    HostDevice,
    InputShape,
    OptionalModels,
    OutsideOption,
    PrecisionAxis,
    ReportFormatOption,
    ReportOutput,
    SetDevice,
    Settings,
    ThreadsAxis,
    Uncalibrated,
    UnsupportedOption,
    Until,
    calibration_choice,
    load_models,
    read_settings,
    read_whole,
    required_devices,
)
from mbcost.cli.output import command_line, format_of, print_note, show
from mbcost.cli.run import CHECK_FAILED
from mbcost.errors import fail
from mbcost.report.formats import REPORT as REPORT_FORMATS
from mbcost.words import Task

if TYPE_CHECKING:
    from mbcost.search.pick import Pick

_CHOICE = "Choice"


def pick(
    context: typer.Context,
    models: OptionalModels = None,
    device: Devices = None,
    host_device: HostDevice = None,
    outside: OutsideOption = "host",
    set_device: SetDevice = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            "-b",
            metavar="LIMIT",
            help="30ms, 25fps, '300M MACs', '3.5M params', or 6MiB of activations. Repeatable; one budget is required.",
            rich_help_panel=_CHOICE,
        ),
    ] = None,
    ram: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="The most RAM of the runtime's arena: 256KiB.", rich_help_panel=_CHOICE),
    ] = None,
    flash: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="The most flash for the weights: 1MiB.", rich_help_panel=_CHOICE),
    ] = None,
    between: Annotated[
        bool,
        typer.Option(
            "--between", help="Consider unpublished widths and resolutions too, interpolated.", rich_help_panel=_CHOICE
        ),
    ] = False,
    alpha: Annotated[
        str | None,
        typer.Option("--alpha", metavar="NUMBERS", help="Your own candidates: 0.5:1:0.05.", rich_help_panel=_CHOICE),
    ] = None,
    resolution: Annotated[
        str | None,
        typer.Option("--resolution", metavar="NUMBERS", help="Likewise: 96:224:32,224x320.", rich_help_panel=_CHOICE),
    ] = None,
    min_probability: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Least probability that a predicted latency keeps the budget: 0.9 by default; 0.5 is a coin flip.",
            rich_help_panel=_CHOICE,
        ),
    ] = None,
    task: Annotated[
        Task | None,
        typer.Option("--task", help="Choose among all networks with a published accuracy.", rich_help_panel=_CHOICE),
    ] = None,
    batch: Batch = None,
    precision: PrecisionAxis = None,
    threads: ThreadsAxis = None,
    uncalibrated: Uncalibrated = False,
    calibration: CalibrationFile = None,
    input_shape: InputShape = None,
    until: Until = None,
    unsupported: UnsupportedOption = "refuse",
    settings: Settings = None,
    classes: Classes = None,
    format_: ReportFormatOption = None,
    output: ReportOutput = None,
    force: Force = False,
    all_rows: Annotated[bool, typer.Option("--all", help="Show the whole front.", rich_help_panel=REPORT)] = False,
) -> None:
    """Choose the most accurate width and resolution that keeps every budget on every target; exit with 1 if none."""
    chosen = format_of(format_, output, REPORT_FORMATS)
    if not budget and ram is None and flash is None:
        fail("MB010", "`--budget` is missing", hint="such as --budget 30ms")
    from mbcost.report.provenance import Origin
    from mbcost.report.show import How
    from mbcost.search.pick import pick as pick_one

    arguments: dict[str, Any] = {
        "budget": budget or (),
        "ram": ram,
        "flash": flash,
        "between": between,
        "alpha": alpha,
        "resolution": resolution,
        "batch": batch,
        "precision": precision.split(",") if precision else None,
        "threads": read_whole("--threads", threads) if threads else None,
        "options": read_settings(settings, classes),
        "unsupported": unsupported,
        "calibration": calibration_choice(uncalibrated, calibration),
        "task": task,
        **({} if min_probability is None else {"min_probability": min_probability}),
    }
    devices = required_devices(device, host_device, outside, set_device)
    if not models and task is None:
        fail("MB010", "no MODEL is given", hint="or --task classification, for all networks with a published accuracy")
    specs = load_models(models or [], input_shape, until, unsupported, resolution)
    result = pick_one(specs or None, devices, **arguments)
    command = command_line(context)
    how = How(all_rows=all_rows, steps=_steps(result, models or (), command), origin=Origin(command))
    show(result, chosen, how, output, force=force)
    if result.pick is None:
        print_note("check failed: nothing fits the budget")
        raise typer.Exit(CHECK_FAILED)


def _steps(result: Pick, models: Sequence[str], command: str) -> list[tuple[str, str]]:
    """What to do next, and the command that does it."""
    from mbcost.search.checkpoints import published_names

    steps = [("The candidates and the front as a page:", f"{command} -o pick.html")]
    chosen, other = result.pick, result.runner_up
    known = models or published_names()
    if chosen is None or other is None or not {chosen.architecture, other.architecture} <= set(known):
        return steps
    subjects = " ".join(f"{one.architecture}@{one.alpha:g}/{one.size}" for one in (chosen, other))
    where = chosen.slowest
    arguments = f"--device {where.target} --precision {where.precision}"
    return [("The runner-up beside it, layer by layer:", f"mbcost compare {subjects} {arguments}"), *steps]
