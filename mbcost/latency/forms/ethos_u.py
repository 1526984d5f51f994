"""Arm Ethos-U55: multipliers, SRAM port and flash port work in parallel on the blocks of a layer.

    t = max(cycles, sram + buffered, weights) + softmax + host + call

The time of a layer is the longest of three: the unit's cycles, its traffic with the SRAM that holds the feature maps,
and the loading of its weights from flash (:mod:`mbcost.latency.forms.ethos_u_blocks` counts them). Weights that more
than one block reads are copied to the SRAM first. The form is derived from the unit's facts and from the performance
model that Arm publishes with its compiler, compared with its output for MobileNet V1: it represents that compiler's
estimate, not a measured device. Weights are counted as stored, without compression.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from mbcost.devices import Quantity, Target
from mbcost.errors import fail
from mbcost.kernels import KERNEL_KINDS, Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, first, kinds
from mbcost.latency.forms.ethos_u_blocks import Unit, Window, Work, work_of
from mbcost.latency.rates import bandwidth, clock, cycles_each, parameter, per_second, seconds_each, whole
from mbcost.numeric import Real, for_each, maximum
from mbcost.operators import Dense, TransposedConv2d

#: Ethos-U55-256: 2 x 2 pixels x 8 output channels per step, 48 KiB of internal memory, 4 results per cycle.
U55_256: Final = Unit(2, 2, 8, 48 * 1024, 4)
#: Cycles per result relative to a convolution, by operator: sums are scaled twice, products once; functions are looked
#: up in a table.
RESULT_TIMES: Final[Mapping[str, float]] = {
    "add": 3.0,
    "subtract": 3.0,
    "multiply": 1.5,
    "scale": 1.5,
    "shift": 3.0,
    "max_pool2d": 0.5,
    **dict.fromkeys(("sigmoid", "tanh", "hard_sigmoid", "hard_swish", "swish", "gelu", "elu", "leaky_relu"), 4.0),
}

_LAYERS: Final = kinds("direct_conv", "depthwise", "dense", "pool")
_PASSES: Final = kinds("elementwise", "copy")
_SOFTMAX: Final = kinds("softmax")
_OUTSIDE: Final = kinds("outside")

#: The last kernel with its unit and work, since the terms of a kernel are evaluated one after the other.
_latest: tuple[Kernel | None, Unit, Work] = (None, U55_256, Work(0, 0, 0, 0))


def layer_work(unit: Unit, kernel: Kernel) -> Work:
    """The work of a convolution, fully connected layer or pooling; groups and images run one after the other."""
    global _latest
    known, of, work = _latest
    if known is not kernel or of is not unit:
        numbers = for_each(_work, *unit, *_window(kernel))
        times = kernel.batch * (1 if kernel.kind == "depthwise" else getattr(kernel.main.operator, "groups", 1))
        work = Work(*(number * times for number in numbers))
        _latest = kernel, unit, work
    return work


def _work(*values: Any) -> Work:
    return work_of(Unit(*values[: len(Unit._fields)]), Window(*values[len(Unit._fields) :]))


def _window(kernel: Kernel) -> tuple[Any, ...]:
    """The fields of :class:`~mbcost.latency.forms.ethos_u_blocks.Window`, of one group and image."""
    operator: Any = kernel.main.operator
    (height, width, channels), output = kernel.main.input_shapes[0], kernel.main.output_shape
    if isinstance(operator, Dense):
        return (1, height * width, channels, 1, height * width, output.channels, 1, 1, 1, 1, 1, 1, 0, 0, 1)
    if kernel.kind == "im2col_gemm":  # a lowered map has a channel for each element that a window reads
        depth = kernel.window * (channels // operator.groups)
        out = output.channels // operator.groups
        return (output.height, output.width, depth, output.height, output.width, out, 1, 1, 1, 1, 1, 1, 0, 0, 1)
    first = int(kernel.position == 0)
    if kernel.kind == "pool":
        taps = getattr(operator, "kernel", None)
        summed = int(taps is None)  # a mean over the whole map is a depthwise convolution with weights of 1
        taps_y, taps_x = taps or (height, width)
        stride_y, stride_x = getattr(operator, "stride", (1, 1))
        extents = (height, width, output.channels, output.height, output.width, output.channels)
        return (*extents, taps_y, taps_x, taps_y, taps_x, stride_y, stride_x, 1, first, summed)
    taps_y, taps_x = operator.kernel
    gap_y, gap_x = getattr(operator, "dilation", (1, 1))
    stride_y, stride_x = (1, 1) if isinstance(operator, TransposedConv2d) else operator.stride
    groups = 1 if kernel.kind == "depthwise" else getattr(operator, "groups", 1)
    channels, out = channels // groups, output.channels // groups
    equal = int(kernel.kind == "depthwise")
    reach = ((taps_y - 1) * gap_y + 1, (taps_x - 1) * gap_x + 1)
    read = out if equal else channels
    extents = (height, width, read, output.height, output.width, out)
    return (*extents, taps_y, taps_x, *reach, stride_y, stride_x, equal, first, 1)


def cycles(unit: Unit, kernel: Kernel) -> Real:
    """Cycles of the unit: of its multipliers or of its output stage, whichever is longer."""
    results = kernel.output_elements * RESULT_TIMES.get(kernel.op, 1.0) / unit.results
    if kernel.kind in _PASSES:
        return results
    found: Real = maximum(layer_work(unit, kernel).cycles, results)
    return found


def sram_bytes(unit: Unit, kernel: Kernel) -> Real:
    """Feature maps read and written; the input is read again per block of output channels and where blocks overlap."""
    if kernel.kind in _PASSES:
        return kernel.activation_bytes
    # reading a lowered map for the first time is part of the lowering
    return (layer_work(unit, kernel).feature_bytes - kernel.im2col_elements) * kernel.element_bytes


def buffered_bytes(unit: Unit, kernel: Kernel) -> Real:
    """Weights that are copied to the SRAM and read from there for every block."""
    return layer_work(unit, kernel).buffered_bytes * kernel.element_bytes


def weight_bytes(unit: Unit, kernel: Kernel) -> Real:
    """Weights once, and scales and biases per block, from the memory that stores them."""
    return layer_work(unit, kernel).weight_bytes * kernel.element_bytes


def softmax_elements(kernel: Kernel) -> Real:
    """Elements processed by the passes of a softmax."""
    return kernel.output_elements


def host_bytes(kernel: Kernel) -> Real:
    """Bytes that the host's processor reads and writes; the memory is shared, so nothing is copied."""
    return kernel.activation_bytes


