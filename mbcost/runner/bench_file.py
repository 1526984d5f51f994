"""The environment and the facts beside a bench's CSV, read from an untrusted file with every problem shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from mbcost.checks import is_number, shown
from mbcost.errors import InputError, Problem, fail, or_list
from mbcost.files import read_text
from mbcost.runner.engines import ENGINES
from mbcost.runner.settings import PRECISIONS

SCHEMA: Final = "mbcost/bench/1"
#: The end of the name of a file of operators, which is beside a bench's CSV.
OPERATORS: Final = ".operators.csv"
_MAX_BYTES: Final = 4 * 2**20
_HINT: Final = "`mbcost bench` writes it beside the CSV; without it the profile has no peak and no bandwidth"
#: Keys of a file's sections that are numbers above 0, and those that are whole; the largest that a machine could have.
_FACTS: Final = ("peak_macs_per_s", "bandwidth_bytes_per_s", "launch_s", "call_s")
_SIZES: Final = (("environment", "memory_bytes"), ("environment", "cores"), ("facts", "vector_bits"))
_MOST: Final = 1e18
_LONGEST: Final = 200


def bench_document(path: Path) -> dict[str, Any]:
    """The environment and the facts beside a bench's CSV.

    Raises
    ------
    InputError
        MB001 if there are none, MB600 with everything in them that cannot be used.
    """
    beside = path.with_name(f"{path.name.removesuffix(OPERATORS).removesuffix('.csv')}.json")
    if not beside.is_file():
        fail("MB001", f"no file {beside}", hint=_HINT)
    try:
        document = json.loads(read_text(beside, _MAX_BYTES))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        fail("MB600", f"{beside} is not the environment of a bench", hint=_HINT)
    problems = [Problem("MB600", f"{beside}: {wrong}", hint=_HINT) for wrong in _wrong(document)]
    if problems:
        raise InputError(problems)
    return document


def _wrong(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with a document: a sentence for each value."""
    found: list[str] = []
    sections = {name: document.get(name, {}) for name in ("bench", "environment", "facts")}
    for name, section in sections.items():
        if not isinstance(section, dict):
            found.append(f"`{name}` is {shown(section)}, it has to be a mapping")
            sections[name] = {}
    bench, environment, facts = sections.values()
    device, engine = bench.get("device", "cpu"), bench.get("engine", "pytorch")
    if not _is_word(device, list(PRECISIONS)):
        found.append(f"`bench.device` is {shown(device)}, it has to be {or_list(list(PRECISIONS))}")
    elif not _is_word(engine, ["pytorch", *ENGINES]):
        found.append(f"`bench.engine` is {shown(engine)}, it has to be {or_list(['pytorch', *ENGINES])}")
    elif not _is_word(bench.get("precision", "fp32"), precisions := _precisions(engine, device)):
        allowed = or_list(list(precisions))
        found.append(f"`bench.precision` is {shown(bench.get('precision'))}, on {device} it has to be {allowed}")
    ran = "runtime" if "runtime" in environment else "torch"
    names = ("cpu", ran, *(("accelerator",) if device != "cpu" else ()))
    found += _texts(environment, "environment", names, required=True)
    found += _texts(environment, "environment", ("system",), required=False)
    found += _texts(document, "", ("date", "mbcost_version"), required=False)
    required = ("peak_macs_per_s", "bandwidth_bytes_per_s")
    found += [text for key in _FACTS if (text := _number(facts, "facts", key, required=key in required))]
    for section, key in _SIZES:
        found += _size(sections[section], section, key, required=key == "memory_bytes")
    for key in ("caches", "accelerator_facts"):
        inner = environment.get(key, {})
        if not isinstance(inner, dict):
            found.append(f"`environment.{key}` is {shown(inner)}, it has to be a mapping")
            continue
        known = ("l1d", "l2", "l3") if key == "caches" else ("multiprocessors", "l2_bytes")
        for size in known:
            if inner.get(size) != 0 or key == "caches":  # a GPU's driver may not tell
                found += _size(inner, f"environment.{key}", size, required=False)
    return found


def _precisions(engine: str, device: str) -> Sequence[str]:
    return ENGINES[engine].precisions if engine in ENGINES else PRECISIONS[device]


def _is_word(value: Any, words: Sequence[str]) -> bool:
    return isinstance(value, str) and value in words


def _texts(section: Mapping[str, Any], name: str, keys: Sequence[str], *, required: bool) -> list[str]:
    found = []
    for key in keys:
        value = section.get(key)
        is_there = required or key in section
        is_one = isinstance(value, str) and 0 < len(value.strip()) <= len(value) <= _LONGEST and value.isprintable()
        if is_there and not is_one:
            found.append(f"`{_dotted(name, key)}` is {shown(value)}, it has to be a line of text")
    return found


def _number(section: Mapping[str, Any], name: str, key: str, *, required: bool) -> str:
    value = section.get(key)
    if (key not in section and not required) or (is_number(value) and 0 < value <= _MOST):
        return ""
    return f"`{_dotted(name, key)}` is {shown(value)}, it has to be a number above 0"


def _size(section: Mapping[str, Any], name: str, key: str, *, required: bool) -> list[str]:
    value = section.get(key)
    if (key not in section and not required) or (isinstance(value, int) and is_number(value) and 0 < value <= _MOST):
        return []
    return [f"`{_dotted(name, key)}` is {shown(value)}, it has to be a whole number above 0"]


def _dotted(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
