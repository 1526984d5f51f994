"""Functions of expressions in table cells, for numbers and for arrays of configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mbcost.numeric import (
    all_true,
    any_true,
    ceil_div,
    is_scalar,
    make_divisible,
    maximum,
    minimum,
    round_half_even,
    to_int,
    where,
)


class EvaluationError(ArithmeticError):
    """An expression has no value in a scope; the message says why."""


def _make_divisible(channels: Any, divisor: int = 8, minimum_channels: int | None = None) -> Any:
    return make_divisible(channels, _divisor(divisor), divisor if minimum_channels is None else minimum_channels)


def _ceil(value: Any) -> Any:
    return -to_int(-value // 1)


def _ceil_div(a: Any, b: Any) -> Any:
    return ceil_div(a, _divisor(b))


def _divisor(value: Any) -> Any:
    """`value` as a divisor: an array must not hold a zero, for which NumPy would only warn."""
    if not is_scalar(value) and any_true(value == 0):
        raise ZeroDivisionError
    return value


def _condition(value: Any) -> Any:
    """`value` as a truth value: a flag, 0 or 1."""
    if isinstance(value, bool) or (hasattr(value, "dtype") and value.dtype.kind == "b"):
        return value
    if not all_true((value == 0) | (value == 1)):
        raise EvaluationError(f"{value} is not a condition, it is neither true nor false")
    return value == 1


def _logical_not(value: Any) -> Any:
    return ~_condition(value) if hasattr(value, "dtype") else not _condition(value)


#: What an expression may call, besides ``width``, which the network's width rule defines.
FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "min": minimum,
    "max": maximum,
    "int": to_int,
    "round": round_half_even,
    "ceil": _ceil,
    "ceil_div": _ceil_div,
    "make_divisible": _make_divisible,
}
#: Number of values that each takes: (at least, at most).
ARITY: Final[Mapping[str, tuple[int, int]]] = {
    "min": (2, 2),
    "max": (2, 2),
    "int": (1, 1),
    "round": (1, 1),
    "ceil": (1, 1),
    "ceil_div": (2, 2),
    "make_divisible": (1, 3),
    "width": (1, 1),
}
#: The functions of the rewritten forms of ``/ and or not if``.
HELPERS: Final[Mapping[str, Callable[..., Any]]] = {
    "_where": where,
    "_not": _logical_not,
    "_condition": _condition,
    "_divisor": _divisor,
}
