"""Limits of RAM and flash as users give them, and what exceeds them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from mbcost import readable
from mbcost.checks import is_number, shown
from mbcost.devices.types import Memories
from mbcost.errors import InputError, Problem, did_you_mean
from mbcost.memory.plan import MemoryPlan
from mbcost.units import UNITS, UnitError, parse_quantity, plausible

#: What is written for a unit -> the unit that is meant, where its letters alone do not say so.
_MEANT: Final = {"k": "KiB", "K": "KiB", "KB": "KiB", "Ki": "KiB", "M": "MiB", "Mi": "MiB", "G": "GiB"}


_EXAMPLES: Final = "such as 256KiB or 1MiB"


class Limits(NamedTuple):
    """The most RAM and flash that a network may need [B]; None for no limit."""

    ram: float | None = None
    flash: float | None = None


class Excess(NamedTuple):
    """A limit that a network exceeds.

    Attributes
    ----------
    what
        ``ram`` or ``flash``.
    needs, limit
        What it needs, and the limit [B].
    why
        What sets it: the layer at the peak and the tensors alive there, or what lies in flash.
    """

    what: str
    needs: int
    limit: float
    why: str

    def __str__(self) -> str:
        name = "RAM" if self.what == "ram" else self.what
        over = readable.size(round(self.needs - self.limit))
        return f"{readable.size(self.needs)} of {name}, {over} more than {readable.size(round(self.limit))}: {self.why}"


def read_limits(ram: Any = None, flash: Any = None, *, prefix: str = "") -> Limits:
    """Limits from texts such as ``256KiB`` and ``1MiB``, or numbers of bytes.

    Parameters
    ----------
    prefix
        What the parameters' names begin with, for messages: ``max_``.

    Raises
    ------
    InputError
        MB010 for each that is neither, that has an unknown unit, or that is not above 0; both at once.
    """
    problems: list[Problem] = []
    found = Limits(_read(f"{prefix}ram", ram, problems), _read(f"{prefix}flash", flash, problems))
    if problems:
        raise InputError(problems)
    return found


def _read(name: str, given: Any, problems: list[Problem]) -> float | None:
    if given is None:
        return None
    text = f"{given}B" if is_number(given) else given
    why, hint = f"is {shown(given)}, which is no size", _EXAMPLES
    if isinstance(text, str):
        try:
            size = plausible(parse_quantity(text, "size"), "size", text)
            if size > 0:
                return size
            why = f"is {shown(given)}, it has to be above 0"
        except UnitError as error:
            why, hint = f"is no size: {error}", _near(text) or _EXAMPLES
    problems.append(Problem("MB010", f"{name} {why}", hint=hint, parameter=name))
    return None


def _near(text: str) -> str | None:
    """The text with the unit that was meant, if one is near."""
    number = text.strip().rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text.strip()[len(number) :]
    if not unit or not number.strip():
        return None
    if unit in _MEANT:
        return f"did you mean `{number.strip()}{_MEANT[unit]}`?"
    return did_you_mean(unit, UNITS["size"])


def excesses(plan: MemoryPlan, limits: Limits) -> list[Excess]:
    """The limits that a network's memory exceeds."""
    found = []
    if limits.ram is not None and plan.ram_bytes > limits.ram:
        found.append(Excess("ram", plan.ram_bytes, limits.ram, peak_text(plan)))
    if limits.flash is not None and plan.flash.total_bytes > limits.flash:
        found.append(Excess("flash", plan.flash.total_bytes, limits.flash, f"it is {plan.flash.what}"))
    return found


def board_notes(plan: MemoryPlan, memories: Memories) -> list[str]:
    """What of a network does not fit into the memories of a board, as far as they are known."""
    banks = {name: size.value for name, size in memories.sram.items()}
    psram = memories.psram.value if memories.psram is not None else 0.0
    ram = sum(banks.values()) + psram if banks else None
    flash = memories.flash.value if memories.flash is not None else None
    notes = [f"does not fit: it needs {excess}" for excess in excesses(plan, Limits(ram, flash))]
    largest = max(banks, key=banks.__getitem__, default="")
    if not notes and largest and plan.arena.size > banks[largest]:
        size = readable.size(round(banks[largest]))
        arena = readable.size(plan.arena.size)
        notes.append(f"no bank of its SRAM holds the arena of {arena}: the largest, {largest}, has {size}")
    return notes


def peak_text(plan: MemoryPlan, most: int = 3) -> str:
    """The layer that sets the peak, and the largest tensors that are alive there."""
    largest = sorted(plan.at_peak, key=lambda one: -one.buffer.size)[:most]
    alive = ", ".join(
        f"{readable.size(one.buffer.size)} {'scratch of ' if one.buffer.kind == 'scratch' else ''}{one.buffer.name}"
        for one in largest
    )
    return f"the peak is at {plan.peak_layer} ({alive})"
