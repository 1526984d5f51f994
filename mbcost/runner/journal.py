"""The journal of a bench: one line per visit, appended at once, so that an interrupted run can be resumed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.checks import is_number
from mbcost.errors import fail
from mbcost.files import read_head, write_bytes
from mbcost.runner.environment import SAME
from mbcost.runner.session import Timing, Visit

_MAX_BYTES: Final = 32 * 2**20
_VERSION: Final = "mbcost/bench-journal/1"
_HINT: Final = "`force=True` starts again"


class _Entry(NamedTuple):
    """A line: a visit of a network, or why it failed, and the time of the bench so far [s].

    Also its fastest warm run, its shortest load and its shortest first inference up to then, where it has them [s].
    """

    name: str
    seconds: float
    visit: Visit | None
    failed: str = ""
    warm_s: float = math.inf
    load_s: float = math.inf
    first_s: float = math.inf


#: Times of a line that may be missing.
_TIMES: Final = ("warm_s", "load_s", "first_s")


class Journal:
    """Appends to the journal beside an output file.

    Attributes
    ----------
    path
        ``bench.journal.jsonl`` beside ``bench.csv``.
    timings
        Timings of an earlier run of the same bench, by name.
    seconds
        Time of that run [s].
    overwrites
        Whether the bench was begun with the permission to overwrite what is there.
    damaged
        Number of lines of the earlier run that cannot be used; they are kept in :attr:`aside`.
    """

    def __init__(
        self, output: Path, header: Mapping[str, Any], *, anew: bool, names: Collection[str] | None = None
    ) -> None:
        """Open the journal.

        Parameters
        ----------
        header
            What is measured (``bench``) and where (``environment``).
        anew
            Start again; an earlier journal is kept under another name.
        names
            Names of the networks that are measured; a line with another name is damaged. None: any.

        Raises
        ------
        InputError
            MB604 if it is of another machine, PyTorch or bench and `anew` is false, MB605 if it does not say of which,
            MB008 if it cannot be written.
        """
        self.path = journal_path(output)
        self.aside = output.with_suffix(".journal.damaged.jsonl")
        self.timings: dict[str, Timing] = {}
        self.seconds = 0.0
        self.damaged = 0
        self.overwrites = anew
        if self.path.exists() and not anew:
            self._read(header, names)
            return
        try:
            if self.path.exists():
                self.path.replace(output.with_suffix(".journal.old.jsonl"))
        except OSError as error:
            fail("MB008", f"cannot write {self.path}: {error.strerror or error}")
        self._append({"schema": _VERSION, "overwrites": anew, **header})

    def add(self, name: str, timing: Timing, seconds: float) -> None:
        """Append the last visit of a network, and the time of the bench so far [s]."""
        entry: dict[str, Any] = {"name": name, "seconds": round(seconds, 3)}
        if timing.failed:
            entry["failed"] = timing.failed
        else:
            entry["visit"] = timing.visits[-1]
            entry |= {key: time for key in _TIMES if (time := getattr(timing, key)) < math.inf}
        self._append(entry)

    def remove(self) -> None:
        """Delete it, once its output is written."""
        self.path.unlink(missing_ok=True)

    def _append(self, entry: Mapping[str, Any]) -> None:
        """Write a line at once and flush it to the disk."""
        _append(self.path, (json.dumps(entry) + "\n").encode())

    def _read(self, header: Mapping[str, Any], names: Collection[str] | None) -> None:
        """Read the journal of an earlier run; an incomplete last line is dropped, damaged lines are set aside."""
        raw = read_head(self.path, _MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            fail("MB605", f"{self.path} is larger than {_MAX_BYTES // 2**20} MiB", hint=_HINT)
        first, *lines = raw.split(b"\n")
        self._check_header(_parsed(first), header)
        kept, damaged = [first], []
        for number, line in enumerate(lines, 1):
            entry = _entry(line, names)
            if entry is not None:
                kept.append(line)
                self._take(entry)
            elif line.strip() and number < len(lines):
                damaged.append(line)
        if damaged:
            self.damaged = len(damaged)
            _append(self.aside, b"".join(line + b"\n" for line in damaged))
        whole = b"".join(line + b"\n" for line in kept)
        if whole != raw:
            write_bytes(self.path, whole, force=True)

    def _check_header(self, before: Any, header: Mapping[str, Any]) -> None:
        if not isinstance(before, dict) or not isinstance(before.get("environment"), dict) or "bench" not in before:
            fail("MB605", f"{self.path} is damaged: its first line does not say what it is a journal of", hint=_HINT)
        if before.get("schema") != _VERSION or not _is_same_bench(before["bench"], header["bench"]):
            fail("MB604", f"{self.path} is the journal of another bench", hint=_HINT)
        check_same(before["environment"], header["environment"], str(self.path), _HINT)
        self.overwrites = before.get("overwrites") is True

    def _take(self, entry: _Entry) -> None:
        timing = self.timings.setdefault(entry.name, Timing())
        timing.failed = entry.failed
        if entry.visit is not None:
            timing.visits.append(entry.visit)
            for key in _TIMES:
                setattr(timing, key, min(getattr(timing, key), getattr(entry, key)))
        self.seconds = max(self.seconds, entry.seconds)


def journal_path(output: Path) -> Path:
    """The journal beside an output file."""
    return output.with_suffix(".journal.jsonl")


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], what: str, hint: str) -> None:
    """Compare two environments by the keys that both have.

    Raises
    ------
    InputError
        MB604 with all differences.
    """
    different = [
        f"{key} {_shown(before[key])} there, {now[key]} here"
        for key in SAME
        if key in before and key in now and not _are_same(key, before[key], now[key])
    ]
    if different:
        fail("MB604", f"{what} was measured on another machine: {'; '.join(different)}", hint=hint)


def _are_same(key: str, one: Any, other: Any) -> bool:
    """Whether two values are of one machine. A package's metadata may lack the build that PyTorch itself states."""
    if key == "torch" and isinstance(one, str) and isinstance(other, str) and ("+" in one) != ("+" in other):
        return one.partition("+")[0] == other.partition("+")[0]
    return bool(one == other)


