"""Sweeps that do not fit into memory: Parquet files part by part; an interrupted run leaves them to the next.

A folder holds ``sweep.json`` (what is swept), ``part-00000.parquet`` and so on, each complete or not there, and at the
end ``front.parquet``. A part is some configurations of one network on all targets at all batch sizes. At most
:data:`IN_FLIGHT` parts are in memory, however many there are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np

from mbcost._version import __version__
from mbcost.architectures.spec import OptionValue
from mbcost.arguments import Params, as_list, configuration
from mbcost.calibration.apply import CalibrationChoice
from mbcost.devices import Target
from mbcost.errors import InputError, fail
from mbcost.files import read_text, write_bytes, write_text
from mbcost.graph import DEFAULT_PARAMS, build_graph
from mbcost.networks import Network, load
from mbcost.parquet import parquet_bytes, read_columns, require_pyarrow
from mbcost.search.evaluate import Outcome, Work, evaluate
from mbcost.search.grid import Grid, Numbers, make_grid
from mbcost.search.parallel import run
from mbcost.search.pareto import on_front
from mbcost.search.result import Section, section_columns
from mbcost.search.sweep import Progress, check_batches, joined, prepare_targets
from mbcost.words import Lowering, MacsConvention, Unsupported

SCHEMA: Final = "mbcost/sweep-parts/1"
MANIFEST: Final = "sweep.json"
FRONT: Final = "front.parquet"
#: Rows of a part, about: 10 to 20 MB of file.
PART_ROWS: Final = 131_072
#: Parts that are under way or waiting to be written at once.
IN_FLIGHT: Final = 8

_CASE: Final = ("target", "precision", "threads", "batch")


class Parts(NamedTuple):
    """What a folder holds when a sweep is done.

    Attributes
    ----------
    paths
        The parts, in the order of the rows.
    front
        The file with the rows that no other one of the same target and batch beats.
    rows
        Of all parts together.
    found
        How many parts were there already.
    """

    paths: tuple[Path, ...]
    front: Path
    rows: int
    found: int


class _Part(NamedTuple):
    """Some configurations of one network."""

    path: Path
    network: int
    start: int
    stop: int


def sweep_to_parts(
    network: Network | Sequence[Network],
    device: str | Target | Sequence[str | Target],
    *,
    folder: str | Path,
    alpha: Numbers = 1.0,
    rho: Numbers | None = None,
    resolution: Numbers | None = None,
    batch: int | Sequence[int] = 1,
    precision: str | Sequence[str] | None = None,
    threads: int | Sequence[int] | None = None,
    options: Mapping[str, OptionValue] | None = None,
    params: Params = DEFAULT_PARAMS,
    macs: MacsConvention = "products",
    unsupported: Unsupported = "refuse",
    calibration: CalibrationChoice = None,
    lowering: Lowering = "auto",
    executor: Executor | None = None,
    progress: Progress | None = None,
    part_rows: int = PART_ROWS,
) -> Parts:
    """Sweep into a folder of Parquet files; parts that an earlier run of the same sweep finished are kept.

    The columns are those of :meth:`mbcost.SweepResult.to_frame` without ``on_front``. Arguments are as for
    :func:`mbcost.sweep`.

    Parameters
    ----------
    folder
        Made if it does not exist. It may hold an unfinished run of this very sweep.
    part_rows
        Rows of a part, about.

    Raises
    ------
    InputError
        As :func:`mbcost.sweep`; MB007 if the folder holds another sweep, MB008 if a part cannot be written, MB800 if
        the executor fails: what was finished stays in each case.
    """
    require_pyarrow()
    how = configuration(
        options=options,
        params=params,
        macs=macs,
        unsupported=unsupported,
        calibration=calibration,
        lowering=lowering,
    )
    specs = [load(one, unsupported=how.unsupported) for one in as_list(network)]
    prepared = prepare_targets(device, precision, threads, how)
    batches = check_batches(batch)
    grid = make_grid(alpha, rho, resolution)
    none = grid.points(0, 0)
    works = [Work(spec, none, prepared, batches, how) for spec in specs]
    path = Path(folder)
    points = max(1, part_rows // (len(prepared) * len(batches)))
    parts = _plan(path, len(works), grid, points)
    _claim(path, _request(works, grid, points))
    todo = [part for part in parts if not part.path.is_file()]
    total = grid.size * len(works)
    done = total - sum(part.stop - part.start for part in todo)
    found = len(parts) - len(todo)
    pieces = (works[part.network]._replace(points=grid.points(part.start, part.stop)) for part in todo)
    outcomes = _guarded(run(evaluate_part, pieces, executor, in_flight=IN_FLIGHT))
    for part, outcome in zip(todo, outcomes, strict=True):
        work = works[part.network]._replace(points=grid.points(part.start, part.stop))
        _write(part.path, parquet_bytes(_frame(Section(work, outcome))))
        done += part.stop - part.start
        if progress is not None:
            progress(done, total)
    front = path / FRONT
    if todo or not front.is_file():
        _write(front, parquet_bytes(_front([part.path for part in parts])))
    rows = total * len(prepared) * len(batches)
    return Parts(tuple(part.path for part in parts), front, rows, found)


def evaluate_part(work: Work) -> Outcome:
    """Evaluate the configurations of a part, a few at a time."""
    outcomes = [evaluate(chunk) for chunk in work.chunks()]
    return outcomes[0] if len(outcomes) == 1 else joined(outcomes)


def _plan(folder: Path, networks: int, grid: Grid, points: int) -> list[_Part]:
    starts = [(network, start) for network in range(networks) for start in range(0, grid.size, points)]
    return [
        _Part(folder / f"part-{number:05d}.parquet", network, start, min(start + points, grid.size))
        for number, (network, start) in enumerate(starts)
    ]


def _claim(folder: Path, request: dict[str, Any]) -> None:
    """Make the folder that of this sweep.

    Raises
    ------
    InputError
        MB007 if it is that of another one, or holds other files; MB008 if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except (OSError, ValueError) as error:
        fail("MB008", f"cannot write to {folder}: {getattr(error, 'strerror', None) or error}")
    manifest = folder / MANIFEST
    if not manifest.is_file():
        if not is_empty:
            fail("MB007", f"{folder} holds files that are no sweep's", hint="name an empty folder or a new one")
        write_text(manifest, f"{json.dumps(request, indent=1)}\n")
        return
    try:
        before = json.loads(read_text(manifest))
    except ValueError:
        before = None
    if before != request:
        fail("MB007", f"{folder} holds another sweep", hint="name another folder; `sweep.json` says what it holds")


