"""A calibration from measured rows: what `mbcost calibrate` does between reading files and writing one."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from os import PathLike
from typing import Final

import numpy as np

from mbcost.calibration import fit as fitting
from mbcost.calibration.measurements import (
    Measurement,
    files_of,
    noise_of,
    of_target,
    strangers,
    work_of,
)
from mbcost.calibration.record import Calibration
from mbcost.devices import Target, as_target
from mbcost.errors import Problem, fail
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
    return calibrate_on(of_target(inputs.measurements(target)[0], target), target)[0]


def calibrate_on(rows: Sequence[Measurement], target: Target) -> tuple[Calibration, list[Problem]]:
    """The calibration of a target from latencies of networks, of kernels, or of both, and warnings about rows.

    Networks of one architecture, and kernels of one operator, are held out together to test how the fit generalises.

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
    calibration = fitting.calibrate(
        target,
        form,
        [row.name for row in rows],
        work.counts,
        work.macs,
        work.measured_s,
        {name: float(rate.seconds) for name, rate in rates.items()},
        date=datetime.now(UTC).date().isoformat(),
        source="; ".join(dict.fromkeys(row.source or row.location.path for row in rows)),
        groups=[row.group for row in rows],
        noise=noise_of(rows) if spread is None else noise_of(rows, spread.noise),
        scored=np.array([row.kind == "network" for row in rows]),
        spread=spread,
    )
    predicted = work.counts @ np.array([rate.seconds for rate in calibration.rates.values()])
    return calibration, [*strangers(rows, predicted / work.measured_s), *doubts(calibration)]


def doubts(calibration: Calibration) -> list[Problem]:
    """Warnings about a fit as a whole: large held-out errors, and traffic far above the memory's bandwidth."""
    found = []
    error = calibration.residuals.mape
    if error > POOR_FIT and calibration.networks >= fitting.FEWEST:  # fewer are predicted by the priors
        hint = "are all rows of this target? more networks, of several kinds, decide more rates"
        message = f"the fit is poor: latencies that are left out are wrong by {error:.1%} on average"
        found.append(Problem("MB602", message, hint=hint, severity="warning"))
    for name, rate in calibration.rates.items():
        share = rate.limit / rate.seconds if rate.seconds else 0.0
        if rate.unit == "B" and rate.state == "data" and share > MOST_OF_BANDWIDTH:
            hint = "caches hold a part of it; or the profile's bandwidth, or the latencies' unit, is wrong"
            message = f"`{name}` is {share:.0%} of the memory's bandwidth"
            found.append(Problem("MB602", message, hint=hint, severity="warning"))
    return found
