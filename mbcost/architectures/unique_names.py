"""Names from other formats as unique names for the rows of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MAX_NAME: Final = 80


class UniqueNames:
    """Gives every added name a unique name.

    Attributes
    ----------
    known
        The unique name of each name; of a repeated one, the last.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.known: dict[str, str] = {}
        self._used: dict[str, int] = {}
        for name in taken:
            self.add(name)

    def add(self, name: str) -> str:
        """A table name for `name`, remembered for the inputs of later layers."""
        clean = re.sub(r"[^A-Za-z0-9_.\-]+", "_", name).strip("_.-")[-MAX_NAME:] or "layer"
        if not re.match(r"[A-Za-z_]", clean):
            clean = f"_{clean}"
        unique, number = clean, self._used.get(clean, 1)
        while unique in self._used:
            number += 1
            unique = f"{clean}_{number}"
        self._used[clean] = number
        self._used.setdefault(unique, 1)
        self.known[name] = unique
        return unique
