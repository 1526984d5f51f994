"""A machine that was benched, made up: the tests of what follows a bench need no PyTorch."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from mbcost.runner.environment import system_facts
from mbcost.runner.random_networks import random_table

COLUMNS = ("architecture", "precision", "device", "processor", "runtime", "threads", "latency_ms", "latency_std_ms")


def write_bench(folder: Path, networks: int = 12, *, torch: str = "2.13.0+cpu", **environment: Any) -> Path:
    """A bench of this machine with made-up latencies: 0.05 ms a million MACs and 1 ms."""
    output = folder / "bench.csv"
    tables = folder / "bench.networks"
    tables.mkdir(parents=True, exist_ok=True)
    with output.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for number in range(networks):
            (tables / f"random_{number:04}.yaml").write_text(random_table(number))
            cells = [f"bench.networks/random_{number:04}.yaml", "fp32", "this-machine", "cpu", "pytorch-eager", 1]
            writer.writerow([*cells, 5 + number, 0.01])
    document = {
        "schema": "mbcost/bench/1",
        "mbcost_version": "0.1.0",
        "date": "2026-11-21",
        "environment": {**system_facts(), "accelerator": "", "torch": torch, **environment},
        "facts": {"peak_macs_per_s": 5e10, "bandwidth_bytes_per_s": 2e10, "vector_bits": 256},
    }
    output.with_suffix(".json").write_text(json.dumps(document))
    return output
