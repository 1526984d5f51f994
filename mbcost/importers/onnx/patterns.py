"""Layers that an exporter took apart, put together again: activations, normalisations, bias, padding.

A pattern is a tree of operators with the layer that comes last as its root. ``X`` is where the pattern's input enters;
it stands for the same tensor wherever it occurs. What a pattern takes away has no reader outside of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from mbcost.importers.imported import ImportedLayer
from mbcost.importers.onnx.builder import Builder
from mbcost.operators import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Explicit,
    Flatten,
    GroupNorm,
    HardSigmoid,
    HardSwish,
    InstanceNorm,
    LayerNorm,
    MaxPool2d,
    Mish,
    Operator,
    Pad,
    Reshape,
    Scale,
    Shift,
    Swish,
    TransposedConv2d,
)
from mbcost.operators.activation import Gelu

Tree: TypeAlias = "str | tuple[str | Tree, ...]"

X: Final = "X"
_EITHER_ORDER: Final = ("add", "multiply")

_RELU6: Final[Tree] = ("relu6", ("shift", X))
_ERF: Final[Tree] = ("shift", ("erf", ("scale", X)))
_CUBE: Final[Tree] = ("shift", ("tanh", ("scale", ("add", X, ("scale", ("pow", X))))))
_CENTRED: Final[Tree] = ("subtract", X, ("reduce", X))
_VARIANCE: Final[Tree] = ("sqrt", ("shift", ("reduce", ("pow", _CENTRED))))

#: Trees, and the operator that they are; a tree before those that it contains.
RULES: Final[tuple[tuple[Tree, Operator], ...]] = (
    (("scale", ("multiply", X, _RELU6)), HardSwish()),
    (("multiply", X, ("scale", _RELU6)), HardSwish()),
    (("multiply", ("scale", X), _RELU6), HardSwish()),
    (("multiply", X, ("hard_sigmoid", X)), HardSwish()),
    (("scale", _RELU6), HardSigmoid()),
    (("multiply", X, ("sigmoid", X)), Swish()),
    (("multiply", X, ("tanh", ("softplus", X))), Mish()),
    (("scale", ("multiply", X, _ERF)), Gelu()),
    (("multiply", ("scale", X), _ERF), Gelu()),
    (("multiply", X, ("scale", _ERF)), Gelu()),
    (("scale", ("multiply", X, _CUBE)), Gelu()),
    (("multiply", ("scale", X), _CUBE), Gelu()),
    (("multiply", X, ("scale", _CUBE)), Gelu()),
    (("divide", _CENTRED, _VARIANCE), LayerNorm(affine=False)),
)

#: Roots of the trees above, by the word at the root.
_RULES_BY_ROOT: Final[Mapping[str, tuple[tuple[Tree, Operator], ...]]] = {
    word: tuple(rule for rule in RULES if rule[0][0] == word) for word in {str(rule[0][0]) for rule in RULES}
}


def simplified(build: Builder, outputs: Iterable[str]) -> dict[str, ImportedLayer]:
    """The layers that the outputs need, with what the patterns say put together."""
    graph = _Graph(build, frozenset(outputs))
    graph.drop_unread()
    for name in list(graph.layers):
        if name in graph.layers:
            graph.match_trees(name)
    for name in list(graph.layers):
        if name in graph.layers:
            _fold_pad(graph, name)
            _fold_constants(graph, name)
    return graph.layers


@dataclass(slots=True)
class _Graph:
    """Layers with the number of their readers."""

    build: Builder
    outputs: frozenset[str]
    layers: dict[str, ImportedLayer] = field(init=False)
    readers: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self.layers = dict(self.build.layers)
        self.readers = Counter(self.outputs)
        for layer in self.layers.values():
            self.readers.update(layer.inputs)

    def drop_unread(self) -> None:
        for name in reversed(list(self.layers)):
            if not self.readers[name]:
                self._drop(name)

    def _drop(self, name: str) -> None:
        self.readers.subtract(self.layers.pop(name).inputs)

    def put(self, name: str, layer: ImportedLayer, gone: Iterable[str] = ()) -> None:
        """Replace a layer in its place, and take away those that it stands for too."""
        self.readers.subtract(self.layers[name].inputs)
        self.readers.update(layer.inputs)
        self.layers[name] = layer
        self.build.words.pop(name, None)
        for other in gone:
            self._drop(other)

    def word(self, name: str) -> str | None:
        layer = self.layers.get(name)
        return None if layer is None else self.build.words.get(name, layer.operator.op)

    def match_trees(self, name: str) -> None:
        for tree, operator in _RULES_BY_ROOT.get(self.word(name) or "", ()):
            bound: dict[str, str] = {}
            inner: set[str] = set()
            if self._matches(tree, name, bound, inner) and self._private(inner - {name}, name):
                self.put(name, ImportedLayer(name, operator, (bound[X],)), inner - {name})
                return

    def _matches(self, tree: Tree, name: str, bound: dict[str, str], inner: set[str]) -> bool:
        """Whether the layers that end in `name` are a tree; fills in what `X` is and which layers belong to it."""
        if isinstance(tree, str):
            return bound.setdefault(X, name) == name
        word, *children = tree
        layer = self.layers.get(name)
        if layer is None or self.word(name) != word or len(layer.inputs) != len(children):
            return False
        if word in ("scale", "shift") and name not in self.build.scalars:
            return False
        orders = [layer.inputs, layer.inputs[::-1]] if word in _EITHER_ORDER else [layer.inputs]
        for order in orders:
            trial, taken = dict(bound), {*inner, name}
            if all(self._matches(child, source, trial, taken) for child, source in zip(children, order, strict=True)):
                bound.update(trial)
                inner.update(taken)
                return True
        return False

    def _private(self, inner: set[str], root: str) -> bool:
        """Whether nobody but the pattern reads its inner layers."""
        inside = Counter(source for name in (*inner, root) for source in self.layers[name].inputs)
        return all(self.readers[name] == inside[name] for name in inner)

    def only_source(self, name: str) -> ImportedLayer | None:
        """The layer that makes the first input, if nobody else reads it."""
        source = self.layers.get(self.layers[name].inputs[0])
        return source if source is not None and self.readers[source.name] == 1 else None


_WINDOWS: Final = (Conv2d, DepthwiseConv2d, MaxPool2d, AvgPool2d)
_PRODUCTS: Final = (Conv2d, DepthwiseConv2d, TransposedConv2d, Dense)


def _fold_pad(graph: _Graph, name: str) -> None:
    """Zeros before a window are that window's padding."""
    layer, pad = graph.layers[name], graph.only_source(name)
    if pad is None or not isinstance(pad.operator, Pad) or graph.word(pad.name) != "pad":
        return
    if not isinstance(layer.operator, _WINDOWS) or layer.operator.padding == "same":
        return
    own, zeros = layer.operator.padding, pad.operator.padding
    if isinstance(own, Explicit):
        zeros = Explicit(zeros.top + own.top, zeros.bottom + own.bottom, zeros.left + own.left, zeros.right + own.right)
    if min(zeros.top, zeros.bottom, zeros.left, zeros.right) < 0:
        return
    operator = replace(layer.operator, padding=zeros)
    graph.put(name, replace(layer, operator=operator, inputs=pad.inputs), [pad.name])


