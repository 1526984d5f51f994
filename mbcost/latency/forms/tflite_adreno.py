"""Adreno GPUs under the TFLite GPU delegate of early 2020: OpenCL kernels that read textures.

    t = texture_conv + pointwise_conv + constant_conv + depthwise_3x3 + depthwise + squeeze + pool + max_pool
        + copy + memory + weights + launch + outside

without overlap. Four channels make a slice, which is one texel; D are the slices of the output, S those of the input.
Counts are what the launched threads do, idle lanes of padded work groups included. Found on the nn-Meter bench (Zhang
et al., MobiSys 2021): Adreno 640, TFLite 2.1, fp32. Kernels and work groups are those of
tensorflow/lite/delegates/gpu/cl of December 2019 to January 2020 (convolution_selector, conv_texture, conv_constants,
depth_wise_conv, depth_wise_conv_3x3, pooling, concat_z, inference_context); the padding of work groups to (8, 4) and
(8, 1) and the least numbers of threads are empirical. This version has no Winograd kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.devices import Target
from mbcost.kernels import Kernel, KernelKind, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term
from mbcost.latency.rates import bandwidth, clock, cycles_each, parameter, peak, per_second, seconds_each
from mbcost.numeric import Dim, Real, by_value, ceil_div, round_up, where
from mbcost.operators import Conv2d

#: Channels of a texel.
SLICE: Final = 4
#: MACs of a pair of an input and an output texel.
TEXEL_MACS: Final = SLICE * SLICE
#: Pixels x slices that keep the GPU busy: fewer take as long. Eight a thread: 500 threads, and 300 in 1x1 kernels.
LEAST_TEXTURE_TEXELS: Final = 8 * 500
LEAST_POINTWISE_TEXELS: Final = 8 * 300
#: How sharply occupancy turns from latency to throughput.
OCCUPANCY_EXPONENT: Final = 1.5
#: What a stride costs a texture kernel, whose neighbours then share fewer texels.
STRIDED_FACTOR: Final = 1.22
#: Constant memory that a convolution's weights may take [B], and its output slices.
CONSTANT_BYTES: Final = 3.5 * 1024
CONSTANT_SLICES: Final = 8
#: Taps' worth of work that a thread of the plain depthwise kernel starts with.
DEPTHWISE_START: Final = 4
#: Slices' worth of threads that walk a map in the time of one.
SQUEEZE_START: Final = 128
#: Texels that an operator moves for each texel of its output: x * gate(x) reads x twice; the product of a map and a
#: vector (squeeze-and-excite) costs what four do.
SELF_GATED_TEXELS: Final = 3
BROADCAST_TEXELS: Final = 4

_CONVOLUTIONS: Final = frozenset[KernelKind]({"direct_conv", "pointwise"})
_ELEMENTWISE: Final = frozenset[KernelKind]({"elementwise", "softmax"})
_LAUNCHED: Final = _CONVOLUTIONS | _ELEMENTWISE | frozenset[KernelKind]({"matmul", "depthwise", "pool", "copy"})


def occupied(texels: Real, least: Real) -> Real:
    """What the GPU spends on `texels`: at least the time of `least`, with a soft corner, (n^q + n0^q)^(1/q)."""
    q = OCCUPANCY_EXPONENT
    result: Real = by_value(lambda number: (number**q + least**q) ** (1 / q), texels)
    return result


def _slices(channels: Dim) -> Dim:
    return ceil_div(channels, SLICE)


def _texels(kernel: Kernel) -> Dim:
    """Of the output."""
    return kernel.output_pixels * _slices(kernel.main.output_shape.channels)


def _strided(kernel: Kernel) -> bool:
    return getattr(kernel.main.operator, "stride", (1, 1)) != (1, 1)


def _is_3x3(kernel: Kernel) -> bool:
    """Whether the faster depthwise kernel takes it: 3x3, stride 1, not dilated."""
    operator = kernel.main.operator
    return kernel.window == 9 and not _strided(kernel) and getattr(operator, "dilation", (1, 1)) == (1, 1)


def in_constant_memory(kernel: Kernel) -> bool:
    """Whether conv_constants.cc takes a convolution: few weights and few output slices. A mask for arrays."""
    if not isinstance(kernel.main.operator, Conv2d):
        return False
    slices = _slices(kernel.main.output_shape.channels)
    weight_bytes = _channels_read(kernel) * slices * SLICE * kernel.window * kernel.element_bytes
    return (weight_bytes <= CONSTANT_BYTES) & (slices <= CONSTANT_SLICES)


def texture_macs(kernel: Kernel) -> Real:
    """KxK or strided convolution: threads of 2x2 pixels x 2 slices in work groups of (8, 4)."""
    if not isinstance(kernel.main.operator, Conv2d):  # transposed and of three dimensions
        return kernel.macs
    height, width, channels = kernel.main.output_shape
    texels = round_up(width, 16) * round_up(height, 8) * _slices(channels) * kernel.batch
    steps = kernel.window * _slices(_channels_read(kernel))
    macs = steps * occupied(texels, LEAST_TEXTURE_TEXELS) * TEXEL_MACS * (STRIDED_FACTOR if _strided(kernel) else 1)
    result: Real = where(in_constant_memory(kernel), 0, macs)
    return result


def pointwise_macs(kernel: Kernel) -> Real:
    """1x1 convolution: the same threads in work groups of (8, 1)."""
    if kernel.kind == "matmul":
        return kernel.macs
    height, width, channels = kernel.main.output_shape
    texels = round_up(width, 16) * height * _slices(channels) * kernel.batch
    macs = _slices(_channels_read(kernel)) * occupied(texels, LEAST_POINTWISE_TEXELS) * TEXEL_MACS
    result: Real = where(in_constant_memory(kernel), 0, macs)
    return result


def constant_macs(kernel: Kernel) -> Real:
    """Small convolution with its weights in constant memory: a pixel and all slices a thread, no padding of pixels."""
    macs = _texels(kernel) * SLICE * kernel.window * _channels_read(kernel)
    result: Real = where(in_constant_memory(kernel), macs, 0)
    return result


def depthwise_3x3_macs(kernel: Kernel) -> Real:
    """depth_wise_conv_3x3.cc: 2x2 pixels of one slice a thread in work groups of (8, 4)."""
    if not _is_3x3(kernel):
        return 0
    height, width, channels = kernel.main.output_shape
    return round_up(width, 16) * round_up(height, 8) * _slices(channels) * kernel.batch * SLICE * 9


def depthwise_macs(kernel: Kernel) -> Real:
    """depth_wise_conv.cc: one pixel of one slice a thread."""
    if _is_3x3(kernel):
        return 0
    height, width, channels = kernel.main.output_shape
    taps = kernel.window + DEPTHWISE_START
    return taps * round_up(width, 8) * round_up(height, 4) * _slices(channels) * kernel.batch * SLICE


def squeeze_steps(kernel: Kernel) -> Real:
    """Pooling to one pixel: a thread a slice walks the map, each read waiting for the one before."""
    output = kernel.main.output_shape
    steps = _window_reads(kernel) * (_slices(output.channels) * kernel.batch + SQUEEZE_START)
    result: Real = where(output.pixels == 1, steps, 0)
    return result


def pool_reads(kernel: Kernel) -> Real:
    """Texels read by all windows, work groups of (8, 8) padded."""
    height, width, channels = kernel.main.output_shape
    reads = _window_reads(kernel) * round_up(width, 8) * round_up(height, 8) * _slices(channels) * kernel.batch
    result: Real = where(height * width == 1, 0, reads)
    return result


def max_pool_reads(kernel: Kernel) -> Real:
    """Texels compared by the windows of a max pooling."""
    if not kernel.op.startswith("max_pool"):
        return 0
    result: Real = where(kernel.main.output_shape.pixels == 1, 0, _window_reads(kernel) * _texels(kernel))
    return result


def copy_bytes(kernel: Kernel) -> Real:
    """Read and written once, in whole texels."""
    return 2 * _texels(kernel) * SLICE * kernel.element_bytes


def memory_bytes(kernel: Kernel) -> Real:
    """Outputs of convolutions, all tensors of element-wise operators of their own, second inputs of linked ones."""
    output, main = kernel.main.output_shape, kernel.main
    linked = (kernel.input_elements - main.cost.input_elements * kernel.batch) // output.channels
    return (_own_texels(kernel) + linked * _slices(output.channels)) * SLICE * kernel.element_bytes


def weight_bytes(kernel: Kernel) -> Real:
    """Weights of texture kernels, in whole texels on both sides."""
    texels = kernel.window * _slices(_channels_read(kernel)) * _slices(kernel.main.output_shape.channels)
    result: Real = where(in_constant_memory(kernel), 0, texels * TEXEL_MACS * kernel.element_bytes)
    return result


def one(_: Kernel) -> Real:
    """Every kernel once."""
    return 1


def _channels_read(kernel: Kernel) -> Dim:
    """Input channels that each output reads: those of one group."""
    return kernel.main.input_shapes[0].channels // getattr(kernel.main.operator, "groups", 1)


def _window_reads(kernel: Kernel) -> Dim:
    """Reads of a pooling for each element of its output."""
    return ceil_div(kernel.elementwise_ops, kernel.main.output_shape.elements * kernel.batch)


def _own_texels(kernel: Kernel) -> Dim:
    """Texels that the main layer moves, where no other term has them."""
    texels = _texels(kernel)
    if kernel.kind in _CONVOLUTIONS or kernel.kind == "matmul":
        return texels
    if kernel.kind not in _ELEMENTWISE:
        return 0
    main = kernel.main
    if main.op in {"hard_swish", "swish"}:
        return SELF_GATED_TEXELS * texels
    inputs = len(main.inputs)
    broadcast = main.cost.input_elements < inputs * main.output_shape.elements
    result: Dim = texels * where(broadcast, BROADCAST_TEXELS, 1 + inputs)
    return result


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates of the Adreno 640, scaled by a GPU's arithmetic peak (lanes x clock), clock and bandwidth.

    A launch takes the same time on all of them until somebody calibrates it.
    """
    arithmetic, memory = peak(target), bandwidth(target)

    def of_peak(name: str, unit: str = "MAC") -> Rate:
        return per_second(arithmetic, parameter(runtime, name), unit)

    def of_bandwidth(name: str) -> Rate:
        return per_second(memory, parameter(runtime, name), "byte")

    return {
        "texture_conv": of_peak("texture_conv_efficiency"),
        "pointwise_conv": of_peak("pointwise_conv_efficiency"),
        "constant_conv": of_peak("constant_conv_efficiency"),
        "depthwise_3x3": of_peak("depthwise_3x3_efficiency"),
        "depthwise": of_peak("depthwise_efficiency"),
        "squeeze": cycles_each(clock(target), parameter(runtime, "squeeze_cycles")),
        "pool": of_peak("pool_reads_of_peak", "texel read"),
        "max_pool": of_peak("max_pool_reads_of_peak", "texel read"),
        "copy": of_bandwidth("copy_bandwidth_ratio"),
        "memory": of_bandwidth("memory_bandwidth_ratio"),
        "weights": of_bandwidth("weight_bandwidth_ratio"),
        "launch": seconds_each(parameter(runtime, "launch_time")),
        "outside": seconds_each(parameter(runtime, "outside_time")),
    }


