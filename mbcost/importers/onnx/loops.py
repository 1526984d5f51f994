"""Loop and Scan: the body as often as it runs, one turn after the other.

A body that runs a known number of times is converted that often, so that its counts are those of all turns, and its
weights are parameters once (onnx.ai/onnx/operators: Loop, Scan).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol, TypeAlias

import numpy as np

from mbcost.importers.onnx.call import Call, Result, UnsupportedError
from mbcost.importers.onnx.model import Attribute, Node
from mbcost.importers.onnx.tensors import ModelError
from mbcost.importers.onnx.values import Constant, Value

#: Most turns of a loop, and most nodes that all turns of all loops of a file convert.
MAX_TURNS: Final = 1024
MAX_NODES_RUN: Final = 20_000

#: Converts the body once, for the values of its inputs: those of its outputs.
Turn: TypeAlias = Callable[[Sequence[Value]], list[Value]]


class Convert(Protocol):
    """Converts a call of an operator."""

    def __call__(self, call: Call) -> Result: ...


class Unrolled:
    """Values after the turns of a body.

    Attributes
    ----------
    results
        The values that it hands on, then what it collects from all turns.
    counted
        Whether its turns are counted. Otherwise it was converted once, and runs at least as often.
    decided_by
        What says how often it runs: values outside the body, then that of the body.
    """

    def __init__(self, results: tuple[Value, ...], *, counted: bool, decided_by: tuple[Value | None, ...] = ()) -> None:
        self.results = results
        self.counted = counted
        self.decided_by = decided_by


def loop(call: Call, turn: Turn, convert: Convert, *, estimates: bool) -> Unrolled:
    """Loop (most turns, condition, values that it hands on).

    Parameters
    ----------
    estimates
        Convert the body once where nothing says how often it runs.

    Raises
    ------
    UnsupportedError
        If nothing says how often it runs, and no estimate is wanted; if it runs too often.
    """
    limit, going = _known(call.value(0)), _known(call.value(1))
    counted = (call.value(0) is None or limit is not None) and (call.value(1) is None or going is not None)
    if not counted:
        _refuse(estimates)
        limit = 1
    values = [value for value in call.inputs[2:] if value is not None]
    handed, collected, number = len(values), list[list[Value]](), 0
    condition: Value | None = None
    while going != 0 and (limit is None or number < limit):
        if number == MAX_TURNS:
            raise UnsupportedError(f"it runs more than {MAX_TURNS} times, which is not modelled")
        condition, *values = turn([_number(number), _number(going := 1), *values])
        collected.append(values[handed:])
        values, number = values[:handed], number + 1
        going = _known(condition)
        if going is None:
            counted = counted and number == limit
            if not counted:
                _refuse(estimates)
                break
    stacked = _stacked(call, collected, [0] * (len(call.node.outputs) - handed), convert)
    return Unrolled((*values, *stacked), counted=counted, decided_by=(call.value(0), call.value(1), condition))


def scan(call: Call, turn: Turn, convert: Convert) -> Unrolled:
    """Scan (values that it hands on, tensors of which each turn takes a slice), of opset 9 and later.

    Raises
    ------
    UnsupportedError
        For the Scan of opset 8, which has batches; if it runs too often.
    """
    if call.opset < 9:
        raise UnsupportedError("a Scan of opset 8 is not modelled")
    given = [value for value in call.inputs if value is not None]
    handed = len(given) - call.integer("num_scan_inputs", 0)
    values, sliced = given[:handed], given[handed:]
    if handed < 0 or not sliced:
        raise ModelError(f"it has {len(given)} inputs")
    axes = [axis % len(x.dims) for axis, x in zip(_axes(call, "scan_input_axes", len(sliced)), sliced, strict=True)]
    turns = sliced[0].dims[axes[0]]
    if any(x.dims[axis] != turns for axis, x in zip(axes, sliced, strict=True)):
        raise ModelError("the tensors that it walks along differ in length")
    if not 1 <= turns <= MAX_TURNS:
        raise UnsupportedError(f"it runs {turns} times, which is not modelled")
    collected = []
    for number in range(turns):
        parts = [
            _made(call, "Gather", [x, _number(number)], axis, convert) for axis, x in zip(axes, sliced, strict=True)
        ]
        values = turn([*values, *parts])
        collected.append(values[handed:])
        values = values[:handed]
    outputs = len(call.node.outputs) - handed
    return Unrolled(
        (*values, *_stacked(call, collected, _axes(call, "scan_output_axes", outputs), convert)), counted=True
    )


def _refuse(estimates: bool) -> None:
    if not estimates:
        raise UnsupportedError("how often its body runs is computed by the network")


def _known(value: Value | None) -> float | None:
    return value.scalar if isinstance(value, Constant) else None


def _number(number: int) -> Constant:
    return Constant((), np.array(number))


def _axes(call: Call, name: str, count: int) -> list[int]:
    axes = call.ints(name) or [0] * count
    if len(axes) != count:
        raise ModelError(f"its attribute `{name}` is {axes[:8]}")
    return axes


def _stacked(call: Call, collected: list[list[Value]], axes: Sequence[int], convert: Convert) -> list[Value]:
    """What all turns give, one behind the other."""
    if not collected:
        if axes:
            raise UnsupportedError("its body never runs, so that what it collects is empty")
        return []
    results = []
    for place, axis in enumerate(axes):
        rows = [_made(call, "Unsqueeze", [turn[place]], axis, convert) for turn in collected]
        results.append(rows[0] if len(rows) == 1 else _made(call, "Concat", rows, axis, convert))
    return results


def _made(call: Call, op_type: str, inputs: Sequence[Value], axis: int, convert: Convert) -> Value:
    """The result of a standard operator of opset 11 that a turn needs."""
    attributes: dict[str, Attribute] = {"axes": [axis]} if op_type == "Unsqueeze" else {"axis": axis}
    node = Node(op_type, "", call.node.name, (), ("of a turn",), attributes, 11)
    made = convert(replace(call, node=node, inputs=inputs, opset=11))
    return made[0] if isinstance(made, tuple) else made
