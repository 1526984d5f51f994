"""Activation memory in execution order: the tensors that are alive while each layer runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mbcost.graph.layer import NETWORK_INPUT, same_shape
from mbcost.graph.layer_graph import LayerGraph
from mbcost.numeric import Dim, maximum
from mbcost.operators import TensorShape


def live_elements(graph: LayerGraph) -> list[Dim]:
    """Elements alive while each layer runs, for one image: its inputs, its output, and tensors for later layers.

    A tensor is alive from the layer that computes it to the last one that reads it. Element-wise layers run in place if
    no later layer reads their (first) input, and views share memory, as in every mobile runtime. Weights are not
    counted. Each input of the network is alive until its last reader.
    """
    layers = graph.layers
    buffers, sizes = _buffers(graph)
    last_use = _last_uses(graph, buffers)
    alive: dict[int, Dim] = {}
    for place, shape in enumerate((graph.input_shape, *graph.extra_inputs)):
        last_reader = _last_reader(graph, shape)
        if last_reader is not None:
            alive[NETWORK_INPUT - place] = shape.elements
            last_use[NETWORK_INPUT - place] = last_reader
    dying: dict[int, list[int]] = {}
    for buffer, index in last_use.items():
        dying.setdefault(index, []).append(buffer)
    total: Dim = sum(alive.values())
    result: list[Dim] = []
    for layer in layers:
        buffer = buffers[layer.position]
        if buffer not in alive:
            alive[buffer] = sizes[buffer]
            total = total + sizes[buffer]
        result.append(total)
        for dead in dying.get(layer.position, ()):
            total = total - alive.pop(dead)
    return result


def peak_elements(graph: LayerGraph) -> Dim:
    """The largest number of elements alive at any time, for one image."""
    peak: Any = 0
    for elements in live_elements(graph):
        peak = maximum(peak, elements)
    result: Dim = peak
    return result


def _buffers(graph: LayerGraph) -> tuple[Sequence[int], dict[int, Dim]]:
    """The buffer that each layer writes to (named after the first layer that wrote to it) and the buffers' sizes."""
    last_reader: dict[int, int] = {}
    for layer in graph.layers:
        for producer in layer.inputs:
            last_reader[producer] = layer.position
    kept = set(graph.outputs)
    buffers: list[int] = []
    sizes: dict[int, Dim] = {}
    for layer in graph.layers:
        first = layer.inputs[0]
        reuses = (
            (layer.operator.elementwise or layer.operator.view)
            and first != NETWORK_INPUT
            and last_reader[first] == layer.position
            and first not in kept
            and (layer.operator.view or same_shape(layer.input_shapes[0], layer.output_shape))
        )
        buffer = buffers[first] if reuses else layer.position
        buffers.append(buffer)
        if not reuses:
            sizes[buffer] = layer.output_shape.elements
    return buffers, sizes


def _last_uses(graph: LayerGraph, buffers: Sequence[int]) -> dict[int, int]:
    """The last layer that reads or writes each buffer; the network's outputs live to the end."""
    last: dict[int, int] = {}
    for layer in graph.layers:
        for producer in layer.inputs:
            if producer != NETWORK_INPUT:
                last[buffers[producer]] = layer.position
        last[buffers[layer.position]] = layer.position
    for output in graph.outputs:
        if output != NETWORK_INPUT:
            last[buffers[output]] = len(graph.layers)
    return last


def _last_reader(graph: LayerGraph, shape: TensorShape) -> int | None:
    """The last layer that reads an input of the network with this shape; None if none does.

    Inputs are identified only by their shapes: two inputs with the same shape both live until the last reader of
    either.
    """
    readers = [
        layer.position
        for layer in graph.layers
        for producer, read in zip(layer.inputs, layer.input_shapes, strict=True)
        if producer == NETWORK_INPUT and (read is shape or not graph.extra_inputs or same_shape(read, shape))
    ]
    return max(readers, default=None)
