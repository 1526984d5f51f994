"""Graphics processors: what holds for one in every chip that has it, from one file each in ``hardware_profiles/gpus``.

Of a design that is licensed with one to some twenty cores, such as a Mali, there is one file, and the numbers are those
of a core; how many there are and their clock are the chip's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from mbcost.devices.entries_of_catalogue import aliases_of, number, plain, throughput_of
from mbcost.devices.folders import GPUS, own_version, profiles_in, user_folder
from mbcost.devices.types import GpuVendor, Origin, Precision, Quantity
from mbcost.files import load_yaml
from mbcost.resources import hardware_profiles

#: The keys of single numbers.
GPU_NUMBERS: Final = ("cores", "max_clock", "l2")

_CORES: Final = re.compile(r"\s*m[cp]\s*(?P<cores>\d+)$")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics processor.

    Attributes
    ----------
    name, title, names
        Its key, its name for people, and other names of it.
    vendor, generation
        Who designed it, and which of their generations it is: ``adreno`` and ``6xx``.
    year
        When it was announced.
    cores
        Shader cores; None for a design whose chips choose.
    throughput
        Precision -> multiply-adds a cycle of one core.
    max_clock
        The highest that is known of a chip with it.
    l2
        Level 2 cache, where every chip has the same.
    """

    name: str
    title: str
    vendor: GpuVendor
    generation: str
    names: tuple[str, ...] = ()
    year: int | None = None
    cores: Quantity | None = None
    throughput: Mapping[Precision, Quantity] = field(default_factory=dict, hash=False)
    max_clock: Quantity | None = None
    l2: Quantity | None = None
    references: Mapping[str, str] = field(default_factory=dict, hash=False)
    date: str = ""
    path: str = ""
    origin: Origin = "shipped"

    def __repr__(self) -> str:
        return f"<Gpu {self.name}: {self.title}>"

    @property
    def features(self) -> frozenset[str]:
        """What rates may depend on: who designed it."""
        return frozenset({self.vendor})


def gpu_names() -> tuple[str, ...]:
    """The keys of all graphics processors, sorted."""
    return tuple(sorted(gpu_files()))


def gpu_files() -> dict[str, Path]:
    """Key -> file of all graphics processors, the user's before those that ship."""
    return _shipped() | profiles_in(user_folder() / GPUS)


def find_gpu(text: str) -> Gpu | None:
    """The graphics processor of a key or of another name, whatever the case and the hyphens; None if there is none.

    The number of cores at the end of a name, such as the MP11 of ``Mali-G77 MP11``, does not matter, nor does ``(TM)``.

    Raises
    ------
    InputError
        With every problem of a user's file.
    """
    return _find(plain(text.replace("(TM)", "")), own_version())


def cores_in(text: str) -> int | None:
    """The number of cores that a name states: 11 of ``Mali-G77 MP11``; None if it states none."""
    found = _CORES.search(plain(text).replace("_", " "))
    return int(found["cores"]) if found else None


def gpu_from(data: Mapping[str, Any], path: str, origin: Origin) -> Gpu:
    """The graphics processor in the data of a file without problems."""
    identity, provenance = data["identity"], data["provenance"]
    return Gpu(
        name=identity["name"],
        title=identity["title"],
        vendor=data["vendor"],
        generation=data["generation"],
        names=tuple(identity.get("names") or ()),
        year=identity.get("year"),
        throughput=throughput_of(data, provenance.get("reference")),
        references=provenance.get("references") or {},
        date=provenance["date"],
        path=path,
        origin=origin,
        **{key: number(key, data.get(key), provenance.get("reference")) for key in GPU_NUMBERS},
    )


@lru_cache(maxsize=512)
def _find(key: str, own: object) -> Gpu | None:
    mine = profiles_in(user_folder() / GPUS) if own else {}
    files = _shipped() | mine
    candidates = (key, plain(_CORES.sub("", key.replace("_", " "))))
    found = next((files[candidate] for candidate in candidates if candidate in files), None)
    if found is None:  # other names are read only where the key does not suffice
        names = _aliases() | (aliases_of(mine.items(), shipped=False) if mine else {})
        found = next((files[names[candidate]] for candidate in candidates if candidate in names), None)
    return None if found is None else _load(found)


@cache
def _shipped() -> dict[str, Path]:
    return profiles_in(hardware_profiles() / GPUS)


@cache
def _aliases() -> dict[str, str]:
    return aliases_of(_shipped().items())


def _load(path: Path) -> Gpu:
    """The graphics processor in a file; the tests check those that ship.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    if path.is_relative_to(hardware_profiles()):
        return gpu_from(load_yaml(path).data, str(path), "shipped")
    from mbcost.devices.catalogue_shape import shaped

    return gpu_from(shaped(path, "gpu"), str(path), "user")
