"""Counts of convolutions on channels in blocks, as ONNX Runtime (MLAS NCHWc) and OpenVINO (oneDNN) have them.

A map is stored in blocks of 16 channels, a vector of 512 bit, so that one load of a filter's block serves a
vector of output channels; a kernel computes several blocks of output channels with each value of the input that it
loads.
"""

from __future__ import annotations

from typing import Final

from mbcost.kernels import Kernel
from mbcost.latency.form import kinds
from mbcost.numeric import Real, ceil_div, maximum, minimum, round_up, where
from mbcost.operators import Conv2d, DepthwiseConv2d
from mbcost.operators.window import Explicit

#: Channels of a block with vectors of 512 bit.
BLOCK: Final = 16
#: Blocks of output channels that a kernel computes at once.
BLOCKS_AT_ONCE: Final = 4

#: The kinds of kernels that their terms are for.
PRODUCTS: Final = kinds("pointwise", "direct_conv")
DEPTHWISE: Final = kinds("depthwise")
CONVOLUTIONS: Final = PRODUCTS | DEPTHWISE
PASS_KINDS: Final = kinds("elementwise", "softmax")
OTHERS: Final = PASS_KINDS | kinds("copy", "pool", "dense", "matmul")


def few(kernel: Kernel) -> Real:
    """1 for a convolution of one group that reads fewer channels than a block, as planes."""
    _, _, depth, groups = kernel.gemm()
    result: Real = where(depth // kernel.window < BLOCK, 1, 0) * where(groups == 1, 1, 0)
    return result


def touched(kernel: Kernel) -> Real:
    """Output pixels x elements of the window that lie inside of the map, of the batch."""
    operator, source, output = kernel.main.operator, kernel.main.input_shapes[0], kernel.main.output_shape
    if not isinstance(operator, (Conv2d, DepthwiseConv2d)):
        return kernel.output_pixels * kernel.window
    padding = operator.padding
    rows = columns = 0
    for axis, (size, out) in enumerate(((source.height, output.height), (source.width, output.width))):
        extent, stride, dilation = operator.kernel[axis], operator.stride[axis], operator.dilation[axis]
        reach = (extent - 1) * dilation + 1
        if isinstance(padding, Explicit):
            before = (padding.top, padding.left)[axis]
        elif padding == "same":
            before = maximum(0, (out - 1) * stride + reach - size) // 2
        else:
            before = 0
        count = sum(
            maximum(
                0,
                minimum(out - 1, (size - 1 + before - tap * dilation) // stride)
                - maximum(0, ceil_div(before - tap * dilation, stride))
                + 1,
            )
            for tap in range(extent)
        )
        if axis == 0:
            rows = count
        else:
            columns = count
    result: Real = rows * columns * kernel.batch
    return result


def conv_slots(kernel: Kernel) -> Real:
    """MACs inside of the map, a group's channels in whole blocks; fewer input channels than a block as they are."""
    _, columns, depth, groups = kernel.gemm()
    channels = depth // kernel.window
    blocked = where(channels < BLOCK, channels, round_up(channels, BLOCK))
    result: Real = touched(kernel) * blocked * round_up(columns, BLOCK) * groups
    return result


def filter_slots(kernel: Kernel) -> Real:
    """The same with output channels alone in whole blocks."""
    _, columns, depth, groups = kernel.gemm()
    result: Real = touched(kernel) * (depth // kernel.window) * round_up(columns, BLOCK) * groups
    return result


def conv_loads(kernel: Kernel) -> Real:
    """Values of the input that are loaded, once for every four blocks of output channels."""
    _, columns, depth, groups = kernel.gemm()
    result: Real = touched(kernel) * (depth // kernel.window) * ceil_div(columns, BLOCK * BLOCKS_AT_ONCE) * groups
    return result


def depthwise_slots(kernel: Kernel) -> Real:
    """MACs inside of the map, the channels in whole blocks."""
    return touched(kernel) * round_up(kernel.main.output_shape.channels, BLOCK)


def depthwise_rows(kernel: Kernel) -> Real:
    """Rows of the output in each block of channels, for which the kernel starts anew."""
    shape = kernel.main.output_shape
    return shape.height * kernel.batch * ceil_div(shape.channels, BLOCK)


def outputs(kernel: Kernel) -> Real:
    """Elements of the output."""
    return kernel.output_elements


def weights(kernel: Kernel) -> Real:
    """Weights."""
    return kernel.weight_elements
