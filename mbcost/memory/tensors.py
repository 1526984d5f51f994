"""The buffers of a network: activations between its kernels, and scratch while they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mbcost.graph import NETWORK_INPUT, LayerGraph, same_shape
from mbcost.kernels import Kernel
from mbcost.memory.arena import Buffer, BufferKind
from mbcost.memory.planners import Planner

#: Name and kind of the network's input.
_INPUT: Final = "input"


@dataclass(slots=True)
class _Draft:
    """A buffer whose end is not known yet."""

    name: str
    size: int
    first: int
    last: int
    kind: BufferKind = "tensor"
    later: list[tuple[int, int]] = field(default_factory=list)

    @property
    def left(self) -> int:
        """What is left of it after all that was computed in place [B]."""
        return self.later[-1][1] if self.later else self.size


def buffers_of(
    graph: LayerGraph, kernels: tuple[Kernel, ...], planner: Planner, *, batch: int, element_bytes: int, scratch: bool
) -> tuple[Buffer, ...]:
    """The buffers that a planner places. Step 0 is before the first kernel, step i + 1 is kernel i.

    A tensor lives from the kernel that computes it to the last that reads it, an input of the network from step 0 on,
    an output to the end (tflite-micro, micro_allocation_info.cc, ``MarkAllocationLifetimes``). What a kernel fuses is
    no tensor.

    Parameters
    ----------
    scratch
        Whether the kernels are those that the planner knows scratch buffers of.
    """
    kernel_of = {layer: number for number, kernel in enumerate(kernels) for layer in kernel.layers}
    reads = _reads(kernels, kernel_of, graph)
    free_after = _free_after(reads, kernel_of, graph)
    drafts: list[_Draft] = []
    memory: dict[int, _Draft] = {}  # kernel -> what it writes to
    inputs = _inputs(graph, kernels, batch * element_bytes)
    drafts += inputs
    for number, kernel in enumerate(kernels):
        step = number + 1
        sources = reads[number]
        for source in sources:
            if source in memory:
                memory[source].last = max(memory[source].last, step)
        if kernel.op == "constant":  # it stays with the weights
            continue
        size = int(kernel.output_elements) * element_bytes
        in_place = (planner.shares_views and kernel.kind == "view") or kernel.op in planner.in_place
        given = memory.get(sources[0]) if sources and in_place and free_after.get(sources[0]) == number else None
        if given is not None and size <= given.left:
            memory[number] = given
            given.last = step
            if size < given.left:
                given.later.append((step + 1, size))
        else:
            memory[number] = _Draft(graph.layers[kernel.layers[-1]].name, size, step, step)
            drafts.append(memory[number])
    end = len(kernels)
    for output in graph.outputs:
        if output != NETWORK_INPUT and kernel_of[output] in memory:
            memory[kernel_of[output]].last = end
    tensors = tuple(
        Buffer(draft.name, draft.kind, draft.size, draft.first, draft.last, tuple(draft.later))
        for draft in drafts
        if draft.size
    )
    return tensors + (_scratch(kernels, planner) if scratch else ())


def _reads(kernels: tuple[Kernel, ...], kernel_of: dict[int, int], graph: LayerGraph) -> list[list[int]]:
    """For every kernel the kernels whose outputs it reads, the main layer's first."""
    found = []
    for number, kernel in enumerate(kernels):
        sources: dict[int, None] = {}
        for position in kernel.layers:
            for producer in graph.layers[position].inputs:
                if producer != NETWORK_INPUT and kernel_of[producer] != number:
                    sources[kernel_of[producer]] = None
        found.append(list(sources))
    return found


def _inputs(graph: LayerGraph, kernels: tuple[Kernel, ...], bytes_per_element: int) -> list[_Draft]:
    """The network's inputs, from before the first kernel to the last one that reads them.

    Inputs are known only by their shapes: two of one shape both live until the last reader of either.
    """
    found = []
    for place, shape in enumerate((graph.input_shape, *graph.extra_inputs)):
        last = 0
        for number, kernel in enumerate(kernels):
            for position in kernel.layers:
                layer = graph.layers[position]
                for producer, read in zip(layer.inputs, layer.input_shapes, strict=True):
                    if producer == NETWORK_INPUT and (not graph.extra_inputs or same_shape(read, shape)):
                        last = number + 1
        name = _INPUT if place == 0 else f"{_INPUT} {place + 1}"
        found.append(_Draft(name, int(shape.elements) * bytes_per_element, 0, last, _INPUT))
    return found


def _free_after(reads: list[list[int]], kernel_of: dict[int, int], graph: LayerGraph) -> dict[int, int]:
    """The last kernel that reads each kernel's output, after which its memory may be written to; none of outputs."""
    last = {source: number for number, sources in enumerate(reads) for source in sources}
    kept = {kernel_of[output] for output in graph.outputs if output != NETWORK_INPUT}
    return {source: number for source, number in last.items() if source not in kept}


def _scratch(kernels: tuple[Kernel, ...], planner: Planner) -> tuple[Buffer, ...]:
    found = []
    if planner.scratch is not None:
        for number, kernel in enumerate(kernels):
            size = int(planner.scratch(kernel))
            if size:
                found.append(Buffer(kernel.name, "scratch", size, number + 1, number + 1))
    for name, of in (planner.lasting or {}).items():
        most = max((int(of(kernel)) for kernel in kernels), default=0)
        if most:
            found.append(Buffer(name, "scratch", most, 0, len(kernels)))
    return tuple(found)
