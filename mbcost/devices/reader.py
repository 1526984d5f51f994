"""Reads one hardware profile: shape, then cross-checks, all problems at once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mbcost.devices import convert
from mbcost.devices.checks import device_problems, memory_problems, processor_problems, raw_problems, runtime_problems
from mbcost.devices.entries import Section
from mbcost.devices.problems import Path, problem
from mbcost.devices.schema import PROCESSORS, DeviceFile, MemorySection
from mbcost.devices.types import DeviceProfile, Memory, Origin, Processor
from mbcost.errors import Problem
from mbcost.files import MAX_PROBLEMS, Document


def read(document: Document, stem: str | None, origin: Origin) -> tuple[DeviceProfile | None, list[Problem]]:
    """The profile in `document`, or None, and all of its problems in the order of the file.

    Parameters
    ----------
    document
        A parsed YAML file.
    stem
        The name that the device has to have, or None for any.
    origin
        The origin of the file.
    """
    data, context = document.data, _reference_keys(document.data)
    profile, problems = None, []
    try:
        DeviceFile.model_validate(data, context=context)
        profile = convert.stated(data, document.path, origin)
        processors, memory = dict(profile.processors), profile.memory
    except ValidationError as error:
        problems = [problem(details, document) for details in error.errors(include_url=False)[:MAX_PROBLEMS]]
        processors, memory = _sound_processors(data, context), _sound_memory(data, context)
    for processor in processors.values():
        problems += processor_problems(processor, document)
        problems += runtime_problems(processor, _soc(data), document)
    problems += memory_problems(memory, document)
    problems += device_problems(processors, memory, document)
    problems += raw_problems(data, stem, document)
    problems.sort(key=_place)
    if profile is not None and not problems:
        profile = convert.profile(data, document.path, origin)
    return (None if problems else profile), problems[:MAX_PROBLEMS]


def salvage(model: type[Section], data: Any, context: frozenset[str] | None) -> Any:
    """The model of the valid part of `data`; None where too little is valid."""
    rest = data
    while True:
        try:
            model.model_validate(rest, context=context)
            return rest
        except ValidationError as error:
            rest = _without(rest, error.errors(include_url=False))
            if rest is None:
                return None


def _sound_processors(data: Any, context: frozenset[str] | None) -> dict[str, Processor]:
    sections = data.get("processors") if isinstance(data, dict) else None
    sound = {}
    for name, section in (sections if isinstance(sections, dict) else {}).items():
        kind = section.get("kind") if isinstance(section, dict) else None
        model = PROCESSORS.get(kind) if isinstance(kind, str) else None
        part = salvage(model, section, context) if model else None
        if part is not None:
            sound[name] = convert.processor(name, part)
    return sound


def _soc(data: Any) -> str | None:
    identity = data.get("identity") if isinstance(data, dict) else None
    soc = identity.get("soc") if isinstance(identity, dict) else None
    return soc if isinstance(soc, str) else None


def _sound_memory(data: Any, context: frozenset[str] | None) -> Memory:
    section = data.get("memory") if isinstance(data, dict) else None
    part = salvage(MemorySection, section, context)
    return Memory() if part is None else convert.memory(part)


def _without(data: Any, errors: Sequence[ErrorDetails]) -> Any:
    """A copy of `data` without the values with `errors` or the mappings that lack one; None if nothing is left."""
    rest = copy.deepcopy(data)
    for error in errors:
        path = error["loc"]
        while path and not _holds(data, path):
            path = path[:-1]
        if not path:
            return None
        if _holds(rest, path):
            del _at(rest, path[:-1])[path[-1]]
    return rest


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _holds(data: Any, path: Path) -> bool:
    """Whether `data` has a value at `path`."""
    for part in path:
        if isinstance(data, dict):
            known = part in data
        else:
            known = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if not known:
            return False
        data = data[part]
    return True


def _reference_keys(data: Any) -> frozenset[str] | None:
    """The keys that entries may refer to; None, so that none is checked, where the file has no list of references."""
    provenance = data.get("provenance") if isinstance(data, dict) else None
    references = provenance.get("references") if isinstance(provenance, dict) else None
    return frozenset(references) if isinstance(references, dict) else None


def _place(found: Problem) -> tuple[int, int]:
    return (found.location.line, found.location.column) if found.location else (0, 0)
