"""The shape of a hardware profile's file: one pydantic model per section, imported only when a profile is read.

The keys of a section are the fields of its class in :mod:`mbcost.devices.types`, and their descriptions make the field
table of ``hardware_profiles/README.md``.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from mbcost.devices.entries import (
    Bandwidth,
    Count,
    Counts,
    EnergyPerByte,
    EnergyPerMac,
    Frequency,
    Peak,
    PerCycle,
    Ratio,
    Section,
    Size,
    SizeOrZero,
    Time,
    TransferRate,
    Width,
    optional,
)
from mbcost.devices.types import Dataflow, L2Scope, Precision

#: Lower-case words for the names that make up a target: ``pixel1/cpu@tflite-2.1``.
SLUG: Final = r"^[a-z0-9]+([._-][a-z0-9]+)*$"
Slug = Annotated[str, Field(pattern=SLUG, max_length=80)]
Text = Annotated[str, Field(min_length=1)]


class IdentitySection(Section):
    """What the device is."""

    name: Slug = Field(description="the file's name without `.yaml`; what `--device` takes")
    title: Text = Field(description="name for people, such as `Google Pixel 1`")
    names: list[Text] | None = optional("other names: as it is sold, and model codes")
    soc: str | None = optional("system on chip or board")
    note: str | None = optional("what else the reader should know")


class ProvenanceSection(Section):
    """Where the numbers come from."""

    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = Field(
        description="when the numbers were collected, `YYYY-MM-DD`"
    )
    references: dict[str, Text] = Field(description="key -> citation; entries name the key in `reference`")
    os: str | None = optional("operating system of the measurements")
    runtime: str | None = optional("runtime and version of the measurements")
    note: str | None = optional("what else the reader should know")


class ProcessorSection(Section):
    """What every processor has."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["runtime"]}, {"required": ["runtimes"]}]})

    default: bool = Field(default=False, description="true on exactly one processor of the device")
    runtime: Slug | None = optional(
        "required: the default runtime; a target can name any other that runs on it (`mbcost devices show`)"
    )
    runtimes: Annotated[list[Slug], Field(min_length=1)] | None = optional(
        "in older profiles instead of `runtime`: the first is the default, the others are not read"
    )
    precisions: Annotated[list[Precision], Field(min_length=1)] = Field(
        description="supported precisions; the first is the default"
    )
    max_threads: Annotated[int, Field(ge=1)] = Field(
        default=1, description="largest number of threads; on a CPU the cores of the big cluster"
    )
    clock: Frequency | None = optional("the clock of the peaks")
    peak: Peak = Field(
        default_factory=Peak, description="MAC/s: of one core on a CPU, else of the whole unit; 1 MAC = 2 FLOP"
    )
    measured_peak: Peak = Field(default_factory=Peak, description="the same, as a microbenchmark measured it")
    bandwidth: Bandwidth | None = optional("memory bandwidth as this processor measured it")
    note: str | None = optional("what else the reader should know")


class CpuSection(ProcessorSection):
    """A cluster of equal cores."""

    kind: Literal["cpu"] = Field(description="`cpu`")
    core: Text = Field(description="name of the core")
    cores: Count | None = optional("cores of the big cluster")
    simd_width: Width | None = optional("of one vector register")
    throughput: PerCycle = Field(default_factory=PerCycle, description="MAC/cycle of one core")
    l1d: Size | None = optional("level 1 data cache of one core")
    l2: Size | None = optional("level 2 cache")
    l2_scope: L2Scope | None = optional("whether each core has its own level 2 cache")
    l3: Size | None = optional("level 3 cache")


