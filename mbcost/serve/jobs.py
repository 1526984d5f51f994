"""A few processes that compute, each killed when it takes too long, and the queue in front of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from mbcost.errors import Problem, fail
from mbcost.serve.settings import Settings

#: Most tasks that wait. Chosen: far more than a person starts, far less than fills the memory.
MOST_WAITING: Final = 500
#: Tasks after which a process makes room for a new one, whatever the libraries in it have kept.
_TASKS_A_PROCESS: Final = 200
_LONGEST_ANSWER: Final = 2**22
#: Seconds that a new process may take until it is ready, on a machine that does much else.
_START_S: Final = 60.0

Outcome: TypeAlias = dict[str, Any]


class _Process:
    """A worker's process; it is started when it is first needed, and again after it was ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: asyncio.subprocess.Process | None = None
        self._done = 0
        self._cause = ""

    async def start(self) -> asyncio.subprocess.Process:
        """The running process."""
        if self._running is None or self._running.returncode is not None:
            threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            self._done = 0
            self._running = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "mbcost.serve.worker", str(self._settings.memory or 0)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=self._settings.folder,
                env={**os.environ, **threads, "PYDANTIC_DISABLE_PLUGINS": "__all__"},
                limit=_LONGEST_ANSWER,
                start_new_session=os.name == "posix",  # Ctrl-C is for the server, which ends its workers itself
            )
        return self._running

    async def answer(self, task: Mapping[str, Any]) -> Outcome:
        """What came of a task; it is tried twice where the process dies, which another task may have harmed."""
        for _ in range(2):
            answer = await self._try(task)
            if answer is not None:
                return answer
        return _failed(f"the process of this analysis died ({self._cause})", "the other analyses are not affected")

    async def _try(self, task: Mapping[str, Any]) -> Outcome | None:
        """What came of a task; None if the process died."""
        process = await self.start()
        fresh = self._done == 0
        assert process.stdin is not None
        assert process.stdout is not None
        seconds = self._settings.seconds
        try:
            process.stdin.write(f"{json.dumps({**task, 'seconds': seconds})}\n".encode())
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), seconds + (_START_S if fresh else 0.0))
            answer: Outcome = json.loads(line)
        except TimeoutError:
            await self.end()
            return _failed(f"this takes more than {seconds:g} s", "`mbcost serve --seconds` allows more")
        except (OSError, ValueError):  # it is gone, or its answer is cut
            with suppress(asyncio.TimeoutError):  # its own exit code says more than that of the kill
                await asyncio.wait_for(process.wait(), 1.0)
            self._cause = _cause(await self.end())
            return None
        self._done += 1
        if answer.pop("worn", False) or self._done >= _TASKS_A_PROCESS:
            await self.end()
        return answer

    async def end(self) -> int | None:
        """End the process; its exit code."""
        process, self._running = self._running, None
        if process is None:
            return None
        with suppress(ProcessLookupError):
            process.kill()
        return await process.wait()


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _failed(message: str, hint: str) -> Outcome:
    return {"state": "failed", "codes": ["MB900"], "problems": Problem("MB900", message, hint=hint).render()}


class Pool:
    """Processes and the queue in front of them.

    Parameters
    ----------
    settings
        Of the server.
    store
        Called with the key and outcome of each task that is done.
    """

    def __init__(self, settings: Settings, store: Callable[[str, Outcome], None]) -> None:
        self._settings = settings
        self._store = store
        self._waiting: asyncio.Queue[tuple[str, Mapping[str, Any]]] = asyncio.Queue(MOST_WAITING)
        self._done: dict[str, asyncio.Event] = {}
        self._running: set[str] = set()
        self._processes: list[_Process] = []
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the processes; they get ready in the background."""
        self._processes = [_Process(self._settings) for _ in range(self._settings.workers)]
        for process in self._processes:
            await process.start()
            self._loops.append(asyncio.create_task(self._work(process)))

    async def stop(self) -> None:
        """End the processes; what they compute is not stored."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        for process in self._processes:
            await process.end()

    def submit(self, key: str, task: Mapping[str, Any]) -> None:
        """Put a task into the queue.

        Raises
        ------
        InputError
            MB900 if too many wait.
        """
        try:
            self._waiting.put_nowait((key, task))
        except asyncio.QueueFull:
            fail("MB900", f"{MOST_WAITING} analyses wait already", hint="try again when some are done")
        self._done[key] = asyncio.Event()

    def state(self, key: str) -> str | None:
        """``waiting`` or ``running``; None for what is neither."""
        return None if key not in self._done else "running" if key in self._running else "waiting"

    async def wait(self, key: str, seconds: float) -> None:
        """Wait until a task is done, at most so long."""
        event = self._done.get(key)
        if event is not None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(event.wait(), seconds)

    async def _work(self, process: _Process) -> None:
        while True:
            key, task = await self._waiting.get()
            self._running.add(key)
            try:
                self._store(key, await process.answer(task))
            except OSError as error:  # the folder is full or gone: the next task may fare better
                sys.stderr.write(f"the result {key} could not be stored: {error}\n")
            finally:
                self._running.discard(key)
                self._done.pop(key).set()
