"""Reads a target such as ``pixel4/gpu@tflite-gpu-2020``."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, get_args

from mbcost.checks import is_number
from mbcost.devices.clusters import clusters_of, mixed, processor_key
from mbcost.devices.folders import SUFFIXES, expanded
from mbcost.devices.library import load_device
from mbcost.devices.runtimes import (
    RuntimeFile,
    computed_in,
    default_precision,
    find_runtime,
    runtimes_for,
    unfit,
    unfit_file,
)
from mbcost.devices.types import DeviceProfile, Precision, Processor, Target
from mbcost.errors import InputError, did_you_mean, fail, or_list
from mbcost.files import is_file
from mbcost.words import OUTSIDE, Outside

_TARGET: Final = re.compile(
    r"(?P<device>.+\.ya?ml|[^/@\\]+)(?:/(?P<processor>[^/@]+))?(?:@(?P<runtime>[^/@]+))?", re.IGNORECASE
)
#: A setting behind a target's text: its host, or a number of the device that is changed.
_SETTING: Final = re.compile(r"(?s)(?P<before>.*),\s*(?P<name>[A-Za-z][\w.]*)\s*=(?P<value>[^=,]*)")
#: Settings of a target itself.
_OF_TARGET: Final = frozenset({"host", "outside"})
#: A core with its clock, which stands where a device does.
_CORE: Final = r"(?i)(?P<device>[^/@\\]+@\s*[0-9.]+\s*[kmg]?hz)(?:/(?P<processor>[^/@]+))?(?:@(?P<runtime>.+))?"


class _Parts(NamedTuple):
    """What a target's text names."""

    device: str
    processor: str | None
    runtime: str | None


def as_target(device: str | Target, precision: str | None = None, threads: int | None = None) -> Target:
    """The target that a text names (:func:`resolve_target`), or a target at another precision or with other threads.

    Raises
    ------
    InputError
        MB300 for a value of another type, and what :func:`resolve_target` raises.
    """
    if isinstance(device, str):
        return resolve_target(device, precision, threads)
    if not isinstance(device, Target):
        hint = "a text such as pixel1 or pixel4/gpu, or an mbcost.Target"
        fail("MB300", f"device is of type {type(device).__name__}, which names no target", hint=hint)
    where = f"{device.device.name}/{device.processor.name}"
    return replace(
        device,
        precision=device.precision
        if precision is None
        else _precision(device.processor, precision, where, find_runtime(device.runtime_file)),
        threads=device.threads if threads is None else _threads(device.processor, threads, where),
    )


def resolve_target(text: str, precision: str | None = None, threads: int | None = None) -> Target:
    """The target that `text` names.

    Parameters
    ----------
    text
        ``device``, ``device/processor``, ``device@runtime`` or ``device/processor@runtime``. A device is a name or the
        path of a ``.yaml`` file, and so is a runtime. A cluster is ``cpu.small`` or ``cpu.cortex_a55``; a core with its
        clock is a device: ``cortex_x4@3.39GHz``. ``edge_tpu,host=raspberry_pi_5`` names what computes the layers that
        the target does not take, ``edge_tpu,outside=free`` leaves them out; a CPU takes all, and has neither.
        ``pixel4,memory.bandwidth=20GB/s`` changes a number of the device (:func:`mbcost.devices.changes.changed`).
    precision
        ``fp32``, ``tf32``, ``fp16``, ``bf16`` or ``int8``; by default the first that the processor lists. One that the
        processor does not have is right where the runtime computes it in one that it has.
    threads
        From 1 to the processor's largest number; by default 1.

    Raises
    ------
    InputError
        MB300 unknown device, MB304 unknown processor or runtime, or a runtime that does not run on the processor, MB305
        precision or threads that the processor does not have, and what :func:`~mbcost.devices.load_device` raises.
    """
    own, settings = _settings(text)
    parts = _parts(own)
    if parts is None:
        hint = "write device, device/processor or device/processor@runtime, such as pixel1/cpu@tflite-2018"
        fail("MB300", f"`{own}` does not name a target", hint=hint)
    device = load_device(parts.device)
    changes = {name: value for name, value in settings.items() if name not in _OF_TARGET}
    if changes:
        from mbcost.devices.changes import changed

        device = changed(device, changes)
    processor = _processor(device, parts.processor, parts.runtime)
    where = f"{device.name}/{processor.name}"
    runtime = _runtime(device, processor, parts.runtime, where)
    host, outside = _host(settings.get("host"), where), _outside(settings.get("outside"))
    return Target(
        device,
        processor,
        runtime.name,
        _precision(processor, precision, where, runtime),
        _threads(processor, threads, where),
        None if runtime.origin == "shipped" else str(runtime.path.absolute()),
        None if processor.kind == "cpu" else host,
        "host" if processor.kind == "cpu" else outside,
    )


