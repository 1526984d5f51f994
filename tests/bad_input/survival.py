"""What every text has to do: make a network that can be analysed, or a list of problems with places in it."""

from __future__ import annotations

import contextlib

from mbcost import analyze
from mbcost.architectures import ArchitectureSpec, read_architecture
from mbcost.errors import InputError
from mbcost.files import parse_yaml
from mbcost.graph import build_graph, check_architecture
from mbcost.yaml_tree import Document

PATH = "table.yaml"


def outcome(text: str) -> str:
    """``sound``, or the code of the first problem. Any exception beside InputError is a defect and comes through."""
    try:
        document = parse_yaml(text, PATH)
    except InputError as error:
        assert_places(error, text)
        return error.codes[0]
    try:
        check(document)
    except InputError as error:
        assert_places(error, text)
        return error.codes[0]
    return "sound"


def check(document: Document) -> None:
    """Go all the way that a table goes."""
    spec = read_architecture(document)
    if problems := check_architecture(spec):
        raise InputError(problems)
    build_graph(spec)
    analyze_narrow(spec)
    result = analyze(spec, "pixel1")
    assert 0 <= result.latency_s < float("inf")
    assert result.to_dict()


def analyze_narrow(spec: ArchitectureSpec) -> None:
    """Half the width: where the table has no rule for it, or a layer cannot take it, that is a problem like others."""
    with contextlib.suppress(InputError):
        assert analyze(spec, "pixel1", alpha=0.5).latency_s >= 0


def assert_places(error: InputError, text: str) -> None:
    """Every problem can be shown, at a place that is in the file."""
    lines = text_lines(text)
    for problem in error.problems:
        assert problem.render()
        where = problem.location
        if where is None:  # what a target lacks has no place in the table
            assert problem.code in {"MB010", "MB400", "MB401"}, problem
            continue
        assert 1 <= where.line <= len(lines), problem
        assert 1 <= where.column <= len(lines[where.line - 1]) + 1, problem
        assert where.text == lines[where.line - 1]


def text_lines(text: str) -> list[str]:
    """The lines of a text as YAML counts them."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    for end in "\r\x85\u2028\u2029":
        text = text.replace(end, "\n")
    return text.split("\n")
