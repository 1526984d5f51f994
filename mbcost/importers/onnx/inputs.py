"""The inputs of a graph: which one is the image, what its dimensions are, and how many images there are at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mbcost.architectures.scaling import Resolution, sides_of
from mbcost.errors import did_you_mean, fail
from mbcost.importers.imported import INPUT
from mbcost.importers.onnx.inline import names_read
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
#: Names that exporters give to the dimension of the batch.
_BATCH: Final = re.compile(r"(^|[^a-z])(batch|bs|b|n)([^a-z]|$)|batch|^unk__\d+$|^dynamicaxes|^dim_0$", re.IGNORECASE)


@dataclass(slots=True)
class Inputs:
    """What enters a graph.

    Attributes
    ----------
    tensors
        By name, for one image.
    batch
        Images at once that the file, or whoever gave a shape, states; 1 if nobody does.
    symbol
        Name of the image's first dimension in the file, if it is open.
    notes
        What a reader of the result has to know.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    batch: int = 1
    symbol: str = ""
    notes: list[str] = field(default_factory=list)

    def one_image(self, dims: Sequence[int | str | None]) -> tuple[int | str | None, ...]:
        """Declared dims of a value, of which the first is 1 where it is the batch."""
        first = dims[0] if dims else None
        shared = first == self.batch and self.batch > 1
        if isinstance(first, str):
            shared = first == self.symbol != "" or _BATCH.search(first) is not None
        return (1, *dims[1:]) if shared else tuple(dims)


def graph_inputs(
    model: OnnxModel, nodes: Sequence[Node], shapes: InputShapes, resolution: Resolution | None, file: str
) -> Inputs:
    """The inputs that `nodes` read; the image is the first of rank 4, or the first.

    The first dimension of a map is a batch, of which one image is looked at; so is that of every other input that
    shares it. All other dimensions stay as they are.

    Raises
    ------
    InputError
        MB502 if a dimension is open, MB010 if a given shape does not fit, MB204 if there is no input.
    """
    read = {name for node in nodes for name in names_read(node)}
    infos = [info for info in model.inputs if info.name in read and info.name not in model.initializers]
    if not infos:
        # nothing that an output needs reads an input: what is wrong with that shows when it is converted
        read = {name for node in model.nodes for name in node.inputs}
        infos = [info for info in model.inputs if info.name in read and info.name not in model.initializers]
    if not infos:
        fail("MB204", f"{file} has no input that a node reads")
    names = [info.name for info in infos]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        fail("MB503", f"{file} is damaged: it declares the input `{twice[:100]}` twice")
    image = next((info for info in infos if info.dims is not None and len(info.dims) == 4), infos[0])
    given = _given(shapes, image, infos, file)
    found = Inputs()
    for info in sorted(infos, key=lambda info: info is not image):
        _add(found, info, given.get(info.name), nodes, resolution, file, image=info is image)
    found.tensors = {info.name: found.tensors[info.name] for info in infos}
    return found


def _add(
    found: Inputs,
    info: ValueInfo,
    given: Dims | None,
    nodes: Sequence[Node],
    resolution: Resolution | None,
    file: str,
    *,
    image: bool,
) -> None:
    declared = _declared(info, given, file)
    letters = _letters(info.name, len(declared), nodes)
    chosen = [mine if mine is not None else theirs for mine, theirs in zip(given or declared, declared, strict=True)]
    if image and resolution is not None and len(chosen) == 4:
        sides = dict(zip("HW", sides_of(resolution), strict=True))
        chosen = [
            sides[letter] if letter in sides and not _is_size(dim) else dim
            for dim, letter in zip(chosen, letters, strict=True)
        ]
    if len(chosen) > 1:
        if image and isinstance(declared[0], str):
            found.symbol = declared[0]
        chosen[0] = _first(found, info.name, chosen[0], letters, image=image)
    # the batch may be another dimension of a recurrent layer's state
    chosen = [1 if isinstance(dim, str) and dim == found.symbol and place else dim for place, dim in enumerate(chosen)]
    dims = _closed(info, chosen, letters, file)
    source = INPUT if image else info.name if info.name != INPUT else _RENAMED
    axes = letters if letters and dims[0] == 1 else default_axes(dims) if len(dims) <= 4 else matrix_axes(dims)
    found.tensors[info.name] = Tensor(source, dims, axes)


