"""Plotly's script reduced to the trace types that the pages draw: a browser unpacks and runs a quarter of it.

The script of Plotly's package is one bundle, in which esbuild wrapped every module as
``var name=wrap((exports,module)=>{...});`` and replaced every use of it by a call ``name()``. The last module registers
the trace types. This list is reduced to the drawn types, and only modules that are reachable from it are kept. A bundle
of another layout is kept whole: its page is slower but works.

A browser parses a function twice, first for errors and again when it is called, unless it is in parentheses. All kept
modules are called at start, so they are put in parentheses, and the wrapper for other module systems around the whole
bundle is removed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable
from typing import Final

#: The trace types that the pages draw; "scatter" is a part of Plotly's core.
TRACES: Final = frozenset({"bar", "contour", "heatmap"})

_NAME: Final = r"[A-Za-z_$][\w$]*"
#: esbuild's helpers, which make a module of a function: of a CommonJS module and of an ES module.
_COMMON: Final = re.compile(rf"\b({_NAME})=\(\w,\w\)=>\(\)=>[^;]{{0,30}}\w\(\(\w=\{{exports:\{{\}}\}}\)\.exports,")
_ES: Final = re.compile(rf"\b({_NAME})=\(\w,\w(?:,\w)?\)=>\(\)=>.{{0,60}}?\b(\w)\(\2=0\)")
#: What makes the bundle one function for any module system: its beginning, after the licence, and its end.
_UNIVERSAL: Final = re.compile(
    r"\(\s*function\(root, factory\).*?\(\) => \{\s*(?=\"use strict\";var Plotly=\()", re.DOTALL
)
_RETURNED: Final = re.compile(r"window\.Plotly = Plotly;\s*return Plotly;\s*\}\)\);\s*$")
#: The list of the kinds of trace, in the last module.
_LIST: Final = re.compile(rf"\.register\(\[((?:{_NAME}\(\),)+{_NAME}\(\))\]\);{_NAME}\.exports={_NAME}\}}\);return ")
#: What follows the wrapper's name in a module that hands on another one, and in a kind of trace.
_ALIAS: Final = re.compile(rf'[^{{]*\{{"use strict";{_NAME}\.exports=({_NAME})\(\)\}}\)')
_TRACE: Final = re.compile(r'\bmoduleType:"trace",name:"(\w+)"')
_LAST_NAME: Final = re.compile(rf"(?<=[ ,]){_NAME}$")
_CALL: Final = re.compile(rf"(?<![\w$.])({_NAME})\(\)")
#: What brackets are counted by: strings, comments and regular expressions, which may hold any; pairs with nothing but
#: names between them; single ones. A slash begins a regular expression where no value comes before it.
_TOKEN: Final = re.compile(
    r"""
    "(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'
    |//[^\n]*|/\*.*?\*/
    |(?:(?<=[(,=:\[!&|?{};+\-*%~^<>\n])|(?<=return)|(?<=typeof)|(?<=case))
     /(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*+\])++/
    |\([^()\[\]{}'"`/]*+\)|\[[^()\[\]{}'"`/]*+\]|\{[^()\[\]{}'"`/]*+\}
    |[()\[\]{}`]
    """,
    re.VERBOSE | re.DOTALL,
)
#: The text of a template up to its end or to an expression in it.
_TEMPLATE: Final = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*+(`|\$\{)", re.DOTALL)
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


class _OtherLayoutError(Exception):
    """The bundle is not laid out as this module expects."""


def without_unused(script: str, traces: Collection[str] = TRACES) -> str:
    """Plotly's script with "scatter" and these kinds of trace; all of it if its layout is another than expected."""
    try:
        return _Bundle(script).cut(traces)
    except _OtherLayoutError:
        return script


class _Bundle:
    """The script, and where its modules begin.

    A CommonJS module is a statement of its own. What lies between two of them (helpers, ES modules) is one piece, which
    goes with any of its names.
    """

    def __init__(self, script: str) -> None:
        common, es = _COMMON.search(script), _ES.search(script)
        lists = list(_LIST.finditer(script))
        if common is None or es is None or len(lists) != 1:
            raise _OtherLayoutError
        self.script = script
        self.list = lists[0]
        self.module = re.compile(rf"var ({_NAME})={re.escape(common[1])}\(")
        wrapped = list(self.module.finditer(script))
        self.starts = [module.start() for module in wrapped]
        self.common = {module[1]: number for number, module in enumerate(wrapped)}
        self.es: dict[str, int] = {}
        for module in re.finditer(rf"={re.escape(es[1])}\(\(\)=>", script):
            name = _LAST_NAME.search(script, module.start() - 20, module.start())
            if name is None:
                raise _OtherLayoutError
            self.es[name[0]] = bisect_right(self.starts, module.start()) - 1
        self.last = bisect_right(self.starts, self.list.start()) - 1
        if len(self.common) < len(wrapped) or self.last < 0:
            raise _OtherLayoutError

    def cut(self, traces: Collection[str]) -> str:
        """The script with these kinds of trace."""
        kinds = {self.kind(name): name for name in _CALL.findall(self.list[1])}
        if not set(traces) <= set(kinds):
            raise _OtherLayoutError
        chosen = ",".join(f"{name}()" for kind, name in kinds.items() if kind in traces)
        head = self.script[: self.starts[0]]
        tail = self.script[self.starts[self.last] : self.list.start(1)] + chosen + self.script[self.list.end(1) :]
        pieces = sorted(self.reached(_CALL.findall(head + tail)))
        beginning, end = _UNIVERSAL.search(head), _RETURNED.search(tail)
        if beginning is not None and end is not None:
            head, tail = head[: beginning.start()] + head[beginning.end() :], tail[: end.start()]
        return head + "".join(self.text(*piece) for piece in pieces) + tail

    def text(self, start: int, end: int) -> str:
        """A piece, with the function of a CommonJS module in parentheses."""
        module = self.module.match(self.script, start)
        if module is None:
            return self.script[start:end]
        return f"{module[0]}({self.script[module.end() : end - 2]}));"

    def kind(self, name: str) -> str:
        """The kind of trace that a module is, or that it hands on; nothing if it does not say."""
        while name in self.common:
            number = self.common[name]
            module = self.script[slice(*self.starts[number : number + 2])]
            handed_on = _ALIAS.match(module)
            if handed_on is None:
                kind = _TRACE.search(module)
                return kind[1] if kind else ""
            name = handed_on[1]
        raise _OtherLayoutError

    def reached(self, calls: Iterable[str]) -> set[tuple[int, int]]:
        """The places of the modules that are called, directly or indirectly."""
        pieces: set[tuple[int, int]] = set()
        known: set[str] = set()
        waiting = set(calls)
        while waiting:
            name = waiting.pop()
            known.add(name)
            piece = self.piece(name)
            if piece is not None and piece not in pieces:
                pieces.add(piece)
                waiting.update(set(_CALL.findall(self.script, *piece)) - known)
        return pieces

    def piece(self, name: str) -> tuple[int, int] | None:
        """The place of a module; None for other names, and for parts of the head or the tail."""
        number = self.common.get(name, self.es.get(name, -1))
        if number < 0 or number >= self.last:
            return None
        end = self.end(number)
        return (self.starts[number], end) if name in self.common else (end, self.starts[number + 1])

    def end(self, number: int) -> int:
        """The end of the statement that a CommonJS module is."""
        end = _after_brackets(self.script, self.starts[number])
        if self.script[end : end + 1] != ";" or end >= self.starts[number + 1]:
            raise _OtherLayoutError
        return end + 1


def _after_brackets(script: str, position: int) -> int:
    """The end of the first pair of brackets."""
    open_: list[str] = []
    while True:
        for token in _TOKEN.finditer(script, position):
            text = token[0]
            if text in _CLOSING:
                open_.append(_CLOSING[text])
                continue
            if text in ")]}":
                expected = open_.pop() if open_ else ""
                if expected == text:
                    if not open_:
                        return token.end()
                    continue
                if (expected, text) != ("`", "}"):
                    raise _OtherLayoutError
            elif text != "`":
                continue
            template = _TEMPLATE.match(script, token.end())
            if template is None:
                raise _OtherLayoutError
            if template[1] == "${":
                open_.append("`")
            position = template.end()
            break
        else:
            raise _OtherLayoutError
