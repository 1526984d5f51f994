"""Limits of the server, and where it keeps what it is given."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MIB: Final = 2**20
#: The port that is tried first. Chosen: not registered with IANA, below the range of temporary ports.
PORT: Final = 8620
#: The page of the server and the name of a folder's file that says where its server listens.
ADDRESS_FILE: Final = "server.json"


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server runs.

    Attributes
    ----------
    folder
        Of uploads and results.
    workers
        Processes that analyses run in.
    seconds
        The most time of one analysis [s].
    memory
        The most address space of a worker [B]; None for no limit. Windows and macOS do not keep it.
    max_upload
        The largest file that is taken [B].
    hosts
        Names beside ``localhost`` and addresses that a request may call the server by.
    """

    folder: Path
    workers: int = 2
    seconds: float = 60.0
    memory: int | None = 3 * 2**30
    max_upload: int = 256 * MIB
    hosts: tuple[str, ...] = ()


def state_folder() -> Path:
    """The folder of uploads and results by default: ``mbcost/serve`` in the user's state folder."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "mbcost" / "serve"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "mbcost" / "serve"
