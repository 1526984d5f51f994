"""The model of a target (rules, form, rates and calibration, chosen once) and its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from mbcost.basis import Basis, basis_of
from mbcost.calibration.apply import CalibrationChoice, applied, choose_calibration, interval_of, workload_of
from mbcost.calibration.interval import Workload, posterior_variance
from mbcost.calibration.record import Calibration
from mbcost.devices import Precision, Target, as_target
from mbcost.devices.hosts import host_of
from mbcost.errors import fail
from mbcost.graph import Layer, LayerGraph
from mbcost.hosting import RESTART_FACTOR, RESTART_S, accelerator_part, crossing_s, crossings, is_hosted, on_host
from mbcost.kernels import Kernel, Runtime, load_runtime, map_to_kernels
from mbcost.latency import KernelEstimate, LatencyForm, Rate
from mbcost.latency.form import Spread
from mbcost.latency.forms import form_of
from mbcost.latency.im2col import lowered
from mbcost.latency.model import computed_target, spread_of
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.numeric import Real, add_up, holds_for_all, square_root, where
from mbcost.operators import Dense, Opaque
from mbcost.words import Lowering

#: How many times its traffic's time an operator may take that is estimated by its traffic. Chosen: an order of
#: magnitude, since its arithmetic is not known. Upper ends of intervals of networks with such operators depend on it.
UNKNOWN_FACTOR: Final = 10.0


class TargetModel(NamedTuple):
    """The rules, form, rates and calibration of a target; the same for every network.

    `host` is the model of what computes the layers that the target does not take; None where that is not known, and for
    a runtime that takes all.
    """

    target: Target
    runtime: Runtime
    form: LatencyForm
    rates: Mapping[str, Rate]
    calibration: Calibration | None
    host: TargetModel | None = None

    @property
    def precision(self) -> Precision:
        """What is computed in, where that is not the target's precision."""
        return computed_target(self.target, self.runtime).precision

    @property
    def element_bytes(self) -> int:
        """Bytes of an activation or weight as the runtime has them [B]."""
        return ELEMENT_BYTES[self.precision]

    @property
    def basis(self) -> Basis:
        """What the predictions rest on."""
        return basis_of(computed_target(self.target, self.runtime), self.runtime, self.form, self.calibration)


def prepare(target: Target, calibration: CalibrationChoice = None, lowering: Lowering = "auto") -> TargetModel:
    """Look up the rules, the form, the rates and the calibration of a target.

    Parameters
    ----------
    calibration, lowering
        As for :func:`mbcost.analyze`.

    Raises
    ------
    InputError
        MB304 if there are no rules for its runtime, MB401 if its profile lacks a number that the form needs, MB010 if
        the form has no lowered convolutions, and the problems of the calibration.
    """
    (runtime, form, rates), fitted = applied(target, calibration)
    if lowering != "auto":
        runtime, form, rates = lowered(target, runtime, form, rates)
    return TargetModel(target, runtime, form, rates, fitted, _host(target, runtime))


def _host(target: Target, runtime: Runtime) -> TargetModel | None:
    if not runtime.hands_back or target.outside == "free":
        return None
    host = host_of(target)
    return None if host is None else prepare(host)


def target_for(
    device: str | Target, precision: str | None = None, threads: int | None = None, stated: str | None = None
) -> Target:
    """The target at the precision asked for, else at that which a model states if it has it, else at its own.

    Parameters
    ----------
    stated
        Precision of a quantised model. A :class:`~mbcost.devices.Target` has its own already.

    Raises
    ------
    InputError
        As :func:`mbcost.devices.as_target`.
    """
    target = as_target(device, precision, threads)
    if isinstance(device, Target) or precision is not None or stated not in target.processor.precisions:
        return target
    return as_target(target, stated)


class Prediction(NamedTuple):
    """Kernels and latencies [s] of one network, or of an array of configurations."""

    kernels: tuple[Kernel, ...]
    estimates: tuple[KernelEstimate, ...]
    latency_s: Real
    latency_low_s: Real
    latency_high_s: Real
    workload: Workload | None


