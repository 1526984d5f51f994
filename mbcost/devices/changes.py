"""Devices with some of their numbers changed: what if its memory were slower, its array larger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, NoReturn

from mbcost.devices.quantities import DIMENSIONS
from mbcost.devices.types import DeviceProfile, Memory, Processor, Quantity
from mbcost.errors import did_you_mean, fail
from mbcost.units import UnitError, parse_quantity, plausible

#: Numbers that follow the clock of their processor in proportion, and the cores of a GPU.
_PEAKS: Final = ("peak", "measured_peak")
#: Cores of a GPU, whose peak is that of all of them; the peak of a CPU is that of one.
_GPU_CORES: Final = (["cores"], ["shader_processors"])
#: Parts of a processor's section whose numbers may be named without the part: ``npu.array`` and ``fpga.cores``.
_PARTS: Final = ("systolic", "dpu", "hls", "ethos_u", "efficiency", "energy")


def changed(profile: DeviceProfile, changes: Mapping[str, str]) -> DeviceProfile:
    """The device with other values for some of its numbers, each marked as assumed.

    A clock takes the arithmetic peaks of its processor with it, the bandwidth of the memory those that its processors
    measured, and an array and the cores of a GPU its peaks. Rates of a calibration change as those of the profile do.

    Parameters
    ----------
    changes
        Place -> value with its unit, as a profile has it: ``{"memory.bandwidth": "6.4 GB/s", "npu.array": "128"}``. A
        place is the path of a number in the profile, without ``processors.``; ``array`` is both sides of a systolic
        array.

    Raises
    ------
    InputError
        MB010 for a place that the profile does not have, MB301 for a value with another unit, not above 0, or a count
        that is not whole.
    """
    result = profile
    for place, text in changes.items():
        result = _changed(result, place.strip(), text.strip())
    return replace(result, changes=tuple(changes.items()), unchanged=profile) if changes else profile


def _changed(profile: DeviceProfile, place: str, text: str) -> DeviceProfile:
    if place.startswith("memory."):
        name = place.removeprefix("memory.")
        old = getattr(profile.memory, name, None) if name in _names(profile.memory) else None
        memory: Memory = _within(profile, profile.memory, place, [name], text)
        if name != "bandwidth" or old is None:
            return replace(profile, memory=memory)
        factor = memory.bandwidth.value / old.value if memory.bandwidth is not None else 1.0
        processors = {
            key: replace(one, bandwidth=scaled(one.bandwidth, factor)) for key, one in profile.processors.items()
        }
        measured = scaled(memory.measured_bandwidth, factor)
        return replace(profile, memory=replace(memory, measured_bandwidth=measured), processors=processors)
    keys = [key for key in profile.processors if place.removeprefix("processors.").startswith(f"{key}.")]
    if not keys:
        _no_such_place(profile, place)
    key = max(keys, key=len)
    rest = place.removeprefix("processors.").removeprefix(f"{key}.").split(".")
    one = _of_processor(profile, profile.processors[key], place, rest, text)
    return replace(profile, processors=_with(profile.processors, key, one))


def _with(processors: Mapping[str, Processor], key: str, one: Processor) -> dict[str, Processor]:
    """The processors with one of them changed, also where it is a cluster of another one or of itself."""
    found = {**processors, key: one}
    plain = replace(one, clusters=())
    return {
        name: replace(each, clusters=tuple([plain if part.name == key else part for part in each.clusters]))
        for name, each in found.items()
    }


def _of_processor(profile: DeviceProfile, processor: Processor, place: str, rest: list[str], text: str) -> Processor:
    if rest == ["array"] and processor.systolic is not None:
        array = processor.systolic
        rows = _value(profile, place, "rows", array.rows, text)
        grown = rows.value**2 / (array.rows.value * array.columns.value)
        peak = {name: _times(each, grown) for name, each in processor.peak.items()}
        return replace(processor, systolic=replace(array, rows=rows, columns=rows), peak=peak)
    for part in _PARTS:
        section = getattr(processor, part)
        if section is not None and rest[0] == part:
            return replace(processor, **{part: _within(profile, section, place, rest[1:], text)})
        own = getattr(processor, rest[0], None) if rest else None
        if section is not None and own is None and rest and rest[0] in _names(section):
            return replace(processor, **{part: _within(profile, section, place, rest, text)})
    if processor.kind == "gpu" and rest in _GPU_CORES and getattr(processor, rest[0]) is None:
        _no_such_place(profile, place)
    found: Processor = _within(profile, processor, place, rest, text)
    old, new = (getattr(each, rest[0], None) for each in (processor, found))
    if old is None or new is None:
        return found
    if rest == ["clock"]:
        return replace(at_clock(processor, new.value / old.value), clock=new)
    if processor.kind == "gpu" and rest in _GPU_CORES:
        return replace(found, **_peaks(found, new.value / old.value))
    return found


def at_clock(processor: Processor, factor: float) -> Processor:
    """The processor at another clock, with the arithmetic peaks and the clock of a DPU that follow it."""
    dpu = processor.dpu
    return replace(
        processor,
        clock=scaled(processor.clock, factor),
        dpu=replace(dpu, clock=_times(dpu.clock, factor)) if dpu is not None else None,
        **_peaks(processor, factor),
    )


def scaled(quantity: Quantity | None, factor: float) -> Quantity | None:
    """A number of a profile times a factor, if the profile has it."""
    return None if quantity is None else _times(quantity, factor)


def _peaks(processor: Processor, factor: float) -> dict[str, Any]:
    return {
        name: {precision: _times(each, factor) for precision, each in getattr(processor, name).items()}
        for name in _PEAKS
    }


def _within(profile: DeviceProfile, section: Any, place: str, rest: list[str], text: str) -> Any:
    """A section with one of its numbers changed, or one of those it has by precision."""
    name = rest[0] if rest else ""
    if name not in _names(section) or name not in DIMENSIONS:
        _no_such_place(profile, place)
    old = getattr(section, name)
    if isinstance(old, Mapping):
        if len(rest) != 2 or rest[1] not in old:
            _no_such_place(profile, place)
        return replace(section, **{name: {**old, rest[1]: _value(profile, place, name, old[rest[1]], text)}})
    if len(rest) != 1:
        _no_such_place(profile, place)
    return replace(section, **{name: _value(profile, place, name, old, text)})


def _value(profile: DeviceProfile, place: str, name: str, old: Quantity | None, text: str) -> Quantity:
    dimension = old.dimension if old is not None else DIMENSIONS.get(name)
    if dimension is None:
        _no_such_place(profile, place)
    try:
        value = plausible(parse_quantity(text, dimension), dimension, text)
    except UnitError as error:
        fail("MB301", f"{place} of {profile.name}: {error}", hint=f"it is {old.text} now" if old is not None else None)
    if not value > 0:
        fail("MB301", f"{place} of {profile.name} is `{text}`, it has to be above 0")
    if dimension == "count" and value % 1:
        fail("MB301", f"{place} of {profile.name} is `{text}`, it has to be a whole number")
    return Quantity(value, dimension, "assumed", (), None, "changed for a what-if", text)


def _no_such_place(profile: DeviceProfile, place: str) -> NoReturn:
    known = [name.removeprefix("processors.") for name, _ in profile.quantities()]
    hint = did_you_mean(place, known) or f"`mbcost devices show {profile.name}` lists its numbers"
    fail("MB010", f"{profile.name} has no number `{place}` to change", hint=hint)


def _names(section: Any) -> frozenset[str]:
    return frozenset(each.name for each in fields(section)) if is_dataclass(section) else frozenset()


def _times(quantity: Quantity, factor: float) -> Quantity:
    return replace(quantity, value=quantity.value * factor)
