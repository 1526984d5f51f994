"""Adreno GPUs under the TFLite GPU delegate of early 2020: OpenCL kernels that read textures.

    t = texture_conv + pointwise_conv + latency + depthwise_3x3 + depthwise + squeeze + pool + max_pool + copy + memory
        + launch + outside

without overlap. Four channels make a slice, which is one texel. Counts are those of the launched threads, including
idle lanes of padded work groups. A loop step of a convolution takes at least the latency of a read: `latency` counts
the steps by the share of that latency that too few threads do not hide, and its rate is a time that does not scale with
the arithmetic peak.

Kernels and work groups are those of tensorflow/lite/delegates/gpu/cl of December 2019 to January 2020 (conv_texture,
depth_wise_conv, depth_wise_conv_3x3, pooling, concat_z, inference_context); the padding of work groups and the other
constants are empirical. They were chosen on one half of the nn-Meter bench's networks (Zhang et al., MobiSys 2021;
Adreno 640, TFLite 2.1, fp32), by cross-validation inside that half, from what an earlier study of the whole bench
suggested; reports/ablations/adreno.csv has what each of them brings, and what was dropped. This version has no Winograd
kernel, weights of convolutions cost nothing beside the arithmetic, and its kernel for small weights (conv_constants)
takes the time of the others. Fully connected layers are in no latency of the bench: they are assumed to compute as 1x1
convolutions do and to read their weights once from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.devices import Target
from mbcost.kernels import Kernel, Parameter, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, kinds, one
from mbcost.latency.forms.occupancy import OCCUPANCY_EXPONENT
from mbcost.latency.rates import (
    ELEMENT_BYTES,
    bandwidth,
    kernel_overhead,
    parameter,
    peak,
    per_second,
    seconds_each,
    slower,
    whole,
)
from mbcost.numeric import Dim, Real, by_value, ceil_div, round_up, where
from mbcost.operators import Conv2d

#: Channels of a texel.
SLICE: Final = 4
#: MACs per pair of an input and an output texel.
TEXEL_MACS: Final = SLICE * SLICE
#: Pixels x slices per thread of the convolutions: 2 x 2 pixels, 2 slices.
TEXELS_A_THREAD: Final = 8
#: Number of threads that hide the latency of a step. This and the constants below: chosen by cross-validation on half
#: of the nn-Meter bench, each with its ablation in reports/ablations/adreno.csv (350 and 1,000 threads are no
#: different).
ENOUGH_THREADS: Final = 700
#: Cost factor of a stride in a texture kernel, since neighbouring threads share fewer texels; 1 and 1.35 are worse.
STRIDED_FACTOR: Final = 1.25
#: Start cost of a thread of the plain depthwise kernel, in taps; 0 is worse, 6 nearly as good.
DEPTHWISE_START: Final = 4
#: Slices whose threads read a map in parallel in the time of one; 0 and 128 are worse.
SQUEEZE_START: Final = 64
#: Time per byte of an element-wise operator as a ratio to a convolution: the threads of a convolution access texels
#: that are two apart, those of an element-wise operator adjacent ones; 1 is no different.
ELEMENTWISE_SHARE: Final = 0.5

_CONVOLUTIONS: Final = kinds("direct_conv", "pointwise")
_ELEMENTWISE: Final = kinds("elementwise", "softmax")
_LAUNCHED: Final = _CONVOLUTIONS | _ELEMENTWISE | kinds("matmul", "dense", "depthwise", "pool", "copy")


def waiting(texels: Real) -> Real:
    """Share of a step's latency that n threads do not hide, from 1 (few) to 0 (many): ((n^q + n0^q)^(1/q) - n) / n0."""
    q, enough = OCCUPANCY_EXPONENT, ENOUGH_THREADS * TEXELS_A_THREAD
    result: Real = by_value(lambda number: ((number**q + enough**q) ** (1 / q) - number) / enough, texels)
    return result


def _slices(channels: Dim) -> Dim:
    return ceil_div(channels, SLICE)


def _texels(kernel: Kernel) -> Dim:
    """Slices of the output."""
    return kernel.output_pixels * _slices(kernel.main.output_shape.channels)


