"""The hardware profile of a machine that was benched, from the environment and the facts beside the bench's CSV."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from mbcost.devices import Target, device_names, load_device, resolve_target, user_folder
from mbcost.errors import InputError, fail
from mbcost.files import read_text, write_text
from mbcost.latency.calibration import Calibration
from mbcost.latency.calibration_file import FOLDER, calibration_text
from mbcost.runner.bench import SCHEMA, THIS_MACHINE
from mbcost.runner.environment import SAME, system_facts
from mbcost.runner.journal import check_same
from mbcost.validation.measurements import Measurement

_CPU_RUNTIMES: Final = ("pytorch-eager", "pytorch-channels-last", "pytorch-compile")
_MAX_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that was benched and gets a name.

    Attributes
    ----------
    rows
        Its measurements, under its name.
    target
        What they were measured on, by the profile in `text`.
    path, text
        Where its profile goes, and the profile.
    known
        Whether a profile of this machine is there already, which is kept.
    """

    rows: tuple[Measurement, ...]
    target: Target
    path: Path
    text: str
    known: bool

    @property
    def calibration_path(self) -> Path:
        """The folder of calibrations beside the profile."""
        return self.path.parent / FOLDER


def named_machine(rows: Iterable[Measurement], name: str, *, force: bool) -> Machine:
    """Measurements of `mbcost bench` as those of a device called `name`.

    Parameters
    ----------
    force
        Take measurements of another machine or PyTorch than this one, and overwrite a profile of the name.

    Raises
    ------
    InputError
        MB600 if the rows are of no bench or of several settings, MB604 if they are of another machine, MB007 if there
        is a device of the name that is not this machine, MB303 if the name cannot be one.
    """
    rows = tuple(rows)
    documents = [bench_document(Path(path)) for path in dict.fromkeys(row.location.path for row in rows)]
    first = documents[0]
    hint = "--force takes it anyway; --name is for the machine that it was measured on"
    if not force:
        check_same(first["environment"], _here(), "the bench", hint)
    for other in documents[1:]:
        check_same(first["environment"], other["environment"], "one of the files", "calibrate one machine at a time")
    keys = {row.target for row in rows}
    if len(keys) > 1 or next(iter(keys))[0] != THIS_MACHINE:
        fail("MB600", "the rows are not of one bench of this machine", hint="--name takes files of one `mbcost bench`")
    _, processor, runtime, precision, threads = next(iter(keys))
    if processor != "cpu":
        fail("MB304", f"mbcost has no latency form for {runtime} yet: the measurements stand for themselves")
    path = user_folder() / f"{name}.yaml"
    text = profile_text(name, first)
    known = _is_known(path, name, first, force=force)
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        draft.write_text(read_text(path) if known else text, encoding="utf-8")
        try:
            target = resolve_target(f"{draft}@{runtime}", precision=precision, threads=int(threads))
        except InputError as error:
            raise InputError(replace(problem, location=None) for problem in error.problems) from None
    named = tuple(replace(row, target=(name, *row.target[1:])) for row in rows)
    return Machine(named, target, path, text, known)


def bench_document(path: Path) -> dict[str, Any]:
    """The environment and the facts beside a bench's CSV.

    Raises
    ------
    InputError
        MB001 if there are none, MB600 if they cannot be used.
    """
    beside = path.with_suffix(".json")
    hint = "`mbcost bench` writes it beside the CSV; without it the profile has no peak and no bandwidth"
    if not beside.is_file():
        fail("MB001", f"no file {beside}", hint=hint)
    try:
        document = json.loads(read_text(beside, _MAX_BYTES))
        if document["schema"] != SCHEMA:
            raise ValueError
        float(document["facts"]["peak_macs_per_s"]), float(document["facts"]["bandwidth_bytes_per_s"])
        document["environment"]["cpu"], document["environment"]["torch"]
    except (ValueError, KeyError, TypeError):
        fail("MB600", f"{beside} is not the environment of a bench", hint=hint)
    result: dict[str, Any] = document
    return result


