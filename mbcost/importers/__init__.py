"""Importers: networks from ONNX, TFLite and PyTorch, as the same :class:`~mbcost.architectures.ArchitectureSpec`.

Each format's package is imported when a model of it is read. A new one is a module here and a line in :data:`FORMATS`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from mbcost.architectures import ArchitectureSpec
from mbcost.architectures.scaling import Resolution
from mbcost.errors import fail
from mbcost.words import Unsupported

#: Shapes as the format has them (``(1, 3, 224, 224)``), by input; without a name that of the image.
InputShapes: TypeAlias = Mapping[str, tuple[int, ...]]


class ModelFormat(NamedTuple):
    """A format of model files.

    Attributes
    ----------
    name
        As its makers write it.
    reader
        ``module:function`` in this folder, called with the path and ``unsupported=``, and where `named_tensors` is set
        with ``input_shapes=`` (by input), ``until=`` and ``resolution=`` as well.
    named_tensors
        Whether its tensors have names, so that inputs can be given shapes and the network an end.
    """

    name: str
    reader: str
    named_tensors: bool = False


#: Suffix of a model file -> its format.
FORMATS: Final[dict[str, ModelFormat]] = {
    ".onnx": ModelFormat("ONNX", "onnx:read_onnx", named_tensors=True),
    ".tflite": ModelFormat("TFLite", "tflite:read_tflite", named_tensors=True),
}

#: The key of :data:`InputShapes` for the only, or the first, input.
ANY_INPUT: Final = ""
_CALLABLE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def is_model(text: str) -> bool:
    """Whether `text` names a model file, or a PyTorch callable, rather than a table."""
    return Path(text).suffix.lower() in FORMATS or is_callable(text)


def has_named_tensors(model: str | PathLike[str]) -> bool:
    """Whether a path names a file of a format whose tensors have names: of ONNX or TFLite."""
    suffix = Path(fspath(model)).suffix.lower()
    return suffix in FORMATS and FORMATS[suffix].named_tensors


def import_model(
    model: str | PathLike[str],
    input_shapes: InputShapes | None = None,
    unsupported: Unsupported = "refuse",
    *,
    until: str | None = None,
    resolution: Resolution | None = None,
) -> ArchitectureSpec:
    """The network of a model file, by its suffix, or of a PyTorch ``module:callable``, which runs the user's code.

    Parameters
    ----------
    input_shapes
        For what the model leaves open.
    unsupported
        ``refuse`` operators that mbcost does not know, or ``estimate`` them by their traffic.
    until
        Name of a tensor of a file at which the network ends.
    resolution
        Height and width of the image where a file leaves them open [pixels].

    Raises
    ------
    InputError
        With every problem of the model.
    """
    text, shapes = fspath(model), dict(input_shapes or {})
    suffix = Path(text).suffix.lower()
    if ANY_INPUT in shapes and len(shapes) > 1:
        fail(
            "MB010",
            "one of several input shapes has no name",
            hint="such as {'tokens': (1, 77)}, on the command line --input-shape tokens=1x77",
        )
    if suffix in FORMATS:
        return _read(FORMATS[suffix], text, shapes, unsupported, until, resolution)
    if not is_callable(text):
        fail("MB006", f"{text[:100]} is neither {' nor '.join(FORMATS)} nor module:callable")
    if set(shapes) - {ANY_INPUT}:
        hint = "for several inputs, let the callable return (module, example_inputs)"
        fail("MB010", "the shape of a PyTorch module's input is given without a name", hint=hint)
    from mbcost.importers.pytorch import load_torch

    return load_torch(text, shapes.get(ANY_INPUT), unsupported=unsupported)


def _read(
    model: ModelFormat,
    path: str,
    shapes: Mapping[str, tuple[int, ...]],
    unsupported: Unsupported,
    until: str | None,
    resolution: Resolution | None,
) -> ArchitectureSpec:
    module, _, name = model.reader.partition(":")
    more: dict[str, object] = {}
    if model.named_tensors:
        more = {"input_shapes": shapes, "until": until, "resolution": resolution}
    elif shapes:
        fail("MB010", f"the shapes of a {model.name} file are fixed", hint="leave out `input_shape=...`")
    read: Callable[..., ArchitectureSpec] = getattr(import_module(f"{__name__}.{module}"), name)
    return read(path, unsupported=unsupported, **more)


def is_callable(text: str) -> bool:
    """Whether `text` is a PyTorch ``module:callable``, which is code."""
    return _CALLABLE.fullmatch(text) is not None and not os.path.exists(text)
