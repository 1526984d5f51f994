"""Hand arithmetic: one row or more for every operator.

Products are written out factor by factor, in the order that the comment beside them names. No value was taken from a
run of mbcost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mbcost.operators import (
    AdaptiveAvgPool2d,
    Add,
    AvgPool2d,
    AvgPool3d,
    BatchNorm,
    ChannelShuffle,
    Concat,
    Constant,
    Conv2d,
    Conv3d,
    Crop,
    Dense,
    DepthToSpace,
    DepthwiseConv2d,
    Divide,
    Elementwise,
    Explicit,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    GroupNorm,
    HardSigmoid,
    HardSwish,
    InstanceNorm,
    L2Norm,
    LayerNorm,
    LocalResponseNorm,
    LogSoftmax,
    Matmul,
    Maximum,
    MaxPool2d,
    MaxPool3d,
    Minimum,
    Mish,
    Multiply,
    Opaque,
    Operator,
    OperatorCost,
    Pad,
    Prelu,
    Reduce,
    Relu,
    Relu6,
    Reshape,
    Resize,
    Scale,
    Shift,
    Sigmoid,
    Softmax,
    Softplus,
    SpaceToDepth,
    Split,
    Subtract,
    Swish,
    Tile,
    Transpose,
    TransposedConv2d,
)
from mbcost.operators.activation import Elu, Gelu, LeakyRelu, Tanh

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """An operator, its inputs, and what paper and pencil say."""

    name: str
    operator: Operator
    inputs: tuple[Shape, ...]
    output: Shape
    cost: OperatorCost = field(default_factory=OperatorCost)


def _elementwise(operator: Operator) -> Case:
    """7 x 5 x 3 = 105 elements: each is read, written, and one operation."""
    cost = OperatorCost(elementwise_ops=105, input_elements=105, output_elements=105)
    return Case(operator.op, operator, ((7, 5, 3),), (7, 5, 3), cost)


CONVOLUTIONS: Final = (
    Case(
        "VGG layer, Howard et al. 2017 section 3.1's cost of a standard convolution",
        Conv2d(out=128, kernel=(3, 3)),
        ((112, 112, 64),),
        (112, 112, 128),
        OperatorCost(
            macs=112 * 112 * 128 * 3 * 3 * 64,  # Hout Wout Cout K K Cin = 924,844,032
            weight_elements=3 * 3 * 64 * 128,  # K K Cin Cout
            input_elements=112 * 112 * 64,
            output_elements=112 * 112 * 128,
            im2col_elements=3 * 3 * 64 * 112 * 112,  # K K Cin Hout Wout
        ),
    ),
    Case(
        "first layer of MobileNet: stride 2, bias",
        Conv2d(out=32, kernel=(3, 3), stride=(2, 2), bias=True),
        ((224, 224, 3),),
        (112, 112, 32),  # ceil(224 / 2)
        OperatorCost(
            macs=112 * 112 * 32 * 3 * 3 * 3,  # = 10,838,016
            weight_elements=864,  # 3 * 3 * 3 * 32
            bias_elements=32,
            input_elements=224 * 224 * 3,
            output_elements=112 * 112 * 32,
            im2col_elements=27 * 112 * 112,
        ),
    ),
    Case(
        "pointwise: the input is the lowered matrix already",
        Conv2d(out=128),
        ((56, 56, 64),),
        (56, 56, 128),
        OperatorCost(
            macs=56 * 56 * 64 * 128,
            weight_elements=64 * 128,
            input_elements=56 * 56 * 64,
            output_elements=56 * 56 * 128,
        ),
    ),
    Case(
        "1x1 with stride 2 has to be lowered",
        Conv2d(out=8, stride=(2, 2)),
        ((9, 9, 4),),
        (5, 5, 8),  # ceil(9 / 2)
        OperatorCost(
            macs=5 * 5 * 8 * 4,
            weight_elements=4 * 8,
            input_elements=9 * 9 * 4,
            output_elements=5 * 5 * 8,
            im2col_elements=4 * 5 * 5,
        ),
    ),
    Case(
        "1x1 with padding has to be lowered",
        Conv2d(out=8, padding=Explicit(1, 1, 1, 1)),
        ((4, 4, 2),),
        (6, 6, 8),  # 4 + 1 + 1
        OperatorCost(
            macs=6 * 6 * 8 * 2,
            weight_elements=2 * 8,
            input_elements=4 * 4 * 2,
            output_elements=6 * 6 * 8,
            im2col_elements=2 * 6 * 6,
        ),
    ),
    Case(
        "grouped: AlexNet's second layer",
        Conv2d(out=256, kernel=(5, 5), groups=2, bias=True, padding=Explicit(2, 2, 2, 2)),
        ((27, 27, 96),),
        (27, 27, 256),  # 27 + 4 - 5 + 1
        OperatorCost(
            macs=27 * 27 * 256 * 5 * 5 * 48,  # Cin / groups = 48; = 223,948,800
            weight_elements=5 * 5 * 48 * 256,
            bias_elements=256,
            input_elements=27 * 27 * 96,
            output_elements=27 * 27 * 256,
            im2col_elements=5 * 5 * 96 * 27 * 27,  # both groups together
        ),
    ),
    Case(
        "dilated, VALID",
        Conv2d(out=10, kernel=(3, 3), dilation=(2, 3), padding="valid"),
        ((11, 11, 4),),
        (7, 5, 10),  # 11 - (2 * 2 + 1) + 1, 11 - (3 * 2 + 1) + 1
        OperatorCost(
            macs=7 * 5 * 10 * 9 * 4,
            weight_elements=9 * 4 * 10,
            input_elements=11 * 11 * 4,
            output_elements=7 * 5 * 10,
            im2col_elements=9 * 4 * 7 * 5,
        ),
    ),
    Case(
        "asymmetric: 1x7 as in Inception, odd sizes",
        Conv2d(out=6, kernel=(1, 7), stride=(1, 2)),
        ((17, 15, 5),),
        (17, 8, 6),  # ceil(15 / 2)
        OperatorCost(
            macs=17 * 8 * 6 * 7 * 5,
            weight_elements=7 * 5 * 6,
            input_elements=17 * 15 * 5,
            output_elements=17 * 8 * 6,
            im2col_elements=7 * 5 * 17 * 8,
        ),
    ),
    Case(
        "explicit padding, unequal",
        Conv2d(out=2, kernel=(3, 3), stride=(2, 2), padding=Explicit(0, 1, 1, 2)),
        ((8, 8, 3),),
        (4, 5, 2),  # (8 + 1 - 3) // 2 + 1, (8 + 3 - 3) // 2 + 1
        OperatorCost(
            macs=4 * 5 * 2 * 27,
            weight_elements=27 * 2,
            input_elements=192,
            output_elements=40,
            im2col_elements=27 * 20,
        ),
    ),
    Case(
        "stride larger than the kernel",
        Conv2d(out=4, kernel=(2, 2), stride=(5, 5), padding="valid"),
        ((13, 12, 1),),
        (3, 3, 4),  # starts 0 5 10; 12 - 2 = 10 is the last
        OperatorCost(
            macs=9 * 4 * 4,
            weight_elements=16,
            input_elements=13 * 12,
            output_elements=36,
            im2col_elements=4 * 9,
        ),
    ),
    Case(
        "depthwise half of the VGG layer",
        DepthwiseConv2d(),
        ((112, 112, 64),),
        (112, 112, 64),
        OperatorCost(
            macs=112 * 112 * 64 * 3 * 3,  # Hout Wout C K K = 7,225,344
            weight_elements=3 * 3 * 64,
            input_elements=112 * 112 * 64,
            output_elements=112 * 112 * 64,
            im2col_elements=3 * 3 * 64 * 112 * 112,
        ),
    ),
    Case(
        "depthwise multiplier, bias, stride",
        DepthwiseConv2d(kernel=(5, 3), stride=(2, 1), multiplier=4, bias=True),
        ((9, 10, 6),),
        (5, 10, 24),  # 6 * 4 channels
        OperatorCost(
            macs=5 * 10 * 24 * 15,
            weight_elements=15 * 24,
            bias_elements=24,
            input_elements=9 * 10 * 6,
            output_elements=5 * 10 * 24,
            im2col_elements=15 * 6 * 5 * 10,
        ),
    ),
    Case(
        "dilated depthwise of DeepLab",
        DepthwiseConv2d(dilation=(2, 2), padding=Explicit(2, 2, 2, 2)),
        ((33, 33, 16),),
        (33, 33, 16),  # 33 + 4 - 5 + 1
        OperatorCost(
            macs=33 * 33 * 16 * 9,
            weight_elements=9 * 16,
            input_elements=33 * 33 * 16,
            output_elements=33 * 33 * 16,
            im2col_elements=9 * 16 * 33 * 33,
        ),
    ),
)

TRANSPOSED: Final = (
    Case(
        "SAME: twice the size",
        TransposedConv2d(out=16, kernel=(3, 3), bias=True),
        ((7, 9, 8),),
        (14, 18, 16),
        OperatorCost(
            macs=7 * 9 * 8 * 9 * 16,  # Hin Win Cin K K Cout
            weight_elements=9 * 8 * 16,
            bias_elements=16,
            input_elements=7 * 9 * 8,
            output_elements=14 * 18 * 16,
            im2col_elements=9 * 16 * 7 * 9,  # K K Cout Hin Win
        ),
    ),
    Case(
        "VALID",
        TransposedConv2d(out=5, kernel=(4, 3), stride=(2, 3), padding="valid"),
        ((3, 4, 2),),
        (8, 12, 5),  # 2 * 2 + 4, 3 * 3 + 3
        OperatorCost(
            macs=3 * 4 * 2 * 12 * 5,
            weight_elements=12 * 2 * 5,
            input_elements=24,
            output_elements=8 * 12 * 5,
            im2col_elements=12 * 5 * 12,
        ),
    ),
    Case(
        "explicit, grouped, output_padding: PyTorch's usual doubling",
        TransposedConv2d(
            out=6, kernel=(3, 3), groups=2, padding=Explicit(1, 1, 1, 1), output_padding=(1, 1), stride=(2, 2)
        ),
        ((5, 5, 4),),
        (10, 10, 6),  # 4 * 2 + 3 - 2 + 1
        OperatorCost(
            macs=25 * 4 * 9 * 3,  # Cout / groups = 3
            weight_elements=9 * 4 * 3,
            input_elements=100,
            output_elements=600,
            im2col_elements=9 * 6 * 25,
        ),
    ),
    Case(
        "dilated",
        TransposedConv2d(out=1, kernel=(3, 3), dilation=(2, 2), padding="valid"),
        ((4, 4, 1),),
        (11, 11, 1),  # 3 * 2 + 5
        OperatorCost(
            macs=16 * 9,
            weight_elements=9,
            input_elements=16,
            output_elements=121,
            im2col_elements=9 * 16,
        ),
    ),
    Case(
        "pointwise: the product is the output",
        TransposedConv2d(out=3, kernel=(1, 1), stride=(1, 1)),
        ((4, 4, 2),),
        (4, 4, 3),
        OperatorCost(macs=16 * 6, weight_elements=6, input_elements=32, output_elements=48),
    ),
)

MATRICES: Final = (
    Case(
        "classifier of MobileNet V1",
        Dense(out=1000),
        ((1, 1, 1024),),
        (1, 1, 1000),
        OperatorCost(
            macs=1024 * 1000,
            weight_elements=1024 * 1000,
            bias_elements=1000,
            input_elements=1024,
            output_elements=1000,
        ),
    ),
    Case(
        "dense over the channels of a sequence, without bias",
        Dense(out=64, bias=False),
        ((1, 10, 32),),
        (1, 10, 64),
        OperatorCost(macs=10 * 32 * 64, weight_elements=32 * 64, input_elements=320, output_elements=640),
    ),
    Case(
        "matmul",
        Matmul(),
        ((8, 49, 32), (8, 32, 20)),
        (8, 49, 20),
        OperatorCost(
            macs=8 * 49 * 32 * 20,  # b m k n
            input_elements=8 * 49 * 32 + 8 * 32 * 20,
            output_elements=8 * 49 * 20,
        ),
    ),
    Case(
        "matmul, second input transposed and shared by the batch",
        Matmul(transpose_b=True),
        ((8, 49, 32), (1, 20, 32)),
        (8, 49, 20),
        OperatorCost(macs=8 * 49 * 32 * 20, input_elements=8 * 49 * 32 + 20 * 32, output_elements=8 * 49 * 20),
    ),
)

POOLS: Final = (
    Case(
        "SAME, stride 2, odd size",
        MaxPool2d(kernel=(3, 3), stride=(2, 2)),
        ((113, 112, 64),),
        (57, 56, 64),  # ceil(113 / 2)
        OperatorCost(elementwise_ops=57 * 56 * 64 * 9, input_elements=113 * 112 * 64, output_elements=57 * 56 * 64),
    ),
    Case(
        "adaptive, as before the classifier of AlexNet: windows overlap where the size does not divide",
        AdaptiveAvgPool2d(size=(6, 5)),
        ((13, 10, 256),),
        (6, 5, 256),
        OperatorCost(
            # rows 0:3, 2:5, 4:7, 6:9, 8:11, 10:13, six of 3; columns five of 2
            elementwise_ops=6 * 3 * 5 * 2 * 256,
            input_elements=13 * 10 * 256,
            output_elements=6 * 5 * 256,
        ),
    ),
    Case(
        "adaptive, from fewer elements than it gives",
        AdaptiveAvgPool2d(size=(7, 7)),
        ((3, 7, 2),),
        (7, 7, 2),
        OperatorCost(
            # rows 0:1, 0:1, 0:2, 1:2, 1:3, 2:3, 2:3, 9 reads; columns seven of 1
            elementwise_ops=9 * 7 * 2,
            input_elements=3 * 7 * 2,
            output_elements=7 * 7 * 2,
        ),
    ),
    Case(
        "floor: the last row does not fit",
        AvgPool2d(kernel=(2, 2), stride=(2, 2), padding="valid"),
        ((5, 4, 3),),
        (2, 2, 3),
        OperatorCost(elementwise_ops=12 * 4, input_elements=60, output_elements=12),
    ),
    Case(
        "ceil_mode: SqueezeNet's 3x3 windows over 54 rows",
        MaxPool2d(kernel=(3, 3), stride=(2, 2), padding="valid", ceil_mode=True),
        ((54, 55, 2),),
        (27, 27, 2),  # ceil(51 / 2) + 1, ceil(52 / 2) + 1
        OperatorCost(elementwise_ops=27 * 27 * 2 * 9, input_elements=54 * 55 * 2, output_elements=27 * 27 * 2),
    ),
    Case(
        "ceil_mode: a window that would start in the trailing padding is left out",
        AvgPool2d(kernel=(2, 2), stride=(2, 2), padding=Explicit(1, 1, 1, 1), ceil_mode=True),
        ((3, 4, 1),),
        (2, 3, 1),  # starts -1 1 (3 is outside), -1 1 3
        OperatorCost(elementwise_ops=6 * 4, input_elements=12, output_elements=6),
    ),
    Case(
        "ceil_mode: one window larger than the input",
        MaxPool2d(kernel=(3, 3), stride=(2, 2), padding="valid", ceil_mode=True),
        ((2, 2, 5),),
        (1, 1, 5),  # ceil((2 - 3) / 2) + 1
        OperatorCost(elementwise_ops=5 * 9, input_elements=20, output_elements=5),
    ),
    *(
        Case(
            operator.op,
            operator,
            ((7, 7, 1024),),
            (1, 1, 1024),
            OperatorCost(elementwise_ops=49 * 1024, input_elements=49 * 1024, output_elements=1024),
        )
        for operator in (GlobalAvgPool(), GlobalMaxPool())
    ),
)

ACTIVATION_CASES: Final = (
    *map(
        _elementwise,
        (
            Relu(),
            Relu6(),
            LeakyRelu(),
            Elu(),
            Sigmoid(),
            HardSigmoid(),
            Swish(),
            HardSwish(),
            Tanh(),
            Gelu(),
            Mish(),
            Softplus(),
            Elementwise(),
            Scale(),
            Shift(),
            Softmax(),
            LogSoftmax(),
        ),
    ),
    Case(
        "a slope a channel",
        Prelu(),
        ((7, 5, 3),),
        (7, 5, 3),
        OperatorCost(elementwise_ops=105, weight_elements=3, input_elements=105, output_elements=105),
    ),
    Case(
        "batch norm over 3 channels",
        BatchNorm(),
        ((7, 5, 3),),
        (7, 5, 3),
        OperatorCost(elementwise_ops=105, norm_channels=3, input_elements=105, output_elements=105),
    ),
)

NORMALISATIONS: Final = (
    *(
        Case(
            f"{operator.op}: a scale and a shift a channel",
            operator,
            ((7, 5, 6),),
            (7, 5, 6),
            OperatorCost(
                elementwise_ops=210, weight_elements=6, bias_elements=6, input_elements=210, output_elements=210
            ),
        )
        for operator in (LayerNorm(), InstanceNorm(), GroupNorm(groups=3))
    ),
    _elementwise(LayerNorm(affine=False)),
    Case(
        "SSD's normalisation: a scale a channel, no shift",
        L2Norm(),
        ((38, 38, 512),),
        (38, 38, 512),
        OperatorCost(elementwise_ops=739_328, weight_elements=512, input_elements=739_328, output_elements=739_328),
    ),
    _elementwise(L2Norm(affine=False)),
    Case(
        "AlexNet's normalisation: each output reads 5 channels",
        LocalResponseNorm(),
        ((55, 55, 96),),
        (55, 55, 96),
        OperatorCost(elementwise_ops=5 * 55 * 55 * 96, input_elements=55 * 55 * 96, output_elements=55 * 55 * 96),
    ),
    *(
        Case(
            f"{operator.op} by a trained vector",
            operator,
            ((7, 5, 3),),
            (7, 5, 3),
            OperatorCost(elementwise_ops=105, weight_elements=3, input_elements=105, output_elements=105),
        )
        for operator in (Scale(weights=3), Shift(weights=3))
    ),
)

REDUCTIONS: Final = (
    Case(
        "class of every pixel",
        Reduce(channels=True),
        ((33, 33, 21),),
        (33, 33, 1),
        OperatorCost(elementwise_ops=33 * 33 * 21, input_elements=33 * 33 * 21, output_elements=33 * 33),
    ),
    Case(
        "rows and columns",
        Reduce(height=True, width=True),
        ((4, 6, 5),),
        (1, 1, 5),
        OperatorCost(elementwise_ops=120, input_elements=120, output_elements=5),
    ),
)

COMBINATIONS: Final = (
    *(
        Case(
            f"{operator.op} of two equal maps",
            operator,
            ((14, 14, 96), (14, 14, 96)),
            (14, 14, 96),
            OperatorCost(elementwise_ops=14 * 14 * 96, input_elements=2 * 14 * 14 * 96, output_elements=14 * 14 * 96),
        )
        for operator in (Add(), Subtract(), Multiply(), Divide(), Maximum(), Minimum())
    ),
    Case(
        "sum of three",
        Add(),
        ((2, 3, 4), (2, 3, 4), (2, 3, 4)),
        (2, 3, 4),
        OperatorCost(elementwise_ops=2 * 24, input_elements=3 * 24, output_elements=24),
    ),
    Case(
        "squeeze-and-excite gate on a map",
        Multiply(),
        ((28, 28, 72), (1, 1, 72)),
        (28, 28, 72),
        OperatorCost(elementwise_ops=28 * 28 * 72, input_elements=28 * 28 * 72 + 72, output_elements=28 * 28 * 72),
    ),
    Case(
        "unknown operator of two inputs",
        Opaque(shape=(1, 10, 4)),
        ((1, 100, 4), (1, 100, 91)),
        (1, 10, 4),
        OperatorCost(elementwise_ops=40, input_elements=400 + 9100, output_elements=40),
    ),
    Case(
        "both inputs broadcast",
        Multiply(),
        ((1, 5, 3), (4, 1, 3)),
        (4, 5, 3),
        OperatorCost(elementwise_ops=60, input_elements=15 + 12, output_elements=60),
    ),
)

MOVEMENTS: Final = (
    Case(
        "concat of three",
        Concat(),
        ((28, 28, 64), (28, 28, 128), (28, 28, 32)),
        (28, 28, 224),
        OperatorCost(input_elements=28 * 28 * 224, output_elements=28 * 28 * 224),
    ),
    Case(
        "concat of boxes, one below the other",
        Concat(axis="width"),
        ((1, 1083, 4), (1, 600, 4)),
        (1, 1683, 4),
        OperatorCost(input_elements=1683 * 4, output_elements=1683 * 4),
    ),
    Case(
        "the lower half",
        Split(part=1, axis="height"),
        ((28, 6, 5),),
        (14, 6, 5),
        OperatorCost(input_elements=14 * 6 * 5, output_elements=14 * 6 * 5),
    ),
    Case(
        "half",
        Split(part=1),
        ((28, 28, 116),),
        (28, 28, 58),
        OperatorCost(input_elements=28 * 28 * 58, output_elements=28 * 28 * 58),
    ),
    Case(
        "unequal split",
        Split(part=2, sizes=(10, 20, 30)),
        ((4, 4, 60),),
        (4, 4, 30),
        OperatorCost(input_elements=480, output_elements=480),
    ),
    Case(
        "shuffle of 3 groups",
        ChannelShuffle(groups=3),
        ((28, 28, 240),),
        (28, 28, 240),
        OperatorCost(input_elements=28 * 28 * 240, output_elements=28 * 28 * 240),
    ),
    Case(
        "pad",
        Pad(padding=Explicit(0, 1, 2, 3)),
        ((8, 8, 2),),
        (9, 13, 2),
        OperatorCost(input_elements=128, output_elements=9 * 13 * 2),
    ),
    Case(
        "channels of zeros: the shortcut of a residual block that widens",
        Pad(padding=Explicit(0, 0, 0, 0), channels=(1, 3)),
        ((8, 8, 2),),
        (8, 8, 6),
        OperatorCost(input_elements=128, output_elements=8 * 8 * 6),
    ),
    Case(
        "bilinear, to a size",
        Resize(size=(65, 33)),
        ((1, 1, 256),),
        (65, 33, 256),
        OperatorCost(elementwise_ops=4 * 65 * 33 * 256, input_elements=256, output_elements=65 * 33 * 256),
    ),
    Case(
        "nearest, by a scale",
        Resize(scale=(2, 3), method="nearest"),
        ((13, 13, 4),),
        (26, 39, 4),
        OperatorCost(elementwise_ops=26 * 39 * 4, input_elements=13 * 13 * 4, output_elements=26 * 39 * 4),
    ),
    Case(
        "transpose of a sequence",
        Transpose(shape=(1, 64, 49)),
        ((1, 49, 64),),
        (1, 64, 49),
        OperatorCost(input_elements=3136, output_elements=3136),
    ),
    Case(
        "every second row and column",
        Crop(shape=(4, 4, 3)),
        ((8, 8, 3),),
        (4, 4, 3),
        OperatorCost(input_elements=48, output_elements=48),
    ),
    Case(
        "twice and three times",
        Tile(shape=(2, 15, 4)),
        ((1, 5, 4),),
        (2, 15, 4),
        OperatorCost(input_elements=20, output_elements=120),
    ),
    Case(
        "pixel shuffle by 2",
        DepthToSpace(block=2),
        ((7, 9, 12),),
        (14, 18, 3),
        OperatorCost(input_elements=756, output_elements=756),
    ),
    Case(
        "and back",
        SpaceToDepth(block=2),
        ((14, 18, 3),),
        (7, 9, 12),
        OperatorCost(input_elements=756, output_elements=756),
    ),
    Case(
        "reshape",
        Reshape(shape=(1, 49, 64)),
        ((7, 7, 64),),
        (1, 49, 64),
        OperatorCost(input_elements=3136, output_elements=3136),
    ),
    Case(
        "reshape with an open dimension",
        Reshape(shape=(1, -1, 4)),
        ((19, 19, 12),),
        (1, 1083, 4),  # 19 * 19 * 12 / 4
        OperatorCost(input_elements=4332, output_elements=4332),
    ),
    Case(
        "flatten",
        Flatten(),
        ((7, 7, 512),),
        (1, 1, 25088),
        OperatorCost(input_elements=25088, output_elements=25088),
    ),
)

VOLUMES: Final = (
    Case(
        "16 frames of 112 x 112, C3D's first layer (Tran et al. 2015, arXiv:1412.0767)",
        Conv3d(out=64, depth=16, padding=(2, 2, 2), bias=True),
        ((16 * 112, 112, 3),),
        (16 * 112, 112, 64),  # 16 + 2 - 3 + 1 and 112 + 2 - 3 + 1
        OperatorCost(
            macs=16 * 112 * 112 * 64 * 3 * 3 * 3 * 3,  # Dout Hout Wout Cout Kd Kh Kw Cin
            weight_elements=3 * 3 * 3 * 3 * 64,
            bias_elements=64,
            input_elements=16 * 112 * 112 * 3,
            output_elements=16 * 112 * 112 * 64,
            im2col_elements=27 * 3 * 16 * 112 * 112,
        ),
    ),
    Case(
        "grouped, strided, dilated in depth",
        Conv3d(out=6, depth=5, kernel=(2, 1, 3), stride=(1, 2, 2), dilation=(2, 1, 1), groups=2),
        ((5 * 4, 7, 4),),
        (3 * 2, 3, 6),  # depth 5 - 3 + 1 = 3, height (4 - 1) // 2 + 1 = 2, width (7 - 3) // 2 + 1 = 3
        OperatorCost(
            macs=3 * 2 * 3 * 6 * 2 * 1 * 3 * 2,  # Cin / groups = 2
            weight_elements=2 * 1 * 3 * 2 * 6,
            input_elements=20 * 7 * 4,
            output_elements=6 * 3 * 6,
            im2col_elements=6 * 4 * 3 * 2 * 3,
        ),
    ),
    Case(
        "1x1x1",
        Conv3d(out=8, depth=3, kernel=(1, 1, 1)),
        ((6, 2, 4),),
        (6, 2, 8),
        OperatorCost(macs=12 * 4 * 8, weight_elements=32, input_elements=48, output_elements=96),
    ),
    Case(
        "halves depth, height and width",
        MaxPool3d(depth=8, kernel=(2, 2, 2), stride=(2, 2, 2)),
        ((8 * 6, 10, 4),),
        (4 * 3, 5, 4),
        OperatorCost(elementwise_ops=8 * 12 * 5 * 4, input_elements=48 * 10 * 4, output_elements=12 * 5 * 4),
    ),
    Case(
        "padded by one on both sides",
        AvgPool3d(depth=2, kernel=(1, 3, 3), stride=(1, 2, 2), padding=(0, 2, 2)),
        ((2 * 4, 5, 3),),
        (2 * 2, 3, 3),  # height (4 + 2 - 3) // 2 + 1 = 2, width (5 + 2 - 3) // 2 + 1 = 3
        OperatorCost(elementwise_ops=9 * 4 * 3 * 3, input_elements=8 * 5 * 3, output_elements=4 * 3 * 3),
    ),
    Case(
        "a class token: in memory with the weights, nothing is read for it",
        Constant(shape=(1, 1, 768), weights=768),
        ((224, 224, 3),),
        (1, 1, 768),
        OperatorCost(weight_elements=768, output_elements=768),
    ),
)

CASES: Final = (
    *CONVOLUTIONS,
    *TRANSPOSED,
    *MATRICES,
    *POOLS,
    *ACTIVATION_CASES,
    *NORMALISATIONS,
    *REDUCTIONS,
    *COMBINATIONS,
    *MOVEMENTS,
    *VOLUMES,
)
