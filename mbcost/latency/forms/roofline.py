"""The plain roofline (Williams et al. 2009): the longer of arithmetic at peak and traffic at full bandwidth.

For processors without a form of their own yet. At datasheet peaks it is a lower bound, not a prediction, and the
runtimes that use it have a caveat about that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.devices import Target
from mbcost.kernels import KERNEL_KINDS, Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term
from mbcost.latency.rates import bandwidth, parameter, peak, per_second
from mbcost.numeric import Real

_ALL: Final = frozenset(kind for kind in KERNEL_KINDS if kind != "view")


def operations(kernel: Kernel) -> Real:
    """MACs, and other arithmetic at one operation per lane."""
    return kernel.macs + kernel.elementwise_ops


def weight_bytes(kernel: Kernel) -> Real:
    """Weights and bias."""
    return kernel.weight_elements * kernel.element_bytes


def activation_bytes(kernel: Kernel) -> Real:
    """Inputs and outputs, each once."""
    return kernel.activation_bytes


def im2col_bytes(kernel: Kernel) -> Real:
    """The lowering buffer, written and read back; nothing where convolution is direct."""
    return 2 * kernel.im2col_elements * kernel.element_bytes


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates from a device's peak and bandwidth and the runtime's efficiencies."""
    memory = bandwidth(target)
    share = parameter(runtime, "bandwidth_share")
    return {
        "operations": per_second(peak(target), parameter(runtime, "compute_efficiency"), "MAC"),
        "weights": per_second(memory, share, "byte"),
        "activations": per_second(memory, share, "byte"),
        "im2col": per_second(memory, share, "byte"),
    }


ROOFLINE: Final = LatencyForm(
    name="roofline",
    title="plain roofline",
    terms=(
        Term("operations", "MAC", "compute", _ALL, operations),
        Term("weights", "B", "weights", _ALL, weight_bytes),
        Term("activations", "B", "activations", _ALL, activation_bytes),
        Term("im2col", "B", "lowering", frozenset({"im2col_gemm"}), im2col_bytes),
    ),
    overlap="full",
    rates=rates,
    source="Williams, Waterman, Patterson 2009, Roofline, CACM 52(4)",
)
