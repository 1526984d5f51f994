"""The design point of a loop-tiled engine that runs a network fastest within a share of a device's logic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from mbcost.devices import Target, runtimes_for
from mbcost.devices.fabric import DesignPoint, Resources, available, exceeded, tiled_engine
from mbcost.errors import fail
from mbcost.graph import LayerGraph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.latency import LatencyForm
from mbcost.latency.forms.hls_tiling import HLS_TILING, PRODUCTS, terms_of
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.numeric import add_up, ceil_div

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.int64]

#: Share of the logic that a design may take: Zhang et al. 2015 took 80 % of the VC707's multiplier slices.
DEFAULT_SHARE: Final = 0.8
#: Pairs of Tm and Tn that are evaluated together.
_CHUNK: Final = 32
#: Numbers of parts into which the rows and columns of an output are divided. Chosen: more parts make the search longer,
#: and smaller tiles fill the pipeline more often.
MOST_PARTS: Final = 8
#: A tile larger than any output.
_WHOLE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Design:
    """A design point for a network.

    Attributes
    ----------
    latency_s
        Latency of one inference [s].
    needed, limits
        FPGA resources that it uses, and those that it was allowed to use.
    examined, candidates
        Numbers of evaluated design points and of all; a lower bound shows that the others are slower.
    """

    point: DesignPoint
    latency_s: float
    needed: Resources
    limits: Resources
    examined: int
    candidates: int


def limits_of(target: Target, share: float = DEFAULT_SHARE) -> Resources:
    """A share of a device's logic.

    Raises
    ------
    InputError
        MB010 if the share is not above 0 and at most 1; MB401 if the profile does not say what the logic has.
    """
    if not 0 < share <= 1:
        fail("MB010", f"the share of the resources is {share:g}, it has to be above 0 and at most 1")
    has = available(target.processor)
    if has.dsp is None or has.bram is None:
        missing = "dsp_slices" if has.dsp is None else "bram"
        where = f"processors.{target.processor.name}.{missing}"
        fail("MB401", f"the profile of {target.device.name} has no {where}", hint="add it with its source")
    return Resources(*(None if amount is None else int(amount * share) for amount in has))


class Workload(NamedTuple):
    """A network as a loop-tiled engine runs it, with the seconds per count of its form."""

    target: Target
    kernels: tuple[Kernel, ...]
    rates_s: Mapping[str, float]


def workload(graph: LayerGraph, target: Target, batch: int = 1) -> Workload:
    """The work of a design; the target needs no design point yet.

    Raises
    ------
    InputError
        MB304 if the target is no loop-tiled engine, MB401 if its profile lacks a number, MB400 for layers that have no
        kernel.
    """
    runtime = load_runtime(target.runtime_file)
    if runtime.form != HLS_TILING.name:
        runtimes = runtimes_for(target.device, target.processor)
        able = [name for name in runtimes if load_runtime(name).form == HLS_TILING.name]
        hint = f"it has {target.device.name}@{able[0]}" if able else "such as zc706 or pynq_z2"
        fail("MB304", f"{target.name} is not a loop-tiled engine: there is no design to choose", hint=hint)
    kernels = map_to_kernels(graph, runtime, batch=batch, element_bytes=ELEMENT_BYTES[target.precision])
    if not any(kernel.kind in PRODUCTS for kernel in kernels):
        fail("MB010", f"{graph.title} has no convolution and no fully connected layer: there is nothing to design for")
    rates = HLS_TILING.rates(target, runtime)
    return Workload(target, kernels, {name: rate.seconds for name, rate in rates.items()})


def best_design(work: Workload, limits: Resources) -> Design:
    """The fastest design point for a network; of equally fast ones that with the fewest multipliers, then block RAMs.

    Every pair of Tm and Tn is considered, with the pixel tiles that divide the network's outputs into whole numbers of
    parts. The time of a pair with the whole output as one tile is a lower bound; pairs are evaluated in the order of
    this bound until it exceeds the best time found.

    Raises
    ------
    InputError
        MB402 if no design point fits.
    """
    target, kernels, rates_s = work
    dsp_per_mac = multiplier(target)
    tm, tn = _pairs(kernels, limits, dsp_per_mac)
    whole = np.full_like(tm, _WHOLE)
    bound = _latency(kernels, _designs(tm, tn, whole, whole), rates_s)
    order = np.argsort(bound, kind="stable")
    tr, tc = _pixel_tiles(kernels)
    best: tuple[float, int, int, DesignPoint] | None = None
    examined = 0
    for start in range(0, len(order), _CHUNK):
        chosen = order[start : start + _CHUNK]
        if best is not None and bound[chosen[0]] > best[0]:
            break
        columns = [np.repeat(side[chosen], len(tr)) for side in (tm, tn)] + [np.tile(s, len(chosen)) for s in (tr, tc)]
        dsp, bram = _needs(tiled_engine(_designs(*columns), target.precision, dsp_per_mac))
        fits = (dsp <= (limits.dsp or 0)) & (bram <= (limits.bram or 0))
        if not fits.any():
            continue
        columns = [column[fits] for column in columns]
        times = _latency(kernels, _designs(*columns), rates_s)
        examined += len(times)
        first = int(np.lexsort((bram[fits], dsp[fits], times))[0])
        point = DesignPoint(*(int(column[first]) for column in columns))
        best = min(filter(None, (best, (float(times[first]), int(dsp[fits][first]), int(bram[fits][first]), point))))
    if best is None:
        fail("MB402", f"no design point fits {limits.dsp:,} DSP slices and {limits.bram:,} block RAMs of 18 Kibit")
    latency, *_, point = best
    needed = tiled_engine(point, target.precision, dsp_per_mac)
    return Design(point, latency, needed, limits, examined, len(tm) * len(tr))


def given_design(work: Workload, point: DesignPoint, limits: Resources) -> Design:
    """A given design point, without a search.

    Raises
    ------
    InputError
        MB402 if it takes more than the limits.
    """
    target, kernels, rates_s = work
    needed = tiled_engine(point, target.precision, multiplier(target))
    beyond = list(exceeded(needed, limits))
    if beyond:
        fail(
            "MB402",
            f"the design point ({point}) takes {' and '.join(beyond)}",
            hint="smaller tiles, or a larger `share=...`",
        )
    return Design(point, float(_latency(kernels, point, rates_s)), needed, limits, 1, 1)


def multiplier(target: Target) -> int:
    """DSP slices of a multiply-accumulate a cycle at the target's precision.

    Raises
    ------
    InputError
        MB401 if the profile does not say.
    """
    hls = target.processor.hls
    if hls is None or target.precision not in hls.dsp_per_mac:
        where = f"processors.{target.processor.name}.hls.dsp_per_mac.{target.precision}"
        fail("MB401", f"the profile of {target.device.name} has no {where}", hint="add it with its source")
    return int(hls.dsp_per_mac[target.precision].value)


def _designs(tm: Array, tn: Array, tr: Array, tc: Array) -> DesignPoint:
    """Many design points at once."""
    arrays: Any = (tm, tn, tr, tc)
    return DesignPoint(*arrays)


def _needs(resources: Resources) -> tuple[Array, Array]:
    """Multiplier slices and block RAMs of many design points."""
    arrays: Any = resources
    return arrays.dsp, arrays.bram


def _latency(kernels: tuple[Kernel, ...], designs: DesignPoint, rates_s: Mapping[str, float]) -> Any:
    form: LatencyForm = replace(HLS_TILING, terms=terms_of(designs))
    return add_up(item.latency_s for item in form.estimate(kernels, rates_s))


def _pairs(kernels: tuple[Kernel, ...], limits: Resources, dsp_per_mac: int) -> tuple[Array, Array]:
    """All pairs of Tm and Tn within the multipliers, up to the largest numbers of channels of the layers."""
    layers = [kernel.main for kernel in kernels if kernel.kind in PRODUCTS]
    most = (limits.dsp or 0) // dsp_per_mac
    outputs = max((layer.output_shape.channels for layer in layers), default=1)
    inputs = max((layer.input_shapes[0].channels for layer in layers), default=1)
    pairs = [(tm, tn) for tm in range(1, min(outputs, most) + 1) for tn in range(1, min(inputs, most // tm) + 1)]
    if not pairs:
        fail("MB402", f"{limits.dsp:,} DSP slices are not enough for one multiplier of {dsp_per_mac}")
    tm, tn = np.array(pairs, dtype=np.int64).T
    return tm, tn


def _pixel_tiles(kernels: tuple[Kernel, ...]) -> tuple[Array, Array]:
    """Heights and widths of tiles: all combinations of the network's output sizes divided into equal parts."""
    shapes = [kernel.main.output_shape for kernel in kernels if kernel.kind in PRODUCTS]
    rows, columns = {shape.height for shape in shapes}, {shape.width for shape in shapes}
    tr, tc = np.meshgrid(_parts(rows), _parts(columns), indexing="ij")
    return tr.ravel(), tc.ravel()


def _parts(sizes: set[int]) -> Array:
    found = {ceil_div(size, parts) for size in sizes for parts in range(1, MOST_PARTS + 1)}
    return np.array(sorted(found | {1}), dtype=np.int64)
