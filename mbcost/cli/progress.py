"""A progress bar on stderr for work that takes more than a second, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress

#: No bar is drawn for work that is done before this [s].
PATIENCE_S: Final = 1.0


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function (done, total) that draws the bar; None where stderr is not a terminal."""
    stream = sys.stderr
    if stream is None or not stream.isatty():
        yield None
        return
    start = time.monotonic()
    bars: list[Progress] = []

    def draw(done: int, total: int) -> None:
        if not bars and time.monotonic() - start > PATIENCE_S and done < total:
            bars.append(_bar(what, total))
        if bars:
            bars[0].update(bars[0].task_ids[0], completed=done)

    try:
        yield draw
    finally:
        for bar in bars:
            bar.stop()


def _bar(what: str, total: int) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task(what, total=total)
    bar.start()
    return bar
