"""CPU cores: what holds for a core in every chip that has it, from one file a core in ``hardware_profiles/cores``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from mbcost.devices.entries_of_catalogue import aliases_of, number, plain, throughput_of
from mbcost.devices.folders import CORES, own_version, profiles_in, user_folder
from mbcost.devices.types import Origin, Precision, Quantity
from mbcost.errors import did_you_mean, fail
from mbcost.files import load_yaml
from mbcost.resources import hardware_profiles

#: The keys of single numbers.
NUMBERS: Final = ("decode_width", "vector_pipes", "simd_width", "max_clock", "l1d", "l2")

_MODEL: Final = r"(?P<first>[^(]*)\((?P<second>[^)]*)\)\s*"


@dataclass(frozen=True, slots=True)
class Core:
    """A CPU core.

    Attributes
    ----------
    name, title, names
        Its key, its name for people, and other names of it.
    like
        The key of the core that it derives from; None for a design of its own.
    year
        When it was announced.
    order
        ``in-order`` or ``out-of-order``.
    decode_width
        Instructions decoded a cycle.
    vector_pipes
        Pipes that do a multiply-add of vectors.
    throughput
        Precision -> multiply-accumulates a cycle of one core.
    features
        Instruction sets that matter here: neon, fp16, dotprod, i8mm, ...
    microcontroller, runtime
        Whether runtimes of microcontrollers run on it, and its default runtime; None for the usual one.
    """

    name: str
    title: str
    names: tuple[str, ...] = ()
    like: str | None = None
    year: int | None = None
    instructions: str = ""
    order: Literal["in-order", "out-of-order"] = "out-of-order"
    features: frozenset[str] = frozenset()
    decode_width: Quantity | None = None
    vector_pipes: Quantity | None = None
    simd_width: Quantity | None = None
    throughput: Mapping[Precision, Quantity] = field(default_factory=dict, hash=False)
    max_clock: Quantity | None = None
    l1d: Quantity | None = None
    l2: Quantity | None = None
    microcontroller: bool = False
    runtime: str | None = None
    references: Mapping[str, str] = field(default_factory=dict, hash=False)
    date: str = ""
    path: str = ""
    origin: Origin = "shipped"

    def __repr__(self) -> str:
        return f"<Core {self.name}: {self.title}>"


def core_names() -> tuple[str, ...]:
    """The keys of all cores, sorted."""
    return tuple(sorted(core_files()))


def core_files() -> dict[str, Path]:
    """Key -> file of all cores, the user's before those that ship."""
    return _shipped() | profiles_in(user_folder() / CORES)


def load_core(name: str) -> Core:
    """The core of a key or of another name of it.

    Raises
    ------
    InputError
        MB300 with the nearest names if there is none, and every problem of a user's file.
    """
    found = find_core(name)
    if found is None:
        near = did_you_mean(plain(name), core_names())
        hint = near or "`mbcost devices search --kind core TEXT` finds cores"
        fail("MB300", f"there is no core `{name}` in the catalogue", hint=hint)
    return found


def find_core(text: str) -> Core | None:
    """The core of a key or of another name, whatever the case and the hyphens; None if there is none.

    A name with another in brackets, such as ``Cortex-A76 (Kryo 485)``, is tried as a whole, then by each of the two.

    Raises
    ------
    InputError
        With every problem of a user's file.
    """
    return _find(text, own_version())


def ancestors(core: Core) -> tuple[Core, ...]:
    """The core and those that it derives from, the nearest first."""
    chain = [core]
    while chain[-1].like and chain[-1].like not in {one.name for one in chain}:
        parent = find_core(chain[-1].like)
        if parent is None:
            break
        chain.append(parent)
    return tuple(chain)


def core_from(data: Mapping[str, Any], path: str, origin: Origin) -> Core:
    """The core in the data of a file without problems."""
    identity, provenance = data["identity"], data["provenance"]
    default = provenance.get("reference")
    return Core(
        name=identity["name"],
        title=identity["title"],
        names=tuple(identity.get("names") or ()),
        like=data.get("like"),
        year=identity.get("year"),
        instructions=data.get("instructions") or "",
        order=data.get("order") or "out-of-order",
        features=frozenset(data.get("features") or ()),
        throughput=throughput_of(data, default),
        microcontroller=bool(data.get("microcontroller")),
        runtime=data.get("runtime"),
        references=provenance.get("references") or {},
        date=provenance["date"],
        path=path,
        origin=origin,
        **{key: number(key, data.get(key), default) for key in NUMBERS},
    )


@lru_cache(maxsize=512)
def _find(text: str, own: object) -> Core | None:
    mine = profiles_in(user_folder() / CORES) if own else {}
    aliases = aliases_of(mine.items(), shipped=False) if mine else {}
    match = re.fullmatch(_MODEL, text) if "(" in text else None
    for candidate in (text, *((match["second"], match["first"]) if match else ())):
        key = plain(candidate)
        if key in mine or key in aliases:
            return read_own(mine[key if key in mine else aliases[key]])
        if key in _shipped():
            return _load(_shipped()[key])
        if key and key in _aliases():
            return _load(_shipped()[_aliases()[key]])
    return None


def read_own(path: Path) -> Core:
    """The core in a file of the user.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    from mbcost.devices.catalogue_shape import shaped

    return core_from(shaped(path, "core"), str(path), "user")


@cache
def _shipped() -> dict[str, Path]:
    return profiles_in(hardware_profiles() / CORES)


@cache
def _aliases() -> dict[str, str]:
    return aliases_of(_shipped().items())


@cache
def _load(path: Path) -> Core:
    """A core that ships; the tests check their files, so that they are checked here only if they cannot be read."""
    data = load_yaml(path).data
    try:
        return core_from(data, str(path), "shipped")
    except (KeyError, TypeError, ValueError, AttributeError):
        from mbcost.devices.catalogue_shape import shaped

        shaped(path, "core")  # raises the problems of the file
        raise