def predict(graph: LayerGraph, model: TargetModel, *, batch: int, estimate_unsupported: bool = False) -> Prediction:
    """The latency of a network on a target, with its 90 % interval; of one configuration, or of an array of them.

    Raises
    ------
    InputError
        MB400 for every operator without a kernel, MB403 for products that a target hands back to a host that is not
        known.
    MixedConfigurationsError
        If the configurations of an array differ in their kernels.
    """
    kernels = kernels_of(graph, model, batch=batch, estimate_unsupported=estimate_unsupported)
    _check_host(kernels, model.target)
    mine = _predicted(accelerator_part(kernels, model.target), model)
    if not any(map(is_hosted, kernels)):
        return mine._replace(kernels=kernels)
    part = _hosted_part(graph, kernels, model)
    return Prediction(
        kernels,
        tuple([part.estimates.get(position, one) for position, one in enumerate(mine.estimates)]),
        mine.latency_s + part.latency_s,
        mine.latency_low_s + part.low_s,
        mine.latency_high_s + part.high_s,
        mine.workload,
    )


def _check_host(kernels: tuple[Kernel, ...], target: Target) -> None:
    """Refuse products on a host that is not known: element-wise work can be charged by its traffic, they cannot."""
    lost = [
        kernel.name
        for kernel in kernels
        if kernel.kind == "outside" and not is_hosted(kernel) and not holds_for_all(kernel.macs == 0)
    ]
    if not lost or target.outside == "free":
        return
    what = "1 layer" if len(lost) == 1 else f"{len(lost)} layers"
    names = f"{', '.join(lost[:5])}{', ...' if len(lost) > 5 else ''}"
    fail(
        "MB403",
        f"{target.name} leaves {what} with products to a host that its profile does not have: {names}",
        hint="name the host, such as `--host-device raspberry_pi_5`, or leave them out by `--outside free`",
    )


def kernels_of(
    graph: LayerGraph, model: TargetModel, *, batch: int, estimate_unsupported: bool = False
) -> tuple[Kernel, ...]:
    """The kernels that a target launches for a network, and those of its host."""
    return map_to_kernels(
        graph,
        model.runtime,
        batch=batch,
        element_bytes=model.element_bytes,
        estimate_unsupported=estimate_unsupported,
        host=None if model.host is None else model.host.runtime,
    )


def estimates_of(
    graph: LayerGraph, kernels: tuple[Kernel, ...], model: TargetModel, seconds: Mapping[str, Real]
) -> tuple[KernelEstimate, ...]:
    """The time of every kernel and its split, at changed rates of the target.

    Parameters
    ----------
    seconds
        Term -> seconds a count.
    """
    mine = model.form.estimate(accelerator_part(kernels, model.target), seconds)
    if not any(map(is_hosted, kernels)):
        return mine
    part = _hosted_part(graph, kernels, model)
    return tuple([part.estimates.get(position, one) for position, one in enumerate(mine)])


class _HostedPart(NamedTuple):
    """What the host takes: position of the kernel -> its time, the sum and the ends of its interval [s]."""

    estimates: Mapping[int, KernelEstimate]
    latency_s: Real
    low_s: Real
    high_s: Real


def _hosted_part(graph: LayerGraph, kernels: tuple[Kernel, ...], model: TargetModel) -> _HostedPart:
    """The host's kernels with their copies and restarts, which count as overhead."""
    assert model.host is not None
    own = [on_host(kernel, model.host.element_bytes) for kernel in kernels if is_hosted(kernel)]
    predicted = _predicted(tuple(own), model.host)
    crossing = crossings(graph, kernels)
    estimates, between, restarts = {}, [], 0
    for (position, crosses), one in zip(crossing.items(), predicted.estimates, strict=True):
        extra = crossing_s(crosses, model.target)
        estimates[position] = one._replace(latency_s=one.latency_s + extra, overhead_s=one.overhead_s + extra)
        between.append(extra)
        restarts += crosses.restarts
    total = add_up(between)
    unsure = restarts * RESTART_S
    return _HostedPart(
        estimates,
        predicted.latency_s + total,
        predicted.latency_low_s + total - unsure * (1 - 1 / RESTART_FACTOR),
        predicted.latency_high_s + total + unsure * (RESTART_FACTOR - 1),
    )


