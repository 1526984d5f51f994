"""FPGA resources of an accelerator: multiplier slices, block RAM, UltraRAM and look-up tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from mbcost.devices.types import ELEMENT_BYTES, Precision, Processor, Quantity
from mbcost.numeric import Dim, ceil_div, minimum

#: Bits of a block RAM, parity included, and its shapes (words x bits) as a simple dual-port memory (AMD UG953,
#: RAMB18E1).
BRAM_BITS: Final = 18 * 1024
SHAPES_OF_BRAM: Final = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
#: Bits of an UltraRAM (AMD UG573).
URAM_BITS: Final = 288 * 1024
#: Window size for which the input buffer of a loop-tiled engine is dimensioned: an output tile needs `WINDOW` - 1 more
#: rows and columns of the input. A layer with a larger window or a stride has smaller tiles.
WINDOW: Final = 3
#: Bits of an accumulator: partial sums stay in the output buffer until all input channels are added.
ACCUMULATOR_BITS: Final = 32

_NAMES: Final = {
    "dsp": "DSP slices",
    "bram": "block RAMs of 18 Kibit",
    "uram": "UltraRAMs",
    "lut": "look-up tables",
}


class DesignPoint(NamedTuple):
    """Tiles of a convolution's loops over output channels, input channels, rows and columns.

    Whole numbers, or arrays with one entry per design.
    """

    tm: Dim
    tn: Dim
    tr: Dim
    tc: Dim

    def __str__(self) -> str:
        return f"Tm {self.tm}, Tn {self.tn}, Tr {self.tr}, Tc {self.tc}"


class Resources(NamedTuple):
    """Multiplier slices, block RAMs of 18 Kibit, UltraRAMs and look-up tables; None where a number is unknown."""

    dsp: Dim | None = None
    bram: Dim | None = None
    uram: Dim | None = None
    lut: Dim | None = None


def available(processor: Processor) -> Resources:
    """The resources of a device's programmable logic."""
    bram, uram = processor.bram, processor.uram
    return Resources(
        _whole(processor.dsp_slices),
        None if bram is None else int(bram.value * 8) // BRAM_BITS,
        None if uram is None else int(uram.value * 8) // URAM_BITS,
        _whole(processor.lut),
    )


def used(processor: Processor, precision: Precision) -> Resources | None:
    """The resources of the accelerator in a profile; None for a processor of another kind."""
    dpu = processor.dpu
    if dpu is not None:
        each = (dpu.core_dsp, dpu.core_bram, dpu.core_uram, dpu.core_lut)
        bits = (1, BRAM_BITS / 8, URAM_BITS / 8, 1)
        cores = int(dpu.cores.value)
        return Resources(
            *(None if q is None else round(cores * q.value / unit) for q, unit in zip(each, bits, strict=True))
        )
    design = design_of(processor, precision)
    if design is None or processor.hls is None:
        return None
    return tiled_engine(design, precision, int(processor.hls.dsp_per_mac[precision].value))


def design_of(processor: Processor, precision: Precision) -> DesignPoint | None:
    """The design point of a loop-tiled engine at a precision; None where its profile has none."""
    hls = processor.hls
    if hls is None or any(precision not in part for part in (hls.tm, hls.tn, hls.tr, hls.tc, hls.dsp_per_mac)):
        return None
    return DesignPoint(*(int(part[precision].value) for part in (hls.tm, hls.tn, hls.tr, hls.tc)))


def tiled_engine(design: DesignPoint, precision: Precision, dsp_per_mac: int) -> Resources:
    """The resources of a loop-tiled engine: its multipliers, and double buffers for inputs, weights and outputs.

    A buffer's banks are read in parallel: `tn` inputs, `tm` x `tn` weights and `tm` accumulators per cycle. Windows of
    up to 22 x 22 weights fit the 512 words of a block RAM.
    """
    bits, halo = 8 * ELEMENT_BYTES[precision], WINDOW - 1
    inputs = block_rams((design.tr + halo) * (design.tc + halo), design.tn * bits)
    weights = block_rams(1, design.tm * design.tn * bits)
    outputs = block_rams(design.tr * design.tc, design.tm * ACCUMULATOR_BITS)
    return Resources(design.tm * design.tn * dsp_per_mac, 2 * (inputs + weights + outputs))


def block_rams(words: Dim, bits: Dim) -> Dim:
    """Block RAMs of 18 Kibit for a memory of `words` words of `bits` bits, in the shape that needs the fewest."""
    best: Any = None
    for depth, width in SHAPES_OF_BRAM:
        number = ceil_div(words, depth) * ceil_div(bits, width)
        best = number if best is None else minimum(best, number)
    result: Dim = best
    return result


def exceeded(needed: Resources, limits: Resources) -> Iterator[str]:
    """The resources that exceed the limits, in words."""
    for name, need, limit in zip(Resources._fields, needed, limits, strict=True):
        if need is not None and limit is not None and need > limit:
            yield f"{need:,} {_NAMES[name]} of {limit:,}"


def _whole(quantity: Quantity | None) -> int | None:
    return None if quantity is None else int(quantity.value)
