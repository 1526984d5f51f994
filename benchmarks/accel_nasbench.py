"""Held-out accuracy on networks in the layout of Accel-NASBench's table, through mbcost's own path.

python benchmarks/accel_nasbench.py --data FILE --device zcu102 --calibrate-on 50 --seeds 5 --json OUT

Each network becomes an architecture, a graph, kernels and a row of counts; N random networks calibrate the form's
rates, all others test them (protocol S of nn_meter_bench.py, whose results these are). `--device` and `--calibrate-on`
take lists. The form was chosen on one half of the table (`development`); `--part other` scores on the other half only.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from accel_nasbench_networks import Measurement, network, read_measurements
from nn_meter_bench import result
from nn_meter_counts import Bench, BenchError

from mbcost.calibration.file import calibration_text
from mbcost.calibration.fit import calibrate
from mbcost.devices import resolve_target
from mbcost.errors import MbcostError
from mbcost.files import write_text
from mbcost.graph import build_graph
from mbcost.kernels import map_to_kernels
from mbcost.latency.form import count_vector
from mbcost.latency.model import latency_model
from mbcost.latency.rates import ELEMENT_BYTES

#: Devices of the table: each is a target of its own name.
DEVICES: Final = ("zcu102", "vck190")
PARTS: Final = ("all", "development", "other")


def development(networks: int) -> Any:
    """Whether each network belongs to the half that the form was chosen on."""
    chosen = np.zeros(networks, dtype=bool)
    chosen[np.random.default_rng(0).permutation(networks)[: networks // 2]] = True
    return chosen


def load_bench(rows: list[Measurement], device: str, part: str) -> Bench:
    """The networks of a table that were measured on a device, with their counts.

    Raises
    ------
    BenchError
        If none was.
    """
    target = resolve_target(device)
    runtime, form, rates = latency_model(target)
    wanted = {"all": True, "development": development(len(rows)), "other": ~development(len(rows))}[part]
    chosen = [row for row, is_in in zip(rows, np.broadcast_to(wanted, len(rows)), strict=True) if is_in]
    measured = [row for row in chosen if device in row.measured_s]
    if not measured:
        raise BenchError(f"no latency of {device}")
    if len(measured) < len(chosen):
        print(f"{device}: {len(chosen) - len(measured)} networks without a latency left out", file=sys.stderr)
    macs, counts = [], []
    for row in measured:
        graph = build_graph(network(row.name, row.stages))
        kernels = map_to_kernels(graph, runtime, element_bytes=ELEMENT_BYTES[target.precision])
        macs.append(float(graph.cost.macs))
        counts.append([*map(float, count_vector(kernels, form).values())])
    return Bench(
        device=device,
        target=target,
        runtime=runtime,
        form=form,
        terms=[term.name for term in form.terms],
        priors=np.array([float(rates[term.name].seconds) for term in form.terms]),
        names=[row.name for row in measured],
        macs=np.array(macs),
        counts=np.array(counts),
        measured_s=np.array([row.measured_s[device] for row in measured]),
        families=np.array(["mnasnet_space"] * len(measured)),
        configs=np.array([str(row.stages) for row in measured]),
        features=np.empty((len(measured), 0)),
    )


def baseline(bench: Bench, number: int, seeds: int) -> float:
    """MAPE of a constant plus a rate a MAC, fitted to the same networks [1]."""
    errors = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(bench.measured_s))
        train, test = order[:number], order[number:]
        columns = np.column_stack([np.ones(len(bench.macs)), bench.macs]) / bench.measured_s[:, None]
        rates = np.linalg.lstsq(columns[train], np.ones(len(train)), rcond=None)[0]
        errors.append(float(np.abs(columns[test] @ rates - 1).mean()))
    return float(np.mean(errors))


def write_calibration(bench: Bench, path: Path) -> None:
    """Fit the target's rates to all networks and write its calibration."""
    calibration = calibrate(
        bench.target,
        bench.form,
        bench.names,
        bench.counts,
        bench.macs,
        bench.measured_s,
        dict(zip(bench.terms, map(float, bench.priors), strict=True)),
        date=datetime.now(UTC).date().isoformat(),
        source=f"Accel-NASBench, Vitis AI 2.5: whole networks of MnasNet's space on the {bench.device}",
    )
    write_text(path, calibration_text(calibration), force=True)


def main() -> int:
    """Score devices and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a table in the layout of Accel-NASBench's")
    parser.add_argument("--device", required=True, help=f"some of {', '.join(DEVICES)}")
    parser.add_argument("--calibrate-on", default="50", metavar="N")
    parser.add_argument("--seeds", type=int, default=5, metavar="K")
    parser.add_argument("--part", choices=PARTS, default="all")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT")
    parser.add_argument("--calibration", type=Path, metavar="FILE", help="also fit to all networks, and write that")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except (BenchError, MbcostError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    devices = arguments.device.split(",")
    if not set(devices) <= set(DEVICES):
        raise BenchError(f"--device {arguments.device}: there are {', '.join(DEVICES)}")
    numbers = [int(text) for text in arguments.calibrate_on.split(",") if text.isdigit()]
    if len(numbers) != arguments.calibrate_on.count(",") + 1 or arguments.seeds < 1:
        raise BenchError("--calibrate-on takes whole numbers with commas between them, --seeds one of at least 1")
    if arguments.calibration and len(devices) > 1:
        raise BenchError("--calibration is for one device")
    rows = read_measurements(arguments.data, DEVICES)
    results = []
    for device in devices:
        bench = load_bench(rows, device, arguments.part)
        for number in numbers:
            found = result(bench, "S", number, arguments.seeds)
            if number >= 2:
                found["baseline_mape"] = baseline(bench, number, arguments.seeds)
            results.append(found)
            shown = ", ".join(f"{key} {value:.4g}" for key, value in found.items() if isinstance(value, float))
            print(f"{device} {number}: {shown}")
        if arguments.calibration:
            write_calibration(bench, arguments.calibration)
    write_text(arguments.json, json.dumps({"results": results}, indent=2) + "\n", force=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
