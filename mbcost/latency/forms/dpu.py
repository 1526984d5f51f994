"""Xilinx deep-learning processing units under Vitis AI: a three-dimensional array of multipliers behind line buffers.

    t = cycles + spill + depthwise_spill + depthwise_slices + add + gate + wide_gate + large_gate + gate_slices + move
        + host + call

A cycle is one step of the array (output pixels of a row x input channels x output channels) or of the depthwise
engine; partly filled steps take as long as full ones (AMD PG338, PG389). Weights are loaded while the array computes: a
layer takes the longer of its steps and its weights' arrival. Feature maps that do not fit the on-chip memory spill.
Squeeze-and-excite runs on the unit too; its cost grows with the map. Selected on half of the networks of Accel-NASBench
(Ahmad et al., Vitis AI 2.5, int8): ZCU102 at batch 1, VCK190 with one image per batch handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from mbcost.devices import Dpu, Target
from mbcost.errors import fail
from mbcost.kernels import KERNEL_KINDS, Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, first, host_bytes, kinds
from mbcost.latency.rates import bandwidth, clock, cycles_each, parameter, per_second, seconds_each
from mbcost.numeric import Real, by_value, ceil_div, maximum, minimum, where
from mbcost.operators import TransposedConv2d

if TYPE_CHECKING:
    from mbcost.numeric import Mask

#: Width above which squeezing a map has an additional cost. Chosen on the development half of Accel-NASBench: without
#: the term, 79.6 instead of 99.5 % of networks are within 5 % on the VCK190 (reports/ablations/dpu.csv); other widths
#: were not kept.
WIDE_GATE: Final = 32
#: A gated map of more than half the on-chip memory is read from external memory again: the growth with its width.
#: Both chosen on the same half: without the term, 62.1 instead of 99.6 % are within 5 % on the ZCU102; a power that
#: was fitted to two boards, with no mechanism that gives its exponent.
LARGE_GATE_WIDTH: Final = 56
LARGE_GATE_EXPONENT: Final = 1.63


class DpuArray(NamedTuple):
    """The dimensions of the array that the counts depend on.

    Attributes
    ----------
    pixels, inputs, outputs
        Output pixels, input channels and output channels of one step of the array.
    depthwise_pixels
        Output pixels of one step of the depthwise engine, of `inputs` channels each.
    memory_bytes
        On-chip memory for feature maps [B].
    weight_bytes
        Bytes of weights that are loaded per cycle of the unit's clock.
    array_cycles
        Cycles of the unit's clock per step of the array: 1 where both have the same clock.
    augmented
        Whether idle input channels process further taps of a window's row (channel augmentation).
    """

    pixels: int
    inputs: int
    outputs: int
    depthwise_pixels: int
    memory_bytes: int
    weight_bytes: int
    array_cycles: float
    augmented: bool = False


#: B4096 (PG338, table of architectures): the unit of the ZCU102, on which the form was selected.
B4096: Final = DpuArray(8, 16, 16, 4, 512 * 1024, 32, 1.0)

_ARRAY: Final = kinds("direct_conv", "pointwise", "dense", "matmul")
_ENGINE: Final = kinds("depthwise", "pool")
_DEPTHWISE: Final = kinds("depthwise")
_ELEMENTWISE: Final = kinds("elementwise")
_MOVED: Final = kinds("copy")
_OUTSIDE: Final = kinds("outside", "softmax")


def array_of(target: Target) -> DpuArray:
    """The array that a profile describes.

    Raises
    ------
    InputError
        MB401 if the profile has no unit on its logic.
    """
    dpu = target.processor.dpu
    if dpu is None:
        fail(
            "MB401",
            f"the profile of {target.device.name} has no `dpu` on its {target.processor.name}",
            hint=f"add processors.{target.processor.name}.dpu with its source to {target.device.path or 'the profile'}",
        )
    return DpuArray(
        int(dpu.pixel_parallelism.value),
        int(dpu.input_channel_parallelism.value),
        int(dpu.output_channel_parallelism.value),
        int(dpu.depthwise_parallelism.value),
        int(dpu.feature_memory.value),
        int(dpu.weight_width.value) // 8,
        _array_cycles(dpu),
        dpu.channel_augmentation,
    )


def _array_cycles(dpu: Dpu) -> float:
    return 1.0 if dpu.array_clock is None else dpu.clock.value / dpu.array_clock.value


def cycles(array: DpuArray, kernel: Kernel) -> Real:
    """Cycles of the unit's clock: of the array or of loading its weights, or of the depthwise engine."""
    if kernel.kind in _ENGINE:
        return _engine_steps(array, kernel)
    rows, columns, depth, groups = kernel.gemm()
    taps, width = kernel.window, kernel.main.output_shape.width
    if kernel.kind == "im2col_gemm":  # a lowered map has a channel for each element of the window
        taps = 1
    if isinstance(kernel.main.operator, TransposedConv2d):  # a step reads pixels; each makes `taps` times the columns
        columns, width = columns // taps, kernel.main.input_shapes[0].width
    else:
        depth = depth // taps
        if array.augmented:
            across = getattr(kernel.main.operator, "kernel", (1, 1))[-1]
            beside = maximum(1, minimum(across, array.inputs // depth))
            taps = taps // across * ceil_div(across, beside)
            depth = depth * beside
    lines = ceil_div(width, array.pixels) * (rows // width)
    steps = lines * taps * ceil_div(depth, array.inputs) * ceil_div(columns, array.outputs) * groups
    arrival = kernel.weight_elements * kernel.element_bytes / array.weight_bytes
    result: Real = maximum(steps * array.array_cycles, arrival)
    return result


def _engine_steps(array: DpuArray, kernel: Kernel) -> Real:
    """Steps of the engine for depthwise convolutions and (assumed) pooling."""
    height, width, channels = kernel.main.output_shape
    elements = height * width * channels * kernel.batch
    taps = kernel.window if kernel.kind == "depthwise" else ceil_div(kernel.elementwise_ops, elements)
    lines = ceil_div(width, array.depthwise_pixels) * height * kernel.batch
    return lines * taps * ceil_div(channels, array.inputs)


def spilled_bytes(array: DpuArray, kernel: Kernel) -> Real:
    """Input and output of a layer that do not fit the on-chip memory together."""
    size = kernel.activation_bytes
    result: Real = where(size > array.memory_bytes * kernel.batch, size, 0)
    return result


def slices(array: DpuArray, kernel: Kernel) -> Real:
    """Groups of channels that the depthwise engine processes one after the other."""
    return ceil_div(kernel.main.output_shape.channels, array.inputs) * kernel.batch


def _is_gate(kernel: Kernel) -> Mask:
    """Whether a map is multiplied by one value per channel, as at the end of squeeze-and-excite."""
    main = kernel.main
    if kernel.op != "multiply":
        return False
    return main.cost.input_elements < len(main.inputs) * main.output_shape.elements


def plain_elements(kernel: Kernel) -> Real:
    """Results of element-wise operators other than gates."""
    result: Real = where(_is_gate(kernel), 0, kernel.output_elements)
    return result


def gate_elements(kernel: Kernel) -> Real:
    """Input elements of squeeze-and-excite blocks."""
    result: Real = where(_is_gate(kernel), kernel.output_elements, 0)
    return result


def wide_gate_elements(kernel: Kernel) -> Real:
    """Input elements of squeeze-and-excite blocks with wide maps."""
    result: Real = where(kernel.main.output_shape.width > WIDE_GATE, gate_elements(kernel), 0)
    return result


def large_gate_elements(array: DpuArray, kernel: Kernel) -> Real:
    """Input elements of squeeze-and-excite blocks whose map spills, weighted by its width."""
    size = kernel.output_elements * kernel.element_bytes
    width = kernel.main.output_shape.width / LARGE_GATE_WIDTH
    weighted = kernel.output_elements * by_value(lambda number: number**LARGE_GATE_EXPONENT, width)
    result: Real = where(_is_gate(kernel) & (size > array.memory_bytes // 2 * kernel.batch), weighted, 0)
    return result


def gate_slices(array: DpuArray, kernel: Kernel) -> Real:
    """Groups of channels of squeeze-and-excite blocks."""
    result: Real = where(_is_gate(kernel), slices(array, kernel), 0)
    return result


def moved_bytes(kernel: Kernel) -> Real:
    """Inputs and output, each read or written once."""
    return 2 * kernel.output_elements * kernel.element_bytes


def _terms(array: DpuArray) -> tuple[Term, ...]:
    every = frozenset(KERNEL_KINDS)
    return (
        Term("cycles", "cycle", "compute", _ARRAY | _ENGINE, partial(cycles, array)),
        Term("spill", "B", "activations", _ARRAY, partial(spilled_bytes, array)),
        Term("depthwise_spill", "B", "activations", _ENGINE, partial(spilled_bytes, array)),
        Term("depthwise_slices", "slice", "overhead", _DEPTHWISE, partial(slices, array)),
        Term("add", "element", "compute", _ELEMENTWISE, plain_elements),
        Term("gate", "element", "activations", _ELEMENTWISE, gate_elements),
        Term("wide_gate", "element", "activations", _ELEMENTWISE, wide_gate_elements),
        Term("large_gate", "element", "activations", _ELEMENTWISE, partial(large_gate_elements, array)),
        Term("gate_slices", "slice", "overhead", _ELEMENTWISE, partial(gate_slices, array)),
        Term("move", "B", "activations", _MOVED, moved_bytes),
        Term("host", "B", "activations", _OUTSIDE, host_bytes),
        Term("call", "inference", "overhead", every, first),
    )


def terms_for(target: Target) -> tuple[Term, ...]:
    """The form's terms for the array of a target."""
    return _terms(array_of(target))


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates of the board that the runtime was fitted on, scaled by clock and bandwidth.

    The host's time per call is not scaled.
    """
    ticks, memory = clock(target), bandwidth(target)

    def of_clock(name: str) -> Rate:
        return cycles_each(ticks, parameter(runtime, name))

    def of_bandwidth(name: str) -> Rate:
        return per_second(memory, parameter(runtime, name), "byte")

    return {
        "cycles": of_clock("cycles_per_step"),
        "spill": of_bandwidth("spill_bandwidth_share"),
        "depthwise_spill": of_bandwidth("depthwise_spill_bandwidth_share"),
        "depthwise_slices": of_clock("depthwise_slice_cycles"),
        "add": of_clock("add_cycles"),
        "gate": of_clock("gate_cycles"),
        "wide_gate": of_clock("wide_gate_cycles"),
        "large_gate": of_clock("large_gate_cycles"),
        "gate_slices": of_clock("gate_slice_cycles"),
        "move": of_bandwidth("move_bandwidth_share"),
        "host": of_bandwidth("host_bandwidth_share"),
        "call": seconds_each(parameter(runtime, "call_time")),
    }


DPU: Final = LatencyForm(
    name="dpu",
    title="Xilinx DPU",
    terms=_terms(B4096),
    overlap="none",
    rates=rates,
    source="AMD PG338 and PG389; fitted on half of Accel-NASBench, Vitis AI 2.5",
    terms_for=terms_for,
    external=("spill", "depthwise_spill", "move", "host"),
    loads_weights=True,
    lowers=True,
)
