"""Hexagon NPUs (HTP): a matrix engine and vector cores (HVX) that share a vector memory, fed by DMA.

    t = engine + weights + products + grouped + depthwise + vector + functions + normalise + layout + resize
        + colours + image + host + call

Tensors and weights are padded to blocks of 32 channels, maps to tiles of 8 x 4 pixels; a dilated convolution is cut
into as many maps as its dilation leaves apart, each padded on its own. While the engine multiplies, DMA moves what does
not fit into the vector memory: a layer takes the longer of both. Rates are seconds a count of a chip, learned from the
latencies of whole networks on many (`benchmarks/ai_hub.py`).
"""

from __future__ import annotations

from typing import Final

from mbcost.kernels import KERNEL_KINDS, Kernel
from mbcost.latency.core_rates import rates, spread
from mbcost.latency.form import LatencyForm, Term, first, host_bytes, kinds
from mbcost.numeric import Real, maximum, minimum, round_up, where
from mbcost.operators import TensorShape

#: Channels of a block, and rows and columns of a tile.
CHANNELS: Final = 32
TILE: Final = (8, 4)
#: Inputs with at most this number of channels (images) are padded to it instead of a block.
SHALLOW: Final = 4
#: Bytes of the vector memory that a layer's maps have: half of the 8 MB of the Hexagons of flagship phones since V69,
#: since tiles arrive while others are computed. Chosen with the form.
VECTOR_MEMORY: Final = 4_000_000
#: Products in the time that DMA takes for a byte, by the bytes of an element: 7.5 TMAC/s of fp16 and 29 of int8 on a
#: Snapdragon 8 Gen 3, seen in networks of nothing but 3x3 convolutions, over 62 GB/s.
MACS_A_BYTE: Final = {1: 470, 2: 120}
#: x * sigmoid(x) is a sigmoid and a product: together they read three tensors and write two, 5/2 of a function's pass.
SWISH_TRAFFIC: Final = 2.5
#: Channels of a colour image, whose normalisation takes a pass of its own for each pixel.
COLOURS: Final = 3

_FUNCTIONS: Final = frozenset(
    ("gelu", "sigmoid", "tanh", "swish", "hard_swish", "hard_sigmoid", "mish", "leaky_relu", "prelu", "elu", "softplus")
)
_NORMS: Final = frozenset(("layer_norm", "group_norm", "instance_norm", "l2_norm", "softmax", "log_softmax"))
_MOVES: Final = frozenset(("resize", "depth_to_space", "space_to_depth", "channel_shuffle"))
_SCALES: Final = frozenset(("shift", "scale", "subtract", "divide"))
_CONVOLUTIONS: Final = kinds("pointwise", "direct_conv", "im2col_gemm", "dense")
_WEIGHTED: Final = _CONVOLUTIONS | kinds("depthwise")
_VECTOR: Final = kinds("elementwise", "pool")


def padded_bytes(kernel: Kernel, shape: TensorShape) -> Real:
    """A tensor with its channels padded."""
    channels = where(shape.channels <= SHALLOW, SHALLOW, round_up(shape.channels, CHANNELS))
    size: Real = shape.pixels * channels * kernel.batch * kernel.element_bytes
    return size


def padded_traffic(kernel: Kernel) -> Real:
    """Inputs and output, padded."""
    read: Real = sum(padded_bytes(kernel, shape) for shape in kernel.main.input_shapes)
    return read + padded_bytes(kernel, kernel.main.output_shape)


def is_grouped(kernel: Kernel) -> Real:
    """Whether a convolution has groups; a number or an array."""
    grouped: Real = where(getattr(kernel.main.operator, "groups", 1) > 1, 1, 0)
    return grouped


