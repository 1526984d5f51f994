"""Settings of a measuring session, and the sources of its networks."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from mbcost.errors import fail, or_list
from mbcost.runner.engines import ENGINES
from mbcost.words import FILE_PRECISIONS, BenchRuntime, FilePrecision, Mode

#: Device, channels last, mode -> the matching runtime. Other combinations have no runtime and are refused.
RUNTIMES: Final[Mapping[tuple[str, bool, Mode], str]] = {
    ("cpu", False, "eager"): "pytorch-eager",
    ("cpu", True, "eager"): "pytorch-channels-last",
    ("cpu", False, "compile"): "pytorch-compile",
    ("cuda", False, "eager"): "pytorch-cuda",
    ("cuda", True, "eager"): "pytorch-cuda-channels-last",
    ("cuda", False, "compile"): "pytorch-cuda-compile",
    ("cuda", False, "graph"): "pytorch-cuda-graph",
    ("cuda", True, "graph"): "pytorch-cuda-graph-channels-last",
    ("mps", False, "eager"): "pytorch-mps",
}
#: Device -> precisions that can be measured.
PRECISIONS: Final = {
    "cpu": ("fp32", "bf16", "fp16"),
    "cuda": ("fp32", "tf32", "fp16", "bf16"),
    "mps": ("fp32", "fp16"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session runs networks.

    Attributes
    ----------
    device
        ``cpu``, ``cuda`` or ``mps``.
    threads
        On a CPU.
    channels_last
        The memory format: NHWC instead of NCHW.
    mode
        Eager, ``torch.compile``, or replay of a CUDA graph.
    precision
        ``fp32``, ``tf32`` (CUDA), ``fp16``, ``bf16``; ``int8`` of model files.
    engine
        PyTorch, or a runtime of model files.
    """

    device: str = "cpu"
    threads: int = 1
    channels_last: bool = False
    mode: Mode = "eager"
    precision: str = "fp32"
    engine: BenchRuntime = "pytorch"

    @property
    def is_file_based(self) -> bool:
        """Whether networks are measured as model files, and not as PyTorch's modules."""
        return self.engine != "pytorch"

    @property
    def file_precision(self) -> FilePrecision:
        """The precision of those files."""
        return next(word for word in FILE_PRECISIONS if word == self.precision)

    @property
    def title(self) -> str:
        """The engine's name for people."""
        return ENGINES[self.engine].title if self.is_file_based else "PyTorch"

    @property
    def runtime(self) -> str:
        """The matching runtime, such as ``pytorch-eager``."""
        if self.is_file_based:
            return self.engine
        return RUNTIMES[self.device, self.channels_last, self.mode]


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a network.

    Attributes
    ----------
    kind
        ``table`` (a name or file of mbcost), ``callable`` (``module:function``, which returns
        ``{name: (nn.Module, example_input)}``), ``kernel``, or ``file`` (a model file).
    name
        The name, the file, the reference, or the description of the kernel.
    member
        The name of the network among those of a callable.
    inplace
        Whether activations of a table's network overwrite their input.
    """

    kind: Literal["table", "callable", "kernel", "file"]
    name: str
    member: str = ""
    alpha: float = 1.0
    resolution: int | None = None
    batch: int = 1
    inplace: bool = True


def checked_settings(
    device: str, threads: int, channels_last: bool, mode: str, precision: str, engine: BenchRuntime = "pytorch"
) -> Settings:
    """Settings from a command line.

    Raises
    ------
    InputError
        MB010 for settings that cannot be combined, MB011 without the runtime, or the compiler that torch.compile needs.
    """
    if engine != "pytorch":
        return _file_settings(device, threads, channels_last, mode, precision, engine)
    if device not in PRECISIONS:
        fail("MB010", f"device is {device}", hint=f"it is {or_list(list(PRECISIONS))}", parameter="device")
    if precision == "int8":
        hint = "PyTorch has deprecated its quantized tensors, on which its int8 convolutions work (issue 184982 there)"
        fail("MB010", "precision int8 is not measured", hint=hint, parameter="precision")
    if precision not in PRECISIONS[device]:
        hint = f"on {device} it is {or_list(PRECISIONS[device])}"
        fail("MB010", f"precision is {precision}", hint=hint, parameter="precision")
    if mode == "graph" and device != "cuda":
        fail("MB010", '`mode="graph"` replays a CUDA graph: it needs `device="cuda"`')
    if mode == "compile" and channels_last:
        fail("MB010", '`channels_last=...` has no effect with `mode="compile"`, which lays out tensors as it likes')
    compiler = os.environ.get("CXX", "g++")
    if mode == "compile" and device == "cpu" and sys.platform == "linux" and not shutil.which(compiler):
        fail(
            "MB011",
            f'`mode="compile"` needs a C++ compiler, and there is no {compiler}',
            hint="install g++, or set CXX",
        )
    _check_threads(threads)
    if threads > 1 and device != "cpu":
        fail("MB010", f"`threads=...` is for a CPU, and `device=...` is {device}")
    chosen: Mode = next(name for name in get_args(Mode) if name == mode)
    if (device, channels_last, chosen) not in RUNTIMES:
        what = "`channels_last=...`" if channels_last else f'`mode="{mode}"`'
        fail("MB010", f'{what} is not there for `device="{device}"`')
    return Settings(device, threads, channels_last, chosen, precision)


def _file_settings(
    device: str, threads: int, channels_last: bool, mode: str, precision: str, engine: BenchRuntime
) -> Settings:
    """Settings of a runtime of model files."""
    chosen = ENGINES[engine]
    for name, is_default in (
        ("device", device == "cpu"),
        ("channels_last", not channels_last),
        ("mode", mode == "eager"),
    ):
        if not is_default:
            fail("MB010", f"`{name}=...` is PyTorch's, and the runtime is {chosen.title}", hint="leave it out")
    if precision not in chosen.precisions:
        hint = f"it is {or_list(list(chosen.precisions))}; {chosen.refusal}"
        fail("MB010", f"precision {precision} of {chosen.title} is not measured", hint=hint, parameter="precision")
    _check_threads(threads)
    chosen.check_installed()
    return Settings(threads=threads, precision=precision, engine=engine)


def _check_threads(threads: int) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads > cores:
        fail("MB010", f"threads is {threads}, this machine has {cores} cores", parameter="threads")
