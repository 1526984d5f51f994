"""Small networks, one or more for each operator of a TensorFlow Lite file, and the layers that they are.

Shapes are worked out by hand; the input is 8 x 6 x 12 unless something else is said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.importers.tflite.build import Model

Build = Callable[[Model], Any]
Rows = list[tuple[str, str]]
FUNCTIONS = (
    "ABS",
    "CEIL",
    "COS",
    "EXP",
    "FLOOR",
    "LOG",
    "NEG",
    "ROUND",
    "RSQRT",
    "SIGN",
    "SIN",
    "SQRT",
    "SQUARE",
    "CAST",
    "LOGICAL_NOT",
)
#: a comparison is a difference whose sign is kept
DIFFERENCES = (
    "SQUARED_DIFFERENCE",
    "EQUAL",
    "NOT_EQUAL",
    "GREATER",
    "GREATER_EQUAL",
    "LESS",
    "LESS_EQUAL",
    "LOGICAL_AND",
    "LOGICAL_OR",
)
#: operators whose output has the size that the file says
MOVED = (
    "SELECT",
    "SELECT_V2",
    "GATHER_ND",
    "TOPK_V2",
    "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5",
    "ONE_HOT",
    "SCATTER_ND",
    "WHERE",
    "UNIQUE",
    "DYNAMIC_UPDATE_SLICE",
    "MATRIX_DIAG",
    "MATRIX_SET_DIAG",
    "SEGMENT_SUM",
    "EMBEDDING_LOOKUP",
)
UNARY = {
    "RELU": "relu",
    "RELU6": "relu6",
    "RELU_N1_TO_1": "relu6",
    "RELU_0_TO_1": "relu6",
    "LEAKY_RELU": "leaky_relu",
    "ELU": "elu",
    "LOGISTIC": "sigmoid",
    "TANH": "tanh",
    "HARD_SWISH": "hard_swish",
    "GELU": "gelu",
    "SOFTMAX": "softmax",
    "LOG_SOFTMAX": "log_softmax",
    **dict.fromkeys(FUNCTIONS, "elementwise"),
}
BINARY = {
    "ADD": "add",
    "ADD_N": "add",
    "SUB": "subtract",
    "MUL": "multiply",
    "DIV": "divide",
    "MAXIMUM": "maximum",
    "MINIMUM": "minimum",
    "POW": "multiply",
    "ATAN2": "divide",
    "FLOOR_DIV": "divide",
    "FLOOR_MOD": "divide",
    **dict.fromkeys(DIFFERENCES, "subtract"),
}
BY_CONSTANTS = {
    "ADD": "shift",
    "SUB": "shift",
    "MUL": "scale",
    "DIV": "scale",
    "MAXIMUM": "elementwise",
    "MINIMUM": "elementwise",
    "SQUARED_DIFFERENCE": "elementwise",
    "GREATER": "elementwise",
    "POW": "elementwise",
}


def image(m: Model, *shape: int) -> int:
    return m.input(*(shape or (1, 8, 6, 12)))


def unary(m: Model, name: str) -> int:
    x = image(m)
    return m.op(name, [x], m.shape(x))


def by_constants(m: Model, name: str) -> int:
    return with_constant(m, name, 12)


def two(m: Model, name: str, **options: Any) -> int:
    x = image(m)
    return m.op(name, [x, m.input(1, 8, 6, 12, name="other")], m.shape(x), **options)


def with_constant(m: Model, name: str, *shape: int, first: bool = False) -> int:
    x, c = image(m), m.weights(*shape)
    return m.op(name, [c, x] if first else [x, c], m.shape(x))


def by_channel(m: Model, x: int, activation: str = "NONE") -> int:
    """A product and a sum with a constant a channel each."""
    return m.binary("ADD", m.binary("MUL", x, m.weights(12)), m.weights(12), activation)


def pattern_swish(m: Model) -> int:
    x = image(m)
    return m.binary("MUL", m.op("LOGISTIC", [x], m.shape(x)), x)


def hard_swish(m: Model, *, scale_first: bool = False, divide: bool = False, relu6: bool = False) -> int:
    x = image(m)
    shifted = m.binary("ADD", m.scalar(3.0), x) if relu6 else m.binary("ADD", x, m.scalar(3.0), "RELU6")
    if relu6:
        m.tensors[shifted] = (*m.tensors[shifted][:1], m.shape(x), *m.tensors[shifted][2:])
        shifted = m.op("RELU6", [shifted], m.shape(x))
    factor = m.scalar(6.0) if divide else m.scalar(1 / 6)
    name = "DIV" if divide else "MUL"
    if scale_first:
        return m.binary("MUL", x, m.binary(name, shifted, factor))
    return m.binary(name, m.binary("MUL", shifted, x), factor)


def dilated(m: Model, *, crop: int = 0, pad: int = 2, depthwise: bool = False) -> int:
    """A 3x3 convolution with holes of 2 on a 8x8 map."""
    x, size = image(m, 1, 8, 8, 4), (8 + 2 * pad) // 2
    margins, crops = m.constant(*[pad] * 4, shape=(2, 2)), m.constant(0, crop, 0, crop, shape=(2, 2))
    spread = m.op("SPACE_TO_BATCH_ND", [x, m.constant(2, 2), margins], (4, size, size, 4))
    conv = m.depthwise if depthwise else m.conv
    y = conv(spread, *(() if depthwise else (7,)), kernel=3, padding="VALID", activation="RELU")
    side, out = 2 * (size - 2) - crop, 4 if depthwise else 7
    return m.op("BATCH_TO_SPACE_ND", [y, m.constant(2, 2), crops], (1, side, side, out))


def shuffle(m: Model, order: tuple[int, ...] = (0, 1, 2, 4, 3)) -> int:
    x = m.transpose(m.reshape(image(m), 1, 8, 6, 3, 4), *order)
    return m.reshape(x, 1, 8, 6, 12)


def transpose_conv(m: Model, height: int, width: int, kernel: int, padding: str = "SAME") -> int:
    x = image(m, 1, 5, 5, 3)
    inputs = [m.constant(1, height, width, 9), m.weights(9, kernel, kernel, 3), x]
    options = {"Padding": {"SAME": 0, "VALID": 1}[padding], "StrideW": 2, "StrideH": 2}
    return m.op("TRANSPOSE_CONV", inputs, (1, height, width, 9), kind="TransposeConvOptions", **options)


def resized(m: Model, name: str) -> int:
    return m.op(name, [image(m), m.constant(16, 18)], (1, 16, 18, 12))


def strided(m: Model, begin: Any, end: Any, steps: Any, shape: Any, **masks: int) -> int:
    inputs = [image(m), m.constant(*begin), m.constant(*end), m.constant(*steps)]
    return m.op("STRIDED_SLICE", inputs, shape, kind="StridedSliceOptions", **masks)


def splits(m: Model) -> list[int]:
    parts: list[int] = m.op("SPLIT", [m.constant(1), image(m)], *[(1, 4, 6, 12)] * 2, kind="SplitOptions", NumSplits=2)
    return parts


def splits_v(m: Model) -> list[int]:
    parts: list[int] = m.op("SPLIT_V", [image(m), m.constant(2, -1), m.constant(-1)], (1, 8, 6, 2), (1, 8, 6, 10))
    return parts


def packed(m: Model) -> int:
    a, b = m.input(1, 5, name="a"), m.input(1, 5, name="b")
    return m.op("PACK", [a, b], (1, 2, 5), kind="PackOptions", Axis=1, ValuesCount=2)


def unpacked(m: Model) -> list[int]:
    parts: list[int] = m.op("UNPACK", [image(m, 1, 4, 2, 5)], *[(1, 4, 5)] * 2, kind="UnpackOptions", Num=2, Axis=2)
    return parts


def concat(m: Model, axis: int, *shapes: tuple[int, ...], out: tuple[int, ...]) -> int:
    inputs = [m.input(*shape, name=f"x{i}") for i, shape in enumerate(shapes)]
    return m.op("CONCATENATION", inputs, out, kind="ConcatenationOptions", Axis=axis)


def dense(m: Model, shape: tuple[int, ...], depth: int, out: tuple[int, ...]) -> int:
    inputs = [m.input(*shape), m.weights(out[-1], depth)]
    return m.op("FULLY_CONNECTED", inputs, out, kind="FullyConnectedOptions")


def matmul(m: Model, a: tuple[int, ...], b: tuple[int, ...], out: tuple[int, ...], **adj: bool) -> int:
    inputs = [m.input(*a, name="a"), m.input(*b, name="b")]
    return m.op("BATCH_MATMUL", inputs, out, kind="BatchMatMulOptions", **adj)


def reduce(m: Model, name: str, axes: tuple[int, ...], out: tuple[int, ...]) -> int:
    return m.op(name, [image(m), m.constant(*axes)], out, kind="ReducerOptions")


def block(m: Model, name: str, out: tuple[int, ...]) -> int:
    return m.op(name, [image(m)], out, kind=f"{name.title().replace('_', '').replace('To', 'To')}Options", BlockSize=2)


def folded(m: Model, *, value: float | None = None, then: str = "conv") -> int:
    constant = None if value is None else m.constant(value, dtype="FLOAT32", shape=[])
    x = m.pad(image(m), 0, 0, 0, 1, 0, 1, 0, 0, name="PAD" if value is None else "PADV2", value=constant)
    if then == "conv":
        return m.conv(x, 16, 3, 2, padding="VALID")
    if then == "depthwise":
        return m.depthwise(x, 3, 2, padding="VALID")
    return m.pool("MAX_POOL_2D", x, 3, 2, "VALID")


def computed_shape(m: Model) -> int:
    """What Keras writes for a flatten with an open batch: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""
    x = image(m)
    n = m.op("SHAPE", [x], (4,), dtype="INT32")
    first = m.op(
        "STRIDED_SLICE", [n, m.constant(0), m.constant(1), m.constant(1)], (), dtype="INT32", kind="StridedSliceOptions"
    )
    shape = m.op("PACK", [first, m.constant(576, shape=[])], (2,), dtype="INT32", kind="PackOptions")
    return m.op("RESHAPE", [x, shape], (1, 576))


