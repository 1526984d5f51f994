"""The defaults of a configuration file, checked, and given to commands, which print what takes effect in one line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from mbcost.cli.config import PROJECT, TABLE
from mbcost.cli.output import print_note
from mbcost.document import Source, Span
from mbcost.errors import InputError, Problem, did_you_mean, or_list, printable
from mbcost.files import read_text
from mbcost.words import LOWERINGS, MACS_CONVENTIONS, NORM_PARAMS, OUTSIDE, PRECISIONS, UNSUPPORTED

#: Key -> what its value is, and the words that it is one of, if it is.
_KEYS: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "device": ("a text or a list of texts", ()),
    "runtime": ("a text", ()),
    "host-device": ("a text", ()),
    "outside": ("a text", OUTSIDE),
    "precision": ("a text", PRECISIONS),
    "threads": ("a whole number above 0", ()),
    "batch": ("a whole number above 0", ()),
    "lowering": ("a text", LOWERINGS),
    "unsupported": ("a text", UNSUPPORTED),
    "params": ("a text", NORM_PARAMS),
    "macs": ("a text", MACS_CONVENTIONS),
    "max-ms": ("a number above 0", ()),
    "max-ram": ("a text", ()),
    "max-flash": ("a text", ()),
    "budget": ("a text or a list of texts", ()),
    "devices-folder": ("a text", ()),
}
#: Command -> the keys that hold for it; None for all that it has options for. `explain` asks what is not known.
_COMMANDS: Final[Mapping[str, frozenset[str] | None]] = {
    **dict.fromkeys(("analyze", "compare", "sweep", "pick", "stream"), None),
    **dict.fromkeys(("explain", "validate", "open"), frozenset({"device"})),
}
#: Keys whose value may be the path of a YAML file, which is relative to the file's folder.
_PLACES: Final = frozenset({"device", "runtime", "host-device"})
_YAML: Final = re.compile(r"(?i)\.ya?ml\b")
_AT: Final = re.compile(r"at line (\d+), column (\d+)")
_HEADER: Final = re.compile(r"\s*\[\s*([\w.\s-]+?)\s*\]\s*(#.*)?")
_KEY: Final = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([\w-]+))\s*=\s*")


class Defaults(NamedTuple):
    """The values of a file by key, and where they stand in it."""

    path: Path
    values: Mapping[str, Any]
    source: Source
    spans: Mapping[str, tuple[Span, Span]]

    @contextmanager
    def devices_folder(self) -> Iterator[None]:
        """The user's folder of devices is that of the file meanwhile, unless the environment names one."""
        folder = self.values.get("devices-folder")
        if folder is None or os.environ.get("MBCOST_DEVICES"):
            yield
            return
        os.environ["MBCOST_DEVICES"] = str((self.path.parent / Path(folder).expanduser()).absolute())
        try:
            yield
        finally:
            os.environ.pop("MBCOST_DEVICES", None)

    def apply(self, group: Any) -> None:
        """Give the commands of a group their defaults; each prints what takes effect when it is called."""
        for name, command in group.commands.items():
            keys = _COMMANDS.get(name, frozenset())
            command.context_settings = {**command.context_settings, "default_map": self._of(command, keys)}
            command.invoke = _Announced(self, command.invoke, with_runtime=name in _COMMANDS and keys is None)

    def _of(self, command: Any, keys: frozenset[str] | None) -> dict[str, Any]:
        """Parameter -> default of a command. Several devices are no default of a command that takes one."""
        found: dict[str, Any] = {}
        for parameter in command.params:
            key = parameter.name.replace("_", "-")
            if key not in self.values or (keys is not None and key not in keys):
                continue
            value = self.values[key]
            values = [self.placed(key, each) for each in (value if isinstance(value, list) else [value])]
            if parameter.multiple or len(values) == 1:
                found[parameter.name] = values if parameter.multiple else values[0]
        return found

    def placed(self, key: str, value: Any) -> Any:
        """A value, of which a path leads from the working directory."""
        return str(self.path.parent / value) if key in _PLACES and _YAML.search(str(value)) else value

    def runtime(self) -> str | None:
        """The default runtime.

        Raises
        ------
        InputError
            MB304 at its place if there is none of that name.
        """
        if "runtime" not in self.values:
            return None
        from mbcost.devices.runtimes import find_runtime

        name: str = self.placed("runtime", self.values["runtime"])
        try:
            find_runtime(name)
        except InputError as error:
            place = self.source.location(self.spans["runtime"][1])
            raise InputError([replace(problem, location=place) for problem in error.problems]) from None
        return name


