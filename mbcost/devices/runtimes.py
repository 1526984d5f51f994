"""The known runtimes, and which of them run on a processor.

A runtime is a file: one that ships, one in the folder ``runtimes`` beside the user's own devices, or one named by its
path. Only the part about where it runs is read here; its rules are read in the layer above, :mod:`mbcost.kernels`.
"""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from mbcost.devices.folders import SUFFIXES, is_path, profiles_in, user_folder
from mbcost.devices.types import DeviceProfile, Processor
from mbcost.errors import InputError, did_you_mean, fail, or_list
from mbcost.files import Document, load_yaml
from mbcost.resources import runtime_rules

#: The folder of the user's runtimes, within the user's folder.
FOLDER: Final = "runtimes"
#: The file of the rules that hold for every runtime without rules of its own.
COMMON: Final = "common"
#: Longest chain of `like`; a longer one is a circle.
MOST_LIKE: Final = 8

_AN: Final = defaultdict(lambda: "a", npu="an", fpga="an")
_HINT: Final = "`mbcost runtimes` lists them"


class RuntimeFile(NamedTuple):
    """The file of a runtime."""

    name: str
    path: Path
    origin: Literal["shipped", "user", "file"]


def runtime_names() -> tuple[str, ...]:
    """Names of the runtimes that mbcost has rules for: those that ship and those of the user's folder, sorted."""
    return tuple(sorted(_shipped() | _own()))


def is_shipped(name: str) -> bool:
    """Whether a runtime of the name ships with mbcost."""
    return name in _shipped()


def find_runtime(text: str) -> RuntimeFile:
    """The file of a runtime.

    Parameters
    ----------
    text
        A name from :func:`runtime_names`, or a path: with a separator, or ending in ``.yaml`` or ``.yml``.

    Raises
    ------
    InputError
        MB304 with the nearest names if there is none of that name, MB303 if a user's runtime has the name of a shipped
        one.
    """
    if is_path(text):
        path = Path(text).expanduser()
        return RuntimeFile(path.stem, path, "shipped" if _is_one_of_ours(path) else "file")
    shipped, own = _shipped(), _own()
    if text in own:
        if text in shipped:
            hint = "calibrations of that name belong to the shipped one: give yours another name"
            fail("MB303", f"{own[text]} has the name of a runtime that ships with mbcost", hint=hint)
        return RuntimeFile(text, own[text], "user")
    if text in shipped:
        return RuntimeFile(text, shipped[text], "shipped")
    near = did_you_mean(text, shipped | own)
    fail("MB304", f"mbcost has no rules for the runtime `{text}`", hint=f"{near} {_HINT}" if near else _HINT)


def runtime_document(file: RuntimeFile) -> Document:
    """The parsed file of a runtime, which is read again when it changes.

    Raises
    ------
    InputError
        MB001 to MB005 if it cannot be read, MB100 to MB106 if it is no YAML.
    """
    return _document(file.path, *stamp(file.path)[1:])


