"""The web app in process, and as a server of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn

from mbcost.serve.app import make_app
from mbcost.serve.client import ask
from mbcost.serve.settings import Settings

OWN = {"x-mbcost": "test"}
TYPO = """\
name: typo
source: my own
input: 96x96x3
layers:
  - {op: conv2d, out: 32, kernel: 3, strid: 2}
"""
SMALL = """\
name: small
title: Small
source: my own
input: 32x32x3
layers:
  - {name: stem, op: conv2d, out: 8, kernel: 3, stride: 2}
  - {name: head, op: dense, out: 10}
"""


class Answer:
    """An answer of the app."""

    def __init__(self, answer: HTTPResponse) -> None:
        self.status_code = answer.status
        self.headers = answer.headers
        self.content = answer.read()

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """Sends requests as they are: no package sets a header or tidies a path."""

    def __init__(self, port: int) -> None:
        self.port = port

    def request(
        self, method: str, path: str, *, params: Any = None, headers: Any = None, content: Any = None, json_: Any = None
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = content if json_ is None else json.dumps(json_)
        sent = {"Host": f"localhost:{self.port}", **{name.title(): value for name, value in (headers or {}).items()}}
        try:
            connection.request(method, f"{path}?{urlencode(params)}" if params else path, body, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str, **more: Any) -> Answer:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> Answer:
        return self.request("POST", path, **more)


class App:
    """The app with its processes, in a thread of the tests."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def upload(self, name: str, content: bytes | str, **headers: str) -> Any:
        return self.client.post("/api/uploads", params={"name": name}, content=content, headers={**OWN, **headers})

    def ask(self, *networks: dict[str, str], device: str = "pixel1", kind: str = "analyze", **more: Any) -> Any:
        body = {"kind": kind, "networks": list(networks), "devices": [device], **more}
        return self.client.post("/api/results", json_=body, headers=OWN)

    def result(self, *networks: dict[str, str], **asked: Any) -> dict[str, Any]:
        """What came of a request."""
        answer = self.ask(*networks, **asked)
        assert answer.status_code == 202, answer.text
        return self.wait(answer.json()["key"])

    def wait(self, key: str) -> dict[str, Any]:
        for _ in range(12):
            found = self.client.get(f"/api/results/{key}", params={"wait": 10}).json()
            if found["state"] in {"done", "failed"}:
                return dict(found)
        raise AssertionError(found)

    def of_file(self, name: str, content: bytes | str, **asked: Any) -> dict[str, Any]:
        """What came of an upload."""
        return self.result({"upload": self.upload(name, content).json()["upload"]}, **asked)


@contextmanager
def running(settings: Settings) -> Iterator[App]:
    """The app of some settings."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(settings), log_level="warning"))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield App(Client(listening.getsockname()[1]))
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running(Settings(tmp_path_factory.mktemp("app"))) as found:
        yield found


class Server:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "mbcost", "serve", "--folder", str(folder), "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:")

    def upload(self, path: Path) -> str:
        from mbcost.serve.client import send

        return send(self.url, path)

    def analyze(self, network: dict[str, str], device: str = "pixel1") -> str:
        """Begin an analysis; its key."""
        body = {"kind": "analyze", "networks": [network], "devices": [device]}
        return str(ask(self.url, "POST", "/api/results", body)["key"])

    def wait(self, key: str) -> dict[str, Any]:
        for _ in range(60):
            found = ask(self.url, "GET", f"/api/results/{key}?wait=2")
            if found["state"] in {"done", "failed"}:
                return found
        raise AssertionError(found)

    def end(self, *, kill: bool = False) -> None:
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


def children(parent: int, folder: str) -> list[int]:
    """The worker processes of a process in a folder, on Linux."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            status = (path / "stat").read_text().rpartition(") ")[2].split()
            line = (path / "cmdline").read_bytes()
            place = str((path / "cwd").readlink())
        except OSError:
            continue
        if int(status[1]) == parent and b"mbcost.serve.worker" in line and place == folder:
            found.append(int(path.name))
    return found


def gone(pid: int, seconds: float = 20.0) -> bool:
    """Whether a process ends within a time."""
    for _ in range(int(seconds * 20)):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Server] = []

    def run(folder: Path, *options: str) -> Server:
        started.append(Server(folder, *options))
        return started[-1]

    yield run
    for server in started:
        if server.process.poll() is None:
            server.end()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.end()