def half_weights(m: Model) -> int:
    """float16 weights, which are converted once before the first inference."""
    x, w = image(m), m.tensor((16, 1, 1, 12), dtype="FLOAT16", data=b"\0")
    return m.op("CONV_2D", [x, m.op("DEQUANTIZE", [w], (16, 1, 1, 12))], (1, 8, 6, 16), kind="Conv2DOptions",
                Padding=0, StrideW=1, StrideH=1)  # fmt: skip


def moved(m: Model, name: str) -> list[int]:
    """An operator with two outputs, a number that says how, and a threshold."""
    made: list[int] = m.op(
        name, [image(m), m.constant(5, shape=[]), m.scalar(0.5)], (1, 8, 6, 4), (1, 4), dtype="FLOAT32"
    )
    return made


def sparse(m: Model) -> int:
    """Two convolutions with the same weights, stored as their elements beside zero."""
    weights = m.op("DENSIFY", [m.weights(12, 1, 1, 12)], (12, 1, 1, 12))
    x = image(m)
    for _ in range(2):
        x = m.op("CONV_2D", [x, weights], m.shape(x), kind="Conv2DOptions", Padding=0, StrideW=1, StrideH=1)
    return x


def volume(m: Model, padding: int, *out: int) -> int:
    """A 3x3x3 convolution of stride (1, 2, 2) on 4 slices of 8 x 6."""
    options = {"Padding": padding, "StrideD": 1, "StrideW": 2, "StrideH": 2}
    inputs = [m.input(1, 4, 8, 6, 3), m.weights(3, 3, 3, 3, 5), m.weights(5)]
    return m.op("CONV_3D", inputs, (1, *out, 5), kind="Conv3DOptions", **options)


