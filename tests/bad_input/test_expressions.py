"""The language of table cells: values on numbers and on arrays, and every refusal with its place."""

from __future__ import annotations

import contextlib
import keyword
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbcost.architectures.expressions import (
    FUNCTIONS,
    MAX_DEPTH,
    MAX_LENGTH,
    EvaluationError,
    Expression,
    ExpressionError,
    check_names,
    compile_expression,
    is_name,
)

SCOPE: dict[str, Any] = {
    "in_channels": 24,
    "out": 32,
    "stride": 1,
    "t": 6,
    "alpha": 0.5,
    "se": True,
    "off": False,
    "width": lambda channels: channels // 2,
}

#: text, value in SCOPE
VALUES: list[tuple[str, Any]] = [
    ("3", 3),
    ("1.5", 1.5),
    (".5", 0.5),
    ("1e3", 1000.0),
    ("true", True),
    ("True", True),
    ("false", False),
    ("-t", -6),
    ("--t", 6),
    ("t * in_channels", 144),
    ("in_channels / 5", 4.8),
    ("in_channels // 5", 4),
    ("-in_channels // 5", -5),
    ("in_channels % 5", 4),
    ("2 + 3 * 4 - 1", 13),
    ("(2 + 3) * 4", 20),
    ("  t\t* 2 ", 12),
    ("int(alpha * 7)", 3),
    ("int(-3.5)", -3),
    ("round(2.5)", 2),
    ("round(3.5)", 4),
    ("ceil(2.1)", 3),
    ("ceil(-2.1)", -2),
    ("ceil_div(7, 2)", 4),
    ("min(t, 4)", 4),
    ("max(t, 4.5)", 6),
    ("make_divisible(27)", 32),  # 27 + 4 = 31 -> 24, which is below 0.9 * 27 = 24.3, so 32
    ("make_divisible(27, 4)", 28),
    ("make_divisible(3, 4, 16)", 16),
    ("width(out)", 16),
    ("stride == 1", True),
    ("stride != 1", False),
    ("1 < t <= 6", True),
    ("1 < t < 6", False),
    ("stride == 1 and in_channels == out", False),
    ("stride == 1 or in_channels == out", True),
    ("stride == 1 and se and not off", True),
    ("stride and se", True),
    ("not se", False),
    ("not stride == 2", True),
    ("not 0", True),
    ("t if se else out", 6),
    ("t if off else out", 32),
    ("(t if se else out) + 1", 7),
    ("1 if t > 4 else 2 if t > 2 else 3", 1),
    ("(se if t > 4 else off) and se", True),
    ("true and se", True),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_value(text, value):
    expression = compile_expression(text)
    check_names(expression, SCOPE)
    result = expression(SCOPE)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(("text", "value"), [case for case in VALUES if case[0] not in {"1e3", ".5"}])
def test_array_of_one_configuration_twice(text, value):
    """Arrays give what numbers give, in every entry."""
    arrays = {
        name: item if callable(item) else np.array([item, item], dtype=np.asarray(item).dtype)
        for name, item in SCOPE.items()
    }
    result = compile_expression(text)(arrays)
    assert np.broadcast_to(result, 2).tolist() == [value, value]


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 3)), min_size=1, max_size=8))
def test_arrays_equal_numbers(configurations):
    channels, out, stride = (np.array(column) for column in zip(*configurations, strict=True))
    for text in [
        "make_divisible(in_channels * 0.75, 8)",
        "in_channels * 6 if stride > 1 else out",
        "stride == 1 and in_channels == out or not in_channels < 9",
        "max(in_channels // stride, 8) + in_channels % out",
        "ceil(in_channels / out) - round(out / in_channels)",
    ]:
        expression = compile_expression(text)
        together = expression({"in_channels": channels, "out": out, "stride": stride})
        alone = [expression({"in_channels": a, "out": b, "stride": c}) for a, b, c in configurations]
        assert together.tolist() == alone


