"""OpenVINO with its CPU plugin."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from mbcost.runner.engines import Operator

_WARM_RUNS: Final = 3


def load(path: Path, threads: int) -> Callable[[], Any]:
    """One inference of an ONNX file."""
    return _inference(_request(path, threads))


def operators(path: Path, threads: int, runs: int) -> list[Operator]:
    """The operators of an ONNX file after the plugin's fusion, each with its primitive."""
    request = _request(path, threads, PERF_COUNT=True)
    run = _inference(request)
    fastest: dict[str, Operator] = {}
    for i in range(_WARM_RUNS + runs):
        run()
        if i < _WARM_RUNS:
            continue
        for told in request.get_profiling_info():
            if told.status != told.Status.EXECUTED or told.node_type in {"Parameter", "Result", "Const"}:
                continue
            seconds, before = told.real_time.total_seconds(), fastest.get(told.node_name)
            if before is None or seconds < before.seconds:
                kind = f"{told.node_type} {told.exec_type}"
                fastest[told.node_name] = Operator(told.node_name, kind, seconds)
    return list(fastest.values())


def _request(path: Path, threads: int, **more: Any) -> Any:
    """A request with the settings of one latency at a time; without the hint it would compute bf16 where it can."""
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    core = import_module("openvino").Core()
    request = core.compile_model(str(path), "CPU", {**settings, **more}).create_infer_request()
    for tensor in request.input_tensors:
        tensor.data[:] = np.random.default_rng(0).random(tensor.data.shape, np.float32)
    return request


def _inference(request: Any) -> Callable[[], Any]:
    def run() -> None:
        request.infer(share_outputs=True)

    return run
