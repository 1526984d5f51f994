"""The width multiplier alpha and the resolution multiplier rho, as each paper defines them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mbcost.numeric import Dim, Real, make_divisible, maximum, round_half_even, truncated


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


def scaled_resolution(base: int, rho: Real) -> Dim:
    """The input resolution for a resolution multiplier, to the nearest pixel (0.714 of 224 is 160)."""
    result: Dim = maximum(1, round_half_even(base * rho))
    return result