def lstm(m: Model, *, coupled: bool = False) -> int:
    """10 steps of 4 inputs, 6 cells."""
    entering = [-1 if coupled else m.weights(6, 4), *(m.weights(6, 4) for _ in range(3))]
    kept = [-1 if coupled else m.weights(6, 6), *(m.weights(6, 6) for _ in range(3))]
    biases = [-1 if coupled else m.weights(6), *(m.weights(6) for _ in range(3))]
    inputs = [m.input(1, 10, 4), *entering, *kept, -1, -1, -1, *biases, -1, -1]
    return m.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, (1, 10, 6), kind="UnidirectionalSequenceLSTMOptions")


def gathered(m: Model, *rows: int, axis: int = 1) -> int:
    dims = [1, 8, 6, 12]
    dims[axis] = len(rows)
    return m.op("GATHER", [image(m), m.constant(*rows)], dims, kind="GatherOptions", Axis=axis)


def looked_up(m: Model) -> int:
    """16 rows of a table of 1000, which the network chooses."""
    return m.op("GATHER", [m.weights(1000, 24), m.input(16, dtype="INT32")], (16, 24), kind="GatherOptions")


def detected(m: Model) -> list[int]:
    inputs = [m.input(1, 20, 4, name="boxes"), m.input(1, 20, 3, name="scores"), m.weights(20, 4)]
    made: list[int] = m.op("TFLite_Detection_PostProcess", inputs, (1, 10, 4), (1, 10), (1, 10), (1,))
    return made


