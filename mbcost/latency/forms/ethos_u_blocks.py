"""How a compiler for Arm's Ethos-U55 divides a layer into blocks, and the unit's cycles and traffic for them.

The unit works on one block of the output at a time. Its multipliers process a step of a few pixels and output channels
(2 x 2 x 8 on the 256 MAC configuration) times 8 input channels a cycle; a block's input and its 32-bit accumulators
are double-buffered in an internal memory, so that the next block is loaded while one is computed. Facts: Arm Ethos-U55
NPU Technical Reference Manual (102420), and the performance model that Arm publishes with the compiler (ethos-u-vela
5.2.0, PyPI). This module simplifies it: blocks are searched over fewer candidates, and the overhead of a command is
left out.

These functions take plain integers and cache their results; :func:`mbcost.numeric.for_each` applies them to arrays of
configurations.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from mbcost.numeric import ceil_div, round_up

#: Input channels of a block where all of them go before the next window element, and where they do not.
DEEP: Final = 32
SHALLOW: Final = 16
#: Cycles of one step over a block's channels: 32 channels, or 8 channels of four window elements, 8 products a cycle.
STEP_CYCLES: Final = 4
#: Window elements of a step that takes 8 channels.
STEP_TAPS: Final = 4
#: Cycles of the decoder for the weights of a step: 8 outputs x 32 weights at 8 per cycle; blocks with fewer pixels wait
#: for it.
DECODE_CYCLES: Final = 32
#: Windows are cut into parts of at most so many elements along a side.
MOST_TAPS: Final = 8
#: Largest block: height, width, channels; channels come in multiples of 16.
MOST_HEIGHT: Final = 32
MOST_WIDTH: Final = 64
MOST_CHANNELS: Final = 128
CHANNEL_SLICE: Final = 16
#: Internal memory comes in banks of 1 KiB; two hold results on their way out, two are reserved; input takes multiples
#: of 8 banks, accumulators of 16.
BANK_BYTES: Final = 1024
KEPT_BANKS: Final = 4
INPUT_BANKS: Final = 8
SUM_BANKS: Final = 16
#: Bytes of scale and bias of an output channel.
SCALE_BYTES: Final = 10
#: Feature maps are stored in bricks of 16 channels; an image of fewer is read in bursts of 8 bytes where 32 fit.
BRICK: Final = 16
IMAGE_BURSTS: Final = 4


class Unit(NamedTuple):
    """The unit's dimensions: output pixels and channels of a step, internal memory [B], results per cycle."""

    height: int
    width: int
    outputs: int
    memory_bytes: int
    results: int


class Window(NamedTuple):
    """A layer as the unit sees it.

    Attributes
    ----------
    in_height, in_width, channels, height, width, out
        Extents of input and output.
    taps_y, taps_x, reach_y, reach_x, stride_y, stride_x
        Elements of the window, its extent with dilation in pixels, and its strides.
    equal
        Whether each output channel reads only its own input channel (depthwise).
    first
        Whether it reads the network's input.
    weights
        Whether it has any: pooling has none, and takes a window element a cycle instead of four a step.
    """

    in_height: int
    in_width: int
    channels: int
    height: int
    width: int
    out: int
    taps_y: int
    taps_x: int
    reach_y: int
    reach_x: int
    stride_y: int
    stride_x: int
    equal: bool
    first: bool
    weights: bool


class Block(NamedTuple):
    """A block of the output, and the input that it reads, in pixels."""

    height: int
    width: int
    channels: int
    in_height: int
    in_width: int


class Work(NamedTuple):
    """Cycles and traffic of a layer.

    Attributes
    ----------
    cycles
        Cycles of the multipliers.
    feature_bytes
        Feature map traffic between the unit and the SRAM.
    buffered_bytes
        Traffic of weights that are copied to the SRAM, since more than one block reads them.
    weight_bytes
        Traffic of weights and scales from the memory that stores them.
    """

    cycles: int
    feature_bytes: int
    buffered_bytes: int
    weight_bytes: int


def part_first(layer: Window) -> bool:
    """Whether a step takes 8 channels of four window elements, since that wastes fewer multipliers than 32 channels."""
    taps = layer.taps_y * layer.taps_x
    if layer.channels <= 8:
        return True
    part = round_up(layer.channels, 8) * round_up(taps, STEP_TAPS)
    return part < round_up(layer.channels, DEEP) * taps


def _input_of(unit: Unit, layer: Window, height: int, width: int) -> tuple[int, int]:
    """Extents of the input of a block, limited to a part of the window."""
    rows = (height - 1) * layer.stride_y + min(layer.reach_y, MOST_TAPS)
    columns = (width - 1) * layer.stride_x + min(layer.reach_x, MOST_TAPS)
    return round_up(rows, unit.height), round_up(columns, unit.width)


def _banks(size: int, multiple: int) -> int:
    """Banks of two copies of `size` bytes."""
    return round_up(2 * ceil_div(size, BANK_BYTES), multiple)


