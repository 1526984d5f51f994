"""Held-out accuracy on networks in the layout of the nn-Meter bench, through mbcost's own path from graph to latency.

python benchmarks/nn_meter_bench.py --data DIR --device cortexA76cpu_tflite21 --protocol S --calibrate-on 100 \
    --seeds 5 --json OUT

Protocols: S calibrates on N random networks and tests on all others; L leaves one family out, calibrates on N networks
of the others and tests on it; H holds all inverted-residual families out together.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from nn_meter_networks import Measurement, Row, network, read_measurements, read_rows

from mbcost.devices import resolve_target
from mbcost.graph import build_graph
from mbcost.kernels import map_to_kernels
from mbcost.latency.calibration_file import calibration_text
from mbcost.latency.counts import count_vector
from mbcost.latency.fitting import calibrate, conformal_factor, fit, leave_one_out
from mbcost.pipeline import latency_model

#: Device of the bench -> the target that its rates have their priors from.
TARGETS: Final = {"cortexA76cpu_tflite21": "pixel4/cpu@tflite-2.1"}
#: Families built of inverted residuals, which protocol H holds out together.
INVERTED_RESIDUALS: Final = ("mnasnet", "mobilenetv2", "mobilenetv3", "proxylessnas")
_PROCESSES: Final = 2
_CHUNK: Final = 32


class Bench(NamedTuple):
    """Names, counts, MACs, measured latencies [s], families and configurations; the priors [s a count]."""

    names: list[str]
    macs: Any
    counts: Any
    measured_s: Any
    families: Any
    configs: Any
    priors: Any


def load_bench(folder: Path, device: str) -> Bench:
    """The networks of a folder that were measured on a device, with their counts.

    Raises
    ------
    SystemExit
        For a device that has no target yet.
    """
    if device not in TARGETS:
        raise SystemExit(f"no target for {device}; there are {', '.join(TARGETS)}")
    rows = [row for row in read_measurements(folder, device) if row.measured_s > 0]
    counts = count_networks(folder, TARGETS[device], {row.model for row in rows})
    known: list[Measurement] = [row for row in rows if row.model in counts]
    _, form, rates = latency_model(resolve_target(TARGETS[device]), calibration=False)
    return Bench(
        [row.model for row in known],
        np.array([counts[row.model][0] for row in known]),
        np.array([counts[row.model][1:] for row in known]),
        np.array([row.measured_s for row in known]),
        np.array([row.family for row in known]),
        np.array([row.config or row.model for row in known]),
        np.array([float(rates[term.name].seconds) for term in form.terms]),
    )


def count_networks(folder: Path, target: str, models: set[str]) -> dict[str, list[float]]:
    """MACs of the named networks, then counts in the order of the form's terms."""
    wanted = ((model, rows, target) for model, rows in read_rows(folder) if model in models)
    found: dict[str, list[float]] = {}
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool:
        while block := list(islice(wanted, _PROCESSES * 4 * _CHUNK)):  # a block at a time bounds the memory
            found.update(pool.map(_count, block, chunksize=_CHUNK))
    return found


def _count(job: tuple[str, list[Row], str]) -> tuple[str, list[float]]:
    model, rows, target = job
    runtime, form, _ = latency_model(resolve_target(target), calibration=False)
    kernels = map_to_kernels(build_graph(network(model, rows)), runtime)
    macs = float(sum(kernel.macs for kernel in kernels))
    return model, [macs, *map(float, count_vector(kernels, form).values())]


class Split(NamedTuple):
    """Positions of the networks to calibrate on and to test on."""

    train: Any
    test: Any


def splits(bench: Bench, protocol: str, number: int, seed: int) -> Iterator[Split]:
    """The splits of a protocol for one seed; a network that was measured twice is never on both sides."""
    random = np.random.default_rng(seed)
    if protocol == "S":
        held_out = [np.ones(len(bench.measured_s), dtype=bool)]
    elif protocol == "L":
        held_out = [bench.families == family for family in np.unique(bench.families)]
    else:
        held_out = [np.isin(bench.families, INVERTED_RESIDUALS)]
    for test in held_out:
        pool = np.flatnonzero(test if protocol == "S" else ~test)
        train = random.permutation(pool)[:number]
        allowed = test & ~np.isin(bench.configs, bench.configs[train])
        allowed[train] = False
        if len(train) and allowed.any():
            yield Split(train, np.flatnonzero(allowed))


