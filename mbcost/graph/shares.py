"""A table of shares, as papers print them by kind of layer, against the shares of an architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from mbcost.architectures.pasted.grid import Grid, GridCell
from mbcost.architectures.pasted.words import heading_key, read_operator
from mbcost.architectures.printed_counts import COUNT_KEYS, PrintedNumber, read_percent
from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import InputError, Location, Problem, fail
from mbcost.graph.build import build_graph
from mbcost.graph.counting import macs_by_layer
from mbcost.graph.layer import Layer
from mbcost.graph.layer_graph import LayerGraph

_WORDS: Final = {"macs": "MACs", "params": "parameters"}


def share_problems(grids: Sequence[Grid], path: str, spec: ArchitectureSpec) -> tuple[Problem, ...]:
    """The problems of printed shares of an architecture's MACs and parameters.

    A share is wrong if it differs from the computed one by more than rounding; shares of parameters are those of the
    weights, with or without biases. Shares of all layers that do not add up to 100 % are reported too.

    Raises
    ------
    InputError
        If there is no such table, or it has invalid rows or cells.
    """
    for grid in grids:
        keys = [heading_key(cell.text) for cell in grid.header]
        if "op" in keys and set(COUNT_KEYS) & set(keys):
            return _Shares(grid, keys, build_graph(spec)).problems()
    hint = "headings such as `Type | Mult-Adds | Parameters`"
    fail("MB102", f"{path} holds no table of shares", Location(path, 1, 1), hint)


class _Shares:
    """A printed table of shares beside the layers of a network."""

    def __init__(self, grid: Grid, keys: Sequence[str | None], graph: LayerGraph) -> None:
        self.source = grid.source
        self.graph = graph
        weights = [layer.cost.weight_elements for layer in graph.layers]
        with_biases = [layer.cost.weight_elements + layer.cost.bias_elements for layer in graph.layers]
        self.counts = {"macs": [macs_by_layer(graph)], "params": [weights, with_biases]}
        self.rows = [dict(zip(keys, row, strict=False)) for row in grid.rows]
        self.header = dict(zip(keys, grid.header, strict=True))

    def problems(self) -> tuple[Problem, ...]:
        """Every share that differs, and every column that does not add up."""
        kinds = [self._layers(row) for row in self.rows]
        covered = {layer.position for layers in kinds for layer in layers}
        found: list[Problem] = []
        for key in COUNT_KEYS:
            if key not in self.header:
                continue
            printed = [self._share(row, key) for row in self.rows]
            for share, layers in zip(printed, kinds, strict=True):
                found += self._compare(key, share, layers)
            if all(not count or position in covered for position, count in enumerate(self.counts[key][0])):
                found += self._add_up(key, printed)
        return tuple(found)

    def _layers(self, row: Mapping[str | None, GridCell]) -> list[Layer]:
        """The layers of the kind that a row names."""
        cell = row.get("op")
        text = cell.text if cell is not None else ""
        printed = read_operator(text)
        layers = [layer for layer in self.graph.layers if layer.op == printed.op and _has_kernel(layer, printed.kernel)]
        if not layers:
            place = self.source.location(next(iter(row.values())).span)
            names = ", ".join(sorted({layer.op for layer in self.graph.layers if layer.cost.macs}))
            message = f"{self.graph.title} has no layer of the kind `{text}`"
            raise InputError([Problem("MB201", message, place, f"it has {names}; write for example `Conv 1x1`")])
        return layers

    def _share(self, row: Mapping[str | None, GridCell], key: str) -> PrintedNumber:
        cell = row.get(key)
        place = self.source.location((cell or next(iter(row.values()))).span)
        share = read_percent(cell.text, place) if cell is not None else None
        if share is None:
            fail("MB103", "a share is wanted here, such as 94.86 %", place)
        return share

    def _compare(self, key: str, share: PrintedNumber, layers: Sequence[Layer]) -> Iterator[Problem]:
        exact = [_percent(counts, layers) for counts in self.counts[key]]
        if any(share.stands_for(value) for value in exact):
            return
        computed = min(exact, key=lambda value: abs(value - share.value)).quantize(share.unit)
        message = f"{share.value} % of the {_WORDS[key]} are printed, the layers have {computed} %"
        swapped = sorted(str(share.value)) == sorted(str(computed))
        hint = f"{computed} %: digits are swapped" if swapped else f"{computed} %"
        yield Problem("MB207", message, share.location, hint)

    def _add_up(self, key: str, printed: Sequence[PrintedNumber]) -> Iterator[Problem]:
        total = sum((share.value for share in printed), Decimal(0))
        slack = sum((share.unit for share in printed), Decimal(0))
        if abs(total - 100) > slack:
            place = self.source.location(self.header[key].span)
            yield Problem("MB207", f"the shares of {_WORDS[key]} add up to {total} %, not to 100 %", place)


def _percent(counts: Sequence[int], layers: Sequence[Layer]) -> Decimal:
    total = sum(counts)
    return Decimal(100 * sum(counts[layer.position] for layer in layers)) / (total or 1)


def _has_kernel(layer: Layer, kernel: str | None) -> bool:
    """Whether a layer has the kernel that is printed; any, where none is."""
    if kernel is None:
        return True
    height, _, width = kernel.partition("x")
    return getattr(layer.operator, "kernel", None) == (int(height), int(width or height))
