"""The results of a kit as readings whose networks are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from mbcost.architectures.limits import MAX_RESOLUTION
from mbcost.calibration.csv_rows import read_csv
from mbcost.calibration.kit.make import KIT, PROFILE, RESULTS, SCHEMA, VISITS
from mbcost.calibration.listed import MODELS
from mbcost.calibration.logs import ncnn
from mbcost.calibration.logs.log import Reading, as_count, as_mapping
from mbcost.calibration.logs.names import Network
from mbcost.calibration.logs.readers import read_log
from mbcost.errors import InputError, Location, Problem, call_each, fail
from mbcost.files import is_file, read_text

#: Relative difference of the canary's slowest and fastest visit above which the device has become slower [1]. Chosen:
#: twice what visits of one network differ by on a quiet machine.
MOST_DRIFT: Final = 0.1
#: How ncnn's tool calls the script's copy of a model.
_COPY: Final = "m"


class Results(NamedTuple):
    """What a kit has measured.

    Attributes
    ----------
    networks
        The networks by the names that the readings have.
    device
        What the kit was made for.
    """

    readings: list[Reading]
    networks: Mapping[str, Network]
    device: str
    notes: list[str]


def kit_of(folder: Path) -> Path | None:
    """The kit that a folder is, or is the results of; None if it is none."""
    for candidate in (folder, folder.resolve().parent):
        if is_file(candidate / KIT) and is_file(candidate / MODELS):
            return candidate
    return None


def read_kit(folder: Path) -> Results:
    """The readings of a kit's visits: those that failed, or during which the device grew hot, are left out.

    Raises
    ------
    InputError
        MB606 if nothing is measured, for every visit that cannot be read, and for files of a kit that are damaged.
    """
    kit = kit_of(folder)
    if kit is None:
        fail("MB606", f"{folder} is neither a kit nor its results", hint="`mbcost kit` makes one; name files of logs")
    facts = _facts(kit / KIT)
    networks = _networks(kit / MODELS)
    visits = _visits(kit / VISITS, networks)
    done = [(kit / RESULTS / each / f"{visit}.txt", each, model) for each, visit, model in visits]
    measured = [entry for entry in done if is_file(entry[0])]
    if not measured:
        fail("MB606", f"{kit / RESULTS} has no finished visit", hint=f"run {kit / 'run.sh'}")
    threads = as_count(facts.get("threads"))

    def read(entry: tuple[Path, str, str]) -> list[Reading]:
        path, each, model = entry
        found = read_log(path)
        strange = [reading for reading in found if reading.tool == ncnn.TOOL and not reading.network.startswith(_COPY)]
        if strange or len(found) != 1:
            hint = "is the tool too old to be told its model?"
            message = (
                f"{path} holds {len(found)} runs, of {found[0].network or 'no network'}, in place of one of {model}"
            )
            fail("MB606", message, found[0].location, hint)
        (reading,) = found
        precision = networks[model].precision
        profiled = each == PROFILE
        return [
            replace(reading, network=model, precision=precision, threads=reading.threads or threads, profiled=profiled)
        ]

    readings = [reading for found in call_each(read, measured) for reading in found]
    return Results(readings, networks, str(facts.get("device") or ""), _notes(kit, done, measured, readings))


def _notes(
    kit: Path, done: list[tuple[Path, str, str]], measured: list[tuple[Path, str, str]], readings: list[Reading]
) -> list[str]:
    notes = []
    if len(measured) < len(done):
        missing = len(done) - len(measured)
        notes.append(f"{missing} of {len(done)} visits are missing: {kit / 'run.sh'} goes on where it was")
    for suffix, what in (("failed", "failed"), ("hot", "are of a hot device")):
        count = sum(1 for path, _, _ in done if not is_file(path) and is_file(path.with_suffix(f".{suffix}")))
        if count:
            notes.append(f"{count} visits {what}, and are left out: results/*/*.{suffix}")
    pairs = zip(measured, readings, strict=True)
    canary = [reading.latency_s for (path, _, _), reading in pairs if path.name.startswith("canary-")]
    if canary and max(canary) - min(canary) > MOST_DRIFT * median(canary):
        share = (max(canary) - min(canary)) / median(canary)
        notes.append(
            f"the canary's visits differ by {share:.0%}: the device's clock changed; measure it cool, or plugged in"
        )
    return notes


def _facts(path: Path) -> Mapping[str, Any]:
    try:
        facts = as_mapping(json.loads(read_text(path)))
    except (ValueError, RecursionError):
        facts = {}
    if facts.get("schema") != SCHEMA:
        fail("MB606", f"{path} is not of a kit", Location(str(path), 1, 1), "make the kit again, and copy the results")
    return facts


def _networks(path: Path) -> dict[str, Network]:
    """The networks of a kit's models."""
    _, rows = read_csv(path, ((("name", "precision", "architecture"), ("alpha", "resolution")),))
    found: dict[str, Network] = {}
    problems: list[Problem] = []
    for row in rows:
        resolution = row.whole("resolution", MAX_RESOLUTION) if row.text("resolution", "") else None
        alpha = row.positive("alpha", 1.0)
        found[row.text("name")] = Network(row.text("architecture"), alpha, resolution, row.text("precision"))
        problems += row.problems
    if problems:
        raise InputError(problems)
    return found


def _visits(path: Path, networks: Mapping[str, Network]) -> list[tuple[str, str, str]]:
    """Pass, name and model of each visit."""
    found = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.split()
        if len(words) != 3 or words[2] not in networks or any("/" in word or word.startswith(".") for word in words):
            where = Location(str(path), number, 1, len(line) + 1, line)
            fail("MB606", "this is no visit of a model of the kit", where, "make the kit again, and copy the results")
        found.append((words[0], words[1], words[2]))
    return found
