"""The journal of a bench: one line per visit, appended at once, so that an interrupted run can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mbcost.errors import fail
from mbcost.files import read_text
from mbcost.runner.environment import SAME
from mbcost.runner.session import Timing, Visit

_MAX_BYTES: Final = 32 * 2**20
_VERSION: Final = "mbcost/bench-journal/1"


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
    """

    def __init__(self, output: Path, header: Mapping[str, Any], *, anew: bool) -> None:
        """Open the journal.

        Raises
        ------
        InputError
            MB604 if it is of another machine, PyTorch or bench and `anew` is false; MB008 if it cannot be written.
        """
        self.path = output.with_suffix(".journal.jsonl")
        self.timings: dict[str, Timing] = {}
        self.seconds = 0.0
        first = {"schema": _VERSION, **header}
        if self.path.exists() and not anew:
            self._read(first)
            return
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            fail("MB008", f"cannot write {self.path}: {error.strerror or error}")
        self._append(first)

    def add(self, name: str, timing: Timing, seconds: float) -> None:
        """Append the last visit of a network, and the time of the bench so far [s]."""
        entry: dict[str, Any] = {"name": name, "seconds": round(seconds, 3)}
        if timing.failed:
            entry["failed"] = timing.failed
        else:
            entry["visit"] = timing.visits[-1]
        self._append(entry)

    def remove(self) -> None:
        """Delete it, once its output is written."""
        self.path.unlink(missing_ok=True)

    def _append(self, entry: Mapping[str, Any]) -> None:
        """Write a line at once and flush it to the disk."""
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                os.write(handle, (json.dumps(entry) + "\n").encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            fail("MB008", f"cannot write {self.path}: {error.strerror or error}")

    def _read(self, header: Mapping[str, Any]) -> None:
        """Read the journal of an earlier run; an incomplete last line is dropped."""
        entries = []
        for line in read_text(self.path, _MAX_BYTES).splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                break
        before = entries[0] if entries and isinstance(entries[0], dict) else {}
        hint = "`force=True` starts again"
        if before.get("schema") != _VERSION or before.get("bench") != header["bench"]:
            fail("MB604", f"{self.path} is the journal of another bench", hint=hint)
        check_same(before.get("environment", {}), header["environment"], str(self.path), hint)
        for entry in entries[1:]:
            timing = self.timings.setdefault(str(entry["name"]), Timing())
            timing.failed = str(entry.get("failed", ""))
            if "visit" in entry:
                timing.visits.append(Visit(*entry["visit"]))
            self.seconds = float(entry["seconds"])
        self._rewrite(entries)

    def _rewrite(self, entries: list[Any]) -> None:
        """The journal without an incomplete line."""
        from mbcost.files import write_text

        write_text(self.path, "".join(json.dumps(entry) + "\n" for entry in entries), force=True)


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], what: str, hint: str) -> None:
    """Compare two environments by the keys that both have.

    Raises
    ------
    InputError
        MB604 with all differences.
    """
    different = [
        f"{key} {before[key]} there, {now[key]} here"
        for key in SAME
        if key in before and key in now and before[key] != now[key]
    ]
    if different:
        fail("MB604", f"{what} was measured on another machine: {'; '.join(different)}", hint=hint)