def _terms(unit: Unit) -> tuple[Term, ...]:
    products = _LAYERS - kinds("pool")
    return (
        Term("cycles", "cycle", "compute", _LAYERS | _PASSES, partial(cycles, unit)),
        Term("sram", "B", "activations", _LAYERS | _PASSES, partial(sram_bytes, unit)),
        Term("buffered", "B", "activations", products, partial(buffered_bytes, unit)),
        Term("weights", "B", "weights", products, partial(weight_bytes, unit)),
        Term("softmax", "element", "compute", _SOFTMAX, softmax_elements),
        Term("host", "B", "activations", _OUTSIDE, host_bytes),
        Term("call", "inference", "overhead", frozenset(KERNEL_KINDS), first),
    )


def unit_of(target: Target) -> Unit:
    """The unit that a profile describes.

    Raises
    ------
    InputError
        MB401 if the profile has none.
    """
    processor = target.processor
    if processor.ethos_u is None:
        fail(
            "MB401",
            f"the profile of {target.device.name} has no `ethos_u` on its {processor.name}",
            hint=f"add processors.{processor.name}.ethos_u with its source",
        )
    unit = processor.ethos_u
    numbers = (unit.step_height, unit.step_width, unit.step_channels, unit.block_memory, unit.results)
    return Unit(*(int(number.value) for number in numbers))


def terms_for(target: Target) -> tuple[Term, ...]:
    """The form's terms for the unit of a target."""
    return _terms(unit_of(target))


def _sram_bandwidth(target: Target) -> tuple[str, Quantity]:
    name = f"processors.{target.processor.name}.local_memory_bandwidth"
    quantity = target.processor.local_memory_bandwidth
    if quantity is None:
        fail("MB401", f"the profile of {target.device.name} has no {name}", hint="add it with its source")
    return name, quantity


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates: one clock per cycle; feature maps at the SRAM's bandwidth, weights at that of the memory."""
    ticks, sram, memory = clock(target), _sram_bandwidth(target), bandwidth(target)
    return {
        "cycles": cycles_each(ticks, parameter(runtime, "cycles_per_cycle")),
        "sram": whole(*sram, "byte"),
        "buffered": whole(*sram, "byte"),
        "weights": per_second(memory, parameter(runtime, "weight_ratio"), "byte"),
        "softmax": cycles_each(ticks, parameter(runtime, "softmax_cycles")),
        "host": per_second(sram, parameter(runtime, "host_bandwidth_share"), "byte"),
        "call": seconds_each(parameter(runtime, "call_time")),
    }


ETHOS_U: Final = LatencyForm(
    name="ethos_u",
    title="Arm Ethos-U55",
    terms=_terms(U55_256),
    overlap="parallel",
    rates=rates,
    source="Arm Ethos-U55 TRM (102420); the performance model of ethos-u-vela 5.2.0, seen on MobileNet V1",
    terms_for=terms_for,
    lowers=True,
    on_chip={
        "activations": "the network does not fit, or it spills to a slower memory, whose time is not predicted",
    },
    external=("weights",),
)
