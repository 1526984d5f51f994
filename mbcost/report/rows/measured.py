"""Rows of an analysis beside what was measured, as cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mbcost import readable
from mbcost.calibration.interval import INTERVAL
from mbcost.errors import printable

if TYPE_CHECKING:
    from mbcost.insight.measured import MeasuredAnalysis, MeasuredKernel

CLASSES = ("operator class", "measured %", "predicted %", "points")
KERNELS = ("layer", "operator", "measured ms", "predicted ms", "error")


def class_rows(result: MeasuredAnalysis) -> list[tuple[str, ...]]:
    """The share of each class of operators, in the columns of :data:`CLASSES`."""
    return [
        (
            share.operator_class,
            readable.percent(share.measured),
            readable.percent(share.predicted),
            f"{(share.predicted - share.measured) * 100:+.1f}",
        )
        for share in result.shares
    ]


def kernel_rows(result: MeasuredAnalysis, limit: int | None) -> list[tuple[str, ...]]:
    """The `limit` slowest kernels, or all in the order of execution, in the columns of :data:`KERNELS`."""
    kernels = list(result.kernels)
    if limit is not None:
        kernels = sorted(kernels, key=lambda kernel: kernel.measured_s or kernel.predicted_s or 0.0, reverse=True)
    digits = readable.decimals_for(result.latency_s * 1e3)
    return [_kernel_row(kernel, digits) for kernel in kernels[:limit]]


def _kernel_row(kernel: MeasuredKernel, digits: int) -> tuple[str, ...]:
    measured, predicted = kernel.measured_s, kernel.predicted_s
    times = [readable.NOTHING if time is None else f"{time * 1e3:.{digits}f}" for time in (measured, predicted)]
    error = readable.NOTHING if predicted is None or not measured else f"{predicted / measured - 1:+.0%}"
    operators = ", ".join(dict.fromkeys(map(printable, kernel.operators))) or "none of its own"
    return (kernel.layer or kernel.operator_class, operators, *times, error)


def interval_line(result: MeasuredAnalysis) -> str:
    """The prediction, its error, and whether its interval holds the measured latency."""
    analysis = result.analysis
    low, high = (readable.significant(bound * 1e3) for bound in (analysis.latency_low_s, analysis.latency_high_s))
    inside = "inside" if result.covered else "outside"
    predicted = f"{readable.milliseconds(analysis.latency_s)}, {result.error:+.1%}"
    return f"{predicted}; the measured latency is {inside} the {INTERVAL:.0%} interval, {low} to {high} ms"


def runs_line(result: MeasuredAnalysis) -> str:
    """What measured, and how often."""
    runs = (
        "every visit was disturbed by other programs"
        if result.is_disturbed
        else f"the fastest of {result.timing.runs} runs"
    )
    return f"{printable(result.runtime)}, {runs}"
