"""A calibration: rates of a form that were fitted to latencies measured on one target, and how far they hold.

Made by :mod:`mbcost.calibration.fit`, kept as a file by :mod:`mbcost.calibration.file`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from mbcost.devices import Target
from mbcost.numeric import Real, square_root
from mbcost.shown import Shown

if TYPE_CHECKING:
    import pandas as pd


#: What decided a rate: the measurements; the prior, which they hardly changed; or the prior alone, since no measured
#: network has such a kernel.
State: TypeAlias = Literal["data", "prior", "not covered"]
STATES: Final = ("data", "prior", "not covered")

_PREFIXES: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


class Range(NamedTuple):
    """The range over the calibration's networks, from the smallest to the largest value."""

    low: float
    high: float


class Interval(NamedTuple):
    """Bounds of a prediction: [latency / f, latency * f] with f = 1 + (factor - 1) * sqrt(1 + growth * variance).

    Attributes
    ----------
    factor
        f of a network whose time depends only on exactly known rates [1].
    growth
        How fast f grows with the posterior variance of a network's relative latency; 0: not at all [1].
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
        The fitted rate, and the prior before any measurement [s per unit].
    unit
        The unit that is counted: MAC, B, read.
    uncertainty
        Posterior over prior standard deviation: near 0, the data decided the rate; at 1, they gave no information [1].
    state
        What decided the rate.
    limit
        The hardware's limit: the arithmetic peak, or the memory bandwidth, which caches can exceed; 0 where neither
        is known [s per unit].
    """

    seconds: float
    prior: float
    unit: str
    uncertainty: float
    state: State
    limit: float = 0.0

    @property
    def reading(self) -> str:
        """The rate as a throughput, such as ``10.1 GMAC/s, 45 % of peak``."""
        if self.seconds == 0:
            return "free"
        speed = 1.0 / self.seconds
        scale, prefix = next((pair for pair in _PREFIXES if speed >= pair[0]), (1.0, ""))
        share = f", {self.limit / self.seconds:.0%} of {self.limited_by}".replace("%", " %") if self.limit else ""
        return f"{speed / scale:.3g} {prefix}{self.unit}/s{share}"

    @property
    def limited_by(self) -> str:
        """The limit in a word: peak or bandwidth."""
        return "peak" if self.unit == "MAC" else "bandwidth"

    @property
    def at_limit(self) -> bool:
        """Whether the arithmetic runs at its peak, a sign that the form lacks a term or counts too much."""
        return self.unit == "MAC" and 0 < self.seconds <= self.limit * (1 + 1e-9)


@dataclass(frozen=True, slots=True)
class Residuals:
    """Statistics of relative errors, predicted / measured - 1, of held-out predictions [1].

    Attributes
    ----------
    mape, bias
        Mean absolute error and mean error.
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
        The network or kernel, and the group that it was held out with.
    measured_s, fitted_s
        Measured latency, and the latency by the fit [s].
    left_out_s, group_out_s
        Latency by a fit without it, and without its group; None where all are of one group [s].
    leverage
        The influence of the row on its own prediction, from 0 to 1; the sum over all rows is the number of rates that
        the data decided (Hoaglin, Welsch 1978, The hat matrix in regression and ANOVA) [1].
    weight
        The row's weight after Huber's loss, from 0 to 1 [1].
    """

    name: str
    group: str
    measured_s: float
    fitted_s: float
    left_out_s: float
    group_out_s: float | None
    leverage: float
    weight: float


class StartTime(NamedTuple):
    """A runtime's time to load a model file, or of the first inference after that: a sum of four parts.

    Attributes
    ----------
    inference
        Share of the latency of a later inference [1].
    fixed
        Of any network [s].
    kernel, byte
        Of each kernel that is launched [s], and of each byte of weights [s/B].
    factor
        Nine of ten held-out times are within this factor, up or down [1].
    networks
        Number of networks that it was fitted to.
    """

    inference: float
    fixed: float
    kernel: float
    byte: float
    factor: float
    networks: int

    def seconds(self, latency_s: float, launches: int, weight_bytes: float) -> float:
        """The time of a network [s]."""
        return self.inference * latency_s + self.fixed + self.kernel * launches + self.byte * weight_bytes


@dataclass(frozen=True, slots=True)
class Calibration(Shown):
    """Rates fitted to a target's latencies.

    Attributes
    ----------
    device, processor, runtime, precision, threads
        The target.
    form
        The latency form whose terms have the rates.
    rates
        The rate of every term of the form.
    networks
        Number of fitted latencies.
    interval
        The 90 % prediction interval.
    covariance
        Posterior covariance of the rates over their priors, in the order of `rates`: a lower triangle [1].
    residuals, unseen
        Errors of leave-one-out predictions, and of leave-one-group-out predictions (architectures, families).
    macs, latency_s, shares
        Range of the networks' MACs, latencies [s] and, by term, shares of the time.
    data_sha256
        Hash of the measurements, as :func:`mbcost.calibration.fit.data_hash` computes it.
    date, source
        Date of the fit (ISO 8601), and what was measured.
    load, first
        Time to load a model file, and of the first inference; None where the measurements have none.
    path
        The file it was read from; empty after a fit.
    rows
        The latencies it was fitted to; empty if it was read from a file.
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
    load: StartTime | None = None
    first: StartTime | None = None
    path: str = field(default="", compare=False)
    rows: Sequence[FittedRow] = field(default=(), compare=False, repr=False)

    @property
    def name(self) -> str:
        """The name of its file without the suffix."""
        return calibration_name(self.device, self.processor, self.runtime, self.precision, self.threads)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the file: target, form, date, source, error and rates."""
        return {
            "target": {
                "device": self.device,
                "processor": self.processor,
                "runtime": self.runtime,
                "precision": self.precision,
                "threads": self.threads,
            },
            "form": self.form,
            "date": self.date,
            "source": self.source,
            "networks": self.networks,
            "data_sha256": self.data_sha256,
            "interval": self.interval._asdict(),
            "residuals": asdict(self.residuals),
            "unseen": asdict(self.unseen),
            "macs": list(self.macs),
            "latency_s": list(self.latency_s),
            "load": None if self.load is None else self.load._asdict(),
            "first": None if self.first is None else self.first._asdict(),
            "rates": {
                name: {**asdict(rate), "reading": rate.reading, "share": list(self.shares[name])}
                for name, rate in self.rates.items()
            },
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per rate: seconds per unit, its prior, what decided it and its range of shares."""
        import pandas as pd

        return pd.DataFrame([{"term": name, **entry} for name, entry in self.to_dict()["rates"].items()])

    def __repr__(self) -> str:
        return (
            f"<Calibration {self.name}: {self.networks} latencies, leave one out {self.residuals.mape:.1%}, "
            f"{self.residuals.hit10:.0%} within 10 %>"
        )

    def by_state(self, state: State) -> tuple[str, ...]:
        """The terms whose rates have this state."""
        return tuple(name for name, rate in self.rates.items() if rate.state == state)


def calibration_name(device: str, processor: str, runtime: str, precision: str, threads: int) -> str:
    """The name of a calibration's file without the suffix: with the threads where there are several."""
    name = f"{device}-{processor}-{runtime}-{precision}"
    return name if threads == 1 else f"{name}-{threads}threads"


def matches(calibration: Calibration, target: Target) -> bool:
    """Whether a calibration is of this device, processor, runtime and precision, whatever the threads."""
    mine = (calibration.device, calibration.processor, calibration.runtime, calibration.precision)
    return mine == (target.device.name, target.processor.name, target.runtime, target.precision)
