"""Finds and loads devices: full profiles, the catalogue's devices and chips, the user's folder, files, single cores.

A name is looked for in the user's folder, among the full profiles, the devices of the catalogue and its systems on a
chip; then it may be a core with a clock, then another name of a device.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.devices import convert
from mbcost.devices.clusters import core_profile, device_profile, soc_profile
from mbcost.devices.cores import find_core
from mbcost.devices.entries_of_catalogue import aliases_of, plain
from mbcost.devices.folders import DEVICES, SOCS, expanded, is_path, own_version, profiles_in, user_folder
from mbcost.devices.socs import find_soc
from mbcost.devices.types import DeviceProfile, Origin
from mbcost.errors import InputError, Problem, did_you_mean, fail
from mbcost.files import Document, load_yaml, parse_yaml, read_text
from mbcost.resources import hardware_profiles

#: The file with the hashes of the shipped profiles that passed their checks, as ``sha256sum *.yaml`` prints them.
CHECKED: Final = "checked.sha256"


_KEY: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
#: What to do about a device that there is not.
_NEXT: Final = (
    "`mbcost devices search TEXT` looks through names, chips and cores; a core with its clock is a target too, such as "
    "cortex_a76@2.4GHz; `mbcost devices new NAME --like OTHER` writes the file of a new device; one measured latency "
    "calibrates it (`mbcost calibrate`)"
)


def device_names(*, catalogue: bool = False) -> tuple[str, ...]:
    """Names of devices with a full profile and of the user's, sorted; :func:`load_device` finds them without a path.

    Parameters
    ----------
    catalogue
        Also the devices that are described by their chip, and the chips themselves.
    """
    found = profiles_in(hardware_profiles()) | profiles_in(user_folder())
    if catalogue:
        found |= profiles_in(hardware_profiles() / DEVICES)
        found |= profiles_in(hardware_profiles() / SOCS) | profiles_in(user_folder() / SOCS)
    return tuple(sorted(found))


def load_device(name_or_path: str | os.PathLike[str]) -> DeviceProfile:
    """Load a device, and check it where it does not ship.

    Parameters
    ----------
    name_or_path
        A device or a system on a chip, whatever the case and the hyphens: its key, its name as it is sold, or its model
        code; a core and its clock such as ``cortex_x4@3.39GHz``; or a path: with a separator, or ending in ``.yaml`` or
        ``.yml``.

    Raises
    ------
    InputError
        With every problem of the file; MB300 if there is no device of that name.
    """
    text = os.fspath(name_or_path)
    found = _find(text)
    if isinstance(found, DeviceProfile):
        _check_own_parts(found)
        return found
    path, origin = found
    try:
        status = path.stat()
    except (OSError, ValueError):
        load_yaml(path)  # raises the problem of the path
        raise
    profile = _load(_Version(path, origin, status.st_mtime_ns, status.st_size, own_version()))
    _check_own_parts(profile)
    return profile


def _check_own_parts(profile: DeviceProfile) -> None:
    """Raise for contradictions in the user's own files of its chip and cores, whose shape was checked before.

    Raises
    ------
    InputError
        With every problem of these files.
    """
    if not own_version():
        return
    models = [processor.model for processor in profile.processors.values() if processor.kind == "cpu"]
    problems = _problems_of_own_parts(profile.chip, models)
    if problems:
        raise InputError(problems)


def _problems_of_own_parts(chip: str | None, models: Iterable[str]) -> list[Problem]:
    """Problems of the user's own files among a chip and cores."""
    from mbcost.devices.catalogue_reader import problems_of

    soc = find_soc(chip) if chip else None
    clusters = [cluster.core for cluster in soc.clusters.values()] if soc is not None else []
    cores = {core.path: core for name in (*models, *clusters) if (core := find_core(name)) is not None}
    problems = []
    if soc is not None and soc.origin == "user":
        problems += problems_of(load_yaml(Path(soc.path)), "soc", Path(soc.path).stem)
    for path, core in cores.items():
        if core.origin == "user":
            problems += problems_of(load_yaml(Path(path)), "core", Path(path).stem)
    return problems


def check_device(path: str | os.PathLike[str]) -> list[Problem]:
    """All problems of a file of a device, a core or a system on a chip; an empty list if it can be used."""
    from mbcost.devices.catalogue_reader import kind_of, problems_of

    path = Path(path)
    try:
        document = load_yaml(path)
        kind = kind_of(document.data, path)
        if kind is not None:
            found = problems_of(document, kind, path.stem)
            if found or kind in {"core", "gpu"}:
                return found
            names = [cluster["core"] for cluster in (document.data.get("clusters") or {}).values() if "core" in cluster]
            return _problems_of_own_parts(document.data["soc"] if kind == "device" else None, names)
        _read(path, "file")
    except InputError as error:
        return list(error.problems)
    return []


