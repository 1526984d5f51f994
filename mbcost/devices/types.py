"""Hardware profiles as frozen values in SI base units, each number with its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Final, Literal

from mbcost.words import Outside
from mbcost.words import Precision as Precision

Source = Literal["datasheet", "measured", "derived", "fitted", "assumed"]
Kind = Literal["cpu", "gpu", "dsp", "npu", "fpga"]
#: What runtimes call CPUs that are microcontrollers: no other CPU runs these runtimes, and such a CPU runs no others.
MICROCONTROLLER: Final = "mcu"
#: Who designed a GPU, as far as runtimes tell them apart.
GpuVendor = Literal["adreno", "mali", "powervr", "apple", "amd"]
#: Bytes of an element [B].
ELEMENT_BYTES: Final[Mapping[str, int]] = {"fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "int8": 1}
#: What has a level 2 cache of its own.
L2Scope = Literal["core", "cluster"]
Dataflow = Literal["output_stationary", "weight_stationary", "input_stationary"]
Origin = Literal["shipped", "user", "user, in place of the shipped profile", "file"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of a profile.

    Attributes
    ----------
    value
        In the base unit of `dimension`: bytes, hertz, seconds, bytes a second, MAC a second, transfers a second, bits.
    dimension
        A key of :data:`mbcost.units.UNITS`.
    source
        The kind of source: datasheet, measured, derived, fitted or assumed.
    reference
        Keys of the profile's references; empty where `note` has the reason of an assumed value.
    formula
        How a derived number was computed.
    note
        Further remarks.
    text
        Number and unit as in the file, such as ``29.8 GB/s``.
    """

    value: float
    dimension: str
    source: Source
    reference: tuple[str, ...]
    formula: str | None
    note: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Dpu:
    """A Xilinx deep-learning processing unit: `cores` engines, each a three-dimensional array of multipliers.

    Attributes
    ----------
    depthwise_parallelism
        Output pixels per cycle of the engine for depthwise convolutions, which has as many channels as the array.
    feature_memory
        On-chip memory for feature maps of one core [B].
    weight_width
        Weights that are loaded per cycle [bit].
    array_clock
        Clock of the multiplier array, where it is not `clock`.
    channel_augmentation
        Whether idle input channels process further taps of a window's row.
    alu_leaky_relu
        Whether a leaky ReLU is fused into depthwise convolutions (ALU_LEAKYRELU).
    core_dsp, core_bram, core_uram, core_lut
        Resources of one core: multiplier slices, block RAM [B], UltraRAM [B], look-up tables.
    """

    config: str
    cores: Quantity
    clock: Quantity
    pixel_parallelism: Quantity
    input_channel_parallelism: Quantity
    output_channel_parallelism: Quantity
    depthwise_parallelism: Quantity
    feature_memory: Quantity
    weight_width: Quantity
    array_clock: Quantity | None = None
    core_dsp: Quantity | None = None
    core_bram: Quantity | None = None
    core_uram: Quantity | None = None
    core_lut: Quantity | None = None
    channel_augmentation: bool = False
    alu_leaky_relu: bool = False


@dataclass(frozen=True, slots=True)
class Hls:
    """A loop-tiled convolution engine written in high-level synthesis, with one design point per precision [1].

    Attributes
    ----------
    tm, tn
        Output and input channels that are computed in parallel: `tm` x `tn` multipliers.
    tr, tc
        Rows and columns of an output tile.
    dsp_per_mac
        DSP slices for one multiply-accumulate per cycle.
    """

    dsp_per_mac: Mapping[Precision, Quantity] = field(hash=False)
    tm: Mapping[Precision, Quantity] = field(default_factory=dict, hash=False)
    tn: Mapping[Precision, Quantity] = field(default_factory=dict, hash=False)
    tr: Mapping[Precision, Quantity] = field(default_factory=dict, hash=False)
    tc: Mapping[Precision, Quantity] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Systolic:
    """A systolic array of `rows` x `columns` multipliers, and which operand stays in it."""

    dataflow: Dataflow
    rows: Quantity
    columns: Quantity


@dataclass(frozen=True, slots=True)
class Efficiency:
    """By class of operator, the cycles that an array needs at least over those that it takes [1].

    Attributes
    ----------
    depthwise
        Above 1 where a unit of its own does better than one channel at a time.
    elementwise
        Of the vector unit beside the array: element-wise operators, pooling, softmax and copies.
    """

    pointwise: Quantity
    convolution: Quantity
    depthwise: Quantity
    dense: Quantity
    elementwise: Quantity


@dataclass(frozen=True, slots=True)
class EnergyFigures:
    """Energies of an accelerator's events, from its profile.

    Attributes
    ----------
    mac
        Precision -> a multiply-accumulate [J].
    sram_byte, dram_byte
        A byte that array or vector unit read from or write to on-chip memory, and one of external memory [J/B].
    register_byte
        A byte of an operand or a partial sum beside a multiplier [J/B]; None where `mac` has it.
    """

    mac: Mapping[Precision, Quantity] = field(hash=False)
    sram_byte: Quantity
    dram_byte: Quantity
    register_byte: Quantity | None = None


