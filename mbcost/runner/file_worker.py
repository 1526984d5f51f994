"""The measuring process of a runtime of model files: each visit loads a file, times it, and frees it again."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from mbcost.runner.engines import ENGINES, Operator
from mbcost.runner.environment import engine_facts
from mbcost.runner.settings import Settings, Source

#: The canary: a matrix product in a core's caches, which only a disturbance makes slower.
CANARY_SIZE: Final = 192
CANARY_RUNS: Final = 8
_FEWEST_RUNS: Final = 4
_MOST_RUNS: Final = 40


def runs_for(first_s: float, seconds: float) -> int:
    """Number of runs of a visit of about `seconds`, given the time of one [s]."""
    return int(min(_MOST_RUNS, max(_FEWEST_RUNS, seconds / max(first_s, 1e-6))))


class FileWorker:
    """Model files in one runtime.

    Attributes
    ----------
    also_measured
        ``load_s`` and ``first_s`` of the last visit: its time to load the file, and of the first inference [s].
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = ENGINES[settings.engine]
        import_module(self.engine.package)
        self._factors = np.random.default_rng(0).random((2, CANARY_SIZE, CANARY_SIZE), np.float32)
        self._product = np.empty((CANARY_SIZE, CANARY_SIZE), np.float32)
        self.also_measured: Mapping[str, float] = {}

    def canary(self) -> float:
        """Time of the canary on the slowest of the process's cores [s]."""
        if self.settings.threads == 1 or not hasattr(os, "sched_setaffinity"):
            return self._canary()
        cores = os.sched_getaffinity(0)
        try:
            times = []
            for core in cores:
                os.sched_setaffinity(0, {core})
                times.append(self._canary())
        finally:
            os.sched_setaffinity(0, cores)
        return max(times)

    def _canary(self) -> float:
        first, second = self._factors
        return min(_timed(lambda: np.matmul(first, second, out=self._product)) for _ in range(CANARY_RUNS))

    def environment(self) -> dict[str, Any]:
        """The machine, the runtime and its settings."""
        return engine_facts(self.engine, self.settings.threads)

    def facts(self) -> dict[str, float]:
        """Peaks and bandwidths."""
        from mbcost.runner.engines.probes import measured_facts

        return measured_facts(self.engine, self.settings.file_precision)

    def measure(self, source: Source, seconds: float) -> list[float]:
        """Times of single inferences [s], warmed up, for about `seconds` in all."""
        before = time.perf_counter_ns()
        run = self.engine.load(Path(source.name), self.settings.threads)
        load_s = (time.perf_counter_ns() - before) * 1e-9
        self.also_measured = {"load_s": load_s, "first_s": _timed(run)}
        times = [_timed(run) for _ in range(runs_for(_timed(run), seconds))]
        del run
        self.forget()
        return times

    def operators(self, source: Source, runs: int = 10) -> list[Operator]:
        """The operators in the order of execution; none without a profiler."""
        if not self.engine.profiles:
            return []
        return self.engine.operators(Path(source.name), self.settings.threads, runs)

    def forget(self) -> None:
        """Free what the last visit loaded."""
        gc.collect()


def _timed(run: Callable[[], Any]) -> float:
    """Time of one call [s]."""
    before = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - before) * 1e-9
