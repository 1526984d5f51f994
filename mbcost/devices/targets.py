"""Reads a target such as ``pixel4/gpu@tflite-gpu-2020``."""

from __future__ import annotations

import re
from typing import Final

from mbcost.devices.library import load_device
from mbcost.devices.types import DeviceProfile, Precision, Processor, Target
from mbcost.errors import fail, or_list

_TARGET: Final = re.compile(
    r"(?P<device>.+\.ya?ml|[^/@\\]+)(?:/(?P<processor>[^/@]+))?(?:@(?P<runtime>[^/@]+))?", re.IGNORECASE
)


def as_target(device: str | Target, precision: str | None = None, threads: int | None = None) -> Target:
    """A target as it is, or the one that a text names; see :func:`resolve_target`."""
    return device if isinstance(device, Target) else resolve_target(device, precision, threads)


def resolve_target(text: str, precision: str | None = None, threads: int | None = None) -> Target:
    """The target that `text` names.

    Parameters
    ----------
    text
        ``device``, ``device/processor``, ``device@runtime`` or ``device/processor@runtime``. A device is a name or the
        path of a ``.yaml`` file.
    precision
        ``fp32``, ``tf32``, ``fp16``, ``bf16`` or ``int8``; by default the first that the processor lists.
    threads
        From 1 to what the processor allows; by default 1.

    Raises
    ------
    InputError
        MB300 unknown device, MB304 unknown processor or runtime, MB305 precision or threads that the processor does not
        have, and what :func:`~mbcost.devices.load_device` raises.
    """
    match = _TARGET.fullmatch(text.strip())
    if match is None:
        hint = "write device, device/processor or device/processor@runtime, such as pixel1/cpu@tflite-2018"
        fail("MB300", f"`{text}` does not name a target", hint=hint)
    device = load_device(match["device"])
    processor = _processor(device, match["processor"], match["runtime"])
    where = f"{device.name}/{processor.name}"
    return Target(
        device,
        processor,
        _runtime(processor, match["runtime"], where),
        _precision(processor, precision, where),
        _threads(processor, threads, where),
    )


def _processor(device: DeviceProfile, name: str | None, runtime: str | None) -> Processor:
    """The named processor; without a name the default, or the first that has `runtime` where the default has not."""
    if name is not None:
        if name not in device.processors:
            known = or_list(list(device.processors))
            fail("MB304", f"{device.name} has no processor `{name}`", hint=f"it has {known}")
        return device.processors[name]
    default = device.default_processor
    able = [processor for processor in device.processors.values() if runtime in processor.runtimes]
    return default if runtime is None or runtime in default.runtimes or not able else able[0]


def _runtime(processor: Processor, name: str | None, where: str) -> str:
    if name is None:
        return processor.runtimes[0]
    if name not in processor.runtimes:
        fail("MB304", f"{where} has no runtime `{name}`", hint=f"it has {or_list(processor.runtimes)}")
    return name


def _precision(processor: Processor, name: str | None, where: str) -> Precision:
    if name is None:
        return processor.precisions[0]
    matches = [precision for precision in processor.precisions if precision == name]
    if not matches:
        fail("MB305", f"{where} does not compute in `{name}`", hint=f"it has {or_list(processor.precisions)}")
    return matches[0]


def _threads(processor: Processor, threads: int | None, where: str) -> int:
    if threads is None:
        return 1
    most = processor.max_threads
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= most:
        hint = "it has 1 thread" if most == 1 else f"it has 1 to {most} threads"
        fail("MB305", f"{where} cannot run {threads} threads", hint=hint)
    return threads