def profile_text(name: str, document: Mapping[str, Any]) -> str:
    """The profile, as YAML."""
    environment, facts = document["environment"], document["facts"]
    reference = {
        "system": f"as {environment.get('system', 'the system')} reports it",
        "bench": f"mbcost bench {document.get('mbcost_version', '')}, PyTorch {environment['torch']}",
    }
    cores = int(environment.get("cores", 1))
    lines = [
        "# Written by `mbcost calibrate --name`.",
        f"identity: {{name: {json.dumps(name)}, title: {json.dumps(environment['cpu'])}}}",
        "provenance:",
        f"  date: {json.dumps(document.get('date', '1970-01-01'))}",
        f"  references: {json.dumps(reference)}",
        f"  os: {json.dumps(environment.get('system', 'not known'))}",
        f"  runtime: {json.dumps('PyTorch ' + environment['torch'])}",
        "processors:",
        "  cpu:",
        "    kind: cpu",
        f"    core: {json.dumps(environment['cpu'])}",
        "    default: true",
        f"    runtimes: [{', '.join(_CPU_RUNTIMES)}]",
        "    precisions: [fp32]",
        f"    max_threads: {cores}",
        f"    cores: {_entry(cores, None, 'system')}",
    ]
    if "vector_bits" in facts:
        lines.append(f"    simd_width: {_entry(int(facts['vector_bits']), 'bit', 'bench')}")
    lines += [
        "    peak:",
        f"      fp32: {_entry(facts['peak_macs_per_s'] / 1e9, 'GMAC/s', 'bench')}",
        f"    bandwidth: {_entry(facts['bandwidth_bytes_per_s'] / 1e9, 'GB/s', 'bench')}",
    ]
    for level, size in sorted(environment.get("caches", {}).items()):
        if level in {"l1d", "l2", "l3"}:
            lines.append(f"    {level}: {_entry(int(size) / 1024, 'KiB', 'system')}")
    lines += ["memory:", f"  capacity: {_entry(int(environment['memory_bytes']) / 2**20, 'MiB', 'system')}"]
    return "\n".join(lines) + "\n"


def write_machine(machine: Machine, calibration: Calibration, *, force: bool) -> list[Path]:
    """Write the profile, unless it is there, and the calibration: both or none.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    InputError
        MB007 if the calibration is there and `force` is false, MB008 if they cannot be written.
    """
    target = machine.calibration_path / f"{calibration.name}.yaml"
    try:
        machine.calibration_path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail("MB008", f"cannot write {machine.calibration_path}: {error.strerror or error}")
    write_text(target, calibration_text(calibration), force=force)
    if machine.known:
        return [target]
    try:
        write_text(machine.path, machine.text, force=force)
    except InputError:
        target.unlink(missing_ok=True)
        raise
    return [machine.path, target]


def check_bench_of(target: Target) -> None:
    """Check that a profile that a bench made is of this machine, before predictions are compared with it.

    Raises
    ------
    InputError
        MB604 if it is of another one.
    """
    if target.processor.model != system_facts()["cpu"]:
        message = f"{target.device.name} is a {target.processor.model}, this machine a {system_facts()['cpu']}"
        fail("MB604", message, hint="--measure compares predictions with this machine")


def _is_known(path: Path, name: str, document: Mapping[str, Any], *, force: bool) -> bool:
    """Whether there is a profile of this machine under the name."""
    if name not in device_names() or force:
        return False
    device = load_device(name)
    mine = document["environment"]
    same = device.origin == "user" and device.title == mine["cpu"]
    if not same or device.provenance.runtime != f"PyTorch {mine['torch']}":
        hint = "choose another --name, or overwrite it with --force"
        fail("MB007", f"there is a device `{name}` already, which is not this machine with this PyTorch", hint=hint)
    return path.is_file()


def _here() -> dict[str, Any]:
    """This machine, and its PyTorch where there is one."""
    from importlib import metadata

    here = {key: value for key, value in system_facts().items() if key in SAME}
    with suppress(metadata.PackageNotFoundError):
        here["torch"] = metadata.version("torch")
    return here


def _entry(value: float, unit: str | None, reference: str) -> str:
    cells = f"value: {value:.6g}" + (f", unit: {unit}" if unit else "")
    return f"{{{cells}, source: measured, reference: {reference}}}"