class GpuSection(ProcessorSection):
    """A graphics processor."""

    kind: Literal["gpu"] = Field(description="`gpu`")
    name: Text = Field(description="marketing name")
    shader_processors: Count | None = optional("shader processors or cores")
    lanes: Count | None = optional("fp32 multiply-adds per cycle of the whole unit (ALUs)")
    l2: Size | None = optional("level 2 cache")
    local_memory: Size | None = optional("local (shared) memory of one shader processor")
    tile_memory: Size | None = optional("on-chip memory for tiles of the frame (GMEM)")
    l2_bandwidth: Bandwidth | None = optional("of the level 2 cache")
    texture_bandwidth: Bandwidth | None = optional("of the level 1 texture cache")
    local_memory_bandwidth: Bandwidth | None = optional("of the local memory")


class DspSection(ProcessorSection):
    """A vector digital signal processor."""

    kind: Literal["dsp"] = Field(description="`dsp`")
    name: Text = Field(description="marketing name")
    vector_width: Width | None = optional("of one vector register")
    contexts: Count | None = optional("vector units that run in parallel")
    scalar_threads: Count | None = optional("hardware threads of the scalar part")
    l2: Size | None = optional("level 2 cache")


class SystolicSection(Section):
    """A systolic array of multipliers."""

    dataflow: Dataflow = Field(description="which operand stays in the array")
    rows: Count = Field(description="multipliers along the first side")
    columns: Count = Field(description="multipliers along the second side")


class EfficiencySection(Section):
    """By class of operator, the cycles that the array needs at least over those that it takes."""

    pointwise: Ratio = Field(description="1x1 convolutions: least cycles of the array over those that it takes")
    convolution: Ratio = Field(description="other convolutions")
    depthwise: Ratio = Field(
        description="depthwise convolutions, one channel at a time; above 1 where a unit of its own does better"
    )
    dense: Ratio = Field(description="fully connected layers and matrix products")
    elementwise: Ratio = Field(description="of the vector unit: element-wise operators, pooling, softmax, copies")


class EnergySection(Section):
    """Energies of an accelerator's events."""

    mac: EnergyPerMac = Field(description="a multiply-accumulate")
    register_byte: EnergyPerByte | None = optional(
        "a byte of an operand or a partial sum beside a multiplier; left out where `mac` has it"
    )
    sram_byte: EnergyPerByte = Field(description="a byte read from or written to on-chip memory")
    dram_byte: EnergyPerByte = Field(description="a byte read from or written to external memory")


class EthosUSection(Section):
    """An Arm Ethos-U unit."""

    step_height: Count = Field(description="output rows of a step of the multipliers")
    step_width: Count = Field(description="output columns of a step")
    step_channels: Count = Field(description="output channels of a step")
    block_memory: Size = Field(description="memory inside the unit for blocks of input and accumulators")
    results: Count = Field(description="8-bit results of convolutions per cycle")


class NpuSection(ProcessorSection):
    """A neural network accelerator."""

    kind: Literal["npu"] = Field(description="`npu`")
    name: Text = Field(description="marketing name")
    lanes: Count | None = optional("multiply-adds per cycle of its matrix engine, at the default precision")
    contexts: Count | None = optional("vector cores beside the engine")
    vector_width: Width | None = optional("of one vector register of the vector cores")
    sram: Size | None = optional("on-chip memory")
    systolic: SystolicSection | None = optional("its systolic array")
    ethos_u: EthosUSection | None = optional("its Ethos-U unit")
    efficiency: EfficiencySection | None = optional("what an array of your own attains, for the runtime `generic-npu`")
    energy: EnergySection | None = optional("energies of its events, in place of those of a 45 nm process")
    outside: list[Text] | None = optional(
        "operators that it does not compute, whatever its runtime says: they are left to the host"
    )
    local_memory_bandwidth: Bandwidth | None = optional("of the on-chip memory")


