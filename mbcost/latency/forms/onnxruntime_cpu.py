"""ONNX Runtime's CPU provider: convolutions on blocks of channels, everything else on planes.

    t = pointwise + window + image + loads + depthwise + plain + passes + reorder + weights + cold + pool + call

The optimiser puts convolutions and poolings into a layout with blocks of 16 channels (microsoft/onnxruntime,
onnxruntime/core/optimizer/nchwc_transformer.cc), where channels allow it; an image and others of fewer channels than
a block are read as planes. What has no kernel for blocks works on planes, so that elements are reordered before and
after it. Convolutions on planes are lowered to matrix products, a product a group, and depthwise ones of other windows
than 3x3 of stride 1 too (core/mlas/lib/convolve.cpp). A ReLU is part of the kernel, another activation a pass over its
result. Chosen on random networks timed whole and operator by operator (ONNX Runtime 1.32, AVX-512, one thread), leaving
networks out.
"""

from __future__ import annotations

from typing import Final

from mbcost.devices import Target
from mbcost.kernels import Kernel
from mbcost.latency.form import LatencyForm, Term, kinds, one
from mbcost.latency.forms.blocked import (
    BLOCK,
    CONVOLUTIONS,
    DEPTHWISE,
    OTHERS,
    PASS_KINDS,
    PRODUCTS,
    conv_loads,
    conv_slots,
    depthwise_rows,
    depthwise_slots,
    few,
    outputs,
    weights,
)
from mbcost.latency.forms.litert_cpu import averaged, inputs, reduced, transcendental, window_reads
from mbcost.latency.shares import Caches, caches_of, rates_by_unit
from mbcost.numeric import Real, maximum, where
from mbcost.operators import Conv2d, DepthwiseConv2d

#: What divides the channels of a blocked convolution (nchwc_transformer.cc, TransformConv).
ALIGNED: Final = 4
#: Activations that are a pass over the result of a convolution (core/mlas/lib/activate.cpp).
PASSES: Final = frozenset({"relu6", "leaky_relu", "sigmoid", "tanh", "hard_sigmoid", "hard_swish"})
_WINDOWS: Final = frozenset({"max_pool2d", "avg_pool2d"})


def blocked(kernel: Kernel) -> Real:
    """1 for a convolution on blocks of channels, 0 for one on planes."""
    _, columns, depth, groups = kernel.gemm()
    if kernel.kind == "depthwise":
        return where(kernel.main.output_shape.channels % ALIGNED == 0, 1, 0)
    channels = depth // kernel.window
    alone = maximum(where(channels < BLOCK, 1, 0), where(channels % ALIGNED == 0, 1, 0))
    grouped = where(channels % BLOCK == 0, 1, 0) * where(columns % BLOCK == 0, 1, 0)
    result: Real = where(groups == 1, alone, grouped)
    return result


def many_slots(kernel: Kernel) -> Real:
    """MACs of a blocked convolution of at least a block of channels."""
    return conv_slots(kernel) * blocked(kernel) * (1 - few(kernel))


def many_loads(kernel: Kernel) -> Real:
    """Values that it loads."""
    return conv_loads(kernel) * blocked(kernel) * (1 - few(kernel))


def image_slots(kernel: Kernel) -> Real:
    """MACs of a convolution of an image, or of fewer channels than a block."""
    return conv_slots(kernel) * few(kernel)


def image_loads(kernel: Kernel) -> Real:
    """Values that it loads."""
    return conv_loads(kernel) * few(kernel)


def plain_macs(kernel: Kernel) -> Real:
    """MACs of convolutions on planes, and of matrix products."""
    return kernel.macs if kernel.kind == "matmul" else kernel.macs * (1 - blocked(kernel))


def lowered(kernel: Kernel) -> Real:
    """Elements of the lowering buffer of convolutions on planes."""
    if kernel.window == 1:
        return 0
    rows, _, depth, groups = kernel.gemm()
    return rows * depth * groups * (1 - blocked(kernel))


def groups(kernel: Kernel) -> Real:
    """Matrix products of grouped and of depthwise convolutions on planes, one each."""
    number = kernel.gemm().groups
    return where(number > 1, number, 0) * (1 - blocked(kernel))


def blocked_depthwise(kernel: Kernel) -> Real:
    """MACs of depthwise convolutions on blocks."""
    return depthwise_slots(kernel) * blocked(kernel)


def blocked_rows(kernel: Kernel) -> Real:
    """Rows of their output, in each block."""
    return depthwise_rows(kernel) * blocked(kernel)


def _has_kernel(kernel: Kernel) -> bool:
    """Whether there is a kernel for a depthwise convolution on planes (core/mlas/lib/sconv_nchw_depthwise)."""
    operator = kernel.main.operator
    return isinstance(operator, (Conv2d, DepthwiseConv2d)) and (operator.kernel, operator.stride) == ((3, 3), (1, 1))


