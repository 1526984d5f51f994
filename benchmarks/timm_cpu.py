"""Held-out accuracy on timm's networks that PyTorch compiled, on CPUs that mbcost has not seen.

python benchmarks/timm_cpu.py --data FILE --calibrate-on N --seeds K --json OUT [--networks M]

FILE has the layout of timm's results (`benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv`): latencies at batch 1
in fp32 of networks at the image size of each row. The networks are built without weights and imported, each at its
size; imports are kept beside OUT. N of them, drawn at random, calibrate the runtime `pytorch-compile`, the others are
predicted, K times; with 0 the rates are those that ship. The target is made of the facts of the core in the catalogue
and the clock of the chip that the file's name has, else of --core, --clock and --threads.

`--networks` limits the networks to so many drawn at random, always the same ones (default 200, `all` for every row):
importing takes seconds each. It prints and writes, in total and by family: networks, mape, bias, hit5, hit10, hit20,
kendall_tau, coverage90 and the baseline MACs x factor (of the measured ones), errors as fractions.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.stats import kendalltau
from timm_networks import UnknownNetworkError, cache_folder, import_timm, network

from mbcost.calibration import fit as fitting
from mbcost.calibration.interval import Workload, interval_factor
from mbcost.devices import Target, resolve_target
from mbcost.devices.cores import load_core
from mbcost.devices.socs import load_soc, soc_names
from mbcost.errors import InputError
from mbcost.graph import build_graph
from mbcost.kernels import map_to_kernels
from mbcost.latency.form import count_vector
from mbcost.prediction import TargetModel, prepare

RUNTIME: Final = "pytorch-compile"
#: Networks of a run that does not ask for others.
USUAL: Final = 200
#: Memory bandwidth [GB/s] of chips, whose profiles in the catalogue have none: channels x transfers x 8 bytes.
MEMORY: Final = {"core_i9_10940x": (93.9, "Intel's product specifications: 4 channels of DDR4-2933")}
#: The same of chips that are not listed: two channels of DDR4-3200.
USUAL_MEMORY: Final = (51.2, "assumed: 2 channels of DDR4-3200")
#: Families with fewer networks are scored together.
FEWEST: Final = 3


class Row(NamedTuple):
    """A measured network: its image's side [pixels], MACs as counted by the import, latency [s], counts of the form."""

    name: str
    family: str
    side: int
    macs: float
    seconds: float
    counts: Mapping[str, float]


class Prediction(NamedTuple):
    """One network: predicted and measured [s], its interval [s], and MACs x factor [s] (NaN without a measured one)."""

    seed: int
    row: Row
    predicted: float
    low: float
    high: float
    by_macs: float


# --- the data -------------------------------------------------------------------------------------------------------


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a file; lines that begin with # are remarks."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    if not rows or not {"model", "infer_img_size", "infer_step_time"} <= set(rows[0]):
        raise SystemExit(f"{path} has not the columns model, infer_img_size and infer_step_time")
    return rows


def sampled(rows: Sequence[dict[str, str]], number: int | None) -> list[dict[str, str]]:
    """So many of the rows, always the same for a file; all for None."""
    ordered = sorted(rows, key=lambda row: row["model"])
    if number is None or number >= len(ordered):
        return ordered
    order = np.random.default_rng(0).permutation(len(ordered))
    return [ordered[place] for place in order[:number]]


def counted(rows: Sequence[dict[str, str]], model: TargetModel, cache: Path) -> tuple[list[Row], list[dict[str, str]]]:
    """The networks of some rows with their counts, and those that are left out with the reason."""
    found, left_out = [], []
    for number, row in enumerate(rows):
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {len(rows)}: {row['model']:60}", end="", file=sys.stderr)
        try:
            found.append(_counted(row, model, cache))
        except (UnknownNetworkError, InputError) as error:
            left_out.append({"name": row["model"], "reason": str(error).splitlines()[0]})
    return found, left_out


