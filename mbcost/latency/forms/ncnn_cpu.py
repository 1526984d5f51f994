"""ncnn on a CPU core.

    t = pointwise + convolution + winograd + tiles + grouped + depthwise + loop + unpacked + outputs + gathered
        + weights + dense + elementwise + activation + normalise + copy + pool + call

in cycles a count, learned core by core (:mod:`mbcost.latency.core_rates`). 3x3 convolutions of stride 1 are computed in
Winograd's tiles (Lavin, Gray 2016, arXiv:1509.09308): F(6,3), of 6x6 pixels with 8x8 products, for up to 128 channels
in and out, F(4,3) for more, F(2,3) where one of them is few (src/layer/arm/convolution_arm.cpp, convolution_fp16s.h).
Channels are packed by 4 at fp32 and by 8 at fp16 and int8, and what is no multiple of that takes a slower way: a
depthwise convolution whose channels are packed by 4 at fp16, or whose window is neither 3x3 nor 5x5, has no kernel of
its own but a plain loop (convolutiondepthwise_arm.cpp, convolutiondepthwise_arm_asimdhp.cpp). A fully connected layer
reads its weights for every row. Each group of a grouped convolution is a call of its own. Chosen on 27 networks on 37
boards and phones (ncnn, benchmark/README.md), one thread, leaving networks out.
"""

from __future__ import annotations

from typing import Final

from mbcost.kernels import Kernel
from mbcost.latency.core_rates import rates, spread
from mbcost.latency.form import LatencyForm, Term, kinds
from mbcost.latency.forms.tflite_xnnpack import alone, elements, grouped_macs, window_reads
from mbcost.numeric import Real, round_up, where
from mbcost.operators import Conv2d, DepthwiseConv2d

#: Rows and columns of the matrix products' tile.
TILE_ROWS: Final = 8
TILE_COLUMNS: Final = 4
#: Bytes of an element -> channels of input and output up to which Winograd's tiles are those of F(6,3); int8 has none.
WINOGRAD_63_CHANNELS: Final = {4: 128, 2: 128, 1: 0}
#: Bytes of an element -> fewest channels of the larger side for Winograd's tiles, and of both for those of F(4,3).
WINOGRAD_CHANNELS: Final = {4: 8, 2: 16, 1: 0}
#: Bytes of an element -> channels that are packed together.
PACKED: Final = {4: 4, 2: 8, 1: 8}
#: Operators that compute an exponential or the like for each element.
ACTIVATIONS: Final = frozenset(
    {"swish", "sigmoid", "gelu", "tanh", "elu", "mish", "softplus", "softmax", "log_softmax", "layer_norm",
     "instance_norm", "group_norm", "l2_norm", "hard_swish", "hard_sigmoid"}
)  # fmt: skip
#: Of them, those with a minimum and a maximum alone, as a share of the others. Assumed: three operations beside the
#: seven or so of a polynomial for the exponential (ncnn, src/layer/arm/neon_mathfun.h).
CLAMPED: Final = 0.4

_CONVOLUTIONS: Final = kinds("pointwise", "direct_conv")


def _winograd(kernel: Kernel) -> int:
    """Output pixels along a side of Winograd's tiles; 0 for a convolution that is computed otherwise."""
    operator = kernel.main.operator
    channels, filters = kernel.main.input_shapes[0].channels, kernel.main.output_shape.channels
    if not isinstance(operator, Conv2d) or (operator.kernel, operator.stride, operator.dilation) != (
        (3, 3),
        (1, 1),
        (1, 1),
    ):
        return 0
    fewest, most = WINOGRAD_CHANNELS[kernel.element_bytes], WINOGRAD_63_CHANNELS[kernel.element_bytes]
    small = where(channels <= most, 1, 0) * where(filters <= most, 1, 0)
    both = where(channels >= fewest, 1, 0) * where(filters >= fewest, 1, 0)
    either = where(channels >= fewest, 1, where(filters >= fewest, 1, 0))
    side = where(small == 1, 6, where(both == 1, 4, 2))
    result: int = side * either * where(operator.groups == 1, 1, 0)
    return result


def _tiled(kernel: Kernel) -> Real:
    rows, columns, depth, groups = kernel.gemm()
    result: Real = round_up(rows, TILE_ROWS) * round_up(columns, TILE_COLUMNS) * depth * groups * alone(kernel)
    return result


def pointwise_macs(kernel: Kernel) -> Real:
    """MACs of a 1x1 convolution or a matrix product, rows and columns rounded up to the tile."""
    return _tiled(kernel)


def convolution_macs(kernel: Kernel) -> Real:
    """The same of other convolutions of one group, unless Winograd's tiles compute them."""
    return _tiled(kernel) * where(_winograd(kernel) > 0, 0, 1)


def _winograd_points(kernel: Kernel) -> Real:
    """Products of all of Winograd's tiles of one input and output channel: (m + 2)^2 for every m x m pixels."""
    side, shape = _winograd(kernel), kernel.main.output_shape
    pixels = where(side > 0, side, 1)
    across = round_up(shape.width, pixels) // pixels
    down = round_up(shape.height, pixels) // pixels
    result: Real = across * down * (side + 2) ** 2 * kernel.batch * where(side > 0, 1, 0)
    return result


def winograd_macs(kernel: Kernel) -> Real:
    """Products of Winograd's tiles, for every input and output channel."""
    channels, filters = kernel.main.input_shapes[0].channels, kernel.main.output_shape.channels
    return _winograd_points(kernel) * channels * filters


