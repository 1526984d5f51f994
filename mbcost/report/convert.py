"""``mbcost.convert``: a network of any format as a readable table, or as a graph for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Final, NamedTuple

from mbcost.architectures.loader import read_architecture
from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import ArchitectureSpec, OptionValue
from mbcost.arguments import Configuration, configuration
from mbcost.caveats import unknown_operators
from mbcost.devices import Target
from mbcost.errors import InputError, fail, or_list
from mbcost.files import parse_yaml, write_text
from mbcost.graph import build_graph
from mbcost.graph.table_writer import write_table
from mbcost.importers import InputShapes
from mbcost.networks import Network, load
from mbcost.pipeline import analyze_one
from mbcost.report.files.graph import to_dot, to_graphml, to_json
from mbcost.words import Unsupported

TABLES: Final = (".yaml", ".yml")
GRAPHS: Final = (".graphml", ".dot", ".json")


class Converted(NamedTuple):
    """A written file and its caveats."""

    path: Path
    warnings: tuple[str, ...]


def convert(
    network: Network,
    path: str | PathLike[str],
    *,
    device: str | Target | None = None,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    options: Mapping[str, OptionValue] | None = None,
    unsupported: Unsupported = "refuse",
    input_shape: Sequence[int] | None = None,
    input_shapes: InputShapes | None = None,
    until: str | None = None,
    force: bool = False,
) -> Converted:
    """Write a network as a readable table, or as a graph.

    Parameters
    ----------
    network, alpha, rho, resolution, options, unsupported, input_shape
        As for :func:`mbcost.analyze`.
    path
        The output file: ``.yaml`` for a table; ``.graphml``, ``.dot`` or ``.json`` for a graph.
    device
        Add the latencies on this target to a graph.
    input_shapes
        Shapes of several inputs, by their names.
    until
        Name of a tensor of an ONNX or TFLite file at which the network ends.
    force
        Overwrite an existing file.

    Raises
    ------
    InputError
        MB006 for another suffix, MB010 for a table with latencies, MB208 for a network with too many layers for a
        table, MB007 if the file exists, and what :func:`mbcost.analyze` raises.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in (*TABLES, *GRAPHS):
        fail("MB006", f"`{target.name}` does not say its format", hint=f"end it in {or_list([*TABLES, *GRAPHS])}")
    if device is not None and suffix in TABLES:
        hint = f"leave out `device=...`, or end the file in {or_list(GRAPHS)}"
        fail("MB010", "a table holds no latencies", hint=hint)
    how = configuration(alpha=alpha, rho=rho, resolution=resolution, options=options, unsupported=unsupported)
    spec = load(
        network,
        input_shape=input_shape,
        input_shapes=input_shapes,
        unsupported=how.unsupported,
        until=until,
        resolution=how.resolution,
    )
    text, warnings = _table(spec, target, how) if suffix in TABLES else _graph(spec, suffix, device, how)
    write_text(target, text, force=force)
    return Converted(target, warnings)


def _table(spec: ArchitectureSpec, path: Path, how: Configuration) -> tuple[str, tuple[str, ...]]:
    """A table, checked to load again within the limits of tables."""
    text = write_table(spec, **how.size)
    try:
        written = read_architecture(parse_yaml(text, str(path)))
    except InputError as error:
        if "MB106" not in error.codes:
            raise
        fail("MB208", f"{spec.name} has too many layers for a table", hint=f"end the file in {or_list(GRAPHS)}")
    return text, unknown_operators(build_graph(written))


def _graph(
    spec: ArchitectureSpec, suffix: str, device: str | Target | None, how: Configuration
) -> tuple[str, tuple[str, ...]]:
    """A graph of the network, with latencies if there is a device."""
    analysis = None if device is None else analyze_one(spec, device, how)
    graph = build_graph(spec, **how.size) if analysis is None else analysis.layer_graph
    warnings = unknown_operators(graph) if analysis is None else analysis.warnings
    if suffix == ".json":
        return to_json(graph, analysis, warnings), warnings
    exchanged = graph.to_networkx() if analysis is None else analysis.graph
    return (to_dot if suffix == ".dot" else to_graphml)(exchanged), warnings
