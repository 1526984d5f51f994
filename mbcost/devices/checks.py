"""Cross-checks between the numbers of a profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, Literal

from mbcost.devices.cores import core_names, find_core
from mbcost.devices.entries_of_catalogue import plain
from mbcost.devices.fabric import available, exceeded, used
from mbcost.devices.runtimes import unfit
from mbcost.devices.socs import find_soc, soc_names
from mbcost.devices.types import Memory, Precision, Processor, Quantity
from mbcost.errors import InputError, Location, Problem, did_you_mean, or_list
from mbcost.files import Document
from mbcost.units import format_quantity

#: Relative tolerance between a stated number and the product of others: sources print two or three digits.
TOLERANCE: Final = 0.01

_CACHES: Final = ("l1d", "l2", "l3")

#: MACs a cycle that one 32-bit lane of a GPU can do.
_PACKED: Final[dict[Precision, tuple[int, ...]]] = {
    "fp32": (1,),
    "tf32": (1,),
    "fp16": (1, 2),
    "bf16": (1, 2),
    "int8": (1, 2, 4),
}


def runtime_problems(processor: Processor, soc: str | None, document: Document) -> Iterator[Problem]:
    """Problems of a processor's default runtime: it does not exist, or does not run on the processor."""
    at = ("processors", processor.name)
    data = document.data["processors"][processor.name]
    if not processor.runtime:
        if all(data.get(key) is None for key in ("runtime", "runtimes")):  # else its value has a problem of its own
            message = f"`{'.'.join(at)}` has no `runtime`"
            yield Problem("MB102", message, document.key(*at), "the default runtime of its targets")
        return
    place = document.value(*at, "runtime") if data.get("runtime") else document.value(*at, "runtimes", 0)
    try:
        why = unfit(processor.runtime, soc, processor)
    except InputError as error:
        yield from (replace(problem, location=place) for problem in error.problems)
        return
    if why is not None:
        yield Problem("MB304", f"`{processor.runtime}` does not run on {processor.name}: {why}", place)


def known_problems(key: str, kind: Literal["core", "soc"], place: Location) -> Iterator[Problem]:
    """A problem where the catalogue has no core or chip of that key, else those of the user's file that has it."""
    names, find = (core_names(), find_core) if kind == "core" else (soc_names(), find_soc)
    try:
        found = find(key)
    except InputError as error:
        yield from error.problems
        return
    if key in names:
        return
    near = f"its key is `{found.name}`" if found is not None else did_you_mean(plain(key), names)
    what = {"core": "core", "soc": "system on a chip"}[kind]
    hint = near or f"`mbcost devices search --kind {kind} TEXT` finds one"
    yield Problem("MB304", f"there is no {what} `{key}` in the catalogue", place, hint)


def processor_problems(processor: Processor, document: Document) -> Iterator[Problem]:
    """Contradictions within one processor."""
    at = ("processors", processor.name)
    yield from _precisions(processor, document, at)
    yield from _peaks(processor, document, at)
    yield from _measured_peaks(processor, document, at)
    yield from _designs(processor, document, at)
    yield from _accelerator(processor, document, at)
    yield from caches_problems([(name, getattr(processor, name)) for name in _CACHES], document, at)
    if processor.cores is not None and processor.max_threads > processor.cores.value:
        message = f"`max_threads` is {processor.max_threads}, but `cores` is {processor.cores.text}"
        yield Problem("MB303", message, document.value(*at, "max_threads"))


def memory_problems(memory: Memory, document: Document) -> Iterator[Problem]:
    """Contradictions within the memory."""
    width, rate, bandwidth, measured = memory.width, memory.transfer_rate, memory.bandwidth, memory.measured_bandwidth
    if width and rate and bandwidth:
        product = width.value / 8 * rate.value
        formula = f"width x transfer_rate = {width.text} x {rate.text}"
        yield from _product(bandwidth, product, formula, document, ("memory", "bandwidth"))
    if bandwidth and measured and measured.value > bandwidth.value * (1 + TOLERANCE):
        message = f"`measured_bandwidth` is {measured.text}, more than the `bandwidth` of {bandwidth.text}"
        yield Problem("MB303", message, document.value("memory", "measured_bandwidth", "value"))


def device_problems(
    processors: Mapping[str, Processor], memory: Memory | None, document: Document
) -> Iterator[Problem]:
    """Contradictions between the processors, and between them and the memory."""
    if memory is None or memory.capacity is None:
        return
    capacity = memory.capacity
    caches = [("memory", "system_cache", memory.system_cache)]
    caches += [(f"processors.{p.name}", level, getattr(p, level)) for p in processors.values() for level in _CACHES]
    for where, level, size in caches:
        if size is not None and size.value >= capacity.value:
            message = f"`{where}.{level}` is {size.text}, but the memory's `capacity` is only {capacity.text}"
            yield Problem("MB303", message, document.value(*where.split(".", 1), level, "value"))


