"""The breakdown of an analysis as plain data for reports: no formatting, no terminal, no HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mbcost import readable
from mbcost.analysis import Analysis
from mbcost.devices import Quantity
from mbcost.graph.counting import macs_by_layer, params_by_layer
from mbcost.hosting import is_hosted, on_host
from mbcost.kernels import Kernel, KernelKind, Parameter
from mbcost.latency import KernelEstimate, LatencyForm, Rate
from mbcost.latency.model import spread_of
from mbcost.operators import Activation, BatchNorm, Conv2d, DepthwiseConv2d, Operator, TransposedConv2d
from mbcost.words import GroupBy

_NAME_OF_KIND: Final[Mapping[KernelKind, str]] = {
    "dense": "dense",
    "matmul": "matmul",
    "pool": "pool",
    "softmax": "softmax",
    "copy": "copy",
    "elementwise": "elementwise",
}


@dataclass(frozen=True, slots=True)
class KernelTime:
    """A kernel with its time.

    Attributes
    ----------
    share
        Share of the network's time [1].
    macs_per_s
        Achieved throughput [MAC/s]; None for a kernel without multiply-accumulates.
    peak_share
        `macs_per_s` over the target's arithmetic peak [1]; None where the profile has no peak.
    fused
        Layers that it computes in addition to its main one.
    """

    kernel: Kernel
    estimate: KernelEstimate
    share: float
    macs_per_s: float | None
    peak_share: float | None

    @property
    def name(self) -> str:
        return self.kernel.name

    @property
    def latency_s(self) -> float:
        return self.estimate.latency_s

    @property
    def traffic_bytes(self) -> int:
        """Input, output and weights [B]."""
        kernel = self.kernel
        return (kernel.input_elements + kernel.output_elements + kernel.weight_elements) * kernel.element_bytes

    @property
    def fused(self) -> int:
        return len(self.kernel.layers) - 1


@dataclass(frozen=True, slots=True)
class TimeShare:
    """The time of some kernels together.

    Attributes
    ----------
    count
        Number of kernels.
    split_s
        The time by part, in the order of :data:`mbcost.latency.form.GROUPS` [s]; see :func:`spent`.
    share, cumulative
        Share of the network's time: of this entry, and of all entries up to it [1].
    macs_share, params_share
        Share of the network's MACs and parameters, by the analysis's conventions [1].
    """

    label: str
    count: int
    latency_s: float
    split_s: tuple[float, ...]
    share: float
    cumulative: float
    macs_share: float
    params_share: float


def kernel_times(analysis: Analysis) -> list[KernelTime]:
    """Every kernel that takes time, in execution order."""
    peak = peak_macs_per_s(analysis)
    total = analysis.latency_s
    result = []
    for kernel, estimate in zip(analysis.kernels, analysis.estimates, strict=True):
        if kernel.kind == "view" or not estimate.latency_s:
            continue
        achieved = kernel.macs / estimate.latency_s if kernel.macs else None
        own = not is_hosted(kernel)
        peak_share = achieved / peak if achieved is not None and peak and own else None
        result.append(KernelTime(kernel, estimate, estimate.latency_s / total, achieved, peak_share))
    return result


def slowest(analysis: Analysis) -> list[KernelTime]:
    """The kernels by time, slowest first; equal ones in execution order."""
    return sorted(kernel_times(analysis), key=lambda row: row.latency_s, reverse=True)


def time_by(analysis: Analysis, group_by: GroupBy) -> list[TimeShare]:
    """Time by operator class or by block, largest first, or by layer in execution order."""
    label: Callable[[Kernel], str] = {
        "op": operator_class,
        "block": lambda kernel: kernel.main.block,
        "layer": lambda kernel: kernel.name,
    }[group_by]
    return time_in_groups(analysis, label, ordered=group_by == "layer")


def time_in_groups(analysis: Analysis, label: Callable[[Kernel], str], *, ordered: bool = False) -> list[TimeShare]:
    """Time of the kernels of each label, largest first, or in execution order if `ordered`."""
    groups: dict[str, list[KernelTime]] = {}
    for row in kernel_times(analysis):
        groups.setdefault(label(row.kernel), []).append(row)
    found: Iterable[tuple[str, list[KernelTime]]] = groups.items()
    if not ordered:
        found = sorted(found, key=lambda item: sum(row.latency_s for row in item[1]), reverse=True)
    result: list[TimeShare] = []
    cumulative = 0.0
    macs = macs_by_layer(analysis.layer_graph, analysis.macs_convention)
    params = params_by_layer(analysis.layer_graph, analysis.params_convention)
    all_macs, all_params = sum(macs) or 1, sum(params) or 1
    for name, rows in found:
        latency = sum(row.latency_s for row in rows)
        split = tuple(map(sum, zip(*(_spent(row, analysis.form) for row in rows), strict=True)))
        share = latency / analysis.latency_s
        cumulative += share
        layers = [position for row in rows for position in row.kernel.layers]
        of_macs = sum(macs[position] for position in layers) / all_macs
        of_params = sum(params[position] for position in layers) / all_params
        result.append(TimeShare(name, len(rows), latency, split, share, cumulative, of_macs, of_params))
    return result


@dataclass(frozen=True, slots=True)
class TermTime:
    """A term of the latency form over the whole network.

    Attributes
    ----------
    count, unit
        How much of it there is, such as 319e6 MAC.
    rate
        Seconds a unit, and what they were computed from.
    latency_s
        Time of all of it, were it alone [s].
    """

    name: str
    count: float
    unit: str
    rate: Rate
    latency_s: float


def term_times(analysis: Analysis) -> list[TermTime]:
    """The terms that occur in the kernels that the target runs itself, largest first."""
    counts: dict[str, float] = {}
    for kernel in analysis.kernels:
        if not is_hosted(kernel):
            for term, count in analysis.form.explain(kernel):
                counts[term.name] = counts.get(term.name, 0.0) + float(count)
    found = [
        TermTime(term.name, counts[term.name], term.unit, rate, counts[term.name] * float(rate.seconds))
        for term in analysis.form.terms
        if counts.get(term.name) and (rate := analysis.rates[term.name])
    ]
    return sorted(found, key=lambda each: each.latency_s, reverse=True)


def _spent(row: KernelTime, form: LatencyForm) -> tuple[float, ...]:
    return tuple(row.estimate[1:]) if is_hosted(row.kernel) else spent(row.estimate, form)


def spent(estimate: KernelEstimate, form: LatencyForm) -> tuple[float, ...]:
    """A kernel's time by part [s], in the order of :data:`mbcost.latency.form.GROUPS`.

    The parts add up to the kernel's time: of parts that overlap, only the longest counts.
    """
    compute, activation, weight, lowering, overhead = estimate[1:]
    if form.overlap == "none":
        return compute, activation, weight, lowering, overhead
    memory = activation + weight if form.overlap == "full" else max(activation, weight)
    if compute >= memory:
        activation = weight = 0.0
    else:
        compute = 0.0
    if form.overlap == "parallel":
        activation, weight = (activation, 0.0) if activation >= weight else (0.0, weight)
    return compute, activation, weight, lowering, overhead


def operator_class(kernel: Kernel) -> str:
    """The operator class of a kernel, named as in the papers: ``pointwise``, ``3x3 conv``, ``depthwise 5x5``.

    What the host computes is a class of its own: ``dense, on the host``.
    """
    if is_hosted(kernel):
        return f"{operator_class(on_host(kernel, kernel.element_bytes))}, on the host"
    operator = kernel.main.operator
    if isinstance(operator, DepthwiseConv2d) or kernel.kind == "depthwise":
        return f"depthwise {_window(operator)}"
    if isinstance(operator, Conv2d):
        if operator.groups != 1:
            return f"grouped {_window(operator)} conv"
        return "pointwise" if operator.kernel == (1, 1) else f"{_window(operator)} conv"
    if isinstance(operator, TransposedConv2d):
        return f"transposed {_window(operator)} conv"
    if isinstance(operator, Activation):
        return "activation"
    if isinstance(operator, BatchNorm):
        return "batch norm"
    return _NAME_OF_KIND.get(kernel.kind, kernel.op)


def _window(operator: Operator) -> str:
    height, width = operator.kernel  # type: ignore[attr-defined]
    return f"{height}x{width}"


def peak_macs_per_s(analysis: Analysis) -> float | None:
    """The target's arithmetic peak at its precision, of all threads in use [MAC/s]; None where the profile has none."""
    target = analysis.target
    if target.peak is None:
        return None
    return target.peak.value * (target.threads if target.processor.kind == "cpu" else 1)


