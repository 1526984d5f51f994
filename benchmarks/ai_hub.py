"""Held-out accuracy on Snapdragon NPUs, and the rates of Hexagon that ship.

python benchmarks/ai_hub.py --data FILE --runtime R --precision P --protocol T --calibrate-on N --seeds K --json OUT
python benchmarks/ai_hub.py fit --data FILE --out hardware_profiles/rates

FILE has the layout of `ai_hub/latencies.csv` or `npu/hexagon_classifiers.csv`; R is tflite, qnn_dlc or onnx, P float,
w8a8 or w8a16. Protocols:

new-network  per device N networks measured and all others predicted; the rates before are those of other devices and
             networks; without `--calibrate-on`: all networks but one
new-device   a device that was not measured, N of its networks measured (0 without `--calibrate-on`): the rates are
             those of all other devices of the file; devices that quote the same jobs are held out together
resolution   the ratio of one network's latencies at two sizes, both left out of the rates; pairs by name and, with
             `--beside FILE`, with an older table

It prints and writes, in total (convolutional networks) and for all, attention, each device and each network: networks,
mape, bias, hit5, hit10, hit20, kendall_tau, coverage90 and the baselines (constant + MACs; rank-1), errors as
fractions; and the networks, and what is left out with its reason. Networks are built as `ai_hub_networks.py` says;
counts of those of the shipped table are kept in `ai_hub_counts.json`, so that no package is needed for them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from ai_hub_data import RUNTIMES, Counts, count_all, kept_counts, read_group, write_counts
from ai_hub_fit import npu_file, representatives
from phones import FEW, Prediction, Widths, calibrated, new_network, new_phone, score, shipped, table
from phones_data import Group, Unit
from phones_fit import WIDTH, as_json, prior_of

from mbcost.latency.core_rates import FOLDER, RateFile
from mbcost.resources import hardware_profiles

PROTOCOLS: Final = ("new-network", "new-device", "resolution")
#: Networks of one name at two sizes.
PAIRS: Final = (("ffnet_78s", "ffnet_78s_lowres"),)
#: Fewest units from which rates are fitted anew; with fewer they are those that ship.
FEWEST_UNITS: Final = 2
_FLAT: Final = dict.fromkeys(("same core", "related core", "facts", "calibrated"), WIDTH)


def refitted(group: Group, units: Sequence[Unit], phone: str) -> RateFile:
    """The rates of a group from some of its units, or those that ship where there are too few."""
    used = representatives(unit for unit in units if unit.phone != phone)
    mine = shipped().get((group.runtime, group.precision))
    if len(used) < FEWEST_UNITS and mine is not None:
        return mine
    return npu_file(group, used, width=_FLAT, date="")


def of_kind(found: Sequence[Prediction], counts: Mapping[str, Counts], *, attention: bool) -> list[Prediction]:
    """The predictions of convolutional or of attention networks."""
    return [one for one in found if counts[one.network].attention == attention]


def results(found: Sequence[Prediction], counts: Mapping[str, Counts]) -> list[dict[str, Any]]:
    """The total of convolutional networks first, then by kind, device, basis and network."""
    plain = of_kind(found, counts, attention=False)
    out = [score(plain or found, "total"), score(found, "all networks")]
    attentive = of_kind(found, counts, attention=True)
    if attentive:
        out.append(score(attentive, "attention"))
    groups: dict[str, list[Prediction]] = defaultdict(list)
    for one in plain:
        groups[one.unit.configuration].append(one)
    out += [score(each, name) for name, each in sorted(groups.items())]
    by: dict[str, list[Prediction]] = defaultdict(list)
    for one in found:
        by[f"basis: {one.basis}"].append(one)
        by[f"network: {one.network}"].append(one)
    return out + [score(each, name) for name, each in sorted(by.items())]


def resolution(
    group: Group, counts: Mapping[str, Counts], older: tuple[Group, Mapping[str, Counts]] | None
) -> list[dict[str, Any]]:
    """Ratios of a network's latencies at two sizes, on each device: predicted and measured."""
    found: list[dict[str, Any]] = []
    for unit in group.units:
        file = refitted(group, group.units, unit.phone)
        prior = prior_of(file, unit)
        for large, small, pair in _pairs(unit, older, counts):
            names = (large[0], small[0])
            rest = np.array([i for i, name in enumerate(unit.networks) if name not in names], dtype=int)
            rates, _ = calibrated(prior, unit, rest)
            predicted = float(large[1] @ rates) / float(small[1] @ rates)
            found.append(
                {
                    "device": unit.configuration,
                    "pair": pair,
                    "predicted": predicted,
                    "measured": large[2] / small[2],
                    "error": predicted / (large[2] / small[2]) - 1,
                    "macs": large[3] / small[3],
                }
            )
    return found


