"""Held-out accuracy on the CPUs of phones and boards, and the rates of cores that ship.

python benchmarks/phones.py --data FOLDER --protocol P --calibrate-on N --seeds K --json OUT
python benchmarks/phones.py fit --data FOLDER FOLDER FOLDER --out hardware_profiles/rates

FOLDER has the layout of `phones_iitm`, `phones_qed` or `ncnn`. Protocols:

new-phone    a phone that was not measured, its core and clock known, N of its networks measured: the rates are those of
             all other phones of the folder and of what ships, unless that knows the phone
new-network  per phone and configuration N networks measured and all others predicted; networks that are predicted, and
             the phone, are not among those that the rates come from; `--calibrate-on rest`: all networks but one
new-core     as new-phone, but no phone with the core was measured with this runtime
unknown-core as new-core, and with no other runtime
threads      N networks measured on one core of a cluster, all networks predicted on several

It prints and writes, in total and for each phone, core, precision and configuration: networks, mape, bias, hit5,
hit10, hit20, kendall_tau, coverage90 and the baselines (MACs x factor; where phones share networks, rank-1), errors as
fractions.
For `ncnn` the total is Arm CPUs with one thread.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from phones_data import Group, Unit, is_arm, layout_of, read_groups, same_phone
from phones_fit import (
    FIRST_THREADS_NOISE,
    FIRST_THREADS_SD,
    WIDTH,
    Elsewhere,
    Population,
    Prior,
    Threads,
    as_json,
    extended,
    fit_threads,
    populate,
    prior_of,
    rate_file,
    scales_of,
)
from scipy.stats import kendalltau

from mbcost.calibration.fit import fit
from mbcost.latency.core_rates import FOLDER, Npu, RateFile, read_rates
from mbcost.resources import hardware_profiles

PROTOCOLS: Final = ("new-phone", "new-core", "unknown-core", "new-network", "threads")
#: Parts that networks are divided into where they are held out: the rates come from the other parts.
FOLDS: Final = 4
#: Latencies of a phone that the widths of calibrated intervals are measured with, and fewest phones for a width.
FEW: Final = 3
ENOUGH_PHONES: Final = 4
#: Rounds of a fit from which a phone or a core is left out.
FEW_ROUNDS: Final = 2
_FLAT: Final = dict.fromkeys(("same core", "related core", "facts", "calibrated"), WIDTH)


class Prediction(NamedTuple):
    """One network of one unit: predicted and measured [s], the factor of its interval, and the baselines [s]."""

    unit: Unit
    precision: str
    runtime: str
    network: str
    predicted: float
    measured: float
    factor: float
    basis: str
    by_macs: float
    by_rank: float


# --- files that ship, and those that are refitted -------------------------------------------------------------------


@cache
def shipped() -> dict[tuple[str, str], RateFile]:
    """(runtime, precision) -> the rates that ship."""
    found = {}
    for path in sorted((hardware_profiles() / FOLDER).glob("*.json")):
        runtime, _, precision = path.stem.rpartition("-")
        found[runtime, precision] = read_rates(path)
    return found


def elsewhere(
    group: Group, phone: str, files: Mapping[tuple[str, str], RateFile], core: str = ""
) -> dict[str, Elsewhere]:
    """What other runtimes and precisions say of cores, without a phone and without a core."""
    return {
        f"{runtime} {precision}": scales_of(file, phone, core)
        for (runtime, precision), file in files.items()
        if (runtime, precision) != (group.runtime, group.precision)
    }


def refitted(group: Group, units: Sequence[Unit], phone: str) -> RateFile:
    """The rates of a group from some of its units, as if the phone had never been measured.

    Where the rates that ship know none of the folder's phones, they are extended by these; else all is fitted anew.
    """
    mine = shipped().get((group.runtime, group.precision))
    everything = (*units, *(unit for unit in group.units if unit.phone == phone))
    if mine is not None and mine.form == group.form and not _overlap(mine, everything):
        return extended(mine, group, units)
    return _file_of(group, _learned(group, units), elsewhere(group, phone, shipped()))


def _learned(group: Group, units: Sequence[Unit]) -> tuple[Population, Threads]:
    singles = [unit for unit in units if unit.threads == 1]
    several = [unit for unit in units if unit.threads > 1]
    threads = fit_threads(group, units) if several else _shipped_threads(group)
    return populate(group, singles, FEW_ROUNDS), threads


def _file_of(group: Group, learned: tuple[Population, Threads], elsewhere: Mapping[str, Elsewhere]) -> RateFile:
    population, threads = learned
    return rate_file(group, population, elsewhere=elsewhere, threads=threads, width=_FLAT, date="")


def _overlap(file: RateFile, units: Iterable[Unit]) -> bool:
    """Whether a file was fitted on phones of the folder: it then says nothing that the folder does not."""
    phones = {phone for entry in file.cores.values() for phone in entry.phones}
    return any(same_phone(unit.phone, phone) for unit in units for phone in phones)


def _shipped_threads(group: Group) -> Threads:
    mine = shipped().get((group.runtime, group.precision))
    if mine is None:
        return Threads({}, 0.0, FIRST_THREADS_SD, FIRST_THREADS_NOISE)
    return Threads(mine.serial, mine.sync_cycles, mine.threads_sd, mine.threads_noise)


#: A group's rates from some of its units, as if a phone had never been measured.
Refit: TypeAlias = Callable[[Group, Sequence[Unit], str], RateFile]


# --- predictions ----------------------------------------------------------------------------------------------------


def calibrated(prior: Prior, unit: Unit, rows: Any) -> tuple[Any, Any]:
    """Rates and their relative covariance after some of the unit's latencies."""
    if not len(rows):
        return prior.rates, prior.covariance
    fitted = fit(unit.counts[rows], unit.seconds[rows], prior.rates, noise=prior.noise, covariance=prior.covariance)
    return fitted.rates, fitted.covariance


