"""``mbcost architectures``: what ships, a table row by row, and checks of a user's own tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from mbcost.cli.check_tables import check_tables, convert_table
from mbcost.cli.options import (
    Alpha,
    Classes,
    Files,
    InputShape,
    ListFormatOption,
    MacsOption,
    Model,
    ParamsOption,
    ResolutionOption,
    Rho,
    Settings,
    UnsupportedOption,
    Until,
    read_input_shapes,
    read_settings,
    read_size,
)
from mbcost.cli.output import deliver, emit, print_note
from mbcost.errors import fail

architectures: Final = typer.Typer(help="Architectures: tables of layers with alpha and rho open.")


@architectures.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_architectures()


@architectures.command("list")
def list_architectures(format_: ListFormatOption = "table") -> None:
    """List the architectures that ship, with their counts at alpha = rho = 1."""
    from mbcost.architectures import architecture_names
    from mbcost.graph import DEFAULT_PARAMS, build_graph
    from mbcost.networks import load
    from mbcost.report.screens.catalogue import architecture_entry, architectures_screen, count_rows

    specs = [load(name) for name in architecture_names()]
    entries = [architecture_entry(spec, count_rows(build_graph(spec), DEFAULT_PARAMS, "products")) for spec in specs]
    if format_ == "json":
        emit(f"{json.dumps(entries, indent=2)}\n")
    else:
        deliver(lambda screen: architectures_screen(entries, screen), None)


@architectures.command("show")
def show_architecture(
    model: Model,
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
    all_layers: Annotated[bool, typer.Option("--all", help="Every layer instead of every row.")] = False,
    format_: ListFormatOption = "table",
) -> None:
    """Show the rows of a table with their shapes, MACs and parameters."""
    from mbcost.caveats import unknown_operators
    from mbcost.graph import ParamsConvention, build_graph
    from mbcost.networks import load
    from mbcost.report.screens.catalogue import architecture_details, architecture_screen, count_rows

    shapes, size = read_input_shapes(input_shape), read_size(resolution)
    spec = load(model, input_shapes=shapes, unsupported=unsupported, until=until, resolution=size)
    options = read_settings(settings, classes)
    graph = build_graph(spec, alpha=alpha, rho=rho, resolution=size, options=options)
    rows = count_rows(graph, ParamsConvention(params), macs, by_layer=all_layers)
    warnings = unknown_operators(graph)
    if format_ == "json":
        emit(f"{json.dumps({**architecture_details(spec, graph, rows), 'warnings': warnings}, indent=2)}\n")
    else:
        deliver(lambda screen: architecture_screen(spec, graph, rows, screen), None)
    for warning in warnings:
        print_note(f"warning: {warning}")


@architectures.command("check")
def check_architectures(
    files: Files,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", metavar="MODEL", help="Check a pasted table of shares, by kind of layer, against this network."
        ),
    ] = None,
    format_: Annotated[
        Literal["table", "yaml"],
        typer.Option("--format", help="yaml: print a pasted table as YAML, and its problems on stderr."),
    ] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write a pasted table as YAML to this file.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
) -> None:
    """Check architecture tables, in YAML or pasted from a paper: every problem of every file."""
    if against is not None and (output is not None or format_ == "yaml"):
        fail("MB010", "`--against` checks a table of shares, which cannot be written as YAML")
    if output is not None or format_ == "yaml":
        convert_table(files, output, force=force)
    else:
        check_tables(files, against)
