"""Asking a running server, from ``mbcost open``: without proxies, and without a package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote, urlsplit

from mbcost.errors import InputError, Problem, fail
from mbcost.serve.settings import ADDRESS_FILE

#: Seconds that a server may take for an answer: it stores an upload before it gives one.
_PATIENCE_S: Final = 60.0
_OWN: Final = {"x-mbcost": "open"}


def running(folder: Path) -> str | None:
    """The address of the server that runs in a folder; None if none does."""
    try:
        address = json.loads((folder / ADDRESS_FILE).read_text(encoding="utf-8"))["url"]
        about = ask(address, "GET", "/api/about")
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None
    return str(address) if about.get("folder") == str(folder) else None


def send(url: str, path: Path) -> str:
    """Upload a file; its key.

    Raises
    ------
    InputError
        MB001 to MB003 if it cannot be read, and what the server says.
    """
    try:
        with path.open("rb") as stream:
            made = ask(url, "POST", f"/api/uploads?name={quote(path.name)}", stream)
    except FileNotFoundError:
        fail("MB001", f"no file {path}")
    except OSError as error:
        fail("MB003", f"cannot read {path}: {error.strerror or error}")
    return str(made["upload"])


def ask(url: str, method: str, path: str, body: BinaryIO | Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The answer of a server.

    Raises
    ------
    InputError
        MB901 if it does not answer, and the problems that it answers with.
    """
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port or 80, timeout=_PATIENCE_S)
    content = json.dumps(body).encode() if isinstance(body, Mapping) else body
    try:
        connection.request(method, path, content, headers=_OWN, encode_chunked=False)
        answer = connection.getresponse()
        found = json.loads(answer.read())
    except (OSError, HTTPException, ValueError) as error:
        fail("MB901", f"the server at {url} does not answer: {error}", hint="`mbcost serve` starts one")
    finally:
        connection.close()
    if answer.status >= 400:
        text = found.get("problems", "") if isinstance(found, dict) else ""
        raise InputError([Problem("MB901", f"the server refused: {text or answer.reason}")])
    return found if isinstance(found, dict) else {}
