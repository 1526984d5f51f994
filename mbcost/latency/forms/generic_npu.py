"""An accelerator of the user's own: a systolic array with efficiencies by class of operator, all from its profile.

    t = max(products + vector, weights + maps) + layers + call

Products take the cycles of SCALE-Sim for the array and its dataflow (:mod:`mbcost.latency.forms.systolic`), over the
profile's efficiency of their class. A vector unit beside the array does the rest, `contexts` x `vector_width` a cycle,
or a lane a column of the array where the profile has neither. Weights cross the external memory once an image; the
inputs and the output of a layer do where the on-chip memory does not hold them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from mbcost.devices import Quantity, Target
from mbcost.devices.types import Efficiency
from mbcost.errors import fail
from mbcost.kernels import KERNEL_KINDS, Kernel, Parameter, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, host_bytes, kinds, one
from mbcost.latency.forms.systolic import REFERENCE, SystolicArray, array_of, calls, cycles, vector_elements
from mbcost.latency.rates import ELEMENT_BYTES, bandwidth, clock, kernel_overhead, parameter, per_second, seconds_each
from mbcost.numeric import Real, ceil_div, where

#: Bytes of a partial sum: int8 is summed in 32 bits, fp16 in fp32 [B].
SUM_BYTES: Final = 4
#: Accesses to registers of a multiply-accumulate: two operands are read, a partial sum is read and written (Chen et al.
#: 2016, Eyeriss, ISCA, section V).
OPERANDS, SUMS = 2, 2

#: Class of the profile's `efficiency` -> kinds of kernels that the array computes.
_CLASSES: Final = {
    "pointwise": kinds("pointwise"),
    "convolution": kinds("direct_conv"),
    "depthwise": kinds("depthwise"),
    "dense": kinds("dense", "matmul"),
}
_PRODUCTS: Final = frozenset().union(*_CLASSES.values())
_VECTOR: Final = kinds("elementwise", "pool", "softmax", "copy")


def weight_bytes(kernel: Kernel) -> Real:
    """Weights and bias, for each image."""
    return kernel.weight_elements * kernel.element_bytes * kernel.batch


def outside_maps(array: SystolicArray, kernel: Kernel) -> Real:
    """Inputs and output of a layer where the on-chip memory does not hold those of an image together."""
    result: Real = where(kernel.activation_bytes > array.memory_bytes * kernel.batch, kernel.activation_bytes, 0)
    return result


def register_bytes(kernel: Kernel) -> Real:
    """Operands and partial sums beside the multipliers."""
    return kernel.macs * (OPERANDS * kernel.element_bytes + SUMS * SUM_BYTES)


def sram_bytes(array: SystolicArray, kernel: Kernel) -> Real:
    """Bytes between the on-chip memory and the array or the vector unit.

    The array reads an operand that streams once for each fold of the other; a product whose depth is folded (weight and
    input stationary) writes partial sums of 4 B and reads them again in the next fold.
    """
    if kernel.kind not in _PRODUCTS:
        return kernel.activation_bytes + kernel.weight_elements * kernel.element_bytes
    rows, columns, depth, groups = kernel._replace(batch=1).gemm()
    left, right, result = rows * depth, depth * columns, rows * columns
    sums: Real = 0
    if array.dataflow == "output_stationary":
        left, right = left * ceil_div(columns, array.columns), right * ceil_div(rows, array.rows)
    else:
        sums = 2 * (ceil_div(depth, array.rows) - 1) * result
        if array.dataflow == "weight_stationary":
            left = left * ceil_div(columns, array.columns)
        else:
            right = right * ceil_div(rows, array.columns)
    each = (left + right + result) * kernel.element_bytes + sums * SUM_BYTES
    return each * groups * kernel.batch


def _terms(array: SystolicArray) -> tuple[Term, ...]:
    return (
        *(Term(name, "cycle", "compute", of, partial(cycles, array)) for name, of in _CLASSES.items()),
        Term("elementwise", "element", "compute", _VECTOR, vector_elements),
        Term("weights", "B", "weights", _PRODUCTS | _VECTOR, weight_bytes),
        Term("maps", "B", "activations", _PRODUCTS | _VECTOR, partial(outside_maps, array)),
        Term("host", "B", "activations", kinds("outside"), host_bytes),
        Term("layers", "layer", "overhead", _PRODUCTS | _VECTOR, one),
        Term("call", "inference", "overhead", frozenset(KERNEL_KINDS), calls),
    )


def terms_for(target: Target) -> tuple[Term, ...]:
    """The form's terms for the array of a target."""
    return _terms(array_of(target))


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates from the profile alone, but for the share of the bandwidth and overheads that it does not state.

    Raises
    ------
    InputError
        MB401 if the profile has no efficiencies, no clock or no bandwidth.
    """
    ticks, memory = clock(target), bandwidth(target)
    efficiency = _efficiency(target)
    share = parameter(runtime, "bandwidth_share")
    return {
        **{name: _cycle(target, ticks, name, getattr(efficiency, name)) for name in _CLASSES},
        "elementwise": _vector(target, ticks, efficiency.elementwise),
        "weights": per_second(memory, share, "byte"),
        "maps": per_second(memory, share, "byte"),
        "host": per_second(memory, parameter(runtime, "host_bandwidth_share"), "byte"),
        "layers": kernel_overhead(target, parameter(runtime, "kernel_time")),
        "call": _call(target, parameter(runtime, "call_time")),
    }


def _efficiency(target: Target) -> Efficiency:
    found = target.processor.efficiency
    if found is None:
        place = f"processors.{target.processor.name}.efficiency"
        fail("MB401", f"the profile of {target.device.name} has no {place}", hint="add it with its source")
    return found


def _cycle(target: Target, ticks: tuple[str, Quantity], name: str, share: Quantity) -> Rate:
    """Seconds a cycle of the array at the efficiency of a class."""
    place = f"processors.{target.processor.name}.efficiency.{name}"
    formula = f"1 / ({place} {share.text} x {ticks[0]} {ticks[1].text}) a cycle"
    return Rate(1.0 / (share.value * ticks[1].value), formula, {ticks[0]: ticks[1], place: share})


def _vector(target: Target, ticks: tuple[str, Quantity], share: Quantity) -> Rate:
    """Seconds an element of the vector unit."""
    at, processor = f"processors.{target.processor.name}", target.processor
    place = f"{at}.efficiency.elementwise"
    used = {ticks[0]: ticks[1], place: share}
    if processor.vector_width is not None:
        lanes: float = int(processor.vector_width.value) // (8 * ELEMENT_BYTES[target.precision])
        used[f"{at}.vector_width"] = processor.vector_width
        if processor.contexts is not None:
            lanes *= processor.contexts.value
            used[f"{at}.contexts"] = processor.contexts
    else:
        lanes = array_of(target).columns  # a lane a column
    formula = f"1 / ({place} {share.text} x {lanes:g} lanes x {ticks[0]} {ticks[1].text}) an element"
    return Rate(1.0 / (share.value * lanes * ticks[1].value), formula, used)


def _call(target: Target, fallback: Parameter) -> Rate:
    """The time of a call by the profile, else by the runtime's parameter."""
    quantity = target.overheads.call
    if quantity is None:
        return seconds_each(fallback)
    name = f"overheads.{target.processor.name}.call"
    return Rate(quantity.value, f"{name} {quantity.text}", {name: quantity})


GENERIC_NPU: Final = LatencyForm(
    name="generic_npu",
    title="an accelerator of your own",
    terms=_terms(REFERENCE),
    overlap="full",
    rates=rates,
    source="Samajdar et al. 2020 (SCALE-Sim) for the array; all else is the profile's",
    terms_for=terms_for,
    external=("weights", "maps", "host"),
    image_by_image=True,
)
