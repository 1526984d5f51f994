"""Operators: one frozen class each, its fields the keys of a table row, its counts pure functions of shapes.

To add one: write its file, add it to :data:`OPERATORS`, add its hand arithmetic to ``tests/operators``.
"""

from __future__ import annotations

from typing import Final

from mbcost.operators.activation import (
    Activation,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Mish,
    Prelu,
    Relu,
    Relu6,
    Sigmoid,
    Softplus,
    Swish,
    Tanh,
)
from mbcost.operators.adaptive_pool import AdaptiveAvgPool2d
from mbcost.operators.arithmetic import Add, Divide, Maximum, Minimum, Multiply, Subtract
from mbcost.operators.base import ZERO_COST, Operator, OperatorCost, OperatorError, TensorShape
from mbcost.operators.batch_norm import BatchNorm
from mbcost.operators.channel_shuffle import ChannelShuffle
from mbcost.operators.concat import Concat
from mbcost.operators.constant import Constant
from mbcost.operators.conv2d import Conv2d
from mbcost.operators.dense import Dense
from mbcost.operators.depthwise_conv2d import DepthwiseConv2d
from mbcost.operators.elementwise import Elementwise, Scale, Shift
from mbcost.operators.flatten import Flatten
from mbcost.operators.matmul import Matmul
from mbcost.operators.normalize import GroupNorm, InstanceNorm, L2Norm, LayerNorm, LocalResponseNorm
from mbcost.operators.opaque import Opaque
from mbcost.operators.pad import Pad
from mbcost.operators.pool import AvgPool2d, GlobalAvgPool, GlobalMaxPool, MaxPool2d
from mbcost.operators.rearrange import Crop, DepthToSpace, SpaceToDepth, Tile, Transpose
from mbcost.operators.reduce import Reduce
from mbcost.operators.reshape import Reshape
from mbcost.operators.resize import Resize
from mbcost.operators.softmax import LogSoftmax, Softmax
from mbcost.operators.split import Split
from mbcost.operators.transposed_conv2d import TransposedConv2d
from mbcost.operators.volume import AvgPool3d, Conv3d, MaxPool3d
from mbcost.operators.window import Explicit

#: Every operator there is, in the order of the documentation.
OPERATORS: Final[tuple[type[Operator], ...]] = (
    Conv2d,
    DepthwiseConv2d,
    TransposedConv2d,
    Conv3d,
    Dense,
    Matmul,
    MaxPool2d,
    AvgPool2d,
    MaxPool3d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalMaxPool,
    AdaptiveAvgPool2d,
    BatchNorm,
    LayerNorm,
    InstanceNorm,
    GroupNorm,
    L2Norm,
    LocalResponseNorm,
    Relu,
    Relu6,
    LeakyRelu,
    Prelu,
    Elu,
    Sigmoid,
    HardSigmoid,
    Swish,
    HardSwish,
    Tanh,
    Gelu,
    Mish,
    Softplus,
    Elementwise,
    Scale,
    Shift,
    Softmax,
    LogSoftmax,
    Reduce,
    Add,
    Subtract,
    Multiply,
    Divide,
    Maximum,
    Minimum,
    Concat,
    Split,
    ChannelShuffle,
    Pad,
    Resize,
    Crop,
    Tile,
    Transpose,
    DepthToSpace,
    SpaceToDepth,
    Reshape,
    Flatten,
    Constant,
    Opaque,
)

OPERATOR_BY_NAME: Final[dict[str, type[Operator]]] = {operator.op: operator for operator in OPERATORS}
if len(OPERATOR_BY_NAME) != len(OPERATORS):
    raise RuntimeError("two operators share a name")

#: Operators that a row can name in its `activation` key.
ACTIVATIONS: Final[tuple[str, ...]] = tuple(operator.op for operator in OPERATORS if issubclass(operator, Activation))

__all__ = [
    "ACTIVATIONS",
    "OPERATORS",
    "OPERATOR_BY_NAME",
    "ZERO_COST",
    "Activation",
    "AdaptiveAvgPool2d",
    "Add",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm",
    "ChannelShuffle",
    "Concat",
    "Constant",
    "Conv2d",
    "Conv3d",
    "Crop",
    "Dense",
    "DepthToSpace",
    "DepthwiseConv2d",
    "Divide",
    "Elementwise",
    "Elu",
    "Explicit",
    "Flatten",
    "Gelu",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "InstanceNorm",
    "L2Norm",
    "LayerNorm",
    "LeakyRelu",
    "LocalResponseNorm",
    "LogSoftmax",
    "Matmul",
    "MaxPool2d",
    "MaxPool3d",
    "Maximum",
    "Minimum",
    "Mish",
    "Multiply",
    "Opaque",
    "Operator",
    "OperatorCost",
    "OperatorError",
    "Pad",
    "Prelu",
    "Reduce",
    "Relu",
    "Relu6",
    "Reshape",
    "Resize",
    "Scale",
    "Shift",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SpaceToDepth",
    "Split",
    "Subtract",
    "Swish",
    "Tanh",
    "TensorShape",
    "Tile",
    "Transpose",
    "TransposedConv2d",
]
