"""Arithmetic for one network and for arrays of networks alike.

A *dimension* (:data:`Dim`) is a Python int, or an int64 array with one entry a configuration. The formulas of this
package use only ``+ - * //`` and the functions below, so they work on both. NumPy is imported only when the first array
arrives: the analysis of a single network does not need it.

The integers of one network are exact at any size; those of an array are int64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask: TypeAlias = bool | NDArray[np.bool_]

#: An int, or an int64 array with one entry a configuration. Typed as the scalar, since the arithmetic is the same.
Dim: TypeAlias = int
#: A float, or a float64 array with one entry a configuration.
Real: TypeAlias = float
#: Standard deviations on either side of a normal distribution's mean that cover 90 % [1].
NORMAL_90: Final = 1.645


class MixedConfigurationsError(Exception):
    """Configurations of one array differ in which layers exist: split it by `condition` and evaluate each part."""

    def __init__(self, condition: Any) -> None:
        super().__init__("the configurations differ in which layers exist")
        self.condition = condition


def is_scalar(value: Any) -> bool:
    """Whether `value` is a plain Python number rather than an array of configurations."""
    return isinstance(value, (int, float))


def ceil_div(a: Dim, b: Dim) -> Dim:
    """``ceil(a / b)`` for integers."""
    return -(-a // b)


def round_up(a: Dim, multiple: Dim) -> Dim:
    """`a` rounded up to a multiple of `multiple`."""
    return -(-a // multiple) * multiple


@overload
def maximum(a: int, b: int) -> int: ...


@overload
def maximum(a: float, b: float) -> float: ...


def maximum(a: Any, b: Any) -> Any:
    """Element-wise larger of two numbers or arrays."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a if a >= b else b
    import numpy as np

    return np.maximum(a, b)


@overload
def minimum(a: int, b: int) -> int: ...


@overload
def minimum(a: float, b: float) -> float: ...


def minimum(a: Any, b: Any) -> Any:
    """Element-wise smaller of two numbers or arrays."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a if a <= b else b
    import numpy as np

    return np.minimum(a, b)


def square_root(value: Any) -> Any:
    """Square root of a number or an array, equal to the last bit."""
    if isinstance(value, (int, float)):
        return math.sqrt(value)
    import numpy as np

    return np.sqrt(value)


@overload
def where(condition: Any, a: int, b: int) -> int: ...


@overload
def where(condition: Any, a: float, b: float) -> float: ...


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where `condition` holds, else `b`."""
    if getattr(condition, "ndim", 0) == 0:
        return a if condition else b
    import numpy as np

    return np.where(condition, a, b)


def to_int(value: Any) -> Dim:
    """Truncate toward zero, as ``int()`` does."""
    if is_scalar(value):
        return int(value)
    import numpy as np

    result: Dim = np.trunc(value).astype(np.int64)
    return result


def round_half_even(value: Any) -> Dim:
    """Round to the nearest integer, halves to even, as ``round()`` does."""
    if isinstance(value, (int, float)):
        return round(value)
    import numpy as np

    result: Dim = np.rint(value).astype(np.int64)
    return result


def all_true(condition: Any) -> bool:
    """Whether a condition holds for every configuration."""
    return bool(condition if isinstance(condition, bool) else condition.all())


def any_true(condition: Any) -> bool:
    """Whether a condition holds for at least one configuration."""
    return bool(condition if isinstance(condition, bool) else condition.any())


def holds_for_all(condition: Any) -> bool:
    """Whether a condition that decides what exists holds.

    Raises
    ------
    MixedConfigurationsError
        If it holds for some configurations only.
    """
    if isinstance(condition, bool):
        return condition
    if condition.all():
        return True
    if not condition.any():
        return False
    raise MixedConfigurationsError(condition)


def one_value(values: Any) -> Any:
    """The value that all configurations of an array share; a number as it is.

    Raises
    ------
    MixedConfigurationsError
        If the values differ.
    """
    if is_scalar(values):
        return values
    first = values.flat[0]
    if not (values == first).all():
        raise MixedConfigurationsError(values == first)
    return first.item()


def add_up(values: Iterable[Any]) -> Any:
    """The sum in the given order, for numbers as for arrays (``sum`` compensates floats from Python 3.12 on)."""
    total: Any = 0
    for value in values:
        total = total + value
    return total


def by_value(function: Callable[[float], float], values: Any) -> Any:
    """A function of one number, such as a power, for numbers or arrays with results equal to the last bit.

    NumPy's own powers and logarithms may differ from Python's in the last bit, so an array's distinct values are taken
    one by one.
    """
    if is_scalar(values):
        return function(values)
    import numpy as np

    distinct, places = np.unique(values, return_inverse=True)
    return np.array([function(value) for value in distinct.tolist()])[places]


def for_each(function: Callable[..., tuple[int, ...]], *values: Dim) -> tuple[Dim, ...]:
    """A function of integers that returns several of them, for numbers or for arrays of configurations.

    Configurations that agree in all values are computed once.
    """
    if all(is_scalar(value) for value in values):
        return function(*values)
    import numpy as np

    columns = np.broadcast_arrays(*values)
    codes = np.zeros(columns[0].shape, dtype=np.int64)
    for column in columns:
        distinct, places = np.unique(column, return_inverse=True)
        codes = np.unique(codes * len(distinct) + places.reshape(codes.shape), return_inverse=True)[1]
        codes = codes.reshape(columns[0].shape)
    _, first, places = np.unique(codes, return_index=True, return_inverse=True)
    rows = zip(*(column.flat[first].tolist() for column in columns), strict=True)
    results = np.array([function(*row) for row in rows], dtype=np.int64)
    return tuple(result[places.reshape(columns[0].shape)] for result in results.T)


def truncated(channels: Real, minimum_channels: int) -> Dim:
    """Channel rule of MobileNet V1: ``max(int(channels), minimum)``; no rounding to a multiple.

    Source: tensorflow/models, research/slim/nets/mobilenet_v1.py.
    """
    result: Dim = maximum(to_int(channels), minimum_channels)
    return result


def make_divisible(channels: Real, divisor: int, minimum_channels: int) -> Dim:
    """Channel rule of MobileNet V2 and later: the nearest multiple of `divisor`, never below 90 % of `channels`.

    Source: tensorflow/models, research/slim/nets/mobilenet/mobilenet.py.
    """
    rounded = maximum(minimum_channels, to_int(channels + divisor / 2) // divisor * divisor)
    result: Dim = where(rounded < 0.9 * channels, rounded + divisor, rounded)
    return result