def raw_problems(data: Any, stem: str | None, document: Document) -> Iterator[Problem]:
    """Contradictions between the names in a file, also in a file with other problems.

    Parameters
    ----------
    data
        The file's contents as plain dicts and lists.
    stem
        The file's name without its suffix.
    """
    sections = data if isinstance(data, dict) else {}
    identity, processors, overheads = (_mapping(sections.get(key)) for key in ("identity", "processors", "overheads"))
    name = identity.get("name")
    if stem is not None and isinstance(name, str) and name != stem:
        message = f"`identity.name` is `{name}`, but the file is called `{stem}`"
        yield Problem("MB303", message, document.value("identity", "name"), "they have to be the same")
    chip = sections.get("soc")
    if isinstance(chip, str):
        yield from known_problems(chip, "soc", document.value("soc"))
    defaults = [key for key, value in processors.items() if _mapping(value).get("default") is True]
    if processors and not defaults and chip is None:  # else the fastest cluster of the chip is
        yield Problem("MB303", "no processor is the default", document.key("processors"), "set `default: true` on one")
    for key in defaults[1:]:
        message = f"`{key}` is a second default processor after `{defaults[0]}`"
        yield Problem("MB303", message, document.key("processors", key, "default"), "set `default: true` on one")
    for key in overheads:
        if key not in processors:
            message = f"overheads of `{key}`, which is not a processor of this device"
            hint = f"its processors are {or_list(list(processors))}" if processors else None
            yield Problem("MB304", message, document.key("overheads", key), hint)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _precisions(processor: Processor, document: Document, at: tuple[str, ...]) -> Iterator[Problem]:
    for section in ("throughput", "peak", "measured_peak"):
        for precision in getattr(processor, section):
            if precision not in processor.precisions:
                message = f"`{section}` has {precision}, but `precisions` does not"
                hint = f"add {precision} to `precisions` of {processor.name}"
                yield Problem("MB303", message, document.key(*at, section, precision), hint)


def _peaks(processor: Processor, document: Document, at: tuple[str, ...]) -> Iterator[Problem]:
    for precision, peak in processor.peak.items():
        formula = _PEAK.get(processor.kind)
        expected = formula(processor, precision) if formula else None
        if expected is not None:
            yield from _product(peak, *expected, document, (*at, "peak", precision))


def _measured_peaks(processor: Processor, document: Document, at: tuple[str, ...]) -> Iterator[Problem]:
    for precision, measured in processor.measured_peak.items():
        peak = processor.peak.get(precision)
        if peak is not None and measured.value > peak.value * (1 + TOLERANCE):
            message = f"measured peak {measured.text} is more than the peak of {peak.text}"
            yield Problem("MB303", message, document.value(*at, "measured_peak", precision, "value"))


def _designs(processor: Processor, document: Document, at: tuple[str, ...]) -> Iterator[Problem]:
    """Design points that lack a part, or that exceed the device's resources."""
    hls = processor.hls
    if hls is None:
        return
    parts = {name: getattr(hls, name) for name in ("tm", "tn", "tr", "tc")}
    place = document.key(*at, "hls")
    for precision in dict.fromkeys(key for part in parts.values() for key in part):
        missing = [name for name, part in (parts | {"dsp_per_mac": hls.dsp_per_mac}).items() if precision not in part]
        if missing:
            yield Problem("MB303", f"the design point for {precision} has no {' and no '.join(missing)}", place)
        elif precision not in processor.precisions:
            hint = f"add {precision} to `precisions` of {processor.name}"
            yield Problem("MB303", f"`hls` has {precision}, but `precisions` does not", place, hint)
        else:
            needed = used(processor, precision)
            beyond = [] if needed is None else list(exceeded(needed, available(processor)))
            if beyond:
                text = f"the design point for {precision} takes {' and '.join(beyond)}"
                yield Problem("MB402", text, document.value(*at, "hls", "tm", precision, "value"), "smaller tiles")


