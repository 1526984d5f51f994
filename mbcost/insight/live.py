"""What the report's live panel needs: counts of a network at many widths and resolutions, and rates at many settings.

From both a page computes a latency by the arithmetic of the form alone: exact at the points of the grid, where the
counts come from the same kernels as those of :func:`mbcost.analyze`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from mbcost.analysis import Analysis
from mbcost.architectures.spec import OptionValue
from mbcost.devices import as_target
from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.hosting import accelerator_part, is_hosted
from mbcost.insight.hints import ALPHAS, RESOLUTION_STEP
from mbcost.insight.what_if import Limit, limits_of
from mbcost.latency import GROUPS
from mbcost.numeric import MixedConfigurationsError
from mbcost.operators import OperatorError
from mbcost.prediction import TargetModel, estimates_of, kernels_of, prepare

#: Most resolutions of the grid, and most numbers of threads.
_MOST_SIDES: Final = 7
_MOST_THREADS: Final = 4
#: Smallest and largest resolution as a share of the analysed one [1]. Chosen: 96 to 288 for 224.
_SIDES: Final = (0.42, 1.3)
#: Most counts of a target, each of some 8 bytes; with more, as of forms with overlap, the grid is coarser.
_MOST_COUNTS: Final = 10_000


class Table(NamedTuple):
    """Counts at every point of the grid.

    Attributes
    ----------
    kernels
        How many kernels are alike, and their terms by number with the count at every point. In a form without overlap,
        where a sum is enough, one entry for the whole network.
    hosted_s
        The time by part that the host takes, at every point [s]; empty where it takes none.
    """

    kernels: tuple[tuple[int, tuple[tuple[int, tuple[float, ...]], ...]], ...]
    hosted_s: tuple[tuple[float, ...], ...]


class Setting(NamedTuple):
    """A precision and a number of threads: seconds a count of every term, limits of the rates, number of the table."""

    precision: str
    threads: int
    rates_s: tuple[float, ...]
    limits: tuple[tuple[Limit, ...], ...] | None
    table: int


class _Model(NamedTuple):
    """The target at a precision and a number of threads, with what does not depend on the grid."""

    precision: str
    threads: int
    model: TargetModel
    rates_s: tuple[float, ...]
    limits: tuple[tuple[Limit, ...], ...] | None


class Live(NamedTuple):
    """Points (every width at every resolution, the resolutions as the inner loop), the analysis's own, and settings."""

    alphas: tuple[float, ...]
    sides: tuple[int, ...]
    own: tuple[int, int]
    settings: tuple[Setting, ...]
    tables: tuple[Table, ...]


def live_of(analysis: Analysis) -> Live:
    """The tables of an analysis; the first setting is its own."""
    models, own = list(_models(analysis)), (analysis.layer_graph.alpha,)
    alphas, sides = _alphas(analysis), _sides(analysis)
    few = tuple(sorted({*alphas[1::2], *own})), tuple(sorted({*sides[::2], *_own_side(analysis)}))
    for grid in dict.fromkeys([(alphas, sides), few, (own, sides), (own, few[1])]):
        try:
            found = _live(analysis, models, *grid)
        except (InputError, OperatorError):  # the network does not come at one of these sizes
            continue
        counts = sum(len(values) for table in found.tables for _, terms in table.kernels for _, values in terms)
        if counts <= _MOST_COUNTS:
            return found
    return _live(analysis, models, own, _own_side(analysis))


def _models(analysis: Analysis) -> Iterator[_Model]:
    """The target at each precision and number of threads, its own first."""
    target = analysis.target
    threads = [target.threads]
    if target.processor.kind == "cpu":
        most = target.processor.max_threads
        threads += [number for number in (1, 2, 4, most) if number <= most]
    precisions = dict.fromkeys([target.precision, *target.processor.precisions])
    for number in list(dict.fromkeys(threads))[:_MOST_THREADS]:
        for precision in precisions:
            try:
                changed = as_target(target, precision, number)
                model = prepare(changed, analysis.calibration or False, analysis.runtime.lowering)
            except InputError:  # the profile has no numbers for it
                continue
            found = limits_of(model)
            limits = None if found is None else tuple(found[term.name] for term in model.form.terms)
            seconds = tuple(float(model.rates[term.name].seconds) for term in model.form.terms)
            yield _Model(precision, number, model, seconds, limits)


def _alphas(analysis: Analysis) -> tuple[float, ...]:
    own = analysis.layer_graph.alpha
    return (own,) if analysis.spec.width is None else tuple(sorted({*ALPHAS, own}))


def _own_side(analysis: Analysis) -> tuple[int, ...]:
    return (analysis.layer_graph.input_shape.height,)


