"""``mbcost.sweep``: many configurations of networks on many targets, in one pass of the ordinary pipeline on arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from itertools import product
from typing import Final, Literal, TypeAlias

import numpy as np

from mbcost.architectures import ArchitectureSpec
from mbcost.architectures.limits import MAX_BATCH
from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import OptionValue
from mbcost.arguments import DEFAULT, Configuration, Params, as_list, configuration
from mbcost.calibration.apply import CalibrationChoice
from mbcost.checks import Checks
from mbcost.devices import Target
from mbcost.errors import call_each, fail
from mbcost.graph import DEFAULT_PARAMS
from mbcost.networks import Network, load
from mbcost.prediction import TargetModel, prepare, target_for
from mbcost.search.checkpoints import published_points
from mbcost.search.evaluate import Outcome, Work, evaluate
from mbcost.search.grid import Numbers, Points, Sizes, make_grid, make_points
from mbcost.search.parallel import run
from mbcost.search.result import Section, SweepResult
from mbcost.words import Lowering, MacsConvention, Unsupported

#: Most rows that a result holds in memory; larger sweeps are written to files part by part.
MAX_ROWS: Final = 20_000_000

Progress: TypeAlias = Callable[[int, int], None]


def sweep(
    network: Network | Sequence[Network],
    device: str | Target | Sequence[str | Target],
    *,
    alpha: Numbers = 1.0,
    rho: Numbers | None = None,
    resolution: Sizes | None = None,
    points: Iterable[tuple[float, Resolution]] | Literal["published"] | None = None,
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
) -> SweepResult:
    """Predict the latency of every configuration of every network on every target.

    Parameters
    ----------
    network, device
        One or several, as :func:`mbcost.analyze` takes them.
    alpha, rho, resolution
        The axes of a grid: a number, several, or a text such as ``0.35,0.5:1.4:0.05``. Resolutions of several may be
        pairs of height and width, in a text ``224x320``; ``(224, 320)`` is two of them.
    points
        Instead of a grid: pairs of alpha and resolution, or ``published`` for those with a published checkpoint.
    batch, precision, threads
        One or several of each; every combination is evaluated. By default what each network's file states, else 1 and
        the target's precision, as for :func:`mbcost.analyze`.
    options, params, macs, unsupported, calibration, lowering, input_shape, until
        As for :func:`mbcost.analyze`.
    executor
        Any executor of ``concurrent.futures``, or Dask's, for chunks of configurations. By default they are evaluated
        one after the other in this process.
    progress
        Called after each chunk with the number of finished configurations and the total.

    Returns
    -------
    SweepResult
        One row per configuration, target and batch.

    Raises
    ------
    InputError
        With every problem of the axes and targets; MB010 or MB204 with the first configuration that cannot be built.
    """
    how = configuration(
        options=options,
        params=params,
        macs=macs,
        unsupported=unsupported,
        calibration=calibration,
        lowering=lowering,
    )
    grid = None if points is not None else make_grid(alpha, rho, resolution)
    side = None if grid is None else grid.first_resolution
    specs = load_each(network, how, input_shape=input_shape, until=until, resolution=side)
    if not specs:
        fail("MB010", "network names nothing to sweep over")
    works = works_of(specs, device, batch, precision, threads, how)
    if grid is not None:
        _check_size(sum(grid.size * len(work.cases) for work in works))
        chosen = [grid.points()] * len(works)
    else:
        assert points is not None
        chosen = _points(works, points)
        _check_size(sum(some.size * len(work.cases) for some, work in zip(chosen, works, strict=True)))
    filled = [work._replace(points=some) for work, some in zip(works, chosen, strict=True)]
    return SweepResult(tuple(evaluate_all(filled, executor, progress)))


def load_each(
    network: Network | Sequence[Network],
    how: Configuration,
    *,
    input_shape: Sequence[int] | None = None,
    until: str | None = None,
    resolution: Resolution | None = None,
) -> list[ArchitectureSpec]:
    """The networks of one or several names, as :func:`mbcost.load` reads each."""

    def load_one(one: Network) -> ArchitectureSpec:
        return load(one, unsupported=how.unsupported, input_shape=input_shape, until=until, resolution=resolution)

    return [load_one(one) for one in as_list(network)]


def works_of(
    specs: Sequence[ArchitectureSpec],
    device: str | Target | Sequence[str | Target],
    batch: int | Sequence[int] | None,
    precision: str | Sequence[str] | None,
    threads: int | Sequence[int] | None,
    how: Configuration,
) -> list[Work]:
    """The work of every network, with no configuration yet: its targets and batch sizes as asked for, or as it states.

    Raises
    ------
    InputError
        With the problems of all targets and batch sizes.
    """
    batches = None if batch is None else check_batches(batch)
    prepared = {
        stated: prepare_targets(device, precision, threads, how, stated)
        for stated in dict.fromkeys(spec.stated_precision for spec in specs)
    }
    none = make_grid().points(0, 0)
    return [Work(spec, none, prepared[spec.stated_precision], batches or (spec.stated_batch,), how) for spec in specs]


def prepare_targets(
    device: str | Target | Sequence[str | Target],
    precision: str | Sequence[str] | None = None,
    threads: int | Sequence[int] | None = None,
    how: Configuration = DEFAULT,
    stated: str | None = None,
) -> tuple[TargetModel, ...]:
    """Every device at every precision and number of threads, ready to predict.

    Parameters
    ----------
    stated
        Precision of a quantised model, for the devices that have it, where none was asked for.

    Raises
    ------
    InputError
        With the problems of all targets.
    """
    runs = [configuration(precision=one, threads=many) for one, many in product(as_list(precision), as_list(threads))]
    found: dict[tuple[str, str, int], TargetModel] = {}

    def prepare_one(case: tuple[str | Target, Configuration]) -> None:
        target = target_for(case[0], case[1].precision, case[1].threads, stated)
        key = (target.name, target.precision, target.threads)
        if key not in found:
            found[key] = prepare(target, how.calibration, how.lowering)

    call_each(prepare_one, product(as_list(device), runs))
    if not found:
        fail("MB010", "device names no target", hint="such as pixel1 or ['pixel1', 'pixel4/gpu']")
    return tuple(found.values())


def check_batches(batch: int | Sequence[int]) -> tuple[int, ...]:
    """Batch sizes, each once.

    Raises
    ------
    InputError
        MB010 for every one that is out of range, or if there is none.
    """
    checks = Checks()
    batches = [checks.whole("batch", size, least=1, most=MAX_BATCH) for size in as_list(batch)]
    checks.done()
    if not batches:
        fail("MB010", "batch has no value", hint="such as 1 or [1, 8]")
    return tuple(dict.fromkeys(batches))


def evaluate_all(
    works: Sequence[Work], executor: Executor | None = None, progress: Progress | None = None
) -> Iterable[Section]:
    """One section per network, from the outcomes of its chunks."""
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


def _points(works: Sequence[Work], points: Iterable[tuple[float, Resolution]] | Literal["published"]) -> list[Points]:
    if points != "published":
        if isinstance(points, str):
            fail("MB010", f"points is `{points}`, it has to be pairs of alpha and resolution or `published`")
        some = make_points(points)
        return [some] * len(works)
    chosen = []
    for work in works:
        precisions = {model.target.precision for model in work.models}
        known = published_points(work.spec, "int8" if precisions == {"int8"} else "fp32")
        if known is None:
            name = work.spec.name
            fail("MB010", f"mbcost knows of no published checkpoint of {name}", hint="give alpha and resolution")
        chosen.append(known)
    return chosen


def _check_size(rows: int) -> None:
    if rows > MAX_ROWS:
        hint = "write it to a folder, part by part: `mbcost sweep ... --parts FOLDER`, mbcost.search.sweep_to_parts"
        fail("MB010", f"the sweep has {rows:,} rows, more than the {MAX_ROWS:,} that are kept in memory", hint=hint)
