"""``module:callable`` of the command line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final

from mbcost.architectures.spec import ArchitectureSpec
from mbcost.errors import did_you_mean, fail
from mbcost.importers.pytorch.isolate import import_torch, last_line
from mbcost.importers.pytorch.network import from_torch
from mbcost.words import Unsupported

#: Module -> package of networks that is often named.
_PACKAGES: Final = {
    "torchvision": "torchvision",
    "timm": "timm",
    "transformers": "transformers",
    "ultralytics": "ultralytics",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
}


def load_torch(
    reference: str, input_shape: Sequence[int] | None = None, *, unsupported: Unsupported = "refuse"
) -> ArchitectureSpec:
    """The architecture of the network that ``module:callable`` makes.

    This imports the module, from the current folder too, and calls the callable: it runs their code. The callable takes
    no argument and returns an ``nn.Module``, or ``(module, example_input)``; it may also be an ``nn.Module`` itself.

    Parameters
    ----------
    reference
        Such as ``mynets:small``, or ``package.module:Net.tiny``.
    input_shape
        Sizes of the input with the batch, such as ``(1, 3, 224, 224)``; instead of an example from the callable.

    Raises
    ------
    InputError
        MB010 for a reference of another form, MB001 if there is no such module or callable, MB506 with the last line of
        the exception if the code raises one, MB502 if no shape of the input is given; and what :func:`from_torch` says.
    """
    import_torch()
    module, example = _made(reference)
    given = tuple(input_shape) if input_shape is not None else example
    if given is None:
        hint = "give `input_shape=(1, 3, 224, 224)`, or let the callable return (module, example_input)"
        fail("MB502", f"{reference} does not say what its input is", hint=hint)
    return from_torch(module, given, name=reference.rpartition(":")[2], unsupported=unsupported)


def _made(reference: str) -> tuple[Any, Any]:
    """The module and the example that a reference leads to."""
    torch = import_torch()
    target = _found(reference)
    if isinstance(target, torch.nn.Module):
        return target, None
    with _user_code(reference):
        made = target()
    if isinstance(made, tuple) and len(made) == 2:
        return made
    if not isinstance(made, torch.nn.Module):
        fail("MB010", f"{reference} returned {type(made).__name__}, not an nn.Module or (module, example_input)")
    return made, None


def _found(reference: str) -> Any:
    """The object behind ``module:path.to.object``."""
    home, _, path = reference.rpartition(":")
    if not all(part.isidentifier() for part in [*home.split("."), *path.split(".")]):
        fail("MB010", f"`{reference}` is not of the form module:callable, such as mynets:small")
    with _user_code(reference), _current_folder_on_path():
        try:
            target: Any = importlib.import_module(home)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{home}.".startswith(f"{error.name}."):
                raise
            hint = f"{_how_to_install(error.name)}; modules of this folder are found too"
            fail("MB001", f"there is no Python module `{error.name}` in this environment", hint=hint)
    for name in path.split("."):
        if not hasattr(target, name):
            fail("MB001", f"`{home}` has no `{path}`", hint=did_you_mean(name, dir(target)))
        target = getattr(target, name)
    if not callable(target):
        fail("MB010", f"{reference} is a {type(target).__name__}, which cannot be called")
    return target


def _how_to_install(module: str) -> str:
    """How to get a module; a command only for packages that are known, since another's name may be anybody's."""
    package = module.partition(".")[0]
    if package in _PACKAGES:
        return f"`python -m pip install {_PACKAGES[package]}`"
    return f"install the package that has `{package}`, into the environment of mbcost"


@contextmanager
def _user_code(reference: str) -> Iterator[None]:
    """Turns what the user's code raises into an error of one line; what it prints goes to stderr."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        if type(error).__module__ == "mbcost.errors":
            raise
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        fail("MB506", f"{reference} raised {last_line(error)}", hint=_how_to_install(missing) if missing else None)


@contextmanager
def _current_folder_on_path() -> Iterator[None]:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
