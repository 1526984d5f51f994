"""``mbcost convert``: a model of any format as a readable table, or as a graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mbcost.cli.complete import complete_target
from mbcost.cli.options import (
    Alpha,
    Classes,
    InputShape,
    Model,
    Resolution,
    Rho,
    Settings,
    Unsupported,
    UnsupportedOption,
    read_input_shapes,
    read_settings,
)
from mbcost.cli.output import print_note
from mbcost.errors import InputError, fail, or_list

if TYPE_CHECKING:
    from mbcost.architectures import ArchitectureSpec

_TABLE: Final = (".yaml", ".yml")
_GRAPH: Final = (".graphml", ".dot", ".json")


def convert(
    model: Model,
    output: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="A table (.yaml) or a graph (.graphml, .dot, .json).", show_default=False),
    ],
    input_shape: InputShape = None,
    unsupported: UnsupportedOption = Unsupported.REFUSE,
    alpha: Alpha = 1.0,
    rho: Rho = None,
    resolution: Resolution = None,
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
    suffix = output.suffix.lower()
    if suffix not in (*_TABLE, *_GRAPH):
        fail("MB006", f"`{output.name}` does not say its format", hint=f"end it in {or_list([*_TABLE, *_GRAPH])}")
    if device is not None and suffix in _TABLE:
        fail("MB010", "a table holds no latencies", hint=f"leave out --device, or end OUT in {or_list(_GRAPH)}")
    from mbcost.files import write_text
    from mbcost.pipeline import load

    spec = load(model, input_shapes=read_input_shapes(input_shape), unsupported=unsupported.value)
    configuration = {
        "alpha": alpha,
        "rho": rho,
        "resolution": resolution,
        "options": read_settings(settings, classes),
    }
    if suffix in _TABLE:
        text, warnings = _table(spec, output, configuration)
    else:
        text, warnings = _graph(spec, suffix, device, unsupported, configuration)
    write_text(output, text, force=force)
    for warning in warnings:
        print_note(f"warning: {warning}")
    print_note(f"wrote {output}")


def _table(spec: ArchitectureSpec, output: Path, configuration: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """A table, which has to load again within the limits of tables."""
    from mbcost.architectures.loader import read_architecture
    from mbcost.files import parse_yaml
    from mbcost.graph import build_graph
    from mbcost.graph.table_writer import write_table
    from mbcost.pipeline import unknown_operators

    text = write_table(spec, **configuration)
    try:
        written = read_architecture(parse_yaml(text, str(output)))
    except InputError as error:
        if "MB106" not in error.codes:
            raise
        fail("MB208", f"{spec.name} has too many layers for a table", hint=f"end OUT in {or_list(_GRAPH)}")
    return text, unknown_operators(build_graph(written))


def _graph(
    spec: ArchitectureSpec, suffix: str, device: str | None, unsupported: Unsupported, configuration: dict[str, Any]
) -> tuple[str, tuple[str, ...]]:
    """A graph of the network, with latencies where there is a device."""
    from mbcost.graph import build_graph
    from mbcost.pipeline import analyze, unknown_operators
    from mbcost.report.graph_export import annotated, to_dot, to_graphml, to_json

    if device is None:
        graph = build_graph(spec, **configuration)
        content, warnings = annotated(graph), unknown_operators(graph)
    else:
        estimate = unsupported is Unsupported.ESTIMATE
        analysis = analyze(spec, device, estimate_unsupported=estimate, **configuration)
        content, warnings = annotated(analysis.layer_graph, analysis), analysis.warnings
    if suffix == ".json":
        return to_json(content, warnings), warnings
    return (to_dot if suffix == ".dot" else to_graphml)(content), warnings
