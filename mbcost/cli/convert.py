"""``mbcost convert``: a model of any format as a readable table, or as a graph."""

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
from mbcost.cli.output import print_note


def convert(
    model: Model,
    output: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="A table (.yaml) or a graph (.graphml, .dot, .json).", show_default=False),
    ],
    input_shape: InputShape = None,
    until: Until = None,
    unsupported: UnsupportedOption = "refuse",
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: ResolutionOption = None,
    settings: Settings = None,
    classes: Classes = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            metavar="TARGET",
            help="Write the latencies on this target into a graph.",
            autocompletion=complete_target,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT.")] = False,
) -> None:
    """Convert a model to a readable table, or a network to a graph for other programs."""
    from mbcost.report.convert import convert as run

    made = run(
        model,
        output,
        device=device,
        alpha=alpha,
        rho=rho,
        resolution=read_size(resolution),
        options=read_settings(settings, classes),
        unsupported=unsupported,
        input_shapes=read_input_shapes(input_shape),
        until=until,
        force=force,
    )
    for warning in made.warnings:
        print_note(f"warning: {warning}")
    print_note(f"wrote {output}")