#: text, what the message says, the text that is marked
REFUSALS: list[tuple[str, str, str]] = [
    ("4 *", "`4 *` is not a complete expression", "4 *"),
    ("(4", "not a complete expression", "(4"),
    ("lambda", "not a complete expression", "lambda"),
    ("t = 3", "`=` is not allowed here", "="),
    ("a := 3", "`:` is not allowed here", ":"),
    ("lambda: 1", "`:` is not allowed here", ":"),
    ("t.real", "`.real` is not allowed here", ".real"),
    ("t.__class__", "`.__class__` is not allowed here", ".__class__"),
    ("t[0]", "`[` is not allowed here", "["),
    ("[1, 2]", "`[` is not allowed here", "["),
    ("{1: 2}", "`{` is not allowed here", "{"),
    ("'text'", "`'` is not allowed here", "'"),
    ('f"{t}"', '`"` is not allowed here', '"'),
    ("__import__('os')", "`'` is not allowed here", "'"),
    ("__import__(t)", "unknown function `__import__`", "__import__"),
    ("t ** 2", "only + - * / // % are allowed between values", "t ** 2"),
    ("t @ 2", "`@` is not allowed here", "@"),
    ("t & 2", "`&` is not allowed here", "&"),
    ("t << 2", "only + - * / // % are allowed between values", "t << 2"),
    ("t ^ 2", "`^` is not allowed here", "^"),
    ("~t", "`~` is not allowed here", "~"),
    ("+t", "only - and not are allowed before a value", "+t"),
    ("1; 2", "`;` is not allowed here", ";"),
    ("t # note", "`#` is not allowed here", "#"),
    ("3xx3", "`3xx3` is not allowed here", "3xx3"),
    ("0x10", "`0x10` is not allowed here", "0x10"),
    ("1_000", "`1_000` is not allowed here", "1_000"),
    ("3j", "`3j` is not allowed here", "3j"),
    ("1if se else 2", "`1if` is not allowed here", "1if"),
    ("007", "not a complete expression", "007"),
    ("None", "`None` is not a number", "None"),
    ("t + None", "`None` is not a number", "None"),
    ("1, 2", "`1, 2` is not allowed here", "1, 2"),
    ("(1, 2)", "`(1, 2)` is not allowed here", "(1, 2)"),
    ("yield", "not a complete expression", "yield"),
    ("await t", "`await t` is not allowed here", "await t"),
    ("t in out", "only == != < <= > >= compare values", "t in out"),
    ("t is out", "only == != < <= > >= compare values", "t is out"),
    ("3 and se", "join conditions", "3"),
    ("se and t + 1", "join conditions", "t + 1"),
    ("se or -t", "join conditions", "-t"),
    ("se or max(t, 1)", "join conditions", "max(t, 1)"),
    ("1000000000000", "only numbers below 10^12", "1000000000000"),
    ("t * 1e300", "only numbers below 10^12", "1e300"),
    ("1e999", "only numbers below 10^12", "1e999"),
    ("mni(t, 4)", "unknown function `mni`", "mni"),
    ("eval(t)", "unknown function `eval`", "eval"),
    ("t(3)", "unknown function `t`", "t"),
    ("3(4)", "only plain calls of functions are allowed", "3(4)"),
    ("max(t)(3)", "only plain calls of functions are allowed", "max(t)(3)"),
    ("max(t)", "`max` takes 2 values, not 1", "max(t)"),
    ("t + round()", "`round` takes 1 value, not 0", "round()"),
    ("make_divisible(1, 2, 3, 4)", "`make_divisible` takes 1 to 3 values, not 4", "make_divisible(1, 2, 3, 4)"),
    ("max(t, *out)", "`*out` is not allowed here", "*out"),
    ("max(**t)", "only plain calls of functions are allowed", "max(**t)"),
    ("min", "`min` is a function, not a value", "min"),
    ("width + 1", "`width` is a function, not a value", "width"),
    ("_where", "`_where` is not a value", "_where"),
    ("t + __builtins__", "`__builtins__` is not a value", "__builtins__"),
    ("äöü * (t", "not a complete expression", "("),
    ("äöü + (t, 1)", "`(t, 1)` is not allowed here", "(t, 1)"),
    ("  t ** 2", "only + - * / // %", "t ** 2"),
]


