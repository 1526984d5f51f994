"""Completion of names in the shell."""

from __future__ import annotations

from mbcost.errors import InputError


def complete_architecture(incomplete: str) -> list[str]:
    """Built-in architectures that start with what was typed."""
    from mbcost.architectures import architecture_names

    return [name for name in architecture_names() if name.startswith(incomplete)]


def complete_device(incomplete: str) -> list[str]:
    """Devices that start with what was typed."""
    from mbcost.devices import device_names

    try:
        return [name for name in device_names() if name.startswith(incomplete)]
    except InputError:
        return []


def complete_target(incomplete: str) -> list[str]:
    """Devices; behind ``device/`` its processors with their runtimes."""
    from mbcost.devices import load_device

    name, slash, _ = incomplete.partition("/")
    if not slash:
        return complete_device(incomplete)
    try:
        processors = load_device(name).processors.values()
    except InputError:
        return []
    targets = [f"{name}/{processor.name}" for processor in processors]
    targets += [f"{name}/{processor.name}@{runtime}" for processor in processors for runtime in processor.runtimes]
    return [target for target in targets if target.startswith(incomplete)]
