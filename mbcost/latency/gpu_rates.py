"""Rates of a latency form on a graphics processor, learned from phones that have it or one of the same designer.

The files are those of :mod:`mbcost.latency.core_rates`, one a runtime and precision, with graphics processors in place
of cores. What a file calls cycles is per unit of what a data sheet says: slots of fp32 multiply-adds for arithmetic,
clock cycles for latencies, bytes of the memory's bandwidth for traffic, and seconds for what launching costs. So a
processor that nobody measured is predicted from its cores, its clock and its bandwidth, with the numbers of its
designer's others. ``benchmarks/phone_gpus.py fit`` writes the files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from mbcost.devices import Quantity, Target
from mbcost.devices.gpus import Gpu, cores_in, find_gpu
from mbcost.errors import fail
from mbcost.kernels import Parameter, Runtime
from mbcost.kernels.runtime import ASSUMED
from mbcost.latency.core_rates import CoreEntry, RateFile, cycles_of, rates_of
from mbcost.latency.form import Rate, Spread
from mbcost.latency.forms.gpu_delegate import Delegate, delegate_of
from mbcost.latency.rates import bandwidth, clock, peak

Base: TypeAlias = Literal["peak", "clock", "bandwidth", "time"]
#: Term -> what its rate is in units of.
BASES: Final[Mapping[str, Base]] = {
    **dict.fromkeys(("pointwise", "conv", "reads", "constants", "depthwise_3x3", "depthwise", "pool", "mean"), "peak"),
    **dict.fromkeys(("latency",), "clock"),
    **dict.fromkeys(("tiles", "dense", "copy", "input", "output"), "bandwidth"),
    **dict.fromkeys(("launch", "dispatch", "call"), "time"),
}
#: The precision that was measured. At fp32 a texel is twice as long: arithmetic and reads take twice the time.
MEASURED: Final = "fp16"
#: Ratio of arithmetic and reads at fp32 to those at fp16 [1]: assumed; on an Adreno 640, TensorFlow Lite 2.1 at fp32
#: does 57 to 88 GMAC/s (nn-Meter bench, MobiSys 2021), and 2.10 at fp16 up to 190.
WIDE_FACTOR: Final = 2.0
#: Standard deviation of the log of that ratio, beyond all others [1]: assumed.
WIDE_SD: Final = 0.3


def gpu_of(target: Target) -> Gpu:
    """The graphics processor of a target in the catalogue.

    Raises
    ------
    InputError
        MB401 if it is not there.
    """
    found = find_gpu(target.processor.model)
    if found is None:
        fail(
            "MB401",
            f"the GPU `{target.processor.model}` of {target.device.name} is not in the catalogue of GPUs",
            hint="name one of hardware_profiles/gpus that is like it, or a runtime with rates of its own",
        )
    return found


def cores_of(gpu: Gpu, name: str, stated: Quantity | None) -> int:
    """Shader cores: those that the profile states, that the name states, or that every chip with it has; else one."""
    if stated is not None:
        return int(stated.value)
    return cores_in(name) or (int(gpu.cores.value) if gpu.cores is not None else 1)


def delegate_for(target: Target) -> Delegate:
    """What the delegate knows of a target.

    Raises
    ------
    InputError
        MB401 if the catalogue does not have its graphics processor.
    """
    gpu, processor = gpu_of(target), target.processor
    return delegate_of(gpu, cores_of(gpu, processor.model, processor.shader_processors or processor.cores))


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Seconds a count of every term, from the processor's numbers and its peak, clock and bandwidth.

    Raises
    ------
    InputError
        MB401 if the profile lacks one of these, if the catalogue does not have the processor, or if nothing was
        measured for the runtime.
    """
    gpu, file = gpu_of(target), _file(runtime)
    entry = known_gpu(file, gpu)
    places: dict[Base, tuple[str, Quantity]] = {
        "peak": peak(replace(target, precision="fp32")),
        "clock": clock(target),
        "bandwidth": bandwidth(target),
    }
    source = "fitted" if entry.basis == "same core" and target.precision == MEASURED else ASSUMED
    found = {}
    for term, units in units_of(file, gpu, entry, target.precision).items():
        parameter = Parameter(f"{term}_units", units, _UNITS[BASES[term]], source, f"{entry.source}; {file.source}")
        if BASES[term] == "time":
            found[term] = Rate(units, f"{units:.3g} s", {}, (parameter,))
            continue
        place, quantity = places[BASES[term]]
        formula = f"{units:.3g} {_UNITS[BASES[term]]} / {place} {quantity.text}"
        found[term] = Rate(units / quantity.value, formula, {place: quantity}, (parameter,))
    return found


_UNITS: Final[Mapping[Base, str]] = {"peak": "MAC", "clock": "cycle", "bandwidth": "B", "time": "s"}


def spread(target: Target, runtime: Runtime) -> Spread:
    """How far :func:`rates` may be off for a network that was not measured."""
    gpu, file = gpu_of(target), _file(runtime)
    entry = known_gpu(file, gpu)
    basis, source = entry.basis, f"{entry.source} ({file.source})"
    if target.precision != MEASURED:
        entry = replace(entry, sd=math.hypot(entry.sd, WIDE_SD))
        basis, source = "facts", f"twice the time of {MEASURED}: {source}"
    covariance = covariance_of(file, gpu, entry)
    return Spread(covariance, file.noise, file.width[basis], file.width["calibrated"], basis, source)


def covariance_of(file: RateFile, gpu: Gpu, entry: CoreEntry) -> tuple[tuple[float, ...], ...]:
    """Relative covariance of the rates of a graphics processor, a lower triangle: of each, and of the common scale."""
    rows = file.same if entry.basis == "same core" else file.other
    known = gpu.vendor in file.variants
    scaled, variance = scales(file), entry.sd**2
    own = [0.0 if known else file.facts["term_sd" if scale else "time_sd"] ** 2 for scale in scaled]
    return tuple(
        tuple(value + variance * scaled[i] * scaled[j] + own[i] * (i == j) for j, value in enumerate(row))
        for i, row in enumerate(rows)
    )


def scales(file: RateFile) -> tuple[float, ...]:
    """1 for every term that is faster on a faster processor, 0 for times: in the order of the file."""
    return tuple(float(BASES[term] != "time") for term in file.cycles)


def units_of(file: RateFile, gpu: Gpu, entry: CoreEntry, precision: str) -> dict[str, float]:
    """Term -> units of its base a count."""
    found = {}
    for term, average in cycles_of(file, gpu).items():
        units = average * entry.shape.get(term, 1.0)
        if BASES[term] != "time":
            units *= math.exp(entry.scale)
        if BASES[term] in ("peak", "clock") and precision != MEASURED:
            units *= WIDE_FACTOR
        found[term] = units
    return found


def known_gpu(file: RateFile, gpu: Gpu) -> CoreEntry:
    """What a file of rates says of a graphics processor: its own entry, its designer's average, or that of all."""
    entry = file.cores.get(gpu.name)
    if entry is not None:
        return entry
    measured = [other for name in file.cores if (other := find_gpu(name)) is not None and other.vendor == gpu.vendor]
    if not measured:
        return CoreEntry(0.0, file.facts["sd"], "facts", f"from the facts of {gpu.title}, and GPUs of other designers")
    titles = ", ".join(other.title for other in measured)
    near = any(other.generation == gpu.generation for other in measured)
    return CoreEntry(0.0, file.facts["designer_sd"], "related core" if near else "facts", f"from {titles}")


def _file(runtime: Runtime) -> RateFile:
    return rates_of(runtime, MEASURED)