def _strided(kernel: Kernel) -> bool:
    return getattr(kernel.main.operator, "stride", (1, 1)) != (1, 1)


def _is_3x3(kernel: Kernel) -> bool:
    """Whether the faster depthwise kernel computes it: 3x3, stride 1, not dilated."""
    operator = kernel.main.operator
    return kernel.window == 9 and not _strided(kernel) and getattr(operator, "dilation", (1, 1)) == (1, 1)


def texture_macs(kernel: Kernel) -> Real:
    """KxK or strided convolution: work groups of (8, 4) threads."""
    if not isinstance(kernel.main.operator, Conv2d):  # transposed and of three dimensions
        return kernel.macs
    return _steps(kernel) * _texture_texels(kernel) * TEXEL_MACS * (STRIDED_FACTOR if _strided(kernel) else 1)


def pointwise_macs(kernel: Kernel) -> Real:
    """1x1 convolution: work groups of (8, 1) threads; a fully connected layer's threads are not padded."""
    if kernel.kind in {"matmul", "dense"}:
        return kernel.macs
    return _steps(kernel) * _pointwise_texels(kernel) * TEXEL_MACS


def waiting_steps(kernel: Kernel) -> Real:
    """Loop steps of a convolution times the share of their latency that its threads do not hide."""
    if not isinstance(kernel.main.operator, Conv2d):
        return 0
    texels = _pointwise_texels(kernel) if kernel.kind == "pointwise" else _texture_texels(kernel)
    return _steps(kernel) * waiting(texels)


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
    """Pooling to one pixel: one thread per slice reads the map, and each read waits for the one before."""
    output = kernel.main.output_shape
    steps = _window_reads(kernel) * (_slices(output.channels) * kernel.batch + SQUEEZE_START)
    result: Real = where(output.pixels == 1, steps, 0)
    return result


def pool_bytes(kernel: Kernel) -> Real:
    """Reads of all windows, in whole texels."""
    return _pool_texels(kernel) * SLICE * kernel.element_bytes


def max_pool_reads(kernel: Kernel) -> Real:
    """Texels compared by the windows of a max pooling."""
    return _pool_texels(kernel) if kernel.op.startswith("max_pool") else 0


def copy_bytes(kernel: Kernel) -> Real:
    """Inputs and output, each read or written once, in whole texels."""
    return 2 * _texels(kernel) * SLICE * kernel.element_bytes


def memory_bytes(kernel: Kernel) -> Real:
    """Outputs of convolutions, second inputs of linked operators, tensors of element-wise ones by their share.

    A fully connected layer reads each weight once, which is nearly all that it moves.
    """
    output, main = kernel.main.output_shape, kernel.main
    if kernel.kind == "dense":
        return (kernel.weight_elements + kernel.output_elements) * kernel.element_bytes
    linked = (kernel.input_elements - main.cost.input_elements * kernel.batch) // output.channels
    return (_own_texels(kernel) + linked * _slices(output.channels)) * SLICE * kernel.element_bytes


def _steps(kernel: Kernel) -> Dim:
    """Input texels per output texel of a convolution: those of one group."""
    channels = kernel.main.input_shapes[0].channels // getattr(kernel.main.operator, "groups", 1)
    return kernel.window * _slices(channels)


def _texture_texels(kernel: Kernel) -> Dim:
    """Texels of the output, threads of 2x2 pixels padded to groups of (8, 4)."""
    height, width, channels = kernel.main.output_shape
    return round_up(width, 16) * round_up(height, 8) * _slices(channels) * kernel.batch


def _pointwise_texels(kernel: Kernel) -> Dim:
    """Texels of the output, threads of 2x2 pixels padded to groups of (8, 1)."""
    height, width, channels = kernel.main.output_shape
    return round_up(width, 16) * height * _slices(channels) * kernel.batch


def _window_reads(kernel: Kernel) -> Dim:
    """Reads of a pooling for each element of its output."""
    return ceil_div(kernel.elementwise_ops, kernel.main.output_shape.elements * kernel.batch)


def _pool_texels(kernel: Kernel) -> Dim:
    """Texels that the windows of a pooling read; none where the output is one pixel, which is a squeeze."""
    result: Dim = where(kernel.main.output_shape.pixels == 1, 0, _window_reads(kernel) * _texels(kernel))
    return result


