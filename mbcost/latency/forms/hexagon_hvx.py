"""Vector DSPs (Hexagon HVX, int8): channels padded to 32, products and passes of whole vectors.

    t = products + depthwise + vector + traffic + call

An instruction on vectors of b bytes multiplies b pairs of int8, and a context has two multipliers (Qualcomm, Hexagon
V60 HVX Instruction Quick Reference, 80-N2040-35: resources `mpy`, `mpy`): 256 products per cycle at 1024 bits, which is
also published for the 680 (techpinions.com, Deep dive on Qualcomm Snapdragon DXP). Everything else takes one cycle per
vector. This form was not fitted: it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, NamedTuple

from mbcost.devices import Target
from mbcost.errors import fail
from mbcost.kernels import KERNEL_KINDS, Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, first, host_bytes, kinds
from mbcost.latency.rates import bandwidth, clock, cycles_each, parameter, per_second, seconds_each
from mbcost.numeric import Real, ceil_div, round_up

#: Channels of a block: tensors and weights are padded to it.
CHANNELS: Final = 32
#: Multipliers of a context.
MULTIPLIERS: Final = 2


class VectorUnit(NamedTuple):
    """The unit's dimensions: bytes per vector, and contexts that run in parallel."""

    vector_bytes: int
    contexts: int


#: Hexagon 680 and 682: 1024 bits, two contexts.
REFERENCE: Final = VectorUnit(128, 2)

_PRODUCTS: Final = kinds("pointwise", "direct_conv", "dense", "matmul")
_DEPTHWISE: Final = kinds("depthwise")
_VECTOR: Final = kinds("elementwise", "pool", "softmax", "copy")


def unit_of(target: Target) -> VectorUnit:
    """The vector unit that a profile describes.

    Raises
    ------
    InputError
        MB401 if the profile lacks its width or its contexts.
    """
    processor = target.processor
    if processor.vector_width is None or processor.contexts is None:
        lacking = "vector_width" if processor.vector_width is None else "contexts"
        name = f"processors.{processor.name}.{lacking}"
        fail("MB401", f"the profile of {target.device.name} has no {name}", hint="add it with its source")
    return VectorUnit(int(processor.vector_width.value) // 8, int(processor.contexts.value))


def product_cycles(unit: VectorUnit, kernel: Kernel) -> Real:
    """Channels padded; each group of a grouped convolution on its own."""
    rows, columns, depth, groups = kernel.gemm()
    taps = kernel.window
    products = rows * taps * round_up(depth // taps, CHANNELS) * round_up(columns, CHANNELS) * groups
    return products / (MULTIPLIERS * unit.vector_bytes * unit.contexts)


def depthwise_cycles(unit: VectorUnit, kernel: Kernel) -> Real:
    """One vector product per tap, with channels in the lanes."""
    pixels, channels = kernel.output_pixels, kernel.main.output_shape.channels
    return ceil_div(pixels * round_up(channels, CHANNELS), unit.vector_bytes) * kernel.window / unit.contexts


def vector_cycles(unit: VectorUnit, kernel: Kernel) -> Real:
    """Inputs and output, one vector per cycle."""
    elements = kernel.output_elements
    for shape in kernel.main.input_shapes:
        elements = elements + shape.pixels * round_up(shape.channels, CHANNELS) * kernel.batch
    return ceil_div(elements, unit.vector_bytes) / unit.contexts


def traffic_bytes(kernel: Kernel) -> Real:
    """Weights, inputs and output."""
    return (kernel.weight_elements + kernel.input_elements + kernel.output_elements) * kernel.element_bytes


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates: cycles at the profile's clock, traffic at its bandwidth, the call by the runtime's parameter."""
    cycle = cycles_each(clock(target), parameter(runtime, "cycles_per_cycle"))
    memory = bandwidth(target)
    return {
        "products": cycle,
        "depthwise": cycle,
        "vector": cycle,
        "traffic": per_second(memory, parameter(runtime, "bandwidth_share"), "byte"),
        "host": per_second(memory, parameter(runtime, "host_bandwidth_share"), "byte"),
        "call": seconds_each(parameter(runtime, "call_time")),
    }


def _terms(unit: VectorUnit) -> tuple[Term, ...]:
    return (
        Term("products", "cycle", "compute", _PRODUCTS, partial(product_cycles, unit)),
        Term("depthwise", "cycle", "compute", _DEPTHWISE, partial(depthwise_cycles, unit)),
        Term("vector", "cycle", "compute", _VECTOR, partial(vector_cycles, unit)),
        Term("traffic", "B", "activations", _PRODUCTS | _DEPTHWISE | _VECTOR, traffic_bytes),
        Term("host", "B", "activations", kinds("outside"), host_bytes),
        Term("call", "inference", "overhead", frozenset(KERNEL_KINDS), first),
    )


def terms_for(target: Target) -> tuple[Term, ...]:
    """The form's terms for the vector unit of a target."""
    return _terms(unit_of(target))


HEXAGON_HVX: Final = LatencyForm(
    name="hexagon_hvx",
    title="Hexagon HVX",
    terms=_terms(REFERENCE),
    overlap="none",
    rates=rates,
    source="Qualcomm 80-N2040-35, Hexagon V60 HVX Instruction Quick Reference",
    terms_for=terms_for,
)
