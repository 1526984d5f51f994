"""A model file as mapped memory: what is not looked at is not read."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mbcost.errors import fail


@contextmanager
def mapped(path: Path, kind: str) -> Iterator[mmap.mmap]:
    """The bytes of a regular file, open as long as the context is.

    Parameters
    ----------
    kind
        What the file should be, for the error of an empty one.

    Raises
    ------
    InputError
        MB001 to MB003 if it is missing, not a regular file or not readable; MB500 if it is empty.
    """
    try:
        if path.exists() and not path.is_file():
            fail("MB002", f"{path} is not a regular file")
        with path.open("rb") as stream:
            if not path.stat().st_size:
                fail("MB500", f"{path} is empty, not {kind}")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield data
    except (FileNotFoundError, NotADirectoryError):
        fail("MB001", f"no file {path}")
    except PermissionError:
        fail("MB003", f"no permission to read {path}")
    except OSError as error:
        fail("MB001", f"cannot read {path}: {error.strerror or error}")
