"""All protocols on a folder in the layout of the nn-Meter bench, for the accuracy report.

python benchmarks/nn_meter_report.py --data DIR [--device NAME,...]

Writes reports/nn_meter/DEVICE.json, which `python benchmarks/accuracy.py --write` turns into a section.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
from nn_meter_bench import TARGETS, calibration_of, models_of, result, splits
from nn_meter_counts import Bench, BenchError, devices_of, load_benches
from nn_meter_features import LADDER, predict

from mbcost.calibration.fit import fit, prior_of
from mbcost.files import write_text

FOLDER: Final = Path(__file__).parent.parent / "reports" / "nn_meter"
SEEDS: Final = 5
#: Protocol -> numbers of networks to calibrate on.
RUNS: Final = {"S": (0, 10, 12, 30, 100, 300), "L": (0, 30, 100, 300), "H": (0, 100), "D": (12, 30)}
#: The entries that keep their families and terms.
_DETAILED: Final = (("S", 100), ("L", 100))


def report(bench: Bench) -> dict[str, Any]:
    """Everything that the report shows of a device."""
    results = [result(bench, protocol, number, SEEDS) for protocol, numbers in RUNS.items() for number in numbers]
    for found in results:
        if (found["protocol"], found["calibrate_on"]) not in _DETAILED:
            del found["families"], found["terms"]
    return {
        "device": bench.device,
        "target": bench.target.name,
        "form": bench.form.title,
        "results": results,
        "ladder": [
            {"name": rung.name, "parameters": len(rung.columns) or 3, **_both(bench, _baseline(bench, rung))}
            for rung in LADDER
        ],
        "without": [
            {"term": name, **_both(bench, _without(bench, i))}
            for i, name in enumerate(bench.terms)
            if bench.priors[i] > 0
        ],
        "parameters": _parameters(bench),
        "repeated": _repeated(bench),
    }


def _both(bench: Bench, ratios_of: Callable[[Any, Any], Any]) -> dict[str, float]:
    """Hits and error under S and L with 100 networks, of any way to predict from training networks."""
    found = {}
    for protocol in ("S", "L"):
        errors = [
            [np.abs(ratios_of(*split) - 1) for split in splits(bench, protocol, 100, seed)] for seed in range(SEEDS)
        ]
        found[f"{protocol}_hit10"] = float(np.mean([[(e <= 0.10).mean() for e in seed] for seed in errors]))
        found[f"{protocol}_hit5"] = float(np.mean([[(e <= 0.05).mean() for e in seed] for seed in errors]))
        found[f"{protocol}_mape"] = float(np.mean([[e.mean() for e in seed] for seed in errors]))
    return found


def _baseline(bench: Bench, rung: Any) -> Callable[[Any, Any], Any]:
    return lambda train, test: predict(rung, bench.features, bench.measured_s, train, test)


def _without(bench: Bench, dropped: int) -> Callable[[Any, Any], Any]:
    """The form without one of its terms."""
    priors = np.where(np.arange(len(bench.priors)) == dropped, 0.0, bench.priors)

    def ratios(train: Any, test: Any) -> Any:
        rates = fit(bench.counts[train], bench.measured_s[train], priors, **prior_of(bench.form)).rates
        return bench.counts[test] @ rates / bench.measured_s[test]

    return ratios


def _parameters(bench: Bench) -> list[dict[str, Any]]:
    """The rates fitted to all networks."""
    calibration = calibration_of(bench, np.arange(len(bench.names)), "")
    return [
        {"term": name, "unit": rate.unit, "reading": rate.reading, "seconds": rate.seconds, "prior": rate.prior,
         "uncertainty": rate.uncertainty, "state": rate.state}
        for name, rate in calibration.rates.items()
    ]  # fmt: skip


def _repeated(bench: Bench) -> dict[str, float]:
    """How well two measurements of one network agree: what no model can beat."""
    by_config: dict[str, list[float]] = {}
    for config, measured in zip(bench.configs, bench.measured_s, strict=True):
        by_config.setdefault(str(config), []).append(float(measured))
    ratios = np.array([b / a for group in by_config.values() for a, b in combinations(group, 2)])
    if not len(ratios):
        return {"pairs": 0}
    error = np.abs(ratios - 1)
    return {"pairs": len(ratios), "hit10": float((error <= 0.10).mean()), "hit5": float((error <= 0.05).mean())}


def main() -> int:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder in the layout of nn_meter_bench")
    parser.add_argument("--device", default=",".join(TARGETS))
    arguments = parser.parse_args()
    try:
        present = devices_of(arguments.data)
        chosen = [device for device in arguments.device.split(",") if device in present]
        for bench in load_benches(arguments.data, models_of(chosen), with_features=True):
            path = FOLDER / f"{bench.device}.json"
            path.parent.mkdir(exist_ok=True)
            write_text(path, json.dumps(report(bench), indent=1) + "\n", force=True)
            print(path)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
