"""The hardware profile of a benched machine, from the environment and the facts beside the bench's CSV."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from mbcost.calibration.file import FOLDER, calibration_text
from mbcost.calibration.measurements import Measurement
from mbcost.calibration.record import Calibration
from mbcost.devices import Target, device_names, load_device, resolve_target, user_folder
from mbcost.devices.schema import SLUG
from mbcost.errors import InputError, fail
from mbcost.files import load_yaml, make_folder, read_text, write_text
from mbcost.runner.bench import THIS_MACHINE
from mbcost.runner.bench_file import bench_document
from mbcost.runner.engines import ENGINES
from mbcost.runner.environment import SAME, accelerator_here, runtime_of, system_facts
from mbcost.runner.journal import check_same
from mbcost.runner.settings import RUNTIMES

#: Between the runtimes that a machine was measured with.
_AND: Final = ", "
#: Longest name of a device.
_LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class Machine:
    """A benched machine with its new name.

    Attributes
    ----------
    rows
        Its measurements, under its name.
    target
        The measured target, by the profile in `text`.
    path, text
        The path of its profile, and the profile.
    before
        The existing profile of this machine, which is only extended; empty if there is none.
    """

    rows: tuple[Measurement, ...]
    target: Target
    path: Path
    text: str
    before: str

    @property
    def calibration_path(self) -> Path:
        """The folder of calibrations beside the profile."""
        return self.path.parent / FOLDER


def named_machine(rows: Iterable[Measurement], name: str, *, force: bool) -> Machine:
    """Measurements of `mbcost bench` as those of a device called `name=...`.

    Parameters
    ----------
    force
        Take measurements of another machine or PyTorch than this one, and overwrite a profile of the name.

    Raises
    ------
    InputError
        MB600 if the rows are not of a bench or of several settings, MB604 if they are of another machine, MB007 if a
        device of the name exists that is not this machine, MB303 if the name is invalid.
    """
    if len(name) > _LONGEST or re.fullmatch(SLUG, name) is None:
        hint = f"up to {_LONGEST} lower-case letters and digits, joined by `-`, `_` or `.`"
        fail("MB303", f"`{name[:100]}` cannot be the name of a device", hint=hint)
    rows = tuple(rows)
    documents = [bench_document(Path(path)) for path in dict.fromkeys(row.location.path for row in rows)]
    first = documents[0]
    hint = "`force=True` accepts it anyway; `name=...` is for the machine that was measured"
    if not force:
        check_same(first["environment"], _here(first), "the bench", hint)
    for other in documents[1:]:
        check_same(first["environment"], other["environment"], "one of the files", "calibrate one machine at a time")
    keys = {row.target for row in rows}
    if len(keys) > 1 or next(iter(keys))[0] != THIS_MACHINE:
        fail(
            "MB600",
            "the rows are not of one bench of this machine",
            hint="`name=...` takes files of one `mbcost bench`",
        )
    _, processor, runtime, precision, threads = next(iter(keys))
    path = user_folder() / f"{name}.yaml"
    profile = profile_of(name, first)
    before = read_text(path) if _is_known(path, name, first, force=force) else ""
    text = profile_text(profile)
    if before:
        there = load_yaml(path).data
        more = extended(there, profile)
        text = before if more == there else profile_text(more)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        draft.write_text(text, encoding="utf-8")
        try:
            target = resolve_target(f"{draft}/{processor}@{runtime}", precision=precision, threads=int(threads or 1))
        except InputError as error:
            raise InputError(replace(problem, location=None) for problem in error.problems) from None
    named = tuple(replace(row, target=(name, *row.target[1:])) for row in rows)
    return Machine(named, target, path, text, before)


def profile_of(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The profile of a machine with the benched processor, as the data of a YAML file."""
    environment, facts, bench = document["environment"], document["facts"], document.get("bench", {})
    device, precision = bench.get("device", "cpu"), bench.get("precision", "fp32")
    engine = bench.get("engine", "pytorch")
    runtime = next(runtime for (known, _, _), runtime in RUNTIMES.items() if known == device)
    if engine in ENGINES:
        runtime = engine
    described = {
        "default": True,
        "runtime": runtime,
        "precisions": [precision],
        "peak": {precision: _entry(facts["peak_macs_per_s"] / 1e9, "GMAC/s", "bench")},
        "bandwidth": _entry(facts["bandwidth_bytes_per_s"] / 1e9, "GB/s", "bench"),
    }
    if device == "cpu":
        processors = {"cpu": _cpu(environment, facts) | described}
    else:
        processors = {"gpu": _gpu(environment) | described}
    profile: dict[str, Any] = {
        "identity": {"name": name, "title": environment["cpu"]},
        "provenance": {
            "date": document.get("date", "1970-01-01"),
            "references": {
                "system": f"as {environment.get('system', 'the system')} reports it",
                "bench": f"mbcost bench {document.get('mbcost_version', '')}, {runtime_of(environment)}",
            },
            "os": environment.get("system", "not known"),
            "runtime": runtime_of(environment),
        },
        "processors": processors,
        "memory": {"capacity": _entry(int(environment["memory_bytes"]) / 2**20, "MiB", "system")},
    }
    if "launch_s" in facts:
        profile["overheads"] = {"gpu": {"kernel": _entry(facts["launch_s"] * 1e6, "us", "bench")}}
    return profile


