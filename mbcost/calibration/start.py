"""How long a runtime takes to load a model file and for its first inference, fitted to a bench that measured both.

Loading reads the weights, which most runtimes pack for their kernels, and prepares each kernel; the first inference
touches memory that none has used before. So the time is linear in the weights' bytes, the kernels, and, of the first
inference, in the latency of those that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from mbcost.calibration.fit import LEAST_RATIO, scipy_module
from mbcost.calibration.record import StartTime

if TYPE_CHECKING:
    from mbcost.calibration.fit import Matrix
    from mbcost.calibration.measurements import Measurement, Work

#: Fewest networks with such a time. Chosen: three for each number that is fitted.
FEWEST: Final = 12
#: Relative error from which a time has less weight [1], and rounds of reweighting: Huber's loss, as in the fit of
#: rates, at twice its error, since each file is loaded only a few times.
_ROBUST: Final = 0.1
_ROUNDS: Final = 8
_FOLDS: Final = 10
_COVERED: Final = 0.9


class Start(NamedTuple):
    """Times that enough networks have; None for the others."""

    load: StartTime | None
    first: StartTime | None


def start_times(rows: Sequence[Measurement], work: Work) -> Start:
    """What measurements say of loading and of first inferences; `work` are their counts in the same order."""
    inference_s = np.array([row.measured_s for row in rows])
    load = _of([row.load_s for row in rows], np.zeros(len(rows)), work)
    return Start(load, _of([row.first_s for row in rows], inference_s, work))


def _of(times: Sequence[float | None], inference_s: Matrix, work: Work) -> StartTime | None:
    which = [i for i, seconds in enumerate(times) if seconds is not None]
    if len(which) < FEWEST:
        return None
    counts = np.column_stack((inference_s, np.ones(len(times)), work.launches, work.weight_bytes))
    return _fitted(counts[which], np.array([times[i] for i in which], dtype=float))


def _fitted(counts: Matrix, times_s: Matrix) -> StartTime:
    """Non-negative least squares of relative errors; the factor that holds nine of ten held-out times."""
    places = np.arange(len(times_s)) % _FOLDS
    ratios = [
        counts[places == fold] @ _solved(counts[places != fold], times_s[places != fold]) / times_s[places == fold]
        for fold in range(_FOLDS)
    ]
    errors = abs(np.log(np.maximum(np.concatenate(ratios), LEAST_RATIO)))
    factor = float(np.exp(np.quantile(errors, _COVERED)))
    inference, fixed, kernel, byte = map(float, _solved(counts, times_s))
    return StartTime(inference, fixed, kernel, byte, factor, len(times_s))


def _solved(counts: Matrix, times_s: Matrix) -> Any:
    relative, weights = counts / times_s[:, None], np.ones(len(times_s))
    nnls = scipy_module("scipy.optimize").nnls
    scale = np.maximum(relative.max(axis=0), np.finfo(float).tiny)  # seconds beside bytes
    for _ in range(_ROUNDS):
        found = nnls(relative / scale * weights[:, None], weights)[0]
        errors = abs(relative / scale @ found - 1)
        weights = np.sqrt(np.minimum(1.0, _ROBUST / np.maximum(errors, _ROBUST)))
    return found / scale