def _predicted(kernels: tuple[Kernel, ...], model: TargetModel) -> Prediction:
    """The latency of kernels of one target."""
    target, runtime, form, rates, fitted = model[:5]
    counts = form.counts(kernels)
    estimates = form.estimate(kernels, {name: rate.seconds for name, rate in rates.items()}, counts)
    latency = add_up(item.latency_s for item in estimates)
    more = more_at_most(kernels, estimates, runtime)
    spread = None if fitted is not None else spread_of(target, runtime, form)
    if spread is not None:
        factor = _uncalibrated_factor(spread, rates, form.total(kernels, counts), latency)
        return Prediction(kernels, estimates, latency, latency * (1 / factor), latency * factor + more, None)
    if fitted is None:
        low, high = runtime.interval(target.processor.model, model.precision)
        return Prediction(kernels, estimates, latency, latency * low.value, latency * high.value + more, None)
    fitted_rates = {name: rate for name, rate in rates.items() if name in fitted.rates}  # forced lowering is not
    workload = workload_of(kernels, form.total(kernels, counts), fitted_rates)
    factor = interval_of(fitted, target, workload)
    return Prediction(kernels, estimates, latency, latency * (1 / factor), latency * factor + more, workload)


def more_at_most(kernels: tuple[Kernel, ...], estimates: tuple[KernelEstimate, ...], runtime: Runtime) -> Real:
    """What the upper end of an interval has to allow for kernels whose time is a lower bound [s].

    An operator that is estimated by its traffic may compute more: :data:`UNKNOWN_FACTOR`. The steps of a recurrent
    layer run one after another, each in at most the time of all at once.
    """
    more: Real = 0.0
    for kernel, item in zip(kernels, estimates, strict=True):
        operator = kernel.main.operator
        if isinstance(operator, Dense) and operator.sequential:
            more = more + item.latency_s * (kernel.main.input_shapes[0].pixels - 1)
        elif is_estimated(kernel.main, runtime):
            more = more + item.latency_s * (UNKNOWN_FACTOR - 1)
    return more


def is_estimated(layer: Layer, runtime: Runtime) -> bool:
    """Whether a layer's arithmetic is not known, or the runtime has no kernel for it: only its traffic is charged."""
    operator = layer.operator
    return (isinstance(operator, Opaque) and not operator.known) or runtime.kernel_kind(layer) is None


def _uncalibrated_factor(
    spread: Spread, rates: Mapping[str, Rate], counts: Mapping[str, Real], latency_s: Real
) -> Real:
    """The factor of the 90 % interval [1] from how far learned rates may be off; of one network, or of an array."""
    whole = where(latency_s > 0, latency_s, 1.0)
    relative = [counts[name] * rate.seconds / whole for name, rate in rates.items()]
    variance = posterior_variance(spread.covariance, relative)
    factor: Real = 1 + spread.width * square_root(spread.noise**2 + variance)
    return factor


def basis_of_target(target: Target, calibration: CalibrationChoice = None) -> Basis:
    """What the latencies of a target rest on, which needs no network.

    Parameters
    ----------
    calibration
        As for :func:`mbcost.analyze`.

    Raises
    ------
    InputError
        As :func:`prepare`, but for numbers that the profile lacks.
    """
    runtime = load_runtime(target.runtime_file)
    computed = computed_target(target, runtime)
    form = form_of(runtime)
    return basis_of(computed, runtime, form, choose_calibration(computed, form, calibration))


def estimate(kernels: tuple[Kernel, ...], form: LatencyForm, rates: Mapping[str, Rate]) -> tuple[KernelEstimate, ...]:
    """The time of every kernel of one target and its split."""
    return form.estimate(kernels, {name: rate.seconds for name, rate in rates.items()})