def interval_source(analysis: Analysis) -> str:
    """Where the bounds around the latency come from, and what the latency leaves out, if anything."""
    lost = sum(len(kernel.layers) for kernel in analysis.kernels if kernel.kind == "outside")
    if lost and analysis.target.outside == "free":
        return f"without {'1 layer' if lost == 1 else f'{lost} layers'} outside of it; {_interval_source(analysis)}"
    return _interval_source(analysis)


def _interval_source(analysis: Analysis) -> str:
    fitted = analysis.calibration
    if fitted is not None:
        return f"leave-one-out predictions of {fitted.networks} latencies of this target"
    spread = spread_of(analysis.target, analysis.runtime, analysis.form)
    if spread is not None:
        devices = "boards" if analysis.target.processor.microcontroller else "phones"
        return f"predictions of {devices} that were left out; rates are {spread.origin}"
    bound, _ = analysis.runtime.interval(analysis.target.processor.model, analysis.target.precision)
    return f"{bound.source}: {bound.reference}"


def caveats(analysis: Analysis, *, values: bool = False) -> list[str]:
    """The caveats: the analysis's warnings, then what it depends on that is assumed.

    Parameters
    ----------
    values
        Whether to give the assumed rates with their values.
    """
    profile: list[str] = []
    runtime: dict[str, list[str]] = {}
    for place, value in analysis.assumptions().items():
        if isinstance(value, Quantity):
            profile.append(f"{place} {value.text}")
        else:
            # references end in what is true of one parameter only: "...: 0.099 ns a MAC"
            common = value.reference.rpartition(": ")[0] or value.reference
            runtime.setdefault(common, []).append(_parameter(value) if values else _words(value))
    result = list(analysis.warnings)
    if profile:
        result.append(f"assumed in the profile of {analysis.target.device.name}: {', '.join(profile)}")
    learned = analysis.calibration is None and analysis.form.spread is not None
    for reference, names in () if learned else runtime.items():  # a warning says what learned rates rest on
        rates = ", ".join(dict.fromkeys(names))
        result.append(f"assumed rates of {analysis.runtime.name}: {rates} ({reference})")
    return result


def _words(parameter: Parameter) -> str:
    """What a parameter is a rate of."""
    return parameter.name.removesuffix("_rate").removesuffix("_cycles").removesuffix("_time").replace("_", " ")


def _parameter(parameter: Parameter) -> str:
    return f"{parameter.name} {readable.with_unit(parameter.value, parameter.unit)}"
