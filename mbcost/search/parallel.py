"""Work on any executor of ``concurrent.futures``, in order and with bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Pieces that wait for an executor at once: enough for all cores of a large machine, few enough for its memory.
IN_FLIGHT: Final = 64


def run(
    function: Callable[[T], R], pieces: Iterable[T], executor: Executor | None = None, *, in_flight: int = IN_FLIGHT
) -> Iterator[R]:
    """The results of `function`, in the order of the pieces; here if there is no executor.

    At most `in_flight` pieces are under way at once. If one fails, those that wait are cancelled.
    """
    if executor is None:
        yield from map(function, pieces)
        return
    waiting: deque[Future[R]] = deque()
    try:
        for piece in pieces:
            waiting.append(executor.submit(function, piece))
            if len(waiting) >= in_flight:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
