"""Several operators of a file that are one operator: activations, dilations and shuffles that a converter took apart.

A pattern is tried on its first operator. It matches only where nobody else reads what is in between; then it makes the
layers, binds the last operator's output and returns true.
"""

from __future__ import annotations

import math
from typing import Final

from mbcost.graph.counting import FOLDS_NORM
from mbcost.importers.tflite.model import Node
from mbcost.importers.tflite.movement import spatial_margins
from mbcost.importers.tflite.network import Network
from mbcost.importers.tflite.products import convolve, padding, stride
from mbcost.importers.tflite.schema import ACTIVATIONS
from mbcost.operators import BatchNorm, ChannelShuffle, Explicit, HardSigmoid, HardSwish, Operator, Swish

_CONVOLUTIONS: Final = ("CONV_2D", "DEPTHWISE_CONV_2D")
_WINDOWS: Final = (*_CONVOLUTIONS, "MAX_POOL_2D", "AVERAGE_POOL_2D")
_RELU6: Final = ACTIVATIONS.index("RELU6")
#: How far a constant may be from 3 or 1/6 [relative]: half a step of int8.
_TOLERANCE: Final = 0.01
_SHUFFLE: Final = (0, 1, 2, 4, 3)


def swish(net: Network, node: Node) -> bool:
    """``x * sigmoid(x)``, from LOGISTIC on."""
    x = net.operand(node, 0)
    product = net.next(node, "MUL")
    if product is None or not _multiplies(product, node.outputs[0], x):
        return False
    return _replace(net, Swish(), x, node, product)


def hard_function(net: Network, node: Node) -> bool:
    """``relu6(x + 3) / 6`` and ``x * relu6(x + 3) / 6``, from ADD on, the last two factors in either order."""
    x = _operand_beside(net, node, 3.0)
    if x is None or node.activation not in (0, _RELU6):
        return False
    clipped = node if node.activation else net.next(node, "RELU6")
    factor = net.next(clipped, "MUL", "DIV") if clipped is not None else None
    if clipped is None or factor is None:
        return False
    last = net.next(factor, "MUL", "DIV") if not factor.activation else None
    if _is_a_sixth(net, factor):
        if last is not None and _multiplies(last, factor.outputs[0], x):
            return _replace(net, HardSwish(), x, node, clipped, factor, last)
        return _replace(net, HardSigmoid(), x, node, clipped, factor)
    if last is not None and _multiplies(factor, clipped.outputs[0], x) and _is_a_sixth(net, last):
        return _replace(net, HardSwish(), x, node, clipped, factor, last)
    return False


def batch_norm(net: Network, node: Node) -> bool:
    """MUL and ADD with a constant a channel each: a batch norm that has no convolution before it to be folded into.

    After a convolution they stay what they are: a converter that could have folded them did not, so they run.
    """
    x, shift = _beside_a_vector(net, node), net.next(node, "ADD")
    if x is None or shift is None or node.activation or _beside_a_vector(net, shift) != node.outputs[0]:
        return False
    value = net.value(x)
    if isinstance(net.operators.get(value.name), FOLDS_NORM):
        return False
    (scale,) = (tensor for tensor in node.inputs if tensor != x)
    net.bind(shift, net.activated(shift, net.layer(shift, BatchNorm(), value, weights=scale)))
    net.done.update((node.index, shift.index))
    return True


def channel_shuffle(net: Network, node: Node) -> bool:
    """RESHAPE to groups, TRANSPOSE, RESHAPE back (Zhang et al. 2017, arXiv:1707.01083, section 3.1)."""
    x, swap = net.operand(node, 0), net.next(node, "TRANSPOSE")
    back = net.next(swap, "RESHAPE") if swap is not None else None
    if swap is None or back is None or net.integers(swap, 1) != _SHUFFLE:
        return False
    dims, grouped = net.dims(x), net.dims(node.outputs[0])
    if len(dims) != 4:
        return False
    groups, rest = grouped[-2:] if len(grouped) == len(_SHUFFLE) else (0, 0)
    if net.dims(back.outputs[0]) != dims or grouped[:3] != dims[:3] or groups * rest != dims[-1]:
        return False
    return _replace(net, ChannelShuffle(groups), x, node, swap, back)


