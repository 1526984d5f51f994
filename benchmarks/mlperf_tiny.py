"""Held-out accuracy on microcontrollers, by the results of MLPerf Tiny.

python benchmarks/mlperf_tiny.py --data FILE --protocol P --json OUT

FILE has the layout of `mcu/mlperf_tiny.csv`. Protocols:

new-board        every board predicted by the others
new-network      every network of a board predicted by its other networks, and by all networks of other boards
unknown-network  every network predicted by the other networks of all boards
new-version      every round predicted by those before it; a newer version of a runtime takes the newest known

A row is scored whose core and family of runtimes are together in other rows; the others are in `left_out`. What no row
of FILE knows is predicted by the rates that ship, where these were not fitted to its round. The result has the keys of
`benchmarks/phones.py`: the total first, then by basis, board, runtime, core and network, beside MACs x factor, errors
as fractions; the same of energies, of rows that have one, under `energy`; `networks`; and `left_out`, with reasons.
An interval is as wide as it has to be for 90 % of what is left out on the other boards.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from mcu_data import Row, counts_of, read_mlperf
from mcu_energy import Draw, draw_of
from mcu_fit import Latency, deviation, held_out, shipped_prediction, widths_of
from phones import Prediction, score, table
from phones_data import Unit

from mbcost.devices.cores import Core

PROTOCOLS: Final = ("new-network", "unknown-network", "new-board", "new-version")
#: What an energy rests on, by whether the board's own draw was measured.
_BASES: Final = {True: "measured board", False: "other boards"}


def basis_of(known: Iterable[Row], row: Row) -> str:
    """Whether the version of the runtime is known too."""
    if not known:
        return "rates that ship"
    same = any((one.family, one.version) == (row.family, row.version) for one in known)
    return "known version" if same else "newer version"


def predictions(rows: Sequence[Row], protocol: str) -> tuple[list[Prediction], list[Prediction], list[dict[str, str]]]:
    """Latencies of every row that others know, energies of those that have one, and why the rest is left out."""
    made, unknown = held_out(rows, protocol)
    left_out: dict[str, str] = {}
    for row in unknown:
        shipped = None if protocol == "new-network" else shipped_prediction(row, new_board=protocol == "new-board")
        if shipped is not None:
            made.append((shipped, ()))
        else:
            reason = f"no other row knows {row.family} on {row.core} at {row.precision}"
            left_out[f"{row.round} {row.system} {row.network}"] = reason
    width = widths_of([(one.row.board, deviation(one.row.seconds, one)) for one, _ in made])
    found = [
        _scored(one.row, one.seconds, width[one.row.board] * one.sd, known, basis_of(known, one.row))
        for one, known in made
    ]
    return found, _energies(made), [{"name": name, "reason": reason} for name, reason in left_out.items()]


def _energies(made: Sequence[tuple[Latency, Sequence[Row]]]) -> list[Prediction]:
    """The energies of rows that have one [J], in place of latencies, where other rows have one too."""
    drawn = [
        (one, known, draw)
        for one, known in made
        if one.row.joules is not None and (draw := draw_of(one.row, known)) is not None
    ]
    joules = [one._replace(seconds=draw.watts * one.seconds, sd=math.hypot(one.sd, draw.sd)) for one, _, draw in drawn]
    width = widths_of([(one.row.board, deviation(one.row.joules or 0.0, one)) for one in joules])
    return [
        _scored(one.row, one.seconds, width[one.row.board] * one.sd, known, _BASES[draw.measured])._replace(
            measured=one.row.joules, by_macs=_joules_by_macs(one.row, known, draw)
        )
        for one, (_, known, draw) in zip(joules, drawn, strict=True)
    ]


def _joules_by_macs(row: Row, known: Sequence[Row], draw: Draw) -> float:
    """Energy [J] by MACs times one factor: the median of the board, or of all others."""
    factors = [
        one.joules / counts_of(one.network, one.precision)[1]
        for one in known
        if one.joules is not None and (one.board == row.board or not draw.measured)
    ]
    return counts_of(row.network, row.precision)[1] * float(np.median(factors))


def _scored(row: Row, seconds: float, half: float, known: Sequence[Row], basis: str) -> Prediction:
    """A prediction; `half` is half of the interval of its logarithm."""
    macs = counts_of(row.network, row.precision)[1]
    return Prediction(
        _unit(row), row.precision, row.runtime, row.network, seconds, row.seconds, math.exp(half), basis,
        _by_macs(row, known, macs), math.nan,
    )  # fmt: skip


def _by_macs(row: Row, known: Sequence[Row], macs: float) -> float:
    """Latency [s] by MACs times one factor in cycles: the median of the core and family, or of the core."""
    family = [one for one in known if (one.core, one.family) == (row.core, row.family)]
    alike = family or [one for one in known if one.core == row.core]
    factors = [one.seconds * one.clock / counts_of(one.network, one.precision)[1] for one in alike]
    return macs * float(np.median(factors)) / row.clock if factors else math.nan


def _unit(row: Row) -> Unit:
    empty = np.zeros(0)
    return Unit(row.board, row.round, Core(row.core, row.core), row.clock, 1, (row.network,), empty, empty, empty)


def results(found: Sequence[Prediction]) -> list[dict[str, Any]]:
    """The total first, then by basis, board, runtime, core and network."""
    keys: dict[str, Callable[[Prediction], str]] = {
        "basis": lambda one: one.basis,
        "board": lambda one: one.unit.phone,
        "runtime": lambda one: one.runtime,
        "core": lambda one: one.unit.core.name,
        "network": lambda one: one.network,
    }
    out = [score(found, "total")]
    for kind, key in keys.items():
        groups: dict[str, list[Prediction]] = defaultdict(list)
        for one in found:
            groups[key(one)].append(one)
        out += [score(each, f"{kind}: {name}") for name, each in sorted(groups.items())]
    return out


def run(path: Path, protocol: str) -> dict[str, Any]:
    """The result of one protocol on a file.

    Raises
    ------
    SystemExit
        If the file has other columns, or nothing in it can be predicted.
    """
    rows, left_out = read_mlperf(path)
    found, energies, unknown = predictions(rows, protocol)
    if not found:
        raise SystemExit(f"error: nothing in {path} can be predicted by {protocol}")
    return {
        "data": path.name,
        "protocol": protocol,
        "results": results(found),
        "energy": results(energies) if energies else [],
        "networks": sorted({row.network for row in rows}),
        "left_out": [*left_out, *unknown],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = run(chosen.data, chosen.protocol)
    print(table(found["results"]))
    if found["energy"]:
        print(f"\nenergy\n{table(found['energy'])}")
    for one in found["left_out"]:
        print(f"left out: {one['name']}: {one['reason']}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
