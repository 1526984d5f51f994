"""What files of cores, chips and devices have in common: numbers with a default reference, and other names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.devices.quantities import DIMENSIONS, quantity
from mbcost.devices.types import Precision, Quantity
from mbcost.errors import InputError
from mbcost.files import load_yaml

# compiled where they are first used, since most analyses need none of them
_TITLE_LINE: Final = r"(?m)^ +title: *(\"[^\"\n]*\"|'[^'\n]*'|[^\n#]*)"
_TITLE: Final = r"\btitle: *(\"[^\"\n]*\"|'[^'\n]*'|[^,}\n]*)"
_NAMES: Final = r"\bnames: *\[([^\]]*)\]"
_NAME: Final = r"\s*(?:\"[^\"]*\"|'[^']*'|[^,]+)"
#: The heads of files are within so many characters.
_HEAD: Final = 1000
#: Keys of the catalogue that profiles do not have -> dimension.
MORE: Final = {"decode_width": "count", "vector_pipes": "count", "max_clock": "frequency", "tops_int8": "ratio"}


class Head(NamedTuple):
    """What a file calls what it is of."""

    title: str
    names: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return (self.title, *self.names)


def plain(name: str) -> str:
    """A name as keys are written: lower case, words joined by ``_``."""
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split())


def head_of(path: Path, *, shipped: bool = True) -> Head:
    """Title and other names in a file; of one that ships they are searched for, which is faster by far than reading it.

    Those of a user's file that cannot be read are empty.
    """
    if shipped:
        with path.open(encoding="utf-8") as lines:
            return head_in(lines.read(_HEAD))
    try:
        data = load_yaml(path).data
    except InputError:
        return Head("", ())
    identity = data.get("identity") if isinstance(data, dict) else None
    identity = identity if isinstance(identity, dict) else {}
    found = identity.get("names")
    return Head(str(identity.get("title") or ""), tuple(map(str, found)) if isinstance(found, list) else ())


def head_in(text: str) -> Head:
    """Title and other names in the text of a file that ships."""
    title, names = re.search(_TITLE_LINE, text) or re.search(_TITLE, text), re.search(_NAMES, text)
    return Head(
        _unquoted(title[1]) if title else "",
        tuple(_unquoted(name) for name in re.findall(_NAME, names[1]) if name.strip()) if names else (),
    )


def aliases_of(files: Iterable[tuple[str, Path]], *, shipped: bool = True) -> dict[str, str]:
    """Every title and other name in files -> key; titles also without their first word, the maker.

    Of model codes such as ``SM-A720F/DS`` there is also the part before the stroke, since a target has a processor
    there, where that is one entry's alone.
    """
    heads = {key: head_of(path, shipped=shipped) for key, path in files}
    found = {plain(head.title.partition(" ")[2]): key for key, head in heads.items() if " " in head.title}
    parts: dict[str, set[str]] = {}
    for key, head in heads.items():
        for name in head.names:
            if "/" in name:
                parts.setdefault(plain(name.partition("/")[0]), set()).add(key)
    found |= {part: next(iter(keys)) for part, keys in parts.items() if len(keys) == 1}
    for key, head in heads.items():
        found |= {plain(name): key for name in head.all if name}
    return found


def number(key: str, value: Any, default: str | None, unit: str = "") -> Quantity | None:
    """A number of a file; one without a source of its own is of the file's default reference.

    Parameters
    ----------
    unit
        Of a bare number.
    """
    entry = written_out(value, default, unit)
    return None if entry is None else quantity(entry, MORE.get(key) or DIMENSIONS[key])


def throughput_of(data: Mapping[str, Any], default: str | None) -> dict[Precision, Quantity]:
    """Precision -> multiply-accumulates a cycle of one core, of those that a file states."""
    return {
        precision: found
        for precision, value in (data.get("throughput") or {}).items()
        if (found := number("throughput", value, default, "MAC/cycle")) is not None
    }


def written_out(value: Any, default: str | None, unit: str = "") -> Any:
    """A number of a file with its source; anything that is neither text nor a number as it is."""
    if value is None or (isinstance(value, dict) and "value" in value and value["value"] is None):
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    written = f"{value} {unit}" if unit and not isinstance(value, str) else value
    return {"value": written, "source": "datasheet", "reference": default}


def _unquoted(text: str) -> str:
    return text.strip().strip("\"'")
