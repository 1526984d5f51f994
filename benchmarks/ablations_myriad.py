"""What each part of the Myriad's form is worth, on one half of the nn-Meter bench.

python benchmarks/ablations_myriad.py --data DIR     writes reports/ablations/myriad.csv

The half is that of the configurations whose SHA-256 is even; the other one had no say in any choice. Each row drops a
term, or changes a constant of the tiling, and gives held-out errors within the half: protocol S, calibrated on 100
random networks, means over seeds. What is not in the form because it moved no figure by 0.1 points: pooling merged into
3x3 convolutions, copies of tiles that start within 16 bytes, clocks of max pooling, a cost of tiles along a depthwise
convolution's height.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from nn_meter_networks import BenchError, network, read_measurements, read_rows

from mbcost.calibration.fit import fit
from mbcost.devices import resolve_target
from mbcost.files import write_text
from mbcost.graph import LayerGraph, build_graph
from mbcost.kernels import Runtime, map_to_kernels
from mbcost.latency import LatencyForm
from mbcost.latency.form import count_vector
from mbcost.latency.forms import myriad_tiling, openvino_myriad
from mbcost.latency.model import latency_model

DEVICE: Final = "myriadvpu_openvino2019r2"
TARGET: Final = "intel_ncs2/npu@openvino-2019r2"
CALIBRATE_ON: Final = 100
SEEDS: Final = 8
OUT: Final = Path(__file__).parent.parent / "reports" / "ablations" / "myriad.csv"

#: What is changed -> module, constant, value; why.
CHANGES: Final[dict[str, tuple[Any, str, Any, str]]] = {
    "output tile of 512 KB": (myriad_tiling, "TILE_BYTES", 512 * 1024, "576 KB follow from 9 slices of 128 KB"),
    "output tile of 640 KB": (myriad_tiling, "TILE_BYTES", 640 * 1024, "576 KB follow from 9 slices of 128 KB"),
    "no overhead of modes": (myriad_tiling, "MODE_OVERHEAD", (0, 0, 0, 0, 0), "the compiler's own numbers matter"),
    "tiles of any width": (myriad_tiling, "LEAST_WIDTH", 8, "the compiler does not cut below 64 pixels"),
    "no fixed tiles": (myriad_tiling, "FIXED_TILES", {}, "no network here has these shapes; kept, as VGG has"),
    "no split in front of a pooling": (myriad_tiling, "POOLED_PARTS", (), "pass split_hw_conv_and_pool"),
    "repeated coefficients as others": (openvino_myriad, "REPEATED", 0, "of convolutions cut along height or width"),
    "repeated coefficients x 4": (openvino_myriad, "REPEATED", 3, "3 x is the optimum"),
    "h-swish as one binary pass": (openvino_myriad, "SELF_GATED_STREAMS", 3, ""),
    "batch norm as two passes": (openvino_myriad, "NORM_STREAMS", 2, ""),
    "unfused activations free": (openvino_myriad, "ACTIVATION_STREAMS", 0, "ReLU6 after a depthwise convolution"),
    "copies as one pass": (openvino_myriad, "COPY_STREAMS", 1, "concatenation"),
    "averages as one pass a read": (openvino_myriad, "AVERAGE_STREAMS", 1, ""),
}


def development(folder: Path) -> tuple[list[LayerGraph], Any]:
    """The networks of the development half and their latencies [s]."""
    measured = {row.model: row for row in read_measurements(folder) if row.device == DEVICE and row.measured_s > 0}
    graphs, seconds = [], []
    for model, rows in read_rows(folder):
        if model in measured and is_development(measured[model].config or model):
            graphs.append(build_graph(network(model, rows)))
            seconds.append(measured[model].measured_s)
    if len(graphs) <= CALIBRATE_ON:
        raise BenchError(f"{len(graphs)} networks are too few")
    return graphs, np.array(seconds)


def is_development(config: str) -> bool:
    """Whether a configuration belongs to the half that the form was chosen on."""
    return int(hashlib.sha256(config.encode()).hexdigest(), 16) % 2 == 0


def counts_of(graphs: list[LayerGraph], runtime: Runtime, form: LatencyForm) -> Any:
    """A row a network, a column a term."""
    rows = [count_vector(map_to_kernels(graph, runtime), form).values() for graph in graphs]
    return np.array([list(map(float, row)) for row in rows])


def score(counts: Any, seconds: Any, priors: Any) -> tuple[float, float, float]:
    """Shares within 10 and 5 % and mean absolute error of networks that were not calibrated on."""
    found = []
    for seed in range(SEEDS):
        order = np.random.default_rng(seed).permutation(len(seconds))
        train, test = order[:CALIBRATE_ON], order[CALIBRATE_ON:]
        error = np.abs(counts[test] @ fit(counts[train], seconds[train], priors).rates / seconds[test] - 1)
        found.append(((error <= 0.1).mean(), (error <= 0.05).mean(), error.mean()))
    hit10, hit5, mape = np.mean(found, axis=0)
    return float(hit10), float(hit5), float(mape)


@contextmanager
def changed(module: Any, name: str, value: Any) -> Iterator[None]:
    """A constant of a form with another value; what was worked out with the old one is forgotten."""
    before = getattr(module, name)
    try:
        setattr(module, name, value)
        _forget()
        yield
    finally:
        setattr(module, name, before)
        _forget()


def _forget() -> None:
    for function in (myriad_tiling.work_of, myriad_tiling.dense_work, myriad_tiling.cheapest_mode):
        function.cache_clear()


def rows_of(folder: Path) -> Iterator[tuple[str, tuple[float, float, float], str]]:
    """What was changed, its score and a note; the form as it is first."""
    graphs, seconds = development(folder)
    runtime, form, rates = latency_model(resolve_target(TARGET))
    names = [term.name for term in form.terms]
    priors = np.array([float(rates[name].seconds) for name in names])
    counts = counts_of(graphs, runtime, form)
    yield "the form as it is", score(counts, seconds, priors), ""
    for i, name in enumerate(names):
        kept = np.arange(len(names)) != i
        yield f"term {name} dropped", score(counts[:, kept], seconds, priors[kept]), ""
    for label, (module, name, value, note) in CHANGES.items():
        with changed(module, name, value):
            yield label, score(counts_of(graphs, runtime, form), seconds, priors), note
    separate = replace(runtime, fusion=tuple(step for step in runtime.fusion if "relu" not in step.operators))
    yield "ReLU never fused", score(counts_of(graphs, separate, form), seconds, priors), "a pass of its own everywhere"


def main() -> int:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder in the layout of nn_meter_bench")
    folder = parser.parse_args().data
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("change", "hit10", "hit5", "mape", "note"))
    try:
        for label, scores, note in rows_of(folder):
            row = (label, *(f"{value:.4f}" for value in scores), note)
            print(*row, sep=", ", flush=True)
            writer.writerow(row)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write_text(OUT, text.getvalue(), force=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
