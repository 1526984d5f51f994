"""A calibration in lines: its target, the undecided rates, its errors, and what to measure next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mbcost.calibration.experiment import Suggestion
    from mbcost.calibration.record import Calibration, Residuals


def residuals_line(name: str, number: int, found: Residuals) -> str:
    """Statistics of errors in a line."""
    return (
        f"{name}: {number} latencies, mean abs. error {found.mape:.1%}, mean error {found.bias:+.1%}, "
        f"within 5 % {found.hit5:.0%}, within 10 % {found.hit10:.0%}, within 20 % {found.hit20:.0%}"
    )


def target_of(calibration: Calibration) -> str:
    """Such as ``pixel1/cpu@tflite-2018, fp32``."""
    return f"{calibration.device}/{calibration.processor}@{calibration.runtime}, {calibration.precision}"


def remarks(calibration: Calibration) -> list[str]:
    """The undecided rates, the held-out errors and the interval."""
    lines = []
    if calibration.networks < len(calibration.rates):
        lines.append("fewer latencies than rates: most stay near their prior")
    for state, text in (
        ("prior", "not decided by the measurements, so near the prior"),
        ("not covered", "no measured network has such a kernel"),
    ):
        names = [name for name, rate in calibration.rates.items() if rate.state == state]
        if names:
            lines.append(f"{text}: {', '.join(names)}")
    peak = [name for name, rate in calibration.rates.items() if rate.at_limit]
    if peak:
        lines.append(f"at the processor's peak, so that its form or its profile is doubtful: {', '.join(peak)}")
    lines.append(residuals_line("leave one out", calibration.networks, calibration.residuals))
    if calibration.unseen != calibration.residuals:
        lines.append(residuals_line("leave one architecture out", calibration.networks, calibration.unseen))
    factor = calibration.interval.factor
    lines.append(f"90 % interval: a factor of at least {factor:.3f} up and down, wider outside the measured range")
    return lines


#: Heads of the columns of :func:`suggestion_cells`.
SUGGESTION = ("architecture", "alpha", "resolution", "predicted ms", "uncertain terms")


def suggestion_cells(one: Suggestion) -> list[str]:
    """A network worth measuring, in the columns of :data:`SUGGESTION`."""
    time = f"{one.latency_s * 1e3:.4g} ± {one.uncertainty:.0%}"
    return [one.architecture, f"{one.alpha:g}", str(one.resolution), time, ", ".join(one.tells)]
