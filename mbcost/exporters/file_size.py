"""The size of a network's .tflite file, without working out its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mbcost.architectures import ArchitectureSpec
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


def tflite_bytes(spec: ArchitectureSpec, graph: LayerGraph, precision: str) -> int | None:
    """The size of a network's .tflite file [B].

    Parameters
    ----------
    spec
        The network. If it was read from a .tflite file of this precision, that file counts, else the one that
        :func:`mbcost.convert` writes.
    graph
        The network at one configuration. The values of scales do not change the size, so no inference is needed.

    Returns
    -------
    int or None
        None for a precision, an operator or a number of weights that no file is written for.
    """
    own = _own_bytes(spec) if precision == (spec.stated_precision or "fp32") else None
    return _written_bytes(graph, precision) if own is None else own


def _own_bytes(spec: ArchitectureSpec) -> int | None:
    """The size of the .tflite file that a network was read from [B]; None if there is none any more."""
    file = Path(spec.origin)
    if not spec.imported or file.suffix.lower() != ".tflite":
        return None
    try:
        return file.stat().st_size
    except OSError:
        return None


def _written_bytes(graph: LayerGraph, precision: str) -> int | None:
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
