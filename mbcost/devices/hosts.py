"""The processor that computes what an accelerator does not take."""

from __future__ import annotations

from mbcost.devices.targets import resolve_target
from mbcost.devices.types import Precision, Target
from mbcost.errors import InputError


def host_of(target: Target) -> Target | None:
    """The target on which layers run that `target` hands back: the one that was named, else the device's own CPU.

    The CPU runs its default runtime with one thread, at the target's precision where it has that, else at its own: the
    CPU part of an fp16 network of a GPU is computed in fp32.

    Returns
    -------
    Target or None
        None for a CPU, and where no CPU is known.
    """
    if target.processor.kind == "cpu":
        return None
    if target.host is not None:
        return target.host
    if "cpu" not in target.device.processors:
        return None
    precision: Precision | None = target.precision if target.precision == "int8" else None
    where = f"{target.device.path if target.device.origin == 'file' else target.device.name}/cpu"
    try:
        return resolve_target(where, precision)
    except InputError:
        return resolve_target(where)