def _fold_constants(graph: _Graph, name: str) -> None:
    """A trained vector after a product is its bias; a scale and a shift after one are a batch norm."""
    layer, source = graph.layers[name], graph.only_source(name)
    if source is None or not isinstance(layer.operator, Shift) or not layer.operator.weights:
        return
    count, before = layer.operator.weights, source.operator
    if isinstance(before, _PRODUCTS) and not before.bias and count == _outputs(source):
        graph.put(name, replace(source, name=name, operator=replace(before, bias=True)), [source.name])
    elif isinstance(before, Scale) and before.weights == count:
        _fold_affine(graph, name, source, count)


def _fold_affine(graph: _Graph, name: str, scale: ImportedLayer, count: object) -> None:
    """A trained scale and shift belong to the normalisation before them, or are a batch norm after a convolution."""
    source = graph.only_source(scale.name)
    if source is None:
        return
    if source.operator.view:
        _fold_group_norm(graph, name, scale)
    elif isinstance(source.operator, LayerNorm) and not source.operator.affine:
        graph.put(name, ImportedLayer(name, LayerNorm(), source.inputs), [scale.name, source.name])
    elif isinstance(source.operator, _PRODUCTS) and count == _outputs(source):
        graph.put(name, ImportedLayer(name, BatchNorm(), scale.inputs), [scale.name])


def _fold_group_norm(graph: _Graph, name: str, scale: ImportedLayer) -> None:
    """An instance norm of channels in groups, then a scale and a shift of the channels, is a group norm."""
    views = _views_above(graph, scale)
    norm = graph.only_source(views[-1].name)
    if norm is None or not isinstance(norm.operator, InstanceNorm) or norm.in_channels is None:
        return
    views_before = _views_above(graph, norm)
    gone = [scale, *views, norm, *views_before]
    operator = GroupNorm(groups=norm.in_channels)
    graph.put(name, ImportedLayer(name, operator, gone[-1].inputs), [layer.name for layer in gone])


def _views_above(graph: _Graph, layer: ImportedLayer) -> list[ImportedLayer]:
    """Layers before this one that nobody else reads and that only put elements under another shape."""
    views: list[ImportedLayer] = []
    source = graph.only_source(layer.name)
    while source is not None and isinstance(source.operator, (Reshape, Flatten)):
        views.append(source)
        source = graph.only_source(source.name)
    return views


def _outputs(layer: ImportedLayer) -> object:
    """Output channels of a product."""
    operator = layer.operator
    if isinstance(operator, DepthwiseConv2d):
        return (layer.in_channels or 0) * operator.multiplier
    return getattr(operator, "out", None)
