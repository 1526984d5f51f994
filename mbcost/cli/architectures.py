"""``mbcost architectures``: what ships, a table row by row, and checks of a user's own tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from mbcost.cli.check import check_files
from mbcost.cli.options import (
    Alpha,
    Classes,
    Files,
    ListFormatOption,
    Macs,
    MacsOption,
    Model,
    Params,
    ParamsOption,
    Resolution,
    Rho,
    Settings,
    read_settings,
)
from mbcost.cli.output import ListFormat, deliver, emit
from mbcost.errors import InputError, Problem

architectures: Final = typer.Typer(help="Architectures: tables of layers with alpha and rho open.")


@architectures.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_architectures()


@architectures.command("list")
def list_architectures(format_: ListFormatOption = ListFormat.TABLE) -> None:
    """List the architectures that ship, with their counts at alpha = rho = 1."""
    from mbcost.architectures import architecture_names
    from mbcost.graph import DEFAULT_PARAMS, build_graph
    from mbcost.pipeline import load
    from mbcost.report.catalogue import architecture_entry, architectures_screen, count_rows

    specs = [load(name) for name in architecture_names()]
    entries = [architecture_entry(spec, count_rows(build_graph(spec), DEFAULT_PARAMS, "products")) for spec in specs]
    if format_ is ListFormat.JSON:
        emit(f"{json.dumps(entries, indent=2)}\n")
    else:
        deliver(lambda screen: architectures_screen(entries, screen), None)


@architectures.command("show")
def show_architecture(
    model: Model,
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: Resolution = None,
    settings: Settings = None,
    classes: Classes = None,
    params: ParamsOption = Params.AFFINE,
    macs: MacsOption = Macs.PRODUCTS,
    all_layers: Annotated[bool, typer.Option("--all", help="Every layer instead of every row.")] = False,
    format_: ListFormatOption = ListFormat.TABLE,
) -> None:
    """Show the rows of a table with their shapes, MACs and parameters."""
    from mbcost.graph import ParamsConvention, build_graph
    from mbcost.pipeline import load
    from mbcost.report.catalogue import architecture_details, architecture_screen, count_rows

    spec = load(model)
    options = read_settings(settings, classes)
    graph = build_graph(spec, alpha=alpha, rho=rho, resolution=resolution, options=options)
    rows = count_rows(graph, ParamsConvention(params.value), macs.value, by_layer=all_layers)
    if format_ is ListFormat.JSON:
        emit(f"{json.dumps(architecture_details(spec, graph, rows), indent=2)}\n")
    else:
        deliver(lambda screen: architecture_screen(spec, graph, rows, screen), None)


@architectures.command("check")
def check_architectures(files: Files) -> None:
    """Check architecture tables: every problem of every file."""
    check_files(files, _problems)


def _problems(path: Path) -> list[Problem]:
    from mbcost.architectures import find_architecture
    from mbcost.graph import check_architecture

    try:
        return list(check_architecture(find_architecture(str(path))))
    except InputError as error:
        return list(error.problems)
