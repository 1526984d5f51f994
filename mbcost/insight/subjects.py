"""Subjects of ``mbcost compare``: networks, each with its own configuration and target where it names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mbcost.architectures.scaling import read_resolution
from mbcost.checks import read_value
from mbcost.errors import did_you_mean, fail, printable
from mbcost.networks import Network

if TYPE_CHECKING:
    from mbcost.architectures import ArchitectureSpec
    from mbcost.architectures.spec import OptionValue

_SETTINGS: Final = ("alpha", "rho", "resolution", "batch", "precision", "threads", "device", "host", "outside")
_WHOLE: Final = frozenset({"batch", "threads"})
_REAL: Final = frozenset({"alpha", "rho"})
#: A model's path or a function of a module, which may hold an ``@`` of its own.
_FILE: Final = re.compile(r"\.(ya?ml|onnx|tflite|md|tsv|txt)$|:", re.IGNORECASE)
_SIZE: Final = re.compile(r"(?P<alpha>[\d.]+)?(?:/(?P<resolution>\d+(?:x\d+)?))?")
_SYNTAX: Final = "such as mobilenet_v2@0.75/192 or mobilenet_v2@1/224,device=pixel4,precision=int8"


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of a comparison.

    Attributes
    ----------
    network
        As ``mbcost analyze`` takes it.
    configuration
        Its own arguments of :func:`mbcost.analyze`.
    options
        Options of its table.
    device
        Its target, if it names one.
    """

    network: Network
    configuration: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    device: str | None = None


def read_subject(network: Network) -> Subject:
    """A network with its own settings: ``MODEL[@ALPHA[/RESOLUTION]][,NAME=VALUE...]``.

    ``NAME`` is alpha, rho, resolution, batch, precision, threads, device, host, outside, or an option of the table. If
    the whole text names an existing file, it is that file.

    Raises
    ------
    InputError
        MB010 for what is none of these, or set twice.
    """
    if not isinstance(network, str) or _is_file(network):
        return Subject(network)
    text = network
    first, *settings = text.split(",")
    model, configuration = _split_size(first, text)
    options: dict[str, OptionValue] = {}
    device, host = None, {}
    for setting in settings:
        name, equals, value = (part.strip() for part in setting.partition("="))
        if not name or not equals or not value:
            fail("MB010", f"`{setting}` in `{text}` is not NAME=VALUE", hint=_SYNTAX)
        if name in configuration or name in options or name in host or (name == "device" and device):
            fail("MB010", f"`{text}` sets {name} twice", hint="leave out one of them")
        if name == "device":
            device = value
        elif name in {"host", "outside"}:
            host[name] = value
        elif name in _SETTINGS:
            configuration[name] = _value(name, value, text)
        else:
            options[name] = read_value(f"`{setting}` in `{text}`", value)
    if "rho" in configuration and "resolution" in configuration:
        fail("MB010", f"`{text}` sets both rho and resolution", hint="leave out one")
    if host and device is None:
        fail("MB010", f"{' and '.join(host)} in `{text}` need a device", hint=_SYNTAX)
    target = ",".join([device or "", *(f"{name}={host[name]}" for name in ("host", "outside") if name in host)])
    return Subject(model, configuration, options, target or None)


def _is_file(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False


def _split_size(first: str, text: str) -> tuple[str, dict[str, Any]]:
    """The model, and what its ``@ALPHA/RESOLUTION`` says."""
    model, at, size = first.rpartition("@")
    if not at or not model or _FILE.search(size):
        return first, {}
    match = _SIZE.fullmatch(size)
    if match is None or not size:
        hint = f"a target is `{model},device={size}`" if size[:1].isalpha() else _SYNTAX
        fail("MB010", f"`@{size}` in `{text}` is not @ALPHA, @ALPHA/RESOLUTION or @/RESOLUTION", hint=hint)
    found = {name: value for name, value in match.groupdict().items() if value}
    return model, {name: _value(name, value, text) for name, value in found.items()}


def _value(name: str, value: str, text: str) -> Any:
    try:
        if name == "resolution":
            return read_resolution(value)
        if name in _WHOLE:
            return int(value)
        return float(value) if name in _REAL else value
    except ValueError:
        if name == "resolution":
            kind = "a whole number or HEIGHTxWIDTH"
            fail("MB010", f"{name} in `{text}` is `{value}`, which is not {kind}", hint=_SYNTAX)
        kind = "a whole number" if name in _WHOLE else "a number"
        fail("MB010", f"{name} in `{text}` is `{value}`, which is not {kind}", hint=_SYNTAX)


def arguments_of(subject: Subject, spec: ArchitectureSpec, shared: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of :func:`mbcost.analyze` for a subject: its own, and for the rest the shared ones.

    Raises
    ------
    InputError
        MB010 for an option that its table does not have.
    """
    for name in subject.options:
        if name not in spec.options:
            known = [*_SETTINGS, *spec.options]
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            fail("MB010", f"{spec.name} has no setting or option `{printable(name, 60)}`", hint=hint)
    arguments = {**shared, **subject.configuration}
    if "resolution" in subject.configuration:
        arguments["rho"] = subject.configuration.get("rho")
    elif "rho" in subject.configuration:
        arguments["resolution"] = None
    return {**arguments, "options": {**shared["options"], **subject.options}}
