"""Frames that pass through stages on several units: a discrete-event simulation, and the closed form of its limits.

A frame takes one of n buffers when it enters and gives it back when it leaves: with one, stages run one after the
other; with two, the CPU prepares the next frame while the accelerator runs this one. A unit runs one stage at a time,
the oldest frame first. Stages that run at once share the memory's bandwidth: where they ask for more than there is, all
that ask slow down alike (Hill and Reddi, Gables, HPCA 2019).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final, NamedTuple

from mbcost.errors import fail

MOST_BUFFERS: Final = 1_000
MOST_FRAMES: Final = 10_000_000
#: Events that a result keeps for its timeline.
SHOWN_EVENTS: Final = 400


class Stage(NamedTuple):
    """One step of every frame.

    Attributes
    ----------
    name, unit
        What it does, and which unit it keeps busy.
    seconds
        Mean time of a frame while nothing else runs [s].
    traffic_bytes
        Memory traffic of a frame [B].
    """

    name: str
    unit: str
    seconds: float
    traffic_bytes: float = 0.0


class Event(NamedTuple):
    """A stage of a frame, from start to end [s]."""

    stage: str
    unit: str
    frame: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Stream:
    """What a simulation saw.

    Attributes
    ----------
    buffers
        Frames that may be under way at once.
    offered, completed, dropped
        Frames; all that were offered were completed or dropped.
    frames_per_s
        Completed frames a second, between the first and the last completion.
    latency_s
        Percentile -> time from a frame's arrival to its end [s].
    wait_s
        Mean of the part of that in which no stage worked on the frame [s].
    utilisation
        Unit -> share of the time in which it was busy [1].
    bound_frames_per_s
        What :func:`closed_form` says.
    timeline
        The first events.
    """

    buffers: int
    offered: int
    completed: int
    dropped: int
    frames_per_s: float
    latency_s: dict[int, float]
    wait_s: float
    utilisation: dict[str, float]
    bound_frames_per_s: float
    timeline: tuple[Event, ...]


def closed_form(stages: Sequence[Stage], buffers: int, rate: float | None = None) -> float:
    """The most frames a second that stages of constant time can reach.

    No unit serves more than one frame in the time of its stages, a frame keeps one of n buffers for the sum of all
    stages, and no more frames leave than arrive. Where each stage has a unit of its own and memory does not bind, a
    stream without jitter reaches it.
    """
    busy: dict[str, float] = {}
    for stage in stages:
        busy[stage.unit] = busy.get(stage.unit, 0.0) + stage.seconds
    total = sum(stage.seconds for stage in stages)
    bounds = [1 / max(busy.values()), buffers / total]
    return min([*bounds, rate] if rate is not None else bounds)


def simulate(
    stages: Sequence[Stage],
    *,
    buffers: int = 2,
    frames: int = 1_000,
    rate: float | None = None,
    drop: bool = False,
    jitter: float = 0.0,
    bandwidth: float | None = None,
    seed: int = 0,
) -> Stream:
    """Run frames through stages.

    More buffers never lower the throughput where each stage has a unit of its own. Where stages share one, or share
    bandwidth, a longer queue changes their order and can cost some of it.

    Parameters
    ----------
    stages
        In the order in which a frame passes them.
    rate
        Frames a second that arrive; None for one whenever a buffer is free.
    drop
        Drop a frame that arrives while no buffer is free; else it waits.
    jitter
        Standard deviation of every stage's time as a share of its mean; log-normal.
    bandwidth
        Of the memory that the stages share [B/s]; None where it never binds.

    Raises
    ------
    InputError
        MB010 for every number that is out of range.
    """
    _check(stages, buffers, frames, rate, jitter, bandwidth)
    arrivals = repeat(None, frames) if rate is None else (frame / rate for frame in range(frames))
    times = _times(stages, frames, jitter, seed)
    log = _Log(stages)
    units = {stage.unit for stage in stages}
    demand = sum(stage.traffic_bytes / stage.seconds for stage in stages)
    if len(units) == len(stages) and (bandwidth is None or demand <= bandwidth):
        _run_in_line(stages, buffers, arrivals, times, drop, log)
    else:
        _Shared(stages, buffers, list(arrivals), times, drop, bandwidth or math.inf, log).run()
    return log.result(buffers, frames, closed_form(stages, buffers, rate))


def _check(
    stages: Sequence[Stage], buffers: int, frames: int, rate: float | None, jitter: float, bandwidth: float | None
) -> None:
    if not 1 <= buffers <= MOST_BUFFERS:
        fail("MB010", f"{buffers} buffers are impossible: there can be 1 to {MOST_BUFFERS:,}")
    if not 1 <= frames <= MOST_FRAMES:
        fail("MB010", f"{frames} frames are out of range: 1 to {MOST_FRAMES:,}")
    if rate is not None and not 0 < rate < 1e9:
        fail("MB010", f"{rate:g} frames a second arrive, it has to be more than 0", hint="leave it out for no limit")
    if not 0 <= jitter <= 2:
        fail("MB010", f"jitter is {jitter:g}, it has to be from 0 to 2 (200 %)")
    if bandwidth is not None and not 0 < bandwidth < math.inf:
        fail("MB010", f"a bandwidth of {bandwidth:g} B/s is impossible")
    if not stages:
        fail("MB010", "a stream needs at least one stage")
    for stage in stages:
        if not 0 < stage.seconds < 1e6:
            fail("MB010", f"stage {stage.name} takes {stage.seconds:g} s, it has to be more than 0")


def _times(stages: Sequence[Stage], frames: int, jitter: float, seed: int) -> Iterator[Sequence[float]]:
    """For every frame the time of each stage [s]."""
    means = [stage.seconds for stage in stages]
    if jitter == 0:
        yield from repeat(means, frames)
        return
    import numpy as np

    random = np.random.default_rng(seed)
    sigma = math.sqrt(math.log1p(jitter**2))
    for start in range(0, frames, 65_536):
        shape = (min(65_536, frames - start), len(means))
        yield from (np.array(means) * random.lognormal(-(sigma**2) / 2, sigma, shape)).tolist()


class _Log:
    """What happened, as it happens."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        self.busy = [0.0] * len(stages)
        self.latencies: list[float] = []
        self.began = math.inf
        self.first = math.inf
        self.last = 0.0
        self.events: list[Event] = []

    def event(self, stage: int, frame: int, start: float, end: float) -> None:
        if len(self.events) < SHOWN_EVENTS:
            name, unit = self.stages[stage][:2]
            self.events.append(Event(name, unit, frame, start, end))

    def line(self, frame: int, seconds: Sequence[float], ends: Sequence[float]) -> None:
        """A frame's stages, from their times and ends."""
        if self.first == math.inf:
            self.began, self.first = ends[0] - seconds[0], ends[-1]
        for stage, (end, spent) in enumerate(zip(ends, seconds, strict=True)):
            self.event(stage, frame, end - spent, end)

    def result(self, buffers: int, offered: int, bound: float) -> Stream:
        latencies = sorted(self.latencies)
        done = len(latencies)
        span = self.last - self.first
        busy: dict[str, float] = {}
        for stage, seconds in zip(self.stages, self.busy, strict=True):
            busy[stage.unit] = busy.get(stage.unit, 0.0) + seconds
        whole = self.last - self.began
        return Stream(
            buffers=buffers,
            offered=offered,
            completed=done,
            dropped=offered - done,
            frames_per_s=(done - 1) / span if done > 1 else 1 / latencies[0],
            latency_s={p: latencies[min(done - 1, math.ceil(p / 100 * done) - 1)] for p in (50, 90, 99)},
            wait_s=max(0.0, (sum(latencies) - sum(self.busy)) / done),
            utilisation={unit: min(1.0, seconds / whole) for unit, seconds in busy.items()},
            bound_frames_per_s=bound,
            timeline=tuple(sorted(self.events, key=lambda event: (event.start_s, event.frame))),
        )