def _counted(row: Mapping[str, str], model: TargetModel, cache: Path) -> Row:
    if not row["infer_step_time"]:
        raise UnknownNetworkError("no latency in the file")
    side = int(row["infer_img_size"])
    spec = network(row["model"], side, cache)
    kernels = map_to_kernels(build_graph(spec), model.runtime, batch=1, element_bytes=model.element_bytes)
    counts = {name: float(value) for name, value in count_vector(kernels, model.form).items()}
    macs = float(sum(kernel.macs for kernel in kernels))
    return Row(row["model"], family_of(row["model"]), side, macs, float(row["infer_step_time"]) / 1e3, counts)


def family_of(name: str) -> str:
    """The module of timm that defines a network: resnet, vision_transformer."""
    entry = import_timm().models.model_entrypoint(name)
    return str(entry.__module__).rpartition(".")[2]


# --- the target -----------------------------------------------------------------------------------------------------


class Machine(NamedTuple):
    """The facts that a target is made of: a core of the catalogue, its clock [GHz], threads, memory [GB/s]."""

    core: str
    clock: float
    threads: int
    bandwidth: float
    memory: str


def machine_of(path: Path, given: argparse.Namespace) -> Machine:
    """The machine of a file: what was asked for, else the chip of the catalogue that the file's name has."""
    words = re.sub(r"[^a-z0-9]", "", path.stem.lower())
    chip = next((name for name in soc_names() if _chip(name) in words), None)
    core, clock, threads = given.core, given.clock, given.threads
    bandwidth, memory = MEMORY.get(chip or "", USUAL_MEMORY)
    if chip is not None:
        soc = load_soc(chip)
        cluster = next(iter(soc.clusters.values()))
        core, threads = (
            core or cluster.core,
            threads or (int(cluster.cores.value) if cluster.cores is not None else None),
        )
        clock = clock or (cluster.clock.value / 1e9 if cluster.clock is not None else None)
    if given.bandwidth is not None:
        bandwidth, memory = given.bandwidth, "--bandwidth"
    if not (core and clock and threads):
        raise SystemExit(f"no chip of the catalogue is in the name of {path.name}: give --core, --clock and --threads")
    return Machine(core, clock, threads, bandwidth, memory)


def _chip(name: str) -> str:
    """What a file's name has of a chip: i910940x of core_i9_10940x."""
    return re.sub(r"[^a-z0-9]", "", name.removeprefix("core_"))


def profile_of(machine: Machine) -> str:
    """A profile of a CPU with this core: its peak is the clock times the catalogue's MACs a cycle."""
    core = load_core(machine.core)
    macs, width = core.throughput.get("fp32"), core.simd_width
    if macs is None or width is None:
        raise SystemExit(f"the catalogue has no fp32 throughput of {core.title}: give a core that is like it")
    peak = machine.clock * macs.value
    return f"""
identity: {{name: timm-cpu, title: CPU of timm's results}}
provenance:
  date: "2026-11-28"
  references: {{catalogue: "core {machine.core} and its clock", memory: "{machine.memory}"}}
processors:
  cpu:
    kind: cpu
    core: {core.title}
    default: true
    runtime: {RUNTIME}
    precisions: [fp32]
    max_threads: {machine.threads}
    clock: {{value: {machine.clock:g} GHz, source: datasheet, reference: catalogue}}
    simd_width: {{value: {width.value:g} bit, source: datasheet, reference: catalogue}}
    peak:
      fp32: {{value: {peak:g} GMAC/s, source: derived, formula: clock x MACs a cycle, reference: catalogue}}
memory:
  bandwidth: {{value: {machine.bandwidth:g} GB/s, source: datasheet, reference: memory}}
"""


