"""A search space compiled for a target: a look-up per block instead of an analysis, equal to the last bit.

The tables hold the times of kernels of the ordinary pipeline, summed by block. Times of kernels are multiples of 2**-50
s (:mod:`mbcost.latency.form`), so that their sum is exact in any order: a candidate's latency is that of its analysis.
Kernels that reach across blocks, or that depend on the neighbours of their block, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mbcost.analysis import Analysis
from mbcost.calibration.apply import CalibrationChoice
from mbcost.devices import Target, as_target
from mbcost.errors import fail
from mbcost.graph import LayerGraph, build_graph, macs_by_layer, params_by_layer
from mbcost.numeric import add_up
from mbcost.pipeline import analyze
from mbcost.prediction import TargetModel, predict, prepare
from mbcost.search.space import MAX_CHOICES, Candidates, SearchSpace

#: Candidates that are looked up at once: their columns and sums stay in a core's cache.
CHUNK: Final = 16_384
#: Random candidates that a compiled space is compared with their analyses on.
CHECKED: Final = 12

_FIXED: Final = ""


class Score(NamedTuple):
    """The costs of candidates, one entry per candidate: latency [s], MACs and parameters of one image."""

    latency_s: NDArray[np.float64]
    macs: NDArray[np.int64]
    params: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Table:
    """Costs of one or several blocks of a stage, or of the rows around the stages.

    Attributes
    ----------
    genes
        Columns of a candidate with the blocks' choices.
    choices
        Number of choices of each block.
    latency_s, macs, params
        By resolution, width of the stage before, width, depth and choices, those of the first block outermost; 0 at
        depths that a block is not part of. By resolution and width of the last stage for the rows around the stages.
    """

    genes: tuple[int, ...]
    choices: int
    latency_s: NDArray[np.float64]
    macs: NDArray[np.int64]
    params: NDArray[np.int64]

    def beside(self, other: _Table) -> _Table:
        """The costs of these blocks and of another one behind them, by the choices of all."""

        def both(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
            together: NDArray[Any] = a[..., :, None] + b[..., None, :]
            return together.reshape(*a.shape[:-1], -1)

        return _Table(
            (*self.genes, *other.genes),
            self.choices,
            both(self.latency_s, other.latency_s),
            both(self.macs, other.macs),
            both(self.params, other.params),
        )

    def chosen(self, columns: Candidates) -> NDArray[np.uint8]:
        """The place of each candidate's choices along the last axis."""
        place: Candidates = columns[self.genes[0]]
        for gene in self.genes[1:]:
            place = place * np.uint8(self.choices) + columns[gene]
        return place