def _run_in_line(
    stages: Sequence[Stage],
    buffers: int,
    arrivals: Iterator[float | None],
    times: Iterator[Sequence[float]],
    drop: bool,
    log: _Log,
) -> None:
    """Every stage on a unit of its own: a frame starts where the stage before, its unit and its buffer let it."""
    free = [0.0] * buffers  # when each buffer is given back; frames leave in their order
    ready = [0.0] * len(stages)
    busy, latencies, numbers, slot = log.busy, log.latencies, range(len(stages)), 0
    for frame, (arrival, seconds) in enumerate(zip(arrivals, times, strict=True)):
        now = free[slot]
        if arrival is None:
            came = now = max(now, ready[0])
        elif now > arrival:
            if drop:
                continue
            came = arrival
        else:
            came = now = arrival
        for i in numbers:
            if ready[i] > now:
                now = ready[i]
            spent = seconds[i]
            now += spent
            ready[i] = now
            busy[i] += spent
        if len(log.events) < SHOWN_EVENTS:
            log.line(frame, seconds, ready)
        free[slot] = now
        slot = slot + 1 if slot + 1 < buffers else 0
        latencies.append(now - came)
    log.last = ready[-1]


class _Task:
    """A stage of a frame that is under way."""

    __slots__ = ("frame", "left", "stage", "start")

    def __init__(self, frame: int, stage: int, start: float, left: float) -> None:
        self.frame, self.stage, self.start, self.left = frame, stage, start, left


