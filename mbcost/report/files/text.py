"""JSON and Markdown as every file of results writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from mbcost.errors import printable

_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*[]<>|"})


def json_text(value: Any) -> str:
    """JSON to read: indented, with null for what it has no number for."""
    return f"{json.dumps(finite(value), indent=2, allow_nan=False)}\n"


def finite(value: Any) -> Any:
    """`value` with null for what JSON has no number for: a network without work has infinite frames a second."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def markdown_table(head: Sequence[str], align: str, rows: Sequence[Sequence[Any]]) -> str:
    """A table of Markdown; `align` has an ``r`` for a column to the right, else a ``-``."""
    rule = ["---:" if letter == "r" else "---" for letter in align]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, rule, *rows])


def escaped(text: str) -> str:
    """A text from a file as Markdown shows it: its characters are no markup."""
    return printable(text).translate(_MARKDOWN)
