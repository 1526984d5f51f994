"""Which network a log is of: a file where the log has it, a file beside the log, or an architecture that ships."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final, NamedTuple

from mbcost.architectures.limits import MAX_RESOLUTION
from mbcost.architectures.loader import architecture_names
from mbcost.calibration.logs.log import Reading
from mbcost.errors import Problem, did_you_mean
from mbcost.files import is_file
from mbcost.importers import FORMATS

#: Words in the names of files that say a precision.
_PRECISIONS: Final = {
    "quant": "int8", "int8": "int8", "uint8": "int8", "qat": "int8", "fp16": "fp16", "float16": "fp16", "fp32": "fp32",
    "float32": "fp32", "float": "fp32",
}  # fmt: skip
_ALPHA: Final = re.compile(r"[0-2]\.\d{1,2}")
_SIDE: Final = re.compile(r"\d{2,4}")
_SUFFIXES: Final = (*FORMATS, ".yaml", ".yml")


class Network(NamedTuple):
    """A network that a log names.

    Attributes
    ----------
    architecture
        A file, or the name of an architecture that ships.
    precision
        What the name says of it; empty where it says nothing.
    by_name
        Whether the name alone says what it is.
    """

    architecture: str
    alpha: float = 1.0
    resolution: int | None = None
    precision: str = ""
    by_name: bool = False


class Names:
    """The networks that a command was told, by the names in logs or those of the logs."""

    def __init__(self, given: Sequence[str] = (), known: Mapping[str, Network] | None = None) -> None:
        self.known = known or {}
        pairs = [text.partition("=") for text in given]
        self.named = {name: model for name, equals, model in pairs if equals}
        self.all = next((name for name, equals, _ in pairs if not equals), "")

    def doubts(self, readings: Sequence[Reading]) -> list[Problem]:
        """What is wrong with one network for logs that name several."""
        names = dict.fromkeys(each.network for each in readings if each.network and each.network not in self.known)
        others = [name for name in names if name not in self.named and _base(name) not in self.named]
        if not self.all or len({_stem(name) for name in others}) < 2:
            return []
        hint = " ".join(f"--network {_base(name)}=MODEL" for name in others[:3])
        message = f"the logs name {len(others)} networks, `{self.all}` is one"
        return [Problem("MB606", message, readings[0].location, hint)]

    def network_of(self, reading: Reading) -> Network | Problem:
        """The network of a reading, or what is wrong."""
        if reading.network in self.known:
            return self.known[reading.network]
        log = Path(reading.location.path)
        keys = (reading.network, _base(reading.network), log.name)
        told = next((self.named[key] for key in keys if key in self.named), self.all)
        precision = precision_in(reading.network)
        if told:
            found = told if is_file(Path(told)) else shipped(told)
            return (
                Network(told, precision=precision)
                if isinstance(found, str) or found is None
                else _with(found, precision)
            )
        name = reading.network
        if not name:
            hint = f"name it: `--network MODEL`, or `--network {log.name}=MODEL`"
            return Problem("MB606", f"{log} does not say which network it measured", reading.location, hint)
        path = _file_of(name, log.parent)
        if path is not None:
            return Network(str(path), precision=precision)
        by_name = shipped(_base(name))
        if by_name is not None:
            return by_name
        near = did_you_mean(_stem(name), architecture_names())
        hint = f"`--network {_base(name)}=MODEL` says what it is" + (f"; {near}" if near else "")
        message = f"`{name[:100]}` is no file here or beside the log, and no architecture that ships"
        return Problem("MB606", message, reading.location, hint)


def _with(found: Network, precision: str) -> Network:
    return found._replace(precision=found.precision or precision, by_name=False)


def _file_of(name: str, folder: Path) -> Path | None:
    """The file of a name: as it is, or of the same name beside the log."""
    own = Path(name)
    if own.suffix.lower() in _SUFFIXES and is_file(own):
        return own
    base = _base(name)
    candidates = (
        [base] if Path(base).suffix.lower() in _SUFFIXES else [f"{_stem(base)}{suffix}" for suffix in _SUFFIXES]
    )
    return next((folder / each for each in candidates if is_file(folder / each)), None)


def _base(name: str) -> str:
    """The last part of a path of any system."""
    return PureWindowsPath(PurePosixPath(name).name).name or name


def _stem(name: str) -> str:
    base = _base(name)
    suffixes = (*_SUFFIXES, ".param", ".ort", ".mnn", ".pte", ".xml", ".bin")
    return next((base[: -len(suffix)] for suffix in suffixes if base.lower().endswith(suffix)), base)


def precision_in(name: str) -> str:
    """The precision that a file's name says; empty where it says none."""
    words = re.split(r"[-_.]", _stem(name).lower())
    return next((_PRECISIONS[word] for word in words if word in _PRECISIONS), "")


def shipped(name: str) -> Network | None:
    """The architecture that ships under a name as model zoos write it: ``mobilenet_v1_0.5_160_quant.tflite``."""
    words = [word for word in re.split(r"[-_]", _stem(name).lower()) if word]
    precision = precision_in(name)
    words = [word for word in words if word not in _PRECISIONS]
    known = _compact_names()
    alpha, resolution = 1.0, None
    while words and "".join(words) not in known:
        word = words.pop()
        if _ALPHA.fullmatch(word):
            alpha = float(word)
        elif _SIDE.fullmatch(word) and resolution is None and 0 < int(word) <= MAX_RESOLUTION:
            resolution = int(word)
        else:
            return None
    if not words or alpha <= 0:
        return None
    return Network(known["".join(words)], alpha, resolution, precision, by_name=True)


def _compact_names() -> Mapping[str, str]:
    return {name.replace("_", ""): name for name in architecture_names()}
