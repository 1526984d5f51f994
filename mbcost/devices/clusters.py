"""Devices from the catalogue: a chip's clusters as processors, with the numbers of their cores.

``cpu`` is the fastest cluster; the others are ``cpu.medium``, ``cpu.medium_2`` and ``cpu.small``. ``gpu`` is the chip's
graphics processor where its arithmetic, its clock and the memory's bandwidth are known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mbcost.devices.cores import Core, ancestors, find_core, load_core
from mbcost.devices.entries_of_catalogue import number, plain
from mbcost.devices.gpus import Gpu, cores_in, find_gpu
from mbcost.devices.npus import npu_processor
from mbcost.devices.socs import (
    CLUSTER_NUMBERS,
    CLUSTERS,
    MEMORIES_NUMBERS,
    MEMORY_NUMBERS,
    Cluster,
    Soc,
    Unit,
    load_soc,
    memories_from,
    numbers,
)
from mbcost.devices.types import DeviceProfile, Memories, Memory, Origin, Precision, Processor, Provenance, Quantity
from mbcost.errors import fail, or_list
from mbcost.units import UnitError, format_quantity, parse_quantity, plausible

#: The name of a CPU's fastest cluster, and what the names of the others begin with.
CPU: Final = "cpu"
#: The runtime of Arm cores, and that of all others: each is the one that most of these cores were measured with.
ARM_RUNTIME: Final = "tflite-2.10"
OTHER_RUNTIME: Final = "ncnn"
#: The name of the graphics processor, and its runtime.
GPU: Final = "gpu"
GPU_RUNTIME: Final = "tflite-gpu-2.10"
#: How far above the highest known clock of a core a clock may be [1]: makers pick the best chips for some devices.
CLOCK_MARGIN: Final = 1.25

#: What a cluster may be called -> the clusters that it may be, the first that there is.
_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("large", "big", "prime"), ("large",)),
    **dict.fromkeys(("gold", "performance"), ("medium", "large")),
    **dict.fromkeys(("medium", "med", "mid", "middle"), ("medium",)),
    **dict.fromkeys(("medium_2", "med_2", "mid_2", "middle_2"), ("medium_2",)),
    **dict.fromkeys(("small", "little", "silver", "efficiency"), ("small",)),
}
_AD_HOC: Final = r"(?i)(?P<core>[^@/]+?)\s*(?:@\s*(?P<clock>[0-9.]+)\s*(?P<unit>[kmg]?hz))?"
_UNITS: Final = {unit.lower(): unit for unit in ("Hz", "kHz", "MHz", "GHz")}


class _References:
    """The references of a profile; those of a core or a chip are under its key and a dot."""

    def __init__(self) -> None:
        self.used: dict[str, str] = {}

    def of(self, quantity: Quantity | None, owner: Core | Soc | Gpu) -> Quantity | None:
        """A number of a core or chip with its references as the profile has them."""
        if quantity is None or not quantity.reference:
            return quantity
        self.used |= {f"{owner.name}.{key}": owner.references[key] for key in quantity.reference}
        return replace(quantity, reference=tuple(f"{owner.name}.{key}" for key in quantity.reference))


def with_clusters(profile: DeviceProfile, soc: Soc) -> DeviceProfile:
    """A full profile with those clusters of its chip that it does not describe itself."""
    references, own = _References(), dict(profile.processors)
    default = not any(processor.default for processor in own.values())
    for name, cluster in soc.clusters.items():
        if _key(name) not in own:
            cited = cluster._replace(**_cited(cluster, CLUSTER_NUMBERS, soc, references))
            own[_key(name)] = _processor(cited, soc, references, default=default and name == CLUSTERS[0])
    if not any(processor.kind == "gpu" for processor in own.values()):
        stated = profile.memory if profile.memory.bandwidth is not None else soc.memory
        own |= _graphics(soc.gpu, stated, soc, references)
        if GPU in own and profile.memory.bandwidth is None:
            own[GPU] = replace(own[GPU], bandwidth=references.of(soc.memory.bandwidth, soc))
    first, large = own.get(CPU), soc.clusters.get(CLUSTERS[0])
    if first is not None and large is not None and large.cores and first.max_threads > large.cores.value:
        # threads beyond the fastest cluster's cores run on the next one
        alone = replace(first, max_threads=int(large.cores.value))
        rest = [own[_key(name)] for name in soc.clusters if _key(name) != CPU]
        own[CPU] = replace(first, clusters=(alone, *rest))
    merged = {**references.used, **profile.provenance.references}
    return replace(profile, processors=own, provenance=replace(profile.provenance, references=merged))


def soc_profile(soc: Soc) -> DeviceProfile:
    """A system on a chip as a device."""
    references = _References()
    memory = _memory(soc, references)
    graphics = _graphics(soc.gpu, memory, soc, references)
    processors = _processors(_clusters(soc, references), soc, references) | graphics
    return DeviceProfile(
        name=soc.name,
        title=soc.title,
        names=soc.names,
        soc=soc.title,
        chip=soc.name,
        note=_note(soc, graphics),
        processors=processors,
        memory=memory,
        memories=_memories(soc, references),
        provenance=Provenance(date=soc.date, references=references.used),
        path=soc.path,
        origin=soc.origin,
    )


def device_profile(data: Mapping[str, Any], path: str, origin: Origin) -> DeviceProfile:
    """A device from a file that names its chip and what deviates from it."""
    identity, provenance = data["identity"], data["provenance"]
    default = provenance.get("reference")
    soc, references = load_soc(data["soc"]), _References()
    clusters = with_deviations(_clusters(soc, references), data)
    section = data.get("memory") or {}
    memory = replace(_memory(soc, references), **_known(numbers(section, MEMORY_NUMBERS, default)))
    graphics = _graphics(_unit_with_deviations(soc.gpu, data), memory, soc, references)
    return DeviceProfile(
        name=identity["name"],
        title=identity["title"],
        names=tuple(identity.get("names") or ()),
        soc=soc.title,
        chip=soc.name,
        note=_note(soc, graphics),
        processors=_processors(clusters, soc, references) | graphics,
        memory=replace(memory, type=section.get("type") or memory.type),
        memories=_memories_with_deviations(soc, data, references),
        active_power=number("active_power", data.get("active_power"), default),
        provenance=Provenance(date=provenance["date"], references={**provenance["references"], **references.used}),
        path=path,
        origin=origin,
    )


def with_deviations(clusters: Mapping[str, Cluster], data: Mapping[str, Any]) -> dict[str, Cluster]:
    """The clusters of a chip with what the file of a device says of them."""
    default, found = data.get("provenance", {}).get("reference"), dict(clusters)
    for name, values in (data.get("clusters") or {}).items():
        core = values.get("core") or found[name].core
        found[name] = found[name]._replace(core=core, **_known(numbers(values, CLUSTER_NUMBERS, default)))
    return found


def _memories(soc: Soc, references: _References) -> Memories | None:
    """The memories of a microcontroller with references as the profile has them."""
    if soc.memories is None:
        return None
    banks = {name: references.of(size, soc) for name, size in soc.memories.sram.items()}
    rest = {key: references.of(getattr(soc.memories, key), soc) for key in MEMORIES_NUMBERS}
    return Memories(sram={name: size for name, size in banks.items() if size is not None}, **rest)


def _memories_with_deviations(soc: Soc, data: Mapping[str, Any], references: _References) -> Memories | None:
    """The memories of a microcontroller with what the file of a device says of them."""
    own = memories_from(data.get("memories"), data.get("provenance", {}).get("reference"))
    chip = _memories(soc, references)
    if own is None or chip is None:
        return own or chip
    changed = {key: value for key in MEMORIES_NUMBERS if (value := getattr(own, key)) is not None}
    return replace(chip, sram={**chip.sram, **own.sram}, **changed)


def _unit_with_deviations(unit: Unit | None, data: Mapping[str, Any]) -> Unit | None:
    """The graphics processor of a chip with what the file of a device says of it."""
    values = data.get("gpu") or {}
    name = values.get("name") or (unit.name if unit is not None else None)
    if name is None:
        return None
    default = data.get("provenance", {}).get("reference")
    return (unit or Unit(name))._replace(name=name, **_known(numbers(values, ("cores", "clock"), default)))


def core_profile(text: str) -> DeviceProfile | None:
    """The device of an ad-hoc target such as ``cortex_x4@3.39GHz``; None if `text` names no core.

    Without a clock it is the highest that is known of the core, and the note says so.

    Raises
    ------
    InputError
        MB303 for a clock that is far above every known one of the core, or for none where none is known; every problem
        of a user's file.
    """
    match = re.fullmatch(_AD_HOC, text.strip())
    core = find_core(match["core"]) if match else None
    if match is None or core is None:
        return None
    references = _References()
    clock, note = references.of(core.max_clock, core), None
    if match["clock"] is not None:
        clock = _clock(match, core)
    elif clock is None:
        hint = f"name it: {core.name}@2.0GHz"
        fail("MB303", f"no clock of {core.title} is known to the catalogue", hint=hint)
    else:
        note = f"no clock was named: at the highest that is known of it, {clock.text}"
    assert clock is not None
    cluster = Cluster(CLUSTERS[0], core.name, clock=clock)
    processor = _processor(cluster, None, references, default=True)
    return DeviceProfile(
        name=f"{core.name}@{clock.value / 1e9:.9g}GHz",
        title=f"{core.title} at {clock.value / 1e9:.9g} GHz",
        note=note,
        processors={processor.name: processor},
        memory=Memory(),
        provenance=Provenance(date=core.date, references=references.used),
        path=core.path,
        origin=core.origin,
    )


def processor_key(device: DeviceProfile, text: str) -> str | None:
    """The name of the processor that `text` means: a name, ``cpu.`` and a role, or ``cpu.`` and a core; None if none.

    ``cpu.big``, ``cpu.prime`` and ``cpu.large`` are ``cpu``; ``cpu.gold`` is the middle cluster where there is one.
    """
    if text in device.processors:
        return text
    key = plain(text)
    if key in device.processors:
        return key
    kind, dot, role = key.partition(".")
    if kind != CPU or not dot:
        return None
    clusters = {_role(name): name for name, each in device.processors.items() if each.kind == "cpu"}
    for candidate in _ROLES.get(role, ()):
        if candidate in clusters:
            return clusters[candidate]
    wanted = find_core(role)
    if wanted is None:
        return None
    cores = {name: find_core(device.processors[name].model) for name in clusters.values()}
    for close in (lambda core: core.name == wanted.name, lambda core: wanted in ancestors(core)):
        able = [name for name, core in cores.items() if core is not None and close(core)]
        if able:
            return able[0]
    return None


def mixed(device: DeviceProfile, text: str) -> Processor | None:
    """The set of clusters that a text such as ``cpu.large+medium`` means; None if one of them is not there.

    The clusters are in the order of the device, the fastest first. A thread runs on a core of its own.
    """
    parts = text.split("+")
    if len(parts) < 2:
        return None
    keys = [processor_key(device, part if plain(part).startswith(CPU) else f"{CPU}.{part}") for part in parts]
    if None in keys or len(set(keys)) < len(keys):
        return None
    chosen = [each for name, each in device.processors.items() if name in keys and each.kind == "cpu"]
    if len(chosen) < len(keys):
        return None
    clusters = tuple(cluster for each in chosen for cluster in each.clusters[:1] or (each,))
    name = f"{CPU}.{'+'.join(_role(cluster.name) for cluster in clusters)}"
    return replace(
        clusters[0], name=name, max_threads=sum(one.max_threads for one in clusters), default=False, clusters=clusters
    )


def clusters_of(device: DeviceProfile) -> str:
    """The processors of a device and the cores of those that are clusters, for a hint."""
    return or_list(
        [f"{name} ({each.model})" if each.kind == "cpu" else name for name, each in device.processors.items()]
    )


def too_fast(clock: Quantity, core: Core) -> bool:
    """Whether a clock is so far above all known ones of a core that it is a mistake."""
    return core.max_clock is not None and clock.value > core.max_clock.value * CLOCK_MARGIN


def _clock(match: re.Match[str], core: Core) -> Quantity:
    """The clock of an ad-hoc target."""
    unit = _UNITS[match["unit"].lower()]
    text = f"{match['clock']} {unit}"
    try:
        hertz = plausible(parse_quantity(text, "frequency"), "frequency", text)
    except UnitError as error:
        fail("MB303", f"the clock of {core.name}: {error}", hint=f"such as {core.name}@2.0GHz")
    clock = Quantity(hertz, "frequency", "assumed", (), None, "as it was named", f"{hertz / 1e9:.9g} GHz")
    if hertz <= 0 or too_fast(clock, core):
        most = core.max_clock.text if core.max_clock else "positive"
        hint = f"the highest known clock of {core.title} is {most}" if core.max_clock else "a clock is positive"
        fail("MB303", f"{core.title} does not run at {text}", hint=hint)
    return clock


def _clusters(soc: Soc, references: _References) -> dict[str, Cluster]:
    """The clusters of a chip with references as the profile has them."""
    return {
        name: cluster._replace(**_cited(cluster, CLUSTER_NUMBERS, soc, references))
        for name, cluster in soc.clusters.items()
    }


def _processors(clusters: Mapping[str, Cluster], soc: Soc, references: _References) -> dict[str, Processor]:
    first = next(iter(clusters))
    found = [_processor(each, soc, references, default=name == first) for name, each in clusters.items()]
    tops = references.of(soc.npu.tops_int8, soc) if soc.npu is not None else None
    return {processor.name: processor for processor in found} | npu_processor(soc.npu, tops)


def _processor(cluster: Cluster, soc: Soc | None, references: _References, *, default: bool) -> Processor:
    """A cluster as a processor."""
    core = load_core(cluster.core)
    arm = core.instructions.startswith("arm") or "neon" in core.features
    precisions: tuple[Precision, ...] = ("fp32", "fp16", "int8") if "fp16" in core.features else ("fp32", "int8")
    if core.microcontroller:  # most of them have rates of int8 alone
        precisions = ("int8", "fp32")
    throughput = {
        precision: rate
        for precision in precisions
        if (rate := references.of(core.throughput.get(precision), core)) is not None
    }
    l2 = cluster.l2 or references.of(core.l2, core)
    return Processor(
        name=_key(cluster.name),
        kind="cpu",
        model=core.name,
        runtime=cluster.runtime or core.runtime or (ARM_RUNTIME if arm else OTHER_RUNTIME),
        precisions=precisions,
        default=default,
        microcontroller=core.microcontroller,
        max_threads=int(cluster.cores.value) if cluster.cores else 1,
        clock=cluster.clock,
        throughput=throughput,
        peak={} if cluster.clock is None else {name: _peak(cluster.clock, rate) for name, rate in throughput.items()},
        cores=cluster.cores,
        simd_width=references.of(core.simd_width, core),
        l1d=references.of(core.l1d, core),
        l2=l2,
        l3=references.of(soc.l3, soc) if soc else None,
    )


def _graphics(unit: Unit | None, memory: Memory, soc: Soc, references: _References) -> dict[str, Processor]:
    """The graphics processor of a chip; none where its arithmetic, a clock or the memory's bandwidth is not known."""
    gpu = find_gpu(unit.name) if unit is not None else None
    if unit is None or gpu is None or memory.bandwidth is None or not gpu.throughput:
        return {}
    clock = references.of(unit.clock, soc) or _usual_clock(gpu)
    if clock is None:
        return {}
    cores = references.of(unit.cores, soc) or references.of(gpu.cores, gpu)
    stated = cores_in(unit.name)
    number = int(cores.value) if cores is not None else stated or 1
    precisions: tuple[Precision, ...] = ("fp16", "fp32") if "fp16" in gpu.throughput else ("fp32",)
    rates = {name: rate for name in precisions if (rate := references.of(gpu.throughput.get(name), gpu)) is not None}
    assumed = None if cores is not None or stated else "the number of its cores is not known: one"
    return {
        GPU: Processor(
            name=GPU,
            kind="gpu",
            model=unit.name,
            runtime=GPU_RUNTIME,
            precisions=precisions,
            note=assumed,
            clock=clock,
            throughput=rates,
            peak={name: _peak(clock, rate, number) for name, rate in rates.items()},
            cores=cores,
            l2=references.of(gpu.l2, gpu),
        )
    }