def predictions(
    group: Group, unit: Unit, prior: Prior, known: Any, wanted: Any, others: Sequence[Unit], width: Mapping[str, float]
) -> Iterator[Prediction]:
    """Predictions of the wanted rows from the known ones."""
    rates, covariance = calibrated(prior, unit, known)
    predicted = unit.counts[wanted] @ rates
    relative = unit.counts[wanted] * prior.rates / predicted[:, None]
    variance = np.einsum("ij,jk,ik->i", relative, covariance, relative)
    basis = "calibrated" if len(known) else prior.basis
    factors = 1 + width[basis] * np.sqrt(prior.noise**2 + np.maximum(variance, 0.0))
    by_macs, by_rank = baselines(unit, known, wanted, others)
    for i, row in enumerate(wanted):
        yield Prediction(
            unit,
            group.precision,
            group.runtime,
            unit.networks[row],
            float(predicted[i]),
            float(unit.seconds[row]),
            float(factors[i]),
            basis,
            float(by_macs[i]),
            float(by_rank[i]),
        )


def baselines(unit: Unit, known: Any, wanted: Any, others: Sequence[Unit]) -> tuple[Any, Any]:
    """Latency [s] by MACs times one factor, and by the networks' mean latency on other phones times one factor.

    The factor is from the measured networks; where there are none, from the same core in other phones, else from all.
    """
    alike = [one for one in others if one.threads == unit.threads]
    same = [one for one in alike if one.core.name == unit.core.name] or alike

    def factor(basis: Any, guess: float) -> float:
        return float(np.median(unit.seconds[known] / basis[known])) if len(known) else guess

    a_mac = [float(np.median(one.seconds * one.clock / one.macs)) for one in same]
    by_macs = unit.macs * factor(unit.macs, float(np.median(a_mac or [np.nan])) / unit.clock)
    if isinstance(unit.core, Npu):
        by_macs = _constant_and_macs(unit, known, same)
    logs: dict[str, list[float]] = defaultdict(list)
    for one in alike:
        level = float(np.mean(np.log(one.seconds)))
        for name, seconds in zip(one.networks, one.seconds, strict=True):
            logs[name].append(math.log(seconds) - level)
    relative = np.array([math.exp(np.mean(logs[name])) if name in logs else np.nan for name in unit.networks])
    levels = [float(np.mean(np.log(one.seconds * one.clock))) for one in same]
    guess = math.exp(np.median(levels)) / unit.clock if levels else np.nan
    by_rank = relative * factor(relative, guess)
    return by_macs[wanted], by_rank[wanted]


