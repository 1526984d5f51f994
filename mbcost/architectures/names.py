"""The words of a table: canonical keys, the short ones of the papers, and the operators' other names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mbcost.operators import OPERATOR_BY_NAME

#: Keys that every row may have, with what they mean.
ROW_KEYS: Final[dict[str, str]] = {
    "op": "operator or block; `conv2d 3x3` and `conv dw / s2` work too",
    "name": "name of the row, for `inputs` and for reports",
    "inputs": "names of the rows whose outputs this one takes; default: the row before",
    "input": "the input size that the paper prints, such as 224x224x3: checked against the propagated shape",
    "filter": "the filter shape that the paper prints, such as 3x3x3x32: checked, and read as kernel and out",
    "repeat": "how often the row occurs in sequence; strides apply to the first only",
    "when": "a condition: the row is left out where it does not hold, and its input passes through",
    "scale": "factor on the nominal output channels: default alpha, `none` for no factor and no rounding",
    "norm": "batch_norm or none",
    "activation": "an activation that follows, or none",
    "slope": "slope below 0 of the leaky_relu in `activation`; default 0.01",
    "in_channels": "input channels that the row's weights are made for: another number is an error",
    "owns_weights": "false for shared weights of a row above, which are read again but not counted as parameters",
    "trained_weights": "false for weights that were not trained, such as fixed filters: in memory, but no parameters",
    "macs": "multiply-accumulates of the row with its repeats as the paper prints them, such as 5.4M: checked",
    "params": "parameters of the row with its repeats as the paper prints them, such as 0.27M: checked",
    "layers": "rows that repeat together",
}

#: Keys of rows that a block may have as parameters.
PARAMETER_KEYS: Final = frozenset({"activation", "slope"})

#: The papers' short names.
KEY_ALIASES: Final[dict[str, str]] = {
    "type": "op",
    "operator": "op",
    "c": "out",
    "channels": "out",
    "s": "stride",
    "n": "repeat",
    "k": "kernel",
    "nl": "activation",
    "from": "inputs",
    "mult-adds": "macs",
    "parameters": "params",
}

OP_ALIASES: Final[dict[str, str]] = {
    "conv": "conv2d",
    "conv dw": "depthwise_conv2d",
    "dw": "depthwise_conv2d",
    "dwconv": "depthwise_conv2d",
    "depthwise": "depthwise_conv2d",
    "deconv": "transposed_conv2d",
    "conv_transpose": "transposed_conv2d",
    "fc": "dense",
    "linear": "dense",
    "fully_connected": "dense",
    "avgpool": "avg_pool2d",
    "avg pool": "avg_pool2d",
    "avg_pool": "avg_pool2d",
    "maxpool": "max_pool2d",
    "max pool": "max_pool2d",
    "max_pool": "max_pool2d",
    "global_pool": "global_avg_pool",
    "gap": "global_avg_pool",
    "bn": "batch_norm",
    "mul": "multiply",
    "sub": "subtract",
    "concatenate": "concat",
    "shuffle": "channel_shuffle",
    "upsample": "resize",
}

ACTIVATION_ALIASES: Final[dict[str, str]] = {
    "re": "relu",
    "hs": "hard_swish",
    "h-swish": "hard_swish",
    "hswish": "hard_swish",
    "hardswish": "hard_swish",
    "silu": "swish",
    "h-sigmoid": "hard_sigmoid",
    "hardsigmoid": "hard_sigmoid",
    "linear": "none",
}

MAX_OP: Final = 100

_OP: Final = re.compile(
    r"(?P<op>[a-z][a-z0-9_ -]*?)(?:\s+(?P<kernel>\d{1,4}(?:x\d{1,4})?))?(?:\s*/\s*s(?P<stride>\d{1,4}))?",
)


@dataclass(frozen=True, slots=True)
class OpCell:
    """The cell of an operator, taken apart."""

    op: str
    kernel: str | None
    stride: int | None


def read_op(text: str) -> OpCell:
    """``conv dw / s2`` -> depthwise_conv2d with stride 2; ``conv2d 3x3`` -> conv2d with kernel 3x3."""
    match = _OP.fullmatch(text.strip().lower()) if len(text) <= MAX_OP else None
    if match is None or text.strip() in OPERATOR_BY_NAME:
        return OpCell(text.strip(), None, None)
    word = match["op"].strip()
    stride = int(match["stride"]) if match["stride"] else None
    return OpCell(OP_ALIASES.get(word, word), match["kernel"], stride)


def read_activation(text: str) -> str:
    """The canonical name of an activation; an unknown word is returned unchanged."""
    return ACTIVATION_ALIASES.get(text.lower(), text)
