"""The differences between CPU, CUDA and MPS: synchronisation, timing, memory, and replay of a CUDA graph.

Each function takes the `torch` module and its name of the device, ``cpu``, ``cuda`` or ``mps``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from mbcost.runner.environment import memory_bytes

#: Runs on a side stream before a CUDA graph is captured, so that nothing is chosen or allocated during the capture
#: (PyTorch's notes on CUDA graphs ask for some, and use three).
_RUNS_BEFORE_CAPTURE: Final = 3


def wait(torch: Any, device: str) -> None:
    """Wait until the device has finished all submitted work."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def timed(torch: Any, device: str, run: Callable[[], Any], runs: int = 1) -> float:
    """Mean time per run of several runs in a row [s]: between two events on CUDA, else by the clock.

    The device is idle before. The time includes a GPU's waits for the program that launches its kernels.
    """
    wait(torch, device)
    if device == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(runs):
            run()
        end.record()
        wait(torch, device)
        return float(start.elapsed_time(end)) * 1e-3 / runs
    before = time.perf_counter_ns()
    for _ in range(runs):
        run()
    wait(torch, device)
    return (time.perf_counter_ns() - before) * 1e-9 / runs


def device_memory_bytes(torch: Any, device: str) -> int:
    """Size of the memory that holds the networks [B]."""
    if device == "cuda":
        return int(torch.cuda.get_device_properties(0).total_memory)
    if device == "mps":
        return int(torch.mps.recommended_max_memory())
    return memory_bytes()


def release(torch: Any, device: str) -> None:
    """Free the memory that PyTorch caches."""
    if device == "cuda":
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def captured(torch: Any, module: Any, inputs: tuple[Any, ...]) -> Callable[[], Any]:
    """A CUDA graph of one inference, to replay; PyTorch's error for a network that cannot be captured."""
    with torch.inference_mode():
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_RUNS_BEFORE_CAPTURE):
                module(*inputs)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            module(*inputs)

    def replay(_keeps: Any = (module, inputs)) -> None:  # keeps them alive, since the graph reads their memory
        graph.replay()

    return replay
