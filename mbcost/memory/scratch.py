"""Scratch buffers that kernels of microcontrollers need while they run, by their sources.

CMSIS-NN@99f736a: Source/ConvolutionFunctions/arm_convolve_get_buffer_sizes_s8.c,
arm_depthwise_conv_get_buffer_sizes_s8.c, FullyConnectedFunctions/arm_fully_connected_get_buffer_sizes_s8.c,
PoolingFunctions/arm_avgpool_get_buffer_sizes_s8.c and Include/arm_nnsupportfunctions.h, as GCC compiles them (armclang
adds ``4 * Cin`` bytes for 1x1 convolutions on the DSP extension). TinyEngine@47bb283: ``get_sbuf_size`` and
``get_kbuf_size`` in code_generator/operators. All sizes are in bytes.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from mbcost.kernels import Kernel
from mbcost.operators import AvgPool2d, Conv2d, Dense, DepthwiseConv2d, Explicit, GlobalAvgPool, Reduce
from mbcost.operators.base import TensorShape
from mbcost.operators.window import Padding, Pair

#: What CMSIS-NN is compiled for: plain C, the DSP extension (Cortex-M4, M7, M33), or Helium (M52, M55, M85).
Extension: TypeAlias = Literal["c", "dsp", "mve"]
#: Channels that a depthwise convolution takes at once with Helium (``CH_IN_BLOCK_MVE``).
_CHANNEL_BLOCK_MVE: Final = 124


def cmsis_nn_scratch(kernel: Kernel, extension: Extension) -> int:
    """Bytes of scratch that CMSIS-NN's int8 kernel asks for, for one image at a time [B].

    0 for kernels that ask for none.
    """
    layer, operator = kernel.main, kernel.main.operator
    source, result = layer.input_shapes[0], layer.output_shape
    if isinstance(operator, Conv2d):
        if operator.groups == source.channels and operator.groups > 1:  # a depthwise one, written as a grouped one
            return _depthwise(operator, source, result, extension)
        return _convolution(operator, source, result, extension)
    if isinstance(operator, DepthwiseConv2d):
        return _depthwise(operator, source, result, extension)
    if isinstance(operator, Dense):
        return 4 * result.channels if extension == "mve" else 0
    if isinstance(operator, AvgPool2d):
        return 4 * source.channels if extension == "dsp" else 0
    return tflm_scratch(kernel)


def _convolution(operator: Conv2d, source: TensorShape, result: TensorShape, extension: Extension) -> int:
    """``arm_convolve_wrapper_s8_get_buffer_size``."""
    kernel, before = operator.kernel, leading_pads(operator, source, result)
    channels = source.channels // operator.groups
    if kernel == (1, 1) and before == (0, 0) and operator.dilation == (1, 1) and operator.groups == 1:
        return 0
    lowered = kernel[0] * kernel[1] * source.channels
    if extension != "mve":  # two columns of int16, each a multiple of 4
        return 2 * (-(-lowered // 4) * 4) * 2
    one_row = (source.height, kernel[0], operator.dilation[1]) == (1, 1, 1)
    if one_row and operator.stride[1] * source.channels % 4 == 0 and channels == source.channels:
        return _one_row_mve(operator, source, result, before[1])
    return _lowered_mve(lowered)


def _lowered_mve(lowered: int) -> int:
    """``arm_convolve_s8_get_buffer_size_mve``: four columns of int8, each a multiple of 16."""
    return 4 * -(-lowered // 16) * 16


def _one_row_mve(operator: Conv2d, source: TensorShape, result: TensorShape, pad: int) -> int:
    """``arm_convolve_1_x_n_s8_get_buffer_size_mve``."""
    kernel, stride = operator.kernel[1], operator.stride[1]
    odd = ((result.width - 1) * stride + kernel - source.width) % 2
    right = max(1, (pad + odd + stride - 1) // stride) if pad + odd else 0
    left = max(1, (pad + stride - 1) // stride) if pad else 0
    if right + max(result.width - right - left, 0) + left != result.width:
        return _lowered_mve(kernel * source.channels)
    channels = source.channels
    most_left = kernel * channels + pad * channels
    most_right = (kernel - 1) * channels + (right if odd else pad) * channels
    return int(max(most_left, most_right))


def _depthwise(
    operator: Conv2d | DepthwiseConv2d, source: TensorShape, result: TensorShape, extension: Extension
) -> int:
    """``arm_depthwise_conv_wrapper_s8_get_buffer_size``."""
    taps = operator.kernel[0] * operator.kernel[1]
    if extension == "mve" and source.channels == 1 and result.channels > 1:  # computed as a convolution
        plain = Conv2d(result.channels, operator.kernel, operator.stride, operator.dilation, padding=operator.padding)
        return _convolution(plain, source, result, extension) + taps * result.channels
    if source.channels != result.channels or operator.dilation != (1, 1):
        return 0
    if extension == "mve":
        return 4 * _CHANNEL_BLOCK_MVE * taps
    before = leading_pads(operator, source, result)
    if extension == "c" or (operator.kernel == (3, 3) and max(before) <= 1):
        return 0
    return int(source.channels * taps * 2)


def tflm_scratch(kernel: Kernel) -> int:
    """Bytes of scratch of TFLM's own int8 kernels [B]: the sums of a mean over the pixels, in int32.

    tflite-micro@90b983c, tensorflow/lite/micro/kernels/reduce_common.cc, ``PrepareMeanOrSumHelper``.
    """
    reduces = isinstance(kernel.main.operator, (GlobalAvgPool, Reduce))
    return 4 * kernel.main.output_shape.elements if reduces else 0


def tinyengine_scratch(kernel: Kernel) -> int:
    """Bytes of TinyEngine's scratch: two columns of int16 of a convolution, two maps of a depthwise one [B]."""
    layer, operator = kernel.main, kernel.main.operator
    source = layer.input_shapes[0]
    if isinstance(operator, Conv2d):
        return 4 * operator.kernel[0] * operator.kernel[1] * source.channels
    if isinstance(operator, DepthwiseConv2d):
        pad = operator.kernel[0] // 2
        return 2 * (source.height + 2 * pad) * (source.width + 2 * pad)
    return 0


def tinyengine_weights(kernel: Kernel) -> int:
    """Bytes of TinyEngine's copy of a convolution's weights in int16, where its window is no single pixel [B]."""
    operator = kernel.main.operator
    if isinstance(operator, Conv2d) and operator.kernel[0] != 1:
        return 2 * kernel.main.cost.weight_elements
    return 0


def leading_pads(operator: Conv2d | DepthwiseConv2d, source: TensorShape, result: TensorShape) -> Pair:
    """Zeros above and to the left of a map, as TensorFlow Lite pads [elements]."""
    return (
        _leading(operator.padding, 0, operator, source.height, result.height),
        _leading(operator.padding, 1, operator, source.width, result.width),
    )


def _leading(padding: Padding, axis: int, operator: Conv2d | DepthwiseConv2d, size: int, extent: int) -> int:
    if isinstance(padding, Explicit):
        return padding.top if axis == 0 else padding.left
    if padding == "valid":
        return 0
    reach = operator.dilation[axis] * (operator.kernel[axis] - 1) + 1
    return max((extent - 1) * operator.stride[axis] + reach - size, 0) // 2