def _together(blocks: Sequence[_Table]) -> tuple[_Table, ...]:
    """The tables of a stage's blocks, joined as long as their combined choices fit a byte."""
    choices = blocks[0].choices
    most = next(count for count in range(len(blocks), 0, -1) if count == 1 or choices**count <= MAX_CHOICES)
    groups = -(-len(blocks) // most)
    tables = []
    for group in range(groups):
        members = blocks[group * len(blocks) // groups : (group + 1) * len(blocks) // groups]
        tables.append(reduce(_Table.beside, members))
    return tuple(tables)


@dataclass(frozen=True, eq=False)
class CompiledSpace:
    """A search space on a target; made by :func:`compile_space`.

    Attributes
    ----------
    space, model, batch
        The compiled space, the model of its target and the batch size.
    """

    space: SearchSpace
    model: TargetModel
    batch: int
    _fixed: _Table
    _stages: tuple[tuple[_Table, ...], ...]

    @property
    def target(self) -> Target:
        return self.model.target

    def latency_s(self, candidates: Any) -> NDArray[np.float64]:
        """Latency of each candidate [s], one row each; equal to that of its analysis to the last bit.

        Raises
        ------
        InputError
            MB010 for candidates that are not of this space.
        """
        rows = self.space.check(candidates)
        result = np.empty(len(rows))
        for start in range(0, len(rows), CHUNK):
            columns = np.ascontiguousarray(rows[start : start + CHUNK].T)
            total = np.zeros(columns.shape[1])
            for table, places in self._places(columns):
                total += table.latency_s.take(places)
            result[start : start + CHUNK] = total
        return result

    def score(self, candidates: Any) -> Score:
        """Latency, MACs and parameters of each candidate; raises as :meth:`latency_s`."""
        rows = self.space.check(candidates)
        latency = np.zeros(len(rows))
        macs, params = np.zeros((2, len(rows)), dtype=np.int64)
        for start in range(0, len(rows), CHUNK):
            here = slice(start, start + CHUNK)
            for table, places in self._places(np.ascontiguousarray(rows[here].T)):
                latency[here] += table.latency_s.take(places)
                macs[here] += table.macs.take(places)
                params[here] += table.params.take(places)
        return Score(latency, macs, params)

    def _places(self, columns: Candidates) -> Iterator[tuple[_Table, NDArray[np.intp]]]:
        """Every table with the place of each candidate in it."""
        resolution = columns[0].astype(np.intp)
        before: NDArray[np.intp] | int = 0
        gene = 1
        for stage, tables in zip(self.space.stages, self._stages, strict=True):
            _, widths_before, widths, depths, _ = tables[0].latency_s.shape
            base = resolution if widths_before == 1 else resolution * widths_before + before
            if widths > 1:
                base = base * widths + columns[gene]
            base = base * depths + columns[gene + 1]
            for table in tables:
                yield table, base * table.latency_s.shape[-1] + table.chosen(columns)
            before = columns[gene].astype(np.intp) if widths > 1 else 0
            gene += 2 + stage.blocks
        yield self._fixed, resolution * len(self.space.stages[-1].widths) + before

    def analysis(self, candidate: Any) -> Analysis:
        """The whole analysis of one candidate, with its interval."""
        resolution = self.space.describe(candidate)["resolution"]
        spec = self.space.architecture(candidate)
        return analyze(
            spec,
            self.target,
            resolution=resolution,
            batch=self.batch,
            calibration=self.model.calibration or False,
        )


def compile_space(
    space: SearchSpace,
    device: str | Target = "pixel1",
    *,
    precision: str | None = None,
    threads: int | None = None,
    batch: int = 1,
    calibration: CalibrationChoice = None,
    seed: int = 0,
) -> CompiledSpace:
    """Compile a search space for a target: analyse every choice of every block once, and compare random candidates.

    Parameters
    ----------
    device, precision, threads, batch, calibration
        As for :func:`mbcost.analyze`.
    seed
        Seed of the random candidates whose analyses have to agree with the look-up.

    Raises
    ------
    InputError
        MB701 if kernels reach across blocks or depend on neighbouring ones; what :func:`mbcost.analyze` raises.
    """
    target = as_target(device, precision, threads)
    model = prepare(target, calibration)
    compiled = _Compiler(space, model, batch).compile()
    for candidate in space.sample(CHECKED, np.random.default_rng(seed)):
        single = compiled.analysis(candidate)
        looked_up = compiled.score(candidate)
        expected = (single.latency_s, single.totals.macs // batch, single.totals.params)
        if (looked_up.latency_s[0], looked_up.macs[0], looked_up.params[0]) != expected:
            message = f"kernels of {model.runtime.title} depend on the neighbours of their block in {space.name}"
            fail("MB701", message, hint="analyse candidates one by one")
    return compiled


def probes(space: SearchSpace) -> Iterator[list[int]]:
    """Candidates at the greatest depths that cover every choice of every block with every pair of widths."""
    stages = space.stages
    widest = max(len(stage.widths) for stage in stages)
    for even in range(widest):
        for odd in range(widest):
            for number in range(max(len(stage.choices) for stage in stages)):
                genes = [0]
                for s, stage in enumerate(stages):
                    width = (odd if s % 2 else even) % len(stage.widths)
                    deepest = stage.depths.index(stage.blocks)
                    genes += [width, deepest, *[number % len(stage.choices)] * stage.blocks]
                yield genes


class _Compiler:
    """Analyses one network per choice of the blocks, and sorts the costs by block."""

    def __init__(self, space: SearchSpace, model: TargetModel, batch: int) -> None:
        self.space = space
        self.model = model
        self.batch = batch

    def compile(self) -> CompiledSpace:
        stages, resolutions = self.space.stages, len(self.space.resolutions)
        before = [1, *(len(stage.widths) for stage in stages[:-1])]
        tables, gene = [], 1
        for stage, widths_before in zip(stages, before, strict=True):
            shape = (resolutions, widths_before, len(stage.widths), len(stage.depths), len(stage.choices))
            tables.append(tuple(_empty((gene + 2 + position,), shape) for position in range(stage.blocks)))
            gene += 2 + stage.blocks
        fixed = _empty((), (resolutions, len(stages[-1].widths)))
        for candidate in probes(self.space):
            self._read(candidate, tables, fixed)
        return CompiledSpace(self.space, self.model, self.batch, fixed, tuple(_together(blocks) for blocks in tables))

    def _read(self, genes: list[int], tables: list[tuple[_Table, ...]], fixed: _Table) -> None:
        """Analyse one candidate at every resolution and store the costs of its blocks."""
        spec = self.space.architecture(genes)
        for r, resolution in enumerate(self.space.resolutions):
            graph = build_graph(spec, resolution=resolution)
            costs = self._by_block(graph)
            before, gene = 0, 1
            for s, (stage, blocks) in enumerate(zip(self.space.stages, tables, strict=True)):
                width = genes[gene]
                for position, table in enumerate(blocks):
                    cost = costs.get(f"stage{s + 1}_{position + 1}", (0.0, 0, 0))
                    choice = genes[gene + 2 + position]
                    for d, depth in enumerate(stage.depths):
                        if position < depth:
                            _write(table, (r, before, width, d, choice), cost)
                before = width
                gene += 2 + stage.blocks
            _write(fixed, (r, before), costs[_FIXED])

    def _by_block(self, graph: LayerGraph) -> dict[str, tuple[float, int, int]]:
        """Latency [s], MACs and parameters of every block of the stages; of all other rows under ``""``."""
        predicted = predict(graph, self.model, batch=self.batch)
        latency: dict[str, list[float]] = {_FIXED: []}
        for kernel, estimate in zip(predicted.kernels, predicted.estimates, strict=True):
            owners = {self._owner(graph.layers[position].block) for position in kernel.layers}
            if len(owners) > 1:
                names = " and ".join(sorted(owner or "the rows around the stages" for owner in owners))
                message = f"{self.model.runtime.title} fuses layers of {names} of {self.space.name}"
                fail("MB701", message, hint="analyse candidates one by one")
            latency.setdefault(owners.pop(), []).append(estimate.latency_s)
        macs, params = macs_by_layer(graph), params_by_layer(graph)
        counts: dict[str, tuple[int, int]] = {_FIXED: (0, 0)}
        for layer in graph.layers:
            owner = self._owner(layer.block)
            of_macs, of_params = counts.get(owner, (0, 0))
            counts[owner] = (of_macs + macs[layer.position], of_params + params[layer.position])
        return {
            owner: (float(add_up(latency.get(owner, []))), *counts.get(owner, (0, 0)))
            for owner in latency.keys() | counts.keys()
        }

    @staticmethod
    def _owner(block: str) -> str:
        """The name of a stage's block; "" for rows of the stem and the head."""
        return block if block.startswith("stage") and block[5:].replace("_", "").isdigit() else _FIXED


def _empty(genes: tuple[int, ...], shape: tuple[int, ...]) -> _Table:
    return _Table(genes, shape[-1], np.zeros(shape), np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64))


def _write(table: _Table, place: tuple[int, ...], cost: tuple[float, int, int]) -> None:
    table.latency_s[place], table.macs[place], table.params[place] = cost
