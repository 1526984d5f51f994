"""YAML from strangers: values, places, limits, and nothing but InputError."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mbcost import yaml_tree
from mbcost.errors import InputError, Location, Problem
from mbcost.yaml_tree import MAX_DEPTH, MAX_NODES, MAX_PROBLEMS, parse_yaml

TABLE = """\
# a comment
network: mobilenet
alpha: 1.0
layers:
  - {name: conv1, op: conv2d, out: 32*a, kernel: 3x3, expect: [112, 112, 32]}
  - name: "dw ü"
    op: depthwise_conv2d
    inputs: [conv1,
             other]
shared: &lanes [1, 2]
again: *lanes
text: |
  two
  lines
"""


#: What PyYAML says of it stands behind a colon, in its own words.
NOT_YAML = "not YAML from here on"


def data(text: str) -> Any:
    return parse_yaml(text, "t.yaml").data


def refused(text: str) -> Problem:
    """The one problem of a text that is refused."""
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "t.yaml")
    (problem,) = caught.value.problems
    assert problem.render()
    return problem


def marked(location: Location) -> str:
    """The text that a location marks."""
    assert location.text is not None
    return location.text[location.column - 1 : location.end_column - 1]


# Values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-17", -17),
        ("+3", 3),
        ("010", 10),
        ("999999999999999999", 999999999999999999),
        ("1234567890123456789012", 1234567890123456789012.0),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e6", 1e6),
        ("-2.5E-3", -0.0025),
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("null", None),
        ("~", None),
        ("-", [None]),  # a block sequence with an empty entry
        ("[-]", [None]),
        ("", None),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("3x3", "3x3"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("! 1", "1"),
        ('! "1"', "1"),
        ("٣", "٣"),
        ("{1: a, true: b}", {"1": "a", "true": "b"}),
        ("[1, [2, {a: b}]]", [1, [2, {"a": "b"}]]),
        ("---\na: 1\n...\n", {"a": 1}),
        ("%YAML 1.1\n---\na: 1\n", {"a": 1}),
    ],
)
def test_values(text: str, value: Any) -> None:
    found = data(text)
    assert found == value
    assert type(found) is type(value)


def test_table() -> None:
    assert data(TABLE) == {
        "network": "mobilenet",
        "alpha": 1.0,
        "layers": [
            {"name": "conv1", "op": "conv2d", "out": "32*a", "kernel": "3x3", "expect": [112, 112, 32]},
            {"name": "dw ü", "op": "depthwise_conv2d", "inputs": ["conv1", "other"]},
        ],
        "shared": [1, 2],
        "again": [1, 2],
        "text": "two\nlines\n",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4),
        max_leaves=20,
    )
)
def test_what_pyyaml_writes_comes_back(value: Any) -> None:
    assert data(yaml.safe_dump(value)) == value


# Places


def test_places_of_keys_and_values() -> None:
    document = parse_yaml(TABLE, "t.yaml")
    assert str(document.key("network")) == "t.yaml:2:1"
    assert marked(document.key("network")) == "network"
    assert marked(document.value("network")) == "mobilenet"
    assert marked(document.key("layers", 0, "out")) == "out"
    assert marked(document.value("layers", 0, "out")) == "32*a"
    assert marked(document.value("layers", 0, "expect", 1)) == "112"
    assert str(document.value("layers", 0, "expect", 1)) == f"t.yaml:5:{TABLE.splitlines()[4].index('112, 32') + 1}"
    assert marked(document.value("layers", 1, "name")) == '"dw ü"'
    assert marked(document.value("layers", 1, "inputs", 1)) == "other"
    assert marked(document.value("again")) == "*lanes"


def test_place_of_what_is_not_there_is_its_nearest_container() -> None:
    document = parse_yaml(TABLE, "t.yaml")
    assert document.value("layers", 0, "stride", 1) == document.value("layers", 0)
    assert document.key("layers", 7) == document.value("layers")
    assert document.value("again", 1) == document.value("again")
    assert str(document.value("nothing")) == "t.yaml:2:1"
    assert str(parse_yaml("", "t.yaml").value("a")) == "t.yaml:1:1"


def test_place_inside_a_scalar() -> None:
    document = parse_yaml(TABLE, "t.yaml")
    out = document.value("layers", 0, "out")
    assert marked(document.inside(out, 3, 1)) == "a"
    assert marked(document.inside(out, 0, 2)) == "32"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
def test_places_after_every_end_of_a_line(end: str) -> None:
    document = parse_yaml(f"a: 1{end}# x{end}{end}bcd: [two, three]{end}", "t.yaml")
    assert document.data == {"a": 1, "bcd": ["two", "three"]}
    assert marked(document.key("bcd")) == "bcd"
    assert str(document.value("bcd", 1)) == "t.yaml:4:12"
    assert marked(document.value("bcd", 1)) == "three"


def test_a_byte_order_mark_moves_nothing() -> None:
    assert str(parse_yaml("\ufeffa: 1", "t.yaml").value("a")) == "t.yaml:1:4"


# Refusals


@pytest.mark.parametrize(
    ("text", "code", "place", "message"),
    [
        ("a: [1, 2", "MB100", "t.yaml:1:4", NOT_YAML),
        ("a: b: c", "MB100", "t.yaml:1:5", NOT_YAML),
        ("a:\n\t- 1", "MB100", "t.yaml:2:1", NOT_YAML),
        ("a: %x", "MB100", "t.yaml:1:4", NOT_YAML),
        ("a: 'x\n\n\n", "MB100", "t.yaml:1:4", NOT_YAML),
        ("a: *x", "MB100", "t.yaml:1:4", "the alias *x has no anchor &x before it"),
        ("a: &x [*x]", "MB100", "t.yaml:1:8", "the alias *x has no anchor &x before it"),
        ("ok\nü\0", "MB100", "t.yaml:2:2", "the character U+0000 is not allowed in YAML"),
        ("a: \x1b[2J", "MB100", "t.yaml:1:4", "the character U+001B is not allowed in YAML"),
        ("a: \ud800", "MB100", "t.yaml:1:4", "the character U+D800 is not allowed in YAML"),
        ("a: \ufeff", "MB100", "t.yaml:1:4", "the character U+FEFF is not allowed in YAML"),
        (f"a: {'9' * 400}", "MB103", "t.yaml:1:4", "the number is out of range"),
        ("a: 1e999", "MB103", "t.yaml:1:4", "the number is out of range"),
        ("a: 1\nb: 2\n'a': 3", "MB104", "t.yaml:3:1", "duplicate key `a`"),
        ("a: !!python/object:os.system x", "MB105", "t.yaml:1:4", "the tag !!python/object:os.system is not allowed"),
        ("a: !x {}", "MB105", "t.yaml:1:4", "the tag !x is not allowed"),
        ("!!str a: 1", "MB105", "t.yaml:1:1", "the tag !!str is not allowed"),
        ("%TAG !e! tag:e.org,2000:\n---\na: 1", "MB105", "t.yaml:1:1", "the directive %TAG is not allowed"),
        ("x: &x {a: 1}\ny:\n  <<: *x", "MB105", "t.yaml:3:3", "merge keys (`<<`) are not allowed"),
        ("[1, 2]: a", "MB105", "t.yaml:1:1", "a key has to be a plain word"),
        ("x: &x a\n*x : b", "MB105", "t.yaml:2:1", "a key has to be a plain word"),
        ("a: 1\n---\nb: 1", "MB105", "t.yaml:2:1", "more than one document"),
        ("[" * 100_000, "MB106", "t.yaml:1:41", "nested more than 40 levels deep"),
        ("- " * 100_000, "MB106", "t.yaml:1:81", "nested more than 40 levels deep"),
        ("{a: " * 100_000, "MB106", "t.yaml:1:161", "nested more than 40 levels deep"),
    ],
)
def test_refusals(text: str, code: str, place: str, message: str) -> None:
    problem = refused(text)
    assert (problem.code, str(problem.location)) == (code, place)
    assert message in problem.message


@pytest.mark.parametrize(("text", "offers"), [("a: %x", True), ("a: @x", True), ("\ta: 1", True), ("a: [1, 2", False)])
def test_text_that_cannot_begin_so_is_to_be_quoted(text: str, offers: bool) -> None:
    assert ("quote text" in (refused(text).hint or "")) is offers


def a_parser_with_a_limit(levels: int, error: Exception) -> type[yaml.SafeLoader]:
    """A YAML parser that raises `error` where more brackets are open than `levels`, as libyaml does from 0.2.6 on."""

    class Limited(yaml.SafeLoader):
        def fetch_flow_collection_start(self, token: Any) -> None:
            if self.flow_level >= levels:
                raise error
            super().fetch_flow_collection_start(token)

    return Limited


MARK = yaml.Mark("t.yaml", 0, 0, 0, None, None)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 64, 1000])
@pytest.mark.parametrize(
    "error",
    [
        yaml.scanner.ScannerError(None, None, "exceeded max depth", MARK),
        yaml.YAMLError("no mark, no words of its own"),
        RecursionError("maximum recursion depth exceeded"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_limit_of_depth_holds_before_that_of_the_parser(
    levels: int, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first bracket too many is named, whatever the parser says of it, wherever it looks ahead from."""
    monkeypatch.setattr(yaml_tree, "_LOADER", a_parser_with_a_limit(levels, error))
    deep = "[" * 2000
    for text, place in {
        deep: "1:41",
        "{a: " * 2000: "1:161",
        f"a: {deep}": "1:43",  # 40 of them, since the mapping is a level too
        f"a: 1\nb:\n  - c: {deep}": "3:45",  # a mapping, a list and a mapping are three
        f"a: [1, [2], {deep}": "1:51",
        f"a: [\"]]\", '[[ it''s', # ]]\n  &y z, *y, {deep}": "2:51",
        f"a: [b: c, d e, -1, f:g, -\n{deep}": "2:39",
        f"[\r\n\r\n{deep}": "3:40",
    }.items():
        problem = refused(text)
        assert (problem.code, str(problem.location)) == ("MB106", f"t.yaml:{place}"), text[:40]
    for flat in ("[" + "[], " * 500 + "@]", '["' + deep, f"['{deep}", f"[a # {deep}", "[1, 2"):
        assert refused(flat).code == "MB100", flat[:40]
    assert data(f'["{deep}", a]') == [deep, "a"]


