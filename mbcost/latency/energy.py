"""Energy of an inference: the power that a board was measured to draw, times the time; else an estimate.

The estimate is arithmetic and the bytes that move, at the energies of the processor's own profile where it has some,
else at published ones of a 45 nm process.

The energy of instruction control, clocks and leakage is not included, and newer processes need less: the estimate is
for comparisons of networks and precisions and does not replace a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from mbcost.devices import Quantity, Target
from mbcost.devices.types import EnergyFigures
from mbcost.kernels import Kernel
from mbcost.latency.form import LatencyForm
from mbcost.numeric import NORMAL_90, Real, add_up

#: The source of all figures.
SOURCE: Final = (
    "Horowitz 2014, Computing's energy problem (and what we can do about it), ISSCC: 45 nm at 0.9 V; arithmetic and "
    "the bytes that move, without control and leakage"
)
#: That of a profile's own energies.
OWN: Final = "the energies of the profile, which are the user's; arithmetic and the bytes that move at each level"


class EnergyFigure(NamedTuple):
    """Energy of an event [J], and how it follows from the source."""

    joules: float
    reference: str


#: A multiply-accumulate at each precision; 8-bit products are summed in 32 bits.
PER_MAC: Final[Mapping[str, EnergyFigure]] = {
    "fp32": EnergyFigure(4.6e-12, "3.7 pJ a product of fp32 and 0.9 pJ a sum"),
    "fp16": EnergyFigure(1.5e-12, "1.1 pJ a product of fp16 and 0.4 pJ a sum"),
    "int8": EnergyFigure(0.3e-12, "0.2 pJ a product of 8 bits and 0.1 pJ a sum of 32 bits"),
}
#: A byte of on-chip memory.
ON_CHIP: Final = EnergyFigure(12.5e-12, "100 pJ for 64 bits of a 1 MB cache")
#: A byte of external memory.
OFF_CHIP: Final = EnergyFigure(162.5e-12, "1.3 nJ for 64 bits of DRAM, the lower end of 1.3 to 2.6 nJ")


class Energy(NamedTuple):
    """Energy of one inference of the whole batch [J], and the counts that it is computed from [1, B].

    Attributes
    ----------
    register_j
        Operands and partial sums beside the multipliers, where the profile has an energy of them.
    source
        Where the energies come from: :data:`SOURCE` or :data:`OWN`.
    hosted
        Layers that the host computes, whose energy is not in it, where the energies are those of the accelerator.
    """

    compute_j: Real
    on_chip_j: Real
    off_chip_j: Real
    macs: Real
    on_chip_bytes: Real
    off_chip_bytes: Real
    register_j: Real = 0.0
    source: str = SOURCE
    hosted: int = 0

    @property
    def by_profile(self) -> bool:
        """Whether the energies are those of the processor's profile."""
        return self.source == OWN

    @property
    def total_j(self) -> Real:
        """Arithmetic with its registers, and both kinds of memory [J]."""
        return self.compute_j + self.register_j + self.on_chip_j + self.off_chip_j


#: Standard deviation of the log of a board's power between networks and runtimes: 11 % on the Nucleo-H7A3ZI-Q,
#: 8 % on the Nucleo-L4R5ZI, 6 % on the Nucleo-U575ZI-Q (MLPerf Tiny v0.7 to v1.2, `benchmarks/mcu_energy.py`) [1].
POWER_SD: Final = 0.09


class MeasuredEnergy(NamedTuple):
    """Energy of one inference of the whole batch by a board's power, with the bounds of its 90 % interval [J]."""

    total_j: float
    low_j: float
    high_j: float
    power: Quantity


def energy_by_power(latency_s: float, low_s: float, high_s: float, power: Quantity) -> MeasuredEnergy:
    """A board's power times the latency; both are uncertain, independently of each other."""

    def factor(bound: float) -> float:
        return math.exp(math.hypot(math.log(bound / latency_s), NORMAL_90 * POWER_SD)) if latency_s else 1.0

    total = power.value * latency_s
    return MeasuredEnergy(total, total / factor(low_s), total * factor(high_s), power)


def estimate_energy(kernels: Iterable[Kernel], form: LatencyForm, target: Target) -> Energy | None:
    """The energy of all kernels; None for a precision without a figure.

    By the energies of the processor's profile where it has some, without what the host computes. Else each tensor is
    read and written once by its kernels on chip. Off-chip traffic is the traffic that the form counts; in a form
    without such a count it is all tensors and weights, as if nothing stayed in a cache.
    """
    if target.processor.energy is not None:
        return _by_profile(kernels, form, target, target.processor.energy)
    each = PER_MAC.get(target.precision)
    if each is None:
        return None
    launched = [kernel for kernel in kernels if kernel.kind != "view"]
    macs = add_up(kernel.macs for kernel in launched)
    weights = add_up(kernel.weight_elements * kernel.element_bytes for kernel in launched)
    tensors = weights + add_up(
        (kernel.input_elements + kernel.output_elements + 2 * kernel.im2col_elements) * kernel.element_bytes
        for kernel in launched
    )
    external = _external(launched, form, tensors, weights)
    return Energy(macs * each.joules, tensors * ON_CHIP.joules, external * OFF_CHIP.joules, macs, tensors, external)


def _external(kernels: list[Kernel], form: LatencyForm, tensors: Real, weights: Real) -> Real:
    """Bytes of the external memory: those that the form counts, else all tensors and weights."""
    if not form.external:
        return tensors
    totals = form.total(kernels, form.counts(kernels))
    counted: Real = add_up(totals[name] for name in form.external) + (weights if form.loads_weights else 0)
    return counted


def _by_profile(kernels: Iterable[Kernel], form: LatencyForm, target: Target, figures: EnergyFigures) -> Energy | None:
    """The energy by the profile's figures: on chip what an array reads and writes, else each tensor once."""
    from mbcost.latency.forms.generic_npu import register_bytes, sram_bytes
    from mbcost.latency.forms.systolic import array_of

    mac = figures.mac.get(target.precision)
    if mac is None:
        return None
    launched = [kernel for kernel in kernels if kernel.kind not in {"view", "outside"}]
    hosted = sum(len(kernel.layers) for kernel in kernels if kernel.kind == "outside")
    weights = add_up(kernel.weight_elements * kernel.element_bytes for kernel in launched)
    tensors = weights + add_up(kernel.activation_bytes for kernel in launched)
    moved = tensors
    if target.processor.systolic is not None:
        array = array_of(target)
        moved = add_up(sram_bytes(array, kernel) for kernel in launched)
    external = _external(launched, form, tensors, weights)
    macs = add_up(kernel.macs for kernel in launched)
    near = figures.register_byte
    return Energy(
        macs * mac.value,
        moved * figures.sram_byte.value,
        external * figures.dram_byte.value,
        macs,
        moved,
        external,
        0.0 if near is None else add_up(register_bytes(kernel) for kernel in launched) * near.value,
        OWN,
        hosted,
    )
