"""Rates from the numbers of a profile; a missing number is an error that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mbcost.devices import Quantity, Target
from mbcost.devices.types import ELEMENT_BYTES as ELEMENT_BYTES
from mbcost.errors import DefectError, fail
from mbcost.kernels import Parameter, Runtime
from mbcost.latency.form import Rate


def peak(target: Target) -> tuple[str, Quantity]:
    """The arithmetic peak at the target's precision [MAC/s]: of the threads in use on a CPU, else of the whole unit."""
    name = f"processors.{target.processor.name}.peak.{target.precision}"
    quantity = target.processor.peak.get(target.precision)
    if quantity is None:
        fail(
            "MB401",
            f"the profile of {target.device.name} has no {target.precision} peak for its {target.processor.name}",
            hint=f"add {name} with its source to {target.device.path or 'the profile'}",
        )
    return name, quantity


def bandwidth(target: Target) -> tuple[str, Quantity]:
    """The memory bandwidth as measured by the processor, else the memory's own [B/s]."""
    processor, memory = target.processor, target.device.memory
    if processor.bandwidth is not None:
        return f"processors.{processor.name}.bandwidth", processor.bandwidth
    if memory.bandwidth is not None:
        return "memory.bandwidth", memory.bandwidth
    fail(
        "MB401",
        f"the profile of {target.device.name} has no memory bandwidth",
        hint=f"add memory.bandwidth with its source to {target.device.path or 'the profile'}",
    )


def clock(target: Target) -> tuple[str, Quantity]:
    """The processor's clock [Hz]."""
    quantity = target.processor.clock
    name = f"processors.{target.processor.name}.clock"
    if quantity is None:
        fail("MB401", f"the profile of {target.device.name} has no {name}", hint="add it with its source")
    return name, quantity


def vector_lanes(target: Target) -> tuple[str, Quantity, int]:
    """Lanes of one vector at the target's precision: place, width of the vector [bit], lanes."""
    quantity = target.processor.simd_width
    name = f"processors.{target.processor.name}.simd_width"
    if quantity is None:
        fail("MB401", f"the profile of {target.device.name} has no {name}", hint="add it with its source")
    return name, quantity, int(quantity.value) // (8 * ELEMENT_BYTES[target.precision])


def per_second(of: tuple[str, Quantity], share: Parameter, unit: str) -> Rate:
    """The rate at a share of a peak or a bandwidth.

    Parameters
    ----------
    of
        Place and quantity that the rate is a share of.
    share
        The share; above 1 for a bandwidth where caches serve part of the traffic.
    unit
        The unit of the count, for the formula.
    """
    name, quantity = of
    formula = f"1 / ({share.name} {share.value:g} x {name} {quantity.text}) a {unit}"
    return Rate(1.0 / (share.value * quantity.value), formula, {name: quantity}, (share,))


def per_lane_cycle(
    target: Target,
    runtime: Runtime,
    name: str,
    cycles: tuple[str, Quantity],
    lanes: tuple[str, Quantity, int],
    *,
    cap: bool,
) -> Rate:
    """Seconds per MAC of a vector loop on one core: 1 / (MACs per lane and cycle x lanes x clock).

    With `cap`, limited to the core's peak, where the profile has one.
    """
    achieved = parameter(runtime, name)
    macs_per_second = achieved.value * lanes[2] * cycles[1].value
    formula = f"1 / ({name} {achieved.value:g} x {lanes[2]} lanes x {cycles[0]} {cycles[1].text})"
    quantities = {cycles[0]: cycles[1], lanes[0]: lanes[1]}
    parameters: tuple[Parameter, ...] = (achieved,)
    limit = target.processor.peak.get(target.precision)
    if cap and limit is not None and limit.value < macs_per_second:
        place = f"processors.{target.processor.name}.peak.{target.precision}"
        macs_per_second, formula = limit.value, f"1 / ({place} {limit.text}), its peak"
        quantities, parameters = {place: limit}, ()
    return Rate(1.0 / macs_per_second, formula, quantities, parameters)


def on_threads(rate: Callable[[Target], Rate], target: Target, serial: Parameter) -> Rate:
    """The rate of the threads in use: t x (s + (1 - s) / k) with the share s that does not go down (Amdahl 1967).

    The parallel part is shared out evenly, so that the slowest cluster in use sets its pace.

    Parameters
    ----------
    rate
        The rate of one core of a target's processor.
    serial
        The share s [1].
    """
    clusters = [replace(target, processor=cluster, threads=1) for cluster in target.processor.in_use(target.threads)]
    first = rate(clusters[0])
    if target.threads == 1:
        return first
    slowest = max(map(rate, clusters), key=lambda each: each.seconds)
    share, number = serial.value, target.threads
    seconds = first.seconds * share + slowest.seconds * (1 - share) / number
    formula = f"{first.formula} x ({serial.name} {share:g} + {1 - share:g} / {number} threads)"
    if slowest is not first:
        formula = f"{first.formula} x {serial.name} {share:g} + {slowest.formula} x {1 - share:g} / {number} threads"
    parameters = (*dict.fromkeys((*first.parameters, *slowest.parameters)), serial)
    return Rate(seconds, formula, {**slowest.quantities, **first.quantities}, parameters)


def cycles_each(cycles: tuple[str, Quantity], count: Parameter) -> Rate:
    """The rate of `count` clock cycles per unit."""
    name, quantity = cycles
    formula = f"{count.name} {count.value:g} / {name} {quantity.text}"
    return Rate(count.value / quantity.value, formula, {name: quantity}, (count,))


def seconds_each(time: Parameter) -> Rate:
    """A constant time that does not scale with the device [s]."""
    return Rate(time.value, f"{time.name} {time.value:g} s", {}, (time,))


def whole(name: str, quantity: Quantity, unit: str) -> Rate:
    """The rate at a full peak or bandwidth, by its place in the profile."""
    return Rate(1.0 / quantity.value, f"1 / {name} {quantity.text} a {unit}", {name: quantity})


def slower(one: Rate, other: Rate) -> Rate:
    """The slower of two rates, for work that both limit."""
    return one if one.seconds >= other.seconds else other


def kernel_overhead(target: Target, fallback: Parameter) -> Rate:
    """The launch overhead of a kernel by the profile, else by a runtime's parameter [s]."""
    quantity = target.overheads.kernel
    if quantity is None:
        return seconds_each(fallback)
    name = f"overheads.{target.processor.name}.kernel"
    return Rate(quantity.value, f"{name} {quantity.text}", {name: quantity})


def parameter(runtime: Runtime, name: str) -> Parameter:
    """A required parameter of the runtime's rules.

    Raises
    ------
    InputError
        MB102 if a runtime of the user's lacks it.
    """
    if name not in runtime.parameters:
        if runtime.path:
            hint = f"add it to `parameters` of {runtime.path}"
            message = f"the form {runtime.form} needs the parameter `{name}`, which {runtime.name} lacks"
            fail("MB102", message, hint=hint)
        raise DefectError(f"the rules of {runtime.name} have no parameter {name}")
    return runtime.parameters[name]
