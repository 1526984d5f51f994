"""Lists of what ships, and single entries: devices with the source of every number, architectures row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from mbcost import readable
from mbcost.architectures import ArchitectureSpec
from mbcost.basis import SHORT
from mbcost.devices import DeviceProfile, Found, Processor, Quantity, runtimes_for
from mbcost.devices.cores import NUMBERS, Core
from mbcost.devices.gpus import GPU_NUMBERS, Gpu
from mbcost.graph import Layer, LayerGraph, ParamsConvention, macs_by_layer, params_by_layer
from mbcost.report.screens.terminal import Column, Screen, bullets, facts, heading, section, table
from mbcost.words import ListOrder, MacsConvention


@dataclass(frozen=True, slots=True)
class RowCount:
    """One row of an architecture's table, or one layer of it, with its counts for one image."""

    name: str
    operators: tuple[str, ...]
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    macs: int
    params: int


def count_rows(
    graph: LayerGraph, params: ParamsConvention, macs: MacsConvention, *, by_layer: bool = False
) -> list[RowCount]:
    """The rows of a table with their propagated shapes and counts, or its layers."""
    macs_of, params_of = macs_by_layer(graph, macs), params_by_layer(graph, params)
    groups: list[list[Layer]] = []
    for layer in graph.layers:
        if by_layer or not groups or groups[-1][0].block != layer.block:
            groups.append([])
        groups[-1].append(layer)
    return [
        RowCount(
            group[0].name if by_layer else group[0].block,
            tuple(layer.op for layer in group),
            group[0].input_shapes[0],
            group[-1].output_shape,
            sum(macs_of[layer.position] for layer in group),
            sum(params_of[layer.position] for layer in group),
        )
        for group in groups
    ]


# -- architectures ----------------------------------------------------------------------------------------------------


def architecture_entry(spec: ArchitectureSpec, rows: Sequence[RowCount]) -> dict[str, Any]:
    """An architecture in the JSON of a list."""
    return {
        "name": spec.name,
        "title": spec.title,
        "source": spec.source,
        "input_shape": list(spec.input_shape),
        "options": dict(spec.options),
        "macs": sum(row.macs for row in rows),
        "params": sum(row.params for row in rows),
    }


def architectures_screen(entries: Sequence[dict[str, Any]], screen: Screen) -> str:
    """The list of architectures."""
    rows = [
        (
            entry["name"],
            readable.shape(entry["input_shape"]),
            readable.si(entry["macs"]),
            readable.si(entry["params"]),
            _options(entry["options"]),
        )
        for entry in entries
    ]
    columns = [
        Column("architecture"),
        Column("input"),
        Column("MACs", "right"),
        Column("params", "right", drop=1),
        Column("options", narrow="wrap", least=16, drop=2),
    ]
    return screen.render(table(columns, rows, screen))


