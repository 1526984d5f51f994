"""Facts about the machine that a calibration needs and no data sheet has: measured peaks and bandwidths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mbcost.runner.accelerator import device_memory_bytes, timed
from mbcost.runner.settings import Settings

#: Sides of the matrix products whose fastest is the peak, on a CPU and on other devices.
_EDGES: Final = (256, 384, 512, 768)
_EDGES_ACCELERATOR: Final = (2048, 4096)
#: The copy that measures the memory's bandwidth: far larger than any cache [B].
_COPY_BYTES: Final = 256 * 2**20
_RUNS: Final = 12
#: Calls that are submitted to a GPU in a row, so that synchronisation does not count.
_RUNS_IN_A_ROW: Final = 10
_LAUNCHES: Final = 200
#: PyTorch's name of the CPU's capability -> bits of a vector register.
_VECTOR_BITS: Final = {"AVX512": 512, "AVX2": 256, "DEFAULT": 128, "NEON": 128}


def measured_facts(torch: Any, settings: Settings) -> dict[str, float]:
    """Peak [MAC/s] and memory bandwidth [B/s], of one thread on a CPU, with the width of its vectors [bit].

    For a GPU also the launch overhead of small kernels in a row [s].
    """
    device = torch.device(settings.device)
    is_cpu = settings.device == "cpu"
    dtype = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(settings.precision, torch.float32)
    runs = 1 if is_cpu else _RUNS_IN_A_ROW

    def fastest(run: Callable[[], Any], runs: int = runs) -> float:
        return min(timed(torch, settings.device, run, runs) for _ in range(_RUNS))

    def product_rate(edge: int) -> float:
        first, second = torch.rand(2, edge, edge, device=device).to(dtype)
        return float(edge**3 / fastest(lambda: torch.mm(first, second)))

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        facts = {"peak_macs_per_s": max(product_rate(edge) for edge in (_EDGES if is_cpu else _EDGES_ACCELERATOR))}
        size = min(_COPY_BYTES, device_memory_bytes(torch, settings.device) // 16)
        source = torch.ones(size, dtype=torch.uint8, device=device)
        target = torch.empty_like(source)
        facts["bandwidth_bytes_per_s"] = 2 * size / fastest(lambda: target.copy_(source))
    finally:
        torch.set_num_threads(threads)
    bits = _VECTOR_BITS.get(torch.backends.cpu.get_cpu_capability())
    if is_cpu and bits is not None:
        facts["vector_bits"] = bits
    if not is_cpu:
        small = torch.ones(1, device=device)
        facts["launch_s"] = fastest(lambda: small.add_(1), _LAUNCHES)
    return facts
