"""Sliding windows: how kernel, stride, dilation and padding turn an input extent into an output extent.

Formulas: TensorFlow's documentation of SAME and VALID (tf.nn.convolution), PyTorch's of explicit padding
(torch.nn.Conv2d, torch.nn.ConvTranspose2d).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mbcost.numeric import Dim, ceil_div, maximum
from mbcost.operators.base import OperatorError, require

Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Explicit:
    """Zeros added at the top, bottom, left and right [elements]."""

    top: int
    bottom: int
    left: int
    right: int


Padding: TypeAlias = Literal["same", "valid"] | Explicit


def output_extent(
    size: Dim, kernel: int, stride: int, dilation: int, padding: Padding, axis: int, *, ceil_mode: bool = False
) -> Dim:
    """Output height (`axis` 0) or width (`axis` 1) of a convolution or pooling window [elements].

    SAME gives ``ceil(size / stride)``; VALID and explicit padding give ``floor((padded - reach) / stride) + 1`` with
    ``reach = dilation * (kernel - 1) + 1``, rounded up instead where `ceil_mode` is set and the last window still
    starts inside the input or its leading padding.
    """
    if padding == "same":
        return -(-size // stride)
    before, after = _both_ends(padding, axis)
    reach = dilation * (kernel - 1) + 1
    room = size + before + after - reach
    if not (room >= 0 if isinstance(room, int) else (room >= 0).all()):
        name = ("height", "width")[axis]
        padded = f", {size + before + after} with padding" if before + after else ""
        raise OperatorError(f"the window reaches over {reach} elements but the input's {name} is only {size}{padded}")
    if not ceil_mode:
        return room // stride + 1
    extent = ceil_div(room, stride) + 1
    overhang = (extent - 1) * stride >= size + before
    return extent - overhang * 1


def padding_total(size: Dim, kernel: int, stride: int, dilation: int, padding: Padding, axis: int) -> Dim:
    """Zeros that padding adds along an axis [elements]."""
    if padding == "same":
        reach = dilation * (kernel - 1) + 1
        total: Dim = maximum((ceil_div(size, stride) - 1) * stride + reach - size, 0)
        return total
    before, after = _both_ends(padding, axis)
    return before + after


def transposed_extent(
    size: Dim, kernel: int, stride: int, dilation: int, padding: Padding, output_padding: int, axis: int
) -> Dim:
    """Output extent of a transposed convolution [elements].

    SAME gives ``size * stride``, VALID ``(size - 1) * stride + reach``, explicit padding takes itself away from that.
    """
    reach = dilation * (kernel - 1) + 1
    if padding == "same":
        return size * stride
    before, after = _both_ends(padding, axis)
    extent = (size - 1) * stride + reach - before - after + output_padding
    require(extent >= 1, f"padding {before + after} leaves nothing of a transposed convolution's output")
    return extent


def is_pointwise(kernel: Pair, stride: Pair, padding: Padding) -> bool:
    """Whether a window reads each input pixel exactly once and alone, so that lowering is the identity."""
    no_padding = not isinstance(padding, Explicit) or padding == Explicit(0, 0, 0, 0)
    return kernel == (1, 1) and stride == (1, 1) and no_padding


def _both_ends(padding: Padding, axis: int) -> Pair:
    if isinstance(padding, Explicit):
        return (padding.top, padding.bottom) if axis == 0 else (padding.left, padding.right)
    return (0, 0)
