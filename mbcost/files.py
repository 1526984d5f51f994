"""Untrusted files, read within limits, and files that are written completely or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from mbcost.document import Document
from mbcost.errors import Location, fail
from mbcost.yaml_tree import MAX_DEPTH, MAX_NODES, MAX_PROBLEMS, parse_yaml

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "MAX_PROBLEMS",
    "Document",
    "check_new",
    "is_file",
    "load_yaml",
    "parse_yaml",
    "read_head",
    "read_text",
    "write_bytes",
    "write_text",
]

MAX_BYTES: Final = 2 * 2**20


def is_file(path: Path) -> bool:
    """Whether a path leads to a regular file; false where no file can have such a name, or it may not be looked at."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def load_yaml(path: Path, shown: str | None = None) -> Document:
    """Read and parse a YAML file; see :func:`read_text` and :func:`parse_yaml` for what is refused."""
    return parse_yaml(read_text(path), shown or str(path))


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """The text of a file.

    Raises
    ------
    InputError
        MB001 to MB005: missing, not a regular file, not readable, larger than `max_bytes`, or not UTF-8 text.
    """
    raw = read_head(path, max_bytes + 1)
    if len(raw) > max_bytes:
        limit = f"{max_bytes / 2**20:g} MiB"
        fail("MB004", f"{path} is larger than {limit}", hint="a table of layers is a few kilobytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # error.object starts behind a byte order mark, as error.start does
        before = error.object[: error.start].decode("utf-8")
        location = Location(str(path), before.count("\n") + 1, len(before) - before.rfind("\n"))
        fail("MB005", f"{path} is not UTF-8 text", location, "is it a binary file?")
    if "\0" in text:
        fail("MB005", f"{path} holds NUL bytes, so it is not a text file")
    return text


def read_head(path: Path, size: int) -> bytes:
    """At most the first `size` bytes of a regular file; all of them where `size` is -1.

    Raises
    ------
    InputError
        MB001 to MB003: missing, not a regular file, not readable.
    """
    try:
        if path.is_dir():
            fail("MB002", f"{path} is a directory", hint="name a file in it")
        if path.exists() and not path.is_file():
            fail("MB002", f"{path} is not a regular file")
        with path.open("rb") as stream:
            return stream.read(size)
    except FileNotFoundError:
        fail("MB001", f"no file {path}")
    except NotADirectoryError:
        fail("MB001", f"no file {path}: a part of the path is not a directory")
    except PermissionError:
        fail("MB003", f"no permission to read {path}")
    except (OSError, ValueError) as error:
        fail("MB001", f"cannot read {path}: {_reason(error)}")


def check_new(path: Path, *, force: bool = False) -> None:
    """Check that nothing is overwritten unasked: there is nothing of this name, not even a link to nowhere.

    Raises
    ------
    InputError
        MB007 if there is and `force` is false.
    """
    if not force and os.path.lexists(path):
        fail("MB007", f"{path} exists and was kept", hint="`force=True` overwrites it")


def write_text(path: Path, text: str, *, force: bool = False) -> None:
    """Write `text` to `path`; see :func:`write_bytes`. MB008 for text that UTF-8 cannot encode."""
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as error:
        fail("MB008", f"cannot write {path}: {error}")
    write_bytes(path, content, force=force)


def write_bytes(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write `content` to `path`, completely or not at all; an existing file is kept unless `force`.

    Of a symbolic link the file that it leads to is written, and the link stays.

    Raises
    ------
    InputError
        MB007 if `path` exists and `force` is false, MB008 if it cannot be written.
    """
    try:
        if path.is_dir():
            fail("MB008", f"{path} is a directory", hint="name a file in it")
        if path.exists() and not path.is_file():
            fail("MB008", f"{path} is not a regular file")
        check_new(path, force=force)
        _replace(Path(os.path.realpath(path)) if path.is_symlink() else path, content)
    except (OSError, ValueError) as error:
        fail("MB008", f"cannot write {path}: {_reason(error)}")


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises
    ------
    InputError
        MB008 if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail("MB008", f"cannot write {folder}: {_reason(error)}")


def _replace(path: Path, content: bytes) -> None:
    """Replace `path` by a new file atomically, so that it is never half written, even after a power failure."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())  # or a file system may keep the new name and lose the content
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):  # an interrupt may come when it has its new name already
            os.unlink(temporary)
        raise


def _reason(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
