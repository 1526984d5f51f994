"""A graph with its origins: which input each layer reads, and what is known of its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import ArchitectureSpec, LayerRow, OptionValue, Row, RowFrame
from mbcost.errors import Location
from mbcost.graph.build import base_channels
from mbcost.graph.configuration import check_alpha, choose_options, scaled_input
from mbcost.graph.expansion import Builder
from mbcost.graph.layer import NETWORK_INPUT
from mbcost.graph.layer_graph import LayerGraph
from mbcost.graph.scope import Scope, Tensor
from mbcost.operators import Operator

#: A source of a layer: the position of another layer, or the name of one of the network's inputs.
Source = int | str


@dataclass(frozen=True, slots=True)
class Recording:
    """A graph with its origins.

    Attributes
    ----------
    sources
        The sources of every layer.
    frames
        The rows that layers stand in, by position; none for a norm or an activation that belongs to a row.
    """

    graph: LayerGraph
    sources: tuple[tuple[Source, ...], ...]
    frames: Mapping[int, RowFrame]


def record(
    spec: ArchitectureSpec,
    *,
    alpha: float = 1.0,
    rho: float | None = None,
    resolution: Resolution | None = None,
    options: Mapping[str, OptionValue] | None = None,
) -> Recording:
    """Build a network as :func:`mbcost.graph.build_graph` does, with its origins.

    Raises
    ------
    InputError
        As :func:`mbcost.graph.build_graph` does.
    """
    chosen = choose_options(spec, options or {})
    check_alpha(spec, alpha)
    shape = scaled_input(spec, rho, resolution)
    recorder = _Recorder(spec, alpha, shape, chosen, None if alpha == 1 else base_channels(spec, chosen))
    graph = recorder.build()
    return Recording(graph, tuple(recorder.sources), recorder.frames)


class _Recorder(Builder):
    """Records the origin of each layer; the network's inputs share a position and are distinguished as objects."""

    def build(self) -> LayerGraph:
        self.inputs: dict[str, Tensor] = {}
        self.sources: list[tuple[Source, ...]] = []
        self.frames: dict[int, RowFrame] = {}
        return super().build()

    def _run(self, rows: tuple[Row, ...], scope: Scope, x: Tensor, *, repeats: bool = False) -> Tensor:
        if not self.inputs:
            self.inputs = dict(scope.tensors)
        return super()._run(rows, scope, x, repeats=repeats)

    def _layer(self, row: LayerRow, scope: Scope, inputs: tuple[Tensor, ...], index: int, path: str) -> Tensor:
        self.frames[len(self.layers)] = row.frame
        return super()._layer(row, scope, inputs, index, path)

    def _append(
        self, operator: Operator, inputs: tuple[Tensor, ...], name: str, block: str, location: Location
    ) -> Tensor:
        self.sources.append(tuple([self._source(tensor) for tensor in inputs]))
        return super()._append(operator, inputs, name, block, location)

    def _source(self, tensor: Tensor) -> Source:
        if tensor.producer != NETWORK_INPUT:
            return tensor.producer
        return next(name for name, value in self.inputs.items() if value is tensor)
