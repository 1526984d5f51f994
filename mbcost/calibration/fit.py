"""Fits the rates of a latency form to measured latencies.

A network's predicted time is linear in the rates (counts times rates), so that the fit is a non-negative least-squares
problem. The relative error, predicted / measured - 1, is minimised: in milliseconds the largest networks would dominate
the fit. Huber weights limit the influence of single bad measurements, and a Gaussian prior keeps each rate near the
value from the device's facts as long as the data give no information about it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from mbcost.calibration.interval import INTERVAL
from mbcost.calibration.record import Calibration, FittedRate, FittedRow, Interval, Range, Residuals, State
from mbcost.errors import fail
from mbcost.numeric import NORMAL_90

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mbcost.devices import Target
    from mbcost.latency.form import LatencyForm, Spread

Matrix: TypeAlias = "NDArray[np.float64]"

#: Relative error of one network's latency, and where Huber's loss turns linear [1]. Chosen: about what a good form
#: leaves; 0.03 and 0.10 fit the Pixel 4's CPU as well (reports/ablations/cortex_a76.csv, "robust loss").
NOISE: Final = 0.05
#: The same of one kernel's latency: a form's errors of single kernels average out over a network [1]. Chosen, not
#: fitted: three times that of networks; the weight of kernel rows beside network rows depends on it.
KERNEL_NOISE: Final = 0.15
#: Standard deviation of a prior, as a share of its value, where a form says nothing else [1]. Chosen; 0.3 and 1.0 fit
#: the Pixel 4's CPU as well (reports/ablations/cortex_a76.csv, "priors"), they matter with few latencies.
PRIOR_SD: Final = 0.5
#: Below this ratio of posterior to prior standard deviation the data decide a rate [1]. Chosen: the data tell more
#: than the prior does (a ratio of 0.71 would be as much); the words "data" and "prior" in reports depend on it, no
#: latency does.
DETERMINED: Final = 0.5
#: Median of |log(predicted / measured)| of the fitted rows above which the fit failed [1]. Chosen: a factor of 1.65,
#: above every form that ships and below a mistaken unit or device.
WORST_FIT: Final = 0.5
#: Fewest latencies whose held-out errors give an interval; with fewer the posterior of the rates does.
FEWEST: Final = 3
#: Least ratio of a held-out prediction to its latency: what the others say nothing about may be predicted as 0 [1].
LEAST_RATIO: Final = 1e-3
#: Largest number of folds; with more rows, folds replace leave-one-out.
MOST_FOLDS: Final = 500
#: How fast intervals may grow with the posterior variance, and how fast they do where all networks are of one group:
#: what the nn-Meter bench (MobiSys 2021) chooses most often [1].
GROWTHS: Final = tuple((k / NOISE) ** 2 for k in (0, 1, 2, 3, 4, 6, 8))
GROWTH: Final = GROWTHS[2]
#: Fewest groups from which the growth is chosen. Chosen, nothing was tried: below, held-out groups decide little.
ENOUGH_GROUPS: Final = 5
#: Least width of an interval [1]; most rounds of the reweighting, and the change of the rates that ends it. Numerical:
#: no digit that a report shows depends on them.
_LEAST: Final = 1e-6
_ROUNDS: Final = 50
_CONVERGED: Final = 1e-7


class Fit(NamedTuple):
    """Fitted rates, in the order of the columns.

    Attributes
    ----------
    rates
        Seconds a count.
    uncertainty
        Posterior over prior standard deviation of each rate's own part, 1 where the data give no information about it.
    covariance
        Posterior covariance of the rates over their priors.
    """

    rates: Matrix
    uncertainty: Matrix
    covariance: Matrix


def fit(
    counts: Matrix,
    measured_s: Matrix,
    priors: Matrix,
    *,
    caps: Matrix | None = None,
    noise: float | Matrix = NOISE,
    prior_sd: float = PRIOR_SD,
    shared: Matrix | None = None,
    covariance: Matrix | None = None,
) -> Fit:
    """Rates by robust relative non-negative least squares.

    Parameters
    ----------
    counts
        One row per network, one column per term.
    measured_s
        Latency of each network [s].
    priors
        Rate of each term before any measurement [s a count]; one of 0 stays 0.
    caps
        Lower bound of each rate from the hardware's limits [s per count]; default: 0.
    noise
        Relative error of one measurement, for all or for each; Huber's loss turns linear there.
    prior_sd
        Standard deviation of each prior as a share of its value.
    shared
        Additional relative covariance of the priors, from factors that several rates share.
    covariance
        Relative covariance of the priors, where it is known as a whole: in place of `prior_sd` and `shared`.

    Raises
    ------
    InputError
        MB011 if scipy is not installed.
    """
    free = priors > 0
    if not free.all():
        kept = fit(counts[:, free], measured_s, priors[free], caps=None if caps is None else caps[free],
                   noise=noise, prior_sd=prior_sd,
                   shared=None if shared is None else shared[np.ix_(free, free)],
                   covariance=None if covariance is None else covariance[np.ix_(free, free)])  # fmt: skip
        return _scattered(kept, free)
    relative = counts * priors / measured_s[:, None]
    lowest = np.zeros(len(priors)) if caps is None else caps / priors
    deviation = np.broadcast_to(noise, measured_s.shape)
    own = np.full(len(priors), prior_sd)
    if covariance is None:
        covariance = np.eye(len(priors)) * prior_sd**2 + (0.0 if shared is None else shared)
    else:
        own = np.sqrt(np.diag(covariance))
    precision = np.linalg.inv(covariance)
    weights = 1 / deviation**2
    rates = np.ones(len(priors))
    for _ in range(_ROUNDS):
        gram = (relative.T * weights) @ relative + precision
        target = relative.T @ weights + precision.sum(axis=1)
        before, rates = rates, _bounded_solution(gram, target, lowest)
        if np.abs(rates - before).max() < _CONVERGED:
            break
        error = np.abs(relative @ rates - 1)
        weights = 1 / (deviation * np.maximum(error, deviation))
    left: Matrix = np.linalg.inv(gram).astype(np.float64)
    return Fit(rates * priors, np.minimum(np.sqrt(np.diag(left)) / own, 1.0), left)


def _scattered(kept: Fit, free: Any) -> Fit:
    """A fit of some of the rates extended to all; the others are 0, and the data give no information about them."""
    rates, uncertainty, covariance = np.zeros(len(free)), np.ones(len(free)), np.zeros((len(free), len(free)))
    rates[free], uncertainty[free], covariance[np.ix_(free, free)] = kept
    return Fit(rates, uncertainty, covariance)


def prior_of(form: LatencyForm, spread: Spread | None = None) -> dict[str, Any]:
    """The prior of a form's rates, as :func:`fit` takes it.

    Where a form learned from many devices how far its rates may be off, that is the prior. Else:

    A core that is slower than its facts at one computation usually is slower at all of them, and likewise its memory: a
    few latencies can decide one common factor for all rates of a kind where they cannot decide each rate.
    """
    if spread is not None:
        return {"covariance": symmetric(spread.covariance)}
    computes = np.array([term.group == "compute" for term in form.terms])
    return {"prior_sd": form.prior_sd, "shared": form.shared_sd**2 * (computes[:, None] == computes)}


def symmetric(lower: Sequence[Sequence[float]]) -> Matrix:
    """The matrix of a lower triangle."""
    triangle = np.array([[*row, *[0.0] * (len(lower) - len(row))] for row in lower])
    whole: Matrix = triangle + np.tril(triangle, -1).T
    return whole


def prior_covariance(form: LatencyForm, spread: Spread | None = None) -> Matrix:
    """Covariance of a form's rates over their priors, before any measurement."""
    prior = prior_of(form, spread)
    if spread is not None:
        known: Matrix = prior["covariance"]
        return known
    covariance: Matrix = np.eye(len(form.terms)) * prior["prior_sd"] ** 2 + prior["shared"]
    return covariance


