"""How a delegate cuts a network: by what depends on what, not by the order of the file.

TensorFlow Lite's ``PartitionGraphIntoIndependentNodeSubsets`` (tensorflow/lite/graph_info.cc) puts all nodes that are
ready and of one kind, taken or not, into a part, then all that are ready of the other kind, and so on. A node is
therefore in the first part of its kind that comes after none of its inputs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mbcost.graph import NETWORK_INPUT, LayerGraph


def reads_of(graph: LayerGraph, kernel_of: Mapping[int, int] | Sequence[int], kernels: int) -> list[set[int]]:
    """The other kernels that each of so many kernels reads; `kernel_of` has the kernel of every layer's position."""
    found: list[set[int]] = [set() for _ in range(kernels)]
    for layer in graph.layers:
        own = kernel_of[layer.position]
        found[own] |= {kernel_of[producer] for producer in layer.inputs if producer != NETWORK_INPUT} - {own}
    return found


def parts_of(inputs: Sequence[Collection[int]], taken: Sequence[bool | None]) -> tuple[int, ...]:
    """The part of every node; even parts have nodes of the kind of the first one, odd parts the others.

    Parameters
    ----------
    inputs
        Nodes that each node reads, all before it.
    taken
        Whether the delegate takes each node; None for one that is nothing, in the part of what it reads.
    """
    first = next((kind for kind, read in zip(taken, inputs, strict=True) if kind is not None and not read), None)
    if first is None:
        first = next((kind for kind in taken if kind is not None), None)
    found: list[int] = []
    for read, kind in zip(inputs, taken, strict=True):
        part = max([found[node] for node in read], default=0)
        found.append(part if kind is None else part + (part % 2 != (kind is not first)))
    return tuple(found)


def outside_the_largest(
    inputs: Sequence[Collection[int]], taken: Sequence[bool | None], sizes: Sequence[int]
) -> frozenset[int]:
    """The nodes that the delegate would take, but which are not in its part with most operators; the first of equals.

    Parameters
    ----------
    sizes
        Operators of each node.
    """
    parts = parts_of(inputs, taken)
    operators: dict[int, int] = {}
    for part, kind, size in zip(parts, taken, sizes, strict=True):
        if kind:
            operators[part] = operators.get(part, 0) + size
    largest = max(operators, key=lambda part: (operators[part], -part), default=0)
    return frozenset(node for node, kind in enumerate(taken) if kind and parts[node] != largest)