def _kinds(*kinds: KernelKind) -> frozenset[KernelKind]:
    return frozenset(kinds)


TFLITE_ADRENO: Final = LatencyForm(
    name="tflite_adreno",
    title="TFLite GPU delegate on Adreno",
    terms=(
        Term("texture_conv", "MAC", "compute", _kinds("direct_conv"), texture_macs),
        Term("pointwise_conv", "MAC", "compute", _kinds("pointwise", "matmul"), pointwise_macs),
        Term("constant_conv", "MAC", "compute", _CONVOLUTIONS, constant_macs),
        Term("depthwise_3x3", "MAC", "compute", _kinds("depthwise"), depthwise_3x3_macs),
        Term("depthwise", "MAC", "compute", _kinds("depthwise"), depthwise_macs),
        Term("squeeze", "step", "compute", _kinds("pool"), squeeze_steps),
        Term("pool", "texel read", "compute", _kinds("pool"), pool_reads),
        Term("max_pool", "texel read", "compute", _kinds("pool"), max_pool_reads),
        Term("copy", "B", "activations", _kinds("copy"), copy_bytes),
        Term("memory", "B", "activations", _LAUNCHED, memory_bytes),
        Term("weights", "B", "weights", _CONVOLUTIONS, weight_bytes),
        Term("launch", "kernel", "overhead", _LAUNCHED, one),
        Term("outside", "kernel", "overhead", _kinds("outside"), one),
    ),
    overlap="none",
    rates=rates,
    source="fitted on the nn-Meter bench (MobiSys 2021), Adreno 640, TFLite 2.1",
)