def _is_same_bench(before: Any, now: Any) -> bool:
    """Whether two journals are of one bench; those without an engine are of PyTorch."""
    return isinstance(before, dict) and {"engine": "pytorch", **before} == {"engine": "pytorch", **now}


def _shown(value: Any) -> str:
    """A value of a file in a sentence."""
    return str(value)[:100] if isinstance(value, (str, int, float)) else f"is a {type(value).__name__}"


def _append(path: Path, content: bytes) -> None:
    """Append to a file and flush it to the disk.

    Raises
    ------
    InputError
        MB008 if it cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        fail("MB008", f"cannot write {path}: {error.strerror or error}")


def _parsed(line: bytes) -> Any:
    """The value of a line; None where it is no JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _entry(line: bytes, names: Collection[str] | None) -> _Entry | None:
    """What a line says; None where it is damaged."""
    entry = _parsed(line)
    if not isinstance(entry, dict):
        return None
    name, seconds, failed = entry.get("name"), entry.get("seconds"), entry.get("failed")
    if not isinstance(name, str) or (names is not None and name not in names):
        return None
    if not is_number(seconds) or not 0 <= seconds < math.inf:
        return None
    if failed is not None:
        return _Entry(name, float(seconds), None, failed) if isinstance(failed, str) and failed else None
    visit = _visit(entry.get("visit"))
    warm_s, load_s, first_s = (_time(entry.get(key)) for key in _TIMES)
    if visit is None or min(warm_s, load_s, first_s) <= 0:
        return None
    return _Entry(name, float(seconds), visit, warm_s=warm_s, load_s=load_s, first_s=first_s)


def _time(value: Any) -> float:
    """A time that may be missing, in which case it is infinite [s]; 0 for what is none."""
    if value is None:
        return math.inf
    return float(value) if is_number(value) and value > 0 else 0.0


def _visit(value: Any) -> Visit | None:
    """A visit whose times and number of runs can be."""
    if not isinstance(value, list) or len(value) != len(Visit._fields) or not all(map(is_number, value)):
        return None
    fastest_s, runs, canary_s = value
    is_one = fastest_s > 0 and canary_s > 0 and isinstance(runs, int) and runs > 0
    return Visit(float(fastest_s), runs, float(canary_s)) if is_one else None
