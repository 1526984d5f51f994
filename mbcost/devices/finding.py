"""Searching the catalogue: names, systems on a chip, cores, GPUs and NPUs of every device, chip and core."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mbcost.devices.clusters import with_deviations
from mbcost.devices.cores import Core, core_files, find_core
from mbcost.devices.entries_of_catalogue import Head, head_in, head_of, plain
from mbcost.devices.folders import DEVICES, profiles_in, user_folder
from mbcost.devices.library import load_device
from mbcost.devices.socs import Cluster, Soc, load_soc, soc_files
from mbcost.devices.types import Quantity
from mbcost.errors import InputError, did_you_mean, fail, nearest
from mbcost.files import load_yaml
from mbcost.resources import hardware_profiles
from mbcost.words import FOUND_KINDS, FoundKind

_CHIP: Final = re.compile(r"^soc: *(\S+)", re.MULTILINE)
_PROCESSORS: Final = re.compile(r"^processors:", re.MULTILINE)
_YEAR: Final = re.compile(r"\byear: *([0-9]{4})")
_WORD: Final = re.compile(r"[a-z0-9+.]+")
#: How many of the nearest names there are where no word of the text is in any entry.
_NEAREST: Final = 5
#: From this rank on parts of words are found, which count only where no whole word is found.
_PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of the catalogue.

    Attributes
    ----------
    kind
        ``device``, ``soc`` or ``core``.
    name
        What ``--device`` takes.
    title, names
        Its name for people, and others: as it is sold, and model codes.
    soc
        The system on a chip of a device, in words; None where it has none.
    cpu
        Its clusters, the fastest first: cores, their name and clock; None where there is no CPU.
    year
        Of its release.
    core
        The key of the core of its fastest cluster; None without a CPU, or where that is no core of the catalogue.
    accelerators
        The names of its GPU and NPU; None without any.
    """

    kind: FoundKind
    name: str
    title: str
    names: tuple[str, ...] = ()
    soc: str | None = None
    cpu: str | None = None
    year: int | None = None
    core: str | None = None
    accelerators: str | None = None


def search(text: str, kind: FoundKind | None = None) -> tuple[Found, ...]:
    """Devices, systems on a chip and cores that a text finds, the best first.

    Exact names come first, then names that begin with it, then those that hold all of its words, then devices whose
    chip does, then those whose cores do, then those whose GPU or NPU does. Where there is none of these, parts of words
    are found, and else the nearest names.

    Parameters
    ----------
    text
        Such as ``pixel 9``, ``SM-S921B``, ``8 gen 3``, ``cortex-x4`` or ``adreno 750``; whatever the case and the
        hyphens.
    kind
        One kind of entry alone.

    Raises
    ------
    InputError
        MB010 for an empty text or an unknown kind.
    """
    if kind is not None and kind not in FOUND_KINDS:
        fail(
            "MB010",
            f"kind is `{kind}`",
            hint=did_you_mean(str(kind), FOUND_KINDS) or "device, soc or core",
            parameter="kind",
        )
    if not any(letter.isalnum() for letter in text):
        fail("MB010", "there is nothing to search for", hint="a name, a model code, a chip or a core", parameter="text")
    able = [entry for entry in entries() if kind in {None, entry.kind}]
    ranked = [(rank, entry) for entry in able if (rank := _rank(entry, text)) is not None]
    if ranked:
        whole = [each for each in ranked if each[0] < _PARTS]
        ranked = whole or ranked
        ranked.sort(key=lambda each: (each[0], FOUND_KINDS.index(each[1].kind), -(each[1].year or 0), each[1].name))
        return tuple(entry for _, entry in ranked)
    by_name = {plain(name): entry for entry in able for name in (*entry.names, entry.title, entry.name)}
    near = nearest(plain(text), by_name, _NEAREST)
    return tuple(dict.fromkeys(by_name[name] for name in near))


