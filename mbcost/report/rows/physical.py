"""Throughput, energy, memory and FPGA resources as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mbcost import readable
from mbcost.calibration.interval import INTERVAL
from mbcost.errors import printable

if TYPE_CHECKING:
    from mbcost.analysis import Analysis
    from mbcost.devices.fabric import Resources
    from mbcost.latency.energy import Energy, MeasuredEnergy
    from mbcost.memory.plan import MemoryPlan

_LABELS: Final = {"dsp": "DSP slices", "bram": "RAMB36", "uram": "UltraRAMs", "lut": "look-up tables"}
#: Block RAMs are counted in units of 36 Kibit, as in data sheets.
BLOCKS: Final = {"bram": 2}


def throughput_line(analysis: Analysis) -> str:
    """``2,160 frames/s``; where the ceiling of the host was measured, ``2,160 frames/s (its host: at most 3,704)``."""
    most = analysis.most_frames_per_s
    ceiling = "" if most is None else f" (its host: at most {readable.significant(most)})"
    return f"{readable.significant(analysis.frames_per_s)} frames/s{ceiling}"


def energy_line(energy: Energy) -> str:
    """``14.2 mJ (estimate at 45 nm: arithmetic 10%, on-chip 6%, off-chip 84%)``; or by the energies of the profile."""
    parts = {"arithmetic": energy.compute_j, "on-chip": energy.on_chip_j, "off-chip": energy.off_chip_j}
    if energy.register_j:
        parts = {"arithmetic": energy.compute_j, "registers": energy.register_j, **parts}
    total = energy.total_j
    shares = ", ".join(f"{name} {joules / total:.0%}" for name, joules in parts.items()) if total else "nothing moves"
    where = "by the user's energies" if energy.by_profile else "at 45 nm"
    without = f"; without {energy.hosted} layer{'s' * (energy.hosted > 1)} on the host" if energy.hosted else ""
    return f"{millijoules(total)} (estimate {where}: {shares}{without})"


def start_line(analysis: Analysis) -> str:
    """``first inference 5.9 ms (within a factor of 1.1), loading 3.9 ms (within a factor of 1.6)``; or nothing."""
    fitted = analysis.calibration
    if fitted is None:
        return ""
    times = {"first inference": (analysis.first_s, fitted.first), "loading": (analysis.load_s, fitted.load)}
    return ", ".join(
        f"{name} {readable.milliseconds(seconds)} (within a factor of {time.factor:.2g})"
        for name, (seconds, time) in times.items()
        if seconds is not None and time is not None
    )


def memory_line(plan: MemoryPlan) -> str:
    """``RAM (arena) 98.3 KiB, flash 291 KiB (the .tflite file), peak at conv2d_1``."""
    ram = f"RAM (arena) {readable.size(plan.ram_bytes)}"
    if plan.persistent_bytes:
        ram += f" with {readable.size(plan.persistent_bytes)} of the interpreter's"
    flash = f"flash {readable.size(plan.flash.total_bytes)} ({plan.flash.what})"
    assumed = f" (assumed: {plan.planner.title})" if plan.planner.assumed else ""
    return f"{ram}{assumed}, {flash}, peak at {printable(plan.peak_layer, 60)}"


def measured_energy_line(energy: MeasuredEnergy) -> str:
    """``6.12 mJ, 90% interval 4.9 to 7.64 mJ (43 mW of this board, measured, x latency)``."""
    bounds = f"{readable.significant(energy.low_j * 1e3)} to {millijoules(energy.high_j)}"
    of_what = f"{energy.power.text} of this board, {energy.power.source}, x latency"
    return f"{millijoules(energy.total_j)}, {INTERVAL:.0%} interval {bounds} ({of_what})"


def millijoules(joules: float) -> str:
    """``18.4 mJ``."""
    return f"{readable.significant(joules * 1e3)} mJ"


def resource_rows(needed: Resources, has: Resources) -> list[tuple[str, str]]:
    """One row per known resource: ``("DSP slices", "704 of 900, 78%")``; a RAMB36 is a block RAM of 36 Kibit."""
    rows = []
    for name, need, limit in zip(needed._fields, needed, has, strict=True):
        if need is None:
            continue
        scale = BLOCKS.get(name, 1)
        text = _count(need / scale)
        if limit is not None:
            text += f" of {_count(limit / scale)}"
        rows.append((_LABELS[name], f"{text}, {need / limit:.0%}" if limit else text))
    return rows


def _count(number: float) -> str:
    return f"{number:,.1f}".removesuffix(".0")
