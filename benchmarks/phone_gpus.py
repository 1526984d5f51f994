"""Held-out accuracy on the GPUs of phones, and the rates of GPUs that ship.

python benchmarks/phone_gpus.py --data FOLDER --protocol P --calibrate-on N --seeds K --json OUT
python benchmarks/phone_gpus.py fit --data FOLDER FOLDER --out hardware_profiles/rates

FOLDER has the layout of `phones_qed` (its kernels count too, where they are there) or `phones_iitm`. Protocols:

kernels      per phone the kernels of N networks measured, and those of the others predicted
new-network  per phone N whole networks measured, and the others predicted; networks that are predicted, and the phone,
             are not among those that the rates come from
new-gpu      a phone that was not measured: its GPU's facts are known, and N of its networks are measured

Without `--calibrate-on`, all networks but the one that is predicted are measured; for `new-gpu`, none is. The rates are
those of all other phones of the folder and of what ships, unless that knows the phone.

It prints and writes, in total and for each designer, GPU, phone and basis, the same keys as `benchmarks/phones.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from phone_gpus_data import RUNTIME, GpuGroup, read_group
from phone_gpus_fit import KERNEL_NOISE, WIDTH, fitted, learned, prior_of
from phones import Prediction, drawn, predictions, score, table
from phones_data import Unit, same_phone
from phones_fit import as_json

from mbcost.latency.core_rates import FOLDER, RateFile, read_rates
from mbcost.resources import hardware_profiles

PROTOCOLS: Final = ("kernels", "new-network", "new-gpu")
#: Parts that networks are divided into where they are held out: the rates come from the other parts.
FOLDS: Final = 4
#: Networks whose held-out predictions give the widths of calibrated intervals.
FEW: Final = (3, 10)


def shipped() -> RateFile | None:
    """The rates that ship."""
    path = hardware_profiles() / FOLDER / f"{RUNTIME}-fp16.json"
    return read_rates(path) if path.is_file() else None


def known_rates(
    groups: Sequence[GpuGroup], runtime: str, phone: str, networks: Sequence[str] | None = None
) -> RateFile:
    """The rates without a phone and, where `networks` says so, from some networks alone.

    Where the rates that ship were fitted on a phone of these, they say nothing that these do not, and are left out but
    for the widths of their intervals.
    """
    base = shipped()
    phones = [unit.phone for group in groups for unit in group.units]
    if base is not None and any(
        same_phone(mine, theirs) for entry in base.cores.values() for mine in entry.phones for theirs in phones
    ):
        base = None
    parts = []
    for group in groups:
        for unit in group.units:
            if unit.phone == phone:
                continue
            part, kernels = _of(unit, networks), group.kernels.get(unit.phone)
            if part is not None:
                parts.append((group, part, None if kernels is None else _of(kernels, networks)))
    if not parts and base is not None:
        return base
    target = RUNTIME if base is not None or any(group.runtime == RUNTIME for group, _, _ in parts) else runtime
    ships, found = shipped(), learned(target, parts, base)
    return found if ships is None else replace(found, width=ships.width)


def _of(unit: Unit, networks: Sequence[str] | None) -> Unit | None:
    if networks is None:
        return unit
    wanted = set(networks)
    rows = [i for i, name in enumerate(unit.networks) if name in wanted]
    return unit.of(np.array(rows)) if len(rows) >= 3 else None


# --- protocols ------------------------------------------------------------------------------------------------------


def kernels(group: GpuGroup, number: int | None, seeds: int) -> Iterator[Prediction]:
    """Kernels of networks predicted from those of others on the same phone."""
    for unit in group.units:
        mine = group.kernels.get(unit.phone)
        if mine is None:
            continue
        names = sorted(set(mine.networks))
        if number is None:
            for name in names:
                yield from _kernels(group, unit, mine, [other for other in names if other != name], [name])
            continue
        for seed in range(seeds):
            known, wanted = drawn(len(names), number, (seed, unit.name))
            yield from _kernels(group, unit, mine, [names[i] for i in known], [names[i] for i in wanted])


def _kernels(
    group: GpuGroup, unit: Unit, mine: Unit, seen: Sequence[str], wanted: Sequence[str]
) -> Iterator[Prediction]:
    rows = {kind: np.array([i for i, name in enumerate(mine.networks) if name in set(of)], dtype=int)
            for kind, of in (("seen", seen), ("wanted", wanted))}  # fmt: skip
    whole = unit.of(np.array([i for i, name in enumerate(unit.networks) if name in set(seen)], dtype=int))
    rates = fitted(whole, mine.of(rows["seen"]), group.runtime).rates
    chosen = mine.of(rows["wanted"])
    predicted = chosen.counts @ rates
    known = mine.of(rows["seen"])
    errors = np.abs(known.counts @ rates / known.seconds - 1)
    factor = 1 + max(float(np.quantile(errors, 0.9)), WIDTH * KERNEL_NOISE)
    by_macs = chosen.macs * float(np.median((known.seconds / np.maximum(known.macs, 1))[known.macs > 0]))
    for i in range(len(chosen.networks)):
        yield Prediction(
            unit, group.precision, group.runtime, chosen.networks[i], float(predicted[i]), float(chosen.seconds[i]),
            factor, "calibrated", float(by_macs[i]) if chosen.macs[i] else float("nan"), float("nan"),
        )  # fmt: skip


def new_gpu(group: GpuGroup, beside: Sequence[GpuGroup], number: int, seeds: int) -> Iterator[Prediction]:
    """Every phone predicted by the others, with some of its networks measured."""
    for unit in group.units:
        if len(unit.networks) <= number:
            continue
        file = known_rates([group, *beside], group.runtime, unit.phone)
        others = [other for other in group.units if other.phone != unit.phone]
        prior = prior_of(file, unit, group.runtime)
        for seed in range(seeds if number else 1):
            known, wanted = drawn(len(unit.networks), number, (seed, unit.name))
            yield from predictions(group, unit, prior, known, wanted, others, file.width)  # type: ignore[arg-type]


def new_network(group: GpuGroup, beside: Sequence[GpuGroup], number: int | None, seeds: int) -> Iterator[Prediction]:
    """Networks of every phone predicted from others of it; neither they nor the phone are known otherwise."""
    names = sorted({name for unit in group.units for name in unit.networks})
    folds = {name: i % FOLDS for i, name in enumerate(np.random.default_rng(0).permutation(names))}
    everything = {name for one in beside for unit in one.units for name in unit.networks}
    for unit in group.units:
        others = [other for other in group.units if other.phone != unit.phone]
        for fold in range(FOLDS):
            seen = [*(name for name in names if folds[name] != fold), *(everything - set(names))]
            file = known_rates([group, *beside], group.runtime, unit.phone, seen)
            prior = prior_of(file, unit, group.runtime)
            inside = np.array([i for i, name in enumerate(unit.networks) if folds[name] == fold], dtype=int)
            outside = np.array([i for i, name in enumerate(unit.networks) if folds[name] != fold], dtype=int)
            parts = [part for other in others if (part := _of(other, seen)) is not None]
            if number is None:
                for row in inside:
                    known = np.array([i for i in range(len(unit.networks)) if i != row], dtype=int)
                    wanted = np.array([row])
                    yield from predictions(group, unit, prior, known, wanted, parts, file.width)  # type: ignore[arg-type]
                continue
            if len(outside) < number or not len(inside):
                continue
            for seed in range(seeds if number else 1):
                chosen, _ = drawn(len(outside), number, (seed, unit.name, fold))
                known = outside[chosen] if number else np.array([], dtype=int)
                yield from predictions(group, unit, prior, known, inside, parts, file.width)  # type: ignore[arg-type]


# --- scores ---------------------------------------------------------------------------------------------------------

_KINDS: Final = ("designer", "gpu", "basis", "phone")


def results(found: Sequence[Prediction]) -> list[dict[str, Any]]:
    """The total first, then by designer, GPU, basis and phone."""
    out = [score(found, "total")]
    by: dict[str, dict[str, list[Prediction]]] = {kind: defaultdict(list) for kind in _KINDS}
    for one in found:
        gpu: Any = one.unit.core
        for kind, name in zip(_KINDS, (gpu.vendor, gpu.name, one.basis, one.unit.phone), strict=True):
            by[kind][name].append(one)
    for kind in _KINDS:
        out += [score(each, f"{kind}: {name}") for name, each in sorted(by[kind].items())]
    return out


# --- commands -------------------------------------------------------------------------------------------------------


def run(folder: Path, beside: Sequence[Path], protocol: str, number: int | None, seeds: int) -> dict[str, Any]:
    """The result of one protocol on a folder."""
    group, left_out = read_group(folder)
    others = [read_group(path)[0] for path in beside]
    if protocol == "kernels":
        if not group.kernels:
            raise SystemExit(f"{folder} has no gpu_kernels.csv")
        found = list(kernels(group, number, seeds))
    elif protocol == "new-network":
        found = list(new_network(group, others, number, seeds))
    else:
        found = list(new_gpu(group, others, number or 0, seeds))
    if not found:
        raise SystemExit(f"nothing in {folder} can be predicted by {protocol}")
    for phone, chip in sorted(group.chips.items()):
        if chip.assumed:
            left_out.append({"name": phone, "reason": f"not left out; assumed of it: {' and '.join(chip.assumed)}"})
    return {
        "data": folder.name,
        "protocol": protocol,
        "calibrate_on": "rest" if number is None and protocol != "new-gpu" else number or 0,
        "seeds": seeds,
        "results": results(found),
        "left_out": left_out,
    }


def measured_widths(groups: Sequence[GpuGroup]) -> dict[str, float]:
    """Standard deviations to either side that hold 90 % of held-out predictions, by basis: every phone left out.

    Each GPU with each version of the runtime counts alike, however many phones have it.
    """
    deviations: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    flat = dict.fromkeys(("same core", "related core", "facts", "calibrated"), WIDTH)
    for index, group in enumerate(groups):
        beside = [*groups[:index], *groups[index + 1 :]]
        for unit in group.units:
            file = replace(known_rates([group, *beside], group.runtime, unit.phone), width=flat)
            prior = prior_of(file, unit, group.runtime)
            for number in (0, *FEW):
                known, wanted = drawn(len(unit.networks), number, (0, unit.name))
                for one in predictions(group, unit, prior, known, wanted, [], flat):  # type: ignore[arg-type]
                    ratio = one.predicted / one.measured
                    found = (max(ratio, 1 / ratio) - 1) / (one.factor - 1) * WIDTH
                    deviations[one.basis][group.runtime, unit.core.name].append(found)
    widths = {}
    for basis in flat:
        parts = list(deviations[basis].values())
        values = np.concatenate(parts) if parts else np.array([WIDTH])
        weights = np.concatenate([np.full(len(part), 1 / len(part)) for part in parts]) if parts else np.ones(1)
        order = np.argsort(values)
        place = int(np.searchsorted(np.cumsum(weights[order]), 0.9 * weights.sum()))
        widths[basis] = float(values[order][min(place, len(values) - 1)])
    return widths


def write_rates(folders: Sequence[Path], out: Path) -> None:
    """Fit the GPUs of the folders."""
    groups = [read_group(folder)[0] for folder in folders]
    parts = [(group, unit, group.kernels.get(unit.phone)) for group in groups for unit in group.units]
    file = replace(learned(RUNTIME, parts), date=datetime.now(UTC).date().isoformat(), width=measured_widths(groups))
    path = out / f"{RUNTIME}-fp16.json"
    path.write_text(as_json(file), encoding="utf-8")
    print(f"{path.name}: {len(file.cores)} GPUs measured, of {', '.join(file.variants)}")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    if arguments[:1] == ["fit"]:
        parser.add_argument("--data", type=Path, nargs="+", required=True)
        parser.add_argument("--out", type=Path, default=hardware_profiles() / FOLDER)
        chosen = parser.parse_args(arguments[1:])
        write_rates(chosen.data, chosen.out)
        return
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="folders whose phones are known as well")
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--calibrate-on", help="networks; without it, or `rest`, all but the one that is predicted")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    number = None if chosen.calibrate_on in (None, "rest") else int(chosen.calibrate_on)
    found = run(chosen.data, chosen.beside, chosen.protocol, number, chosen.seeds)
    print(table(found["results"]))
    for one in found["left_out"]:
        print(f"left out: {one['name']}: {one['reason']}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
