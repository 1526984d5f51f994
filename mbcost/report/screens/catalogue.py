"""Lists of what ships, and single entries: devices with the source of every number, architectures row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from mbcost import readable
from mbcost.architectures import ArchitectureSpec
from mbcost.devices import DeviceProfile, Processor, Quantity, runtimes_for
from mbcost.graph import Layer, LayerGraph, ParamsConvention, macs_by_layer, params_by_layer
from mbcost.report.screens.terminal import Column, Screen, bullets, facts, heading, section, table
from mbcost.words import MacsConvention


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


def device_entry(device: DeviceProfile) -> dict[str, Any]:
    """A device in the JSON of a list."""
    return {
        "name": device.name,
        "title": device.title,
        "soc": device.soc,
        "origin": device.origin,
        "processors": [_processor_entry(device, processor) for processor in device.processors.values()],
    }


def _processor_entry(device: DeviceProfile, processor: Processor) -> dict[str, Any]:
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
    }


def devices_screen(devices: Sequence[DeviceProfile], screen: Screen) -> str:
    """The list of devices: one line per target, the default of each device first."""
    rows = [_target_line(device, processor) for device in devices for processor in _ordered(device)]
    columns = [
        Column("target"),
        Column("device", narrow="cut", least=20, drop=2),
        Column("model", style="dim", narrow="cut"),
        Column("precisions"),
        Column("runtime"),
        Column("other runtimes", style="dim", narrow="cut", least=24, drop=1),
    ]
    note = "The first entry is the default: of a device's processors, runtimes and precisions."
    steps = "`mbcost devices show NAME` has every number of a device with its source."
    return screen.render(section(heading("Devices"), table(columns, rows, screen)), bullets([note, steps], screen))


def _ordered(device: DeviceProfile) -> list[Processor]:
    return sorted(device.processors.values(), key=lambda processor: not processor.default)


def _target_line(device: DeviceProfile, processor: Processor) -> tuple[str, ...]:
    runtime, *others = runtimes_for(device, processor)
    name, precisions = f"{device.name}/{processor.name}", ", ".join(processor.precisions)
    return name, device.title, processor.model, precisions, runtime, ", ".join(others)


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
