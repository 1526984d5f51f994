"""Streaming convolution with line buffers: a pipeline with one stage per layer, through which one pixel flows a cycle.

A stage keeps the K - 1 last lines of its input on chip and makes an output pixel as soon as its window is complete; its
weights never leave the chip. With m multipliers a pixel takes ceil(K * K * N * M / m) cycles, so that a stage starts a
frame every ``max(input pixels, output pixels x cycles a pixel)`` cycles, its initiation interval. The slowest stage
sets the pace of all: frames a second = clock / largest interval. The first output comes once the windows of all stages
before it are filled; a stage that needs all of its input, such as a fully connected one, waits for a frame, so that the
latency is an upper bound. (The dataflow style of FINN, Umuroglu et al. 2017, and fpgaConvNet, Venieris and Bouganis
2016.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from mbcost.devices.fabric import Resources, block_rams, exceeded
from mbcost.devices.types import ELEMENT_BYTES, Precision
from mbcost.errors import fail
from mbcost.kernels import Kernel
from mbcost.latency.form import kinds

#: The tried intervals grow by this share, independent of the limits, so that more logic never makes a design slower.
#: Chosen: a design found is at most 1 % slower than the best of its kind.
STEP: Final = 1.01

_PRODUCTS: Final = kinds("direct_conv", "pointwise", "depthwise", "dense", "matmul")
_OFF: Final = kinds("outside", "softmax", "view")


class Stage(NamedTuple):
    """The stage of one layer.

    Attributes
    ----------
    interval
        Initiation interval: cycles between two frames if no other stage delays it.
    fill
        Pixels of its input before its first output, as a share of a frame.
    multipliers
        Multiply-accumulates a cycle.
    line_brams, weight_brams
        Block RAMs of 18 Kibit of its line buffer and its weights.
    """

    kernel: Kernel
    interval: int
    fill: float
    multipliers: int
    line_brams: int
    weight_brams: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All stages of a network.

    Attributes
    ----------
    interval
        Cycles between two frames: that of the slowest stage.
    latency
        Cycles from a frame's first pixel to its last result.
    skip_brams
        Block RAMs of 18 Kibit that hold what waits for the longer of two branches.
    """

    stages: tuple[Stage, ...]
    interval: int
    latency: float
    skip_brams: int
    needed: Resources

    @property
    def slowest(self) -> Stage:
        """The slowest stage, which limits the throughput."""
        return max(self.stages, key=lambda stage: stage.interval)


def best_pipeline(kernels: Sequence[Kernel], precision: Precision, dsp_per_mac: int, limits: Resources) -> Pipeline:
    """The pipeline with the shortest interval within the limits.

    Raises
    ------
    InputError
        MB402 if the network does not fit on chip, with what it takes in the slowest pipeline.
    """
    launched = [kernel for kernel in kernels if kernel.kind not in _OFF]
    least = max((_pixels_in(kernel) for kernel in launched), default=1)
    most = max((_pixels(kernel) * _macs_a_pixel(kernel) for kernel in launched), default=1)
    interval, pipeline = max(1, least), None
    while pipeline is None or interval < most * STEP:
        pipeline = pipeline_at(kernels, interval, precision, dsp_per_mac)
        beyond = list(exceeded(pipeline.needed, limits))
        if not beyond:
            return pipeline
        interval = int(interval * STEP) + 1
    fail(
        "MB402",
        f"the network does not fit on chip: its smallest pipeline takes {' and '.join(beyond)}",
        hint='a smaller network or width, or a loop-tiled engine (`style="tiled"`)',
    )


def pipeline_at(kernels: Sequence[Kernel], interval: int, precision: Precision, dsp_per_mac: int) -> Pipeline:
    """The pipeline whose stages each take as few multipliers as an interval [cycles] allows."""
    bits = 8 * ELEMENT_BYTES[precision]
    stages, starts, skips = [], {-1: 0.0}, 0
    for kernel in kernels:
        producers = [starts[position] for position in kernel.main.inputs]
        start = max(producers)
        if kernel.kind not in _OFF:
            stage = _stage(kernel, interval, bits)
            stages.append(stage)
            skips += sum(_waiting(kernel, start - early, bits) for early in producers if early < start)
            start += stage.fill
        starts.update(dict.fromkeys(kernel.layers, start))
    pace = max((stage.interval for stage in stages), default=1)
    brams = skips + sum(stage.line_brams + stage.weight_brams for stage in stages)
    needed = Resources(dsp_per_mac * sum(stage.multipliers for stage in stages), brams)
    return Pipeline(tuple(stages), pace, (max(starts.values()) + 1) * pace, skips, needed)


def _stage(kernel: Kernel, interval: int, bits: int) -> Stage:
    pixels, arriving = _pixels(kernel), _pixels_in(kernel)
    source, result = kernel.main.input_shapes[0], kernel.main.output_shape
    operator = kernel.main.operator
    window, strides, spread = (getattr(operator, name, (1, 1))[-2:] for name in ("kernel", "stride", "dilation"))
    if kernel.kind == "pool" and result.height * result.width == 1:
        window, strides = (source.height, source.width), (1, 1)
    reach = [(size - 1) * gap + 1 for size, gap in zip(window, spread, strict=True)]
    before = [
        max(0, (made - 1) * step + long - whole) // 2
        for made, step, long, whole in zip(result[:2], strides, reach, source[:2], strict=True)
    ]
    awaited = (reach[0] - 1 - before[0]) * source.width + reach[1] - before[1]
    fill = min(1.0, max(0, awaited) / (source.height * source.width))
    if kernel.kind in {"dense", "matmul"}:
        fill = 1.0
    if kernel.kind not in _PRODUCTS:
        lines = (
            _line_brams(source.width, (reach[0] - 1) * source.channels * bits, 1) if len(kernel.main.inputs) == 1 else 0
        )
        return Stage(kernel, max(arriving, pixels), fill, 0, lines, 0)
    work = _macs_a_pixel(kernel)
    cycles = min(work, max(1, interval // pixels))
    multipliers = -(-work // cycles)
    cycles = -(-work // multipliers)
    lines = _line_brams(source.width, (reach[0] - 1) * source.channels * bits, min(cycles, source.channels))
    weights = block_rams(-(-kernel.weight_elements // multipliers), multipliers * bits)
    return Stage(kernel, max(arriving, pixels * cycles), fill, multipliers, lines, weights)


def _line_brams(width: int, bits: int, cycles: int) -> int:
    """Block RAMs of a line buffer that is read a part of the channels at a time; 0 for a window of one row."""
    return block_rams(width * cycles, -(-bits // cycles)) if bits else 0


def _waiting(kernel: Kernel, frames: float, bits: int) -> int:
    """Block RAMs for the pixels that wait for the other branch for a share of a frame."""
    result = kernel.main.output_shape
    words = int(frames * result.height * result.width) + 1
    return block_rams(words * result.channels, bits)


def _pixels(kernel: Kernel) -> int:
    return kernel.output_pixels // kernel.batch


def _pixels_in(kernel: Kernel) -> int:
    source = kernel.main.input_shapes[0]
    return source.height * source.width


def _macs_a_pixel(kernel: Kernel) -> int:
    return max(1, kernel.macs // (kernel.batch * _pixels(kernel))) if kernel.kind in _PRODUCTS else 1