def _constant_and_macs(unit: Unit, known: Any, others: Sequence[Unit]) -> Any:
    """Latency [s] by a constant and a rate a MAC: of the other devices at first, then by the measured networks."""
    rows = [np.column_stack([np.ones(len(one.macs)), one.macs]) / one.seconds[:, None] for one in others]
    both = np.linalg.lstsq(np.vstack(rows), np.ones(sum(map(len, rows))), rcond=None)[0] if rows else np.zeros(2)
    columns = np.column_stack([np.ones(len(unit.macs)), unit.macs])
    if len(known) >= FEW:
        inside = columns[known] / unit.seconds[known, None]
        both = np.linalg.lstsq(inside, np.ones(len(known)), rcond=None)[0]
    elif len(known):
        both = both * float(np.median(unit.seconds[known] / (columns[known] @ both)))
    return columns @ both


# --- protocols ------------------------------------------------------------------------------------------------------


def new_phone(
    groups: Sequence[Group], number: int, seeds: int, width: Widths, refit: Refit = refitted
) -> Iterator[Prediction]:
    """Every phone predicted by the others, with some of its networks measured."""
    for group in groups:
        for phone in sorted({unit.phone for unit in group.units}):
            rest = [unit for unit in group.units if unit.phone != phone]
            file = refit(group, rest, phone)
            for unit in (one for one in group.units if one.phone == phone and len(one.networks) > number):
                yield from _with_some(group, unit, prior_of(file, unit), number, seeds, rest, width)


def new_core(
    groups: Sequence[Group], number: int, seeds: int, width: Widths, *, runtimes: bool = True
) -> Iterator[Prediction]:
    """Every core predicted by all others, with some of the networks of each of its phones measured.

    Parameters
    ----------
    runtimes
        Whether it is known how other phones with the core do with other runtimes.
    """
    for group in groups:
        for core in sorted({unit.core.name for unit in group.units}):
            rest = [unit for unit in group.units if unit.core.name != core]
            if not any(unit.threads == 1 for unit in rest):
                continue
            learned = _learned(group, rest)
            for unit in (one for one in group.units if one.core.name == core and len(one.networks) > number):
                others = elsewhere(group, unit.phone, shipped(), "" if runtimes else core)
                prior = prior_of(_file_of(group, learned, others), unit)
                yield from _with_some(group, unit, prior, number, seeds, rest, width)


def _with_some(
    group: Group, unit: Unit, prior: Prior, number: int, seeds: int, others: Sequence[Unit], width: Widths
) -> Iterator[Prediction]:
    """The networks of a unit, with some of them measured, drawn several times."""
    for seed in range(seeds if number else 1):
        known, wanted = drawn(len(unit.networks), number, (seed, unit.name))
        yield from predictions(group, unit, prior, known, wanted, others, width.of(group))


def new_network(
    groups: Sequence[Group], number: int | None, seeds: int, width: Widths, refit: Refit = refitted
) -> Iterator[Prediction]:
    """Networks of every configuration predicted from others of it; neither they nor the phone are known otherwise."""
    for group in groups:
        names = sorted({name for unit in group.units for name in unit.networks})
        folds = {name: i % FOLDS for i, name in enumerate(np.random.default_rng(0).permutation(names))}
        for phone in sorted({unit.phone for unit in group.units}):
            rest = [unit for unit in group.units if unit.phone != phone]
            for fold in range(FOLDS):
                seen = [one for unit in rest if (one := _without(unit, folds, fold)) is not None]
                file = refit(group, seen, phone)
                for unit in (one for one in group.units if one.phone == phone):
                    yield from _fold(group, unit, prior_of(file, unit), folds, fold, number, seeds, seen, width)


