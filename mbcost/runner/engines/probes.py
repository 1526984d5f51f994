"""Facts about the machine by small networks in a runtime itself: its peak, its bandwidth, the cost of a call."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mbcost.runner.engines import Engine
from mbcost.runner.engines.model_files import write_model
from mbcost.runner.environment import cache_bytes, vector_bits
from mbcost.words import FilePrecision

_RUNS: Final = 12
#: A 1x1 convolution 512 -> 512 at 28x28, whose operands fit into usual caches.
_PRODUCT: Final = "input: 28x28x512\nlayers: [{op: conv2d, kernel: 1, out: 512}]\n"
_PRODUCT_MACS: Final = 28 * 28 * 512 * 512
#: Weights of a dense layer [B]: from here, and up to there where the last cache is larger.
_LEAST_BYTES: Final = 256 * 2**20
_MOST_BYTES: Final = 512 * 2**20
_DENSE_IN: Final = 8192
#: Two chains of small convolutions, whose difference has no start and end of an inference.
_CHAINS: Final = (20, 120)


def measured_facts(engine: Engine, precision: FilePrecision) -> dict[str, float]:
    """Peak [MAC/s], memory bandwidth [B/s] of fp32 weights, and time of a call [s], all of one thread."""
    with tempfile.TemporaryDirectory() as folder:

        def fastest(rows: str, precision: FilePrecision = precision) -> float:
            table = f"name: probe\nsource: measured\n{rows}"
            path = write_model(table, Path(folder) / f"probe{engine.suffix}", precision)
            return _fastest(engine.load(path, 1))

        peak = _PRODUCT_MACS / fastest(_PRODUCT)
        size = min(_MOST_BYTES, max(_LEAST_BYTES, 2 * max(cache_bytes().values(), default=0)))
        dense = f"input: 1x1x{_DENSE_IN}\nlayers: [{{op: dense, out: {size // 4 // _DENSE_IN}}}]\n"
        bandwidth = size / fastest(dense, "fp32")
        short, long = (
            fastest(f"input: 4x4x16\nlayers: [{{op: conv2d, kernel: 1, out: 16, repeat: {calls}}}]\n")
            for calls in _CHAINS
        )
    facts = {"peak_macs_per_s": peak, "bandwidth_bytes_per_s": bandwidth}
    if long > short:
        facts["call_s"] = (long - short) / (_CHAINS[1] - _CHAINS[0])
    bits = vector_bits()
    return facts if bits is None else {**facts, "vector_bits": bits}


def _fastest(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(_RUNS):
        before = time.perf_counter_ns()
        run()
        times.append((time.perf_counter_ns() - before) * 1e-9)
    return min(times)