def stamp(path: Path) -> tuple[str, int, int]:
    """The current version of a file: path, modification time [ns] and size [B]; zeros if it does not exist."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return (str(path), 0, 0)
    return (str(path), status.st_mtime_ns, status.st_size)


def runtimes_for(device: DeviceProfile, processor: Processor) -> tuple[str, ...]:
    """All runtimes that may run on a processor of a device, its default first."""
    able = [name for name in runtime_names() if _fits(name, device.soc, processor)]
    return tuple(dict.fromkeys([processor.runtime, *able]))


def unfit(text: str, soc: str | None, processor: Processor) -> str | None:
    """Why a runtime does not run on a processor, such as ``it runs on a cpu``; None if it does.

    An invalid file of the user is not unfit for any processor: its problems are reported when its rules are read.

    Raises
    ------
    InputError
        MB304 if there is no such runtime.
    """
    return unfit_file(find_runtime(text), soc, processor)


def unfit_file(file: RuntimeFile, soc: str | None, processor: Processor) -> str | None:
    """The same as :func:`unfit` for a known file."""
    place = _shipped_place(file) if file.origin == "shipped" else _place(file)
    if place is None:
        return None
    kinds, requires, excludes = place
    wanted, hosts = [], requires.get("section", ())
    if processor.runs not in kinds:
        if "cpu" in kinds and processor.microcontroller:
            return "it runs on no microcontroller"
        return "it runs on a microcontroller" if kinds == ("mcu",) else f"it runs on {_AN[kinds[0]]} {or_list(kinds)}"
    names = {"model": processor.model, "soc": soc or ""}
    patterns = {key: requires[key] for key in names if key in requires}
    if patterns and not _matches(names, patterns):
        wanted += [pattern for choices in patterns.values() for pattern in choices]
    if wanted:
        models = or_list([f"`{pattern}`" for pattern in dict.fromkeys(wanted)])
        return f"it runs on {_AN[processor.kind]} {processor.kind} that is {models}"
    if _matches(names, excludes):
        return f"it does not run on {processor.model}"
    missing = [section for section in hosts if getattr(processor, section, None) is None]
    return f"it needs the section {or_list([f'`{name}`' for name in missing])} of the profile" if missing else None


def _fits(name: str, soc: str | None, processor: Processor) -> bool:
    try:
        return unfit(name, soc, processor) is None
    except InputError:
        return False


def _matches(names: dict[str, str], patterns: dict[str, tuple[str, ...]]) -> bool:
    return any(fnmatchcase(names[key].lower(), pattern.lower()) for key in names for pattern in patterns.get(key, ()))


def computed_in(file: RuntimeFile) -> dict[str, str]:
    """Precision of a model -> the one that the runtime computes it in, where that is another; from its file alone."""
    found = _own_or_like(file, "computes")
    if not isinstance(found, dict):
        return {}
    return {str(name): str(entry["as"]) for name, entry in found.items() if isinstance(entry, dict) and "as" in entry}


def default_precision(file: RuntimeFile) -> str | None:
    """The precision that the runtime computes in unless it is told otherwise; None where that is the processor's."""
    found = _own_or_like(file, "default_precision")
    return found if isinstance(found, str) else None


def _own_or_like(file: RuntimeFile, key: str) -> Any:
    """What a runtime's file has under a key, or the file that it is like; None if none of them has it."""
    for _ in range(MOST_LIKE):
        data = runtime_document(file).data
        if isinstance(data, dict) and data.get(key) is not None:
            return data[key]
        parent = data.get("like") if isinstance(data, dict) else None
        if not isinstance(parent, str):
            break
        try:
            file = parent_of(file, parent)
        except InputError:
            break
    return None


_Patterns = dict[str, tuple[str, ...]]
_Place = tuple[tuple[str, ...], _Patterns, _Patterns]


def _place(file: RuntimeFile) -> _Place | None:
    """Kinds of processor, requirements and exclusions of a runtime, inherited by `like` where it has none."""
    found: dict[str, Any] = {}
    for _ in range(MOST_LIKE):
        data = runtime_document(file).data
        if not isinstance(data, dict):
            return None
        found = {**{key: value for key, value in data.items() if value is not None}, **found}
        parent = data.get("like")
        if not isinstance(parent, str):
            break
        try:
            file = parent_of(file, parent)
        except InputError:
            return None
    kinds = found.get("processors")
    if not isinstance(kinds, list) or not kinds:
        return None
    return tuple(str(kind) for kind in kinds), _patterns(found.get("requires")), _patterns(found.get("excludes"))


@cache
def _shipped_place(file: RuntimeFile) -> _Place | None:
    return _place(file)


def parent_of(file: RuntimeFile, like: str) -> RuntimeFile:
    """The runtime that a file is `like`: a path is relative to its folder, and a shipped one is like a shipped one.

    Raises
    ------
    InputError
        As :func:`find_runtime`.
    """
    if file.origin == "shipped" and like in _shipped():
        return RuntimeFile(like, _shipped()[like], "shipped")
    return find_runtime(str(file.path.parent / like) if is_path(like) and not Path(like).is_absolute() else like)


def _patterns(section: Any) -> _Patterns:
    section = section if isinstance(section, dict) else {}
    return {
        str(key): tuple(str(item) for item in (value if isinstance(value, list) else [value]))
        for key, value in section.items()
        if value is not None
    }


def _shipped() -> dict[str, Path]:
    return _listed(runtime_rules())


def _is_one_of_ours(path: Path) -> bool:
    """Whether a path leads to a shipped runtime, with links resolved."""
    ours = _shipped().get(path.stem)
    return ours is not None and path.exists() and path.samefile(ours)


def _own() -> dict[str, Path]:
    return profiles_in(user_folder() / FOLDER)


@lru_cache(maxsize=4)
def _listed(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.iterdir() if path.suffix in SUFFIXES and path.stem != COMMON}


@lru_cache(maxsize=128)
def _document(path: Path, _modified_ns: int, _size: int) -> Document:
    return load_yaml(path)
