"""Finds and loads hardware profiles: the shipped ones, the user's folder, and files named by their path."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.devices import convert
from mbcost.devices.folders import expanded, is_path, profiles_in, user_folder
from mbcost.devices.types import DeviceProfile, Origin
from mbcost.errors import InputError, Problem, did_you_mean, fail
from mbcost.files import load_yaml, parse_yaml, read_text
from mbcost.resources import hardware_profiles

#: The file with the hashes of the shipped profiles that passed their checks, as ``sha256sum *.yaml`` prints them.
CHECKED: Final = "checked.sha256"


def device_names() -> tuple[str, ...]:
    """Names of all devices that :func:`load_device` finds without a path, sorted."""
    return tuple(sorted(profiles_in(hardware_profiles()) | profiles_in(user_folder())))


def load_device(name_or_path: str | os.PathLike[str]) -> DeviceProfile:
    """Load and check a hardware profile.

    Parameters
    ----------
    name_or_path
        A name from :func:`device_names`, or a path: with a separator, or ending in ``.yaml`` or ``.yml``.

    Raises
    ------
    InputError
        With every problem of the file; MB300 if there is no device of that name.
    """
    text = os.fspath(name_or_path)
    path, origin = _find(text)
    try:
        status = path.stat()
    except (OSError, ValueError):
        load_yaml(path)  # raises the problem of the path
        raise
    return _load(_Version(path, origin, status.st_mtime_ns, status.st_size))


def check_device(path: str | os.PathLike[str]) -> list[Problem]:
    """All problems of a hardware profile; an empty list if it can be used."""
    try:
        _read(Path(path), "file")
    except InputError as error:
        return list(error.problems)
    return []


def device_json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a hardware profile, for editors."""
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


@lru_cache(maxsize=64)
def _load(version: _Version) -> DeviceProfile:
    return _read(version.path, version.origin)


def _read(path: Path, origin: Origin) -> DeviceProfile:
    text = read_text(path)
    document = parse_yaml(text, str(path))
    if origin == "shipped" and is_checked(path, text):
        return convert.profile(document.data, document.path, origin)
    from mbcost.devices.reader import read

    profile, problems = read(document, path.stem, origin)
    if profile is None:
        raise InputError(problems)
    return profile


def _find(name: str) -> tuple[Path, Origin]:
    if is_path(name):
        return expanded(name), "file"
    shipped, own = profiles_in(hardware_profiles()), profiles_in(user_folder())
    if name not in shipped and name not in own:
        near = did_you_mean(name, shipped | own)
        hint = "`mbcost devices list` shows all devices"
        fail("MB300", f"unknown device `{name}`", hint=f"{near} {hint}" if near else hint)
    if name in own:
        return own[name], "user, in place of the shipped profile" if name in shipped else "user"
    return shipped[name], "shipped"