def target_of(machine: Machine) -> Target:
    """The target, on all threads."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "timm-cpu.yaml"
        path.write_text(profile_of(machine), encoding="utf-8")
        return resolve_target(str(path), threads=machine.threads)


# --- predictions ----------------------------------------------------------------------------------------------------


def predictions(rows: Sequence[Row], model: TargetModel, number: int, seed: int) -> list[Prediction]:
    """Every network that is not among the `number` measured ones, by the product's calibration of these.

    A network may be there at several sizes: one of them is measured, none of the others is predicted.
    """
    order = np.random.default_rng(seed).permutation(len(rows))
    known = order[list({rows[place].name: at for at, place in enumerate(order)}.values())[:number]]
    names = {rows[place].name for place in known}
    wanted = [place for place in order if rows[place].name not in names]
    terms = [term.name for term in model.form.terms]
    counts = np.array([[row.counts[name] for name in terms] for row in rows])
    macs, measured = np.array([row.macs for row in rows]), np.array([row.seconds for row in rows])
    before = {name: float(rate.seconds) for name, rate in model.rates.items()}
    by_macs = macs * (np.median(measured[known] / macs[known]) if number else np.nan)
    if not number:
        predicted = counts @ np.array([before[name] for name in terms])
        low, high = (
            bound.value for bound in model.runtime.interval(model.target.processor.model, model.target.precision)
        )
        lows, highs = predicted * low, predicted * high
    else:
        calibration = fitting.calibrate(
            model.target,
            model.form,
            [rows[place].name for place in known],
            counts[known],
            macs[known],
            measured[known],
            before,
            date="",
            source="",
        )
        seconds = counts * np.array([calibration.rates[name].seconds for name in terms])
        predicted = seconds.sum(axis=1)
        shares = dict(zip(terms, (seconds / predicted[:, None]).T, strict=True))
        load = Workload(macs, predicted, shares, dict(zip(terms, counts.T, strict=True)))
        factor = np.asarray(interval_factor(calibration, load, other_threads=False))
        lows, highs = predicted / factor, predicted * factor
    return [
        Prediction(seed, rows[i], float(predicted[i]), float(lows[i]), float(highs[i]), float(by_macs[i]))
        for i in wanted
    ]


def score(found: Sequence[Prediction], name: str) -> dict[str, Any]:
    """The statistics of some predictions."""
    predicted, measured = (np.array(each) for each in zip(*((p.predicted, p.row.seconds) for p in found), strict=True))
    low, high = (np.array(each) for each in zip(*((p.low, p.high) for p in found), strict=True))
    errors = predicted / measured - 1
    size = np.abs(errors)
    rest = np.abs(np.array([p.by_macs for p in found]) / measured - 1)
    rest = rest[np.isfinite(rest)]
    seeds = np.array([p.seed for p in found])
    groups = [seeds == seed for seed in np.unique(seeds)]
    ranks = [kendalltau(predicted[group], measured[group]).statistic for group in groups if group.sum() > 2]
    taus = [tau for tau in ranks if np.isfinite(tau)]
    return {
        "name": name,
        "networks": len({p.row.name for p in found}),
        "predictions": len(found),
        "mape": float(size.mean()),
        "bias": float(errors.mean()),
        **{f"hit{limit}": float((size <= limit / 100).mean()) for limit in (5, 10, 20)},
        "kendall_tau": float(np.mean(taus)) if taus else None,
        "coverage90": float(((low <= measured) & (measured <= high)).mean()),
        "median": float(np.median(size)),
        "baselines": {
            "macs": {
                "mape": float(rest.mean()) if len(rest) else None,
                "hit10": float((rest <= 0.1).mean()) if len(rest) else None,
                "hit20": float((rest <= 0.2).mean()) if len(rest) else None,
            },
            "rank1": {"mape": None, "hit10": None, "hit20": None},  # one machine: nothing shares its networks
        },
    }


def results(found: Sequence[Prediction]) -> list[dict[str, Any]]:
    """The total first, then the families by name; small ones together."""
    by: dict[str, list[Prediction]] = defaultdict(list)
    sizes = Counter({p.row.name: p.row.family for p in found}.values())
    for one in found:
        by[one.row.family if sizes[one.row.family] >= FEWEST else "others"].append(one)
    return [score(found, "total"), *(score(each, f"family: {name}") for name, each in sorted(by.items()))]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The scores as text."""
    head = f"{'':36} {'n':>5} {'MAPE':>7} {'median':>7} {'bias':>7} {'<5%':>5} {'<10%':>5} {'<20%':>5} {'tau':>5}"
    lines = [f"{head} {'cover':>5} {'MACs':>7}"]
    for row in rows:
        tau = "-" if row["kendall_tau"] is None else f"{row['kendall_tau']:.2f}"
        macs = row["baselines"]["macs"]["mape"]
        lines.append(
            f"{row['name'][:36]:36} {row['networks']:5} {row['mape']:7.1%} {row['median']:7.1%} {row['bias']:+7.1%} "
            f"{row['hit5']:5.0%} {row['hit10']:5.0%} {row['hit20']:5.0%} {tau:>5} {row['coverage90']:5.0%} "
            f"{'-' if macs is None else f'{macs:.1%}':>7}"
        )
    return "\n".join(lines)


