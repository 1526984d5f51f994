"""Runtimes of microcontrollers: one core, one thread, weights in flash.

    t = convolution + pointwise + depthwise + dense + outputs + weights + layers

in cycles a count, learned by core and runtime (:mod:`mbcost.latency.core_rates`). The four classes of products are what
such runtimes have kernels for: CMSIS-NN's ``arm_convolve_s8``, ``arm_convolve_1x1_s8_fast``, ``arm_depthwise_conv_s8``
and ``arm_fully_connected_s8``, TFLM's reference kernels, and those of X-CUBE-AI, ESP-NN, TinyEngine. Each result is
scaled back to int8; a weight is read from flash; each layer is a call with its parameters. Rates are cycles a count;
one of 0.5 cycles a MAC is 2 MACs a cycle.
"""

from __future__ import annotations

from typing import Final

from mbcost.kernels import Kernel
from mbcost.latency.core_rates import rates, spread
from mbcost.latency.form import LatencyForm, Term, kinds, one
from mbcost.numeric import Real

_PRODUCTS: Final = kinds("direct_conv", "im2col_gemm", "pointwise", "depthwise", "dense", "matmul")
_REST: Final = kinds("elementwise", "pool", "softmax", "copy")


def macs(kernel: Kernel) -> Real:
    """Multiply-accumulates."""
    return kernel.macs


def handled_elements(kernel: Kernel) -> Real:
    """Results of products; what all other kernels read and write."""
    if kernel.kind in _PRODUCTS:
        return kernel.output_elements
    return kernel.input_elements + kernel.output_elements


def weight_bytes(kernel: Kernel) -> Real:
    """Weights and bias, once per inference."""
    return kernel.weight_elements * kernel.element_bytes


MCU: Final = LatencyForm(
    name="mcu",
    title="a microcontroller's runtime",
    terms=(
        Term("convolution", "MAC", "compute", kinds("direct_conv", "im2col_gemm"), macs),
        Term("pointwise", "MAC", "compute", kinds("pointwise"), macs),
        Term("depthwise", "MAC", "compute", kinds("depthwise"), macs),
        Term("dense", "MAC", "compute", kinds("dense", "matmul"), macs),
        Term("outputs", "element", "activations", _PRODUCTS | _REST, handled_elements),
        Term("weights", "B", "weights", _PRODUCTS, weight_bytes),
        Term("layers", "layer", "overhead", _PRODUCTS | _REST, one),
    ),
    overlap="none",
    rates=rates,
    spread=spread,
    source="MLPerf Tiny v0.7 to v1.2 (github:mlcommons/tiny_results_v0.7 to v1.2), one stream",
)
