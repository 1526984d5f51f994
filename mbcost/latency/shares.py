"""What the forms of this machine's CPU runtimes share: rates by the units of their terms, and its caches.

=============  =======================================  ======================================================
unit           parameter of the runtime                 seconds a count
=============  =======================================  ======================================================
slot           ``NAME_efficiency``                      1 / (efficiency x peak)
B              ``NAME_bandwidth_ratio``                 1 / (ratio x bandwidth)
call           ``NAME_time``                            the time
anything else  ``NAME_macs``                            macs / peak: the MACs at the peak that take as long
=============  =======================================  ======================================================

The peak is that of fp32, at every precision where a profile has it: a bench measures it with any runtime, and what
integers are faster by is a matter of the kernels. So a faster clock and wider vectors make everything but traffic and
calls faster. Arithmetic and passes are shared out over the threads in use, but for a serial share (Amdahl 1967).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from mbcost.devices import Quantity, Target
from mbcost.kernels import Kernel, Parameter, Runtime
from mbcost.latency.form import Rate, Term
from mbcost.latency.rates import bandwidth, on_threads, parameter, peak, per_second, seconds_each
from mbcost.numeric import Real, maximum, minimum

#: Caches of a core whose profile does not state them [B]. Assumed: what most have.
L1_BYTES: Final = 32 * 1024
L2_BYTES: Final = 1024 * 1024
#: The most that a core keeps of its last cache from one inference to the next [B]. Assumed: half of it is what weights
#: outlived beside other users of a server, whose level 3 cache of 260 MB is shared by all cores.
MOST_KEPT_BYTES: Final = 120e6
#: What others move through the last cache in the time of one MAC [B]. Assumed: 10 GB/s beside 50 GMAC/s.
OTHERS_BYTES: Final = 0.2


@dataclass(frozen=True, slots=True)
class Caches:
    """The caches that a core has [B].

    Attributes
    ----------
    kept
        What it keeps from one inference to the next.
    """

    l1: float = L1_BYTES
    l2: float = L2_BYTES
    kept: float = MOST_KEPT_BYTES

    def spilled_bytes(self, kernel: Kernel) -> Real:
        """Input and output beyond the level 2 cache."""
        return maximum(0, kernel.activation_bytes - self.l2)

    def cold_bytes(self, kernel: Kernel) -> Real:
        """Weights that have left the caches since the last inference.

        Between two uses of a weight pass all tensors and weights of the network, and what others move meanwhile. None
        are cold where that is at most half of what is kept, all where it is one and a half times as much, and in
        between as many as is linear.
        """
        own = (kernel.network_activations + kernel.network_weights) * kernel.element_bytes
        passed = own + OTHERS_BYTES * kernel.network_macs
        return kernel.weight_elements * kernel.element_bytes * minimum(1.0, maximum(0.0, passed / self.kept - 0.5))


def caches_of(target: Target) -> Caches:
    """The caches of a target's core."""
    processor = target.processor
    last = processor.l3 or target.device.memory.system_cache or processor.l2
    return Caches(
        _bytes(processor.l1d, L1_BYTES),
        _bytes(processor.l2, L2_BYTES),
        min(MOST_KEPT_BYTES, _bytes(last, MOST_KEPT_BYTES)),
    )


def _bytes(quantity: Quantity | None, usual: float) -> float:
    return usual if quantity is None else quantity.value


def rates_by_unit(terms: tuple[Term, ...]) -> Callable[[Target, Runtime], Mapping[str, Rate]]:
    """The rates of these terms."""

    def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
        return {term.name: _rate(term, target, runtime) for term in terms}

    return rates


def _rate(term: Term, target: Target, runtime: Runtime) -> Rate:
    if term.unit == "B":
        return per_second(bandwidth(target), parameter(runtime, f"{term.name}_bandwidth_ratio"), "byte")
    if term.unit == "call":
        return seconds_each(parameter(runtime, f"{term.name}_time"))
    if term.unit == "slot":
        each = partial(_of_peak, parameter(runtime, f"{term.name}_efficiency"))
    else:
        each = partial(_worth_macs, parameter(runtime, f"{term.name}_macs"), term.unit)
    return on_threads(each, target, parameter(runtime, "serial_share"))


def _peak(target: Target) -> tuple[str, Quantity]:
    return peak(replace(target, precision="fp32") if "fp32" in target.processor.peak else target)


def _of_peak(share: Parameter, target: Target) -> Rate:
    return per_second(_peak(target), share, "MAC")


def _worth_macs(macs: Parameter, unit: str, target: Target) -> Rate:
    name, quantity = _peak(target)
    formula = f"{macs.name} {macs.value:g} / {name} {quantity.text} a {unit}"
    return Rate(macs.value / quantity.value, formula, {name: quantity}, (macs,))
