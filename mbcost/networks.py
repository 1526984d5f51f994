"""Networks by whatever names them: a built-in name, a table, a model file, a PyTorch callable or module."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import Any, Final, Protocol, TypeAlias

from mbcost.architectures import ArchitectureSpec, Resolution, find_architecture
from mbcost.architectures.limits import MAX_BATCH, MAX_RESOLUTION
from mbcost.architectures.scaling import sides_of
from mbcost.errors import did_you_mean, fail, or_list
from mbcost.graph import check_architecture
from mbcost.importers import (
    ANY_INPUT,
    FORMATS,
    InputShapes,
    has_named_tensors,
    import_model,
    is_callable,
    is_model,
)
from mbcost.importers.imported import INPUT
from mbcost.words import UNSUPPORTED, Unsupported


class TorchModule(Protocol):
    """An ``nn.Module``, declared so that PyTorch need not be installed."""

    def eval(self) -> Any:
        """Switch to inference."""


#: The largest height and width that open sizes of a file are given [pixels].
MAX_SIDE: Final = 2**20

#: What names a network, or is one.
Network: TypeAlias = str | PathLike[str] | ArchitectureSpec | TorchModule


def load(
    network: Network,
    *,
    input_shape: Sequence[int] | None = None,
    input_shapes: InputShapes | None = None,
    unsupported: Unsupported = "refuse",
    until: str | None = None,
    resolution: Resolution | None = None,
) -> ArchitectureSpec:
    """The architecture of a built-in name, a YAML table, an ONNX or TFLite file, or of PyTorch code.

    A table is checked for consistency at alpha = rho = 1 and its own input.

    Parameters
    ----------
    network
        A name, a path, a PyTorch ``module:callable`` (which runs its code), an ``nn.Module``, or an architecture, which
        is returned as it is.
    input_shape
        Shape of a model's only input, with the batch, such as ``(1, 3, 224, 224)``: for dimensions that its file leaves
        open, for a module, and for a table instead of its own (channels first or last).
    input_shapes
        The same for several inputs, by their names.
    unsupported
        ``refuse`` operators of a model that mbcost does not know, or ``estimate`` them by their traffic.
    until
        Name of a tensor of an ONNX or TFLite file at which the network ends, such as the input of what follows a
        detector.
    resolution
        Height and width of the image where a model's file leaves them open [pixels]: a number, or a pair.

    Raises
    ------
    InputError
        Every problem of the file; MB200 with the nearest names if there is no such architecture.
    """
    if unsupported not in UNSUPPORTED:
        hint = did_you_mean(str(unsupported), UNSUPPORTED)
        fail("MB010", f"unsupported is `{unsupported}`, it is refuse or estimate", hint=hint)
    shapes = _shapes(input_shape, input_shapes)
    if until is not None and not (isinstance(network, (str, PathLike)) and has_named_tensors(network)):
        fail("MB010", "only an ONNX or TFLite file can end at a tensor", hint="leave out `until=...`")
    if isinstance(network, ArchitectureSpec):
        if shapes and network.imported:
            fail("MB010", "a loaded architecture says what its input is", hint="leave out `input_shape=...`")
        return _with_input(network, shapes, resolution)
    if _is_module(network):
        return _from_module(network, shapes, unsupported)
    text = _text(network)
    if os.path.exists(text):  # a built-in name is none, and needs no look at files
        from mbcost.importers.other_files import refuse_other_kind

        refuse_other_kind(text)
    if is_model(text):
        # a resolution that is none is an error of the analysis, which says so beside its other ones
        return import_model(text, shapes, unsupported, until=until, resolution=_sound(resolution))
    _refuse_code(text)
    return _with_input(find_architecture(text, check=check_architecture), shapes, resolution)


def _refuse_code(text: str) -> None:
    """Say how Python code is named, where a text looks like code that is named otherwise.

    Raises
    ------
    InputError
        MB200 for the path of a module with a function, and for an expression.
    """
    path = re.fullmatch(r"([\w./-]+)\.py:(\w+)", text)
    if path is not None:
        name = path[1].removeprefix("./").replace("/", ".")
        fail("MB200", f"`{text[:100]}` is a path", hint=f"Python code is named as it is imported: {name}:{path[2]}")
    if re.fullmatch(r"[\w.]+:\w+\(.*", text):
        call = text.replace(":", ".", 1)
        hint = f"write a function that returns it, `def net(): return {call[:60]}` in my_net.py, and give my_net:net"
        fail("MB200", f"`{text[:100]}` is an expression, not a function", hint=hint)


def _sound(resolution: Any) -> Resolution | None:
    """A resolution that is one."""
    sides = resolution if isinstance(resolution, tuple) and len(resolution) == 2 else (resolution,)
    good = all(isinstance(side, int) and 0 < side <= MAX_SIDE for side in sides)
    found: Resolution | None = resolution if good else None
    return found


def _with_input(
    spec: ArchitectureSpec, shapes: Mapping[str, tuple[int, ...]], resolution: Resolution | None
) -> ArchitectureSpec:
    """A table with another input than its own, and the batch that its shape states.

    Raises
    ------
    InputError
        MB010 for a shape that is none of an image with the table's channels, or beside a resolution that differs.
    """
    if not shapes:
        return spec
    base = spec.input_shape
    if len(shapes) > 1 or set(shapes) - {ANY_INPUT, INPUT}:
        fail("MB010", f"{spec.name} is a table: the shape of its image alone can be given", hint="without a name")
    (sizes,) = shapes.values()
    example = f"`input_shape=(1, {base.channels}, {base.height}, {base.width})`"
    batch, *image = sizes if len(sizes) == 4 else (1, *sizes)
    if len(image) != 3 or base.channels not in (image[0], image[-1]):
        text = "x".join(map(str, sizes))
        hint = f"batch, channels, height and width, such as {example}"
        fail("MB010", f"an input of {text} is no image of {base.channels} channels, which {spec.name} takes", hint=hint)
    first = (len(sizes) == 4 and image[0] == base.channels) or image[-1] != base.channels
    height, width = image[1:] if first else image[:2]
    if resolution is not None and sides_of(resolution) != (height, width):
        hint = "leave out one of them"
        fail("MB010", f"`input_shape=...` has {height}x{width} pixels, `resolution=...` says otherwise", hint=hint)
    if not 1 <= batch <= MAX_BATCH:
        fail("MB010", f"a batch of {batch:,} is out of range: 1 to {MAX_BATCH:,}")
    if height * width > MAX_RESOLUTION**2:
        fail("MB010", f"an input of {height}x{width} pixels is out of range")
    notes = (*spec.notes, f"The stated batch is {batch}.") if batch > 1 else spec.notes
    shape = base._replace(height=height, width=width)
    if (shape, batch) == (base, 1):
        return spec
    return replace(spec, input_shape=shape, stated_batch=batch, notes=notes)


def load_data(network: str) -> ArchitectureSpec:
    """The architecture that a file of data names: a table or a model file, never code.

    Raises
    ------
    InputError
        MB600 for a ``module:callable``, which would run code, and what :func:`load` raises.
    """
    if is_callable(network):
        kinds = or_list(["a table", *(f"a {suffix} file" for suffix in FORMATS)])
        hint = f"name {kinds}; `mbcost convert MODULE:CALLABLE net.yaml` makes a table"
        fail("MB600", f"`{network[:100]}` is code, which a file of data cannot name", hint=hint)
    return load(network)


def _shapes(input_shape: Sequence[int] | None, input_shapes: InputShapes | None) -> dict[str, tuple[int, ...]]:
    """Sizes by input; those of the only one under :data:`~mbcost.importers.ANY_INPUT`."""
    if input_shape is not None and input_shapes:
        fail("MB010", "input_shape and input_shapes were both given", hint="input_shapes has names")
    if input_shape is not None:
        return {ANY_INPUT: _sizes("input_shape", input_shape)}
    return {name: _sizes(f"input_shapes[{name!r}]", sizes) for name, sizes in (input_shapes or {}).items()}


def _sizes(name: str, sizes: Any) -> tuple[int, ...]:
    from mbcost.checks import Checks

    checks = Checks()
    if isinstance(sizes, (str, bytes)) or not isinstance(sizes, Sequence) or not 1 <= len(sizes) <= 8:
        checks.wrong(name, sizes, "one to eight sizes such as (1, 3, 224, 224)")
        checks.done()
    found = tuple(checks.whole(name, size, least=1, most=10**9) for size in sizes)
    checks.done()
    return found


def _is_module(network: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(network, torch.nn.Module)


def _from_module(module: Any, shapes: dict[str, tuple[int, ...]], unsupported: Unsupported) -> ArchitectureSpec:
    from mbcost.importers.pytorch import from_torch

    if set(shapes) != {ANY_INPUT}:
        hint = "such as `input_shape=(1, 3, 224, 224)`; mbcost.from_torch takes several inputs"
        fail("MB502", f"{type(module).__name__} does not say what its input is: input_shape is missing", hint=hint)
    return from_torch(module, shapes[ANY_INPUT], unsupported=unsupported)


def _text(network: Any) -> str:
    if isinstance(network, (str, PathLike)):
        text = fspath(network)
        if isinstance(text, str):
            return text
    hint = "a name, a path, a loaded architecture or an nn.Module"
    fail("MB010", f"network is of type {type(network).__name__}, which names no network", hint=hint)
