"""Activations and normalisations that were written operator by operator, put together again.

A pattern is a tree of operators with the layer that comes last as its root. ``X`` is where the pattern's input enters;
it stands for the same tensor wherever it occurs. What a pattern takes away has no reader outside of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mbcost.importers.imported import ImportedLayer
from mbcost.operators import HardSigmoid, HardSwish, LayerNorm, Mish, Operator, Swish
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


@dataclass(slots=True)
class Rewriting:
    """Layers with the number of their readers, while patterns replace them.

    Attributes
    ----------
    layers
        In the order they run, by name.
    outputs
        Names of those that make the network's outputs.
    words
        What the rules call a layer, where that is not its operator's name.
    scalars
        Layers that add or multiply by a single number.
    """

    layers: dict[str, ImportedLayer]
    outputs: frozenset[str]
    words: dict[str, str]
    scalars: Collection[str]
    readers: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self.readers = Counter(self.outputs)
        for layer in self.layers.values():
            self.readers.update(layer.inputs)

    def drop_unread(self) -> None:
        """Take away what no output needs."""
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
        self.words.pop(name, None)
        for other in gone:
            self._drop(other)

    def word(self, name: str) -> str | None:
        """What the rules call a layer; None for an input."""
        layer = self.layers.get(name)
        return None if layer is None else self.words.get(name, layer.operator.op)

    def match_trees(self) -> None:
        """Replace every tree of the rules by the operator that it is."""
        for name in list(self.layers):
            if name in self.layers:
                self._match_trees(name)

    def _match_trees(self, name: str) -> None:
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
        if word in ("scale", "shift") and name not in self.scalars:
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
