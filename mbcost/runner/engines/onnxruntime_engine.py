"""ONNX Runtime with its CPU provider."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from mbcost.runner.engines import Operator

_WARM_RUNS: Final = 3
_ENDING: Final = "_kernel_time"


def load(path: Path, threads: int) -> Callable[[], Any]:
    """One inference of an ONNX file, whose input and outputs stay where they are."""
    session = _session(path, _options(threads))
    binding = _bound(session)

    def run() -> None:
        session.run_with_iobinding(binding)

    return run


def operators(path: Path, threads: int, runs: int) -> list[Operator]:
    """The operators of an ONNX file after the runtime's fusion, from the profile of a session."""
    with tempfile.TemporaryDirectory() as folder:
        options = _options(threads)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = _session(path, options)
        binding = _bound(session)
        for _ in range(_WARM_RUNS + runs):
            session.run_with_iobinding(binding)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return fastest_of(events)


def fastest_of(events: list[dict[str, Any]]) -> list[Operator]:
    """Each operator's fastest run, from the trace events of a profile [us]."""
    found: dict[str, tuple[str, float]] = {}
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") != "Node" or not name.endswith(_ENDING):
            continue
        name, kind, time = name.removesuffix(_ENDING), str(event["args"]["op_name"]), float(event["dur"])
        found[name] = (kind, min(time, found.get(name, (kind, time))[1]))
    return [Operator(name, kind, time * 1e-6) for name, (kind, time) in found.items()]


def _options(threads: int) -> Any:
    options = import_module("onnxruntime").SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _session(path: Path, options: Any) -> Any:
    return import_module("onnxruntime").InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _bound(session: Any) -> Any:
    binding = session.io_binding()
    for told in session.get_inputs():
        binding.bind_cpu_input(told.name, np.random.default_rng(0).random(told.shape, np.float32))
    for told in session.get_outputs():
        binding.bind_output(told.name)
    return binding