def dilation(net: Network, node: Node) -> bool:
    """SPACE_TO_BATCH_ND, a VALID convolution of stride 1, BATCH_TO_SPACE_ND: one dilated convolution."""
    conv = net.next(node, *_CONVOLUTIONS)
    back = net.next(conv, "BATCH_TO_SPACE_ND") if conv is not None else None
    if conv is None or back is None or stride(conv) != (1, 1) or padding(conv) != "valid":
        return False
    block, margins = net.integers(node, 1), net.integers(node, 2)
    crops = net.integers(back, 2)
    if len(block) != 2 or len(margins) != 4 or len(crops) != 4 or net.integers(back, 1) != block:
        return False
    x = net.input(node)
    around = Explicit(*(margin - crop for margin, crop in zip(margins, crops, strict=True)))
    same = net.file_shape(back.outputs[0])[:2] == x.shape[:2]
    y = convolve(net, conv, x, "same" if same else around, (block[0], block[1]))
    net.bind(back, net.activated(conv, y))
    net.done.update((conv.index, back.index))
    return True


def folded_padding(net: Network, node: Node) -> bool:
    """PAD or PADV2 with zeros, read by VALID convolutions and poolings only: it is their explicit padding."""
    tensor = node.outputs[0]
    readers = net.model.readers.get(tensor, [])
    if not readers or tensor in net.model.outputs or tensor in net.values:
        return False
    if not all(r.name in _WINDOWS and r.inputs[0] == tensor and padding(r) == "valid" for r in readers):
        return False
    if net.has_operand(node, 2) and net.model.number(node.inputs[2]) != 0:
        return False
    around, channels = spatial_margins(net, node)
    if channels != (0, 0) or len(net.dims(tensor)) != 4:
        return False
    net.values[tensor] = net.input(node)
    net.padding[tensor] = around
    return True


def _replace(net: Network, operator: Operator, x: int, *nodes: Node) -> bool:
    """One layer, named after the last of the operators that it stands for, and with that one's activation."""
    last = nodes[-1]
    net.bind(last, net.activated(last, net.layer(last, operator, net.value(x))))
    net.done.update(node.index for node in nodes)
    return True


def _multiplies(product: Node, one: int, other: int) -> bool:
    """Whether an operator is the product of these two tensors."""
    return product.name == "MUL" and len(product.inputs) == 2 and sorted(product.inputs) == sorted((one, other))


def _beside_a_vector(net: Network, node: Node) -> int | None:
    """The operand of a binary operator whose other one is a constant with an element a channel."""
    if len(node.inputs) != 2:
        return None
    for x, other in (node.inputs, node.inputs[::-1]):
        if other >= 0 and net.is_constant(other) and x >= 0 and not net.is_constant(x):
            channels = net.file_shape(x).channels
            return x if channels > 1 and net.file_shape(other) == (1, 1, channels) else None
    return None


def _operand_beside(net: Network, node: Node, constant: float) -> int | None:
    """The operand of a binary operator whose other one is a single constant with this value."""
    if len(node.inputs) != 2:
        return None
    for x, other in (node.inputs, node.inputs[::-1]):
        number = net.model.number(other) if net.is_constant(other) else None
        if number is not None and math.isclose(number, constant, rel_tol=_TOLERANCE) and not net.is_constant(x):
            return x
    return None


def _is_a_sixth(net: Network, node: Node) -> bool:
    """Whether an operator multiplies by 1/6 or divides by 6."""
    if node.name == "MUL":
        return _operand_beside(net, node, 1 / 6) is not None
    return _operand_beside(net, node, 6.0) == node.inputs[0]
