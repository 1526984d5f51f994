"""From the file's operators to layers: the table of converters, and what becomes of operators that are not in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

from mbcost.errors import InputError, Problem, fail
from mbcost.importers.imported import INPUT
from mbcost.importers.tflite import elementwise, movement, patterns, products, recurrent, traffic
from mbcost.importers.tflite.control import MAX_TURNS
from mbcost.importers.tflite.flatbuffer import DamagedError
from mbcost.importers.tflite.model import Model, Node
from mbcost.importers.tflite.network import Network, UnsupportedError, Value, plain
from mbcost.operators import (
    Add,
    AvgPool2d,
    DepthToSpace,
    Divide,
    Elementwise,
    HardSwish,
    LayerNorm,
    LogSoftmax,
    Maximum,
    MaxPool2d,
    Minimum,
    Multiply,
    Opaque,
    OperatorError,
    Relu,
    Relu6,
    Scale,
    Shift,
    Sigmoid,
    Softmax,
    SpaceToDepth,
    Subtract,
    Tanh,
)
from mbcost.operators.activation import Elu, Gelu
from mbcost.words import Unsupported

Converter: TypeAlias = Callable[[Network, Node], Value | list[Value]]
Pattern: TypeAlias = Callable[[Network, Node], bool]


def _across_the_batch(_net: Network, _node: Node) -> Value:
    """What is not around a convolution, where it would mean a dilation."""
    raise UnsupportedError("moves pixels to the batch without a VALID convolution of stride 1 in between")


_ANY_FUNCTION: Final = elementwise.function(Elementwise())
_DIFFERENCE: Final = elementwise.arithmetic(Subtract(), lambda _: Elementwise())

#: operator -> what makes its layers
CONVERTERS: Final[dict[str, Converter]] = {
    # products
    "CONV_2D": products.convolution,
    "DEPTHWISE_CONV_2D": products.convolution,
    "TRANSPOSE_CONV": products.transposed_convolution,
    "CONV_3D": products.volume_convolution,
    "FULLY_CONNECTED": products.fully_connected,
    "BATCH_MATMUL": products.batch_matmul,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": recurrent.lstm,
    # pooling and reductions
    "AVERAGE_POOL_2D": elementwise.pool(AvgPool2d),
    "MAX_POOL_2D": elementwise.pool(MaxPool2d),
    "L2_POOL_2D": elementwise.pool(AvgPool2d),
    "MEAN": elementwise.mean,
    "REDUCE_MAX": elementwise.maximum,
    "REDUCE_MIN": elementwise.total,
    "REDUCE_PROD": elementwise.total,
    "SUM": elementwise.total,
    "ARG_MAX": elementwise.total,
    "ARG_MIN": elementwise.total,
    "REDUCE_ANY": elementwise.total,
    "REDUCE_ALL": elementwise.total,
    # arithmetic
    "ADD": elementwise.arithmetic(Add(), Shift),
    "ADD_N": elementwise.arithmetic(Add(), Shift),
    "SUB": elementwise.arithmetic(Subtract(), Shift),
    "MUL": elementwise.arithmetic(Multiply(), Scale),
    "DIV": elementwise.arithmetic(Divide(), Scale),
    "MAXIMUM": elementwise.arithmetic(Maximum(), lambda _: Elementwise()),
    "MINIMUM": elementwise.arithmetic(Minimum(), lambda _: Elementwise()),
    # a comparison is a difference whose sign is kept
    "SQUARED_DIFFERENCE": _DIFFERENCE,
    "EQUAL": _DIFFERENCE,
    "NOT_EQUAL": _DIFFERENCE,
    "GREATER": _DIFFERENCE,
    "GREATER_EQUAL": _DIFFERENCE,
    "LESS": _DIFFERENCE,
    "LESS_EQUAL": _DIFFERENCE,
    "LOGICAL_AND": _DIFFERENCE,
    "LOGICAL_OR": _DIFFERENCE,
    "FLOOR_DIV": elementwise.arithmetic(Divide(), lambda _: Elementwise()),
    "FLOOR_MOD": elementwise.arithmetic(Divide(), lambda _: Elementwise()),
    "POW": elementwise.arithmetic(Multiply(), lambda _: Elementwise()),
    "ATAN2": elementwise.arithmetic(Divide(), lambda _: Elementwise()),
    # functions of every element; a clamp is a clamp, whatever its bounds
    "RELU": elementwise.function(Relu()),
    "RELU6": elementwise.function(Relu6()),
    "RELU_N1_TO_1": elementwise.function(Relu6()),
    "RELU_0_TO_1": elementwise.function(Relu6()),
    "LEAKY_RELU": elementwise.leaky_relu,
    "PRELU": elementwise.prelu,
    "ELU": elementwise.function(Elu()),
    "LOGISTIC": elementwise.function(Sigmoid()),
    "TANH": elementwise.function(Tanh()),
    "HARD_SWISH": elementwise.function(HardSwish()),
    "GELU": elementwise.function(Gelu()),
    "QUANTIZE": elementwise.conversion,
    "DEQUANTIZE": elementwise.conversion,
    "CAST": _ANY_FUNCTION,
    "LOGICAL_NOT": _ANY_FUNCTION,
    "CUMSUM": elementwise.first,
    "ABS": _ANY_FUNCTION,
    "CEIL": _ANY_FUNCTION,
    "COS": _ANY_FUNCTION,
    "EXP": _ANY_FUNCTION,
    "FLOOR": _ANY_FUNCTION,
    "LOG": _ANY_FUNCTION,
    "NEG": _ANY_FUNCTION,
    "ROUND": _ANY_FUNCTION,
    "RSQRT": _ANY_FUNCTION,
    "SIGN": _ANY_FUNCTION,
    "SIN": _ANY_FUNCTION,
    "SQRT": _ANY_FUNCTION,
    "SQUARE": _ANY_FUNCTION,
    # normalisations
    "SOFTMAX": elementwise.function(Softmax()),
    "LOG_SOFTMAX": elementwise.function(LogSoftmax()),
    "L2_NORMALIZATION": elementwise.function(LayerNorm(affine=False)),
    "LOCAL_RESPONSE_NORMALIZATION": elementwise.local_response_norm,
    # movement
    "CONCATENATION": movement.concatenation,
    "PACK": movement.pack,
    "SPLIT": movement.split,
    "SPLIT_V": movement.split_v,
    "UNPACK": movement.unpack,
    "SLICE": movement.slice_,
    "STRIDED_SLICE": movement.strided_slice,
    "PAD": movement.pad,
    "PADV2": movement.pad,
    "MIRROR_PAD": movement.pad,
    "RESIZE_BILINEAR": movement.resize("bilinear"),
    "RESIZE_NEAREST_NEIGHBOR": movement.resize("nearest"),
    "RESHAPE": movement.reshape,
    "SQUEEZE": movement.same_elements,
    "EXPAND_DIMS": movement.same_elements,
    "TRANSPOSE": movement.transpose,
    "TILE": movement.tile,
    "BROADCAST_TO": movement.tile,
    "DEPTH_TO_SPACE": elementwise.spatial_block(DepthToSpace),
    "SPACE_TO_DEPTH": elementwise.spatial_block(SpaceToDepth),
    "SPACE_TO_BATCH_ND": _across_the_batch,
    "BATCH_TO_SPACE_ND": _across_the_batch,
    "GATHER": traffic.gather,
    "REVERSE_V2": movement.reordered,
    "REVERSE_SEQUENCE": movement.reordered,
    # what is known, but has no arithmetic here: charged by its traffic, and said
    **dict.fromkeys(traffic.OPERATORS, traffic.charged),
    "READ_VARIABLE": traffic.read_variable,
    "ASSIGN_VARIABLE": traffic.assign_variable,
    # always of constants: weights that are stored as their elements beside zero
    "DENSIFY": traffic.charged,
}

#: custom operator -> what makes its layers
CUSTOM: Final[dict[str, Converter]] = {
    "TFLite_Detection_PostProcess": traffic.detections,
    "Convolution2DTransposeBias": products.transposed_convolution_with_bias,
}

#: operator -> patterns that may begin with it, tried before its converter
PATTERNS: Final[dict[str, tuple[Pattern, ...]]] = {
    "ADD": (patterns.hard_function,),
    "MUL": (patterns.batch_norm,),
    "LOGISTIC": (patterns.swish,),
    "RESHAPE": (patterns.channel_shuffle,),
    "SPACE_TO_BATCH_ND": (patterns.dilation,),
    "PAD": (patterns.folded_padding,),
    "PADV2": (patterns.folded_padding,),
}

#: Operators whose result follows from shapes, which are constants here.
_OF_SHAPES: Final = frozenset({"SHAPE", "RANK"})
#: Operators that take no time in an inference: a variable's name, and what runs before the first inference alone.
_ONCE: Final = frozenset({"VAR_HANDLE", "CALL_ONCE"})
#: Control flow that is left where the network decides -> what that is, and what an estimate makes of it.
_DECIDED: Final = {
    "IF": ("which branch runs is computed by the network", "takes its first branch"),
    "WHILE": (
        f"how often its body runs is computed by the network, or more than {MAX_TURNS} times",
        "counts one turn of its body",
    ),
}


def convert(model: Model, unsupported: Unsupported) -> Network:
    """The layers of a file's main subgraph.

    Raises
    ------
    InputError
        MB501 for every unknown operator unless they are to be estimated, MB502 for a dynamic dimension of an input,
        MB503 if the file contradicts itself, MB504 for what mbcost does not model.
    """
    _refuse(model, unsupported)
    net = _with_inputs(model)
    for node in model.nodes:
        if node.index not in net.done:
            with _located(model, node):
                _convert(net, node, unsupported)
    return net


def _refuse(model: Model, unsupported: Unsupported) -> None:
    flows: dict[str, list[Node]] = {}
    unknown: dict[str, list[Node]] = {}
    for node in model.nodes:
        if node.name in _DECIDED and not node.custom:
            flows.setdefault(node.name, []).append(node)
        elif unsupported == "refuse" and not _is_known(node):
            unknown.setdefault(node.name, []).append(node)
    until = "`until=TENSOR` ends the network before it"
    problems = [
        Problem(
            "MB504",
            f"{_label(model, nodes)} is control flow: {_DECIDED[name][0]}",
            hint=f'`unsupported="estimate"` {_DECIDED[name][1]} and says so; {until}',
        )
        for name, nodes in flows.items()
    ]
    problems += [
        Problem(
            "MB501",
            f"{_label(model, nodes)} is not known to mbcost",
            hint=f'`unsupported="estimate"` charges its traffic and says so; {until}',
        )
        for nodes in unknown.values()
    ]
    if problems:
        raise InputError(problems)


def _label(model: Model, nodes: list[Node]) -> str:
    """An operator, with how many more of its kind there are."""
    return model.label(nodes[0]) + (f", with {len(nodes) - 1} more of its kind," if len(nodes) > 1 else "")


def _is_known(node: Node) -> bool:
    if node.custom:
        return node.name in CUSTOM
    return node.name in CONVERTERS or node.name in _OF_SHAPES or node.name in _ONCE


def _with_inputs(model: Model) -> Network:
    """A network that has its inputs and no layer yet: the first map among them is the image."""
    inputs = model.inputs
    if not inputs:
        fail("MB504", f"{model.path} has no input")
    image = next((tensor for tensor in inputs if len(model.tensors[tensor].shape) == 4), inputs[0])
    dims = model.tensors[image].shape
    net = Network(model, dims[0] if len(dims) > 3 else 1)
    if net.batch > 1:
        net.notes[f"the stated batch is {net.batch}"] = None
    net.values[image] = Value(INPUT, net.file_shape(image))
    for tensor in inputs:
        if tensor != image:
            net.values[tensor] = net.add_input(tensor)
    return net


@contextmanager
def _located(model: Model, node: Node) -> Iterator[None]:
    """Give errors of an operator its name, its number and its file."""
    try:
        yield
    except (DamagedError, OperatorError) as error:
        fail("MB503", f"{model.label(node)}: {error}")
    except UnsupportedError as error:
        hint = '`unsupported="estimate"` charges its traffic and says so; `until=TENSOR` ends the network before it'
        fail("MB504", f"{model.label(node)} {error}", hint=hint)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        # a converter reads what the operator's specification promises; what breaks the promise is damage
        fail("MB503", f"{model.label(node)}: its options or inputs are not those of the operator")


def _convert(net: Network, node: Node, unsupported: Unsupported) -> None:
    """The layers of one operator, or of the pattern that begins with it."""
    if not _is_known(node):
        net.bind(node, *_estimated(net, node))
        return
    tensors = [tensor for tensor in node.inputs if tensor >= 0]
    if not node.custom and node.name in _ONCE:
        return
    if node.name in _OF_SHAPES or (tensors and all(net.is_constant(tensor) for tensor in tensors)):
        net.computed_once.update(node.outputs)
        return
    if any(pattern(net, node) for pattern in PATTERNS.get(node.name, ())):
        return
    before = len(net.layers)
    try:
        result = (CUSTOM if node.custom else CONVERTERS)[node.name](net, node)
        _check_read(net, node, [result] if isinstance(result, Value) else result, before)
    except UnsupportedError:
        if unsupported == "refuse":
            raise
        net.bind(node, *_estimated(net, node))
        return
    values: Sequence[Value] = [result] if isinstance(result, Value) else result
    net.bind(node, *(net.activated(node, value) for value in values[:1]), *values[1:])


def _check_read(net: Network, node: Node, results: Sequence[Value], before: int) -> None:
    """Raise if an operator's layers read nothing of an operand that the network computes: it would vanish."""
    read = {source for layer in net.layers[before:] for source in layer.inputs} | {value.name for value in results}
    for place, tensor in enumerate(node.inputs):
        value = net.values.get(tensor)
        if value is not None and value.name in net.operators and value.name not in read:
            raise UnsupportedError(f"has input {place} computed by the network, which is modelled for constants only")


def _estimated(net: Network, node: Node) -> list[Value]:
    """Layers in place of an unknown operator: the first output is charged with all inputs, the others with that one."""
    unknown = "not known" if not _is_known(node) else "not modelled in this form"
    net.notes[f"{node.name} is {unknown}: charged by its traffic, so that the MACs are at least these"] = None
    inputs = tuple(net.value(tensor) for tensor in node.inputs if tensor >= 0)
    if not inputs:
        raise UnsupportedError("is not known and reads nothing, so that its traffic says nothing")
    values: list[Value] = []
    for tensor in node.outputs:
        values.append(net.layer(node, Opaque(plain(net.file_shape(tensor))), *(values[:1] or inputs)))
    return values