def score(bench: Bench, protocol: str, number: int, seed: int) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Metrics of one seed (for L, means over families), and metrics by family."""
    outcomes = [_predict(bench, split) for split in splits(bench, protocol, number, seed)]
    families: dict[str, dict[str, float]] = {}
    for split, ratios, _ in outcomes:
        for family in np.unique(bench.families[split.test]):
            chosen = ratios[bench.families[split.test] == family] - 1
            families[str(family)] = {
                "hit10": float((np.abs(chosen) <= 0.10).mean()),
                "mape": float(np.abs(chosen).mean()),
                "bias": float(chosen.mean()),
                "networks": len(chosen),
            }
    parts = [_metrics(bench.measured_s[split.test], ratios, factor) for split, ratios, factor in outcomes]
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}, families


def _predict(bench: Bench, split: Split) -> tuple[Split, Any, float]:
    """Calibrate on a split's networks: predicted over measured for the others, and the factor of the interval."""
    train, test = split
    counts, measured = bench.counts[train], bench.measured_s[train]
    rates = fit(counts, measured, bench.priors).rates
    factor = conformal_factor(leave_one_out(counts, measured, bench.priors))
    return split, bench.counts[test] @ rates / bench.measured_s[test], factor


def _metrics(measured_s: Any, ratios: Any, factor: float) -> dict[str, float]:
    from scipy.stats import kendalltau

    error = np.abs(ratios - 1)
    return {
        **{f"hit{limit}": float((error <= limit / 100).mean()) for limit in (5, 10, 20)},
        "mape": float(error.mean()),
        "rmspe": float(np.sqrt((error**2).mean())),
        "kendall_tau": float(kendalltau(measured_s, measured_s * ratios).statistic),
        "coverage90": float((np.abs(np.log(ratios)) <= np.log(factor)).mean()),
    }


def result(bench: Bench, device: str, protocol: str, number: int, seeds: int) -> dict[str, Any]:
    """One entry of the output: means over seeds."""
    scores = [score(bench, protocol, number, seed) for seed in range(seeds)]
    overall = {name: float(np.mean([one[name] for one, _ in scores])) for name in scores[0][0]}
    families: dict[str, Any] = {}
    for family in sorted({name for _, by_family in scores for name in by_family}):
        parts = [by_family[family] for _, by_family in scores if family in by_family]
        families[family] = {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}
        families[family]["networks"] = round(families[family]["networks"])
    return {
        "device": device,
        "protocol": protocol,
        "calibrate_on": number,
        "networks": len(bench.measured_s),
        "parameters": len(bench.priors),
        **overall,
        "worst_hit10": min(one["hit10"] for one, _ in scores),
        "families": families,
    }


def write_calibration(bench: Bench, device: str, path: Path) -> None:
    """Fit the target's rates to all networks and write its calibration."""
    target = resolve_target(TARGETS[device])
    _, form, _ = latency_model(target, calibration=False)
    priors = dict(zip([term.name for term in form.terms], map(float, bench.priors), strict=True))
    calibration = calibrate(
        target,
        form,
        bench.names,
        bench.counts,
        bench.macs,
        bench.measured_s,
        priors,
        date=datetime.now(UTC).date().isoformat(),
        source=f"nn-Meter bench (Zhang et al., MobiSys 2021), {device}: whole networks of {_families(bench)}",
    )
    path.write_text(calibration_text(calibration), encoding="utf-8")


def _families(bench: Bench) -> str:
    return ", ".join(map(str, np.unique(bench.families)))


def main() -> None:
    """Score a device and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder in the layout of nn_meter_bench")
    parser.add_argument("--device", required=True, choices=TARGETS)
    parser.add_argument("--protocol", choices=("S", "L", "H"), default="S")
    parser.add_argument("--calibrate-on", type=int, default=100, metavar="N")
    parser.add_argument("--seeds", type=int, default=5, metavar="K")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--calibration", type=Path, metavar="FILE", help="also fit to all networks, and write that")
    arguments = parser.parse_args()
    bench = load_bench(arguments.data, arguments.device)
    found = result(bench, arguments.device, arguments.protocol, arguments.calibrate_on, arguments.seeds)
    arguments.json.write_text(json.dumps({"results": [found]}, indent=2) + "\n", encoding="utf-8")
    if arguments.calibration:
        write_calibration(bench, arguments.device, arguments.calibration)
    print(", ".join(f"{key} {value:.4g}" for key, value in found.items() if isinstance(value, float)))


if __name__ == "__main__":
    main()
