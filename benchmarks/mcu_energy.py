"""Energy of microcontrollers: what a board draws, times the time of an inference.

A board draws about the same current whatever it computes: power = volts x amperes, energy = power x latency. The
current is the median of what was measured on the board; a board that was not measured has that of its core in other
boards, or of all, by the clock.

python benchmarks/mcu_energy.py --data FILE

prints what each board of a file like `mcu/mlperf_tiny.csv` draws: the `active_power` of its device.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from mcu_data import Row, read_mlperf

#: The supply of a row that states none, on a board of which no row does [V].
USUAL_VOLTS: Final = 3.0
#: Least standard deviation of the log of a board's current, and fewest boards whose scatter says how far another is.
LEAST_SD: Final = 0.05
FEWEST: Final = 3


class Draw(NamedTuple):
    """What a board draws [W], the standard deviation of its log [1], and whether it was measured itself."""

    watts: float
    sd: float
    measured: bool


def watts_of(row: Row) -> float | None:
    """The power that a row was measured at [W]; None where it has no energy."""
    return None if row.joules is None else row.joules / (row.joule_seconds or row.seconds)


def draw_of(row: Row, known: Sequence[Row]) -> Draw | None:
    """What a row's board draws by other rows; None where none of them has an energy."""
    measured = [one for one in known if one.joules is not None]
    mine = [one for one in measured if (one.board, one.clock) == (row.board, row.clock)]
    volts = _volts(row, [*known, row])
    if mine:
        logs = np.log([_amperes(one, measured) for one in mine])
        sd = max(float(np.std(logs)), LEAST_SD)
        return Draw(volts * math.exp(float(np.median(logs))), sd, measured=True)
    by_board: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in measured:
        if one.board != row.board:
            by_board[one.core, one.board].append(math.log(_amperes(one, measured) / one.clock))
    levels = {key: float(np.median(each)) for key, each in by_board.items()}
    if not levels:
        return None
    alike = [level for (core, _), level in levels.items() if core == row.core] or list(levels.values())
    sd = float(np.std(list(levels.values()))) * math.sqrt(1 + 1 / len(alike)) if len(levels) >= FEWEST else 1.0
    return Draw(volts * row.clock * math.exp(float(np.mean(alike))), max(sd, LEAST_SD), measured=False)


def _volts(row: Row, rows: Sequence[Row]) -> float:
    """A row's supply, or the usual one of its board [V]."""
    stated = [one.volts for one in rows if one.board == row.board and one.volts is not None]
    return row.volts or (float(np.median(stated)) if stated else USUAL_VOLTS)


def _amperes(row: Row, rows: Sequence[Row]) -> float:
    watts = watts_of(row)
    assert watts is not None
    return watts / _volts(row, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    rows, _ = read_mlperf(parser.parse_args().data)
    groups: dict[tuple[str, float, float], list[float]] = defaultdict(list)
    for row in rows:
        watts = watts_of(row)
        if watts is not None:
            groups[row.board, row.clock, _volts(row, rows)].append(watts)
    for (board, clock, volts), watts in sorted(groups.items()):
        scatter = float(np.std(np.log(watts)))
        line = f"{np.median(watts) * 1e3:.3g} mW, scatter {scatter:.1%} of {len(watts)}"
        print(f"{board} at {clock / 1e6:g} MHz and {volts:g} V: {line}")


if __name__ == "__main__":
    main()
