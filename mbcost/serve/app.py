"""The web app: its pages and what they ask for. Nothing else imports Starlette but :mod:`mbcost.serve.guard`."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mbcost import readable
from mbcost._version import __version__
from mbcost.errors import InputError, Problem, fail
from mbcost.serve.guard import REPORT_POLICY, Guard
from mbcost.serve.jobs import Outcome, Pool
from mbcost.serve.request import Asked, check_target, read_request
from mbcost.serve.settings import Settings
from mbcost.serve.storage import Store, safe_name

_ASSETS: Final = Path(__file__).parent / "assets"
#: Most bytes of a request that is no upload.
_MOST_JSON: Final = 2**16
#: Most results that a page lists, and most entries of the catalogue that a search shows.
_MOST_LISTED: Final = 200
_MOST_FOUND: Final = 30
#: Most bytes of a file that is too large which are read before it is refused.
_MOST_DRAINED: Final = 2**31
#: The longest that an answer about a running analysis is kept back [s].
_LONGEST_WAIT_S: Final = 20.0

#: Of an analysis that nothing computes and that has no outcome.
_LOST: Final[Outcome] = {
    "state": "failed",
    "codes": ["MB008"],
    "problems": Problem("MB008", "the result could not be stored", hint="is the disk full? ask for it again").render(),
}

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def make_app(settings: Settings) -> Starlette:
    """The web app of a folder.

    Raises
    ------
    InputError
        MB008 if the folder cannot be made.
    """
    server = _Server(settings)
    routes = [
        Route("/", _page),
        Mount("/assets", StaticFiles(directory=_ASSETS)),
        Route("/style.css", _style),
        Route("/api/about", server.about),
        Route("/api/networks", _told(_networks)),
        Route("/api/devices", _told(_devices)),
        Route("/api/devices/{name:path}", _told(_device)),
        Route("/api/uploads", _told(server.take_upload), methods=["POST"]),
        Route("/api/results", _told(server.list_results), methods=["GET"]),
        Route("/api/results", _told(server.ask), methods=["POST"]),
        Route("/api/results/{key}", _told(server.result), methods=["GET"]),
        Route("/api/results/{key}", _told(server.remove), methods=["DELETE"]),
        Route("/results/{key}/{name}", server.file),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, hosts=settings.hosts)], lifespan=server.lifespan)


def _told(endpoint: _Endpoint) -> _Endpoint:
    """An endpoint whose :class:`InputError` becomes an answer that the page shows."""

    async def told(request: Request) -> Response:
        try:
            return await endpoint(request)
        except InputError as error:
            status = 413 if error.codes == ("MB900",) else 400
            return JSONResponse({"codes": list(error.codes), "problems": str(error)}, status)

    return told


# -- pages and the catalogue ------------------------------------------------------------------------------------------


async def _page(_request: Request) -> Response:
    return FileResponse(_ASSETS / "index.html", headers={"content-type": "text/html; charset=utf-8"})


async def _style(_request: Request) -> Response:
    """The style of the reports, which this page shares."""
    from mbcost.report import html

    return FileResponse(Path(html.__file__).parent / "assets" / "report.css")


async def _networks(_request: Request) -> Response:
    from mbcost.architectures import architecture_names

    return JSONResponse(architecture_names())


async def _devices(request: Request) -> Response:
    return JSONResponse(await asyncio.to_thread(_found, request.query_params.get("q", "")[:200]))


def _found(text: str) -> list[dict[str, Any]]:
    """Devices, chips and cores that a text finds; without one those with a full profile."""
    from mbcost.devices.finding import entries, search
    from mbcost.devices.library import device_names

    if any(letter.isalnum() for letter in text):
        found = list(search(text))
    else:
        full = set(device_names())
        found = [entry for entry in entries() if entry.kind == "device" and entry.name in full]
    kinds = [entry for entry in found if entry.kind in {"device", "soc"}][:_MOST_FOUND]
    return [{"name": entry.name, "title": entry.title, "soc": entry.soc, "cpu": entry.cpu} for entry in kinds]


async def _device(request: Request) -> Response:
    return JSONResponse(await asyncio.to_thread(_details, request.path_params["name"]))


def _details(name: str) -> dict[str, Any]:
    """A device with its processors, and the runtimes, precisions and threads of each."""
    from mbcost.devices import load_device
    from mbcost.report.screens.catalogue import device_entry

    check_target(name)
    if "/" in name:
        fail("MB300", f"`{name[:100]}` is no device")
    return device_entry(load_device(name))


# -- uploads and results ----------------------------------------------------------------------------------------------


class _Server:
    """What requests share: the folder and the processes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.folder)
        self.pool = Pool(settings, self.store.finish)

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Start the processes, and what an earlier server was asked for and did not finish."""
        await self.pool.start()
        for key in self.store.newest_first():
            if self.store.outcome(key) is None:
                self._start_again(key)
        try:
            yield
        finally:
            await self.pool.stop()

    def _start_again(self, key: str) -> None:
        try:
            request = self.store.request(key)
            if request is None:
                fail("MB001", "what was asked for is not stored any more")
            self._submit(key, read_request(request.get("asked")))
        except InputError as error:
            self.store.finish(key, {"state": "failed", "codes": list(error.codes), "problems": str(error)})

    async def about(self, _request: Request) -> Response:
        """What this is, for a program that looks for a running server."""
        about = {"mbcost": __version__, "folder": str(self.settings.folder), "max_upload": self.settings.max_upload}
        return JSONResponse(about)

    async def take_upload(self, request: Request) -> Response:
        """Store the body of a request as a file; its name is in the query."""
        most = self.settings.max_upload
        stated = request.headers.get("content-length", "")
        too_large = stated.isdigit() and int(stated) > most
        if request.headers.get("content-encoding", "identity") != "identity":
            fail("MB010", "an upload is sent as it is, not compressed", hint="leave out Content-Encoding")
        try:
            receiving = self.store.receive(request.query_params.get("name", ""))
            try:
                drained = 0
                async for chunk in request.stream():
                    too_large = too_large or receiving.size + len(chunk) > most
                    drained += len(chunk)
                    if not too_large:
                        await asyncio.to_thread(receiving.write, chunk)
                    elif drained > _MOST_DRAINED:  # until then, since a browser that still sends reads no answer
                        break
                if too_large:
                    hint = "`mbcost serve --max-upload` takes larger ones"
                    fail("MB900", f"the file is larger than {readable.size(most)}", hint=hint)
                upload = await asyncio.to_thread(receiving.finish)
            except BaseException:
                receiving.discard()
                raise
        except ClientDisconnect:
            return Response(status_code=400)
        except OSError as error:
            fail("MB008", f"cannot store the upload: {error.strerror or error}")
        return JSONResponse({"upload": upload.key, "name": upload.name, "size": upload.size}, 201)

    async def ask(self, request: Request) -> Response:
        """Begin an analysis."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_JSON:
                fail("MB900", f"a request is larger than {_MOST_JSON // 1024} KiB")
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            fail("MB010", "a request is a JSON object")
        asked = read_request(data)
        names = [self.store.upload(text).name if which == "upload" else text for which, text in asked.networks]
        try:
            key = self.store.ask({"asked": data, "label": ", ".join(names)})
        except (OSError, InputError) as error:
            fail("MB008", f"cannot store the request: {error}")
        try:
            self._submit(key, asked)
        except InputError:
            self.store.remove(key)
            raise
        return JSONResponse({"key": key}, 202)

    def _submit(self, key: str, asked: Asked) -> None:
        """Give a request to the processes."""
        uploads = [self.store.upload(text) for which, text in asked.networks if which == "upload"]
        files = {upload.key: str(self.store.path_of(upload).absolute()) for upload in uploads}
        folder = str(self.store.part(key).absolute())
        self.pool.submit(key, {"asked": asked._asdict(), "files": files, "folder": folder})

    async def list_results(self, _request: Request) -> Response:
        """The results, the newest first."""
        found: list[dict[str, Any]] = []
        for key in self.store.newest_first():
            if len(found) == _MOST_LISTED:
                break
            entry = self._entry(key)
            if entry is not None:
                first = entry.get("problems", "").partition("\n")[0]  # the result itself has all of them
                found.append({**entry, "problems": first} if first else entry)
        return JSONResponse(found)

    async def result(self, request: Request) -> Response:
        """A result, once it is done or ``wait`` seconds are over."""
        key = request.path_params["key"]
        if self.store.request(key) is None:
            raise HTTPException(404)
        wait = request.query_params.get("wait", "")
        if wait.isdigit():
            await self.pool.wait(key, min(float(wait), _LONGEST_WAIT_S))
        return JSONResponse(self._entry(key))

    def _entry(self, key: str) -> dict[str, Any] | None:
        request = self.store.request(key)
        if request is None:
            return None
        state = self.pool.state(key)
        outcome: Outcome = self.store.outcome(key) or (_LOST if state is None else {"state": state})
        asked = request["asked"]
        about = {"kind": asked["kind"], "devices": asked["devices"], "made": request["made"]}
        return {"key": key, "label": request["label"], **about, **outcome}

    async def remove(self, request: Request) -> Response:
        """Forget a result."""
        if self.pool.state(request.path_params["key"]) is not None:
            fail("MB010", "this analysis is not done yet")
        await asyncio.to_thread(self.store.remove, request.path_params["key"])
        return Response(status_code=204)

    async def file(self, request: Request) -> Response:
        """A file of a result, to show or with ``?download`` to keep."""
        key, name = request.path_params["key"], request.path_params["name"]
        path = self.store.file(key, name)
        if path is None:
            raise HTTPException(404)
        headers = {"content-security-policy": REPORT_POLICY} if path.suffix == ".html" else {}
        kinds = {".html": "text/html", ".json": "application/json", ".yaml": "text/plain"}
        kind = kinds.get(path.suffix, "application/octet-stream")
        if "download" not in request.query_params:
            return FileResponse(path, headers=headers, media_type=kind)
        request_ = self.store.request(key) or {}
        stem = re.sub(r"[^\w.+-]+", "_", str(request_.get("label", "")))[:60].strip("._") or "mbcost"
        return FileResponse(path, headers=headers, media_type=kind, filename=safe_name(f"{stem}.{name}"))