def _usual_clock(gpu: Gpu) -> Quantity | None:
    """The highest known clock of a chip with a graphics processor, for one whose own is not known."""
    if gpu.max_clock is None:
        return None
    why = f"the clock of this chip's is not known: the highest that is known of the {gpu.title}"
    return replace(gpu.max_clock, source="assumed", reference=(), formula=None, note=why)


def _peak(clock: Quantity, rate: Quantity, cores: int = 1) -> Quantity:
    value = clock.value * rate.value * cores
    text = format_quantity(value, "throughput")
    formula = f"{f'{cores} x ' if cores > 1 else ''}{clock.text} x {rate.text}"
    return Quantity(
        value, "throughput", "derived", tuple(dict.fromkeys((*clock.reference, *rate.reference))), formula, None, text
    )


def _memory(soc: Soc, references: _References) -> Memory:
    return replace(soc.memory, **_cited(soc.memory, MEMORY_NUMBERS, soc, references))


def _note(soc: Soc, graphics: Mapping[str, Processor]) -> str | None:
    """What of a chip has no processor: what is known of it does not suffice to predict anything."""
    npu = soc.npu if soc.npu is not None and soc.npu.runtime is None else None
    units = [unit.name for unit in (None if graphics else soc.gpu, npu) if unit is not None]
    return f"no numbers to predict its {' and its '.join(units)} are known" if units else None


def _cited(section: Cluster | Memory, keys: tuple[str, ...], soc: Soc, references: _References) -> dict[str, Any]:
    return {key: references.of(getattr(section, key), soc) for key in keys}


def _known(values: Mapping[str, Quantity | None]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _key(cluster: str) -> str:
    return CPU if cluster == CLUSTERS[0] else f"{CPU}.{cluster}"


def _role(name: str) -> str:
    return name.partition(".")[2] or CLUSTERS[0]
