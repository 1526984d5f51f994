"""Measurements from whatever files hold them: CSV files of networks or kernels, and logs of benchmark tools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from mbcost.calibration import kernel_rows
from mbcost.calibration.logs.log import Reading
from mbcost.calibration.logs.readers import is_log, read_log
from mbcost.calibration.logs.rows import rows_of, target_of
from mbcost.calibration.measurements import REQUIRED, Measurement, read_measurements
from mbcost.devices import Target
from mbcost.errors import InputError, Problem, call_each
from mbcost.files import read_head

_COLUMNS: Final = frozenset((*REQUIRED, *kernel_rows.REQUIRED))
#: Length of a header [B].
_HEADER: Final = 4096


class Inputs(NamedTuple):
    """What files hold.

    Attributes
    ----------
    rows
        Of CSV files.
    readings
        Of logs.
    warnings
        About rows of CSV files.
    """

    rows: list[Measurement]
    readings: list[Reading]
    warnings: list[Problem]

    def target(self, device: str, precision: str | None, threads: int | None) -> Target:
        """The target that was measured on a device; its precision and threads are those of the logs by default."""
        return target_of(self.readings, device, precision, threads)

    def measurements(self, target: Target | None, networks: Sequence[str] = ()) -> tuple[list[Measurement], list[str]]:
        """The rows of all files, and what their user should know of the logs.

        Parameters
        ----------
        networks
            The networks of logs, ``MODEL`` or ``NAME=MODEL``; of CSV files, the networks to keep.

        Raises
        ------
        InputError
            As :func:`mbcost.calibration.logs.rows.rows_of`.
        """
        found = rows_of(self.readings, target, networks=networks)
        kept = [row for row in self.rows if not networks or self.readings or row.architecture in networks]
        return [*kept, *found.measurements], found.notes


def read_inputs(paths: Iterable[Path]) -> Inputs:
    """The rows and readings of files.

    Raises
    ------
    InputError
        With the problems of all files: MB600 and MB102 of CSV files, MB606 of logs, and what reading a file raises.
    """
    rows: list[Measurement] = []
    readings: list[Reading] = []
    warnings: list[Problem] = []

    def read(path: Path) -> None:
        if is_table(path):
            found, doubts = read_measurements(path)
            rows.extend(found)
            warnings.extend(doubts)
        else:
            readings.extend(read_log(path))

    call_each(read, paths)
    return Inputs(rows, readings, warnings)


def is_table(path: Path) -> bool:
    """Whether a file is a CSV file of measurements: by a column of one, or by its suffix if it is no log."""
    try:
        header = read_head(path, _HEADER).decode("utf-8-sig", errors="replace").partition("\n")[0]
    except InputError:
        return True  # whose reader says what is wrong
    known = _COLUMNS.intersection(cell.strip(' "\r') for cell in header.split(","))
    return bool(known) or (path.suffix.lower() == ".csv" and not is_log(path))
