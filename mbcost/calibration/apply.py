"""Applies a calibration to a target: rates and intervals in place of those of its profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from mbcost.calibration.interval import Workload, interval_factor, unlike
from mbcost.calibration.rates import calibrated_rates
from mbcost.calibration.record import Calibration, matches
from mbcost.devices import Target
from mbcost.kernels import Kernel
from mbcost.latency.form import LatencyForm, Rate
from mbcost.latency.model import LatencyModel, computed_target, latency_model
from mbcost.numeric import Real, add_up, where

#: None for the target's own calibration, a path for that file, a calibration for itself if it is of the target (else
#: the target's own), False for none.
CalibrationChoice: TypeAlias = "str | PathLike[str] | Calibration | bool | None"


def choose_calibration(target: Target, form: LatencyForm, choice: CalibrationChoice) -> Calibration | None:
    """The calibration to use for a target.

    Raises
    ------
    InputError
        With every problem of its file; MB601 if a file that was named is of another target.
    """
    if choice is False:
        return None
    from mbcost.calibration.file import find_calibration, load_calibration

    if isinstance(choice, Calibration):
        found = choice if matches(choice, target) else find_calibration(target)
    elif choice is None or choice is True:
        found = find_calibration(target)
    else:
        found = load_calibration(Path(choice), target)
    return found if found is not None and found.form == form.name else None


def applied(target: Target, choice: CalibrationChoice = None) -> tuple[LatencyModel, Calibration | None]:
    """The rules, the form and the rates of a target with its calibration, if it has one.

    Raises
    ------
    InputError
        As :func:`mbcost.latency.model.latency_model` and :func:`choose_calibration`.
    """
    model = latency_model(target)
    fitted = choose_calibration(computed_target(target, model.runtime), model.form, choice)
    if fitted is None:
        return model, None
    as_measured = latency_model(replace(unchanged(target), threads=fitted.threads)).rates
    factors = scale_to_threads(fitted, model.rates, as_measured)
    return model._replace(rates=calibrated_rates(fitted, model.rates, factors)), fitted


def unchanged(target: Target) -> Target:
    """The target on the device as it is, without what was changed for a what-if."""
    device = target.device.unchanged
    return (
        target if device is None else replace(target, device=device, processor=device.processors[target.processor.name])
    )


def scale_to_threads(
    calibration: Calibration, uncalibrated: Mapping[str, Rate], other: Mapping[str, Rate]
) -> dict[str, float]:
    """Factor on each fitted rate for what was not measured, threads or a changed device, from the profile's rates.

    Parameters
    ----------
    uncalibrated
        Rates from the profile for the wanted number of threads, and of the changed device.
    other
        The same for what the calibration was measured on.
    """
    pairs = {name: (float(uncalibrated[name].seconds), float(other[name].seconds)) for name in calibration.rates}
    return {name: wanted / measured if measured else 1.0 for name, (wanted, measured) in pairs.items()}


def workload_of(kernels: Iterable[Kernel], counts: Mapping[str, Real], rates: Mapping[str, Rate]) -> Workload:
    """The figures by which a network, or an array of them, is compared with a calibration's networks.

    Parameters
    ----------
    counts
        Term -> sum of its counts, as of :func:`mbcost.latency.form.count_vector`.
    """
    seconds = {name: counts[name] * rate.seconds for name, rate in rates.items()}
    latency_s = add_up(seconds.values())
    whole = where(latency_s > 0, latency_s, 1.0)
    shares = {name: value / whole for name, value in seconds.items()}
    return Workload(add_up(kernel.macs for kernel in kernels), latency_s, shares, counts)


def interval_of(calibration: Calibration, target: Target, workload: Workload) -> Real:
    """The factor of a network's 90 % interval [1], or those of an array of networks."""
    return interval_factor(calibration, workload, calibration.threads != target.threads)


def notes_on(calibration: Calibration, target: Target, workload: Workload) -> list[str]:
    """Caveats of a calibration where it predicts one network."""
    different = unlike(calibration, workload)
    notes = []
    if different:
        notes.append(
            f"outside the range that {calibration.name} was calibrated on, so the interval is wider: "
            f"{'; '.join(different)}"
        )
    return [*notes, *notes_on_threads(calibration, target)]


def notes_on_threads(calibration: Calibration, target: Target) -> list[str]:
    """Caveats of a calibration of another number of threads."""
    if calibration.threads == target.threads:
        return []
    measured, wanted = _threads(calibration.threads), _threads(target.threads)
    return [f"calibrated with {measured}; {wanted} are scaled by the profile, so the interval is wider"]


def _threads(number: int) -> str:
    return "1 thread" if number == 1 else f"{number} threads"
