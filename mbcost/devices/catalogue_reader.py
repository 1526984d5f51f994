"""Checks files of cores, systems on a chip and short devices: shape, then contradictions, all problems at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mbcost.devices.catalogue_schema import CatalogueKind
from mbcost.devices.catalogue_shape import default_reference, mapping, shape_problems
from mbcost.devices.checks import TOLERANCE, caches_problems, known_problems, memory_problems
from mbcost.devices.clusters import CLOCK_MARGIN
from mbcost.devices.cores import NUMBERS, Core, find_core
from mbcost.devices.entries_of_catalogue import head_of, number, plain
from mbcost.devices.folders import CORES, DEVICES, GPUS, SOCS, profiles_in, user_folder
from mbcost.devices.problems import Path as Place
from mbcost.devices.socs import CLUSTERS, MEMORY_NUMBERS, find_soc
from mbcost.devices.types import Memory, Quantity
from mbcost.errors import InputError, Problem, or_list
from mbcost.files import MAX_PROBLEMS, Document
from mbcost.resources import hardware_profiles
from mbcost.units import UnitError

#: Bits of a number -> multiply-accumulates of one vector pipe a cycle, for each lane of that many bits.
_BITS: Final = {"fp32": 32, "fp16": 16, "bf16": 16, "int8": 8}
#: Instruction sets with other units than the vector pipes, whose throughput these do not bound.
_OTHER_UNITS: Final = frozenset({"amx", "sme", "rvv"})


def problems_of(document: Document, kind: CatalogueKind, stem: str | None) -> list[Problem]:
    """All problems of a file of the catalogue, in the order of the file.

    Parameters
    ----------
    stem
        The name that it has to have, or None for any.
    """
    data = document.data
    found = shape_problems(document, kind)
    sections = data if isinstance(data, dict) else {}
    found += _names(sections, kind, stem, document)
    contradictions = {"core": _core, "soc": _soc, "device": _device}.get(kind)
    found += contradictions(sections, document) if contradictions is not None else []
    found = list(dict.fromkeys(found))
    found.sort(key=lambda each: (each.location.line, each.location.column) if each.location else (0, 0))
    return found[:MAX_PROBLEMS]


def kind_of(data: Any, path: Path) -> CatalogueKind | None:
    """Which file of the catalogue this is; None for a full profile."""
    folders: dict[str, CatalogueKind] = {CORES: "core", SOCS: "soc", GPUS: "gpu"}
    if path.parent.name in folders:
        return folders[path.parent.name]
    keys = set(data) if isinstance(data, dict) else set()
    if {"vendor", "generation"} <= keys:
        return "gpu"
    if "processors" in keys:
        return None
    if "soc" in keys:
        return "device"
    if "clusters" in keys:
        return "soc"
    return "core" if keys & {"decode_width", "vector_pipes", "instructions", "order", "features", "max_clock"} else None


# -- contradictions ---------------------------------------------------------------------------------------------------


def _names(data: Mapping[str, Any], kind: CatalogueKind, stem: str | None, document: Document) -> Iterator[Problem]:
    """The name of the file, and other names that are used twice."""
    identity = mapping(data.get("identity"))
    name, names = identity.get("name"), identity.get("names")
    if stem is not None and isinstance(name, str) and name != stem:
        message = f"`identity.name` is `{name}`, but the file is called `{stem}`"
        yield Problem("MB303", message, document.value("identity", "name"), "they have to be the same")
    here: set[str] = set()
    others = _owners(kind, str(name)) if isinstance(names, list) and names else {}
    for i, alias in enumerate(names if isinstance(names, list) else ()):
        if not isinstance(alias, str):
            continue
        place, key = document.value("identity", "names", i), plain(alias)
        if key in here:
            yield Problem("MB303", f"the name `{alias}` is in the list twice", place)
        elif key in others:
            hint = "a name leads to one entry: remove it here or there"
            yield Problem("MB303", f"the name `{alias}` is also one of {others[key]}", place, hint)
        here.add(key)


def _owners(kind: CatalogueKind, name: str) -> dict[str, str]:
    """Every name of the catalogue and of the user's files -> whose it is, but for those of this entry."""
    own = user_folder()
    mine = _names_in(own, own, own / CORES, own / SOCS, own / GPUS, shipped=False)
    found: dict[str, str] = {}
    for alias, entries in [*_shipped_names(hardware_profiles()).items(), *mine.items()]:
        for group, key in entries - {(kind, name)}:
            found[alias] = f"{_WORDS[group]}{key}"
    return found


@lru_cache(maxsize=2)
def _shipped_names(home: Path) -> dict[str, set[tuple[CatalogueKind, str]]]:
    return _names_in(home, home / DEVICES, home / CORES, home / SOCS, home / GPUS, shipped=True)


def _names_in(*folders: Path, shipped: bool) -> dict[str, set[tuple[CatalogueKind, str]]]:
    """Name -> the entries that have it, of two folders of devices, and one each of cores, chips and GPUs."""
    kinds: tuple[CatalogueKind, ...] = ("device", "device", "core", "soc", "gpu")
    found: dict[str, set[tuple[CatalogueKind, str]]] = {}
    for group, folder in zip(kinds, folders, strict=True):
        for key, path in profiles_in(folder).items():
            for alias in (key, *head_of(path, shipped=shipped).names):
                found.setdefault(plain(alias), set()).add((group, key))
    return found


