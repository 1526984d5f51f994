"""A calibration: rates of a form that were fitted to latencies measured on one target, and how far they hold.

Made by :mod:`mbcost.latency.fitting`, kept as a file by :mod:`mbcost.latency.calibration_file`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from mbcost.devices import Target
from mbcost.kernels import Parameter
from mbcost.latency.form import Rate
from mbcost.numeric import Real, maximum, square_root, where

if TYPE_CHECKING:
    from mbcost.numeric import Mask

#: What decided a rate: the measurements; the prior, which they hardly moved; or the prior alone, for want of a kernel.
State: TypeAlias = Literal["data", "prior", "not covered"]
STATES: Final = ("data", "prior", "not covered")

#: How much wider the interval is for a network unlike those of the calibration.
WIDER_OUTSIDE: Final = 1.25
#: The same for a number of threads that was not measured.
WIDER_THREADS: Final = 2.0
#: How far beyond the range of the calibration's networks still counts as inside, as a factor of MACs and latency.
RANGE_SLACK: Final = 1.5
#: The same for a term's share of the time, as a difference.
SHARE_SLACK: Final = 0.05

_PREFIXES: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


class Range(NamedTuple):
    """From the smallest to the largest of the calibration's networks."""

    low: float
    high: float


class Interval(NamedTuple):
    """Bounds of a prediction: [latency / f, latency * f] with f = 1 + (factor - 1) * sqrt(1 + growth * variance).

    Attributes
    ----------
    factor
        f of a network whose time depends only on rates that are known exactly [1].
    growth
        How fast f grows with the posterior variance of a network's latency as a share of it; 0 for not at all [1].
    """

    factor: float
    growth: float

    def bounds(self, variance: Real) -> Real:
        """f for a network, or for an array of them."""
        f: Real = 1 + (self.factor - 1) * square_root(1 + self.growth * variance)
        return f


@dataclass(frozen=True, slots=True)
class FittedRate:
    """One rate of a calibration.

    Attributes
    ----------
    seconds, prior
        Fitted, and before any measurement [s a unit].
    unit
        What is counted: MAC, B, read.
    uncertainty
        Posterior over prior standard deviation: near 0, the data decided; 1, they said nothing [1].
    state
        What decided the rate.
    limit
        What the hardware can do: the peak of the arithmetic, or the bandwidth of the memory, which caches can exceed;
        0 where there is no such number [s a unit].
    """

    seconds: float
    prior: float
    unit: str
    uncertainty: float
    state: State
    limit: float = 0.0

    @property
    def reading(self) -> str:
        """The rate the other way round, such as ``10.1 GMAC/s, 45 % of peak``."""
        if self.seconds == 0:
            return "free"
        speed = 1.0 / self.seconds
        scale, prefix = next((pair for pair in _PREFIXES if speed >= pair[0]), (1.0, ""))
        share = f", {self.limit / self.seconds:.0%} of {self.limited_by}".replace("%", " %") if self.limit else ""
        return f"{speed / scale:.3g} {prefix}{self.unit}/s{share}"

    @property
    def limited_by(self) -> str:
        """What the limit is."""
        return "peak" if self.unit == "MAC" else "bandwidth"

    @property
    def at_limit(self) -> bool:
        """Whether the arithmetic runs at its peak, which says that the form lacks a term or counts too much."""
        return self.unit == "MAC" and 0 < self.seconds <= self.limit * (1 + 1e-9)


@dataclass(frozen=True, slots=True)
class Residuals:
    """Relative errors, predicted / measured - 1, of held-out predictions [1].

    Attributes
    ----------
    mape, bias
        Mean absolute and mean error.
    hit5, hit10, hit20
        Share of networks within 5, 10 and 20 %.
    """

    mape: float
    bias: float
    hit5: float
    hit10: float
    hit20: float


