"""Uploads and results on disk: a folder each, which has its name only once it is complete.

::

    uploads/KEY/NAME          the file
    uploads/KEY/upload.json   its name, size [B], SHA-256 and time
    results/KEY/request.json  what was asked for
    results/KEY/outcome/      outcome.json and files, once it is done
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from mbcost.errors import fail
from mbcost.files import make_folder, write_text

OUTCOME: Final = "outcome.json"
_KEY: Final = re.compile(r"[0-9a-f]{8,64}")
_PART: Final = ".part-"
#: The longest name of a stored file, with its suffix [characters].
_LONGEST: Final = 100
_NOT_IN_NAMES: Final = re.compile(r"[^\w.+()-]+")
#: Names that Windows has for devices, whatever their suffix.
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@dataclass(frozen=True, slots=True)
class Upload:
    """A stored file.

    Attributes
    ----------
    key
        Of its name and content.
    name
        Under which it is stored: what the user called it, without what is no part of a file's name.
    size
        [B].
    sha256
        Of its content.
    made
        When it came [s since 1970].
    """

    key: str
    name: str
    size: int
    sha256: str
    made: float


def safe_name(name: str) -> str:
    """The last part of a path, of letters, digits and ``._+()-`` alone: it stays in its folder, and is no markup."""
    last = re.split(r"[/\\]", name.replace("\0", ""))[-1]
    clean = _NOT_IN_NAMES.sub("_", last).lstrip(".-")
    stem, dot, suffix = clean.rpartition(".")
    short = f"{stem[: _LONGEST - len(suffix) - 1]}{dot}{suffix}" if dot and len(suffix) < 16 else clean[:_LONGEST]
    return f"_{short}" if not short or _RESERVED.fullmatch(short) else short


class Receiving:
    """A file that is being received: :meth:`finish` stores it, :meth:`discard` leaves nothing of it."""

    def __init__(self, uploads: Path, name: str) -> None:
        self._uploads = uploads
        self._name = safe_name(name)
        self._folder = uploads / f"{_PART}{secrets.token_hex(8)}"
        self._folder.mkdir()
        self._stream: BinaryIO = (self._folder / self._name).open("wb")
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Append to the file."""
        self._stream.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def finish(self) -> Upload:
        """Store the file. One of the same name and content is kept instead."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        digest = self._hash.hexdigest()
        key = hashlib.sha256(f"{self._name}\0{digest}".encode()).hexdigest()[:24]
        upload = Upload(key, self._name, self.size, digest, time.time())
        _write_json(self._folder / "upload.json", asdict(upload))
        try:
            self._folder.rename(self._uploads / key)
        except OSError:
            if not (self._uploads / key / self._name).is_file():
                raise
            self.discard()
        _sync_folder(self._uploads)
        return upload

    def discard(self) -> None:
        """Remove what came so far."""
        self._stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Store:
    """The folder of a server.

    Parameters
    ----------
    folder
        Is made if it is missing; what an earlier server did not finish receiving is removed.

    Raises
    ------
    InputError
        MB008 if it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uploads, self.results = folder / "uploads", folder / "results"
        is_new = not folder.exists()
        for each in (self.uploads, self.results):
            make_folder(each)
        if is_new:
            folder.chmod(0o700)  # what is uploaded is for its user alone
        for each in (self.uploads, self.results):
            for left in [*each.glob(f"{_PART}*"), *each.glob(f"*/{_PART}*")]:
                shutil.rmtree(left, ignore_errors=True)

    # -- uploads ------------------------------------------------------------------------------------------------------

    def receive(self, name: str) -> Receiving:
        """Begin to store a file of this name."""
        return Receiving(self.uploads, name)

    def upload(self, key: str) -> Upload:
        """A stored file.

        Raises
        ------
        InputError
            MB001 if there is none of this key.
        """
        found = _read_json(self.uploads / key / "upload.json") if _KEY.fullmatch(key) else None
        if found is None:
            fail("MB001", "this upload is not stored any more", hint="upload the file again")
        return Upload(**found)

    def path_of(self, upload: Upload) -> Path:
        """The file itself."""
        return self.uploads / upload.key / upload.name

    # -- results ------------------------------------------------------------------------------------------------------

    def ask(self, request: Mapping[str, Any]) -> str:
        """Store what was asked for; its key, by which results sort in the order they were asked for."""
        key = f"{time.time_ns() // 1000:016x}{secrets.token_hex(4)}"
        new = self.results / f"{_PART}{key}"
        new.mkdir()
        _write_json(new / "request.json", {**request, "made": time.time()})
        new.rename(self.results / key)
        _sync_folder(self.results)
        return key

    def request(self, key: str) -> dict[str, Any] | None:
        """What was asked for; None if there is no such result."""
        return _read_json(self.results / key / "request.json") if _KEY.fullmatch(key) else None

    def outcome(self, key: str) -> dict[str, Any] | None:
        """What came of it; None while it is not done."""
        return _read_json(self.results / key / "outcome" / OUTCOME) if _KEY.fullmatch(key) else None

    def part(self, key: str) -> Path:
        """An empty folder for the files of a result that is being computed."""
        folder = self.results / key / f"{_PART}outcome"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def finish(self, key: str, outcome: Mapping[str, Any]) -> None:
        """Store what came of a request, with the files in its :meth:`part`; without them where it failed."""
        folder = self.results / key / f"{_PART}outcome"
        if outcome["state"] != "done" or not folder.is_dir():
            folder = self.part(key)
        _write_json(folder / OUTCOME, outcome)
        folder.rename(self.results / key / "outcome")
        _sync_folder(self.results / key)

    def file(self, key: str, name: str) -> Path | None:
        """A file of a result, which the outcome has to list; None if there is none."""
        outcome = self.outcome(key)
        if outcome is None or name not in outcome.get("files", ()):
            return None
        return self.results / key / "outcome" / name

    def newest_first(self) -> Iterator[str]:
        """The results, the newest first."""
        for path in sorted(self.results.iterdir(), reverse=True):
            if _KEY.fullmatch(path.name):
                yield path.name

    def remove(self, key: str) -> None:
        """Forget a result; the upload stays."""
        if _KEY.fullmatch(key):
            gone = self.results / f"{_PART}{secrets.token_hex(8)}"
            with suppress(FileNotFoundError):
                (self.results / key).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    write_text(path, f"{json.dumps(data, indent=1)}\n", force=True)


def _read_json(path: Path) -> dict[str, Any] | None:
    """A stored object; None if the file is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _sync_folder(folder: Path) -> None:
    """Make new names in a folder last through a power failure, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