def _accelerator(processor: Processor, document: Document, at: tuple[str, ...]) -> Iterator[Problem]:
    """Efficiencies above 1, energies of precisions that it does not have, and operators that mbcost does not know."""
    if processor.efficiency is not None:
        for name in ("pointwise", "convolution", "dense", "elementwise"):
            share = getattr(processor.efficiency, name)
            if share.value > 1:
                hint = "1 is all that the array can do; only `depthwise` may have a faster unit of its own"
                message = f"the efficiency of {name} is {share.text}, more than 1"
                yield Problem("MB303", message, document.value(*at, "efficiency", name, "value"), hint)
    if processor.energy is not None:
        for precision in processor.energy.mac:
            if precision not in processor.precisions:
                message = f"`energy.mac` has {precision}, but `precisions` does not"
                hint = f"add {precision} to `precisions` of {processor.name}"
                yield Problem("MB303", message, document.key(*at, "energy", "mac", precision), hint)
    if not processor.outside:
        return
    from mbcost.operators import OPERATOR_BY_NAME

    for index, name in enumerate(processor.outside):
        if name not in OPERATOR_BY_NAME:
            hint = did_you_mean(name, OPERATOR_BY_NAME) or "`mbcost schema architecture` lists the operators"
            yield Problem("MB304", f"there is no operator `{name}`", document.value(*at, "outside", index), hint)


def caches_problems(
    caches: list[tuple[str, Quantity | None]], document: Document, at: tuple[str, ...]
) -> Iterator[Problem]:
    """Caches, the smallest first, that are larger than the next."""
    given = [(name, size) for name, size in caches if size is not None]
    for (lower, small), (upper, large) in pairwise(given):
        if small.value > large.value:
            message = f"`{lower}` is {small.text}, larger than `{upper}` with {large.text}"
            yield Problem("MB303", message, document.value(*at, lower, "value"))


def _product(
    stated: Quantity, product: float, formula: str, document: Document, at: tuple[str, ...]
) -> Iterator[Problem]:
    """A problem where `stated` is not within :data:`TOLERANCE` of `product`."""
    if abs(stated.value - product) > TOLERANCE * product:
        computed = format_quantity(float(f"{product:.4g}"), stated.dimension)
        message = f"`{at[-2]}.{at[-1]}` is {stated.text}, but {formula} = {computed}"
        yield Problem("MB303", message, document.value(*at, "value"), "they have to agree within 1 %")


_Product = tuple[float, str]


def _cpu_peak(processor: Processor, precision: Precision) -> _Product | None:
    clock, rate = processor.clock, processor.throughput.get(precision)
    if clock is None or rate is None:
        return None
    return clock.value * rate.value, f"clock x throughput = {clock.text} x {rate.text}"


def _gpu_peak(processor: Processor, precision: Precision) -> _Product | None:
    """The nearest multiple that a 32-bit lane can compute: up to two fp16 or four int8 MACs per cycle."""
    clock, lanes, peak = processor.clock, processor.lanes, processor.peak[precision]
    if clock is None or lanes is None:
        return None
    product = clock.value * lanes.value
    packed = min(_PACKED[precision], key=lambda count: abs(product * count - peak.value))
    return product * packed, f"clock x lanes x {packed} = {clock.text} x {lanes.text} x {packed}"


def _dsp_peak(processor: Processor, precision: Precision) -> _Product | None:
    clock, width, contexts = processor.clock, processor.vector_width, processor.contexts
    if clock is None or width is None or contexts is None or precision != "int8":
        return None
    product = clock.value * contexts.value * width.value / 8
    return product, f"clock x contexts x vector_width / 8 bit = {clock.text} x {contexts.text} x {width.text} / 8 bit"


def _npu_peak(processor: Processor, precision: Precision) -> _Product | None:
    clock, lanes = processor.clock, processor.lanes
    if clock is None or lanes is None or precision != processor.precisions[0]:
        return None
    return clock.value * lanes.value, f"clock x lanes = {clock.text} x {lanes.text}"


def _fpga_peak(processor: Processor, precision: Precision) -> _Product | None:
    dpu, hls, ticks = processor.dpu, processor.hls, processor.clock
    if hls is not None and ticks is not None and precision in hls.tm and precision in hls.tn:
        lanes = (hls.tm[precision], hls.tn[precision])
        text = f"tm x tn x clock = {lanes[0].text} x {lanes[1].text} x {ticks.text}"
        return lanes[0].value * lanes[1].value * ticks.value, text
    if dpu is None or precision != "int8":
        return None
    factors = (dpu.cores, dpu.pixel_parallelism, dpu.input_channel_parallelism, dpu.output_channel_parallelism)
    clock = dpu.array_clock or dpu.clock
    product = clock.value
    for factor in factors:
        product *= factor.value
    text = " x ".join(factor.text for factor in (*factors, clock))
    return product, f"cores x parallelism x clock = {text}"


_PEAK: Final[dict[str, Callable[[Processor, Precision], _Product | None]]] = {
    "cpu": _cpu_peak,
    "gpu": _gpu_peak,
    "dsp": _dsp_peak,
    "npu": _npu_peak,
    "fpga": _fpga_peak,
}
