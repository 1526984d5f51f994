"""The measuring process and its schedule: interleaved visits; disturbed ones are rejected and repeated."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

from mbcost.errors import fail, printable
from mbcost.runner.settings import Settings, Source

#: Relative slow-down of the canary from which a visit counts as disturbed [1]. Chosen: above what an undisturbed core
#: varies by; a noisy machine rejects more visits with a smaller one.
DISTURBED: Final = 1.2
#: Undisturbed visits of each network. Bench and validation use the same number, since a minimum decreases with it.
#: Chosen: 106 networks fit into three minutes, and the same networks twice differ by 1 to 3 % in the mean
#: (reports/runner.md).
VISITS: Final = 5
#: Most visits of a network, including disturbed ones. Chosen: nearly twice as many, so that a busy machine ends too.
MOST_VISITS: Final = 9
#: Fewest networks, which are measured regardless of the time. Chosen: fewer leave most rates to their priors.
FEWEST: Final = 12
#: Environment of the measuring process: it keeps freed memory, so that only the first run has page faults.
_ALLOCATOR: Final = {"MALLOC_TRIM_THRESHOLD_": str(2**32), "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20)}
#: Most bytes of what an ended process printed that are shown [B].
_LAST_BYTES: Final = 300
#: The signal by which the system kills a process that runs out of memory.
_KILLED: Final = 9


class Visit(NamedTuple):
    """Several runs of a network in a row: the fastest, their number, and the slower canary around them [s]."""

    fastest_s: float
    runs: int
    canary_s: float


@dataclass(slots=True)
class Timing:
    """The timing of one network so far.

    Attributes
    ----------
    visits, disturbed
        Accepted and rejected visits.
    failed
        Why it could not be measured; empty if it was.
    seconds
        Time spent on it, including warm-up and building [s].
    warm_s
        The fastest run of a kernel directly after itself [s].
    load_s, first_s
        The shortest time to load a model file, and of its first inference after that [s].
    """

    visits: list[Visit] = field(default_factory=list)
    disturbed: list[Visit] = field(default_factory=list)
    failed: str = ""
    seconds: float = 0.0
    warm_s: float = math.inf
    load_s: float = math.inf
    first_s: float = math.inf

    def sort_out(self, canary_s: float) -> None:
        """Reject the visits during which the canary was slower than its usual time `canary_s`."""
        every = [*self.visits, *self.disturbed]
        self.visits = [visit for visit in every if visit.canary_s <= DISTURBED * canary_s]
        self.disturbed = [visit for visit in every if visit.canary_s > DISTURBED * canary_s]

    @property
    def runs(self) -> int:
        """Number of accepted runs."""
        return sum(visit.runs for visit in self.visits)

    @property
    def latency_s(self) -> float:
        """The fastest accepted run; of the disturbed ones if there is no other [s]."""
        return min(visit.fastest_s for visit in self.visits or self.disturbed)

    @property
    def spread_s(self) -> float:
        """Difference between the fastest run and the fastest run of the next-fastest visit [s]."""
        ordered = sorted(visit.fastest_s for visit in self.visits or self.disturbed)
        return ordered[1] - ordered[0] if len(ordered) > 1 else 0.0


class Session:
    """A measuring process, which is restarted if it dies. Use :func:`open_session`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.canaries_s: list[float] = []
        self._start()

    def ask(self, **request: Any) -> dict[str, Any]:
        """The reply to a request; ``failed`` is the reason of a failure, ``ended`` that the process died of it."""
        assert self._process.stdin is not None
        with suppress(OSError):  # the missing reply of a dead process reports it
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return self._reply()

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "mbcost.runner.worker", json.dumps(asdict(self.settings))]

    def _start(self) -> None:
        threads = str(self.settings.threads)
        # what a runtime prints is for its own developers, and shown only where it ends the process
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(  # noqa: S603  # this Python, this package
            self._command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
            env={
                **os.environ,
                **_ALLOCATOR,
                "OMP_NUM_THREADS": threads,
                "MKL_NUM_THREADS": threads,
                "OPENBLAS_NUM_THREADS": "1",
            },
            text=True,
            start_new_session=True,  # an interrupt from the keyboard is for the waiting process
        )
        try:
            reply = self._reply()
            if "failed" in reply:
                fail("MB603", f"{self.settings.title} cannot measure on {self.settings.device}: {reply['failed']}")
        except BaseException:
            self.close()
            raise

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            killed = code == -_KILLED
            why = "was killed, as by a system that runs out of memory" if killed else f"ended with code {code}"
            why += self._last_words()
            return {"failed": f"the measuring process {why}", "memory": killed, "ended": True}
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _last_words(self) -> str:
        """The last line that the process printed, behind a colon."""
        self._printed.seek(max(0, self._printed.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = self._printed.read().decode(errors="replace").strip().splitlines()
        return f": {printable(lines[-1], _LAST_BYTES)}" if lines else ""

    def close(self) -> None:
        """End the process at once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdout.close()
        with suppress(OSError):
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._printed.close()

    def visit(self, source: Source, timing: Timing, seconds: float) -> None:
        """Time a network once more. After one that breaks the process, or may have broken the device, a new one starts.

        Raises
        ------
        InputError
            MB603 if it does not start again.
        """
        before = time.monotonic()
        reply = self.ask(do="measure", source=asdict(source), seconds=seconds)
        timing.seconds += time.monotonic() - before
        if "failed" in reply:
            timing.failed = ("not enough memory: " if reply["memory"] else "") + str(reply["failed"])
            if "ended" in reply or (self.settings.device != "cpu" and not reply["memory"]):
                self.close()
                self._start()
            return
        self.canaries_s += reply["canary_s"]
        times = reply["times_s"]
        timing.load_s = min(timing.load_s, reply.get("load_s", math.inf))
        timing.first_s = min(timing.first_s, reply.get("first_s", math.inf))
        if source.kind == "kernel":
            timing.warm_s = min(timing.warm_s, *times[1:])
            times = times[:1]
        timing.visits.append(Visit(min(times), len(times), max(reply["canary_s"])))

    @property
    def canary_s(self) -> float:
        """The usual time of the canary: its lower quartile so far; infinite before the first one [s]."""
        ordered = sorted(self.canaries_s)
        return ordered[len(ordered) // 4] if ordered else math.inf


@contextmanager
def open_session(settings: Settings) -> Iterator[Session]:
    """A measuring process with these settings.

    Raises
    ------
    InputError
        MB603 if it cannot start, or has no such device.
    """
    session = Session(settings)
    try:
        yield session
    finally:
        session.close()


def visit_all(
    session: Session,
    sources: Sequence[tuple[str, Source]],
    *,
    until: float,
    seconds: float,
    first_until: float = math.inf,
    on_visit: Callable[[str, Timing], None] = lambda *_: None,
    timings: dict[str, Timing] | None = None,
    visits: int = VISITS,
) -> dict[str, Timing]:
    """Time networks in interleaved visits, in a new order each round.

    Rounds continue until every network has enough undisturbed visits, or the time is over. The first round skips
    networks that it has no time for, except for the required fewest; the second one visits all of the first. With no
    more than the fewest networks, further rounds do too, since the time was spent on building or compiling them.

    Parameters
    ----------
    until, first_until
        End of the further rounds and of the first one, on the monotonic clock [s].
    seconds
        Time of a visit's timed runs [s].
    on_visit
        Called with each network's name and timing after each of its visits.
    timings
        Known timings, which are extended.
    """
    found = {} if timings is None else timings
    for number in range(MOST_VISITS):
        due = [(name, source) for name, source in sources if _is_due(found.get(name), number, visits)]
        random.Random(number).shuffle(due)  # noqa: S311  # an order, not a secret
        for name, source in due:
            is_over = time.monotonic() > (first_until if number == 0 else until)
            if is_over and number != 1 and has_enough(found, is_first=number == 0):
                break
            timing = found.setdefault(name, Timing())
            session.visit(source, timing, seconds)
            on_visit(name, timing)
        for timing in found.values():
            timing.sort_out(session.canary_s)
    return found


def has_enough(found: Mapping[str, Timing], *, is_first: bool) -> bool:
    """Whether measuring may end with its time: with only the fewest networks, their visits are still completed."""
    return len(found) >= FEWEST if is_first else len(found) > FEWEST


def _is_due(timing: Timing | None, number: int, visits: int) -> bool:
    """Whether round `number` visits a network, given the wanted number of undisturbed visits."""
    if timing is None:
        return number == 0
    done = len(timing.visits) + len(timing.disturbed)
    return not timing.failed and len(timing.visits) < visits and done < visits + number
