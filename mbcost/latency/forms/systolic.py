"""Systolic arrays: SCALE-Sim's cycles for an output-, weight- or input-stationary array (Samajdar et al. 2020).

    cycles = (2 R + C + T - 2) * ceil(Sr / R) * ceil(Sc / C)

for an array of R x C multipliers that is first filled with its stationary operand; output-stationary arrays need no
fill and take R cycles less. For a product of M x K and K x N, output-stationary arrays map M to the rows and N to the
columns and take T = K steps; weight-stationary ones map K and N and take M steps; input-stationary ones map K and M and
take N steps. A depthwise convolution is one product with a single column per channel.

A batch is so many calls, one image after the other: a compiled model has no more than three dimensions above 1
(coral.ai, TensorFlow models on the Edge TPU, Model requirements; google-coral/edgetpu#700).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, NamedTuple

from mbcost.devices import Target
from mbcost.devices.types import Dataflow
from mbcost.errors import fail
from mbcost.kernels import KERNEL_KINDS, Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, first, host_bytes, kinds
from mbcost.latency.rates import bandwidth, clock, cycles_each, parameter, per_second, seconds_each
from mbcost.numeric import Dim, Real, ceil_div, where


class SystolicArray(NamedTuple):
    """The array's dimensions; `memory_bytes` is its on-chip memory for activations and weights [B]."""

    dataflow: Dataflow
    rows: int
    columns: int
    memory_bytes: int


#: The array of an Edge TPU as it is commonly described.
REFERENCE: Final = SystolicArray("weight_stationary", 64, 64, 8 * 2**20)

_PRODUCTS: Final = kinds("direct_conv", "pointwise", "depthwise", "dense", "matmul")
_VECTOR: Final = kinds("elementwise", "pool", "softmax", "copy")
_OUTSIDE: Final = kinds("outside")
_ALONE: Final = "its time is predicted only for layers that do not fit alone"


def fold_cycles(array: SystolicArray, rows: Dim, columns: Dim, depth: Dim) -> Dim:
    """Cycles of the product of `rows` x `depth` and `depth` x `columns`."""
    fill = array.rows
    if array.dataflow == "output_stationary":
        first, second, steps, fill = rows, columns, depth, 0
    elif array.dataflow == "weight_stationary":
        first, second, steps = depth, columns, rows
    else:
        first, second, steps = depth, rows, columns
    folds = ceil_div(first, array.rows) * ceil_div(second, array.columns)
    return (fill + array.rows + array.columns + steps - 2) * folds


def cycles(array: SystolicArray, kernel: Kernel) -> Real:
    """Cycles of a layer; its groups run one after the other, and its images."""
    rows, columns, depth, groups = kernel._replace(batch=1).gemm()
    return fold_cycles(array, rows, columns, depth) * groups * kernel.batch


def streamed_bytes(array: SystolicArray, kernel: Kernel) -> Real:
    """Weights and activations of a layer that do not fit the on-chip memory together, for each image."""
    activations = (kernel.input_elements + kernel.output_elements) // kernel.batch
    size = (kernel.weight_elements + activations) * kernel.element_bytes
    result: Real = where(size > array.memory_bytes, size * kernel.batch, 0)
    return result


def calls(kernel: Kernel) -> Real:
    """One for each image, counted at the first kernel."""
    return first(kernel) * kernel.batch


def vector_elements(kernel: Kernel) -> Real:
    """Elements that a vector unit beside the array writes or reads."""
    return kernel.output_elements + kernel.elementwise_ops


def _terms(array: SystolicArray) -> tuple[Term, ...]:
    return (
        Term("cycles", "cycle", "compute", _PRODUCTS, partial(cycles, array)),
        Term("vector", "element", "compute", _VECTOR, vector_elements),
        Term("stream", "B", "weights", _PRODUCTS | _VECTOR, partial(streamed_bytes, array)),
        Term("host", "B", "activations", _OUTSIDE, host_bytes),
        Term("call", "inference", "overhead", frozenset(KERNEL_KINDS), calls),
    )


def array_of(target: Target) -> SystolicArray:
    """The array that a profile describes.

    Raises
    ------
    InputError
        MB401 if the profile has no array, or no on-chip memory for it.
    """
    processor = target.processor
    if processor.systolic is None or processor.sram is None:
        missing = "systolic" if processor.systolic is None else "sram"
        fail(
            "MB401",
            f"the profile of {target.device.name} has no `{missing}` on its {processor.name}",
            hint=f"add processors.{processor.name}.{missing} with its source",
        )
    array = processor.systolic
    return SystolicArray(array.dataflow, int(array.rows.value), int(array.columns.value), int(processor.sram.value))


def terms_for(target: Target) -> tuple[Term, ...]:
    """The form's terms for the array of a target."""
    return _terms(array_of(target))


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates: one clock per cycle of the array; traffic that does not fit on chip at the memory's bandwidth."""
    ticks, memory = clock(target), bandwidth(target)
    return {
        "cycles": cycles_each(ticks, parameter(runtime, "cycles_per_cycle")),
        "vector": cycles_each(ticks, parameter(runtime, "vector_cycles")),
        "stream": per_second(memory, parameter(runtime, "bandwidth_share"), "byte"),
        "host": per_second(memory, parameter(runtime, "host_bandwidth_share"), "byte"),
        "call": seconds_each(parameter(runtime, "call_time")),
    }


SYSTOLIC: Final = LatencyForm(
    name="systolic",
    title="systolic array",
    terms=_terms(REFERENCE),
    overlap="full",
    rates=rates,
    source="Samajdar et al. 2020, Characterizing scalability of DNN accelerators (SCALE-Sim), and SCALE-Sim 3.0.0",
    terms_for=terms_for,
    lowers=True,
    on_chip={
        "activations": f"the rest goes to a slower memory; {_ALONE}",
        "weights": f"the rest is loaded in every inference; {_ALONE}",
    },
    image_by_image=True,
)
