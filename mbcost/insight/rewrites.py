"""Rewrites of networks for hints: some operators are replaced, and shapes and counts propagated again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from mbcost.graph import NETWORK_INPUT, Layer, LayerGraph
from mbcost.operators import (
    Activation,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    DepthwiseConv2d,
    Explicit,
    GroupNorm,
    HardSigmoid,
    HardSwish,
    InstanceNorm,
    LayerNorm,
    MaxPool2d,
    Operator,
    Relu,
    Sigmoid,
    Softmax,
    Swish,
)

#: Channels that the kernels of mobile runtimes compute at a time: vectors and tiles are 4 to 16 wide. Chosen in
#: between; which widths a hint proposes depends on it, its latency is that of the runtime.
CHANNEL_TILE: Final = 8

#: Operators that may pool a map to one pixel, at the beginning of squeeze-and-excitation.
_POOLS: Final = frozenset({"global_avg_pool", "reduce", "avg_pool2d", "adaptive_avg_pool2d"})

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
            if operator is layer.operator and shapes == layer.input_shapes:
                layers.append(layer._replace(position=len(layers), inputs=inputs))
                continue
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


def separable(layer: Layer, names: Collection[str]) -> Sequence[Operator]:
    """A dense KxK convolution of these names as a depthwise and a pointwise one."""
    operator = layer.operator
    if layer.name not in names or not isinstance(operator, Conv2d):
        return (operator,)
    depthwise = DepthwiseConv2d(operator.kernel, operator.stride, operator.dilation, padding=operator.padding)
    return depthwise, Conv2d(operator.out, bias=operator.bias)


def dense_windows(graph: LayerGraph) -> list[str]:
    """Layers that can be :func:`separable`: dense KxK convolutions but for those that read the network's input."""
    return [
        layer.name
        for layer in graph.layers
        if isinstance(layer.operator, Conv2d)
        and layer.operator.kernel != (1, 1)
        and layer.operator.groups == 1
        and NETWORK_INPUT not in layer.inputs
    ]


def smaller_windows(layer: Layer, names: Collection[str], side: int) -> Sequence[Operator]:
    """A depthwise convolution of these names with windows of side x side at most, its output of the same size."""
    operator = layer.operator
    if layer.name not in names or not isinstance(operator, DepthwiseConv2d):
        return (operator,)
    kernel = (min(operator.kernel[0], side), min(operator.kernel[1], side))
    padding = operator.padding
    if isinstance(padding, Explicit):
        down, across = (
            (old - new) // 2 * dilation
            for old, new, dilation in zip(operator.kernel, kernel, operator.dilation, strict=True)
        )
        padding = Explicit(padding.top - down, padding.bottom - down, padding.left - across, padding.right - across)
    return (replace(operator, kernel=kernel, padding=padding),)


def ungrouped(layer: Layer, names: Collection[str]) -> Sequence[Operator]:
    """A grouped convolution of these names as a dense one."""
    operator = layer.operator
    if layer.name not in names or not isinstance(operator, Conv2d):
        return (operator,)
    return (replace(operator, groups=1),)


def grouped(graph: LayerGraph) -> list[str]:
    """Convolutions of several groups of several channels each."""
    return [
        layer.name
        for layer in graph.layers
        if isinstance(layer.operator, Conv2d) and 1 < layer.operator.groups < layer.input_shapes[0].channels
    ]


def squeeze_and_excite(graph: LayerGraph) -> tuple[list[str], int]:
    """Layers of squeeze-and-excitation (Hu et al. 2018, arXiv:1709.01507), to be left out, and the number of gates.

    A gate multiplies a map by what becomes of its mean, layer after layer, none of which anything else reads.
    """
    readers = Counter(producer for layer in graph.layers for producer in layer.inputs)
    readers.update(graph.outputs)
    names: list[str] = []
    gates = 0
    for layer in graph.layers:
        if layer.op != "multiply" or len(layer.inputs) != 2:
            continue
        for scaled, gate in (layer.inputs, layer.inputs[::-1]):
            branch = _pooled_branch(graph, gate, scaled, readers)
            if branch:
                names += [*branch, layer.name]
                gates += 1
                break
    return names, gates


def _pooled_branch(graph: LayerGraph, end: int, start: int, readers: Mapping[int, int]) -> list[str]:
    """The layers from a pooling of `start` to one pixel up to `end`; none where there is no such chain."""
    found: list[str] = []
    while end != NETWORK_INPUT:
        layer = graph.layers[end]
        if readers[end] != 1 or len(layer.inputs) != 1 or layer.output_shape.pixels != 1:
            return []
        found.append(layer.name)
        end = layer.inputs[0]
        if layer.op in _POOLS:
            return found if end == start else []
    return []


def substitutes(layer: Layer, *, last: bool) -> tuple[Sequence[Operator], ...]:
    """What can take the place of a layer that a runtime does not compute itself, the most like it first.

    Each is a sequence of operators, empty where the layer is left out.

    Parameters
    ----------
    last
        Whether the layer's output is one of the network's: a softmax there does not change which class is first.
    """
    operator = layer.operator
    if isinstance(operator, (Sigmoid, HardSigmoid)):  # mostly gates, which a ReLU does not replace
        return ((HardSigmoid(),),)
    if isinstance(operator, Swish):
        return ((HardSwish(),), (Relu(),))
    if isinstance(operator, Activation):
        return ((Relu(),),)
    if isinstance(operator, AvgPool2d):
        return ((MaxPool2d(operator.kernel, operator.stride, operator.padding, operator.ceil_mode),),)
    if isinstance(operator, (LayerNorm, GroupNorm, InstanceNorm)):
        return ((BatchNorm(),),)
    return ((),) if last and isinstance(operator, Softmax) else ()


def replaced(layer: Layer, operators: Mapping[str, Sequence[Operator]]) -> Sequence[Operator]:
    """The operators in place of the layers that are named."""
    return operators.get(layer.name, (layer.operator,))


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


def ragged(graph: LayerGraph) -> int:
    """Layers that :func:`rounded_down` changes."""
    return sum(map(_is_ragged, graph.layers))
