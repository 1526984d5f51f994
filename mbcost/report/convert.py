"""``mbcost.convert``: a network of any format as a readable table, a graph for other programs, or a file that runs."""

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
from mbcost.checks import Checks
from mbcost.devices import Target
from mbcost.errors import InputError, Problem, fail, or_list
from mbcost.files import check_new, parse_yaml, write_bytes, write_text
from mbcost.graph import build_graph
from mbcost.graph.table_writer import write_table
from mbcost.importers import InputShapes
from mbcost.networks import Network, load
from mbcost.pipeline import analyze_one
from mbcost.report.files.graph import to_dot, to_graphml, to_json
from mbcost.words import FILE_PRECISIONS, FilePrecision, Unsupported

TABLES: Final = (".yaml", ".yml")
GRAPHS: Final = (".graphml", ".dot", ".json")
MODELS: Final = (".tflite", ".onnx", ".param")
_MAX_SEED: Final = 2**32 - 1


class Converted(NamedTuple):
    """A written file and its caveats; :attr:`path` is the first of ncnn's two files."""

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
    precision: FilePrecision | None = None,
    seed: int | None = None,
    force: bool = False,
) -> Converted:
    """Write a network as a readable table, as a graph, or as a model file with random weights.

    Parameters
    ----------
    network, alpha, rho, resolution, options, unsupported, input_shape
        As for :func:`mbcost.analyze`.
    path
        The output file: ``.yaml`` for a table; ``.graphml``, ``.dot`` or ``.json`` for a graph; ``.tflite``, ``.onnx``
        or ``.param`` (ncnn, which has a second file ``.bin`` beside it) for a model that runs.
    device
        Add the latencies on this target to a graph.
    input_shapes
        Shapes of several inputs, by their names.
    until
        Name of a tensor of an ONNX or TFLite file at which the network ends.
    precision
        Of a model: ``fp32`` (the default), ``fp16`` or ``int8``.
    seed
        Of a model's weights, from 0 (the default) to 2^32 - 1. They are random, whatever the network has.
    force
        Overwrite an existing file.

    Raises
    ------
    InputError
        MB006 for another suffix, MB010 for latencies, a precision or a seed of what has none, MB208 for a network with
        too many layers for a table or too many weights for a model, MB007 if the file exists, what
        :func:`mbcost.analyze` raises, and for models what :func:`mbcost.exporters.export.export` raises.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    _check(target, suffix, device, precision, seed)
    how = configuration(alpha=alpha, rho=rho, resolution=resolution, options=options, unsupported=unsupported)
    spec = load(
        network,
        input_shape=input_shape,
        input_shapes=input_shapes,
        unsupported=how.unsupported,
        until=until,
        resolution=how.resolution,
    )
    if suffix in MODELS:
        return Converted(target, _model(spec, target, how, precision or "fp32", seed or 0, force=force))
    text, warnings = _table(spec, target, how) if suffix in TABLES else _graph(spec, suffix, device, how)
    write_text(target, text, force=force)
    return Converted(target, warnings)


def _check(path: Path, suffix: str, device: object, precision: object, seed: object) -> None:
    """Check that the format is known and has what is asked for."""
    if suffix not in (*TABLES, *GRAPHS, *MODELS):
        hint = f"end it in {or_list([*TABLES, *GRAPHS, *MODELS])}"
        fail("MB006", f"`{path.name}` does not say its format", hint=hint)
    checks = Checks()
    if device is not None and suffix not in GRAPHS:
        hint = f"leave out `device=...`, or end the file in {or_list(GRAPHS)}"
        what = "a table" if suffix in TABLES else "a model file"
        checks.add([Problem("MB010", f"{what} holds no latencies", hint=hint)])
    for name, value in (("precision", precision), ("seed", seed)):
        if value is not None and suffix not in MODELS:
            hint = f"leave out `{name}=...`, or end the file in {or_list(MODELS)}"
            checks.add([Problem("MB010", f"only a model file has a {name}", hint=hint)])
    if precision is not None:
        checks.word("precision", precision, FILE_PRECISIONS)
    if seed is not None:
        checks.whole("seed", seed, least=0, most=_MAX_SEED)
    checks.done()


def _model(
    spec: ArchitectureSpec, path: Path, how: Configuration, precision: FilePrecision, seed: int, *, force: bool
) -> tuple[str, ...]:
    """Write a model file, or the two of ncnn; its caveats."""
    from mbcost.exporters.export import export

    contents = export(build_graph(spec, **how.size), path.suffix.lower(), precision, seed)
    files = {
        path if suffix == path.suffix.lower() else path.with_suffix(suffix): contents[suffix] for suffix in contents
    }
    for file in files:
        check_new(file, force=force)
    for file, content in files.items():
        write_bytes(file, content, force=force)
    whose = ", not those of the network" if spec.imported else ""
    return (f"the weights are random (seed {seed}){whose}",)


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
