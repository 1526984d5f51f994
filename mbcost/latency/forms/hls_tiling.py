"""Convolution by loop tiling in high-level synthesis: one engine of Tm x Tn multipliers, its buffers in block RAM.

    cycles = ceil(M / Tm) * ceil(N / Tn) * R * C * K * K, and a pipeline's depth for each tile

for M output and N input channels, an output of R x C pixels and a window of K x K (Zhang et al. 2015). Tiles of Tr x Tc
pixels are loaded, computed and stored with double buffering, so that a layer takes the longer of its cycles and its
traffic: inputs are read again for each tile of output channels, weights for each tile of pixels. A depthwise or grouped
convolution computes as many of its groups at once as fit the engine; the weights between them are zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, NamedTuple

from mbcost.devices import Target
from mbcost.devices.fabric import WINDOW, DesignPoint, available, design_of, exceeded, used
from mbcost.errors import fail
from mbcost.kernels import Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, host_bytes, kinds
from mbcost.latency.rates import bandwidth, clock, cycles_each, parameter, per_second
from mbcost.numeric import Dim, Real, ceil_div, maximum, minimum, where
from mbcost.operators import TransposedConv2d

#: The design of Zhang et al. 2015 on the VC707; their tile of pixels is not published
#: (``hardware_profiles/vc707.yaml``).
REFERENCE: Final = DesignPoint(64, 7, 27, 27)

PRODUCTS: Final = kinds("direct_conv", "pointwise", "depthwise", "dense", "matmul")
_STREAMED: Final = kinds("elementwise", "pool", "copy")
_OUTSIDE: Final = kinds("outside", "softmax")


class _Loops(NamedTuple):
    """Trip counts of a layer's loops: over pixels times window, tiles of channels, and tiles of pixels."""

    points: Dim
    outputs: Dim
    inputs: Dim
    groups: Dim
    pixel_tiles: Dim


