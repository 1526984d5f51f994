"""Held-out accuracy on the NPUs of Hailo and Rockchip, and the rates of them that ship.

python benchmarks/npus.py --data FILE --protocol new-network --calibrate-on N --seeds K --json OUT
python benchmarks/npus.py fit --data FILE FILE --out hardware_profiles/rates

FILE has the layout of `npu/hailo.csv` (frames a second, batch 1) or `npu/edge_npus.csv` (its rows of RKNN in INT8;
where a network was measured with several versions, the last). new-network: per device N networks measured and all
others predicted, the rates before being those of other devices and networks; without `--calibrate-on` all networks but
one.

The result has the keys of `benchmarks/phones.py`: the total first, then each device and network, with constant + MACs
as a baseline, errors as fractions; `networks`, and `left_out` with reasons. A network whose operations differ by more
than a tenth from what its zoo states is not the zoo's, and is left out. `npus_networks.py` says what builds them.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from ai_hub import measured_width, refitted
from ai_hub_data import hash_of_counts
from ai_hub_fit import npu_file, representatives
from ai_hub_networks import Source, network
from npus_networks import HAILO, RKNN
from phones import FEW, Prediction, Widths, new_network, score, table
from phones_data import Group, Unit
from phones_fit import WIDTH, as_json
from timm_networks import UnknownNetworkError

from mbcost.errors import MbcostError
from mbcost.graph import build_graph
from mbcost.kernels import load_runtime, map_to_kernels
from mbcost.latency.core_rates import FOLDER, Npu
from mbcost.latency.form import count_vector
from mbcost.latency.forms import find_form
from mbcost.resources import hardware_profiles

#: Devices of the tables -> their NPU, with its int8 TOPS as its maker states them (of one core of Rockchip's).
NPUS: Final[Mapping[str, Npu]] = {
    "HAILO8": Npu("Hailo-8", 26.0),
    "HAILO8L": Npu("Hailo-8L", 13.0),
    "HAILO10H": Npu("Hailo-10H", 20.0),
    "HAILO15H": Npu("Hailo-15H", 20.0),
    "HAILO15L": Npu("Hailo-15L", 7.0),
    "RK3562": Npu("RKNPU (RK3562)", 1.0),
    "RK3566 RK3568": Npu("RKNPU (RK3566, RK3568)", 0.8),
    "RK3576 @single_core": Npu("RKNPU (RK3576)", 3.0),
    "RK3588 @single_core": Npu("RKNPU (RK3588)", 2.0),
}
#: How far the operations of a network may be from what its zoo states [1].
APART: Final = 0.1
_FORM: Final = find_form("compiled_npu")
_COUNTS: Final = Path(__file__).with_name("npus_counts.json")
_FLAT: Final = dict.fromkeys(("same core", "related core", "facts", "calibrated"), WIDTH)


class Row(NamedTuple):
    """One latency [s] of a network on a device; operations as the table states them [1e9], None where it does not."""

    network: str
    device: str
    seconds: float
    operations: float | None
    version: str


def read_rows(path: Path) -> tuple[str, list[Row]]:
    """The runtime of a table and its latencies.

    Raises
    ------
    SystemExit
        If it has neither layout, or a line of it has no number.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(line for line in stream if not line.startswith("#"))
        fields = set(reader.fieldnames or ())
        if {"network", "device", "fps_batch1"} <= fields:
            return "hailo", [row for line in reader if (row := _hailo(line)) is not None]
        if {"vendor", "model", "device", "latency_ms", "precision"} <= fields:
            return "rknn", [row for line in reader if (row := _rknn(line)) is not None]
    raise SystemExit(f"error: {path}: it has the columns of neither hailo.csv nor edge_npus.csv")


def _hailo(line: Mapping[str, str]) -> Row | None:
    frames, operations = _number(line["fps_batch1"]), _number(line.get("ops_g"))
    if not frames:
        return None
    version = f"{line.get('date') or ''} {line.get('dataflow_compiler') or ''}"
    return Row(line["network"].strip("⭐ "), line["device"], 1 / frames, operations, version)


def _rknn(line: Mapping[str, str]) -> Row | None:
    milliseconds = _number(line["latency_ms"])
    if line["vendor"] != "rknn" or line["precision"] != "INT8" or not milliseconds:
        return None
    return Row(line["model"], line["device"], milliseconds / 1e3, None, line.get("source") or "")


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def read_group(path: Path, cache_folder: Path) -> tuple[Group, list[dict[str, str]]]:
    """The units of a table, and what is left out with its reason."""
    runtime, rows = read_rows(path)
    sources = HAILO if runtime == "hailo" else RKNN
    counts: dict[str, tuple[float, ...]] = {}
    left_out: list[dict[str, str]] = []
    stated = {row.network: row.operations for row in rows if row.operations}
    for name in sorted({row.network for row in rows}):
        try:
            counts[name] = _counts(sources.get(name), runtime, stated.get(name), cache_folder)
        except UnknownNetworkError as error:
            left_out.append({"name": name, "reason": str(error)})
    latest: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda each: _date(each.version)):
        if row.network in counts:
            latest[row.device, row.network] = row
    by: dict[str, list[Row]] = defaultdict(list)
    for row in latest.values():
        by[row.device].append(row)
    units = []
    for device, mine in sorted(by.items()):
        if device not in NPUS and runtime == "rknn":
            left_out.append({"name": device, "reason": "older than RKNPU2, or with pruned weights"})
            continue
        if len(mine) <= FEW:
            left_out.append({"name": device, "reason": f"no more than {FEW} networks of it can be used"})
            continue
        mine.sort(key=lambda row: row.network)
        units.append(_unit(device, mine, counts))
    terms = tuple(term.name for term in _FORM.terms)
    source = "Hailo Model Zoo, 2026-01" if runtime == "hailo" else "RKNN Model Zoo, 2024 to 2025"
    return Group(runtime, "int8", _FORM.name, terms, tuple(units), source), left_out


