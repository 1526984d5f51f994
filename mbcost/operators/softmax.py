"""Softmax over the channels."""

from __future__ import annotations

from typing import ClassVar

from mbcost.operators.base import PerElement


class Softmax(PerElement):
    """``exp(x_i) / sum_j exp(x_j)`` over the channels of each pixel."""

    __slots__ = ()

    op: ClassVar[str] = "softmax"
    summary: ClassVar[str] = "softmax over the channels"


class LogSoftmax(Softmax):
    """``x_i - log(sum_j exp(x_j))`` over the channels of each pixel."""

    __slots__ = ()

    op: ClassVar[str] = "log_softmax"
    summary: ClassVar[str] = "logarithm of the softmax over the channels"
