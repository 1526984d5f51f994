"""One request, computed: the network from an upload or a name, the result as a page, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost import readable
from mbcost.analysis import Analyses
from mbcost.architectures import ArchitectureSpec, architecture_names
from mbcost.architectures.loader import find_builtin
from mbcost.architectures.pasted import is_pasted
from mbcost.architectures.scaling import Resolution, read_resolution
from mbcost.checking import checked_pasted
from mbcost.errors import InputError, call_each, did_you_mean, fail, or_list
from mbcost.files import read_text, write_text
from mbcost.graph import check_architecture
from mbcost.graph.table_writer import write_table
from mbcost.importers import FORMATS
from mbcost.insight.compare import compare
from mbcost.networks import load
from mbcost.pipeline import analyze
from mbcost.report.provenance import Origin
from mbcost.report.show import How, render
from mbcost.search.grid import make_grid, read_numbers
from mbcost.search.pick import pick
from mbcost.search.sweep import sweep
from mbcost.serve.request import Asked
from mbcost.words import Unsupported

#: Most configurations of a sweep or a pick, of each network on each target. Chosen: what a page draws within a second.
MAX_CONFIGURATIONS: Final = 10_000
REPORT: Final = "report.html"
RESULT: Final = "result.json"
TABLE: Final = "table.yaml"
_SUFFIXES: Final = (*FORMATS, ".yaml", ".yml", ".md", ".markdown", ".tsv", ".txt")


class Found(NamedTuple):
    """What a command makes.

    Attributes
    ----------
    result
        Is drawn.
    title, headline
        What it is of, and the answer in a line.
    """

    result: Any
    title: str
    headline: str


def perform(asked: Asked, files: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    """Compute what is asked for and write its files.

    Parameters
    ----------
    files
        Uploads by their keys.
    folder
        Takes the files.

    Returns
    -------
    dict
        ``title``, ``headline``, ``command``, ``files``, and ``notes`` on the way.

    Raises
    ------
    InputError
        With every problem of the request and of the files.
    """
    notes: list[str] = []
    size = None if asked.is_grid else _resolution(asked.resolution)
    first = make_grid(1.0, None, asked.resolution).first_resolution if asked.is_grid else size
    unsupported: Unsupported = "estimate" if asked.estimate else "refuse"

    def read(network: tuple[str, str]) -> ArchitectureSpec:
        which, text = network
        if which == "name":
            return _builtin(text)
        with chdir(files[text].parent):  # its problems name it as its user does
            return _uploaded(Path(files[text].name), first, unsupported, notes)

    specs = call_each(read, asked.networks)
    found = _COMMANDS[asked.kind](asked, specs, size, unsupported)
    names = {key: path.name for key, path in files.items()}
    command = asked.command(names)
    how = How(limit=None, origin=Origin(command, ", ".join(names.get(text, text) for _, text in asked.networks)))
    with chdir(next((path.parent for path in files.values()), folder)):  # where the file has the name that is shown
        written = {REPORT: render(found.result, "html", how), RESULT: render(found.result, "json", how)}
    if len(specs) == 1:
        try:
            written[TABLE] = write_table(specs[0], **({} if asked.is_grid else _size(asked, size)))
        except InputError as error:
            notes += [f"no table: {problem.message}" for problem in error.problems]
    for name, content in written.items():
        assert isinstance(content, str)
        write_text(folder / name, content)
    return {
        "title": found.title,
        "headline": found.headline,
        "command": command,
        "files": list(written),
        "notes": notes,
    }


# -- networks ---------------------------------------------------------------------------------------------------------


def _builtin(name: str) -> ArchitectureSpec:
    """A network that ships: never a file of this machine, and never code."""
    spec = find_builtin(name, check_architecture)
    if spec is None:
        hint = did_you_mean(name, architecture_names())
        fail("MB200", f"no architecture `{name}`", hint=hint or "`mbcost architectures` lists what ships")
    return spec


def _uploaded(
    path: Path, resolution: Resolution | None, unsupported: Unsupported, notes: list[str]
) -> ArchitectureSpec:
    """An uploaded model or table of the working directory."""
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        hint = f"upload a file that ends in {or_list(_SUFFIXES)}"
        fail("MB006", f"`{path}` is no model and no table by its name", hint=hint)
    if suffix in FORMATS:
        return load(str(path), resolution=resolution, unsupported=unsupported)
    text = read_text(path)
    if not is_pasted(path, text):
        return load(str(path))
    table = checked_pasted(path, text)
    if table.spec is None or any(problem.severity == "error" for problem in table.problems):
        raise InputError(table.problems)
    notes += [problem.render() for problem in table.problems]
    return table.spec


# -- commands ---------------------------------------------------------------------------------------------------------


def _analyze(asked: Asked, specs: list[ArchitectureSpec], size: Resolution | None, unsupported: Unsupported) -> Found:
    found = analyze(specs[0], list(asked.devices), unsupported=unsupported, **_size(asked, size), **_target(asked))
    first = found[0]
    graph = first.layer_graph
    if len(found) == 1:
        low, high = (readable.significant(bound * 1e3) for bound in (first.latency_low_s, first.latency_high_s))
        headline = f"{readable.milliseconds(first.latency_s)} ({low} to {high} ms) · {first.basis}"
    else:
        headline = " · ".join(f"{each.target.name} {readable.milliseconds(each.latency_s)}" for each in found)
    where = first.target.name if len(found) == 1 else f"{len(found)} targets"
    return Found(Analyses(found), f"{graph.title}, {graph.input_shape}, on {where}", headline)


def _compare(asked: Asked, specs: list[ArchitectureSpec], size: Resolution | None, unsupported: Unsupported) -> Found:
    found = compare(specs, list(asked.devices), unsupported=unsupported, **_size(asked, size), **_target(asked))
    return Found(found, " · ".join(found.labels), found.headline())


def _sweep(asked: Asked, specs: list[ArchitectureSpec], _size: Resolution | None, unsupported: Unsupported) -> Found:
    _check_grid(asked)
    found = sweep(
        specs,
        list(asked.devices),
        alpha=asked.alpha or 1.0,
        resolution=asked.resolution,
        unsupported=unsupported,
        **_targets(asked),
    )
    latency = found.columns["latency_ms"]
    headline = (
        f"{len(found):,} configurations, {readable.significant(latency.min())} to "
        f"{readable.significant(latency.max())} ms, {int(found.columns['on_front'].sum())} on the front"
    )
    return Found(found, _titles(specs, asked), headline)


def _pick(asked: Asked, specs: list[ArchitectureSpec], _size: Resolution | None, unsupported: Unsupported) -> Found:
    _check_grid(asked)
    found = pick(
        specs,
        list(asked.devices),
        budget=list(asked.budget),
        alpha=asked.alpha,
        resolution=asked.resolution,
        unsupported=unsupported,
        **{**_targets(asked), "batch": asked.batch},
    )
    limits = ", ".join(asked.budget)
    headline = f"nothing fits {limits}" if found.pick is None else f"{found.pick.name} fits {limits}"
    return Found(found, _titles(specs, asked), headline)


_COMMANDS: Final[Mapping[str, Callable[..., Found]]] = {
    "analyze": _analyze,
    "compare": _compare,
    "sweep": _sweep,
    "pick": _pick,
}


def _titles(specs: list[ArchitectureSpec], asked: Asked) -> str:
    return f"{', '.join(dict.fromkeys(spec.title for spec in specs))} on {', '.join(asked.devices)}"


def _check_grid(asked: Asked) -> None:
    """Check that a grid has no more configurations than a page can show."""
    size = make_grid(asked.alpha or 1.0, None, asked.resolution).size
    if size > MAX_CONFIGURATIONS:
        hint = "`mbcost sweep --parts FOLDER` computes any number"
        fail("MB010", f"alpha and resolution have {size:,} combinations, {MAX_CONFIGURATIONS:,} are allowed", hint=hint)


# -- settings ---------------------------------------------------------------------------------------------------------


def _size(asked: Asked, size: Resolution | None) -> dict[str, Any]:
    return {"alpha": _number("alpha", asked.alpha), "resolution": size}


def _target(asked: Asked) -> dict[str, Any]:
    threads = None if asked.threads is None else _whole("threads", asked.threads)
    return {"precision": asked.precision, "threads": threads, "batch": asked.batch}


def _targets(asked: Asked) -> dict[str, Any]:
    """Of a grid, whose axes may have several values."""
    threads = asked.threads
    return {
        "precision": None if asked.precision is None else [each.strip() for each in asked.precision.split(",")],
        "threads": None if threads is None else [_whole("threads", each) for each in threads.split(",")],
        "batch": None if asked.batch is None else [asked.batch],
    }


def _number(name: str, text: str | None) -> float:
    if text is None:
        return 1.0
    numbers = read_numbers(name, text)
    if len(numbers) != 1:
        fail("MB010", f"{name} is `{text}`, one number is taken here", hint="a sweep takes several")
    return float(numbers[0])


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        fail("MB010", f"{name} is `{text}`, it has to be a whole number")


def _resolution(text: str | None) -> Resolution | None:
    try:
        return None if text is None else read_resolution(text)
    except ValueError:
        hint = "such as 224, or 224x320 for height x width"
        fail("MB010", f"resolution is `{text}`, it has to be a whole number of pixels, or two", hint=hint)