class _Shared:
    """Stages that share units or the memory's bandwidth: from event to event."""

    def __init__(
        self,
        stages: Sequence[Stage],
        buffers: int,
        arrivals: list[float | None],
        times: Iterator[Sequence[float]],
        drop: bool,
        bandwidth: float,
        log: _Log,
    ) -> None:
        self.stages, self.free, self.arrivals, self.times = stages, buffers, arrivals, times
        self.drop, self.bandwidth, self.log = drop and arrivals[0] is not None, bandwidth, log
        self.demand = [stage.traffic_bytes / stage.seconds for stage in stages]
        self.waiting: dict[str, list[tuple[int, int]]] = {stage.unit: [] for stage in stages}
        self.running: dict[str, _Task] = {}
        self.came: dict[int, float] = {}
        self.seconds: dict[int, Sequence[float]] = {}
        self.next = 0
        self.now = 0.0

    def run(self) -> None:
        """Until all frames have left or were dropped."""
        self._admit()
        while self.running or self.next < len(self.arrivals):
            arrival = self._next_arrival()
            slow = self._slowdown()
            ends = [
                (task.left * (slow if self.demand[task.stage] else 1.0), unit) for unit, task in self.running.items()
            ]
            wait, unit = min(ends) if ends else (math.inf, "")
            if arrival is not None and arrival - self.now < wait:
                self._advance(max(0.0, arrival - self.now), slow)
                self.now = max(self.now, arrival)
            else:
                self._advance(wait, slow)
                self.now += wait
                self._finish(unit)
            self._admit()

    def _next_arrival(self) -> float | None:
        """When the next frame comes that the source can act on; one that waits for a buffer comes with the buffer."""
        if self.next >= len(self.arrivals) or (self.free == 0 and not self.drop):
            return None
        return self.arrivals[self.next]

    def _slowdown(self) -> float:
        """Factor on the time of the stages that use the memory (Gables) [1]."""
        return max(1.0, sum(self.demand[task.stage] for task in self.running.values()) / self.bandwidth)

    def _advance(self, wait: float, slow: float) -> None:
        for task in self.running.values():
            task.left -= wait / (slow if self.demand[task.stage] else 1.0)

    def _admit(self) -> None:
        """Take frames that have come while there are buffers, and start what can start."""
        while self.next < len(self.arrivals):
            arrival = self.arrivals[self.next]
            if arrival is not None and arrival > self.now:
                break
            if self.free == 0 and not self.drop:
                break
            frame, self.next = self.next, self.next + 1
            seconds = next(self.times)
            if self.free:
                self.free -= 1
                self.came[frame] = self.now if arrival is None else arrival
                self.seconds[frame] = seconds
                heapq.heappush(self.waiting[self.stages[0].unit], (frame, 0))
        for unit, queue in self.waiting.items():
            if queue and unit not in self.running:
                frame, stage = heapq.heappop(queue)
                self.running[unit] = _Task(frame, stage, self.now, self.seconds[frame][stage])
                self.log.began = min(self.log.began, self.now)

    def _finish(self, unit: str) -> None:
        task, log = self.running.pop(unit), self.log
        log.busy[task.stage] += self.now - task.start
        log.event(task.stage, task.frame, task.start, self.now)
        if task.stage + 1 < len(self.stages):
            heapq.heappush(self.waiting[self.stages[task.stage + 1].unit], (task.frame, task.stage + 1))
            return
        self.free += 1
        del self.seconds[task.frame]
        log.latencies.append(self.now - self.came.pop(task.frame))
        log.first = min(log.first, self.now)
        log.last = self.now
