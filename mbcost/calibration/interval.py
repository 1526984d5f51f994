"""The 90 % interval of a calibrated prediction, wider outside the range of the measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from mbcost.calibration.record import Calibration, Range
from mbcost.numeric import Real, maximum, where

if TYPE_CHECKING:
    from mbcost.numeric import Mask


#: Share of latencies that lie within the interval around a prediction [1]. Chosen, as most papers on latency
#: prediction report it; every interval, its word in reports and the fit of its factor depend on it.
INTERVAL: Final = 0.9
#: Factor on the interval for a network outside the calibration's range. Chosen, nothing was fitted: a quarter more; the
#: posterior variance already widens it (:class:`Interval`).
WIDER_OUTSIDE: Final = 1.25
#: The same for a number of threads that was not measured. Chosen, nothing was fitted: the profile's scaling with
#: threads is not validated, so that the interval is twice as wide.
WIDER_THREADS: Final = 2.0
#: Tolerance around the range of the calibration's networks, as a factor. Chosen, nothing was fitted: half more MACs or
#: latency than the largest network is no other kind of network; which networks get the caveat depends on it.
RANGE_SLACK: Final = 1.5
#: The same for a term's share of the time, as a difference. Chosen, nothing was fitted: which networks get the
#: caveat and the wider interval depends on it.
SHARE_SLACK: Final = 0.05


class Workload(NamedTuple):
    """The figures by which a calibration compares networks: numbers, or arrays of configurations.

    Attributes
    ----------
    macs, latency_s
        Of the network; latency in seconds.
    shares
        Term -> share of the network's time.
    counts
        Term -> its count.
    """

    macs: Real
    latency_s: Real
    shares: Mapping[str, Real]
    counts: Mapping[str, Real]


def unlike(calibration: Calibration, workload: Workload) -> list[str]:
    """Where one network is outside the calibration's range, in words; empty if nowhere."""
    macs, latency_s, shares, _ = workload
    found = []
    if _beyond(macs, calibration.macs):
        low, high = (f"{_short(value / 1e6)}" for value in calibration.macs)
        found.append(f"{_short(macs / 1e6)} M MACs ({low} to {high} M there)")
    if _beyond(latency_s, calibration.latency_s):
        low, high = (_short(value * 1e3) for value in calibration.latency_s)
        found.append(f"{_short(latency_s * 1e3)} ms ({low} to {high} ms there)")
    for term, share in shares.items():
        low, high = (f"{limit:.0%}" for limit in calibration.shares[term])
        if share > calibration.shares[term].high + SHARE_SLACK:
            found.append(f"{share:.0%} of the time is {term} ({low} to {high} there)")
    return found


def _short(value: Real) -> str:
    """Three significant digits, or the whole integer part if it is longer: ``4,089``."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def is_unlike(calibration: Calibration, workload: Workload) -> Mask:
    """Whether :func:`unlike` finds anything, for one network or an array of them."""
    macs, latency_s, shares, _ = workload
    found: Mask = _beyond(macs, calibration.macs) | _beyond(latency_s, calibration.latency_s)
    for term, share in shares.items():
        found = found | (share > calibration.shares[term].high + SHARE_SLACK)
    return found


def posterior_variance(covariance: Sequence[Sequence[float]], relative: Sequence[Real]) -> Real:
    """Variance of a network's relative latency that follows from the uncertainty of the rates.

    Parameters
    ----------
    covariance
        Covariance of the rates over their priors: a lower triangle.
    relative
        Each term's time at the prior as a share of the latency: a number, or an array with one entry a network.
    """
    variance: Real = 0.0
    for i, row in enumerate(covariance):
        for j, value in enumerate(row):
            variance = variance + (1 if i == j else 2) * value * relative[i] * relative[j]
    result: Real = maximum(variance, 0.0)
    return result


def interval_factor(calibration: Calibration, workload: Workload, other_threads: bool = False) -> Real:
    """The factor f of a 90 % interval, [latency / f, latency * f], for one network or an array of them [1].

    It is larger where the rates that a network depends on are uncertain, for a network outside the calibration's range,
    and for a number of threads that was not measured.
    """
    latency = where(workload.latency_s > 0, workload.latency_s, 1.0)
    relative = [workload.counts[name] * rate.prior / latency for name, rate in calibration.rates.items()]
    wider = where(is_unlike(calibration, workload), WIDER_OUTSIDE, 1.0) * (WIDER_THREADS if other_threads else 1.0)
    f = calibration.interval.bounds(posterior_variance(calibration.covariance, relative))
    result: Real = 1 + wider * (f - 1)
    return result


def _beyond(value: Real, limits: Range) -> Mask:
    return (value < limits.low / RANGE_SLACK) | (value > limits.high * RANGE_SLACK) | (value != value)
