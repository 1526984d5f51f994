"""Files from strangers: read with limits, parsed as YAML with the place of every value, written all or nothing."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from mbcost.errors import InputError, Location, Problem, fail

MAX_BYTES: Final = 2 * 2**20
MAX_DEPTH: Final = 40
MAX_NODES: Final = 200_000
MAX_PROBLEMS: Final = 50

Path_ = tuple[str | int, ...]


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """The text of a file.

    Raises
    ------
    InputError
        MB001 to MB005: missing, not a regular file, not readable, larger than `max_bytes`, or not UTF-8 text.
    """
    shown = str(path)
    try:
        if path.is_dir():
            fail("MB002", f"{shown} is a directory", hint="name a file in it")
        if path.exists() and not path.is_file():
            fail("MB002", f"{shown} is not a regular file")
        with path.open("rb") as stream:
            raw = stream.read(max_bytes + 1)
    except FileNotFoundError:
        fail("MB001", f"no file {shown}")
    except NotADirectoryError:
        fail("MB001", f"no file {shown}: a part of the path is not a directory")
    except PermissionError:
        fail("MB003", f"no permission to read {shown}")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        fail("MB001", f"cannot read {shown}: {reason}")
    if len(raw) > max_bytes:
        fail("MB004", f"{shown} is larger than {max_bytes // 2**20} MiB", hint="a table of layers is a few kilobytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        fail("MB005", f"{shown} is not UTF-8 text", Location(shown, line, column), "is it a binary file?")
    if "\0" in text:
        fail("MB005", f"{shown} holds NUL bytes, so it is not a text file")
    return text


def write_text(path: Path, text: str, *, force: bool = False) -> None:
    """Write `text` to `path`, all of it or nothing; an existing file is kept unless `force`.

    Raises
    ------
    InputError
        MB007 if `path` exists and `force` is false, MB008 if it cannot be written.
    """
    if path.is_dir():
        fail("MB008", f"{path} is a directory", hint="name a file in it")
    if path.exists() and not force:
        fail("MB007", f"{path} exists and was kept", hint="use --force to overwrite it")
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
        fail("MB008", f"cannot write {path}: {error.strerror or error}")


@dataclass(frozen=True, slots=True)
class Span:
    """Where a value stands: zero-based line and columns of its first line, as PyYAML counts them."""

    line: int
    column: int
    end_column: int


@dataclass(slots=True)
class _Building:
    """A container whose end the parser has not reached."""

    value: dict[str, Any] | list[Any]
    path: Path_
    size: int = 1
    anchor: str | None = None
    key: str | None = None
    key_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain dicts, lists and scalars, with the place of every key and value."""

    path: str
    data: Any
    lines: tuple[str, ...]
    _keys: Mapping[Path_, Span] = field(repr=False)
    _values: Mapping[Path_, Span] = field(repr=False)

    def key(self, *path: str | int) -> Location:
        """Where the key at `path` stands; of the value, where there is no key."""
        span = self._keys.get(path)
        return self.value(*path) if span is None else self._location(span)

    def value(self, *path: str | int) -> Location:
        """Where the value at `path` stands; of the nearest container that exists, where there is none."""
        while path and path not in self._values:
            path = path[:-1]
        return self._location(self._values.get(path, Span(0, 0, 1)))

    def inside(self, location: Location, start: int, length: int) -> Location:
        """`length` characters from `start` on within the scalar at `location`."""
        column = location.column + start
        return Location(location.path, location.line, column, column + max(1, length), location.text)

    def _location(self, span: Span) -> Location:
        text = self.lines[span.line] if span.line < len(self.lines) else ""
        end = span.end_column if span.end_column > span.column else span.column + 1
        return Location(self.path, span.line + 1, span.column + 1, end + 1, text)


_INT: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL", "-"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STANDARD_TAG: Final = "tag:yaml.org,2002:"


