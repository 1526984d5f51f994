"""CPU runtimes with indirect convolution (pointers to pixels instead of a lowered copy): XNNPACK, QNNPACK.

    t = gemm + depthwise + weights + activations + elementwise + copy + pool

The matrix product's micro-kernel reads its operands through an indirection buffer of pointers, which is set up once
(Dukhan 2019, The Indirect Convolution Algorithm, arXiv:1907.02129), so that nothing is lowered; filters are packed
once, when the model is loaded. The tile of the micro-kernel for 64-bit Arm is 6 pixels x 8 channels (XNNPACK,
src/f32-igemm).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.devices import Target
from mbcost.kernels import Kernel, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, kinds
from mbcost.latency.forms import cpu_gemm
from mbcost.numeric import Real, round_up, where

#: Pixels and channels of the micro-kernel's tile.
TILE_PIXELS: Final = 6
TILE_CHANNELS: Final = 8

_INDIRECT: Final = kinds("direct_conv")


def gemm_macs(kernel: Kernel) -> Real:
    """MACs with pixels and channels rounded up to the tile; a single pixel is not rounded."""
    rows, columns, depth, groups = kernel.gemm()
    pixels = where(rows == 1, 1, round_up(rows, TILE_PIXELS))
    result: Real = pixels * round_up(columns, TILE_CHANNELS) * depth * groups
    return result


def rates(target: Target, runtime: Runtime) -> Mapping[str, Rate]:
    """The rates of :func:`mbcost.latency.forms.cpu_gemm.rates`, without a lowering buffer."""
    return {name: rate for name, rate in cpu_gemm.rates(target, runtime).items() if name != "im2col"}


def _term(term: Term) -> Term:
    kinds = term.kinds | _INDIRECT if "im2col_gemm" in term.kinds else term.kinds
    return Term(term.name, term.unit, term.group, kinds, gemm_macs if term.name == "gemm" else term.count)


CPU_INDIRECT: Final = LatencyForm(
    name="cpu_indirect",
    title="indirect convolutions on a CPU",
    terms=tuple(_term(term) for term in cpu_gemm.CPU_GEMM.terms if term.name != "im2col"),
    overlap="none",
    rates=rates,
    source="Dukhan 2019, arXiv:1907.02129; rates carried over from another runtime",
    prior_sd=0.5,
    shared_sd=1.0,
    lowers=True,
)