def device_json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a full hardware profile, for editors."""
    from mbcost.devices.schema import DeviceFile

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **DeviceFile.model_json_schema()}


def is_checked(path: Path, text: str) -> bool:
    """Whether the list of checked profiles beside `path` has this text; the tests keep the list up to date.

    Running the checks takes longer than an analysis. A profile that was edited since is checked.
    """
    import hashlib

    try:
        lines = read_text(path.parent / CHECKED).splitlines()
    except InputError:
        return False
    return f"{hashlib.sha256(text.encode()).hexdigest()}  {path.name}" in lines


class _Version(NamedTuple):
    """A device from one version of a file; it is loaded again when its modification time or its size changes."""

    path: Path
    origin: Origin
    modified_ns: int
    size: int
    own: object  # the versions of the user's cores and chips


@lru_cache(maxsize=128)
def _load(version: _Version) -> DeviceProfile:
    return _read(version.path, version.origin)


def _read(path: Path, origin: Origin) -> DeviceProfile:
    text = read_text(path)
    document = parse_yaml(text, str(path))
    short = isinstance(document.data, dict) and "processors" not in document.data and "soc" in document.data
    if short:
        return _short(document, path, origin)
    if origin == "shipped" and is_checked(path, text):
        return convert.profile(document.data, document.path, origin)
    from mbcost.devices.reader import read

    profile, problems = read(document, path.stem, origin)
    if profile is None:
        raise InputError(problems)
    return profile


def _short(document: Document, path: Path, origin: Origin) -> DeviceProfile:
    """A device that names its chip; the tests check those that ship, which are checked here only if they are wrong."""
    if origin == "shipped":
        try:
            return device_profile(document.data, document.path, origin)
        except (KeyError, TypeError, ValueError, AttributeError):
            pass
    from mbcost.devices.catalogue_reader import problems_of

    problems = problems_of(document, "device", path.stem)
    if problems:
        raise InputError(problems)
    return device_profile(document.data, document.path, origin)


class _Found(NamedTuple):
    path: Path
    origin: Origin


def _find(name: str) -> _Found | DeviceProfile:
    """The file of a device, or a device that has none."""
    if is_path(name):
        return _Found(expanded(name), "file")
    home, own = hardware_profiles(), profiles_in(user_folder())
    places = (home / f"{name}.yaml", home / DEVICES / f"{name}.yaml") if _KEY.issuperset(name) else ()
    ours = next((path for path in places if path.is_file()), None)
    if name in own:
        return _Found(own[name], "user" if ours is None else "user, in place of the shipped profile")
    if ours is not None:
        return _Found(ours, "shipped")
    soc = None if "@" in name else find_soc(name)
    found = core_profile(name) if soc is None else soc_profile(soc)
    if found is not None:
        return found
    for files, origin in ((own, "user"), (profiles_in(home) | profiles_in(home / DEVICES), "shipped")):
        key = _by_other_name(name, files, shipped=origin == "shipped")
        if key is not None:
            return _find(key)
    if found is None:
        if "," in name and "=" not in name:
            several = [part.strip() for part in name.split(",")]
            hint = f"several devices are a list {several}; at the shell -d {' -d '.join(several)}"
            fail("MB300", f"unknown device `{name}`", hint=hint)
        near = did_you_mean(plain(name), device_names(catalogue=True))
        fail("MB300", f"unknown device `{name}`", hint=f"{near} {_NEXT}" if near else _NEXT)
    return found


def _by_other_name(name: str, files: dict[str, Path], *, shipped: bool) -> str | None:
    """The key of a device by another name: case and hyphens do not matter, and gaps do not where one alone is left."""
    wanted, names = plain(name), _other_names(tuple(files.items()), shipped) if files else {}
    if wanted in names:
        return names[wanted]
    closed = {key for text, key in names.items() if text.replace("_", "") == wanted.replace("_", "")}
    return closed.pop() if len(closed) == 1 and wanted else None


def _other_names(files: tuple[tuple[str, Path], ...], shipped: bool) -> dict[str, str]:
    return _names_of(files) if shipped else aliases_of(files, shipped=False) | {plain(key): key for key, _ in files}


@lru_cache(maxsize=2)
def _names_of(files: tuple[tuple[str, Path], ...]) -> dict[str, str]:
    """Other name -> key of files that ship."""
    return aliases_of(files) | {plain(key): key for key, _ in files}
