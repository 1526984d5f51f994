"""Operators of a runtime's profile to the layers that they compute."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mbcost.exporters.program import PRODUCTS, Program
from mbcost.runner.engines import Operator

#: What runtimes append to the name of a node that they rewrite: ONNX Runtime's layout transformation and its tokens,
#: OpenVINO's parts of a convolution, and what mbcost's own files have before a clamp or a rounding.
_APPENDED: Final = re.compile(r"(/WithoutBiases.*|_nchwc|_token_\d+|:raw|:rounded)+$")
#: Primitive operators -> kinds of XNNPACK's and LiteRT's operators that compute them, in the order of the network.
_KINDS: Final = (
    (PRODUCTS, re.compile(r"(Convolution|Fully Connected|Deconvolution|CONV_2D|DEPTHWISE_CONV_2D|FULLY_CONNECTED)\b")),
    (("add",), re.compile(r"(Add|ADD)\b")),
    (("multiply",), re.compile(r"(Multiply|MUL)\b")),
    (("hard_swish",), re.compile(r"(HardSwish|HARD_SWISH)\b")),
    (("softmax",), re.compile(r"(Softmax|SOFTMAX)\b")),
    (("max_pool",), re.compile(r"(Max Pooling|MAX_POOL_2D)\b")),
)


def layers_of(operators: Sequence[Operator], program: Program) -> list[str]:
    """The layer that each operator computes, or ends; empty where that is not known.

    By the operator's name where the runtime keeps those of the file; else by its place among the operators of its
    class, if the profile has as many of them as the network.
    """
    if any(operator.name for operator in operators):
        names = {node.name for node in program.nodes}
        found = (_APPENDED.sub("", operator.name) for operator in operators)
        return [name if name in names else "" for name in found]
    layers = [""] * len(operators)
    for ops, kinds in _KINDS:
        places = [i for i, operator in enumerate(operators) if kinds.match(operator.kind)]
        nodes = [node for node in program.nodes if node.op in ops]
        if len(places) == len(nodes):
            for i, node in zip(places, nodes, strict=True):
                layers[i] = node.name
    return layers
