"""Sliding windows: how kernel, stride, dilation and padding turn an input extent into an output extent.

Formulas: TensorFlow's documentation of SAME and VALID (tf.nn.convolution), PyTorch's of explicit padding
(torch.nn.Conv2d, torch.nn.ConvTranspose2d) and of ceil_mode (torch.nn.MaxPool2d; aten/src/ATen/native/Pool.h).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mbcost.numeric import Dim, all_true, ceil_div
from mbcost.operators.base import OperatorError, TensorShape, check_divides, check_positive, shown

Pair: TypeAlias = tuple[int, int]

_AXES: Final = ("height", "width")


@dataclass(frozen=True, slots=True)
class Explicit:
    """Zeros added at the top, bottom, left and right [elements]."""

    top: int
    bottom: int
    left: int
    right: int


Padding: TypeAlias = Literal["same", "valid"] | Explicit


def output_extents(
    x: TensorShape, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding, *, ceil_mode: bool = False
) -> tuple[Dim, Dim]:
    """Output height and width of a convolution or pooling window [elements].

    SAME gives ``ceil(size / stride)``; VALID and explicit padding give ``floor((padded - reach) / stride) + 1`` with
    ``reach = dilation * (kernel - 1) + 1``, rounded up instead where `ceil_mode` is set and the last window still
    starts inside the input or its leading padding.
    """
    check_window(kernel, stride, dilation)
    if padding == "same":
        return -(-x.height // stride[0]), -(-x.width // stride[1])
    return (
        _output_extent(x.height, _reach(kernel[0], dilation[0]), stride[0], padding, 0, ceil_mode=ceil_mode),
        _output_extent(x.width, _reach(kernel[1], dilation[1]), stride[1], padding, 1, ceil_mode=ceil_mode),
    )


def _output_extent(size: Dim, reach: int, stride: int, padding: Padding, axis: int, *, ceil_mode: bool) -> Dim:
    before, after = both_ends(padding, axis)
    padded = size + before + after
    extent = (ceil_div(padded - reach, stride) if ceil_mode else (padded - reach) // stride) + 1
    if not all_true(extent >= 1):
        with_padding = f", {shown(padded)} with padding" if before or after else ""
        raise OperatorError(
            f"the window reaches over {reach} elements but the input's {_AXES[axis]} is only "
            f"{shown(size)}{with_padding}"
        )
    if not ceil_mode:
        return extent
    overhang = (extent - 1) * stride >= size + before
    return extent - overhang * 1


def transposed_extents(
    x: TensorShape, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding, output_padding: Pair
) -> tuple[Dim, Dim]:
    """Output height and width of a transposed convolution [elements].

    SAME gives ``size * stride``; VALID ``(size - 1) * stride + reach + output_padding``; explicit padding is subtracted
    from that.
    """
    check_window(kernel, stride, dilation)
    for extra, step, spread in zip(output_padding, stride, dilation, strict=True):
        if not 0 <= extra < max(step, spread):
            raise OperatorError(f"output_padding is {extra}, it has to be at least 0 and below the stride or dilation")
    if padding == "same":
        if output_padding != (0, 0):
            raise OperatorError("output_padding has no meaning with padding `same`, which fixes the output's size")
        return x.height * stride[0], x.width * stride[1]
    return (
        _transposed_extent(x.height, _reach(kernel[0], dilation[0]) + output_padding[0], stride[0], padding, 0),
        _transposed_extent(x.width, _reach(kernel[1], dilation[1]) + output_padding[1], stride[1], padding, 1),
    )


def _transposed_extent(size: Dim, reach: int, stride: int, padding: Padding, axis: int) -> Dim:
    before, after = both_ends(padding, axis)
    extent = (size - 1) * stride + reach - before - after
    if not all_true(extent >= 1):
        raise OperatorError(f"padding {before + after} leaves nothing of a transposed convolution's {_AXES[axis]}")
    return extent


def is_pointwise(kernel: Pair, stride: Pair, padding: Padding) -> bool:
    """Whether each window reads one input pixel and each pixel is read once, so that lowering is the identity."""
    if kernel != (1, 1) or stride != (1, 1):
        return False
    return not isinstance(padding, Explicit) or padding == Explicit(0, 0, 0, 0)


def both_ends(padding: Padding, axis: int) -> Pair:
    """Zeros that VALID or explicit padding adds before and after an axis [elements]."""
    if not isinstance(padding, Explicit):
        return (0, 0)
    before, after = (padding.top, padding.bottom) if axis == 0 else (padding.left, padding.right)
    if before < 0 or after < 0:
        raise OperatorError(f"padding is {min(before, after)}, it has to be at least 0")
    return before, after


def check_window(kernel: Pair, stride: Pair, dilation: Pair) -> None:
    """Raise an :class:`OperatorError` unless kernel, stride and dilation are at least one."""
    if kernel[0] < 1 or kernel[1] < 1 or stride[0] < 1 or stride[1] < 1 or dilation[0] < 1 or dilation[1] < 1:
        for name, pair in (("the kernel", kernel), ("the stride", stride), ("the dilation", dilation)):
            check_positive(name, min(pair))


def check_groups(channels: Dim, out: Dim, groups: Dim) -> None:
    """Raise an :class:`OperatorError` unless input and output channels divide into the groups."""
    if isinstance(groups, int) and groups == 1:
        return
    check_positive("the number of groups", groups)
    check_divides("input channels", channels, groups, "groups")
    check_divides("output channels", out, groups, "groups")


def _reach(kernel: int, dilation: int) -> int:
    return dilation * (kernel - 1) + 1