def _cpu(environment: Mapping[str, Any], facts: Mapping[str, float]) -> dict[str, Any]:
    cores = int(environment.get("cores", 1))
    found: dict[str, Any] = {"kind": "cpu", "core": environment["cpu"], "max_threads": cores}
    found["cores"] = _entry(cores, None, "system")
    if "vector_bits" in facts:
        found["simd_width"] = _entry(int(facts["vector_bits"]), "bit", "bench")
    for level, size in sorted(environment.get("caches", {}).items()):
        if level in {"l1d", "l2", "l3"}:
            found[level] = _entry(int(size) / 1024, "KiB", "system")
    return found


def _gpu(environment: Mapping[str, Any]) -> dict[str, Any]:
    facts = environment.get("accelerator_facts", {})
    found: dict[str, Any] = {"kind": "gpu", "name": environment["accelerator"]}
    if facts.get("multiprocessors"):
        found["shader_processors"] = _entry(int(facts["multiprocessors"]), None, "system")
    if facts.get("l2_bytes"):
        found["l2"] = _entry(int(facts["l2_bytes"]) / 1024, "KiB", "system")
    return found


def extended(before: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A profile extended by a bench of another processor, precision or runtime; existing numbers are kept."""
    result: dict[str, Any] = deepcopy(dict(before))
    known, ran = result["provenance"].get("runtime", ""), new["provenance"]["runtime"]
    if ran not in known.split(_AND):
        result["provenance"]["runtime"] = f"{known}{_AND}{ran}" if known else ran
    for name, processor in new["processors"].items():
        if name not in result["processors"]:
            result["processors"][name] = {**processor, "default": False}
            if name in new.get("overheads", {}):
                result.setdefault("overheads", {})[name] = new["overheads"][name]
            continue
        mine = result["processors"][name]
        mine["precisions"] = list(dict.fromkeys([*mine["precisions"], *processor["precisions"]]))
        mine["peak"] = {**processor["peak"], **mine.get("peak", {})}
    return result


def profile_text(profile: Mapping[str, Any]) -> str:
    """A profile as YAML with one line per number."""
    return "\n".join(["# Written by `mbcost calibrate --name`.", *_lines(profile, "")]) + "\n"


def _lines(section: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in section.items():
        if isinstance(value, dict) and "value" not in value:
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}"


def write_machine(machine: Machine, calibration: Calibration, *, force: bool) -> list[Path]:
    """Write the profile, unless it exists, and the calibration: both or none.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    InputError
        MB007 if the calibration exists and `force` is false, MB008 if they cannot be written.
    """
    target = machine.calibration_path / f"{calibration.name}.yaml"
    make_folder(machine.calibration_path)
    write_text(target, calibration_text(calibration), force=force)
    if machine.text == machine.before:
        return [target]
    try:
        write_text(machine.path, machine.text, force=force or bool(machine.before))
    except InputError:
        target.unlink(missing_ok=True)
        raise
    return [machine.path, target]


def check_bench_of(target: Target) -> None:
    """Check that the profile of a bench is of this machine, before its predictions are compared with measurements.

    Raises
    ------
    InputError
        MB604 if it is of another machine.
    """
    device = next((device for (device, _, _), runtime in RUNTIMES.items() if runtime == target.runtime), "cpu")
    here = system_facts()["cpu"] if device == "cpu" else accelerator_here(device)
    if target.processor.model != here:
        message = (
            f"{target.device.name}/{target.processor.name} is a {target.processor.model}, but this machine has {here}"
        )
        fail("MB604", message, hint="`measure=...` compares predictions with this machine")


def _is_known(path: Path, name: str, document: Mapping[str, Any], *, force: bool) -> bool:
    """Whether there is a profile of this machine under the name."""
    if name not in device_names() or force:
        return False
    device = load_device(name)
    mine = document["environment"]
    same = device.origin == "user" and device.title == mine["cpu"]
    ran = runtime_of(mine)
    title = ran.rpartition(" ")[0]
    versions = [other for other in (device.provenance.runtime or "").split(_AND) if other.rpartition(" ")[0] == title]
    if not same or any(other != ran for other in versions):
        hint = "choose another `name=...`, or overwrite it with `force=True`"
        fail("MB007", f"there is a device `{name}` already, which is not this machine with this {title}", hint=hint)
    return path.is_file()


def _here(document: Mapping[str, Any]) -> dict[str, Any]:
    """This machine, its PyTorch and the benched GPU, if there is one."""
    from importlib import metadata

    here = {key: value for key, value in system_facts().items() if key in SAME}
    engine = ENGINES.get(document.get("bench", {}).get("engine", "pytorch"))
    with suppress(metadata.PackageNotFoundError):
        if engine is not None:
            here["runtime"] = engine.versioned
        else:
            here["torch"] = metadata.version("torch")
    if document["environment"].get("accelerator"):
        here["accelerator"] = accelerator_here(document.get("bench", {}).get("device", "cuda"))
    return here


def _entry(value: float, unit: str | None, reference: str) -> dict[str, Any]:
    cells: dict[str, Any] = {"value": float(f"{value:.6g}"), "source": "measured", "reference": reference}
    return cells if unit is None else {**cells, "unit": unit}