def _request(works: Sequence[Work], grid: Grid, points: int) -> dict[str, Any]:
    """What a sweep is, as JSON: a run takes up only what the same version began with the same numbers."""
    first = works[0]
    return {
        "schema": SCHEMA,
        "mbcost_version": __version__,
        "networks": [{"name": work.spec.name, "sha256": _hash(work, grid)} for work in works],
        "targets": [
            {
                "target": model.target.name,
                "precision": model.target.precision,
                "threads": model.target.threads,
                "rates": {name: float(rate.seconds) for name, rate in model.rates.items()},
            }
            for model in first.models
        ],
        "batches": list(first.batches),
        "grid": {
            name: None if values is None else [len(values), _sha256(values.tobytes())]
            for name, values in zip(grid._fields, grid, strict=True)
        },
        "configurations": grid.size * len(works),
        "configurations_a_part": points,
        "options": dict(first.how.options),
        "params": [first.how.params.batch_norm, first.how.params.after_depthwise],
        "macs": first.how.macs,
        "unsupported": first.how.unsupported,
        "lowering": first.how.lowering,
    }


def _hash(work: Work, grid: Grid) -> str:
    """Of all layers of a network, with their shapes and counts, at the first and the last configuration."""
    ends = (grid.points(0, 1), grid.points(grid.size - 1, grid.size))
    graphs = [build_graph(work.spec, options=work.how.options, **points.at(0)) for points in ends]
    layers = [
        (layer.name, layer.op, layer.inputs, layer.input_shapes, layer.output_shape, layer.cost)
        for graph in graphs
        for layer in graph.layers
    ]
    return _sha256(repr(layers).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _frame(section: Section) -> Any:
    import pandas as pd

    return pd.DataFrame(section_columns(section))


def _write(path: Path, content: bytes) -> None:
    """Write a file; if that fails, say that what was finished stays."""
    try:
        write_bytes(path, content, force=True)
    except InputError as error:
        hint = "the parts that were finished stay: the same command goes on from there"
        raise InputError([replace(problem, hint=hint) for problem in error.problems]) from None


def _guarded(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """The outcomes; an executor that breaks becomes an error that says what stays."""
    try:
        yield from outcomes
    except BrokenExecutor as error:
        _fail_executor(error)
    except Exception as error:
        if type(error).__module__.partition(".")[0] in {"distributed", "dask"}:
            _fail_executor(error)
        raise


def _fail_executor(error: Exception) -> NoReturn:
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    hint = "the parts that were finished stay: the same command goes on from there"
    fail("MB800", f"the executor failed: {what[:300]}", hint=hint)


def _front(paths: Sequence[Path]) -> Any:
    """The rows of all parts that no other one of the same target and batch beats, a part in memory at a time."""
    import pandas as pd

    kept = pd.DataFrame()
    for path in paths:
        part = read_columns(path)
        kept = pd.concat([kept, part], ignore_index=True) if len(kept) else part
        kept = _on_fronts(kept, ("top1", "macs"))  # which of them counts is known at the end
    kept = _on_fronts(kept, ("top1",) if kept["top1"].notna().any() else ("macs",))
    return kept.sort_values([*_CASE, "latency_ms"], kind="stable", ignore_index=True)


def _on_fronts(frame: Any, qualities: Sequence[str]) -> Any:
    """Rows on the front of latency and one of the qualities, among those of the same target and batch."""
    keep = np.zeros(len(frame), dtype=np.bool_)
    for rows in frame.groupby(list(_CASE), observed=True, sort=False).indices.values():
        latency = frame["latency_ms"].to_numpy()[rows]
        for quality in qualities:
            keep[rows] |= on_front(latency, frame[quality].to_numpy()[rows])
    return frame[keep]
