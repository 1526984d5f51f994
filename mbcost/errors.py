"""Problems with a user's input: what is wrong, where, and what to do.

Everything that a user can get wrong is a :class:`Problem` with a stable code, a place in a file where there is one, and
a hint. All problems of one input are collected and raised together as an :class:`InputError`.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

CODES: Final[dict[str, str]] = {
    # files and the command line
    "MB001": "file not found",
    "MB002": "not a file",
    "MB003": "no permission",
    "MB004": "file too large",
    "MB005": "not a text file",
    "MB006": "unknown file type",
    "MB007": "output exists",
    "MB008": "cannot write",
    "MB010": "bad option",
    "MB011": "missing package",
    # YAML and the shape of a file
    "MB100": "YAML syntax",
    "MB101": "unknown key",
    "MB102": "missing key",
    "MB103": "wrong type or value",
    "MB104": "duplicate key",
    "MB105": "YAML feature not allowed",
    "MB106": "file nested too deep or too large when expanded",
    # architectures
    "MB200": "unknown architecture",
    "MB201": "unknown operator or block",
    "MB202": "unknown input",
    "MB203": "shape does not match the table",
    "MB204": "operator cannot take this input",
    "MB205": "bad expression",
    "MB206": "duplicate name",
    "MB207": "count does not match the table",
    "MB208": "network too large",
    # devices
    "MB300": "unknown device",
    "MB301": "bad quantity or unit",
    "MB302": "missing provenance",
    "MB303": "cross-check failed",
    "MB304": "unknown processor or runtime",
    "MB305": "precision or threads not supported",
    # kernels and latency
    "MB400": "operator has no kernel on this runtime",
    "MB401": "number missing from the device profile",
    "MB402": "design takes more than the device has",
    "MB403": "host of an accelerator not known",
    # measurements and calibrations
    "MB600": "bad measurement",
    "MB601": "calibration of another target",
    "MB602": "failed fit",
    "MB603": "failed measurement",
    "MB604": "measured on another machine",
    "MB605": "damaged journal of a bench",
    "MB606": "bad log of a benchmark tool",
    # search spaces
    "MB700": "bad search space",
    "MB701": "kernels reach across blocks",
    # sweeps elsewhere
    "MB800": "executor failed",
    "MB801": "scheduler not reachable",
    # the local web app
    "MB900": "beyond a limit of the server",
    "MB901": "no server",
    # imported networks
    "MB500": "not a network of this format",
    "MB501": "operator not known to the importer",
    "MB502": "dynamic dimension",
    "MB503": "damaged file",
    "MB504": "network of a kind that mbcost does not model",
    "MB505": "external data outside the folder of the model",
    "MB506": "the network's own code failed",
    "MB507": "the network cannot be written as a file of this kind",
}


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a text file. Lines and columns count from 1; ``end_column`` is one past the marked text.

    Line 0 is the file as a whole, or something without lines such as a model of another format.
    """

    path: str
    line: int
    column: int
    end_column: int = 0
    text: str | None = None

    def __str__(self) -> str:
        return f"{self.path}{self.position}"

    @property
    def position(self) -> str:
        """``:line:column``, or nothing for a place without lines."""
        return f":{self.line}:{self.column}" if self.line else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of an input, or (``severity="warning"``) something that its user should know.

    `parameter` is the function parameter that the problem is about, if any; the message then begins with it.
    """

    code: str
    message: str
    location: Location | None = None
    hint: str | None = None
    severity: str = "error"
    parameter: str | None = None

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code} is not in CODES")

    def render(self) -> str:
        """The message with its place shown under it, as a compiler does; plain text, printable on any terminal."""
        lines = [f"{self.severity}[{self.code}]: {printable(self.message)}"]
        where = self.location
        hint = printable(self.hint) if self.hint else ""
        if where is not None:
            lines.append(f"  --> {printable(where.path)}{where.position}")
        if where is not None and where.text is not None:
            lines.extend(_excerpt(where.text, where, hint))
        elif hint:
            lines.append(f"  = help: {hint}")
        return "\n".join(lines)


class MbcostError(Exception):
    """Base class of every error that mbcost raises on purpose."""


class InputError(MbcostError):
    """The input cannot be used. ``problems`` holds every problem that was found, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        if not self.problems:
            raise ValueError("an InputError needs at least one problem")
        super().__init__("\n\n".join(problem.render() for problem in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(problem.code for problem in self.problems)


class DefectError(MbcostError):
    """mbcost contradicts itself: a defect to report, not a mistake of the user."""


def fail(
    code: str,
    message: str,
    location: Location | None = None,
    hint: str | None = None,
    *,
    parameter: str | None = None,
) -> NoReturn:
    """Raise an :class:`InputError` with a single problem."""
    raise InputError([Problem(code, message, location, hint, parameter=parameter)])


def call_each(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """What `function` makes of each item.

    Raises
    ------
    InputError
        With the problems of all items, each once.
    """
    results: list[_Result] = []
    problems: list[Problem] = []
    for item in items:
        try:
            results.append(function(item))
        except InputError as error:
            problems += [problem for problem in error.problems if problem not in problems]
    if problems:
        raise InputError(problems)
    return results


def did_you_mean(word: str, choices: Iterable[str], n: int = 3) -> str | None:
    """``did you mean `stride`?``, or None when no choice is near."""
    near = nearest(word, choices, n)
    if not near:
        return None
    return f"did you mean {or_list([f'`{name}`' for name in near])}?"


def nearest(word: str, choices: Iterable[str], n: int = 3) -> list[str]:
    """The choices most similar to `word`, best first, then those that contain it."""
    pool = list(dict.fromkeys(choices))
    lowered = word.lower()
    close = difflib.get_close_matches(lowered[:200], [c.lower() for c in pool], n=n, cutoff=0.55)
    near = [choice for match in close for choice in pool if choice.lower() == match]
    inside = [choice for choice in pool if len(lowered) >= 2 and lowered in choice.lower()]
    return list(dict.fromkeys([*near, *inside]))[:n]


def or_list(words: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"


def printable(text: str, limit: int = 400) -> str:
    """`text` without control characters (a file from a stranger must not drive the terminal), cut to `limit`."""
    if len(text) <= limit and text.isprintable():
        return text
    clean = "".join(ch if ch.isprintable() else repr(ch)[1:-1] for ch in text[: limit + 1])
    return clean if len(text) <= limit else f"{clean[:limit]}…"


def _excerpt(text: str, where: Location, hint: str, width: int = 120) -> list[str]:
    """The line, or `width` characters of it around the marked ones, with the mark and the hint underneath."""
    start = min(max(0, where.column - 1), len(text))
    first = max(0, min(start - 40, len(text) - width))
    last = min(first + width, len(text))
    end = min(max(start + 1, where.end_column - 1), last)
    before = ("…" if first else "") + _one_line(text[first:start])
    marked = _one_line(text[start:end])
    after = _one_line(text[end:last]) + ("…" if last < len(text) else "")
    number = str(where.line)
    gutter = " " * (len(number) + 1)
    mark = " " * _cells(before) + "^" * max(1, _cells(marked))
    return [f"{gutter}|", f"{number} | {before}{marked}{after}", f"{gutter}| {mark} {hint}".rstrip()]


def _one_line(text: str) -> str:
    """`text` with a space for each tab or other character that does not print."""
    return "".join(ch if ch.isprintable() else " " for ch in text)


def _cells(text: str) -> int:
    """Columns that `text` takes on a terminal: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(ch) in {"Mn", "Me"} else 2 if unicodedata.east_asian_width(ch) in "WF" else 1
        for ch in text
    )
