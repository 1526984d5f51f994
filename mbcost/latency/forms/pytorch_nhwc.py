"""PyTorch on a CPU with channels last: eager, and compiled by TorchInductor.

In this layout pixels are the columns of MKL's matrix products and channels their rows, so that small maps waste little,
and oneDNN reads and writes maps without reordering. TorchInductor uses it for every map (torch/_inductor/graph.py,
decide_layout_opt); convolutions and fully connected layers remain calls of PyTorch, and everything else is fused into
vectorised loops:

    t = gemm + vector + conv + depthwise + lowering + traffic + weights + layout + transcendental + pool + calls

Selected on random networks, timed whole and with torch.profiler (PyTorch 2.13, AVX2, one thread).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mbcost.kernels import Kernel
from mbcost.latency.form import LatencyForm, Term, kinds, one
from mbcost.latency.forms import pytorch_cpu as nchw
from mbcost.numeric import Real, round_up, where
from mbcost.operators import Conv2d, Dense

#: Pixels and output channels of the tile of MKL's matrix product.
GEMM_PIXELS: Final = 4
GEMM_CHANNELS: Final = 16


def gemm_macs(kernel: Kernel) -> Real:
    """MACs of matrix products with more than one pixel, pixels and output channels rounded up to whole tiles."""
    if not isinstance(kernel.main.operator, (Conv2d, Dense)):
        return 0 if kernel.kind == "direct_conv" else kernel.macs
    rows, columns, depth, groups = kernel.gemm()
    macs = round_up(rows, GEMM_PIXELS) * round_up(columns, GEMM_CHANNELS) * depth * groups
    return where(nchw.is_native(kernel), where(nchw.is_vector(kernel), 0, macs), 0)


def gemm_weight_bytes(kernel: Kernel) -> Real:
    """Weights of matrix products with more than one pixel."""
    weights = kernel.weight_elements * kernel.element_bytes
    return where(nchw.is_native(kernel), where(nchw.is_vector(kernel), 0, weights), 0)


def vector_bytes(kernel: Kernel) -> Real:
    """Weights of products with a single pixel."""
    return where(nchw.is_vector(kernel), kernel.weight_elements * kernel.element_bytes, 0)


def layout_elements(kernel: Kernel) -> Real:
    """Weights that a loop reorders at each call; a compiled network takes its weights in the given layout."""
    return kernel.weight_elements if kernel.window > 1 else 0


def transcendental_elements(kernel: Kernel) -> Real:
    """Elements of functions with an exponential."""
    return kernel.output_elements * _count(kernel, nchw.TRANSCENDENTAL)


def pool_reads(kernel: Kernel) -> Real:
    """Elements read by the windows of poolings."""
    return 0 if nchw.is_global(kernel) else kernel.elementwise_ops


def _count(kernel: Kernel, operators: frozenset[str]) -> int:
    """Number of a kernel's layers with one of these operators."""
    return sum(op in operators for op in (kernel.op, *kernel.fused))


_CHANNELS_LAST: Final = {"gemm": gemm_macs, "gemm_weights": gemm_weight_bytes, "vector": vector_bytes}


def _terms(*without: str) -> tuple[Term, ...]:
    """The terms of the NCHW form with counts for this layout."""
    return tuple(
        replace(term, count=_CHANNELS_LAST.get(term.name, term.count))
        for term in nchw.TERMS
        if term.name not in without
    )


TERMS: Final = _terms("few_rows")

PYTORCH_NHWC: Final = LatencyForm(
    name="pytorch_nhwc",
    title="PyTorch on a CPU, channels last",
    terms=TERMS,
    overlap="none",
    rates=nchw.rates_of(TERMS),
    source="found on random networks timed whole and layer by layer, PyTorch 2.13, one thread, AVX2",
)

_LOOPS: Final = kinds("elementwise", "softmax", "pool", "copy")
#: Terms of the kernels that TorchInductor leaves to PyTorch.
_CALLED: Final = frozenset(
    {"gemm", "conv", "depthwise", "vector", "gemm_weights", "conv_weights", "depthwise_weights",
     "lowering", "gemm_traffic", "conv_traffic", "gemm_call", "vector_call", "conv_call", "depthwise_call"}
)  # fmt: skip
COMPILED_TERMS: Final = (
    *[term for term in TERMS if term.name in _CALLED],
    Term("transcendental", "element", "compute", kinds("elementwise", "softmax"), transcendental_elements),
    Term("pool", "read", "compute", kinds("pool"), pool_reads),
    Term("reduced", "element", "compute", kinds("pool"), nchw.reduced_elements),
    Term("layout", "element", "weights", kinds("direct_conv"), layout_elements),
    Term("loop", "B", "activations", _LOOPS, nchw.moved_bytes),
    Term("loop_call", "call", "overhead", _LOOPS, one),
)

PYTORCH_INDUCTOR: Final = LatencyForm(
    name="pytorch_inductor",
    title="PyTorch on a CPU, compiled by TorchInductor",
    terms=COMPILED_TERMS,
    overlap="none",
    rates=nchw.rates_of(
        COMPILED_TERMS,
        ratios={**nchw.OF_BANDWIDTH, "loop": "loop_bandwidth_ratio"},
        times={
            **nchw.TIMES,
            "layout": "layout_element_time",
            "pool": "pool_read_time",
            "loop_call": "loop_call_time",
        },
    ),
    source="found on random networks, timed whole and with torch.profiler, PyTorch 2.13, one thread, AVX2",
)