def _loops(design: DesignPoint, kernel: Kernel) -> _Loops:
    rows, columns, depth, groups = kernel.gemm()
    taps = 1 if kernel.kind == "im2col_gemm" else kernel.window
    if isinstance(
        kernel.main.operator, TransposedConv2d
    ):  # a point reads one pixel; each makes `taps` times the columns
        columns = columns // taps
    else:
        depth = depth // taps
    beside = maximum(1, minimum(design.tm // columns, design.tn // depth))
    high, wide = _tiles(design, kernel)
    return _Loops(
        rows * taps,
        ceil_div(columns, design.tm),
        ceil_div(depth, design.tn),
        ceil_div(groups, beside),
        high.number * wide.number,
    )


class _Tiles(NamedTuple):
    """Tiles along one side of an output, and the input that they read, overlaps included."""

    number: Dim
    read: Dim


def _tiles(design: DesignPoint, kernel: Kernel) -> tuple[_Tiles, _Tiles]:
    operator, source, result = kernel.main.operator, kernel.main.input_shapes[0], kernel.main.output_shape
    if kernel.kind == "im2col_gemm":
        return _Tiles(ceil_div(result.height, design.tr), result.height), _Tiles(
            ceil_div(result.width, design.tc), result.width
        )
    kernels, strides = (getattr(operator, name, (1, 1))[-2:] for name in ("kernel", "stride"))
    spread = getattr(operator, "dilation", (1, 1))[-2:]
    if isinstance(operator, TransposedConv2d) or kernel.kind in {"dense", "matmul"}:
        return _Tiles(ceil_div(source.height, design.tr), source.height), _Tiles(
            ceil_div(source.width, design.tc), source.width
        )
    sides = (
        (design.tr, kernels[0], strides[0], spread[0], source.height, result.height),
        (design.tc, kernels[1], strides[1], spread[1], source.width, result.width),
    )
    high, wide = (_side(tile, (size - 1) * gap + 1, step, whole, made) for tile, size, step, gap, whole, made in sides)
    return high, wide


def _side(tile: Dim, reach: int, stride: int, size: Dim, made: Dim) -> _Tiles:
    """Tiles of at most `tile` outputs whose inputs fit the buffer, which holds `tile` + WINDOW - 1 of them."""
    fitting = maximum(1, minimum(tile, (tile + WINDOW - 1 - reach) // stride + 1))
    number = ceil_div(made, fitting)
    padding = maximum(0, (made - 1) * stride + reach - size)
    read = made * stride + number * max(0, reach - stride) - padding
    return _Tiles(number, minimum(read, number * size))


def cycles(design: DesignPoint, kernel: Kernel) -> Real:
    """Steps of the engine: pixels x window x tiles of output channels x tiles of input channels."""
    loops = _loops(design, kernel)
    return loops.points * loops.outputs * loops.inputs * loops.groups


def passes(design: DesignPoint, kernel: Kernel) -> Real:
    """Tiles that are computed one after the other, each of which fills the pipeline again."""
    loops = _loops(design, kernel)
    return loops.outputs * loops.inputs * loops.groups * loops.pixel_tiles * kernel.batch


def vector_steps(design: DesignPoint, kernel: Kernel) -> Real:
    """Steps of the output stage, which pools, adds and scales `Tm` channels at once."""
    work = maximum(kernel.output_elements, kernel.elementwise_ops)
    return ceil_div(work, design.tm)


def activation_bytes(design: DesignPoint, kernel: Kernel) -> Real:
    """Inputs for each tile of output channels, overlaps of the tiles of pixels included, and outputs once."""
    loops = _loops(design, kernel)
    high, wide = _tiles(design, kernel)
    again = where(loops.inputs == 1, 1, loops.outputs)
    source = kernel.main.input_shapes[0]
    read = high.read * wide.read * source.channels * kernel.batch * again
    if kernel.kind == "matmul":
        read = kernel.input_elements
    if kernel.kind == "im2col_gemm":  # reading a lowered map for the first time is part of the lowering
        read = kernel.im2col_elements * (again - 1)
    result: Real = (read + kernel.output_elements) * kernel.element_bytes
    return result


def weight_bytes(design: DesignPoint, kernel: Kernel) -> Real:
    """Weights for each tile of pixels; once where the engine holds all of them."""
    loops = _loops(design, kernel)
    again = where(loops.outputs * loops.inputs * loops.groups == 1, 1, loops.pixel_tiles * kernel.batch)
    result: Real = kernel.weight_elements * again * kernel.element_bytes
    return result


def streamed_bytes(kernel: Kernel) -> Real:
    """Inputs and outputs of operators other than convolutions, each once."""
    return kernel.activation_bytes


def terms_of(design: DesignPoint) -> tuple[Term, ...]:
    return (
        Term("cycles", "cycle", "compute", PRODUCTS, partial(cycles, design)),
        Term("vector", "step", "compute", _STREAMED, partial(vector_steps, design)),
        Term("activations", "B", "activations", PRODUCTS, partial(activation_bytes, design)),
        Term("weights", "B", "weights", PRODUCTS, partial(weight_bytes, design)),
        Term("streamed", "B", "activations", _STREAMED, streamed_bytes),
        Term("passes", "tile", "overhead", PRODUCTS, partial(passes, design)),
        Term("host", "B", "activations", _OUTSIDE, host_bytes),
    )


def design_on(target: Target) -> DesignPoint:
    """The design point that a profile has for the target's precision.

    Raises
    ------
    InputError
        MB401 if it has none, MB402 if it takes more than the logic has.
    """
    processor = target.processor
    design = design_of(processor, target.precision)
    if design is None:
        fail(
            "MB401",
            f"the profile of {target.device.name} has no design point for {target.precision} on its {processor.name}",
            hint=f"add processors.{processor.name}.hls; `mbcost design` searches for one",
        )
    needed = used(processor, target.precision)
    beyond = list(exceeded(needed, available(processor))) if needed is not None else []
    if beyond:
        fail(
            "MB402",
            f"the design point of {target.device.name} ({design}) takes {' and '.join(beyond)}",
            hint="smaller tiles; `mbcost design` searches for the best that fit",
        )
    return design


def terms_for(target: Target) -> tuple[Term, ...]:
    """The form's terms for the design point of a target."""
    return terms_of(design_on(target))


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """Rates: one clock per step of the engine, tiles at the memory's bandwidth."""
    ticks, memory = clock(target), bandwidth(target)
    share = per_second(memory, parameter(runtime, "bandwidth_share"), "byte")
    return {
        "cycles": cycles_each(ticks, parameter(runtime, "cycles_per_step")),
        "vector": cycles_each(ticks, parameter(runtime, "cycles_per_step")),
        "activations": share,
        "weights": share,
        "streamed": share,
        "passes": cycles_each(ticks, parameter(runtime, "pipeline_depth")),
        "host": per_second(memory, parameter(runtime, "host_bandwidth_share"), "byte"),
    }


HLS_TILING: Final = LatencyForm(
    name="hls_tiling",
    title="loop-tiled engine",
    terms=terms_of(REFERENCE),
    overlap="full",
    rates=rates,
    source="Zhang et al. 2015, Optimizing FPGA-based accelerator design for deep convolutional neural networks, FPGA",
    terms_for=terms_for,
    external=("activations", "weights", "streamed", "host"),
    lowers=True,
)
