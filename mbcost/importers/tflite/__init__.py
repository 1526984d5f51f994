"""TensorFlow Lite files as architectures, without TensorFlow and without reading the weights."""

from __future__ import annotations

import mmap
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import fail
from mbcost.files import read_head
from mbcost.importers.imported import INPUT, imported_spec
from mbcost.importers.tflite.convert import convert
from mbcost.importers.tflite.flatbuffer import Bytes, DamagedError, Flatbuffer
from mbcost.importers.tflite.model import Model, read_model
from mbcost.importers.tflite.network import Network
from mbcost.importers.tflite.schema import IDENTIFIER, SCHEMA
from mbcost.words import Unsupported

__all__ = ["read_tflite"]

_INTEGERS: Final = frozenset({"INT8", "UINT8", "INT16", "INT4"})
_PRODUCTS: Final = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "BATCH_MATMUL"})


def read_tflite(path: str | PathLike[str], unsupported: Unsupported = "refuse") -> ArchitectureSpec:
    """The main subgraph of a TensorFlow Lite file, float or quantised, as an architecture.

    The file is mapped, not read: of its buffers only small constants such as shapes and paddings are looked at.

    Parameters
    ----------
    path
        The file.
    unsupported
        ``refuse`` operators that mbcost does not know, or ``estimate`` them: charge the traffic of their tensors and
        say so in the architecture's note.

    Raises
    ------
    InputError
        MB001 to MB003 if it cannot be opened, MB204 if it holds no operator, MB208 if it is too large, MB500 if it is
        no TensorFlow Lite file, MB501 with every unknown operator, MB502 for a dynamic dimension of an input, MB503 if
        it is damaged, MB504 if it does something that mbcost has no model for.
    """
    file = Path(fspath(path))
    head = read_head(file, 8)
    if head[4:] != IDENTIFIER:
        fail("MB500", f"{file} is not a TensorFlow Lite file", hint="its bytes 4 to 7 would be TFL3")
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _read(data, file, unsupported)


def _read(data: Bytes, file: Path, unsupported: Unsupported) -> ArchitectureSpec:
    try:
        model = read_model(Flatbuffer(data, SCHEMA), str(file))
        net = convert(model, unsupported)
        outputs = _outputs(net)
    except DamagedError as error:
        fail("MB503", f"{file} is damaged: {error}")
    (image,) = (tensor for tensor in model.inputs if net.values[tensor].name == INPUT)
    return imported_spec(
        net.layers,
        name=file.stem,
        source=f"TensorFlow Lite file {file.name}",
        origin=str(file),
        input_shape=net.values[image].shape,
        outputs=outputs,
        extra_inputs=net.extra_inputs,
        note="; ".join([*_quantisation(model), *net.notes]),
    )


def _outputs(net: Network) -> tuple[str, ...]:
    """Names of the layers that make the network's outputs."""
    layers = {layer.name for layer in net.layers}
    names = [net.value(tensor).name for tensor in net.model.outputs if not net.is_constant(tensor)]
    return tuple(dict.fromkeys(name for name in names if name in layers))


def _quantisation(model: Model) -> list[str]:
    """What a note says about integers."""
    products = [node for node in model.nodes if node.name in _PRODUCTS and len(node.inputs) > 1]
    weights = {model.tensors[node.inputs[1]].type for node in products} & _INTEGERS
    results = {model.tensors[node.outputs[0]].type for node in products} & _INTEGERS
    if results:
        return [f"quantised: {' and '.join(sorted(results)).lower()} activations and weights"]
    return [f"weights quantised to {' and '.join(sorted(weights)).lower()}, activations in float"] if weights else []