def plain_depthwise(kernel: Kernel) -> Real:
    """MACs of depthwise convolutions on planes with a kernel."""
    return kernel.macs * (1 - blocked(kernel)) if _has_kernel(kernel) else 0


def lowered_depthwise(kernel: Kernel) -> Real:
    """MACs of depthwise convolutions on planes without one, which are products of one row."""
    return 0 if _has_kernel(kernel) else kernel.macs * (1 - blocked(kernel))


def activated(kernel: Kernel) -> Real:
    """Elements of the output of a convolution with an activation that is a pass."""
    return kernel.output_elements if PASSES.intersection(kernel.fused) else 0


def moved(kernel: Kernel) -> Real:
    """Elements read and written."""
    return kernel.input_elements + kernel.output_elements


def _whole_blocks(kernel: Kernel) -> Real:
    result: Real = 1
    for shape in kernel.main.input_shapes:
        result = result * where(shape.channels % BLOCK == 0, 1, 0)
    return result


def reordered(kernel: Kernel) -> Real:
    """Elements of input and output of what works on planes, which are taken out of blocks and put into them."""
    if kernel.kind in {"pointwise", "direct_conv", "depthwise"}:
        return moved(kernel) * (1 - blocked(kernel))
    if kernel.op in _WINDOWS or kernel.op == "concat":
        return moved(kernel) * (1 - _whole_blocks(kernel))
    return 0 if kernel.op == "add" or kernel.kind in {"pool", "softmax"} else moved(kernel)


def pool_reads(kernel: Kernel) -> Real:
    """Reads of all windows of poolings on blocks."""
    return window_reads(kernel) * _whole_blocks(kernel)


def plain_pool_reads(kernel: Kernel) -> Real:
    """Those of poolings on planes."""
    return window_reads(kernel) * (1 - _whole_blocks(kernel))


def plain_averaged(kernel: Kernel) -> Real:
    """Those of average poolings on planes, in addition."""
    return averaged(kernel) * (1 - _whole_blocks(kernel))


def _terms(caches: Caches) -> tuple[Term, ...]:
    return (
        Term("pointwise", "slot", "compute", kinds("pointwise"), many_slots),
        Term("window", "slot", "compute", kinds("direct_conv"), many_slots),
        Term("loads", "load", "compute", PRODUCTS, many_loads),
        Term("image", "slot", "compute", PRODUCTS, image_slots),
        Term("image_loads", "load", "compute", PRODUCTS, image_loads),
        Term("plain", "slot", "compute", PRODUCTS | kinds("matmul"), plain_macs),
        Term("groups", "product", "compute", kinds("direct_conv", "depthwise"), groups),
        Term("depthwise", "slot", "compute", DEPTHWISE, blocked_depthwise),
        Term("depthwise_rows", "row", "compute", DEPTHWISE, blocked_rows),
        Term("plain_depthwise", "slot", "compute", DEPTHWISE, plain_depthwise),
        Term("lowered_depthwise", "slot", "compute", DEPTHWISE, lowered_depthwise),
        Term("transcendental", "element", "compute", PASS_KINDS, transcendental),
        Term("pool", "read", "compute", kinds("pool"), pool_reads),
        Term("plain_pool", "read", "compute", kinds("pool"), plain_pool_reads),
        Term("plain_average", "read", "compute", kinds("pool"), plain_averaged),
        Term("lowered", "element", "lowering", PRODUCTS, lowered),
        Term("activated", "element", "activations", CONVOLUTIONS, activated),
        Term("outputs", "element", "activations", CONVOLUTIONS, outputs),
        Term("inputs", "element", "activations", CONVOLUTIONS, inputs),
        Term("elementwise", "element", "activations", PASS_KINDS, moved),
        Term("copy", "element", "activations", kinds("copy"), outputs),
        Term("reduce", "element", "activations", kinds("pool"), reduced),
        Term("reorder", "element", "activations", CONVOLUTIONS | PASS_KINDS | kinds("copy", "pool"), reordered),
        Term("spill", "B", "activations", CONVOLUTIONS | OTHERS, caches.spilled_bytes),
        Term("weights", "element", "weights", CONVOLUTIONS, weights),
        Term("dense", "element", "weights", kinds("dense"), weights),
        Term("cold", "B", "weights", CONVOLUTIONS | kinds("dense"), caches.cold_bytes),
        Term("conv_call", "call", "overhead", CONVOLUTIONS, one),
        Term("call", "call", "overhead", OTHERS, one),
    )


def _terms_for(target: Target) -> tuple[Term, ...]:
    return _terms(caches_of(target))


_TERMS: Final = _terms(Caches())

ONNXRUNTIME_CPU: Final = LatencyForm(
    name="onnxruntime_cpu",
    title="ONNX Runtime's kernels on a CPU core",
    terms=_TERMS,
    overlap="none",
    rates=rates_by_unit(_TERMS),
    source="found on random networks timed whole and operator by operator, ONNX Runtime 1.32, AVX-512, one thread",
    prior_sd=0.5,
    shared_sd=0.3,
    terms_for=_terms_for,
)
