"""Systems on a chip: clusters of cores, graphics processor, accelerator, memory; from ``hardware_profiles/socs``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from mbcost.devices.entries_of_catalogue import aliases_in, number, plain
from mbcost.devices.folders import profiles_in
from mbcost.devices.types import Memory, Quantity
from mbcost.errors import did_you_mean, fail
from mbcost.files import load_yaml
from mbcost.resources import hardware_profiles

#: The folder of the chips, beside the devices.
FOLDER: Final = "socs"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Equal cores of a chip: which, how many, their highest clock and each one's level 2 cache."""

    name: str
    core: str
    cores: Quantity | None = None
    clock: Quantity | None = None
    l2: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A graphics processor or an accelerator of a chip: its name, cores and clock."""

    name: str
    cores: Quantity | None = None
    clock: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Soc:
    """A system on a chip.

    Attributes
    ----------
    clusters
        Name -> cores, the fastest first: large, medium, medium_2, small.
    memory
        What its memory controller drives.
    """

    name: str
    title: str
    names: tuple[str, ...] = ()
    clusters: Mapping[str, Cluster] = field(default_factory=dict, hash=False)
    l3: Quantity | None = None
    gpu: Unit | None = None
    npu: Unit | None = None
    memory: Memory = field(default_factory=Memory)
    references: Mapping[str, str] = field(default_factory=dict, hash=False)
    date: str = ""
    path: str = ""

    def __repr__(self) -> str:
        return f"<Soc {self.name}: {self.title}>"


def soc_names() -> tuple[str, ...]:
    """The keys of all chips, sorted."""
    return tuple(sorted(profiles_in(_folder())))


def load_soc(name: str) -> Soc:
    """The chip of a key or of another name of it.

    Raises
    ------
    InputError
        MB300 with the nearest names if there is none.
    """
    found = find_soc(name)
    if found is None:
        near = did_you_mean(name, soc_names())
        fail("MB300", f"there is no system on a chip `{name}`", hint=near or "`mbcost devices search` lists them")
    return found


@lru_cache(maxsize=64)
def find_soc(text: str) -> Soc | None:
    """The chip of a key or of another name, whatever the case and the hyphens; None if there is none."""
    files, key = profiles_in(_folder()), plain(text)
    if key not in files:
        key = _aliases().get(key, "")
    return _load(files[key]) if key else None


def _folder() -> Path:
    return hardware_profiles() / FOLDER


@cache
def _aliases() -> dict[str, str]:
    return aliases_in(_folder())


@cache
def _load(path: Path) -> Soc:
    data = load_yaml(path).data
    identity, provenance = data["identity"], data["provenance"]
    default = provenance.get("reference")

    def section(values: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Quantity | None]:
        return {key: number(key, values.get(key), default) for key in keys}

    def unit(values: Mapping[str, Any] | None) -> Unit | None:
        return None if values is None else Unit(values["name"], **section(values, ("cores", "clock")))

    memory = data.get("memory") or {}
    return Soc(
        name=identity["name"],
        title=identity["title"],
        names=tuple(identity.get("names") or ()),
        clusters={
            name: Cluster(name, values["core"], **section(values, ("cores", "clock", "l2")))
            for name, values in data["clusters"].items()
        },
        l3=number("l3", data.get("l3"), default),
        gpu=unit(data.get("gpu")),
        npu=unit(data.get("npu")),
        memory=Memory(
            type=memory.get("type"),
            width=number("width", memory.get("width"), default),
            transfer_rate=number("transfer_rate", memory.get("transfer_rate"), default),
            bandwidth=number("bandwidth", memory.get("bandwidth"), default),
            capacity=number("capacity", memory.get("capacity"), default),
        ),
        references=provenance.get("references") or {},
        date=provenance["date"],
        path=str(path),
    )
