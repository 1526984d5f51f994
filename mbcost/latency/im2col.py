"""Forced im2col: what a direct convolution would cost if it were lowered to a matrix product first.

The lowering buffer has one element for each element that a window reads. It is filled in a pass of its own before the
product, without overlap: written once and read back once. Hardware with line buffers, indirection or DMA that reads
windows directly does not need it, so the pass is an overhead there. The matrix product can still be faster than the
direct convolution where its depth (window x channels) fills an array that few input channels leave idle, as in the
first layer of a network on a DPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from mbcost.devices import Quantity, Target
from mbcost.errors import fail
from mbcost.kernels import Kernel, Parameter, Runtime
from mbcost.latency.form import LatencyForm, Rate, Term, kinds
from mbcost.latency.rates import bandwidth, per_second
from mbcost.numeric import Real

_LOWERED: Final = kinds("im2col_gemm")
#: Chosen: written and read back are two passes at the bandwidth; what forced lowering costs depends on it.
_WHOLE: Final = Parameter(
    "lowering_bandwidth_share", 0.5, "1", "assumed", "a buffer is written and read back; nothing was measured"
)


def buffer_bytes(kernel: Kernel) -> Real:
    """The lowering buffer, written once and read back once."""
    return kernel.im2col_elements * kernel.element_bytes


def lowering_rate(target: Target, runtime: Runtime) -> Rate:
    """Time per byte of the buffer: by the runtime's parameters, else twice that of a byte of memory traffic.

    The memory is the processor's local memory where the profile has its bandwidth.
    """
    place: tuple[str, Quantity] = bandwidth(target)
    near = target.processor.local_memory_bandwidth
    share = runtime.parameters.get("im2col_bandwidth_share")
    if share is not None:
        return per_second(place, share, "byte")
    if near is not None:
        place = f"processors.{target.processor.name}.local_memory_bandwidth", near
    return per_second(place, _WHOLE, "byte")


def lowered(
    target: Target, runtime: Runtime, form: LatencyForm, rates: Mapping[str, Rate]
) -> tuple[Runtime, LatencyForm, Mapping[str, Rate]]:
    """Rules, form and rates with every convolution lowered, except those with a window of one pixel.

    Raises
    ------
    InputError
        MB010 if the form's counts do not hold for lowered convolutions.
    """
    known = any(term.group == "lowering" for term in form.terms)
    if not known and not form.lowers:
        hint = "it works on DPUs, loop-tiled engines, systolic arrays, the Ethos-U, plain rooflines and CPUs"
        fail(
            "MB010",
            f"lowering is im2col: the model of {runtime.title} has no lowered convolutions",
            hint=hint,
            parameter="lowering",
        )
    runtime = runtime.lowered()
    if known:
        return runtime, form, rates
    terms = [replace(term, kinds=term.kinds | _LOWERED) if "direct_conv" in term.kinds else term for term in form.terms]
    terms.append(Term("im2col", "B", "lowering", _LOWERED, buffer_bytes))
    form = replace(form, terms=tuple(terms), terms_for=None, rates=partial(_with_lowering, form.rates))
    return runtime, form, {**rates, "im2col": lowering_rate(target, runtime)}


def _with_lowering(
    rates: Callable[[Target, Runtime], Mapping[str, Rate]], target: Target, runtime: Runtime
) -> Mapping[str, Rate]:
    """The rates of a form and the rate of the buffer."""
    return {**rates(target, runtime), "im2col": lowering_rate(target, runtime)}
