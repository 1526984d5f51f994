"""A parsed file: plain data, and the place of every key and value in its text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, NoReturn

from mbcost.errors import Location, fail

Path_ = tuple[str | int, ...]

#: What PyYAML counts as the end of a line.
_LINE_END: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Span(NamedTuple):
    """Where a value stands: zero-based line and columns of its first line, as PyYAML counts them."""

    line: int
    column: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Source:
    """A text by lines, under the name that errors show."""

    path: str
    lines: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, text: str, path: str) -> Source:
        return cls(path, tuple(_LINE_END.split(text)))

    def location(self, span: Span) -> Location:
        """The span counted from 1, with its line."""
        line = min(span.line, len(self.lines) - 1)
        end = max(span.end_column, span.column + 1)
        return Location(self.path, line + 1, span.column + 1, end + 1, self.lines[line])

    def fail(self, code: str, message: str, span: Span, hint: str | None = None) -> NoReturn:
        """Raise an :class:`InputError` with a single problem, at `span`."""
        fail(code, message, self.location(span), hint)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain dicts, lists and scalars, with the place of every key and value."""

    data: Any
    source: Source
    _keys: Mapping[Path_, Span] = field(repr=False)
    _values: Mapping[Path_, Span] = field(repr=False)

    @property
    def path(self) -> str:
        return self.source.path

    def key(self, *path: str | int) -> Location:
        """The place of the key at `path`; of the value, where there is no key."""
        span = self._keys.get(path)
        return self.value(*path) if span is None else self.source.location(span)

    def value(self, *path: str | int) -> Location:
        """The place of the value at `path`; of the nearest existing container, where there is no value."""
        while path and path not in self._values:
            path = path[:-1]
        return self.source.location(self._values.get(path, Span(0, 0, 1)))

    def rearranged(self, data: Any, key: str, origins: Sequence[tuple[Path_, Mapping[str, str]]]) -> Document:
        """Other data out of the same text: `data[key]` is a list whose items stand elsewhere in this document.

        Parameters
        ----------
        origins
            For each item the path of where it stands, and names of its keys that stand there under another one.
        """
        keys, values = dict(self._keys), dict(self._values)
        for i, (origin, renamed) in enumerate(origins):
            back = {old: new for new, old in renamed.items()}
            for given, made in ((self._keys, keys), (self._values, values)):
                for path, span in given.items():
                    if path[: len(origin)] == origin:
                        rest = path[len(origin) :]
                        first = (back.get(str(rest[0]), rest[0]),) if rest else ()
                        made[(key, i, *first, *rest[1:])] = span
        return Document(data, self.source, keys, values)

    def inside(self, location: Location, start: int, length: int) -> Location:
        """`length` characters from `start` on within the scalar at `location`."""
        column = location.column + start
        return Location(location.path, location.line, column, column + max(1, length), location.text)
