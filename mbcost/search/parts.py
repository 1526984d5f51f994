"""Sweeps that do not fit into memory: Parquet files part by part; an interrupted run can be resumed.

A folder holds ``sweep.json`` (what is swept), ``part-00000.parquet`` and so on, at the end ``front.parquet``, and their
hashes in ``sweep.sha256``, which ``sha256sum --check`` reads. A part is finished if its hash is listed and matches its
content; damaged or unlisted parts are computed again. A part has some configurations of one network on all targets at
all batch sizes. At most :data:`IN_FLIGHT` parts are in memory at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from mbcost._version import __version__
from mbcost.architectures.spec import OptionValue
from mbcost.arguments import Params, configuration
from mbcost.calibration.apply import CalibrationChoice
from mbcost.devices import Target
from mbcost.errors import InputError, fail
from mbcost.files import MAX_BYTES, read_head, write_bytes, write_text
from mbcost.graph import DEFAULT_PARAMS, build_graph
from mbcost.networks import Network
from mbcost.parquet import parquet_bytes, read_columns, require_pyarrow
from mbcost.search.evaluate import Outcome, Work, evaluate
from mbcost.search.grid import Grid, Numbers, Sizes, make_grid
from mbcost.search.parallel import run
from mbcost.search.pareto import on_front
from mbcost.search.result import Section, section_columns
from mbcost.search.sweep import Progress, joined, load_each, works_of
from mbcost.words import Lowering, MacsConvention, Unsupported

SCHEMA: Final = "mbcost/sweep-parts/1"
MANIFEST: Final = "sweep.json"
FRONT: Final = "front.parquet"
HASHES: Final = "sweep.sha256"
#: Largest list of hashes: a hundred thousand parts and more [bytes].
_MAX_HASHES: Final = 16 * 2**20
#: Approximate rows per part: a file of 10 to 20 MB.
PART_ROWS: Final = 131_072
#: Most parts in flight or waiting to be written.
IN_FLIGHT: Final = 8

_STAYS: Final = "the finished parts stay: the same command resumes from there"
_HASH_LINE: Final = re.compile(r"([0-9a-f]{64})  ((?:front|part-\d+)\.parquet)")
_CASE: Final = ("target", "precision", "threads", "batch")


class Parts(NamedTuple):
    """The content of a folder after a sweep.

    Attributes
    ----------
    paths
        The parts, in the order of the rows.
    front
        The file with the Pareto front of each target and batch.
    rows
        Number of rows of all parts.
    found
        Number of parts that an earlier run had finished.
    damaged
        Number of damaged parts that were computed again.
    """

    paths: tuple[Path, ...]
    front: Path
    rows: int
    found: int
    damaged: int = 0


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
    resolution: Sizes | None = None,
    batch: int | Sequence[int] | None = None,
    precision: str | Sequence[str] | None = None,
    threads: int | Sequence[int] | None = None,
    options: Mapping[str, OptionValue] | None = None,
    params: Params = DEFAULT_PARAMS,
    macs: MacsConvention = "products",
    unsupported: Unsupported = "refuse",
    calibration: CalibrationChoice = None,
    lowering: Lowering = "auto",
    input_shape: Sequence[int] | None = None,
    until: str | None = None,
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
        Created if it does not exist. It may hold an unfinished run of the same sweep.
    part_rows
        Approximate rows per part.

    Raises
    ------
    InputError
        As :func:`mbcost.sweep`; MB007 if the folder holds another sweep, MB008 if a part cannot be written, MB800 if
        the executor fails. Finished parts stay in each case.
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
    grid = make_grid(alpha, rho, resolution)
    specs = load_each(network, how, input_shape=input_shape, until=until, resolution=grid.first_resolution)
    if not specs:
        fail("MB010", "network names nothing to sweep over")
    works = works_of(specs, device, batch, precision, threads, how)
    path = Path(folder)
    points = max(1, part_rows // max(len(work.cases) for work in works))
    parts = _plan(path, len(works), grid, points)
    _claim(path, _request(works, grid, points))
    finished = _Finished(path)
    todo = [part for part in parts if not finished.has(part.path)]
    damaged = sum(part.path.exists() for part in todo)
    total = grid.size * len(works)
    done = total - sum(part.stop - part.start for part in todo)
    found = len(parts) - len(todo)
    pieces = (works[part.network]._replace(points=grid.points(part.start, part.stop)) for part in todo)
    outcomes = run(evaluate_part, pieces, executor, in_flight=IN_FLIGHT, hint=_STAYS)
    for part, outcome in zip(todo, outcomes, strict=True):
        work = works[part.network]._replace(points=grid.points(part.start, part.stop))
        finished.write(part.path, parquet_bytes(_frame(Section(work, outcome))))
        done += part.stop - part.start
        if progress is not None:
            progress(done, total)
    front = path / FRONT
    if todo or not finished.has(front):
        finished.write(front, parquet_bytes(_front([part.path for part in parts])))
    rows = sum(grid.size * len(work.cases) for work in works)
    return Parts(tuple(part.path for part in parts), front, rows, found, damaged)


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
    """Create the folder of this sweep, or check that it is.

    Raises
    ------
    InputError
        MB007 if it belongs to another sweep or holds other files; MB008 if it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except (OSError, ValueError) as error:
        fail("MB008", f"cannot write to {folder}: {getattr(error, 'strerror', None) or error}")
    manifest = folder / MANIFEST
    if not manifest.is_file():
        if not is_empty:
            fail(
                "MB007", f"{folder} holds files that do not belong to a sweep", hint="name an empty folder or a new one"
            )
        write_text(manifest, f"{json.dumps(request, indent=1)}\n")
        return
    try:
        before = json.loads(read_head(manifest, MAX_BYTES))
    except (ValueError, RecursionError):
        hint = "its parts cannot be identified: name another folder, or empty this one"
        fail("MB007", f"{manifest} is damaged", hint=hint)
    if before != request:
        fail("MB007", f"{folder} holds another sweep", hint=f"name another folder; `{MANIFEST}` says what it holds")


