"""A log with its lines, and what a reader finds in it: readings of networks, and problems at their lines."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import stdev
from typing import Any, Final, NamedTuple

from mbcost.errors import Location, Problem, printable

#: What logcat puts before a message ("threadtime" and "time"), then the severity that a desktop build prints.
_PREFIX: Final = re.compile(
    r"\s*(?:\d\d-\d\d \d\d:\d\d:\d\d\.\d+\s+(?:\d+\s+\d+\s+)?[VDIWEF][ /]\s*[\w.]+\s*(?:\(\s*\d+\))?\s?: )?"
    r"(?:(?:VERBOSE|INFO|WARN|WARNING|ERROR|FATAL): )?"
)
#: An array or a number of JSON that is deeper or longer is no log.
_MAX_NUMBER: Final = 40


class Operator(NamedTuple):
    """One operator of a profile, in the order of execution.

    Attributes
    ----------
    name, type
        As the tool calls them.
    seconds
        Time in one inference [s].
    unit
        Where it ran, in the tool's own word; empty where it says nothing.
    """

    name: str
    type: str
    seconds: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a tool measured in one run of one network; what its log does not say is empty, or None.

    Attributes
    ----------
    tool, version
        The tool and its version.
    network
        As the log has it: a path on the device, the name of a file, or a name.
    latency_s
        The median of the runs where the tool prints one, else their mean [s].
    min_s, spread_s
        The fastest run, and the standard deviation of the runs [s].
    runs
        Number of timed runs.
    first_s, load_s
        The first inference, and loading and preparing the network [s].
    precision, threads, processor
        As :func:`mbcost.analyze` names them.
    operators
        The profile.
    profiled
        Whether a profiler was on in the runs that are timed, or its sum is the latency.
    notes
        What its user should know of it.
    location
        The line with the latency.
    """

    tool: str
    network: str
    latency_s: float
    location: Location
    version: str = ""
    min_s: float | None = None
    spread_s: float | None = None
    runs: int | None = None
    first_s: float | None = None
    load_s: float | None = None
    precision: str = ""
    threads: int | None = None
    processor: str = ""
    operators: tuple[Operator, ...] = ()
    profiled: bool = False
    notes: tuple[str, ...] = ()


class Line(NamedTuple):
    """A line of a log without what logcat puts before it.

    Attributes
    ----------
    number
        From 1.
    text
        The message.
    whole
        The line as it is in the file.
    """

    number: int
    text: str
    whole: str


@dataclass
class Log:
    """A file, its text and the problems found in it."""

    path: Path
    text: str
    raw: bytes = b""
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def lines(self) -> list[Line]:
        """The lines, without what logcat puts before them."""
        found = []
        for number, whole in enumerate(self.text.splitlines(), start=1):
            prefix = _PREFIX.match(whole)
            found.append(Line(number, whole[prefix.end() if prefix else 0 :].rstrip(), whole))
        return found

    def at(self, line: Line | int, part: str = "") -> Location:
        """A line, or the part of it that is this text."""
        if isinstance(line, int):
            line = self.lines[line - 1] if 0 < line <= len(self.lines) else Line(max(line, 1), "", "")
        start = max(line.whole.find(part), 0) if part else max(line.whole.find(line.text), 0)
        end = start + len(part or line.text)
        return Location(str(self.path), line.number, start + 1, end + 1, line.whole)

    @property
    def end(self) -> Location:
        """The last line."""
        return self.at(self.lines[-1]) if self.lines else Location(str(self.path), 1, 1)

    def wrong(self, where: Location, message: str, hint: str) -> None:
        """Note that something of the log cannot be used."""
        self.problems.append(Problem("MB606", message, where, hint))

    def number(self, text: Any, where: Location, what: str, a_unit: float = 1.0) -> float | None:
        """A time or count above 0, in seconds by the factor; a problem and None for anything else."""
        try:
            value = float(text) * a_unit
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if isinstance(text, bool) or not math.isfinite(value) or value <= 0:
            shown = printable(str(text)[:_MAX_NUMBER])
            self.wrong(where, f"{what} is `{shown}`, not a time above 0", "is the log complete? measure again")
            return None
        return value

    @cached_property
    def json(self) -> Any:
        """The JSON of the file; None where it is none."""
        if self.text.lstrip()[:1] not in ("{", "["):
            return None
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    def broken_json(self, what: str) -> None:
        """Note where the JSON of a file ends or breaks."""
        try:
            json.loads(self.text)
        except json.JSONDecodeError as error:
            hint = "the file is cut, or not finished: measure again, or copy it again"
            self.wrong(self.at(error.lineno), f"{what} breaks here: {error.msg}", hint)
        except (ValueError, RecursionError) as error:
            self.wrong(self.at(1), f"{what} cannot be read: {str(error)[:100]}", "is it the tool's own file?")


def as_mapping(value: Any) -> Mapping[str, Any]:
    """The value, or an empty mapping where it is none."""
    return value if isinstance(value, dict) else {}


def as_float(value: Any) -> float | None:
    """A finite number above 0 that need not be there."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found > 0 and not isinstance(value, bool) else None


def as_count(value: Any) -> int | None:
    """A count that need not be there."""
    found = as_float(value)
    return None if found is None or found != int(found) or found > 1e9 else int(found)


def scaled(value: Any, unit: float) -> float | None:
    """A number that need not be there, times a unit."""
    found = as_float(value)
    return None if found is None else found * unit


def deviation(values: Sequence[float]) -> float | None:
    """The standard deviation of several values; None for one."""
    return None if len(values) < 2 else stdev(values)


def matching(log: Log, pattern: re.Pattern[str]) -> Iterator[tuple[Line, re.Match[str]]]:
    """The lines that a pattern matches from their start."""
    for line in log.lines:
        found = pattern.match(line.text)
        if found:
            yield line, found
