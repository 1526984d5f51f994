"""What is measured and how: settings of a session, and the networks in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from mbcost.errors import fail, or_list

Mode: TypeAlias = Literal["eager", "compile", "graph"]
#: Device -> precisions that it can be measured at.
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
        ``fp32``, ``tf32`` (CUDA), ``fp16``, ``bf16``.
    """

    device: str = "cpu"
    threads: int = 1
    channels_last: bool = False
    mode: Mode = "eager"
    precision: str = "fp32"

    @property
    def runtime(self) -> str:
        """The runtime whose rules fit, such as ``pytorch-eager``."""
        if self.device != "cpu":
            return f"pytorch-{self.device}" + ("" if self.mode == "eager" else f"-{self.mode}")
        if self.mode == "compile":
            return "pytorch-compile"
        return "pytorch-channels-last" if self.channels_last else "pytorch-eager"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a network comes from.

    Attributes
    ----------
    kind
        ``table`` (a name or file of mbcost), ``callable`` (``module:function``, which returns
        ``{name: (nn.Module, example_input)}``), or ``kernel``.
    name
        The name, the file, the reference, or the description of the kernel.
    member
        Which network of a callable's.
    inplace
        Whether activations of a table's network overwrite their input.
    """

    kind: Literal["table", "callable", "kernel"]
    name: str
    member: str = ""
    alpha: float = 1.0
    resolution: int | None = None
    batch: int = 1
    inplace: bool = True


def checked_settings(device: str, threads: int, channels_last: bool, mode: str, precision: str) -> Settings:
    """Settings from a command line.

    Raises
    ------
    InputError
        MB010 for what does not go together.
    """
    if device not in PRECISIONS:
        fail("MB010", f"--device is {device}", hint=f"it is {or_list(list(PRECISIONS))}")
    if precision not in PRECISIONS[device]:
        hint = f"it is {or_list(PRECISIONS[device])}"
        fail("MB010", f"--precision is {precision}, which eager PyTorch has no networks for on {device}", hint=hint)
    if mode == "graph" and device != "cuda":
        fail("MB010", "--mode graph replays a CUDA graph: it needs --device cuda")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads > cores:
        fail("MB010", f"--threads is {threads}, this machine has {cores} cores")
    chosen: Mode = next(name for name in get_args(Mode) if name == mode)
    return Settings(device, threads, channels_last, chosen, precision)
