"""A graph as a model file that runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mbcost.errors import fail
from mbcost.exporters.lowering import lower
from mbcost.exporters.ncnn import WHAT as NCNN
from mbcost.exporters.ncnn import write_ncnn
from mbcost.exporters.onnx import WHAT as ONNX
from mbcost.exporters.onnx import write_onnx
from mbcost.exporters.quantization import quantize
from mbcost.exporters.tflite import WHAT as TFLITE
from mbcost.exporters.tflite import write_tflite
from mbcost.graph import LayerGraph
from mbcost.words import FilePrecision

#: suffix -> kind of file, for messages
FORMATS: Final[Mapping[str, str]] = {".tflite": TFLITE, ".onnx": ONNX, ".param": NCNN}
#: Both FlatBuffers and protobuf end at 2 GiB.
_MAX_WEIGHTS: Final = 2_000_000_000


def export(graph: LayerGraph, suffix: str, precision: FilePrecision, seed: int) -> dict[str, bytes]:
    """A network with random weights, as a file of a runtime.

    Parameters
    ----------
    graph
        The network at one configuration.
    suffix
        ``.tflite``, ``.onnx``, or ``.param`` for ncnn.
    precision
        Of weights and, for ``int8`` and for ONNX's ``fp16``, of activations.
    seed
        Of the weights, and of the input that the ranges of int8 are taken from.

    Returns
    -------
    dict
        The content by suffix; ncnn has a second file, ``.bin``.

    Raises
    ------
    InputError
        MB305 for int8 of ncnn, MB208 for more than 2 GB of weights, MB507 for each kind of operator that the format
        lacks.
    """
    if suffix == ".param" and precision == "int8":
        fail("MB305", "ncnn's int8 files are not written", hint="fp32 and fp16 are; .tflite and .onnx take int8")
    if 4 * graph.cost.weight_elements > _MAX_WEIGHTS:
        fail("MB208", f"{graph.title} has more than 2 GB of weights, which {FORMATS[suffix]} cannot hold")
    program = lower(graph, seed, FORMATS[suffix])
    if suffix == ".param":
        structure, weights = write_ncnn(program, precision)
        return {".param": structure, ".bin": weights}
    scales = quantize(program, seed) if precision == "int8" else None
    write = write_tflite if suffix == ".tflite" else write_onnx
    return {suffix: write(program, precision, scales)}
