"""The size of a network's .tflite file, without working out its numbers."""

from __future__ import annotations

from typing import Final

from mbcost.errors import InputError
from mbcost.exporters import tflite
from mbcost.exporters.export import lacking_in
from mbcost.exporters.lowering import lower
from mbcost.exporters.quantization import UNIT
from mbcost.graph import LayerGraph
from mbcost.words import FILE_PRECISIONS

#: Most weights of a network whose file is written for its size. Chosen: a second of work, four times a large
#: microcontroller's flash.
_MAX_WEIGHTS: Final = 8_000_000


def tflite_bytes(graph: LayerGraph, precision: str) -> int | None:
    """The size of the .tflite file that :func:`mbcost.convert` writes [B].

    The values of scales do not change it, so no inference is needed for them.

    Returns
    -------
    int or None
        None for a precision, an operator or a number of weights that it is not written for.
    """
    if precision not in FILE_PRECISIONS or graph.cost.weight_elements > _MAX_WEIGHTS:
        return None
    try:
        program = lower(graph, 0)
    except InputError:
        return None
    if lacking_in(program, ".tflite", precision):
        return None
    scales = dict.fromkeys(range(len(program.tensors)), UNIT) if precision == "int8" else None
    return len(tflite.write_tflite(program, precision, scales))
