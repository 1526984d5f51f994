"""What a faster clock, another bandwidth or another precision would change: the form's rates of a changed profile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from mbcost.analysis import Analysis
from mbcost.devices import Quantity, Target
from mbcost.errors import fail, or_list
from mbcost.kernels import Kernel, map_to_kernels
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.numeric import add_up
from mbcost.pipeline import TargetModel, prepare

#: Factors on clock and bandwidth at which a rate has to follow its powers of the two.
_PROBES: Final = ((0.5, 1.0), (3.0, 1.0), (1.0, 0.5), (1.0, 3.0), (0.7, 2.3), (2.3, 0.7))
_TOLERANCE: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Variant:
    """The network on the target at one precision, term by term.

    Attributes
    ----------
    precision
        Of activations and weights.
    kernels
        What the runtime launches.
    rates_s
        Seconds a count of every term of the form [s].
    powers
        Term -> powers of the clock and of the bandwidth that its rate follows, such as (-1, 0); None where a rate of
        this target follows none (it is the smaller of two limits).
    """

    precision: str
    kernels: tuple[Kernel, ...]
    rates_s: Mapping[str, float]
    powers: Mapping[str, tuple[int, int]] | None


def variant(analysis: Analysis, precision: str) -> Variant:
    """The analysis at another precision, with what its rates follow.

    Raises
    ------
    InputError
        If the target has no rates for it.
    """
    model = _model(analysis, precision)
    return Variant(
        precision,
        _kernels(analysis, model),
        {name: float(rate.seconds) for name, rate in model.rates.items()},
        _powers(model),
    )


def what_if(analysis: Analysis, *, clock: float = 1.0, bandwidth: float = 1.0, precision: str | None = None) -> float:
    """The latency with a changed target [s].

    Parameters
    ----------
    clock
        Factor on the processor's clock, and on the arithmetic peaks that follow it [1].
    bandwidth
        Factor on the bandwidth of the memory [1].
    precision
        Of activations and weights; default: that of the analysis.

    Raises
    ------
    InputError
        If the target has no rates for the precision.
    """
    model = _model(analysis, precision or analysis.target.precision)
    factors = _rate_factors(model, clock, bandwidth)
    seconds = {name: rate.seconds * factors[name] for name, rate in model.rates.items()}
    return float(add_up(item.latency_s for item in model.form.estimate(_kernels(analysis, model), seconds)))


def _model(analysis: Analysis, precision: str) -> TargetModel:
    target = analysis.target
    known = target.processor.precisions
    if precision not in known:
        fail("MB305", f"{target.name} does not compute in `{precision}`", hint=f"it has {or_list(known)}")
    return prepare(replace(target, precision=known[known.index(precision)]), analysis.calibration or False)


def _kernels(analysis: Analysis, model: TargetModel) -> tuple[Kernel, ...]:
    element_bytes = ELEMENT_BYTES[model.target.precision]
    return map_to_kernels(
        analysis.layer_graph,
        model.runtime,
        batch=analysis.batch,
        element_bytes=element_bytes,
        estimate_unsupported=True,
    )


def _rate_factors(model: TargetModel, clock: float, bandwidth: float) -> dict[str, float]:
    """Term -> factor on its rate: what the profile says, so that fitted rates move as their terms would."""
    base = model.form.rates(model.target, model.runtime)
    changed = model.form.rates(_scaled(model.target, clock, bandwidth), model.runtime)
    return {name: float(changed[name].seconds / rate.seconds) if rate.seconds else 1.0 for name, rate in base.items()}


def _powers(model: TargetModel) -> dict[str, tuple[int, int]] | None:
    """Term -> the powers of clock and bandwidth that its rate follows at every probe."""
    by_clock, by_bandwidth = _rate_factors(model, 2.0, 1.0), _rate_factors(model, 1.0, 2.0)
    powers = {name: (round(math.log2(by_clock[name])), round(math.log2(by_bandwidth[name]))) for name in by_clock}
    for clock, bandwidth in _PROBES:
        for name, factor in _rate_factors(model, clock, bandwidth).items():
            with_clock, with_bandwidth = powers[name]
            if not math.isclose(factor, clock**with_clock * bandwidth**with_bandwidth, rel_tol=_TOLERANCE):
                return None
    return powers


def _scaled(target: Target, clock: float, bandwidth: float) -> Target:
    """The target with another clock (and the arithmetic peaks that follow it) and another memory bandwidth."""
    processor, device = target.processor, target.device
    memory = replace(device.memory, bandwidth=_scaled_or_none(device.memory.bandwidth, bandwidth))
    dpu = processor.dpu
    changed = replace(
        processor,
        clock=_scaled_or_none(processor.clock, clock),
        peak={name: _times(peak, clock) for name, peak in processor.peak.items()},
        measured_peak={name: _times(peak, clock) for name, peak in processor.measured_peak.items()},
        bandwidth=_scaled_or_none(processor.bandwidth, bandwidth),
        dpu=replace(dpu, clock=_times(dpu.clock, clock)) if dpu is not None else None,
    )
    return replace(target, processor=changed, device=replace(device, memory=memory))


def _scaled_or_none(quantity: Quantity | None, factor: float) -> Quantity | None:
    return _times(quantity, factor) if quantity is not None else None


def _times(quantity: Quantity, factor: float) -> Quantity:
    return replace(quantity, value=quantity.value * factor)
