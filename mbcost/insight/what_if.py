"""What-if: the latency with another clock, bandwidth or precision, from the form's rates of a changed profile."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from mbcost.analysis import Analysis
from mbcost.devices import Processor, Target, as_target
from mbcost.devices.changes import at_clock, scaled
from mbcost.hosting import accelerator_part, is_hosted
from mbcost.kernels import Kernel
from mbcost.latency.model import computed_target
from mbcost.numeric import add_up
from mbcost.prediction import TargetModel, estimates_of, kernels_of, prepare

#: Factors on clock and bandwidth at which the limits of a rate are verified.
_PROBES: Final = ((1.0, 1.0), (0.5, 1.0), (3.0, 1.0), (1.0, 0.5), (1.0, 3.0), (0.7, 2.3), (2.3, 0.7), (0.6, 0.55))
#: Factors, far from each other, at which a single limit of a rate dominates.
_CORNERS: Final = tuple((clock, bandwidth) for clock in (1.0, 1e-4, 1e4) for bandwidth in (1.0, 1e-4, 1e4))
_TOLERANCE: Final = 1e-11


class Limit(NamedTuple):
    """A limit of a rate relative to the rate itself: `factor` x clock^clock_power x bandwidth^bandwidth_power."""

    factor: float
    clock_power: int
    bandwidth_power: int

    def at(self, clock: float, bandwidth: float) -> float:
        """Its value for factors on the clock and the bandwidth."""
        return float(self.factor * clock**self.clock_power * bandwidth**self.bandwidth_power)


@dataclass(frozen=True, slots=True)
class Variant:
    """The network on the target at one precision, term by term.

    Attributes
    ----------
    precision
        Precision of activations and weights.
    kernels
        The kernels that the runtime launches; views in place of those that the host computes or that are left out.
    hosted_s
        Number of each kernel that the host computes -> its time by part, which the target's rates do not change [s].
    rates_s
        Seconds a count of every term of the form [s].
    limits
        Term -> limits of its rate, of which the slowest applies: one for a rate that follows clock or bandwidth,
        several for a rate that is the slower of two; None where a rate of this target follows no such rule.
    """

    precision: str
    kernels: tuple[Kernel, ...]
    hosted_s: Mapping[int, tuple[float, ...]]
    rates_s: Mapping[str, float]
    limits: Mapping[str, tuple[Limit, ...]] | None


def variant(analysis: Analysis, precision: str) -> Variant:
    """The analysis at another precision, with the limits of its rates.

    Raises
    ------
    InputError
        If the target has no rates for it.
    """
    model = _model(analysis, precision)
    kernels = _kernels(analysis, model)
    seconds = {name: float(rate.seconds) for name, rate in model.rates.items()}
    estimates = estimates_of(analysis.layer_graph, kernels, model, seconds)
    hosted = {
        number: (one.compute_s, one.activation_s, one.weight_s, one.lowering_s, one.overhead_s)
        for number, (kernel, one) in enumerate(zip(kernels, estimates, strict=True))
        if is_hosted(kernel)
    }
    return Variant(precision, accelerator_part(kernels, model.target), hosted, seconds, limits_of(model))


def what_if(analysis: Analysis, *, clock: float = 1.0, bandwidth: float = 1.0, precision: str | None = None) -> float:
    """The latency with a changed target [s].

    Parameters
    ----------
    clock
        Factor on the processor's clock, and on the arithmetic peaks that follow it [1].
    bandwidth
        Factor on the bandwidth of the memory [1].
    precision
        Precision of activations and weights; default: that of the analysis.

    Raises
    ------
    InputError
        If the target has no rates for the precision.
    """
    model = _model(analysis, precision or analysis.target.precision)
    factors = _rate_factors(model, clock, bandwidth)
    seconds = {name: rate.seconds * factors[name] for name, rate in model.rates.items()}
    found = estimates_of(analysis.layer_graph, _kernels(analysis, model), model, seconds)
    return float(add_up(item.latency_s for item in found))


def _model(analysis: Analysis, precision: str) -> TargetModel:
    return prepare(as_target(analysis.target, precision), analysis.calibration or False, analysis.runtime.lowering)


def _kernels(analysis: Analysis, model: TargetModel) -> tuple[Kernel, ...]:
    return kernels_of(analysis.layer_graph, model, batch=analysis.batch, estimate_unsupported=True)


def _rate_factors(model: TargetModel, clock: float, bandwidth: float) -> dict[str, float]:
    """Term -> factor on its rate by the profile, which is applied to fitted rates as well."""
    return _factors_of(model)(clock, bandwidth)


def _factors_of(model: TargetModel) -> Callable[[float, float], dict[str, float]]:
    """A function of clock and bandwidth that is :func:`_rate_factors`, with the rates of the profile looked up once."""
    target = computed_target(model.target, model.runtime)
    base = model.form.rates(target, model.runtime)

    def factors(clock: float, bandwidth: float) -> dict[str, float]:
        changed = model.form.rates(_scaled(target, clock, bandwidth), model.runtime)
        return {
            name: float(changed[name].seconds / rate.seconds) if rate.seconds else 1.0 for name, rate in base.items()
        }

    return factors


def limits_of(model: TargetModel) -> dict[str, tuple[Limit, ...]] | None:
    """Term -> limits of its rate, identified at distant factors and verified at every probe."""
    found: dict[str, set[Limit]] = {term: set() for term in model.rates}
    factors = _factors_of(model)
    for clock, bandwidth in _CORNERS:
        here = factors(clock, bandwidth)
        by_clock = factors(2 * clock, bandwidth)
        by_bandwidth = factors(clock, 2 * bandwidth)
        for term, value in here.items():
            powers = [round(math.log2(there[term] / value)) for there in (by_clock, by_bandwidth)]
            scale = Limit(1.0, powers[0], powers[1]).at(clock, bandwidth)
            found[term].add(Limit(float(f"{value / scale:.13g}"), *powers))
    limits = {term: tuple(sorted(parts)) for term, parts in found.items()}
    for clock, bandwidth in _PROBES:
        for term, value in factors(clock, bandwidth).items():
            longest = max(limit.at(clock, bandwidth) for limit in limits[term])
            if not math.isclose(value, longest, rel_tol=_TOLERANCE):
                return None
    return limits


def _scaled(target: Target, clock: float, bandwidth: float) -> Target:
    """The target with another clock (and the arithmetic peaks that follow it) and another memory bandwidth."""
    processor, device = target.processor, target.device
    memory = replace(device.memory, bandwidth=scaled(device.memory.bandwidth, bandwidth))
    clusters = tuple([_one_scaled(each, clock, bandwidth) for each in processor.clusters])
    changed = replace(_one_scaled(processor, clock, bandwidth), clusters=clusters)
    return replace(target, processor=changed, device=replace(device, memory=memory))


def _one_scaled(processor: Processor, clock: float, bandwidth: float) -> Processor:
    return replace(at_clock(processor, clock), bandwidth=scaled(processor.bandwidth, bandwidth))
