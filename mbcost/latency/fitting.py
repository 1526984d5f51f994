"""Fits the rates of a latency form to measured latencies.

A network's predicted time is linear in the rates (counts times rates), so that the fit is a non-negative least-squares
problem. The error that counts is relative, predicted / measured - 1: in milliseconds the largest networks would own the
fit. Huber weights keep single bad measurements from moving it, and a Gaussian prior keeps each rate near the value that
the device's facts give as long as the data say nothing about it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from mbcost.errors import fail
from mbcost.latency.calibration import Calibration, FittedRate, Range, Residuals, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mbcost.devices import Target
    from mbcost.latency.form import LatencyForm

Matrix: TypeAlias = "NDArray[np.float64]"

#: Relative error of one network's latency, and where Huber's loss turns linear [1].
NOISE: Final = 0.05
#: The same of one kernel's latency: a form's errors of single kernels average out over a network [1].
KERNEL_NOISE: Final = 0.15
#: Standard deviation of a prior, as a share of its value [1].
PRIOR_SD: Final = 1.0
#: Below this ratio of posterior to prior standard deviation the data decide a rate [1].
DETERMINED: Final = 0.5
#: Coverage of the interval [1].
COVERAGE: Final = 0.9
#: Latencies that a fit takes at least.
FEWEST: Final = 3
_ROUNDS: Final = 50
_CONVERGED: Final = 1e-7


class Fit(NamedTuple):
    """Fitted rates, in the order of the columns.

    Attributes
    ----------
    rates
        Seconds a count.
    uncertainty
        Posterior over prior standard deviation, 1 where the data say nothing.
    """

    rates: Matrix
    uncertainty: Matrix


def fit(
    counts: Matrix,
    measured_s: Matrix,
    priors: Matrix,
    *,
    caps: Matrix | None = None,
    noise: float | Matrix = NOISE,
    prior_sd: float = PRIOR_SD,
) -> Fit:
    """Rates by robust relative non-negative least squares.

    Parameters
    ----------
    counts
        A row a network, a column a term.
    measured_s
        Latency of each network [s].
    priors
        Rate of each term before any measurement, above 0 [s a count].
    caps
        Smallest rate that the hardware allows for each term [s a count]; default: 0.
    noise
        Relative error of one measurement, or of each, which is also where Huber's loss turns linear.
    prior_sd
        Standard deviation of each prior as a share of its value.

    Raises
    ------
    InputError
        MB011 if scipy is not installed.
    """
    relative = counts * priors / measured_s[:, None]
    lowest = np.zeros(len(priors)) if caps is None else caps / priors
    deviation = np.broadcast_to(noise, measured_s.shape)
    weights = 1 / deviation**2
    rates = np.ones(len(priors))
    for _ in range(_ROUNDS):
        gram = (relative.T * weights) @ relative + np.eye(len(priors)) / prior_sd**2
        target = relative.T @ weights + 1 / prior_sd**2
        before, rates = rates, _bounded_solution(gram, target, lowest)
        if np.abs(rates - before).max() < _CONVERGED:
            break
        error = np.abs(relative @ rates - 1)
        weights = 1 / (deviation * np.maximum(error, deviation))
    return Fit(rates * priors, np.sqrt(np.diag(np.linalg.inv(gram))) / prior_sd)


def _bounded_solution(gram: Matrix, target: Matrix, lowest: Matrix) -> Matrix:
    """The x >= `lowest` that minimises x' gram x - 2 target' x."""
    root = np.linalg.cholesky(gram)
    rest = np.linalg.solve(root, target - gram @ lowest)
    solution: Matrix = _scipy_optimize().nnls(root.T, rest)[0] + lowest
    return solution


def _scipy_optimize() -> Any:
    from importlib import import_module

    try:
        return import_module("scipy.optimize")
    except ImportError:
        fail("MB011", "calibrating needs scipy", hint="python -m pip install 'mbcost[calibrate]'")


def leave_one_out(
    counts: Matrix, measured_s: Matrix, priors: Matrix, *, noise: float | Matrix = NOISE, **settings: Any
) -> Matrix:
    """Predicted over measured latency of each network, by a fit to all others [1]."""
    noise = np.broadcast_to(noise, measured_s.shape)
    keep = np.ones(len(measured_s), dtype=bool)
    ratios = np.empty(len(measured_s))
    for i in range(len(measured_s)):
        keep[i] = False
        rates = fit(counts[keep], measured_s[keep], priors, noise=noise[keep], **settings).rates
        ratios[i] = counts[i] @ rates / measured_s[i]
        keep[i] = True
    return ratios


def conformal_factor(ratios: Matrix, coverage: float = COVERAGE) -> float:
    """The factor f such that measured latencies lie within [predicted / f, predicted * f] as often as `coverage` says.

    Split-conformal, on held-out ratios of predicted to measured (Vovk et al. 2005): the quantile of \\|log ratio\\| at
    rank ceil((n + 1) * coverage), or the largest where there are too few networks for that rank.
    """
    distances = np.sort(np.abs(np.log(ratios)))
    rank = min(len(distances), math.ceil((len(distances) + 1) * coverage))
    return float(np.exp(distances[rank - 1]))


def residuals(ratios: Matrix) -> Residuals:
    """Statistics of ratios of predicted to measured latency."""
    errors = ratios - 1
    size = np.abs(errors)
    hits = [float((size <= limit).mean()) for limit in (0.05, 0.10, 0.20)]
    return Residuals(float(size.mean()), float(errors.mean()), *hits)


def data_hash(names: Sequence[str], counts: Matrix, measured_s: Matrix) -> str:
    """SHA-256 of what was fitted: each network's name, counts and latency, in the order of the names."""
    order = sorted(range(len(names)), key=lambda i: (names[i], float(measured_s[i])))
    text = "".join(f"{names[i]},{[*map(float, counts[i])]},{float(measured_s[i])!r}\n" for i in order)
    return hashlib.sha256(text.encode()).hexdigest()


