"""One pass of the ordinary pipeline on arrays: many configurations of a network on several targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mbcost.architectures import ArchitectureSpec
from mbcost.arguments import DEFAULT, Configuration
from mbcost.errors import InputError, fail
from mbcost.graph import (
    LayerGraph,
    build_graph,
    count_macs,
    count_params,
    peak_elements,
)
from mbcost.graph.expansion import MAX_ELEMENTS
from mbcost.numeric import MixedConfigurationsError
from mbcost.prediction import TargetModel, predict
from mbcost.search.grid import Floats, Ints, Points

#: Configurations that are evaluated at once: their arrays stay in a core's cache.
CHUNK: Final = 4096
#: Size of an allocation just below glibc's largest mmap threshold; once it was freed, blocks come from the heap [B].
_SETTLING_BYTES: Final = 31 * 2**20
#: Largest count that arrays of 64-bit integers may reach, with room for rounding up to tiles.
MAX_COUNT: Final = 2**58


class Work(NamedTuple):
    """A work item: every configuration on every target at every batch size. It is sent between processes.

    Attributes
    ----------
    how
        What all configurations share: options, counting conventions and the treatment of unsupported operators.
    """

    spec: ArchitectureSpec
    points: Points
    models: tuple[TargetModel, ...]
    batches: tuple[int, ...] = (1,)
    how: Configuration = DEFAULT

    @property
    def cases(self) -> list[tuple[TargetModel, int]]:
        """Target and batch of every row of an :class:`Outcome`'s latencies."""
        return [(model, batch) for model in self.models for batch in self.batches]

    def chunks(self, size: int = CHUNK) -> Iterator[Work]:
        """The same for a few configurations at a time."""
        for start in range(0, self.points.size, size):
            yield self._replace(points=self.points.take(slice(start, start + size)))


class Outcome(NamedTuple):
    """The result of a :class:`Work`.

    Attributes
    ----------
    height, width
        Height and width of the input [pixels]; one entry per configuration, as for the next three.
    macs, params, peak_elements
        Counts for one image.
    latency_s, latency_low_s, latency_high_s
        Latency of one inference of the whole batch with its 90 % interval [s]: one row per case, one column per
        configuration.
    peak_bytes
        Largest activation memory alive at any time [B], likewise.
    """

    height: Ints
    width: Ints
    macs: Ints
    params: Ints
    peak_elements: Ints
    latency_s: Floats
    latency_low_s: Floats
    latency_high_s: Floats
    peak_bytes: Ints


@cache
def settle_memory() -> None:
    """Let the C library keep freed memory: a chunk's arrays then reuse that of the chunk before, in half the time.

    glibc raises its thresholds for returning memory when a large block is freed (mallopt(3), M_MMAP_THRESHOLD).
    """
    np.empty(_SETTLING_BYTES, dtype=np.uint8)


def evaluate(work: Work) -> Outcome:
    """Evaluate all configurations at once, in parts where they differ in which layers or kernels there are.

    Raises
    ------
    InputError
        If a configuration cannot be built: its problems, with the first such configuration.
    """
    settle_memory()
    try:
        return _evaluate(work)
    except InputError:
        _blame_first(work)
        raise


def _evaluate(work: Work) -> Outcome:
    count, cases = work.points.size, len(work.models) * len(work.batches)
    height, width, macs, params, peak = (np.empty(count, dtype=np.int64) for _ in range(5))
    latency, low, high = (np.empty((cases, count)) for _ in range(3))
    outcome = Outcome(height, width, macs, params, peak, latency, low, high, np.empty((cases, count), dtype=np.int64))
    _fill(work, np.arange(count), outcome)
    return outcome


def _fill(work: Work, chosen: NDArray[np.intp], outcome: Outcome) -> None:
    """Evaluate the chosen configurations; where they differ in structure, each part on its own."""
    try:
        _pass(work, chosen, outcome)
    except MixedConfigurationsError as mixed:
        condition = np.broadcast_to(mixed.condition, chosen.shape)
        _fill(work, chosen[condition], outcome)
        _fill(work, chosen[~condition], outcome)


def _pass(work: Work, chosen: NDArray[np.intp], outcome: Outcome) -> None:
    points: Any = work.points if len(chosen) == work.points.size else work.points.take(chosen)
    graph = build_graph(
        work.spec, alpha=points.alpha, rho=points.rho, resolution=points.sides, options=work.how.options
    )
    _check_counts(graph, max(work.batches))
    peak = peak_elements(graph)
    predictions = [
        predict(graph, model, batch=batch, estimate_unsupported=work.how.estimates) for model, batch in work.cases
    ]
    outcome.height[chosen] = graph.input_shape.height
    outcome.width[chosen] = graph.input_shape.width
    outcome.macs[chosen] = count_macs(graph, work.how.macs)
    outcome.params[chosen] = count_params(graph, work.how.params)
    outcome.peak_elements[chosen] = peak
    for row, (predicted, (model, batch)) in enumerate(zip(predictions, work.cases, strict=True)):
        outcome.latency_s[row, chosen] = predicted.latency_s
        outcome.latency_low_s[row, chosen] = predicted.latency_low_s
        outcome.latency_high_s[row, chosen] = predicted.latency_high_s
        outcome.peak_bytes[row, chosen] = model.element_bytes * batch * peak


def _check_counts(graph: LayerGraph, batch: int) -> None:
    """Refuse networks whose counts overflow an int64, in which the counts of arrays are computed."""
    bound = 0
    for layer in graph.layers:
        elements = _largest(layer.cost.output_elements)
        if elements > MAX_ELEMENTS:
            fail("MB208", f"`{layer.name}` would have {layer.output_shape} elements", layer.location)
        bound += elements * (1 + _largest(layer.cost.weight_elements))
    if bound * batch > MAX_COUNT:
        fail("MB208", f"{graph.title} has too many operations for a sweep at the largest of these configurations")


def _largest(count: Any) -> int:
    return count if isinstance(count, int) else int(count.max())


def _blame_first(work: Work) -> None:
    """Raise the problems of the first configuration that cannot be evaluated, and name it.

    The array's own problems name ranges of dimensions, so the range is halved until one configuration is left.
    """
    low, high = 0, work.points.size
    while high - low > 1:
        middle = (low + high) // 2
        if _fails(work._replace(points=work.points.take(slice(low, middle)))):
            high = middle
        else:
            low = middle
    one = work.points.at(low)
    try:
        graph = build_graph(work.spec, options=work.how.options, **one)
        for model, batch in work.cases:
            predict(graph, model, batch=batch, estimate_unsupported=work.how.estimates)
    except InputError as error:
        where = f"{work.spec.name} at {work.points.describe(low)}"
        raise InputError([replace(p, message=f"{where}: {p.message}") for p in error.problems]) from None


def _fails(work: Work) -> bool:
    try:
        _evaluate(work)
    except InputError:
        return True
    return False
