"""Printed columns that are redundant in a table: a layer's input size and filter shape."""

from __future__ import annotations

import re
from typing import Any, Final

from mbcost.architectures.cells import Cells
from mbcost.architectures.fields import MAX_DIM, shown_value
from mbcost.architectures.limits import MAX_RESOLUTION
from mbcost.architectures.printed_counts import take_counts
from mbcost.architectures.problem_log import Cell, ProblemLog
from mbcost.architectures.spec import Declared
from mbcost.operators import Operator, TensorShape

MAX_TEXT: Final = 100

_SHAPE: Final = re.compile(r"\s*(\d{1,9})\s*(?:\^2|²)?\s*(?:[x×]\s*(\d{1,9})\s*)?(?:[x×]\s*(\d{1,10})\s*)?")
_FILTER: Final = re.compile(r"\s*(\d{1,9}(?:\s*[x×]\s*\d{1,9})*)\s*(?:dw)?\s*", re.IGNORECASE)

#: Numbers in the printed filter of an operator, an example, and the keys of its first two and its last number.
_FILTERS: Final[dict[str, tuple[int, str, str | None, str | None]]] = {
    "conv2d": (4, "3x3x3x32", "kernel", "out"),
    "depthwise_conv2d": (3, "3x3x32 dw", "kernel", None),
    "dense": (2, "1024x1000", None, "out"),
    "max_pool2d": (2, "2x2", "kernel", None),
    "avg_pool2d": (2, "7x7", "kernel", None),
    "global_max_pool": (2, "7x7", None, None),
    "global_avg_pool": (2, "7x7", None, None),
}


#: What height and width may be.
SIZES: Final = f"height and width are at least 1, together at most {MAX_RESOLUTION}x{MAX_RESOLUTION}"


def parse_shape(value: Any) -> TensorShape | None:
    """``224x224x3``, ``224^2x3`` or ``1x1x1024`` as a shape; None where it is none or too large."""
    if isinstance(value, list):
        numbers = [item for item in value if type(item) is int]
    elif isinstance(value, str) and len(value) <= MAX_TEXT and (match := _SHAPE.fullmatch(value)):
        numbers = [int(group) for group in match.groups() if group is not None]
        if "^2" in value or "²" in value:
            numbers.insert(0, numbers[0])
    else:
        return None
    if len(numbers) != 3 or min(numbers) < 1 or numbers[0] * numbers[1] > MAX_RESOLUTION**2 or numbers[2] > MAX_DIM:
        return None
    return TensorShape(*numbers)


def read_declared(log: ProblemLog, cells: Cells, operator: type[Operator] | None) -> Declared | None:
    """The printed columns among `cells`; a filter gives the kernel and the output channels too, as further cells."""
    shape_cell, filter_cell = cells.get("input"), cells.get("filter")
    counts = take_counts(log, cells)
    shape = window = channels = None
    if shape_cell is not None:
        shape = parse_shape(shape_cell.value)
        if shape is None:
            message = f"{shown_value(shape_cell.value)} is not an input size such as 112x112x32"
            hint = SIZES
            log.add("MB103", message, log.at(shape_cell), hint)
    if filter_cell is not None and operator is not None:
        window, channels = _read_filter(log, filter_cell, operator, cells)
    if shape is None and window is None and channels is None and not counts:
        return None
    return Declared(
        shape,
        log.at(shape_cell) if shape_cell else None,
        channels,
        window,
        log.at(filter_cell) if filter_cell else None,
        counts.get("macs"),
        counts.get("params"),
    )


def _read_filter(
    log: ProblemLog, cell: Cell, operator: type[Operator], cells: Cells
) -> tuple[tuple[int, int] | None, int | None]:
    """Puts kernel and output channels into `cells`; what is left to check is (global window, input channels)."""
    shown = shown_value(cell.value)
    if operator.op not in _FILTERS:
        log.add("MB103", f"`{operator.op}` has no filter, but {shown} is printed", log.at(cell))
        return None, None
    length, example, kernel, out = _FILTERS[operator.op]
    text = cell.value if isinstance(cell.value, str) and len(cell.value) <= MAX_TEXT else ""
    match = _FILTER.fullmatch(text)
    sizes = [int(part) for part in re.split(r"[x×]", match[1])] if match else []
    if len(sizes) != length:
        hint = f"for example {example}"
        log.add("MB103", f"{shown} is not a filter shape of `{operator.op}`", log.at(cell), hint)
        return None, None
    for key, value in ((kernel, sizes[:2]), (out, sizes[-1])):
        if key is not None and key in cells:
            log.add("MB104", f"`{key}` stands in `filter` too", log.at_key(cells[key]))
        elif key is not None:
            cells[key] = Cell(value, cell.path, derived=True)
    if operator.op.startswith("global"):
        return (sizes[0], sizes[1]), None
    return None, {4: sizes[-2], 3: sizes[-1]}.get(length, sizes[0] if operator.op == "dense" else None)
