"""The shape of the catalogue's files: cores, systems on a chip, and devices that name their chip and what deviates.

A number is ``{value: ..., source: ..., reference: ...}``, or its value alone where ``provenance.reference`` is the
source.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from mbcost.devices.entries import (
    Bandwidth,
    Count,
    Entry,
    Frequency,
    PerCycle,
    Power,
    Section,
    Size,
    TransferRate,
    Width,
    optional,
)
from mbcost.devices.schema import Slug, Text
from mbcost.devices.types import GpuVendor

ClusterName: TypeAlias = Literal["large", "medium", "medium_2", "small"]
Feature: TypeAlias = Literal[
    "dsp", "helium", "xtensa_pie", "rvp", "neon", "fp16", "dotprod", "i8mm", "bf16", "sve", "sve2", "sme", "amx", "rvv",
    "sse4", "avx2", "fma", "avx512", "avx_vnni", "avx512_vnni",
]  # fmt: skip
#: Kind of file of the catalogue.
CatalogueKind: TypeAlias = Literal["core", "soc", "device", "gpu"]


class Tops(Entry):
    """Operations a second of an accelerator in 10^12, as its maker counts them."""

    dimension = "ratio"


class CatalogueIdentity(Section):
    """What it is."""

    name: Slug = Field(description="the file's name without `.yaml`")
    title: Text = Field(description="name for people, such as `Samsung Galaxy S24`")
    names: list[Text] | None = optional(
        "other names: as it is sold, and model codes; whatever the case and the hyphens"
    )
    vendor: str | None = optional("who designed it")
    year: Annotated[int, Field(ge=1990, le=2100)] | None = optional("year of its release")


class CatalogueProvenance(Section):
    """Where the numbers come from."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = Field(
        description="when the numbers were collected, `YYYY-MM-DD`"
    )
    reference: str | None = optional("key of the source of every number that names none")
    references: dict[str, Text] = Field(description="key -> citation")


class CoreFile(Section):
    """A CPU core: what holds for it in every chip that has it."""

    identity: CatalogueIdentity = Field(description="what the core is")
    like: Slug | None = optional("the core that it derives from")
    provenance: CatalogueProvenance = Field(description="where the numbers come from")
    instructions: str | None = optional("instruction set, such as `armv8.2-a`")
    order: Literal["in-order", "out-of-order"] | None = optional(
        "whether it issues instructions in the program's order"
    )
    decode_width: Count | None = optional("instructions decoded a cycle")
    vector_pipes: Count | None = optional("pipes that do a multiply-add of vectors")
    simd_width: Width | None = optional("of one vector pipe")
    throughput: PerCycle = Field(default_factory=PerCycle, description="MAC/cycle of one core")
    features: list[Feature] | None = optional("instruction sets that matter here")
    max_clock: Frequency | None = optional("the highest that is known of a chip with it")
    l1d: Size | None = optional("level 1 data cache")
    l2: Size | None = optional("level 2 cache, where every chip has the same")
    microcontroller: bool | None = optional("whether runtimes of microcontrollers run on it, and no others")
    runtime: Slug | None = optional("the default runtime, where it is not that of all Arm cores or of all others")


class GpuFile(Section):
    """A graphics processor: what holds for it in every chip that has it."""

    identity: CatalogueIdentity = Field(description="what the graphics processor is")
    provenance: CatalogueProvenance = Field(description="where the numbers come from")
    vendor: GpuVendor = Field(description="who designed it, as runtimes tell them apart")
    generation: Text = Field(description="its generation, such as `6xx` or `valhall-1`")
    cores: Count | None = optional("shader cores, where every chip has as many")
    throughput: PerCycle = Field(default_factory=PerCycle, description="MAC/cycle of one core")
    max_clock: Frequency | None = optional("the highest that is known of a chip with it")
    l2: Size | None = optional("level 2 cache, where every chip has the same")


class ClusterSection(Section):
    """Equal cores of a chip."""

    core: Slug = Field(description="key of the core")
    cores: Count | None = optional("how many")
    clock: Frequency | None = optional("their highest clock")
    l2: Size | None = optional("level 2 cache of each")
    runtime: Slug | None = optional("the default runtime, where it is not that of the core")


