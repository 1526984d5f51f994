"""Rates of microcontrollers' cores and runtimes from latencies of whole networks: `hardware_profiles/rates/*`.

python benchmarks/mcu_fit.py --data FOLDER --out hardware_profiles/rates

FOLDER has `mlperf_tiny.csv`, `mcu_latency.csv` and `stm32_mobilenets.csv`. The cycles a count of a term are

    log cycles[term] = average[term] + family + version steps + mode + precision + core + family on core + board
                       + exponent x log(MACs a cycle)

where each part is a number for all terms and a smaller one for each term, with a normal prior around 0: what few
latencies say is pulled towards what others say. Versions of a runtime are steps from one to the next, so that a newer
version is the newest known one with more doubt; so is a board that nobody measured its core and runtime. All of it is
one fit with weights of Student's t, and the covariance of its maximum gives the intervals.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from mcu_data import Row, counts_of, form, read_mlperf, read_modelzoo, read_typed, version_key
from phones_fit import as_json

from mbcost.calibration.fit import symmetric
from mbcost.calibration.interval import INTERVAL
from mbcost.devices import device_names
from mbcost.devices.cores import Core, core_names, find_core, load_core
from mbcost.devices.runtimes import runtime_names
from mbcost.latency.core_rates import FACTS, FOLDER, CoreEntry, RateFile, read_rates
from mbcost.resources import hardware_profiles

#: Cycles a count before any measurement: two cycles a MAC, some ten an element, a thousand a layer.
FIRST: Final = {
    "convolution": 1.5, "pointwise": 1.5, "depthwise": 3.0, "dense": 1.5, "outputs": 10.0, "weights": 1.0,
    "layers": 2000.0,
}  # fmt: skip
#: MACs a cycle of a core whose file does not state them.
USUAL_MACS: Final = 2.0


class Settings(NamedTuple):
    """Standard deviations of the log of what a part adds: for all terms together, and for each [1].

    Chosen by the likelihood of boards and networks that were left out, on the rows without the boards DISCO-F746NG,
    NUCLEO-U575ZI-Q and EK-RA6M4 and without DS-CNN, one after the other and over again.
    """

    average: tuple[float, float] = (0.0, 0.4)
    family: tuple[float, float] = (0.7, 0.25)
    precision: tuple[float, float] = (0.7, 0.2)
    step: tuple[float, float] = (0.3, 0.2)
    mode: tuple[float, float] = (0.2, 0.2)
    core: tuple[float, float] = (0.5, 0.1)
    pair: tuple[float, float] = (0.2, 0.1)
    board: tuple[float, float] = (0.25, 0.0)
    macs: float = 0.3
    noise: float = 0.08
    freedom: float = 6.0


SETTINGS: Final = Settings()
#: Most steps to the maximum, and what is no better and no step [1].
STEPS: Final = 60
CLOSE: Final = 1e-3
#: Standard deviations to either side of a 90 % interval where too few predictions say otherwise: the normal
#: distribution's; and how many are few.
WIDTH: Final = 1.645
FEWEST: Final = 20
#: A core and a board that nobody measured, and the rounds that the rates that ship were fitted to.
AVERAGE: Final = "a core of average speed"
UNMEASURED: Final = "a board that was not measured"
ROUNDS: Final = ("v0.7", "v1.0", "v1.1", "v1.2")
#: Least standard deviation of the shape of rates in a file [1].
LEAST_SD: Final = 0.02
#: What the rates are cited as.
SOURCE: Final = "MLPerf Tiny v0.7 to v1.2, READMEs of TinyEngine, ESP-NN and the STM32 model zoo"
Key = tuple[str, ...]


class Latency(NamedTuple):
    """The latency of a row as it is predicted [s], and the standard deviation of its log [1]."""

    row: Row
    seconds: float
    sd: float


class Fit(NamedTuple):
    """The maximum and what its covariance follows from.

    Attributes
    ----------
    place
        Part -> position of its number for all terms and of those of each term; -1 where it has none.
    values, prior
        The numbers, and their variances before any measurement.
    slope, noise
        How the log of each measured latency depends on the numbers, and the variance of its error.
    """

    terms: tuple[str, ...]
    settings: Settings
    versions: dict[str, tuple[str, ...]]
    place: dict[Key, tuple[int, Any]]
    values: Any
    prior: Any
    slope: Any = None
    noise: Any = None

    def columns(self, row: Row) -> Any:
        """How the log cycles of each term depend on the numbers: a row a term."""
        found = np.zeros((len(self.terms), len(self.values)))
        for key, weight in parts_of(row, self.versions):
            whole, each = self.place[key]
            if whole >= 0:
                found[:, whole] += weight
            for i, j in enumerate(each):
                found[i, j] += weight
        return found

    def covariance(self, directions: Any) -> Any:
        """The covariance of combinations of the numbers: a row a combination."""
        spread = directions * self.prior
        if self.slope is None or not len(self.slope):
            return spread @ directions.T
        gram = (self.slope * self.prior) @ self.slope.T + np.diag(self.noise)
        shared = spread @ self.slope.T
        return spread @ directions.T - shared @ np.linalg.solve(gram, shared.T)


def macs_of(core: str) -> float:
    """MACs of int8 a cycle that a core's data sheet states; the usual number where it does not, or is no core."""
    found = find_core(core)
    rate = None if found is None else found.throughput.get("int8")
    return USUAL_MACS if rate is None else rate.value


