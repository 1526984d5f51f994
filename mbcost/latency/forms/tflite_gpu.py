"""TensorFlow Lite's GPU delegate 2.10 on a phone's graphics processor: Adreno, Mali, PowerVR, Apple, AMD.

    t = pointwise + conv + reads + constants + latency + tiles + depthwise_3x3 + depthwise + dense + pool + mean + copy
        + input + output + launch + dispatch + call

without overlap. Each step of a convolution's loop reads a block of texels of the map and of the weights (`reads`) and
multiplies them (`conv`, or `pointwise` without a window); where a compute unit has too few threads to hide the latency
of a step, the rest of it shows (`latency`). Which block a thread has, when weights are in constant memory
(`constants`), and when Winograd's 4x4 tiles are taken are the delegate's rules
(:mod:`mbcost.latency.forms.gpu_delegate`); `tiles` is what Winograd's products read and write. `launch` is a kernel's
fixed time on the graphics processor, `dispatch` what the CPU adds to each kernel, and `call` what it adds to an
inference, transfers of the network's input and output among it.

Rates are learned by graphics processor (:mod:`mbcost.latency.gpu_rates`), those of arithmetic in slots of its fp32
multiply-adds, those of memory in bytes of its bandwidth. Chosen on 54 of the 72 networks of Li, Paolieri, Golubchik,
EdgeSys 2024 (doi:10.1145/3642968.3654818), kernel by kernel, on four phones, leaving networks out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, NamedTuple

from mbcost.devices import Target
from mbcost.kernels import KERNEL_KINDS, Kernel
from mbcost.latency.form import LatencyForm, Term, first, kinds
from mbcost.latency.forms.gpu_delegate import SLICE, Delegate, Grid
from mbcost.latency.gpu_rates import delegate_for, rates, spread
from mbcost.numeric import Dim, Real, by_value, ceil_div, for_each, where
from mbcost.operators import Conv2d

#: Threads of a compute unit that hide the latency of a loop's step, and the exponent of the transition. Chosen on the
#: training networks: of 250 to 4,000 threads, 2,000 has the least error on Adreno and Apple; PowerVR prefers 250.
ENOUGH_THREADS: Final = 2000.0
SHARPNESS: Final = 4.0
#: MACs of a pair of an input and an output slice, and texels of the weights that they take.
PAIR_MACS: Final = SLICE * SLICE
#: Output pixels along a side of Winograd's tile, and products of each tile.
TILE: Final = 4
TILE_POINTS: Final = 36
#: Latency of a concat's step, which reads one texel and writes one, over that of a convolution's [1]. Chosen on the
#: training networks: 0.4 on Adreno; 2 fits Apple.
COPY_STEP: Final = 0.4
#: Threads of a fully connected layer that share the slices of its input.
DENSE_SHARE: Final = 4

_CONVOLUTIONS: Final = kinds("pointwise", "direct_conv")
_PRODUCTS: Final = kinds("pointwise", "direct_conv", "matmul")
_LAUNCHED: Final = frozenset(KERNEL_KINDS) - kinds("view", "outside")


class Work(NamedTuple):
    """Threads of a convolution, loop steps of each, and what a step multiplies and reads."""

    threads: Dim
    steps: Dim
    macs: Dim
    texels: Dim


def slices(channels: Dim) -> Dim:
    """Groups of four channels."""
    return ceil_div(channels, SLICE)


def waiting(delegate: Delegate, threads: Real) -> Real:
    """Share of a step's latency that so many threads do not hide, from 1 (few) to 0 (many)."""

    def of(number: float) -> float:
        each = number / delegate.units / ENOUGH_THREADS
        return float((each**SHARPNESS + 1) ** (1 / SHARPNESS) - each)

    result: Real = by_value(of, threads)
    return result


def winograd(delegate: Delegate, kernel: Kernel) -> Real:
    """1 for a convolution that is computed in Winograd's tiles, else 0."""
    operator = kernel.main.operator
    if not isinstance(operator, Conv2d) or (operator.kernel, operator.stride, operator.dilation) != (
        (3, 3), (1, 1), (1, 1)
    ):  # fmt: skip
        return 0
    source, output = kernel.main.input_shapes[0], kernel.main.output_shape
    least_in, least_out, least_tiles = delegate.winograd
    tiles = ceil_div(output.height, TILE) * ceil_div(output.width, TILE)
    wide = (slices(source.channels) >= least_in) & (slices(output.channels) >= least_out)
    return where(wide & (tiles >= least_tiles) & (operator.groups == 1), 1, 0)


def in_constants(delegate: Delegate, kernel: Kernel) -> Real:
    """1 for a convolution whose weights are in constant memory, else 0."""
    operator = kernel.main.operator
    if not isinstance(operator, Conv2d) or not delegate.constant_bytes:
        return 0
    source, output = kernel.main.input_shapes[0], kernel.main.output_shape
    size = source.channels * slices(output.channels) * SLICE * kernel.window * kernel.element_bytes
    return where((size <= delegate.constant_bytes) & (operator.groups == 1), 1, 0)