def _given(shapes: InputShapes, image: ValueInfo, infos: Sequence[ValueInfo], file: str) -> Mapping[str, Dims]:
    """Shapes by the name of their input; one without a name is the image's."""
    if not isinstance(shapes, Mapping):
        return {} if shapes is None else {image.name: shapes}
    if set(shapes) == {""}:
        return {image.name: shapes[""]}
    names = [info.name for info in infos]
    for name in shapes:
        if name not in names:
            hint = did_you_mean(name, names) or f"its inputs are {', '.join(names[:8])}"
            fail("MB010", f"{file} has no input `{name}`", hint=hint)
    return shapes


def _declared(info: ValueInfo, given: Dims | None, file: str) -> Sequence[int | str | None]:
    """The dimensions of the file, or those given where it has none."""
    declared = info.dims if info.dims is not None else given
    if declared is None:
        hint = _how(info.name, (None,) * 4, "NCHW")
        fail("MB502", f"input `{info.name}` of {file} declares no shape", hint=hint)
    if given is not None and len(given) != len(declared):
        fail("MB010", f"input `{info.name}` of {file} has {len(declared)} dimensions, the given shape {len(given)}")
    return declared


def _is_size(dim: int | str | None) -> bool:
    return isinstance(dim, int) and dim >= 0


def _first(found: Inputs, name: str, first: int | str | None, letters: str, *, image: bool) -> int | str | None:
    """The first dimension of an input: 1 where it is the batch, which the image of rank 4 states."""
    size = first if isinstance(first, int) and first >= 0 else None
    symbol = first if isinstance(first, str) else ""
    if image:
        if size is None:
            return 1
        if letters and size > 1:
            found.batch = size
            found.notes.append(f"The stated batch is {size}.")
            return 1
        if size > 1:
            found.notes.append(f"The first dimension of input `{name}`, {size}, is taken as it is, not as a batch.")
        return size
    if size is not None:
        return 1 if size == found.batch else size
    return 1 if not symbol or symbol == found.symbol or _BATCH.search(symbol) else first


def _closed(info: ValueInfo, chosen: Sequence[int | str | None], letters: str, file: str) -> tuple[int, ...]:
    """Dimensions of which none is open."""
    elements = 1
    for position, dim in enumerate(chosen):
        if not isinstance(dim, int) or dim < 0:
            shown = f" (`{dim}`)" if isinstance(dim, str) and dim else ""
            message = f"dimension {position}{shown} of input `{info.name}` of {file} is open"
            fail("MB502", message, hint=_how(info.name, chosen, letters))
        elements *= dim
    if not 1 <= elements <= MAX_ELEMENTS:
        fail("MB208", f"input `{info.name}` of {file} would have {elements} elements")
    return tuple(dim for dim in chosen if isinstance(dim, int))


def _how(name: str, declared: Sequence[int | str | None], letters: str) -> str:
    """The option that says what an open dimension is."""
    usual = {"N": "1", "C": "3"} if len(declared) == 4 else {}
    guess = [
        str(dim) if isinstance(dim, int) and dim > 0 else usual.get(letter, "224")
        for dim, letter in zip(declared, letters or "W" * len(declared), strict=True)
    ]
    python = f"input_shapes={{'{name}': ({', '.join(guess)})}}"
    return f"say which: `--input-shape {name}={'x'.join(guess)}`, {python} in Python"


def _letters(name: str, rank: int, nodes: Sequence[Node]) -> str:
    """Letters of an input with a batch, by what reads it first; none for a sequence or rows of numbers."""
    reader = next((node for node in nodes if name in node.inputs), None)
    if reader is not None and rank == 4 and reader.attributes.get("perm") == _TO_CHANNELS_FIRST:
        return "NHWC"
    if reader is not None and rank in (3, 5) and reader.op_type in _CHANNELS_FIRST:
        return "NCW" if rank == 3 else VOLUME_AXES
    return "NCHW" if rank == 4 else ""
