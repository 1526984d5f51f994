"""The measuring process: pinned to its cores, it times networks on request after a fixed prologue.

Started by :class:`mbcost.runner.session.Session` as ``python -m mbcost.runner.worker SETTINGS``. Requests and replies
are JSON, a line each, on standard input and on what was standard output; what networks print goes to standard error.
"""

from __future__ import annotations

import gc
import importlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from mbcost.errors import InputError
from mbcost.importers.pytorch.isolate import import_torch
from mbcost.runner.accelerator import captured, device_memory_bytes, release, timed
from mbcost.runner.file_worker import CANARY_RUNS, CANARY_SIZE, FileWorker, runs_for
from mbcost.runner.settings import Settings, Source

#: A tensor just below glibc's largest mmap threshold: once it has been freed, blocks up to its size come from the heap,
#: which keeps its pages, instead of being mapped again with page faults in every run.
_PROLOGUE_BYTES: Final = 32 * 2**20 - 4096
#: Networks stay built while their weights take at most this share of the memory [1]. Chosen: an eighth leaves room for
#: activations and the rest of the machine; only the time of a bench depends on it.
_KEPT_SHARE: Final = 0.125
#: The name of one run of a network in a profile.
_INFERENCE: Final = "mbcost inference"
#: Most networks that one process compiles.
_MOST_COMPILED: Final = 2**20
_WARM_RUNS: Final = 4