def work(delegate: Delegate, kernel: Kernel) -> Work:
    """The threads of a convolution or of a matrix product, which runs as one of 1x1."""
    rows, columns, depth, groups = kernel.gemm()
    output, window = kernel.main.output_shape, kernel.window if kernel.kind == "direct_conv" else 1
    height, width = (output.height, output.width) if kernel.kind in _CONVOLUTIONS else (1, rows)
    layers = slices(columns * groups) if kernel.kind in _CONVOLUTIONS else slices(columns)
    plain = window == 1
    tiled = winograd(delegate, kernel)
    tiles = ceil_div(height, TILE) * ceil_div(width, TILE)

    def divided(down: int, across: int, deep: int, parts: int) -> tuple[int, ...]:
        return tuple(delegate.grid(down, across, deep, parts, plain, kernel.element_bytes))

    height, width = where(tiled, TILE_POINTS, height), where(tiled, tiles, width)
    parts = groups if kernel.kind == "direct_conv" else 1
    grid = Grid(*for_each(divided, height, width, layers, parts))
    steps = where(tiled, slices(depth // max(window, 1)), window * slices(depth // max(window, 1)))
    pixels = grid.columns * grid.rows
    repeats = kernel.batch * (1 if kernel.kind in _CONVOLUTIONS else groups)
    return Work(grid.threads * repeats, steps, pixels * grid.slices * PAIR_MACS, pixels + SLICE * grid.slices)


def _generic(delegate: Delegate, kernel: Kernel) -> Real:
    """1 for a convolution of the usual kernel."""
    return 1 - in_constants(delegate, kernel)


def product_macs(delegate: Delegate, kernel: Kernel) -> Real:
    """MACs of all threads' blocks, padding among them; of Winograd's tiles their products."""
    if not isinstance(kernel.main.operator, Conv2d) and kernel.kind == "direct_conv":
        return kernel.macs  # transposed and of three dimensions
    threads, steps, macs, _ = work(delegate, kernel)
    return threads * steps * macs * _generic(delegate, kernel)


def texel_reads(delegate: Delegate, kernel: Kernel) -> Real:
    """Texels of the map, and of weights outside of constant memory, that all threads read."""
    if not isinstance(kernel.main.operator, Conv2d) and kernel.kind == "direct_conv":
        return 0
    threads, steps, _, texels = work(delegate, kernel)
    alone = kernel.output_pixels * kernel.window * slices(kernel.main.input_shapes[0].channels)
    return where(in_constants(delegate, kernel), alone, threads * steps * texels)


def constant_macs(delegate: Delegate, kernel: Kernel) -> Real:
    """MACs of a convolution with weights in constant memory: a thread a pixel, whole slices."""
    source, output = kernel.main.input_shapes[0], kernel.main.output_shape
    macs = kernel.output_pixels * kernel.window * slices(source.channels) * slices(output.channels) * PAIR_MACS
    return macs * in_constants(delegate, kernel)


def latency_steps(delegate: Delegate, kernel: Kernel) -> Real:
    """Loop steps of a thread times the share of their latency that other threads do not hide."""
    main = kernel.main
    if kernel.kind == "dense":
        return ceil_div(slices(main.input_shapes[0].channels), DENSE_SHARE)
    if kernel.kind == "copy":
        if kernel.op != "concat":
            return 0
        walked = COPY_STEP * slices(main.output_shape.channels) * waiting(delegate, kernel.output_pixels)
        # flattened maps, such as the heads of a detector, are joined along their anchors: a thread an element
        return where(main.output_shape.pixels == 1, 0, walked)
    if not isinstance(main.operator, Conv2d) and kernel.kind == "direct_conv":
        return 0
    threads, steps, _, _ = work(delegate, kernel)
    constant = in_constants(delegate, kernel)
    alone = kernel.window * slices(main.input_shapes[0].channels)
    return where(constant, alone * waiting(delegate, kernel.output_pixels), steps * waiting(delegate, threads))


def _is_3x3(delegate: Delegate, kernel: Kernel) -> bool:
    """Whether the kernel for 3x3 at stride 1 computes a depthwise convolution."""
    operator = kernel.main.operator
    plain = getattr(operator, "stride", (1, 1)) == getattr(operator, "dilation", (1, 1)) == (1, 1)
    return kernel.window == 9 and plain and delegate.has_3x3


def depthwise_3x3_macs(delegate: Delegate, kernel: Kernel) -> Real:
    """MACs of a depthwise convolution of 3x3 at stride 1: a thread computes 2x2 pixels of a slice."""
    if not _is_3x3(delegate, kernel):
        return 0
    height, width, channels = kernel.main.output_shape
    return ceil_div(width, 2) * ceil_div(height, 2) * 4 * slices(channels) * SLICE * 9 * kernel.batch


def depthwise_macs(delegate: Delegate, kernel: Kernel) -> Real:
    """MACs of any other depthwise convolution: a thread computes one pixel of a slice."""
    if _is_3x3(delegate, kernel):
        return 0
    return kernel.output_pixels * slices(kernel.main.output_shape.channels) * SLICE * kernel.window


def dense_bytes(kernel: Kernel) -> Real:
    """Weights of a fully connected layer, read once."""
    return kernel.weight_elements * kernel.element_bytes


def pool_reads(kernel: Kernel) -> Real:
    """Elements that the windows of a pooling read, in whole slices; none of a global one."""
    output = kernel.main.output_shape
    return where(output.pixels == 1, 0, kernel.output_pixels * kernel.window * slices(output.channels) * SLICE)


def mean_reads(kernel: Kernel) -> Real:
    """Elements that a pooling to one pixel reads."""
    source = kernel.main.input_shapes[0]
    read = source.pixels * slices(source.channels) * SLICE * kernel.batch
    return where(kernel.main.output_shape.pixels == 1, read, 0)


def copied_bytes(kernel: Kernel) -> Real:
    """Bytes that a copy writes, in whole slices."""
    return kernel.output_pixels * slices(kernel.main.output_shape.channels) * SLICE * kernel.element_bytes


def tile_bytes(delegate: Delegate, kernel: Kernel) -> Real:
    """What the products of Winograd's tiles read and write."""
    source, output = kernel.main.input_shapes[0], kernel.main.output_shape
    tiles = ceil_div(output.height, TILE) * ceil_div(output.width, TILE) * kernel.batch
    elements = TILE_POINTS * tiles * (slices(source.channels) + slices(output.channels)) * SLICE
    return elements * kernel.element_bytes * winograd(delegate, kernel)


def input_bytes(delegate: Delegate, kernel: Kernel) -> Real:
    """The map that a kernel reads, in whole slices, and the tiles that Winograd's last one reads."""
    source = kernel.main.input_shapes[0]
    read = source.pixels * slices(source.channels) * SLICE * kernel.batch * kernel.element_bytes
    return read + tile_bytes(delegate, kernel) * 0.5


def output_bytes(delegate: Delegate, kernel: Kernel) -> Real:
    """The map that a kernel writes, in whole slices, what linked operators read, and the tiles of Winograd's first."""
    linked = kernel.input_elements - kernel.main.cost.input_elements * kernel.batch
    elements = kernel.output_pixels * slices(kernel.main.output_shape.channels) * SLICE + linked
    return elements * kernel.element_bytes + tile_bytes(delegate, kernel) * 0.5


def launches(delegate: Delegate, kernel: Kernel) -> Real:
    """Kernels that are launched: three for Winograd's tiles."""
    return 1 + 2 * winograd(delegate, kernel)


@lru_cache(maxsize=64)
def terms_of(delegate: Delegate) -> tuple[Term, ...]:
    """The form's terms under the rules for a graphics processor."""

    def by(count: Callable[[Delegate, Kernel], Real]) -> Callable[[Kernel], Real]:
        return partial(count, delegate)

    depthwise, moved = kinds("depthwise"), kinds("elementwise", "softmax")
    return (
        Term("pointwise", "MAC", "compute", kinds("pointwise", "matmul"), by(product_macs)),
        Term("conv", "MAC", "compute", kinds("direct_conv"), by(product_macs)),
        Term("reads", "texel", "compute", _PRODUCTS, by(texel_reads)),
        Term("constants", "MAC", "compute", _CONVOLUTIONS, by(constant_macs)),
        Term("latency", "step", "overhead", _PRODUCTS | kinds("dense", "copy"), by(latency_steps)),
        Term("tiles", "B", "activations", kinds("direct_conv"), by(tile_bytes)),
        Term("depthwise_3x3", "MAC", "compute", depthwise, by(depthwise_3x3_macs)),
        Term("depthwise", "MAC", "compute", depthwise, by(depthwise_macs)),
        Term("dense", "B", "weights", kinds("dense"), dense_bytes),
        Term("pool", "read", "compute", kinds("pool"), pool_reads),
        Term("mean", "read", "compute", kinds("pool"), mean_reads),
        Term("copy", "B", "activations", kinds("copy"), copied_bytes),
        Term("input", "B", "activations", _CONVOLUTIONS | depthwise | moved, by(input_bytes)),
        Term("output", "B", "activations", _PRODUCTS | depthwise | moved | kinds("pool"), by(output_bytes)),
        Term("launch", "kernel", "overhead", _LAUNCHED, by(launches)),
        Term("dispatch", "kernel", "overhead", _LAUNCHED, by(launches)),
        Term("call", "inference", "overhead", frozenset(KERNEL_KINDS), first),
    )


#: What the terms are of where no target is named: an Adreno of the 6xx series with two shader processors.
REFERENCE: Final = Delegate("adreno", "6xx", 2)


def terms_for(target: Target) -> tuple[Term, ...]:
    """The form's terms for the graphics processor of a target.

    Raises
    ------
    InputError
        MB401 if the catalogue does not have it.
    """
    return terms_of(delegate_for(target))


TFLITE_GPU: Final = LatencyForm(
    name="tflite_gpu",
    title="TensorFlow Lite's GPU delegate",
    terms=terms_of(REFERENCE),
    overlap="none",
    rates=rates,
    spread=spread,
    terms_for=terms_for,
    source="72 networks and their kernels on four phones (Li et al. 2024, doi:10.1145/3642968.3654818)",
)