def padded_pixels(kernel: Kernel) -> Real:
    """Output pixels in whole tiles; of a matrix product its rows in whole tiles."""
    if kernel.op != "conv2d":
        return round_up(kernel.gemm().rows, TILE[0] * TILE[1])
    output = kernel.main.output_shape
    apart = getattr(kernel.main.operator, "dilation", (1, 1))
    sides = [
        round_up(-(-size // step), tile) * step
        for size, step, tile in zip((output.height, output.width), apart, TILE, strict=True)
    ]
    pixels: Real = sides[0] * sides[1] * kernel.batch
    return pixels


def padded_macs(kernel: Kernel) -> Real:
    """Products of the matrix engine with padded channels; a grouped convolution is counted by its traffic."""
    _, columns, depth, _ = kernel.gemm()
    taps = kernel.window if kernel.op in ("conv2d", "conv3d") else 1
    channels = depth // taps
    padded: Real = where(channels <= SHALLOW, SHALLOW, round_up(channels, CHANNELS))
    return padded_pixels(kernel) * round_up(columns, CHANNELS) * taps * padded * (1 - is_grouped(kernel))


def spilled_bytes(kernel: Kernel) -> Real:
    """What of maps and weights does not fit into the vector memory; of each further image at most its maps."""
    image = padded_traffic(kernel) // kernel.batch
    first_image: Real = maximum(image + weight_bytes(kernel) - VECTOR_MEMORY, 0)
    spilled: Real = first_image + (kernel.batch - 1) * minimum(first_image, image)
    return spilled


def engine(kernel: Kernel) -> Real:
    """Products, or those that are made while DMA moves what does not fit."""
    macs_a_byte = MACS_A_BYTE[min(kernel.element_bytes, 2)]
    longer: Real = maximum(padded_macs(kernel), macs_a_byte * spilled_bytes(kernel) * (1 - is_grouped(kernel)))
    return longer


def weight_bytes(kernel: Kernel) -> Real:
    """Weights and bias, once per inference."""
    return kernel.weight_elements * kernel.element_bytes


def products(kernel: Kernel) -> Real:
    """Products of two activations, rows, columns and depth in whole blocks."""
    rows, columns, depth, groups = kernel.gemm()
    blocks: Real = round_up(rows, CHANNELS) * round_up(columns, CHANNELS) * round_up(depth, CHANNELS) * groups
    return blocks


def grouped_bytes(kernel: Kernel) -> Real:
    """Traffic of grouped convolutions."""
    return padded_traffic(kernel) * is_grouped(kernel)


def depthwise_taps(kernel: Kernel) -> Real:
    """Products of a depthwise convolution with padded channels."""
    output = kernel.main.output_shape
    return kernel.output_pixels * round_up(output.channels, CHANNELS) * kernel.window


def colours(kernel: Kernel) -> Real:
    """Pixels of a colour image whose channels are shifted or scaled, each on its own."""
    output = kernel.main.output_shape
    if kernel.op not in _SCALES:
        return 0
    pixels: Real = where(output.channels == COLOURS, 1, 0) * where(output.height > 1, 1, 0) * kernel.output_pixels
    return pixels


def vector_bytes(kernel: Kernel) -> Real:
    """Traffic of poolings and of plain arithmetic on the vector cores."""
    if kernel.op in _FUNCTIONS or kernel.op in _NORMS:
        return 0
    output = kernel.main.output_shape
    coloured = where(output.channels == COLOURS, 1, 0) * where(output.height > 1, 1, 0) if kernel.op in _SCALES else 0
    return padded_traffic(kernel) * (1 - coloured)


def function_bytes(kernel: Kernel) -> Real:
    """Traffic of functions that take more than an instruction."""
    if kernel.op not in _FUNCTIONS:
        return 0
    return padded_traffic(kernel) * (SWISH_TRAFFIC if kernel.op == "swish" else 1)


def normalised_bytes(kernel: Kernel) -> Real:
    """Traffic of softmax and of normalisations that look at a whole row."""
    return padded_traffic(kernel) if kernel.op in _NORMS else 0


def layout_bytes(kernel: Kernel) -> Real:
    """Traffic of operators that put elements elsewhere in blocks: transposes, splits, padding, concats."""
    return 0 if kernel.op in _MOVES else padded_traffic(kernel)


def resized_bytes(kernel: Kernel) -> Real:
    """Traffic of operators that break blocks up: resizing, pixel and channel shuffles, transposed convolutions."""
    if kernel.op == "transposed_conv2d":
        return padded_bytes(kernel, kernel.main.output_shape)
    return padded_traffic(kernel) if kernel.op in _MOVES else 0


def image_pixels(kernel: Kernel) -> Real:
    """Output pixels of a convolution of an image, whose few channels leave most of a block empty."""
    source = kernel.main.input_shapes[0]
    if kernel.op not in ("conv2d", "conv3d"):
        return 0
    pixels: Real = where(source.channels <= SHALLOW, 1, 0) * kernel.output_pixels
    return pixels


HEXAGON_HTP: Final = LatencyForm(
    name="hexagon_htp",
    title="Hexagon NPU",
    terms=(
        Term("engine", "MAC", "compute", _CONVOLUTIONS, engine),
        Term("weights", "B", "weights", _WEIGHTED, weight_bytes),
        Term("products", "MAC", "compute", kinds("matmul"), products),
        Term("grouped", "B", "activations", kinds("direct_conv", "im2col_gemm", "pointwise"), grouped_bytes),
        Term("depthwise", "MAC", "compute", kinds("depthwise"), depthwise_taps),
        Term("vector", "B", "activations", _VECTOR, vector_bytes),
        Term("functions", "B", "activations", kinds("elementwise"), function_bytes),
        Term("normalise", "B", "activations", kinds("elementwise", "softmax"), normalised_bytes),
        Term("layout", "B", "activations", kinds("copy"), layout_bytes),
        Term("resize", "B", "activations", kinds("copy", "direct_conv"), resized_bytes),
        Term("colours", "pixel", "activations", kinds("elementwise"), colours),
        Term("image", "pixel", "compute", kinds("direct_conv", "im2col_gemm", "pointwise"), image_pixels),
        Term("host", "B", "activations", kinds("outside"), host_bytes),
        Term("call", "inference", "overhead", frozenset(KERNEL_KINDS), first),
    ),
    overlap="none",
    rates=rates,
    spread=spread,
    source="fitted to Qualcomm AI Hub's latencies of whole networks on Snapdragon NPUs, 2026",
)
