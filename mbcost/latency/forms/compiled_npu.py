"""NPUs that run networks compiled ahead of time in int8, such as Hailo's and Rockchip's.

    t = array + depthwise + weights + maps + spills + layers + host + call

An array of multipliers takes blocks of input and output channels: a layer with fewer leaves part of it empty. Maps pass
the on-chip memory; what is larger than it goes to the memory outside and back. Each layer and each inference have a
time of their own, the latter with what the host does: no network runs faster than it. Rates are seconds a count of a
chip, learned from tables of frames a second (`benchmarks/npus.py`).
"""

from __future__ import annotations

from typing import Final

from mbcost.kernels import KERNEL_KINDS, Kernel
from mbcost.latency.core_rates import rates, spread
from mbcost.latency.form import LatencyForm, Term, first, host_bytes, kinds, one
from mbcost.numeric import Real, maximum, round_up
from mbcost.operators import TensorShape

#: Channels of a block of the array, and those to which maps are padded. Chosen, nothing else was tried.
CHANNELS: Final = 32
#: Bytes of a layer's maps that stay on the chip. Chosen, nothing else was tried.
ON_CHIP: Final = 512 * 1024

_CONVOLUTIONS: Final = kinds("pointwise", "direct_conv", "im2col_gemm", "dense", "matmul")
_WEIGHTED: Final = _CONVOLUTIONS | kinds("depthwise")
_REST: Final = kinds("elementwise", "pool", "softmax", "copy")
_WORKING: Final = _WEIGHTED | _REST


def array(kernel: Kernel) -> Real:
    """Products with channels in whole blocks."""
    rows, columns, depth, groups = kernel.gemm()
    taps = kernel.window if kernel.op in ("conv2d", "conv3d") else 1
    blocks: Real = rows * round_up(columns, CHANNELS) * taps * round_up(depth // taps, CHANNELS) * groups
    return blocks


def depthwise_taps(kernel: Kernel) -> Real:
    """Products of a depthwise convolution with padded channels."""
    return kernel.output_pixels * round_up(kernel.main.output_shape.channels, CHANNELS) * kernel.window


def weight_bytes(kernel: Kernel) -> Real:
    """Weights and bias, once per inference."""
    return kernel.weight_elements * kernel.element_bytes


def map_bytes(kernel: Kernel) -> Real:
    """Inputs and output, padded."""

    def padded(shape: TensorShape) -> Real:
        return shape.pixels * round_up(shape.channels, CHANNELS) * kernel.batch * kernel.element_bytes

    read: Real = sum(padded(shape) for shape in kernel.main.input_shapes)
    return read + padded(kernel.main.output_shape)


def spilled_bytes(kernel: Kernel) -> Real:
    """What of them does not fit on the chip, which has the maps of one image at a time."""
    spilled: Real = maximum(map_bytes(kernel) - ON_CHIP * kernel.batch, 0)
    return spilled


COMPILED_NPU: Final = LatencyForm(
    name="compiled_npu",
    title="an NPU with a compiler",
    terms=(
        Term("array", "MAC", "compute", _CONVOLUTIONS, array),
        Term("depthwise", "MAC", "compute", kinds("depthwise"), depthwise_taps),
        Term("weights", "B", "weights", _WEIGHTED, weight_bytes),
        Term("maps", "B", "activations", _REST, map_bytes),
        Term("spills", "B", "activations", _WORKING, spilled_bytes),
        Term("layers", "layer", "overhead", _WORKING, one),
        Term("host", "B", "activations", kinds("outside"), host_bytes),
        Term("call", "inference", "overhead", frozenset(KERNEL_KINDS), first),
    ),
    overlap="none",
    rates=rates,
    spread=spread,
    source="fitted to the frames a second of Hailo's and Rockchip's model zoos, 2024 to 2026",
)