def _without(unit: Unit, folds: Mapping[str, int], fold: int) -> Unit | None:
    rows = [i for i, name in enumerate(unit.networks) if folds[name] != fold]
    return unit.of(rows) if len(rows) >= 3 else None


def _fold(
    group: Group,
    unit: Unit,
    prior: Prior,
    folds: Mapping[str, int],
    fold: int,
    number: int | None,
    seeds: int,
    others: Sequence[Unit],
    width: Widths,
) -> Iterator[Prediction]:
    inside = np.array([i for i, name in enumerate(unit.networks) if folds[name] == fold], dtype=int)
    outside = np.array([i for i, name in enumerate(unit.networks) if folds[name] != fold], dtype=int)
    if number is None:  # all networks but one
        for row in inside:
            known = np.array([i for i in range(len(unit.networks)) if i != row], dtype=int)
            yield from predictions(group, unit, prior, known, np.array([row]), others, width.of(group))
        return
    if len(outside) < number or not len(inside):
        return
    for seed in range(seeds if number else 1):
        chosen, _ = drawn(len(outside), number, (seed, unit.name, fold))
        yield from predictions(group, unit, prior, outside[chosen], inside, others, width.of(group))


def threads(groups: Sequence[Group], number: int, seeds: int, width: Widths) -> Iterator[Prediction]:
    """Several threads of a cluster predicted from networks measured on one core of it."""
    for group in groups:
        for phone in sorted({unit.phone for unit in group.units if unit.threads > 1}):
            rest = [unit for unit in group.units if unit.phone != phone]
            file = refitted(group, rest, phone)
            mine = [unit for unit in group.units if unit.phone == phone]
            for single in (unit for unit in mine if unit.threads == 1):
                cluster = single.configuration.rsplit(",", 1)[0]
                many = [one for one in mine if one.threads > 1 and one.configuration.rsplit(",", 1)[0] == cluster]
                if not many or len(single.networks) < number:
                    continue
                prior = prior_of(file, single)
                for seed in range(seeds):
                    known, _ = drawn(len(single.networks), number, (seed, single.name))
                    rates, covariance = calibrated(prior, single, known)
                    doubt = np.eye(len(covariance)) * file.threads_shape_sd**2 + file.threads_sd**2
                    for unit in many:
                        own = prior_of(file, unit)
                        scaled = own._replace(rates=own.rates * rates / prior.rates, covariance=covariance + doubt)
                        everything = np.arange(len(unit.networks))
                        empty = np.array([], dtype=int)
                        yield from predictions(group, unit, scaled, empty, everything, rest, width.of(group))


def drawn(size: int, number: int, seed: tuple[Any, ...]) -> tuple[Any, Any]:
    """Positions of so many networks drawn at random, and all others."""
    generator = np.random.default_rng(list(map(ord, repr(seed))))
    known = np.sort(generator.choice(size, min(number, size), replace=False))
    return known, np.setdiff1d(np.arange(size), known)


class Widths:
    """Standard deviations to either side of the intervals: those that ship, or the normal distribution's."""

    def __init__(self, *, shipped: bool = True) -> None:
        self._shipped = shipped

    def of(self, group: Group) -> Mapping[str, float]:
        mine = shipped().get((group.runtime, group.precision)) if self._shipped else None
        return _FLAT if mine is None else mine.width


# --- scores ---------------------------------------------------------------------------------------------------------


