"""Hexagon NPUs (HTP): a matrix engine fed by DMA from memory, and vector cores (HVX) for other operators.

    t = engine + vector + grouped + passes + host + call

Tensors and weights are padded to 32 channels. Weights are loaded by DMA, once per inference, while the engine computes:
a layer takes the longer of its weights and its products. Activations stay in the tightly coupled memory (VTCM), where
the vector cores read and write them; a grouped convolution is bound by that traffic too. A pass is the fixed overhead
of an operator on the vector cores. In int8 each tensor that a concat copies is requantised in a pass of its own.
Selected among the forms that `benchmarks/hexagon_npu.py` compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.devices import Target
from mbcost.kernels import KERNEL_KINDS, Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, first, host_bytes, kinds
from mbcost.latency.rates import bandwidth, parameter, per_second, seconds_each
from mbcost.numeric import Real, maximum, round_up, where
from mbcost.operators import TensorShape

#: Channels of a block: tensors are padded to it.
CHANNELS: Final = 32
#: x * sigmoid(x) is a sigmoid and a product: together they read three tensors and write two, 5/2 of a function's pass.
SWISH_TRAFFIC: Final = 2.5

#: Inputs with at most this number of channels (images) are padded to it instead. Chosen with the form, no source or
#: ablation is kept; the first layer of networks on images depends on it.
SHALLOW: Final = 4
#: Products in the time of loading one byte of weights: 22.5 TMAC/s of int8 over 76.8 GB/s on a Snapdragon 8 Gen 3.
MACS_A_BYTE: Final = 293

_WEIGHTED: Final = kinds("pointwise", "direct_conv", "depthwise", "dense", "matmul")
_VECTOR: Final = kinds("elementwise", "pool", "softmax", "copy")
_CONVOLUTIONS: Final = kinds("direct_conv")
_OUTSIDE: Final = kinds("outside")


def padded_bytes(kernel: Kernel, shape: TensorShape) -> Real:
    """A tensor with its channels padded."""
    return shape.pixels * round_up(shape.channels, CHANNELS) * kernel.batch * kernel.element_bytes


def padded_traffic(kernel: Kernel) -> Real:
    """Inputs and output, padded."""
    read = sum(padded_bytes(kernel, shape) for shape in kernel.main.input_shapes)
    return read + padded_bytes(kernel, kernel.main.output_shape)


def is_grouped(kernel: Kernel) -> Real:
    """Whether a convolution has groups; a number or an array."""
    grouped: Real = where(getattr(kernel.main.operator, "groups", 1) > 1, 1, 0)
    return grouped


def padded_macs(kernel: Kernel) -> Real:
    """Products of the matrix engine with padded channels; a grouped convolution is counted by its traffic."""
    rows, columns, depth, _ = kernel.gemm()
    taps = kernel.window
    channels = depth // taps
    padded: Real = where(channels <= SHALLOW, SHALLOW, round_up(channels, CHANNELS))
    return rows * round_up(columns, CHANNELS) * taps * padded * (1 - is_grouped(kernel))


def engine_bytes(kernel: Kernel) -> Real:
    """Weights and bias, once per inference, or the bytes that can be loaded while the engine computes."""
    weights = kernel.weight_elements * kernel.element_bytes
    if kernel.kind == "depthwise":
        return weights
    result: Real = maximum(weights, padded_macs(kernel) / MACS_A_BYTE)
    return result


def vector_bytes(kernel: Kernel) -> Real:
    """Traffic of an operator on the vector cores; none for a concat whose parts are written in place."""
    if kernel.op == "concat" and not kernel.joined:
        return 0
    return padded_traffic(kernel) * (SWISH_TRAFFIC if kernel.op == "swish" else 1)


def grouped_bytes(kernel: Kernel) -> Real:
    """Traffic of grouped convolutions."""
    return padded_traffic(kernel) * is_grouped(kernel)


def passes(kernel: Kernel) -> Real:
    """Passes of operators on the vector cores, including grouped and depthwise convolutions.

    A swish has two; in int8 a concat has one per requantised tensor, and one more.
    """
    if kernel.kind == "direct_conv":
        return is_grouped(kernel)
    if kernel.op == "concat":
        requantised = kernel.joined if kernel.element_bytes == 1 else 0
        return 1 + requantised if kernel.joined else 0
    return 2 if kernel.op == "swish" else 1


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Shares of the memory's bandwidth, and times of the device that was fitted."""
    memory = bandwidth(target)
    return {
        "engine": per_second(memory, parameter(runtime, "weight_bandwidth_share"), "byte"),
        "vector": per_second(memory, parameter(runtime, "vector_bandwidth_share"), "byte"),
        "grouped": per_second(memory, parameter(runtime, "grouped_bandwidth_share"), "byte"),
        "passes": seconds_each(parameter(runtime, "pass_time")),
        "host": per_second(memory, parameter(runtime, "host_bandwidth_share"), "byte"),
        "call": seconds_each(parameter(runtime, "call_time")),
    }


HEXAGON_HTP: Final = LatencyForm(
    name="hexagon_htp",
    title="Hexagon NPU",
    terms=(
        Term("engine", "B", "weights", _WEIGHTED, engine_bytes),
        Term("vector", "B", "activations", _VECTOR, vector_bytes),
        Term("grouped", "B", "activations", _CONVOLUTIONS, grouped_bytes),
        Term("passes", "pass", "overhead", _VECTOR | kinds("depthwise", "direct_conv"), passes),
        Term("host", "B", "activations", _OUTSIDE, host_bytes),
        Term("call", "inference", "overhead", frozenset(KERNEL_KINDS), first),
    ),
    overlap="none",
    rates=rates,
    source="fitted to Qualcomm AI Hub's latencies of classifiers on Snapdragon NPUs, 2026",
)
