"""The part of TensorFlow Lite's schema that the importer reads and the exporter writes.

Source: tensorflow/lite/schema/schema.fbs (version 3a). A field's number is its place in the schema's table; a union
takes two (its type and its value). A test compares this page with the code that flatc generates from the schema.
"""

from __future__ import annotations

from typing import Final

from mbcost.importers.tflite.flatbuffer import Schema, Slot

#: Bytes 4 to 7 of every file (``file_identifier``).
IDENTIFIER: Final = b"TFL3"

_ACTIVATION: Final = "fused_activation_function"


def _window(first: int) -> dict[str, Slot]:
    """Padding and strides, with which the options of every sliding window begin; then the activation."""
    return {
        "padding": Slot(0, "byte"),
        "stride_w": Slot(1, "int"),
        "stride_h": Slot(2, "int"),
        _ACTIVATION: Slot(first, "byte"),
    }


#: table -> field -> where it is. Fields that nobody reads or writes are left out.
SCHEMA: Final[Schema] = {
    "Model": {
        "version": Slot(0, "uint"),
        "operator_codes": Slot(1, "[OperatorCode]"),
        "subgraphs": Slot(2, "[SubGraph]"),
        "description": Slot(3, "string"),
        "buffers": Slot(4, "[Buffer]"),
        "signature_defs": Slot(7, "[SignatureDef]"),
    },
    "SignatureDef": {"signature_key": Slot(2, "string"), "subgraph_index": Slot(4, "uint")},
    "OperatorCode": {
        "deprecated_builtin_code": Slot(0, "byte"),
        "custom_code": Slot(1, "string"),
        "version": Slot(2, "int", 1),
        "builtin_code": Slot(3, "int"),
    },
    "SubGraph": {
        "tensors": Slot(0, "[Tensor]"),
        "inputs": Slot(1, "[int]"),
        "outputs": Slot(2, "[int]"),
        "operators": Slot(3, "[Operator]"),
        "name": Slot(4, "string"),
    },
    "Tensor": {
        "shape": Slot(0, "[int]"),
        "type": Slot(1, "byte"),
        "buffer": Slot(2, "uint"),
        "name": Slot(3, "string"),
        "quantization": Slot(4, "QuantizationParameters"),
        "shape_signature": Slot(7, "[int]"),
    },
    "QuantizationParameters": {
        "scale": Slot(2, "[float]"),
        "zero_point": Slot(3, "[long]"),
        "quantized_dimension": Slot(6, "int"),
    },
    "Operator": {
        "opcode_index": Slot(0, "uint"),
        "inputs": Slot(1, "[int]"),
        "outputs": Slot(2, "[int]"),
        "builtin_options_type": Slot(3, "ubyte"),
        "builtin_options": Slot(4, "union"),
        "custom_options": Slot(5, "[ubyte]"),
    },
    "Buffer": {"data": Slot(0, "[ubyte]"), "offset": Slot(1, "ulong"), "size": Slot(2, "ulong")},
    "Conv2DOptions": {
        **_window(3),
        "dilation_w_factor": Slot(4, "int", 1),
        "dilation_h_factor": Slot(5, "int", 1),
    },
    "DepthwiseConv2DOptions": {
        **_window(4),
        "depth_multiplier": Slot(3, "int"),
        "dilation_w_factor": Slot(5, "int", 1),
        "dilation_h_factor": Slot(6, "int", 1),
    },
    "TransposeConvOptions": _window(3),
    "Conv3DOptions": {
        "padding": Slot(0, "byte"),
        "stride_d": Slot(1, "int"),
        "stride_w": Slot(2, "int"),
        "stride_h": Slot(3, "int"),
        _ACTIVATION: Slot(4, "byte"),
        "dilation_d_factor": Slot(5, "int", 1),
        "dilation_w_factor": Slot(6, "int", 1),
        "dilation_h_factor": Slot(7, "int", 1),
    },
    "GatherOptions": {"axis": Slot(0, "int"), "batch_dims": Slot(1, "int")},
    "UnidirectionalSequenceLSTMOptions": {_ACTIVATION: Slot(0, "byte"), "time_major": Slot(3, "bool")},
    "Pool2DOptions": {**_window(5), "filter_width": Slot(3, "int"), "filter_height": Slot(4, "int")},
    "FullyConnectedOptions": {_ACTIVATION: Slot(0, "byte"), "keep_num_dims": Slot(2, "bool")},
    "SoftmaxOptions": {"beta": Slot(0, "float")},
    "GeluOptions": {"approximate": Slot(0, "bool")},
    "ResizeBilinearOptions": {"half_pixel_centers": Slot(3, "bool")},
    "ResizeNearestNeighborOptions": {"half_pixel_centers": Slot(1, "bool")},
    "ReducerOptions": {"keep_dims": Slot(0, "bool")},
    "SqueezeOptions": {"squeeze_dims": Slot(0, "[int]")},
    "PackOptions": {"values_count": Slot(0, "int"), "axis": Slot(1, "int")},
    "BatchMatMulOptions": {"adj_x": Slot(0, "bool"), "adj_y": Slot(1, "bool")},
    "AddOptions": {_ACTIVATION: Slot(0, "byte")},
    "SubOptions": {_ACTIVATION: Slot(0, "byte")},
    "MulOptions": {_ACTIVATION: Slot(0, "byte")},
    "DivOptions": {_ACTIVATION: Slot(0, "byte")},
    "ConcatenationOptions": {"axis": Slot(0, "int"), _ACTIVATION: Slot(1, "byte")},
    "SplitOptions": {"num_splits": Slot(0, "int")},
    "StridedSliceOptions": {
        "begin_mask": Slot(0, "int"),
        "end_mask": Slot(1, "int"),
        "ellipsis_mask": Slot(2, "int"),
        "new_axis_mask": Slot(3, "int"),
        "shrink_axis_mask": Slot(4, "int"),
        "offset": Slot(5, "bool"),
    },
    "UnpackOptions": {"num": Slot(0, "int"), "axis": Slot(1, "int")},
    "ReshapeOptions": {"new_shape": Slot(0, "[int]")},
    "L2NormOptions": {_ACTIVATION: Slot(0, "byte")},
    "LocalResponseNormalizationOptions": {
        "radius": Slot(0, "int"),
        "bias": Slot(1, "float"),
        "alpha": Slot(2, "float"),
        "beta": Slot(3, "float"),
    },
    "LeakyReluOptions": {"alpha": Slot(0, "float")},
    "DepthToSpaceOptions": {"block_size": Slot(0, "int")},
    "SpaceToDepthOptions": {"block_size": Slot(0, "int")},
    "IfOptions": {"then_subgraph_index": Slot(0, "int"), "else_subgraph_index": Slot(1, "int")},
    "WhileOptions": {"cond_subgraph_index": Slot(0, "int"), "body_subgraph_index": Slot(1, "int")},
    "CallOptions": {"subgraph": Slot(0, "uint")},
}

