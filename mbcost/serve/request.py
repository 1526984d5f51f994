"""What a page asks for: checked once, and written as the command that does the same."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from mbcost.checks import Checks
from mbcost.errors import InputError, Problem, fail

Kind: TypeAlias = Literal["analyze", "compare", "sweep", "pick"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
#: Most networks and targets of one request. Chosen: `compare` takes six subjects, a page shows a dozen targets.
_MOST_NETWORKS: Final = 6
_MOST_DEVICES: Final = 12
_LONGEST_TEXT: Final = 200
#: What a target may not be from a page: the path of a file of this machine.
_PATH: Final = re.compile(r"(?i)\.ya?ml|[\\\0]|^[~.]|/.*/")
_NAME: Final = re.compile(r"[A-Za-z0-9_.+-]{1,100}")


class Asked(NamedTuple):
    """What is asked for.

    Attributes
    ----------
    kind
        The command.
    networks
        Keys of uploads and built-in names: ``("upload", key)`` or ``("name", name)``.
    devices
        Targets.
    alpha, resolution, precision, threads
        Texts as the command takes them: of a sweep or a pick with several values or ranges.
    budget
        Limits of a pick.
    batch
        Images an inference.
    estimate
        Whether unknown operators are estimated.
    """

    kind: Kind
    networks: tuple[tuple[str, str], ...]
    devices: tuple[str, ...]
    alpha: str | None = None
    resolution: str | None = None
    precision: str | None = None
    threads: str | None = None
    budget: tuple[str, ...] = ()
    batch: int | None = None
    estimate: bool = False

    @property
    def is_grid(self) -> bool:
        """Whether its settings may have several values."""
        return self.kind in {"sweep", "pick"}

    def command(self, names: Mapping[str, str]) -> str:
        """The command line that does the same; `names` are those of uploads by their keys."""
        words = ["mbcost", self.kind, *(names.get(text, text) for _, text in self.networks)]
        for device in self.devices:
            words += ["--device", device]
        for limit in self.budget:
            words += ["--budget", limit]
        for name in ("alpha", "resolution", "precision", "threads", "batch"):
            value = getattr(self, name)
            words += [] if value is None else [f"--{name}", str(value)]
        return shlex.join([*words, *(["--unsupported", "estimate"] if self.estimate else [])])


def read_request(data: Any) -> Asked:
    """A request of a page.

    Raises
    ------
    InputError
        MB010 for every field that is wrong, MB300 for a device that is the path of a file.
    """
    if not isinstance(data, dict):
        fail("MB010", "a request is a JSON object")
    checks = Checks()
    for name in data.keys() - {*Asked._fields}:
        checks.add([Problem("MB010", f"a request has no field `{str(name)[:50]}`")])
    kind = checks.word("kind", data.get("kind"), KINDS)
    estimate = checks.flag("estimate", data.get("estimate", False))
    texts = {name: _text(checks, name, data.get(name)) for name in ("alpha", "resolution", "precision", "threads")}
    batch = data.get("batch")
    if batch is not None:
        batch = checks.whole("batch", batch, least=1, most=2**20)
    networks = _collect(checks, lambda: _networks(data.get("networks")))
    devices = _collect(checks, lambda: _devices(data.get("devices")))
    budget = _collect(checks, lambda: _texts("budget", data.get("budget", []), _MOST_DEVICES))
    if kind == "analyze" and len(networks) > 1:
        checks.add([Problem("MB010", "analyze takes one network", hint="compare takes several")])
    if kind == "pick" and not budget:
        checks.add([Problem("MB010", "a budget is missing", hint="such as 30ms, 25fps or '300M MACs'")])
    checks.done()
    return Asked(kind, networks, devices, budget=budget, batch=batch, estimate=estimate, **texts)


def _collect(checks: Checks, read: Any) -> Any:
    try:
        return read()
    except InputError as error:
        checks.add(error.problems)
        return ()


def _text(checks: Checks, name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:g}"
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        checks.add([Problem("MB010", f"{name} is no text of at most {_LONGEST_TEXT} characters")])
        return None
    return value.strip() or None


def _texts(name: str, value: Any, most: int) -> tuple[str, ...]:
    right = isinstance(value, list) and all(isinstance(each, str) and 0 < len(each) <= _LONGEST_TEXT for each in value)
    if not right or len(value) > most:
        fail("MB010", f"{name} is no list of at most {most} texts")
    return tuple(value)


def _networks(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_NETWORKS:
        fail("MB010", f"a request has 1 to {_MOST_NETWORKS} networks", hint="drop a file, or choose one by its name")
    found = []
    for each in value:
        if not isinstance(each, dict) or len(each) != 1 or not {"upload", "name"} & each.keys():
            fail("MB010", "a network is {upload: KEY} or {name: NAME}")
        ((which, text),) = each.items()
        if not isinstance(text, str) or not _NAME.fullmatch(text):
            fail("MB200", f"no architecture `{str(text)[:100]}`", hint="`mbcost architectures` lists what ships")
        found.append((which, text))
    return tuple(found)


def _devices(value: Any) -> tuple[str, ...]:
    devices = _texts("devices", value, _MOST_DEVICES)
    if not devices:
        fail("MB010", "a device is missing", hint="such as pixel1")
    for device in devices:
        check_target(device)
    return devices


def check_target(text: str) -> None:
    """Check that a text names a target of the catalogue: a page names no file of this machine.

    Raises
    ------
    InputError
        MB300 for a path.
    """
    if _PATH.search(text):
        hint = "`mbcost devices list` shows the names; put a file of yours into your own folder of devices"
        fail("MB300", f"`{text[:100]}` is a path, a page takes names of the catalogue", hint=hint)
