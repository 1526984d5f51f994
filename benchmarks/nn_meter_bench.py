"""Held-out accuracy on networks in the layout of the nn-Meter bench, through mbcost's own path from graph to latency.

python benchmarks/nn_meter_bench.py --data DIR --device cortexA76cpu_tflite21 --protocol S --calibrate-on 100 \
    --seeds 5 --json OUT

Protocols: S calibrates on N random networks and tests on all others; L leaves one family out, calibrates on N networks
of the others and tests on it; H holds all inverted-residual families out together; D is S with the N networks chosen
D-optimally, before anything is measured, among 500 random ones. With N = 0 nothing is calibrated: priors and device
facts alone. `--device`, `--protocol` and `--calibrate-on` take lists (`S,L,H`, `0,10,30,100`), and `--device all` is
every device of the folder that mbcost has a target for: the networks are then read and built once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from nn_meter_counts import Bench, BenchError, devices_of, load_benches
from scipy.stats import kendalltau

from mbcost.calibration.experiment import d_optimal
from mbcost.calibration.file import calibration_text
from mbcost.calibration.fit import calibrate, prior_covariance
from mbcost.calibration.interval import Workload, interval_factor
from mbcost.calibration.record import Calibration
from mbcost.devices import resolve_target
from mbcost.errors import MbcostError
from mbcost.files import write_text
from mbcost.latency.model import latency_model

#: Device of the bench -> the target that its rates have their priors from.
TARGETS: Final = {
    "adreno630gpu_tflite21": "pixel3/gpu@tflite-gpu-2020",
    "adreno640gpu_tflite21": "xiaomi_mi9/gpu@tflite-gpu-2020",
    "cortexA76cpu_tflite21": "pixel4/cpu@tflite-2.1",
    "myriadvpu_openvino2019r2": "intel_ncs2/npu@openvino-2019r2",
}
#: Families built of inverted residuals, which protocol H holds out together.
INVERTED_RESIDUALS: Final = ("mnasnet", "mobilenetv2", "mobilenetv3", "proxylessnas")
PROTOCOLS: Final = ("S", "L", "H", "D")
#: Networks that protocol D chooses from.
CANDIDATES: Final = 500


class Split(NamedTuple):
    """Positions of the networks to calibrate on and to test on."""

    train: Any
    test: Any


class Outcome(NamedTuple):
    """Of the test networks of one split: predicted over measured, the factor of the interval, shares of the time."""

    test: Any
    ratios: Any
    low: Any
    high: Any
    shares: Any


def splits(bench: Bench, protocol: str, number: int, seed: int) -> Iterator[Split]:
    """The splits of a protocol for one seed; a network that was measured twice is never on both sides."""
    random = np.random.default_rng(seed)
    everything = np.ones(len(bench.measured_s), dtype=bool)
    if protocol in {"S", "D"}:
        held_out = [everything]
    elif protocol == "L":
        held_out = [bench.families == family for family in np.unique(bench.families)]
    else:
        held_out = [np.isin(bench.families, INVERTED_RESIDUALS)]
    for test in held_out:
        pool = np.flatnonzero(test if protocol in {"S", "D"} else ~test)
        train = random.permutation(pool)[: CANDIDATES if protocol == "D" else number]
        if protocol == "D":
            times = bench.counts[train] * bench.priors
            train = train[d_optimal(times / times.sum(axis=1, keepdims=True), number, prior_covariance(bench.form))]
        allowed = test & ~np.isin(bench.configs, bench.configs[train])
        allowed[train] = False
        if len(train) == min(number, len(pool)) and allowed.any():
            yield Split(train, np.flatnonzero(allowed))


def calibration_of(bench: Bench, train: Any, source: str) -> Calibration:
    """The library's calibration from some of the networks."""
    return calibrate(
        bench.target,
        bench.form,
        [bench.names[i] for i in train],
        bench.counts[train],
        bench.macs[train],
        bench.measured_s[train],
        dict(zip(bench.terms, map(float, bench.priors), strict=True)),
        date=datetime.now(UTC).date().isoformat(),
        source=source,
        groups=bench.families[train],
    )


