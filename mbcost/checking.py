"""``mbcost.check``: every problem of a user's file, whatever kind of file it is."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from mbcost.architectures import ArchitectureSpec, find_architecture, read_architecture
from mbcost.devices import check_device
from mbcost.errors import InputError, Problem, fail
from mbcost.files import is_file, load_yaml, read_text
from mbcost.graph import check_table
from mbcost.importers import FORMATS
from mbcost.networks import load

#: Keys at the top of a file that tell its kind.
_DEVICE_KEYS = frozenset({"identity", "processors"})
_CALIBRATION_KEYS = frozenset({"rates", "residuals"})
_RUNTIME_KEYS = frozenset({"form", "fusion", "kernels", "like", "family"})


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """What is wrong with a table, and the YAML and the architecture of a pasted one that could be read."""

    problems: tuple[Problem, ...]
    yaml: str | None = None
    spec: ArchitectureSpec | None = None


def check(path: str | PathLike[str]) -> tuple[Problem, ...]:
    """Every problem of a table, a model, a device's profile, a runtime, a calibration or measurements; empty if none.

    What kind of file it is follows from its suffix and its keys.
    """
    file = Path(path)
    try:
        if file.suffix.lower() == ".csv":
            from mbcost.calibration.measurements import read_measurements

            return tuple(read_measurements(file)[1])
        if file.suffix.lower() in FORMATS:
            load(file)
            return ()
        keys = _keys(file)
        if keys & _CALIBRATION_KEYS:
            from mbcost.calibration.file import read_calibration

            read_calibration(load_yaml(file))
            return ()
        if keys & _RUNTIME_KEYS:
            from mbcost.latency.forms import check_runtime_file

            return tuple(check_runtime_file(file))
        if keys & _DEVICE_KEYS:
            return tuple(check_device(file))
    except InputError as error:
        return error.problems
    return checked_table(file).problems


def _keys(path: Path) -> frozenset[str]:
    """The keys at the top of a YAML file; none for another one."""
    if path.suffix.lower() not in {".yaml", ".yml"}:
        return frozenset()
    data = load_yaml(path).data
    return frozenset(str(key) for key in data) if isinstance(data, dict) else frozenset()


def checked_table(path: Path, against: ArchitectureSpec | None = None) -> CheckedTable:
    """What is wrong with an architecture table in YAML or pasted from a paper.

    Parameters
    ----------
    against
        An architecture that a pasted table of shares is compared with.
    """
    try:
        text = _pasted_text(path)
        if against is not None:
            return CheckedTable(_shares(path, text, against))
        return CheckedTable(check_table(find_architecture(str(path)))) if text is None else checked_pasted(path, text)
    except InputError as error:
        return CheckedTable(error.problems)


def _pasted_text(path: Path) -> str | None:
    """The text of a file with a pasted table; None for YAML and for built-in names."""
    from mbcost.architectures.pasted import is_pasted

    if not is_file(path):
        return None
    text = read_text(path)
    return text if is_pasted(path, text) else None


def checked_pasted(path: Path, text: str) -> CheckedTable:
    """What is wrong with the text of a pasted table.

    Raises
    ------
    InputError
        With the problems of a table that is none.
    """
    from mbcost.architectures.pasted import read_pasted

    table = read_pasted(text, str(path))
    spec = read_architecture(table.document)
    return CheckedTable((*table.warnings, *check_table(spec)), table.yaml, spec)


def _shares(path: Path, text: str | None, against: ArchitectureSpec) -> tuple[Problem, ...]:
    from mbcost.architectures.pasted import find_grids
    from mbcost.graph.shares import share_problems

    if text is None:
        fail("MB010", f"`against=...` needs a pasted table of shares, and {path} is none")
    return share_problems(find_grids(text, str(path)), str(path), against)
