"""Where chunks of a sweep are evaluated: here, in processes of this machine, or on Dask."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from mbcost.errors import fail
from mbcost.words import ENGINES, Engine

#: How long a scheduler may take to answer [s].
PATIENCE_S: Final = 10
#: Number of retries of a task whose worker died.
RETRIES: Final = 3


@contextmanager
def executor_of(
    engine: Engine = "local", *, workers: int | None = None, scheduler: str | None = None
) -> Iterator[Executor | None]:
    """An executor for sweeps; None for this process alone.

    Parameters
    ----------
    workers
        Number of processes of ``processes``, or of a local Dask cluster; by default one per core.
    scheduler
        Address of a running Dask scheduler, such as ``tcp://10.0.0.1:8786``; by default a cluster is started on this
        machine and ended afterwards.

    Raises
    ------
    InputError
        MB010 for options that the engine does not have, MB011 if Dask is not installed, MB801 if the scheduler does not
        answer.
    """
    if engine not in ENGINES:
        fail("MB010", f"there is no engine `{engine}`", hint=f"there are {', '.join(ENGINES)}")
    if scheduler is not None and engine != "dask":
        fail("MB010", "`scheduler=...` is for the engine dask", hint='add `engine="dask"`')
    if workers is not None and (workers < 1 or engine == "local" or scheduler is not None):
        fail("MB010", "`workers=...` is a number of processes on this machine, for the engines processes and dask")
    if engine == "local":
        yield None
    elif engine == "processes":
        with _processes(workers) as executor:
            yield executor
    else:
        with _client(workers, scheduler) as client:
            yield Cluster(client)


@contextmanager
def _processes(workers: int | None) -> Iterator[Executor]:
    """Processes of this machine, which give up the work in hand where the block ends in an exception."""
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    with (
        reader,
        writer,
        _Processes(
            workers or os.cpu_count(), mp_context=context, initializer=follow_parent, initargs=(reader,)
        ) as executor,
    ):
        try:
            yield executor
        except BaseException:
            writer.close()  # or the end would wait for all that is computed or queued
            executor.shutdown(cancel_futures=True)
            raise


class _Processes(ProcessPoolExecutor):
    """Processes that can give up their work, and that Ctrl-C does not end while they start.

    A worker that dies while futures are cancelled leaves the executor of Python 3.11 waiting for ever: its thread ends
    in an InvalidStateError, and what feeds the workers goes on writing into a pipe that nobody reads.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit a call, which may start a worker: Ctrl-C waits until that is done."""
        with _uninterrupted():
            return super().submit(_unless_given_up, fn, *args, **kwargs)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A block in which Ctrl-C is put off to its end, and processes start with Ctrl-C blocked.

    Blocking it in this thread alone puts off nothing, where another one (of NumPy's BLAS) takes the signal: Python then
    still interrupts its main thread, and a worker that has just been started reads a half-written pipe.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or handler is None:
        yield  # Python interrupts the main thread only; None is a handler of C code, which cannot be set again
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        if hasattr(signal, "pthread_sigmask"):
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                yield
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        else:
            yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


class _GivenUpError(Exception):
    """Nobody waits for the work of this process any more."""


class _Worker:
    """What a worker process knows."""

    given_up = False
    is_busy = False


def _unless_given_up(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function in a worker; what is still queued when the work is given up is not begun."""
    _Worker.is_busy = True
    try:
        if _Worker.given_up:
            raise _GivenUpError
        return fn(*args, **kwargs)
    finally:
        _Worker.is_busy = False


def follow_parent(reader: Connection) -> None:
    """Make this process end with its parent, however that ends, and give up its work when `reader`'s pipe is closed.

    Ctrl-C is left to the parent.
    """

    def interrupted(*_: object) -> None:
        if _Worker.given_up and _Worker.is_busy:
            raise _GivenUpError

    signal.signal(signal.SIGINT, interrupted)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        if parent.sentinel not in wait([parent.sentinel, reader]):
            _Worker.given_up = True
            if hasattr(signal, "pthread_kill"):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class Cluster(Executor):
    """A Dask cluster as an executor.

    ``Client.get_executor`` returns results in a callback that fails while a worker dies; a Dask future's own ``result``
    waits until the task has been computed elsewhere.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A Dask future, which has ``result`` and ``cancel`` like one of ``concurrent.futures``."""
        future: Future[Any] = self._client.submit(fn, *args, **kwargs, retries=RETRIES, pure=False)
        return future


@contextmanager
def _client(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        fail("MB011", "the engine dask needs Dask", hint="python -m pip install 'mbcost[distributed]'")
    if scheduler is None:
        count = workers or os.cpu_count() or 1
        with (
            distributed.LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(scheduler, timeout=f"{PATIENCE_S}s")
    except (OSError, TimeoutError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        fail(
            "MB801", f"the scheduler {scheduler} does not answer: {reason[:200]}", hint="is it started, and reachable?"
        )
    with client:
        yield client
