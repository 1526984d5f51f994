"""Names of a stranger's file as unique names that the rows of a table can have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MAX_NAME: Final = 80


class UniqueNames:
    """Gives every name that is added a name of its own.

    Attributes
    ----------
    known
        What became of each name; of one that was added twice, the last time.
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