def predict(bench: Bench, split: Split) -> Outcome:
    """Calibrate on a split's networks and predict the others, with their intervals."""
    train, test = split
    calibration = calibration_of(bench, train, "") if len(train) else None
    rates = np.array([rate.seconds for rate in calibration.rates.values()]) if calibration else bench.priors
    seconds = bench.counts[test] * rates
    latency = seconds.sum(axis=1)
    shares = seconds / latency[:, None]
    ratios = latency / bench.measured_s[test]
    if calibration is None:
        low, high = bench.runtime.interval(bench.target.processor.model, bench.target.precision)
        return Outcome(test, ratios, np.full(len(test), low.value), np.full(len(test), high.value), shares)
    by_term = [dict(zip(bench.terms, values.T, strict=True)) for values in (shares, bench.counts[test])]
    factor = interval_factor(calibration, Workload(bench.macs[test], latency, *by_term))
    return Outcome(test, ratios, 1 / factor, factor, shares)


def metrics(bench: Bench, outcome: Outcome) -> dict[str, float]:
    """Of one split."""
    ratios = outcome.ratios
    error = np.abs(ratios - 1)
    measured = bench.measured_s[outcome.test]
    return {
        **{f"hit{limit}": float((error <= limit / 100).mean()) for limit in (5, 10, 20)},
        "mape": float(error.mean()),
        "bias": float((ratios - 1).mean()),
        "rmspe": float(np.sqrt((error**2).mean())),
        "kendall_tau": float(kendalltau(measured, measured * ratios).statistic),
        "coverage90": float(((ratios * outcome.low <= 1) & (ratios * outcome.high >= 1)).mean()),
        "interval": float(np.mean(outcome.high - outcome.low) / 2),
    }


def by_family(bench: Bench, outcomes: list[Outcome]) -> dict[str, dict[str, float]]:
    """Metrics of the networks of each family."""
    found: dict[str, dict[str, float]] = {}
    for outcome in outcomes:
        for family in np.unique(bench.families[outcome.test]):
            chosen = bench.families[outcome.test] == family
            one = metrics(bench, Outcome(*(part[chosen] for part in outcome)))
            names = ("hit5", "hit10", "mape", "bias", "coverage90")
            found[str(family)] = {**{name: one[name] for name in names}, "networks": int(chosen.sum())}
    return found


def by_term(bench: Bench, outcomes: list[Outcome]) -> dict[str, dict[str, float]]:
    """Mean share of each term of the time, and the errors of networks weighted by it: which kernels carry the error."""
    shares = np.concatenate([outcome.shares for outcome in outcomes])
    errors = np.concatenate([outcome.ratios for outcome in outcomes]) - 1
    found = {}
    for name, share in zip(bench.terms, shares.T, strict=True):
        weight = share.sum() or 1.0
        found[name] = {
            "share": float(share.mean()),
            "bias": float((share * errors).sum() / weight),
            "mape": float((share * np.abs(errors)).sum() / weight),
        }
    return found


def result(bench: Bench, protocol: str, number: int, seeds: int) -> dict[str, Any]:
    """One entry of the output: means over seeds (of means over families for L).

    Raises
    ------
    BenchError
        If there are too few networks for the protocol.
    """
    outcomes = [[predict(bench, split) for split in splits(bench, protocol, number, seed)] for seed in range(seeds)]
    if not all(outcomes):
        raise BenchError(f"{bench.device}: too few networks for protocol {protocol} with {number} to calibrate on")
    scores = [_mean([metrics(bench, outcome) for outcome in of_seed]) for of_seed in outcomes]
    families = [by_family(bench, of_seed) for of_seed in outcomes]
    terms = [by_term(bench, of_seed) for of_seed in outcomes]
    return {
        "device": bench.device,
        "protocol": protocol,
        "calibrate_on": number,
        "networks": len(bench.measured_s),
        "parameters": int((bench.priors > 0).sum()) if number else 0,
        **_mean(scores),
        "worst_hit10": min(score["hit10"] for score in scores),
        "seeds": seeds,
        "families": {name: _mean([of[name] for of in families if name in of]) for name in _names(families)},
        "terms": {name: _mean([of[name] for of in terms]) for name in _names(terms)},
    }