def _scalar(text: str) -> Any:
    """The value of a plain scalar by the core schema of YAML 1.2, plus ``-`` for an empty cell of a table.

    So ``no`` is text, ``010`` is ten, ``1e6`` is a number and ``12:30`` is text. ``.inf`` and ``.nan`` stay text.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) <= 18 else float(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def parse_yaml(text: str, path: str) -> Document:
    """Parse one YAML document.

    Keys are text and unique; anchors and aliases work within limits; tags, merge keys and several documents do not.

    Raises
    ------
    InputError
        MB100 to MB106, with the place.
    """
    loader_class = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    lines = tuple(text.split("\n"))
    try:
        loader = loader_class(text)
        try:
            return _build(loader, lines, path)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        location = _mark_location(mark, lines, path)
        message = " ".join(part for part in (error.problem, error.context) if part)
        if "found character '\\t'" in message or "cannot start any token" in message:
            fail("MB100", message, location, "quote text that starts with a special character; indent with spaces")
        fail("MB100", message, location)
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0) or 0
        before = text[:position]
        line = before.count("\n")
        column = position - (before.rfind("\n") + 1)
        reason = getattr(error, "reason", None) or str(error).splitlines()[0]
        fail("MB100", str(reason), Location(path, line + 1, column + 1, 0, lines[min(line, len(lines) - 1)]))


def load_yaml(path: Path, shown: str | None = None) -> Document:
    """Read and parse a YAML file; see :func:`read_text` and :func:`parse_yaml` for what is refused."""
    return parse_yaml(read_text(path), shown or str(path))


def _mark_location(mark: Any, lines: tuple[str, ...], path: str) -> Location | None:
    if mark is None:
        return None
    line = min(mark.line, len(lines) - 1)
    return Location(path, line + 1, mark.column + 1, 0, lines[line])


def _build(loader: Any, lines: tuple[str, ...], path: str) -> Document:
    """Turn the parser's events into data without recursion, noting where each key and value stands."""
    keys: dict[Path_, Span] = {}
    values: dict[Path_, Span] = {}
    anchors: dict[str, tuple[Any, int]] = {}
    problems: list[Problem] = []
    stack: list[_Building] = []
    root: list[Any] = []
    nodes = 0

    def location(span: Span) -> Location:
        return Location(
            path, span.line + 1, span.column + 1, span.end_column + 1, lines[min(span.line, len(lines) - 1)]
        )

    def grow(size: int, span: Span) -> None:
        nonlocal nodes
        nodes += size
        if nodes > MAX_NODES:
            fail("MB106", f"more than {MAX_NODES} values when its aliases are expanded", location(span))

    def child_path(span: Span) -> Path_:
        if not stack:
            return ()
        parent = stack[-1]
        last: str | int = len(parent.value) if isinstance(parent.value, list) else str(parent.key)
        return (*parent.path, last)

    def attach(value: Any, size: int) -> None:
        if not stack:
            root.append(value)
            return
        parent = stack[-1]
        parent.size += size
        if isinstance(parent.value, list):
            parent.value.append(value)
            return
        assert parent.key is not None
        if parent.key in parent.value:
            first = keys[(*parent.path, parent.key)]
            assert parent.key_span is not None
            hint = f"it stands on line {first.line + 1} too"
            problems.append(Problem("MB104", f"duplicate key `{parent.key}`", location(parent.key_span), hint))
        else:
            parent.value[parent.key] = value
        parent.key = None

    def expects_key() -> bool:
        return bool(stack) and isinstance(stack[-1].value, dict) and stack[-1].key is None

    while loader.check_event():
        event = loader.get_event()
        kind = type(event).__name__
        if kind == "DocumentStartEvent" and root:
            mark = event.start_mark
            fail("MB105", "more than one document", _mark_location(mark, lines, path), "one table a file")
        if kind in {"StreamStartEvent", "StreamEndEvent", "DocumentStartEvent", "DocumentEndEvent"}:
            continue
        if kind in {"MappingEndEvent", "SequenceEndEvent"}:
            done = stack.pop()
            if done.anchor:
                anchors[done.anchor] = (done.value, done.size)
            attach(done.value, done.size)
            continue
        start, end = event.start_mark, event.end_mark
        span = Span(start.line, start.column, end.column if end.line == start.line else len(lines[start.line]))
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            shown = f"!!{tag[len(_STANDARD_TAG) :]}" if tag.startswith(_STANDARD_TAG) else tag
            fail("MB105", f"the tag {shown} is not allowed", location(span), "plain values need no tag")
        if expects_key():
            if kind != "ScalarEvent":
                fail("MB105", "a key has to be a plain word", location(span))
            if event.value == "<<" and event.implicit[0]:
                fail("MB105", "merge keys (`<<`) are not allowed", location(span), "write the keys out")
            parent = stack[-1]
            parent.key, parent.key_span = event.value, span
            keys.setdefault((*parent.path, event.value), span)
            grow(1, span)
            continue
        here = child_path(span)
        values.setdefault(here, span)
        if kind == "ScalarEvent":
            value = _scalar(event.value) if event.implicit[0] else event.value
            if event.anchor:
                anchors[event.anchor] = (value, 1)
            grow(1, span)
            attach(value, 1)
        elif kind == "AliasEvent":
            if event.anchor not in anchors:
                fail("MB100", f"the alias *{event.anchor} stands before the end of its anchor", location(span))
            value, size = anchors[event.anchor]
            grow(size, span)
            attach(value, size)
        else:
            if len(stack) >= MAX_DEPTH:
                fail("MB106", f"nested more than {MAX_DEPTH} levels deep", location(span))
            container: dict[str, Any] | list[Any] = {} if kind == "MappingStartEvent" else []
            grow(1, span)
            stack.append(_Building(container, here, anchor=event.anchor))
    if problems:
        raise InputError(problems[:MAX_PROBLEMS])
    return Document(path, root[0] if root else None, lines, keys, values)