def test_an_anchored_key_is_an_anchor() -> None:
    assert data("&k name: *k") == {"name": "name"}


def test_the_first_of_two_equal_keys_wins_and_both_are_named() -> None:
    problem = refused("a: 1\nb:\n  c: 1\n  c: 2\n")
    assert problem.hint == "it stands on line 3 too"
    assert problem.location is not None
    assert marked(problem.location) == "c"


def test_all_duplicates_are_reported_up_to_a_limit() -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml("a: 1\na: 2\nb: 1\nb: 2\n", "t.yaml")
    assert caught.value.codes == ("MB104", "MB104")
    with pytest.raises(InputError) as caught:
        parse_yaml("a: 1\n" * 1000, "t.yaml")
    assert len(caught.value.problems) == MAX_PROBLEMS


# Limits


def test_depth_at_the_limit() -> None:
    assert data("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    assert refused("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).code == "MB106"


def test_aliases_do_not_nest_deeper_than_the_limit() -> None:
    """Each line nests the line before it 9 levels deeper: 9, 18, 27, 36, and 45 is too deep."""
    lines = ["a0: &a0 1"]
    lines += [f"a{i}: &a{i} {'[' * 9}*a{i - 1}{']' * 9}" for i in range(1, 5)]
    assert data("\n".join(lines))
    lines.append(f"a5: {'[' * 9}*a4{']' * 9}")
    problem = refused("\n".join(lines))
    assert (problem.code, problem.message) == ("MB106", "nested more than 40 levels deep")


