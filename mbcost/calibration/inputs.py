"""Measurements from whatever files hold them: CSV files of networks or kernels, and logs of benchmark tools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from mbcost.calibration import kernel_rows
from mbcost.calibration.kit.results import kit_of, read_kit
from mbcost.calibration.logs.log import Reading
from mbcost.calibration.logs.names import Network
from mbcost.calibration.logs.readers import is_log, read_log
from mbcost.calibration.logs.rows import Rows, rows_of, target_of
from mbcost.calibration.measurements import REQUIRED, Measurement, read_measurements
from mbcost.devices import Target
from mbcost.errors import InputError, Problem, call_each, fail
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
    readings, networks
        Of logs, and the networks of those that a kit names.
    device
        What a kit was made for; empty without one.
    warnings, notes
        About rows of CSV files, and about kits.
    """

    rows: list[Measurement]
    readings: list[Reading]
    networks: dict[str, Network]
    device: str
    warnings: list[Problem]
    notes: list[str]

    def target(self, device: str, precision: str | None, threads: int | None) -> Target:
        """The target that was measured on a device; its precision and threads are those of the logs by default."""
        return target_of(self.readings, device, precision, threads)

    def logs(
        self,
        target: Target | None,
        networks: Sequence[str] = (),
        precision: str | None = None,
        threads: int | None = None,
    ) -> Rows:
        """The rows of logs; see :func:`mbcost.calibration.logs.rows.rows_of`."""
        found = rows_of(
            self.readings, target, networks=networks, known=self.networks, precision=precision, threads=threads
        )
        return Rows(found.rows, [*self.notes, *found.notes])

    def measurements(
        self,
        target: Target | None,
        networks: Sequence[str] = (),
        precision: str | None = None,
        threads: int | None = None,
    ) -> tuple[list[Measurement], list[str]]:
        """The rows of all files, and what their user should know of the logs.

        Parameters
        ----------
        networks
            The networks of logs, ``MODEL`` or ``NAME=MODEL``; of CSV files, the networks to keep.
        precision, threads
            Rows of another precision or number of threads are left alone.

        Raises
        ------
        InputError
            As :func:`mbcost.calibration.logs.rows.rows_of`; MB600 if no row is left.
        """
        found = self.logs(target, networks)
        kept = [row for row in self.rows if not networks or self.readings or row.architecture in networks]
        rows = [*kept, *found.measurements]
        chosen = [row for row in rows if _fits(row.target[3], precision) and _fits(row.target[4], threads)]
        if rows and not chosen:
            fail("MB600", f"no row is of {precision or ''}{', ' * bool(precision and threads)}{_threads(threads)}")
        return chosen, found.notes


def _fits(cell: str, wanted: object) -> bool:
    return not cell or wanted is None or cell == str(wanted)


def _threads(threads: int | None) -> str:
    return "" if threads is None else f"{threads} thread{'s' * (threads != 1)}"


def read_inputs(paths: Iterable[Path]) -> Inputs:
    """The rows and readings of files, and of the results of kits.

    Raises
    ------
    InputError
        With the problems of all files: MB600 and MB102 of CSV files, MB606 of logs, and what reading a file raises.
    """
    found = Inputs([], [], {}, "", [], [])

    def read(path: Path) -> str:
        if path.is_dir() and kit_of(path) is not None:
            kit = read_kit(path)
            found.readings.extend(kit.readings)
            found.networks.update(kit.networks)
            found.notes.extend(kit.notes)
            return kit.device
        if is_table(path):
            rows, doubts = read_measurements(path)
            found.rows.extend(rows)
            found.warnings.extend(doubts)
        else:
            found.readings.extend(read_log(path))
        return ""

    devices = {device for device in call_each(read, paths) if device}
    return found._replace(device=devices.pop() if len(devices) == 1 else "")


def is_table(path: Path) -> bool:
    """Whether a file is a CSV file of measurements: by a column of one, or by its suffix if it is no log."""
    try:
        header = read_head(path, _HEADER).decode("utf-8-sig", errors="replace").partition("\n")[0]
    except InputError:
        return True  # whose reader says what is wrong
    known = _COLUMNS.intersection(cell.strip(' "\r') for cell in header.split(","))
    return bool(known) or (path.suffix.lower() == ".csv" and not is_log(path))