# --- the command ----------------------------------------------------------------------------------------------------


def run(path: Path, machine: Machine, number: int, seeds: int, networks: int | None, cache: Path) -> dict[str, Any]:
    """The result for a file."""
    model = prepare(target_of(machine), calibration=False)
    chosen = sampled(read_rows(path), networks)
    rows, left_out = counted(chosen, model, cache)
    if len(rows) <= number:
        raise SystemExit(f"{len(rows)} networks can be imported, too few to calibrate on {number} and predict others")
    found = []
    for seed in range(seeds if number else 1):
        try:
            found += predictions(rows, model, number, seed)
        except InputError as error:  # the product refuses to calibrate on such latencies
            left_out.append({"name": f"seed {seed}", "reason": str(error).splitlines()[0]})
    if not found:
        raise SystemExit(f"no draw of {number} networks can be calibrated on: {left_out[-1]['reason']}")
    return {
        "data": path.name,
        "calibrate_on": number,
        "seeds": seeds if number else 1,
        "sample": len(chosen),
        "machine": machine._asdict(),
        "results": results(found),
        "left_out": left_out,
    }


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--calibrate-on", type=int, default=0, help="networks: 0, or at least 3")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--networks", default=str(USUAL), help=f"how many of the file's, or `all`; default {USUAL}")
    parser.add_argument("--core", help="of the catalogue, such as cascade_lake")
    parser.add_argument("--clock", type=float, help="[GHz]")
    parser.add_argument("--threads", type=int, help="default: the cores of the chip's first cluster")
    parser.add_argument("--bandwidth", type=float, help="of the memory [GB/s]")
    chosen = parser.parse_args(arguments)
    if 0 < chosen.calibrate_on < fitting.FEWEST:
        parser.error(f"--calibrate-on is 0 or at least {fitting.FEWEST}: this form has no rates of other machines")
    networks = None if chosen.networks == "all" else int(chosen.networks)
    try:
        cache = cache_folder((chosen.json or Path("timm.json")).resolve().parent)
    except UnknownNetworkError as error:
        raise SystemExit(str(error)) from None
    machine = machine_of(chosen.data, chosen)
    found = run(chosen.data, machine, chosen.calibrate_on, chosen.seeds, networks, cache)
    if networks is not None:
        print(f"{found['sample']} networks of the file, drawn at random")
    print(f"{machine.core} at {machine.clock:g} GHz, {machine.threads} threads, {machine.bandwidth:g} GB/s")
    print(table(found["results"]))
    for one in found["left_out"]:
        print(f"left out: {one['name']}: {one['reason']}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
