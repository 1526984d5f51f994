"""LiteRT by its interpreter, with the XNNPACK delegate that it applies itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mbcost.runner.engines import Operator
from mbcost.runner.engines.litert_profiler import profiled


def load(path: Path, threads: int) -> Callable[[], Any]:
    """One inference of a TFLite file."""
    interpreter = _interpreter(path, threads)
    for told in interpreter.get_input_details():
        interpreter.set_tensor(told["index"], random_input(told["shape"], told["dtype"]))
    run: Callable[[], Any] = interpreter.invoke
    return run


def operators(path: Path, threads: int, runs: int) -> list[Operator]:
    """The operators of a TFLite file, those of the delegate one by one."""
    interpreter = _interpreter(path, threads)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    return profiled(path, inputs, outputs, threads, runs)


def _interpreter(path: Path, threads: int) -> Any:
    interpreter = import_module("ai_edge_litert.interpreter").Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


def random_input(shape: Any, dtype: Any) -> Any:
    """Values from 0 to 1, of int8 any."""
    draw = np.random.default_rng(0)
    if np.issubdtype(dtype, np.integer):
        return draw.integers(-128, 128, tuple(shape)).astype(dtype)
    return draw.random(tuple(shape)).astype(dtype)
