"""Problems: codes, how they are shown, and what they suggest."""

from __future__ import annotations

import ast
import pickle
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mbcost.errors
from mbcost.errors import (
    CODES,
    DefectError,
    InputError,
    Location,
    MbcostError,
    Problem,
    did_you_mean,
    fail,
    nearest,
    or_list,
    printable,
)
from mbcost.yaml_tree import parse_yaml


def underlined(problem: Problem) -> str:
    """The part of the excerpt above the carets, where every character is one column wide."""
    *_, source, mark = problem.render().splitlines()
    carets = re.search(r"\^+", mark)
    assert carets is not None
    return source[carets.start() : carets.end()]


def at(text: str, column: int, end: int = 0, line: int = 3) -> Problem:
    return Problem("MB103", "wrong", Location("t.yaml", line, column, end, text))


# Codes


def test_codes_are_unique_in_the_source_and_well_formed() -> None:
    tree = ast.parse(Path(mbcost.errors.__file__).read_text(encoding="utf-8"))
    keys = [
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and str(key.value).startswith("MB")
    ]
    assert [code for code, count in Counter(keys).items() if count > 1] == []
    assert set(keys) == set(CODES)
    assert all(re.fullmatch(r"MB\d{3}", code) for code in CODES)
    assert len(set(CODES.values())) == len(CODES)


def test_a_problem_needs_a_known_code() -> None:
    with pytest.raises(ValueError, match="MB999"):
        Problem("MB999", "x")


def test_an_error_needs_a_problem() -> None:
    with pytest.raises(ValueError, match="at least one"):
        InputError([])


# Errors


def test_fail_raises_one_problem() -> None:
    with pytest.raises(InputError) as caught:
        fail("MB001", "no file x", hint="look")
    assert caught.value.problems == (Problem("MB001", "no file x", None, "look"),)
    assert caught.value.codes == ("MB001",)
    assert isinstance(caught.value, MbcostError)
    assert not issubclass(DefectError, InputError)


def test_an_error_survives_pickling() -> None:
    """As it does on the way back from a worker process."""
    error = InputError([at("a: b", 4), Problem("MB001", "x")])
    copy = pickle.loads(pickle.dumps(error))
    assert copy.problems == error.problems
    assert str(copy) == str(error)


def test_all_problems_of_a_file_are_shown_in_order() -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml("a: 1\nb: 1\na: 2\nb: 2\n", "t.yaml")
    assert str(caught.value).split("\n\n") == [problem.render() for problem in caught.value.problems]
    assert [str(problem.location) for problem in caught.value.problems] == ["t.yaml:3:1", "t.yaml:4:1"]


# Rendering


def test_rendering_with_place_and_hint() -> None:
    problem = Problem(
        "MB101", "unknown key `strid`", Location("net.yaml", 12, 5, 10, "  - strid: 2"), "did you mean `stride`?"
    )
    assert problem.render() == (
        "error[MB101]: unknown key `strid`\n"
        "  --> net.yaml:12:5\n"
        "   |\n"
        "12 |   - strid: 2\n"
        "   |     ^^^^^ did you mean `stride`?"
    )


def test_place_without_lines_is_a_path_alone() -> None:
    place = Location("net.onnx", 0, 0)
    assert str(place) == "net.onnx"
    assert Problem("MB204", "`conv1`: wrong", place, "look").render() == (
        "error[MB204]: `conv1`: wrong\n  --> net.onnx\n  = help: look"
    )


def test_rendering_without_place_or_text() -> None:
    assert Problem("MB001", "no file x", None, "look").render() == "error[MB001]: no file x\n  = help: look"
    assert Problem("MB001", "no file x").render() == "error[MB001]: no file x"
    assert Problem("MB005", "not text", Location("x", 1, 2), "look").render() == (
        "error[MB005]: not text\n  --> x:1:2\n  = help: look"
    )
    assert Problem("MB302", "w", severity="warning").render() == "warning[MB302]: w"


def test_no_line_ends_in_a_space() -> None:
    assert all(line == line.rstrip() for line in at("a: b", 4).render().splitlines())