@pytest.mark.parametrize(("text", "message", "marked"), REFUSALS)
def test_refusal(text, message, marked):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    error = caught.value
    assert message in str(error)
    assert text[error.offset : error.offset + error.length] == marked


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\t", "4)", "3 4", "t t", "4 if 1", "1 if se else", "max(1,,2)", "t\nt"]
)
def test_incomplete(text):
    """The mark is where Python's parser gives up, which differs between its versions."""
    with pytest.raises(ExpressionError, match="is not a complete expression") as caught:
        compile_expression(text)
    assert 0 <= caught.value.offset <= len(text)


def test_limits():
    compile_expression("1" + "+1" * ((MAX_LENGTH - 1) // 2 // 8))
    with pytest.raises(ExpressionError, match=f"at most {MAX_LENGTH} characters, this one has 301"):
        compile_expression("1" + "+1" * 150)
    for nested in ["-" * 90 + "1", "not " * 45 + "t", "1+(" * 45 + "1" + ")" * 45]:
        with pytest.raises(ExpressionError):
            compile_expression(nested)
    assert compile_expression("-" * (MAX_DEPTH - 3) + "1")({}) in {1, -1}


def test_unknown_names():
    with pytest.raises(ExpressionError, match="unknown name `in_chanels`") as caught:
        check_names(compile_expression("t * in_chanels"), SCOPE)
    assert (caught.value.offset, caught.value.length) == (4, 10)
    assert caught.value.hint == "did you mean `in_channels`?"
    with pytest.raises(ExpressionError) as caught:
        check_names(compile_expression("xyzzy"), ["b", "a"])
    assert caught.value.hint == "known: a, b"


def test_unknown_name_is_marked_where_it_is_a_word():
    with pytest.raises(ExpressionError) as caught:
        check_names(compile_expression("stride + s"), SCOPE)
    assert caught.value.offset == 9


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("t // (out - 32)", "it divides by zero"),
        ("t / 0", "it divides by zero"),
        ("t % (t - 6)", "it divides by zero"),
        ("ceil_div(t, t - 6)", "it divides by zero"),
        ("make_divisible(t, t - 6)", "it divides by zero"),
        ("int(" + "*".join(["9e11"] * 30) + ")", "a number in it is too large"),
        ("round(" + "*".join(["9e11"] * 30) + ")", "a number in it is too large"),
        ("t and se", "6 is not a condition, it is neither true nor false"),
        ("not t", "6 is not a condition, it is neither true nor false"),
        ("1 if t else 2", "6 is not a condition, it is neither true nor false"),
    ],
)
def test_no_value(text, reason):
    with pytest.raises(EvaluationError, match=reason):
        compile_expression(text)(SCOPE)


def test_width_without_a_rule():
    with pytest.raises(EvaluationError, match="`width` needs a width rule"):
        compile_expression("width(8)")({"t": 1})


@pytest.mark.parametrize("text", ["8 // t", "8 / t", "8 % t", "ceil_div(8, t)", "1 if t else 2", "t and true"])
def test_no_value_for_one_configuration_of_an_array(text):
    bad = np.array([2, 0]) if "if" not in text and "and" not in text else np.array([1, 2])
    with pytest.raises(EvaluationError):
        compile_expression(text)({"t": bad})


def test_expressions_compare_by_their_text():
    first = compile_expression("t * 2")
    again = Expression("t * 2", first.code, first.names)
    assert first == again
    assert len({first, again, compile_expression("t*2")}) == 2
    assert first != "t * 2"


@pytest.mark.parametrize("name", ["t", "in_channels", "x0_5", "SE"])
def test_names(name):
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", "3x", "a b", "a-b", "_a", "__class__", "true", "false", "é", "x" * 101, *FUNCTIONS, *keyword.kwlist]
)
def test_not_names(name):
    assert not is_name(name)


@given(st.text(alphabet="tse10 .+-*/%()<>=!,_[]'\"andorifmx\n", max_size=60))
def test_any_text_compiles_or_is_refused(text):
    with contextlib.suppress(ExpressionError, EvaluationError):
        expression = compile_expression(text)
        check_names(expression, SCOPE)
        assert isinstance(expression(SCOPE), (bool, int, float))
