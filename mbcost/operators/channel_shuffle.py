"""Channel shuffle of ShuffleNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mbcost.numeric import Dim
from mbcost.operators.base import Movement, TensorShape, check_divides, check_positive


@dataclass(frozen=True, slots=True)
class ChannelShuffle(Movement):
    """Transposes channels between groups (Zhang et al. 2017, arXiv:1707.01083, section 3.1)."""

    op: ClassVar[str] = "channel_shuffle"
    summary: ClassVar[str] = "transposes channels between groups"

    groups: Dim

    def output_shape(self, inputs: tuple[TensorShape, ...]) -> TensorShape:
        (x,) = inputs
        check_positive("the number of groups", self.groups)
        check_divides("channels", x.channels, self.groups, "groups")
        return x
