"""Work on any executor of ``concurrent.futures``, in order, with bounded memory, even if workers die."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar

from mbcost.errors import InputError, fail

T = TypeVar("T")
R = TypeVar("R")

#: Most pieces in flight: enough for all cores of a large machine, few enough for its memory.
IN_FLIGHT: Final = 64
#: How often a piece that the executor lost is submitted again.
RETRIES: Final = 2


class _Done(NamedTuple, Generic[R]):
    """What a function returned."""

    result: R


class _Raised(NamedTuple):
    """What a function raised, as opposed to its executor."""

    error: Exception


def run(
    function: Callable[[T], R],
    pieces: Iterable[T],
    executor: Executor | None = None,
    *,
    in_flight: int = IN_FLIGHT,
    hint: str = "run it again, with fewer workers if memory is short",
) -> Iterator[R]:
    """The results of `function`, in the order of the pieces; in this process if there is no executor.

    At most `in_flight` pieces are in flight at once. If one fails, waiting ones are cancelled. A piece that the
    executor lost, for example because a worker died, is submitted again at most twice.

    Raises
    ------
    InputError
        MB800 with `hint` if the executor fails. Whatever `function` raises comes through as it is.
    """
    if executor is None:
        yield from map(function, pieces)
        return
    task = partial(_told, function)
    waiting: deque[tuple[T, Future[_Done[R] | _Raised] | Exception]] = deque()

    def first() -> R:
        outcome = _outcome(executor, task, *waiting.popleft())
        if isinstance(outcome, _Done):
            result: R = outcome.result
            return result
        if isinstance(outcome, _Raised):
            raise outcome.error
        if isinstance(outcome, BrokenExecutor):
            waiting.clear()  # they fail too; cancelling them meanwhile would stop the executor's thread (Python 3.11)
        what = f"{type(outcome).__name__}: {outcome}".rstrip(": ")
        fail("MB800", f"the executor failed: {what[:300]}", hint=hint)

    try:
        for piece in pieces:
            waiting.append((piece, _submitted(executor, task, piece)))
            if len(waiting) >= in_flight:
                yield first()
        while waiting:
            yield first()
    finally:
        for _, future in waiting:
            if not isinstance(future, Exception):
                future.cancel()


def _told(function: Callable[[T], R], piece: T) -> _Done[R] | _Raised:
    """Run a function in its executor, and distinguish what it raises from what the executor raises."""
    try:
        return _Done(function(piece))
    except InputError as error:
        return _Raised(error)
    except Exception as error:  # noqa: BLE001  # raised again by the process that waits
        error.add_note(traceback.format_exc())  # a traceback does not travel between processes
        return _Raised(error)


def _submitted(
    executor: Executor, task: Callable[[T], _Done[R] | _Raised], piece: T
) -> Future[_Done[R] | _Raised] | Exception:
    """The submitted piece, or why the executor refused it."""
    try:
        return executor.submit(task, piece)
    except Exception as error:  # noqa: BLE001  # of whatever executor there is
        return error


def _outcome(
    executor: Executor,
    task: Callable[[T], _Done[R] | _Raised],
    piece: T,
    future: Future[_Done[R] | _Raised] | Exception,
) -> _Done[R] | _Raised | Exception:
    """What became of a piece, which is submitted again if the executor loses it; why the executor failed."""
    failure: Exception
    for left in range(RETRIES, -1, -1):
        if isinstance(future, Exception):
            failure = future
        else:
            try:
                return future.result()
            except Exception as error:  # noqa: BLE001  # each executor has its own words for a worker that died
                failure = error
        if left and not isinstance(failure, BrokenExecutor):
            future = _submitted(executor, task, piece)
        else:
            break
    return failure