class UnitSection(Section):
    """A graphics processor."""

    name: Text = Field(description="marketing name")
    cores: Count | None = optional("how many")
    clock: Frequency | None = optional("its highest clock")


class NpuSection(Section):
    """An accelerator."""

    name: Text = Field(description="marketing name")
    tops_int8: Tops | None = optional("as the maker states it, of one where the chip has several")
    runtime: Slug | None = optional("the runtime that has rates of it; without one it is no target")


class ChipMemorySection(Section):
    """What the memory controller drives."""

    type: str | None = optional("such as `LPDDR5X`")
    width: Width | None = optional("of all channels together")
    transfer_rate: TransferRate | None = optional("of each data pin")
    bandwidth: Bandwidth | None = optional("width x transfer rate")


class MemoriesSection(Section):
    """Memories of a microcontroller."""

    sram: dict[Slug, Size] | None = optional("bank of static RAM -> its size")
    flash: Size | None = optional("flash for code and weights")
    flash_wait_states: Count | None = optional("cycles beyond the first for a read from flash at the highest clock")
    i_cache: Size | None = optional("cache of instructions and constants before the flash")
    d_cache: Size | None = optional("data cache of the core")
    psram: Size | None = optional("external RAM in the package or on the board")


class SocFile(Section):
    """A system on a chip."""

    identity: CatalogueIdentity = Field(description="what the chip is")
    provenance: CatalogueProvenance = Field(description="where the numbers come from")
    clusters: dict[ClusterName, ClusterSection] = Field(
        min_length=1, description="cluster -> its cores, the fastest first"
    )
    l3: Size | None = optional("level 3 cache")
    gpu: UnitSection | None = optional("its graphics processor")
    npu: NpuSection | None = optional("its accelerator")
    memory: ChipMemorySection | None = optional("what its memory controller drives")
    memories: MemoriesSection | None = optional("memories of a microcontroller")


class DeviationSection(Section):
    """What a device has otherwise than its chip."""

    core: Slug | None = optional("key of the core")
    cores: Count | None = optional("how many")
    clock: Frequency | None = optional("their highest clock in this device")
    l2: Size | None = optional("level 2 cache of each")


class GpuDeviationSection(Section):
    """What the graphics processor of a device has otherwise than its chip's."""

    name: Text | None = optional("marketing name")
    cores: Count | None = optional("how many")
    clock: Frequency | None = optional("its highest clock in this device")


class DeviceMemorySection(ChipMemorySection):
    """The memory of a device, where it is not what its chip drives."""

    capacity: Size | None = optional("size of the memory")


class ShortDeviceFile(Section):
    """A device: its names, its chip, and what deviates from it."""

    identity: CatalogueIdentity = Field(description="what the device is")
    soc: Slug = Field(description="key of its system on a chip")
    provenance: CatalogueProvenance = Field(description="where the numbers and the names come from")
    clusters: dict[ClusterName, DeviationSection] | None = optional("cluster of the chip -> what deviates")
    gpu: GpuDeviationSection | None = optional("what deviates")
    memory: DeviceMemorySection | None = optional("what deviates")
    memories: MemoriesSection | None = optional("what deviates")
    active_power: Power | None = optional("what it draws while a microcontroller computes")


MODELS: Final[dict[CatalogueKind, type[Section]]] = {
    "core": CoreFile,
    "soc": SocFile,
    "device": ShortDeviceFile,
    "gpu": GpuFile,
}


def catalogue_json_schema(kind: CatalogueKind) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a file of the catalogue, whose numbers may stand alone."""
    schema = MODELS[kind].model_json_schema()
    numbers = {each.__name__ for each in _subclasses(Entry)}
    definitions = schema.get("$defs", {})
    for name in numbers & set(definitions):
        definitions[name] = {"anyOf": [definitions[name], {"type": "number"}, {"type": "string"}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _subclasses(model: type[Section]) -> list[type[Section]]:
    return [model, *(each for sub in model.__subclasses__() for each in _subclasses(sub))]
