"""Collects the layers of a network while its nodes are converted, with shapes propagated by the operators."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mbcost.importers.imported import INPUT, ImportedLayer
from mbcost.importers.onnx.values import Constant, Tensor, default_axes, same_order, shape_of
from mbcost.numeric import Dim
from mbcost.operators import ChannelShuffle, Flatten, Opaque, Operator, OperatorError, Reshape, TensorShape, Transpose


@dataclass(slots=True)
class Builder:
    """Layers so far.

    Attributes
    ----------
    layers
        In the order they run, by name.
    words
        What the rules of :mod:`mbcost.importers.trees` call a layer, where that is not its operator's name.
    scalars
        The number that a layer adds or multiplies by, where it is one.
    used
        Weights of the file that a layer has.
    node
        Name of the node that is being converted.
    macs
        Multiply-accumulates of the layers so far.
    notes
        What a reader of the result has to know, each once.
    charged
        Operators that are known, and charged by their traffic alone.
    """

    layers: dict[str, ImportedLayer] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    scalars: dict[str, float] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    node: str = ""
    macs: Dim = 0
    notes: dict[str, None] = field(default_factory=dict)
    charged: dict[str, None] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=lambda: {INPUT})
    _counts: dict[str, int] = field(default_factory=dict)

    def reserve(self, names: Iterable[str]) -> None:
        """Names that no layer may have."""
        self._taken.update(names)

    def layer(
        self,
        operator: Operator,
        inputs: tuple[Tensor, ...],
        *,
        in_channels: int | None = None,
        weight: Constant | None = None,
        fixed: bool = False,
        word: str | None = None,
        scalar: float | None = None,
    ) -> tuple[str, TensorShape]:
        """Append a layer of the node that is being converted.

        Parameters
        ----------
        in_channels
            Input channels that its weights are made for.
        weight
            Its weight. A layer whose weight another layer has already has no parameters of its own.
        fixed
            Whether its weights are in memory, but no parameters, since nobody trained them.
        word, scalar
            See :attr:`words` and :attr:`scalars`.

        Returns
        -------
        Its name, and its output's shape.

        Raises
        ------
        OperatorError
            If the operator cannot take these inputs.
        """
        shapes = tuple(tensor.shape for tensor in inputs)
        if in_channels is not None and shapes[0].channels != in_channels:
            raise OperatorError(f"its weights are made for {in_channels} input channels, it gets {shapes[0].channels}")
        shape = operator.output_shape(shapes)
        self.macs = self.macs + operator.cost(shapes, shape).macs
        name = self._unique(self.node)
        sources, owns = tuple(tensor.source for tensor in inputs), weight is None or weight.name not in self.used
        self.layers[name] = ImportedLayer(name, operator, sources, in_channels, owns, not fixed)
        if weight is not None and weight.name:
            self.used.add(weight.name)
        if word is not None:
            self.words[name] = word
        if scalar is not None:
            self.scalars[name] = scalar
        return name, shape

    def tensor(
        self,
        operator: Operator,
        inputs: tuple[Tensor, ...],
        dims: tuple[int, ...],
        axes: str,
        *,
        in_channels: int | None = None,
        weight: Constant | None = None,
        fixed: bool = False,
    ) -> Tensor:
        """Append a layer whose output has these `dims`.

        Raises
        ------
        OperatorError
            If the operator cannot take these inputs, or makes something else of them.
        """
        name, shape = self.layer(operator, inputs, in_channels=in_channels, weight=weight, fixed=fixed)
        if shape != shape_of(dims, axes):
            raise OperatorError(f"it gives {shape}, the graph wants {list(dims)}")
        return Tensor(name, dims, axes)

    def traffic(self, what: str, inputs: tuple[Tensor, ...], dims: tuple[int, ...], axes: str | None = None) -> Tensor:
        """Append a layer that is charged by what it reads and writes, for an operator without arithmetic of its own."""
        self.charged[what] = None
        letters = default_axes(dims) if axes is None else axes
        return self.tensor(Opaque(shape_of(dims, letters), known=True), inputs, dims, letters)

    def same(
        self,
        operator: Operator,
        x: Tensor,
        *,
        weight: Constant | None = None,
        fixed: bool = False,
        word: str | None = None,
        scalar: float | None = None,
    ) -> Tensor:
        """Append a layer that keeps the shape."""
        name, _ = self.layer(operator, (x,), weight=weight, fixed=fixed, word=word, scalar=scalar)
        return Tensor(name, x.dims, x.axes)

    def mapped(
        self, operator: Operator, x: Tensor, *, in_channels: int | None = None, weight: Constant | None = None
    ) -> Tensor:
        """Append a layer that makes a map of a map (``NCHW``, ``NCW`` or ``NC``), of whatever size it says."""
        name, shape = self.layer(operator, (x,), in_channels=in_channels, weight=weight)
        sizes: Mapping[str, int] = {"N": 1, "H": shape.height, "W": shape.width, "C": shape.channels}
        return Tensor(name, tuple(sizes[axis] for axis in x.axes), x.axes)

    def view(self, x: Tensor, dims: tuple[int, ...], axes: str) -> Tensor:
        """The same elements under other dims and letters.

        Makes a layer only if height, width or channels change: a copy if elements change their places in memory.
        """
        shape, ordered = shape_of(dims, axes), same_order(x, dims, axes)
        if shape == x.shape and ordered:
            return Tensor(x.source, dims, axes)
        if not ordered:
            return self.tensor(Transpose(shape), (x,), dims, axes)
        flat = TensorShape(1, 1, x.shape.elements)
        return self.tensor(Flatten() if shape == flat else Reshape(shape), (x,), dims, axes)

    def transposed(self, x: Tensor, order: Sequence[int]) -> Tensor:
        """Dimensions in another order.

        Nothing moves where only ONNX's layout changes, as from ``NCHW`` to ``NHWC``: a shape here has no layout. Where
        the dimensions of one letter change places, elements are copied; between channels that is a channel shuffle.
        """
        dims = tuple(x.dims[i] for i in order)
        axes = "".join(x.axes[i] for i in order)
        moved = {x.axes[i] for i, j in itertools.pairwise(_by_letter(x, order)) if i > j and x.axes[i] == x.axes[j]}
        if not moved:
            return Tensor(x.source, dims, axes)
        channels = [i for i in order if x.axes[i] == "C" and x.dims[i] > 1]
        if moved == {"C"} and len(channels) == 2:
            return self.tensor(ChannelShuffle(x.dims[channels[1]]), (x,), dims, axes)
        return self.tensor(Transpose(x.shape), (x,), dims, axes)

    def lettered(self, x: Tensor, axes: str) -> Tensor:
        """The same tensor under other letters."""
        return self.view(x, x.dims, axes)

    def _unique(self, name: str) -> str:
        unique, count = name, self._counts.get(name, 1)
        while unique in self._taken:
            count += 1
            unique = f"{name}_{count}"
        self._counts[name] = count
        self._taken.add(unique)
        return unique


def _by_letter(x: Tensor, order: Sequence[int]) -> list[int]:
    """Dimensions larger than 1 in a new order, those of each letter together."""
    return sorted((i for i in order if x.dims[i] > 1), key=lambda i: x.axes[i])