def _own_texels(kernel: Kernel) -> Real:
    """Texels that the main layer moves, if no other term counts them."""
    texels = _texels(kernel)
    if kernel.kind in _CONVOLUTIONS or kernel.kind == "matmul":
        return texels
    if kernel.kind in _ELEMENTWISE:
        return ELEMENTWISE_SHARE * (1 + len(kernel.main.inputs)) * texels
    return 0


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates of the Adreno 640, scaled by a GPU's arithmetic peak (lanes x clock) or bandwidth, whichever limits them.

    Latencies are constant times. A 1x1 convolution is bound by its reads, at the same rate on the Adreno 630 and 640,
    but is not faster than the arithmetic of the other convolutions. Activations pass through the system cache if there
    is one. The launch overhead is that of the profile, else that of the Adreno 640.
    """
    arithmetic, memory = peak(target), bandwidth(target)

    def of_peak(name: str, unit: str = "MAC") -> Rate:
        return per_second(arithmetic, parameter(runtime, name), unit)

    def of_bandwidth(name: str) -> Rate:
        return per_second(memory, parameter(runtime, name), "byte")

    cache = target.device.memory.system_cache_bandwidth
    cached = None if cache is None else whole("memory.system_cache_bandwidth", cache, "byte")
    texture = of_peak("texture_conv_efficiency")
    return {
        "texture_conv": texture,
        "pointwise_conv": slower(_of_reads(target, parameter(runtime, "pointwise_mac_time")), texture),
        "latency": seconds_each(parameter(runtime, "step_latency")),
        "depthwise_3x3": of_peak("depthwise_3x3_efficiency"),
        "depthwise": of_peak("depthwise_efficiency"),
        "squeeze": seconds_each(parameter(runtime, "squeeze_step_time")),
        "pool": of_bandwidth("pool_bandwidth_ratio"),
        "max_pool": of_peak("max_pool_reads_of_peak", "texel read"),
        "copy": of_bandwidth("copy_bandwidth_ratio"),
        "memory": cached or of_bandwidth("memory_bandwidth_ratio"),
        "launch": kernel_overhead(target, parameter(runtime, "launch_time")),
        "outside": seconds_each(parameter(runtime, "outside_time")),
    }


def _of_reads(target: Target, time: Parameter) -> Rate:
    """A time at fp32, scaled in proportion to the bytes of a texel."""
    wide, bytes_each = ELEMENT_BYTES["fp32"], ELEMENT_BYTES[target.precision]
    formula = f"{time.name} {time.value:g} s x {bytes_each} / {wide} bytes an element"
    return Rate(time.value * bytes_each / wide, formula, {}, (time,))


TFLITE_ADRENO: Final = LatencyForm(
    name="tflite_adreno",
    title="TFLite GPU delegate on Adreno",
    terms=(
        Term("texture_conv", "MAC", "compute", kinds("direct_conv"), texture_macs),
        Term("pointwise_conv", "MAC", "compute", kinds("pointwise", "matmul", "dense"), pointwise_macs),
        Term("latency", "step", "overhead", _CONVOLUTIONS, waiting_steps),
        Term("depthwise_3x3", "MAC", "compute", kinds("depthwise"), depthwise_3x3_macs),
        Term("depthwise", "MAC", "compute", kinds("depthwise"), depthwise_macs),
        Term("squeeze", "step", "compute", kinds("pool"), squeeze_steps),
        Term("pool", "B", "activations", kinds("pool"), pool_bytes),
        Term("max_pool", "texel read", "compute", kinds("pool"), max_pool_reads),
        Term("copy", "B", "activations", kinds("copy"), copy_bytes),
        Term("memory", "B", "activations", _LAUNCHED, memory_bytes),
        Term("launch", "kernel", "overhead", _LAUNCHED, one),
        Term("outside", "kernel", "overhead", kinds("outside"), one),
    ),
    overlap="none",
    rates=rates,
    source="found and fitted on one half of the nn-Meter bench (MobiSys 2021), Adreno 640, TFLite 2.1",
)
