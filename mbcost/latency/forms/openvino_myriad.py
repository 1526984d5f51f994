"""Myriad X under OpenVINO 2019 R2: a convolution engine that works on tiles, and vector cores for everything else.

    t = engine + tiles + padding + weights + streams + strided + stages + squeeze + squeeze_weights + software + call

without overlap. The engine's clocks follow from how the compiler tiles each convolution
(:mod:`mbcost.latency.forms.myriad_tiling`); batch norm and ReLU after a convolution are free, and a depthwise
convolution is a sequence of dense ones over a few channels. Selected on the nn-Meter bench (Zhang et al., MobiSys
2021): Intel Neural Compute Stick 2, OpenVINO 2019 R2, fp16. The numbers of passes of the streams are empirical.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mbcost.devices import Target
from mbcost.kernels import KERNEL_KINDS, Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, kinds
from mbcost.latency.forms.myriad_tiling import ELEMENT_BYTES, Axis, Layer, Work, work_of
from mbcost.latency.rates import bandwidth, clock, cycles_each, parameter, peak, per_second, seconds_each
from mbcost.numeric import Dim, Real, for_each, maximum, where
from mbcost.operators import Conv2d, Dense, DepthwiseConv2d
from mbcost.operators.window import both_ends

#: Largest window and stride of the engine.
MOST_KERNEL: Final = 15
MOST_STRIDE: Final = 8
#: Additional weight of the coefficients of a convolution that is tiled along height or width: 3 times in all is the
#: optimum on the nn-Meter bench (reports/ablations/myriad.csv).
REPEATED: Final = 2
#: Passes over the elements of an output: two reads and one write of a binary operator; h-swish and the like have two.
#: The numbers that are no counts of reads and writes (1.5 of a norm, 1 of an activation) were chosen on the nn-Meter
#: bench (reports/ablations/myriad.csv: two passes of a norm and none of an activation are worse, one of h-swish is as
#: good).
BINARY_STREAMS: Final = 3
SELF_GATED_STREAMS: Final = 6
NORM_STREAMS: Final = 1.5
ACTIVATION_STREAMS: Final = 1
#: Passes of an operator that only copies; chosen there: 1 leaves an error of 3.1 instead of 2.75 %.
COPY_STREAMS: Final = 1.5
#: Passes per element that an average pooling reads; chosen there: 1 leaves 2.83 instead of 2.75 %.
AVERAGE_STREAMS: Final = 0.6
#: Element-strided passes of a product of a map and a vector, and of a rearrangement of channels. Chosen with the form
#: on the nn-Meter bench; of the term, not of the numbers, an ablation is kept (without it, 83 instead of 96 % within
#: 10 %).
BROADCAST_PASSES: Final = 4
REARRANGE_PASSES: Final = 3

_ENGINE: Final = kinds("direct_conv", "depthwise", "dense")
_ELEMENTWISE: Final = kinds("elementwise", "softmax")
_SHAVE: Final = _ELEMENTWISE | kinds("copy")
_EVERY: Final = frozenset(KERNEL_KINDS)
_ACTIVATIONS: Final = frozenset({"relu", "relu6", "leaky_relu", "prelu"})
_NORMS: Final = frozenset({"batch_norm", "scale", "shift"})
_SELF_GATED: Final = frozenset({"hard_swish", "swish"})
_REARRANGED: Final = frozenset({"channel_shuffle", "transpose", "depth_to_space", "space_to_depth"})
_POOLS: Final = frozenset({"max_pool2d", "avg_pool2d"})

#: The last kernel with its work, since the terms of a kernel are evaluated one after the other.
_latest: tuple[Kernel | None, Work] = (None, Work())


def engine_work(kernel: Kernel) -> Work:
    """The work of a convolution or fully connected layer as the compiler tiles it, for one image of the batch."""
    global _latest
    known, work = _latest
    if known is not kernel:
        work = _engine_work(kernel)
        _latest = kernel, work
    return work


def _engine_work(kernel: Kernel) -> Work:
    operator, source, output = kernel.main.operator, kernel.main.input_shapes[0], kernel.main.output_shape
    if isinstance(operator, Dense):
        point = Axis(1, 1, 1, 1, 0, 0)
        one = for_each(_layer_work, *point, *point, source.channels, output.channels, 0, 1, 0)
        return Work(*one).times(source.pixels)
    if not isinstance(operator, (Conv2d, DepthwiseConv2d)) or not _for_engine(operator):
        return Work(software_macs=kernel.macs // kernel.batch)
    rows = _axis(source.height, output.height, operator, 0)
    columns = _axis(source.width, output.width, operator, 1)
    depthwise = kernel.kind == "depthwise"
    groups = 1 if depthwise else getattr(operator, "groups", 1)
    channels = output.channels if depthwise else source.channels // groups
    pooled = len(kernel.read_by) == 1 and kernel.read_by[0] in _POOLS
    out = output.channels // groups
    return Work(*for_each(_layer_work, *rows, *columns, channels, out, int(depthwise), groups, int(pooled)))


def _layer_work(*values: int) -> Work:
    channels, out, depthwise, groups, pooled = values[12:]
    return work_of(Layer(Axis(*values[:6]), Axis(*values[6:12]), channels, out, bool(depthwise), groups, bool(pooled)))


def _for_engine(operator: Conv2d | DepthwiseConv2d) -> bool:
    """Whether the engine supports the window: not dilated, equal strides, not too large."""
    return (
        operator.dilation == (1, 1)
        and operator.stride[0] == operator.stride[1] <= MOST_STRIDE
        and max(operator.kernel) <= MOST_KERNEL
    )


def _axis(size: Dim, out: Dim, operator: Conv2d | DepthwiseConv2d, axis: int) -> Axis:
    kernel, stride = operator.kernel[axis], operator.stride[axis]
    if operator.padding == "same":
        total = maximum((out - 1) * stride + kernel - size, 0)
        return Axis(size, out, kernel, stride, total // 2, total - total // 2)
    return Axis(size, out, kernel, stride, *both_ends(operator.padding, axis))


def engine_clocks(kernel: Kernel) -> Real:
    """Clocks of the convolution engine."""
    return engine_work(kernel).clocks * kernel.batch


def tiles(kernel: Kernel) -> Real:
    """Runs of the engine; a max pooling is one."""
    if kernel.kind == "pool":
        return kernel.batch if kernel.op.startswith("max_pool") else 0
    return engine_work(kernel).tiles * kernel.batch


def padded_channels(kernel: Kernel) -> Real:
    """Channels of inputs that are padded in a step of their own."""
    return engine_work(kernel).padded_channels * kernel.batch


def _one_pixel(kernel: Kernel) -> Any:
    """Whether a convolution has one pixel, as in a squeeze-and-excite block or a classifier."""
    return (kernel.main.output_shape.pixels == 1) & (kernel.kind == "direct_conv")


def weight_bytes(kernel: Kernel) -> Real:
    """Coefficients, read once per tile; tiled convolutions weigh more, depthwise ones are not counted."""
    work = engine_work(kernel)
    elements = (work.coefficients + REPEATED * work.repeated_coefficients) * kernel.batch
    result: Real = where(_one_pixel(kernel), 0, elements * ELEMENT_BYTES)
    return result


def squeeze_weight_bytes(kernel: Kernel) -> Real:
    """Coefficients of convolutions of one pixel, whose loading does not overlap."""
    elements = engine_work(kernel).coefficients * kernel.batch
    result: Real = where(_one_pixel(kernel), elements * ELEMENT_BYTES, 0)
    return result


def software_macs(kernel: Kernel) -> Real:
    """MACs that the engine cannot compute: outputs too large for 15 tiles, large or dilated windows."""
    return kernel.macs if kernel.kind == "matmul" else engine_work(kernel).software_macs * kernel.batch


def _is_broadcast(kernel: Kernel) -> Any:
    """Whether an input is smaller than the output: a map times a vector."""
    main = kernel.main
    return main.cost.input_elements < len(main.inputs) * main.output_shape.elements


def streamed_elements(kernel: Kernel) -> Real:
    """Elements that vector cores and DMA move: passes over a tensor times its elements."""
    output = kernel.main.output_shape.elements * kernel.batch
    if kernel.kind in _ENGINE:
        return _moved_elements(kernel)
    if kernel.kind == "pool":
        return 0 if kernel.op.startswith("max_pool") else AVERAGE_STREAMS * kernel.elementwise_ops
    if kernel.kind == "copy":
        return 0 if kernel.op in _REARRANGED else COPY_STREAMS * output
    if kernel.op in _ACTIVATIONS:
        return ACTIVATION_STREAMS * output
    if kernel.op in _NORMS:
        return NORM_STREAMS * output
    if kernel.op in _SELF_GATED:
        return SELF_GATED_STREAMS * output
    result: Real = where(_is_broadcast(kernel), 0, BINARY_STREAMS * output)
    return result


def _moved_elements(kernel: Kernel) -> Real:
    """Elements moved for the engine: partial sums, cropped and padded tiles, split inputs of depthwise convolutions."""
    work = engine_work(kernel)
    cut = kernel.main.input_shapes[0].elements if kernel.kind == "depthwise" else 0
    return (work.summed + work.cropped + work.padded_elements + cut) * kernel.batch


def strided_elements(kernel: Kernel) -> Real:
    """Elements processed one by one: products of a map and a vector, rearranged channels."""
    output = kernel.main.output_shape.elements * kernel.batch
    if kernel.kind == "copy":
        return REARRANGE_PASSES * output if kernel.op in _REARRANGED else 0
    result: Real = where(_is_broadcast(kernel), BROADCAST_PASSES * output, 0)
    return result


def stages(kernel: Kernel) -> Real:
    """Runs of the vector cores; activations overlap with the engine, a concat copies each of its inputs."""
    if kernel.op in _ACTIVATIONS:
        return 0
    return (len(kernel.main.inputs) if kernel.op == "concat" else 1) * kernel.batch


def squeezes(kernel: Kernel) -> Real:
    """Squeeze-and-excite blocks: products of a map and a vector."""
    result: Real = where(_is_broadcast(kernel), kernel.batch, 0)
    return result


def calls(kernel: Kernel) -> Real:
    """Once per inference, at its first kernel."""
    return kernel.batch if kernel.position == 0 else 0


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates from the engine's clock, the memory's bandwidth and the vector cores' peak; the others are times."""
    cycles, memory = clock(target), bandwidth(target)
    return {
        "engine": cycles_each(cycles, parameter(runtime, "engine_cycles")),
        "tiles": seconds_each(parameter(runtime, "tile_time")),
        "padding": seconds_each(parameter(runtime, "padding_time")),
        "weights": per_second(memory, parameter(runtime, "weight_bandwidth_share"), "byte"),
        "streams": cycles_each(cycles, parameter(runtime, "stream_cycles")),
        "strided": cycles_each(cycles, parameter(runtime, "strided_cycles")),
        "stages": seconds_each(parameter(runtime, "stage_time")),
        "squeeze": seconds_each(parameter(runtime, "squeeze_time")),
        "squeeze_weights": per_second(memory, parameter(runtime, "squeeze_bandwidth_share"), "byte"),
        "software": per_second(peak(target), parameter(runtime, "software_efficiency"), "MAC"),
        "call": seconds_each(parameter(runtime, "call_time")),
    }


OPENVINO_MYRIAD: Final = LatencyForm(
    name="openvino_myriad",
    title="OpenVINO on Myriad X",
    terms=(
        Term("engine", "cycle", "compute", _ENGINE, engine_clocks),
        Term("tiles", "tile", "overhead", _ENGINE | kinds("pool"), tiles),
        Term("padding", "channel", "lowering", _ENGINE, padded_channels),
        Term("weights", "B", "weights", kinds("direct_conv", "dense"), weight_bytes),
        Term("streams", "element", "activations", _ENGINE | _SHAVE | kinds("pool"), streamed_elements),
        Term("strided", "element", "activations", _SHAVE, strided_elements),
        Term("stages", "stage", "overhead", _SHAVE, stages),
        Term("squeeze", "block", "overhead", _ELEMENTWISE, squeezes),
        Term("squeeze_weights", "B", "weights", kinds("direct_conv"), squeeze_weight_bytes),
        Term("software", "MAC", "compute", _ENGINE | kinds("matmul"), software_macs),
        Term("call", "inference", "overhead", _EVERY, calls),
    ),
    overlap="none",
    rates=rates,
    source="fitted on the nn-Meter bench (MobiSys 2021), Intel NCS2, OpenVINO 2019 R2",
)