def parts_of(row: Row, versions: dict[str, tuple[str, ...]]) -> list[tuple[Key, float]]:
    """The parts that a row's cycles are the sum of, each with its weight."""
    version, _, mode = row.version.partition("-")
    known = versions[row.family]
    steps = [("step", row.family, each) for each in known[1 : known.index(version) + 1]]
    found: list[Key] = [("average",), ("family", row.family), *steps]
    if mode:
        found.append(("mode", row.family, mode))
    if row.precision != "int8":
        found += [("precision", row.precision), ("precision", row.precision, row.core)]
    found += [("core", row.core), ("pair", row.family, row.core), ("board", row.board)]
    return [*((key, 1.0) for key in found), (("macs",), math.log(macs_of(row.core) / USUAL_MACS))]


def fitted(rows: Sequence[Row], others: Sequence[Row] = (), settings: Settings = SETTINGS) -> Fit:
    """The fit to some rows; the parts of others are there with what is said of them before they are measured."""
    terms = tuple(term.name for term in form().terms)
    everything = [*rows, *others]
    versions = {
        family: tuple(
            sorted({row.version.partition("-")[0] for row in everything if row.family == family}, key=version_key)
        )
        for family in {row.family for row in everything}
    }
    place, deviations = _places(everything, versions, terms, settings)
    prior = np.array(deviations) ** 2
    empty = Fit(terms, settings, versions, place, np.zeros(len(deviations)), prior)
    columns = np.array([empty.columns(row) for row in rows])
    counts = np.array([counts_of(row.network, row.precision)[0] for row in rows])
    measured = np.log([row.seconds * row.clock for row in rows])
    first = np.log([FIRST[term] for term in terms])
    values = np.zeros(len(prior))  # but for the level of the measurements, so that the first steps are small
    values[place[("average",)][1]] = float(np.median(measured - np.log(counts @ np.exp(first))))
    scale = settings.noise

    def rest_of(numbers: Any) -> tuple[Any, Any]:
        """Cycles of each term, and the log of what was measured over their sum."""
        cycles = counts * np.exp(first + columns @ numbers)
        return cycles, measured - np.log(cycles.sum(1))

    def cost(numbers: Any, freedom: float) -> float:
        """What is minimised: of Student's t, or of the normal distribution for infinite degrees of freedom."""
        squares = (rest_of(numbers)[1] / scale) ** 2
        each = squares / 2 if math.isinf(freedom) else (freedom + 1) / 2 * np.log1p(squares / freedom)
        return float(each.sum() + (numbers**2 / prior).sum() / 2)

    # all measurements count the same at first, so that the level is found before any is taken for an outlier
    for freedom in (math.inf, settings.freedom):
        now = cost(values, freedom)
        for _ in range(STEPS):
            cycles, rest = rest_of(values)
            slope = np.einsum("it,itp->ip", cycles / cycles.sum(1)[:, None], columns)
            ratio = np.ones(len(rows)) if math.isinf(freedom) else (freedom + 1) / (freedom + (rest / scale) ** 2)
            noise = scale**2 / ratio
            gram = (slope * prior) @ slope.T + np.diag(noise)
            step = prior * (slope.T @ np.linalg.solve(gram, rest + slope @ values)) - values
            length = 1.0
            while (then := cost(values + length * step, freedom)) > now and length > CLOSE:
                length /= 2
            if then > now:
                break
            values, before, now = values + length * step, now, then
            if before - now < CLOSE:
                break
    return empty._replace(values=values, slope=slope, noise=noise)