def _bounded_solution(gram: Matrix, target: Matrix, lowest: Matrix) -> Matrix:
    """The x >= `lowest` that minimises x' gram x - 2 target' x."""
    root = np.linalg.cholesky(gram)
    rest = np.linalg.solve(root, target - gram @ lowest)
    solution: Matrix = scipy_module("scipy.optimize").nnls(root.T, rest)[0] + lowest
    return solution


def scipy_module(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError:
        fail("MB011", "calibrating needs scipy", hint="python -m pip install 'mbcost[calibrate]'")


class HeldOut(NamedTuple):
    """Held-out predictions: each network predicted by a fit without it.

    Attributes
    ----------
    ratios
        Predicted over measured latency [1].
    variance
        Posterior variance of the relative latency [1].
    """

    ratios: Matrix
    variance: Matrix


def hold_out(
    counts: Matrix,
    measured_s: Matrix,
    priors: Matrix,
    groups: Any,
    *,
    noise: float | Matrix = NOISE,
    **settings: Any,
) -> HeldOut:
    """Predict each group of networks by a fit to all others.

    Parameters
    ----------
    groups
        A label a network.
    """
    noise = np.broadcast_to(noise, measured_s.shape)
    ratios, variance = np.empty(len(measured_s)), np.empty(len(measured_s))
    for out in (groups == group for group in np.unique(groups)):
        found = fit(counts[~out], measured_s[~out], priors, noise=noise[~out], **settings)
        predicted = counts[out] @ found.rates
        predicted = np.maximum(predicted, LEAST_RATIO * measured_s[out])
        relative = counts[out] * priors / predicted[:, None]
        ratios[out] = predicted / measured_s[out]
        variance[out] = np.einsum("ij,jk,ik->i", relative, found.covariance, relative)
    return HeldOut(ratios, variance)


def leave_one_out(counts: Matrix, measured_s: Matrix, priors: Matrix, **settings: Any) -> Matrix:
    """Predicted over measured latency of each network, by a fit to all others [1]."""
    return hold_out(counts, measured_s, priors, _folds(len(measured_s)), **settings).ratios


def _folds(networks: int, names: Sequence[str] | None = None) -> Any:
    """One label per row: its own or its network's, or its fold where there are very many."""
    own = np.arange(networks) if names is None else np.unique(names, return_inverse=True)[1]
    return own % MOST_FOLDS


def learned_interval(spread: Spread) -> Interval:
    """The interval of rates whose spread was learned: so many standard deviations of the form's error and of the rates.

    It needs no held-out networks, so that it holds from the first latency on.
    """
    return Interval(1 + spread.calibrated_width * spread.noise, 1 / spread.noise**2)


def conformal_interval(
    one: HeldOut, group: HeldOut | None = None, groups: int = 1, coverage: float = INTERVAL
) -> Interval:
    """The interval with the given coverage, for networks like those held out and for others.

    Split-conformal with a width that depends on the network (Lei et al. 2018, Distribution-free predictive inference
    for regression, section 5.2): held-out distances from 1 are divided by sqrt(1 + growth * posterior variance), and
    the factor is their quantile at rank ceil((n + 1) * coverage). The growth is chosen so that the scaled distances of
    networks of unseen groups equal those of networks of seen groups; with few groups a default is used.

    Parameters
    ----------
    one, group
        Networks held out one by one, and group by group; None where they are of one group.
    groups
        Number of groups.
    """

    def quantile(of: HeldOut, growth: float) -> float:
        distances = np.maximum(of.ratios, 1 / of.ratios) - 1
        return _quantile(distances / np.sqrt(1 + growth * of.variance), coverage)

    if _rank(len(one.ratios), coverage) > len(one.ratios):
        return _interval_of_few(one, coverage)
    if group is None:
        return Interval(1 + quantile(one, GROWTH), GROWTH)
    choices = GROWTHS if groups >= ENOUGH_GROUPS else (GROWTH,)
    found = {growth: (quantile(one, growth), quantile(group, growth)) for growth in choices}
    growth = min(choices, key=lambda growth: abs(math.log(found[growth][0] / found[growth][1])))
    return Interval(1 + max(found[growth]), growth)


def _interval_of_few(held_out: HeldOut, coverage: float) -> Interval:
    """The interval of too few latencies for a quantile: a normal distribution's, of the form's noise and the rates.

    It is wider where the held-out errors, from three on in a Student's t interval, say so; a single latency is
    predicted by the priors. Held-out errors alone are not enough: in single draws of three or four of the published
    latencies of the Pixel 1 and 2 they happened to be so small that none of the others was inside.
    """
    growth = 1 / NOISE**2
    distances = np.maximum(held_out.ratios, 1 / held_out.ratios) - 1
    scaled = distances / np.sqrt(1 + growth * held_out.variance)
    width = float(scaled.max())
    if len(scaled) >= FEWEST:
        factor = float(scipy_module("scipy.stats").t.ppf((1 + coverage) / 2, len(scaled) - 1))
        width = max(width, factor * float(np.sqrt((scaled**2).mean())))
    return Interval(1 + max(NORMAL_90 * NOISE, width), growth)


def _quantile(distances: Matrix, coverage: float) -> float:
    """The conformal quantile, never 0."""
    return max(float(np.sort(distances)[_rank(len(distances), coverage) - 1]), _LEAST)


def _rank(number: int, coverage: float) -> int:
    """The rank of the conformal quantile among so many distances; above their number where they are too few."""
    return math.ceil((number + 1) * coverage)


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
    groups: Sequence[str] | None = None,
    within: Sequence[str] | None = None,
    noise: float | Matrix = NOISE,
    scored: Matrix | None = None,
    spread: Spread | None = None,
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
        Date of the fit, and what was measured.
    groups
        A label for each row, such as its architecture or family; default: one group. Where each row is a group of its
        own, there is no group error either.
    within
        The network that each row was measured in, with which it is held out; default: rows are held out one by one.
    noise
        Expected relative error of each row [1].
    scored
        Rows that enter the residuals and the interval: the whole networks, where there are enough; default: all.
    spread
        How far the priors may be off, where the form learned it from other devices: one latency is then enough.

    Raises
    ------
    InputError
        MB600 if there is no latency, MB602 if the fit failed, MB011 without scipy.
    """
    if not len(measured_s):
        fail("MB600", "there is no latency to fit")
    terms = [term.name for term in form.terms]
    covered = np.count_nonzero(counts, axis=0)
    before = np.array([priors[name] for name in terms])
    limits = _limits(target, form)
    caps = np.where([term.unit == "MAC" for term in form.terms], limits, 0.0)
    settings: dict[str, Any] = {"caps": caps, "noise": noise, **prior_of(form, spread)}
    fitted = fit(counts, measured_s, before, **settings)
    predicted = counts @ fitted.rates
    at_peak = bool(((caps > 0) & (fitted.rates <= caps * (1 + 1e-9))).any())
    _check_fit(np.maximum(predicted / measured_s, LEAST_RATIO), target, at_peak)
    chosen = np.ones(len(measured_s), dtype=bool) if scored is None or scored.sum() < FEWEST else scored
    each = hold_out(counts, measured_s, before, _folds(len(measured_s), within), **settings)
    labels = np.array(groups if groups is not None else [""] * len(measured_s))
    number = len(np.unique(labels[chosen]))
    has_groups = 1 < number < chosen.sum()
    together = hold_out(counts, measured_s, before, labels, **settings) if has_groups else None
    one, group = _chosen(each, chosen), None if together is None else _chosen(together, chosen)
    leverage, weights = influence(counts, measured_s, before, fitted, noise)
    shares = counts * fitted.rates / np.where(predicted > 0, predicted, 1.0)[:, None]
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
                float(limits[i]),
            )
            for i, term in enumerate(form.terms)
        },
        networks=len(measured_s),
        interval=conformal_interval(one, group, number) if spread is None else learned_interval(spread),
        covariance=tuple(tuple(map(float, row[: i + 1])) for i, row in enumerate(fitted.covariance)),
        residuals=residuals(one.ratios),
        unseen=residuals((group or one).ratios),
        macs=_range(macs),
        latency_s=_range(measured_s),
        shares={name: _range(shares[:, i]) for i, name in enumerate(terms)},
        data_sha256=data_hash(networks, counts, measured_s),
        date=date,
        source=source,
        rows=tuple(
            FittedRow(
                networks[i],
                str(labels[i]),
                float(measured_s[i]),
                float(predicted[i]),
                float(each.ratios[i] * measured_s[i]),
                None if together is None else float(together.ratios[i] * measured_s[i]),
                float(leverage[i]),
                float(weights[i]),
            )
            for i in range(len(measured_s))
        ),
    )


def influence(
    counts: Matrix, measured_s: Matrix, priors: Matrix, fitted: Fit, noise: float | Matrix
) -> tuple[Matrix, Matrix]:
    """Leverage and Huber weight of each row of a fit [1].

    Leverages are the diagonal of the hat matrix W^1/2 X (X'WX + P)^-1 X' W^1/2 of the last step, with P the precision
    of the prior.
    """
    deviation = np.broadcast_to(noise, measured_s.shape)
    relative = counts * priors / measured_s[:, None]
    error = np.abs(counts @ fitted.rates / measured_s - 1)
    left: Matrix = deviation / np.maximum(error, deviation)
    leverage: Matrix = left / deviation**2 * np.einsum("ij,jk,ik->i", relative, fitted.covariance, relative)
    return leverage, left


def _chosen(held_out: HeldOut, rows: Matrix) -> HeldOut:
    return HeldOut(held_out.ratios[rows], held_out.variance[rows])


def _check_fit(ratios: Matrix, target: Target, at_peak: bool) -> None:
    """Refuse a fit that does not describe its own data."""
    error = float(np.median(np.abs(np.log(ratios))))
    if error <= WORST_FIT:
        return
    hint = "are the latencies in the unit of their column, and of this device, runtime and precision?"
    if at_peak and np.median(ratios) > 1:
        hint = f"they are faster than the peak of {target.device.name} allows; {hint}"
        hint += f" A faster device is one of its own: `mbcost calibrate --device NAME --like {target.device.name}`"
    fail(
        "MB602",
        f"the fit failed: half of the latencies are wrong by a factor of {math.exp(error):.2g} or more",
        hint=hint,
    )


def _limits(target: Target, form: LatencyForm) -> Matrix:
    """The hardware's limits [s per unit]: arithmetic at the peak of the threads in use, traffic at the bandwidth."""
    units = target.threads if target.processor.kind == "cpu" else 1
    bandwidth = target.processor.bandwidth or target.device.memory.bandwidth
    limits = {
        "MAC": 1.0 / (target.peak.value * units) if target.peak else 0.0,
        "B": 1.0 / bandwidth.value if bandwidth else 0.0,
    }
    return np.array([limits.get(term.unit, 0.0) for term in form.terms])


def _state(covered: bool, uncertainty: float) -> State:
    if not covered:
        return "not covered"
    return "data" if uncertainty < DETERMINED else "prior"


def _range(values: Matrix) -> Range:
    return Range(float(values.min()), float(values.max()))
