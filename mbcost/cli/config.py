"""A file with defaults of options: ``mbcost.toml``, or ``[tool.mbcost]`` of a ``pyproject.toml``, found and read.

The nearest folder at or above the working directory counts. A start without such a file pays a few looks at the disk;
:mod:`mbcost.cli.defaults` is imported only where there is one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mbcost.errors import fail

if TYPE_CHECKING:
    from mbcost.cli.defaults import Defaults

#: Names the file, or with :data:`NONE` says that none is read.
VARIABLE: Final = "MBCOST_CONFIG"
NONE: Final = "none"
FILE: Final = "mbcost.toml"
PROJECT: Final = "pyproject.toml"
TABLE: Final = "tool.mbcost"
_MOST_BYTES: Final = 2 * 2**20
_OPTION: Final = "--config"
_NO_OPTION: Final = "--no-config"


def take_config(arguments: Sequence[str]) -> tuple[list[str], Defaults | None]:
    """A command line without ``--config`` and ``--no-config``, wherever they stand, and the defaults that hold for it.

    Raises
    ------
    InputError
        MB010 if both are given or the file is not named, and every problem of the file.
    """
    rest: list[str] = []
    named: str | None = None
    wanted = True
    waiting = iter(arguments)
    for argument in waiting:
        if argument == _NO_OPTION:
            wanted = False
        elif argument == _OPTION:
            named = next(waiting, "")
        elif argument.startswith(f"{_OPTION}="):
            named = argument.partition("=")[2]
        else:
            rest.append(argument)
    if named == "":
        fail("MB010", f"{_OPTION} names no file", hint=f"such as {_OPTION} {FILE}")
    if named is not None and not wanted:
        fail("MB010", f"{_OPTION} and {_NO_OPTION} contradict each other")
    named = named or os.environ.get(VARIABLE) or None
    if not wanted or named == NONE:
        return rest, None
    path = _found() if named is None else Path(named)
    if path is None:
        return rest, None
    from mbcost.cli.defaults import read_defaults

    return rest, read_defaults(path)


def _found() -> Path | None:
    """The nearest file; a ``pyproject.toml`` without our table is passed by."""
    try:
        here = Path.cwd()
    except OSError:  # the folder is gone
        return None
    for folder in (here, *here.parents):
        for name in (FILE, PROJECT):
            path = folder / name
            if _is_ours(path):
                return Path(os.path.relpath(path))
    return None


def _is_ours(path: Path) -> bool:
    """Whether there is such a file, and a project's has our table."""
    try:
        if path.name == FILE or not path.is_file():
            return path.is_file()
        with path.open("rb") as stream:
            return TABLE.encode() in stream.read(_MOST_BYTES)
    except OSError:
        return False
