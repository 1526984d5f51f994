"""Where buffers of known sizes and lifetimes lie in one arena: greedy by size.

The order and the gaps are those of TensorFlow Lite Micro's ``GreedyMemoryPlanner`` (tflite-micro@90b983c,
tensorflow/lite/micro/memory_planner/greedy_memory_planner.cc, ``CalculateOffsetsIfNeeded``) and of TinyEngine's
``FirstFit`` (tinyengine@47bb283, code_generator/allocator/firstFit.py): the largest buffer first, each at the lowest
offset where it overlaps no placed buffer that is alive at the same time. Of equal sizes, TFLM places the one that was
added last first, TinyEngine the one that was added first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

#: What a buffer holds.
BufferKind: TypeAlias = Literal["input", "tensor", "scratch"]


class Buffer(NamedTuple):
    """Memory that is needed from one step to another.

    Attributes
    ----------
    name
        The layer whose output it holds, or that needs it as scratch; ``input`` for the network's.
    kind
        ``input``, ``tensor`` or ``scratch``.
    size
        Bytes that it needs [B].
    first, last
        Steps from the first to the last that needs it, both included.
    later
        Pairs of a step and the bytes that are left of it from there on, for what shrinks in place.
    """

    name: str
    kind: BufferKind
    size: int
    first: int
    last: int
    later: tuple[tuple[int, int], ...] = ()

    def size_from(self, step: int) -> int:
        """The most bytes that it needs at a step or after it [B]."""
        left = self.size
        for start, size in self.later:
            if step >= start:
                left = size
        return left


class Placed(NamedTuple):
    """A buffer and where it begins in the arena [B]."""

    buffer: Buffer
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.buffer.size


@dataclass(frozen=True)
class Arena:
    """Buffers at their places.

    Attributes
    ----------
    placed
        Every buffer, in the order in which they were given.
    size
        Bytes from the start of the arena to the end of its last buffer [B].
    lower_bound
        The most bytes alive at one step: no plan of these buffers can do with less [B].
    peak_step
        The step that sets the size: of those that the topmost buffer lives through, the one with most bytes alive.
    """

    placed: tuple[Placed, ...]
    size: int
    lower_bound: int
    peak_step: int

    def alive(self, step: int) -> tuple[Placed, ...]:
        """The buffers that are alive at a step, by their offset."""
        found = [one for one in self.placed if one.buffer.first <= step <= one.buffer.last]
        return tuple(sorted(found, key=lambda one: one.offset))


def plan_arena(buffers: Sequence[Buffer], *, alignment: int = 1, ties: Literal["last", "first"] = "last") -> Arena:
    """Place buffers greedily by size.

    Parameters
    ----------
    alignment
        Sizes are rounded up to a multiple of it, so that offsets are multiples too [B].
    ties
        Which of buffers of one size is placed first: the ``last`` added, as TFLM does, or the ``first``.
    """
    rounded = [_aligned(buffer, alignment) for buffer in buffers]
    order = sorted(range(len(rounded)), key=lambda i: (-rounded[i].size, -i if ties == "last" else i))
    at_step: dict[int, list[int]] = {}
    offsets = [0] * len(rounded)
    for index in order:
        wanted = rounded[index]
        steps = range(wanted.first, wanted.last + 1)
        beside = {other for step in steps for other in at_step.get(step, ())}
        offsets[index] = _first_gap(wanted, [(offsets[other], rounded[other]) for other in beside])
        for step in steps:
            at_step.setdefault(step, []).append(index)
    placed = tuple(Placed(buffer, offset) for buffer, offset in zip(rounded, offsets, strict=True))
    live = {step: sum(rounded[i].size_from(step) for i in members) for step, members in at_step.items()}
    if not placed:
        return Arena((), 0, 0, 0)
    top = max(placed, key=lambda one: one.end)
    peak = max(range(top.buffer.first, top.buffer.last + 1), key=lambda step: live[step])
    return Arena(placed, top.end, max(live.values()), peak)


def _aligned(buffer: Buffer, alignment: int) -> Buffer:
    later = tuple((step, align(size, alignment)) for step, size in buffer.later)
    return buffer._replace(size=align(buffer.size, alignment), later=later)


def align(size: int, alignment: int) -> int:
    """A number of bytes, rounded up to a multiple of the alignment [B]."""
    return -(-size // alignment) * alignment


def _first_gap(wanted: Buffer, beside: Sequence[tuple[int, Buffer]]) -> int:
    """The lowest offset at which a buffer overlaps none of those that are alive with it."""
    offset = 0
    for start, other in sorted(beside, key=lambda pair: pair[0]):
        if start - offset >= wanted.size:
            break
        offset = max(offset, start + other.size_from(wanted.first))
    return offset