def _places(
    rows: Sequence[Row], versions: dict[str, tuple[str, ...]], terms: Sequence[str], settings: Settings
) -> tuple[dict[Key, tuple[int, Any]], list[float]]:
    place: dict[Key, tuple[int, Any]] = {}
    deviations: list[float] = []
    for key in sorted({key for row in rows for key, _ in parts_of(row, versions)}):
        whole, each = (settings.macs, 0.0) if key == ("macs",) else getattr(settings, key[0])
        position = -1
        if whole:
            position = len(deviations)
            deviations.append(whole)
        positions = np.arange(len(deviations), len(deviations) + len(terms)) if each else np.array([], dtype=int)
        deviations += [each] * len(positions)
        place[key] = position, positions
    return place, deviations


def predicted(found: Fit, rows: Sequence[Row]) -> list[Latency]:
    """Predictions of rows whose parts are in the fit."""
    first = np.log([FIRST[term] for term in found.terms])
    out = []
    for row in rows:
        columns = found.columns(row)
        cycles = np.array(counts_of(row.network, row.precision)[0]) * np.exp(first + columns @ found.values)
        slope = (cycles / cycles.sum()) @ columns
        variance = float(found.covariance(slope[None])[0, 0]) + found.settings.noise**2
        out.append(Latency(row, float(cycles.sum() / row.clock), math.sqrt(variance)))
    return out


# --- what is left out ----------------------------------------------------------------------------------------------


#: Rows that are held out together, and the rows that are then known.
Split = tuple[list[Row], list[Row]]


def splits(rows: Sequence[Row], protocol: str) -> Iterator[Split]:
    """What is held out together, and the rows that are then known."""
    if protocol == "new-board":
        for board in sorted({row.board for row in rows}):
            yield [row for row in rows if row.board == board], [row for row in rows if row.board != board]
    elif protocol == "new-network":
        for board, network in sorted({(row.board, row.network) for row in rows}):
            held = [row for row in rows if (row.board, row.network) == (board, network)]
            yield held, [row for row in rows if (row.board, row.network) != (board, network)]
    elif protocol == "unknown-network":
        for network in sorted({row.network for row in rows}):
            yield [row for row in rows if row.network == network], [row for row in rows if row.network != network]
    else:
        for each in sorted({row.round for row in rows}, key=version_key):
            before = [row for row in rows if version_key(row.round) < version_key(each)]
            yield [row for row in rows if row.round == each], before


def knows(known: Iterable[Row], row: Row, protocol: str) -> bool:
    """Whether rows know the core and the family of a row together; for a new network on its board."""
    key = (row.core, row.family, row.precision)
    same_board = protocol in ("new-network", "unknown-network")
    return any(
        (one.core, one.family, one.precision) == key and (not same_board or one.board == row.board) for one in known
    )


def held_out(rows: Sequence[Row], protocol: str) -> tuple[list[tuple[Latency, Sequence[Row]]], list[Row]]:
    """Every row predicted without those that are held out with it, beside the rows that were known; and the rest."""
    found: list[tuple[Latency, Sequence[Row]]] = []
    unknown: list[Row] = []
    for held, known in splits(rows, protocol):
        able = [row for row in held if knows(known, row, protocol)]
        unknown += [row for row in held if row not in able]
        if able:
            found += [(one, known) for one in predicted(fitted(known, rows), able)]
    return found, unknown


def deviation(measured: float, one: Latency) -> float:
    """How many standard deviations a prediction is off."""
    return abs(math.log(one.seconds / measured)) / one.sd


