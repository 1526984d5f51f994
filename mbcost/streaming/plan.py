"""A network on one or two processors: the best single processor, and the best cut between two.

All cuts are tried. A cut is valid where no kernel of either processor has layers on both sides; the tensors that cross
it are written to memory and read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, permutations
from typing import NamedTuple

from mbcost.analysis import Analysis
from mbcost.errors import fail
from mbcost.words import Goal


class Part(NamedTuple):
    """Layers that one processor runs.

    Attributes
    ----------
    analysis
        The analysis of the whole network on the processor.
    first, last
        Positions of the first and last layer that it runs.
    seconds
        Time of these layers, with the overhead of an inference [s].
    """

    analysis: Analysis
    first: int
    last: int
    seconds: float


class Plan(NamedTuple):
    """The assignment of layers to one or two processors.

    Attributes
    ----------
    transfer_bytes, transfer_s
        Traffic across the cut, and its time at the memory's bandwidth, written and read [B, s].
    """

    parts: tuple[Part, ...]
    transfer_bytes: int = 0
    transfer_s: float = 0.0

    @property
    def latency_s(self) -> float:
        """Latency of a single frame [s]."""
        return sum(part.seconds for part in self.parts) + self.transfer_s

    @property
    def frames_per_s(self) -> float:
        """Throughput with one frame on each processor at once; the second one waits for the transfer."""
        return 1 / self.slowest_s({})

    def slowest_s(self, busy: Mapping[str, float]) -> float:
        """Time per frame of the slowest processor; `busy` has the time that each spends on other stages [s]."""
        own = {part.analysis.target.processor.name: part.seconds for part in self.parts}
        if len(self.parts) > 1:
            own[self.parts[-1].analysis.target.processor.name] += self.transfer_s
        return max(own.get(name, 0.0) + busy.get(name, 0.0) for name in {*own, *busy})

    @property
    def cut_after(self) -> str | None:
        """The last layer before the cut; None without one."""
        first = self.parts[0]
        return first.analysis.layers[first.last].name if len(self.parts) > 1 else None


def best_plan(analyses: Sequence[Analysis], goal: Goal = "latency", busy: Mapping[str, float] | None = None) -> Plan:
    """The best plan of one or two processors, found by trying every cut in both directions.

    Parameters
    ----------
    goal
        Minimise the latency of a single frame, or maximise the throughput.
    busy
        Processor -> time per frame that it spends on other stages, which counts for the throughput [s].

    Raises
    ------
    InputError
        MB010 if the processors are of different devices, or the same one.
    """
    if goal == "latency":
        return min(plans(analyses), key=lambda plan: plan.latency_s)
    return min(plans(analyses), key=lambda plan: (plan.slowest_s(busy or {}), plan.latency_s))


def plans(analyses: Sequence[Analysis]) -> Iterator[Plan]:
    """Every plan: each processor alone, then every cut between two."""
    names = [analysis.target.name for analysis in analyses]
    if len({analysis.target.device.name for analysis in analyses}) > 1:
        fail(
            "MB010",
            f"{' and '.join(names)} are of different devices",
            hint="a plan is for processors that share memory",
        )
    if len({analysis.target.processor.name for analysis in analyses}) < len(names):
        hint = "name each processor once; `mbcost compare` shows several runtimes or values of one"
        fail("MB010", f"{' and '.join(names)} name one processor twice", hint=hint)
    last = len(analyses[0].layers) - 1
    for analysis in analyses:
        yield Plan((Part(analysis, 0, last, float(analysis.latency_s)),))
    for one, other in permutations(analyses, 2):
        yield from _cuts(one, other)


def _cuts(one: Analysis, other: Analysis) -> Iterator[Plan]:
    bandwidth = one.target.device.memory.bandwidth
    if bandwidth is None:
        fail("MB401", f"the profile of {one.target.device.name} has no memory.bandwidth, which a transfer needs")
    before = [0.0, *accumulate(layer.latency_s for layer in one.layers)]
    after = [0.0, *accumulate(layer.latency_s for layer in other.layers)]
    once = _once(other)
    crossing = _crossing(one)
    spanned = _spanned(one) | _spanned(other)
    last = len(one.layers) - 1
    for position in range(last):
        if position in spanned:
            continue
        size = crossing[position] * one.batch * max(one.element_bytes, other.element_bytes)
        parts = (
            Part(one, 0, position, before[position + 1]),
            Part(other, position + 1, last, after[-1] - after[position + 1] + once),
        )
        yield Plan(parts, size, 2 * size / bandwidth.value)


def _once(analysis: Analysis) -> float:
    """The processor's overhead per inference, which its analysis adds to the first kernel [s]."""
    first = analysis.kernels[0]
    return sum(
        float(count * analysis.rates[term.name].seconds)
        for term, count in analysis.form.explain(first)
        if term.unit == "inference"
    )


def _crossing(analysis: Analysis) -> list[int]:
    """For every layer the elements that later layers read of its output and of earlier outputs."""
    layers = analysis.layer_graph.layers
    last_read = [-1] * len(layers)
    for layer in layers:
        for producer in layer.inputs:
            if producer >= 0:
                last_read[producer] = layer.position
    return [
        sum(layers[i].output_shape.elements for i in range(position + 1) if last_read[i] > position)
        for position in range(len(layers))
    ]


def _spanned(analysis: Analysis) -> set[int]:
    """Positions after which no cut is possible, since a kernel has layers on both sides."""
    return {place for kernel in analysis.kernels for place in range(min(kernel.layers), max(kernel.layers))}
