"""Checks of single values that a user gives: their type and range, every problem at once.

Values that Python would silently convert (a boolean as a number, a fraction of a pixel) are refused; NumPy scalars are
accepted as Python's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any, TypeGuard, TypeVar

from mbcost.errors import InputError, Problem, did_you_mean, fail, or_list

_Word = TypeVar("_Word", bound=str)


class Checks:
    """Values of parameters; a wrong one becomes a problem and is replaced by a harmless value."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def done(self) -> None:
        """Raise an :class:`InputError` with every problem, if there are any."""
        if self.problems:
            raise InputError(self.problems)

    def whole(self, name: str, value: Any, *, least: int, most: int, unit: str = "") -> int:
        """A whole number in a range; a float only if it has no fraction."""
        allowed = f"a whole number{unit} from {least:,} to {most:,}"
        if not is_number(value) or not float(value).is_integer() or not least <= value <= most:
            self.wrong(name, value, allowed)
            return least
        return int(value)

    def number(self, name: str, value: Any, *, above: float, most: float) -> float:
        """A finite number above a bound and at most another."""
        if not is_number(value) or not above < value <= most:
            self.wrong(name, value, f"a number above {above:g} and at most {most:g}")
            return most
        return float(value)

    def word(self, name: str, value: Any, words: Sequence[_Word]) -> _Word:
        """One of some words."""
        for word in words:
            if isinstance(value, str) and value == word:
                return word
        hint = did_you_mean(value, words) if isinstance(value, str) else None
        self.wrong(name, value, or_list(words), hint)
        return words[0]

    def text(self, name: str, value: Any, allowed: str) -> str:
        """A text that is not empty."""
        if not isinstance(value, str) or not value:
            self.wrong(name, value, allowed)
            return ""
        return value

    def flag(self, name: str, value: Any) -> bool:
        """True or false; NumPy's too."""
        if isinstance(value, bool) or type(value).__name__ == "bool":
            return bool(value)
        self.wrong(name, value, "True or False")
        return False

    def wrong(self, name: str, value: Any, allowed: str, hint: str | None = None) -> None:
        """Note that a parameter has to be something else."""
        found = Problem("MB010", f"{name} is {shown(value)}, it has to be {allowed}", hint=hint, parameter=name)
        if found not in self.problems:
            self.problems.append(found)

    def add(self, problems: Iterable[Problem]) -> None:
        """Note problems that something else found."""
        self.problems += [problem for problem in problems if problem not in self.problems]


def is_number(value: Any) -> TypeGuard[float]:
    """Whether `value` is a finite real number, and no boolean."""
    if isinstance(value, bool) or not isinstance(value, (Real, Integral)) or type(value).__name__ == "bool":
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def shown(value: Any) -> str:
    """A value in a sentence, short."""
    text = f"{value:g}" if isinstance(value, float) else f"`{value}`" if isinstance(value, str) else repr(value)
    text = text if len(text) <= 60 else f"{text[:60]}…"
    return text if isinstance(value, (str, int, float)) or is_number(value) else f"{text} ({type(value).__name__})"


def read_value(place: str, value: str) -> int | float | bool:
    """A number, true or false; MB010 for anything else, naming the place that it was given in."""
    words = {"true": True, "false": False}
    if value.lower() in words:
        return words[value.lower()]
    for kind in (int, float):
        try:
            number = kind(value)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    fail("MB010", f"{place}: `{value}` is not a number, true or false")
