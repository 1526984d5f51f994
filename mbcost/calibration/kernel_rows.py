"""Rows of measured kernels: an operator, its fields and the shape of its input, read as a network of one layer.

`op` is an operator as in an architecture table (``conv2d``, ``dw``, ``conv2d 3x3``), or a short table in brackets:
``[{op: depthwise_conv2d, kernel: 3, norm: batch_norm}, {op: conv2d, out: 64}]``. `fields` holds further keys of the
operator's row, such as ``padding: valid, activation: relu6``; ``repeat: 20`` is a chain of twenty. An operator of
several inputs takes the same shape for each, or that of `second_input` (``1x1x64``) for the second.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from mbcost.architectures import ArchitectureSpec
from mbcost.architectures.limits import MAX_RESOLUTION
from mbcost.architectures.loader import read_architecture
from mbcost.architectures.names import read_op
from mbcost.calibration.csv_rows import CsvRow
from mbcost.errors import InputError
from mbcost.files import parse_yaml
from mbcost.graph import build_graph
from mbcost.operators import OPERATOR_BY_NAME

#: Columns that describe a kernel, and those that may stay empty or away.
REQUIRED: Final = ("op", "height", "width", "in_channels", "latency_us")
OPTIONAL: Final = (
    "out_channels", "kernel", "stride", "groups", "fields", "second_input", "batch", "precision", "device", "processor",
    "runtime", "threads", "latency_std_us", "runs", "source",
)  # fmt: skip
MAX_TEXT: Final = 2_000

_NUMBERS: Final = re.compile(r"\d{1,6}(x\d{1,6})?")
_SHAPE: Final = re.compile(r"\d{1,6}x\d{1,6}x\d{1,6}")
_SECOND: Final = "second"


def table_of(row: CsvRow) -> str:
    """The table of a row's kernel, for :func:`kernel_architecture`; what is wrong becomes a problem of the row."""
    shape = "x".join(str(row.whole(name, MAX_RESOLUTION)) for name in ("height", "width", "in_channels"))
    op, more, second = row.text("op"), row.text("fields", ""), row.text("second_input", "")
    for column, text in (("op", op), ("fields", more)):
        if len(text) > MAX_TEXT or "\n" in text:
            row.wrong(column, f"`{column}` has to be one line of at most {MAX_TEXT} characters")
            return ""
    if second and not _SHAPE.fullmatch(second):
        row.wrong("second_input", f"`second_input` is `{second[:40]}`, not a shape such as 1x1x64")
    lines = ["name: kernel", "source: measured", f"input: {shape}"]
    if second:
        lines.append(f"inputs: {{{_SECOND}: {second}}}")
    lines.append(f"layers: {_layers(row, op, more, _SECOND if second else 'input')}")
    return "\n".join(lines) + "\n"


def _layers(row: CsvRow, op: str, more: str, second: str) -> str:
    """The rows of the table."""
    cells = {name: row.text(name, "") for name in ("kernel", "stride", "groups")}
    if op.startswith("["):
        for name, text in {**cells, "fields": more}.items():
            if text:
                row.wrong(name, f"`{name}` belongs in the table in `op`")
        return op
    operator = OPERATOR_BY_NAME.get(read_op(op).op)
    keys = {"op": f'"{op}"' if '"' not in op else "?"}
    for name in ("kernel", "stride", "groups"):
        if cells[name] and not _NUMBERS.fullmatch(cells[name]):
            row.wrong(name, f"`{name}` is `{cells[name][:40]}`, not a number or two such as 3x3")
        elif cells[name]:
            keys[name] = cells[name]
    if row.text("out_channels", "") and hasattr(operator, "out"):
        keys["out"] = str(row.whole("out_channels", MAX_RESOLUTION))
    if operator is not None and operator.arity[0] > 1:
        others = [second, *["input"] * (operator.arity[0] - 2)]
        keys["inputs"] = f"[{', '.join(['input', *others])}]"
    elif second != "input":
        keys["inputs"] = f"[input, {second}]"
    text = ", ".join(f"{key}: {value}" for key, value in keys.items())
    return f"[{{{text}{', ' + more if more else ''}}}]"


@lru_cache(maxsize=4096)
def kernel_architecture(table: str) -> ArchitectureSpec:
    """The architecture of a table that :func:`table_of` wrote.

    Raises
    ------
    InputError
        With every problem of the table.
    """
    return read_architecture(parse_yaml(table, "kernel"))


def check_kernel(row: CsvRow, table: str) -> None:
    """Build a row's kernel; errors, a wrong number of output channels among them, become problems of the row."""
    try:
        made = build_graph(kernel_architecture(table)).layers[-1].output_shape.channels
    except InputError as error:
        for problem in error.problems:
            row.wrong("op", problem.message, problem.hint)
        return
    if row.text("out_channels", "") and row.whole("out_channels", MAX_RESOLUTION) != made:
        row.wrong("out_channels", f"`out_channels` is {row.text('out_channels')}, but the operator makes {made}")
