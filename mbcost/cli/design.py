"""``mbcost design``: the loop-tiled engine that runs a network fastest on an FPGA's logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mbcost.cli.complete import complete_target
from mbcost.cli.options import (
    Alpha,
    Classes,
    InputShape,
    Model,
    ResolutionOption,
    Rho,
    Settings,
    UnsupportedOption,
    Until,
    read_input_shapes,
    read_settings,
    read_size,
)
from mbcost.cli.output import format_of, show
from mbcost.errors import fail
from mbcost.report.formats import DESIGN, PIPELINE, DesignFormat
from mbcost.words import Style

_REPORT = "Report"


def design(
    model: Model,
    device: Annotated[
        str,
        typer.Option(
            "--device", "-d", metavar="TARGET", help="Such as zc706 or pynq_z2.", autocompletion=complete_target
        ),
    ],
    style: Annotated[
        Style, typer.Option(help="tiled: one engine for all layers; streaming: a pipeline with a stage a layer.")
    ] = "tiled",
    share: Annotated[float, typer.Option(help="Share of the DSP slices and block RAMs that it may use.")] = 0.8,
    point: Annotated[
        str | None, typer.Option(metavar="TM,TN,TR,TC", help="Evaluate this design point instead of searching.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="Default: the first that the processor lists.")] = None,
    input_shape: InputShape = None,
    until: Until = None,
    unsupported: UnsupportedOption = "refuse",
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: ResolutionOption = None,
    settings: Settings = None,
    classes: Classes = None,
    format_: Annotated[
        DesignFormat | None,
        typer.Option("--format", help="yaml: the device's profile with this design.", rich_help_panel=_REPORT),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write .yaml, .json or .txt.", rich_help_panel=_REPORT),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.", rich_help_panel=_REPORT)] = False,
) -> None:
    """Find the tiles Tm, Tn, Tr and Tc, or the pipeline, that run a network fastest within a share of an FPGA's logic.

    The design's profile, written with -o NAME.yaml, is a device for every other command.
    """
    chosen = format_of(format_, output, PIPELINE if style == "streaming" else DESIGN)
    wanted = None if point is None else _point(point)
    from mbcost.fpga.design import design as run
    from mbcost.networks import load
    from mbcost.report.show import How

    shapes, size = read_input_shapes(input_shape), read_size(resolution)
    found = run(
        load(model, input_shapes=shapes, unsupported=unsupported, until=until, resolution=size),
        device,
        style=style,
        share=share,
        point=wanted,
        precision=precision,
        alpha=alpha,
        rho=rho,
        resolution=size,
        options=read_settings(settings, classes),
    )
    name = output.stem if output is not None else device.partition("/")[0].partition("@")[0]
    show(found, chosen, How(name=name), output, force=force)


def _point(text: str) -> tuple[int, int, int, int]:
    """The design point in a text such as ``64,7,27,27``."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        fail("MB010", f"--point {text} is not TM,TN,TR,TC", hint="four whole numbers above 0, such as 64,7,27,27")
    tm, tn, tr, tc = map(int, parts)
    return tm, tn, tr, tc
