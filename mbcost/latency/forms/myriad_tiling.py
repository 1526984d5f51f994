"""How the Myriad compiler of OpenVINO divides a convolution into tiles, and the engine's clocks for them.

The convolution engine does 256 multiply-adds a clock in one of five modes; a tile's coefficients, input lines and
output have to fit into its memories, or the compiler divides the convolution along height, width and input channels.
Facts from OpenVINO's graph transformer (openvinotoolkit/openvino, inference-engine/src/vpu/graph_transformer,
middleend/hw/tiling.cpp, conv_tiling/hw_convolution_tiler.cpp, passes/split_hw_depth_convolution.cpp and
split_hw_conv_and_pool.cpp). The compiler's choice is reproduced even where another would be faster: its cost of a tile
does not depend on the number of pixels.

These functions take plain integers and cache their results; :func:`mbcost.numeric.for_each` applies them to arrays of
configurations.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from mbcost.numeric import ceil_div, round_up

#: Multiply-adds a clock: 2^m input channels x 256 / 2^m output channels in mode m.
ENGINE_MACS: Final = 256
#: Overhead clocks of each mode per pixel and descriptor, for summing up its input channels.
MODE_OVERHEAD: Final = (0, 5, 11, 19, 31)
#: Most coefficients of an output channel for a block of input channels.
BLOCK_COEFFICIENTS: Final = 256
#: Memory of the engine for lines of the input [B]; a line starts at a multiple of 16 bytes.
LINE_MEMORY: Final = 128 * 1024
LINE_BYTES: Final = 16
#: Inputs up to this width need one more line [pixels].
NARROW: Final = 8
#: Input channels that a tile may have, and its extent [pixels].
MOST_CHANNELS: Final = 2048
MOST_EXTENT: Final = 4096
#: Bytes of an output tile: four and a half of the nine slices of 128 KB that one of two inferences has.
TILE_BYTES: Final = 576 * 1024
#: Tiles that the compiler tries along an axis, and the narrowest that it cuts along the width [pixels].
MOST_TILES: Final = 15
LEAST_WIDTH: Final = 64
#: Bytes of an element: the Myriad computes in fp16.
ELEMENT_BYTES: Final = 2
#: Output channels of the parts of a large convolution in front of a pooling, in the order they are tried.
POOLED_PARTS: Final = (128, 64, 32)
#: Shapes whose tiles are written down in the compiler: (kernel, stride, height, width, input, output channels) ->
#: height, width and channels of the input tile.
FIXED_TILES: Final = {
    (3, 1, 224, 224, 64, 64): (82, 82, 64),
    (3, 1, 112, 112, 128, 128): (32, 112, 32),
    (3, 1, 56, 56, 256, 256): (30, 56, 128),
    (3, 1, 28, 28, 512, 512): (28, 28, 172),
}


class Axis(NamedTuple):
    """A window along one axis: extents of input and output [pixels], kernel, stride, zeros before and after."""

    size: int
    out: int
    kernel: int
    stride: int
    before: int
    after: int

    @property
    def exact(self) -> bool:
        """Whether the last window ends where the padded input does."""
        return (self.size + self.before + self.after - self.kernel) % self.stride == 0


class Convolution(NamedTuple):
    """A convolution of all input with all output channels."""

    rows: Axis
    columns: Axis
    channels: int
    out: int


class Layer(NamedTuple):
    """A convolution as the compiler sees it: its windows, its channels and its kind.

    Attributes
    ----------
    depthwise
        Whether each output channel reads only its own input channel.
    groups
        Number of independent convolutions; `channels` and `out` are those of one.
    pooled
        Whether only a pooling reads the output.
    """

    rows: Axis
    columns: Axis
    channels: int
    out: int
    depthwise: bool = False
    groups: int = 1
    pooled: bool = False


class Stretch(NamedTuple):
    """A tile along one axis [pixels].

    Attributes
    ----------
    read, computed, kept
        Input pixels; computed output pixels, including those invalidated by zeros at an inner edge; valid output
        pixels.
    first_in, first_out
        First input and output pixel.
    """

    read: int
    computed: int
    kept: int
    first_in: int
    first_out: int


class Cut(NamedTuple):
    """A tiling: tiles along height and width, and the input channels of a tile."""

    rows: tuple[Stretch, ...]
    columns: tuple[Stretch, ...]
    channels: int

    def planes(self) -> Iterator[tuple[Stretch, Stretch]]:
        """The number of tiles along height and width."""
        return ((row, column) for row in self.rows for column in self.columns)


class Mode(NamedTuple):
    """The engine's mode for a tile: clocks per pixel for all descriptors, descriptors, channels in whole blocks."""

    clocks: int
    descriptors: int
    channels: int