def _request(works: Sequence[Work], grid: Grid, points: int) -> dict[str, Any]:
    """The identity of a sweep as JSON: a run resumes only what the same version began with the same numbers."""
    first = works[0]
    models = {
        (model.target.name, model.target.precision, model.target.threads): model
        for work in works
        for model in work.models
    }
    return {
        "schema": SCHEMA,
        "mbcost_version": __version__,
        "networks": [
            {
                "name": work.spec.name,
                "sha256": _hash(work, grid),
                "batches": list(work.batches),
                "precisions": list(dict.fromkeys(model.target.precision for model in work.models)),
            }
            for work in works
        ],
        "targets": [
            {
                "target": model.target.name,
                "precision": model.target.precision,
                "threads": model.target.threads,
                "rates": {name: float(rate.seconds) for name, rate in model.rates.items()},
            }
            for model in models.values()
        ],
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
    """A hash of all layers of a network, with shapes and counts, at the first and the last configuration."""
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


class _Finished:
    """The undamaged files of a folder, by their hashes."""

    def __init__(self, folder: Path) -> None:
        """Read the list of hashes.

        Raises
        ------
        InputError
            MB003 if the list cannot be read.
        """
        self._path = folder / HASHES
        text = read_head(self._path, _MAX_HASHES).decode("utf-8", "replace") if self._path.exists() else ""
        lines = map(_HASH_LINE.fullmatch, text.splitlines())
        self._hashes = {line[2]: line[1] for line in lines if line}

    def has(self, path: Path) -> bool:
        """Whether a file exists and is undamaged.

        Raises
        ------
        InputError
            MB003 if it cannot be read.
        """
        wanted = self._hashes.get(path.name)
        return wanted is not None and path.is_file() and _sha256(read_head(path, -1)) == wanted

    def write(self, path: Path, content: bytes) -> None:
        """Write a file and list it; the error of a failure says that finished parts stay.

        Raises
        ------
        InputError
            MB008.
        """
        self._hashes[path.name] = _sha256(content)
        listed = "".join(f"{value}  {name}\n" for name, value in sorted(self._hashes.items()))
        try:
            write_text(self._path, listed, force=True)  # first, so that a file with another hash counts as damaged
            write_bytes(path, content, force=True)
        except InputError as error:
            raise InputError([replace(problem, hint=_STAYS) for problem in error.problems]) from None


def _front(paths: Sequence[Path]) -> Any:
    """The Pareto front of each target and batch over all parts, with one part in memory at a time."""
    import pandas as pd

    kept = pd.DataFrame()
    for path in paths:
        part = read_columns(path)
        kept = pd.concat([kept, part], ignore_index=True) if len(kept) else part
        kept = _on_fronts(kept, ("top1", "macs"))  # which of the two applies is known at the end
    kept = _on_fronts(kept, ("top1",) if kept["top1"].notna().any() else ("macs",))
    return kept.sort_values([*_CASE, "latency_ms"], kind="stable", ignore_index=True)


def _on_fronts(frame: Any, qualities: Sequence[str]) -> Any:
    """Rows on the Pareto front of latency and any of the qualities, among those of the same target and batch."""
    keep = np.zeros(len(frame), dtype=np.bool_)
    for rows in frame.groupby(list(_CASE), observed=True, sort=False).indices.values():
        latency = frame["latency_ms"].to_numpy()[rows]
        for quality in qualities:
            keep[rows] |= on_front(latency, frame[quality].to_numpy()[rows])
    return frame[keep]
