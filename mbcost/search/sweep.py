"""``mbcost.sweep``: many configurations of networks on many targets, in one pass of the ordinary pipeline on arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from itertools import product
from os import PathLike
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from mbcost.architectures import ArchitectureSpec
from mbcost.architectures.spec import OptionValue
from mbcost.devices import Target, as_target
from mbcost.errors import InputError, Problem, call_each, fail
from mbcost.graph import DEFAULT_PARAMS, ParamsConvention
from mbcost.graph.counting import MacsConvention
from mbcost.latency.calibrated import CalibrationChoice
from mbcost.pipeline import MAX_BATCH, TargetModel, load, prepare
from mbcost.search.checkpoints import published_points
from mbcost.search.evaluate import Outcome, Work, evaluate
from mbcost.search.grid import Numbers, Points, make_grid, make_points
from mbcost.search.parallel import run
from mbcost.search.result import Section, SweepResult

#: Most rows that a result holds in memory; what is larger goes to files, part by part.
MAX_ROWS: Final = 20_000_000

Model: TypeAlias = "str | PathLike[str] | ArchitectureSpec"
Progress: TypeAlias = Callable[[int, int], None]


def sweep(
    models: Model | Sequence[Model],
    devices: str | Target | Sequence[str | Target] = "pixel1",
    *,
    alpha: Numbers = 1.0,
    rho: Numbers | None = None,
    resolution: Numbers | None = None,
    points: Iterable[tuple[float, int]] | Literal["published"] | None = None,
    batch: int | Sequence[int] = 1,
    precision: str | Sequence[str] | None = None,
    threads: int | Sequence[int] | None = None,
    options: Mapping[str, OptionValue] | None = None,
    params: ParamsConvention = DEFAULT_PARAMS,
    macs: MacsConvention = "products",
    estimate_unsupported: bool = False,
    calibration: CalibrationChoice = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Predict the latency of every configuration of every network on every target.

    Parameters
    ----------
    models, devices
        One or several, as :func:`mbcost.analyze` takes them.
    alpha, rho, resolution
        The axes of a grid: a number, several, or a text such as ``0.35,0.5:1.4:0.05``.
    points
        In the place of a grid: pairs of alpha and resolution, or ``published`` for those that have a published
        checkpoint.
    batch, precision, threads
        One or several of each; every combination is evaluated.
    options, params, macs, estimate_unsupported, calibration
        As for :func:`mbcost.analyze`.
    executor
        Evaluates chunks of configurations elsewhere: any executor of ``concurrent.futures``, or Dask's. By default
        they are evaluated one after the other, here.
    progress
        Called with the configurations that are done and all there are, a chunk at a time.

    Returns
    -------
    SweepResult
        A row a configuration, target and batch.

    Raises
    ------
    InputError
        With every problem of the axes and targets; MB010 or MB204 with the first configuration that cannot be built.
    """
    specs = [loaded(model, estimate_unsupported) for model in several(models)]
    prepared = prepare_targets(devices, precision, threads, calibration)
    batches = check_batches(batch)
    if points is None:
        grids = [make_grid(alpha, rho, resolution)] * len(specs)
        rows = sum(grid.size for grid in grids) * len(prepared) * len(batches)
        _check_size(rows)
        chosen = [grid.points() for grid in grids]
    else:
        chosen = _points(specs, points, prepared)
        _check_size(sum(some.size for some in chosen) * len(prepared) * len(batches))
    works = [
        Work(spec, some, prepared, batches, options, params, macs, estimate_unsupported)
        for spec, some in zip(specs, chosen, strict=True)
    ]
    return SweepResult(tuple(evaluate_all(works, executor, progress)))


def prepare_targets(
    devices: str | Target | Sequence[str | Target],
    precision: str | Sequence[str] | None = None,
    threads: int | Sequence[int] | None = None,
    calibration: CalibrationChoice = None,
) -> tuple[TargetModel, ...]:
    """Every device at every precision and number of threads, ready to predict.

    Raises
    ------
    InputError
        With the problems of all targets.
    """
    found: dict[tuple[str, str, int], TargetModel] = {}

    def prepare_one(case: tuple[str | Target, str | None, int | None]) -> None:
        target = as_target(*case)
        key = (target.name, target.precision, target.threads)
        if key not in found:
            found[key] = prepare(target, calibration)

    call_each(prepare_one, product(several(devices), several(precision), several(threads)))
    if not found:
        fail("MB010", "there is no target to sweep on")
    return tuple(found.values())


def check_batches(batch: int | Sequence[int]) -> tuple[int, ...]:
    """Batch sizes, each once.

    Raises
    ------
    InputError
        MB010 for every one that is out of range, or if there is none.
    """
    batches = tuple(dict.fromkeys(several(batch)))
    bad = [
        size for size in batches if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_BATCH
    ]
    if bad:
        raise InputError(
            Problem("MB010", f"batch is {size}, it has to be a whole number from 1 to {MAX_BATCH}") for size in bad
        )
    if not batches:
        fail("MB010", "there is no batch size to sweep over")
    return batches


def evaluate_all(
    works: Sequence[Work], executor: Executor | None = None, progress: Progress | None = None
) -> Iterable[Section]:
    """A section a network, its chunks put together again."""
    chunks = [(number, chunk) for number, work in enumerate(works) for chunk in work.chunks()]
    total, done = sum(work.points.size for work in works), 0
    parts: list[list[Outcome]] = [[] for _ in works]
    for (number, chunk), outcome in zip(chunks, run(evaluate, [chunk for _, chunk in chunks], executor), strict=True):
        parts[number].append(outcome)
        done += chunk.points.size
        if progress is not None:
            progress(done, total)
    for work, outcomes in zip(works, parts, strict=True):
        yield Section(work, outcomes[0] if len(outcomes) == 1 else joined(outcomes))


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcomes of chunks of configurations as one."""
    return Outcome(*(np.concatenate(columns, axis=-1) for columns in zip(*outcomes, strict=True)))


def _points(
    specs: Sequence[ArchitectureSpec],
    points: Iterable[tuple[float, int]] | Literal["published"],
    prepared: Sequence[TargetModel],
) -> list[Points]:
    if points != "published":
        if isinstance(points, str):
            fail("MB010", f"points is `{points}`, neither pairs of alpha and resolution nor `published`")
        some = make_points(points)
        return [some] * len(specs)
    precisions = {model.target.precision for model in prepared}
    wanted = "int8" if precisions == {"int8"} else "fp32"
    chosen = []
    for spec in specs:
        known = published_points(spec, wanted)
        if known is None:
            fail("MB010", f"mbcost knows of no published checkpoint of {spec.name}", hint="give alpha and resolution")
        chosen.append(known)
    return chosen


def _check_size(rows: int) -> None:
    if rows > MAX_ROWS:
        hint = "write it to a folder, part by part: `mbcost sweep ... --parts FOLDER`, mbcost.search.sweep_to_parts"
        fail("MB010", f"the sweep has {rows:,} rows, more than the {MAX_ROWS:,} that are kept in memory", hint=hint)


def loaded(model: Model, estimate_unsupported: bool = False) -> ArchitectureSpec:
    """The architecture that a model is, or names; see :func:`mbcost.load`."""
    if isinstance(model, ArchitectureSpec):
        return model
    return load(model, unsupported="estimate" if estimate_unsupported else "refuse")


def several(value: Any) -> list[Any]:
    """`value` as a list: a text, a number, a network or a target alone is one."""
    if isinstance(value, (list, tuple, range, np.ndarray, set, frozenset)):
        return list(value)
    return [value]