class Work(NamedTuple):
    """The work of a convolution for the engine and around it; numbers, or arrays of configurations.

    Attributes
    ----------
    clocks
        Clocks of the engine.
    tiles
        Runs of the engine.
    coefficients
        Coefficients read, once per tile.
    repeated_coefficients
        Their part in convolutions that are divided along height or width.
    summed
        Elements of partial sums over channel tiles.
    cropped
        Elements copied from tiles with invalid edges.
    padded_channels, padded_elements
        Channels and elements of inputs that are padded in a step of their own.
    software_macs
        MACs that the engine cannot compute.
    """

    clocks: int = 0
    tiles: int = 0
    coefficients: int = 0
    repeated_coefficients: int = 0
    summed: int = 0
    cropped: int = 0
    padded_channels: int = 0
    padded_elements: int = 0
    software_macs: int = 0

    def times(self, number: int) -> Work:
        """The work of several equal convolutions."""
        return Work(*(value * number for value in self))

    def plus(self, other: Work) -> Work:
        """Both."""
        return Work(*(a + b for a, b in zip(self, other, strict=True)))


@lru_cache(maxsize=65_536)
def work_of(layer: Layer) -> Work:
    """The work of a convolution.

    Padding that the engine does not support (different before and after, as with SAME at stride 2) is added to the
    input in a step of its own; a 1x1 window is computed for the whole grid at any stride.
    """
    rows, columns, channels, out, depthwise, groups, pooled = layer
    extra = Work()
    if not (_pads_itself(rows) and _pads_itself(columns)):
        rows, columns = _padded(rows), _padded(columns)
        extra = Work(padded_channels=channels, padded_elements=rows.size * columns.size * channels)
    fixed = _fixed_cut(Convolution(rows, columns, channels, out)) is not None
    parts = 1 if depthwise or fixed or not pooled else pooled_parts(rows.out, columns.out, out)
    whole = (
        depthwise_work(rows, columns, channels)
        if depthwise
        else dense_work(Convolution(rows, columns, channels, out // parts))
    )
    if whole is None:
        depth = 1 if depthwise else channels
        macs = rows.out * columns.out * out * depth * rows.kernel * columns.kernel
        return Work(software_macs=macs * groups)
    grid = rows.stride * columns.stride if rows.kernel == columns.kernel == 1 else 1
    whole = whole.times(parts)
    return whole._replace(clocks=whole.clocks * grid).plus(extra).times(groups)


def _pads_itself(axis: Axis) -> bool:
    """Whether the engine supports the padding of an axis: none, or half of the window on both sides."""
    return (axis.before, axis.after) in {(0, 0), (axis.kernel // 2, (axis.kernel - 1) // 2)}


def _padded(axis: Axis) -> Axis:
    return axis._replace(size=axis.size + axis.before + axis.after, before=0, after=0)


def cut_axis(axis: Axis, most: int) -> tuple[Stretch, ...]:
    """Tiles of at most `most` computed pixels along an axis; empty if the inner edges invalidate all of them.

    The engine pads every edge of a tile, so that up to pad / stride pixels at an inner edge are invalid.
    """
    if most >= axis.out:
        return (Stretch(axis.size, axis.out, axis.out, 0, 0),)
    stretches = []
    start = 0
    while start < axis.out:
        first = start * axis.stride - axis.before
        lead = first % axis.stride if first >= 0 else 0
        spoilt = (lead + axis.before) // axis.stride if first >= 0 else start
        end = min(axis.out, start + most)
        while end > start and spoilt + end - start + _spoilt_after(axis, end) > most:
            end -= 1
        if end <= start:
            return ()
        last = min((end - 1) * axis.stride + axis.kernel - axis.before, axis.size)
        computed = spoilt + end - start + _spoilt_after(axis, end)
        stretches.append(Stretch(lead + last - max(first, 0), computed, end - start, max(first, 0) - lead, start))
        start = end
    return tuple(stretches)


def _spoilt_after(axis: Axis, end: int) -> int:
    """Invalid pixels from the zeros after a tile that ends before output `end`."""
    used = max(0, (end - 1) * axis.stride + axis.kernel - axis.before - axis.size)
    return max(0, axis.after - used) // axis.stride


@lru_cache(maxsize=65_536)
def cheapest_mode(
    height: int, width: int, channels: int, out: int, kernel: tuple[int, int], stride: int
) -> Mode | None:
    """The cheapest mode whose memories hold a tile with an input of this size; None if none does.

    A descriptor makes up to 256 / 2^m output channels and takes ceil(channels / 2^m) * taps + overhead clocks a pixel.
    """
    if max(height, width) > MOST_EXTENT or channels > MOST_CHANNELS:
        return None
    taps = kernel[0] * kernel[1]
    line = round_up(width * ELEMENT_BYTES, LINE_BYTES)
    lines = min(kernel[0] + stride + 2 + (width <= NARROW), height)
    found: list[Mode] = []
    for mode, overhead in enumerate(MODE_OVERHEAD):
        block = ceil_div(channels, 2**mode)
        if block * taps <= BLOCK_COEFFICIENTS and LINE_MEMORY // (block * 2**mode * line) >= lines:
            descriptors = ceil_div(out, min(ENGINE_MACS // 2**mode, round_up(out, 8)))
            found.append(Mode(descriptors * (block * taps + overhead), descriptors, block * 2**mode))
    return min(found, default=None)


def tile_bytes(height: int, width: int, channels: int) -> int:
    """Memory of an output, with lines padded to 16 bytes [B]."""
    return round_up(width * ELEMENT_BYTES, LINE_BYTES) * height * channels


@lru_cache(maxsize=65_536)
def dense_work(convolution: Convolution) -> Work | None:
    """The work of a convolution as the compiler divides it; None if the engine cannot compute it."""
    cut = _fixed_cut(convolution) or _best_cut(convolution)
    return None if cut is None else _work(cut, convolution)


def depthwise_work(rows: Axis, columns: Axis, channels: int) -> Work | None:
    """A depthwise convolution: dense ones over a few channels each, with zeros off the diagonal.

    The compiler chooses the number of channels, fewer than all, with the least cost at the map's full size.
    """
    width = depthwise_channels(rows, columns, channels)
    whole = dense_work(Convolution(rows, columns, width, width))
    rest = (channels - 1) % width + 1
    last = dense_work(Convolution(rows, columns, rest, rest))
    if whole is None or last is None:
        return None
    return whole.times((channels - 1) // width).plus(last)


def depthwise_channels(rows: Axis, columns: Axis, channels: int) -> int:
    """Channels of each dense convolution into which a depthwise one is divided."""
    best: tuple[int, int] | None = None
    for width in sorted({ceil_div(channels, parts) for parts in range(2, channels + 1)}):
        mode = cheapest_mode(rows.size, columns.size, width, width, (rows.kernel, columns.kernel), rows.stride)
        if mode is not None and (best is None or mode.clocks * ceil_div(channels, width) < best[0]):
            best = mode.clocks * ceil_div(channels, width), width
    return best[1] if best else channels


def pooled_parts(height: int, width: int, channels: int) -> int:
    """Parts by output channels of a convolution before a pooling: several where its output is too large."""
    if tile_bytes(height, width, channels) <= TILE_BYTES:
        return 1
    for part in POOLED_PARTS:
        if channels % part == 0 and tile_bytes(height, width, part) <= TILE_BYTES:
            return channels // part
    return 1


def _fixed_cut(convolution: Convolution) -> Cut | None:
    rows, columns, channels, out = convolution
    shape = (rows.kernel, rows.stride, rows.size, columns.size, channels, out)
    if shape not in FIXED_TILES or rows != columns or (rows.before, rows.after) != (1, 1):
        return None
    height, width, depth = FIXED_TILES[shape]
    along = cut_axis(rows, _outputs(rows, height, exact=True))
    across = cut_axis(columns, _outputs(columns, width, exact=True))
    return Cut(along, across, depth)


def _best_cut(convolution: Convolution) -> Cut | None:
    """The cheapest cut by the compiler's own estimate."""
    rows, columns, channels, out = convolution
    best: tuple[tuple[int, int], Cut] | None = None
    for parts in range(1, MOST_TILES + 1):
        if best is not None and best[0][0] <= (parts - 1) * rows.out * columns.out * out:
            break
        for number, cut in _fitting_cuts(convolution, ceil_div(channels, parts)):
            key = (_cost(cut, convolution, parts), number * parts)
            if best is None or key < best[0]:
                best = key, cut
    return None if best is None else best[1]


def _fitting_cuts(convolution: Convolution, channels: int) -> Iterator[tuple[int, Cut]]:
    """For each number of tiles along the width, the fewest along the height that fit: (tiles asked for, cut)."""
    rows, columns = convolution.rows, convolution.columns
    exact = rows.exact or columns.exact
    for wide in range(1, MOST_TILES + 1):
        width = _extent(columns, wide)
        across = cut_axis(columns, _outputs(columns, width, exact=exact))
        if (wide > 1 and width < LEAST_WIDTH) or not across:
            return
        for high in range(1, MOST_TILES + 1):
            height = _extent(rows, high)
            if high > 1 and height < rows.kernel:
                break
            cut = Cut(cut_axis(rows, _outputs(rows, height, exact=exact)), across, channels)
            if cut.rows and _fits(cut, convolution):
                yield wide * high, cut
                break


def _extent(axis: Axis, number: int) -> int:
    """Input of one of `number` tiles, in whole strides where there are several."""
    extent = ceil_div(axis.size, number)
    return extent if number == 1 else round_up(extent, axis.stride)


def _outputs(axis: Axis, extent: int, *, exact: bool) -> int:
    """Output of a tile for an input extent with zeros on both sides."""
    reach = extent + axis.before + axis.after - axis.kernel
    return (ceil_div(reach, axis.stride) if exact else reach // axis.stride) + 1


def _mode(convolution: Convolution, row: Stretch, column: Stretch, channels: int) -> Mode | None:
    rows, columns, _, out = convolution
    return cheapest_mode(row.read, column.read, channels, out, (rows.kernel, columns.kernel), rows.stride)


def _fits(cut: Cut, convolution: Convolution) -> bool:
    return all(
        tile_bytes(row.computed, column.computed, convolution.out) <= TILE_BYTES
        and _mode(convolution, row, column, cut.channels) is not None
        for row, column in cut.planes()
    )


def _cost(cut: Cut, convolution: Convolution, parts: int) -> int:
    """The compiler's estimate: clocks of one pixel, independent of their number, plus elements moved and summed."""
    cost = 0
    for row, column in cut.planes():
        mode = _mode(convolution, row, column, cut.channels)
        assert mode is not None, "tiles that fit have one"
        outputs = row.computed * column.computed * convolution.out
        cost += mode.clocks * parts + (parts - 1) * outputs
        cost += outputs if _is_misaligned(column.first_out) else 0
        cost += row.read * column.read * mode.channels if _is_misaligned(column.first_in) else 0
    return cost


def _is_misaligned(column: int) -> bool:
    """Whether a tile does not start at a line of 16 bytes, so that it is copied first."""
    return column * ELEMENT_BYTES % LINE_BYTES != 0


def _work(cut: Cut, convolution: Convolution) -> Work | None:
    """The work of the tiles of a cut; None if the engine cannot compute one of them."""
    work = Work()
    rows, columns, channels, out = convolution
    parts = [cut.channels] * ((channels - 1) // cut.channels) + [(channels - 1) % cut.channels + 1]
    several = len(cut.rows) * len(cut.columns) > 1
    for row, column in cut.planes():
        kept = row.kept * column.kept * out
        spoilt = (row.computed, column.computed) != (row.kept, column.kept)
        work = work.plus(
            Work(
                summed=(len(parts) - 1) * kept,
                cropped=len(parts) * kept if spoilt else 0,
            )
        )
        for part in parts:
            mode = _mode(convolution, row, column, part)
            if mode is None:
                return None
            coefficients = mode.channels * rows.kernel * columns.kernel * round_up(out, 8)
            work = work.plus(
                Work(
                    clocks=mode.clocks * row.computed * column.computed,
                    tiles=1,
                    coefficients=coefficients,
                    repeated_coefficients=coefficients if several else 0,
                )
            )
    return work
