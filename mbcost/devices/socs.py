"""Systems on a chip: clusters of cores, graphics processor, accelerator, memory; from ``hardware_profiles/socs``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.devices.entries_of_catalogue import aliases_of, number, plain
from mbcost.devices.folders import SOCS, own_version, profiles_in, user_folder
from mbcost.devices.types import Memories, Memory, Origin, Quantity
from mbcost.errors import did_you_mean, fail
from mbcost.files import load_yaml
from mbcost.resources import hardware_profiles

#: The clusters that a chip may have, the fastest first.
CLUSTERS: Final = ("large", "medium", "medium_2", "small")
#: The keys of single numbers of its memory.
MEMORY_NUMBERS: Final = ("width", "transfer_rate", "bandwidth", "capacity")
#: The keys of single numbers of a microcontroller's memories.
MEMORIES_NUMBERS: Final = ("flash", "flash_wait_states", "i_cache", "d_cache", "psram")
#: The keys of single numbers of a cluster.
CLUSTER_NUMBERS: Final = ("cores", "clock", "l2")


class Cluster(NamedTuple):
    """Equal cores of a chip: which, how many, their highest clock and each one's level 2 cache."""

    name: str
    core: str
    cores: Quantity | None = None
    clock: Quantity | None = None
    l2: Quantity | None = None
    runtime: str | None = None


class Unit(NamedTuple):
    """A graphics processor or an accelerator of a chip: its name, cores and clock."""

    name: str
    cores: Quantity | None = None
    clock: Quantity | None = None
    tops_int8: Quantity | None = None
    runtime: str | None = None


@dataclass(frozen=True, slots=True)
class Soc:
    """A system on a chip.

    Attributes
    ----------
    clusters
        Name -> cores, the fastest first: large, medium, medium_2, small.
    memory
        What its memory controller drives.
    memories
        Memories of a microcontroller; None for any other chip.
    """

    name: str
    title: str
    names: tuple[str, ...] = ()
    clusters: Mapping[str, Cluster] = field(default_factory=dict, hash=False)
    l3: Quantity | None = None
    gpu: Unit | None = None
    npu: Unit | None = None
    memory: Memory = field(default_factory=Memory)
    memories: Memories | None = None
    references: Mapping[str, str] = field(default_factory=dict, hash=False)
    date: str = ""
    path: str = ""
    origin: Origin = "shipped"

    def __repr__(self) -> str:
        return f"<Soc {self.name}: {self.title}>"


def soc_names() -> tuple[str, ...]:
    """The keys of all chips, sorted."""
    return tuple(sorted(soc_files()))


def soc_files() -> dict[str, Path]:
    """Key -> file of all chips, the user's before those that ship."""
    return _shipped() | profiles_in(user_folder() / SOCS)


def load_soc(name: str) -> Soc:
    """The chip of a key or of another name of it.

    Raises
    ------
    InputError
        MB300 with the nearest names if there is none, and every problem of a user's file.
    """
    found = find_soc(name)
    if found is None:
        near = did_you_mean(plain(name), soc_names())
        hint = near or "`mbcost devices search --kind soc TEXT` finds them"
        fail("MB300", f"there is no system on a chip `{name}` in the catalogue", hint=hint)
    return found


def find_soc(text: str) -> Soc | None:
    """The chip of a key or of another name, whatever the case and the hyphens; None if there is none.

    Raises
    ------
    InputError
        With every problem of a user's file.
    """
    return _find(plain(text), own_version())


def soc_from(data: Mapping[str, Any], path: str, origin: Origin) -> Soc:
    """The chip in the data of a file without problems."""
    identity, provenance = data["identity"], data["provenance"]
    default = provenance.get("reference")

    def unit(values: Mapping[str, Any] | None) -> Unit | None:
        if values is None:
            return None
        found = numbers(values, ("cores", "clock", "tops_int8"), default)
        return Unit(values["name"], **found, runtime=values.get("runtime"))

    memory = data.get("memory") or {}
    return Soc(
        name=identity["name"],
        title=identity["title"],
        names=tuple(identity.get("names") or ()),
        clusters={
            name: Cluster(
                name, values["core"], **numbers(values, CLUSTER_NUMBERS, default), runtime=values.get("runtime")
            )
            for name, values in data["clusters"].items()
        },
        l3=number("l3", data.get("l3"), default),
        gpu=unit(data.get("gpu")),
        npu=unit(data.get("npu")),
        memory=Memory(type=memory.get("type"), **numbers(memory, MEMORY_NUMBERS, default)),
        memories=memories_from(data.get("memories"), default),
        references=provenance.get("references") or {},
        date=provenance["date"],
        path=path,
        origin=origin,
    )


def memories_from(section: Mapping[str, Any] | None, default: str | None) -> Memories | None:
    """The memories of a microcontroller in a file's section; None without one."""
    if section is None:
        return None
    banks = {name: number("sram", size, default) for name, size in (section.get("sram") or {}).items()}
    known = {name: size for name, size in banks.items() if size is not None}
    return Memories(sram=known, **numbers(section, MEMORIES_NUMBERS, default))


def numbers(values: Mapping[str, Any], keys: tuple[str, ...], default: str | None) -> dict[str, Any]:
    """The numbers of a section by their keys."""
    return {key: number(key, values.get(key), default) for key in keys}


@lru_cache(maxsize=512)
def _find(key: str, own: object) -> Soc | None:
    mine = profiles_in(user_folder() / SOCS) if own else {}
    aliases = aliases_of(mine.items(), shipped=False) if mine else {}
    if key in mine or key in aliases:
        return read_own(mine[key if key in mine else aliases[key]])
    if key not in _shipped():
        key = _aliases().get(key, "")
    return _load(_shipped()[key]) if key else None


def read_own(path: Path) -> Soc:
    """The chip in a file of the user.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    from mbcost.devices.catalogue_shape import shaped

    return soc_from(shaped(path, "soc"), str(path), "user")


@cache
def _shipped() -> dict[str, Path]:
    return profiles_in(hardware_profiles() / SOCS)


@cache
def _aliases() -> dict[str, str]:
    return aliases_of(_shipped().items())


@cache
def _load(path: Path) -> Soc:
    """A chip that ships; the tests check their files, so that they are checked here only if they cannot be read."""
    data = load_yaml(path).data
    try:
        return soc_from(data, str(path), "shipped")
    except (KeyError, TypeError, ValueError, AttributeError):
        from mbcost.devices.catalogue_shape import shaped

        shaped(path, "soc")  # raises the problems of the file
        raise
