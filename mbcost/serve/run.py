"""Starts the server: a socket, its address in the folder, and uvicorn."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import socket
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from mbcost.errors import fail
from mbcost.files import make_folder, write_text
from mbcost.serve.client import running
from mbcost.serve.settings import ADDRESS_FILE, PORT, Settings

_PACKAGES: Final = ("starlette", "uvicorn")


def require_packages() -> Any:
    """uvicorn.

    Raises
    ------
    InputError
        MB011 if it or Starlette is not installed.
    """
    try:
        return [import_module(name) for name in _PACKAGES][-1]
    except ImportError as error:
        hint = "python -m pip install 'mbcost[serve]'"
        fail("MB011", f"the local web app needs {' and '.join(_PACKAGES)} ({error})", hint=hint)


def serve(settings: Settings, host: str, port: int | None, on_start: Callable[[str], None]) -> None:
    """Serve until the process is told to end.

    Parameters
    ----------
    host
        The address to listen at.
    port
        None takes :data:`~mbcost.serve.settings.PORT`, or a free one where that is taken; 0 takes a free one.
    on_start
        Called with the address once it answers.

    Raises
    ------
    InputError
        MB011 without Starlette or uvicorn, MB901 if the port is taken or another server has the folder, MB008 if the
        folder cannot be made.
    """
    uvicorn = require_packages()
    from mbcost.serve.app import make_app

    make_folder(settings.folder)
    other = running(settings.folder)
    if other is not None:
        hint = f"open it, or choose another folder with --folder: {settings.folder} is taken"
        fail("MB901", f"a server runs already: {other}", hint=hint)
    app = make_app(settings)
    listening = _listen(host, port)
    url = _url(host, listening.getsockname()[1])
    write_text(settings.folder / ADDRESS_FILE, f"{json.dumps({'url': url, 'pid': os.getpid()})}\n", force=True)

    class Server(uvicorn.Server):  # type: ignore[misc, name-defined]
        """Says when it answers, and takes its address away when it ends."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                on_start(url)

        async def shutdown(self, sockets: Any = None) -> None:
            with contextlib.suppress(OSError):
                (settings.folder / ADDRESS_FILE).unlink()
            await super().shutdown(sockets=sockets)

    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_keep_alive=30)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again once it has stopped
        Server(config).run(sockets=[listening])


def _listen(host: str, port: int | None) -> socket.socket:
    for each in (PORT, 0) if port is None else (port,):
        found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # elsewhere it lets two servers have one port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, each))
        except OSError as error:
            found.close()
            if port is not None or each == 0:
                hint = "--port 0 takes a free one"
                fail("MB901", f"cannot listen at {host} port {each}: {error.strerror or error}", hint=hint)
        else:
            return found
    raise AssertionError


def _url(host: str, port: int) -> str:
    """An address that a browser can open."""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_unspecified:
            host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
