"""Numbers in the cells of a table: whether whole, their bounds, and the messages of their errors."""

from __future__ import annotations

import math
from typing import Any, Final

from mbcost.numeric import all_true, is_scalar, one_value

MAX_DIM: Final = 2**31
#: Largest value of a block's parameter, so that powers of powers stay small.
MAX_NUMBER: Final = 10**15


class FieldError(ValueError):
    """A cell does not fit its field; the message says what would. ``item`` is the position of the error in a list."""

    def __init__(self, message: str, item: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.item = item
        self.hint = hint


def whole(value: Any, least: int = 0, most: int = MAX_DIM) -> Any:
    """An int (or an array of them) within bounds; whole floats are converted to ints.

    Raises
    ------
    FieldError
        If it is not whole or out of bounds.
    """
    if type(value) is int and least <= value <= most:
        return value
    if isinstance(value, bool) or not (is_scalar(value) or hasattr(value, "dtype")):
        raise FieldError(f"{shown_value(value)} is not a whole number")
    if is_scalar(value):
        value = _whole_scalar(value)
    elif value.dtype.kind == "f":
        if not all_true(value == value.round()):
            raise FieldError("not a whole number for some configurations: use `//` or `round()`")
        value = value.astype("int64")
    if not all_true((value >= least) & (value <= most)):
        shown = shown_value(value) if is_scalar(value) else "a value for some configurations"
        raise FieldError(f"{shown} is out of range: {least} to {most}")
    return value


def _whole_scalar(value: float) -> int:
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        raise FieldError("the number is too large")
    if not value.is_integer():
        raise FieldError(f"{shown_value(value)} is not a whole number: use `//` or `round()`")
    return int(value)


def shown_value(value: Any) -> str:
    """A cell's value for a message, as a table's author writes it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None:
        return "an empty cell"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        items = ("..." if isinstance(item, (dict, list)) else shown_value(item).strip("`") for item in value[:20])
        return f"`[{', '.join(items)[:60]}]`"
    if isinstance(value, int) and abs(value) >= MAX_NUMBER:
        return "a number above 10^15"
    text = str(value)
    return f"`{text[:60]}…`" if len(text) > 60 else f"`{text}`"


def whole_items(values: list[Any], least: int, most: int = MAX_DIM) -> list[Any]:
    """:func:`whole` of each; an error knows the item."""
    result = []
    for position, value in enumerate(values):
        try:
            result.append(whole(value, least, most))
        except FieldError as error:
            raise FieldError(str(error), position) from None
    return result


def real(value: Any) -> float:
    """A number of at most 10^15 either way, the same for all configurations.

    Raises
    ------
    FieldError
        If it is none.
    """
    if isinstance(value, bool) or not (is_scalar(value) or hasattr(value, "dtype")):
        raise FieldError(f"{shown_value(value)} is not a number")
    return float(one_value(number(value)))


def number(value: Any) -> Any:
    """A block's parameter: a flag, or a number (or array) of at most 10^15 either way.

    Raises
    ------
    FieldError
        If it is none of these.
    """
    if isinstance(value, bool):
        return value
    if not (is_scalar(value) or hasattr(value, "dtype")):
        raise FieldError(f"{shown_value(value)} is not a number, true, false or an expression")
    if not all_true((value >= -MAX_NUMBER) & (value <= MAX_NUMBER)):
        raise FieldError("the number is too large")
    return value
