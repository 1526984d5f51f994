"""TensorFlow Lite with the XNNPACK delegate on a CPU core.

    t = gemm + grouped + outputs + gathered + weights + depthwise + dense + elementwise + copy + pool + call

in cycles a count: the terms are learned core by core (:mod:`mbcost.latency.core_rates`). Micro-kernels of the matrix
products make tiles of 6 rows and 8 columns (XNNPACK, src/f32-gemm, src/f32-igemm); convolutions gather their windows
through pointers (Dukhan 2019, arXiv:1907.02129), which costs by the element of the input; a grouped convolution is left
to a built-in kernel of TensorFlow Lite, on one thread. Chosen on 72 networks on the CPUs of four phones (Li, Paolieri,
Golubchik, EdgeSys 2024, doi:10.1145/3642968.3654818), one thread, leaving networks out.
"""

from __future__ import annotations

from typing import Final

from mbcost.kernels import Kernel
from mbcost.latency.core_rates import rates, spread
from mbcost.latency.form import LatencyForm, Term, kinds, one
from mbcost.numeric import Real, round_up, where

#: Rows and columns of the micro-kernels' tile.
TILE_ROWS: Final = 6
TILE_COLUMNS: Final = 8
#: Channels of the depthwise micro-kernels' tile.
DEPTHWISE_TILE: Final = 8

_CONVOLUTIONS: Final = kinds("pointwise", "direct_conv")
_PRODUCTS: Final = kinds("pointwise", "direct_conv", "matmul")


def alone(kernel: Kernel) -> Real:
    """1 for a convolution of one group, 0 for a grouped one."""
    return where(kernel.gemm().groups == 1, 1, 0) if kernel.kind != "matmul" else 1


def gemm_macs(kernel: Kernel) -> Real:
    """MACs with rows and columns rounded up to the tile; nothing for a grouped convolution.

    The first rows of a fully connected layer are computed while its weights are read (:func:`dense_weights`).
    """
    rows, columns, depth, groups = kernel.gemm()
    computed = round_up(rows, TILE_ROWS) - (TILE_ROWS if kernel.kind == "dense" else 0)
    result: Real = computed * round_up(columns, TILE_COLUMNS) * depth * groups * alone(kernel)
    return result


def grouped_macs(kernel: Kernel) -> Real:
    """MACs of a grouped convolution."""
    return kernel.macs * (1 - alone(kernel))


def output_elements(kernel: Kernel) -> Real:
    """Elements written by a convolution of one group."""
    return kernel.output_elements * alone(kernel)


def gathered_elements(kernel: Kernel) -> Real:
    """Elements of the input of a convolution whose window has more than one element."""
    return kernel.input_elements * alone(kernel) if kernel.window > 1 else 0


def weight_elements(kernel: Kernel) -> Real:
    """Weights of a convolution of one group."""
    return kernel.weight_elements * alone(kernel)


def depthwise_macs(kernel: Kernel) -> Real:
    """Pixels x window x channels, the channels rounded up to the tile."""
    return kernel.output_pixels * kernel.window * round_up(kernel.main.output_shape.channels, DEPTHWISE_TILE)


def dense_weights(kernel: Kernel) -> Real:
    """Weights of a fully connected layer, read once from memory."""
    return kernel.weight_elements


def elements(kernel: Kernel) -> Real:
    """Elements of the output."""
    return kernel.output_elements


def window_reads(kernel: Kernel) -> Real:
    """Reads of all pooling windows, or the elements that a global pooling reads once."""
    return kernel.elementwise_ops if kernel.op in {"max_pool2d", "avg_pool2d"} else kernel.input_elements


TFLITE_XNNPACK: Final = LatencyForm(
    name="tflite_xnnpack",
    title="XNNPACK's kernels on a CPU core",
    terms=(
        Term("gemm", "MAC", "compute", _PRODUCTS | kinds("dense"), gemm_macs),
        Term("grouped", "MAC", "compute", kinds("direct_conv"), grouped_macs),
        Term("outputs", "element", "activations", _CONVOLUTIONS, output_elements),
        Term("gathered", "element", "activations", kinds("direct_conv"), gathered_elements),
        Term("weights", "element", "weights", _CONVOLUTIONS, weight_elements),
        Term("depthwise", "MAC", "compute", kinds("depthwise"), depthwise_macs),
        Term("dense", "element", "weights", kinds("dense"), dense_weights),
        Term("elementwise", "element", "activations", kinds("elementwise", "softmax"), elements),
        Term("copy", "element", "activations", kinds("copy"), elements),
        Term("pool", "read", "compute", kinds("pool"), window_reads),
        Term(
            "call",
            "kernel",
            "overhead",
            kinds("pointwise", "direct_conv", "depthwise", "dense", "matmul", "elementwise", "softmax", "copy", "pool"),
            one,
        ),
    ),
    overlap="none",
    rates=rates,
    spread=spread,
    source="72 networks on four phones, TensorFlow Lite 2.10 (Li et al. 2024, doi:10.1145/3642968.3654818)",
)