def test_nodes_at_the_limit() -> None:
    assert len(data("[" + "1," * (MAX_NODES - 1) + "]")) == MAX_NODES - 1
    assert refused("[" + "1," * MAX_NODES + "]").code == "MB106"


def test_a_bomb_of_aliases() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    problem = refused("\n".join(lines))
    assert (problem.code, problem.message) == ("MB106", "more than 200000 values when its aliases are expanded")


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"%TAG !a{i}! b\n" for i in range(100_000)) + "--- a",
        '"' + "a\n" * 500_000,
        "a: " + "b " * 1_000_000,
        "&a " * 500_000,
        "? a\n" * 90_000,
        "[" + "a: b, " * 300_000,
        "a: " + "1" * 2_000_000,
        "a: '" + "''" * 1_000_000,
        "|\n" + "\n" * 2_000_000,
        "*" * 2_000_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_two_megabytes_take_seconds_at_most(text: str) -> None:
    start = time.process_time()
    finish(text)
    assert time.process_time() - start < 15


# Random input: a document or an InputError, every place within its line.


def finish(text: str) -> None:
    """Parse a text, which gives a document or an InputError, and look at every place in it."""
    try:
        document = parse_yaml(text, "t.yaml")
    except InputError as caught:
        problems = caught.problems
    else:
        problems = ()
        for path in document._values:
            check_place(document.value(*path))
        for path in document._keys:
            check_place(document.key(*path))
    for problem in problems:
        assert problem.render()
        check_place(problem.location)