def _settings(text: str) -> tuple[str, dict[str, str]]:
    """The text of a target without the settings behind it, and the settings."""
    own, settings = text.strip(), {}
    while (match := _SETTING.fullmatch(own)) is not None:
        if match["name"] in settings:
            fail("MB010", f"`{text.strip()}` sets {match['name']} twice", hint="leave out one of them")
        settings[match["name"]] = match["value"].strip()
        own = match["before"].strip()
    return own, dict(reversed(settings.items()))


def _host(text: str | None, where: str) -> Target | None:
    """The host that was named."""
    if text is None:
        return None
    if not text:
        fail("MB010", f"the host of {where} is empty", hint="such as raspberry_pi_5 or pixel4/cpu")
    host = resolve_target(text)
    if host.processor.kind != "cpu":
        fail(
            "MB304", f"the host of {where} is {host.name}, which is no CPU", hint="such as raspberry_pi_5 or pixel4/cpu"
        )
    return host


def _outside(text: str | None) -> Outside:
    if text is None:
        return "host"
    for word in OUTSIDE:
        if text == word:
            return word
    fail("MB010", f"outside is `{text}`, it has to be {or_list(OUTSIDE)}")


def _parts(text: str) -> _Parts | None:
    """The parts of a target's text, whose device and runtime may be paths; None if it is none."""
    if text.lower().endswith(SUFFIXES) and "@" in text and not is_file(Path(text)):
        ends = [i for i, letter in enumerate(text) if letter == "@"]
        readings = [(_TARGET.fullmatch(text[:i]), text[i + 1 :]) for i in reversed(ends)]
        able = [(found, runtime) for found, runtime in readings if found is not None and found["runtime"] is None]
        there = [reading for reading in able if is_file(expanded(reading[1]))]
        for found, runtime in (there or able)[:1]:
            return _Parts(found["device"], found["processor"], runtime)
    match = (re.fullmatch(_CORE, text) if "@" in text else None) or _TARGET.fullmatch(text)
    return None if match is None else _Parts(match["device"], match["processor"], match["runtime"])


def _processor(device: DeviceProfile, name: str | None, runtime: str | None) -> Processor:
    """The named processor; without a name the default, or the first that has `runtime` where the default has not."""
    if name is not None:
        together = mixed(device, name)
        if together is not None:
            return together
        key = processor_key(device, name)
        if key is None:
            hint = f"it has {clusters_of(device)}"
            fail(
                "MB304",
                f"{device.name} has no processor `{name}`",
                hint=f"{hint}; {device.note}" if device.chip and device.note else hint,
            )
        return device.processors[key]
    default = device.default_processor
    others = [processor for processor in device.processors.values() if processor is not default]
    if runtime is None or not others:
        return default
    try:
        able = [processor for processor in (default, *others) if unfit(runtime, device.soc, processor) is None]
    except InputError:  # there is no such runtime; the error of the default processor is the clearest
        return default
    return able[0] if able else default


def _runtime(device: DeviceProfile, processor: Processor, name: str | None, where: str) -> RuntimeFile:
    wanted = name or processor.runtime
    try:
        found = find_runtime(wanted)
        why = unfit_file(found, device.soc, processor)
    except InputError as error:
        if error.codes != ("MB304",):
            raise
        able = runtimes_for(device, processor)
        near = did_you_mean(wanted, able)
        hint = f"{near} it has {or_list(able)}" if near else f"it has {or_list(able)}"
        fail("MB304", f"{where} has no runtime `{wanted}`: mbcost has no rules for it", hint=hint)
    if why is not None:
        hint = f"{where} has {or_list(runtimes_for(device, processor))}"
        fail("MB304", f"{where} cannot run {found.name}: {why}", hint=hint)
    return found


def _precision(processor: Processor, name: str | None, where: str, runtime: RuntimeFile) -> Precision:
    if name is None:
        usual = default_precision(runtime)
        return next((precision for precision in processor.precisions if precision == usual), processor.precisions[0])
    matches = [precision for precision in processor.precisions if precision == name]
    if not matches:
        matches = [known for known in get_args(Precision) if known == name]
        if matches and computed_in(runtime).get(name) in processor.precisions:
            return matches[0]
        near, has = did_you_mean(str(name), processor.precisions, 1), f"it has {or_list(processor.precisions)}"
        fail("MB305", f"{where} does not compute in `{name}`", hint=f"{near} {has}" if near else has)
    return matches[0]


def _threads(processor: Processor, threads: int | None, where: str) -> int:
    if threads is None:
        return 1
    most = processor.max_threads
    if not is_number(threads) or not float(threads).is_integer() or not 1 <= threads <= most:
        hint = "it has 1 thread" if most == 1 else f"it has 1 to {most} threads"
        fail("MB305", f"{where} cannot run {threads} threads", hint=hint)
    return int(threads)