def score(found: Sequence[Prediction], name: str) -> dict[str, Any]:
    """The statistics of some predictions."""
    predicted = np.array([one.predicted for one in found])
    measured = np.array([one.measured for one in found])
    factor = np.array([one.factor for one in found])
    ratio = predicted / measured
    errors = ratio - 1
    groups: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(found):
        groups[f"{one.unit.name} {one.runtime} {one.precision}"].append(i)
    taus = [kendalltau(predicted[rows], measured[rows]).statistic for rows in groups.values() if len(rows) > 2]

    def baseline(values: Any) -> dict[str, float | None]:
        rest = np.array(values) / measured - 1
        rest = rest[np.isfinite(rest)]
        if not len(rest):
            return {"mape": None, "hit10": None, "hit20": None}
        size = np.abs(rest)
        return {"mape": float(size.mean()), "hit10": float((size <= 0.1).mean()), "hit20": float((size <= 0.2).mean())}

    size = np.abs(errors)
    return {
        "name": name,
        "networks": len({one.network for one in found}),
        "predictions": len(found),
        "mape": float(size.mean()),
        "bias": float(errors.mean()),
        **{f"hit{limit}": float((size <= limit / 100).mean()) for limit in (5, 10, 20)},
        "kendall_tau": float(np.nanmean(taus)) if taus else None,
        "coverage90": float(((ratio <= factor) & (ratio >= 1 / factor)).mean()),
        "baselines": {
            "macs": baseline([one.by_macs for one in found]),
            "rank1": baseline([one.by_rank for one in found]),
        },
    }


def results(found: Sequence[Prediction], layout: str) -> list[dict[str, Any]]:
    """The total first, then by precision, basis, threads, core, phone and configuration."""

    def headline(one: Prediction) -> bool:
        return layout != "ncnn" or (is_arm(one.unit.core) and one.unit.threads == 1 and one.precision != "int8")

    total = [one for one in found if headline(one)]
    out = [score(total or found, "total")]
    by: dict[str, dict[str, list[Prediction]]] = {kind: defaultdict(list) for kind in _KINDS}
    for one in found:
        arm = "Arm" if is_arm(one.unit.core) else "other"
        count = "1 thread" if one.unit.threads == 1 else "several threads"
        by["precision"][f"{one.runtime} {one.precision}"].append(one)
        by["processor"][f"{arm}, {count}, {one.precision}"].append(one)
        by["basis"][one.basis].append(one)
        by["core"][one.unit.core.name].append(one)
        by["phone"][one.unit.phone].append(one)
        by["configuration"][f"{one.unit.name}, {one.precision}"].append(one)
    for kind in _KINDS:
        out += [score(each, f"{kind}: {name}") for name, each in sorted(by[kind].items())]
    return out


_KINDS: Final = ("precision", "processor", "basis", "core", "phone", "configuration")


