"""Arithmetic that is the same for one network and for a million.

A *dimension* (:data:`Dim`) is a Python int, or an int64 array with one entry a configuration. The formulas of this
package use only ``+ - * //`` and the functions below, so they run on either without knowing which. NumPy is imported
only once an array is there: the analysis of a single network never pays for it.

The integers of one network are exact at any size; those of an array are int64.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask: TypeAlias = bool | NDArray[np.bool_]

#: An int, or an int64 array with one entry a configuration. Typed as the scalar, since the arithmetic is the same.
Dim: TypeAlias = int
#: A float, or a float64 array with one entry a configuration.
Real: TypeAlias = float


def is_scalar(value: Any) -> bool:
    """Whether `value` is a plain Python number rather than an array of configurations."""
    return isinstance(value, (int, float))


def ceil_div(a: Dim, b: Dim) -> Dim:
    """``ceil(a / b)`` for integers."""
    return -(-a // b)


def round_up(a: Dim, multiple: Dim) -> Dim:
    """`a` rounded up to a multiple of `multiple`."""
    return -(-a // multiple) * multiple


def maximum(a: Any, b: Any) -> Any:
    """Element-wise larger of two numbers or arrays."""
    if is_scalar(a) and is_scalar(b):
        return a if a >= b else b
    import numpy as np

    return np.maximum(a, b)


def minimum(a: Any, b: Any) -> Any:
    """Element-wise smaller of two numbers or arrays."""
    if is_scalar(a) and is_scalar(b):
        return a if a <= b else b
    import numpy as np

    return np.minimum(a, b)


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


def is_finite(value: float) -> bool:
    """Whether a scalar is neither infinite nor NaN."""
    return math.isfinite(value)