def _options(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={str(value).lower()}" for name, value in options.items()) or readable.NOTHING


def architecture_details(spec: ArchitectureSpec, graph: LayerGraph, rows: Sequence[RowCount]) -> dict[str, Any]:
    """An architecture row by row, for JSON."""
    return {
        **architecture_entry(spec, rows),
        "alpha": graph.alpha,
        "input_shape": list(graph.input_shape),
        "options": dict(graph.options),
        "note": spec.note,
        "notes": list(spec.notes),
        "rows": [asdict(row) for row in rows],
    }


def architecture_screen(spec: ArchitectureSpec, graph: LayerGraph, rows: Sequence[RowCount], screen: Screen) -> str:
    """An architecture row by row."""
    entry = architecture_details(spec, graph, rows)
    about = [
        ("source", spec.source),
        ("note", " ".join([*spec.note.split(), *spec.notes])),
        ("network", f"alpha {graph.alpha:g}, input {graph.input_shape}, {len(graph.layers)} layers"),
        ("options", _options(entry["options"])),
        ("work", f"{readable.si(entry['macs'])} MACs, {readable.si(entry['params'])} parameters"),
    ]
    total = entry["macs"] or 1
    cells = [
        (
            row.name,
            readable.shape(row.input_shape),
            readable.shape(row.output_shape),
            f"{row.macs:,}",
            readable.percent(row.macs / total),
            f"{row.params:,}",
        )
        for row in rows
    ]
    columns = [
        Column("row", narrow="squeeze", least=20),
        Column("input", "right", drop=2),
        Column("output", "right"),
        Column("MACs", "right"),
        Column("%", "right", drop=1),
        Column("params", "right", drop=3),
    ]
    return screen.render(
        section(heading(spec.title, spec.name), facts([row for row in about if row[1]], screen)),
        section(heading("Rows"), table(columns, cells, screen)),
    )


# -- devices ----------------------------------------------------------------------------------------------------------


def device_entry(device: DeviceProfile, bases: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A device in the JSON of a list; `bases` is ``device/processor`` -> what its latencies rest on."""
    return {
        "name": device.name,
        "title": device.title,
        "names": list(device.names),
        "soc": device.soc,
        "chip": device.chip,
        "origin": device.origin,
        "processors": [_processor_entry(device, processor, bases) for processor in device.processors.values()],
    }


def _processor_entry(device: DeviceProfile, processor: Processor, bases: Mapping[str, str] | None) -> dict[str, Any]:
    basis = {} if bases is None else {"basis": bases.get(f"{device.name}/{processor.name}")}
    return {
        "name": processor.name,
        "kind": processor.kind,
        "model": processor.model,
        "default": processor.default,
        "runtime": processor.runtime,
        "runtimes": list(runtimes_for(device, processor)),
        "precisions": list(processor.precisions),
        "max_threads": processor.max_threads,
        "note": processor.note,
        **basis,
    }


def devices_screen(
    devices: Sequence[DeviceProfile], bases: Mapping[str, str], more: int, by: ListOrder, screen: Screen
) -> str:
    """The list of devices, by kind or by basis: one line per target, the default of each device first.

    Parameters
    ----------
    bases
        ``device/processor`` -> what its latencies rest on.
    more
        How many devices are not in the list.
    by
        The order of the lines.
    """
    groups: dict[str, list[tuple[DeviceProfile, Processor]]] = {title: [] for title in _KINDS.values()}
    for device in devices:
        processors = _ordered(device)
        groups[_kind_of(processors[0])] += [(device, processor) for processor in processors]
    if by == "basis":
        order = list(SHORT.values())
        best_first = sorted(
            (each for targets in groups.values() for each in targets),
            key=lambda each: _place(bases.get(f"{each[0].name}/{each[1].name}"), order),
        )
        groups = {"Devices": best_first}
    columns = [
        Column("target"),
        Column("basis"),
        Column("device", narrow="cut", least=20, drop=2),
        Column("model", style="dim", narrow="cut"),
        Column("precisions"),
        Column("runtime"),
        Column("other runtimes", style="dim", narrow="cut", least=24, drop=1),
    ]
    note = "The first entry is the default: of a device's processors, runtimes and precisions."
    steps = "`mbcost devices show NAME` has every number of a device with its source."
    legend = "Basis: " + "; ".join(f"{name} is {words}" for name, words in _LEGEND.items()) + "."
    notes = [note, legend, steps]
    if more:
        notes.append(
            f"{more:,} more devices and systems on a chip are described by their cores: `mbcost devices list --all`, "
            "`mbcost devices search TEXT`."
        )
    sections = [
        section(heading(title), table(columns, [_target_line(*each, bases) for each in targets], screen))
        for title, targets in groups.items()
        if targets
    ]
    return screen.render(*sections, bullets(notes, screen))


#: Kind of a device's default processor -> its group in the list.
_KINDS: Final = {
    "cpu": "Phones, boards and computers",
    "microcontroller": "Microcontrollers",
    "gpu": "GPUs",
    "npu": "Accelerators",
    "fpga": "FPGAs",
}


def _kind_of(default: Processor) -> str:
    kind = "microcontroller" if default.microcontroller else default.kind
    return _KINDS.get(kind, _KINDS["npu"])


def catalogue_rows(found: Sequence[Found], bases: Mapping[str, str | None], by: ListOrder) -> list[dict[str, Any]]:
    """The whole list for JSON: a device or chip a row, with the basis of its default target."""
    rows = [{**found_entry(each), "basis": bases.get(each.name)} for each in found]
    if by == "basis":
        order = list(SHORT.values())
        rows.sort(key=lambda row: _place(row["basis"], order))
    return rows


def catalogue_screen(rows: Sequence[Mapping[str, Any]], screen: Screen) -> str:
    """The whole list: a device or chip a line, with its clusters and the basis of its default target."""
    cells = [
        (row["name"], row["basis"] or readable.NOTHING, row["title"], row["soc"] or readable.NOTHING, row["cpu"] or "")
        for row in rows
    ]
    columns = [
        Column("device"),
        Column("basis"),
        Column("title", narrow="cut", least=20),
        Column("chip", style="dim", narrow="cut", drop=1),
        Column("CPU", style="dim", narrow="cut", least=24, drop=2),
    ]
    return screen.render(section(heading("Devices", f"{len(rows):,}"), table(columns, cells, screen)))


def found_entry(found: Found) -> dict[str, Any]:
    """What was found, for JSON."""
    return {**asdict(found), "names": list(found.names)}


def found_screen(found: Sequence[Found], text: str, screen: Screen) -> str:
    """What a search found, the best first."""
    cells = [
        (each.name, each.kind, each.title, each.soc or "", each.cpu or "", ", ".join(each.names)) for each in found
    ]
    columns = [
        Column("name"),
        Column("kind", style="dim"),
        Column("title", narrow="cut", least=20),
        Column("chip", narrow="cut", drop=2),
        Column("CPU", narrow="cut", least=24, drop=1),
        Column("other names", style="dim", narrow="cut", drop=3),
    ]
    step = (
        "`--device` takes any name here, a core with its clock: cortex_a76@2.4GHz. `mbcost devices show NAME` has "
        "every number."
    )
    return screen.render(
        section(heading(f"Found by {text}", f"{len(found):,}"), table(columns, cells, screen)), bullets([step], screen)
    )


def _place(basis: str | None, order: list[Any]) -> int:
    return order.index(basis) if basis in order else len(order)


def _ordered(device: DeviceProfile) -> list[Processor]:
    return sorted(device.processors.values(), key=lambda processor: not processor.default)


def _target_line(device: DeviceProfile, processor: Processor, bases: Mapping[str, str]) -> tuple[str, ...]:
    runtime, *others = runtimes_for(device, processor)
    name, precisions = f"{device.name}/{processor.name}", ", ".join(processor.precisions)
    return (
        name,
        bases.get(name, readable.NOTHING),
        device.title,
        processor.model,
        precisions,
        runtime,
        ", ".join(others),
    )


#: What the words of the column mean, the best first.
_LEGEND: Final = {
    "calibrated": "fitted to latencies of this target",
    "same core": "measured on other devices with its core",
    "related core": "on a core of the same design",
    "facts": "computed from what is known of the processor",
    "bound": "a lower bound, no prediction",
}


def core_details(core: Core, chips: Sequence[str]) -> dict[str, Any]:
    """A core with all its numbers, in SI base units, for JSON."""
    return {
        "name": core.name,
        "title": core.title,
        "names": list(core.names),
        "like": core.like,
        "instructions": core.instructions,
        "order": core.order,
        "features": sorted(core.features),
        "chips": list(chips),
        "origin": core.origin,
        "path": core.path,
        "provenance": {"date": core.date, "references": dict(core.references)},
        "numbers": {place: _quantity(quantity) for place, quantity in _core_numbers(core)},
    }


def core_screen(core: Core, chips: Sequence[str], screen: Screen) -> str:
    """A core with all its numbers, each with its source."""
    about = [
        ("other names", ", ".join(core.names)),
        ("derives from", core.like or ""),
        ("instructions", f"{core.instructions}: {', '.join(sorted(core.features))}"),
        ("order", core.order),
        ("chips", ", ".join(chips)),
        ("file", f"{core.origin}, of {core.date}"),
    ]
    hint = f"A target: `--device {core.name}@2.0GHz`, at any clock of yours."
    return _part_screen(core, about, _core_numbers(core), hint, screen)


def gpu_screen(gpu: Gpu, chips: Sequence[str], screen: Screen) -> str:
    """A graphics processor with all its numbers, each with its source."""
    about = [
        ("other names", ", ".join(gpu.names)),
        ("generation", f"{gpu.vendor}, {gpu.generation}"),
        ("chips", ", ".join(chips)),
        ("file", f"{gpu.origin}, of {gpu.date}"),
    ]
    hint = f"A target: `--device {chips[0]}/gpu`." if chips else "No chip of the catalogue has it."
    return _part_screen(gpu, about, _gpu_numbers(gpu), hint, screen)


def part_screen(part: Core | Gpu, chips: Sequence[str], screen: Screen) -> str:
    """A core or a graphics processor with all its numbers."""
    return core_screen(part, chips, screen) if isinstance(part, Core) else gpu_screen(part, chips, screen)


def gpu_details(gpu: Gpu, chips: Sequence[str]) -> dict[str, Any]:
    """A graphics processor with all its numbers, in SI base units, for JSON."""
    return {
        "name": gpu.name,
        "title": gpu.title,
        "names": list(gpu.names),
        "vendor": gpu.vendor,
        "generation": gpu.generation,
        "year": gpu.year,
        "chips": list(chips),
        "origin": gpu.origin,
        "path": gpu.path,
        "provenance": {"date": gpu.date, "references": dict(gpu.references)},
        "numbers": {place: _quantity(quantity) for place, quantity in _gpu_numbers(gpu)},
    }


def _part_screen(
    part: Core | Gpu,
    about: Sequence[tuple[str, str]],
    numbers: Sequence[tuple[str, Quantity]],
    hint: str,
    screen: Screen,
) -> str:
    rows = [(place, each.text, each.source, _remark(each)) for place, each in numbers]
    columns = [
        Column("number"),
        Column("value", "right"),
        Column("source"),
        Column("reference; remark", style="dim", narrow="wrap", least=18),
    ]
    return screen.render(
        section(heading(part.title, part.name), facts([row for row in about if row[1]], screen)),
        section(heading("Numbers"), table(columns, rows, screen)),
        section(heading("References"), facts(part.references.items(), screen)),
        bullets([hint], screen),
    )


def _gpu_numbers(gpu: Gpu) -> list[tuple[str, Quantity]]:
    found = [(key, getattr(gpu, key)) for key in GPU_NUMBERS]
    found += [(f"throughput.{precision}", each) for precision, each in gpu.throughput.items()]
    return [(place, each) for place, each in found if each is not None]


def _core_numbers(core: Core) -> list[tuple[str, Quantity]]:
    found = [(key, getattr(core, key)) for key in NUMBERS]
    found += [(f"throughput.{precision}", each) for precision, each in core.throughput.items()]
    return [(place, each) for place, each in found if each is not None]


def device_details(device: DeviceProfile) -> dict[str, Any]:
    """A device with all its numbers, in SI base units, for JSON."""
    provenance = device.provenance
    return {
        **device_entry(device),
        "note": device.note,
        "path": device.path,
        "provenance": {
            "date": provenance.date,
            "os": provenance.os,
            "runtime": provenance.runtime,
            "note": provenance.note,
            "references": dict(provenance.references),
        },
        "numbers": {place: _quantity(quantity) for place, quantity in device.quantities()},
    }


def _quantity(quantity: Quantity) -> dict[str, Any]:
    return {**asdict(quantity), "reference": list(quantity.reference)}


def device_screen(device: DeviceProfile, screen: Screen) -> str:
    """A device with all its numbers, each with its source."""
    provenance = device.provenance
    about = [
        ("other names", ", ".join(device.names)),
        ("system", device.soc or ""),
        ("note", device.note or ""),
        ("profile", f"{device.origin}, of {provenance.date}"),
        ("software", ", ".join(part for part in (provenance.os, provenance.runtime) if part)),
    ]
    about += [(processor.name, _processor_line(device, processor)) for processor in device.processors.values()]
    return screen.render(
        section(heading(device.title, device.name), facts([row for row in about if row[1]], screen)),
        section(heading("Numbers"), _numbers(device, screen)),
        section(heading("References"), facts(provenance.references.items(), screen)),
    )


def _numbers(device: DeviceProfile, screen: Screen) -> RenderableType:
    """One line per number, under the section of the profile that has it."""
    rows: list[tuple[str | Text, ...]] = []
    previous = ""
    for place, quantity in device.quantities():
        parts = place.split(".")
        depth = 1 if parts[0] == "memory" else 2
        owner, name = ".".join(parts[:depth]), ".".join(parts[depth:])
        if owner != previous:
            rows.append((Text(owner, style="bold"),))
            previous = owner
        rows.append((f"  {name}", quantity.text, quantity.source, _remark(quantity)))
    columns = [
        Column("number"),
        Column("value", "right"),
        Column("source"),
        Column("reference; remark", style="dim", narrow="wrap", least=18),
    ]
    return table(columns, rows, screen)


def _processor_line(device: DeviceProfile, processor: Processor) -> str:
    runtime, *others = runtimes_for(device, processor)
    parts = [
        processor.model + (" (default)" if processor.default else ""),
        f"runtime {runtime}" + (f", or {', '.join(others)}" if others else ""),
        f"precisions {', '.join(processor.precisions)}",
        f"up to {processor.max_threads} threads" if processor.max_threads > 1 else "",
        processor.note or "",
    ]
    return "; ".join(part for part in parts if part)


def _remark(quantity: Quantity) -> str:
    parts = (", ".join(quantity.reference), quantity.formula, quantity.note)
    return "; ".join(part for part in parts if part) or readable.NOTHING
