"""Every reason for which an operator refuses its inputs, with its message."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mbcost.operators import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    ChannelShuffle,
    Concat,
    Constant,
    Conv2d,
    Conv3d,
    Crop,
    Dense,
    DepthToSpace,
    DepthwiseConv2d,
    Explicit,
    GroupNorm,
    LocalResponseNorm,
    Matmul,
    MaxPool2d,
    MaxPool3d,
    Opaque,
    Operator,
    OperatorError,
    Pad,
    Reduce,
    Reshape,
    Resize,
    SpaceToDepth,
    Split,
    TensorShape,
    Tile,
    Transpose,
    TransposedConv2d,
)

X = (8, 8, 12)
NONE = Explicit(0, 0, 0, 0)

REFUSALS: list[tuple[Operator, tuple[tuple[int, int, int], ...], str]] = [
    (Conv3d(out=4, depth=3), (X,), "8 rows do not divide into 3 slices"),
    (Conv3d(out=4, depth=0), (X,), "the depth is 0, it has to be at least 1"),
    (Conv3d(out=0, depth=2), (X,), "the number of output channels is 0, it has to be at least 1"),
    (Conv3d(out=4, depth=2), (X,), "the window reaches over 3 elements but the depth is only 2"),
    (MaxPool3d(2, (1, 0, 1), (1, 1, 1)), (X,), "the kernel is 0, it has to be at least 1"),
    (Constant(shape=(0, 1, 1)), (X,), "each dimension of a constant is 0, it has to be at least 1"),
    (Crop(shape=(9, 8, 12)), (X,), "a part of 9 cannot be cut out of 8 elements"),
    (Crop(shape=(8, 0, 12)), (X,), "each dimension of a crop is 0, it has to be at least 1"),
    (Tile(shape=(8, 12, 12)), (X,), "12 elements do not divide into 8 repeated elements"),
    (Tile(shape=(0, 8, 12)), (X,), "each dimension of a tiling is 0, it has to be at least 1"),
    (Transpose(shape=(8, 8, 13)), (X,), "8x8x12 has 768 elements, the new shape 832"),
    (DepthToSpace(block=5), (X,), "12 channels do not divide into 25 pixels of a block"),
    (DepthToSpace(block=0), (X,), "the block is 0, it has to be at least 1"),
    (SpaceToDepth(block=3), (X,), "8 rows do not divide into 3 blocks"),
    (SpaceToDepth(block=8), ((8, 9, 1),), "9 columns do not divide into 8 blocks"),
    (GroupNorm(groups=5), (X,), "12 channels do not divide into 5 groups"),
    (LocalResponseNorm(size=0), (X,), "the number of neighbouring channels is 0, it has to be at least 1"),
    (Reduce(), (X,), "a reduction needs something to reduce: height, width or channels"),
    (Conv2d(out=0), (X,), "the number of output channels is 0, it has to be at least 1"),
    (Conv2d(out=-4), (X,), "the number of output channels is -4, it has to be at least 1"),
    (Conv2d(out=4, groups=0), (X,), "the number of groups is 0, it has to be at least 1"),
    (Conv2d(out=10, groups=5), (X,), "12 input channels do not divide into 5 groups"),
    (Conv2d(out=10, groups=4), (X,), "10 output channels do not divide into 4 groups"),
    (Conv2d(out=4, kernel=(0, 3)), (X,), "the kernel is 0, it has to be at least 1"),
    (Conv2d(out=4, stride=(1, 0)), (X,), "the stride is 0, it has to be at least 1"),
    (Conv2d(out=4, dilation=(-1, 1)), (X,), "the dilation is -1, it has to be at least 1"),
    (
        Conv2d(out=4, kernel=(9, 1), padding="valid"),
        (X,),
        "the window reaches over 9 elements but the input's height is only 8",
    ),
    (
        Conv2d(out=4, kernel=(1, 5), dilation=(1, 3), padding=Explicit(0, 0, 2, 1)),
        (X,),
        "the window reaches over 13 elements but the input's width is only 8, 11 with padding",
    ),
    (Conv2d(out=4, padding=Explicit(0, 0, -1, 0)), (X,), "padding is -1, it has to be at least 0"),
    (DepthwiseConv2d(multiplier=0), (X,), "the depthwise multiplier is 0, it has to be at least 1"),
    (DepthwiseConv2d(stride=(0, 0)), (X,), "the stride is 0, it has to be at least 1"),
    (
        DepthwiseConv2d(kernel=(9, 9), padding=NONE),
        (X,),
        "the window reaches over 9 elements but the input's height is only 8",
    ),
    (TransposedConv2d(out=0), (X,), "the number of output channels is 0, it has to be at least 1"),
    (TransposedConv2d(out=10, groups=5), (X,), "12 input channels do not divide into 5 groups"),
    (TransposedConv2d(out=10, groups=4), (X,), "10 output channels do not divide into 4 groups"),
    (TransposedConv2d(out=4, stride=(0, 1)), (X,), "the stride is 0, it has to be at least 1"),
    (
        TransposedConv2d(out=4, kernel=(3, 3), padding=Explicit(0, 0, 9, 9)),
        (X,),
        "padding 18 leaves nothing of a transposed convolution's width",  # 7 * 2 + 3 - 18 = -1
    ),
    (
        TransposedConv2d(out=4, output_padding=(1, 0)),
        (X,),
        "output_padding has no meaning with padding `same`, which fixes the output's size",
    ),
    (
        TransposedConv2d(out=4, padding=NONE, output_padding=(0, 2)),
        (X,),
        "output_padding is 2, it has to be at least 0 and below the stride or dilation",
    ),
    (
        TransposedConv2d(out=4, padding=NONE, output_padding=(-1, 0)),
        (X,),
        "output_padding is -1, it has to be at least 0 and below the stride or dilation",
    ),
    (Dense(out=0), (X,), "the number of outputs is 0, it has to be at least 1"),
    (Matmul(), ((1, 4, 5), (1, 6, 7)), "1x4x5 x 1x6x7: the inner dimensions 5 and 6 differ"),
    (Matmul(transpose_b=True), ((1, 4, 5), (1, 5, 7)), "1x4x5 x 1x5x7: the inner dimensions 5 and 7 differ"),
    (Matmul(), ((2, 4, 5), (3, 5, 7)), "2x4x5 x 3x5x7: the batch dimensions 2 and 3 differ"),
    (
        MaxPool2d(kernel=(3, 3), stride=(2, 2), padding="valid"),
        ((2, 2, 1),),
        "the window reaches over 3 elements but the input's height is only 2",
    ),
    (
        # ceil((1 - 3) / 2) + 1 = 0 windows: not even rounding up gives one
        AvgPool2d(kernel=(3, 3), stride=(2, 2), padding="valid", ceil_mode=True),
        ((4, 1, 1),),
        "the window reaches over 3 elements but the input's width is only 1",
    ),
    (AvgPool2d(kernel=(0, 2), stride=(1, 1)), (X,), "the kernel is 0, it has to be at least 1"),
    (AdaptiveAvgPool2d(size=(7, 0)), (X,), "the size of an adaptive pooling is 0, it has to be at least 1"),
    (Add(), ((4, 4, 8), (4, 4, 6)), "shapes 4x4x8 and 4x4x6 are not equal and do not broadcast"),
    (Add(), ((4, 4, 8), (1, 1, 8), (2, 4, 8)), "shapes 4x4x8 and 1x1x8 and 2x4x8 are not equal and do not broadcast"),
    (Concat(), ((4, 4, 8), (4, 5, 8)), "shapes 4x4x8 and 4x5x8 cannot be joined: height and width differ"),
    (
        Concat(axis="width"),
        ((4, 4, 8), (5, 4, 8)),
        "shapes 4x4x8 and 5x4x8 cannot be joined: height and channels differ",
    ),
    (Split(parts=3, axis="height"), (X,), "8 rows do not divide into 3 equal parts"),
    (Split(sizes=(4, 5), axis="width"), (X,), "the sizes add up to 9, but the input has 8 columns"),
    (Opaque(shape=(1, 0, 4)), (X,), "each dimension of an output is 0, it has to be at least 1"),
    (Split(parts=5), (X,), "12 channels do not divide into 5 equal parts"),
    (Split(parts=2, part=2), (X,), "there is no part 2 of 2 (they count from 0)"),
    (Split(part=-1), (X,), "there is no part -1 of 2 (they count from 0)"),
    (Split(sizes=(4, 7)), (X,), "the sizes add up to 11, but the input has 12 channels"),
    (Split(sizes=(12, 0)), (X,), "each size of a split is 0, it has to be at least 1"),
    (ChannelShuffle(groups=0), (X,), "the number of groups is 0, it has to be at least 1"),
    (ChannelShuffle(groups=5), (X,), "12 channels do not divide into 5 groups"),
    (Pad(padding=Explicit(0, -2, 0, 0)), (X,), "padding is -2, it has to be at least 0"),
    (Pad(padding=NONE, channels=(0, -3)), (X,), "padding is -3, it has to be at least 0"),
    (Resize(size=(0, 5)), (X,), "the height of a resize is 0, it has to be at least 1"),
    (Resize(size=(5, 0)), (X,), "the width of a resize is 0, it has to be at least 1"),
    (Resize(scale=(2, 0)), (X,), "the scale of a resize is 0, it has to be at least 1"),
    (Reshape(shape=(-1, -1, 4)), (X,), "only one dimension of a reshape may be -1"),
    (Reshape(shape=(1, 0, 4)), (X,), "each dimension of a reshape is 0, it has to be at least 1"),
    (Reshape(shape=(1, 2, 3)), (X,), "8x8x12 has 768 elements, the new shape 6"),
    (Reshape(shape=(1, -1, 5)), (X,), "8x8x12 has 768 elements, not a multiple of 5"),
]


@pytest.mark.parametrize(("operator", "inputs", "message"), REFUSALS, ids=lambda value: getattr(value, "op", None))
def test_refusal(operator: Operator, inputs: tuple[tuple[int, int, int], ...], message: str) -> None:
    with pytest.raises(OperatorError, match=f"^{re.escape(message)}$"):
        operator.output_shape(tuple(TensorShape(*shape) for shape in inputs))


def test_a_refused_array_is_shown_by_its_range() -> None:
    x = TensorShape(8, 8, np.array([8, 12, 18]))
    with pytest.raises(OperatorError, match=r"^8\.\.18 input channels do not divide into 4 groups$"):
        Conv2d(out=16, groups=4).output_shape((x,))
    with pytest.raises(OperatorError, match=r"input's height is only 2\.\.9$"):
        Conv2d(out=16, kernel=(3, 3), padding="valid").output_shape((TensorShape(np.array([9, 2]), 8, 8),))
