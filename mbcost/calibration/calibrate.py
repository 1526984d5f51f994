"""A calibration from measured rows: what `mbcost calibrate` does between reading files and writing one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from os import PathLike
from typing import Final

import numpy as np

from mbcost.calibration import fit as fitting
from mbcost.calibration.install import without_peak
from mbcost.calibration.measurements import (
    Measurement,
    files_of,
    noise_of,
    of_target,
    strangers,
    work_of,
)
from mbcost.calibration.record import Calibration
from mbcost.calibration.start import start_times
from mbcost.devices import Target, as_target
from mbcost.errors import InputError, Problem, fail
from mbcost.latency.model import latency_model, spread_of

#: Mean absolute error of held-out latencies above which a fit is called poor [1].
POOR_FIT: Final = 0.15
#: Share of the memory's bandwidth above which a fitted rate of traffic is doubted: caches serve a part of it [1].
MOST_OF_BANDWIDTH: Final = 2.0


def calibrate(
    device: str | Target,
    measurements: str | PathLike[str] | Iterable[str | PathLike[str]],
    *,
    precision: str | None = None,
    threads: int | None = None,
) -> Calibration:
    """Fit a target's rates to measured latencies; the result is an argument `calibration` of :func:`mbcost.analyze`.

    Parameters
    ----------
    device, precision, threads
        As for :func:`mbcost.analyze`.
    measurements
        CSV files of networks or of kernels, or logs of benchmark tools: one or several.

    Raises
    ------
    InputError
        MB600 with every row that cannot be used, MB606 with every run of a log, and what :func:`calibrate_on` raises.
    """
    from mbcost.calibration.inputs import read_inputs

    if not isinstance(device, (str, Target)):  # the order before 0.2
        text = "mbcost.calibrate takes the device first, then the measurements"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        device, measurements = measurements, device
    inputs = read_inputs(files_of(measurements))
    if isinstance(device, str):
        target = inputs.target(device, precision, threads)
    else:
        target = as_target(device, precision, threads)
    return calibrate_on(
        of_target(inputs.measurements(target, precision=precision, threads=threads)[0], target), target
    )[0]


def calibrate_on(
    rows: Sequence[Measurement], target: Target, *, own_peak: bool = True
) -> tuple[Calibration, list[Problem]]:
    """The calibration of a target from latencies of networks, operators and kernels, and warnings about rows.

    Networks of one architecture, and kernels of one operator, are held out together to test how the fit generalises.

    Parameters
    ----------
    own_peak
        Whether the peak in the profile is the device's own; one of another device limits no rate.

    Raises
    ------
    InputError
        MB600 if there are too few rows, MB602 if the fit failed, MB010 if the target's form has nothing to fit, and the
        problems of every row whose network cannot be built or run.
    """
    runtime, form, rates = latency_model(target)
    spread = spread_of(target, runtime, form)
    if form.overlap != "none":
        fail("MB010", f"the form {form.name} is not a sum of terms: there is nothing to fit for {target.name}")
    work = work_of(rows, target)

    def fitted(limited: Target) -> Calibration:
        return fitting.calibrate(
            limited,
            form,
            [row.name for row in rows],
            work.counts,
            work.macs,
            work.measured_s,
            {name: float(rate.seconds) for name, rate in rates.items()},
            date=datetime.now(UTC).date().isoformat(),
            source="; ".join(dict.fromkeys(row.source or row.location.path for row in rows)),
            groups=[row.group for row in rows],
            within=[row.network for row in rows] if any(row.kind == "operator" for row in rows) else None,
            noise=noise_of(rows) if spread is None else noise_of(rows, spread.noise),
            scored=np.array([row.kind == "network" for row in rows]),
            spread=spread,
        )

    beyond: list[Problem] = []
    try:
        calibration = fitted(target if own_peak else without_peak(target))
    except InputError as error:
        if target.device.origin == "shipped" or target.peak is None:
            raise
        calibration, beyond = _unlimited(fitted, target, error)
    start = start_times(rows, work)
    calibration = replace(calibration, load=start.load, first=start.first)
    predicted = work.counts @ np.array([rate.seconds for rate in calibration.rates.values()])
    return calibration, [*strangers(rows, predicted / work.measured_s), *beyond, *doubts(calibration)]


def _unlimited(
    fitted: Callable[[Target], Calibration], target: Target, failure: InputError
) -> tuple[Calibration, list[Problem]]:
    """A fit to latencies that the peak of a user's profile forbids, and a warning; the failure if that is not it."""
    try:
        calibration = fitted(without_peak(target))
    except InputError:
        raise failure from None
    hint = "the clock or the chip in its profile is another one's; or the latencies' unit is wrong"
    message = f"the latencies are faster than the peak of {target.device.name} allows, so it limits no rate"
    return calibration, [Problem("MB602", message, hint=hint, severity="warning")]


def doubts(calibration: Calibration) -> list[Problem]:
    """Warnings about a fit as a whole: large held-out errors, arithmetic at its peak, traffic above the bandwidth."""
    found = []
    error = calibration.residuals.mape
    if error > POOR_FIT and calibration.networks >= fitting.FEWEST:  # fewer are predicted by the priors
        hint = "are all rows of this target? more networks, of several kinds, decide more rates"
        message = f"the fit is poor: latencies that are left out are wrong by {error:.1%} on average"
        found.append(Problem("MB602", message, hint=hint, severity="warning"))
    for name, rate in calibration.rates.items():
        share = rate.limit / rate.seconds if rate.seconds else 0.0
        if rate.at_limit and rate.state == "data":
            hint = (
                "is the profile that of the device? One that is like it, with a peak of its own, is a device of its own"
            )
            message = f"`{name}` is at the processor's peak: the latencies are faster than the profile allows"
            found.append(Problem("MB602", message, hint=hint, severity="warning"))
        if rate.unit == "B" and rate.state == "data" and share > MOST_OF_BANDWIDTH:
            hint = "caches hold a part of it; or the profile's bandwidth, or the latencies' unit, is wrong"
            message = f"`{name}` is {share:.0%} of the memory's bandwidth"
            found.append(Problem("MB602", message, hint=hint, severity="warning"))
    return found
