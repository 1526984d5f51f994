"""CPU runtimes that lower convolutions to matrix products: TFLite with Eigen, gemmlowp or ruy.

    t = gemm + depthwise + weights + activations + im2col + elementwise + copy + pool

without overlap and without an overhead per operator (which whole networks do not identify). Selected on the nn-Meter
bench (Zhang et al., MobiSys 2021): one Cortex-A76 core of a Pixel 4, TFLite 2.1, fp32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.devices import Target
from mbcost.kernels import Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, kinds
from mbcost.latency.rates import (
    bandwidth,
    clock,
    cycles_each,
    on_threads,
    parameter,
    per_lane_cycle,
    per_second,
    vector_lanes,
)
from mbcost.numeric import Real, round_up, where

#: Tile of the matrix product's micro-kernel, rows and columns. Chosen on the nn-Meter bench: whole tiles beat plain
#: MACs (88.2 % of networks within 5 %, against 82.6 %: reports/ablations/cortex_a76.csv).
GEMM_TILE: Final = 8
#: Channels of one vector of the depthwise kernel.
DEPTHWISE_VECTOR: Final = 4
#: Start cost of the depthwise kernel's tap loop, as an equivalent number of channels. Chosen with the form on the
#: nn-Meter bench (Cortex-A76); no ablation of it is kept.
DEPTHWISE_START: Final = 8
#: Cost of an unfused batch norm or ReLU as a share of an element-wise pass: two of its three streams, and the loop
#: overhead. Assumed: 2/3 from the streams only; no measured network has enough of them to decide it.
UNARY_WEIGHT: Final = 0.7

_PRODUCTS: Final = kinds("pointwise", "im2col_gemm", "dense", "matmul")
_WEIGHTED: Final = kinds("pointwise", "im2col_gemm", "dense", "depthwise")


def gemm_macs(kernel: Kernel) -> Real:
    """MACs with rows and columns rounded up to the micro-kernel's tile.

    A single row (a fully connected layer, or a 1x1 convolution of one pixel) is a matrix-vector product: not rounded.
    """
    rows, columns, depth, groups = kernel.gemm()
    whole_tiles = where(rows == 1, 1, round_up(rows, GEMM_TILE))
    result: Real = whole_tiles * round_up(columns, GEMM_TILE) * depth * groups
    return result


def depthwise_taps(kernel: Kernel) -> Real:
    """Pixels x window x (channels in whole vectors + the start of the tap loop)."""
    channels = kernel.main.output_shape.channels
    return kernel.output_pixels * kernel.window * (round_up(channels, DEPTHWISE_VECTOR) + DEPTHWISE_START)


def weight_bytes(kernel: Kernel) -> Real:
    """Weights, read from memory in every inference: those of a network exceed a phone's last-level cache."""
    return kernel.weight_elements * kernel.element_bytes


def activation_bytes(kernel: Kernel) -> Real:
    """Inputs and outputs."""
    return kernel.activation_bytes


def im2col_bytes(kernel: Kernel) -> Real:
    """The lowering buffer."""
    return kernel.im2col_elements * kernel.element_bytes


def elementwise_bytes(kernel: Kernel) -> Real:
    """Elements of element-wise passes: a binary operator or activation is one pass, an unfused norm or ReLU less."""
    passes = UNARY_WEIGHT if kernel.op in {"batch_norm", "relu", "relu6"} else 1.0
    return passes * 3 * kernel.output_elements * kernel.element_bytes


def copy_bytes(kernel: Kernel) -> Real:
    """Inputs and output, each read or written once."""
    return 2 * kernel.output_elements * kernel.element_bytes


def window_reads(kernel: Kernel) -> Real:
    """Reads of all pooling windows: a scalar loop at every precision."""
    return kernel.elementwise_ops


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates from a core's clock and vector width, the memory's bandwidth, and the runtime's efficiencies.

    Arithmetic scales with clock x lanes, up to the core's peak where the profile has it, and with the threads in use.
    The threads share the memory, so traffic does not scale with them.
    """
    cycles, memory = clock(target), bandwidth(target)

    def arithmetic(term: str, cap: bool) -> Rate:
        def of_a_core(one: Target) -> Rate:
            name = f"{term}_macs_per_lane_cycle"
            return per_lane_cycle(one, runtime, name, clock(one), vector_lanes(one), cap=cap)

        return on_threads(of_a_core, target, parameter(runtime, f"{term}_serial_share"))

    def traffic(name: str) -> Rate:
        return per_second(memory, parameter(runtime, name), "byte")

    return {
        "gemm": arithmetic("gemm", cap=True),
        "depthwise": arithmetic("depthwise", cap=False),
        "weights": traffic("weight_bandwidth_share"),
        "activations": traffic("activation_bandwidth_share"),
        "im2col": traffic("im2col_bandwidth_share"),
        "elementwise": traffic("elementwise_bandwidth_share"),
        "copy": traffic("copy_bandwidth_share"),
        "pool": cycles_each(cycles, parameter(runtime, "pool_cycles")),
    }


CPU_GEMM: Final = LatencyForm(
    name="cpu_gemm",
    title="matrix products on a CPU",
    terms=(
        Term("gemm", "MAC", "compute", _PRODUCTS, gemm_macs),
        Term("depthwise", "MAC", "compute", frozenset({"depthwise"}), depthwise_taps),
        Term("weights", "B", "weights", _WEIGHTED, weight_bytes),
        Term(
            "activations",
            "B",
            "activations",
            frozenset({"pointwise", "im2col_gemm", "depthwise", "matmul"}),
            activation_bytes,
        ),
        Term("im2col", "B", "lowering", frozenset({"im2col_gemm"}), im2col_bytes),
        Term("elementwise", "B", "activations", frozenset({"elementwise", "softmax"}), elementwise_bytes),
        Term("copy", "B", "activations", frozenset({"copy"}), copy_bytes),
        Term("pool", "read", "compute", frozenset({"pool"}), window_reads),
    ),
    overlap="none",
    rates=rates,
    source="fitted on the nn-Meter bench (MobiSys 2021), Cortex-A76, TFLite 2.1",
)
