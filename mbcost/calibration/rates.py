"""The rates of a calibration in place of those of a profile."""

from __future__ import annotations

from collections.abc import Mapping

from mbcost.calibration.record import Calibration
from mbcost.kernels import Parameter
from mbcost.latency.form import Rate


def calibrated_rates(
    calibration: Calibration, uncalibrated: Mapping[str, Rate], scale: Mapping[str, float]
) -> dict[str, Rate]:
    """The rates of a calibration in place of those of a profile.

    Parameters
    ----------
    uncalibrated
        Rates of the same target from its profile, in the order of the result.
    scale
        Term -> factor on the fitted rate, for a number of threads that was not measured; 1 where it was.
    """
    return {name: _rate(calibration, name, scale[name]) for name in uncalibrated}


def _rate(calibration: Calibration, name: str, scale: float) -> Rate:
    fitted = calibration.rates[name]
    reference = f"calibration {calibration.name} of {calibration.date}: {calibration.source}"
    decided = fitted.state == "data"
    unit = f"s a {fitted.unit}"
    if not decided:
        reference = f"not decided by the measurements of {reference}"
    parameter = Parameter(f"{name}_rate", fitted.seconds, unit, "fitted" if decided else "assumed", reference)
    how = "fitted to" if decided else "near its prior: not decided by the"
    formula = f"{fitted.reading}, {how} {calibration.networks} latencies"
    if scale != 1.0:
        formula += f"; x {scale:.3g} for the threads"
    return Rate(fitted.seconds * scale, formula, {}, (parameter,))
