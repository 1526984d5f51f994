"""The folders of the user's devices and runtimes, and the profiles in a folder."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from mbcost.errors import fail

SUFFIXES: Final = (".yaml", ".yml")
FOLDER_VARIABLE: Final = "MBCOST_DEVICES"
#: Folders of cores and of systems on a chip, beside the shipped profiles and in the user's folder.
CORES: Final = "cores"
SOCS: Final = "socs"
#: Folder of graphics processors, likewise.
GPUS: Final = "gpus"
#: Folder of the shipped devices that are their chip and what deviates; a user's are beside the profiles.
DEVICES: Final = "devices"


def user_folder() -> Path:
    """The folder of the user's profiles: ``$MBCOST_DEVICES``, else ``mbcost/devices`` in the configuration folder.

    Raises
    ------
    InputError
        MB001 if ``$MBCOST_DEVICES`` is not a folder.
    """
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        folder = expanded(chosen)
        if not folder.is_dir():
            fail("MB001", f"{FOLDER_VARIABLE} names {folder}, which is not a folder")
        return folder
    return _configured(os.environ.get("XDG_CONFIG_HOME"), os.environ.get("HOME"))


@lru_cache(maxsize=4)
def _configured(configuration: str | None, _home: str | None) -> Path:
    return expanded(configuration or "~/.config") / "mbcost" / "devices"


def own_version() -> tuple[tuple[str, int, int], ...]:
    """The versions of the user's files of the catalogue's parts: path, modification time [ns] and size [B]."""
    folder = user_folder()
    files = [path for kind in (CORES, SOCS, GPUS) for path in profiles_in(folder / kind).values()]
    found = []
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)


def is_path(text: str) -> bool:
    """Whether `text` names a file rather than a device."""
    return text.lower().endswith(SUFFIXES) or "/" in text or os.sep in text


def expanded(path: str) -> Path:
    """`path` with its ``~`` replaced, where there is such a user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def profiles_in(folder: Path) -> dict[str, Path]:
    """name -> file of the profiles in `folder`; none where it does not exist or may not be read."""
    try:
        files = sorted(folder.iterdir(), reverse=True)  # so that a.yaml has priority over a.yml
    except OSError:
        return {}
    return {path.stem: path for path in files if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")}
