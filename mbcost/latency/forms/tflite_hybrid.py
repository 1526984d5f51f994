"""TensorFlow Lite of 2020 with dynamic-range quantisation: int8 weights, activations quantised on the way.

    t = gemm + outputs + unaligned + depthwise + elementwise + copy + pool + call

in cycles a count, learned core by core (:mod:`mbcost.latency.core_rates`). A convolution is, for every pixel and
filter, a product of two int8 vectors in steps of 16 (tensorflow/lite/kernels/internal/optimized/neon_tensor_utils.cc),
which leaves one sum and one scaling to do for each element of the output; filters whose number is no multiple of four
take a slower way. Chosen on 118 networks on the CPUs of 46 phones (Ganesan et al., IISWC 2020), leaving networks out.
"""

from __future__ import annotations

from typing import Final

from mbcost.kernels import Kernel
from mbcost.latency.core_rates import rates, spread
from mbcost.latency.form import LatencyForm, Term, kinds, one
from mbcost.latency.forms.tflite_xnnpack import elements, window_reads
from mbcost.numeric import Real, round_up, where

#: int8 elements of a vector of 128 bit.
VECTOR: Final = 16
#: Filters that are computed together.
FILTERS: Final = 4

_PRODUCTS: Final = kinds("pointwise", "direct_conv", "im2col_gemm", "dense", "matmul")


def gemm_macs(kernel: Kernel) -> Real:
    """MACs with the depth rounded up to whole vectors."""
    rows, columns, depth, groups = kernel.gemm()
    result: Real = rows * columns * round_up(depth, VECTOR) * groups
    return result


def output_elements(kernel: Kernel) -> Real:
    """Elements of the output, each of which is the sum of a vector, scaled."""
    rows, columns, _, groups = kernel.gemm()
    result: Real = rows * columns * groups
    return result


def unaligned_macs(kernel: Kernel) -> Real:
    """MACs of products whose filters are no multiple of four."""
    return kernel.macs * where(kernel.gemm().columns % FILTERS == 0, 0, 1)


def depthwise_macs(kernel: Kernel) -> Real:
    """MACs."""
    return kernel.macs


TFLITE_HYBRID: Final = LatencyForm(
    name="tflite_hybrid",
    title="int8 vectors of dynamic-range quantisation on a CPU core",
    terms=(
        Term("gemm", "MAC", "compute", _PRODUCTS, gemm_macs),
        Term("outputs", "element", "activations", _PRODUCTS, output_elements),
        Term("unaligned", "MAC", "compute", _PRODUCTS, unaligned_macs),
        Term("depthwise", "MAC", "compute", kinds("depthwise"), depthwise_macs),
        Term("elementwise", "element", "activations", kinds("elementwise", "softmax"), elements),
        Term("copy", "element", "activations", kinds("copy"), elements),
        Term("pool", "read", "compute", kinds("pool"), window_reads),
        Term(
            "call", "kernel", "overhead", _PRODUCTS | kinds("depthwise", "elementwise", "softmax", "copy", "pool"), one
        ),
    ),
    overlap="none",
    rates=rates,
    spread=spread,
    source="118 networks on 46 phones, TensorFlow Lite of 2020 (Ganesan et al., IISWC 2020)",
)
