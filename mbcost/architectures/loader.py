"""Reading architecture tables: YAML files and those that ship with mbcost."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from mbcost.architectures.expressions import is_name
from mbcost.architectures.names import KEY_ALIASES
from mbcost.architectures.scaling import WidthRule
from mbcost.architectures.spec import ArchitectureSpec, OptionValue, Row
from mbcost.architectures.table import SCOPE_NAMES, Cell, TableReader, parse_shape
from mbcost.errors import InputError, Problem, did_you_mean, fail
from mbcost.files import Document, load_yaml
from mbcost.operators import OPERATOR_BY_NAME, TensorShape

TABLES: Final = Path(__file__).parent / "tables"

#: Keys of an architecture file, with what they mean.
FILE_KEYS: Final[dict[str, str]] = {
    "name": "short name, as on the command line",
    "title": "name as it is printed",
    "source": "citation of the paper or code that the table comes from",
    "note": "anything that a reader of the table should know",
    "input": "height x width x channels of the input at rho = 1",
    "options": "what the table leaves open, with default values, such as `classes: 1000`",
    "width": "the rule of the width multiplier alpha: {rule: truncate | make_divisible, divisor, minimum, source}",
    "defaults": "keys that rows of an operator have unless they say otherwise",
    "blocks": "named sequences of rows with parameters",
    "columns": "the keys of rows that are given as lists",
    "layers": "the table",
    "outputs": "names of rows whose outputs are the network's; default: the last row",
}
REQUIRED_KEYS: Final = ("name", "source", "input", "layers")


def load_architecture(path: Path, shown: str | None = None) -> ArchitectureSpec:
    """Read an architecture table from a YAML file.

    Raises
    ------
    InputError
        Every problem of the file, with its place. Whether the shapes fit together is checked when a graph is built
        (:func:`mbcost.graph.check_architecture`).
    """
    return read_architecture(load_yaml(path, shown))


def architecture_names() -> tuple[str, ...]:
    """Names of the architectures that ship with mbcost."""
    return tuple(sorted(path.stem for path in TABLES.glob("*.yaml")))


#: Finds contradictions in an architecture; injected, since they show only when a graph is built, a layer above.
Check: TypeAlias = Callable[[ArchitectureSpec], Sequence[Problem]]


def find_architecture(text: str, check: Check | None = None) -> ArchitectureSpec:
    """The architecture of a built-in name (``mobilenet_v2`` or ``mobilenet_v2.yaml``) or of a file.

    A file of that name in the working directory comes before the built-in table. What was read is kept until the file
    changes.

    Parameters
    ----------
    check
        Called once on what was read; its problems are raised.

    Raises
    ------
    InputError
        MB200 with the nearest names if there is neither; the problems of the file otherwise.
    """
    path = Path(text)
    try:
        is_path = path.exists() or os.sep in text or "\0" in text
    except (OSError, ValueError):
        fail("MB200", f"`{text[:100]}` is neither an architecture nor a file")
    bare = text.removesuffix(".yaml").removesuffix(".yml")
    if path.is_file() or (is_path and not (path.is_dir() and bare in architecture_names())):
        return _load_cached(text, *_stamp(path), None, check)
    builtin = TABLES / f"{bare}.yaml"
    if bare in architecture_names():
        return _load_cached(str(builtin), *_stamp(builtin), f"{bare}.yaml", check)
    hint = did_you_mean(bare, architecture_names())
    fail("MB200", f"no architecture or file `{text[:100]}`", hint=hint or "`mbcost architectures` lists what ships")


@lru_cache(maxsize=64)
def _load_cached(path: str, _mtime_ns: int, _size: int, shown: str | None, check: Check | None) -> ArchitectureSpec:
    spec = load_architecture(Path(path), shown)
    problems = check(spec) if check else ()
    if problems:
        raise InputError(problems)
    return spec


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def read_architecture(document: Document) -> ArchitectureSpec:
    """The architecture that a parsed YAML document describes; see :func:`load_architecture`."""
    data = document.data
    if not isinstance(data, dict):
        fail("MB103", "an architecture file is a mapping with name, source, input and layers", document.value())
    header = _Header(document, data)
    problems = header.problems
    header.check_keys()
    options = header.options()
    reader = TableReader(document, options, header.defaults(), header.columns(), problems=problems)
    for name, value in header.mapping("blocks").items():
        reader.block(name, value)
    rows: tuple[Row, ...] = ()
    if "layers" in data:
        rows = reader.rows(("layers",), data["layers"], SCOPE_NAMES | frozenset(options), None)
    shape = header.input_shape()
    width = header.width()
    name, title, source = header.text("name"), header.text("title"), header.text("source")
    outputs = header.outputs()
    if problems:
        raise InputError(sorted(problems, key=_place))
    return ArchitectureSpec(
        name=name,
        title=title or name,
        source=source,
        input_shape=shape,
        options=options,
        width=width,
        rows=rows,
        outputs=outputs,
        origin=document.path,
        note=header.text("note"),
    )


def _place(problem: Problem) -> tuple[int, int]:
    where = problem.location
    return (where.line, where.column) if where else (0, 0)


class _Header:
    """The keys of a file beside its rows."""

    def __init__(self, document: Document, data: Mapping[str, Any]) -> None:
        self.document = document
        self.data = data
        self.problems: list[Problem] = []

    def problem(self, code: str, message: str, *path: str | int, hint: str | None = None, key: bool = False) -> None:
        place = self.document.key(*path) if key else self.document.value(*path)
        self.problems.append(Problem(code, message, place, hint))

    def check_keys(self) -> None:
        for key in self.data:
            if key not in FILE_KEYS:
                hint = did_you_mean(key, FILE_KEYS) or f"known: {', '.join(FILE_KEYS)}"
                self.problem("MB101", f"unknown key `{key}`", key, hint=hint, key=True)
        for key in REQUIRED_KEYS:
            if self.data.get(key) is None:
                self.problem("MB102", f"`{key}` is missing: {FILE_KEYS[key]}", *([key] if key in self.data else []))

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip() or len(value) > 10_000:
            self.problem("MB103", f"`{key}` has to be text", key)
            return ""
        return value.strip()

    def mapping(self, key: str) -> Mapping[str, Any]:
        value = self.data.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.problem("MB103", f"`{key}` has to be a mapping", key)
            return {}
        return value

    def input_shape(self) -> TensorShape:
        value = self.data.get("input")
        shape = parse_shape(value)
        if shape is None:
            if value is not None:
                self.problem("MB103", f"`{value}` is not an input size such as 224x224x3", "input")
            return TensorShape(1, 1, 1)
        return shape

    def options(self) -> dict[str, OptionValue]:
        result: dict[str, OptionValue] = {}
        for name, value in self.mapping("options").items():
            if not is_name(name) or name in SCOPE_NAMES:
                self.problem("MB206", f"`{name}` cannot name an option", "options", name, key=True)
            elif not isinstance(value, (bool, int, float)):
                self.problem("MB103", "an option's default is a number, true or false", "options", name)
            else:
                result[name] = value
        return result

    def width(self) -> WidthRule | None:
        data = self.mapping("width")
        if not data:
            return None
        keys = ("rule", "divisor", "minimum", "source")
        for key in data:
            if key not in keys:
                self.problem(
                    "MB101", f"unknown key `{key}` in `width`", "width", key, hint=did_you_mean(key, keys), key=True
                )
        rule = data.get("rule")
        if rule not in {"truncate", "make_divisible"}:
            self.problem("MB103", f"`{rule}` is not a width rule", "width", "rule", hint="truncate or make_divisible")
            return None
        numbers = {}
        for key in ("divisor", "minimum"):
            value = data.get(key, 8)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1024:
                self.problem("MB103", f"`{key}` is a whole number from 1 to 1024", "width", key)
                value = 8
            numbers[key] = value
        return WidthRule(rule, numbers["divisor"], numbers["minimum"], str(data.get("source") or ""))

    def defaults(self) -> dict[str, dict[str, Cell]]:
        result: dict[str, dict[str, Cell]] = {}
        for operator, keys in self.mapping("defaults").items():
            if operator not in OPERATOR_BY_NAME:
                hint = did_you_mean(operator, OPERATOR_BY_NAME)
                self.problem(
                    "MB201", f"unknown operator `{operator}` in `defaults`", "defaults", operator, hint=hint, key=True
                )
            elif not isinstance(keys, dict):
                self.problem("MB103", "defaults of an operator are a mapping", "defaults", operator)
            else:
                result[operator] = {
                    KEY_ALIASES.get(key.lower(), key.lower()): Cell(
                        value,
                        self.document.key("defaults", operator, key),
                        self.document.value("defaults", operator, key),
                    )
                    for key, value in keys.items()
                    if value is not None
                }
        return result

    def columns(self) -> tuple[str, ...]:
        value = self.data.get("columns")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value) or not value:
            self.problem("MB103", "`columns` is a list of keys", "columns")
            return ()
        return tuple(value)

    def outputs(self) -> tuple[str, ...]:
        value = self.data.get("outputs")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.problem("MB103", "`outputs` is a list of names of rows", "outputs")
            return ()
        return tuple(value)
