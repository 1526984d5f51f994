"""JSON, CSV and Markdown as every file of results writes them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from mbcost.errors import printable

_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*[]<>|"})

#: A spreadsheet takes a cell that starts with one of these for a formula (OWASP, "CSV Injection").
_FORMULA = tuple("=+-@\t\r")


def json_text(value: Any) -> str:
    """Indented JSON, with null for infinite numbers and NaN."""
    return f"{json.dumps(finite(value), indent=2, allow_nan=False)}\n"


def finite(value: Any) -> Any:
    """`value` with null for infinite numbers and NaN: a network without work has infinite frames per second."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def csv_text(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A line with the names of the columns, and a line a row; texts are safe for a terminal and for a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return text.getvalue()


def csv_cell(value: Any) -> Any:
    """`value`, without control characters if it is a text, and with ``'`` before what would be a formula."""
    if not isinstance(value, str):
        return value
    shown = printable(value, len(value))
    return f"'{shown}" if value.startswith(_FORMULA) else shown


def markdown_table(head: Sequence[str], align: str, rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; `align` has an ``r`` for a right-aligned column, else a ``-``."""
    rule = ["---:" if letter == "r" else "---" for letter in align]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, rule, *rows])


def escaped(text: str) -> str:
    """A text from a file, escaped for Markdown."""
    return printable(text).translate(_MARKDOWN)