_HEADS: Final = ("<5%", "<10%", "<20%", "tau", "cover")


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The scores as text."""
    heads = [f"{'':44} {'n':>6} {'MAPE':>6} {'bias':>6}", *(f"{head:>5}" for head in _HEADS)]
    lines = [" ".join([*heads, f"{'MACs':>6} {'rank1':>6}"])]
    for row in rows:
        baseline = [row["baselines"][name]["mape"] for name in ("macs", "rank1")]
        numbers = [f"{value:6.1%}" if value is not None else f"{'-':>6}" for value in baseline]
        tau = f"{row['kendall_tau']:5.2f}" if row["kendall_tau"] is not None else f"{'-':>5}"
        lines.append(
            f"{row['name'][:44]:44} {row['predictions']:6} {row['mape']:6.1%} {row['bias']:+6.1%} {row['hit5']:5.0%} "
            f"{row['hit10']:5.0%} {row['hit20']:5.0%} {tau} {row['coverage90']:5.0%} {' '.join(numbers)}"
        )
    return "\n".join(lines)


# --- commands -------------------------------------------------------------------------------------------------------


def run(folder: Path, protocol: str, number: int | None, seeds: int) -> dict[str, Any]:
    """The result of one protocol on a folder."""
    groups, left_out = read_groups(folder)
    width = Widths()
    if protocol == "new-network":
        found = list(new_network(groups, number, seeds, width))
    elif number is None:
        raise SystemExit(f"--calibrate-on rest is for new-network, not for {protocol}")
    elif protocol in ("new-core", "unknown-core"):
        found = list(new_core(groups, number, seeds, width, runtimes=protocol == "new-core"))
    elif protocol == "new-phone":
        found = list(new_phone(groups, number, seeds, width))
    else:
        found = list(threads(groups, number, seeds, width))
    if not found:
        raise SystemExit(f"nothing in {folder} can be predicted by {protocol}")
    return {
        "data": folder.name,
        "protocol": protocol,
        "calibrate_on": "rest" if number is None else number,
        "seeds": seeds,
        "results": results(found, layout_of(folder)),
        "left_out": left_out,
    }


def measured_widths(groups: Sequence[Group]) -> dict[tuple[str, str], dict[str, float]]:
    """Standard deviations to either side that hold 90 % of held-out predictions, by runtime, precision and basis.

    Every phone is predicted by the others, without a latency of its own and with 3, and without one by the other cores,
    with what other runtimes say and without: most phones' cores are in others too, and the few that are not say little
    of what facts are worth. A basis with few phones has that of all runtimes together.
    """
    deviations: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    phones: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    flat = Widths(shipped=False)
    for group in groups:
        found = [*new_phone([group], 0, 1, flat), *new_phone([group], FEW, 1, flat)]
        for runtimes in (True, False):
            found += new_core([group], 0, 1, flat, runtimes=runtimes)
        for one in found:
            ratio = one.predicted / one.measured
            key = group.runtime, group.precision, one.basis
            deviations[key].append((max(ratio, 1 / ratio) - 1) / (one.factor - 1) * WIDTH)
            phones[key].add(one.unit.phone)
    found_widths: dict[tuple[str, str], dict[str, float]] = {}
    for group in groups:
        found_widths[group.runtime, group.precision] = widths = {}
        for basis in _FLAT:
            mine = group.runtime, group.precision, basis
            keys = [mine] if len(phones[mine]) >= ENOUGH_PHONES else [key for key in deviations if key[2] == basis]
            widths[basis] = float(np.quantile(np.concatenate([deviations[key] for key in keys]), 0.9))
    return found_widths


def write_rates(folders: Sequence[Path], out: Path) -> None:
    """Fit every runtime and precision of the folders, twice: the second time with the first one's scales of cores."""
    groups = [group for folder in folders for group in read_groups(folder)[0]]
    date = datetime.now(UTC).date().isoformat()
    files: dict[tuple[str, str], RateFile] = {}
    parts = {}
    for group in groups:
        singles = [unit for unit in group.units if unit.threads == 1]
        parts[group.runtime, group.precision] = populate(group, singles), fit_threads(group, group.units)
    for _ in range(2):
        known = dict(files)
        for group in groups:
            key = group.runtime, group.precision
            files[key] = rate_file(
                group,
                parts[key][0],
                elsewhere=elsewhere(group, "", known),
                threads=parts[key][1],
                width=_FLAT,
                date=date,
            )
    out.mkdir(parents=True, exist_ok=True)
    for (runtime, precision), width in measured_widths(groups).items():
        files[runtime, precision] = replace(files[runtime, precision], width=width)
    for (runtime, precision), file in files.items():
        path = out / f"{runtime}-{precision}.json"
        path.write_text(as_json(file), encoding="utf-8")
        measured = sum(bool(entry.phones) for entry in file.cores.values())
        print(f"{path.name}: {measured} cores measured, {len(file.cores)} known")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    if arguments[:1] == ["fit"]:
        parser.add_argument("--data", type=Path, nargs="+", required=True)
        parser.add_argument("--out", type=Path, default=hardware_profiles() / FOLDER)
        chosen = parser.parse_args(arguments[1:])
        write_rates(chosen.data, chosen.out)
        return
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--calibrate-on", default="0", help="networks, or `rest`: all but the one that is predicted")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    number = None if chosen.calibrate_on == "rest" else int(chosen.calibrate_on)
    found = run(chosen.data, chosen.protocol, number, chosen.seeds)
    print(table(row for row in found["results"] if not row["name"].startswith(("configuration", "phone"))))
    for one in found["left_out"]:
        print(f"left out: {one['name']}: {one['reason']}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
