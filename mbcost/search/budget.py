"""Budgets of a pick, read with their units."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from mbcost.errors import InputError, Problem
from mbcost.memory.limits import read_limits
from mbcost.units import UNITS, UnitError, to_base

Kind: TypeAlias = Literal[
    "latency_ms", "frames_per_s", "macs", "params", "peak_activation_bytes", "ram_bytes", "flash_bytes"
]
#: Kinds of budgets of memory before deploying.
MEMORY_KINDS: Final[tuple[Kind, ...]] = ("ram_bytes", "flash_bytes")

_TEXT: Final = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*")
_PREFIXES: Final = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_COUNT: Final = re.compile(r"([kMGT]?)\s*(macs?|params?|parameters?)", re.IGNORECASE)
_FRAMES: Final = ("fps", "FPS", "frames/s", "images/s")
_EXAMPLES: Final = "30ms, 25fps, `300M MACs`, `3.5M params` or 6MiB (of activations at the peak)"

#: Kind of budget -> its name.
NAMES: Final[dict[Kind, str]] = {
    "latency_ms": "latency",
    "frames_per_s": "frames a second",
    "macs": "MACs",
    "params": "parameters",
    "peak_activation_bytes": "peak activation memory",
    "ram_bytes": "RAM",
    "flash_bytes": "flash",
}


class Budget(NamedTuple):
    """A limit: an upper bound, or a lower bound for frames per second.

    Attributes
    ----------
    kind
        What is limited: ``latency_ms`` [ms], ``frames_per_s`` [1/s], ``macs`` and ``params`` of one image,
        ``peak_activation_bytes``, ``ram_bytes`` and ``flash_bytes`` [B].
    limit
        The limit in the unit of its kind.
    """

    kind: Kind
    limit: float

    @property
    def is_time(self) -> bool:
        """Whether it is a budget of time."""
        return self.kind in {"latency_ms", "frames_per_s"}


def read_budgets(
    texts: str | Budget | Sequence[str | Budget], ram: str | float | None = None, flash: str | float | None = None
) -> tuple[Budget, ...]:
    """Budgets from texts such as ``30ms``, ``25fps``, ``300M MACs``, ``3.5M params`` and ``6MiB``.

    Parameters
    ----------
    ram, flash
        Limits of RAM and flash, such as ``256KiB``, or bytes.

    Raises
    ------
    InputError
        MB010 for every budget without a known unit, that is not above 0, or of the same kind as another; and if there
        is none.
    """
    problems: list[Problem] = []
    try:
        limits = zip(MEMORY_KINDS, read_limits(ram, flash), strict=True)
    except InputError as error:
        problems, limits = list(error.problems), zip((), (), strict=True)
    memory = [Budget(kind, limit) for kind, limit in limits if limit is not None]
    given = [*([texts] if isinstance(texts, (str, Budget)) else texts), *memory]
    budgets: dict[Kind, Budget] = {}
    for item in given:
        try:
            budget = item if isinstance(item, Budget) else _read(item)
        except UnitError as error:
            problems.append(Problem("MB010", f"budget {error}", hint=f"such as {_EXAMPLES}"))
            continue
        if not 0 < budget.limit < math.inf:
            problems.append(Problem("MB010", f"budget `{item}` is not above 0"))
        elif budget.kind in budgets:
            problems.append(Problem("MB010", f"two budgets of {NAMES[budget.kind]} were given"))
        else:
            budgets[budget.kind] = budget
    if problems:
        raise InputError(problems)
    if not budgets:
        raise InputError([Problem("MB010", "there is no budget", hint=f"such as {_EXAMPLES}")])
    return tuple(budgets.values())


def _read(text: str) -> Budget:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise UnitError(f"`{text[:60]}` does not begin with a number")
    number, unit = float(match[1]), match[2]
    if not unit:
        raise UnitError(f"`{text.strip()[:60]}` has no unit")
    if unit in UNITS["time"]:
        return Budget("latency_ms", to_base(number, unit, "time") * 1e3)
    if unit in UNITS["size"]:
        return Budget("peak_activation_bytes", to_base(number, unit, "size"))
    if unit in _FRAMES:
        return Budget("frames_per_s", number)
    count = _COUNT.fullmatch(unit)
    if count is None:
        raise UnitError(f"`{text.strip()[:60]}` has the unknown unit `{unit[:30]}`")
    prefix, word = count.groups()
    kind: Kind = "macs" if word.lower().startswith("mac") else "params"
    return Budget(kind, number * _PREFIXES["k" if prefix in {"k", "K"} else prefix.upper()])