class Worker:
    """Networks of one setting: device, threads, memory format, precision, eager or compiled.

    Parameters
    ----------
    cores
        All cores, which may be used while nothing is measured, if the process is pinned to some of them.
    """

    def __init__(self, settings: Settings, cores: frozenset[int] = frozenset()) -> None:
        self.settings = settings
        self.cores = cores
        self.torch = torch = import_torch("measuring")
        torch.set_num_threads(settings.threads)
        torch.set_flush_denormal(True)
        torch.manual_seed(0)
        self.device = torch.device(settings.device)
        self.dtype = getattr(torch, _DTYPES[settings.precision])
        if settings.device == "cuda":
            allow = settings.precision == "tf32"
            torch.backends.cuda.matmul.allow_tf32 = allow
            torch.backends.cudnn.allow_tf32 = allow
            torch.backends.cudnn.benchmark = True
        if settings.mode == "compile":
            _compile_every_network()
        _prologue(torch)
        edge = CANARY_SIZE if settings.device == "cpu" else 8 * CANARY_SIZE
        self._factors = torch.rand(2, edge, edge, device=self.device)
        self._callables: dict[str, Any] = {}
        self._kept: dict[Source, Callable[[], Any]] = {}
        self._kept_bytes = 0.0
        self._most_kept_bytes = _KEPT_SHARE * device_memory_bytes(torch, settings.device)
        self.also_measured: Mapping[str, float] = {}

    def environment(self) -> dict[str, Any]:
        """The machine, the PyTorch build and its settings."""
        from mbcost.runner.environment import torch_facts

        return torch_facts(self.torch, self.settings)

    def facts(self) -> dict[str, float]:
        """Peaks and bandwidths."""
        from mbcost.runner.facts import measured_facts

        return measured_facts(self.torch, self.settings)

    def canary(self) -> float:
        """Time of the canary [s]."""
        first, second = self._factors

        def run() -> None:
            self.torch.mm(first, second)

        return min(self._timed(run) for _ in range(CANARY_RUNS))

    def measure(self, source: Source, seconds: float) -> list[float]:
        """Times of single inferences [s], warmed up, for about `seconds` in all.

        A kernel runs once cold, after other kernels as in a network, and then warm. Where memory runs out, the kept
        networks are released, and the network is tried once more.
        """
        try:
            return self._measure(source, seconds)
        except Exception as error:
            if not is_memory(error) or not self._kept:
                raise
        self.forget()
        return self._measure(source, seconds)

    def _measure(self, source: Source, seconds: float) -> list[float]:
        is_new = source not in self._kept
        run = self._prepared(source)
        if source.kind == "kernel":
            if is_new:
                run()
                self.canary()
            return [self._timed(run) for _ in range(1 + _WARM_RUNS)]
        for _ in range(2):
            first = self._timed(run)
        return [self._timed(run) for _ in range(runs_for(first, seconds))]

    def forget(self) -> None:
        """Release all networks, and the memory that PyTorch caches."""
        self._kept.clear()
        self._kept_bytes = 0.0
        gc.collect()
        release(self.torch, self.settings.device)

    def operators(self, source: Source, runs: int = 20) -> dict[str, float]:
        """Time of one inference by the outermost operators, each with the names of the operators that it calls [s].

        An operator's time starts at the end of the one before it, so that Python's overhead is included. The least of
        the runs counts.
        """
        run = self._prepared(source)
        for _ in range(3):
            run()
        profiler = importlib.import_module("torch.profiler")
        with profiler.profile(activities=[profiler.ProfilerActivity.CPU]) as profile:
            for _ in range(runs):
                with profiler.record_function(_INFERENCE):
                    run()
        fastest: dict[tuple[int, str], float] = {}
        for inference in (event for event in profile.events() if event.name == _INFERENCE):
            before = inference.time_range.start
            for i, event in enumerate(sorted(inference.cpu_children, key=lambda event: event.time_range.start)):
                key = i, " ".join(_names(event))
                fastest[key] = min(fastest.get(key, math.inf), (event.time_range.end - before) * 1e-6)
                before = event.time_range.end
        times: dict[str, float] = {}
        for (_, names), seconds in fastest.items():
            times[names] = times.get(names, 0.0) + seconds
        return times

    def _prepared(self, source: Source) -> Callable[[], Any]:
        """One inference of a network, which stays built as long as there is memory for it."""
        if source in self._kept:
            return self._kept[source]
        module, example = self._made(source)
        run = self._runner(module, example)
        size = sum(tensor.numel() * tensor.element_size() for tensor in module.parameters())
        if self._kept_bytes + size <= self._most_kept_bytes:
            self._kept[source] = run
            self._kept_bytes += size
        return run

    def _runner(self, module: Any, example: Any) -> Callable[[], Any]:
        settings, torch = self.settings, self.torch
        module = module.eval().to(self.device, self.dtype)
        inputs = tuple(
            x.to(self.device, self.dtype if x.is_floating_point() else x.dtype)
            for x in (example if isinstance(example, (tuple, list)) else (example,))
        )
        if settings.channels_last:
            module = module.to(memory_format=torch.channels_last)
            inputs = tuple(x.to(memory_format=torch.channels_last) if x.dim() == 4 else x for x in inputs)
        if settings.mode == "graph":
            return captured(torch, module, inputs)
        if settings.mode == "compile":
            with self._on_all_cores():
                module = torch.compile(module, dynamic=False)
                with torch.inference_mode():
                    module(*inputs)

        def run() -> Any:
            with torch.inference_mode():
                return module(*inputs)

        return run

    @contextmanager
    def _on_all_cores(self) -> Iterator[None]:
        """Use all cores for a while, not only those for measuring: a compiler uses as many as there are."""
        if not self.cores:
            yield
            return
        pinned = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cores)
        try:
            yield
        finally:
            os.sched_setaffinity(0, pinned)

    def _made(self, source: Source) -> tuple[Any, Any]:
        """A module and an example of its input."""
        if source.kind == "callable":
            found: tuple[Any, Any] = self._from_callable(source.name)[source.member]
            return found
        from mbcost.calibration.kernel_rows import kernel_architecture
        from mbcost.graph import build_graph
        from mbcost.networks import load
        from mbcost.runner.modules import build_module

        spec = kernel_architecture(source.name) if source.kind == "kernel" else load(source.name)
        graph = build_graph(spec, alpha=source.alpha, resolution=source.resolution)
        shape = graph.input_shape
        example = self.torch.rand(source.batch, shape.channels, shape.height, shape.width)
        return build_module(graph, inplace=source.inplace), example

    def _from_callable(self, reference: str) -> Any:
        if reference not in self._callables:
            home, _, name = reference.partition(":")
            sys.path.insert(0, str(Path.cwd()))
            self.torch.manual_seed(0)
            self._callables[reference] = getattr(importlib.import_module(home), name)()
        return self._callables[reference]

    def _timed(self, run: Callable[[], Any]) -> float:
        """Time of one call [s]."""
        return timed(self.torch, self.settings.device, run)


