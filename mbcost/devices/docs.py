"""The tables of ``hardware_profiles/README.md`` from the schema; ``python -m mbcost.devices.docs`` updates them."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from mbcost.devices.catalogue_schema import (
    CatalogueIdentity,
    CatalogueProvenance,
    ChipMemorySection,
    ClusterSection,
    CoreFile,
    DeviationSection,
    DeviceMemorySection,
    GpuDeviationSection,
    GpuFile,
    ShortDeviceFile,
    SocFile,
    UnitSection,
)
from mbcost.devices.catalogue_schema import NpuSection as NpuUnitSection
from mbcost.devices.entries import Entry, PerPrecision
from mbcost.devices.schema import (
    PROCESSORS,
    DeviceFile,
    DpuSection,
    EfficiencySection,
    EnergySection,
    EthosUSection,
    HlsSection,
    IdentitySection,
    MemorySection,
    OverheadSection,
    ProcessorSection,
    ProvenanceSection,
    SystolicSection,
)
from mbcost.files import read_text, write_text
from mbcost.resources import hardware_profiles
from mbcost.units import UNITS

_PLAIN: Final[dict[Any, str]] = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def field_table() -> str:
    """A Markdown table of every key that a profile can have."""
    rows = ["| key | value | required | meaning |", "|---|---|---|---|"]
    rows += _rows("identity", IdentitySection)
    rows.append(f"| `soc` | text |  | {DeviceFile.model_fields['soc'].description} |")
    rows += _rows("provenance", ProvenanceSection)
    rows += _rows("processors.*", ProcessorSection)
    for kind, section in PROCESSORS.items():
        rows += _rows(f"processors.* ({kind})", section, without=ProcessorSection)
    rows += _rows("processors.*.dpu", DpuSection)
    rows += _rows("processors.*.hls", HlsSection)
    rows += _rows("processors.*.systolic", SystolicSection)
    rows += _rows("processors.*.ethos_u", EthosUSection)
    rows += _rows("processors.*.efficiency", EfficiencySection)
    rows += _rows("processors.*.energy", EnergySection)
    rows += _rows("memory", MemorySection)
    rows += _rows("overheads.*", OverheadSection)
    rows += _rows("each number", Entry)
    return "\n".join(rows)


def catalogue_table() -> str:
    """A Markdown table of every key of cores, GPUs, systems on a chip and devices that name their chip."""
    rows = ["| key | value | required | meaning |", "|---|---|---|---|"]
    rows += _rows("identity", CatalogueIdentity)
    rows += _rows("provenance", CatalogueProvenance)
    for what, model in (("core", CoreFile), ("GPU", GpuFile), ("chip", SocFile), ("device", ShortDeviceFile)):
        rows += _rows(f"{what}", model, without=_Common)
    rows += _rows("chip: clusters.*", ClusterSection)
    rows += _rows("chip: gpu", UnitSection)
    rows += _rows("chip: npu", NpuUnitSection)
    rows += _rows("chip: memory", ChipMemorySection)
    rows += _rows("device: clusters.*", DeviationSection)
    rows += _rows("device: gpu", GpuDeviationSection)
    rows += _rows("device: memory", DeviceMemorySection)
    return "\n".join(rows)


def unit_table() -> str:
    """A Markdown table of the units of every dimension."""
    rows = ["| dimension | units |", "|---|---|"]
    rows += [f"| {dimension} | {', '.join(f'`{unit}`' for unit in units)} |" for dimension, units in UNITS.items()]
    return "\n".join(rows)


def with_tables(text: str) -> str:
    """`text` with updated tables between its markers."""
    tables = {"field table": field_table(), "catalogue table": catalogue_table(), "unit table": unit_table()}
    for name, table in tables.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"\n<!-- end of {name} -->")
        text = f"{before}{start}{table}{end}{after}"
    return text


class _Common(BaseModel):
    """Sections that all of these files have, which have rows of their own."""

    identity: CatalogueIdentity
    provenance: CatalogueProvenance


def _rows(where: str, section: type[BaseModel], without: type[BaseModel] = BaseModel) -> Iterator[str]:
    for name, field in section.model_fields.items():
        if name in without.model_fields:
            continue
        required = "yes" if field.is_required() else ""
        yield f"| {where}: `{name}` | {_value(field.annotation)} | {required} | {field.description} |"


def _value(annotation: Any) -> str:
    """The type of a field, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_value(part) for part in arguments if part is not type(None))
    if origin is list:
        return f"list of {_value(arguments[0])}"
    if origin is dict:
        return "mapping to text"
    if hasattr(annotation, "__metadata__"):
        return _value(arguments[0])
    if issubclass(annotation, PerPrecision):
        entry = next(iter(annotation.model_fields.values())).annotation
        return f"{', '.join(f'`{name}`' for name in annotation.model_fields)}: {_value(entry)}"
    if issubclass(annotation, Entry):
        return str(annotation.dimension)
    return _PLAIN.get(annotation, "mapping")


if __name__ == "__main__":
    readme = hardware_profiles() / "README.md"
    write_text(readme, with_tables(read_text(readme)), force=True)
