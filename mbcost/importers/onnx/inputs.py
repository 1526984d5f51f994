"""The inputs of a graph: which one is the image, and what its dimensions are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from mbcost.errors import did_you_mean, fail
from mbcost.importers.imported import INPUT
from mbcost.importers.onnx.model import Node, OnnxModel, ValueInfo
from mbcost.importers.onnx.tensors import MAX_ELEMENTS
from mbcost.importers.onnx.values import Tensor, default_axes, matrix_axes
from mbcost.importers.onnx.volumes import AXES as VOLUME_AXES

Dims: TypeAlias = tuple[int | None, ...]
InputShapes: TypeAlias = Mapping[str, Dims] | Dims | None

#: Operators whose input has its channels in dimension 1.
_CHANNELS_FIRST: Final = frozenset(
    (
        *("Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "MaxPool", "AveragePool", "GlobalAveragePool"),
        *("GlobalMaxPool", "BatchNormalization", "InstanceNormalization", "Pad"),
    )
)
_TO_CHANNELS_FIRST: Final = [0, 3, 1, 2]
#: A name that an extra input may have although it is the image's here.
_RENAMED: Final = "input of the graph"


def graph_inputs(model: OnnxModel, shapes: InputShapes, file: str) -> dict[str, Tensor]:
    """The inputs that nodes read, by name; the image is the first of rank 4, or the first.

    Raises
    ------
    InputError
        MB502 if a dimension is open, MB010 if a given shape does not fit, MB204 if there is no input.
    """
    read = {name for node in model.nodes for name in node.inputs}
    infos = [info for info in model.inputs if info.name in read and info.name not in model.initializers]
    if not infos:
        fail("MB204", f"{file} has no input that a node reads")
    image = next((info for info in infos if info.dims is not None and len(info.dims) == 4), infos[0])
    given = _given(shapes, image, infos, file)
    result = {}
    for info in infos:
        dims = _dims(info, given.get(info.name), file)
        source = INPUT if info is image else info.name if info.name != INPUT else _RENAMED
        result[info.name] = Tensor(source, dims, _axes(info.name, dims, model.nodes))
    return result


def _given(shapes: InputShapes, image: ValueInfo, infos: Sequence[ValueInfo], file: str) -> Mapping[str, Dims]:
    """Shapes by the name of their input; one without a name is the image's."""
    if not isinstance(shapes, Mapping):
        return {} if shapes is None else {image.name: shapes}
    names = [info.name for info in infos]
    for name in shapes:
        if name not in names:
            hint = did_you_mean(name, names) or f"its inputs are {', '.join(names[:8])}"
            fail("MB010", f"{file} has no input `{name}`", hint=hint)
    return shapes


def _dims(info: ValueInfo, given: Dims | None, file: str) -> tuple[int, ...]:
    """Dimensions of an input: those given, those of the file, and a batch of one."""
    declared = info.dims if info.dims is not None else given
    if declared is None:
        fail("MB502", f"input `{info.name}` of {file} declares no shape", hint=_how(info.name, (None,) * 4))
    if given is not None and len(given) != len(declared):
        fail("MB010", f"input `{info.name}` of {file} has {len(declared)} dimensions, the given shape {len(given)}")
    chosen = [mine if mine is not None else theirs for mine, theirs in zip(given or declared, declared, strict=True)]
    if len(chosen) > 1:
        chosen[0] = 1
    elements = 1
    for position, dim in enumerate(chosen):
        if not isinstance(dim, int) or dim < 0:
            shown = f" (`{dim}`)" if isinstance(dim, str) and dim else ""
            message = f"dimension {position}{shown} of input `{info.name}` of {file} is open"
            fail("MB502", message, hint=_how(info.name, declared))
        elements *= dim
    if not 1 <= elements <= MAX_ELEMENTS:
        fail("MB208", f"input `{info.name}` of {file} would have {elements} elements")
    return tuple(dim for dim in chosen if isinstance(dim, int))


def _how(name: str, declared: Sequence[int | str | None]) -> str:
    """The option that says what an open dimension is."""
    guess = [str(dim) if isinstance(dim, int) and dim > 0 else "224" for dim in declared]
    if len(declared) == 4:
        guess = ["1", guess[1] if isinstance(declared[1], int) else "3", *guess[2:]]
    python = f"input_shapes={{'{name}': ({', '.join(guess)})}}"
    return f"say which: `--input-shape {name}={'x'.join(guess)}`, {python} in Python"


def _axes(name: str, dims: tuple[int, ...], nodes: Sequence[Node]) -> str:
    """Letters of an input, by what reads it first."""
    reader = next((node for node in nodes if name in node.inputs), None)
    if reader is not None and len(dims) == 4 and reader.attributes.get("perm") == _TO_CHANNELS_FIRST:
        return "NHWC"
    if reader is not None and len(dims) in (3, 5) and reader.op_type in _CHANNELS_FIRST:
        return "NCW" if len(dims) == 3 else VOLUME_AXES
    return default_axes(dims) if len(dims) <= 4 else matrix_axes(dims)
