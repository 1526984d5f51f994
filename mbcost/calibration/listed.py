"""Networks that a file lists: a CSV file of configurations or measurements, or the table of a kit's models."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from mbcost.architectures.limits import MAX_RESOLUTION
from mbcost.calibration.csv_rows import read_csv
from mbcost.errors import InputError, Problem, fail
from mbcost.files import is_file

#: The table of a kit's models, in its folder.
MODELS: Final = "models.csv"
_COLUMNS: Final = ("architecture",)
_OPTIONAL: Final = ("alpha", "resolution")


class Listed(NamedTuple):
    """A network of a list.

    Attributes
    ----------
    resolution
        Height and width of the input [pixels]; None for the table's own.
    """

    architecture: str
    alpha: float
    resolution: int | None


def listed_networks(path: Path) -> list[Listed] | None:
    """The networks of a CSV file, or of a kit's folder, each once; None for anything else.

    Raises
    ------
    InputError
        MB102 and MB600 with every problem of the file.
    """
    table = path / MODELS if is_file(path / MODELS) else path
    if table.suffix.lower() != ".csv" or not is_file(table):
        return None
    _, rows = read_csv(table, ((_COLUMNS, _OPTIONAL),))
    found: dict[Listed, None] = {}
    problems: list[Problem] = []
    for row in rows:
        name = row.text("architecture")
        beside = table.parent / name
        resolution = row.whole("resolution", MAX_RESOLUTION) if row.text("resolution", "") else None
        found[Listed(str(beside) if name and is_file(beside) else name, row.positive("alpha", 1.0), resolution)] = None
        problems += row.problems
    if problems:
        raise InputError(problems)
    if not found:
        fail("MB600", f"{table} lists no network")
    return list(found)
