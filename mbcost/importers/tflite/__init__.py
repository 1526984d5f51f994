"""TensorFlow Lite files as architectures, without TensorFlow and without reading the weights."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Final, Literal

from mbcost.architectures.scaling import Resolution
from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import fail
from mbcost.files import read_head
from mbcost.importers.imported import INPUT, imported_spec
from mbcost.importers.tflite.control import inlined
from mbcost.importers.tflite.convert import convert
from mbcost.importers.tflite.flatbuffer import Bytes, DamagedError, Flatbuffer
from mbcost.importers.tflite.model import Model, ended, read_model
from mbcost.importers.tflite.network import Network
from mbcost.importers.tflite.resized import with_inputs
from mbcost.importers.tflite.schema import IDENTIFIER, SCHEMA
from mbcost.words import Unsupported

__all__ = ["read_tflite"]

_INTEGERS: Final = frozenset({"INT8", "UINT8", "INT16", "INT4"})
_PRODUCTS: Final = frozenset(
    {
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "TRANSPOSE_CONV",
        "Convolution2DTransposeBias",
        "FULLY_CONNECTED",
        "BATCH_MATMUL",
    }
)


def read_tflite(
    path: str | PathLike[str],
    unsupported: Unsupported = "refuse",
    *,
    input_shapes: Mapping[str, Sequence[int | None]] | Sequence[int | None] | None = None,
    until: str | None = None,
    resolution: Resolution | None = None,
) -> ArchitectureSpec:
    """The main subgraph of a TensorFlow Lite file, float or quantised, as an architecture.

    The file is mapped, not read: of its buffers only small constants such as shapes and paddings are looked at.

    Parameters
    ----------
    path
        The file.
    unsupported
        ``refuse`` operators that mbcost does not know, or ``estimate`` them: charge the traffic of their tensors and
        say so in the architecture's note.
    input_shapes
        Shapes of inputs as the file has them (``(1, 224, 224, 3)``), by name; without a name that of the image. None in
        a shape takes over the file's. A batch is recorded, the layers are those of one image.
    until
        Name of a tensor of the file at which the network ends; what only others need is left out.
    resolution
        Height and width of the image, where the file leaves them open [pixels].

    Raises
    ------
    InputError
        MB001 to MB003 if it cannot be opened, MB010 for an input or tensor that is not there, MB204 if it holds no
        operator, MB208 if it is too large, MB500 if it is no TensorFlow Lite file, MB501 with every unknown operator,
        MB502 for a dynamic dimension of an input, MB503 if it is damaged, MB504 if it does something that mbcost has no
        model for.
    """
    file = Path(fspath(path))
    head = read_head(file, 8)
    if head[4:] != IDENTIFIER:
        fail("MB500", f"{file} is not a TensorFlow Lite file", hint="its bytes 4 to 7 would be TFL3")
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        shapes = {} if input_shapes is None else input_shapes
        given = shapes if isinstance(shapes, Mapping) else {"": shapes}
        return _read(data, file, unsupported, given, until, resolution)


def _read(
    data: Bytes,
    file: Path,
    unsupported: Unsupported,
    shapes: Mapping[str, Sequence[int | None]],
    until: str | None,
    resolution: Resolution | None,
) -> ArchitectureSpec:
    try:
        model = inlined(read_model(Flatbuffer(data, SCHEMA), str(file)), estimates=unsupported == "estimate")
        if until is not None:
            model = ended(model, until)
        if not model.inputs:
            fail("MB504", f"{file} has no input")
        model, batch = with_inputs(model, shapes, resolution)
        net = convert(model, unsupported)
        outputs = _outputs(net)
    except DamagedError as error:
        fail("MB503", f"{file} is damaged: {error}")
    (image,) = (tensor for tensor in model.inputs if net.values[tensor].name == INPUT)
    if batch is not None and batch not in (1, net.batch):
        net.notes[f"the stated batch is {batch}"] = None
    return imported_spec(
        net.layers,
        name=file.stem,
        source=f"TensorFlow Lite file {file.name}",
        origin=str(file),
        input_shape=net.values[image].shape,
        outputs=outputs,
        extra_inputs=net.extra_inputs,
        notes=[*_quantisation(model), *_signatures(model), *net.notes],
        stated_batch=batch or net.batch,
        stated_precision="int8" if {"INT8", "UINT8"} & _integers(model, "outputs") else None,
    )


def _outputs(net: Network) -> tuple[str, ...]:
    """Names of the layers that make the network's outputs."""
    layers = {layer.name for layer in net.layers}
    names = [net.value(tensor).name for tensor in net.model.outputs if not net.is_constant(tensor)]
    return tuple(dict.fromkeys(name for name in names if name in layers))


def _signatures(model: Model) -> list[str]:
    """What a note says of a file with several functions."""
    if len(model.signatures) < 2:
        return []
    first, *others = model.signatures
    return [f"of several signatures this is `{first}`; {', '.join(others[:8])} are left out"]


def _integers(model: Model, which: Literal["weights", "outputs"]) -> set[str]:
    """Types of integers among the weights, or the outputs, of all that multiplies."""
    products = [node for node in model.nodes if node.name in _PRODUCTS and len(node.inputs) > 1]
    places = [node.inputs[1] if which == "weights" else node.outputs[0] for node in products]
    return {model.tensors[place].type for place in places} & _INTEGERS


def _quantisation(model: Model) -> list[str]:
    """What a note says about integers."""
    weights, results = _integers(model, "weights"), _integers(model, "outputs")
    if results:
        return [f"quantised: {' and '.join(sorted(results)).lower()} activations and weights"]
    return [f"weights quantised to {' and '.join(sorted(weights)).lower()}, activations in float"] if weights else []