#: operator -> table of its options
OPTIONS: Final = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "DIV": "DivOptions",
    "CONCATENATION": "ConcatenationOptions",
    "SPLIT": "SplitOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "RESHAPE": "ReshapeOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "LOCAL_RESPONSE_NORMALIZATION": "LocalResponseNormalizationOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "CONV_3D": "Conv3DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    **dict.fromkeys(
        ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ANY", "REDUCE_ALL"), "ReducerOptions"
    ),
    "SOFTMAX": "SoftmaxOptions",
    "GELU": "GeluOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "SQUEEZE": "SqueezeOptions",
    "PACK": "PackOptions",
    "UNPACK": "UnpackOptions",
    "GATHER": "GatherOptions",
    "IF": "IfOptions",
    "WHILE": "WhileOptions",
    "CALL": "CallOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
}

#: ``Padding``: number -> name
PADDINGS: Final = ("same", "valid")

#: ``ActivationFunctionType``: number -> name
ACTIVATIONS: Final = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")

#: ``TensorType``: number -> (name, code of the struct module; "" where no number is ever read)
TENSOR_TYPES: Final = (
    ("FLOAT32", "f"),
    ("FLOAT16", "e"),
    ("INT32", "i"),
    ("UINT8", "B"),
    ("INT64", "q"),
    ("STRING", ""),
    ("BOOL", "?"),
    ("INT16", "h"),
    ("COMPLEX64", ""),
    ("INT8", "b"),
    ("FLOAT64", "d"),
    ("COMPLEX128", ""),
    ("UINT64", "Q"),
    ("RESOURCE", ""),
    ("VARIANT", ""),
    ("UINT32", "I"),
    ("UINT16", "H"),
    ("INT4", ""),
    ("BFLOAT16", ""),
)

_BUILTIN_OPERATORS: Final = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION
LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH
CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD
RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N
GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE
HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE
STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE
STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM
STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT
STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE
STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW
STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR
REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT
"""

#: ``BuiltinOperator``: number -> name
BUILTIN_OPERATORS: Final = tuple(_BUILTIN_OPERATORS.split())
