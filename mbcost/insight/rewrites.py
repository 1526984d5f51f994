"""Rewrites of networks for hints: some operators are replaced, and shapes and counts propagated again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from mbcost.graph import NETWORK_INPUT, Layer, LayerGraph
from mbcost.operators import Conv2d, DepthwiseConv2d, Operator, Relu

#: Channels that the kernels of mobile runtimes compute at a time: vectors and tiles are 4 to 16 wide. Chosen in
#: between; which widths a hint proposes depends on it, its latency is that of the runtime.
CHANNEL_TILE: Final = 8

#: The operators that replace a layer, one after the other; empty where it is removed.
Rewrite: TypeAlias = Callable[[Layer], Sequence[Operator]]


def rewritten(graph: LayerGraph, rewrite: Rewrite) -> LayerGraph:
    """The network with `rewrite` applied to every layer.

    Raises
    ------
    OperatorError
        If an operator cannot take its new input.
    """
    layers: list[Layer] = []
    place = {NETWORK_INPUT: NETWORK_INPUT}
    for layer in graph.layers:
        inputs = tuple(place[producer] for producer in layer.inputs)
        operators = rewrite(layer)
        if not operators:
            place[layer.position] = inputs[0]
            continue
        *before, last = operators
        names = [f"{layer.name}/{number}" for number in range(1, len(before) + 1)]
        for operator, name in zip((*before, last), (*names, layer.name), strict=True):
            shapes = tuple(graph.input_shape if i == NETWORK_INPUT else layers[i].output_shape for i in inputs)
            output = operator.output_shape(shapes)
            layers.append(
                layer._replace(
                    position=len(layers),
                    name=name,
                    operator=operator,
                    inputs=inputs,
                    input_shapes=shapes,
                    output_shape=output,
                    cost=operator.cost(shapes, output),
                )
            )
            inputs = (layers[-1].position,)
        place[layer.position] = layers[-1].position
    outputs = tuple(place[output] for output in graph.outputs)
    return replace(graph, layers=tuple(layers), outputs=outputs)


def separable(layer: Layer) -> Sequence[Operator]:
    """A dense KxK convolution as a depthwise and a pointwise one; the network's first convolution stays."""
    operator = layer.operator
    if not _is_dense_window(layer) or not isinstance(operator, Conv2d):
        return (operator,)
    depthwise = DepthwiseConv2d(operator.kernel, operator.stride, operator.dilation, padding=operator.padding)
    return depthwise, Conv2d(operator.out, bias=operator.bias)


def _is_dense_window(layer: Layer) -> bool:
    operator = layer.operator
    return (
        isinstance(operator, Conv2d)
        and operator.kernel != (1, 1)
        and operator.groups == 1
        and NETWORK_INPUT not in layer.inputs
    )


def rounded_down(layer: Layer) -> Sequence[Operator]:
    """A convolution with its output channels rounded down to whole tiles."""
    operator = layer.operator
    if not _is_ragged(layer) or not isinstance(operator, Conv2d):
        return (operator,)
    return (replace(operator, out=operator.out // CHANNEL_TILE * CHANNEL_TILE),)


def _is_ragged(layer: Layer) -> bool:
    operator = layer.operator
    return (
        isinstance(operator, Conv2d)
        and operator.groups == 1
        and operator.out > CHANNEL_TILE
        and operator.out % CHANNEL_TILE != 0
    )


def left_out(layer: Layer, names: Collection[str]) -> Sequence[Operator]:
    """The network without the layers of these names, as if they were fused into the layer before."""
    return () if layer.name in names else (layer.operator,)


def with_relu(layer: Layer, names: Collection[str]) -> Sequence[Operator]:
    """ReLU instead of the layers of these names."""
    return (Relu() if layer.name in names else layer.operator,)


def dense_windows(graph: LayerGraph) -> int:
    """Layers that :func:`separable` replaces."""
    return sum(map(_is_dense_window, graph.layers))


def ragged(graph: LayerGraph) -> int:
    """Layers that :func:`rounded_down` changes."""
    return sum(map(_is_ragged, graph.layers))
