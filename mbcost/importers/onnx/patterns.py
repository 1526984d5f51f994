"""Layers that an exporter took apart, put together again: activations, normalisations, bias, padding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from mbcost.importers.imported import ImportedLayer
from mbcost.importers.onnx.builder import Builder
from mbcost.importers.trees import Rewriting
from mbcost.operators import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Explicit,
    Flatten,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    MaxPool2d,
    Pad,
    Reshape,
    Scale,
    Shift,
    TransposedConv2d,
)


def simplified(build: Builder, outputs: Iterable[str]) -> dict[str, ImportedLayer]:
    """The layers that the outputs need, with what the patterns say put together."""
    graph = Rewriting(dict(build.layers), frozenset(outputs), build.words, build.scalars)
    graph.drop_unread()
    graph.match_trees()
    for name in list(graph.layers):
        if name in graph.layers:
            _fold_pad(graph, name)
            _fold_constants(graph, name)
    return graph.layers


_WINDOWS: Final = (Conv2d, DepthwiseConv2d, MaxPool2d, AvgPool2d)
_PRODUCTS: Final = (Conv2d, DepthwiseConv2d, TransposedConv2d, Dense)


def _fold_pad(graph: Rewriting, name: str) -> None:
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


def _fold_constants(graph: Rewriting, name: str) -> None:
    """A trained vector after a product is its bias; a scale and a shift after one are a batch norm."""
    layer, source = graph.layers[name], graph.only_source(name)
    if source is None or not isinstance(layer.operator, Shift) or not layer.operator.weights or not layer.trained:
        return
    if source.owns_weights != layer.owns_weights:
        return  # of two layers one has parameters of its own, and a joined one would have both or none
    count, before = layer.operator.weights, source.operator
    if isinstance(before, _PRODUCTS) and not before.bias and count == _outputs(source):
        graph.put(name, replace(source, name=name, operator=replace(before, bias=True)), [source.name])
    elif isinstance(before, Scale) and before.weights == count and source.trained:
        _fold_affine(graph, name, source, count)


def _fold_affine(graph: Rewriting, name: str, scale: ImportedLayer, count: object) -> None:
    """A trained scale and shift belong to the normalisation before them, or are a batch norm after a convolution."""
    source = graph.only_source(scale.name)
    if source is None:
        return
    if source.operator.view:
        _fold_group_norm(graph, name, scale)
    elif isinstance(source.operator, LayerNorm) and not source.operator.affine:
        layer = ImportedLayer(name, LayerNorm(), source.inputs, owns_weights=scale.owns_weights)
        graph.put(name, layer, [scale.name, source.name])
    elif isinstance(source.operator, _PRODUCTS) and count == _outputs(source):
        graph.put(name, ImportedLayer(name, BatchNorm(), scale.inputs, owns_weights=scale.owns_weights), [scale.name])


def _fold_group_norm(graph: Rewriting, name: str, scale: ImportedLayer) -> None:
    """An instance norm of channels in groups, then a scale and a shift of the channels, is a group norm."""
    views = _views_above(graph, scale)
    norm = graph.only_source(views[-1].name)
    if norm is None or not isinstance(norm.operator, InstanceNorm) or norm.in_channels is None:
        return
    views_before = _views_above(graph, norm)
    gone = [scale, *views, norm, *views_before]
    operator = GroupNorm(groups=norm.in_channels)
    layer = ImportedLayer(name, operator, gone[-1].inputs, owns_weights=scale.owns_weights)
    graph.put(name, layer, [one.name for one in gone])


def _views_above(graph: Rewriting, layer: ImportedLayer) -> list[ImportedLayer]:
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
