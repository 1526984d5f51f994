"""What each term of the DPU's form is worth, on the half of Accel-NASBench that the form was chosen on.

python benchmarks/ablations_dpu.py --data FILE --csv reports/ablations/dpu.csv

Each row leaves something out and scores protocol S at N = 50 with five seeds; `note` has N = 10.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from accel_nasbench import DEVICES, load_bench
from accel_nasbench_networks import read_measurements
from nn_meter_bench import result
from nn_meter_counts import Bench

from mbcost.files import write_text

SEEDS: Final = 5
#: Change -> the terms that go.
CHANGES: Final = {
    "the form as it is": (),
    "no spill": ("spill", "depthwise_spill"),
    "no spill of depthwise layers": ("depthwise_spill",),
    "no cost per slice of depthwise channels": ("depthwise_slices",),
    "additions are free": ("add",),
    "no cost per gated element": ("gate",),
    "wide maps are gated as others": ("wide_gate",),
    "large maps are gated as others": ("large_gate",),
    "no cost per slice of gated channels": ("gate_slices",),
    "squeeze-and-excite is free": ("gate", "wide_gate", "large_gate", "gate_slices"),
    "no time of a call": ("call",),
}


def without(bench: Bench, terms: tuple[str, ...]) -> Bench:
    """The bench with some terms at a rate of 0, where a fit leaves them."""
    gone = np.isin(bench.terms, terms)
    return bench._replace(priors=np.where(gone, 0.0, bench.priors))


def main() -> int:
    """Score every change and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a table in the layout of Accel-NASBench's")
    parser.add_argument("--csv", type=Path, required=True, metavar="OUT")
    arguments = parser.parse_args()
    rows = read_measurements(arguments.data, DEVICES)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["change", "hit10", "hit5", "mape", "note"])
    for device in DEVICES:
        bench = load_bench(rows, device, "development")
        for change, terms in CHANGES.items():
            writer.writerow([f"{device}: {change}", *_scores(without(bench, terms))])
    write_text(arguments.csv, text.getvalue(), force=True)
    return 0


def _scores(bench: Bench) -> list[Any]:
    many, few = (result(bench, "S", number, SEEDS) for number in (50, 10))
    scores = [f"{many[name]:.4f}" for name in ("hit10", "hit5", "mape")]
    return [*scores, f"N = 10: MAPE {few['mape']:.2%}, hit5 {few['hit5']:.1%}"]


if __name__ == "__main__":
    sys.exit(main())
