"""The model of a target (rules, form, rates and calibration, chosen once) and its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from mbcost.basis import Basis, basis_of
from mbcost.calibration.apply import CalibrationChoice, choose_calibration, interval_of, scale_to_threads, workload_of
from mbcost.calibration.interval import Workload, posterior_variance
from mbcost.calibration.rates import calibrated_rates
from mbcost.calibration.record import Calibration
from mbcost.devices import Precision, Target, as_target
from mbcost.graph import Layer, LayerGraph
from mbcost.kernels import Kernel, Runtime, load_runtime, map_to_kernels
from mbcost.latency import KernelEstimate, LatencyForm, Rate
from mbcost.latency.form import Spread
from mbcost.latency.forms import form_of
from mbcost.latency.im2col import lowered
from mbcost.latency.model import computed_target, latency_model, spread_of
from mbcost.latency.rates import ELEMENT_BYTES
from mbcost.numeric import Real, add_up, square_root, where
from mbcost.operators import Dense, Opaque
from mbcost.words import Lowering

#: How many times its traffic's time an operator may take that is estimated by its traffic. Chosen: an order of
#: magnitude, since its arithmetic is not known. Upper ends of intervals of networks with such operators depend on it.
UNKNOWN_FACTOR: Final = 10.0


class TargetModel(NamedTuple):
    """The rules, form, rates and calibration of a target; the same for every network."""

    target: Target
    runtime: Runtime
    form: LatencyForm
    rates: Mapping[str, Rate]
    calibration: Calibration | None

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
    runtime, form, rates = latency_model(target)
    fitted = choose_calibration(computed_target(target, runtime), form, calibration)
    if fitted is not None:
        as_measured = latency_model(replace(target, threads=fitted.threads)).rates
        rates = calibrated_rates(fitted, rates, scale_to_threads(fitted, rates, as_measured))
    if lowering != "auto":
        runtime, form, rates = lowered(target, runtime, form, rates)
    return TargetModel(target, runtime, form, rates, fitted)


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
        MB400 for every operator without a kernel.
    MixedConfigurationsError
        If the configurations of an array differ in their kernels.
    """
    target, runtime, form, rates, fitted = model
    element_bytes = model.element_bytes
    kernels = map_to_kernels(
        graph, runtime, batch=batch, element_bytes=element_bytes, estimate_unsupported=estimate_unsupported
    )
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
    """The time of every kernel and its split."""
    return form.estimate(kernels, {name: rate.seconds for name, rate in rates.items()})
