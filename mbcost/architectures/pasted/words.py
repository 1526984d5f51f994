"""The papers' names of columns and operators, and mbcost's names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mbcost.architectures.names import OP_ALIASES

#: Key of a column with the number of repeats of its rows, such as ``5x``.
TIMES: Final = "times"

#: The keys of a table's columns in the order in which they are written, with their headings in papers.
HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "input": ("input", "input size", "input shape", "input resolution"),
    "op": ("op", "operator", "type / stride", "type/stride", "type", "layer"),
    "filter": ("filter", "filter shape", "filter size"),
    "kernel": ("k", "kernel", "kernel size"),
    "t": ("t", "expansion factor"),
    "exp": ("exp", "exp size", "exp. size", "#exp", "expansion size"),
    "out": ("c", "out", "#out", "channels", "output channels"),
    "se": ("se",),
    "activation": ("nl", "activation"),
    "repeat": ("n", "repeat", "repeats"),
    "stride": ("s", "stride"),
    "macs": ("macs", "mult-adds", "madds", "multadds", "million mult-adds"),
    "params": ("params", "parameters", "param", "million parameters"),
    TIMES: ("", "x", "#"),
}
_KEY: Final = {word: key for key, words in HEADINGS.items() for word in words}

_UNIT: Final = re.compile(r"\((k|m|g|b|thousand|million|billion)\)|^(thousand|million|billion) ", re.IGNORECASE)

#: Blocks whose definition a shipped table has.
BLOCK_TABLES: Final = {"bottleneck": "mobilenet_v2", "bneck": "mobilenet_v3_large"}
#: The table whose normalisation, activation and width rule a table without blocks gets.
PLAIN_TABLE: Final = "mobilenet_v1"

_OPS: Final = {
    **OP_ALIASES,
    "fully connected": "dense",
    "convolution": "conv2d",
    "depthwise conv": "depthwise_conv2d",
    "pool": "avg_pool2d",
    "average pool": "avg_pool2d",
    "global pool": "global_avg_pool",
}
_TIMES: Final = re.compile(r"(\d{1,3}) ?x(?: |$)")
_NBN: Final = re.compile(r",? *\bnbn$")
_OP: Final = re.compile(r"([a-z][a-z0-9_ -]*?)(?:[ ,]+(\d{1,4}(?:x\d{1,4})?))?(?: ?/ ?s ?(\d{1,4}))?")


@dataclass(frozen=True, slots=True)
class PrintedOperator:
    """The cell of an operator, taken apart; `norm` is False for the papers' NBN, no batch normalisation."""

    op: str
    kernel: str | None = None
    stride: str | None = None
    norm: bool = True


def heading_key(text: str) -> str | None:
    """The key that a heading means."""
    return _KEY.get(text.lower().strip("* _"))


def heading_unit(printed: str) -> str:
    """The unit of a column of counts, ``M`` for `Mult-Adds (M)` or `Million Mult-Adds`; empty where it has none."""
    match = _UNIT.search(printed.strip("* "))
    return (match[1] or match[2])[0].upper() if match else ""


def take_times(text: str) -> tuple[int, str]:
    """``5x Conv dw / s1`` -> 5 and the rest; 1 where nothing of the kind is printed."""
    match = _TIMES.match(text)
    return (int(match[1]), text[match.end() :].strip()) if match else (1, text)


def read_operator(text: str) -> PrintedOperator:
    """``bneck, 3x3`` or ``Conv dw / s2`` taken apart; unknown text is returned unchanged."""
    lowered = text.lower()
    bare = _NBN.sub("", lowered)
    match = _OP.fullmatch(bare)
    if match is None:
        return PrintedOperator(text)
    word = match[1].strip()
    return PrintedOperator(_OPS.get(word, word), match[2], match[3], bare == lowered)
