"""What a calibration needs to know of the machine and nobody prints on its box: measured peaks and bandwidths."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from mbcost.runner.environment import memory_bytes
from mbcost.runner.settings import Settings

#: Sides of the matrix products whose fastest is the peak, on a CPU and on other devices.
_EDGES: Final = (256, 384, 512, 768)
_EDGES_ACCELERATOR: Final = (2048, 4096)
#: The copy that measures the memory's bandwidth: far larger than any cache [B].
_COPY_BYTES: Final = 256 * 2**20
_RUNS: Final = 12
#: Bits of a vector register by what PyTorch calls the CPU's capability.
_VECTOR_BITS: Final = {"AVX512": 512, "AVX2": 256, "DEFAULT": 128, "NEON": 128}


def measured_facts(torch: Any, settings: Settings) -> dict[str, float]:
    """Peak [MAC/s] and memory bandwidth [B/s] of one thread, and the width of a vector [bit]."""
    device = torch.device(settings.device)
    edges = _EDGES if settings.device == "cpu" else _EDGES_ACCELERATOR
    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(settings.precision, torch.float32)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        peak = max(_product_rate(torch, edge, device, dtype) for edge in edges)
        size = min(_COPY_BYTES, memory_bytes() // 16)
        source = torch.ones(size, dtype=torch.uint8, device=device)
        target = torch.empty_like(source)
        bandwidth = 2 * size / _fastest(lambda: target.copy_(source), torch, settings.device)
    finally:
        torch.set_num_threads(threads)
    facts = {"peak_macs_per_s": peak, "bandwidth_bytes_per_s": bandwidth}
    bits = _VECTOR_BITS.get(torch.backends.cpu.get_cpu_capability())
    if bits is not None and settings.device == "cpu":
        facts["vector_bits"] = bits
    return facts


def _product_rate(torch: Any, edge: int, device: Any, dtype: Any) -> float:
    """Multiply-adds a second of a square matrix product."""
    first, second = torch.rand(2, edge, edge, device=device).to(dtype)
    rate: float = edge**3 / _fastest(lambda: torch.mm(first, second), torch, device.type)
    return rate


def _fastest(run: Callable[[], Any], torch: Any, device: str) -> float:
    """Time of the fastest of several runs [s]."""
    wait = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device, lambda: None)
    times = []
    for _ in range(_RUNS):
        wait()
        before = time.perf_counter()
        run()
        wait()
        times.append(time.perf_counter() - before)
    return min(times)
