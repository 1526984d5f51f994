"""The width multiplier alpha and the resolution multiplier rho, as each paper defines them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mbcost.numeric import Dim, Real, make_divisible, maximum, round_half_even, truncated

#: The input's height and width if they are equal, else both [pixels].
Resolution: TypeAlias = int | tuple[int, int]


@dataclass(frozen=True, slots=True)
class WidthRule:
    """The rule from nominal to actual numbers of channels.

    Attributes
    ----------
    rule
        ``truncate``: ``max(int(alpha * channels), minimum)``, MobileNet V1. ``make_divisible``: the nearest multiple of
        `divisor`, never below `minimum` nor 90 % of ``alpha * channels``, MobileNet V2 and later.
    divisor
        Multiple that ``make_divisible`` rounds to.
    minimum
        Fewest channels.
    source
        The source of the rule.
    """

    rule: Literal["truncate", "make_divisible"]
    divisor: int = 8
    minimum: int = 8
    source: str = ""

    def __call__(self, channels: Real, scale: Real) -> Dim:
        """`channels` times `scale`, rounded by the rule [channels]."""
        if self.rule == "truncate":
            return truncated(channels * scale, self.minimum)
        return make_divisible(channels * scale, self.divisor, self.minimum)


def sides_of(resolution: Any) -> tuple[Dim, Dim]:
    """Height and width of a :data:`Resolution`, or of arrays of them [pixels]."""
    if isinstance(resolution, tuple):
        height, width = resolution
        return height, width
    return resolution, resolution


def as_resolution(height: int, width: int) -> Resolution:
    """A height and a width as one number where they are equal."""
    return height if height == width else (height, width)


def read_resolution(text: str) -> Resolution:
    """A resolution from a text such as ``224``, or ``224x320`` for height x width.

    Raises
    ------
    ValueError
        For any other text.
    """
    height, times, width = text.strip().partition("x")
    return as_resolution(int(height), int(width)) if times else int(height)


def resolution_text(height: int, width: int) -> str:
    """A resolution as commands take it: ``224``, or ``224x320`` for height x width."""
    return f"{height}" if height == width else f"{height}x{width}"


def scaled_resolution(base: int, rho: Real) -> Dim:
    """The input resolution for a resolution multiplier, to the nearest pixel (0.714 of 224 is 160)."""
    result: Dim = maximum(1, round_half_even(base * rho))
    return result