def entries() -> Iterator[Found]:
    """Every device, chip and core; files of the user that cannot be read are left out."""
    home = hardware_profiles()
    devices = profiles_in(home / DEVICES) | profiles_in(home) | profiles_in(user_folder())
    for kind, files in (("device", devices), ("soc", soc_files()), ("core", core_files())):
        for name, path in sorted(files.items()):
            try:
                yield _entry(kind, name, path, home)  # type: ignore[arg-type]
            except (InputError, OSError):
                continue


def cpu_of(clusters: Mapping[str, Cluster]) -> str:
    """Clusters in words: ``1 x Cortex-X4 3.39 GHz + 3 x Cortex-A720 3.1 GHz``."""
    return " + ".join(_words(each.cores, each.core, each.clock) for each in clusters.values())


def core_words(core: Core) -> str:
    """The shortest name of a core for people."""
    return core.title.removeprefix("Arm ").removeprefix("Qualcomm ").removeprefix("Apple ")


def _words(cores: Quantity | None, model: str, clock: Quantity | None) -> str:
    core = find_core(model)
    count = f"{cores.value:g} x " if cores else ""
    return f"{count}{core_words(core) if core else model}{f' {clock.text}' if clock else ''}"


def _entry(kind: FoundKind, name: str, path: Path, home: Path) -> Found:
    status = path.stat()
    return _read(kind, name, path, path.is_relative_to(home), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _read(kind: FoundKind, name: str, path: Path, shipped: bool, _time: int, _size: int) -> Found:
    text = path.read_text(encoding="utf-8")
    head = head_in(text) if shipped else head_of(path, shipped=False)
    year = _YEAR.search(text)
    entry = Found(kind, name, head.title or name, head.names, year=int(year[1]) if year else None)
    if kind == "core":
        return replace(entry, core=name)
    if kind == "soc":
        return _with_cpu(entry, load_soc(name), {})
    if _PROCESSORS.search(text):
        device = load_device(path if not shipped else name)
        cpus = [each for each in device.processors.values() if each.kind == "cpu"]
        words = " + ".join(_words(each.cores, each.model, each.clock) for each in cpus) or None
        known = find_core(cpus[0].model) if cpus else None
        others = ", ".join(each.model for each in device.processors.values() if each.kind != "cpu") or None
        return replace(entry, soc=device.soc, cpu=words, core=known.name if known else None, accelerators=others)
    chip = _CHIP.search(text)
    if chip is None:
        return entry
    return _with_cpu(entry, load_soc(chip[1]), load_yaml(path).data if "\nclusters:" in text else {})


def _with_cpu(entry: Found, soc: Soc, data: Mapping[str, Any]) -> Found:
    words, clusters = soc.title if entry.kind == "device" else None, with_deviations(soc.clusters, data)
    fastest = next(iter(clusters.values()))
    others = ", ".join(unit.name for unit in (soc.gpu, soc.npu) if unit is not None) or None
    return replace(entry, soc=words, cpu=cpu_of(clusters), core=fastest.core, accelerators=others)


def _rank(entry: Found, text: str) -> int | None:
    """How well an entry fits, 0 the best; None if it does not."""
    text = text.replace("(TM)", "")
    wanted, words = plain(text), _WORD.findall(plain(text).replace("_", " "))
    names = [plain(name) for name in Head(entry.title, (entry.name, *entry.names)).all]
    closed = wanted.replace("_", "")
    if wanted in names or closed in {name.replace("_", "") for name in names}:
        return 0
    if any(name.startswith(wanted) for name in names):
        return 1
    joined = " ".join(names)
    for rank, part in enumerate((joined, entry.soc, entry.cpu, entry.accelerators), 2):
        there = set(_WORD.findall(plain(part).replace("_", " "))) if part else set()
        if all(word in there for word in words):
            return rank
    everything = plain(" ".join((joined, entry.soc or "", entry.cpu or "", entry.accelerators or "")))
    return (_PARTS if _has(joined, words) else _PARTS + 1) if _has(everything, words) else None


def _has(text: str, words: list[str]) -> bool:
    return all(word in text for word in words)