class DpuSection(Section):
    """A Xilinx deep-learning processing unit."""

    config: Text = Field(description="such as `B4096`")
    cores: Count = Field(description="processing units on the device")
    clock: Frequency = Field(description="of the processing units")
    pixel_parallelism: Count = Field(description="output pixels per cycle")
    input_channel_parallelism: Count = Field(description="input channels per cycle")
    output_channel_parallelism: Count = Field(description="output channels per cycle")
    depthwise_parallelism: Count = Field(description="output pixels per cycle of the depthwise engine")
    feature_memory: Size = Field(description="on-chip memory for feature maps of one core")
    weight_width: Width = Field(description="weights that are loaded per cycle")
    array_clock: Frequency | None = optional("of the multiplier array, where it is not `clock`")
    core_dsp: Count | None = optional("multiplier slices of one core")
    core_bram: Size | None = optional("block RAM of one core")
    core_uram: SizeOrZero | None = optional("UltraRAM of one core; may be 0")
    core_lut: Count | None = optional("look-up tables of one core")
    channel_augmentation: bool = Field(
        default=False, description="whether idle input channels process further taps of a window's row"
    )
    alu_leaky_relu: bool = Field(
        default=False, description="whether a leaky ReLU is fused into depthwise convolutions (ALU_LEAKYRELU)"
    )


class HlsSection(Section):
    """A loop-tiled convolution engine: one design point per precision."""

    tm: Counts = Field(default_factory=Counts, description="output channels computed at once")
    tn: Counts = Field(default_factory=Counts, description="input channels computed at once")
    tr: Counts = Field(default_factory=Counts, description="rows of an output tile")
    tc: Counts = Field(default_factory=Counts, description="columns of an output tile")
    dsp_per_mac: Counts = Field(description="DSP slices for one multiply-accumulate per cycle")


class FpgaSection(ProcessorSection):
    """A programmable logic device."""

    kind: Literal["fpga"] = Field(description="`fpga`")
    part: Text = Field(description="part number")
    dsp_slices: Count | None = optional("multiplier slices")
    bram: Size | None = optional("total block RAM")
    uram: SizeOrZero | None = optional("total UltraRAM; may be 0")
    lut: Count | None = optional("look-up tables")
    dpu: DpuSection | None = optional("the processing unit configured on it")
    hls: HlsSection | None = optional("the loop-tiled engine synthesized on it")


AnyProcessor = Annotated[
    CpuSection | GpuSection | DspSection | NpuSection | FpgaSection,
    Field(discriminator="kind"),
]


class MemorySection(Section):
    """The memory that all processors share."""

    type: str | None = optional("such as `LPDDR4X`")
    channels: Count | None = optional("channels")
    width: Width | None = optional("of all channels together")
    transfer_rate: TransferRate | None = optional("of each data pin: twice the clock of a double-data-rate memory")
    bandwidth: Bandwidth | None = optional("theoretical bandwidth: width x transfer rate")
    measured_bandwidth: Bandwidth | None = optional("as all CPU cores together measured it")
    capacity: Size | None = optional("size of the memory")
    system_cache: Size | None = optional("cache between all processors and the memory")
    system_cache_bandwidth: Bandwidth | None = optional("of that cache")
    note: str | None = optional("what else the reader should know")


class OverheadSection(Section):
    """Overheads of a processor in addition to its kernels."""

    call: Time | None = optional("once per inference")
    kernel: Time | None = optional("once per kernel")
    frame: Time | None = optional(
        "what host and link take for a frame beside the work: no network has more frames a second than one over it"
    )


class DeviceFile(Section):
    """A hardware profile of mbcost."""

    identity: IdentitySection = Field(description="what the device is")
    soc: Slug | None = optional("key of its system on a chip in the catalogue, which adds the clusters of its CPU")
    provenance: ProvenanceSection = Field(description="where the numbers come from")
    processors: dict[Slug, AnyProcessor] = Field(min_length=1, description="name -> processor")
    memory: MemorySection = Field(default_factory=MemorySection, description="the memory that all processors share")
    overheads: dict[Slug, OverheadSection] = Field(
        default_factory=dict, description="name of a processor -> its overheads"
    )


PROCESSORS: Final[dict[str, type[ProcessorSection]]] = {
    "cpu": CpuSection,
    "gpu": GpuSection,
    "dsp": DspSection,
    "npu": NpuSection,
    "fpga": FpgaSection,
}
