"""CPU runtimes whose matrix products are Eigen's: TFLite of 2018 and 2019.

    t = gemm + depthwise + weights + activations + im2col + elementwise + copy + pool

The terms of :mod:`mbcost.latency.forms.cpu_gemm` with the differences of Eigen (Eigen/src/Core/products:
GeneralBlockPanelKernel.h, TensorContraction.h): the micro-kernel computes four pixels at a time, each tile has a fixed
start and end cost, and the filter is packed into panels on every call, so that its bytes cross the memory three times:
read, written as panels, read again. A single pixel is a matrix-vector product without packing.
Chosen by leave-one-out error on the MobileNet grids of the Pixel 1 and the Pixel 2.
"""

from __future__ import annotations

from typing import Final

from mbcost.kernels import Kernel
from mbcost.latency.form import LatencyForm, Term
from mbcost.latency.forms import cpu_gemm
from mbcost.numeric import Real, round_up, where

#: Pixels and channels of the micro-kernel's tile: four columns, and vectors of four channels.
GEMM_TILE: Final = 4
#: Start and end cost of a tile, in steps of the depth loop: the result is read, updated and written. Chosen with the
#: form by leave-one-out error on the MobileNet grids of the Pixel 1 and 2; no ablation of it is kept.
TILE_START: Final = 8
#: Number of times that the bytes of a packed filter cross the memory: read, written as panels, read again.
PACKED_STREAMS: Final = 3


def gemm_macs(kernel: Kernel) -> Real:
    """MACs with pixels and channels rounded up to the tile, and the tile's start; a single pixel is not rounded."""
    rows, columns, depth, groups = kernel.gemm()
    tiled = round_up(rows, GEMM_TILE) * round_up(columns, GEMM_TILE) * (depth + TILE_START)
    result: Real = where(rows == 1, columns * depth, tiled) * groups
    return result


def weight_bytes(kernel: Kernel) -> Real:
    """Weights times the number of memory crossings; they are packed for products of more than one pixel."""
    streamed = cpu_gemm.weight_bytes(kernel)
    if kernel.kind == "depthwise":
        return streamed
    result: Real = streamed * where(kernel.gemm().rows == 1, 1, PACKED_STREAMS)
    return result


_COUNTS: Final = {"gemm": gemm_macs, "weights": weight_bytes}

CPU_EIGEN: Final = LatencyForm(
    name="cpu_eigen",
    title="matrix products of Eigen on a CPU",
    terms=tuple(
        Term(term.name, term.unit, term.group, term.kinds, _COUNTS.get(term.name, term.count))
        for term in cpu_gemm.CPU_GEMM.terms
    ),
    overlap="none",
    rates=cpu_gemm.rates,
    source="MobileNet V1 and V2 of all widths and resolutions, Pixel 1 and Pixel 2, TFLite of 2018",
    prior_sd=0.5,
    shared_sd=1.0,
)
