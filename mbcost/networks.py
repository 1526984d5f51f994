"""Networks by whatever names them: a built-in name, a table, a model file, a PyTorch callable or module."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any, Final, Protocol, TypeAlias

from mbcost.architectures import ArchitectureSpec, find_architecture
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
    resolution: int | None = None,
) -> ArchitectureSpec:
    """The architecture of a built-in name, a YAML table, an ONNX or TFLite file, or of PyTorch code.

    A table is checked for consistency at alpha = rho = 1.

    Parameters
    ----------
    network
        A name, a path, a PyTorch ``module:callable`` (which runs its code), an ``nn.Module``, or an architecture, which
        is returned as it is.
    input_shape
        Shape of a model's only input, with the batch, such as ``(1, 3, 224, 224)``: for dimensions that its file leaves
        open, and for a module.
    input_shapes
        The same for several inputs, by their names.
    unsupported
        ``refuse`` operators of a model that mbcost does not know, or ``estimate`` them by their traffic.
    until
        Name of a tensor of an ONNX or TFLite file at which the network ends, such as the input of what follows a
        detector.
    resolution
        Height and width of the image where a model's file leaves them open [pixels].

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
        if shapes:
            fail("MB010", "a loaded architecture says what its input is", hint="leave out `input_shape=...`")
        return network
    if _is_module(network):
        return _from_module(network, shapes, unsupported)
    text = _text(network)
    if os.path.exists(text):  # a built-in name is none, and needs no look at files
        from mbcost.importers.other_files import refuse_other_kind

        refuse_other_kind(text)
    if is_model(text):
        # a resolution that is none is an error of the analysis, which says so beside its other ones
        side = resolution if isinstance(resolution, int) and 0 < resolution <= MAX_SIDE else None
        return import_model(text, shapes, unsupported, until=until, resolution=side)
    if shapes:
        fail("MB010", "a table says what its input is", hint="leave out `input_shape=...`; `resolution=...` changes it")
    return find_architecture(text, check=check_architecture)


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