@dataclass(frozen=True, slots=True)
class EthosU:
    """An Arm Ethos-U unit: output pixels and channels of a step of its multipliers, block memory and output rate.

    Attributes
    ----------
    block_memory
        Internal memory for the input and the accumulators of blocks [B].
    results
        8-bit results of convolutions per cycle.
    """

    step_height: Quantity
    step_width: Quantity
    step_channels: Quantity
    block_memory: Quantity
    results: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """One processor of a device. A number that its profile does not have is None; which ones apply depends on `kind`.

    Attributes
    ----------
    name
        Its key in the profile: ``cpu``, ``gpu``.
    model
        The name of the core, the marketing name or the part number.
    runtime
        The default runtime; :func:`mbcost.devices.runtimes_for` lists the others.
    precisions
        Supported precisions; the first is the default.
    max_threads
        Largest number of threads; on a CPU, the cores of the big cluster.
    microcontroller
        Whether it is a CPU without an operating system's runtimes: those of the kind ``mcu`` run on it, no others.
    throughput
        Precision -> multiply-accumulates per cycle of one CPU core.
    peak
        Precision -> multiply-accumulates per second of one core on a CPU, else of the whole unit.
    measured_peak
        The peak as measured by a microbenchmark.
    bandwidth
        Memory bandwidth as measured by this processor; None where only the memory's own is known.
    outside
        Operators that it does not compute, whatever its runtime says: they are left to the host.
    clusters
        Of a set of several clusters, each of them, the fastest first; the other numbers are then those of the first.
    """

    name: str
    kind: Kind
    model: str
    runtime: str
    precisions: tuple[Precision, ...]
    default: bool = False
    max_threads: int = 1
    microcontroller: bool = False
    note: str | None = None
    clock: Quantity | None = None
    throughput: Mapping[Precision, Quantity] = field(default_factory=dict, hash=False)
    peak: Mapping[Precision, Quantity] = field(default_factory=dict, hash=False)
    measured_peak: Mapping[Precision, Quantity] = field(default_factory=dict, hash=False)
    bandwidth: Quantity | None = None
    cores: Quantity | None = None
    simd_width: Quantity | None = None
    l1d: Quantity | None = None
    l2: Quantity | None = None
    l2_scope: L2Scope | None = None
    l3: Quantity | None = None
    lanes: Quantity | None = None
    shader_processors: Quantity | None = None
    local_memory: Quantity | None = None
    tile_memory: Quantity | None = None
    l2_bandwidth: Quantity | None = None
    texture_bandwidth: Quantity | None = None
    local_memory_bandwidth: Quantity | None = None
    vector_width: Quantity | None = None
    contexts: Quantity | None = None
    scalar_threads: Quantity | None = None
    sram: Quantity | None = None
    dsp_slices: Quantity | None = None
    bram: Quantity | None = None
    uram: Quantity | None = None
    lut: Quantity | None = None
    dpu: Dpu | None = None
    systolic: Systolic | None = None
    hls: Hls | None = None
    ethos_u: EthosU | None = None
    efficiency: Efficiency | None = None
    energy: EnergyFigures | None = None
    outside: tuple[str, ...] = ()
    clusters: tuple[Processor, ...] = ()

    @property
    def runs(self) -> str:
        """What runtimes call processors like it: its kind, or ``mcu`` for a CPU that is a microcontroller."""
        return MICROCONTROLLER if self.microcontroller else self.kind

    def in_use(self, threads: int) -> tuple[Processor, ...]:
        """The clusters that so many threads run on, the first ones first; of a plain processor itself."""
        used: list[Processor] = []
        for cluster in self.clusters or (self,):
            if sum(one.max_threads for one in used) >= threads:
                break
            used.append(cluster)
        return tuple(used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The memory that all processors of a device share.

    Attributes
    ----------
    type
        Such as ``LPDDR4X``.
    width
        Width of all channels together [bit].
    transfer_rate
        Transfers per second of each data pin.
    bandwidth
        Theoretical bandwidth: `width` x `transfer_rate` [B/s].
    measured_bandwidth
        Bandwidth as measured by all CPU cores together [B/s].
    system_cache, system_cache_bandwidth
        A cache between all processors and the memory [B, B/s].
    """

    type: str | None = None
    note: str | None = None
    channels: Quantity | None = None
    width: Quantity | None = None
    transfer_rate: Quantity | None = None
    bandwidth: Quantity | None = None
    measured_bandwidth: Quantity | None = None
    capacity: Quantity | None = None
    system_cache: Quantity | None = None
    system_cache_bandwidth: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memories:
    """Memories of a microcontroller; what nobody published is None.

    Attributes
    ----------
    sram
        Bank -> its size [B]; empty where it is not known.
    flash, psram
        Flash for code and weights, and RAM outside the chip [B].
    flash_wait_states
        Cycles beyond the first for a read from flash at the highest clock.
    i_cache, d_cache
        Cache of instructions and constants before the flash, and data cache of the core [B].
    """

    sram: Mapping[str, Quantity] = field(default_factory=dict, hash=False)
    flash: Quantity | None = None
    flash_wait_states: Quantity | None = None
    i_cache: Quantity | None = None
    d_cache: Quantity | None = None
    psram: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheads:
    """Overheads of a processor in addition to the kernels [s]: once per inference, and once per kernel.

    Attributes
    ----------
    frame
        What its host and the link take for a frame beside the processor's work: no network has more frames a second.
    """

    call: Quantity | None = None
    kernel: Quantity | None = None
    frame: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the numbers of a profile come from; `references` maps each key to its citation."""

    date: str
    references: Mapping[str, str] = field(hash=False)
    os: str | None = None
    runtime: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """A device: its processors, its memory, and the source of every number.

    Attributes
    ----------
    path
        The file it was read from.
    origin
        Whether it ships with mbcost, is in the user's folder (perhaps under the name of a shipped one), or was named by
        its path.
    names
        Other names: as it is sold, and model codes.
    memories
        Memories of a microcontroller; None for any other device.
    active_power
        What it draws while its microcontroller computes [W]; None where nobody measured it.
    chip
        The key of its system on a chip in the catalogue, from which clusters of its CPU come; None if it names none.
    changes, unchanged
        Places and values that were changed for a what-if (:mod:`mbcost.devices.changes`), and the device without them.
    """

    name: str
    title: str
    names: tuple[str, ...] = ()
    soc: str | None = None
    chip: str | None = None
    note: str | None = None
    provenance: Provenance
    processors: Mapping[str, Processor] = field(hash=False)
    memory: Memory
    memories: Memories | None = None
    active_power: Quantity | None = None
    overheads: Mapping[str, Overheads] = field(default_factory=dict, hash=False)
    path: str = ""
    origin: Origin = "file"
    changes: tuple[tuple[str, str], ...] = ()
    unchanged: DeviceProfile | None = None

    def __repr__(self) -> str:
        return f"<DeviceProfile {self.name}: {self.title}, {', '.join(self.processors)}>"

    @property
    def default_processor(self) -> Processor:
        """The one that is marked, else the first."""
        marked = (processor for processor in self.processors.values() if processor.default)
        return next(marked, None) or next(iter(self.processors.values()))

    def quantities(self) -> Iterator[tuple[str, Quantity]]:
        """Every number with its dotted path, such as ``processors.cpu.clock``, in the order of the classes' fields."""
        for section in ("processors", "memory", "memories", "active_power", "overheads"):
            yield from _quantities(section, getattr(self, section))


@dataclass(frozen=True, slots=True)
class Target:
    """What a network runs on: a processor of a device with a runtime, a precision and a number of threads.

    Attributes
    ----------
    runtime_path
        The file of the runtime, where it does not ship with mbcost.
    host
        What computes the layers that the processor does not take; None for the device's own CPU
        (:func:`mbcost.devices.hosts.host_of`).
    outside
        ``host``: these layers are charged; ``free``: they are left out, and the latency is one without them.
    """

    device: DeviceProfile
    processor: Processor
    runtime: str
    precision: Precision
    threads: int
    runtime_path: str | None = None
    host: Target | None = None
    outside: Outside = "host"

    def __repr__(self) -> str:
        threads = f", {self.threads} threads" if self.threads > 1 else ""
        return f"<Target {self.name} {self.precision}{threads}>"

    @property
    def runtime_file(self) -> str:
        """The key of the runtime's rules: its name, or its path if it does not ship."""
        return self.runtime_path or self.runtime

    @property
    def name(self) -> str:
        """Such as ``pixel1/cpu@tflite-2018``, with what was changed of the device and a host that was named."""
        own = f"{self.device.name}/{self.processor.name}@{self.runtime}"
        changes = "".join([f",{place}={value}" for place, value in self.device.changes])
        host = f",host={self.host.name}" if self.host is not None else ""
        outside = f",outside={self.outside}" if self.outside != "host" else ""
        return f"{own}{changes}{host}{outside}" if changes or host or outside else own

    @property
    def peak(self) -> Quantity | None:
        """MAC/s at the target's precision: of one core on a CPU, of the whole unit elsewhere."""
        return self.processor.peak.get(self.precision)

    @property
    def bandwidth(self) -> Quantity | None:
        """Memory bandwidth [B/s]: what this processor measured, or else that of the device's memory."""
        return self.processor.bandwidth or self.device.memory.bandwidth

    @property
    def overheads(self) -> Overheads:
        return self.device.overheads.get(self.processor.name, Overheads())


def _quantities(path: str, value: Any) -> Iterator[tuple[str, Quantity]]:
    if isinstance(value, Quantity):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _quantities(f"{path}.{key}", item)
    elif is_dataclass(value):
        for entry in fields(value):
            yield from _quantities(f"{path}.{entry.name}", getattr(value, entry.name))
