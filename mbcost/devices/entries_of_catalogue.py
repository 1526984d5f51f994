"""What files of cores, chips and devices have in common: numbers with a default reference, and other names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from mbcost.devices.folders import profiles_in
from mbcost.devices.quantities import DIMENSIONS, quantity
from mbcost.devices.types import Quantity

_BETWEEN: Final = re.compile(r"[\s_-]+")
_NAMES: Final = re.compile(r"\bnames: *\[([^\]]*)\]")
#: Keys of the catalogue that profiles do not have -> dimension.
_MORE: Final = {"decode_width": "count", "vector_pipes": "count", "max_clock": "frequency"}


def plain(name: str) -> str:
    """A name as keys are written: lower case, words joined by ``_``."""
    return _BETWEEN.sub("_", name.strip().lower())


def aliases_in(folder: Path) -> dict[str, str]:
    """Every other name in the files of a folder -> key; of each file the names alone are read, which is faster."""
    found: dict[str, str] = {}
    for key, path in profiles_in(folder).items():
        match = _NAMES.search(path.read_text(encoding="utf-8"))
        if match is not None:
            found |= {plain(name.strip().strip("\"'")): key for name in match[1].split(",") if name.strip()}
    return found


def number(key: str, value: Any, default: str | None, unit: str = "") -> Quantity | None:
    """A number of a file; one without a source of its own is of the file's default reference.

    Parameters
    ----------
    unit
        Of a bare number.
    """
    if value is None or (isinstance(value, dict) and value.get("value") is None):
        return None
    entry = value
    if not isinstance(value, dict):
        written = f"{value} {unit}" if unit and not isinstance(value, str) else value
        entry = {"value": written, "source": "datasheet", "reference": default}
    return quantity(entry, _MORE.get(key) or DIMENSIONS[key])
