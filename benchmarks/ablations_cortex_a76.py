"""What was tried on the Cortex-A76 beside the form as it is, on one half of the nn-Meter bench.

python benchmarks/ablations_cortex_a76.py --data DIR     writes reports/ablations/cortex_a76.csv

The half is that of the configurations whose SHA-256 starts with an even byte; the other one had no say in any choice.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from nn_meter_bench import models_of, splits
from nn_meter_counts import Bench, load_benches
from nn_meter_features import FEATURES
from nn_meter_networks import read_spreads

from mbcost.calibration.fit import NOISE, PRIOR_SD, fit
from mbcost.files import write_text

DEVICE: Final = "cortexA76cpu_tflite21"
OUT: Final = Path(__file__).parent.parent / "reports" / "ablations" / "cortex_a76.csv"
SEEDS: Final = 10


class Change(NamedTuple):
    """Another way to fit: columns and priors in the place of the form's, and settings of the fit."""

    name: str
    counts: Any
    priors: Any
    noise: Any = NOISE
    prior_sd: float = PRIOR_SD
    bend: bool = False


def half_of(bench: Bench) -> Bench:
    """The networks of the development half."""
    even = np.array([hashlib.sha256(config.encode()).digest()[0] % 2 == 0 for config in bench.configs])
    rows = {name: getattr(bench, name)[even] for name in
            ("macs", "counts", "measured_s", "families", "configs", "features")}  # fmt: skip
    return bench._replace(names=[name for name, kept in zip(bench.names, even, strict=True) if kept], **rows)


def changes(bench: Bench, spread: Any) -> Iterator[Change]:
    """The form as it is, then each change."""
    counts, priors = bench.counts, bench.priors
    gemm = bench.terms.index("gemm")

    def instead(columns: Any, rates: Any) -> tuple[Any, Any]:
        """Other columns in the place of the matrix products."""
        return np.column_stack([np.delete(counts, gemm, axis=1), columns]), np.append(np.delete(priors, gemm), rates)

    def feature(*names: str) -> Any:
        return bench.features[:, [FEATURES.index(name) for name in names]]

    yield Change("the form as it is", counts, priors)
    yield Change("priors with a standard deviation of 100 %", counts, priors, prior_sd=1.0)
    yield Change("priors with a standard deviation of 30 %", counts, priors, prior_sd=0.3)
    yield Change("robust loss from 3 % on", counts, priors, noise=0.03)
    yield Change("robust loss from 10 % on", counts, priors, noise=0.10)
    yield Change("rows weighted by the spread of their runs", counts, priors, noise=np.hypot(NOISE, spread))
    yield Change("a cost per kernel", np.column_stack([counts, feature("kernels")]), np.append(priors, 5e-6))
    yield Change(
        "MACs in the place of whole tiles", *instead(feature("macs_kxk", "macs_pointwise", "macs_dense").sum(axis=1),
                                                    priors[gemm]))  # fmt: skip
    yield Change(
        "a rate each for KxK, 1x1 and dense",
        *instead(feature("tiles_kxk", "tiles_pointwise", "tiles_dense"), np.full(3, priors[gemm])),
    )
    yield Change("a power of the latency, fitted to the residuals", counts, priors, bend=True)


def hits(bench: Bench, change: Change, protocol: str, number: int) -> tuple[float, float, float]:
    """Share within 10 and 5 %, and mean absolute error, of the held-out networks."""
    found = [
        [_errors(bench, change, *split) for split in splits(bench, protocol, number, seed)] for seed in range(SEEDS)
    ]
    measures: tuple[Callable[[Any], Any], ...] = (
        lambda e: (e <= 0.10).mean(), lambda e: (e <= 0.05).mean(), lambda e: e.mean()
    )  # fmt: skip
    hit10, hit5, mape = (float(np.mean([[measure(e) for e in seed] for seed in found])) for measure in measures)
    return hit10, hit5, mape


def _errors(bench: Bench, change: Change, train: Any, test: Any) -> Any:
    noise = np.broadcast_to(change.noise, bench.measured_s.shape)[train]
    measured = bench.measured_s
    rates = fit(change.counts[train], measured[train], change.priors, noise=noise, prior_sd=change.prior_sd).rates
    predicted = change.counts @ rates
    if change.bend:
        slope, level = np.polyfit(np.log(predicted[train]), np.log(measured[train] / predicted[train]), 1)
        predicted = predicted * np.exp(level + slope * np.log(predicted))
    return np.abs(predicted[test] / measured[test] - 1)


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder in the layout of nn_meter_bench")
    folder = parser.parse_args().data
    (whole,) = load_benches(folder, models_of([DEVICE]), with_features=True)
    bench = half_of(whole)
    spreads = read_spreads(folder, DEVICE)
    spread = np.array([spreads[name] for name in bench.names]) / bench.measured_s
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("change", "hit10", "hit5", "mape", "note"))
    for change in changes(bench, spread):
        hit10, hit5, mape = hits(bench, change, "S", 100)
        few, left_out = hits(bench, change, "S", 30), hits(bench, change, "L", 100)
        note = f"N = 30: hit10 {few[0]:.1%}, hit5 {few[1]:.1%}; L: hit10 {left_out[0]:.1%}, hit5 {left_out[1]:.1%}"
        writer.writerow((change.name, f"{hit10:.4f}", f"{hit5:.4f}", f"{mape:.4f}", note))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    write_text(OUT, text.getvalue(), force=True)


if __name__ == "__main__":
    main()
