"""A calibration: rates of a form that were fitted to latencies measured on one target, and how far they hold.

Made by :mod:`mbcost.latency.fitting`, kept as a file by :mod:`mbcost.latency.calibration_file`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from mbcost.devices import Target
from mbcost.kernels import Parameter
from mbcost.latency.form import Rate
from mbcost.numeric import Real, where

if TYPE_CHECKING:
    from mbcost.numeric import Mask

#: What decided a rate: the measurements; the prior, which they hardly moved; or the prior alone, for want of a kernel.
State: TypeAlias = Literal["data", "prior", "not covered"]
STATES: Final = ("data", "prior", "not covered")

#: How much wider the interval is, as a power of its factor, for a network unlike those of the calibration.
WIDER_OUTSIDE: Final = 2.0
#: How far beyond the range of the calibration's networks still counts as inside, as a factor of MACs and latency.
RANGE_SLACK: Final = 1.5
#: The same for a term's share of the time, as a difference.
SHARE_SLACK: Final = 0.05

_PREFIXES: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


class Range(NamedTuple):
    """From the smallest to the largest of the calibration's networks."""

    low: float
    high: float


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
    """

    seconds: float
    prior: float
    unit: str
    uncertainty: float
    state: State

    @property
    def reading(self) -> str:
        """The rate the other way round, such as ``10.1 GMAC/s``."""
        if self.seconds == 0:
            return "free"
        speed = 1.0 / self.seconds
        scale, prefix = next((pair for pair in _PREFIXES if speed >= pair[0]), (1.0, ""))
        return f"{speed / scale:.3g} {prefix}{self.unit}/s"


@dataclass(frozen=True, slots=True)
class Residuals:
    """Relative errors, predicted / measured - 1, each network predicted by a fit without it [1].

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
        Factor of the 90 % interval: from latency / interval to latency * interval [1].
    residuals
        Of leave-one-out predictions.
    macs, latency_s, shares
        Range of the networks' MACs, latencies [s] and, by term, shares of the time.
    data_sha256
        Hash of the measurements, as :func:`mbcost.latency.fitting.data_hash` computes it.
    date, source
        When it was fitted (ISO 8601), and what was measured.
    path
        The file it was read from; empty for one that was just fitted.
    """

    device: str
    processor: str
    runtime: str
    precision: str
    threads: int
    form: str
    rates: Mapping[str, FittedRate]
    networks: int
    interval: float
    residuals: Residuals
    macs: Range
    latency_s: Range
    shares: Mapping[str, Range]
    data_sha256: str
    date: str
    source: str
    path: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """The name of its file without the suffix."""
        return f"{self.device}-{self.processor}-{self.runtime}-{self.precision}"

    def by_state(self, state: State) -> tuple[str, ...]:
        """Terms whose rate was decided so."""
        return tuple(name for name, rate in self.rates.items() if rate.state == state)


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
    """

    macs: Real
    latency_s: Real
    shares: Mapping[str, Real]


def unlike(calibration: Calibration, workload: Workload) -> list[str]:
    """In what one network differs from all that the calibration has seen, in words; empty if in nothing."""
    macs, latency_s, shares = workload
    found = []
    if _beyond(macs, calibration.macs):
        low, high = (value / 1e6 for value in calibration.macs)
        found.append(f"{macs / 1e6:.3g} M MACs ({low:.3g} to {high:.3g} M there)")
    if _beyond(latency_s, calibration.latency_s):
        low, high = (value * 1e3 for value in calibration.latency_s)
        found.append(f"{latency_s * 1e3:.3g} ms ({low:.3g} to {high:.3g} ms there)")
    for term, share in shares.items():
        low, high = calibration.shares[term]
        if share > high + SHARE_SLACK:
            found.append(f"{share:.0%} of the time is {term} ({low:.0%} to {high:.0%} there)")
    return found


def is_unlike(calibration: Calibration, workload: Workload) -> Mask:
    """Whether :func:`unlike` finds anything, for one network or an array of them."""
    macs, latency_s, shares = workload
    found: Mask = _beyond(macs, calibration.macs) | _beyond(latency_s, calibration.latency_s)
    for term, share in shares.items():
        found = found | (share > calibration.shares[term].high + SHARE_SLACK)
    return found


def interval_factor(calibration: Calibration, is_unlike: Mask) -> Real:
    """The factor of the 90 % interval of a network: wider where it is unlike those of the calibration [1]."""
    factor: Real = where(is_unlike, calibration.interval**WIDER_OUTSIDE, calibration.interval)
    return factor


def matches(calibration: Calibration, target: Target) -> bool:
    """Whether a calibration is of this device, processor, runtime and precision, whatever the threads."""
    mine = (calibration.device, calibration.processor, calibration.runtime, calibration.precision)
    return mine == (target.device.name, target.processor.name, target.runtime, target.precision)


def _beyond(value: Real, limits: Range) -> Mask:
    return (value < limits.low / RANGE_SLACK) | (value > limits.high * RANGE_SLACK) | (value != value)