def _date(version: str) -> str:
    """The date in a version: in brackets in Rockchip's sources."""
    return version.partition("(")[2] or version


def _unit(device: str, rows: Sequence[Row], counts: Mapping[str, tuple[float, ...]]) -> Unit:
    return Unit(
        device,
        device,
        NPUS.get(device, Npu(device)),
        1.0,
        1,
        tuple(row.network for row in rows),
        np.array([counts[row.network][1:] for row in rows]),
        np.array([counts[row.network][0] for row in rows]),
        np.array([row.seconds for row in rows]),
    )


def _counts(source: Source | None, runtime: str, operations: float | None, folder: Path) -> tuple[float, ...]:
    """MACs and counts of a network.

    Raises
    ------
    UnknownNetworkError
        If nothing defines it, or what does is not the zoo's.
    """
    if source is None:
        raise UnknownNetworkError("no package that is looked in defines it as the zoo has it")
    key = f"{runtime} {source.package}:{source.name} {'x'.join(map(str, source.shape))}"
    if key not in kept_counts():
        graph = build_graph(network(source, folder))
        try:
            kernels = map_to_kernels(graph, load_runtime(runtime), element_bytes=1)
        except MbcostError as error:
            raise UnknownNetworkError(str(error)) from None
        kept_counts()[key] = [float(graph.cost.macs), *map(float, count_vector(kernels, _FORM).values())]
    found = tuple(kept_counts()[key])
    if operations is not None and abs(2 * found[0] / 1e9 / operations - 1) > APART:
        raise UnknownNetworkError(f"it has {operations:g} G operations there, {2 * found[0] / 1e9:.3g} here")
    return found


@cache
def kept_counts() -> dict[str, list[float]]:
    """Key -> MACs and counts, where the form and its rules are those that they were counted with."""
    if not _COUNTS.is_file():
        return {}
    data = json.loads(_COUNTS.read_text(encoding="utf-8"))
    found: dict[str, list[float]] = data["counts"] if data["rules"] == rules() else {}
    return found


@cache
def rules() -> str:
    """What the counts depend on: a hash of what the form counts in networks that ship, by the runtimes' rules."""
    return " ".join(hash_of_counts(load_runtime(name), _FORM, (1,)) for name in ("hailo", "rknn"))


def write_counts() -> None:
    """Keep what has been counted."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(values)}" for key, values in sorted(kept_counts().items()))
    _COUNTS.write_text(f'{{"rules": {json.dumps(rules())}, "counts": {{\n{lines}\n}}}}\n', encoding="utf-8")


def results(found: Sequence[Prediction]) -> list[dict[str, Any]]:
    """The total first, then by device and network."""
    by: dict[str, list[Prediction]] = defaultdict(list)
    networks: dict[str, list[Prediction]] = defaultdict(list)
    for one in found:
        by[one.unit.configuration].append(one)
        networks[f"network: {one.network}"].append(one)
    return [
        score(found, "total"),
        *(score(each, name) for part in (by, networks) for name, each in sorted(part.items())),
    ]


def write_rates(files: Sequence[Path], out: Path, folder: Path) -> None:
    """Fit each table."""
    date = datetime.now(UTC).date().isoformat()
    out.mkdir(parents=True, exist_ok=True)
    for path in files:
        group, _ = read_group(path, folder)
        file = npu_file(group, representatives(group.units), width=_FLAT, date=date)
        file = replace(file, width=measured_width(group))
        target = out / f"{group.runtime}-{group.precision}.json"
        target.write_text(as_json(file), encoding="utf-8")
        print(f"{target.name}: {len(file.cores)} NPUs")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).with_name(".cache") / "ai_hub"
    parser.add_argument("--cache", type=Path, default=default, help="folder of imported networks")
    if arguments[:1] == ["fit"]:
        parser.add_argument("--data", type=Path, nargs="+", required=True)
        parser.add_argument("--out", type=Path, default=hardware_profiles() / FOLDER)
        chosen = parser.parse_args(arguments[1:])
        write_rates(chosen.data, chosen.out, chosen.cache)
        write_counts()
        return
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--protocol", choices=("new-network",), default="new-network")
    parser.add_argument("--calibrate-on", type=int, help="networks that are measured of each device")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    group, left_out = read_group(chosen.data, chosen.cache)
    found = list(new_network([group], chosen.calibrate_on, chosen.seeds, Widths(), refitted))
    if not found:
        raise SystemExit(f"error: nothing in {chosen.data} can be predicted")
    rows = results(found)
    print(table(row for row in rows if not row["name"].startswith("network: ")))
    for one in left_out:
        print(f"left out: {one['name']}: {one['reason']}")
    if chosen.json:
        names = sorted({name for unit in group.units for name in unit.networks})
        head = {"data": chosen.data.name, "protocol": chosen.protocol, "calibrate_on": chosen.calibrate_on}
        whole = {**head, "seeds": chosen.seeds, "results": rows, "networks": names, "left_out": left_out}
        chosen.json.write_text(json.dumps(whole, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