def winograd_elements(kernel: Kernel) -> Real:
    """Elements of Winograd's tiles, transformed on the way in and on the way out."""
    channels, filters = kernel.main.input_shapes[0].channels, kernel.main.output_shape.channels
    return _winograd_points(kernel) * (channels + filters)


def _looped(kernel: Kernel) -> Real:
    """1 for a depthwise convolution that has no kernel of its own, else 0."""
    operator = kernel.main.operator
    own = isinstance(operator, DepthwiseConv2d) and (
        operator.kernel in ((3, 3), (5, 5)) and operator.stride in ((1, 1), (2, 2)) and operator.dilation == (1, 1)
    )
    if not own:
        return 1
    if kernel.element_bytes != 2:
        return 0
    channels = kernel.main.output_shape.channels
    by_four: Real = where(channels % PACKED[4] == 0, 1, 0) * where(channels % PACKED[2] == 0, 0, 1)
    return by_four


def _window_macs(kernel: Kernel) -> Real:
    """Pixels x window x channels, the channels rounded up to four."""
    return kernel.output_pixels * kernel.window * round_up(kernel.main.output_shape.channels, PACKED[4])


def depthwise_macs(kernel: Kernel) -> Real:
    """Pixels x window x channels rounded up to four, of depthwise convolutions with a kernel of their own."""
    return _window_macs(kernel) * (1 - _looped(kernel))


def loop_macs(kernel: Kernel) -> Real:
    """The same of those that a plain loop computes."""
    return _window_macs(kernel) * _looped(kernel)


def unpacked_macs(kernel: Kernel) -> Real:
    """MACs of convolutions of one group with input or output channels that do not fill their packs."""
    pack = PACKED[kernel.element_bytes]
    channels, filters = kernel.main.input_shapes[0].channels, kernel.main.output_shape.channels
    whole = where(channels % pack == 0, 1, 0) * where(filters % pack == 0, 1, 0)
    return kernel.macs * alone(kernel) * (1 - whole)


def gathered_elements(kernel: Kernel) -> Real:
    """Elements of the input of a convolution that is not 1x1."""
    return kernel.input_elements


def weight_elements(kernel: Kernel) -> Real:
    """Weights."""
    return kernel.weight_elements


def dense_weights(kernel: Kernel) -> Real:
    """Weights of a fully connected layer, for every row of its input."""
    return kernel.weight_elements * kernel.gemm().rows


def calls(kernel: Kernel) -> Real:
    """Layers that run: one, or one for each group of a grouped convolution (src/layer/convolutiondepthwise.cpp)."""
    return kernel.gemm().groups if kernel.kind == "direct_conv" else 1


def plain_elements(kernel: Kernel) -> Real:
    """Elements of additions, products and the like."""
    return 0 if kernel.op in ACTIVATIONS or kernel.op == "lrn" else kernel.output_elements


def activation_elements(kernel: Kernel) -> Real:
    """Elements of functions with an exponential; a clamp counts less."""
    if kernel.op not in ACTIVATIONS:
        return 0
    return kernel.output_elements * (CLAMPED if kernel.op in {"hard_swish", "hard_sigmoid"} else 1.0)


def normalised_elements(kernel: Kernel) -> Real:
    """Elements of a local response normalisation."""
    return kernel.output_elements if kernel.op == "lrn" else 0


_ELEMENTS: Final = kinds("elementwise", "softmax")

NCNN_CPU: Final = LatencyForm(
    name="ncnn_cpu",
    title="ncnn's kernels on a CPU core",
    terms=(
        Term("pointwise", "MAC", "compute", kinds("pointwise", "matmul"), pointwise_macs),
        Term("convolution", "MAC", "compute", kinds("direct_conv"), convolution_macs),
        Term("winograd", "MAC", "compute", kinds("direct_conv"), winograd_macs),
        Term("tiles", "element", "compute", kinds("direct_conv"), winograd_elements),
        Term("grouped", "MAC", "compute", kinds("direct_conv"), grouped_macs),
        Term("depthwise", "MAC", "compute", kinds("depthwise"), depthwise_macs),
        Term("loop", "MAC", "compute", kinds("depthwise"), loop_macs),
        Term("unpacked", "MAC", "compute", _CONVOLUTIONS, unpacked_macs),
        Term("outputs", "element", "activations", _CONVOLUTIONS, elements),
        Term("gathered", "element", "activations", kinds("direct_conv"), gathered_elements),
        Term("weights", "element", "weights", _CONVOLUTIONS, weight_elements),
        Term("dense", "element", "weights", kinds("dense"), dense_weights),
        Term("elementwise", "element", "activations", _ELEMENTS, plain_elements),
        Term("activation", "element", "compute", _ELEMENTS, activation_elements),
        Term("normalise", "element", "compute", _ELEMENTS, normalised_elements),
        Term("copy", "element", "activations", kinds("copy"), elements),
        Term("pool", "read", "compute", kinds("pool"), window_reads),
        Term(
            "call",
            "kernel",
            "overhead",
            _CONVOLUTIONS | _ELEMENTS | kinds("depthwise", "dense", "matmul", "copy", "pool"),
            calls,
        ),
    ),
    overlap="none",
    rates=rates,
    spread=spread,
    source="27 networks on 37 boards and phones (github.com/Tencent/ncnn @ a4d2ea1d, benchmark/README.md)",
)