def _pairs(unit: Unit, older: tuple[Group, Mapping[str, Counts]] | None, counts: Mapping[str, Counts]) -> Any:
    place = {name: i for i, name in enumerate(unit.networks)}
    for large, small in PAIRS:
        if large in place and small in place:
            a, b = place[large], place[small]
            yield (
                (large, unit.counts[a], unit.seconds[a], unit.macs[a]),
                (small, unit.counts[b], unit.seconds[b], unit.macs[b]),
                f"{large}, {small}",
            )
    other = next((one for one in older[0].units if one.configuration == unit.configuration), None) if older else None
    if other is None:
        return
    for j, name in enumerate(other.networks):
        if name not in place or counts[name].macs == other.macs[j]:
            continue
        i = place[name]
        yield (
            (name, unit.counts[i], unit.seconds[i], unit.macs[i]),
            (name, other.counts[j], other.seconds[j], other.macs[j]),
            f"{name} at two sizes",
        )


def ratio_score(found: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """The statistics of ratios, in the keys of the other protocols; there is no interval of a ratio."""
    errors = np.array([one["error"] for one in found])
    size = np.abs(errors)
    by_macs = np.array([one["macs"] / one["measured"] - 1 for one in found])
    return {
        "name": name,
        "networks": len({one["pair"] for one in found}),
        "predictions": len(found),
        "mape": float(size.mean()),
        "bias": float(errors.mean()),
        **{f"hit{limit}": float((size <= limit / 100).mean()) for limit in (5, 10, 15, 20)},
        "kendall_tau": None,
        "coverage90": None,
        "baselines": {"macs": {"mape": float(np.abs(by_macs).mean())}},
    }


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """The result of one protocol on a file.

    Raises
    ------
    SystemExit
        If nothing of it can be predicted.
    """
    cache: Path = arguments.cache
    group, counts, left_out = read_group(arguments.data, arguments.runtime, arguments.precision, cache)
    head = {
        "data": arguments.data.name,
        "runtime": arguments.runtime,
        "precision": arguments.precision,
        "protocol": arguments.protocol,
        "calibrate_on": arguments.calibrate_on,
        "seeds": arguments.seeds,
    }
    tail = {"networks": sorted(counts), "left_out": left_out}
    if not group.units:
        raise SystemExit(
            f"error: {arguments.data}: no latency of {arguments.runtime} {arguments.precision} can be used"
        )
    if arguments.protocol == "resolution":
        older = None
        if arguments.beside is not None:
            older = read_group(arguments.beside, arguments.runtime, arguments.precision, cache, older=True)[:2]
        ratios = resolution(group, counts, older)
        if not ratios:
            raise SystemExit("error: no network was measured at two sizes; --beside FILE takes an older table")
        by: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for one in ratios:
            by[one["device"]].append(one)
            by[f"pair: {one['pair']}"].append(one)
        rows = [ratio_score(ratios, "total"), *(ratio_score(each, name) for name, each in sorted(by.items()))]
        return {**head, "results": rows, "ratios": ratios, **tail}
    width, number = Widths(), arguments.calibrate_on
    if arguments.protocol == "new-network":
        found = list(new_network([group], number, arguments.seeds, width, refitted))
    else:
        found = list(new_phone([group], number or 0, arguments.seeds, width, refitted))
    if not found:
        raise SystemExit(f"error: nothing in {arguments.data} can be predicted by {arguments.protocol}")
    return {**head, "results": results(found, counts), **tail}


def measured_width(group: Group) -> dict[str, float]:
    """Standard deviations to either side that hold 90 % of predictions of left-out devices and networks."""
    flat = _Flat()
    deviations: dict[str, list[float]] = {}
    runs: dict[str, Callable[[], Any]] = {
        "facts": lambda: new_phone([group], 0, 1, flat, refitted),
        "calibrated": lambda: [
            *new_network([group], None, 1, flat, refitted),
            *new_phone([group], FEW, 3, flat, refitted),
        ],
    }
    for basis, predict in runs.items():
        deviations[basis] = []
        for one in predict():
            ratio = one.predicted / one.measured
            deviations[basis].append((max(ratio, 1 / ratio) - 1) / (one.factor - 1) * WIDTH)
    found = {basis: float(np.quantile(each, 0.9)) for basis, each in deviations.items()}
    return {"same core": found["calibrated"], "related core": found["facts"], **found}


class _Flat(Widths):
    """The normal distribution's, for measuring those that ship."""

    def of(self, _: Group) -> Mapping[str, float]:
        return _FLAT


def write_rates(data: Path, out: Path, cache: Path) -> None:
    """Fit every runtime and precision that mbcost has."""
    date = datetime.now(UTC).date().isoformat()
    out.mkdir(parents=True, exist_ok=True)
    for runtime in RUNTIMES:
        for precision in ("float", "w8a8"):
            group, _, _ = read_group(data, runtime, precision, cache)
            units = representatives(group.units)
            file = npu_file(group, units, width=_FLAT, date=date, twins=group.units)
            file = replace(file, width=measured_width(group))
            path = out / f"{group.runtime}-{group.precision}.json"
            path.write_text(as_json(file), encoding="utf-8")
            print(f"{path.name}: {len(file.cores)} NPUs")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).with_name(".cache") / "ai_hub"
    parser.add_argument("--cache", type=Path, default=default, help="folder of imported networks")
    parser.add_argument("--data", type=Path, required=True)
    if arguments[:1] == ["fit"]:
        parser.add_argument("--out", type=Path, default=hardware_profiles() / FOLDER)
        chosen = parser.parse_args(arguments[1:])
        write_rates(chosen.data, chosen.out, chosen.cache)
        for line in count_all(chosen.cache):
            print(f"not counted: {line}")
        write_counts()
        return
    parser.add_argument("--runtime", choices=tuple(RUNTIMES), default="tflite")
    parser.add_argument("--precision", choices=("float", "w8a8", "w8a16"), default="float")
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--calibrate-on", type=int, help="networks that are measured of each device")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--beside", type=Path, help="an older table, for --protocol resolution")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    before = len(kept_counts())
    found = run(chosen)
    print(_text(found))
    if len(kept_counts()) > before:
        print(f"counted {len(kept_counts()) - before} networks anew")
    for one in {(one["name"], one["reason"]): one for one in found["left_out"]}.values():
        print(f"left out: {one['name']}: {one['reason']}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _text(found: Mapping[str, Any]) -> str:
    if found["protocol"] != "resolution":
        return table(row for row in found["results"] if not row["name"].startswith("network: "))
    lines = [f"{'device, pair':60} predicted measured error"]
    for one in found["ratios"]:
        place = f"{one['device']}, {one['pair']}"
        lines.append(f"{place:60} {one['predicted']:9.2f} {one['measured']:8.2f} {one['error']:+.0%}")
    return "\n".join([*lines, f"mean error {found['results'][0]['mape']:.1%}"])


if __name__ == "__main__":
    main(sys.argv[1:])
