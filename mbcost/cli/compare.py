"""``mbcost compare``: two to six networks or targets side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from mbcost.cli.complete import complete_architecture
from mbcost.cli.options import (
    REPORT,
    Alpha,
    Batch,
    Classes,
    Devices,
    Force,
    HostDevice,
    InputShape,
    OutsideOption,
    Precision,
    ReportFormatOption,
    ReportOutput,
    ResolutionOption,
    Rho,
    SetDevice,
    Settings,
    Threads,
    Uncalibrated,
    UnsupportedOption,
    Until,
    calibration_choice,
    read_input_shapes,
    read_settings,
    read_size,
    required_devices,
)
from mbcost.cli.output import command_line, format_of, show
from mbcost.errors import call_each
from mbcost.report.formats import REPORT as REPORT_FORMATS


def compare(
    context: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="SUBJECT...",
            help="A model as `mbcost analyze` takes it, with its own settings: mobilenet_v2@0.75/192 (alpha, "
            "resolution), mobilenet_v2,device=pixel4,precision=int8,batch=8,threads=2,classes=10.",
            autocompletion=complete_architecture,
            show_default=False,
        ),
    ],
    device: Devices = None,
    host_device: HostDevice = None,
    outside: OutsideOption = "host",
    set_device: SetDevice = None,
    precision: Precision = None,
    threads: Threads = None,
    batch: Batch = None,
    uncalibrated: Uncalibrated = False,
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: ResolutionOption = None,
    settings: Settings = None,
    classes: Classes = None,
    input_shape: InputShape = None,
    until: Until = None,
    unsupported: UnsupportedOption = "refuse",
    format_: ReportFormatOption = None,
    output: ReportOutput = None,
    force: Force = False,
    top: Annotated[
        int, typer.Option(metavar="N", help="Layers to list, largest change first.", min=1, rich_help_panel=REPORT)
    ] = 10,
    all_layers: Annotated[bool, typer.Option("--all", help="List every layer.", rich_help_panel=REPORT)] = False,
) -> None:
    """Compare networks, configurations or targets: ratio, difference, what changed and why.

    The options hold for every subject that does not set a value of its own.
    """
    chosen = format_of(format_, output, REPORT_FORMATS)
    from mbcost.insight.compare import compare as run
    from mbcost.insight.subjects import read_subject
    from mbcost.report.provenance import Origin
    from mbcost.report.show import How

    subjects = call_each(read_subject, models)
    found = run(
        models,
        required_devices(device, host_device, outside, set_device)
        if any(subject.device is None for subject in subjects)
        else [],
        alpha=alpha,
        rho=rho,
        resolution=read_size(resolution),
        batch=batch,
        precision=precision,
        threads=threads,
        options=read_settings(settings, classes),
        unsupported=unsupported,
        calibration=calibration_choice(uncalibrated, None),
        input_shapes=read_input_shapes(input_shape),
        until=until,
    )
    command = command_line(context)
    steps = [("Layer beside layer, with charts, as a page:", f"{command} -o comparison.html")]
    origin = Origin(command, ", ".join(dict.fromkeys(str(subject.network) for subject in subjects)))
    how = How(limit=None if all_layers else top, steps=steps, origin=origin)
    show(found, chosen, how, output, force=force)