def streamed(m: Model) -> int:
    """A streaming convolution as microWakeWord has it: two rows of an earlier inference before three new ones."""
    x = m.input(1, 3, 1, 40)
    m.raw("CALL_ONCE", [], [])
    handle = m.op("VAR_HANDLE", [], (), dtype="RESOURCE")
    state = m.op("READ_VARIABLE", [handle], (1, 2, 1, 40))
    joined = m.op("CONCATENATION", [state, x], (1, 5, 1, 40), kind="ConcatenationOptions", Axis=1)
    begin, end, steps = m.constant(0, 3, 0, 0), m.constant(1, 5, 1, 40), m.constant(1, 1, 1, 1)
    last = m.op("STRIDED_SLICE", [joined, begin, end, steps], (1, 2, 1, 40), kind="StridedSliceOptions")
    m.raw("ASSIGN_VARIABLE", [handle, last], [])
    return m.conv(joined, 32)


CASES: list[tuple[str, Build, Rows]] = [
    (
        "READ_VARIABLE, ASSIGN_VARIABLE",
        streamed,
        [
            ("opaque", "2x1x40"),
            ("concat", "5x1x40"),
            ("crop", "2x1x40"),
            ("opaque", "2x1x40"),
            ("conv2d", "5x1x32"),
        ],
    ),
    *((name, partial(unary, name=name), [(op, "8x6x12")]) for name, op in UNARY.items()),
    *((name, partial(two, name=name), [(op, "8x6x12")]) for name, op in BINARY.items()),
    *((f"{name} constant", partial(by_constants, name=name), [(op, "8x6x12")]) for name, op in BY_CONSTANTS.items()),
    ("MUL, ADD: batch norm", lambda m: by_channel(m, image(m), "RELU"), [("batch_norm", "8x6x12"), ("relu", "8x6x12")]),
    (
        "MUL, ADD after a convolution: run as they are",
        lambda m: by_channel(m, m.conv(image(m), 12)),
        [("conv2d", "8x6x12"), ("scale", "8x6x12"), ("shift", "8x6x12")],
    ),
    (
        "MUL, ADD of one number",
        lambda m: m.binary("ADD", m.binary("MUL", image(m), m.weights(12)), m.scalar(1.0)),
        [("scale", "8x6x12"), ("shift", "8x6x12")],
    ),
    ("constant first", lambda m: with_constant(m, "SUB", 12, first=True), [("shift", "8x6x12")]),
    (
        "constant broadcasts the input",
        lambda m: m.op("ADD", [m.input(1, 1, 1, 12), m.weights(1, 8, 6, 12)], (1, 8, 6, 12)),
        [("constant", "8x6x12"), ("add", "8x6x12")],
    ),
    ("PRELU", lambda m: with_constant(m, "PRELU", 1, 1, 12), [("prelu", "8x6x12")]),
    ("PRELU shared", lambda m: with_constant(m, "PRELU", 1), [("scale", "8x6x12")]),
    (
        "fused activation",
        lambda m: m.binary("ADD", image(m), m.input(1, 8, 6, 12, name="y"), "TANH"),
        [("add", "8x6x12"), ("tanh", "8x6x12")],
    ),
    ("CONV_2D stride", lambda m: m.conv(image(m), 16, 3, 2, "RELU6"), [("conv2d", "4x3x16"), ("relu6", "4x3x16")]),
    *((name, partial(moved, name=name), [("opaque", "8x6x4"), ("opaque", "1x1x4")]) for name in MOVED),
    (
        "CUMSUM",
        lambda m: m.op("CUMSUM", [image(m), m.constant(1, shape=[])], (1, 8, 6, 12)),
        [("elementwise", "8x6x12")],
    ),
    ("REVERSE_V2", lambda m: m.op("REVERSE_V2", [image(m), m.constant(1)], (1, 8, 6, 12)), [("transpose", "8x6x12")]),
    (
        "REVERSE_SEQUENCE",
        lambda m: m.op("REVERSE_SEQUENCE", [image(m), m.constant(8)], (1, 8, 6, 12)),
        [("transpose", "8x6x12")],
    ),
    ("DENSIFY", sparse, [("conv2d", "8x6x12"), ("conv2d", "8x6x12")]),
    ("CONV_3D same", lambda m: volume(m, 0, 4, 4, 3), [("conv3d", "16x3x5")]),  # 4 slices of 4 x 3
    ("CONV_3D valid", lambda m: volume(m, 1, 2, 3, 2), [("conv3d", "6x2x5")]),  # (4 - 3) + 1, (8 - 3) // 2 + 1, ...
    ("L2_POOL_2D", lambda m: m.pool("L2_POOL_2D", image(m), 3, 2, "SAME"), [("avg_pool2d", "4x3x12")]),
    ("REDUCE_ANY", lambda m: reduce(m, "REDUCE_ANY", (3,), (1, 8, 6, 1)), [("reduce", "8x6x1")]),
    ("REDUCE_ALL", lambda m: reduce(m, "REDUCE_ALL", (3,), (1, 8, 6, 1)), [("reduce", "8x6x1")]),
    ("GATHER rows", lambda m: gathered(m, 0, 3, 5), [("crop", "3x6x12")]),
    ("GATHER rows again", lambda m: gathered(m, *([0] * 9)), [("opaque", "9x6x12")]),
    (
        "GATHER from a table",
        looked_up,
        [("constant", "1x1000x24"), ("flatten", "1x1x24000"), ("crop", "1x1x384"), ("reshape", "1x16x24")],
    ),
    (
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        lstm,
        [
            ("dense", "1x10x24"),
            ("crop", "1x10x6"),
            ("dense", "1x10x24"),
            ("add", "1x10x24"),
            ("sigmoid", "1x10x24"),
            ("crop", "1x10x6"),
            ("tanh", "1x10x6"),
        ],
    ),
    ("CONV_2D grouped", lambda m: m.conv(image(m), 16, 3, groups=4), [("conv2d", "8x6x16")]),
    (
        "DEPTHWISE_CONV_2D multiplier",
        lambda m: m.depthwise(image(m), multiplier=2, padding="VALID"),
        [("depthwise_conv2d", "6x4x24")],
    ),
    ("TRANSPOSE_CONV same", lambda m: transpose_conv(m, 10, 10, 3), [("transposed_conv2d", "10x10x9")]),
    ("TRANSPOSE_CONV valid", lambda m: transpose_conv(m, 11, 11, 3, "VALID"), [("transposed_conv2d", "11x11x9")]),
    ("TRANSPOSE_CONV odd", lambda m: transpose_conv(m, 9, 9, 3), [("transposed_conv2d", "9x9x9")]),
    ("TRANSPOSE_CONV small kernel", lambda m: transpose_conv(m, 10, 9, 1), [("transposed_conv2d", "10x9x9")]),
    ("FULLY_CONNECTED", lambda m: dense(m, (1, 20), 20, (1, 7)), [("dense", "1x1x7")]),
    (
        "FULLY_CONNECTED flattens",
        lambda m: dense(m, (1, 2, 3, 4), 24, (1, 7)),
        [("flatten", "1x1x24"), ("dense", "1x1x7")],
    ),
    ("FULLY_CONNECTED rows", lambda m: dense(m, (1, 10, 4), 4, (1, 10, 7)), [("dense", "1x10x7")]),
    ("FULLY_CONNECTED regroups", lambda m: dense(m, (1, 10, 4), 8, (5, 7)), [("reshape", "1x5x8"), ("dense", "1x5x7")]),
    ("BATCH_MATMUL", lambda m: matmul(m, (1, 3, 5, 4), (1, 3, 4, 6), (1, 3, 5, 6)), [("matmul", "3x5x6")]),
    (
        "BATCH_MATMUL adjoint",
        lambda m: matmul(m, (1, 3, 4, 5), (1, 3, 6, 4), (1, 3, 5, 6), AdjX=True, AdjY=True),
        [("transpose", "3x5x4"), ("matmul", "3x5x6")],
    ),
    (
        "BATCH_MATMUL by weights",
        lambda m: m.op("BATCH_MATMUL", [m.input(1, 5, 4), m.weights(4, 6)], (1, 5, 6)),
        [("dense", "1x5x6")],
    ),
    ("AVERAGE_POOL_2D", lambda m: m.pool("AVERAGE_POOL_2D", image(m), 3, 2, "SAME"), [("avg_pool2d", "4x3x12")]),
    ("MAX_POOL_2D", lambda m: m.pool("MAX_POOL_2D", image(m), 3, 2, "VALID"), [("max_pool2d", "3x2x12")]),
    ("MEAN map", lambda m: reduce(m, "MEAN", (1, 2), (1, 12)), [("global_avg_pool", "1x1x12")]),
    ("MEAN channels", lambda m: reduce(m, "MEAN", (-1,), (1, 8, 6)), [("reduce", "8x6x1"), ("reshape", "1x8x6")]),
    ("MEAN rows", lambda m: reduce(m, "MEAN", (1,), (1, 6, 12)), [("reduce", "1x6x12")]),
    ("MEAN of a batch of one", lambda m: reduce(m, "MEAN", (0,), (8, 6, 12)), []),
    ("REDUCE_MAX map", lambda m: reduce(m, "REDUCE_MAX", (1, 2), (1, 1, 1, 12)), [("global_max_pool", "1x1x12")]),
    ("REDUCE_MIN", lambda m: reduce(m, "REDUCE_MIN", (3,), (1, 8, 6, 1)), [("reduce", "8x6x1")]),
    ("REDUCE_PROD", lambda m: reduce(m, "REDUCE_PROD", (3,), (1, 8, 6, 1)), [("reduce", "8x6x1")]),
    ("SUM", lambda m: reduce(m, "SUM", (1, 2), (1, 1, 1, 12)), [("reduce", "1x1x12")]),
    ("ARG_MAX", lambda m: reduce(m, "ARG_MAX", (3,), (1, 8, 6)), [("reduce", "8x6x1"), ("reshape", "1x8x6")]),
    ("ARG_MIN", lambda m: reduce(m, "ARG_MIN", (-1,), (1, 8, 6)), [("reduce", "8x6x1"), ("reshape", "1x8x6")]),
    ("CONCATENATION", lambda m: concat(m, -1, (1, 8, 6, 2), (1, 8, 6, 3), out=(1, 8, 6, 5)), [("concat", "8x6x5")]),
    ("CONCATENATION of boxes", lambda m: concat(m, 1, (1, 20, 4), (1, 7, 4), out=(1, 27, 4)), [("concat", "1x27x4")]),
    ("CONCATENATION of rows", lambda m: concat(m, 0, (1, 4), (1, 4), out=(2, 4)), [("concat", "1x2x4")]),
    ("PACK", packed, [("concat", "1x1x10"), ("reshape", "1x2x5")]),
    ("UNPACK", unpacked, [("split", "4x1x5"), ("split", "4x1x5"), ("reshape", "1x4x5"), ("reshape", "1x4x5")]),
    ("SPLIT", splits, [("split", "4x6x12"), ("split", "4x6x12")]),
    ("SPLIT_V", splits_v, [("split", "8x6x2"), ("split", "8x6x10")]),
    (
        "SLICE",
        lambda m: m.op("SLICE", [image(m), m.constant(0, 1, 2, 0), m.constant(1, 3, -1, 12)], (1, 3, 4, 12)),
        [("crop", "3x4x12")],
    ),
    (
        "SLICE of everything",
        lambda m: m.op("SLICE", [image(m), m.constant(0, 0, 0, 0), m.constant(-1, -1, -1, -1)], (1, 8, 6, 12)),
        [],
    ),
    (
        "STRIDED_SLICE",
        lambda m: strided(m, (0, 1, 0, 0), (1, 8, 6, 12), (1, 2, 1, 1), (1, 4, 6, 12)),
        [("crop", "4x6x12")],
    ),  # rows 1, 3, 5, 7
    (
        "STRIDED_SLICE masks",
        lambda m: strided(m, (0, 0, 2), (0, 0, 0), (1, 1, 1), (1, 8, 4, 12), BeginMask=3, EndMask=7),
        [("crop", "8x4x12")],
    ),
    (
        "STRIDED_SLICE of one row",
        lambda m: strided(m, (0, -1), (0, 0), (1, 1), (1, 6, 12), BeginMask=1, EndMask=1, ShrinkAxisMask=2),
        [("crop", "1x6x12")],
    ),
    ("PAD", lambda m: m.pad(image(m), 0, 0, 1, 2, 3, 4, 0, 0), [("pad", "11x13x12")]),
    ("PAD channels", lambda m: m.pad(image(m), 0, 0, 0, 0, 0, 0, 0, 4), [("pad", "8x6x16")]),
    (
        "MIRROR_PAD",
        lambda m: m.conv(m.pad(image(m), 0, 0, 1, 1, 1, 1, 0, 0, name="MIRROR_PAD"), 4, 3, padding="VALID"),
        [("pad", "10x8x12"), ("conv2d", "8x6x4")],
    ),
    ("PAD folded", folded, [("conv2d", "4x3x16")]),
    ("PAD folded, depthwise", lambda m: folded(m, then="depthwise"), [("depthwise_conv2d", "4x3x12")]),
    ("PADV2 zero", lambda m: folded(m, value=0.0), [("conv2d", "4x3x16")]),
    ("PADV2 not zero", lambda m: folded(m, value=1.0), [("pad", "9x7x12"), ("conv2d", "4x3x16")]),
    ("PAD before a maximum", lambda m: folded(m, then="pool"), [("max_pool2d", "4x3x12")]),
    ("RESIZE_BILINEAR", lambda m: resized(m, "RESIZE_BILINEAR"), [("resize", "16x18x12")]),
    ("RESIZE_NEAREST_NEIGHBOR", lambda m: resized(m, "RESIZE_NEAREST_NEIGHBOR"), [("resize", "16x18x12")]),
    ("RESHAPE", lambda m: m.reshape(image(m), 1, 48, 12), [("reshape", "1x48x12")]),
    ("RESHAPE flattens", lambda m: m.reshape(image(m), 1, 576), [("flatten", "1x1x576")]),
    (
        "RESHAPE open",
        lambda m: m.op("RESHAPE", [image(m), m.constant(1, -1, 4)], (1, 144, 4)),
        [("reshape", "1x144x4")],
    ),
    (
        "RESHAPE by option",
        lambda m: m.op("RESHAPE", [image(m)], (1, 48, 12), kind="ReshapeOptions", NewShape=[1, -1, 12]),
        [("reshape", "1x48x12")],
    ),
    ("RESHAPE computed", computed_shape, [("flatten", "1x1x576")]),
    ("SQUEEZE", lambda m: m.op("SQUEEZE", [image(m, 1, 1, 1, 9)], (1, 9), kind="SqueezeOptions"), []),
    (
        "EXPAND_DIMS",
        lambda m: m.op("EXPAND_DIMS", [image(m), m.constant(-1)], (1, 8, 6, 12, 1)),
        [("reshape", "48x12x1")],
    ),
    ("TRANSPOSE", lambda m: m.transpose(image(m), 0, 3, 1, 2), [("transpose", "12x8x6")]),
    ("TRANSPOSE of a vector", lambda m: m.transpose(image(m, 1, 1, 1, 9), 0, 3, 1, 2), [("reshape", "9x1x1")]),
    ("TILE", lambda m: m.op("TILE", [image(m), m.constant(1, 2, 1, 1)], (1, 16, 6, 12)), [("tile", "16x6x12")]),
    (
        "BROADCAST_TO",
        lambda m: m.op("BROADCAST_TO", [image(m, 1, 1, 1, 9), m.constant(1, 2, 3, 9)], (1, 2, 3, 9)),
        [("tile", "2x3x9")],
    ),
    ("DEPTH_TO_SPACE", lambda m: block(m, "DEPTH_TO_SPACE", (1, 16, 12, 3)), [("depth_to_space", "16x12x3")]),
    ("SPACE_TO_DEPTH", lambda m: block(m, "SPACE_TO_DEPTH", (1, 4, 3, 48)), [("space_to_depth", "4x3x48")]),
    (
        "L2_NORMALIZATION",
        lambda m: m.op("L2_NORMALIZATION", [image(m)], (1, 8, 6, 12), kind="L2NormOptions"),
        [("layer_norm", "8x6x12")],
    ),
    (
        "LOCAL_RESPONSE_NORMALIZATION",
        lambda m: m.op(
            "LOCAL_RESPONSE_NORMALIZATION",
            [image(m)],
            (1, 8, 6, 12),
            kind="LocalResponseNormalizationOptions",
            Radius=2,
        ),
        [("lrn", "8x6x12")],
    ),
    (
        "QUANTIZE, DEQUANTIZE at the ends",
        lambda m: m.op(
            "DEQUANTIZE", [m.op("RELU", [m.op("QUANTIZE", [image(m)], (1, 8, 6, 12))], (1, 8, 6, 12))], (1, 8, 6, 12)
        ),
        [("relu", "8x6x12")],
    ),
    (
        "QUANTIZE in between",
        lambda m: m.op(
            "RELU", [m.op("QUANTIZE", [m.op("TANH", [image(m)], (1, 8, 6, 12))], (1, 8, 6, 12))], (1, 8, 6, 12)
        ),
        [("tanh", "8x6x12"), ("elementwise", "8x6x12"), ("relu", "8x6x12")],
    ),
    ("float16 weights", half_weights, [("conv2d", "8x6x16")]),
    ("SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND", dilated, [("conv2d", "8x8x7"), ("relu", "8x8x7")]),
    ("dilation, depthwise", lambda m: dilated(m, depthwise=True), [("depthwise_conv2d", "8x8x4"), ("relu", "8x8x4")]),
    ("dilation, VALID", lambda m: dilated(m, pad=0), [("conv2d", "4x4x7"), ("relu", "4x4x7")]),
    (
        "dilation, cropped",
        lambda m: dilated(m, pad=1, crop=1),
        [("conv2d", "5x5x7"), ("relu", "5x5x7")],
    ),  # 8 + 2 - 1 - 4
    ("swish", pattern_swish, [("swish", "8x6x12")]),
    ("hard swish, product last", lambda m: hard_swish(m, scale_first=True), [("hard_swish", "8x6x12")]),
    ("hard swish, factor last", hard_swish, [("hard_swish", "8x6x12")]),
    ("hard swish, divided", lambda m: hard_swish(m, divide=True), [("hard_swish", "8x6x12")]),
    ("hard swish, ReLU6 of its own", lambda m: hard_swish(m, relu6=True), [("hard_swish", "8x6x12")]),
    ("hard sigmoid", lambda m: m.hard_sigmoid(image(m)), [("hard_sigmoid", "8x6x12")]),
    ("channel shuffle", shuffle, [("channel_shuffle", "8x6x12")]),
    (
        "no shuffle",
        lambda m: shuffle(m, (0, 2, 1, 3, 4)),
        [("reshape", "48x3x4"), ("transpose", "48x3x4"), ("reshape", "8x6x12")],
    ),
]