class FittedRow(NamedTuple):
    """A latency that went into a fit.

    Attributes
    ----------
    name, group
        The network or kernel, and what it was held out together with.
    measured_s, fitted_s
        Latency, and what the fit makes of it [s].
    left_out_s, group_out_s
        Latency by a fit without it, and without its group; None where all are of one group [s].
    leverage
        How much of its own prediction it decides, from 0 to 1; over all rows they add up to the number of rates that
        the data decided (Hoaglin, Welsch 1978, The hat matrix in regression and ANOVA) [1].
    weight
        What Huber's loss left of its weight, from 0 to 1 [1].
    """

    name: str
    group: str
    measured_s: float
    fitted_s: float
    left_out_s: float
    group_out_s: float | None
    leverage: float
    weight: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Rates fitted to a target's latencies.

    Attributes
    ----------
    device, processor, runtime, precision, threads
        The target.
    form
        The latency form whose terms have the rates.
    rates
        Term -> its rate, for every term of the form.
    networks
        How many latencies went in.
    interval
        Of 90 % of the latencies.
    covariance
        Posterior covariance of the rates over their priors, in the order of `rates`: a lower triangle [1].
    residuals, unseen
        Of leave-one-out predictions, and of whole groups (architectures, families) by a fit to the others.
    macs, latency_s, shares
        Range of the networks' MACs, latencies [s] and, by term, shares of the time.
    data_sha256
        Hash of the measurements, as :func:`mbcost.latency.fitting.data_hash` computes it.
    date, source
        When it was fitted (ISO 8601), and what was measured.
    path
        The file it was read from; empty for one that was just fitted.
    rows
        What it was just fitted to; empty for one that was read from a file.
    """

    device: str
    processor: str
    runtime: str
    precision: str
    threads: int
    form: str
    rates: Mapping[str, FittedRate]
    networks: int
    interval: Interval
    covariance: Sequence[Sequence[float]]
    residuals: Residuals
    unseen: Residuals
    macs: Range
    latency_s: Range
    shares: Mapping[str, Range]
    data_sha256: str
    date: str
    source: str
    path: str = field(default="", compare=False)
    rows: Sequence[FittedRow] = field(default=(), compare=False, repr=False)

    @property
    def name(self) -> str:
        """The name of its file without the suffix."""
        return calibration_name(self.device, self.processor, self.runtime, self.precision, self.threads)

    def by_state(self, state: State) -> tuple[str, ...]:
        """Terms whose rate was decided so."""
        return tuple(name for name, rate in self.rates.items() if rate.state == state)


def calibration_name(device: str, processor: str, runtime: str, precision: str, threads: int) -> str:
    """The name of a calibration's file without the suffix: with the threads where there are several."""
    name = f"{device}-{processor}-{runtime}-{precision}"
    return name if threads == 1 else f"{name}-{threads}threads"


def calibrated_rates(
    calibration: Calibration, uncalibrated: Mapping[str, Rate], scale: Mapping[str, float]
) -> dict[str, Rate]:
    """The rates of a calibration in the place of those that a profile gives.

    Parameters
    ----------
    uncalibrated
        Rates of the same target from its profile: their order is kept.
    scale
        Term -> factor on the fitted rate, for a number of threads that was not measured; 1 where it was.
    """
    return {name: _rate(calibration, name, scale[name]) for name in uncalibrated}


def _rate(calibration: Calibration, name: str, scale: float) -> Rate:
    fitted = calibration.rates[name]
    reference = f"calibration {calibration.name} of {calibration.date}: {calibration.source}"
    decided = fitted.state == "data"
    unit = f"s a {fitted.unit}"
    parameter = Parameter(f"{name}_rate", fitted.seconds, unit, "fitted" if decided else "assumed", reference)
    how = "fitted to" if decided else "hardly decided by"
    formula = f"{fitted.reading}, {how} {calibration.networks} latencies"
    if scale != 1.0:
        formula += f"; x {scale:.3g} for the threads"
    return Rate(fitted.seconds * scale, formula, {}, (parameter,))


class Workload(NamedTuple):
    """What a calibration compares networks by; numbers, or arrays of configurations.

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
    """In what one network differs from all that the calibration has seen, in words; empty if in nothing."""
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
    """Three digits, and all of a larger whole part: ``4,089``."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def is_unlike(calibration: Calibration, workload: Workload) -> Mask:
    """Whether :func:`unlike` finds anything, for one network or an array of them."""
    macs, latency_s, shares, _ = workload
    found: Mask = _beyond(macs, calibration.macs) | _beyond(latency_s, calibration.latency_s)
    for term, share in shares.items():
        found = found | (share > calibration.shares[term].high + SHARE_SLACK)
    return found


def posterior_variance(covariance: Sequence[Sequence[float]], relative: Sequence[Real]) -> Real:
    """Variance of a network's latency as a share of it, from what the measurements leave open about the rates.

    Parameters
    ----------
    covariance
        Of the rates over their priors: a lower triangle.
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

    It is larger where the calibration leaves open the rates that a network depends on, for a network unlike all that it
    has seen, and for threads that were not measured.
    """
    latency = where(workload.latency_s > 0, workload.latency_s, 1.0)
    relative = [workload.counts[name] * rate.prior / latency for name, rate in calibration.rates.items()]
    wider = where(is_unlike(calibration, workload), WIDER_OUTSIDE, 1.0) * (WIDER_THREADS if other_threads else 1.0)
    f = calibration.interval.bounds(posterior_variance(calibration.covariance, relative))
    result: Real = 1 + wider * (f - 1)
    return result


def matches(calibration: Calibration, target: Target) -> bool:
    """Whether a calibration is of this device, processor, runtime and precision, whatever the threads."""
    mine = (calibration.device, calibration.processor, calibration.runtime, calibration.precision)
    return mine == (target.device.name, target.processor.name, target.runtime, target.precision)


def _beyond(value: Real, limits: Range) -> Mask:
    return (value < limits.low / RANGE_SLACK) | (value > limits.high * RANGE_SLACK) | (value != value)