def _fits(unit: Unit, layer: Window, depth: int, block: Block) -> bool:
    read = block.in_height * block.in_width * round_up(block.channels if layer.equal else depth, 8)
    sums = block.height * block.width * round_up(block.channels, 8) * 4
    return _banks(read, INPUT_BANKS) + _banks(sums, SUM_BANKS) <= unit.memory_bytes // BANK_BYTES - KEPT_BANKS


def _widest(unit: Unit, layer: Window, depth: int, height: int, channels: int) -> Block | None:
    """The widest block with this number of rows and channels; None if none fits."""
    low, high = 0, ceil_div(min(MOST_WIDTH, round_up(layer.width, unit.width)), unit.width)
    while low < high:  # the widest that fits, by bisection
        middle = (low + high + 1) // 2
        width = middle * unit.width
        fits = _fits(unit, layer, depth, Block(height, width, channels, *_input_of(unit, layer, height, width)))
        low, high = (middle, high) if fits else (low, middle - 1)
    if low == 0:
        return None
    width = low * unit.width
    return Block(height, width, channels, *_input_of(unit, layer, height, width))


@lru_cache(maxsize=65_536)
def block_of(unit: Unit, layer: Window) -> Block:
    """The block with the least reads of input and weights [elements].

    As in the compiler, this estimate counts a partial input for blocks at the edge, and half where the whole input fits
    the memory for two blocks.
    """
    depth = min(layer.channels, SHALLOW if part_first(layer) else DEEP)
    best, least = Block(unit.height, unit.width, CHANNEL_SLICE, *_input_of(unit, layer, unit.height, unit.width)), 0.0
    for channels in range(CHANNEL_SLICE, min(MOST_CHANNELS, round_up(layer.out, CHANNEL_SLICE)) + 1, CHANNEL_SLICE):
        for height in range(unit.height, min(MOST_HEIGHT, round_up(layer.height, unit.height)) + 1, unit.height):
            block = _widest(unit, layer, depth, height, channels)
            if block is None:
                break
            planes = ceil_div(layer.height, block.height) * ceil_div(layer.width, block.width)
            slices = 1 if layer.equal else ceil_div(layer.out, channels)
            area = block.in_height * block.in_width
            share = layer.height * layer.width / (block.height * block.width)
            weights = layer.taps_y * layer.taps_x * layer.out * (1 if layer.equal else layer.channels) * planes
            cost = area * layer.channels * slices * share + weights
            if area * (channels if layer.equal else depth) * 2 > layer.in_height * layer.in_width * layer.channels:
                cost /= 2
            if least == 0 or cost < least:
                best, least = block, cost
    return best


@lru_cache(maxsize=65_536)
def work_of(unit: Unit, layer: Window) -> Work:
    """The cycles and the traffic of a layer."""
    block = block_of(unit, layer)
    rows, columns = ceil_div(layer.height, block.height), ceil_div(layer.width, block.width)
    planes = rows * columns
    steps = ceil_div(layer.height, unit.height) * ceil_div(layer.width, unit.width)
    cycles = max(STEP_CYCLES * steps, DECODE_CYCLES * planes if layer.weights else 0)
    total = cycles * sum(_rounds(layer, taps) for taps in _parts(layer)) * ceil_div(layer.out, unit.outputs)
    read = min(block.in_height, layer.in_height) * min(block.in_width, layer.in_width)
    slices = 1 if layer.equal else ceil_div(layer.out, block.channels)
    channels = layer.channels * IMAGE_BURSTS if layer.first else round_up(layer.channels, BRICK)
    features = read * planes * slices * channels + layer.height * layer.width * round_up(layer.out, BRICK)
    if not layer.weights:
        return Work(total, features, 0, 0)
    size = layer.taps_y * layer.taps_x * layer.out * (1 if layer.equal else layer.channels)
    again = size * (planes + 1) if planes > 1 and not layer.equal else 0
    return Work(total, features, again, size + SCALE_BYTES * layer.out * planes)


def _rounds(layer: Window, taps: int) -> int:
    """Steps over the input channels and window elements of a part of the window."""
    if not layer.weights:
        return max(ceil_div(taps, STEP_CYCLES), 1)
    if layer.equal:
        return ceil_div(taps, STEP_TAPS)
    if part_first(layer):
        return ceil_div(taps, STEP_TAPS) * ceil_div(layer.channels, 8)
    return taps * ceil_div(layer.channels, DEEP)


def _parts(layer: Window) -> list[int]:
    """Elements of the parts that a window is cut into."""
    rows = [min(MOST_TAPS, layer.taps_y - i) for i in range(0, layer.taps_y, MOST_TAPS)]
    columns = [min(MOST_TAPS, layer.taps_x - i) for i in range(0, layer.taps_x, MOST_TAPS)]
    return [row * column for row in rows for column in columns]
