"""Conditions of rules: what has to hold of a layer for a kernel or a fusion.

A condition is a name (``when: depthwise``), or facts of the layer, all of which have to hold
(``when: {is: depthwise, taps: "> 25"}``).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any, Final, Literal, TypeAlias

from mbcost.graph import Layer
from mbcost.numeric import holds_for_all
from mbcost.operators import Conv2d, Dense, LeakyRelu
from mbcost.operators.window import is_pointwise

Predicate: TypeAlias = Callable[[Layer], bool]
#: Names of conditions.
Condition: TypeAlias = Literal["pointwise", "depthwise", "one_pixel", "slope_26_256"]

#: ``> 25``, ``<= 4``, ``== 1``.
_COMPARISON: Final = re.compile(r"(<=|>=|==|!=|<|>) ?(\d{1,6})")
_COMPARES: Final[Mapping[str, Callable[[Any, int], Any]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def is_pointwise_conv(layer: Layer) -> bool:
    """Whether it is a matrix product of the input as it is: a 1x1 convolution of one group, without stride."""
    operator = layer.operator
    return (
        isinstance(operator, Conv2d)
        and is_pointwise(operator.kernel, operator.stride, operator.padding)
        and holds_for_all(operator.groups == 1)
    )


def _is_depthwise_conv(layer: Layer) -> bool:
    """A grouped convolution with one input channel per group is a depthwise convolution."""
    operator = layer.operator
    channels = layer.input_shapes[0].channels
    return isinstance(operator, Conv2d) and holds_for_all((operator.groups == channels) & (channels > 1))


def _is_of_one_pixel(layer: Layer) -> bool:
    """A product of one row: a fully connected layer of one vector, or a convolution of one pixel by one of its own."""
    operator, source = layer.operator, layer.input_shapes[0]
    if isinstance(operator, Dense):
        return holds_for_all(source.pixels == 1)
    return (
        isinstance(operator, Conv2d)
        and is_pointwise(operator.kernel, operator.stride, operator.padding)
        and holds_for_all((operator.groups == 1) & (source.pixels == 1))
    )


def _is_slope_of_26_256(layer: Layer) -> bool:
    """A leaky ReLU whose slope is 26/256, or 0.1, which is 26/256 in steps of 1/256."""
    operator = layer.operator
    return isinstance(operator, LeakyRelu) and round(operator.slope * 256) == 26


#: Name -> condition.
CONDITIONS: Final[Mapping[str, Predicate]] = {
    "pointwise": is_pointwise_conv,
    "depthwise": _is_depthwise_conv,
    "one_pixel": _is_of_one_pixel,
    "slope_26_256": _is_slope_of_26_256,
}
#: What a condition can compare with a number.
FACTS: Final[Mapping[str, Callable[[Layer], Any]]] = {
    "taps": lambda layer: prod(getattr(layer.operator, "kernel", (1,))),
    "inputs": lambda layer: len(layer.inputs),
    "channels": lambda layer: layer.input_shapes[0].channels,
    "filters": lambda layer: layer.output_shape.channels,
    "groups": lambda layer: getattr(layer.operator, "groups", 1),
}


def is_comparison(text: object) -> bool:
    """Whether a text compares a fact with a number, such as ``> 25``."""
    return isinstance(text, str) and _COMPARISON.fullmatch(text) is not None


def condition(entry: str | Mapping[str, str]) -> Predicate:
    """The condition that a file states: a name, or facts and their comparisons.

    Raises
    ------
    ValueError
        If there is no such condition.
    """
    parts = {"is": entry} if isinstance(entry, str) else entry
    found: list[Predicate] = []
    for key, text in parts.items():
        if key == "is" and text in CONDITIONS:
            found.append(CONDITIONS[text])
        elif key in FACTS and (match := _COMPARISON.fullmatch(text)) is not None:
            found.append(partial(_holds, FACTS[key], _COMPARES[match[1]], int(match[2])))
        else:
            raise ValueError(f"unknown condition {key}: {text}")
    return found[0] if len(found) == 1 else partial(all_hold, tuple(found))


def _holds(fact: Callable[[Layer], Any], compare: Callable[[Any, int], Any], number: int, layer: Layer) -> bool:
    return holds_for_all(compare(fact(layer), number))


def all_hold(conditions: tuple[Predicate, ...], layer: Layer) -> bool:
    """Whether every one of several conditions holds."""
    return all(holds(layer) for holds in conditions)