_DTYPES: Final = {"fp32": "float32", "tf32": "float32", "fp16": "float16", "bf16": "bfloat16"}


def _names(event: Any) -> list[str]:
    """A profiled operator and all that it calls."""
    return [event.name, *(name for child in event.cpu_children for name in _names(child))]


def _prologue(torch: Any) -> None:
    block = torch.empty(_PROLOGUE_BYTES, dtype=torch.uint8)
    block.fill_(1)
    del block
    gc.collect()


def _compile_every_network() -> None:
    """Lift Dynamo's limit on recompiling, beyond which code runs uncompiled, since networks share their code.

    For the same reason dynamic shapes are off: a second input size of shared code would make sizes variables.
    """
    config: Any = importlib.import_module("torch._dynamo.config")
    config.recompile_limit = config.accumulated_recompile_limit = _MOST_COMPILED
    config.fail_on_recompile_limit_hit = True


def _pin(threads: int) -> frozenset[int]:
    """Pin the process to the last cores, since the first one serves most interrupts; returns all cores."""
    if not hasattr(os, "sched_setaffinity"):
        return frozenset()
    cores = frozenset(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(sorted(cores)[-threads:]))
    return cores


def _answer(worker: Worker | FileWorker, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request."""
    what = request["do"]
    if what == "canary":
        return {"canary_s": [worker.canary()]}
    if what == "environment":
        return {"environment": worker.environment()}
    if what == "facts":
        return {"facts": worker.facts()}
    source = Source(**request["source"])
    if what == "operators":
        return {"operators": worker.operators(source)}
    before = worker.canary()
    times = worker.measure(source, request["seconds"])
    return {"times_s": times, "canary_s": [before, worker.canary()], **worker.also_measured}


def main() -> None:
    """Answer requests until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    settings = Settings(**json.loads(sys.argv[1]))
    cores = _pin(settings.threads) if settings.device == "cpu" else frozenset()

    def reply(value: dict[str, Any]) -> None:
        try:
            replies.write(json.dumps(value) + "\n")
            replies.flush()
        except BrokenPipeError:  # the session has ended
            os._exit(0)

    try:
        worker = FileWorker(settings) if settings.is_file_based else Worker(settings, cores)
    except Exception as error:  # noqa: BLE001  # whatever PyTorch raises without the device
        reply({"failed": said_by(error), "memory": False})
        return
    reply({"ready": True})
    gc.disable()  # a collection would be timed with a run, or leave it cold caches
    for line in sys.stdin:
        answer = _answered(worker, json.loads(line))
        if answer.get("memory"):
            worker.forget()
        reply(answer)


def _answered(worker: Worker | FileWorker, request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request, or the reason of its failure."""
    try:
        return _answer(worker, request)
    except InputError as error:
        return {"failed": error.problems[0].message, "memory": False}
    except Exception as error:  # noqa: BLE001  # the networks' own code runs
        return {"failed": said_by(error), "memory": is_memory(error)}


def said_by(error: BaseException) -> str:
    """The message of an exception in one line: its first line that does not introduce another; the rest is advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = next((line for line in lines if not line.endswith(":")), "")
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def is_memory(error: Exception) -> bool:
    """Whether there was not enough memory."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


if __name__ == "__main__":
    main()
