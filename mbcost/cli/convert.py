"""``mbcost convert``: a model of any format as a readable table, as a graph, or as a file that runs."""

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
from mbcost.errors import fail
from mbcost.words import FilePrecision


def convert(
    model: Model,
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="OUT",
            help="A table (.yaml), a graph (.graphml, .dot, .json), or a model that runs (.tflite, .onnx, .param).",
            show_default=False,
        ),
    ] = None,
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
    precision: Annotated[
        FilePrecision | None, typer.Option(help="Precision of a model that runs.", show_default="fp32")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the random weights of a model that runs.", show_default="0")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="The same as OUT.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite OUT.")] = False,
) -> None:
    """Convert a network to a readable table, a graph for other programs, or a model with random weights."""
    from mbcost.report.convert import convert as run

    path = out if output is None else output
    if path is None or (out is not None and output is not None):
        fail("MB010", "name one file to write", hint="such as net.yaml or net.tflite, as OUT or with `--output`")

    made = run(
        model,
        path,
        device=device,
        alpha=alpha,
        rho=rho,
        resolution=read_size(resolution),
        options=read_settings(settings, classes),
        unsupported=unsupported,
        input_shapes=read_input_shapes(input_shape),
        until=until,
        precision=precision,
        seed=seed,
        force=force,
    )
    for warning in made.warnings:
        print_note(f"warning: {warning}")
    print_note(f"wrote {path}")
