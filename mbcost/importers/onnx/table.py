"""Which converter reads which operator: the table to look at, and to add to.

Operators: https://onnx.ai/onnx/operators and, of the domain com.microsoft, ONNX Runtime's ContribOperators.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from mbcost.importers.onnx import matrices, pointwise, shapes, standard, windows
from mbcost.importers.onnx.call import Call, Converter, Result
from mbcost.importers.onnx.einsum import einsum
from mbcost.importers.onnx.pointwise import arithmetic, function, passed
from mbcost.importers.onnx.recurrent import quantized, recurrent
from mbcost.importers.onnx.values import Tensor
from mbcost.operators import (
    Add,
    Divide,
    Elementwise,
    HardSigmoid,
    HardSwish,
    L2Norm,
    LayerNorm,
    LogSoftmax,
    Maximum,
    Minimum,
    Mish,
    Multiply,
    Operator,
    Relu,
    Scale,
    Shift,
    Sigmoid,
    Softmax,
    Softplus,
    Subtract,
    Swish,
    Tanh,
)
from mbcost.operators.activation import Elu, Gelu

MICROSOFT: Final = "com.microsoft"


def picked(converter: Converter, *positions: int) -> Converter:
    """A converter for the inputs at some positions, in this order: quantised operators have scales between them."""

    def convert(call: Call) -> Result:
        return converter(dataclasses.replace(call, inputs=[call.value(position) for position in positions]))

    return convert


def with_bias(operator: Operator) -> Converter:
    """An activation of the input plus a bias."""

    def convert(call: Call) -> Tensor:
        shifted = arithmetic(Add, Shift)(call)
        assert isinstance(shifted, Tensor)
        return call.build.same(operator, shifted)

    return convert


def fused_conv(call: Call) -> Tensor:
    """FusedConv (x, weight, bias, z): a convolution, the sum with `z`, an activation."""
    x, z = windows.conv(call), call.value(3)
    if z is not None:
        added = arithmetic(Add, Shift)(dataclasses.replace(call, inputs=[x, z], opset=7))
        assert isinstance(added, Tensor)
        x = added
    name = call.text("activation", "")
    if name == "LeakyRelu":
        slopes = call.node.attributes.get("activation_params")
        given = slopes[0] if isinstance(slopes, list) and slopes and isinstance(slopes[0], (int, float)) else None
        return call.build.same(pointwise.leaky(0.01 if given is None else given), x)
    activation = _FUSED.get(name)
    return x if activation is None else call.build.same(activation, x)


def quantized_concat(call: Call) -> Result:
    """QLinearConcat (scale, zero point, then tensor, scale and zero point each)."""
    return picked(shapes.concat, *range(2, len(call.inputs), 3))(call)


_FUSED: Final[Mapping[str, Operator]] = {
    "Relu": Relu(),
    "Sigmoid": Sigmoid(),
    "Tanh": Tanh(),
    "Clip": Elementwise(),
    "HardSigmoid": HardSigmoid(),
}

_FUNCTIONS: Final[Mapping[str, Operator]] = {
    "Relu": Relu(),
    "Elu": Elu(),
    "Sigmoid": Sigmoid(),
    "HardSigmoid": HardSigmoid(),
    "HardSwish": HardSwish(),
    "Mish": Mish(),
    "Swish": Swish(),
    "Softplus": Softplus(),
    "Tanh": Tanh(),
    "Gelu": Gelu(),
    "Softmax": Softmax(),
    "LogSoftmax": LogSoftmax(),
    "LpNormalization": L2Norm(affine=False),
    "MeanVarianceNormalization": LayerNorm(affine=False),
    **dict.fromkeys(
        (
            *("Abs", "Ceil", "Celu", "Cos", "Erf", "Exp", "Floor", "Hardmax", "IsNaN", "Log", "Neg", "Not"),
            *("Reciprocal", "Round", "Selu", "Sign", "Sin", "Softsign", "Sqrt", "ThresholdedRelu", "Acos", "Acosh"),
            *("Asin", "Asinh", "Atan", "Atanh", "Cosh", "Sinh", "Tan", "IsInf", "Shrink", "BitwiseNot", "Bernoulli"),
        ),
        Elementwise(),
    ),
}

_REDUCTIONS: Final = (
    *("ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd", "ReduceL1", "ReduceL2"),
    *("ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "ArgMax", "ArgMin"),
)

_STANDARD: Final[Mapping[str, Converter]] = {
    **{name: function(operator) for name, operator in _FUNCTIONS.items()},
    **dict.fromkeys(_REDUCTIONS, pointwise.reduction),
    "Conv": windows.conv,
    "ConvTranspose": windows.conv_transpose,
    "MaxPool": windows.max_pool,
    "AveragePool": windows.average_pool,
    "GlobalAveragePool": windows.global_average_pool,
    "GlobalMaxPool": windows.global_max_pool,
    "LpPool": windows.average_pool,
    "GlobalLpPool": windows.global_average_pool,
    "DeformConv": standard.deform_conv,
    "Pad": windows.pad,
    "Resize": windows.resize,
    "Upsample": windows.resize,
    "DepthToSpace": windows.depth_to_space,
    "SpaceToDepth": windows.space_to_depth,
    "Gemm": matrices.gemm,
    "MatMul": matrices.matmul,
    "Einsum": einsum,
    "LSTM": recurrent(4),
    "GRU": recurrent(3),
    "RNN": recurrent(1),
    "Attention": standard.attention,
    "BatchNormalization": pointwise.batch_norm,
    "InstanceNormalization": pointwise.instance_norm,
    "GroupNormalization": pointwise.group_norm,
    "LayerNormalization": pointwise.layer_norm,
    "RMSNormalization": pointwise.layer_norm,
    "LRN": pointwise.local_response_norm,
    "Clip": pointwise.clip,
    "LeakyRelu": pointwise.leaky_relu,
    "PRelu": pointwise.prelu,
    "Pow": pointwise.power,
    "Add": arithmetic(Add, Shift),
    "Sum": arithmetic(Add, Shift),
    "Sub": arithmetic(Subtract, Shift),
    "Mul": arithmetic(Multiply, Scale),
    "Div": arithmetic(Divide, Scale),
    "Max": arithmetic(Maximum, Elementwise),
    "Min": arithmetic(Minimum, Elementwise),
    # a comparison is a difference whose sign is kept
    **dict.fromkeys(
        (
            *("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Mod", "BitShift"),
            *("BitwiseAnd", "BitwiseOr", "BitwiseXor"),
        ),
        arithmetic(Subtract, Elementwise),
    ),
    "Mean": pointwise.mean_of,
    "Where": shapes.where,
    "Identity": passed,
    "Dropout": passed,
    "Cast": passed,
    "CastLike": passed,
    "QuantizeLinear": pointwise.rescaled,
    "DequantizeLinear": pointwise.rescaled,
    "DynamicQuantizeLinear": pointwise.dynamically_quantized,
    "QLinearConv": picked(windows.conv, 0, 3, 8),
    "QLinearMatMul": picked(matrices.matmul, 0, 3),
    "ConvInteger": picked(windows.conv, 0, 1),
    "MatMulInteger": picked(matrices.matmul, 0, 1),
    "Shape": shapes.shape,
    "Size": shapes.size,
    "Reshape": shapes.reshape,
    "Flatten": shapes.flatten,
    "Squeeze": shapes.squeeze,
    "Unsqueeze": shapes.unsqueeze,
    "Transpose": shapes.transpose,
    "Concat": shapes.concat,
    "Split": shapes.split,
    "Slice": shapes.slice_,
    "Gather": shapes.gather,
    "Expand": shapes.expand,
    "Tile": shapes.tile,
    "GatherElements": standard.gather_elements,
    "GatherND": standard.gather_nd,
    **dict.fromkeys(
        ("Scatter", "ScatterElements", "ScatterND", "TensorScatter", "ReverseSequence", "RotaryEmbedding"),
        standard.same_shape,
    ),
    **dict.fromkeys(("CumSum", "CumProd", "Trilu"), standard.same_shape),
    "TopK": standard.top_k,
    "NonMaxSuppression": standard.non_max_suppression,
    "NonZero": standard.nonzero,
    "Compress": standard.compress,
    "Unique": standard.unique,
    "OneHot": standard.one_hot,
    "RoiAlign": standard.regions,
    "MaxRoiPool": standard.regions,
    "GridSample": standard.grid_sample,
    "AffineGrid": standard.affine_grid,
    "CenterCropPad": standard.center_crop_pad,
    "Col2Im": standard.col2im,
    "MaxUnpool": standard.max_unpool,
    "Det": standard.determinant,
    "Multinomial": standard.multinomial,
    "DFT": standard.fourier,
    "STFT": standard.short_time_fourier,
    "BitCast": passed,
    **dict.fromkeys(("EyeLike", "RandomNormalLike", "RandomUniformLike"), pointwise.like),
}

#: Inputs of which only the shape or the type matters, by operator.
SHAPE_ONLY: Final[Mapping[str, tuple[int, ...]]] = {
    **dict.fromkeys(("Shape", "Size", "EyeLike", "RandomNormalLike", "RandomUniformLike"), (0,)),
    "CastLike": (1,),
    # without a known condition only on request, and said
    "If": (0,),
    "Loop": (0, 1),
    # the training ratio and mode
    "Dropout": (1, 2),
}

#: Standard operators whose result depends on all inputs alike, of which none is known for its numbers.
EVERY_INPUT: Final = frozenset(("Einsum", "Attention"))

#: Standard operators without a converter: sequences, texts, losses.
WITHOUT_MODEL: Final = frozenset(
    (
        *("CausalConvWithState", "ConcatFromSequence", "ImageDecoder", "LinearAttention", "Optional"),
        *("NegativeLogLikelihoodLoss", "OptionalGetElement", "OptionalHasElement", "RegexFullMatch", "SequenceAt"),
        *("SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "SequenceMap"),
        *("SoftmaxCrossEntropyLoss", "SplitToSequence", "StringConcat", "StringNormalizer", "StringSplit", "SwiGLU"),
        "TfIdfVectorizer",
    )
)

_CONTRIBUTED: Final[Mapping[str, Converter]] = {
    "QLinearAdd": picked(arithmetic(Add, Shift), 0, 3),
    "QLinearMul": picked(arithmetic(Multiply, Scale), 0, 3),
    "QLinearConv": picked(windows.conv, 0, 3, 8),
    "QLinearAveragePool": windows.average_pool,
    "QLinearGlobalAveragePool": windows.global_average_pool,
    "QLinearLeakyRelu": pointwise.leaky_relu,
    "QLinearSigmoid": function(Sigmoid()),
    "QLinearSoftmax": function(Softmax()),
    "QLinearConcat": quantized_concat,
    "QGemm": picked(matrices.gemm, 0, 3, 6),
    "QuantizeLinear": passed,
    "DequantizeLinear": passed,
    "FusedConv": fused_conv,
    "DynamicQuantizeLSTM": quantized,
    "FusedMatMul": matrices.fused_matmul,
    "Gelu": function(Gelu()),
    "FastGelu": with_bias(Gelu()),
    "BiasGelu": with_bias(Gelu()),
    "QuickGelu": function(Swish()),
}

#: Layouts of ONNX Runtime in which channels are in blocks, padded to a whole number of these.
_BLOCKED: Final[Mapping[str, Converter]] = {
    "Conv": fused_conv,
    "MaxPool": windows.max_pool,
    "AveragePool": windows.average_pool,
    "GlobalMaxPool": windows.global_max_pool,
    "GlobalAveragePool": windows.global_average_pool,
    "ReorderInput": passed,
    "ReorderOutput": shapes.unpadded,
}

#: (domain, operator) -> converter
CONVERTERS: Final[Mapping[tuple[str, str], Converter]] = {
    **{("", name): converter for name, converter in _STANDARD.items()},
    **{(f"{MICROSOFT}.nchwc", name): converter for name, converter in _BLOCKED.items()},
    **{(MICROSOFT, name): converter for name, converter in _CONTRIBUTED.items()},
}

#: Operators of a quantised network.
QUANTIZING: Final = frozenset(
    ("QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")
)
