"""A graph as a model file that runs."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

from mbcost.errors import fail
from mbcost.exporters import ncnn, onnx, tflite
from mbcost.exporters.lowering import lower
from mbcost.exporters.program import Program, refuse_lacking
from mbcost.exporters.quantization import quantize
from mbcost.graph import LayerGraph
from mbcost.words import FilePrecision

#: suffix -> kind of file, for messages
FORMATS: Final[Mapping[str, str]] = {".tflite": "a TFLite file", ".onnx": "an ONNX file", ".param": "ncnn files"}
_WRITERS: Final[Mapping[str, Container[str]]] = {
    ".tflite": tflite.EMITTERS,
    ".onnx": onnx.EMITTERS,
    ".param": ncnn.EMITTERS,
}
#: Both FlatBuffers and protobuf end at 2 GiB.
_MAX_WEIGHTS: Final = 2_000_000_000
#: Largest activation that the ranges of int8 are taken from, a gigabyte [elements].
_MAX_ACTIVATION: Final = 250_000_000


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
        MB305 for int8 of ncnn, MB208 for more than 2 GB of weights, or in int8 of an activation, MB507 for each kind of
        operator that the format lacks.
    """
    if suffix == ".param" and precision == "int8":
        fail("MB305", "ncnn's int8 files are not written", hint="fp32 and fp16 are; .tflite and .onnx take int8")
    if 4 * graph.cost.weight_elements > _MAX_WEIGHTS:
        fail("MB208", f"{graph.title} has more than 2 GB of weights, which {FORMATS[suffix]} cannot hold")
    if precision == "int8" and max(layer.output_shape.elements for layer in graph.layers) > _MAX_ACTIVATION:
        hint = "int8 takes its ranges from an inference here; take a smaller resolution"
        fail("MB208", f"{graph.title} has activations of more than {_MAX_ACTIVATION:,} elements", hint=hint)
    program = lower(graph, seed)
    refuse_lacking(graph.title, FORMATS[suffix], lacking_in(program, suffix, precision))
    if suffix == ".param":
        structure, weights = ncnn.write_ncnn(program, precision)
        return {".param": structure, ".bin": weights}
    scales = quantize(program, seed) if precision == "int8" else None
    write = tflite.write_tflite if suffix == ".tflite" else onnx.write_onnx
    return {suffix: write(program, precision, scales)}


def lacking_in(program: Program, suffix: str, precision: str) -> dict[str, list[str]]:
    """What a format lacks of a program, beside what the program lacks of its network."""
    lacking = {reason: list(layers) for reason, layers in program.lacking.items()}
    for node in program.nodes:
        if node.op not in _WRITERS[suffix]:
            lacking.setdefault(f"the format lacks `{node.op}`", []).append(node.name)
        elif suffix == ".tflite" and precision == "int8" and node.op in tflite.FLOAT_ONLY:
            lacking.setdefault(f"`{node.op}` has no int8 kernel", []).append(node.name)
    return lacking
