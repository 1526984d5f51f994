"""Frames that pass through stages on several units: a discrete-event simulation, and the closed form of its limits.

A frame occupies one of n buffers from its entry to its end: with one, stages run one after the other; with two, the CPU
prepares the next frame while the accelerator runs this one. A unit runs one stage at a time, the oldest frame first.
Concurrent stages share the memory's bandwidth: where their demand exceeds it, all of them slow down by the same factor
(Hill and Reddi, Gables, HPCA 2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final, NamedTuple

from mbcost.checks import Checks
from mbcost.errors import fail

MOST_BUFFERS: Final = 1_000
MOST_FRAMES: Final = 10_000_000
#: Highest arrival rate of frames [1/s].
MOST_RATE: Final = 1e9
#: Events that a result keeps for its timeline.
SHOWN_EVENTS: Final = 400


class Stage(NamedTuple):
    """One step of every frame.

    Attributes
    ----------
    name, unit
        Its name, and the unit that runs it.
    seconds
        Mean time per frame while nothing else runs [s].
    traffic_bytes
        Memory traffic per frame [B].
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
    """The result of a simulation.

    Attributes
    ----------
    buffers
        Most frames in flight at once.
    offered, completed, dropped
        Numbers of frames; every offered frame is completed or dropped.
    frames_per_s
        Completed frames per second, between the first and the last completion.
    latency_s
        Percentile -> time from a frame's arrival to its end [s].
    wait_s
        Mean of the latency's part in which no stage worked on the frame [s].
    utilisation
        Unit -> share of the time in which it was busy [1].
    bound_frames_per_s
        Upper bound by :func:`closed_form`.
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
    """Upper bound on the throughput of stages with constant times [1/s].

    A unit serves at most one frame in the time of its stages, a frame occupies one of n buffers for the sum of all
    stages, and no more frames leave than arrive. A stream without jitter reaches the bound where each stage has a unit
    of its own and is not bandwidth-bound.
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

    More buffers never lower the throughput where each stage has a unit of its own. Where stages share a unit or the
    bandwidth, a longer queue changes their order, which can lower it.

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
        Bandwidth of the memory that the stages share [B/s]; None where it never limits them.

    Raises
    ------
    InputError
        MB010 for every number that is out of range.
    """
    check_numbers([buffers], frames, rate, jitter, seed)
    _check(stages, bandwidth)
    arrivals = repeat(None, frames) if rate is None else (frame / rate for frame in range(frames))
    times = _times(stages, frames, jitter, seed)
    log = _Log(stages)
    units = {stage.unit for stage in stages}
    demand = sum(stage.traffic_bytes / stage.seconds for stage in stages)
    if len(units) == len(stages) and (bandwidth is None or demand <= bandwidth):
        _run_in_line(stages, buffers, arrivals, times, drop, log)
    else:
        _Shared(stages, buffers, arrivals, times, drop, bandwidth or math.inf, log).run()
    return log.result(buffers, frames, closed_form(stages, buffers, rate))


def check_numbers(buffers: Iterable[int], frames: int, rate: float | None, jitter: float, seed: int = 0) -> None:
    """Raise an InputError with every number of a simulation that is of a wrong type or out of range, MB010 each."""
    checks = Checks()
    for number in buffers:
        checks.whole("buffers", number, least=1, most=MOST_BUFFERS)
    checks.whole("frames", frames, least=1, most=MOST_FRAMES)
    if rate is not None:
        checks.number("rate_fps", rate, above=0, most=MOST_RATE)
    if jitter != 0 or isinstance(jitter, bool):
        checks.number("jitter", jitter, above=0, most=2)
    checks.whole("seed", seed, least=0, most=2**63 - 1)
    checks.done()


def _check(stages: Sequence[Stage], bandwidth: float | None) -> None:
    if bandwidth is not None and not 0 < bandwidth < math.inf:
        fail("MB010", f"a bandwidth of {bandwidth:g} B/s is impossible")
    if not stages:
        fail("MB010", "a stream needs at least one stage")
    for stage in stages:
        if not 0 < stage.seconds < 1e6:
            fail("MB010", f"stage {stage.name} takes {stage.seconds:g} s, it has to be more than 0 and below 1e6")


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
    """Records the events of a simulation."""

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
    """Every stage on a unit of its own: a frame starts once the stage before, its unit and its buffer are free."""
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


class _Shared:
    """Stages that share units or the memory's bandwidth: from event to event.

    An event is the end of a stage on a unit or the arrival of a frame; of those at one time the ends come first. No
    frame overtakes another within a stage, so the oldest frame that waits for a unit is in the latest of its stages.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        buffers: int,
        arrivals: Iterator[float | None],
        times: Iterator[Sequence[float]],
        drop: bool,
        bandwidth: float,
        log: _Log,
    ) -> None:
        units = list(dict.fromkeys(stage.unit for stage in stages))
        self.unit_of = [units.index(stage.unit) for stage in stages]
        self.latest_first = [[i for i, u in enumerate(self.unit_of) if u == unit][::-1] for unit in range(len(units))]
        self.demand = [*(stage.traffic_bytes / stage.seconds for stage in stages), 0.0]  # the last: of an idle unit
        self.bandwidth = bandwidth
        self.ends = [math.inf] * (len(units) + 1)  # of what each unit runs; then when the next frame comes
        self.running = [-1] * len(units)  # stage of each unit
        self.waiting = [0] * len(stages)  # frames in front of each stage
        self.log = log
        self.free = buffers
        self.admitted = 0
        self.came = [0.0] * buffers  # by buffer, as the next two
        self.seconds: list[Sequence[float]] = [()] * buffers
        self.numbers = [0] * buffers
        self.frames = enumerate(zip(arrivals, times, strict=True))
        self.number, (arrival, self.times) = next(self.frames)
        self.arrival = arrival or 0.0
        self.saturated = arrival is None
        self.drop = drop and not self.saturated

    def run(self) -> None:
        """Until all frames have left or were dropped."""
        ends, running, waiting, seconds, demand = self.ends, self.running, self.waiting, self.seconds, self.demand
        busy, events, numbers = self.log.busy, self.log.events, self.numbers
        last, buffers, latest_first, first = len(waiting) - 1, len(seconds), self.latest_first, self.unit_of[0]
        # Where no set of concurrent stages exceeds the bandwidth, nothing ever slows down.
        contended = sum(max(demand[stage] for stage in own) for own in latest_first) > self.bandwidth
        slowdown, slowdowns = 1.0, {tuple(running): 1.0}  # factor on the time of what uses the memory, by what runs
        touched = [sorted({unit, after}) for unit, after in zip(self.unit_of, [*self.unit_of[1:], first], strict=True)]
        source, began, slots, never = len(running), [0.0] * len(running), [-1] * len(waiting), math.inf
        self.log.began = ends[source] = self.arrival
        while (now := min(ends)) != never:
            unit = ends.index(now)
            if unit == source:
                self._admit(now)
                changed = [first]
            else:
                stage = running[unit]
                running[unit] = -1
                ends[unit] = never
                busy[stage] += now - began[unit]
                if len(events) != SHOWN_EVENTS:
                    self.log.event(stage, numbers[slots[stage]], began[unit], now)
                if stage != last:
                    waiting[stage + 1] += 1
                else:
                    self._leave(slots[stage], now)
                changed = touched[stage]
            for unit in changed:
                if running[unit] < 0:
                    for stage in latest_first[unit]:
                        if waiting[stage]:
                            waiting[stage] -= 1
                            running[unit] = stage
                            began[unit] = now
                            slot = slots[stage] + 1
                            if slot == buffers:
                                slot = 0
                            slots[stage] = slot
                            ends[unit] = now + seconds[slot][stage] * (slowdown if demand[stage] else 1.0)
                            break
            if contended:
                wanted = slowdowns.get(tuple(running))
                if wanted is None:
                    wanted = slowdowns[tuple(running)] = self._slowdown()
                if wanted != slowdown:
                    self._stretch(wanted / slowdown, now)
                    slowdown = wanted

    def _admit(self, now: float) -> None:
        """Admit or drop the frames that have arrived; the next arrival is an event where it can be admitted."""
        while self.arrival <= now and (self.free or self.drop):
            if self.free:
                slot = self.admitted % len(self.came)
                self.admitted += 1
                self.free -= 1
                self.came[slot] = now if self.saturated else self.arrival
                self.seconds[slot] = self.times
                self.numbers[slot] = self.number
                self.waiting[0] += 1
            self.number, (arrival, self.times) = next(self.frames, (0, (math.inf, ())))
            self.arrival = now if arrival is None else arrival
        self.ends[-1] = self.arrival if self.free or self.drop else math.inf

    def _leave(self, slot: int, now: float) -> None:
        log = self.log
        if not log.latencies:
            log.first = now
        log.latencies.append(now - self.came[slot])
        log.last = now
        self.free += 1
        self._admit(now)

    def _slowdown(self) -> float:
        """Slow-down of all running stages that use the memory: their demand over its bandwidth (Gables) [1]."""
        return max(1.0, sum(self.demand[stage] for stage in self.running) / self.bandwidth)

    def _stretch(self, factor: float, now: float) -> None:
        """Change the slow-down of the running stages that use the memory for the rest of their time."""
        ends, demand = self.ends, self.demand
        for unit, stage in enumerate(self.running):
            if demand[stage]:
                ends[unit] = now + (ends[unit] - now) * factor