def _names(parts: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for part in parts for name in part))


def _mean(parts: list[dict[str, float]]) -> dict[str, float]:
    means = {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}
    return {name: round(value) if name == "networks" else value for name, value in means.items()}


def write_calibration(bench: Bench, path: Path) -> None:
    """Fit the target's rates to all networks and write its calibration."""
    families = ", ".join(map(str, np.unique(bench.families)))
    source = f"nn-Meter bench (Zhang et al., MobiSys 2021), {bench.device}: whole networks of {families}"
    write_text(path, calibration_text(calibration_of(bench, np.arange(len(bench.names)), source)), force=True)


def models_of(devices: list[str]) -> dict[str, Any]:
    """Device -> its target with runtime, form and rates from facts."""
    targets = {device: resolve_target(TARGETS[device]) for device in devices}
    return {device: (target, *latency_model(target)) for device, target in targets.items()}


def main() -> int:
    """Score devices and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder in the layout of nn_meter_bench")
    parser.add_argument("--device", required=True, help=f"all, or some of {', '.join(TARGETS)}")
    parser.add_argument("--protocol", default="S", help="some of S, L, H, D")
    parser.add_argument("--calibrate-on", default="100", metavar="N")
    parser.add_argument("--seeds", type=int, default=5, metavar="K")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--calibration", type=Path, metavar="FILE", help="also fit to all networks, and write that")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except (BenchError, MbcostError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    devices = _chosen_devices(arguments.data, arguments.device)
    protocols = arguments.protocol.split(",")
    if not set(protocols) <= set(PROTOCOLS):
        raise BenchError(f"--protocol {arguments.protocol}: there are {', '.join(PROTOCOLS)}")
    numbers = [int(text) for text in arguments.calibrate_on.split(",") if text.isdigit()]
    if len(numbers) != arguments.calibrate_on.count(",") + 1 or arguments.seeds < 1:
        raise BenchError("--calibrate-on takes whole numbers with commas between them, --seeds one of at least 1")
    if arguments.calibration and len(devices) > 1:
        raise BenchError("--calibration is for one device")
    results = []
    for bench in load_benches(arguments.data, models_of(devices)):
        for protocol in protocols:
            for number in numbers:
                found = result(bench, protocol, number, arguments.seeds)
                results.append(found)
                shown = ", ".join(f"{key} {value:.4g}" for key, value in found.items() if isinstance(value, float))
                print(f"{bench.device} {protocol} {number}: {shown}")
        if arguments.calibration:
            write_calibration(bench, arguments.calibration)
    write_text(arguments.json, json.dumps({"results": results}, indent=2) + "\n", force=True)
    return 0


def _chosen_devices(folder: Path, text: str) -> list[str]:
    """The devices to score; those of the folder without a target are named."""
    present = devices_of(folder)
    if text == "all":
        for device in present:
            if device not in TARGETS:
                print(f"no target for {device}: left out", file=sys.stderr)
        return [device for device in present if device in TARGETS]
    devices = text.split(",")
    for device in devices:
        if device not in TARGETS:
            raise BenchError(f"no target for {device}; there are {', '.join(TARGETS)}")
        if device not in present:
            raise BenchError(f"no latency of {device} in {folder}; there are {', '.join(present)}")
    return devices


if __name__ == "__main__":
    sys.exit(main())