def widths_of(deviations: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Board -> standard deviations to either side that hold 90 % of the predictions on all other boards."""
    found = {}
    for board in {board for board, _ in deviations}:
        others = [each for other, each in deviations if other != board]
        found[board] = float(np.quantile(others, INTERVAL)) if len(others) >= FEWEST else WIDTH
    return found


# --- what ships -------------------------------------------------------------------------------------------------------


def all_rows(folder: Path) -> list[Row]:
    """The rows of a folder's three files."""
    return [
        *read_mlperf(folder / "mlperf_tiny.csv")[0],
        *read_typed(folder),
        *read_modelzoo(folder / "stm32_mobilenets.csv"),
    ]


def shipped_runtimes(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Runtimes and precisions that ship: those with rules, measured on a core of the catalogue."""
    names = set(runtime_names())
    return sorted({(row.runtime, row.precision) for row in rows if row.runtime in names and find_core(row.core)})


def rate_file(
    found: Fit, rows: Sequence[Row], runtime: str, precision: str, width: Mapping[str, float], date: str
) -> RateFile:
    """The rates of one runtime and precision: cycles of the average core, and an entry for every core."""
    mine = [row for row in rows if (row.runtime, row.precision) == (runtime, precision)]
    family = [row for row in rows if (row.family, row.precision) == (mine[0].family, precision)]
    average = mine[0]._replace(core=AVERAGE, board=UNMEASURED)
    first = np.log([FIRST[term] for term in found.terms])
    base = first + found.columns(average) @ found.values
    typical = _typical(found, mine)
    entries, same, other = {}, [], []
    for name in core_names():
        core = load_core(name)
        if not core.microcontroller:
            continue
        columns = found.columns(mine[0]._replace(core=name, board=UNMEASURED))
        logs = first + columns @ found.values - base
        scale = math.log(float(typical @ np.exp(logs)))
        covariance = found.covariance(columns)
        whole = float(typical @ covariance @ typical)
        known = name in {row.core for row in family}
        boards = tuple(sorted({row.board for row in family if row.core == name}))
        (same if known else other).append(covariance - whole)
        entries[name] = CoreEntry(
            scale,
            math.sqrt(whole),
            "same core" if known else "related core" if name in {row.core for row in rows} else "facts",
            _source(core, mine[0], boards, rows),
            dict(zip(found.terms, np.exp(logs - scale).tolist(), strict=True)),
            boards,
            {device_of(board): _on_board(found, mine[0], name, board, typical, base) for board in boards},
        )
    return RateFile(
        form="mcu",
        cycles=dict(zip(found.terms, np.exp(base).tolist(), strict=True)),
        variants={},
        cores=entries,
        facts={**dict.fromkeys(FACTS, 0.0), "sd": found.settings.core[0] * 2},
        same=_triangle(same),
        other=_triangle(other),
        noise=found.settings.noise,
        width=dict(width),
        serial={},
        sync_cycles=0.0,
        threads_sd=0.0,
        threads_shape_sd=0.0,
        source=SOURCE,
        date=date,
    )


def _on_board(found: Fit, row: Row, core: str, board: str, typical: Any, base: Any) -> tuple[float, float]:
    """The log scale of a core on a board that was measured, and its standard deviation."""
    first = np.log([FIRST[term] for term in found.terms])
    columns = found.columns(row._replace(core=core, board=board))
    scale = math.log(float(typical @ np.exp(first + columns @ found.values - base)))
    return scale, math.sqrt(float(typical @ found.covariance(columns) @ typical))


def device_of(board: str) -> str:
    """The device of the catalogue that a board is; its own key where there is none."""
    names = device_names(catalogue=True)
    return next((name for name in (board, f"{board}_q", board.removesuffix("i_disco")) if name in names), board)


def _typical(found: Fit, rows: Sequence[Row]) -> Any:
    """Share of each term in the time of the runtime's networks."""
    first = np.log([FIRST[term] for term in found.terms])
    shares = []
    for row in rows:
        cycles = np.array(counts_of(row.network, row.precision)[0])
        cycles = cycles * np.exp(first + found.columns(row) @ found.values)
        shares.append(cycles / cycles.sum())
    return np.mean(shares, axis=0)


def _source(core: Core, row: Row, boards: Sequence[str], rows: Sequence[Row]) -> str:
    if boards:
        number = len(boards)
        return f"{core.title} with {row.family} on {number} board{'s' * (number != 1)}"
    others = sorted({one.family for one in rows if one.core == core.name})
    return f"{core.title} with {', '.join(others)}" if others else f"from the facts of {core.title}"


def _triangle(covariances: Sequence[Any]) -> list[list[float]]:
    """The lower triangle of the mean of covariances, without what all terms share; made one that is a covariance."""
    mean = np.mean(covariances, axis=0)
    values, vectors = np.linalg.eigh((mean + mean.T) / 2)
    mean = (vectors * np.maximum(values, LEAST_SD**2)) @ vectors.T
    return [[float(mean[i, j]) for j in range(i + 1)] for i in range(len(mean))]


def shipped_prediction(row: Row, *, new_board: bool) -> Latency | None:
    """A row by the rates that ship, if they know its core and family and were not fitted to its round.

    Parameters
    ----------
    new_board
        Whether its board has to be another than those that the rates were fitted to.
    """
    if row.round in ROUNDS:
        return None
    folder = hardware_profiles() / FOLDER
    stems = [path.stem.removesuffix(f"-{row.precision}") for path in folder.glob(f"{row.family}*-{row.precision}.json")]
    names = [name for name in stems if re.fullmatch(rf"{re.escape(row.family)}(-\d[\d.]*)?", name)]
    if not names:
        return None
    newest = max(names, key=lambda name: version_key(name.removeprefix(f"{row.family}-")))
    file = read_rates(folder / f"{row.runtime if row.runtime in names else newest}-{row.precision}.json")
    entry = file.cores.get(row.core)
    if entry is None or entry.basis != "same core" or (new_board and row.board in entry.phones):
        return None
    entry = entry.on(device_of(row.board))
    rates = [file.cycles[term] * math.exp(entry.scale) * entry.shape.get(term, 1.0) for term in file.cycles]
    cycles = np.array(counts_of(row.network, row.precision)[0]) * np.array(rates)
    shares = cycles / cycles.sum()
    variance = float(shares @ symmetric(file.same) @ shares) + entry.sd**2 + file.noise**2
    return Latency(row, float(cycles.sum() / row.clock), math.sqrt(variance))


def measured_widths(rows: Sequence[Row]) -> dict[str, float]:
    """Standard deviations to either side of intervals, by what rates rest on."""

    def of(protocol: str) -> float:
        found, _ = held_out(rows, protocol)
        return float(np.quantile([deviation(one.row.seconds, one) for one, _ in found], INTERVAL))

    board = of("new-board")
    return {
        "same board": of("new-network"),
        **dict.fromkeys(("same core", "related core", "facts", "calibrated"), board),
    }


def write_rates(folder: Path, out: Path) -> None:
    """Fit the rows of a folder and write a file for each runtime and precision."""
    rows = all_rows(folder)
    runtimes = shipped_runtimes(rows)
    cores = [name for name in core_names() if load_core(name).microcontroller]
    wanted = [
        next(row for row in rows if (row.runtime, row.precision) == key)._replace(core=core, board=UNMEASURED)
        for key in runtimes
        for core in (*cores, AVERAGE)
    ]
    found = fitted(rows, wanted)
    width = measured_widths(read_mlperf(folder / "mlperf_tiny.csv")[0])
    date = datetime.now(UTC).date().isoformat()
    out.mkdir(parents=True, exist_ok=True)
    for runtime, precision in runtimes:
        file = rate_file(found, rows, runtime, precision, width, date)
        path = out / f"{runtime}-{precision}.json"
        path.write_text(as_json(file), encoding="utf-8")
        print(f"{path.name}: {sum(bool(entry.phones) for entry in file.cores.values())} cores measured")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=hardware_profiles() / FOLDER)
    chosen = parser.parse_args()
    write_rates(chosen.data, chosen.out)


if __name__ == "__main__":
    main()
