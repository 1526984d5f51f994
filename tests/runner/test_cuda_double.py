"""The CUDA path with a double in the place of `torch.cuda`: everything of it that needs no GPU.

The double computes on the CPU. Its events read the clock, its graphs record what they are to run again, and it counts
how often it is waited for.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest

from mbcost.runner.environment import torch_facts
from mbcost.runner.facts import measured_facts
from mbcost.runner.settings import Settings, Source
from mbcost.runner.worker import Worker, _answered, is_memory, said_by

pytestmark = pytest.mark.skipif(not find_spec("torch"), reason="needs PyTorch")
SOURCE = {"kind": "table", "name": "mobilenet_v3_small", "resolution": 32, "batch": 2}


class Event:
    def __init__(self, *, enable_timing: bool) -> None:
        assert enable_timing
        self.at_s = 0.0

    def record(self) -> None:
        self.at_s = time.perf_counter()

    def elapsed_time(self, end: Event) -> float:
        return (end.at_s - self.at_s) * 1e3


class Stream:
    def wait_stream(self, other: Stream) -> None:
        assert isinstance(other, Stream)


class Scope:
    def __init__(self, _: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class Cuda:
    """What the runner uses of `torch.cuda`."""

    Event, Stream, stream = Event, Stream, Scope

    def __init__(self) -> None:
        self.waits = self.emptied = self.replays = 0
        self.refuses_capture = False

    def synchronize(self) -> None:
        self.waits += 1

    def empty_cache(self) -> None:
        self.emptied += 1

    def current_stream(self) -> Stream:
        return Stream()

    def CUDAGraph(self) -> SimpleNamespace:  # its name
        return SimpleNamespace(replay=self._replay)

    def _replay(self) -> None:
        self.replays += 1
        time.sleep(1e-4)

    def graph(self, _: Any) -> Scope:
        if self.refuses_capture:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nCompile with DSA")
        return Scope(None)

    def get_device_name(self) -> str:
        return "Imaginary GPU"

    def get_device_properties(self, _: int) -> SimpleNamespace:
        return SimpleNamespace(
            total_memory=2**31, multi_processor_count=60, L2_cache_size=2**22, major=9, minor=0, name="Imaginary GPU"
        )


class Torch:
    """PyTorch, with `cuda` doubled and its tensors on the CPU."""

    def __init__(self) -> None:
        import torch

        self._torch = torch
        self.cuda = Cuda()
        self.backends = SimpleNamespace(
            cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=None)),
            cudnn=SimpleNamespace(allow_tf32=None, benchmark=False, version=lambda: 91000),
            cpu=torch.backends.cpu,
        )

    def device(self, _: str) -> Any:
        return self._torch.device("cpu")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch, name)


@pytest.fixture
def torch(monkeypatch):
    import torch as real

    double = Torch()
    monkeypatch.setattr("mbcost.runner.worker.import_torch", lambda *_: double)
    threads = real.get_num_threads()
    yield double
    real.set_flush_denormal(False)
    real.set_num_threads(threads)


def measured(worker: Worker, **source: Any) -> dict[str, Any]:
    return _answered(worker, {"do": "measure", "source": {**SOURCE, **source}, "seconds": 0.001})


@pytest.mark.parametrize(("precision", "allow"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_a_network_is_timed_by_events(torch, precision, allow) -> None:
    worker = Worker(Settings("cuda", precision=precision))
    assert torch.backends.cudnn.allow_tf32 is allow
    assert torch.backends.cuda.matmul.allow_tf32 is allow
    assert torch.backends.cudnn.benchmark
    assert worker.dtype == {"bf16": torch.bfloat16}.get(precision, torch.float32)
    reply = measured(worker)
    assert len(reply["times_s"]) >= 4
    assert all(1e-5 < value < 10 for value in [*reply["times_s"], *reply["canary_s"]])
    assert torch.cuda.waits >= 2 * (len(reply["times_s"]) + 2)  # before and after each run, two to warm up


def test_a_graph_is_captured_once_and_replayed(torch) -> None:
    worker = Worker(Settings("cuda", mode="graph"))
    reply = measured(worker)
    assert torch.cuda.replays == len(reply["times_s"]) + 2
    assert min(reply["times_s"]) >= 1e-4  # what a replay of the double takes
    measured(worker)
    assert len(worker._kept) == 1


def test_what_cannot_be_captured_is_left_out_and_says_why(torch) -> None:
    worker = Worker(Settings("cuda", mode="graph"))
    torch.cuda.refuses_capture = True
    reply = measured(worker)
    assert reply == {
        "failed": "RuntimeError: CUDA error: operation not permitted when stream is capturing",
        "memory": False,
    }
    torch.cuda.refuses_capture = False
    assert "times_s" in measured(worker, resolution=64)


def test_where_memory_runs_out_the_kept_networks_go_and_it_is_tried_again(torch, monkeypatch) -> None:
    worker = Worker(Settings("cuda"))
    measured(worker)
    made, tries = worker._made, []

    def full(source: Source) -> Any:
        tries.append(source)
        if len(tries) == 1:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return made(source)

    monkeypatch.setattr(worker, "_made", full)
    assert "times_s" in measured(worker, resolution=64)
    assert len(tries) == 2
    assert torch.cuda.emptied == 1
    monkeypatch.setattr(worker, "_made", lambda _: (_ for _ in ()).throw(MemoryError()))
    assert measured(worker, resolution=96)["memory"] is True


def test_a_gpu_is_described(torch) -> None:
    settings = Settings("cuda")
    worker = Worker(settings)
    environment = torch_facts(torch, settings)
    assert environment["accelerator"] == "Imaginary GPU"
    assert environment["accelerator_facts"]["multiprocessors"] == 60
    assert environment["accelerator_facts"]["compute_capability"] == "9.0"
    assert environment["accelerator_facts"]["cudnn_benchmark"] is True
    assert environment["accelerator_facts"]["cudnn_allow_tf32"] is False
    assert worker._most_kept_bytes == 2**31 / 8


def test_the_facts_of_a_gpu_hold_what_a_launch_takes(torch, monkeypatch) -> None:
    monkeypatch.setattr("mbcost.runner.facts._EDGES_ACCELERATOR", (64,))
    monkeypatch.setattr("mbcost.runner.facts._COPY_BYTES", 2**16)
    facts = measured_facts(torch, Settings("cuda"))
    assert set(facts) == {"peak_macs_per_s", "bandwidth_bytes_per_s", "launch_s"}
    assert 1e-8 < facts["launch_s"] < 1e-2


def test_what_pytorch_says_is_told_in_one_line() -> None:
    compiler = RuntimeError("backend='inductor' raised:\nInvalidCxxCompiler: No working C++ compiler\n\nSet VERBOSE=1")
    assert said_by(compiler) == "RuntimeError: InvalidCxxCompiler: No working C++ compiler"
    assert said_by(ValueError()) == "ValueError"
    assert is_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not is_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))