class _Announced:
    """Calls a command, after a line with the defaults that take effect, which also become part of the command line."""

    def __init__(self, defaults: Defaults, invoke: Any, *, with_runtime: bool) -> None:
        self._defaults = defaults
        self._invoke = invoke
        self._with_runtime = with_runtime

    def __call__(self, context: Any) -> Any:
        shown: list[str] = []
        runtime = self._defaults.runtime() if self._with_runtime else None
        for device in (context.params.get("device") or ()) if runtime is not None else ():
            whole = _with_runtime(device, str(runtime))
            if whole != device:
                place = context.params["device"].index(device)
                context.params["device"] = [*context.params["device"]]
                context.params["device"][place] = whole
                context.obj = tuple(_replaced(word, device, whole) for word in context.obj or ())
                if f"runtime {runtime}" not in shown:
                    shown.append(f"runtime {runtime}")
        words: list[str] = []
        for parameter in context.command.params:
            source = context.get_parameter_source(parameter.name)
            if source is not None and source.name == "DEFAULT_MAP":
                value = context.params[parameter.name]
                option = max(parameter.opts, key=len)
                for each in value if isinstance(value, (list, tuple)) else [value]:
                    words += [option, f"{each:g}" if isinstance(each, float) else str(each)]
        context.obj = (*(context.obj or ()), *words)
        shown = [" ".join(words), *shown] if words else shown
        if "devices-folder" in self._defaults.values:
            shown.append(f"devices of {self._defaults.values['devices-folder']}")
        if shown:
            print_note(printable(f"{self._defaults.path}: {', '.join(shown)} (--no-config leaves it out)"))
        return self._invoke(context)


def _with_runtime(device: str, runtime: str) -> str:
    """A target with a runtime, if it names none and the runtime runs on it."""
    from mbcost.devices import resolve_target

    own, comma, settings = device.partition(",")
    if "@" in own:
        return device
    try:
        resolve_target(f"{own}@{runtime}")
    except InputError:
        return device
    return f"{own}@{runtime}{comma}{settings}"


def _replaced(word: str, device: str, whole: str) -> str:
    """A word of a command line with the whole target."""
    before, equals, after = word.partition("=") if word.startswith("--device=") else ("", "", word)
    return f"{before}{equals}{whole}" if after == device else word


# -- reading ----------------------------------------------------------------------------------------------------------


def read_defaults(path: Path) -> Defaults:
    """The defaults in a file.

    Raises
    ------
    InputError
        MB001 to MB005 if it cannot be read, MB103 for what is no TOML or a value of another type, MB101 for an unknown
        key; every one with its line and column.
    """
    import tomllib

    text = read_text(path)
    source = Source.of(text, str(path))
    try:
        data: Any = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or nested brackets
        at = _AT.search(str(error))
        line, column = (int(at[1]) - 1, int(at[2]) - 1) if at else (len(source.lines) - 1, 0)
        source.fail("MB103", f"{str(error).partition(' (at')[0]}", Span(line, column, column + 1), "this is no TOML")
    table = TABLE if path.name == PROJECT else ""
    for name in table.split(".") if table else ():
        data = data.get(name, {}) if isinstance(data, dict) else {}
    spans = _spans(source, table)
    problems = [
        problem
        for key, value in (data.items() if isinstance(data, dict) else ())
        if (problem := _problem(source, spans, key, value)) is not None
    ]
    if problems:
        raise InputError(problems)
    return Defaults(path, data, source, spans)


def _problem(source: Source, spans: Mapping[str, tuple[Span, Span]], key: str, value: Any) -> Problem | None:
    """What is wrong with a key or its value."""
    of_key, of_value = spans.get(key, (Span(0, 0, 1), Span(0, 0, 1)))
    if key not in _KEYS:
        hint = did_you_mean(key, _KEYS) or f"the keys are {', '.join(_KEYS)}"
        return Problem("MB101", f"unknown key `{printable(key, 50)}`", source.location(of_key), hint)
    kind, words = _KEYS[key]
    if words and value in words:
        return None
    if words:
        near = did_you_mean(value, words) if isinstance(value, str) else None
        return Problem("MB103", f"`{key}` has to be {or_list(words)}", source.location(of_value), near)
    if _is(kind, value):
        return None
    return Problem("MB103", f"`{key}` has to be {kind}", source.location(of_value))


def _is(kind: str, value: Any) -> bool:
    if kind.startswith("a text"):
        several = isinstance(value, list) and kind != "a text" and value != []
        return all(isinstance(each, str) and each.strip() != "" for each in (value if several else [value]))
    number = isinstance(value, int) if "whole" in kind else isinstance(value, (int, float))
    return number and not isinstance(value, bool) and 0 < value < float("inf")


def _spans(source: Source, table: str) -> dict[str, tuple[Span, Span]]:
    """Where keys and values of a table stand, which the parser does not tell: the first line that begins with each."""
    found: dict[str, tuple[Span, Span]] = {}
    current = ""
    for number, line in enumerate(source.lines):
        header = _HEADER.fullmatch(line)
        if header is not None:
            current = re.sub(r"\s", "", header[1])
            before = f"{table}." if table else ""
            if current.startswith(before) and current != table:  # a table inside of ours is a key of it
                key = current.removeprefix(before).partition(".")[0]
                span = Span(number, header.start(1), header.end(1))
                found.setdefault(key, (span, span))
            continue
        match = _KEY.match(line) if current == table else None
        if match is not None:
            index = match.lastindex or 0
            end = max(len(line.partition(" #")[0].rstrip()), match.end() + 1)
            of_key, of_value = Span(number, match.start(index), match.end(index)), Span(number, match.end(), end)
            found.setdefault(match[index], (of_key, of_value))
    return found
