"""Where a report comes from: versions, the command, the files with their hashes, the calibration with its error."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mbcost._version import __version__

if TYPE_CHECKING:
    from mbcost.analysis import Analysis
    from mbcost.calibration.record import Calibration
    from mbcost.prediction import TargetModel


@dataclass(frozen=True, slots=True)
class Origin:
    """How a report came about.

    Attributes
    ----------
    command
        The command line, empty where there was none.
    model
        What was named as the model.
    """

    command: str = ""
    model: str = ""


#: Of a report that Python code made.
NO_ORIGIN: Final = Origin()


def provenance(analysis: Analysis, origin: Origin = NO_ORIGIN) -> list[tuple[str, str]]:
    """Labels and texts of an analysis; a file goes with its hash."""
    target, runtime, form = analysis.target, analysis.runtime, analysis.form
    from mbcost.prediction import TargetModel

    return target_provenance(TargetModel(target, runtime, form, analysis.rates, analysis.calibration), origin)


def target_provenance(model: TargetModel, origin: Origin = NO_ORIGIN) -> list[tuple[str, str]]:
    """Labels and texts of what predicts latencies on a target; a file goes with its hash."""
    device, runtime, form = model.target.device, model.runtime, model.form
    rows = [
        ("mbcost", __version__),
        ("command", origin.command),
        ("model", _file(origin.model, origin.model)),
        ("profile", f"{_file(device.path, device.name)} of {device.provenance.date}, {device.origin}"),
        ("runtime", f"{runtime.name}: {runtime.source}"),
        ("latency form", f"{form.title}: {form.source}"),
        ("calibration", _calibration(model.calibration)),
    ]
    return [(label, text) for label, text in rows if text]


def _calibration(calibration: Calibration | None) -> str:
    if calibration is None:
        return "none: rates come from the profile and the runtime's rules"
    found = calibration.residuals
    return (
        f"{calibration.name} of {calibration.date}, fitted to {calibration.networks} latencies "
        f"({calibration.source}); each predicted by a fit without it: mean abs. error {found.mape:.1%}, "
        f"{found.hit10:.0%} within 10 %"
    )


def _file(path: str, name: str) -> str:
    """A name with the first half of the file's SHA-256, where there is a file."""
    try:
        with Path(path).open("rb") as stream:
            return f"{name} (sha256 {hashlib.file_digest(stream, 'sha256').hexdigest()[:32]})"
    except (OSError, ValueError):
        return name
