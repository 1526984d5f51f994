"""ncnn on the CPU, in fp32: its own defaults store fp16 and bf16."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def load(path: Path, threads: int) -> Callable[[], Any]:
    """One inference of ncnn's two files: ``input`` to ``output0``, ``output1``, ..."""
    ncnn = import_module("ncnn")
    net = ncnn.Net()
    net.opt.num_threads = threads
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{option}", False)
    net.opt.use_vulkan_compute = False
    for found in (net.load_param(str(path)), net.load_model(str(path.with_suffix(".bin")))):
        if found != 0:
            message = f"ncnn cannot load {path.name}"
            raise RuntimeError(message)
    layers = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    sizes = next(dict(part.split("=") for part in line[5:]) for line in layers if line[0] == "Input")
    shape = tuple(int(sizes[axis]) for axis in ("2", "1", "0"))
    # the copy owns its memory, which a Mat of an array does not
    image = ncnn.Mat(np.random.default_rng(0).random(shape, np.float32)).clone()
    outputs = [line[1] for line in layers if line[0] == "Noop" and line[1].startswith("output")]

    def run() -> None:
        extractor = net.create_extractor()
        extractor.input("input", image)
        for name in outputs:
            extractor.extract(name)

    return run