def _sides(analysis: Analysis) -> tuple[int, ...]:
    """Square resolutions around the analysed one; that alone where it is not square."""
    height, width, _ = analysis.layer_graph.input_shape
    low, high = (round(share * height / RESOLUTION_STEP) for share in _SIDES)
    steps = range(max(low, 1), high + 1)
    if height != width or len(steps) < 1 or height < 2 * RESOLUTION_STEP:
        return (height,)
    coarse = -(-len(steps) // (_MOST_SIDES - 1)) if len(steps) > _MOST_SIDES else 1
    return tuple(sorted({*(step * RESOLUTION_STEP for step in steps[::coarse]), height}))


def _live(analysis: Analysis, models: Sequence[_Model], alphas: tuple[float, ...], sides: tuple[int, ...]) -> Live:
    import numpy as np

    points = [(alpha, side) for alpha in alphas for side in sides]
    arrays = tuple(np.array(column) for column in zip(*points, strict=True))
    tables: dict[Table, int] = {}
    # the form, the bytes of an element and the host are all that they read
    known: dict[tuple[int, int, int], Table] = {}
    settings = []
    for each in models:
        key = id(each.model.form), each.model.element_bytes, id(each.model.host)
        if key not in known:
            known[key] = _table(analysis, each.model, *arrays)
        number = tables.setdefault(known[key], len(tables))
        settings.append(Setting(each.precision, each.threads, each.rates_s, each.limits, number))
    own = alphas.index(analysis.layer_graph.alpha), sides.index(analysis.layer_graph.input_shape.height)
    return Live(alphas, sides, own, tuple(settings), tuple(tables))


def _table(analysis: Analysis, model: TargetModel, alphas: Any, sides: Any) -> Table:
    """The counts at every point; points that differ in their kernels are computed apart, and their tables joined."""
    try:
        return _pass(analysis, model, alphas, sides)
    except MixedConfigurationsError as mixed:
        import numpy as np

        condition = np.broadcast_to(mixed.condition, alphas.shape)
        parts = [(which, _table(analysis, model, alphas[which], sides[which])) for which in (condition, ~condition)]
        return _joined(parts, len(alphas))


def _pass(analysis: Analysis, model: TargetModel, alphas: Any, sides: Any) -> Table:
    import numpy as np

    graph, size = analysis.layer_graph, len(alphas)
    if size > 1 or (alphas[0], sides[0]) != (graph.alpha, graph.input_shape.height):
        options = cast("Mapping[str, OptionValue]", graph.options)
        if analysis.spec.width is None:
            graph = build_graph(analysis.spec, resolution=sides, options=options)
        else:
            graph = build_graph(analysis.spec, alpha=alphas, resolution=sides, options=options)
    kernels = kernels_of(graph, model, batch=analysis.batch, estimate_unsupported=True)
    form, places = model.form, {term.name: number for number, term in enumerate(model.form.terms)}

    def everywhere(value: Any) -> tuple[float, ...]:
        return tuple(np.broadcast_to(value, (size,)).tolist())

    mine = [kernel for kernel in accelerator_part(kernels, model.target) if not is_hosted(kernel)]
    alike: Counter[tuple[tuple[int, tuple[float, ...]], ...]]
    if form.overlap == "none":
        totals = form.total(mine, form.counts(mine))
        alike = Counter([tuple((places[name], everywhere(count)) for name, count in totals.items() if np.any(count))])
    else:
        alike = Counter(
            tuple((places[term.name], everywhere(count)) for term, count in form.explain(kernel)) for kernel in mine
        )
    hosted: list[tuple[float, ...]] = []
    if any(map(is_hosted, kernels)):
        seconds = {name: rate.seconds for name, rate in model.rates.items()}
        estimates = estimates_of(graph, kernels, model, seconds)
        on_host = [one[1:] for kernel, one in zip(kernels, estimates, strict=True) if is_hosted(kernel)]
        hosted = [everywhere(sum(parts[group] for parts in on_host)) for group in range(len(GROUPS))]
    return Table(tuple((number, terms) for terms, number in alike.items() if terms), tuple(hosted))


def _joined(parts: Sequence[tuple[Any, Table]], size: int) -> Table:
    """One table of those of some points each: a kernel that some points do not have counts nothing there."""
    kernels: list[tuple[int, tuple[tuple[int, tuple[float, ...]], ...]]] = []
    hosted = [[0.0] * size for _ in GROUPS] if any(table.hosted_s for _, table in parts) else []
    summed: dict[int, list[float]] = {}
    for which, table in parts:
        places = which.nonzero()[0].tolist()
        for number, terms in table.kernels:
            spread = tuple((term, _spread(values, places, size)) for term, values in terms)
            kernels.append((number, spread))
        for group, values in enumerate(table.hosted_s):
            for place, value in zip(places, values, strict=True):
                hosted[group][place] = value
    if all(number == 1 for number, _ in kernels) and len(kernels) == len(parts):  # sums of whole networks
        for _, terms in kernels:
            for term, values in terms:
                total = summed.setdefault(term, [0.0] * size)
                summed[term] = [one + other for one, other in zip(total, values, strict=True)]
        kernels = [(1, tuple((term, tuple(values)) for term, values in summed.items()))]
    return Table(tuple(kernels), tuple(map(tuple, hosted)))


def _spread(values: Sequence[float], places: Sequence[int], size: int) -> tuple[float, ...]:
    found = [0.0] * size
    for place, value in zip(places, values, strict=True):
        found[place] = value
    return tuple(found)