_WORDS: Final = {"device": "", "core": "the core ", "soc": "the chip ", "gpu": "the GPU "}


def _core(data: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    default = default_reference(data)
    found = {key: _number(key, data.get(key), default) for key in NUMBERS}
    features = data.get("features")
    features = (
        frozenset(each for each in features if isinstance(each, str)) if isinstance(features, list) else frozenset()
    )
    like = data.get("like")
    if isinstance(like, str) and like != mapping(data.get("identity")).get("name"):
        yield from known_problems(like, "core", document.value("like"))
    elif isinstance(like, str):
        yield Problem("MB303", "a core does not derive from itself", document.value("like"))
    yield from caches_problems([(key, found[key]) for key in ("l1d", "l2")], document, ())
    pipes, width = found["vector_pipes"], found["simd_width"]
    for precision, value in mapping(data.get("throughput")).items():
        rate = _number("throughput", value, default, "MAC/cycle")
        place = document.value("throughput", precision)
        if rate is None:
            continue
        if precision == "fp16" and features and "fp16" not in features:
            hint = "add it there, or leave the number out"
            yield Problem("MB303", "`throughput` has fp16, but `features` does not", place, hint)
        if pipes is None or width is None or precision not in _BITS or features & _OTHER_UNITS:
            continue
        lanes = width.value / _BITS[precision]
        most = pipes.value * lanes * (2 if precision == "int8" and "i8mm" in features else 1)
        formula = f"{pipes.text} pipes x {lanes:g} lanes = {pipes.value * lanes:g} MAC/cycle"
        too_few = precision == "fp32" and rate.value < most * (1 - TOLERANCE)
        if rate.value > most * (1 + TOLERANCE) or too_few:
            if most > pipes.value * lanes:
                formula += f", and {most:g} with i8mm"
            hint = "`vector_pipes`, `simd_width` and `throughput` have to agree"
            yield Problem("MB303", f"`throughput.{precision}` is {rate.text}, but {formula}", place, hint)


def _soc(data: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    default, clusters = default_reference(data), mapping(data.get("clusters"))
    if clusters and CLUSTERS[0] not in clusters and set(clusters) & set(CLUSTERS):
        hint = "the fastest cluster is called `large`, also where it is the only one"
        yield Problem("MB303", "`clusters` has no `large`", document.key("clusters"), hint)
    order = [name for name in clusters if name in CLUSTERS]
    if order != [name for name in CLUSTERS if name in order]:
        yield Problem(
            "MB303", f"`clusters` are in the order {', '.join(order)}", document.key("clusters"), "the fastest first"
        )
    for name, section in clusters.items():
        core = mapping(section).get("core")
        place = ("clusters", name)
        if isinstance(core, str):
            yield from known_problems(core, "core", document.value(*place, "core"))
            yield from _clock_of_core(section, core, default, document, (*place, "clock"))
    yield from _memory(data, default, document)


def _device(data: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    default, key, clusters = default_reference(data), data.get("soc"), mapping(data.get("clusters"))
    if not isinstance(key, str):
        return
    problems = list(known_problems(key, "soc", document.value("soc")))
    yield from problems
    yield from _memory(data, default, document)
    soc = None if problems else find_soc(key)
    if soc is None:
        return
    for name, section in clusters.items():
        if name not in soc.clusters:
            if name in CLUSTERS:
                message = f"{soc.title} has no cluster `{name}`"
                hint = f"it has {or_list(list(soc.clusters))}"
                yield Problem("MB304", message, document.key("clusters", name), hint)
            continue
        core = mapping(section).get("core")
        if isinstance(core, str):
            yield from known_problems(core, "core", document.value("clusters", name, "core"))
        core = core if isinstance(core, str) else soc.clusters[name].core
        yield from _clock_of_core(section, core, default, document, ("clusters", name, "clock"))


def _clock_of_core(section: Any, key: str, default: str | None, document: Document, at: Place) -> Iterator[Problem]:
    clock = _number("clock", mapping(section).get("clock"), default)
    try:
        core: Core | None = find_core(key)
    except InputError:  # said where it is named
        return
    if clock and core and core.max_clock and clock.value > core.max_clock.value * CLOCK_MARGIN:
        most = f"the highest known of {core.title} is {core.max_clock.text}"
        message = f"`{'.'.join(map(str, at))}` is {clock.text}, but {most}"
        hint = f"at most {CLOCK_MARGIN - 1:.0%} more is believed of another device"
        yield Problem("MB303", message, document.value(*at), hint)


def _memory(data: Mapping[str, Any], default: str | None, document: Document) -> Iterator[Problem]:
    section = mapping(data.get("memory"))
    found: dict[str, Any] = {key: _number(key, section.get(key), default) for key in MEMORY_NUMBERS}
    yield from memory_problems(Memory(**found), document)


def _number(key: str, value: Any, default: str | None, unit: str = "") -> Quantity | None:
    """A number, or None if it has a problem of its own."""
    try:
        return number(key, value, default, unit)
    except (UnitError, KeyError, TypeError, ValueError, AttributeError):
        return None