def calibrate(
    target: Target,
    form: LatencyForm,
    networks: Sequence[str],
    counts: Matrix,
    macs: Matrix,
    measured_s: Matrix,
    priors: Mapping[str, float],
    *,
    date: str,
    source: str,
    noise: float | Matrix = NOISE,
    prior_sd: float = PRIOR_SD,
) -> Calibration:
    """The calibration of a target from latencies of whole networks, of kernels, or of both.

    Parameters
    ----------
    networks
        A name for each row.
    counts, macs, measured_s
        Counts of the form's terms, MACs and latency [s] of each network.
    priors
        Rate of each term before any measurement [s a count].
    date, source
        When, and what was measured.
    noise
        Relative error that is to be expected of each row [1].

    Raises
    ------
    InputError
        MB600 if there are fewer than :data:`FEWEST` latencies, MB011 if scipy is not installed.
    """
    if len(measured_s) < FEWEST:
        fail("MB600", f"{len(measured_s)} latencies are too few to fit, it takes at least {FEWEST}")
    terms = [term.name for term in form.terms]
    covered = np.count_nonzero(counts, axis=0)
    before = np.array([priors[name] for name in terms])
    settings: dict[str, Any] = {"caps": _caps(target, form), "prior_sd": prior_sd, "noise": noise}
    fitted = fit(counts, measured_s, before, **settings)
    held_out = leave_one_out(counts, measured_s, before, **settings)
    predicted = counts @ fitted.rates
    shares = counts * fitted.rates / predicted[:, None]
    return Calibration(
        device=target.device.name,
        processor=target.processor.name,
        runtime=target.runtime,
        precision=target.precision,
        threads=target.threads,
        form=form.name,
        rates={
            term.name: FittedRate(
                float(fitted.rates[i]),
                float(before[i]),
                term.unit,
                float(fitted.uncertainty[i]),
                _state(bool(covered[i]), float(fitted.uncertainty[i])),
            )
            for i, term in enumerate(form.terms)
        },
        networks=len(measured_s),
        interval=conformal_factor(held_out),
        residuals=residuals(held_out),
        macs=_range(macs),
        latency_s=_range(measured_s),
        shares={name: _range(shares[:, i]) for i, name in enumerate(terms)},
        data_sha256=data_hash(networks, counts, measured_s),
        date=date,
        source=source,
    )


def _caps(target: Target, form: LatencyForm) -> Matrix:
    """The fastest rate of each term: arithmetic at the peak of the threads in use; none for traffic: caches."""
    peak = target.peak
    if peak is None:
        return np.zeros(len(form.terms))
    units = target.threads if target.processor.kind == "cpu" else 1
    fastest = 1.0 / (peak.value * units)
    return np.array([fastest if term.unit == "MAC" else 0.0 for term in form.terms])


def _state(covered: bool, uncertainty: float) -> State:
    if not covered:
        return "not covered"
    return "data" if uncertainty < DETERMINED else "prior"


def _range(values: Matrix) -> Range:
    return Range(float(values.min()), float(values.max()))
