"""Importers: networks from ONNX, TFLite and PyTorch, as the same :class:`~mbcost.architectures.ArchitectureSpec`.

Each format's package is imported when a model of it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Final, TypeAlias

from mbcost.architectures import ArchitectureSpec
from mbcost.errors import fail
from mbcost.words import Unsupported

#: Shapes as the format has them (``(1, 3, 224, 224)``), by input; without a name that of the image.
InputShapes: TypeAlias = Mapping[str, tuple[int, ...]]

#: The key of :data:`InputShapes` for the only, or the first, input.
ANY_INPUT: Final = ""
_CALLABLE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def is_model(text: str) -> bool:
    """Whether `text` names an ONNX or TFLite file, or a PyTorch callable, rather than a table."""
    return Path(text).suffix.lower() in {".onnx", ".tflite"} or is_callable(text)


def import_model(
    model: str | PathLike[str], input_shapes: InputShapes | None = None, unsupported: Unsupported = "refuse"
) -> ArchitectureSpec:
    """The network of a model file, by its suffix, or of a PyTorch ``module:callable``, which runs the user's code.

    Parameters
    ----------
    input_shapes
        For what the model leaves open.
    unsupported
        ``refuse`` operators that mbcost does not know, or ``estimate`` them by their traffic.

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
    if suffix == ".onnx":
        from mbcost.importers.onnx import read_onnx

        return read_onnx(text, shapes.get(ANY_INPUT) if set(shapes) == {ANY_INPUT} else shapes, unsupported)
    if suffix == ".tflite":
        from mbcost.importers.tflite import read_tflite

        if shapes:
            fail("MB010", "the shapes of a TFLite file are fixed", hint="leave out `input_shape=...`")
        return read_tflite(text, unsupported)
    if not is_callable(text):
        fail("MB006", f"{text[:100]} is neither .onnx nor .tflite nor module:callable")
    if set(shapes) - {ANY_INPUT}:
        hint = "for several inputs, let the callable return (module, example_inputs)"
        fail("MB010", "the shape of a PyTorch module's input is given without a name", hint=hint)
    from mbcost.importers.pytorch import load_torch

    return load_torch(text, shapes.get(ANY_INPUT), unsupported=unsupported)


def is_callable(text: str) -> bool:
    """Whether `text` is a PyTorch ``module:callable``, which is code."""
    return _CALLABLE.fullmatch(text) is not None and not Path(text).exists()
