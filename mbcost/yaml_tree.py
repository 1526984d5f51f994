"""Untrusted YAML: parsed within limits into plain data, with the place of every key and value.

PyYAML's parser delivers events; :class:`_TreeBuilder` turns them into dicts, lists and scalars without recursion.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn

import yaml

from mbcost.document import Document, Path_, Source, Span
from mbcost.errors import InputError, Problem

MAX_DEPTH: Final = 40
MAX_NODES: Final = 200_000
MAX_PROBLEMS: Final = 50

#: Characters that YAML does not allow in a file (section 5.1 of its specification); includes lone surrogates.
_NOT_ALLOWED: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
#: Characters that start no value (sections 5.3 and 6.1).
_STARTS_NOTHING: Final = ("%", "@", "`", "\t")
#: Tokens between brackets. Text without quotes ends before a bracket, a comma, ": " and " #"; unclosed quotes reach to
#: the end. The pattern never backtracks, so that the time is linear in the length of the text.
_IN_BRACKETS: Final = re.compile(
    r"""
      (?P<open>  [\[{] )
    | (?P<close> [\]}] )
    | (?P<skip>  \s++ | , | [-?:](?=[\s,\[\]{}]|$)       # space and indicators
                | "(?:[^"\\]|\\.)*+"? | '(?:[^']|'')*+'?   # quoted text
                | \#[^\n]*+                              # a comment
                | [&*!][^\s,\[\]{}]*+ )                  # an anchor, an alias or a tag
    | (?P<text>  (?: [^\s,\[\]{}:] | :(?![\s,\[\]{}]|$) | \s++(?![\#,\[\]{}:]) )++ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INT: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL", "-"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STANDARD_TAG: Final = "tag:yaml.org,2002:"


def parse_yaml(text: str, path: str) -> Document:
    """Parse one YAML document.

    Keys are text and unique; anchors and aliases work within limits; tags, merge keys and several documents do not.

    Raises
    ------
    InputError
        MB100 to MB106, with the place.
    """
    text = text.removeprefix("\ufeff")
    source = Source.of(text, path)
    _refuse_text(text, source)
    loader = _LOADER(text)
    builder = _TreeBuilder(source)
    try:
        return builder.build(loader)
    except (yaml.YAMLError, RecursionError) as error:
        builder.refuse_depth_ahead()
        _fail_syntax(error, source, builder.end)
    finally:
        loader.dispose()


def _refuse_text(text: str, source: Source) -> None:
    """Refuse text that PyYAML reports poorly or needs very long for."""
    if bad := _NOT_ALLOWED.search(text):
        before = Source.of(text[: bad.start()], source.path).lines
        span = Span(len(before) - 1, len(before[-1]), len(before[-1]) + 1)
        source.fail("MB100", f"the character U+{ord(bad[0]):04X} is not allowed in YAML", span)
    if "%TAG" in text:
        for number, line in enumerate(source.lines):
            if line.startswith("%TAG"):
                span = Span(number, 0, len(line))
                source.fail("MB105", "the directive %TAG is not allowed", span, "plain values need no tag")


def _fail_syntax(error: Exception, source: Source, end: tuple[int, int]) -> NoReturn:
    """Report PyYAML's error; an error at the end of the file is shown where the unfinished value began.

    Code, place and hint are mbcost's; only the words after the colon are PyYAML's. `end` is where its last event ended,
    for an error without a place.
    """
    problem, context = getattr(error, "problem", None), getattr(error, "context", None)
    words = " ".join(part for part in (problem, context) if part) or str(error)
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    began: Any = getattr(error, "context_mark", None)
    line, column = (mark.line, mark.column) if mark is not None else end
    if began is not None and not "".join(source.lines[line:])[column:].strip():
        line, column = began.line, began.column
    cannot_start = "".join(source.lines[line : line + 1])[column : column + 1] in _STARTS_NOTHING
    hint = "quote text that starts with a special character; indent with spaces" if cannot_start else None
    message = "not YAML from here on" + (f": {words}" if words else "")
    source.fail("MB100", message, Span(line, column, column + 1), hint)


class _Node(NamedTuple):
    """A finished value, how many values it holds when its aliases are expanded, and how many levels."""

    value: Any
    size: int
    height: int


@dataclass(slots=True)
class _Open:
    """A container whose end the parser has not reached; `key` is the key of the next value."""

    value: dict[str, Any] | list[Any]
    path: Path_
    anchor: str | None
    in_brackets: bool
    size: int = 1
    height: int = 1
    key: str | None = None


class _TreeBuilder:
    """Turns the parser's events into data without recursion, noting where each key and value stands."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._keys: dict[Path_, Span] = {}
        self._values: dict[Path_, Span] = {}
        self._anchors: dict[str, _Node] = {}
        self._stack: list[_Open] = []
        self._roots: list[Any] = []
        self._nodes = 0
        self._duplicates: list[Problem] = []
        #: Line and column where the last event ended.
        self.end = (0, 0)

    def build(self, loader: Any) -> Document:
        handlers = {
            yaml.DocumentStartEvent: self._start_document,
            yaml.MappingStartEvent: self._start_container,
            yaml.SequenceStartEvent: self._start_container,
            yaml.MappingEndEvent: self._end_container,
            yaml.SequenceEndEvent: self._end_container,
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
        }
        while loader.check_event():
            event = loader.get_event()
            self.end = (event.end_mark.line, event.end_mark.column)
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
        if self._duplicates:
            raise InputError(self._duplicates)
        return Document(self._roots[0] if self._roots else None, self._source, self._keys, self._values)

    def refuse_depth_ahead(self) -> None:
        """Refuse brackets that nest too deep behind the last event.

        From a bracket, which may begin a key, a YAML parser looks 1,024 characters ahead before it delivers an event:
        one with a limit of its own meets that first. MB106, at the place of the first one too many.
        """
        line, column = self.end
        text = "\n".join(self._source.lines[line:])
        outside, depth = sum(not opened.in_brackets for opened in self._stack), len(self._stack)
        for token in _IN_BRACKETS.finditer(text, column):
            if token["open"]:
                depth += 1
            elif token["close"]:
                depth -= 1
            elif depth == outside and token["text"] and text[token.end() : token.end() + 1] != ":":
                return  # text of a block, whose brackets open nothing
            if depth > MAX_DEPTH:
                start = token.start() - text.rfind("\n", 0, token.start()) - 1
                span = Span(line + text.count("\n", 0, token.start()), start, start + 1)
                self._source.fail("MB106", f"nested more than {MAX_DEPTH} levels deep", span)
            if depth <= outside and token["close"]:
                return

    def _start_document(self, event: Any) -> None:
        if self._roots:
            self._source.fail("MB105", "more than one document", self._span(event), "one table a file")

    def _start_container(self, event: Any) -> None:
        span = self._span(event)
        if event.tag is not None:
            self._refuse_tag(event.tag, span)
        path = self._place(self._next_path(), span)
        self._grow(1, 1, span)
        value: dict[str, Any] | list[Any] = {} if type(event) is yaml.MappingStartEvent else []
        self._stack.append(_Open(value, path, event.anchor, bool(event.flow_style)))

    def _end_container(self, event: Any) -> None:
        done = self._stack.pop()
        if done.anchor:
            self._anchors[done.anchor] = _Node(done.value, done.size, done.height)
        self._attach(done.value, done.size, done.height)

    def _scalar(self, event: Any) -> None:
        span = self._span(event)
        if event.tag is not None:
            self._refuse_tag(event.tag, span)
        self._grow(1, 0, span)
        value, path = event.value, self._next_path()
        if path is None:
            self._take_key(self._stack[-1], event, span)
        else:
            self._place(path, span)
            if event.implicit[0] and event.tag is None:
                value = self._plain(value, span)
            self._attach(value, 1, 0)
        if event.anchor:
            self._anchors[event.anchor] = _Node(value, 1, 0)

    def _alias(self, event: Any) -> None:
        span = self._span(event)
        self._place(self._next_path(), span)
        node = self._anchors.get(event.anchor)
        if node is None:
            hint = "the anchor's value has to end before its alias"
            self._source.fail("MB100", f"the alias *{event.anchor} has no anchor &{event.anchor} before it", span, hint)
        self._grow(node.size, node.height, span)
        self._attach(*node)

    def _take_key(self, parent: _Open, event: Any, span: Span) -> None:
        if event.value == "<<" and event.implicit[0]:
            self._source.fail("MB105", "merge keys (`<<`) are not allowed", span, "write the keys out")
        first = self._keys.setdefault((*parent.path, event.value), span)
        if first is not span and len(self._duplicates) < MAX_PROBLEMS:
            hint = f"it stands on line {first.line + 1} too"
            problem = Problem("MB104", f"duplicate key `{event.value}`", self._source.location(span), hint)
            self._duplicates.append(problem)
        parent.key = event.value

    def _next_path(self) -> Path_ | None:
        """Where the next value belongs, or None if a key has to come first."""
        if not self._stack:
            return ()
        parent = self._stack[-1]
        if isinstance(parent.value, list):
            return (*parent.path, len(parent.value))
        return None if parent.key is None else (*parent.path, parent.key)

    def _place(self, path: Path_ | None, span: Span) -> Path_:
        """Note that the value of `path` stands at `span`."""
        if path is None:
            self._source.fail("MB105", "a key has to be a plain word", span)
        self._values.setdefault(path, span)
        return path

    def _attach(self, value: Any, size: int, height: int) -> None:
        """Put a finished value into the container that is open."""
        if not self._stack:
            self._roots.append(value)
            return
        parent = self._stack[-1]
        parent.size += size
        if height >= parent.height:
            parent.height = height + 1
        if isinstance(parent.value, list):
            parent.value.append(value)
        else:
            assert parent.key is not None
            parent.value.setdefault(parent.key, value)
            parent.key = None

    def _grow(self, size: int, height: int, span: Span) -> None:
        """Count `size` more values, `height` levels deep, against the limits."""
        self._nodes += size
        if self._nodes > MAX_NODES:
            self._source.fail("MB106", f"more than {MAX_NODES} values when its aliases are expanded", span)
        if len(self._stack) + height > MAX_DEPTH:
            self._source.fail("MB106", f"nested more than {MAX_DEPTH} levels deep", span)

    def _plain(self, text: str, span: Span) -> Any:
        """The value of a plain scalar by the core schema of YAML 1.2, plus ``-`` for an empty cell of a table.

        So ``no`` is text, ``010`` is ten, ``1e6`` is a number and ``12:30`` is text. ``.inf`` and ``.nan`` stay text.
        """
        if text in _WORDS:
            return _WORDS[text]
        if len(text) <= 18 and _INT.fullmatch(text):
            return int(text)
        if not _FLOAT.fullmatch(text):
            return text
        number = float(text)
        if not math.isfinite(number):
            self._source.fail("MB103", "the number is out of range", span, "quote it if it is text")
        return number

    def _refuse_tag(self, tag: str, span: Span) -> None:
        if tag != "!":
            shown = f"!!{tag[len(_STANDARD_TAG) :]}" if tag.startswith(_STANDARD_TAG) else tag
            self._source.fail("MB105", f"the tag {shown} is not allowed", span, "plain values need no tag")

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        if end.line == start.line:
            return Span(start.line, start.column, end.column)
        return Span(start.line, start.column, len(self._source.lines[start.line]))
