"""Measured latencies of the configurations of a sweep, from the files that ship with mbcost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from mbcost.architectures.loader import find_builtin
from mbcost.calibration.measurements import bundled, is_of, read_measurements
from mbcost.devices import Target
from mbcost.graph import check_architecture
from mbcost.search.evaluate import Outcome, Work
from mbcost.search.grid import Floats


def measured_ms(work: Work, outcome: Outcome, target: Target, batch: int) -> Floats:
    """Measured latency of each configuration [ms]; NaN without a measurement on the same target."""
    result = np.full(work.points.size, np.nan)
    rows = of_network(work.spec.name, target)
    if not rows or work.how.options or find_builtin(work.spec.name, check_architecture) is not work.spec:
        return result
    for (alpha, resolution, images), latency_ms in rows.items():
        if images == batch:
            size = work.spec.input_shape.height if resolution is None else resolution
            result[(work.points.alpha == alpha) & (outcome.height == size) & (outcome.width == size)] = latency_ms
    return result


@lru_cache(maxsize=256)
def of_network(name: str, target: Target) -> Mapping[tuple[float, int | None, int], float]:
    """(alpha, resolution, batch) -> bundled latency [ms] of a shipped network on a target; the first row counts."""
    found: dict[tuple[float, int | None, int], float] = {}
    for row in (row for path in bundled(target) for row in read_measurements(path)[0]):
        if row.architecture == name and is_of(row, target):
            found.setdefault((row.alpha, row.resolution, row.batch), row.measured_s * 1e3)
    return found
