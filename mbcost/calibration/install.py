"""A calibration kept where predictions find it, and what speaks against keeping it."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mbcost.calibration.file import FOLDER, calibration_text
from mbcost.calibration.record import Calibration
from mbcost.devices import Target, load_device, user_folder
from mbcost.devices.new import new_device
from mbcost.errors import InputError, Problem
from mbcost.files import check_new, is_file, make_folder, read_text, write_text

if TYPE_CHECKING:
    from mbcost.calibration.measurements import Measurement

#: Share of a bench's visits that something disturbed, above which its latencies are doubted [1]. Chosen: a quiet
#: machine rejects a few in a hundred.
MOST_DISTURBED: Final = 0.3
#: Share of the cores' time that other programs use, above which latencies are doubted [1]. Chosen: one of four cores.
MOST_BUSY: Final = 0.25
_MAX_BYTES: Final = 4 * 2**20
_TARGET: Final = re.compile(r"(?P<name>[^/@]+)(?P<rest>.*)", re.DOTALL)


def install(calibration: Calibration, *, force: bool = False) -> Path:
    """Write a calibration where every prediction for its target finds it.

    Returns
    -------
    Path
        The file, in the user's folder of devices.

    Raises
    ------
    InputError
        MB007 if there is one and `force` is false, MB008 if it cannot be written.
    """
    path = place_of(calibration)
    make_folder(path.parent)
    write_text(path, calibration_text(calibration), force=force)
    return path


def place_of(calibration: Calibration) -> Path:
    """Where a calibration is looked for first."""
    return user_folder() / FOLDER / f"{calibration.name}.yaml"


def check_install(doubts: Iterable[Problem], files: Iterable[Path], *, force: bool = False) -> None:
    """Refuse to keep a calibration that is doubtful, unless `force`.

    Parameters
    ----------
    doubts
        Of the fit: :func:`mbcost.calibration.calibrate.doubts`.
    files
        Of the measurements: what stands beside one says how disturbed the machine was.

    Raises
    ------
    InputError
        MB602 with every doubt.
    """
    found = [problem for problem in doubts if problem.code == "MB602"] + disturbances(files)
    if found and not force:
        hint = "`force=True` keeps it nevertheless"
        raise InputError(
            Problem("MB602", f"not installed: {problem.message}", hint=f"{problem.hint}; {hint}") for problem in found
        )


def disturbances(files: Iterable[Path]) -> list[Problem]:
    """A warning for each bench whose machine did something else at the same time."""
    found = []
    for path in files:
        beside = path.with_suffix(".json")
        if path.suffix.lower() != ".csv" or not is_file(beside):
            continue
        share, busy = _load_of(beside)
        whys = []
        if share > MOST_DISTURBED:
            whys.append(f"{share:.0%} of the visits in {path} were disturbed")
        if busy > MOST_BUSY:
            whys.append(f"other programs used {busy:.0%} of the cores' time when {path} was begun")
        hint = "measure again while nothing else runs"
        found += [Problem("MB602", f"{why}: the machine was loaded", hint=hint, severity="warning") for why in whys]
    return found


def _load_of(path: Path) -> tuple[float, float]:
    """A bench's share of rejected visits, and of the cores' time that others used; 0 where it does not say [1]."""
    try:
        document = json.loads(read_text(path, _MAX_BYTES))
        kept, rejected = float(document["visits"]), float(document["rejected_visits"])
        busy = float(document.get("busy", 0))
    except (InputError, ValueError, RecursionError, KeyError, TypeError, AttributeError, OverflowError):
        return 0.0, 0.0
    return (rejected / (kept + rejected) if kept >= 0 and rejected > 0 else 0.0), busy


class Draft:
    """A new device that is not yet in the user's folder.

    Attributes
    ----------
    device
        What names its target for as long as the draft exists: a file in place of the name.
    path
        Where it is going to be.
    """

    def __init__(self, device: str, path: Path, text: str) -> None:
        self.device, self.path, self._text = device, path, text

    def keep(self) -> Path:
        """Write the file of the device into the user's folder.

        Raises
        ------
        InputError
            MB007 if there is one, MB008 if it cannot be written.
        """
        make_folder(self.path.parent)
        write_text(self.path, self._text)
        return self.path


@contextmanager
def drafted(device: str, like: str) -> Iterator[Draft]:
    """A new device that is described as another one is, until it is known to be worth keeping.

    Parameters
    ----------
    device
        The new name, with a processor and a runtime where they are not the usual ones: ``my_phone/cpu@ncnn``.
    like
        A device or a system on a chip.

    Raises
    ------
    InputError
        As :func:`mbcost.devices.new.new_device`; MB007 if there is a file of the name.
    """
    parts = _TARGET.fullmatch(device)
    name, rest = (parts["name"], parts["rest"]) if parts else (device, "")
    text = new_device(name, like)
    path = user_folder() / f"{name}.yaml"
    check_new(path)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        draft.write_text(text, encoding="utf-8")
        yield Draft(f"{draft}{rest}", path, text)


def of_new_device(rows: Iterable[Measurement], like: str) -> list[Measurement]:
    """Rows that name the device that a new one is like: they are of the new one, which has no name in them yet."""
    other = load_device(like).name
    return [replace(row, target=("", *row.target[1:])) if row.target[0] == other else row for row in rows]


def without_peak(target: Target) -> Target:
    """A target whose arithmetic has no limit: the peak of its profile is another device's."""
    return replace(target, processor=replace(target.processor, peak={}))
