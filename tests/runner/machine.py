"""Machines that were benched, made up: the tests of what follows a bench need no PyTorch and no GPU."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

from mbcost.graph import build_graph
from mbcost.kernels import Kernel, load_runtime, map_to_kernels
from mbcost.networks import load
from mbcost.runner.environment import system_facts
from mbcost.runner.random_networks import random_table
from mbcost.runner.settings import Settings
from mbcost.runner.suites import ACCELERATOR_BATCHES

COLUMNS = (
    "architecture", "batch", "precision", "device", "processor", "runtime", "threads", "latency_ms", "latency_std_ms",
)  # fmt: skip
#: A made-up GPU.
MULTIPROCESSORS, MACS_A_SECOND, BYTES_A_SECOND, L2_BYTES, LAUNCH_S = 60, 20e12, 800e9, 20 * 2**20, 5e-6
GPU_FACTS = {"peak_macs_per_s": MACS_A_SECOND, "bandwidth_bytes_per_s": BYTES_A_SECOND, "launch_s": LAUNCH_S}
CPU_FACTS = {"peak_macs_per_s": 5e10, "bandwidth_bytes_per_s": 2e10, "vector_bits": 256}


def write_bench(
    folder: Path,
    networks: int = 12,
    *,
    torch: str = "2.13.0+cpu",
    settings: Settings | None = None,
    name: str = "bench",
    **environment: Any,
) -> Path:
    """A bench of this machine: made-up latencies on its CPU, those of a simulated GPU on CUDA."""
    settings = settings or Settings()
    is_cpu = settings.device == "cpu"
    output, tables = folder / f"{name}.csv", folder / f"{name}.networks"
    tables.mkdir(parents=True, exist_ok=True)
    shared = [settings.precision, "this-machine", "cpu" if is_cpu else "gpu", settings.runtime, 1]
    with output.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for number in range(networks):
            table = tables / f"random_{number:04}.yaml"
            table.write_text(random_table(number))
            batch = 1 if is_cpu else ACCELERATOR_BATCHES[number % len(ACCELERATOR_BATCHES)]
            latency_ms = 5.0 + number if is_cpu else 1e3 * simulated_s(str(table), settings, batch)
            cells = [f"{tables.name}/{table.name}", batch, *shared, latency_ms, latency_ms / 1000]
            writer.writerow(cells)
    gpu = {
        "accelerator": "Imaginary GPU",
        "accelerator_facts": {"multiprocessors": MULTIPROCESSORS, "l2_bytes": L2_BYTES},
    }
    document = {
        "schema": "mbcost/bench/1",
        "mbcost_version": "0.1.0",
        "date": "2026-11-21",
        "bench": {"device": settings.device, "precision": settings.precision},
        "environment": {
            **system_facts(),
            "accelerator": "",
            "torch": torch,
            **({} if is_cpu else gpu),
            **environment,
        },
        "facts": CPU_FACTS if is_cpu else GPU_FACTS,
    }
    output.with_suffix(".json").write_text(json.dumps(document))
    return output


def simulated_s(network: str, settings: Settings, batch: int, resolution: int | None = None) -> float:
    """A network on the made-up GPU [s]: a queue that a program fills, kernels in waves of tiles, two memories.

    Written from how GPUs work and not from the latency form: whole waves, hard maxima, and a queue that runs ahead
    over all kernels.
    """
    graph = build_graph(load(network), resolution=resolution)
    kernels = map_to_kernels(graph, load_runtime(settings.runtime), batch=batch)
    told, done = 0.0, 0.0
    for kernel in kernels:
        if kernel.kind == "view":
            continue
        heavy = {"elementwise": 3.2 if kernel.op == "batch_norm" else 1.0, "pool": 2.0, "copy": 2.0, "softmax": 1.0}
        told += LAUNCH_S * heavy.get(kernel.kind, 4.5)
        ready = done if settings.mode == "graph" else max(told, done)
        done = ready + 1.5e-6 + _busy_s(kernel)
    return done


def _busy_s(kernel: Kernel) -> float:
    moved = 4.0 * (kernel.input_elements + kernel.output_elements + kernel.weight_elements)
    memory = max(moved / (2.2 * BYTES_A_SECOND), (moved - L2_BYTES) / (0.9 * BYTES_A_SECOND))
    if kernel.kind not in {"pointwise", "direct_conv", "dense", "matmul"}:
        return max(memory, 4.0 * (kernel.macs + kernel.elementwise_ops) / (6 * BYTES_A_SECOND))
    rows, columns, depth, groups = kernel.gemm()
    tiles = math.ceil(rows / 128) * math.ceil(columns / 64) * groups
    wave = 128 * 64 * math.ceil(depth / 8) * 8 / (0.6 * MACS_A_SECOND / MULTIPROCESSORS)
    return max(memory, math.ceil(tiles / MULTIPROCESSORS) * wave)
