"""Random damage to a table's text: what a slip of the hand does to it, and what somebody tries on purpose."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final

from mbcost.architectures.names import ACTIVATION_ALIASES, KEY_ALIASES, OP_ALIASES, ROW_KEYS
from mbcost.operators import OPERATOR_BY_NAME

_CHARACTERS: Final = " \t\n-:,[]{}#&*!|>'\"%@`?0123456789abcsxyzXΩé²×_./\\\0\x07\u2028\ufeff"
_WORDS: Final = [
    *OPERATOR_BY_NAME,
    *OP_ALIASES,
    *ROW_KEYS,
    *KEY_ALIASES,
    *ACTIVATION_ALIASES,
    *("stride", "kernel", "out", "groups", "dilation", "padding", "same", "valid", "bias", "bneck", "bottleneck"),
    *("0", "-1", "1.5", "1e6", "1e308", "999999999", "999999999999999999", "4096", "1000", "3x3", "99999x3"),
    *("true", "no", "null", "-", "~", "[]", "{}", "[1, 2]", "{a: 1}", "''", "*a", "&a", "!!int", "<<", "---", "..."),
    *(
        "in_channels",
        "in_channels * 1000",
        "in_channels // 0",
        "1 / 3",
        "stride - 1",
        "in_height * in_width",
        "width(8)",
    ),
    *("in_channels == out", "not stride", "alpha", "index", "10 ** 9", "__import__('os')", "x.y", "(" * 30, "-" * 60),
    *("999999999999 * 999999999999", "1e11 * 1e11 * 1e11 * 1e11 / 0.000001", "min(1)", "max(in_channels, 4096)"),
]
_TOKEN: Final = re.compile(r"[\w.]+")


def mutate(text: str, rng: random.Random) -> str:
    """`text` with one to three random changes."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        text = rng.choice(_CHANGES)(text, rng)
    return text


def _delete(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at + rng.choice((1, 1, 1, 2, 8)) :]


def _insert(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(_CHARACTERS) + text[at:]


def _swap(text: str, rng: random.Random) -> str:
    at = rng.randrange(max(1, len(text) - 1))
    return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]


def _duplicate_line(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    lines.insert(rng.randrange(len(lines)), lines[at])
    return "\n".join(lines)


def _move_line(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randrange(len(lines) + 1), line)
    return "\n".join(lines)


def _change_digit(text: str, rng: random.Random) -> str:
    digits = [match.start() for match in re.finditer(r"\d", text)]
    at = rng.choice(digits) if digits else 0
    return text[:at] + rng.choice("0123456789-.e") + text[at + 1 :]


def _change_word(text: str, rng: random.Random) -> str:
    words = list(_TOKEN.finditer(text))
    if not words:
        return rng.choice(_WORDS)
    word = rng.choice(words)
    return text[: word.start()] + rng.choice(_WORDS) + text[word.end() :]


def _change_two_words(text: str, rng: random.Random) -> str:
    words = list(_TOKEN.finditer(text))
    if len(words) < 2:
        return text
    first, second = sorted(rng.sample(words, 2), key=re.Match.start)
    between = text[first.end() : second.start()]
    return text[: first.start()] + second[0] + between + first[0] + text[second.end() :]


def _cut(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


_CHANGES: Final[tuple[Callable[[str, random.Random], str], ...]] = (
    _delete,
    _insert,
    _swap,
    _duplicate_line,
    _move_line,
    _change_digit,
    *(_change_word,) * 4,
    _change_two_words,
    _cut,
)