@pytest.mark.parametrize(
    ("text", "column", "end", "expected"),
    [
        ("a: bcd", 4, 7, "bcd"),
        ("a: bcd", 4, 0, "b"),  # no end: one column
        ("a: bcd", 4, 3, "b"),  # an end before the start
        ("a: bcd", 6, 99, "d"),  # an end behind the line
        ("a: bcd", 7, 8, ""),  # one behind the line
        ("a: bcd", 99, 100, ""),  # far behind it
        ("", 1, 2, ""),
        ("a:\tbcd", 4, 7, "bcd"),  # a tab is shown as one space
        ("a: \x1b[31mbcd", 9, 12, "bcd"),
    ],
)
def test_carets(text: str, column: int, end: int, expected: str) -> None:
    assert underlined(at(text, column, end)) == expected


@pytest.mark.parametrize("position", [0, 1, 39, 40, 41, 119, 120, 121, 200, 379, 380, 460, 496, 497])
def test_carets_in_a_long_line(position: int) -> None:
    text = "." * position + "XYZ" + "." * (497 - position)
    problem = at(text, position + 1, position + 4)
    assert underlined(problem) == "XYZ"
    source = problem.render().splitlines()[-2]
    assert len(source) <= len("3 | ") + 120 + 2
    assert source.endswith("…") == (position < 420)


def test_a_mark_longer_than_the_excerpt_ends_with_it() -> None:
    problem = at("x" * 1000, 501, 900)
    assert problem.render().count("^") == 80  # 120 less the 40 before the mark


def test_caret_at_the_end_of_a_long_line() -> None:
    *_, source, mark = at("x" * 500, 501).render().splitlines()
    assert len(mark) == len(source) + 1


@pytest.mark.parametrize(
    ("text", "column", "end", "mark"),
    [
        ("漢字: bad", 5, 8, "      ^^^"),  # two columns for each of the two characters
        ("k: 漢字", 4, 6, "   ^^^^"),
        ("e\u0301: bad", 5, 8, "   ^^^"),  # none for a combining accent
        ("é: bad", 4, 7, "   ^^^"),
    ],
)
def test_carets_under_wide_and_combining_characters(text: str, column: int, end: int, mark: str) -> None:
    assert at(text, column, end).render().splitlines()[-1] == f"  | {mark}"


@given(st.text(), st.text(), st.text(), st.integers(-3, 300), st.integers(-3, 300), st.integers(1, 10**6))
def test_rendering_never_fails_nor_drives_the_terminal(
    text: str, message: str, hint: str, column: int, end: int, line: int
) -> None:
    shown = Problem("MB103", message, Location("t.yaml", line, column, end, text), hint).render()
    assert all(part.isprintable() for part in shown.split("\n"))
    assert len(shown.split("\n")) == 5


# Words


def test_printable() -> None:
    assert printable("a\x1b[0m\n\u202eb") == "a\\x1b[0m\\n\\u202eb"
    assert printable("x" * 401) == "x" * 400 + "…"
    assert printable("x" * 400) == "x" * 400


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("strid", "did you mean `stride`?"),
        ("STRIDE", "did you mean `stride`?"),
        ("padd", "did you mean `padding` or `output_padding`?"),
        ("zzzzzz", None),
        ("", None),
        ("x" * 100_000, None),
    ],
)
def test_did_you_mean(word: str, expected: str | None) -> None:
    assert did_you_mean(word, ["kernel", "stride", "padding", "output_padding"]) == expected


def test_nearest() -> None:
    assert nearest("conv2", ["conv2d", "Conv2D", "dense", "conv2d"]) == ["conv2d", "Conv2D"]
    assert nearest("pool", ["max_pool2d", "avg_pool2d", "global_avg_pool", "add"], n=2) == ["max_pool2d", "avg_pool2d"]
    assert nearest("a", []) == []


def test_or_list() -> None:
    assert [or_list("abc"[:n]) for n in range(4)] == ["", "a", "a or b", "a, b or c"]
