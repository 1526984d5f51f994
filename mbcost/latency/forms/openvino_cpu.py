"""OpenVINO's CPU plugin: convolutions of oneDNN with their activations and sums.

    t = pointwise + window + image + loads + depthwise + outputs + activated + passes + weights + cold + pool + call

Convolutions are batches of small matrix products on channels in blocks of a vector (openvinotoolkit/oneDNN, brgconv),
and apply activations and add other maps while they write (openvinotoolkit/openvino,
src/plugins/intel_cpu/src/graph_optimizer.cpp). Chosen on random networks timed whole and operator by operator (OpenVINO
2026.4, AVX-512, one thread), leaving networks out.
"""

from __future__ import annotations

from typing import Final

from mbcost.devices import Target
from mbcost.kernels import Kernel
from mbcost.latency.form import LatencyForm, Term, kinds, one
from mbcost.latency.forms.blocked import (
    CONVOLUTIONS,
    DEPTHWISE,
    OTHERS,
    PASS_KINDS,
    PRODUCTS,
    conv_loads,
    depthwise_rows,
    depthwise_slots,
    few,
    filter_slots,
    outputs,
    weights,
)
from mbcost.latency.forms.litert_cpu import (
    TRANSCENDENTAL,
    averaged,
    inputs,
    passes,
    reduced,
    transcendental,
    window_reads,
)
from mbcost.latency.shares import Caches, caches_of, rates_by_unit
from mbcost.numeric import Real

#: Activations with no more than a minimum and a maximum.
CLAMPS: Final = frozenset({"relu", "relu6", "batch_norm", "add"})


def many_slots(kernel: Kernel) -> Real:
    """MACs of a convolution of at least a block of channels."""
    return filter_slots(kernel) * (1 - few(kernel))


def many_loads(kernel: Kernel) -> Real:
    """Values that it loads."""
    return conv_loads(kernel) * (1 - few(kernel))


def image_slots(kernel: Kernel) -> Real:
    """MACs of a convolution of fewer channels, such as an image's."""
    return filter_slots(kernel) * few(kernel)


def image_loads(kernel: Kernel) -> Real:
    """Values that it loads."""
    return conv_loads(kernel) * few(kernel)


def activated(kernel: Kernel) -> Real:
    """Elements of the output of a convolution with an activation that is more than a clamp."""
    return 0 if CLAMPS.issuperset(kernel.fused) else kernel.output_elements


def exponentials(kernel: Kernel) -> Real:
    """Those of an activation with an exponential, in addition."""
    return kernel.output_elements if TRANSCENDENTAL.intersection(kernel.fused) else 0


def copied(kernel: Kernel) -> Real:
    """Elements that are moved, but for those of channel shuffles."""
    return 0 if kernel.op == "channel_shuffle" else kernel.output_elements


def shuffled(kernel: Kernel) -> Real:
    """Elements of channel shuffles, which are moved one by one."""
    return kernel.output_elements if kernel.op == "channel_shuffle" else 0


def macs(kernel: Kernel) -> Real:
    """MACs."""
    return kernel.macs


def _terms(caches: Caches) -> tuple[Term, ...]:
    return (
        Term("pointwise", "slot", "compute", kinds("pointwise"), many_slots),
        Term("window", "slot", "compute", kinds("direct_conv"), many_slots),
        Term("loads", "load", "compute", PRODUCTS, many_loads),
        Term("image", "slot", "compute", PRODUCTS, image_slots),
        Term("image_loads", "load", "compute", PRODUCTS, image_loads),
        Term("matmul", "slot", "compute", kinds("matmul"), macs),
        Term("depthwise", "slot", "compute", DEPTHWISE, depthwise_slots),
        Term("depthwise_rows", "row", "compute", DEPTHWISE, depthwise_rows),
        Term("transcendental", "element", "compute", PASS_KINDS, transcendental),
        Term("exponentials", "element", "compute", CONVOLUTIONS, exponentials),
        Term("pool", "read", "compute", kinds("pool"), window_reads),
        Term("average", "read", "compute", kinds("pool"), averaged),
        Term("activated", "element", "activations", CONVOLUTIONS, activated),
        Term("outputs", "element", "activations", CONVOLUTIONS, outputs),
        Term("inputs", "element", "activations", CONVOLUTIONS, inputs),
        Term("elementwise", "element", "activations", PASS_KINDS, passes),
        Term("copy", "element", "activations", kinds("copy"), copied),
        Term("shuffle", "element", "activations", kinds("copy"), shuffled),
        Term("reduce", "element", "activations", kinds("pool"), reduced),
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

OPENVINO_CPU: Final = LatencyForm(
    name="openvino_cpu",
    title="OpenVINO's kernels on a CPU core",
    terms=_TERMS,
    overlap="none",
    rates=rates_by_unit(_TERMS),
    source="found on random networks timed whole and operator by operator, OpenVINO 2026.4, AVX-512, one thread",
    prior_sd=0.5,
    shared_sd=0.3,
    terms_for=_terms_for,
)
