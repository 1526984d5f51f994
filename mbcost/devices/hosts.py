"""The processor that computes what an accelerator does not take."""

from __future__ import annotations

from dataclasses import replace

from mbcost.devices.targets import resolve_target
from mbcost.devices.types import Precision, Target


def host_of(target: Target) -> Target | None:
    """The target on which layers run that `target` hands back: the one that was named, else the device's own CPU.

    The device's CPU runs its default runtime with one thread. A host computes at int8 what is int8, if it can, and
    everything else at its own precision: the CPU part of an fp16 network of a GPU is computed in fp32.

    Returns
    -------
    Target or None
        None for a CPU, and where no CPU is known.
    """
    if target.processor.kind == "cpu":
        return None
    if target.host is not None:
        return _at(target.host, target.precision)
    own = target.device.processors.get("cpu")
    if own is None or own.kind != "cpu":  # a file may call another kind so
        return None
    where = target.device.path if target.device.origin == "file" else target.device.name
    return _at(resolve_target(f"{where}/cpu"), target.precision)


def _at(host: Target, precision: Precision) -> Target:
    """The host at int8 where the network is int8 and it has that, else at its own precision."""
    return replace(host, precision=precision) if precision == "int8" in host.processor.precisions else host
