"""Completion of names in the shell."""

from __future__ import annotations

from mbcost.errors import InputError


def complete_architecture(incomplete: str) -> list[str]:
    """Built-in architectures that start with what was typed."""
    from mbcost.architectures import architecture_names

    return [name for name in architecture_names() if name.startswith(incomplete)]


def complete_device(incomplete: str) -> list[str]:
    """Devices, systems on a chip and cores that start with what was typed."""
    from mbcost.devices import device_names
    from mbcost.devices.cores import core_names

    try:
        names = (*device_names(catalogue=True), *core_names())
    except InputError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_precision(incomplete: str) -> list[str]:
    """Precisions that start with what was typed."""
    from typing import get_args

    from mbcost.words import Precision

    return [name for name in get_args(Precision) if name.startswith(incomplete)]


def complete_target(incomplete: str) -> list[str]:
    """Devices; behind ``device/`` its processors with their runtimes."""
    from mbcost.devices import load_device, runtimes_for

    name, slash, _ = incomplete.partition("/")
    if not slash:
        return complete_device(incomplete)
    try:
        device = load_device(name)
        able = {processor.name: runtimes_for(device, processor) for processor in device.processors.values()}
    except InputError:
        return []
    targets = [f"{name}/{processor}" for processor in able]
    targets += [f"{name}/{processor}@{runtime}" for processor, runtimes in able.items() for runtime in runtimes]
    return [target for target in targets if target.startswith(incomplete)]
