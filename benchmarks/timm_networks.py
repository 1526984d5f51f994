"""Networks of timm as architectures, each at an image size; built without weights, kept on disk once imported.

`pip install --no-deps timm huggingface_hub safetensors` beside PyTorch and PyYAML; torchvision is not needed.
"""

from __future__ import annotations

import importlib.util
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import mbcost
from mbcost.architectures import ArchitectureSpec
from mbcost.errors import InputError

#: What timm imports of torchvision: for its data loading and for frozen batch norms, neither of which is used here.
_STAND_INS: Final = (
    "torchvision",
    "torchvision.ops",
    "torchvision.ops.misc",
    "torchvision.datasets",
    "torchvision.models",
    "torchvision.models.feature_extraction",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)
_LONGEST: Final = 200


class UnknownNetworkError(Exception):
    """A network that cannot be built or read, and why."""


class _Anything(type):
    """A class whose every attribute is its name, as members of an enumeration."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class _StandIn(ModuleType):
    """A module in which every name is a class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = _Anything(name, (), {})
        setattr(self, name, found)
        return found


@contextmanager
def _torchvision() -> Iterator[None]:
    """The installed torchvision, or a stand-in while timm is imported."""
    if importlib.util.find_spec("torchvision") is not None:
        yield
        return
    made = {name: _StandIn(name) for name in _STAND_INS}
    for name, module in made.items():
        module.__path__ = []
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(made[parent], last, module)
    made["torchvision"].__version__ = "0.0"  # type: ignore[attr-defined]
    sys.modules |= made
    try:
        yield
    finally:
        for name in made:
            sys.modules.pop(name, None)


def import_timm() -> Any:
    """The package.

    Raises
    ------
    UnknownNetworkError
        If it is not installed.
    """
    with _torchvision():
        try:
            import timm
        except ImportError as error:
            raise UnknownNetworkError(
                f"{error}; pip install --no-deps timm huggingface_hub safetensors, beside torch"
            ) from None
    return timm


def network(name: str, side: int, cache: Path) -> ArchitectureSpec:
    """A network of timm at an image of side x side pixels, from `cache` or imported.

    Raises
    ------
    UnknownNetworkError
        If timm has no such network, it does not take the size, or mbcost cannot read it; that is kept in `cache` too.
    """
    path = cache / f"{name}-{side}.pickle"
    if path.is_file():
        with path.open("rb") as stream:
            found = pickle.load(stream)  # written below
    else:
        try:
            found = _imported(name, side)
        except UnknownNetworkError as error:
            found = str(error)
        cache.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_bytes(pickle.dumps(found))
        draft.replace(path)
    if isinstance(found, str):
        raise UnknownNetworkError(found)
    spec: ArchitectureSpec = found
    return spec


def cache_folder(beside: Path) -> Path:
    """The folder of imported networks, one for each version of what made them."""
    timm = import_timm()
    import torch

    return beside / f"timm-{timm.__version__}-torch-{torch.__version__}-mbcost-{mbcost.__version__}"


def _imported(name: str, side: int) -> ArchitectureSpec:
    module = built(name, side)
    try:
        spec = mbcost.from_torch(module, (1, 3, side, side), name="network")
    except InputError as error:
        messages = dict.fromkeys(problem.message for problem in error.problems)
        raise UnknownNetworkError(shortened("; ".join(messages))) from None
    return replace(spec, name=name)


def built(name: str, side: int | None = None) -> Any:
    """The module, for images of side x side pixels or its default size, without memory for its weights if it can be.

    Raises
    ------
    UnknownNetworkError
        If timm has no such network, or does not build it.
    """
    timm = import_timm()
    import torch

    if not timm.is_model(name):
        raise UnknownNetworkError(f"timm {timm.__version__} has no network of this name")
    reasons = []
    for device in ("meta", "cpu"):
        for sizes in ({"img_size": side}, {}) if side else ({},):
            try:
                with torch.device(device):
                    return timm.create_model(name, pretrained=False, **sizes).eval()
            except Exception as error:  # noqa: BLE001  # the network's own code
                reasons.append(str(error))
    raise UnknownNetworkError(shortened(reasons[-1]))


def shortened(text: str) -> str:
    """The text in one line of at most 200 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
