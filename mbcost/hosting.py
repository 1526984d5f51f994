"""What an accelerator hands back to its host: partitions of a network, and the copies and waits between them.

A delegate or compiler cuts a network where it meets a layer that it does not take. Each such part runs on the host's
CPU with that target's own runtime, rates and calibration; the tensors that cross are copied, and where the accelerator
goes on afterwards, it is started again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from mbcost.devices import Target
from mbcost.graph import NETWORK_INPUT, LayerGraph
from mbcost.kernels import Kernel
from mbcost.kernels.partitions import parts_of, reads_of
from mbcost.numeric import Dim, Real

#: Time to hand a network back and to start the accelerator again, once a part in its middle [s]. Assumed: a tenth of a
#: millisecond, the order of an interrupt, a wake-up and a queue submission; nothing was measured. Half and twice of it
#: are the ends of its interval.
RESTART_S: Final = 1e-4
RESTART_FACTOR: Final = 2.0
#: Position of a kernel that is not the first of its processor, whichever it is.
NOT_FIRST: Final = -1
#: Streams of a copy: each byte is read and written.
COPY_STREAMS: Final = 2


class Crossing(NamedTuple):
    """What crosses for one kernel of the host.

    Attributes
    ----------
    bytes
        Tensors that come from the accelerator or go to it [B].
    restarts
        1 for the first kernel of a part after which the accelerator goes on, else 0.
    """

    bytes: Dim
    restarts: int


def is_hosted(kernel: Kernel) -> bool:
    """Whether the host computes it, and which kernel of the host does so is known."""
    return kernel.host_kind is not None


def on_host(kernel: Kernel, element_bytes: int) -> Kernel:
    """The kernel as the host runs it."""
    assert kernel.host_kind is not None
    return kernel._replace(kind=kernel.host_kind, host_kind=None, element_bytes=element_bytes)


def accelerator_part(kernels: Sequence[Kernel], target: Target) -> tuple[Kernel, ...]:
    """The kernels as the accelerator sees them: those that the host computes, or that are left out, are nothing.

    What an inference costs once counts for the first kernel of the accelerator, where the first of all is not its own.
    """
    part = [kernel._replace(kind="view") if _is_gone(kernel, target) else kernel for kernel in kernels]
    if not kernels or not _is_gone(kernels[0], target):
        return tuple(part)
    part[0] = part[0]._replace(position=NOT_FIRST)
    start = next((index for index, kernel in enumerate(part) if kernel.kind != "view"), None)
    if start is not None:
        part[start] = part[start]._replace(position=0)
    return tuple(part)


def _is_gone(kernel: Kernel, target: Target) -> bool:
    return is_hosted(kernel) or (kernel.kind == "outside" and target.outside == "free")


def crossings(graph: LayerGraph, kernels: Sequence[Kernel]) -> dict[int, Crossing]:
    """Position of each kernel of the host -> what crosses for it.

    A part at the beginning or the end of a network costs no restart, since the network is started and waited for once
    in any case; neither do the network's own inputs and outputs cross, which are in the host's memory.
    """
    hosted = [is_hosted(kernel) for kernel in kernels]
    kernel_of = {position: index for index, kernel in enumerate(kernels) for position in kernel.layers}
    elements: dict[int, Dim] = {index: 0 for index, here in enumerate(hosted) if here}
    seen: set[tuple[int, bool]] = set()
    for layer in graph.layers:
        reader = kernel_of[layer.position]
        for producer in layer.inputs:
            if producer == NETWORK_INPUT or hosted[kernel_of[producer]] == hosted[reader]:
                continue
            if kernels[reader].kind == "view" or (producer, hosted[reader]) in seen:
                continue
            seen.add((producer, hosted[reader]))  # a tensor is copied once, however many layers read it
            place = reader if hosted[reader] else kernel_of[producer]
            elements[place] = elements[place] + graph.layers[producer].output_shape.elements
    starts = _starts_in_the_middle(graph, kernels, kernel_of)
    return {
        index: Crossing(count * kernels[index].batch * kernels[index].element_bytes, int(index in starts))
        for index, count in elements.items()
    }


def _starts_in_the_middle(graph: LayerGraph, kernels: Sequence[Kernel], kernel_of: Mapping[int, int]) -> set[int]:
    """First kernels of the host's parts that have parts of the accelerator before and after them."""
    taken = [None if kernel.kind == "view" else not is_hosted(kernel) for kernel in kernels]
    parts = parts_of(reads_of(graph, kernel_of, len(kernels)), taken)
    mine = [part for part, kind in zip(parts, taken, strict=True) if kind]
    starts: dict[int, int] = {}
    for index, part in enumerate(parts):
        if taken[index] is False and min(mine, default=part) < part < max(mine, default=part):
            starts.setdefault(part, index)
    return set(starts.values())


def copy_seconds_a_byte(target: Target) -> float:
    """Time to copy one byte in the memory of the accelerator's device [s]; nothing where no bandwidth is known."""
    bandwidth = target.device.memory.bandwidth or target.bandwidth
    return COPY_STREAMS / bandwidth.value if bandwidth is not None else 0.0


def crossing_s(crossing: Crossing, target: Target) -> Real:
    """Copies and restart of one kernel of the host [s]."""
    return crossing.bytes * copy_seconds_a_byte(target) + crossing.restarts * RESTART_S
