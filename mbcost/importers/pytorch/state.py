"""The state of an import: what each traced tensor is, the layers so far, and the copies that layouts need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Final, TypeAlias

from mbcost.errors import DefectError, MbcostError, Problem
from mbcost.importers.imported import INPUT, ImportedLayer
from mbcost.importers.pytorch.layout import Layout, Sizes, channels_last
from mbcost.importers.pytorch.trace import Call, Ref, Trace
from mbcost.numeric import Dim
from mbcost.operators import (
    ChannelShuffle,
    Constant,
    Elementwise,
    Explicit,
    Flatten,
    Operator,
    OperatorError,
    Pad,
    Reshape,
    Scale,
    Shift,
    TensorShape,
    Transpose,
)

NO_PADDING: Final = Explicit(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Tensor:
    """An activation.

    Attributes
    ----------
    source
        Name of the layer that makes it, or of an input.
    sizes
        Extents of its dimensions in PyTorch.
    layout
        Where these lie in height, width and channels.
    padding
        Zeros around the map that no layer has written yet: a convolution takes them in, everything else has them
        written first. `sizes` include them, `unpadded` do not.
    """

    source: str
    sizes: Sizes
    layout: Layout
    padding: Explicit = NO_PADDING
    unpadded: Sizes = ()

    @property
    def shape(self) -> TensorShape:
        """Height, width and channels, with the padding."""
        return self.layout.shape(self.sizes)

    def bare(self) -> Tensor:
        """The tensor without its padding."""
        gone = (dim for dim, size in enumerate(self.unpadded) if size == 1)
        return Tensor(self.source, self.unpadded, self.layout.without(gone))


@dataclass(frozen=True, slots=True)
class Fixed:
    """A tensor that does not depend on the inputs: a weight, or computed from weights and numbers alone.

    Attributes
    ----------
    key
        Equal for equal computations, so that weights that are used twice are known again.
    weights
        Trained parameters that it is made of, with their number of elements.
    """

    sizes: Sizes
    key: Hashable
    weights: frozenset[tuple[str, int]] = frozenset()


Value: TypeAlias = Tensor | Fixed


class UnsupportedError(MbcostError):
    """A call that has no counterpart among the operators; the message says what is special about it."""


@dataclass(slots=True)
class ImportState:
    """Turns the calls of a trace into layers, one after the other.

    `words` and `scalars` are what :class:`~mbcost.importers.trees.Rewriting` needs to know about them. `folded_macs` is
    for calls that read no activation and so are in no layer, `by_traffic` for operators without a counterpart.
    """

    trace: Trace
    leaves: frozenset[str]
    layers: list[ImportedLayer] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    values: dict[Ref, Any] = field(default_factory=dict)
    call: Call = field(default_factory=lambda: Call("", {}, (), ""))
    words: dict[str, str] = field(default_factory=dict)
    scalars: set[str] = field(default_factory=set)
    folded_macs: int = 0
    by_traffic: Counter[str] = field(default_factory=Counter)
    _names: set[str] = field(default_factory=lambda: {INPUT})
    _weights_seen: set[Hashable] = field(default_factory=set)
    _counted: dict[str, int] = field(default_factory=dict)
    _copies: dict[Hashable, Tensor] = field(default_factory=dict)

    # -- arguments ----------------------------------------------------------------------------------------------------

    def value(self, name: str) -> Value:
        """The tensor that is an argument of the call, with its padding still open."""
        return self.known(self.call[name])

    def known(self, ref: Ref) -> Value:
        """What a tensor of the trace is."""
        value: Value = self.values[ref]
        return value

    def tensor(self, name: str) -> Tensor:
        """The activation that is an argument of the call; a constant is made one."""
        return self.activation(self.value(name))

    def result_sizes(self, number: int = 0) -> Sizes:
        """The sizes of a result of the call."""
        ref = self.call.outputs[number]
        assert ref is not None
        return self.trace.sizes[ref]

    def fixed(self, name: str) -> Fixed | None:
        """A weight that is an argument of the call; None if there is none.

        Raises
        ------
        UnsupportedError
            If it is computed from the input.
        """
        ref = self.call.get(name)
        if ref is None:
            return None
        value = self.known(ref)
        if isinstance(value, Tensor):
            raise UnsupportedError(f"its {name} is computed from the input")
        return value

    def activation(self, value: Value) -> Tensor:
        """A value as a layer's output: constants get a layer of their own, open padding is written."""
        if isinstance(value, Fixed):
            return self._constant(value, channels_last(value.sizes))
        if value.padding == NO_PADDING:
            return value
        key = ("pad", value)
        if key not in self._copies:
            bare = value.bare()
            self._copies[key] = self.emit(Pad(value.padding), [bare], value.sizes, value.layout, aside=True)
        return self._copies[key]

    def unpadded(self, name: str) -> tuple[Tensor, Explicit]:
        """The activation that is an argument of the call, and the zeros that are still to be written around it."""
        value = self.value(name)
        if isinstance(value, Fixed) or value.padding == NO_PADDING:
            return self.activation(value), NO_PADDING
        return value.bare(), value.padding

    def written(self, value: Value) -> Value:
        """The value with its padding written, if it has any."""
        return value if isinstance(value, Fixed) else self.activation(value)

    def laid_out(self, value: Value, layout: Layout) -> Tensor:
        """A value as a layer's output in a layout; constants are made in it."""
        if isinstance(value, Fixed):
            return self._constant(value, layout)
        return self.arranged(self.activation(value), layout)

    def _constant(self, value: Fixed, layout: Layout) -> Tensor:
        key = ("constant", value.key, layout)
        if key not in self._copies:
            operator = Constant(shape=extents(layout.shape(value.sizes)), weights=self._claimed(value.weights))
            name = "_".join(sorted(weight for weight, _ in value.weights))
            self._copies[key] = self._append(ImportedLayer(name, operator, (INPUT,)), value.sizes, layout, aside=True)
        return self._copies[key]

    # -- layouts ------------------------------------------------------------------------------------------------------

    def arranged(self, value: Tensor, layout: Layout) -> Tensor:
        """The tensor in another layout: the same layer, a view, or a copy in another order."""
        if layout == value.layout:
            return value
        key = (value, layout)
        if key not in self._copies:
            self._copies[key] = self._rearranged(value, layout)
        return self._copies[key]

    def _rearranged(self, value: Tensor, layout: Layout) -> Tensor:
        shape = layout.shape(value.sizes)
        operator: Operator
        if shape == value.shape and layout.order == value.layout.order:
            return replace(value, layout=layout)
        if layout == Layout((), (), layout.channels):
            operator = Flatten()  # whatever the order: the weights that follow are laid out for it
            if shape == value.shape:
                return replace(value, layout=layout)
        elif layout.order == value.layout.order:
            operator = Reshape(shape=extents(shape))
        elif _is_shuffle(value.layout, layout):
            operator = ChannelShuffle(groups=value.sizes[value.layout.channels[0]])
        else:
            operator = Transpose(shape=extents(shape))
        return self.emit(operator, [value], value.sizes, layout, aside=True)

    # -- layers -------------------------------------------------------------------------------------------------------

    def emit(
        self,
        operator: Operator,
        inputs: Sequence[Tensor],
        sizes: Sizes,
        layout: Layout,
        *,
        weights: Sequence[Fixed | None] = (),
        aside: bool = False,
    ) -> Tensor:
        """A layer, and its output as a tensor of these sizes in this layout.

        Parameters
        ----------
        weights
            What it is trained on, of an operator with a `bias` the weight and the bias. What belongs to earlier layers
            or was not trained is not counted; where that is a part of a layer, see :meth:`_owned`.
        aside
            Whether it only prepares an input, so that its module's name stays free for the layer to come.
        """
        shapes = tuple(item.shape for item in inputs)
        try:
            made = operator.output_shape(shapes)
        except OperatorError as error:
            raise UnsupportedError(str(error)) from error
        if made != layout.shape(sizes):
            path = f"{self.call.op} in {self.call.where or 'the module'}"
            raise DefectError(f"{path}: `{operator.op}` makes {made} of {shapes}, PyTorch {sizes} in {layout}")
        names = tuple(item.source for item in inputs)
        in_channels = int(shapes[0].channels) if weights else None
        owned, trained = True, True
        if weights:
            operator, owned, trained = self._owned(operator, weights)
        layer = ImportedLayer("", operator, names, in_channels, owned, trained)
        return self._append(layer, sizes, layout, aside=aside)

    def _append(
        self,
        layer: ImportedLayer,
        sizes: Sizes,
        layout: Layout,
        *,
        aside: bool,
    ) -> Tensor:
        """Append a layer; one without a name takes that of its module, as far as it is free."""
        unique = self._name(layer.name or self._wanted_name(layer.operator, aside=aside))
        self.layers.append(replace(layer, name=unique))
        if isinstance(layer.operator, Elementwise):
            self.words[unique] = self.call.op
        return Tensor(unique, sizes, layout)

    def _wanted_name(self, operator: Operator, *, aside: bool) -> str:
        where = self.call.where
        if where in self.leaves and not aside:
            return where
        return f"{where}.{operator.op}" if where else operator.op

    def _name(self, wanted: str) -> str:
        unique, number = wanted, 1
        while unique in self._names:
            number += 1
            unique = f"{wanted}_{number}"
        self._names.add(unique)
        return unique

    # -- parameters ---------------------------------------------------------------------------------------------------

    def _owned(self, operator: Operator, weights: Sequence[Fixed | None]) -> tuple[Operator, bool, bool]:
        """The operator with the elements that are its own, whether they are its own, and whether they were trained.

        Every trained element counts once, at the first layer that reads it, in whatever expression. A layer counts as a
        whole or not at all; where neither is near, as of a bias beside a weight that an earlier layer counts, of keys
        whose bias was not trained, or of a weight that is a product of smaller ones, a constant beside the layer counts
        what was trained.
        """
        given = [weight for weight in weights if weight is not None]
        known = bool(given) and all(weight.key in self._weights_seen for weight in given[:1])
        if isinstance(operator, (Scale, Shift)):
            trained = frozenset[tuple[str, int]]().union(*(weight.weights for weight in given))
            fresh = self._claimed(trained) if any(self._unseen(weight) for weight in given) else 0
            if fresh:
                return replace(operator, weights=fresh), True, True
            return operator, not (known or trained), bool(trained)
        counts = [self._fresh(weight) for weight in given]
        biased = getattr(operator, "bias", False) and len(counts) == 2
        wanted, fresh = counts[0] if biased else (sum(item[0] for item in counts), sum(item[1] for item in counts))
        owns = fresh > 0 and (fresh == wanted if len(counts) > 1 and not biased else 2 * fresh >= wanted)
        rest = 0 if owns else fresh
        if biased and counts[1][1] != (counts[1][0] if owns else 0):
            operator = _without_bias(operator)
            rest += counts[1][1]
        if rest:
            name = f"{self.call.where}.trained" if self.call.where else "trained"
            beside = ImportedLayer(name, Constant((1, 1, 1), rest), (INPUT,))
            self._append(beside, (), channels_last(()), aside=True)
        untrained = not (given[0].weights if biased else any(weight.weights for weight in given))
        return operator, owns or (untrained and not known), not untrained

    def _fresh(self, weight: Fixed) -> tuple[int, int]:
        """Elements of a weight, and how many of them no earlier layer counts; they are this layer's from now on."""
        wanted = prod(weight.sizes)
        return wanted, self._claimed(weight.weights, wanted) if self._unseen(weight) else 0

    def _unseen(self, weight: Fixed) -> bool:
        """Whether a weight is trained and no layer read it in this very form."""
        unseen = bool(weight.weights) and weight.key not in self._weights_seen
        self._weights_seen.add(weight.key)
        return unseen

    def _claimed(self, trained: frozenset[tuple[str, int]], most: int | None = None) -> int:
        """How many elements of parameters, at most `most`, no layer counted so far; they count from now on."""
        total = 0
        for name, size in sorted(trained, key=lambda item: (-item[1], item[0])):
            free = size - self._counted.get(name, 0)
            part = free if most is None else min(free, most - total)
            self._counted[name] = self._counted.get(name, 0) + part
            total += part
        return total


def _without_bias(operator: Operator) -> Operator:
    made: Operator = replace(operator, bias=False)  # type: ignore[call-arg]
    return made


def extents(shape: TensorShape) -> tuple[Dim, Dim, Dim]:
    """A shape as the field of an operator."""
    return shape.height, shape.width, shape.channels


def _is_shuffle(old: Layout, new: Layout) -> bool:
    """Whether two layouts differ in the order of two dimensions that make up the channels."""
    return (
        old.height == new.height
        and old.width == new.width
        and len(new.channels) == 2
        and old.channels == new.channels[::-1]
    )