def check_place(location: Location | None) -> None:
    assert location is not None
    assert location.text is not None
    assert location.line >= 1
    assert 1 <= location.column <= len(location.text) + 1
    assert location.column < location.end_column <= len(location.text) + 2


@given(st.text())
def test_any_text(text: str) -> None:
    finish(text)


@given(st.text(st.sampled_from("[]{}:,-?&*!|>'\"%@`#~ \t\n\r\x85\u2028ab1.<\\\ufeff\0\ud800é漢"), max_size=40))
def test_any_punctuation(text: str) -> None:
    finish(text)


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    finish(raw.decode("latin-1"))


@given(st.data())
def test_mutations_of_a_table(draw: st.DataObject) -> None:
    text = TABLE
    for _ in range(draw.draw(st.integers(1, 6))):
        start = draw.draw(st.integers(0, len(text)))
        end = min(len(text), start + draw.draw(st.integers(0, 8)))
        text = (
            text[:start]
            + draw.draw(st.text(max_size=4) | st.sampled_from(["[", "{", "\t", "*x", "&y ", "\r"]))
            + text[end:]
        )
    finish(text)


@given(
    st.lists(st.text("ab漢é", min_size=1, max_size=5), unique=True, min_size=1),
    st.sampled_from(["\n", "\r\n", "\u2028"]),
)
def test_places_mark_what_was_read(words: list[str], end: str) -> None:
    document = parse_yaml(end.join(f"{word}: {word}" for word in words), "t.yaml")
    for number, word in enumerate(words, start=1):
        assert marked(document.key(word)) == marked(document.value(word)) == word
        assert document.key(word).line == number


def test_the_parser_in_pure_python_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = parse_yaml(TABLE, "t.yaml")
    monkeypatch.setattr(yaml_tree, "_LOADER", yaml.SafeLoader)
    pure = parse_yaml(TABLE, "t.yaml")
    assert pure.data == compiled.data
    assert pure._keys == compiled._keys
    for text in ("a: [1", "\ta", "a: *x", "[" * 1000, "a: \0"):
        refused(text)
